//! Contacts from files.

use super::fixture::{at, attributes, decision, id_of, person, row, state_of};
use crate::store::{ImportCounts, ImportRow, Store};

pub(super) async fn a_file_adds_and_changes(store: &dyn Store) {
    let mut ada = row("ada", "ada@example.org");
    ada.phone = Some("1".to_owned());
    ada.tags = vec!["a".to_owned()];
    ada.allows = vec![("news".to_owned(), true), ("offers".to_owned(), false)];
    let counts = change!(store, unit => unit.import(vec![ada, row("", "ben@example.org")], at(0)));
    assert_eq!(counts, ImportCounts { added: 2, ..ImportCounts::default() });
    let mut again = row("", "ada@example.org");
    again.timezone = Some("Europe/Berlin".to_owned());
    again.language = Some("de".to_owned());
    again.tags = vec!["b".to_owned()];
    let counts = change!(store, unit => unit.import(vec![again, row("eve", "")], at(1)));
    assert_eq!(counts, ImportCounts { added: 1, changed: 1, ..ImportCounts::default() });
    let state = state_of(store, id_of(store, "ada").await).await;
    let contact = state.contact;
    assert_eq!((contact.phone.as_deref(), contact.language.as_deref()), (Some("1"), Some("de")));
    assert_eq!(contact.timezone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(contact.tags.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(contact.created_at, at(0));
    assert_eq!(state.permissions, [("news".to_owned(), true), ("offers".to_owned(), false)].into());
    assert_eq!(look!(store, unit => unit.permissions(contact.id))[0].source, "file");
}

pub(super) async fn a_refusal_outlives_files(store: &dyn Store) {
    let ada = person(store, "ada").await;
    change!(store, unit => unit.decide(vec![decision(ada, "news", false, 0)]));
    let allows = |topics: &[(&str, bool)]| ImportRow {
        allows: topics.iter().map(|(topic, allowed)| ((*topic).to_owned(), *allowed)).collect(),
        ..row("ada", "")
    };
    let rows = vec![allows(&[("news", true), ("offers", true)]), allows(&[("offers", false)])];
    let counts = change!(store, unit => unit.import(rows, at(1)));
    assert_eq!((counts.changed, counts.refusals_kept), (1, 1));
    let state = state_of(store, ada).await;
    assert_eq!(state.permissions, [("news".to_owned(), false), ("offers".to_owned(), false)].into());
    let before = look!(store, unit => unit.permissions(ada));
    let counts =
        change!(store, unit => unit.import(vec![allows(&[("offers", true), ("news", false)])], at(2)));
    assert_eq!(counts.refusals_kept, 1);
    assert_eq!(look!(store, unit => unit.permissions(ada)), before, "what changes nothing is not recorded");
}

pub(super) async fn an_address_of_somebody_else_is_a_conflict(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let mut taken = row("ben", "ada@example.org");
    taken.phone = Some("2".to_owned());
    let counts = change!(store, unit => unit.import(vec![taken], at(0)));
    assert_eq!(counts, ImportCounts { added: 1, conflicts: 1, ..ImportCounts::default() });
    let ben = state_of(store, id_of(store, "ben").await).await.contact;
    assert_eq!((ben.email, ben.phone.as_deref()), (None, Some("2")));
    assert_eq!(id_of(store, "ada@example.org").await, ada);
}

pub(super) async fn attributes_are_set_and_taken_away(store: &dyn Store) {
    let with = |json| ImportRow { attributes: attributes(json), ..row("ada", "") };
    let first = with(serde_json::json!({"score": 1, "plan": "pro", "phone": "1"}));
    change!(store, unit => unit.import(vec![first], at(0)));
    let second = with(serde_json::json!({"score": 2, "plan": null, "phone": null}));
    change!(store, unit => unit.import(vec![second], at(1)));
    let ada = state_of(store, id_of(store, "ada").await).await.contact;
    assert_eq!(ada.attributes, attributes(serde_json::json!({"score": 2})));
    assert_eq!(ada.phone, None);
}

pub(super) async fn rows_about_one_person_are_one_person(store: &dyn Store) {
    let mut first = row("", "ada@example.org");
    first.language = Some("de".to_owned());
    let mut last = row("ada", "");
    last.language = Some("en".to_owned());
    let rows = vec![first, row("ada", "ada@example.org"), last];
    let counts = change!(store, unit => unit.import(rows, at(0)));
    assert_eq!(counts, ImportCounts { added: 1, ..ImportCounts::default() });
    let ada = state_of(store, id_of(store, "ada").await).await.contact;
    assert_eq!((ada.email.as_deref(), ada.language.as_deref()), (Some("ada@example.org"), Some("en")));
    // Two that were added and one that was there turn out to be one: it was there.
    change!(store, unit => unit.import(vec![row("ben", "")], at(1)));
    let rows = vec![row("", "ben@example.org"), row("ben", "ben@example.org")];
    let counts = change!(store, unit => unit.import(rows, at(2)));
    assert_eq!((counts.added, counts.changed), (0, 1));
    assert_eq!(look!(store, unit => unit.contact_count()), 2);
}
