//! Reads HTML and MJML as a flat row of tags, texts and comments, with the place of everything.
//!
//! It builds no tree and mends nothing, so it reads what authors write and what libraries hand back alike. The
//! insides of Outlook's conditional comments are read as markup too, since links stand there.

use std::borrow::Cow;
use std::ops::Range;

/// One thing that stands in the markup.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Markup {
    Text(Range<usize>),
    Open(OpenTag),
    Close {
        name: Range<usize>,
        range: Range<usize>,
    },
    /// An ordinary comment, with its signs.
    Comment(Range<usize>),
    /// The begin or the end of a stretch for some mail programs alone.
    Conditional {
        range: Range<usize>,
        /// Whether what follows is hidden from all programs but Outlook.
        hides: bool,
    },
    /// `<!doctype …>` and the like.
    Declaration(Range<usize>),
    /// A tag or comment that the text ends in the middle of: where it begins.
    Unfinished(Range<usize>),
}

impl Markup {
    /// All of it; nothing of what stands behind a tag that never ends is part of anything.
    pub fn range(&self) -> Range<usize> {
        match self {
            Markup::Open(tag) => tag.range.clone(),
            Markup::Text(range)
            | Markup::Close { range, .. }
            | Markup::Comment(range)
            | Markup::Conditional { range, .. }
            | Markup::Declaration(range)
            | Markup::Unfinished(range) => range.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct OpenTag {
    pub range: Range<usize>,
    pub name: Range<usize>,
    pub attributes: Vec<Attribute>,
    /// Whether it ends with `/>`.
    pub is_closed: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attribute {
    pub name: Range<usize>,
    /// Without its quotation marks; `None` where there is no `=`.
    pub value: Option<Range<usize>>,
}

impl OpenTag {
    /// The value of an attribute, as written; empty where it has none.
    pub fn attribute<'a>(&self, text: &'a str, name: &str) -> Option<&'a str> {
        let found = self.attributes.iter().find(|attribute| {
            text.get(attribute.name.clone()).is_some_and(|written| written.eq_ignore_ascii_case(name))
        })?;
        Some(found.value.clone().and_then(|range| text.get(range)).unwrap_or_default())
    }
}

/// Elements whose content is text to the end tag, whatever stands in it.
const RAW_TEXT: [&str; 7] = ["style", "script", "title", "textarea", "mj-style", "mj-title", "mj-preview"];

/// Elements without content or end tag (HTML, section 13.1.2).
pub(super) const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Reads all of a text.
pub(super) fn scan(text: &str) -> Scanner<'_> {
    Scanner { text, at: 0, raw: None }
}

pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The element whose raw text follows.
    raw: Option<&'static str>,
}

