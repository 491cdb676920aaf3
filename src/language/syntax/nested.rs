//! Stages that were written inside of another one.
//!
//! A stage ends for the grammar where another one begins, and so the `}` of the outer one closes the journey. Where each
//! `{` has its `}`, the outer stage is ended before the inner one and its own `}` left out, and the file is read once
//! more: if fewer mistakes are left, it was meant so.

use std::ops::Range;

use super::braces::{Missing, lines, masked, tries_max};
use super::scan::Scan;
use crate::finding::{Code, Finding};
use crate::source::{SourceId, Span};

/// The stages that stand as the last thing inside of another one.
pub(super) fn nested(source: SourceId, text: &str, scan: &Scan) -> Vec<Missing> {
    let code = masked(text, scan);
    if code.matches('{').count() != code.matches('}').count() {
        return Vec::new();
    }
    // The lines with a stage whose `}` has not come yet, each with how deep it lies.
    let mut open: Vec<(usize, Range<usize>)> = Vec::new();
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for line in lines(&code) {
        let words = code.get(line.clone()).unwrap_or("");
        let is_stage = words.trim_start().starts_with("stage ") && words.contains('{');
        if let (true, Some((_, outer))) = (is_stage, open.last()) {
            found.extend(inside_another(source, text, &code, outer, &line));
        }
        if is_stage {
            open.push((depth, line.clone()));
        }
        for (_, sign) in words.match_indices(['{', '}']) {
            depth = if sign == "{" { depth + 1 } else { depth.saturating_sub(1) };
            open.retain(|(stage, _)| *stage < depth);
        }
    }
    found.truncate(tries_max(text));
    found
}

/// The stage of one line inside that of another: the outer one ends before it.
fn inside_another(
    source: SourceId,
    text: &str,
    code: &str,
    outer: &Range<usize>,
    inner: &Range<usize>,
) -> Option<Missing> {
    let own = closing(code, inner.start)?;
    let close = own + code.get(own..)?.find(|c: char| !c.is_whitespace())?;
    code.get(close..)?.strip_prefix('}')?;
    let column = |line: &Range<usize>| {
        let line = text.get(line.clone())?;
        line.get(..line.len() - line.trim_start().len())
    };
    let (indent, deeper) = (column(outer)?, column(inner)?);
    let head = inner.start + deeper.len();
    let before = text.get(..inner.start)?.trim_end().len();
    let stage: Vec<String> = text
        .get(head..own)?
        .split('\n')
        .map(|line| line.strip_prefix(deeper).map_or(line.to_owned(), |rest| format!("{indent}{rest}")))
        .collect();
    let write = format!("\n{indent}}}\n\n{indent}{}", stage.join("\n"));
    let word = Span::new(source, head, head + "stage".len());
    let finding = Finding::new(Code::E001, word, "a stage cannot stand inside a stage")
        .help("end the stage around it with `}` before it")
        .edit(Span::new(source, before, close + 1), write);
    let gap = inner.start.checked_sub(1).filter(|gap| code.as_bytes().get(*gap) == Some(&b'\n'))?;
    Some(Missing::moved(gap..inner.start, close..close + 1, finding))
}

/// Behind the `}` of the first block that begins behind a place.
fn closing(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, sign) in code.get(from..)?.match_indices(['{', '}']) {
        depth = if sign == "{" { depth + 1 } else { depth.checked_sub(1)? };
        if depth == 0 {
            return Some(from + at + 1);
        }
    }
    None
}
