//! What could be written at a place: whole clauses to be filled in, names, values.
//!
//! What can stand there the grammar says (`syntax::ahead`), which names there are the check; so a new clause is offered
//! as soon as it is in the grammar, and described as soon as it is in the table of [`words`](super::words).

mod journey;
mod names;
pub(in crate::ide) mod settings;
mod proposed;
mod snippet;
mod taken;
mod template;
mod types;
mod wanted;

use std::collections::HashSet;
use std::ops::Range;

use super::words::synonyms;
use super::{Analysis, NameKind, describe};
use crate::source::{SourceId, Span};
use crate::template::TemplateKind;

pub use snippet::plain;

/// Something that could be written at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What lists show.
    pub label: String,
    /// What is held against what has been begun, where that is more than the label: other words for the same.
    pub filter: Option<String>,
    /// What it is.
    pub kind: CompletionKind,
    /// A few words beside the label, such as the type of a field.
    pub detail: Option<String>,
    /// What it does, as Markdown; names are told only in short lists, for it takes a while.
    pub documentation: Option<String>,
    /// What a name belongs to, such as the journey of a stage.
    owner: Option<String>,
    /// What it takes the place of: the word that has been begun.
    pub replaces: Span,
    /// What is written. Places to be filled in are `${1:what}`, or `${1|one,other|}`, in the order of the numbers,
    /// `$0` is where one goes on, and a `}` inside of them is `\}`; the lines behind the first are indented from the
    /// line of the place on.
    pub insert: String,
    /// Whether `insert` has places to be filled in; where it has none, it is meant letter for letter.
    pub is_snippet: bool,
}

/// What a [`Completion`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// A word or a clause of the language.
    Word,
    /// A name.
    Name(NameKind),
    /// A value.
    Value,
    /// Something that a template can show.
    Variable,
    /// A filter or a function of templates.
    Function,
    /// A tag or an attribute of a template.
    Tag,
    /// A key of `lotse.yaml`.
    Setting,
    /// A file.
    File,
}

/// How many are offered at most; whoever goes on writing sees those that fit.
pub const COMPLETIONS_MAX: usize = 500;
/// How long a list is whose names are explained.
const EXPLAINED_MAX: usize = 50;

/// What could be written at a place, the likeliest first; what has been begun there is matched loosely.
pub fn completion(analysis: &Analysis, source: SourceId, offset: usize) -> Vec<Completion> {
    let file = analysis.files.sources.get(source);
    let offset = offset.min(file.text.len());
    if !file.text.is_char_boundary(offset) {
        return Vec::new();
    }
    let mut found = if analysis.files.config == Some(source) {
        settings::completion(analysis, source, offset)
    } else if file.path.ends_with(".journey") {
        journey::completion(analysis, source, offset)
    } else if let Some(kind) = TemplateKind::of_path(&file.path) {
        template::in_file(analysis, source, kind, offset)
    } else {
        Vec::new()
    };
    let begun =
        |item: &Completion| file.text.get(item.replaces.range().start..offset).unwrap_or("").to_lowercase();
    found.retain_mut(|item| item.fits(&begun(item)));
    // What begins so was rather meant than what merely has the letters, or is called so elsewhere.
    found.sort_by_key(|item| {
        let begun = begun(item);
        let starts = |text: &str| text.to_lowercase().starts_with(&begun);
        match &item.filter {
            _ if starts(&item.label) => 0,
            Some(filter) if starts(filter) => 1,
            _ => 2,
        }
    });
    found.truncate(COMPLETIONS_MAX);
    if found.len() <= EXPLAINED_MAX {
        found.iter_mut().for_each(|item| explain(analysis, item));
    }
    found
}

/// What a name stands for.
fn explain(analysis: &Analysis, item: &mut Completion) {
    if let (CompletionKind::Name(kind), None) = (item.kind, &item.documentation) {
        item.documentation = describe::name(analysis, kind, item.owner.as_deref(), &item.label);
    }
}

/// Whether the letters stand in a label in this order, capitals or not.
fn matches(begun: &str, label: &str) -> bool {
    let mut letters = label.chars().flat_map(char::to_lowercase);
    begun.chars().flat_map(char::to_lowercase).all(|wanted| letters.any(|letter| letter == wanted))
}

impl Completion {
    fn new(kind: CompletionKind, label: impl Into<String>, replaces: Span) -> Self {
        let label = label.into();
        Self {
            insert: label.clone(),
            label,
            filter: None,
            kind,
            detail: None,
            documentation: None,
            owner: None,
            replaces,
            is_snippet: false,
        }
    }

    /// Whether what has been begun, in small letters, can be meant to be this; other words that it may begin are told.
    fn fits(&mut self, begun: &str) -> bool {
        let others = match self.kind {
            CompletionKind::Word | CompletionKind::Name(NameKind::Channel) => synonyms(&self.label),
            _ => &[],
        };
        let (first, rest): (Vec<&str>, Vec<&str>) =
            others.iter().copied().partition(|other| !begun.is_empty() && other.starts_with(begun));
        let is_meant = matches(begun, &self.label) || !first.is_empty();
        if !others.is_empty() && is_meant {
            // Editors look from the beginning on.
            let label = [self.label.as_str()];
            let (one, two) = match self.label.to_lowercase().starts_with(begun) {
                true => (&label[..], &first[..]),
                false => (&first[..], &label[..]),
            };
            self.filter = Some([one, two, &rest[..]].concat().join(" "));
        }
        is_meant
    }

    fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    fn documentation(mut self, documentation: impl Into<String>) -> Self {
        self.documentation = Some(documentation.into());
        self
    }

    fn insert(mut self, insert: impl Into<String>) -> Self {
        self.insert = insert.into();
        self
    }

    fn snippet(mut self, insert: impl Into<String>) -> Self {
        self.insert = insert.into();
        self.is_snippet = self.insert.contains('$');
        self
    }
}

/// The word that has been begun before a place.
fn begun(text: &str, offset: usize, is_part: impl Fn(char) -> bool) -> Range<usize> {
    let before = text.get(..offset).unwrap_or("");
    before.trim_end_matches(is_part).len()..offset
}

/// Each label once, in the order of the list.
fn distinct(mut found: Vec<Completion>) -> Vec<Completion> {
    let mut seen = HashSet::new();
    found.retain(|item| seen.insert(item.label.clone()));
    found
}

#[cfg(test)]
mod tests;
