//! Contacts that time leads into journeys: when they must be looked at.

use std::collections::BTreeMap;

use super::fixture::{NOTHING, arrival, at, batch, entering, event, id_of, person, row, state_of};
use crate::domain::{ContactId, Effects, Watch, WatchState};
use crate::language::plan::Needs;
use crate::store::{Claim, Store, TurnBatch};
use crate::time::Moment;

const WATCH: &Needs =
    &Needs { permissions: false, events: BTreeMap::new(), messages: None, watch: true, left: true };

async fn looked_for(store: &dyn Store, second: i64, limit: u32) -> Vec<ContactId> {
    let mut unit = store.write().await.unwrap();
    let watches = unit.claim(at(second), limit, &[]).await.unwrap().watches;
    // A unit that is dropped lets go of what it holds only by and by.
    unit.commit().await.unwrap();
    watches
}

fn due(second: Option<i64>) -> Watch {
    let state = WatchState { seen: ["a".to_owned()].into(), ..WatchState::default() };
    Watch { looked_at: at(0), due_at: second.map(at), state }
}

/// Remembers a watch the way a turn does.
async fn remember(store: &dyn Store, contact: ContactId, watch: &Watch) {
    let effects = Effects { watch: Some(watch.clone()), ..Effects::default() };
    let contacts = vec![(state_of(store, contact).await, effects)];
    change!(store, unit => unit.record(TurnBatch { now: at(0), contacts, events: Vec::new() }));
}

pub(super) async fn whoever_is_due_is_looked_at(store: &dyn Store) {
    let (ada, ben, eve) =
        (person(store, "ada").await, person(store, "ben").await, person(store, "eve").await);
    for (contact, second) in [(ada, Some(50)), (ben, Some(40)), (eve, None)] {
        remember(store, contact, &due(second)).await;
    }
    assert_eq!(looked_for(store, 39, 10).await, []);
    assert_eq!(looked_for(store, 50, 10).await, [ben, ada]);
    assert_eq!(looked_for(store, 50, 1).await, [ben]);
    assert_eq!(look!(store, unit => unit.next_due()).turns, Some(at(40)));
    let mut unit = store.write().await.unwrap();
    let states = unit.states(&[ada, eve], WATCH, Moment::MIN).await.unwrap();
    assert_eq!(states[0].watch, Some(due(Some(50))));
    assert_eq!(states[1].watch, Some(due(None)));
    assert_eq!(unit.states(&[ada], NOTHING, Moment::MIN).await.unwrap()[0].watch, None);
    assert_eq!(unit.watch(ben).await.unwrap(), Some(due(Some(40))));
    drop(unit);
    remember(store, ben, &due(Some(60))).await;
    assert_eq!(looked_for(store, 50, 10).await, [ada]);
}

pub(super) async fn a_look_has_all_events_of_its_contact(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    remember(store, ada, &due(Some(50))).await;
    let events = vec![event(ben, "b", 10), event(ada, "a", 20)];
    change!(store, unit => unit.add_events(events));
    let mut unit = store.write().await.unwrap();
    let Claim { events, .. } = unit.claim(at(50), 1, &[]).await.unwrap();
    assert_eq!(events.into_iter().map(|event| event.name).collect::<Vec<_>>(), ["b", "a"]);
}

pub(super) async fn a_turn_without_a_look_leaves_the_watch(store: &dyn Store) {
    let ada = person(store, "ada").await;
    remember(store, ada, &due(Some(50))).await;
    let (run, effects) = entering(ada, "welcome", 0);
    let state = state_of(store, ada).await;
    change!(store, unit => unit.record(batch(state, &run, effects, 0)));
    assert_eq!(look!(store, unit => unit.watch(ada)), Some(due(Some(50))));
}

