//! Prepares finished HTML: addresses, styles, preview text, the place of the picture that counts opens.

use std::ops::Range;

use super::expression::URL_NAMES;
use super::lexer::Form;
use super::links::{self, Target};
use super::markup::{Attribute, Markup, OpenTag, VOID, escape, scan, unescape};
use super::masked::{Kind, Piece, PlacedTag, has_words, map_words, pieces};
use super::message::{Address, CompiledLink};
use super::structure::URL_ATTRIBUTES;

/// The addresses of a message, gathered from all its parts.
pub(super) struct Addresses<'a> {
    pub tags: &'a [PlacedTag],
    pub utm: &'a [(String, String)],
    /// What is known of each address when the message is compiled.
    pub known: Vec<Address>,
    /// The masked text of each address; empty where it is known.
    pub texts: Vec<String>,
    pub links: Vec<CompiledLink>,
}

impl Addresses<'_> {
    /// Takes an address in and gives the word for it; `None` where it can stay as it is.
    ///
    /// `masked` is its text without HTML's references, `name` what the author calls the link.
    pub fn link(&mut self, masked: &str, name: Option<&str>) -> Option<String> {
        let masked = masked.trim();
        let target = links::target(&map_words(masked, |_, _, out| out.push('x')));
        if !has_words(masked) && target != Target::Web {
            return None;
        }
        let is_open = matches!(pieces(masked).next(), Some(Piece::Word(..)));
        let is_tracked = (target == Target::Web || is_open) && !self.is_own(masked);
        let source = map_words(masked, |_, number, out| {
            out.push_str(self.tags.get(number).map_or("", PlacedTag::text))
        });
        let link = is_tracked.then(|| self.number_of(name.map(|name| name.to_owned()), &source));
        Some(self.word(masked, source, link))
    }

    /// Takes in the address of a picture and the like.
    pub fn media(&mut self, masked: &str) -> Option<String> {
        let masked = masked.trim();
        has_words(masked).then(|| self.word(masked, String::new(), None))
    }

    fn word(&mut self, masked: &str, source: String, link: Option<usize>) -> String {
        let fixed = (!has_words(masked)).then(|| links::with_utm(&source, self.utm).into_owned());
        let text = if fixed.is_some() { String::new() } else { self.parts(masked) };
        let address = Address { link, fixed };
        // The same address in two places is one, so that both places give the same tracked address.
        let same = self.known.iter().zip(&self.texts).position(|known| known == (&address, &text));
        let number = same.unwrap_or_else(|| {
            self.known.push(address);
            self.texts.push(text);
            self.known.len() - 1
        });
        Kind::Url.word(number)
    }

    /// The number of the link of that name and address.
    fn number_of(&mut self, name: Option<String>, source: &str) -> usize {
        let name = name.filter(|name| !name.trim().is_empty());
        let name = name.unwrap_or_else(|| links::without_query(source).to_owned());
        let link = CompiledLink { name, url: source.to_owned() };
        self.links.iter().position(|known| *known == link).unwrap_or_else(|| {
            self.links.push(link);
            self.links.len() - 1
        })
    }

    /// Whether an address is one of those that every message has, which are never tracked.
    fn is_own(&self, masked: &str) -> bool {
        let mut pieces = pieces(masked);
        let (Some(Piece::Word(_, number)), None) = (pieces.next(), pieces.next()) else { return false };
        self.tags.get(number).is_some_and(|tag| match &tag.tag.form {
            Form::Output(range) => URL_NAMES.contains(&tag.slice(range)),
            _ => false,
        })
    }

    /// Marks each placeholder of an address by its place in it: what begins it may be all of it, what comes
    /// behind may not change where it leads.
    fn parts(&self, masked: &str) -> String {
        let mut before = String::new();
        let mut out = String::new();
        for piece in pieces(masked) {
            match piece {
                Piece::Text(text) => {
                    before.push_str(text);
                    out.push_str(text);
                }
                Piece::Word(_, number) => {
                    let is_output = self.tags.get(number).is_some_and(|tag| tag.tag.form.is_output());
                    let kind = match before.split_once("://") {
                        _ if !is_output || before.trim().is_empty() => Kind::Tag,
                        Some((_, host)) if !host.contains(['/', '?', '#']) => Kind::UrlHost,
                        _ => Kind::UrlPart,
                    };
                    if is_output {
                        // Whatever it is, it is there.
                        before.push('x');
                    } else {
                        before.clear();
                    }
                    out.push_str(&kind.word(number));
                }
            }
        }
        out
    }
}

