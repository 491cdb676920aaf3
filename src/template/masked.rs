//! Text with its placeholders taken out and kept apart.
//!
//! MJML, HTML and CSS tools would escape, move or trip over placeholders. So each one is replaced by a *word*,
//! a number in brackets that no one else writes, which all of them carry through as ordinary text; at the end
//! the placeholder is put back.

use std::ops::Range;

use super::Part;
use super::lexer::{Form, Tag};

/// Begins a word. No author's text holds it: the lexer refuses it.
pub(super) const WORD_START: char = '⸨';
/// Ends a word.
pub(super) const WORD_END: char = '⸩';

/// What a word stands for. The letter is part of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A tag, as it is.
    Tag,
    /// A placeholder inside a style.
    Style,
    /// A placeholder that begins an address inside a style.
    StyleUrl,
    /// A placeholder in the host of an address.
    UrlHost,
    /// A placeholder behind the host of an address.
    UrlPart,
    /// A whole address.
    Url,
    /// The raw content of an MJML element.
    Content,
    /// The place of the picture that counts opens.
    Pixel,
}

impl Kind {
    const ALL: [(Kind, char); 8] = [
        (Kind::Tag, 't'),
        (Kind::Style, 's'),
        (Kind::StyleUrl, 'v'),
        (Kind::UrlHost, 'h'),
        (Kind::UrlPart, 'p'),
        (Kind::Url, 'u'),
        (Kind::Content, 'c'),
        (Kind::Pixel, 'o'),
    ];

    /// The word for the thing of that number.
    pub fn word(self, number: usize) -> String {
        let letter = Self::ALL.iter().find(|(kind, _)| *kind == self).map_or('t', |(_, letter)| *letter);
        format!("{WORD_START}{letter}{number}{WORD_END}")
    }
}

/// A stretch of masked text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Word(Kind, usize),
}

/// Takes the words out of comments of their own: nothing moves them any more.
pub(super) fn without_comments(html: &str) -> String {
    let begin = format!("<!--{WORD_START}");
    let end = format!("{WORD_END}-->");
    html.replace(&begin, &WORD_START.to_string()).replace(&end, &WORD_END.to_string())
}

/// Splits masked text into text and words.
pub(super) fn pieces(masked: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = masked;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, length) = match rest.find(WORD_START) {
            Some(0) => word(rest),
            at => {
                let length = at.unwrap_or(rest.len());
                (Piece::Text(rest.get(..length).unwrap_or_default()), length)
            }
        };
        rest = rest.get(length..).unwrap_or_default();
        Some(piece)
    })
}

/// Reads the word at the beginning; what is no word counts as text.
fn word(rest: &str) -> (Piece<'_>, usize) {
    let end = rest.find(WORD_END).map_or(rest.len(), |at| at + WORD_END.len_utf8());
    let whole = rest.get(..end).unwrap_or(rest);
    let inner = whole.trim_start_matches(WORD_START).trim_end_matches(WORD_END);
    let mut letters = inner.chars();
    let kind = letters.next().and_then(|c| Kind::ALL.iter().find(|(_, letter)| *letter == c));
    match (kind, letters.as_str().parse()) {
        (Some((kind, _)), Ok(number)) => (Piece::Word(*kind, number), end),
        _ => (Piece::Text(whole), end),
    }
}

/// Whether a masked text holds any word.
pub(super) fn has_words(masked: &str) -> bool {
    masked.contains(WORD_START)
}

/// Writes masked text anew, each word as `replace` says.
pub(super) fn map_words(masked: &str, mut replace: impl FnMut(Kind, usize, &mut String)) -> String {
    let mut out = String::with_capacity(masked.len());
    for piece in pieces(masked) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Word(kind, number) => replace(kind, number, &mut out),
        }
    }
    out
}

/// A tag of one of the texts of a message.
#[derive(Clone, Debug)]
pub(super) struct PlacedTag {
    pub part: Part,
    pub tag: Tag,
    /// The text of the part, to read the tag's ranges from.
    source: std::rc::Rc<str>,
}

