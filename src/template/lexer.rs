//! Finds the placeholders and statements in a template text, within bounds, before any library reads it.

mod unclosed;

use std::ops::Range;

use super::limits::{BRACKET_DEPTH_MAX, OPERATORS_MAX, SOURCE_BYTES_MAX};
use super::masked::{WORD_END, WORD_START};
use super::{Part, TemplateProblem};
use crate::finding::words;

/// A placeholder, a statement or a comment, and where it stands in its text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tag {
    /// From `{` to `}`.
    pub range: Range<usize>,
    pub form: Form,
    /// What is inside, in order.
    pub tokens: Vec<Token>,
}

/// What a tag does. Ranges cover expressions and names in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// `{{ … }}`
    Output(Range<usize>),
    If(Range<usize>),
    Elif(Range<usize>),
    Else,
    EndIf,
    For {
        name: Range<usize>,
        list: Range<usize>,
    },
    EndFor,
    Set {
        name: Range<usize>,
        value: Range<usize>,
    },
    /// `{# … #}`
    Comment,
}

impl Form {
    /// Whether it leaves text in the mail, rather than steering what does.
    pub fn is_output(&self) -> bool {
        matches!(self, Form::Output(_))
    }
}

/// One word or sign of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub range: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Name,
    Number,
    Text,
    Sign,
}

/// The words that begin a statement.
pub(super) const STATEMENTS: [&str; 7] = ["if", "elif", "else", "endif", "for", "endfor", "set"];
/// Words inside an expression that count as operators.
pub(super) const WORD_OPERATORS: [&str; 7] = ["and", "or", "not", "in", "is", "if", "else"];
/// Signs, the longer ones first.
const SIGNS: [&str; 23] = [
    "==", "!=", "<=", ">=", "//", "**", "=", "<", ">", "+", "-", "*", "/", "%", ".", ",", ":", "~", "|", "(",
    ")", "[", "]",
];

