//! The words that a template may use, for whoever helps to write one.

use super::{expression, filters, lexer, mjml_tags};

/// The addresses that every message has.
pub const ADDRESSES: [&str; 3] = expression::URL_NAMES;
/// Where such an address leads, in a sentence.
pub fn address(name: &str) -> Option<&'static str> {
    expression::URLS.iter().find_map(|(known, what)| (*known == name).then_some(*what))
}

/// The words that begin a statement.
pub const STATEMENTS: [&str; 7] = lexer::STATEMENTS;

/// A filter or a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub example: &'static str,
    /// What it does, in a sentence.
    pub what: &'static str,
}

impl Tool {
    fn of(rule: &filters::Rule) -> Self {
        Self { name: rule.name, example: rule.example, what: rule.what }
    }
}

/// The filters.
pub fn filters() -> impl Iterator<Item = Tool> {
    filters::FILTERS.iter().map(Tool::of)
}

/// The functions.
pub fn functions() -> impl Iterator<Item = Tool> {
    filters::FUNCTIONS.iter().map(Tool::of)
}

/// The tags of MJML that may stand in another; `None` asks for the outermost.
pub fn mjml_tags(parent: Option<&str>) -> impl Iterator<Item = &'static str> {
    let fits = move |tag: &&mjml_tags::MjmlTag| match parent {
        Some(parent) => tag.parents.contains(&parent),
        None => tag.parents.is_empty(),
    };
    mjml_tags::TAGS.iter().filter(fits).map(|tag| tag.name)
}

/// The attributes that a tag of MJML takes.
pub fn mjml_attributes(tag: &str) -> impl Iterator<Item = &'static str> {
    mjml_tags::mjml_tag(tag).into_iter().flat_map(mjml_tags::MjmlTag::attributes)
}

/// Whether nothing stands between the begin and the end of a tag of MJML.
pub fn is_empty_tag(tag: &str) -> bool {
    mjml_tags::mjml_tag(tag).is_some_and(|tag| tag.content == mjml_tags::Content::Nothing)
}
