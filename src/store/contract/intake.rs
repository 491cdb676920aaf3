//! What comes in.

use super::fixture::{
    address, arrival, at, attributes, batch, decision, entering, event, event_id, id_of, person, record, row,
    state_of,
};
use crate::domain::{ContactId, EventKind};
use crate::store::{ArrivalKind, Intake, Store, Who};

pub(super) async fn arrivals_are_stored_once(store: &dyn Store) {
    let mut first = arrival("signup", "ada", 0);
    first.properties = attributes(serde_json::json!({"source": "ad"}));
    let answers = change!(store, unit => unit.take_in(vec![first.clone(), arrival("bought", "ada", 1)]));
    let ada = id_of(store, "ada").await;
    assert_eq!(answers, [Intake::Stored(ada), Intake::Stored(ada)]);
    let mut changed = arrival("signup", "ada", 5);
    changed.properties = attributes(serde_json::json!({"source": "other"}));
    let answers = change!(store, unit => unit.take_in(vec![changed, arrival("left", "ada", 6)]));
    assert_eq!(answers, [Intake::Repeated(ada), Intake::Stored(ada)]);
    let mut events = look!(store, unit => unit.events(ada, 10));
    assert_eq!(events.len(), 3);
    let kept = events.pop().unwrap();
    assert_eq!(kept.event.properties, first.properties, "the first wins");
    assert_eq!((kept.event.received_at, kept.pending), (at(0), true));
}

pub(super) async fn a_repeat_within_a_batch_is_one(store: &dyn Store) {
    let arrivals = vec![arrival("signup", "ada", 0), arrival("signup", "ada", 1)];
    let answers = change!(store, unit => unit.take_in(arrivals));
    let ada = id_of(store, "ada").await;
    assert_eq!(answers, [Intake::Stored(ada), Intake::Repeated(ada)]);
    assert_eq!(look!(store, unit => unit.events(ada, 10)).len(), 1);
}

pub(super) async fn an_alias_is_no_event(store: &dyn Store) {
    let mut alias = arrival("alias", "ada/phone", 0);
    alias.kind = ArrivalKind::Alias;
    change!(store, unit => unit.take_in(vec![alias, arrival("signup", "/phone", 1)]));
    let ada = id_of(store, "ada").await;
    let events = look!(store, unit => unit.events(ada, 10));
    assert_eq!(events.iter().map(|event| event.event.name.as_str()).collect::<Vec<_>>(), ["signup"]);
}

pub(super) async fn names_find_their_contact(store: &dyn Store) {
    change!(store, unit => unit.take_in(vec![arrival("signup", "ada/phone/Ada@Example.org", 7)]));
    let ada = id_of(store, "ada").await;
    let contact = look!(store, unit => unit.find(&Who::Id(ada))).unwrap();
    assert_eq!((contact.external_id.as_deref(), contact.created_at), (Some("ada"), at(7)));
    let by_email = Who::Email(address("ada@example.org").unwrap());
    assert_eq!(look!(store, unit => unit.find(&by_email)).unwrap().id, ada);
    for nobody in ["eve", "eve@example.org", &ContactId::default().to_string()] {
        assert_eq!(look!(store, unit => unit.find(&Who::from_text(nobody))), None);
    }
    assert_eq!(look!(store, unit => unit.contact_count()), 1);
}

pub(super) async fn an_address_of_somebody_else_is_dropped(store: &dyn Store) {
    person(store, "ada").await;
    let mut identify = arrival("identify", "ben//ada@example.org", 0);
    identify.kind = ArrivalKind::Event(EventKind::Identify, "identify".to_owned());
    identify.properties = attributes(serde_json::json!({"email": "ada@example.org", "phone": "1"}));
    change!(store, unit => unit.take_in(vec![identify]));
    let ben = id_of(store, "ben").await;
    assert_ne!(id_of(store, "ada@example.org").await, ben);
    let events = look!(store, unit => unit.events(ben, 1));
    assert_eq!(events[0].event.properties, attributes(serde_json::json!({"phone": "1"})));
}

pub(super) async fn what_machines_do_is_kept_and_waits_for_nobody(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let mut opened = event(ada, "message_opened", 0);
    opened.kind = EventKind::Machine;
    change!(store, unit => unit.add_events(vec![opened.clone()]));
    let kept = look!(store, unit => unit.events(ada, 1)).remove(0);
    assert_eq!((kept.event, kept.pending), (opened, false));
    let mut unit = store.write().await.unwrap();
    assert!(unit.claim(at(10), 10, &[]).await.unwrap().events.is_empty());
}

pub(super) async fn events_are_added_once(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let events = || vec![event(ada, "signup", 0), event(ada, "bought", 1)];
    assert_eq!(change!(store, unit => unit.add_events(events())), 2);
    let mut more = events();
    more.push(event(ada, "left", 2));
    assert_eq!(change!(store, unit => unit.add_events(more)), 1);
    assert_eq!(look!(store, unit => unit.events(ada, 10)).len(), 3);
}

pub(super) async fn decisions_are_kept_and_told_of(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let mut first = decision(ada, "offers", true, 0);
    first.wording = Some("I agree".to_owned());
    first.proof = Some("192.0.2.1".to_owned());
    let decisions = vec![first, decision(ada, "offers", false, 10), decision(ada, "offers", false, 20)];
    change!(store, unit => unit.decide(decisions.clone()));
    change!(store, unit => unit.decide(decisions.clone()));
    let kept = look!(store, unit => unit.permissions(ada));
    assert_eq!(kept[1..], decisions, "each is kept once, also one that changes nothing");
    let events = look!(store, unit => unit.events(ada, 10));
    let told: Vec<_> = events.iter().map(|event| (event.event.name.as_str(), event.event.at)).collect();
    assert_eq!(told, [("unsubscribed", at(20)), ("unsubscribed", at(10)), ("subscribed", at(0))]);
    assert!(events.iter().all(|event| event.pending && event.event.kind == EventKind::System));
    assert_eq!(events[0].event.properties, attributes(serde_json::json!({"topic": "offers"})));
}

