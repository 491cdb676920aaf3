use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::{Attributes, Contact, ContactId};
use crate::time::{Moment, zone};

proptest! {
    #[test]
    fn a_window_has_what_is_not_so_long_ago(
        now in 1_790_000_000_i64..1_830_000_000,
        count in 0..40_u32,
        unit in prop::sample::select(Unit::ALL.to_vec()),
        name in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]),
        offsets in prop::collection::vec(-6 * 86_400..6 * 86_400_i64, 0..40),
    ) {
        let (zone, last) = (zone(name).unwrap(), Length::new(count, unit));
        let now = Moment::from_seconds(now);
        // Around the beginning of the window, where it matters.
        let begin = last.before(now, &zone);
        let happened = |offset: &i64| Happened { at: begin.plus_seconds(*offset), properties: Attributes::new() };
        let mut events: Vec<Happened> = offsets.iter().map(happened).collect();
        events.sort_by_key(|event| event.at);
        let expected: Vec<Moment> =
            events.iter().map(|event| event.at).filter(|at| last.after(*at, &zone) > now).collect();
        let events = BTreeMap::from([("order".to_owned(), events)]);
        let contact = Contact::new(ContactId::default(), now);
        let (permissions, entry) = (BTreeMap::new(), Attributes::new());
        let scope = Scope {
            contact: &contact, permissions: &permissions, zone: &zone, now, entry: &entry,
            at_hand: None, branches: &[], reactions: &[], events: &events,
        };
        let aggregate = Aggregate {
            function: AggregateFunction::Count,
            event: "order".to_owned(),
            field: None,
            last: Some(last),
            condition: None,
        };
        let found: Vec<Moment> = inside(&aggregate, &scope).map(|event| event.at).collect();
        prop_assert_eq!(found, expected);
    }
}
