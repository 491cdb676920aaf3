use super::aggregate;
use super::evaluate::{Scope, evaluate, midnight};
use crate::domain::Value;
use crate::language::plan::{Aggregate, Expr, Operator};
use crate::time::{Date, Length, Moment, TimeZone, Unit, date_of};

/// The next moment after now at which a condition may change by time passing alone; `None` where only something
/// that happens can change it. The moment may come early, never late: whoever is woken looks again.
///
/// This is what makes conditions over time cost nothing while they wait: each contact has one moment to be
/// looked at, and nobody walks over all of them.
pub(super) fn next_change(condition: &Expr, scope: &Scope<'_>) -> Option<Moment> {
    let mut next: Option<Moment> = None;
    let mut see = |moment: Option<Moment>| {
        if let Some(moment) = moment.filter(|moment| *moment > scope.now && *moment < Moment::MAX) {
            next = Some(next.map_or(moment, |known| known.min(moment)));
        }
    };
    find(condition, scope, &mut see);
    next
}

fn find(expr: &Expr, scope: &Scope<'_>, see: &mut dyn FnMut(Option<Moment>)) {
    match expr {
        Expr::Binary(operator, left, right) if !matches!(operator, Operator::And | Operator::Or) => {
            let bound = |side: &Expr, other: &Expr, see: &mut dyn FnMut(Option<Moment>)| match side {
                Expr::Since(unit, of) => {
                    threshold(*unit, evaluate(of, scope), false, evaluate(other, scope), scope, see)
                }
                Expr::Until(unit, of) => {
                    threshold(*unit, evaluate(of, scope), true, evaluate(other, scope), scope, see)
                }
                _ => false,
            };
            if bound(left, right, see) {
                within(left, scope, see);
                parts(right, scope, see);
            } else if bound(right, left, see) {
                within(right, scope, see);
                parts(left, scope, see);
            } else if !moments(left, right, scope, see) {
                // A sum of such values: it changes no more often than its parts.
                parts(left, scope, see);
                parts(right, scope, see);
            }
        }
        Expr::Binary(_, left, right) => {
            find(left, scope, see);
            find(right, scope, see);
        }
        Expr::Not(inner) => find(inner, scope, see),
        _ => parts(expr, scope, see),
    }
}

/// Whether the present itself is asked for; what falls out of a window is not.
fn asks_for_now(expr: &Expr) -> bool {
    expr.any(|expr| matches!(expr, Expr::Today | Expr::Now | Expr::Since(..) | Expr::Until(..)))
}

/// The next moment at which any part changes its value, this included.
fn parts(expr: &Expr, scope: &Scope<'_>, see: &mut dyn FnMut(Option<Moment>)) {
    match expr {
        Expr::Today => see(tomorrow(scope)),
        // What asks for the exact present in a way that has no threshold is looked at once a day.
        Expr::Now => see(tomorrow(scope)),
        Expr::Since(unit, of) | Expr::Until(unit, of) => {
            let until = matches!(expr, Expr::Until(..));
            if let Value::Number(count) = evaluate(expr, scope) {
                let of = evaluate(of, scope);
                for step in [-1.0, 0.0, 1.0] {
                    crossing(*unit, &of, until, count + step, scope, see);
                }
            }
        }
        Expr::Aggregate(aggregate) => return windows(aggregate, scope, see),
        _ => {}
    }
    within(expr, scope, see);
}

/// The next moment at which something right inside changes its value.
fn within(expr: &Expr, scope: &Scope<'_>, see: &mut dyn FnMut(Option<Moment>)) {
    let mut inside = Vec::new();
    expr.each_part(&mut |part| inside.push(part));
    inside.into_iter().for_each(|part| parts(part, scope, see));
}

/// The moments at which the next event falls out of its window, or one counts no longer, or only then.
fn windows(aggregate: &Aggregate, scope: &Scope<'_>, see: &mut dyn FnMut(Option<Moment>)) {
    let inside = || aggregate::inside(aggregate, scope);
    if let (Some(last), Some(oldest)) = (aggregate.last, inside().next()) {
        // Some that are little younger may fall out before it.
        let until = oldest.at.plus_seconds(aggregate::slack(last));
        for event in inside().take_while(|event| event.at <= until) {
            see(Some(last.after(event.at, scope.zone)));
        }
    }
    if let Some(condition) = aggregate.condition.as_ref().filter(|condition| changes_by_time(condition)) {
        for event in inside() {
            find(condition, &Scope { at_hand: Some(&event.properties), ..*scope }, see);
        }
    }
}

/// Whether time passing alone may change a value: without it no event need be asked.
fn changes_by_time(expr: &Expr) -> bool {
    asks_for_now(expr) || expr.any(|expr| matches!(expr, Expr::Aggregate(_)))
}

fn tomorrow(scope: &Scope<'_>) -> Option<Moment> {
    day_after(date_of(scope.now, scope.zone), scope.zone)
}

fn day_after(date: Date, zone: &TimeZone) -> Option<Moment> {
    Some(midnight(date.tomorrow().ok()?, zone))
}

/// `days since X > 90`: the moments at which the count passes the number. Tells whether it could be said.
fn threshold(
    unit: Unit,
    of: Value,
    until: bool,
    number: Value,
    scope: &Scope<'_>,
    see: &mut dyn FnMut(Option<Moment>),
) -> bool {
    let Value::Number(number) = number else { return false };
    if !of.is_set() {
        return true;
    }
    for count in [number.floor() - 1.0, number.floor(), number.ceil(), number.floor() + 1.0] {
        crossing(unit, &of, until, count, scope, see);
    }
    true
}

/// The moment at which the count of units becomes that number, and the instant behind it.
fn crossing(
    unit: Unit,
    of: &Value,
    until: bool,
    count: f64,
    scope: &Scope<'_>,
    see: &mut dyn FnMut(Option<Moment>),
) {
    if !(-1e9..1e9).contains(&count) {
        return;
    }
    let base = match of {
        Value::Moment(moment) => *moment,
        Value::Date(date) => midnight(*date, scope.zone),
        _ => return,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within a billion, sign apart"
    )]
    let length = Length::new(count.abs() as u32, unit);
    let ahead = (count >= 0.0) != until;
    let moment = if ahead { length.after(base, scope.zone) } else { length.before(base, scope.zone) };
    see(Some(moment));
    see(Some(moment.plus_micros(1)));
    // The 31st and the 30th both become the last day of a shorter month: a count back from the one changes with
    // that day, not with its hour.
    if !ahead && unit >= Unit::Month {
        see(day_after(date_of(moment, scope.zone), scope.zone));
    }
    // Dates are counted from midnight to midnight.
    if matches!(of, Value::Date(_)) {
        see(Some(Length::new(1, Unit::Day).after(moment, scope.zone)));
    }
    // A count down reaches a number when less than one unit more is left.
    if until {
        see(Some(Length::new(1, unit).after(moment, scope.zone)));
    }
}

/// `now > X`: the moment itself. Tells whether it could be said.
fn moments(left: &Expr, right: &Expr, scope: &Scope<'_>, see: &mut dyn FnMut(Option<Moment>)) -> bool {
    let other = match (left, right) {
        (Expr::Now, other) | (other, Expr::Now) if !asks_for_now(other) => other,
        _ => return false,
    };
    parts(other, scope, see);
    let moment = match evaluate(other, scope) {
        Value::Moment(moment) => moment,
        Value::Date(date) => midnight(date, scope.zone),
        _ => return true,
    };
    see(Some(moment));
    see(Some(moment.plus_micros(1)));
    true
}

#[cfg(test)]
mod tests;