impl Iterator for Scanner<'_> {
    type Item = Markup;

    fn next(&mut self) -> Option<Markup> {
        if self.at >= self.text.len() {
            return None;
        }
        if let Some(name) = self.raw.take() {
            let length = self.raw_length(name);
            if length > 0 {
                return Some(Markup::Text(self.take(length)));
            }
        }
        let rest = self.rest();
        if rest.starts_with('<')
            && let Some(markup) = self.markup()
        {
            return Some(markup);
        }
        let skip = usize::from(rest.starts_with('<'));
        let length = rest.get(skip..).and_then(|rest| rest.find('<')).map_or(rest.len(), |at| at + skip);
        Some(Markup::Text(self.take(length)))
    }
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> Range<usize> {
        let start = self.at;
        self.at += length;
        start..self.at
    }

    /// How far the raw text of an element reaches.
    fn raw_length(&self, name: &str) -> usize {
        let rest = self.rest();
        let ends = |at: &usize| {
            let behind = rest.get(at + 2..).and_then(|rest| rest.get(..name.len()));
            behind.is_some_and(|found| found.eq_ignore_ascii_case(name))
        };
        rest.match_indices("</").map(|(at, _)| at).find(ends).unwrap_or(rest.len())
    }

    /// Reads what `<` begins; `None` where it is an ordinary character.
    fn markup(&mut self) -> Option<Markup> {
        let rest = self.rest();
        if rest.starts_with("<!--[if") {
            return Some(self.conditional());
        }
        if rest.starts_with("<![endif]") {
            let length = rest.find('>').map_or(rest.len(), |at| at + 1);
            return Some(Markup::Conditional { range: self.take(length), hides: false });
        }
        if rest.starts_with("<!--") {
            // `<!-->` and `<!--->` are comments too (HTML, section 13.2.5.43).
            let end = rest.get(2..).and_then(|inner| inner.find("-->")).map(|at| at + 5);
            return Some(match end {
                Some(length) => Markup::Comment(self.take(length)),
                None => self.unfinished(4),
            });
        }
        if rest.starts_with("<!") || rest.starts_with("<?") {
            return Some(match rest.find('>') {
                Some(at) => Markup::Declaration(self.take(at + 1)),
                None => self.unfinished(2),
            });
        }
        let (is_close, behind) = match rest.strip_prefix("</") {
            Some(behind) => (true, behind),
            None => (false, rest.get(1..)?),
        };
        if !behind.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        Some(if is_close { self.close_tag() } else { self.open_tag() })
    }

    fn unfinished(&mut self, length: usize) -> Markup {
        let start = self.at;
        self.at = self.text.len();
        Markup::Unfinished(start..start + length)
    }

    fn conditional(&mut self) -> Markup {
        let rest = self.rest();
        let Some(end) = rest.find("]>").map(|at| at + 2) else { return self.unfinished(7) };
        // With `<!-->` behind it, the stretch is hidden from Outlook instead of from the others.
        let behind = rest.get(end..).unwrap_or_default();
        let reveal = ["<!-->", "-->", "<!--"].into_iter().find(|sign| behind.starts_with(sign));
        let length = end + reveal.map_or(0, str::len);
        Markup::Conditional { range: self.take(length), hides: reveal.is_none() }
    }

    fn close_tag(&mut self) -> Markup {
        let rest = self.rest();
        let Some(end) = rest.find('>') else { return self.unfinished(2) };
        let inner = rest.get(2..end).unwrap_or_default();
        let length = inner.find(char::is_whitespace).unwrap_or(inner.len());
        let name = self.at + 2..self.at + 2 + length;
        Markup::Close { name, range: self.take(end + 1) }
    }

    fn open_tag(&mut self) -> Markup {
        let start = self.at;
        let length = |text: &str, ends: &[char]| text.find(ends).unwrap_or(text.len());
        self.at += 1;
        let name_length = length(self.rest(), &[' ', '\t', '\n', '\r', '\u{c}', '/', '>']);
        let name = self.take(name_length);
        let mut attributes = Vec::new();
        loop {
            self.at += length_of_space(self.rest());
            let rest = self.rest();
            if rest.is_empty() {
                self.at = start;
                return self.unfinished(1 + name.len());
            }
            if rest.starts_with("/>") || rest.starts_with('>') {
                let is_closed = rest.starts_with('/');
                self.at += 1 + usize::from(is_closed);
                self.raw = self.raw_element(&name).filter(|_| !is_closed);
                return Markup::Open(OpenTag { range: start..self.at, name, attributes, is_closed });
            }
            if rest.starts_with('/') {
                self.at += 1;
                continue;
            }
            match self.attribute() {
                Some(attribute) => attributes.push(attribute),
                None => {
                    self.at = start;
                    return self.unfinished(1 + name.len());
                }
            }
        }
    }

    fn raw_element(&self, name: &Range<usize>) -> Option<&'static str> {
        let name = self.text.get(name.clone())?;
        RAW_TEXT.into_iter().find(|raw| raw.eq_ignore_ascii_case(name))
    }

    /// Reads `name`, `name=value` or `name="value"`; `None` where the text ends in it.
    fn attribute(&mut self) -> Option<Attribute> {
        let rest = self.rest();
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/');
        // A name that begins with `=` is an error that browsers read on over.
        let length = rest.char_indices().skip(1).find(|(_, c)| ends(*c)).map_or(rest.len(), |(at, _)| at);
        let name = self.take(length);
        let space = length_of_space(self.rest());
        let Some(behind) = self.rest().get(space..).and_then(|rest| rest.strip_prefix('=')) else {
            return Some(Attribute { name, value: None });
        };
        let space_behind = length_of_space(behind);
        self.at += space + 1 + space_behind;
        let rest = self.rest();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let value = match quote {
            Some(quote) => {
                let length = rest.get(1..)?.find(quote)?;
                let value = self.at + 1..self.at + 1 + length;
                self.at += length + 2;
                value
            }
            None => {
                let length = rest.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(rest.len());
                self.take(length)
            }
        };
        Some(Attribute { name, value: Some(value) })
    }
}

fn length_of_space(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| c.is_ascii_whitespace()).len()
}

/// Writes text so that HTML shows it as it is, also inside quotation marks.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match escaped(c) {
            Some(entity) => out.push_str(entity),
            None => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// How HTML writes a character that would else mean something.
pub(super) fn escaped(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    }
}

/// Reads the character references that occur in addresses, among them those that hide a scheme.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    const NAMED: [(&str, char); 10] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", '\u{a0}'),
        ("Tab", '\t'),
        ("NewLine", '\n'),
        ("colon", ':'),
        ("sol", '/'),
    ];
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let reference = behind.split_once(';').filter(|(name, _)| name.len() <= 8);
        let character = reference.and_then(|(name, _)| match name.strip_prefix('#') {
            Some(number) => numeric(number),
            None => NAMED.iter().find(|(known, _)| *known == name).map(|(_, c)| *c),
        });
        match (character, reference) {
            (Some(c), Some((_, behind))) => {
                out.push(c);
                rest = behind;
            }
            _ => {
                out.push('&');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn numeric(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}
