use std::ops::Range;

use super::node::{Node, Reader, Rule};
use super::tree::Text;
use crate::finding::{Code, Finding};
use crate::source::Span;

impl Reader<'_> {
    /// The node's child of rule `text`.
    pub(super) fn text_in(&self, node: &Node<'_>) -> Text {
        self.text(&node.need(Rule::text))
    }

    pub(super) fn maybe_text_in(&self, node: &Node<'_>) -> Option<Text> {
        node.get(Rule::text).map(|text| self.text(&text))
    }

    pub(super) fn text(&self, node: &Node<'_>) -> Text {
        let span = self.span(node);
        let written = node.text();
        let kind = node.children().next().map_or(Rule::plain_text, |kind| kind.rule());
        let value = match kind {
            Rule::long_text => decode(written).0,
            Rule::wrong_quoted => {
                let inner: String = inside(written);
                self.say_write(span, "these quotes are not the ones that hold a text", &format!("{inner:?}"));
                inner
            }
            Rule::wrong_inner_quotes => {
                let (place, meant) = with_single_quotes(written);
                let start = node.range().start;
                let place = self.span_of(start + place.start..start + place.end);
                let finding = Finding::new(Code::E002, place, "this `\"` ends the text");
                let help = "inside `{{ … }}` write single quotes, such as `default('you')`";
                self.report(finding.help(help).edit(span, meant.clone()));
                decode(&meant).0
            }
            Rule::open_text => self.open_text(written, span),
            _ => {
                self.escapes(node);
                decode(written).0
            }
        };
        Text::new(value, span)
    }

    /// A text that is never closed: its quotes belong to the end of its line, or behind its last line.
    fn open_text(&self, written: &str, span: Span) -> String {
        let first_line = written.lines().next().unwrap_or("").trim_end();
        let is_long = written.starts_with("\"\"\"");
        let quotes = if is_long { "\"\"\"" } else { "\"" };
        let short = Span { end: span.start + u32::try_from(first_line.len()).unwrap_or(0), ..span };
        let finding = Finding::new(Code::E002, short, "this text is never closed")
            .help(format!("write `{quotes}` where it ends"));
        // Quotes of a word processor at one of its ends go.
        let plain = written.strip_prefix('"').filter(|inner| !inner.ends_with(['“', '”', '„', '«', '»']));
        let end = if is_long { None } else { end_before_another(written) };
        if let Some(end) = end {
            let start = span.start as usize;
            let place = Span::new(span.source, start + end, start + end);
            self.report(finding.edit(place, quotes));
            return written.get(1..end).unwrap_or("").to_owned();
        }
        self.report(match plain {
            _ if is_long => finding,
            Some(_) => finding.edit(span.at_end(), quotes),
            None => finding.edit(span, format!("\"{}\"", inside(written))),
        });
        plain.filter(|_| !is_long).map_or_else(|| inside(written), str::to_owned)
    }

    fn escapes(&self, node: &Node<'_>) {
        let start = node.range().start;
        for (at, escape) in Escapes(node.text()) {
            if escape.value.is_none() {
                let span = self.span_of(start + at..start + at + escape.length);
                let text = node.text().get(at..at + escape.length).unwrap_or("");
                self.report(
                    Finding::new(Code::E002, span, format!("`{text}` means nothing inside a text"))
                        .help("what can stand: `\\\"`, `\\\\`, `\\n`, `\\t`, `\\u{1F33C}`"),
                );
            }
        }
    }
}

/// Where a text ends that is followed by another one on its line: `"Anna, email "ada@example.org"` before the comma, and
/// where there is none before the word that names the other.
fn end_before_another(written: &str) -> Option<usize> {
    let inner = written.get(1..).filter(|_| written.starts_with('"'))?;
    let other = inner.match_indices('"').map(|(at, _)| at).find(|at| {
        let (before, behind) = (inner.get(..*at).unwrap_or(""), inner.get(at + 1..).unwrap_or(""));
        before.ends_with([' ', '\t']) && behind.starts_with(char::is_alphanumeric)
    })?;
    let before = inner.get(..other)?.trim_end();
    let word = before.rfind([' ', '\t'])?;
    let text = before.get(..word)?.trim_end();
    let text = text.strip_suffix(',').unwrap_or(text);
    (!text.is_empty()).then_some(1 + text.len())
}

/// The text between the first and the last quote, whatever they look like.
fn inside(written: &str) -> String {
    let quotes = |c: char| "\"“”„«»'‘’".contains(c);
    written.trim_matches(quotes).to_owned()
}

/// A text in which placeholders hold double quotes, with single ones in their place, and where the first of them stands.
fn with_single_quotes(written: &str) -> (Range<usize>, String) {
    let mut meant = String::with_capacity(written.len());
    let mut first = None;
    let (mut at, mut escaped) = (0, false);
    let mut inside = false;
    while let Some(c) = written.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = written.get(at..).unwrap_or("");
        if rest.starts_with("{{") || rest.starts_with("}}") {
            inside = rest.starts_with('{');
        }
        if c == '"' && inside && !escaped {
            first.get_or_insert(at..at + 1);
            meant.push('\'');
        } else {
            meant.push(c);
        }
        escaped = c == '\\' && !escaped;
        at += c.len_utf8();
    }
    (first.unwrap_or(0..0), meant)
}