/// Writes HTML anew with words in the place of addresses, and values in styles marked as such.
pub(super) fn with_addresses(html: &str, addresses: &mut Addresses<'_>) -> String {
    let mut out = String::with_capacity(html.len());
    let mut is_style = false;
    for markup in scan(html) {
        let written = html.get(markup.range()).unwrap_or_default();
        match markup {
            Markup::Open(tag) => {
                is_style = html.get(tag.name.clone()).is_some_and(|name| name.eq_ignore_ascii_case("style"));
                open_tag(html, &tag, addresses, &mut out);
            }
            Markup::Text(_) if is_style => out.push_str(&style_words(written, addresses.tags)),
            Markup::Close { .. } => {
                is_style = false;
                out.push_str(written);
            }
            _ => out.push_str(written),
        }
    }
    out
}

fn open_tag(html: &str, tag: &OpenTag, addresses: &mut Addresses<'_>, out: &mut String) {
    let slice = |range: &Range<usize>| html.get(range.clone()).unwrap_or_default();
    let element = slice(&tag.name).to_ascii_lowercase();
    let mut at = tag.range.start;
    for attribute in &tag.attributes {
        let Some((value, range)) = attribute.value.as_ref().map(|range| (slice(range), range)) else {
            continue;
        };
        let name = slice(&attribute.name).to_ascii_lowercase();
        let replaced = match name.as_str() {
            "href" if matches!(element.as_str(), "a" | "area") || element.starts_with("v:") => {
                addresses.link(&unescape(value), tag.attribute(html, "name"))
            }
            _ if URL_ATTRIBUTES.contains(&name.as_str()) => addresses.media(&unescape(value)),
            "style" => has_words(value).then(|| style_words(value, addresses.tags)),
            // Quotation marks are what keeps a value from becoming an attribute of its own.
            _ => has_words(value).then(|| value.replace('"', "&quot;")),
        };
        if let Some(replaced) = replaced {
            out.push_str(html.get(at..attribute.name.end).unwrap_or_default());
            out.push_str("=\"");
            out.push_str(&replaced);
            out.push('"');
            at = value_end(html, attribute, range);
        }
    }
    out.push_str(html.get(at..tag.range.end).unwrap_or_default());
}

/// The end of a value with its quotation mark, where it has one.
fn value_end(html: &str, attribute: &Attribute, value: &Range<usize>) -> usize {
    let between = html.get(attribute.name.end..value.start).unwrap_or_default();
    value.end + usize::from(between.ends_with(['"', '\'']))
}

/// Marks the placeholders of a style: inside `url(…)` they are addresses.
fn style_words(style: &str, tags: &[PlacedTag]) -> String {
    let mut before = String::new();
    let mut out = String::with_capacity(style.len());
    for piece in pieces(style) {
        match piece {
            Piece::Text(text) => {
                before.push_str(text);
                out.push_str(text);
            }
            Piece::Word(_, number) => {
                let is_output = tags.get(number).is_some_and(|tag| tag.tag.form.is_output());
                let url = before
                    .rsplit_once("url(")
                    .map(|(_, behind)| behind)
                    .filter(|behind| !behind.contains(')'));
                let kind = match url {
                    _ if !is_output => Kind::Tag,
                    None => Kind::Style,
                    Some(begun) if begun.trim_matches([' ', '"', '\'']).is_empty() => Kind::StyleUrl,
                    Some(begun) if begun.split_once("://").is_some_and(|(_, host)| !host.contains('/')) => {
                        Kind::UrlHost
                    }
                    Some(_) => Kind::UrlPart,
                };
                before.push(if is_output { 'x' } else { ' ' });
                out.push_str(&kind.word(number));
            }
        }
    }
    out
}

/// How mail programs are shown a text in the list of messages and not in the message.
const PREHEADER_STYLE: &str = "display:none;font-size:1px;color:#ffffff;line-height:1px;max-height:0px;\
                               max-width:0px;opacity:0;overflow:hidden;";

