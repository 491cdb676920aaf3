//! What stands between the lines: when a wait ends for a contact who enters now.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Analysis;
use crate::domain::Value;
use crate::language::model::{
    Block, Expr, Journey, Operator, Shape, Statement, StatementKind, Timezone, Until, Wait,
};
use crate::source::{SourceId, Span};
use crate::time::{
    ClockTime, Length, Moment, TimeZone, Weekday, after_business_days, at_clock_time, date_of,
    next_clock_time, next_weekday_time, wall_text, zone,
};

/// A hint behind a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The empty place that it stands behind.
    pub span: Span,
    /// What it says, such as `entered now: until Tue 2027-03-02 09:00`.
    pub label: String,
    /// What is meant by it.
    pub tooltip: &'static str,
}

const TOOLTIP: &str = "For a contact who enters now and comes here as early as can be. Quiet hours, caps and a better \
                       time may hold messages back.";

/// How many stages are gone through in one journey, those again that are found to be reached earlier.
const STAGES_MAX: usize = 1_000;

/// When the waits in a range of a journey file end for a contact who enters at `now`, on the clock of the journey:
/// that of its `timezone`, else of the workspace. A wait whose end depends on the contact has no hint, and what comes
/// behind it neither.
pub fn hints(analysis: &Analysis, source: SourceId, within: Range<usize>, now: Moment) -> Vec<Hint> {
    let journeys = analysis.checked.model.journeys.iter().filter(|journey| journey.span.source == source);
    let mut found: Vec<Hint> =
        journeys.flat_map(|journey| of_journey(journey, &analysis.config.timezone, now)).collect();
    found.retain(|hint| within.start <= hint.span.range().start && hint.span.range().end <= within.end);
    found.sort_by_key(|hint| hint.span);
    found
}

fn of_journey(journey: &Journey, workspace: &TimeZone, now: Moment) -> Vec<Hint> {
    let zone = match &journey.timezone {
        Timezone::Contact => workspace.clone(),
        Timezone::Named(name) => zone(name).unwrap_or_else(|| workspace.clone()),
    };
    let mut walk = Walk { zone: &zone, hints: BTreeMap::new(), arrivals: BTreeMap::new(), open: Vec::new() };
    for enter in &journey.enters {
        walk.arrive(enter.into, now);
    }
    let mut rounds = STAGES_MAX;
    while let Some(index) = walk.open.pop().filter(|_| rounds > 0) {
        rounds -= 1;
        let (Some(stage), Some(at)) = (journey.stages.get(index), walk.arrivals.get(&index).copied()) else {
            continue;
        };
        walk.block(&stage.body, Some(at));
    }
    walk.hints
        .into_iter()
        .map(|(span, moment)| {
            let day = Weekday::of(date_of(moment, &zone)).word();
            let mut letters = day.chars();
            let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
            let short: String = capital.into_iter().chain(letters.take(2)).collect();
            Hint {
                span,
                label: format!("entered now: until {short} {}", wall_text(moment, &zone)),
                tooltip: TOOLTIP,
            }
        })
        .collect()
}

/// Goes through a journey and notes when one comes to each place at the earliest.
struct Walk<'z> {
    zone: &'z TimeZone,
    hints: BTreeMap<Span, Moment>,
    arrivals: BTreeMap<usize, Moment>,
    /// Stages to go through.
    open: Vec<usize>,
}