/// An escape inside a plain text.
struct Escape {
    length: usize,
    value: Option<char>,
}

/// Walks over the escapes of a plain text as it is written.
struct Escapes<'t>(&'t str);

impl<'t> IntoIterator for Escapes<'t> {
    type Item = (usize, Escape);
    type IntoIter = Box<dyn Iterator<Item = (usize, Escape)> + 't>;

    fn into_iter(self) -> Self::IntoIter {
        let mut at = 0;
        let text = self.0;
        Box::new(std::iter::from_fn(move || {
            let rest = text.get(at..)?;
            let found = at + rest.find('\\')?;
            let escape = escape(text.get(found + 1..).unwrap_or(""));
            at = found + escape.length;
            Some((found, escape))
        }))
    }
}

/// Reads what stands behind a backslash.
fn escape(rest: &str) -> Escape {
    let simple = |value| Escape { length: 2, value: Some(value) };
    match rest.chars().next() {
        Some('"') => simple('"'),
        Some('\\') => simple('\\'),
        Some('n') => simple('\n'),
        Some('t') => simple('\t'),
        Some('u') => {
            let digits =
                rest.strip_prefix("u{").and_then(|rest| rest.split_once('}')).map(|(digits, _)| digits);
            let value = digits
                .filter(|digits| (1..=6).contains(&digits.len()))
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .and_then(char::from_u32)
                .filter(|c| !c.is_control());
            Escape { length: digits.map_or(2, |digits| digits.len() + 4), value }
        }
        Some(other) => Escape { length: 1 + other.len_utf8(), value: None },
        None => Escape { length: 1, value: None },
    }
}

/// A plain text as it is written best: each character stands for itself where one sees it.
pub(super) fn with_fewest_escapes(written: &str) -> String {
    let mut best = String::with_capacity(written.len());
    best.push('"');
    for c in decode(written).0.chars() {
        match c {
            '"' => best.push_str("\\\""),
            '\\' => best.push_str("\\\\"),
            '\n' => best.push_str("\\n"),
            '\t' => best.push_str("\\t"),
            c if is_unseen(c) => best.push_str(&format!("\\u{{{:X}}}", u32::from(c))),
            c => best.push(c),
        }
    }
    best.push('"');
    best
}

/// Whether nobody sees a character that is there: blanks beside the common one, and marks that turn or part text.
fn is_unseen(c: char) -> bool {
    let blank = c.is_whitespace() && !c.is_control() && c != ' ';
    blank
        || matches!(c, '\u{AD}' | '\u{200B}' | '\u{200E}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// A text as it is meant, and for stretches of it where they stand in what was written: pairs of offsets, meant
/// and written.
fn decode(written: &str) -> (String, Vec<(usize, usize)>) {
    match written.strip_prefix("\"\"\"") {
        Some(rest) => without_indent(rest.strip_suffix("\"\"\"").unwrap_or(rest)),
        None => without_escapes(written),
    }
}

fn without_escapes(written: &str) -> (String, Vec<(usize, usize)>) {
    let mut meant = String::with_capacity(written.len());
    let mut places = vec![(0, 1)];
    let mut at = 1;
    let end = written.len().saturating_sub(1).max(1);
    for (found, escape) in Escapes(written) {
        meant.push_str(written.get(at..found).unwrap_or(""));
        meant.extend(escape.value);
        at = found + escape.length;
        places.push((meant.len(), at));
    }
    meant.push_str(written.get(at..end).unwrap_or(""));
    (meant, places)
}

fn without_indent(inner: &str) -> (String, Vec<(usize, usize)>) {
    let mut lines: Vec<(usize, &str)> = Vec::new();
    let mut at = 3;
    for line in inner.split('\n') {
        lines.push((at, line));
        at += line.len() + 1;
    }
    if lines.first().is_some_and(|(_, line)| line.trim().is_empty()) && lines.len() > 1 {
        lines.remove(0);
    }
    if lines.last().is_some_and(|(_, line)| line.trim().is_empty()) {
        lines.pop();
    }
    // Other blanks are part of what is said, and longer than a byte.
    let indent_of = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let indent =
        lines.iter().filter(|(_, line)| !line.trim().is_empty()).map(|(_, line)| indent_of(line)).min();
    let mut meant = String::new();
    let mut places = Vec::new();
    for (index, (at, line)) in lines.into_iter().enumerate() {
        if index > 0 {
            meant.push('\n');
        }
        let cut = indent.unwrap_or(0).min(indent_of(line));
        places.push((meant.len(), at + cut));
        meant.push_str(line.get(cut..).unwrap_or("").trim_end_matches('\r'));
    }
    (meant, places)
}

/// Where a stretch of a text's meaning stands in the file: `written` is the text as it stands at `span`.
pub fn place_in_text(written: &str, span: Span, meant: Range<usize>) -> Span {
    let (_, places) = decode(written);
    let written_at = |offset: usize| {
        let index = places.partition_point(|(meant, _)| *meant <= offset).saturating_sub(1);
        let (meant, at) = places.get(index).copied().unwrap_or((0, 0));
        (at + offset - meant).min(written.len())
    };
    let start = span.start as usize;
    Span::new(span.source, start + written_at(meant.start), start + written_at(meant.end))
}
