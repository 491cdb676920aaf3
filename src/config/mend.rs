//! What to write where `lotse.yaml` cannot be read: the first change that makes it readable.

use super::keys;
use super::yaml::{self, Content, Node};
use crate::finding::Edit;
use crate::source::{SourceId, Span};

/// How many changes are tried: each reads the file once more.
const TRIES_MAX: usize = 16;
/// The longest file in which any is.
const BYTES_MAX: usize = 64 * 1024;

/// A change after which the text holds settings; `wrong` is where it could not be read.
pub(super) fn mended(source: SourceId, text: &str, wrong: Span) -> Option<Edit> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let lines = lines(text);
    let at = lines.partition_point(|line| line.start <= wrong.start as usize).saturating_sub(1);
    let tries = without_tabs(text).into_iter().chain(with_colons(&lines)).chain(indented(&lines, at));
    let edit = |(start, end, replacement)| Edit { span: Span::new(source, start, end), replacement };
    tries.take(TRIES_MAX).map(edit).find(|edit| {
        let mut mended = text.to_owned();
        mended.replace_range(edit.span.range(), &edit.replacement);
        let mut findings = Vec::new();
        let read = yaml::parse(source, &mended, &mut findings);
        findings.is_empty() && matches!(read, Ok(Some(Node { content: Content::Section(_), .. })))
    })
}

/// A line with something on it.
struct Line<'t> {
    start: usize,
    /// Without the blanks at its end.
    text: &'t str,
}

impl Line<'_> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
            lines.push(Line { start, text: line.trim_end() });
        }
        start += line.len();
    }
    lines
}

/// Two blanks for each tab with which lines begin.
fn without_tabs(text: &str) -> Option<(usize, usize, String)> {
    let tabs = |line: &str| line.starts_with([' ', '\t']) && line.trim_start_matches(' ').starts_with('\t');
    let mut at = 0;
    let (mut first, mut last) = (None, 0);
    let mut written = String::new();
    for line in text.split_inclusive('\n') {
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        let (indent, rest) = line.split_at_checked(blanks)?;
        let instead = indent.replace('\t', "  ");
        if tabs(line) {
            first.get_or_insert(at);
            last = at + blanks;
        }
        if first.is_some() {
            written.push_str(&instead);
            written.push_str(rest);
        }
        at += line.len();
    }
    let behind = text.len() - last;
    let kept = written.len().checked_sub(behind)?;
    Some((first?, last, written.get(..kept)?.to_owned()))
}

/// `workspace shop`: a colon behind a key.
fn with_colons(lines: &[Line<'_>]) -> impl Iterator<Item = (usize, usize, String)> {
    let known = keys(&[]);
    lines.iter().filter_map(move |line| {
        let words = line.text.trim_start();
        let key = words.split([' ', '\t', ':', '=']).next()?;
        let rest = words.get(key.len()..)?;
        let gap = rest.len() - rest.trim_start_matches([' ', '\t', '=']).len();
        let is_key = known.contains(&key) || line.indent() > 0 && key.chars().all(|c| c.is_ascii_lowercase());
        let is_missing = !rest.starts_with(':') && !rest.trim_start().starts_with(':');
        let start = line.start + line.text.len() - rest.len();
        let write = if gap == rest.len() { ":" } else { ": " };
        (is_key && is_missing).then(|| (start, start + gap, write.to_owned()))
    })
}

/// The indent of the line before or behind, or that of what stands below a key.
fn indented(lines: &[Line<'_>], at: usize) -> Vec<(usize, usize, String)> {
    let mut tries = Vec::new();
    for index in [Some(at), at.checked_sub(1), Some(at + 1)].into_iter().flatten() {
        let Some(line) = lines.get(index) else { continue };
        let before = index.checked_sub(1).and_then(|before| lines.get(before));
        let behind = lines.get(index + 1);
        let below = before.filter(|before| before.text.ends_with(':')).map(|before| before.indent() + 2);
        let like = [below, before.map(Line::indent), behind.map(Line::indent), Some(0)];
        for indent in like.into_iter().flatten().filter(|indent| *indent != line.indent()) {
            tries.push((line.start, line.start + line.indent(), " ".repeat(indent)));
        }
    }
    tries
}