impl Walk<'_> {
    fn arrive(&mut self, stage: usize, at: Moment) {
        if self.arrivals.get(&stage).is_none_or(|known| at < *known) {
            self.arrivals.insert(stage, at);
            self.open.push(stage);
        }
    }

    /// When one comes out of a block that one comes into then; `None` where nobody does, or nobody knows.
    fn block(&mut self, block: &Block, mut at: Option<Moment>) -> Option<Moment> {
        for statement in &block.statements {
            at = self.statement(statement, at?);
        }
        at
    }

    fn statement(&mut self, statement: &Statement, at: Moment) -> Option<Moment> {
        match &statement.kind {
            StatementKind::WaitFor(length) => {
                Some(self.hint(statement.span.at_end(), at, length.after(at, self.zone)))
            }
            StatementKind::WaitUntil(until) => {
                let moment = self.until(until, at)?;
                Some(self.hint(statement.span.at_end(), at, moment.max(at)))
            }
            StatementKind::GoTo(stage) => {
                self.arrive(*stage, at);
                None
            }
            StatementKind::End { .. } | StatementKind::Stop | StatementKind::Unknown => None,
            _ => match statement.wait() {
                Some(wait) => self.wait(wait, at),
                None => self.choice(statement, at),
            },
        }
    }

    fn wait(&mut self, wait: &Wait, at: Moment) -> Option<Moment> {
        let up = wait.limit.after(at, self.zone);
        self.hint(wait.limit_span.at_end(), at, up);
        let reacted = wait.branches.iter().filter_map(|branch| self.block(&branch.body, Some(at))).min();
        let waited = match &wait.otherwise {
            Some(otherwise) => self.block(otherwise, Some(up)),
            None => Some(up),
        };
        reacted.into_iter().chain(waited).min()
    }

    /// A statement whose blocks one of is gone through.
    fn choice(&mut self, statement: &Statement, at: Moment) -> Option<Moment> {
        match statement.shape() {
            Shape::Straight => Some(at),
            Shape::Choice { blocks, past } => {
                let through = blocks.into_iter().filter_map(|block| self.block(block, Some(at))).min();
                through.into_iter().chain(past.then_some(at)).min()
            }
            // The way out of a loop by `stop` is not followed: the end of its first round is early enough.
            Shape::Loop(body) => self.block(body, Some(at)),
            Shape::Stop | Shape::GoTo(_) | Shape::End | Shape::Unknown => None,
        }
    }

    fn hint(&mut self, behind: Span, at: Moment, until: Moment) -> Moment {
        if until > at {
            let known = self.hints.entry(behind).or_insert(until);
            *known = until.min(*known);
        }
        until
    }

    fn until(&self, until: &Until, at: Moment) -> Option<Moment> {
        Some(match until {
            Until::Time(time) => next_clock_time(at, *time, self.zone),
            Until::Weekday(day, time) => next_weekday_time(at, *day, *time, self.zone),
            Until::BusinessDays(days) => after_business_days(at, *days, self.zone),
            Until::Window(window) => window.open_at(at, self.zone),
            Until::Value { value, at: time } => {
                let moment = self.moment(value, at)?;
                match time {
                    Some(time) => at_clock_time(date_of(moment, self.zone), *time, self.zone),
                    None => moment,
                }
            }
        })
    }

    /// The moment that an expression means which does not ask about the contact; a date means its midnight.
    fn moment(&self, expr: &Expr, at: Moment) -> Option<Moment> {
        let midnight = |date| at_clock_time(date, ClockTime::MIDNIGHT, self.zone);
        match expr {
            Expr::Value(Value::Date(date)) => Some(midnight(*date)),
            Expr::Wall(date, time) => Some(at_clock_time(*date, *time, self.zone)),
            Expr::Now => Some(at),
            Expr::Today => Some(midnight(date_of(at, self.zone))),
            Expr::Binary(operator, left, right) => {
                let length = |expr: &Expr| match expr {
                    Expr::Value(Value::Length(length)) => Some(*length),
                    _ => None,
                };
                let (moment, length): (&Expr, Length) = match (length(left), length(right)) {
                    (None, Some(length)) => (left, length),
                    (Some(length), None) if *operator == Operator::Plus => (right, length),
                    _ => return None,
                };
                let from = self.moment(moment, at)?;
                match operator {
                    Operator::Plus => Some(length.after(from, self.zone)),
                    Operator::Minus => Some(length.before(from, self.zone)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
