//! Placeholders and statements whose closing sign was forgotten: where it belongs.

use super::{Fault, Lexer, TokenKind, WORD_OPERATORS};

/// Words that are a statement alone.
const ALONE: [&str; 3] = ["else", "endif", "endfor"];
/// Signs between two values.
const BETWEEN: [&str; 9] = ["==", "!=", "<=", ">=", "<", ">", "=", "~", "+"];

impl<'a> Lexer<'a> {
    /// What is said of a tag whose closing sign does not come before the next one begins; `inside` is where what it
    /// holds begins. `None` where it comes.
    pub(super) fn unclosed(&self, start: usize, inside: usize, close: &str) -> Option<Fault> {
        let behind = self.text.get(inside..)?;
        let begins =
            |(at, _): &(usize, &str)| behind.get(at + 1..).is_some_and(|rest| rest.starts_with(['{', '%']));
        let next = behind.match_indices('{').find(begins).map_or(behind.len(), |(at, _)| at);
        let held = behind.get(..next)?;
        if held.contains("}}") || held.contains("%}") || ends_with_one_brace(held) {
            return None;
        }
        let sign = self.text.get(start..start + 2)?;
        let fault = Fault::new(start..start + 2, format!("this `{sign}` is never closed"));
        let line = held.lines().next().unwrap_or("");
        let mut reader = Lexer { text: self.text.get(..inside + line.len())?, at: inside };
        let Some(missing) = reader.go_to_its_end(close) else {
            return Some(fault.help(format!("write `{close}` where it ends")));
        };
        let end = reader.at;
        let last = self.text.get(inside..end).unwrap_or("").trim_start_matches(['-', '+']).trim();
        let write = format!("{missing} {close}");
        let fault = fault.help(format!("write `{}` behind `{last}`", write.trim_start()));
        Some(Fault { edit: Some((end..end, write)), ..fault })
    }

    /// Goes over all that can belong to the tag, and says what else is missing there before its closing sign; `None` where
    /// nothing belongs to it.
    fn go_to_its_end(&mut self, close: &str) -> Option<&'static str> {
        if close == "%}" {
            let word = self.word()?;
            if ALONE.contains(&word) {
                return Some("");
            }
        }
        let mut missing = self.value(close)?;
        while close == "%}" && missing.is_empty() {
            let before = self.at;
            let goes_on = self.between() && self.value(close).map(|more| missing = more).is_some();
            if !goes_on {
                self.at = before;
                break;
            }
        }
        Some(missing)
    }

    /// Goes over a value with the filters behind it.
    fn value(&mut self, close: &str) -> Option<&'static str> {
        let mut before = self.at;
        while self.word() == Some("not") {
            before = self.at;
        }
        self.at = before;
        let mut missing = self.operand(close)?;
        while missing.is_empty() {
            let before = self.at;
            self.blanks();
            let is_filter = self.rest().starts_with('|') && !self.rest().starts_with("||");
            self.at += usize::from(is_filter);
            match self.operand(close).filter(|_| is_filter) {
                Some(more) => missing = more,
                None => {
                    self.at = before;
                    break;
                }
            }
        }
        Some(missing)
    }

    /// Goes over a name with its steps, a number or a text.
    fn operand(&mut self, close: &str) -> Option<&'static str> {
        let before = self.at;
        self.blanks();
        let token = self.token(close).ok().filter(|token| token.kind != TokenKind::Sign);
        let Some(token) = token else {
            self.at = before;
            return None;
        };
        if token.kind != TokenKind::Name {
            return Some("");
        }
        loop {
            let step = self.rest().strip_prefix('.').unwrap_or("");
            if step.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                self.at += 1;
                self.word();
            } else if self.rest().starts_with('(') {
                return Some(self.brackets(close));
            } else {
                return Some("");
            }
        }
    }

    /// Goes over what stands in round brackets, and says whether their end is missing.
    fn brackets(&mut self, close: &str) -> &'static str {
        self.at += 1;
        let (mut end, mut is_value) = (self.at, true);
        loop {
            self.blanks();
            if self.rest().starts_with(')') {
                self.at += 1;
                return "";
            }
            let is_comma = self.rest().starts_with(',');
            let token = self.token(close).ok().map(|token| token.kind);
            if token.is_none_or(|kind| if is_value { kind == TokenKind::Sign } else { !is_comma }) {
                self.at = end;
                return ")";
            }
            end = if is_value { self.at } else { end };
            is_value = !is_value;
        }
    }

    /// Goes over a sign or a word between two values.
    fn between(&mut self) -> bool {
        self.blanks();
        if let Some(sign) = BETWEEN.iter().find(|sign| self.rest().starts_with(**sign)) {
            self.at += sign.len();
            return true;
        }
        self.word().is_some_and(|word| WORD_OPERATORS.contains(&word))
    }

    /// The word that begins here, which is gone over.
    fn word(&mut self) -> Option<&'a str> {
        self.blanks();
        let start = self.at;
        let length = super::prefix(self.rest(), |c| c.is_ascii_alphanumeric() || c == '_');
        self.at += length;
        self.text.get(start..self.at).filter(|word| !word.is_empty())
    }

    fn blanks(&mut self) {
        self.at += super::prefix(self.rest(), |c| matches!(c, ' ' | '\t'));
    }
}

/// Whether the first brace behind an opening sign stands where two of them were meant.
fn ends_with_one_brace(held: &str) -> bool {
    let line = held.lines().next().unwrap_or("");
    line.split_once('}').is_some_and(|(inside, _)| !inside.contains('{'))
}
