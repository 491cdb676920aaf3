//! Blocks whose `{` was forgotten.
//!
//! A grammar learns of a missing `{` only where the `}` that belongs to it closes something else, and then all that
//! follows looks wrong. So where a file has mistakes and a line that begins a block has no `{`, the brace is put
//! where a blank stands, and the file is read once more: if fewer mistakes are left, the brace was what was missing.

use std::ops::Range;

use super::scan::Scan;
use super::slip::STATEMENTS;
use super::unended::Gap;
use crate::finding::{Code, Edit, Finding};
use crate::source::{SourceId, Span};

/// How many lines of a file are tried, so that a long file that is no journey file at all costs little.
const TRIES_MAX: usize = 16;
/// How many bytes are read for it at the most, but in one try: each reads the whole file.
const BYTES_TRIED_MAX: usize = 4 * 1024 * 1024;
/// Words with which lines begin that have a block behind them.
const HEADS: [&str; 13] = [
    "journey",
    "stage",
    "if",
    "else",
    "otherwise",
    "on",
    "wait",
    "call",
    "hand",
    "email",
    "contact",
    "event",
    "test",
];

/// A brace that may be missing: what is put where, without moving any other character, and what is said if it is so.
pub(super) struct Missing {
    put: Vec<(Range<usize>, &'static str)>,
    finding: Finding,
    /// What is said of the text between them is said by the finding already.
    hides: Option<Span>,
}

impl Missing {
    /// A brace that is put into one place.
    pub(super) fn new(place: Range<usize>, brace: &'static str, finding: Finding) -> Self {
        Self { put: vec![(place, brace)], finding, hides: None }
    }

    /// A `}` that stands too far down.
    pub(super) fn moved(to: Range<usize>, from: Range<usize>, finding: Finding) -> Self {
        Self { put: vec![(to, "}"), (from, "")], finding, hides: None }
    }

    /// Whether the brace belongs behind the condition of an `if`.
    pub(super) fn is_behind_condition(&self, text: &str) -> bool {
        text.get(self.finding.span.range()).is_some_and(|line| line.starts_with("if "))
    }

    /// The text with the brace in it.
    pub(super) fn put_into(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (range, brace) in &self.put {
            text.replace_range(range.clone(), &format!("{brace:<width$}", width = range.len()));
        }
        text
    }

    /// What is said of it in a file that has less at a gap.
    pub(super) fn finding(self, gap: Gap) -> Finding {
        let finding = self.finding;
        let edit = finding.edit.map(|edit| Edit { span: gap.span_in_file(edit.span), ..edit });
        Finding { span: gap.span_in_file(finding.span), edit, ..finding }
    }

    /// Whether a finding of the text says no more than what is said of the brace.
    pub(super) fn hides(&self, finding: &Finding, gap: Gap) -> bool {
        self.hides.is_some_and(|hides| gap.span_in_file(hides).contains(finding.span))
    }
}

/// Lines that begin a block and have no brace, each with the ways in which that may be so.
pub(super) fn missing(source: SourceId, text: &str, scan: &Scan) -> Vec<Vec<Missing>> {
    let code = masked(text, scan);
    let lines = lines(&code);
    let tries_max = tries_max(text);
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let words = code.get(line.clone()).unwrap_or("");
        let head = words.trim_start_matches(['}', ' ', '\t']);
        let first = head.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
        let next = lines.get(index + 1).and_then(|next| code.get(next.clone())).unwrap_or("").trim_start();
        let answered = first == "send" && head.contains(" otherwise ");
        if head.contains('{') || !(HEADS.contains(&first) || answered) {
            continue;
        }
        let line = Line { source, code: &code, text, range: line.end - head.len()..line.end };
        found.extend(line.without_braces().or_else(|| line.with_a_name()).or_else(|| {
            let opens = !next.starts_with('{') && (first != "wait" || next.starts_with('o'));
            if opens { line.without_open().map(|missing| vec![missing]) } else { None }
        }));
        if found.len() == tries_max {
            break;
        }
    }
    found
}

/// How many braces are tried in a text.
pub(super) fn tries_max(text: &str) -> usize {
    (BYTES_TRIED_MAX / text.len().max(1)).clamp(1, TRIES_MAX)
}

/// The text with comments blank and texts in quotes as one word, so that only code is seen.
pub(super) fn masked(text: &str, scan: &Scan) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let fill = |bytes: &mut Vec<u8>, range: &Range<usize>, with: u8| {
        bytes.iter_mut().take(range.end).skip(range.start).for_each(|byte| *byte = with);
    };
    scan.comments.iter().for_each(|range| fill(&mut bytes, range, b' '));
    // The `{` at the end of a line whose text is not closed was hardly meant as part of the text.
    let closed = |range: &&Range<usize>| {
        text.get((*range).clone()).is_some_and(|text| text.len() > 1 && text.ends_with('"'))
    };
    scan.texts.iter().filter(closed).for_each(|range| fill(&mut bytes, range, b'"'));
    // Both begin and end between characters, so what is left is text.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The lines on which code stands, without the blanks at their end.
pub(super) fn lines(code: &str) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        if end > start {
            lines.push(start..end);
        }
        start += line.len();
    }
    lines
}

struct Line<'t> {
    source: SourceId,
    code: &'t str,
    text: &'t str,
    /// From the first word to the last.
    range: Range<usize>,
}

