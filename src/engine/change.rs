use jiff::ToSpan;

use super::evaluate::{Scope, evaluate, midnight};
use crate::domain::Value;
use crate::language::plan::{Expr, Operator};
use crate::time::{Date, Length, Moment, Unit, date_of};

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
            let known = bound(left, right, see) || bound(right, left, see);
            if !known
                && (depends_on_time(left) || depends_on_time(right))
                && !moments(left, right, scope, see)
            {
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

fn depends_on_time(expr: &Expr) -> bool {
    expr.any(|expr| matches!(expr, Expr::Today | Expr::Now | Expr::Since(..) | Expr::Until(..)))
}

/// The next moment at which any part changes its value.
fn parts(expr: &Expr, scope: &Scope<'_>, see: &mut dyn FnMut(Option<Moment>)) {
    expr.walk(&mut |expr| match expr {
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
        _ => {}
    });
}

fn tomorrow(scope: &Scope<'_>) -> Option<Moment> {
    let date: Date = date_of(scope.now, scope.zone).checked_add(1.day()).ok()?;
    Some(midnight(date, scope.zone))
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
    // Dates are counted from midnight to midnight.
    if matches!(of, Value::Date(_)) {
        see(Some(Length::new(1, Unit::Day).after(moment, scope.zone)));
    }
    // A count down reaches a number when less than one unit more is left.
    if until {
        see(Some(Length::new(1, unit).after(moment, scope.zone)));
    }
}

/// `now > X`, `today >= X`: the moment itself. Tells whether it could be said.
fn moments(left: &Expr, right: &Expr, scope: &Scope<'_>, see: &mut dyn FnMut(Option<Moment>)) -> bool {
    let other = match (left, right) {
        (Expr::Now, other) | (other, Expr::Now) if !depends_on_time(other) => other,
        _ => return false,
    };
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
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Attributes, Contact, ContactId, ValueType};
    use crate::time::TimeZone;

    /// What conditions over time are made of.
    fn leaf() -> impl Strategy<Value = Expr> {
        let number = || (-40..40_i32).prop_map(|number| Expr::Value(Value::Number(f64::from(number) / 2.0)));
        let unit = prop::sample::select(Unit::ALL.into_iter().skip(2).collect::<Vec<_>>());
        let of = prop::sample::select(vec!["renewal", "created_at"]).prop_map(|name| Expr::Contact {
            name: name.to_owned(),
            of: if name == "renewal" { ValueType::Date } else { ValueType::Datetime },
            default: Value::Unset,
        });
        let sign = prop::sample::select(vec![
            Operator::Equal,
            Operator::NotEqual,
            Operator::Less,
            Operator::LessEqual,
            Operator::Greater,
            Operator::GreaterEqual,
        ]);
        let compare =
            |sign: Operator, left: Expr, right: Expr| Expr::Binary(sign, Box::new(left), Box::new(right));
        prop_oneof![
            (sign.clone(), unit.clone(), of.clone(), number(), any::<bool>()).prop_map(
                move |(sign, unit, of, number, until)| {
                    let span =
                        if until { Expr::Until(unit, Box::new(of)) } else { Expr::Since(unit, Box::new(of)) };
                    compare(sign, span, number)
                }
            ),
            (sign.clone(), of.clone()).prop_map(move |(sign, of)| compare(sign, Expr::Now, of)),
            (sign.clone(), of.clone()).prop_map(move |(sign, of)| compare(sign, of, Expr::Today)),
            (sign, unit, of, number()).prop_map(move |(sign, unit, of, number)| {
                let span = Expr::Since(unit, Box::new(of));
                let half = Expr::Binary(
                    Operator::DividedBy,
                    Box::new(span),
                    Box::new(Expr::Value(Value::Number(2.0))),
                );
                compare(sign, half, number)
            }),
        ]
    }

    fn condition() -> impl Strategy<Value = Expr> {
        (leaf(), leaf(), 0..4_u8).prop_map(|(left, right, shape)| match shape {
            0 => left,
            1 => Expr::Not(Box::new(left)),
            2 => Expr::Binary(Operator::And, Box::new(left), Box::new(right)),
            _ => Expr::Binary(Operator::Or, Box::new(left), Box::new(right)),
        })
    }

    proptest! {
        #[test]
        fn nothing_changes_before_the_moment_that_is_named(
            condition in condition(),
            start in 1_790_000_000_i64..1_830_000_000,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]),
            passed in prop::collection::vec(0.0..1.0_f64, 8),
        ) {
            let zone: TimeZone = crate::time::zone(zone).unwrap();
            let mut contact = Contact::new(ContactId::default(), Moment::from_seconds(1_810_003_599));
            contact.set("renewal", &Value::Text("2027-03-28".to_owned()));
            let permissions = BTreeMap::new();
            let entry = Attributes::new();
            let events = BTreeMap::new();
            let scope = |now| Scope {
                contact: &contact, permissions: &permissions, zone: &zone, now, entry: &entry,
                at_hand: None, branches: &[], reactions: &[], events: &events,
            };
            let now = Moment::from_seconds(start);
            let value = evaluate(&condition, &scope(now));
            let next = next_change(&condition, &scope(now)).unwrap_or_else(|| now.plus_seconds(80 * 366 * 86_400));
            prop_assert!(next > now);
            let ahead = next.micros_since(now) - 1;
            for part in passed {
                #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any point will do")]
                let later = now.plus_micros((ahead as f64 * part) as i64);
                prop_assert_eq!(evaluate(&condition, &scope(later)), value.clone(), "at {}, before {}", later, next);
            }
            prop_assert_eq!(evaluate(&condition, &scope(next.plus_micros(-1))), value);
        }
    }
}
