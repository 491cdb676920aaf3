//! Writes masked text as a template of the engine that fills it in, each word in the form that its place asks for.

use super::lexer::Form;
use super::masked::{Kind, Piece, PlacedTag, pieces};

/// Begins an address in rendered text; its number follows. No value holds this character, nor the next two.
pub(super) const ADDRESS: char = '\u{1}';
/// Ends the number; what was rendered of the address follows.
pub(super) const ADDRESS_TEXT: char = '\u{2}';
/// Ends an address.
pub(super) const ADDRESS_END: char = '\u{3}';
/// The number that stands for the picture that counts opens.
pub(super) const PIXEL: &str = "o";

/// An address in the making: masked text that becomes one when it is filled in.
pub(super) type AddressText = String;

/// Writes masked text as a template. `is_html` says that values are escaped in it.
pub(super) fn emit(masked: &str, tags: &[PlacedTag], addresses: &[AddressText], is_html: bool) -> String {
    let mut out = String::with_capacity(masked.len() * 2);
    let mut rest = pieces(masked).peekable();
    while let Some(piece) = rest.next() {
        match piece {
            Piece::Text(text) => literal(text, rest.peek().is_some(), &mut out),
            Piece::Word(Kind::Pixel, _) => {
                out.extend([ADDRESS]);
                out.push_str(PIXEL);
                out.extend([ADDRESS_TEXT, ADDRESS_END]);
            }
            Piece::Word(Kind::Url, number) => {
                let text = addresses.get(number).map_or("", String::as_str);
                address(number, text, tags, is_html, &mut out);
            }
            Piece::Word(kind, number) => {
                if let Some(tag) = tags.get(number) {
                    placeholder(kind, tag, &mut out);
                }
            }
        }
    }
    out
}

/// Text that the engine leaves as it is.
fn literal(text: &str, is_before_tag: bool, out: &mut String) {
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '{' => {
                let opens = match letters.peek() {
                    Some(next) => matches!(next, '{' | '%' | '#'),
                    None => is_before_tag,
                };
                out.push_str(if opens { "{{ '{' }}" } else { "{" });
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

fn placeholder(kind: Kind, tag: &PlacedTag, out: &mut String) {
    let filter = match kind {
        Kind::Style => "_style",
        Kind::StyleUrl => "_style_url",
        Kind::UrlHost => "_host",
        Kind::UrlPart => "_part",
        Kind::Tag | Kind::Url | Kind::Content | Kind::Pixel => "",
    };
    match &tag.tag.form {
        Form::Output(range) if !filter.is_empty() => {
            out.push_str("{{ (");
            out.push_str(tag.slice(range));
            out.push_str(")|");
            out.push_str(filter);
            out.push_str(" }}");
        }
        // What is no list is gone through all the same, rather than keeping the mail from being sent.
        Form::For { list, .. } => {
            out.push_str(tag.slice(&(tag.tag.range.start..list.start)));
            out.push('(');
            out.push_str(tag.slice(list));
            out.push_str(")|_list");
            out.push_str(tag.slice(&(list.end..tag.tag.range.end)));
        }
        _ => out.push_str(tag.text()),
    }
}

/// An address between its signs. It is rendered as it is, and escaped when all of it is known.
fn address(number: usize, text: &str, tags: &[PlacedTag], is_html: bool, out: &mut String) {
    out.push(ADDRESS);
    out.push_str(&number.to_string());
    out.push(ADDRESS_TEXT);
    if !text.is_empty() {
        out.push_str(if is_html { "{% autoescape false %}" } else { "" });
        out.push_str(&emit(text, tags, &[], false));
        out.push_str(if is_html { "{% endautoescape %}" } else { "" });
    }
    out.push(ADDRESS_END);
}
