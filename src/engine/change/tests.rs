use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::{Attributes, Contact, ContactId, Happened, ValueType};
use crate::language::plan::AggregateFunction;
use crate::time::TimeZone;

/// A function of the orders of [`orders`].
fn aggregate() -> impl Strategy<Value = Expr> {
    use AggregateFunction as F;
    let last = prop::option::of((1..60_u32, prop::sample::select(Unit::ALL.to_vec())));
    let function = prop::sample::select(vec![F::Count, F::Sum, F::Avg, F::Min, F::Max, F::First, F::Last]);
    // Orders of the last days, those above an amount, all of them.
    let condition = prop::option::of((any::<bool>(), 1..40_i32).prop_map(|(recent, number)| {
        let field = |name: &str, of| Expr::Event { name: name.to_owned(), of, depth: None };
        let asked = if recent {
            Expr::Since(Unit::Day, Box::new(field("day", ValueType::Date)))
        } else {
            field("total", ValueType::Number)
        };
        let number = Expr::Value(Value::Number(f64::from(number)));
        Expr::Binary(Operator::Less, Box::new(asked), Box::new(number))
    }));
    (function, last, condition).prop_map(|(function, last, condition)| {
        let aggregate = Aggregate {
            function,
            event: "order".to_owned(),
            field: function.has_field().then(|| ("total".to_owned(), ValueType::Number)),
            last: last.map(|(count, unit)| Length::new(count, unit)),
            condition,
        };
        Expr::Aggregate(Box::new(aggregate))
    })
}

/// Conditions over past events: an amount, or how long ago, or whether it is so long ago as of now.
fn past() -> impl Strategy<Value = Expr> {
    let sign = prop::sample::select(vec![Operator::Equal, Operator::Less, Operator::GreaterEqual]);
    let unit = prop::sample::select(Unit::ALL.into_iter().skip(2).collect::<Vec<_>>());
    (aggregate(), aggregate(), sign, unit, 0..60_i32, 0..3_u8).prop_map(
        |(left, right, sign, unit, number, shape)| {
            let number = Expr::Value(Value::Number(f64::from(number)));
            let moment = |expr: &Expr| match expr {
                Expr::Aggregate(aggregate) => aggregate.field.is_none(),
                _ => false,
            };
            let left = if moment(&left) { Expr::Since(unit, Box::new(left)) } else { left };
            let right = match shape {
                0 => number,
                1 => right,
                _ => Expr::Binary(Operator::Times, Box::new(right), Box::new(number)),
            };
            Expr::Binary(sign, Box::new(left), Box::new(right))
        },
    )
}

/// Orders over a year before a moment, some of them on one day.
fn orders() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(prop_oneof![0..366 * 86_400_i64, 0..86_400_i64], 0..6)
}

/// Moments within the years around the present: any, and those of the last days of months.
fn created_at() -> impl Strategy<Value = Moment> {
    let last_days = (2026..2030_i16, 1..=12_i8, 26..=31_i8, 0..24_i8).prop_map(|(year, month, day, hour)| {
        let first = Date::new(year, month, 1).unwrap();
        let date = Date::new(year, month, day.min(first.days_in_month())).unwrap();
        crate::time::at_clock_time(date, crate::time::ClockTime::MIDNIGHT, &TimeZone::UTC)
            .plus_seconds(i64::from(hour) * 3_600 + 59)
    });
    prop_oneof![Just(Moment::from_seconds(1_810_003_599)), last_days]
}

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
        past(),
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
            let half =
                Expr::Binary(Operator::DividedBy, Box::new(span), Box::new(Expr::Value(Value::Number(2.0))));
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
        created in created_at(),
        orders in orders(),
        passed in prop::collection::vec(0.0..1.0_f64, 8),
    ) {
        let zone: TimeZone = crate::time::zone(zone).unwrap();
        let mut contact = Contact::new(ContactId::default(), created);
        contact.set("renewal", &Value::Text("2027-03-28".to_owned()));
        let permissions = BTreeMap::new();
        let entry = Attributes::new();
        let order = |ago: &i64| {
            let at = Moment::from_seconds(start - ago);
            let day = date_of(at, &zone).to_string();
            let properties = serde_json::json!({"total": ago % 60, "day": day});
            Happened { at, properties: properties.as_object().unwrap().clone() }
        };
        let mut happened: Vec<Happened> = orders.iter().map(order).collect();
        happened.sort_by_key(|event| event.at);
        let events = BTreeMap::from([("order".to_owned(), happened)]);
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

#[test]
fn a_count_of_months_back_from_a_months_end_changes_at_midnight() {
    let zone = TimeZone::UTC;
    let at = |text: &str| text.parse::<Moment>().unwrap();
    let of =
        |name: &str| Expr::Contact { name: name.to_owned(), of: ValueType::Datetime, default: Value::Unset };
    for (unit, end, now, changes) in [
        (Unit::Month, "2027-03-31T10:00:00Z", "2027-02-20T00:00:00Z", "2027-03-01T00:00:00Z"),
        (Unit::Month, "2027-03-29T10:00:00Z", "2027-02-20T00:00:00Z", "2027-03-01T00:00:00Z"),
        (Unit::Month, "2027-03-28T10:00:00Z", "2027-02-20T00:00:00Z", "2027-02-28T10:00:00.000001Z"),
        (Unit::Year, "2028-02-29T10:00:00Z", "2027-02-20T00:00:00Z", "2027-03-01T00:00:00Z"),
    ] {
        let contact = Contact::new(ContactId::default(), at(end));
        let condition = Expr::Binary(
            Operator::Less,
            Box::new(Expr::Until(unit, Box::new(of("created_at")))),
            Box::new(Expr::Value(Value::Number(1.0))),
        );
        let (permissions, entry, events) = (BTreeMap::new(), Attributes::new(), BTreeMap::new());
        let scope = |now| Scope {
            contact: &contact,
            permissions: &permissions,
            zone: &zone,
            now,
            entry: &entry,
            at_hand: None,
            branches: &[],
            reactions: &[],
            events: &events,
        };
        let mut now = at(now);
        while !evaluate(&condition, &scope(now)).is_true() {
            now = next_change(&condition, &scope(now)).unwrap();
        }
        assert_eq!(now, at(changes), "{unit:?} until {end}");
    }
}
