use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::domain::{Attributes, Contact, Happened, Reacted, Value, ValueType};
use crate::language::plan::{Expr, Operator, ReactionKind};
use crate::time::{ClockTime, Date, Length, Moment, TimeZone, Unit, at_clock_time, date_of, units_between};

/// What an expression can ask about.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The contact.
    pub contact: &'a Contact,
    /// The last decision on each topic.
    pub permissions: &'a BTreeMap<String, bool>,
    /// Whose clock counts.
    pub zone: &'a TimeZone,
    /// The present.
    pub now: Moment,
    /// What led into the journey.
    pub entry: &'a Attributes,
    /// The event or answer at hand.
    pub at_hand: Option<&'a Attributes>,
    /// What the branches around were taken for.
    pub branches: &'a [Attributes],
    /// What the contact did with the messages of this run.
    pub reactions: &'a [Reacted],
    /// What happened before, by the event's name on the wire.
    pub events: &'a BTreeMap<String, Vec<Happened>>,
}

/// The value of an expression. What cannot be computed is not set: a missing attribute, a division by zero.
pub fn evaluate(expr: &Expr, scope: &Scope<'_>) -> Value {
    match expr {
        Expr::Value(value) => value.clone(),
        Expr::Wall(date, time) => Value::Moment(at_clock_time(*date, *time, scope.zone)),
        Expr::List(items) => Value::List(items.iter().map(|item| evaluate(item, scope)).collect()),
        Expr::Contact { name, of, default } => {
            let value = scope.contact.attribute(name, of);
            if value.is_set() { value } else { default.clone() }
        }
        Expr::Entry { name, of } => property(Some(scope.entry), name, of.as_ref()),
        Expr::Event { name, of, depth } => property(kept(scope, *depth), name, Some(of)),
        Expr::Reply { name, depth } => property(kept(scope, *depth), name, None),
        Expr::Today => Value::Date(date_of(scope.now, scope.zone)),
        Expr::Now => Value::Moment(scope.now),
        Expr::Since(unit, of) => span(evaluate(of, scope), *unit, scope, false),
        Expr::Until(unit, of) => span(evaluate(of, scope), *unit, scope, true),
        Expr::HasTag(tag) => Value::Boolean(scope.contact.tags.contains(tag)),
        Expr::Allows(topic) => Value::Boolean(scope.permissions.get(topic).copied().unwrap_or(false)),
        Expr::Reaction { kind, message, link } => Value::Boolean(
            scope.reactions.iter().any(|known| is_reaction(known, *kind, message, link.as_deref())),
        ),
        Expr::Aggregate(aggregate) => super::aggregate::value(aggregate, scope),
        Expr::Not(inner) => Value::Boolean(!evaluate(inner, scope).is_true()),
        Expr::Negate(inner) => match evaluate(inner, scope) {
            Value::Number(number) => Value::Number(-number),
            _ => Value::Unset,
        },
        Expr::IsSet(inner) => Value::Boolean(evaluate(inner, scope).is_set()),
        Expr::DayOf(inner) => day_of(evaluate(inner, scope), scope.zone),
        Expr::Binary(Operator::And, left, right) => {
            Value::Boolean(evaluate(left, scope).is_true() && evaluate(right, scope).is_true())
        }
        Expr::Binary(Operator::Or, left, right) => {
            Value::Boolean(evaluate(left, scope).is_true() || evaluate(right, scope).is_true())
        }
        Expr::Binary(operator, left, right) => {
            binary(*operator, evaluate(left, scope), evaluate(right, scope), scope.zone)
        }
    }
}

/// Whether a remembered reaction is the one that is asked about.
pub(super) fn is_reaction(known: &Reacted, kind: ReactionKind, message: &str, link: Option<&str>) -> bool {
    known.event == kind.event().name()
        && known.message == message
        && link.is_none_or(|link| known.link.as_deref() == Some(link))
}

fn kept<'a>(scope: &Scope<'a>, depth: Option<u8>) -> Option<&'a Attributes> {
    match depth {
        Some(depth) => scope.branches.get(usize::from(depth)),
        None => scope.at_hand,
    }
}

pub(super) fn property(properties: Option<&Attributes>, name: &str, of: Option<&ValueType>) -> Value {
    let Some(json) = properties.and_then(|properties| properties.get(name)) else { return Value::Unset };
    match of {
        Some(of) => Value::from_json(json, of),
        None => undeclared(json),
    }
}

/// A value that nothing declares is read as what its JSON says it is.
fn undeclared(json: &Json) -> Value {
    match json {
        Json::Number(_) => Value::from_json(json, &ValueType::Number),
        Json::Bool(boolean) => Value::Boolean(*boolean),
        Json::Array(items) => Value::List(items.iter().map(undeclared).collect()),
        _ => Value::from_json(json, &super::UNDECLARED),
    }
}

/// Whole units between a moment and now; between dates where the value is a date, so that the day after
/// tomorrow is two days away at any hour.
fn span(of: Value, unit: Unit, scope: &Scope<'_>, until: bool) -> Value {
    let (then, now) = match of.or_time() {
        Value::Moment(moment) => (moment, scope.now),
        Value::Date(date) => {
            let calendar = unit >= Unit::Day;
            let now = if calendar { midnight(date_of(scope.now, scope.zone), scope.zone) } else { scope.now };
            (midnight(date, scope.zone), now)
        }
        _ => return Value::Unset,
    };
    let (from, to) = if until { (now, then) } else { (then, now) };
    #[expect(clippy::cast_precision_loss, reason = "at most some 10^12 seconds")]
    let units = units_between(from, to, unit, scope.zone) as f64;
    Value::Number(units)
}