/// Puts the preview text behind the begin of the body, and the place of the picture before its end.
pub(super) fn with_frame(html: &str, preheader: Option<&str>) -> String {
    let mut start = 0;
    let mut end = html.len();
    for markup in scan(html) {
        match markup {
            Markup::Open(tag) if is_body(html, &tag.name) && start == 0 => start = tag.range.end,
            Markup::Close { name, range } if is_body(html, &name) => end = range.start,
            _ => {}
        }
    }
    let mut out = String::with_capacity(html.len() + 256);
    out.push_str(html.get(..start).unwrap_or_default());
    if let Some(preheader) = preheader {
        out.push_str("<div style=\"");
        out.push_str(PREHEADER_STYLE);
        out.push_str("\">");
        out.push_str(&escaped_text(preheader));
        out.push_str("</div>");
    }
    out.push_str(html.get(start..end).unwrap_or_default());
    out.push_str(&Kind::Pixel.word(0));
    out.push_str(html.get(end..).unwrap_or_default());
    out
}

fn is_body(html: &str, name: &Range<usize>) -> bool {
    html.get(name.clone()).is_some_and(|name| name.eq_ignore_ascii_case("body"))
}

/// Masked plain text as masked HTML.
fn escaped_text(masked: &str) -> String {
    let mut out = String::with_capacity(masked.len());
    for piece in pieces(masked) {
        match piece {
            Piece::Text(text) => out.push_str(&escape(text)),
            Piece::Word(kind, number) => out.push_str(&kind.word(number)),
        }
    }
    out
}

/// Gives statements around rows of a table their place back: the parser of the style library puts a
/// `<tbody>` around the first rows and takes the end of a condition in, but not its begin.
///
/// Statements that end at another depth than they begin even so are given back by their numbers.
pub(super) fn with_mended_tables(html: &str, tags: &[PlacedTag]) -> (String, Vec<usize>) {
    /// A statement that is open: its number, its comment, its depth, and a `<tbody>` right behind it.
    struct Frame {
        number: usize,
        comment: Range<usize>,
        depth: usize,
        body: Option<Range<usize>>,
    }
    let mut out = html.to_owned();
    let mut torn = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    let mut depth = 0_usize;
    let mut is_hidden = false;
    for markup in scan(html) {
        match markup {
            Markup::Conditional { hides, .. } => is_hidden = hides,
            Markup::Open(tag) if !is_hidden => {
                let name = html.get(tag.name.clone()).unwrap_or_default();
                let is_next = |frame: &&mut Frame| {
                    html.get(frame.comment.end..tag.range.start)
                        .is_some_and(|between| between.trim().is_empty())
                };
                if let Some(frame) = frames.last_mut().filter(is_next).filter(|_| name == "tbody") {
                    frame.body = Some(tag.range.clone());
                }
                if !VOID.contains(&name) && !tag.is_closed {
                    depth += 1;
                }
            }
            Markup::Close { .. } if !is_hidden => depth = depth.saturating_sub(1),
            Markup::Comment(range) => {
                let inner = html.get(range.start + 4..range.end.saturating_sub(3)).unwrap_or_default();
                let Some(Piece::Word(Kind::Tag, number)) = pieces(inner).next() else { continue };
                match tags.get(number).map(|tag| &tag.tag.form) {
                    Some(Form::If(_) | Form::For { .. }) => {
                        frames.push(Frame { number, comment: range, depth, body: None });
                    }
                    Some(Form::EndIf | Form::EndFor) => match frames.pop() {
                        Some(Frame { depth: before, .. }) if before == depth => {}
                        Some(Frame { comment, depth: before, body: Some(body), .. })
                            if before + 1 == depth =>
                        {
                            let between = comment.end..body.start;
                            let swapped = [body.clone(), between, comment.clone()];
                            let swapped = swapped.map(|range| html.get(range).unwrap_or_default());
                            out.replace_range(comment.start..body.end, &swapped.concat());
                        }
                        Some(frame) => torn.push(frame.number),
                        None => {}
                    },
                    _ => {}
                }
            }
            _ => {}
        }
    }
    (out, torn)
}