impl Line<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range.start, range.end)
    }

    /// The blank behind the line, where a brace can be put.
    fn blank(&self) -> Option<Range<usize>> {
        let behind = self.code.as_bytes().get(self.range.end)?;
        behind.is_ascii_whitespace().then_some(self.range.end..self.range.end + 1)
    }

    /// `if contact.vip`, and what happens on the lines below.
    fn without_open(&self) -> Option<Missing> {
        let code = self.code.get(self.range.clone()).filter(|code| !code.ends_with('}'))?;
        let last = code.rsplit([' ', '\t']).next().unwrap_or("");
        if matches!(last, "then" | "do") {
            let word = self.range.end - last.len()..self.range.end;
            let message = format!("`{last}` is not needed: a block begins with `{{`");
            let finding = Finding::new(Code::E001, self.span(word.clone()), message);
            let finding = finding.help("write `{` in its place").edit(self.span(word.clone()), "{");
            return Some(Missing { put: vec![(word, "{")], finding, hides: None });
        }
        let span = self.span(self.range.clone());
        let finding = Finding::new(Code::E001, span, "a `{` is missing at the end of this line")
            .help("write `{` behind it, and `}` where what belongs to it ends");
        // `== "Anna {"`: quotes that an editor closed hold the brace.
        let held = self.text.get(self.range.clone()).is_some_and(|line| line.ends_with(" {\""));
        let finding = match held {
            true => {
                let tail = self.span(self.range.end - " {\"".len()..self.range.end);
                finding.edit(tail, "\" {")
            }
            false => finding.edit(span.at_end(), " {"),
        };
        Some(Missing { put: vec![(self.blank()?, "{")], finding, hides: None })
    }

    /// `otherwise reminder`: where it goes on stands alone on the line.
    fn with_a_name(&self) -> Option<Vec<Missing>> {
        let code = self.code.get(self.range.clone())?;
        let head = ["otherwise", "else"].into_iter().find(|head| code.starts_with(head))?;
        let rest = code.get(head.len()..)?;
        let name = rest.trim_start().trim_end_matches('}').trim_end();
        let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if name.is_empty() || !is_name || !rest.starts_with([' ', '\t']) || STATEMENTS.contains(&name) {
            return None;
        }
        let start = self.range.start + head.len() + rest.find(name)?;
        let hides = Some(self.span(start..start + name.len()));
        let open = (start - 1..start, "{");
        let missing = |end: usize, put: Vec<(Range<usize>, &'static str)>| {
            let write = format!("{{ go to {name} }}");
            let span = self.span(start..end);
            let finding = Finding::new(Code::E001, span, "what happens stands in braces")
                .help(format!("write `{write}`"))
                .edit(span, write);
            Missing { put, finding, hides }
        };
        if !rest.ends_with('}') {
            return Some(vec![missing(self.range.end, vec![open, (self.blank()?, "}")])]);
        }
        let own = missing(self.range.end, vec![open.clone()]);
        let end = start + name.len();
        let blank = self.code.get(end..=end).is_some_and(|gap| gap == " ");
        let around = blank.then(|| missing(end, vec![open, (end..end + 1, "}")]));
        Some(std::iter::once(own).chain(around).collect())
    }

    /// `otherwise go to reminder`: what happens stands on the line itself.
    fn without_braces(&self) -> Option<Vec<Missing>> {
        let code = self.code.get(self.range.clone())?;
        let heads = ["on", "otherwise", "else", "if", "send"];
        let mut at = code.find(' ').filter(|end| heads.contains(&code.get(..*end).unwrap_or("")))?;
        if code.starts_with("send") {
            at = code.find(" otherwise ")? + " otherwise".len();
        }
        let mut blank = at..at + 1;
        let mut words = code.get(at..)?.match_indices([' ', '\t']).map(|(inner, _)| at + inner);
        let statement = words.find(|start| {
            let rest = code.get(start + 1..).unwrap_or("");
            let word = rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
            blank = *start..start + 1;
            STATEMENTS.contains(&word) && !code.get(..*start).is_some_and(|before| before.ends_with(" is"))
        })?;
        let before = code.get(..statement)?.trim_end();
        if before.ends_with(" then") {
            blank = before.len() - 4..statement + 1;
        }
        let start = self.range.start;
        let end = self.range.end;
        // A `}` at the end of the line is the one that belongs to what happens, or the one of the block around.
        let closes = code.strip_suffix('}').map(str::trim_end);
        let happens_end = closes.map_or(end, |before| start + before.len());
        let happens = start + statement + 1..happens_end;
        let write = format!("{{ {} }}", self.text.get(happens.clone())?);
        let first = start + blank.end - if blank.len() > 1 { blank.len() } else { 0 };
        let open = start + blank.start..start + blank.end;
        let missing = |span: Span, put: Vec<(Range<usize>, &'static str)>| {
            let finding = Finding::new(Code::E001, span, "what happens stands in braces")
                .help(format!("write `{write}`"))
                .edit(span, write.clone());
            Missing { put, finding, hides: None }
        };
        if closes.is_none() {
            return Some(vec![missing(self.span(first..end), vec![(open, "{"), (self.blank()?, "}")])]);
        }
        let own = missing(self.span(first..end), vec![(open.clone(), "{")]);
        let gap = happens_end..happens_end + 1;
        let blank = self.code.get(gap.clone()).is_some_and(|gap| gap == " " || gap == "\t");
        let around = blank.then(|| missing(self.span(first..happens_end), vec![(open, "{"), (gap, "}")]));
        Some(std::iter::once(own).chain(around).collect())
    }
}
