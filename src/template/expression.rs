//! Checks one expression: what it reads, what it calls, how long its text can get.

use std::collections::BTreeMap;
use std::ops::Range;

use minijinja::machinery::ast::{BinOp, BinOpKind, Expr, IfExpr, UnaryOpKind};
use minijinja::machinery::parse_expr;

use super::filters::{FUNCTIONS, TESTS};
use super::lexer::TokenKind;
use super::limits::{EXPRESSION_BYTES_MAX, VALUE_BYTES_MAX};
use super::masked::PlacedTag;
use super::paths::{Path, guards, leftmost, path};
use super::unreadable::unreadable;
use super::{Foreign, SurveyLink, TemplateProblem, Variable};
use crate::finding::words;

/// The addresses that every message has, each with where it leads.
pub(super) const URLS: [(&str, &str); 3] = [
    ("unsubscribe_url", "Where recipients refuse the topic of this message."),
    ("preferences_url", "Where recipients choose what they want to get."),
    ("view_url", "Where the message is shown in a browser."),
];
/// Their names.
pub(super) const URL_NAMES: [&str; 3] = [URLS[0].0, URLS[1].0, URLS[2].0];
/// Names that stand for groups of values.
pub(super) const GROUPS: [&str; 2] = ["contact", "entry"];
/// What a loop knows about itself.
const LOOP_FIELDS: [&str; 7] = ["index", "index0", "revindex", "revindex0", "first", "last", "length"];

/// What is known about a value before there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// How long its text can get.
    pub bytes: usize,
    /// Whether it is a number, whatever the contact's attributes hold.
    pub is_number: bool,
}

impl Shape {
    pub const NUMBER: Shape = Shape { bytes: 32, is_number: true };
    /// A value that comes with the contact, the event or the send.
    pub const FOREIGN: Shape = Shape { bytes: VALUE_BYTES_MAX, is_number: false };

    pub fn text(bytes: usize) -> Self {
        Self { bytes, is_number: false }
    }

    /// Either of two.
    pub fn or(self, other: Shape) -> Self {
        Self { bytes: self.bytes.max(other.bytes), is_number: self.is_number && other.is_number }
    }
}

/// The names that `{% set %}` and `{% for %}` have made, the innermost last.
pub(super) type Scopes = Vec<BTreeMap<String, Shape>>;

/// What has been found out about the texts of a message.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub variables: Vec<Variable>,
    pub surveys: Vec<SurveyLink>,
    pub foreign: Vec<Foreign>,
    pub problems: Vec<TemplateProblem>,
}

/// What is sure to be set when a condition holds, and what when it does not.
#[derive(Debug, Default)]
pub(super) struct Guards {
    pub when_true: Vec<Path>,
    pub when_false: Vec<Path>,
}

/// Checks the expressions of one tag.
pub(super) struct Checker<'a> {
    pub tag: &'a PlacedTag,
    pub facts: &'a mut Facts,
    /// Where the expression begins in its part.
    pub base: usize,
    scopes: &'a Scopes,
    /// What is sure to be set here.
    guards: Vec<Path>,
}

impl<'a> Checker<'a> {
    pub fn new(tag: &'a PlacedTag, scopes: &'a Scopes, guards: &[Path], facts: &'a mut Facts) -> Self {
        Self { tag, facts, base: 0, scopes, guards: guards.to_vec() }
    }

    /// Checks an expression whose value is printed or kept.
    pub fn value(&mut self, range: &Range<usize>) -> Shape {
        self.parsed(range, |checker, expression| checker.walk(expression, false)).unwrap_or_default()
    }

    /// Checks an expression that is gone through; where it is not set, there is nothing to go through.
    pub fn list(&mut self, range: &Range<usize>) -> Shape {
        let checked = self.parsed(range, |checker, expression| {
            if matches!(expression, Expr::IfExpr(_)) {
                let message = "a `{% for %}` with a condition";
                checker.problem(range.clone(), message, Some("put an `{% if %}` inside it".to_owned()));
            }
            checker.walk(expression, true)
        });
        checked.unwrap_or_default()
    }

    /// Checks a condition and says what it makes sure of.
    pub fn condition(&mut self, range: &Range<usize>) -> Guards {
        let checked = self.parsed(range, |checker, expression| {
            checker.walk(expression, true);
            Guards { when_true: guards(expression, true), when_false: guards(expression, false) }
        });
        checked.unwrap_or_default()
    }