/// Finds all tags of a text in order. What is wrong is reported, and the search goes on behind it.
pub(super) fn lex(text: &str, part: &Part, problems: &mut Vec<TemplateProblem>) -> Vec<Tag> {
    if text.len() > SOURCE_BYTES_MAX {
        let message = format!("a template longer than {} KiB", SOURCE_BYTES_MAX / 1024);
        let help = "keep pictures and long styles in files of their own, or split the template".to_owned();
        problems.push(TemplateProblem::new(part, 0..0, message).help(help));
        return Vec::new();
    }
    for (at, reserved) in text.match_indices([WORD_START, WORD_END]) {
        let message = format!("`{reserved}` cannot stand in a template");
        problems
            .push(TemplateProblem::new(part, at..at + reserved.len(), message).help("write other brackets"));
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tags = Vec::new();
    while let Some(offset) = lexer.rest().find('{') {
        lexer.at += offset;
        let start = lexer.at;
        match lexer.tag() {
            Ok(Some(tag)) => tags.push(tag),
            Ok(None) => lexer.at = start + 1,
            Err(fault) => {
                lexer.at = fault.range.end.max(start + 2);
                let problem = TemplateProblem::new(part, fault.range, fault.message).maybe_help(fault.help);
                problems.push(TemplateProblem { edit: fault.edit, ..problem });
            }
        }
    }
    tags
}

/// Something wrong inside a tag.
struct Fault {
    range: Range<usize>,
    message: String,
    help: Option<String>,
    /// What to write, and in the place of what.
    edit: Option<(Range<usize>, String)>,
}

impl Fault {
    fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self { range, message: message.into(), help: None, edit: None }
    }

    /// What belongs in the place of all that is wrong.
    fn instead(self, text: impl Into<String>) -> Self {
        Self { edit: Some((self.range.clone(), text.into())), ..self }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn slice(&self, range: &Range<usize>) -> &'a str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Reads the tag that begins here; `None` where the brace is ordinary text.
    fn tag(&mut self) -> Result<Option<Tag>, Fault> {
        let start = self.at;
        let rest = self.rest();
        if rest.starts_with("{#") {
            return Ok(self.comment());
        }
        let (close, sign) = match rest.get(..2) {
            Some("{{") => ("}}", "{{"),
            Some("{%") => ("%}", "{%"),
            _ => return Ok(None),
        };
        self.at += 2;
        if self.rest().starts_with(['-', '+']) {
            self.at += 1;
        }
        let inside = self.at;
        let tokens = match self.tokens(close, sign) {
            Ok(tokens) => tokens,
            Err(fault) => return Err(self.unclosed(start, inside, close).unwrap_or(fault)),
        };
        let range = start..self.at;
        let form = if close == "}}" { output(&range, &tokens)? } else { self.statement(&range, &tokens)? };
        Ok(Some(Tag { range, form, tokens }))
    }

    /// Reads a comment. Without an end it is ordinary text, and so is `{#` in a style sheet, where it begins
    /// the rule of an id.
    fn comment(&mut self) -> Option<Tag> {
        let start = self.at;
        let before = self.text.get(..start)?;
        let last_tag = before.rfind('<').and_then(|at| before.get(at..)).unwrap_or_default();
        if last_tag.starts_with("<style") || last_tag.starts_with("<mj-style") {
            return None;
        }
        let end = self.rest().find("#}")? + 2;
        self.at = start + end;
        Some(Tag { range: start..self.at, form: Form::Comment, tokens: Vec::new() })
    }

    /// Reads up to and over the closing sign.
    fn tokens(&mut self, close: &str, sign: &str) -> Result<Vec<Token>, Fault> {
        let other = if close == "}}" { "%}" } else { "}}" };
        let mut tokens = Vec::new();
        let mut open: Vec<(char, Range<usize>)> = Vec::new();
        let mut operators = 0;
        loop {
            self.at += self.rest().len() - self.rest().trim_start().len();
            let rest = self.rest();
            if rest.is_empty() {
                let fault = Fault::new(self.at..self.at, format!("`{sign}` without `{close}`"));
                return Err(fault.help(format!("close it with `{close}`")).instead(close));
            }
            let trimmed = rest.strip_prefix(['-', '+']).unwrap_or(rest);
            if trimmed.starts_with(close) {
                self.at += rest.len() - trimmed.len() + close.len();
                break;
            }
            if rest.starts_with(other) {
                let fault = Fault::new(self.at..self.at + 2, format!("`{other}` does not close `{sign}`"));
                return Err(fault.help(format!("close it with `{close}`")).instead(close));
            }
            let token = self.token(close)?;
            let written = self.slice(&token.range);
            let is_word_operator = token.kind == TokenKind::Name && WORD_OPERATORS.contains(&written);
            if is_word_operator || (token.kind == TokenKind::Sign && !matches!(written, ")" | "]" | ",")) {
                operators += 1;
            }
            if operators > OPERATORS_MAX {
                let message = format!("more than {OPERATORS_MAX} operators in one placeholder");
                return Err(Fault::new(token.range, message).help("split it with `{% set %}`"));
            }
            bracket(&token, written, &mut open)?;
            tokens.push(token);
        }
        match open.pop() {
            Some((bracket, range)) => Err(Fault::new(range, format!("`{bracket}` is never closed"))),
            None => Ok(tokens),
        }
    }

    fn token(&mut self, close: &str) -> Result<Token, Fault> {
        let start = self.at;
        let rest = self.rest();
        let first = rest.chars().next().unwrap_or_default();
        let (kind, length) = if first.is_ascii_alphabetic() || first == '_' {
            (TokenKind::Name, prefix(rest, |c| c.is_ascii_alphanumeric() || c == '_'))
        } else if first.is_ascii_digit() {
            (TokenKind::Number, number(rest))
        } else if matches!(first, '"' | '\'') {
            (TokenKind::Text, self.quoted(first)?)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (TokenKind::Sign, sign.len())
        } else {
            let range = start..start + first.len_utf8();
            let fault = Fault::new(range, format!("`{first}` does not belong here"))
                .help(misplaced(first, rest, close));
            return Err(if first == '}' { fault.instead(close) } else { fault });
        };
        self.at = start + length;
        Ok(Token { kind, range: start..self.at })
    }

    /// The length of the quoted text that begins here.
    fn quoted(&self, quote: char) -> Result<usize, Fault> {
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => return Ok(at + 1),
                _ => {}
            }
        }
        Err(Fault::new(self.at..self.at + 1, format!("`{quote}` is never closed")))
    }

    /// Reads the words of `{% … %}`.
    fn statement(&self, range: &Range<usize>, tokens: &[Token]) -> Result<Form, Fault> {
        let Some((keyword, rest)) = tokens.split_first() else {
            return Err(Fault::new(range.clone(), "an empty `{% %}`").help("take it out"));
        };
        let expression = |tokens: &[Token], what: &str| match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => Ok(first.range.start..last.range.end),
            _ => Err(Fault::new(keyword.range.clone(), what)),
        };
        let word = self.slice(&keyword.range);
        match word {
            "if" => Ok(Form::If(expression(rest, "`{% if %}` without a condition")?)),
            "elif" => Ok(Form::Elif(expression(rest, "`{% elif %}` without a condition")?)),
            "else" | "endif" | "endfor" => match rest.first() {
                Some(extra) if word == "else" && self.slice(&extra.range) == "if" => {
                    let both = keyword.range.start..extra.range.end;
                    Err(Fault::new(both, "`else if` is not one word").help("write `elif`").instead("elif"))
                }
                Some(extra) => {
                    Err(Fault::new(extra.range.clone(), format!("nothing stands behind `{word}`")))
                }
                None if word == "else" => Ok(Form::Else),
                None if word == "endif" => Ok(Form::EndIf),
                None => Ok(Form::EndFor),
            },
            "for" => match rest {
                [name, r#in, list @ ..]
                    if name.kind == TokenKind::Name && self.slice(&r#in.range) == "in" =>
                {
                    let list = expression(list, "`{% for %}` without a list")?;
                    Ok(Form::For { name: name.range.clone(), list })
                }
                _ => Err(Fault::new(range.clone(), "a `{% for %}` needs a name and a list")
                    .help("write `{% for item in contact.interests %}`")),
            },
            "set" => match rest {
                [name, equals, value @ ..]
                    if name.kind == TokenKind::Name && self.slice(&equals.range) == "=" =>
                {
                    let value = expression(value, "`{% set %}` without a value")?;
                    Ok(Form::Set { name: name.range.clone(), value })
                }
                _ => Err(Fault::new(range.clone(), "a `{% set %}` needs a name and a value")
                    .help("write `{% set name = contact.first_name %}`")),
            },
            _ => {
                let message = format!("`{word}` is not a statement of a template");
                let fault = Fault::new(keyword.range.clone(), message).help(instead_of(word));
                Err(match words::near(word, STATEMENTS) {
                    Some(near) => fault.instead(near),
                    None => fault,
                })
            }
        }
    }
}

