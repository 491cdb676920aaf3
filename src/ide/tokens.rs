//! What each word of a file is, for colouring that knows the names.

use std::ops::Range;

use super::{Analysis, NameKind, Role, words};
use crate::language::syntax::{self, Leaf};
use crate::source::{SourceId, Span};

/// A stretch of a line with one meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it stands; it does not reach over the end of a line.
    pub span: Span,
    /// What it is.
    pub kind: TokenKind,
    /// Whether it declares the name that it is.
    pub is_declaration: bool,
}

/// What a word can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A word of the language.
    Keyword,
    /// A text in quotes.
    Text,
    /// A number, a share, a length or point of time.
    Number,
    /// A sign between values.
    Operator,
    /// A comment.
    Comment,
    /// A function of past events, a reaction.
    Function,
    /// The type of a field.
    Type,
    /// A key of a message or of pairs.
    Key,
    /// A name of this kind.
    Name(NameKind),
    /// A name that nothing declares.
    Unknown,
}

/// The tokens of a journey file that lie in a range or touch it, in the order of the text. Text that cannot be read
/// keeps its colours.
pub fn tokens(analysis: &Analysis, source: SourceId, within: Range<usize>) -> Vec<Token> {
    let file = analysis.files.sources.get(source);
    if !file.path.ends_with(".journey") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut end = 0;
    for leaf in syntax::leaves(&file.text, within) {
        // What a broken part and its pieces both cover is told once.
        if leaf.range.start < end {
            continue;
        }
        end = leaf.range.end;
        let written = file.text.get(leaf.range.clone()).unwrap_or("");
        let span = Span::new(source, leaf.range.start, leaf.range.start + written.trim_end().len());
        match kind_of(&leaf, written) {
            Some(TokenKind::Text) => in_text(analysis, span, &mut found),
            Some(TokenKind::Unknown | TokenKind::Keyword) | None => {
                let named = named(analysis, span)
                    .or_else(|| Some(Token { span, kind: kind_of(&leaf, written)?, is_declaration: false }));
                found.extend(named);
            }
            Some(kind) => found.push(Token { span, kind, is_declaration: false }),
        }
    }
    found.into_iter().flat_map(|token| lines_of(&file.text, token)).collect()
}

/// What a leaf is by its rule; names are told apart by what they name.
fn kind_of(leaf: &Leaf, written: &str) -> Option<TokenKind> {
    let within = leaf.around.last().copied().unwrap_or("");
    Some(match leaf.rule {
        "COMMENT" => TokenKind::Comment,
        "long_text" | "plain_text" | "open_text" | "unquoted_text" | "wrong_quoted" => TokenKind::Text,
        "number" | "digits" | "signed_number" | "share" | "clock_time" | "date" | "duration"
        | "duration_value" => TokenKind::Number,
        "aggregate_kind" | "reaction_kind" => TokenKind::Function,
        "setting_word" => TokenKind::Key,
        "scope" | "unit" | "weekday" | "name_scale" | "name_comment" => TokenKind::Keyword,
        "name" if matches!(within, "field_type" | "list_type") => TokenKind::Type,
        "name" if within == "message_setting" && is_setting(written) => TokenKind::Key,
        "name" if matches!(within, "key_value" | "wrong_key_colon") => TokenKind::Key,
        "name" if within == "channel" && written == "email" => TokenKind::Keyword,
        "name" | "name_in_expression" => TokenKind::Unknown,
        "word" if leaf.is_broken() && syntax::is_keyword(written) => TokenKind::Keyword,
        "word" => TokenKind::Unknown,
        "equal" | "not_equal" | "less" | "less_equal" | "greater" | "greater_equal" | "plus" | "minus"
        | "times" | "divided_by" | "negate" | "set_sign" | "sign_equals" | "wrong_set_sign"
        | "wrong_equal" => TokenKind::Operator,
        rule if rule.starts_with("k_") => TokenKind::Keyword,
        _ => return None,
    })
}

fn is_setting(word: &str) -> bool {
    words::of("message_setting").iter().any(|setting| setting.label == word)
}

fn named(analysis: &Analysis, span: Span) -> Option<Token> {
    let name =
        analysis.names_at(span.source, span.start).iter().find(|name| name.span.start == span.start)?;
    Some(Token {
        span: name.span,
        kind: TokenKind::Name(name.kind),
        is_declaration: name.role == Role::Declaration,
    })
}

/// A text in quotes, with the names that its template or its path holds.
fn in_text(analysis: &Analysis, span: Span, found: &mut Vec<Token>) {
    let first = analysis.occurrences.partition_point(|name| name.span < span.at_start());
    let names = analysis.occurrences.iter().skip(first).take_while(|name| span.contains(name.span));
    let mut at = span.start;
    let text = |start, end| Token {
        span: Span { start, end, ..span },
        kind: TokenKind::Text,
        is_declaration: false,
    };
    for name in names.filter(|name| name.kind != NameKind::Template) {
        if name.span.start < at {
            continue;
        }
        found.push(text(at, name.span.start));
        let is_declaration = name.role == Role::Declaration;
        found.push(Token { span: name.span, kind: TokenKind::Name(name.kind), is_declaration });
        at = name.span.end;
    }
    found.push(text(at, span.end));
}

/// A token line by line.
fn lines_of(text: &str, token: Token) -> impl Iterator<Item = Token> {
    let range = token.span.range();
    let mut start = range.start;
    let mut pieces = Vec::new();
    for line in text.get(range).unwrap_or("").split_inclusive(['\n', '\r']) {
        let length = line.trim_end().len();
        if length > 0 {
            let span = Span::new(token.span.source, start, start + length);
            pieces.push(Token { span, ..token });
        }
        start += line.len();
    }
    pieces.into_iter()
}

#[cfg(test)]
mod tests;
