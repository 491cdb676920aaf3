//! What past events of a contact come to: `count(E [in last D] [where COND])` and its like.

use std::cmp::Ordering;

use super::evaluate::{Scope, compare, evaluate, property};
use crate::domain::{Happened, Value};
use crate::language::plan::{Aggregate, AggregateFunction};
use crate::time::{Length, Unit};

/// The value of an aggregate.
pub(super) fn value(aggregate: &Aggregate, scope: &Scope<'_>) -> Value {
    use AggregateFunction as F;
    let mut events = counted(aggregate, scope);
    match aggregate.function {
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 events")]
        F::Count => Value::Number(events.count() as f64),
        F::First => events.next().map_or(Value::Unset, |event| Value::Moment(event.at)),
        F::Last => events.last().map_or(Value::Unset, |event| Value::Moment(event.at)),
        F::Sum => Value::number(numbers(aggregate, events).fold(0.0, |sum, next| sum + next)),
        F::Avg => {
            let mut count = 0.0;
            let sum = numbers(aggregate, events).inspect(|_| count += 1.0).fold(0.0, |sum, next| sum + next);
            Value::number(sum / count)
        }
        F::Min | F::Max => {
            let further = if aggregate.function == F::Min { Ordering::is_lt } else { Ordering::is_gt };
            let values = fields(aggregate, events);
            values
                .reduce(|best, next| match compare(&next, &best, scope.zone) {
                    Some(order) if further(order) => next,
                    _ => best,
                })
                .unwrap_or_default()
        }
    }
}

/// The events that count, the oldest first.
fn counted<'a>(aggregate: &'a Aggregate, scope: &Scope<'a>) -> impl Iterator<Item = &'a Happened> {
    let scope = *scope;
    inside(aggregate, &scope).filter(move |event| {
        let scope = Scope { at_hand: Some(&event.properties), ..scope };
        aggregate.condition.as_ref().is_none_or(|condition| evaluate(condition, &scope).is_true())
    })
}

/// The events that its window has, the oldest first, whether or not its condition holds for them. One is inside until
/// that long after it. Where the window begins is found by halving: a contact may have many events, and the calendar
/// is asked about those alone that lie around it.
pub(super) fn inside<'a>(
    aggregate: &Aggregate,
    scope: &Scope<'a>,
) -> impl Iterator<Item = &'a Happened> + use<'a> {
    let events = scope.events.get(&aggregate.event).map_or(&[][..], Vec::as_slice);
    let (zone, now) = (scope.zone, scope.now);
    let (near, sure) = match aggregate.last {
        None => (&[][..], events),
        Some(last) => {
            let begin = last.before(now, zone);
            let from = events.partition_point(|event| event.at < begin.plus_seconds(-slack(last)));
            let later = events.get(from..).unwrap_or_default();
            later.split_at(later.partition_point(|event| event.at <= begin.plus_seconds(slack(last))))
        }
    };
    let last = aggregate.last;
    near.iter().filter(move |event| last.is_none_or(|last| last.after(event.at, zone) > now)).chain(sure)
}

/// How far apart two events are at the most, in seconds, of which the earlier falls out of a window after the later.
/// A month after the 28th and after the 31st may be one day, and a clock time may come twice.
pub(super) fn slack(last: Length) -> i64 {
    const DAY: i64 = 86_400;
    match last.unit {
        Unit::Second | Unit::Minute | Unit::Hour => 0,
        Unit::Day | Unit::Week => 2 * DAY,
        Unit::Month | Unit::Year => 5 * DAY,
    }
}

/// The values of the property, where an event has one.
fn fields<'a>(
    aggregate: &'a Aggregate,
    events: impl Iterator<Item = &'a Happened>,
) -> impl Iterator<Item = Value> {
    let values = events.filter_map(|event| {
        let (name, of) = aggregate.field.as_ref()?;
        Some(property(Some(&event.properties), name, Some(of)))
    });
    values.filter(Value::is_set)
}

fn numbers<'a>(
    aggregate: &'a Aggregate,
    events: impl Iterator<Item = &'a Happened>,
) -> impl Iterator<Item = f64> {
    fields(aggregate, events).filter_map(|value| match value {
        Value::Number(number) => Some(number),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
