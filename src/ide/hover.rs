//! What stands under the pointer: what a clause does, what a name stands for.

mod length;
mod literal;

use super::completion::settings;
use super::outline::Outline;
use super::words::{self, Word};
use super::{Analysis, NameKind, describe};
use crate::config;
use crate::finding::Code;
use crate::language::syntax::{self, Leaf, Lies};
use crate::source::{SourceId, Span};
use crate::template::vocabulary;

/// What is said of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// What it is about.
    pub span: Span,
    /// What it is, as Markdown.
    pub markdown: String,
}

/// What is to be known of a place; `None` where nothing is.
pub fn hover(analysis: &Analysis, source: SourceId, offset: usize) -> Option<Hover> {
    of_name(analysis, source, offset).or_else(|| {
        if analysis.files.config == Some(source) {
            return of_setting(analysis, source, offset);
        }
        let file = analysis.files.sources.get(source);
        let in_journey = file.path.ends_with(".journey");
        match syntax::lies(&file.text, offset) {
            Lies::Open | Lies::Comment(_) if in_journey => of_clause(analysis, source, offset),
            _ => of_template_word(analysis, source, offset),
        }
    })
}

fn of_name(analysis: &Analysis, source: SourceId, offset: usize) -> Option<Hover> {
    let names = analysis.names_at(source, u32::try_from(offset).ok()?);
    let span = names.first()?.span;
    let mut texts: Vec<String> = Vec::new();
    for name in names {
        texts.extend(describe::name(analysis, name.kind, name.owner.as_deref(), &name.name));
    }
    texts.dedup();
    (!texts.is_empty()).then(|| Hover { span, markdown: texts.join("\n\n---\n\n") })
}

/// What a key of `lotse.yaml` says.
fn of_setting(analysis: &Analysis, source: SourceId, offset: usize) -> Option<Hover> {
    let outline = Outline::of(&analysis.files.sources.get(source).text, offset);
    let (entry, path) = outline.entry_at(offset)?;
    let key = config::key(&path, &entry.key)?;
    let span = Span::new(source, entry.key_range.start, entry.key_range.end);
    Some(Hover { span, markdown: settings::explained(key, &path) })
}

fn of_clause(analysis: &Analysis, source: SourceId, offset: usize) -> Option<Hover> {
    let text = &analysis.files.sources.get(source).text;
    let leaves = syntax::leaves(text, offset..offset);
    // Between two words the one behind is meant.
    let leaf = leaves.iter().rev().find(|leaf| leaf.range.start <= offset)?;
    let written = text.get(leaf.range.clone())?;
    if leaf.rule == "COMMENT" {
        return of_silence(written, source, leaf.range.start, offset);
    }
    let value = length::of_length(analysis, text, source, leaf)
        .or_else(|| literal::of_literal(analysis, text, source, leaf));
    if value.is_some() {
        return value;
    }
    let word = clause_of(leaf, written)?;
    let span = Span::new(source, leaf.range.start, leaf.range.end);
    Some(Hover { span, markdown: of_word(word) })
}

/// The entry of the table for a word of a text.
fn clause_of(leaf: &Leaf, written: &str) -> Option<&'static Word> {
    const WORDS: [&str; 6] =
        ["reaction_kind", "aggregate_kind", "scope", "setting_word", "unit", "type_word"];
    let is_word = leaf.rule.starts_with("k_") || leaf.rule.starts_with("name_") || WORDS.contains(&leaf.rule);
    let is_sign = !words::of(leaf.rule).is_empty();
    let is_key = leaf.rule == "name"
        && leaf
            .around
            .last()
            .is_some_and(|rule| matches!(*rule, "message_setting" | "field_type" | "channel"));
    let around = leaf.around.iter().rev().copied();
    let entries =
        std::iter::once(leaf.rule).chain(around).map(words::of).find(|entries| !entries.is_empty())?;
    let begins = |word: &&&Word| word.label.split([' ', '.']).next() == Some(written);
    let named = entries.iter().find(begins);
    match named {
        Some(word) => Some(word),
        None if is_key || leaf.is_broken() => None,
        None => entries.first().filter(|_| is_word || is_sign).copied(),
    }
}

/// What an entry of the table says.
pub(super) fn of_word(word: &Word) -> String {
    format!("{}\n\n```journey\n{}\n```", word.what, word.example)
}

/// What a code in a comment stands for that silences it.
fn of_silence(comment: &str, source: SourceId, start: usize, offset: usize) -> Option<Hover> {
    let at = offset.checked_sub(start)?;
    let is_part = |c: char| c.is_ascii_alphanumeric();
    let from = comment.get(..at)?.trim_end_matches(is_part).len();
    let rest = comment.get(from..)?;
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let code: Code = rest.get(..length)?.parse().ok()?;
    let span = Span::new(source, start + from, start + from + length);
    Some(Hover { span, markdown: format!("**{code}** {}\n\n{}", code.title(), code.page()) })
}

/// A field, a filter, a function or an address in a template.
fn of_template_word(analysis: &Analysis, source: SourceId, offset: usize) -> Option<Hover> {
    let text = &analysis.files.sources.get(source).text;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let from = text.get(..offset)?.trim_end_matches(is_part).len();
    let rest = text.get(from..)?;
    let word = rest.get(..rest.find(|c| !is_part(c)).unwrap_or(rest.len()))?;
    let before = text.get(..from)?;
    let open = before.rfind("{{").max(before.rfind("{%"))?;
    if before.get(open..)?.contains(['}']) {
        return None;
    }
    let written = vocabulary::filters()
        .chain(vocabulary::functions())
        .find(|tool| tool.name == word)
        .map(|tool| format!("`{}`\n\n{}", tool.example, tool.what));
    let field =
        before.ends_with("contact.").then(|| describe::name(analysis, NameKind::ContactField, None, word));
    let markdown = field.flatten().or(written).or_else(|| vocabulary::address(word).map(str::to_owned))?;
    Some(Hover { span: Span::new(source, from, from + word.len()), markdown })
}

#[cfg(test)]
mod tests;
