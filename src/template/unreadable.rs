//! What is said of an expression that cannot be read.

use std::ops::Range;

use super::TemplateProblem;
use super::expression::GROUPS;
use super::lexer::{Token, TokenKind, WORD_OPERATORS};
use super::masked::PlacedTag;
use crate::finding::Lack;

/// What stands in brackets behind a name, or is put on what stands before it.
const VALUE_HELP: &str = "write a value, such as `contact.first_name`, and filters behind `|`";

/// Says what is wrong with the expression of a tag at a range; `found` is where reading it ended.
pub(super) fn unreadable(tag: &PlacedTag, range: &Range<usize>, found: Range<usize>) -> TemplateProblem {
    let inside = |token: &&Token| token.range.start >= range.start && token.range.end <= range.end;
    let tokens: Vec<&Token> = tag.tag.tokens.iter().filter(inside).collect();
    let expression = Unreadable { tag, tokens };
    let told = (0..expression.tokens.len()).find_map(|at| expression.fault(at));
    told.unwrap_or_else(|| {
        let written = tag.slice(&found).trim();
        let message = match written {
            "" => "this cannot be read".to_owned(),
            written => format!("`{written}` cannot stand here"),
        };
        expression.problem(found.clone(), message).help(VALUE_HELP)
    })
}

struct Unreadable<'a> {
    tag: &'a PlacedTag,
    tokens: Vec<&'a Token>,
}

impl Unreadable<'_> {
    fn problem(&self, range: Range<usize>, message: impl Into<String>) -> TemplateProblem {
        TemplateProblem::new(&self.tag.part, range, message)
    }

    fn written(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| self.tag.slice(&token.range))
    }

    /// What is wrong where a word or sign of it stands.
    fn fault(&self, at: usize) -> Option<TemplateProblem> {
        let token = self.tokens.get(at)?;
        let next = self.tokens.get(at + 1);
        match self.written(at) {
            "." if next.is_none_or(|next| next.kind != TokenKind::Name) => Some(self.no_field(at, token)),
            "|" if self.written(at + 1) == "|" => {
                let both = token.range.start..next?.range.end;
                Some(self.problem(both, "`||` is called `or` here").help("write `or`").instead("or"))
            }
            "|" if at == 0 => {
                let message = "something is missing before `|`";
                Some(self.problem(token.range.clone(), message).help(VALUE_HELP))
            }
            "|" if next.is_none_or(|next| next.kind != TokenKind::Name) => {
                let help = "write one, such as `default('there')`";
                Some(self.problem(token.range.clone(), "the filter is missing behind `|`").help(help))
            }
            ":" => Some(self.colon(at, token)),
            sign if next.is_none() && self.joins(at) => {
                let message = format!("something is missing behind `{sign}`");
                Some(self.problem(token.range.clone(), message).help(VALUE_HELP))
            }
            _ => self.side_by_side(at),
        }
    }

    /// `contact. | default('there')`
    fn no_field(&self, at: usize, dot: &Token) -> TemplateProblem {
        let owner = at.checked_sub(1).map_or("", |before| self.written(before));
        let message = format!("the field is missing behind `{owner}.`");
        let example = if owner == "entry" { "entry.source" } else { "contact.first_name" };
        let problem = self.problem(dot.range.start - owner.len()..dot.range.end, message);
        let lack = GROUPS.contains(&owner).then_some(Lack::Field);
        TemplateProblem { lack, ..problem.help(format!("name it, such as `{example}`")) }
    }

    /// `default: 'there'`
    fn colon(&self, at: usize, colon: &Token) -> TemplateProblem {
        let problem = self.problem(colon.range.clone(), "no `:` stands here");
        let filter = at.checked_sub(2).is_some_and(|before| self.written(before) == "|");
        let value = self.tokens.get(at + 1).filter(|value| value.kind != TokenKind::Sign);
        match value {
            Some(value) if filter => {
                let write = format!("({})", self.tag.slice(&value.range));
                let edit = Some((colon.range.start..value.range.end, write));
                let help = "what a filter needs stands in brackets: `default('there')`";
                TemplateProblem { edit, ..problem.help(help) }
            }
            _ => problem.help(VALUE_HELP),
        }
    }

    /// Two values with nothing between them.
    fn side_by_side(&self, at: usize) -> Option<TemplateProblem> {
        let (token, next) = (self.tokens.get(at)?, self.tokens.get(at + 1)?);
        let is_value = |at: usize, token: &Token| token.kind != TokenKind::Sign && !self.is_word_operator(at);
        if !is_value(at, token) || !is_value(at + 1, next) {
            return None;
        }
        let (first, second) = (self.path_before(at), self.path_behind(at + 1));
        let (one, two) = (self.tag.slice(&first), self.tag.slice(&second));
        let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if plain(one) && plain(two) {
            let both = first.start..second.end;
            let message = format!("`{}` is not a name", self.tag.slice(&both));
            return Some(
                self.problem(both, message).help("a name is one word, such as `contact.first_name`"),
            );
        }
        let message = format!("`{two}` cannot stand right behind `{one}`");
        Some(self.problem(second, message).help("write one name, or join two with `~`"))
    }

    /// Whether a sign or word stands between two values.
    fn joins(&self, at: usize) -> bool {
        let is_sign = self.tokens.get(at).is_some_and(|token| token.kind == TokenKind::Sign);
        self.is_word_operator(at) || is_sign && !matches!(self.written(at), ")" | "]")
    }

    fn is_word_operator(&self, at: usize) -> bool {
        let is_step = at.checked_sub(1).is_some_and(|before| self.written(before) == ".");
        WORD_OPERATORS.contains(&self.written(at)) && !is_step
    }

    /// A name with the steps before it.
    fn path_before(&self, at: usize) -> Range<usize> {
        let mut first = at;
        while first >= 2 && self.written(first - 1) == "." {
            first -= 2;
        }
        let range = |at: usize| self.tokens.get(at).map_or(0..0, |token| token.range.clone());
        range(first).start..range(at).end
    }

    /// A name with the steps behind it.
    fn path_behind(&self, at: usize) -> Range<usize> {
        let mut last = at;
        while self.written(last + 1) == "." && self.tokens.len() > last + 2 {
            last += 2;
        }
        let range = |at: usize| self.tokens.get(at).map_or(0..0, |token| token.range.clone());
        range(at).start..range(last).end
    }
}
