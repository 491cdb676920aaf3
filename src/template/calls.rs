//! Checks filters, tests and functions: that there are such, and what they are given.

use minijinja::Value;
use minijinja::machinery::ast::{Call, CallArg, CallType, Expr, Filter, Spanned};

use super::expression::{Checker, Shape};
use super::filters::{self, FILTERS, FUNCTIONS, Rule};
use super::limits::{LIST_ITEMS_MAX, RANGE_MAX};
use super::{SurveyLink, TemplateProblem};
use crate::finding::words;

/// How a date is written.
const DATE_HELP: &str = "write `date('%d.%m.%Y')`: `%d` is the day, `%m` the month, `%Y` the year";

impl Checker<'_> {
    /// Checks a filter, what it is given and what it is put on.
    pub(super) fn filter(&mut self, filter: &Spanned<Filter<'_>>, is_guarded: bool) -> Shape {
        let start = self.base + filter.span().start_offset as usize;
        let known = self.rule(&FILTERS, "filter", filter.name, filter.args.len(), start);
        let is_guarded =
            is_guarded || matches!(filter.name, "default" | "d" | "int" | "float" | "length" | "count");
        let input = filter.expr.as_ref().map_or(Shape::FOREIGN, |inner| self.walk(inner, is_guarded));
        let arguments = self.arguments(&filter.args);
        if !known {
            return Shape::FOREIGN;
        }
        if filter.name == "date"
            && let Some(CallArg::Pos(format)) = filter.args.first()
        {
            self.date_format(format);
        }
        let first = arguments.first().copied().unwrap_or_default();
        match filter.name {
            "default" | "d" => input.or(first),
            "int" | "float" | "round" | "abs" | "length" | "count" => Shape::NUMBER,
            "upper" | "lower" | "title" | "capitalize" | "urlencode" => {
                Shape::text(input.bytes.saturating_mul(3))
            }
            "join" => {
                let between = first.bytes.max(2).saturating_mul(LIST_ITEMS_MAX);
                Shape::text(input.bytes.saturating_add(between))
            }
            // What is put between the thousands, or behind what is cut off.
            _ => {
                let added: usize = arguments.iter().map(|shape| shape.bytes).sum();
                Shape::text(input.bytes.max(64).saturating_add(added.saturating_mul(8)))
            }
        }
    }

    fn date_format(&mut self, format: &Expr<'_>) {
        let text = if let Expr::Const(constant) = format { constant.value.as_str() } else { None };
        let message = match text {
            None => "the format of a date is not a text".to_owned(),
            Some(text) if !filters::is_date_format(text) => format!("`{text}` is not the format of a date"),
            Some(_) => return,
        };
        self.problem(self.range(format), message, Some(DATE_HELP.to_owned()));
    }

    /// Checks a function and what it is given.
    pub(super) fn call(&mut self, call: &Call<'_>, whole: &Expr<'_>) -> Shape {
        let arguments = self.arguments(&call.args);
        let CallType::Function(name) = call.identify_call() else {
            let help = Some("use a filter, such as `contact.first_name | upper`".to_owned());
            self.problem(self.range(whole), "a method is not available in a template", help);
            return Shape::FOREIGN;
        };
        if !self.rule(&FUNCTIONS, "function", name, call.args.len(), self.start(&call.expr)) {
            return Shape::FOREIGN;
        }
        let constants: Vec<_> = call.args.iter().map(constant).collect();
        if name == "range" {
            self.number_range(&arguments, &constants, whole)
        } else {
            self.survey(&call.args, &constants, whole)
        }
    }

    fn number_range(&mut self, arguments: &[Shape], constants: &[Option<Value>], whole: &Expr<'_>) -> Shape {
        let is_long = |value: &Value| {
            value.as_i64().is_none_or(|number| number.unsigned_abs() > RANGE_MAX.unsigned_abs())
        };
        if !arguments.iter().all(|shape| shape.is_number) || constants.iter().flatten().any(is_long) {
            let help = format!("write numbers up to {RANGE_MAX}, such as `range(1, 11)`");
            self.problem(self.range(whole), "a range without fitting bounds", Some(help));
        }
        Shape::NUMBER
    }

    fn survey(&mut self, written: &[CallArg<'_>], constants: &[Option<Value>], whole: &Expr<'_>) -> Shape {
        /// Addresses that we make are far shorter.
        const ADDRESS_BYTES_MAX: usize = 2048;
        let at = |index: usize| constants.get(index).and_then(Option::as_ref);
        let range = self.range(whole);
        match at(0).and_then(Value::as_str) {
            Some(name) => {
                let (part, name) = (self.tag.part.clone(), name.to_owned());
                let score = at(1).and_then(Value::as_i64);
                if at(1).is_some() && score.is_none() {
                    let help = Some("write `survey_url(\"satisfaction\", 9)`".to_owned());
                    self.problem(range.clone(), "the score of a survey is not a whole number", help);
                }
                self.facts.surveys.push(SurveyLink { part, range, name, score });
            }
            None => {
                let name = match written.first() {
                    Some(CallArg::Pos(Expr::Var(name))) => name.id,
                    _ => "satisfaction",
                };
                let help = Some(format!("write `survey_url(\"{name}\")`"));
                self.problem(range, "the name of a survey is not a text", help);
            }
        }
        Shape::text(ADDRESS_BYTES_MAX)
    }

    /// Checks what stands in brackets behind a name.
    pub(super) fn arguments(&mut self, arguments: &[CallArg<'_>]) -> Vec<Shape> {
        let mut shapes = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let (expression, is_plain) = match argument {
                CallArg::Pos(expression) => (expression, true),
                CallArg::Kwarg(_, expression)
                | CallArg::PosSplat(expression)
                | CallArg::KwargSplat(expression) => (expression, false),
            };
            if !is_plain {
                let help = Some("write the values one after the other".to_owned());
                self.problem(self.range(expression), "a value with a name or a star", help);
            }
            shapes.push(self.walk(expression, false));
        }
        shapes
    }

    /// Whether there is such a filter, test or function, and it takes that many values.
    pub(super) fn rule(
        &mut self,
        rules: &[Rule],
        noun: &str,
        name: &str,
        count: usize,
        start: usize,
    ) -> bool {
        let range = start..start + name.len();
        let Some(rule) = rules.iter().find(|rule| rule.name == name) else {
            let names = rules.iter().map(|rule| rule.name);
            let instead = filters::instead_of(name);
            let near = words::near(name, names.clone()).filter(|_| instead.is_none());
            let called = filters::called(name).filter(|_| noun == "filter" && near.is_none());
            let near = near.or(called);
            let instead = instead.map(str::to_owned).or_else(|| Some(format!("write `{}`", called?)));
            let help = instead.or_else(|| words::did_you_mean(name, &format!("{noun}s"), names));
            let message = format!("`{name}` is not a {noun} of a template");
            let problem = TemplateProblem::new(&self.tag.part, range, message).maybe_help(help);
            self.facts.problems.push(match near {
                Some(near) => problem.instead(near),
                None => problem,
            });
            return false;
        };
        if !rule.arguments.contains(&count) {
            let help = Some(format!("write `{}`", rule.example));
            self.problem(range, format!("`{name}` with {}", words::counted(count, "value")), help);
            return false;
        }
        true
    }
}

/// A value that is written out. Nothing is calculated here: that could be endless.
fn constant(argument: &CallArg<'_>) -> Option<Value> {
    match argument {
        CallArg::Pos(Expr::Const(constant)) => Some(constant.value.clone()),
        _ => None,
    }
}