impl PlacedTag {
    /// The text under a range of its part.
    pub fn slice(&self, range: &Range<usize>) -> &str {
        self.source.get(range.clone()).unwrap_or_default()
    }

    /// The tag as written.
    pub fn text(&self) -> &str {
        self.slice(&self.tag.range)
    }
}

/// Masked text that still knows where each of its pieces came from.
#[derive(Clone, Debug, Default)]
pub(super) struct Masked {
    pub text: String,
    runs: Vec<Run>,
}

/// A piece of masked text that was copied from a part in one go.
#[derive(Clone, Debug)]
struct Run {
    /// Where it begins in the masked text.
    at: usize,
    part: Part,
    source: Range<usize>,
    /// Whether it is a word, which stands for the whole of its source.
    is_word: bool,
}

impl Masked {
    /// Masks a text whose tags are known; they are added to `placed`, and a word's number is the place there.
    pub fn new(text: &str, part: &Part, tags: Vec<Tag>, placed: &mut Vec<PlacedTag>) -> Self {
        let source: std::rc::Rc<str> = text.into();
        let mut masked = Self::default();
        let mut at = 0;
        for tag in tags {
            masked.copy(text, part, at..tag.range.start);
            at = tag.range.end;
            if tag.form != Form::Comment {
                masked.push_run(&Kind::Tag.word(placed.len()), part, tag.range.clone(), true);
                placed.push(PlacedTag { part: part.clone(), tag, source: source.clone() });
            }
        }
        masked.copy(text, part, at..text.len());
        masked
    }

    fn copy(&mut self, text: &str, part: &Part, range: Range<usize>) {
        let copied = text.get(range.clone()).unwrap_or_default();
        if !copied.is_empty() {
            self.push_run(copied, part, range, false);
        }
    }

    fn push_run(&mut self, text: &str, part: &Part, source: Range<usize>, is_word: bool) {
        self.runs.push(Run { at: self.text.len(), part: part.clone(), source, is_word });
        self.text.push_str(text);
    }

    /// Appends text that no author wrote.
    pub fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends a stretch of another masked text.
    pub fn push_from(&mut self, other: &Masked, range: Range<usize>) {
        let Some(text) = other.text.get(range.clone()) else { return };
        let base = self.text.len();
        let first = other.runs.partition_point(|run| run.at <= range.start).saturating_sub(1);
        for run in other.runs.iter().skip(first).take_while(|run| run.at < range.end) {
            let skipped = range.start.saturating_sub(run.at);
            if !run.is_word && skipped > run.source.len() {
                continue;
            }
            let source =
                if run.is_word { run.source.clone() } else { run.source.start + skipped..run.source.end };
            self.runs.push(Run { at: base + run.at.max(range.start) - range.start, source, ..run.clone() });
        }
        self.text.push_str(text);
    }

    /// Where a stretch of it stands in the author's texts.
    pub fn locate(&self, range: &Range<usize>) -> (Part, Range<usize>) {
        let run_at = |at: usize| {
            let index = self.runs.partition_point(|run| run.at <= at);
            self.runs.get(index.saturating_sub(1))
        };
        let Some(first) = run_at(range.start) else { return (Part::Body, 0..0) };
        let start = first.source_at(range.start, false);
        let end = run_at(range.end.saturating_sub(1).max(range.start))
            .filter(|last| last.part == first.part)
            .map_or(first.source.end, |last| last.source_at(range.end, true));
        (first.part.clone(), start..end.max(start))
    }
}

impl Run {
    fn source_at(&self, at: usize, is_end: bool) -> usize {
        match (self.is_word, is_end) {
            (true, false) => self.source.start,
            (true, true) => self.source.end,
            (false, _) => (self.source.start + at.saturating_sub(self.at)).min(self.source.end),
        }
    }
}