/// Of two processes, the clock of one is a minute ahead.
pub(super) async fn what_was_said_last_holds_whatever_the_clocks_say(store: &dyn Store) {
    let ada = person(store, "ada").await;
    for (allowed, second) in [(true, 160), (false, 120), (true, 130)] {
        change!(store, unit => unit.decide(vec![decision(ada, "offers", allowed, second)]));
        assert_eq!(state_of(store, ada).await.permissions.get("offers"), Some(&allowed));
    }
    // The same again is no new decision.
    change!(store, unit => unit.decide(vec![decision(ada, "offers", true, 160)]));
    let mut refusing = row("ada", "");
    refusing.allows = vec![("offers".to_owned(), false)];
    change!(store, unit => unit.import(vec![refusing], at(140)));
    assert_eq!(state_of(store, ada).await.permissions.get("offers"), Some(&false));
    let kept = look!(store, unit => unit.permissions(ada));
    let kept: Vec<_> = kept.iter().filter(|kept| kept.topic == "offers").map(|kept| kept.at).collect();
    assert_eq!(kept, [0, 1, 2, 3].map(|micros| at(160).plus_micros(micros)));
    let told = look!(store, unit => unit.events(ada, 9)).into_iter().map(|event| event.event.at);
    assert_eq!(told.max(), Some(at(160).plus_micros(2)), "events tell the same moments");
}

pub(super) async fn of_two_decisions_at_one_instant_the_refusal_holds(store: &dyn Store) {
    for (name, order) in [("ada", [true, false]), ("ben", [false, true])] {
        let contact = person(store, name).await;
        for allowed in order {
            let mut decision = decision(contact, "offers", allowed, 0);
            decision.source = format!("said {allowed}");
            change!(store, unit => unit.decide(vec![decision]));
        }
        let kept = look!(store, unit => unit.permissions(contact)).remove(1);
        assert_eq!((kept.allowed, kept.source.as_str()), (false, "said false"), "{name}");
    }
}

pub(super) async fn what_cannot_be_taken_is_shown(store: &dyn Store) {
    let item = |reason: &str, body: &str| (reason.to_owned(), body.to_owned());
    change!(store, unit => unit.quarantine(at(0), vec![item("no name", "{}"), item("too long", "{…}")]));
    change!(store, unit => unit.quarantine(at(1), vec![item("no name", "{}"), item("no name", "{}")]));
    let shown = look!(store, unit => unit.quarantined(10));
    assert_eq!(shown.len(), 3, "a repeat within a batch is one");
    assert_eq!(
        (shown[0].received_at, shown[0].reason.as_str(), shown[0].body.as_str()),
        (at(1), "no name", "{}")
    );
    assert_eq!(look!(store, unit => unit.quarantined(1)), shown[..1]);
}

async fn suppressed(store: &dyn Store, who: ContactId) -> Option<String> {
    state_of(store, who).await.contact.suppressed
}

pub(super) async fn a_suppressed_address_stays_so_whoever_has_it(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let bounced = |contact, address: &str, why: &str| vec![(contact, address.to_owned(), why.to_owned())];
    // Ben was written to at Ada's address.
    change!(store, unit => unit.suppress(bounced(ben, "ADA@example.org", "bounced"), at(0)));
    change!(store, unit => unit.suppress(bounced(ada, "ada@example.org", "complained"), at(1)));
    assert_eq!(suppressed(store, ada).await.as_deref(), Some("bounced"), "the first reason stays");
    assert_eq!(suppressed(store, ben).await, None);
    // Somebody comes by an address of the list through a file or through a turn.
    change!(store, unit => unit.suppress(bounced(ben, "new@example.org", "bounced"), at(2)));
    change!(store, unit => unit.import(vec![row("eve", "new@example.org")], at(3)));
    assert_eq!(suppressed(store, id_of(store, "eve").await).await.as_deref(), Some("bounced"));
    change!(store, unit => unit.suppress(bounced(ada, "late@example.org", "bounced"), at(4)));
    let mut state = state_of(store, ben).await;
    state.contact.email = Some("Late@example.org".to_owned());
    state.changed = true;
    let (run, effects) = entering(ben, "welcome", 5);
    change!(store, unit => unit.record(batch(state, &run, effects, 5)));
    assert_eq!(suppressed(store, ben).await.as_deref(), Some("bounced"));
}

pub(super) async fn a_new_address_is_not_suppressed(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let bounced = vec![(ada, "ada@example.org".to_owned(), "bounced".to_owned())];
    change!(store, unit => unit.suppress(bounced, at(0)));
    change!(store, unit => unit.import(vec![row("ada", "new@example.org")], at(1)));
    assert_eq!(suppressed(store, ada).await, None);
    change!(store, unit => unit.import(vec![row("ada", "ada@example.org")], at(2)));
    assert_eq!(suppressed(store, ada).await.as_deref(), Some("bounced"));
    let (run, effects) = entering(ada, "welcome", 3);
    record(store, &run, effects, 3).await;
    assert_eq!(look!(store, unit => unit.events(ada, 9)).len(), 0, "files tell of nothing");
    assert_eq!(event_id("a"), event_id("a"));
}
