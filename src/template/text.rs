//! The plain-text part of a message: made from its HTML, or written by the author.

use std::ops::Range;

use super::Part;
use super::TemplateProblem;
use super::html::Addresses;
use super::markup::{Markup, OpenTag, VOID, escape, scan, unescape};
use super::masked::{Kind, Piece, PlacedTag, pieces};

/// Elements whose content is not for reading.
const SKIPPED: [&str; 6] = ["head", "style", "script", "title", "template", "noscript"];
/// Elements that begin a line of their own.
const BLOCKS: [&str; 12] = ["p", "div", "ul", "ol", "li", "blockquote", "pre", "dl", "dt", "dd", "hr", "br"];
/// Elements that begin a line of their own, of which only that is kept. With tables gone, statements may stand
/// between rows as text.
const BECOME_BLOCKS: [&str; 22] = [
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tfoot", "tr", "caption", "center",
    "section", "article", "header", "footer", "main", "nav", "address", "figure", "form",
];

/// Makes readable text of masked HTML.
pub(super) fn from_html(html: &str, problems: &mut Vec<TemplateProblem>) -> String {
    let mut plain = Plain {
        html,
        out: String::new(),
        skipped: None,
        is_hidden: false,
        anchors: Vec::new(),
        is_cell: false,
    };
    for markup in scan(html) {
        plain.markup(&markup);
    }
    // Lines are as long as their paragraphs: the reader's program breaks them, and placeholders have no length yet.
    let width = html.len().max(80);
    let text = html2text::config::plain_no_decorate()
        .link_footnotes(false)
        .allow_width_overflow()
        .string_from_read(plain.out.as_bytes(), width);
    match text {
        Ok(text) => tidy(&text.replace('\u{a0}', " ").replace(&gap(), "")),
        Err(error) => {
            problems.push(TemplateProblem::new(
                &Part::Body,
                0..0,
                format!("no text can be made of this: {error}"),
            ));
            String::new()
        }
    }
}

/// A line that becomes an empty one.
fn gap() -> String {
    Kind::Content.word(0)
}

/// Simplifies HTML to what a text can show.
struct Plain<'a> {
    html: &'a str,
    out: String,
    /// The element that is left out, and how many of its name are open in it.
    skipped: Option<(String, usize)>,
    /// Whether this is for Outlook alone.
    is_hidden: bool,
    /// The links that are open: where their text begins, where they lead.
    anchors: Vec<(usize, String)>,
    /// Whether a cell has just begun.
    is_cell: bool,
}

impl Plain<'_> {
    fn slice(&self, range: &Range<usize>) -> &str {
        self.html.get(range.clone()).unwrap_or_default()
    }

    fn markup(&mut self, markup: &Markup) {
        if let Markup::Conditional { hides, .. } = markup {
            self.is_hidden = *hides;
        }
        if self.is_hidden {
            self.hidden(markup);
            return;
        }
        if let Some((name, depth)) = &mut self.skipped {
            let written = |range: &Range<usize>| self.html.get(range.clone()).unwrap_or_default();
            match markup {
                Markup::Open(tag) if !tag.is_closed && written(&tag.name).eq_ignore_ascii_case(name) => {
                    *depth += 1
                }
                Markup::Close { name: close, .. } if written(close).eq_ignore_ascii_case(name) => *depth -= 1,
                _ => {}
            }
            if *depth == 0 {
                self.skipped = None;
            }
            return;
        }
        match markup {
            Markup::Text(range) => {
                let text = self.slice(range).to_owned();
                self.out.push_str(&text);
            }
            Markup::Open(tag) => self.open(tag),
            Markup::Close { name, .. } => {
                let name = self.slice(name).to_ascii_lowercase();
                self.close(&name);
            }
            _ => {}
        }
    }

    /// Conditions that stand where only Outlook looks hold for what all programs show, too.
    fn hidden(&mut self, markup: &Markup) {
        let Markup::Text(range) = markup else { return };
        let words: String = pieces(self.slice(range))
            .filter_map(|piece| match piece {
                Piece::Word(kind, number) => Some(kind.word(number)),
                Piece::Text(_) => None,
            })
            .collect();
        self.out.push_str(&words);
    }

    fn open(&mut self, tag: &OpenTag) {
        let name = self.slice(&tag.name).to_ascii_lowercase();
        let style =
            tag.attribute(self.html, "style").unwrap_or_default().replace(' ', "").to_ascii_lowercase();
        let is_void = VOID.contains(&name.as_str()) || tag.is_closed;
        if SKIPPED.contains(&name.as_str()) || style.contains("display:none") {
            if !is_void {
                self.skipped = Some((name, 1));
            }
            return;
        }
        match name.as_str() {
            "a" => {
                let address = tag.attribute(self.html, "href").map(unescape).unwrap_or_default();
                self.anchors.push((self.out.len(), address.into_owned()));
            }
            "img" => {
                let alternative = tag.attribute(self.html, "alt").unwrap_or_default().to_owned();
                self.out.push_str(&alternative);
            }
            "hr" => self.out.push_str("<p>---</p>"),
            _ => {
                // What a cell holds as a block of its own is a paragraph, and so is a table.
                if name == "table" || (name == "div" && self.is_cell) {
                    self.gap();
                }
                self.block(&name, false);
            }
        }
        self.is_cell = matches!(name.as_str(), "td" | "th");
    }

    fn gap(&mut self) {
        self.out.push_str("<div>");
        self.out.push_str(&gap());
        self.out.push_str("</div>");
    }

    fn close(&mut self, name: &str) {
        if name == "a" {
            if let Some((start, address)) = self.anchors.pop() {
                self.link(start, &address);
            }
        } else {
            self.block(name, true);
            match name {
                "td" | "th" => self.out.push(' '),
                "table" => self.gap(),
                _ => {}
            }
        }
    }

    fn block(&mut self, name: &str, is_end: bool) {
        let name = if BLOCKS.contains(&name) {
            name
        } else if BECOME_BLOCKS.contains(&name) {
            if name.starts_with('h') && name.len() == 2 { "p" } else { "div" }
        } else {
            return;
        };
        self.out.push_str(if is_end { "</" } else { "<" });
        self.out.push_str(name);
        self.out.push('>');
    }

    /// Writes where a link leads behind its text.
    fn link(&mut self, start: usize, address: &str) {
        let text = self.out.get(start..).unwrap_or_default();
        let shown = visible(text);
        let person = address.strip_prefix("mailto:").or_else(|| address.strip_prefix("tel:"));
        let is_said = person.is_some_and(|person| shown.contains(person));
        let leads_out = !address.is_empty() && !address.starts_with('#');
        if !shown.is_empty() && leads_out && !is_said {
            let address = escape(person.unwrap_or(address)).into_owned();
            self.out.push_str(&format!(" ({address})"));
        }
    }
}