/// Moments as dates on a calendar.
fn day_of(value: Value, zone: &TimeZone) -> Value {
    match value.or_time() {
        Value::Moment(moment) => Value::Date(date_of(moment, zone)),
        Value::List(items) => Value::List(items.into_iter().map(|item| day_of(item, zone)).collect()),
        other => other,
    }
}

pub(super) fn midnight(date: Date, zone: &TimeZone) -> Moment {
    at_clock_time(date, ClockTime::MIDNIGHT, zone)
}

fn binary(operator: Operator, left: Value, right: Value, zone: &TimeZone) -> Value {
    use Operator as O;
    let truth = match operator {
        O::Equal => equal(&left, &right, zone),
        O::NotEqual => !equal(&left, &right, zone),
        O::Less => compare(&left, &right, zone).is_some_and(Ordering::is_lt),
        O::LessEqual => compare(&left, &right, zone).is_some_and(Ordering::is_le),
        O::Greater => compare(&left, &right, zone).is_some_and(Ordering::is_gt),
        O::GreaterEqual => compare(&left, &right, zone).is_some_and(Ordering::is_ge),
        O::In => is_in(&left, &right, zone),
        O::NotIn => !is_in(&left, &right, zone),
        O::Contains => match (&left, &right) {
            (Value::Text(text), Value::Text(part)) => text.contains(part),
            (list, item) => is_in(item, list, zone),
        },
        O::StartsWith => {
            matches!((&left, &right), (Value::Text(text), Value::Text(start)) if text.starts_with(start))
        }
        O::EndsWith => {
            matches!((&left, &right), (Value::Text(text), Value::Text(end)) if text.ends_with(end))
        }
        O::Plus | O::Minus | O::Times | O::DividedBy => return arithmetic(operator, left, right, zone),
        O::And | O::Or => left.is_true(),
    };
    Value::Boolean(truth)
}

fn is_in(item: &Value, list: &Value, zone: &TimeZone) -> bool {
    matches!(list, Value::List(items) if items.iter().any(|known| equal(known, item, zone)))
}

/// What is not set equals nothing.
fn equal(left: &Value, right: &Value, zone: &TimeZone) -> bool {
    match (left, right) {
        (Value::Unset, _) | (_, Value::Unset) => false,
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Boolean(left), Value::Boolean(right)) => left == right,
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right, zone))
        }
        _ => compare(left, right, zone).is_some_and(Ordering::is_eq),
    }
}

/// The order of two values that have one; a date stands for its midnight beside a moment.
pub(super) fn compare(left: &Value, right: &Value, zone: &TimeZone) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.partial_cmp(right),
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        (Value::Moment(left), Value::Moment(right)) => Some(left.cmp(right)),
        (Value::Date(left), Value::Moment(right)) => Some(midnight(*left, zone).cmp(right)),
        (Value::Moment(left), Value::Date(right)) => Some(left.cmp(&midnight(*right, zone))),
        (Value::Length(left), Value::Length(right)) => Some(left.seconds_max().cmp(&right.seconds_max())),
        (Value::Text(_), Value::Date(_) | Value::Moment(_)) => timely(&left.or_time(), right, zone),
        (Value::Date(_) | Value::Moment(_), Value::Text(_)) => timely(left, &right.or_time(), zone),
        _ => None,
    }
}

/// The order of two times, one of which came as text.
fn timely(left: &Value, right: &Value, zone: &TimeZone) -> Option<Ordering> {
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    if is_text(left) || is_text(right) { None } else { compare(left, right, zone) }
}

fn arithmetic(operator: Operator, left: Value, right: Value, zone: &TimeZone) -> Value {
    use Operator as O;
    let (left, right) = match (&left, &right) {
        (Value::Text(_), Value::Length(_)) | (Value::Length(_), Value::Text(_)) => {
            (left.or_time(), right.or_time())
        }
        _ => (left, right),
    };
    match (operator, left, right) {
        (_, Value::Number(left), Value::Number(right)) => Value::number(match operator {
            O::Plus => left + right,
            O::Minus => left - right,
            O::Times => left * right,
            _ => left / right,
        }),
        (O::Plus, Value::Text(left), Value::Text(right)) => Value::Text(left + &right),
        (O::Plus, Value::Moment(moment), Value::Length(length))
        | (O::Plus, Value::Length(length), Value::Moment(moment)) => {
            Value::Moment(length.after(moment, zone))
        }
        (O::Minus, Value::Moment(moment), Value::Length(length)) => {
            Value::Moment(length.before(moment, zone))
        }
        (O::Plus, Value::Date(date), Value::Length(length))
        | (O::Plus, Value::Length(length), Value::Date(date)) => shifted(date, length, zone, Length::after),
        (O::Minus, Value::Date(date), Value::Length(length)) => shifted(date, length, zone, Length::before),
        _ => Value::Unset,
    }
}

/// A date stays a date when it is moved by days or longer.
fn shifted(
    date: Date,
    length: Length,
    zone: &TimeZone,
    by: fn(Length, Moment, &TimeZone) -> Moment,
) -> Value {
    if length.unit >= Unit::Day {
        // Dates have no zone: UTC moves them without a gap.
        Value::Date(date_of(by(length, midnight(date, &TimeZone::UTC), &TimeZone::UTC), &TimeZone::UTC))
    } else {
        Value::Moment(by(length, midnight(date, zone), zone))
    }
}
