//! The ways into a journey.

use super::Checker;
use super::expression::{Around, OnBranch};
use super::journey::InJourney;
use crate::domain::{Value, ValueType};
use crate::finding::{Code, Finding};
use crate::language::model::{Enter, EnterKind, Expr, Operator};
use crate::language::syntax::tree::{self, EveryDays};
use crate::source::Span;
use crate::time::{ClockTime, Length, Recurrence};

impl Checker<'_> {
    pub(super) fn enter(&self, span: Span, enter: &tree::Enter, inside: &InJourney<'_>) -> Option<Enter> {
        let into = enter.into.as_ref().and_then(|into| self.stage_index(into, inside)).unwrap_or(0);
        if let tree::EnterKind::On { event } = &enter.kind {
            // `inside` has said already where there is no such event.
            let event = inside.entry.events.iter().find(|known| known.name == event.value)?;
            let around = Around { sent: None, ..inside.around() }.with(OnBranch::Event(event.clone()));
            let condition = enter.condition.as_ref().map(|condition| self.condition(condition, &around));
            let per = enter.per.as_ref().and_then(|per| self.event_field(event, per)).map(|field| field.name);
            return Some(Enter { span, kind: EnterKind::On(event.wire.clone()), condition, per, into });
        }
        // Nothing has happened: only the contact can be asked about.
        let around = Around::nothing();
        let kind = self.enter_kind(&enter.kind, &around);
        let condition = enter.condition.as_ref().map(|condition| self.condition(condition, &around));
        Some(Enter { span, kind: kind?, condition, per: None, into })
    }

    fn enter_kind(&self, kind: &tree::EnterKind, around: &Around<'_>) -> Option<EnterKind> {
        let time = |at: &Option<tree::Spanned<ClockTime>>| at.as_ref().map(|at| at.value);
        Some(match kind {
            tree::EnterKind::ByRequest => EnterKind::ByRequest,
            tree::EnterKind::When { condition, backfill } => {
                EnterKind::When { condition: self.condition(condition, around), backfill: *backfill }
            }
            tree::EnterKind::Every { days, at } => EnterKind::Every(self.every(days, time(at))?),
            tree::EnterKind::Relative { length, before, field, at } => EnterKind::Dated {
                moment: shifted(self.dated(field, around)?, length.value, *before),
                at: time(at),
            },
            tree::EnterKind::OnDate { yearly, field, at } => {
                let (moment, at) = (self.dated(field, around)?, time(at));
                if *yearly { EnterKind::Yearly { moment, at } } else { EnterKind::Dated { moment, at } }
            }
            tree::EnterKind::Without { length, event } => {
                EnterKind::Without { length: length.value, event: self.event_named(event, Code::E101)?.wire }
            }
            // It is taken above, with what its event knows.
            tree::EnterKind::On { .. } => return None,
        })
    }

    fn every(&self, days: &EveryDays, at: Option<ClockTime>) -> Option<Recurrence> {
        let time = at.unwrap_or(ClockTime::MIDNIGHT);
        match days {
            EveryDays::Day => Some(Recurrence::Daily(time)),
            EveryDays::Weekday(day) => Some(Recurrence::Weekly(*day, time)),
            EveryDays::MonthOn(day) => match i8::try_from(day.value) {
                Ok(number @ 1..=31) => Some(Recurrence::Monthly(number, time)),
                _ => {
                    self.report(
                        Finding::new(Code::E002, day.span, format!("no month has a day {}", day.value))
                            .help("write 1 to 31; in a shorter month 31 means its last day"),
                    );
                    None
                }
            },
            EveryDays::Cron(text) => match text.value.parse() {
                Ok(cron) => Some(Recurrence::Cron(cron)),
                Err(error) => {
                    self.report(Finding::new(Code::E002, text.span, error.to_string()).help(
                        "write minute, hour, day of the month, month and day of the week, such as \"0 9 * * MON-FRI\"; \
                        for other days write a further `enter every`",
                    ));
                    None
                }
            },
        }
    }

    /// A field that names a date or a moment; where it does not, a finding says so.
    fn dated(&self, field: &tree::FieldName, around: &Around<'_>) -> Option<Expr> {
        let span = field.scope.span.to(field.name.span);
        let tree = tree::Expression { span, kind: tree::ExpressionKind::Field(field.clone()) };
        let typed = self.typed(&tree, around);
        typed.of.as_ref()?;
        self.must_be(&typed, &ValueType::Datetime, span)?;
        Some(typed.expr)
    }
}

/// A date or a moment, moved by a length.
fn shifted(moment: Expr, length: Length, before: bool) -> Expr {
    let operator = if before { Operator::Minus } else { Operator::Plus };
    Expr::Binary(operator, Box::new(moment), Box::new(Expr::Value(Value::Length(length))))
}