pub(super) async fn those_who_were_there_are_looked_at_in_batches(store: &dyn Store) {
    let mut all = Vec::new();
    for name in ["ada", "ben", "eve", "kim", "lou"] {
        all.push(person(store, name).await);
    }
    all.sort_by_key(|contact| (contact.slot(), *contact));
    assert!(!change!(store, unit => unit.extend_watch(Moment::MAX, at(9), 2)), "nobody is watched yet");
    change!(store, unit => unit.begin_watch(at(10)));
    remember(store, all[0], &due(Some(5))).await;
    remember(store, all[1], &due(Some(500))).await;
    assert!(!change!(store, unit => unit.extend_watch(at(9), at(20), 2)), "it began later than is known");
    for (second, known) in [(20, 2), (30, 4), (40, 5)] {
        assert!(change!(store, unit => unit.extend_watch(at(10), at(second), 2)));
        let mut found = looked_for(store, 100, 10).await;
        found.sort_by_key(|contact| (contact.slot(), *contact));
        assert_eq!(found, all[..known]);
    }
    assert!(!change!(store, unit => unit.extend_watch(at(10), at(50), 2)), "everybody has a row");
    let watch = |contact| async move { look!(store, unit => unit.watch(contact)).unwrap() };
    assert_eq!(watch(all[0]).await, due(Some(5)), "what is due earlier stays so");
    assert_eq!(watch(all[1]).await, due(Some(20)), "what was known stays known");
    assert_eq!(watch(all[4]).await.due_at, Some(at(40)));
    // Another way in comes into force: once more from the beginning.
    change!(store, unit => unit.begin_watch(at(60)));
    assert!(change!(store, unit => unit.extend_watch(at(60), at(70), 10)));
    assert!(!change!(store, unit => unit.extend_watch(at(60), at(70), 10)));
}

pub(super) async fn whoever_comes_is_looked_at_while_contacts_are_watched(store: &dyn Store) {
    change!(store, unit => unit.take_in(vec![arrival("signup", "ada", 0)]));
    change!(store, unit => unit.import(vec![row("ben", "")], at(1)));
    assert_eq!(looked_for(store, 100, 10).await, []);
    change!(store, unit => unit.begin_watch(at(10)));
    change!(store, unit => unit.take_in(vec![arrival("first", "kim", 20), arrival("second", "ada", 21)]));
    change!(store, unit => unit.import(vec![row("lou", ""), row("ben", "")], at(30)));
    let of = |name: &'static str| async move {
        let contact = id_of(store, name).await;
        look!(store, unit => unit.watch(contact)).and_then(|watch| watch.due_at)
    };
    assert_eq!(of("kim").await, Some(at(20)));
    assert_eq!(of("lou").await, Some(at(30)));
    assert_eq!(of("ben").await, Some(at(30)), "a file changes people without anything happening to them");
    assert_eq!(of("ada").await, None, "what happens to somebody is looked at anyway");
    // What is overdue is looked at as it was, and what is not, as it is now.
    let (kim, lou) = (id_of(store, "kim").await, id_of(store, "lou").await);
    remember(store, kim, &due(Some(40))).await;
    remember(store, lou, &due(Some(90))).await;
    change!(store, unit => unit.import(vec![row("kim", ""), row("lou", "")], at(50)));
    assert_eq!(look!(store, unit => unit.watch(kim)), Some(due(Some(40))));
    assert_eq!(look!(store, unit => unit.watch(lou)), Some(Watch { looked_at: at(50), ..due(Some(50)) }));
    change!(store, unit => unit.end_watch());
    change!(store, unit => unit.import(vec![row("max", "")], at(60)));
    assert_eq!(of("max").await, None);
}

pub(super) async fn who_turns_out_to_be_another_is_looked_at_as_the_other(store: &dyn Store) {
    change!(store, unit => unit.begin_watch(at(0)));
    change!(store, unit => unit.take_in(vec![arrival("visit", "/phone", 1), arrival("signup", "ada", 2)]));
    let ada = id_of(store, "ada").await;
    remember(store, ada, &due(None)).await;
    change!(store, unit => unit.take_in(vec![arrival("login", "ada/phone", 3)]));
    assert_eq!(looked_for(store, 100, 10).await, [id_of(store, "ada").await]);
}

pub(super) async fn deployments_are_told_in_order(store: &dyn Store) {
    assert_eq!(look!(store, unit => unit.deployed_at()), Moment::MIN);
    change!(store, unit => unit.deploy("b", Some(2), at(1)));
    change!(store, unit => unit.deploy("a", Some(1), at(2)));
    change!(store, unit => unit.deploy("b", None, at(3)));
    assert_eq!(look!(store, unit => unit.deployed_at()), at(3));
    let told = look!(store, unit => unit.deployments());
    let told: Vec<_> = told.into_iter().map(|told| (told.journey, told.at, told.version)).collect();
    let expected = [("b", 1, Some(2)), ("a", 2, Some(1)), ("b", 3, None)];
    assert_eq!(told, expected.map(|(journey, second, version)| (journey.to_owned(), at(second), version)));
}
