use std::collections::BTreeMap;

use super::section::Wrong;
use crate::source::Span;

/// What a workspace gives names to: its senders, its channels, its webhooks, its teams.
#[derive(Clone, Debug, PartialEq)]
pub struct Names<T>(pub(super) BTreeMap<String, Named<T>>);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named<T> {
    pub(super) span: Span,
    pub(super) value: Option<T>,
}

impl<T> Names<T> {
    /// What the name stands for; nothing where there is no such name, or where what it names has findings
    /// that leave nothing to work with.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.get(name)?.value.as_ref()
    }

    /// Where the name is declared, whether what it names is good or not.
    pub fn span(&self, name: &str) -> Option<Span> {
        self.0.get(name).map(|named| named.span)
    }

    /// All declared names with their places, by name.
    pub fn declared(&self) -> impl Iterator<Item = (&str, Span)> + Clone {
        self.0.iter().map(|(name, named)| (name.as_str(), named.span))
    }

    /// All that is named and good, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().filter_map(|(name, named)| Some((name.as_str(), named.value.as_ref()?)))
    }
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// The longest name, in characters.
const NAME_CHARACTERS_MAX: usize = 64;

/// Takes what journeys can write: `snake_case`, a letter first.
pub(super) fn name(text: &str) -> Result<(), Wrong> {
    let letters = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if letters && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.len() <= NAME_CHARACTERS_MAX {
        return Ok(());
    }
    let help = "a name is a letter, then letters, digits and `_`, at most 64 in all";
    Err(Wrong::value(format!("`{text}` cannot be a name"), help))
}