fn output(range: &Range<usize>, tokens: &[Token]) -> Result<Form, Fault> {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => Ok(Form::Output(first.range.start..last.range.end)),
        _ => Err(Fault::new(range.clone(), "an empty placeholder")
            .help("name what stands here, such as `{{ contact.first_name }}`")),
    }
}

/// Keeps count of the brackets that are open.
fn bracket(token: &Token, written: &str, open: &mut Vec<(char, Range<usize>)>) -> Result<(), Fault> {
    if token.kind != TokenKind::Sign {
        return Ok(());
    }
    match written {
        "(" => open.push(('(', token.range.clone())),
        "[" => open.push(('[', token.range.clone())),
        ")" | "]" => {
            let opening = if written == ")" { '(' } else { '[' };
            if open.pop().is_none_or(|(bracket, _)| bracket != opening) {
                return Err(Fault::new(token.range.clone(), format!("`{written}` closes nothing")));
            }
        }
        _ => {}
    }
    if open.len() > BRACKET_DEPTH_MAX {
        let message = format!("brackets more than {BRACKET_DEPTH_MAX} deep");
        return Err(Fault::new(token.range.clone(), message).help("split it with `{% set %}`"));
    }
    Ok(())
}

fn prefix(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|c: char| !fits(c)).unwrap_or(text.len())
}

fn number(text: &str) -> usize {
    let digits = |text: &str| prefix(text, |c| c.is_ascii_alphanumeric() || c == '_');
    let whole = digits(text);
    let fraction = text.get(whole..).and_then(|rest| rest.strip_prefix('.')).map(digits);
    whole + fraction.filter(|length| *length > 0).map_or(0, |length| length + 1)
}

/// What to write instead of a character that has no meaning in an expression.
fn misplaced(found: char, rest: &str, close: &str) -> String {
    match found {
        '&' if rest.starts_with("&&") => "write `and`".to_owned(),
        '&' => "write the character itself, such as `\"` or `>`, not its HTML name".to_owned(),
        '!' => "write `not`".to_owned(),
        '}' => format!("close it with `{close}`"),
        '“' | '”' | '„' | '’' | '‘' => "write straight quotation marks: `\"`".to_owned(),
        _ => "write a name, a number, a text in quotation marks or an operator".to_owned(),
    }
}

/// What to do instead of a statement that templates do not have.
fn instead_of(word: &str) -> String {
    match word {
        "include" | "import" | "from" | "extends" | "block" => {
            "bring in another file with `<mj-include path=\"…\" />` in MJML".to_owned()
        }
        "unless" => "write `{% if not … %}`".to_owned(),
        "assign" => "write `{% set name = … %}`".to_owned(),
        "raw" => "write braces as text: `{{ \"{{\" }}`".to_owned(),
        _ => words::did_you_mean(word, "statements", STATEMENTS).unwrap_or_default(),
    }
}
