//! Blocks whose `}` was forgotten.
//!
//! The grammar notices a missing `}` where something begins that cannot stand in the block, which may be far below, and
//! all between looks wrong. Who indents lines has said where the block ends: before the first line that is indented no
//! deeper than the one that begins it. So where a file has mistakes, the brace is put there, and the file is read once
//! more: if fewer mistakes are left, it was what was missing.

use super::braces::{Missing, lines, masked, tries_max};
use super::scan::Scan;
use crate::finding::{Code, Finding};
use crate::source::{SourceId, Span};

/// How many braces are tried in a file: the first that is missing is mostly the one.
const TRIES_MAX: usize = 4;

/// A `{` of which the `}` has not come yet.
struct Open {
    at: usize,
    /// How far its line is indented.
    column: usize,
    /// Whether the lines inside are indented deeper, so that one that is not ends it.
    is_indented: bool,
}

/// The braces of blocks that end before their `}` comes, as far as the indents of their lines tell, and how many braces
/// there are too few.
pub(super) fn unclosed(source: SourceId, text: &str, scan: &Scan) -> (usize, Vec<Missing>) {
    let code = masked(text, scan);
    let lacking = code.matches('{').count().saturating_sub(code.matches('}').count());
    let mut open: Vec<Open> = Vec::new();
    let mut found = Vec::new();
    if lacking == 0 {
        return (lacking, found);
    }
    let mut end = 0;
    for line in lines(&code) {
        let words = code.get(line.clone()).unwrap_or("");
        let head = words.trim_start_matches([' ', '\t']);
        let column = words.len() - head.len();
        while let Some(inner) = open.last_mut() {
            let begins = end == inner.at + 1;
            inner.is_indented &= !begins || column > inner.column || head.starts_with('}');
            let closes = head.starts_with('}') && column == inner.column;
            if column > inner.column || closes || !inner.is_indented {
                break;
            }
            found.extend(missing(source, text, inner, end));
            open.pop();
        }
        for (at, sign) in words.match_indices(['{', '}']) {
            match sign {
                "{" => open.push(Open { at: line.start + at, column, is_indented: true }),
                _ => drop(open.pop()),
            }
        }
        end = line.end;
    }
    found.extend(open.iter().rev().filter_map(|inner| missing(source, text, inner, end)));
    found.truncate(tries_max(text).min(TRIES_MAX));
    (lacking, found)
}

/// The `}` of a block whose last line ends there.
fn missing(source: SourceId, text: &str, block: &Open, end: usize) -> Option<Missing> {
    let behind = text.get(end..)?;
    let blank = behind.chars().next().filter(char::is_ascii_whitespace)?;
    let begins = text.get(..block.at)?.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(..block.at)?.matches('\n').count() + 1;
    let several = text.get(block.at..end)?.contains('\n');
    let (place, brace) = if several {
        // A comment behind the last line belongs to it.
        let indent = text.get(begins..begins + block.column)?;
        let comment = behind.lines().next().map_or(0, |rest| rest.trim_end().len());
        (end + comment, format!("\n{indent}}}"))
    } else {
        (end, " }".to_owned())
    };
    let finding =
        Finding::new(Code::E001, Span::new(source, block.at, block.at + 1), "this `{` is never closed")
            .help(format!("write the `}}` that belongs to the `{{` of line {line}"))
            .edit(Span::new(source, place, place), brace);
    Some(Missing::new(end..end + blank.len_utf8(), "}", finding))
}
