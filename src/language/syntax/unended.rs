//! Texts over several lines whose closing quotes were forgotten.
//!
//! All that follows would be part of such a text, or, where the next text over several lines begins, be read inside out.
//! A line that holds nothing but a `}` and is indented no deeper than the line in which the text begins tells where it
//! ends. So the quotes are put there, the file is read with them, and places are given as they are without.

use super::scan::Scan;
use crate::finding::{Code, Finding};
use crate::source::{SourceId, Span};

/// What begins and ends a text over several lines.
const QUOTES: &str = "\"\"\"";

/// A stretch that a text has more than its file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gap {
    at: usize,
    length: usize,
}

impl Gap {
    /// Where a place of the text is in the file.
    pub(super) fn in_file(self, at: usize) -> usize {
        if at <= self.at { at } else { at.saturating_sub(self.length).max(self.at) }
    }

    pub(super) fn span_in_file(self, span: Span) -> Span {
        let range = span.range();
        Span::new(span.source, self.in_file(range.start), self.in_file(range.end))
    }
}

/// A file with the quotes that were forgotten.
pub(super) struct Ended {
    pub(super) text: String,
    pub(super) gap: Gap,
    pub(super) finding: Finding,
}

/// Puts in the quotes of the text that lacks them, where its end can be told.
pub(super) fn unended(source: SourceId, text: &str, scan: &Scan) -> Option<Ended> {
    let written = |range: &std::ops::Range<usize>| text.get(range.clone()).unwrap_or("");
    // One that lacks them reads on to the end of the file, or makes another one do so.
    let last = scan.texts.last().map(written).and_then(|last| last.strip_prefix(QUOTES))?;
    if last.ends_with(QUOTES) {
        return None;
    }
    let long = scan.texts.iter().filter(|range| written(range).starts_with(QUOTES));
    let (begins, at, indent) = long.clone().find_map(|range| {
        let before = text.get(..range.start)?;
        let line = before.get(before.rfind('\n').map_or(0, |at| at + 1)..)?;
        let (length, indent) = end(written(range), blanks(line).len())?;
        Some((range.start, range.start + length, indent.unwrap_or_else(|| format!("{}  ", blanks(line)))))
    })?;
    let put = format!("\n{indent}{QUOTES}");
    let finding = Finding::new(
        Code::E002,
        Span::new(source, begins, begins + QUOTES.len()),
        "this text is never closed",
    );
    let finding =
        finding.help(format!("write `{QUOTES}` where it ends")).edit(Span::new(source, at, at), put.as_str());
    let mut ended = text.to_owned();
    ended.insert_str(at, &put);
    Some(Ended { text: ended, gap: Gap { at, length: put.len() }, finding })
}

/// How far a text goes before the line that ends the block around it, and the indent of its last line; `column` is the
/// indent of the line that it begins in.
fn end(text: &str, column: usize) -> Option<(usize, Option<String>)> {
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index > 0 && line.trim() == "}" && blanks(line).len() <= column {
            let kept = text.get(..at)?.trim_end();
            let last = kept.rfind('\n').and_then(|line| kept.get(line + 1..));
            return Some((kept.len(), last.map(|line| blanks(line).to_owned())));
        }
        at += line.len();
    }
    None
}

/// The blanks with which a line begins.
fn blanks(line: &str) -> &str {
    let length = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..length).unwrap_or("")
}