/// The text of HTML without its tags.
fn visible(html: &str) -> String {
    let texts = scan(html).filter_map(|markup| match markup {
        Markup::Text(range) => html.get(range),
        _ => None,
    });
    let joined: String = texts.collect();
    joined.trim().to_owned()
}

/// Takes away what nobody sees: blanks at the ends of lines, more than one empty line, and the line end behind
/// a line that holds nothing but statements.
pub(super) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        let line = line.trim_end();
        if line.trim().is_empty() {
            empty += 1;
            continue;
        }
        if empty > 0 && !out.is_empty() {
            out.push('\n');
        }
        empty = 0;
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Finds the addresses in a text and takes them in.
pub(super) fn with_addresses(text: &str, addresses: &mut Addresses<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let found = rest.get(start..).unwrap_or_default();
        let end = address_length(found, addresses.tags);
        out.push_str(rest.get(..start).unwrap_or_default());
        let address = found.get(..end).unwrap_or_default();
        match addresses.link(address, None) {
            Some(word) => out.push_str(&word),
            None => out.push_str(address),
        }
        rest = found.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// How far an address reaches in a text: to a blank, a bracket, a statement; the end of a sentence is not part
/// of it.
fn address_length(text: &str, tags: &[PlacedTag]) -> usize {
    let mut length = 0;
    for piece in pieces(text) {
        match piece {
            Piece::Text(part) => {
                let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"');
                let end = part.find(ends);
                length += end.unwrap_or(part.len());
                if end.is_some() {
                    break;
                }
            }
            Piece::Word(kind, number) => {
                if !tags.get(number).is_some_and(|tag| tag.tag.form.is_output()) {
                    break;
                }
                length += kind.word(number).len();
            }
        }
    }
    let whole = text.get(..length).unwrap_or_default();
    let mut trimmed = whole.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'']);
    if trimmed.ends_with(')') && !trimmed.contains('(') {
        trimmed = trimmed.trim_end_matches(')');
    }
    trimmed.len()
}

/// Takes the line end away behind lines that hold nothing but statements, which would else leave empty lines.
pub(super) fn without_statement_lines(masked: &str, tags: &[PlacedTag]) -> String {
    let mut out = String::with_capacity(masked.len());
    for line in masked.split_inclusive('\n') {
        let is_statement = |number: usize| tags.get(number).is_some_and(|tag| !tag.tag.form.is_output());
        let mut has_statement = false;
        let has_more = pieces(line).any(|piece| match piece {
            Piece::Text(text) => !text.trim().is_empty(),
            Piece::Word(Kind::Tag, number) if is_statement(number) => {
                has_statement = true;
                false
            }
            Piece::Word(..) => true,
        });
        if has_statement && !has_more {
            out.push_str(line.trim());
        } else {
            out.push_str(line);
        }
    }
    out
}
