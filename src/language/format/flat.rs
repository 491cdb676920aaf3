//! What stands on one line, with its blocks.

use super::lines::width;
use super::outline::{Block, Entry, Part};
use super::wrap::{Atom, join};
use crate::language::syntax::token::{BlockKind, Entry as EntryKind};

/// How many fields a line holds at the most; beyond, one reads them better in a column.
const FIELDS_MAX: usize = 2;
/// How many settings a line holds at the most.
const SETTINGS_MAX: usize = 4;
/// How many blocks with statements a line holds at the most: `if … { … } else { … }`.
const BLOCKS_MAX: usize = 2;
/// Words that would go on the expression before them, were there no comma.
const GOING_ON: [&str; 27] = [
    "and", "or", "not", "in", "is", "contains", "starts", "ends", "equals", "since", "until", "AND", "OR",
    "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks", "month",
    "months", "year", "years",
];

/// What may stand on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// What is short.
    Short,
    /// Everything but comments and texts of several lines.
    Whatever,
}

/// An entry on one line.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub(super) text: String,
    /// Where its first block begins, in characters.
    pub(super) block: Option<usize>,
    /// Where the `=` of a definition stands.
    pub(super) sign: Option<usize>,
}

/// The entry on one line, where it may stand there; `key` is what it begins with, in its column.
pub(super) fn entry(entry: &Entry<'_>, how: How, key: Option<&str>) -> Option<Flat> {
    let with_statements = entry.blocks().filter(|block| block.kind == BlockKind::Statements).count();
    if how == How::Short && with_statements > BLOCKS_MAX {
        return None;
    }
    let mut flat = Flat::default();
    for (index, part) in entry.parts.iter().enumerate() {
        match part {
            Part::Words(words) => {
                let mut atoms: Vec<Atom> = words.iter().map(|token| Atom::of(token)).collect();
                if let (0, Some(key), EntryKind::Keyed(count)) = (index, key, entry.kind) {
                    atoms.splice(..count.min(atoms.len()), [Atom::solid(key)]);
                }
                if index == 0 && atoms.get(2).is_some_and(|atom| atom.text == "=") {
                    flat.sign = atoms.get(..2).map(|before| width(&join(before)) + 1);
                }
                flat.push(&join(&atoms));
            }
            Part::Block(inner) => {
                let inner = block(inner, how)?;
                flat.block = flat.block.or(Some(width(&flat.text) + 1));
                flat.push(&inner);
            }
            Part::Comment { .. } => return None,
        }
    }
    let several_lines = flat.text.contains('\n') && (how == How::Whatever || flat.block.is_some());
    (!several_lines).then_some(flat)
}

impl Flat {
    fn push(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(text);
    }
}

/// The block on one line, where it may stand there.
pub(super) fn block(block: &Block<'_>, how: How) -> Option<String> {
    if block.has_comments() {
        return None;
    }
    let nested = || block.entries.iter().any(|entry| entry.blocks().next().is_some());
    let short = match block.kind {
        _ if block.entries.is_empty() => true,
        BlockKind::Pairs | BlockKind::Choices => true,
        BlockKind::Fields => block.entries.len() <= FIELDS_MAX,
        BlockKind::Settings => block.entries.len() <= SETTINGS_MAX && !nested(),
        BlockKind::Statements => block.entries.len() == 1 && !nested(),
        BlockKind::File | BlockKind::Clauses | BlockKind::Stage | BlockKind::Branches | BlockKind::Steps => {
            false
        }
    };
    if how == How::Short && !short {
        return None;
    }
    let mut text = "{".to_owned();
    for (index, inner) in block.entries.iter().enumerate() {
        let flat = entry(inner, how, None).filter(|flat| !flat.text.contains('\n'))?;
        text.push_str(match (index, block.kind) {
            (0, _) => " ",
            (_, BlockKind::Pairs) => ", ",
            _ if needs_comma(block, index) => ", ",
            _ => "  ",
        });
        text.push_str(&flat.text);
    }
    text.push_str(" }");
    Some(text)
}

/// Whether an entry of a block would be taken for a part of the one before, were there no comma between them.
pub(super) fn needs_comma(block: &Block<'_>, index: usize) -> bool {
    let before = index.checked_sub(1).and_then(|before| block.entries.get(before));
    let (Some(before), Some(entry)) = (before, block.entries.get(index)) else { return false };
    let ends_with_value = match block.kind {
        BlockKind::Pairs => true,
        BlockKind::Fields => before.words().any(|word| word == "="),
        _ => false,
    };
    ends_with_value && entry.words().next().is_some_and(|first| GOING_ON.contains(&first))
}