    /// Reads an expression, which the lexer has found to be within bounds, and hands it on.
    fn parsed<R>(&mut self, range: &Range<usize>, then: impl FnOnce(&mut Self, &Expr<'a>) -> R) -> Option<R> {
        let text = self.tag.slice(range);
        self.base = range.start;
        match parse_expr(text) {
            Ok(expression) => Some(then(self, &expression)),
            Err(error) => {
                let found = error.range().unwrap_or(0..text.len());
                let start = range.start + found.start.min(text.len());
                let found = start..(range.start + found.end.min(text.len())).max(start);
                self.facts.problems.push(unreadable(self.tag, range, found));
                None
            }
        }
    }

    /// Reports something wrong at a place of the part.
    pub fn problem(&mut self, range: Range<usize>, message: impl Into<String>, help: Option<String>) {
        let problem = TemplateProblem::new(&self.tag.part, range, message).maybe_help(help);
        self.facts.problems.push(problem);
    }

    /// Checks an expression and all inside it. `is_guarded` says that it does no harm when it is not set.
    pub fn walk(&mut self, expression: &Expr<'_>, is_guarded: bool) -> Shape {
        if let Some(path) = path(expression) {
            return self.read(path, expression, is_guarded);
        }
        let shape = match expression {
            Expr::Const(constant) if constant.value.is_number() => Shape::NUMBER,
            Expr::Const(constant) => Shape::text(constant.value.as_str().map_or(8, str::len)),
            Expr::Var(_) => Shape::FOREIGN,
            Expr::GetAttr(attribute) => self.walk(&attribute.expr, is_guarded),
            Expr::GetItem(item) => {
                self.walk(&item.subscript_expr, true);
                self.walk(&item.expr, is_guarded)
            }
            Expr::Slice(slice) => {
                for bound in [&slice.start, &slice.stop].into_iter().flatten() {
                    self.number(bound);
                }
                if slice.step.is_some() {
                    self.unavailable(expression, "a step in `[…]`");
                }
                self.walk(&slice.expr, is_guarded)
            }
            Expr::UnaryOp(unary) => match unary.op {
                UnaryOpKind::Not => self.walk(&unary.expr, true),
                UnaryOpKind::Neg => self.number(&unary.expr),
            },
            Expr::BinOp(operation) => self.operation(operation, expression, is_guarded),
            Expr::Compare(comparison) => {
                self.walk(&comparison.expr, true);
                for operand in &comparison.ops {
                    self.walk(&operand.expr, true);
                }
                Shape::text(8)
            }
            Expr::IfExpr(choice) => self.choice(choice, is_guarded),
            Expr::Filter(filter) => self.filter(filter, is_guarded),
            Expr::Test(test) => {
                self.rule(&TESTS, "test", test.name, test.args.len(), self.start(expression));
                self.arguments(&test.args);
                self.walk(&test.expr, true);
                Shape::text(8)
            }
            Expr::Call(call) => self.call(call, expression),
            Expr::List(list) => Shape::text(
                list.items
                    .iter()
                    .fold(0, |bytes: usize, item| bytes.saturating_add(self.walk(item, is_guarded).bytes)),
            ),
            Expr::Tuple(_) => self.unavailable(expression, "a list in round brackets"),
            Expr::Map(_) => self.unavailable(expression, "a group in braces"),
        };
        if shape.bytes > EXPRESSION_BYTES_MAX {
            let message = format!("this can get longer than {} KiB", EXPRESSION_BYTES_MAX / 1024);
            self.problem(self.range(expression), message, Some("join fewer or shorter texts".to_owned()));
            return Shape::FOREIGN;
        }
        shape
    }

    /// Checks `… if … else …`.
    fn choice(&mut self, choice: &IfExpr<'_>, is_guarded: bool) -> Shape {
        self.walk(&choice.test_expr, true);
        let when = |holds| guards(&choice.test_expr, holds);
        let first = self.with_guards(when(true), |checker| checker.walk(&choice.true_expr, is_guarded));
        match &choice.false_expr {
            Some(other) => first.or(self.with_guards(when(false), |checker| checker.walk(other, is_guarded))),
            None => Shape::text(first.bytes),
        }
    }

    fn with_guards<R>(&mut self, sure: Vec<Path>, then: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.guards.len();
        self.guards.extend(sure);
        let result = then(self);
        self.guards.truncate(before);
        result
    }

    fn unavailable(&mut self, expression: &Expr<'_>, what: &str) -> Shape {
        self.problem(self.range(expression), format!("{what} is not available in a template"), None);
        Shape::FOREIGN
    }

    /// Checks the reading of a named value.
    fn read(&mut self, path: Path, expression: &Expr<'_>, is_guarded: bool) -> Shape {
        let range = self.range(expression);
        let Some(root) = path.first().map(String::as_str) else { return Shape::FOREIGN };
        if let Some(shape) = self.scopes.iter().rev().find_map(|scope| scope.get(root)) {
            let field = path.get(1).map(String::as_str);
            if root == "loop" && !field.is_some_and(|field| LOOP_FIELDS.contains(&field)) {
                let help = format!(
                    "a loop knows {}",
                    words::all_of(&LOOP_FIELDS.map(|field| format!("`loop.{field}`")))
                );
                self.problem(range, "this is nothing that a loop knows", Some(help));
                return Shape::FOREIGN;
            }
            let is_count = root == "loop" && !matches!(field, Some("first" | "last"));
            return if is_count { Shape::NUMBER } else { *shape };
        }
        if FUNCTIONS.iter().any(|rule| rule.name == root) {
            let help = format!("write `{root}(…)`");
            self.problem(range, format!("`{root}` without brackets"), Some(help));
            return Shape::FOREIGN;
        }
        if root == "loop" {
            self.problem(range, "`loop` outside of a `{% for %}`", None);
            return Shape::FOREIGN;
        }
        if path.len() == 1 && GROUPS.contains(&root) {
            let help = format!("name one of its fields, such as `{}`", example(root));
            self.problem(range, format!("`{root}` is a group of values"), Some(help));
            return Shape::FOREIGN;
        }
        let is_sure = is_guarded || self.guards.iter().any(|sure| path.starts_with(sure));
        let part = self.tag.part.clone();
        self.facts.variables.push(Variable { part, range, path, guarded: is_sure });
        Shape::FOREIGN
    }

    /// Checks a part of a calculation: an attribute may be text, or not set, and text times a number would
    /// be a very long text.
    fn number(&mut self, expression: &Expr<'_>) -> Shape {
        if !self.walk(expression, true).is_number {
            let range = self.range(expression);
            let written = self.tag.slice(&range).to_owned();
            let meant = format!("({written} | float)");
            let help = format!("write `{meant}`, which is 0 when it is none");
            let message = format!("`{written}` may be something else than a number");
            let problem = TemplateProblem::new(&self.tag.part, range, message).help(help);
            self.facts.problems.push(problem.instead(meant));
        }
        Shape::NUMBER
    }

    fn operation(&mut self, operation: &BinOp<'_>, whole: &Expr<'_>, is_guarded: bool) -> Shape {
        let BinOp { op, left, right } = operation;
        match op {
            BinOpKind::ScAnd => {
                let first = self.walk(left, true);
                let sure = guards(left, true);
                first.or(self.with_guards(sure, |checker| checker.walk(right, is_guarded)))
            }
            BinOpKind::ScOr => {
                let first = self.walk(left, true);
                first.or(self.walk(right, is_guarded))
            }
            BinOpKind::Concat => {
                let bytes = self.walk(left, is_guarded).bytes;
                Shape::text(bytes.saturating_add(self.walk(right, is_guarded).bytes))
            }
            BinOpKind::Add if is_text(left) || is_text(right) => {
                let help = Some("join texts with `~`".to_owned());
                self.problem(self.range(whole), "`+` adds numbers", help);
                Shape::FOREIGN
            }
            BinOpKind::Sub if self.is_hyphenated(whole, left, right) => {
                let written = self.tag.slice(&self.range(whole));
                let meant = written.replace('-', "_");
                let message = format!("`{written}` is not a name");
                let problem = TemplateProblem::new(&self.tag.part, self.range(whole), message);
                self.facts.problems.push(problem.help(format!("write `{meant}`")).instead(meant));
                Shape::FOREIGN
            }
            BinOpKind::Pow => self.unavailable(whole, "`**`"),
            BinOpKind::Add
            | BinOpKind::Sub
            | BinOpKind::Mul
            | BinOpKind::Div
            | BinOpKind::FloorDiv
            | BinOpKind::Rem => {
                self.number(left);
                self.number(right)
            }
            _ => {
                self.walk(left, true);
                self.walk(right, true);
                Shape::text(8)
            }
        }
    }

    /// Whether names with nothing but a `-` between them are meant as one, as other engines allow.
    fn is_hyphenated(&self, whole: &Expr<'_>, left: &Expr<'_>, right: &Expr<'_>) -> bool {
        let is_one_word = !self.tag.slice(&self.range(whole)).contains(char::is_whitespace);
        is_one_word && path(left).is_some() && path(right).is_some()
    }

    /// Where the tree has an expression begin, in its part.
    pub fn start(&self, expression: &Expr<'_>) -> usize {
        self.base + expression.span().start_offset as usize
    }

    /// Where an expression stands in its part. The tree knows only the last step of `a.b.c`, so a name is
    /// measured along the words of the tag.
    pub fn range(&self, expression: &Expr<'_>) -> Range<usize> {
        let start = self.base + leftmost(expression);
        let end = match path(expression) {
            Some(_) => self.path_end(start),
            None => self.base + expression.span().end_offset as usize,
        };
        start..end.max(start + 1)
    }

    /// Where a name with all its steps ends.
    fn path_end(&self, start: usize) -> usize {
        let mut tokens = self.tag.tag.tokens.iter().skip_while(|token| token.range.start < start).peekable();
        let mut end = tokens.next().map_or(start, |token| token.range.end);
        while let Some(sign) = tokens.next() {
            let is_step = matches!(self.tag.slice(&sign.range), "." | "[");
            let Some(step) = tokens.next_if(|step| is_step && step.kind != TokenKind::Sign) else { break };
            end = step.range.end;
            if self.tag.slice(&sign.range) == "[" {
                match tokens.next_if(|token| self.tag.slice(&token.range) == "]") {
                    Some(close) => end = close.range.end,
                    None => break,
                }
            }
        }
        end
    }
}

fn example(group: &str) -> &'static str {
    if group == "contact" { "contact.first_name" } else { "entry.source" }
}

fn is_text(expression: &Expr<'_>) -> bool {
    matches!(expression, Expr::Const(constant) if constant.value.as_str().is_some())
}
