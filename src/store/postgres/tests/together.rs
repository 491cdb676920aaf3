//! Many processes on one database: each store here is a process of its own.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use super::super::PostgresStore;
use super::super::testing::Fresh;
use crate::domain::{CallKind, CallState, ContactId, Effects, MessageState, Watch};
use crate::store::contract::fixture::{
    NOTHING, arrival, at, batch, calling, decision, entering, event, id_of, moving, person, plan, record,
    row, sent, state_of,
};
use crate::store::{
    Arrival, CallSettlement, Carrier, ImportRow, Intake, MessageKey, MessageSettlement, Outcome, Store,
    StoreError, WriteUnit, audit,
};
use crate::time::TimeZone;

/// Takes arrivals in, again where another process held it up.
async fn take_in(store: &dyn Store, arrivals: &[Arrival]) -> Vec<Intake> {
    loop {
        let taken = async {
            let mut unit = store.write().await?;
            let taken = unit.take_in(arrivals.to_vec()).await?;
            unit.commit().await?;
            Ok(taken)
        };
        match taken.await {
            Ok(taken) => return taken,
            Err(StoreError::Busy) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Ends when somebody in the database waits for somebody else.
async fn somebody_waits(store: &PostgresStore) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database =
        (SELECT oid FROM pg_database WHERE datname = current_database()) OR NOT granted AND database IS NULL";
    loop {
        let count: i64 = sqlx::query_scalar(waiting).fetch_one(&store.pool).await.unwrap();
        if count > 0 {
            return;
        }
    }
}

/// Begins something that must wait for what `held` holds; what comes of it once that is committed.
async fn after<T>(store: &PostgresStore, held: Box<dyn WriteUnit>, waiting: impl Future<Output = T>) -> T {
    let mut waiting = pin!(waiting);
    tokio::select! {
        biased;
        _ = &mut waiting => panic!("it does not wait"),
        () = somebody_waits(store) => {}
    }
    let (committed, waited) = tokio::join!(held.commit(), waiting);
    committed.unwrap();
    waited
}

async fn crowd(store: &dyn Store, count: usize) -> Vec<ContactId> {
    let mut people = Vec::new();
    for number in 0..count {
        people.push(person(store, &format!("p{number}")).await);
    }
    people
}

#[tokio::test]
async fn two_claims_share_no_contact() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let people = crowd(&one, 40).await;
    let mut unit = one.write().await.unwrap();
    let mut happened = Vec::new();
    for (number, contact) in people.iter().enumerate() {
        happened.push(event(*contact, &format!("a{number}"), 1));
        happened.push(event(*contact, &format!("b{number}"), 2));
    }
    unit.add_events(happened).await.unwrap();
    unit.commit().await.unwrap();
    let claimed = async |unit: &mut Box<dyn WriteUnit>, limit: u32| -> Vec<ContactId> {
        let events = unit.claim(at(9), limit, &[]).await.unwrap().events;
        events.iter().map(|event| event.contact).collect()
    };
    let (mut first, mut second) = (one.write().await.unwrap(), other.write().await.unwrap());
    let mine = claimed(&mut first, 20).await;
    let theirs = claimed(&mut second, 1_000).await;
    assert_eq!(mine.len(), 20);
    let (mine, theirs): (BTreeSet<_>, BTreeSet<_>) =
        (mine.into_iter().collect(), theirs.into_iter().collect());
    assert!(mine.is_disjoint(&theirs) && !theirs.is_empty());
    // Whoever dies gives back what it had, as soon as the server notices.
    drop(first);
    one.close().await;
    second.commit().await.unwrap();
    let all_are_free = async {
        loop {
            let mut third = other.write().await.unwrap();
            let found = claimed(&mut third, 1_000).await.len();
            third.commit().await.unwrap();
            if found == 80 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), all_are_free).await.unwrap();
}

#[tokio::test]
async fn a_claim_has_all_events_of_its_contacts() {
    let Some(database) = Fresh::new().await else { return };
    let store = database.store().await;
    let ada = person(&store, "ada").await;
    for journey in ["one", "two"] {
        let (run, effects) = entering(ada, journey, 0);
        record(&store, &run, effects, 0).await;
    }
    let mut unit = store.write().await.unwrap();
    unit.add_events((0..9).map(|number| event(ada, &format!("e{number}"), number)).collect()).await.unwrap();
    let claim = unit.claim(at(60), 3, &[]).await.unwrap();
    let names: Vec<&str> = claim.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!((claim.due.len(), names), (2, vec!["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8"]));
}

#[tokio::test]
async fn a_merge_waits_for_a_turn() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let ada = person(&one, "ada").await;
    take_in(&one, &[arrival("visit", "/device/", 0)]).await;
    let mut turn = one.write().await.unwrap();
    let claim = turn.claim(at(1), 10, &[]).await.unwrap();
    let visitor = claim.events[0].contact;
    assert_ne!(visitor, ada);
    let (run, effects) = entering(visitor, "welcome", 1);
    let state = turn.states(&[visitor], NOTHING, at(0)).await.unwrap();
    turn.record(batch(state.into_iter().next().unwrap(), &run, effects, 1)).await.unwrap();
    let merge = [arrival("login", "ada/device/", 2)];
    let taken = after(&other, turn, take_in(&other, &merge)).await;
    assert_eq!(taken, [Intake::Stored(ada)]);
    let runs = one.read().await.unwrap().runs(ada).await.unwrap();
    assert_eq!(runs.len(), 1, "the run of the turn came along");
}

#[tokio::test]
async fn a_turn_of_a_contact_that_was_changed_is_overtaken() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let ada = person(&one, "ada").await;
    let (mut run, effects) = entering(ada, "welcome", 0);
    record(&one, &run, effects, 0).await;
    let mut turn = one.write().await.unwrap();
    let needs = NOTHING;
    let mut state = turn.states(&[ada], needs, at(0)).await.unwrap().remove(0);
    let mut unit = other.write().await.unwrap();
    let phone = ImportRow { phone: Some("+49 170".to_owned()), ..row("ada", "") };
    unit.import(vec![phone], at(1)).await.unwrap();
    unit.commit().await.unwrap();
    let effects = moving(&mut run);
    state.changed = true;
    state.contact.tags.insert("vip".to_owned());
    let recorded = turn.record(batch(state, &run, effects, 2)).await;
    assert!(matches!(recorded, Err(StoreError::Overtaken)), "{recorded:?}");
    drop(turn);
    let contact = state_of(&one, ada).await.contact;
    assert_eq!((contact.phone.as_deref(), contact.tags.len()), (Some("+49 170"), 0));
}

#[tokio::test]
async fn whoever_was_imported_meanwhile_is_looked_at() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let ada = person(&one, "ada").await;
    let (mut run, effects) = entering(ada, "welcome", 0);
    record(&one, &run, effects, 0).await;
    let mut unit = one.write().await.unwrap();
    unit.begin_watch(at(0)).await.unwrap();
    unit.commit().await.unwrap();
    let mut turn = one.write().await.unwrap();
    let state = turn.states(&[ada], NOTHING, at(0)).await.unwrap().remove(0);
    let mut unit = other.write().await.unwrap();
    unit.import(vec![row("ada", "")], at(1)).await.unwrap();
    unit.commit().await.unwrap();
    let watch = Watch { looked_at: at(2), due_at: None, state: Default::default() };
    let effects = Effects { watch: Some(watch), ..moving(&mut run) };
    let recorded = turn.record(batch(state, &run, effects, 2)).await;
    assert!(matches!(recorded, Err(StoreError::Overtaken)), "{recorded:?}");
    drop(turn);
    let watch = one.read().await.unwrap().watch(ada).await.unwrap();
    assert_eq!(watch.and_then(|watch| watch.due_at), Some(at(1)));
}

#[tokio::test]
async fn what_comes_twice_at_once_is_stored_once() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    for round in 0..10 {
        let arrivals = [arrival(&format!("e{round}"), &format!("u{round}//"), round)];
        let (mine, theirs) = tokio::join!(take_in(&one, &arrivals), take_in(&other, &arrivals));
        let contact = id_of(&one, &format!("u{round}")).await;
        let mut both = [mine[0], theirs[0]];
        both.sort_by_key(|intake| matches!(intake, Intake::Repeated(_)));
        assert_eq!(both, [Intake::Stored(contact), Intake::Repeated(contact)]);
    }
}

#[tokio::test]
async fn one_name_is_one_person_whoever_hears_it_first() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    for round in 0..10 {
        let named = |what: &str| [arrival(&format!("{what}{round}"), &format!("u{round}//"), round)];
        let (a, b) = (named("a"), named("b"));
        let (mine, theirs) = tokio::join!(take_in(&one, &a), take_in(&other, &b));
        assert_eq!(mine, theirs, "both are stored, for the same contact");
    }
    assert_eq!(one.read().await.unwrap().contact_count().await.unwrap(), 10);
}

/// Devices, addresses and people who turn out to be one, from all sides at once.
#[tokio::test]
async fn the_books_balance_after_a_crowd() {
    let Some(database) = Fresh::new().await else { return };
    let (one, two, three) = (database.store().await, database.store().await, database.store().await);
    let rounds = async |store: &PostgresStore, process: usize| {
        for round in 0..20 {
            let mut arrivals = Vec::new();
            for item in 0..6 {
                let number = (round * 7 + item * 5 + process * 3) % 11;
                let who = match (round + item + process) % 4 {
                    0 => format!("/d{number}/"),
                    1 => format!("//a{number}@example.org"),
                    2 => format!("u{number}/d{number}/"),
                    _ => format!("u{number}//a{number}@example.org"),
                };
                arrivals.push(arrival(&format!("e {process} {round} {item}"), &who, 1));
            }
            take_in(store, &arrivals).await;
        }
    };
    tokio::join!(rounds(&one, 1), rounds(&two, 2), rounds(&three, 3));
    let mut unit = one.read().await.unwrap();
    let audit = audit(&mut *unit, &TimeZone::UTC).await.unwrap();
    assert_eq!((audit.pending_events, audit.broken), (3 * 20 * 6, vec![]));
    assert_eq!(unit.contact_count().await.unwrap(), 11);
}

#[tokio::test]
async fn a_refusal_comes_before_the_gate_or_behind_it() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let ada = person(&one, "ada").await;
    let key = sent(&one, ada, 0).await;
    let mut refusal = one.write().await.unwrap();
    refusal.decide(vec![decision(ada, "news", false, 1)]).await.unwrap();
    let gate = async {
        let mut unit = other.write().await.unwrap();
        let goes = unit.hand_over(&[key.into()], at(2)).await.unwrap()[0].goes;
        unit.commit().await.unwrap();
        goes
    };
    assert!(!after(&other, refusal, gate).await);
}

async fn claimed(store: &PostgresStore, second: i64) -> Vec<MessageKey> {
    let claimed = store.claim_messages(Carrier::Mail, at(second), 9, &[], &[], &[]).await.unwrap();
    let key = |message: &crate::domain::Message| MessageKey { contact: message.contact, id: message.id };
    claimed.iter().map(|claimed| key(&claimed.message)).collect()
}

#[tokio::test]
async fn what_a_process_took_is_its_own_until_it_ends() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let ada = person(&one, "ada").await;
    let key = sent(&one, ada, 0).await;
    let (mut run, mut effects) = entering(ada, "offer", 0);
    let call = calling(&mut run, &mut effects, (CallKind::Call, "erp"), 0);
    record(&one, &run, effects, 0).await;
    let calls = async |store: &PostgresStore| {
        let claimed = store.claim_calls(at(9), 9, &[], &[], &[]).await.unwrap();
        claimed.iter().map(|claimed| claimed.call.id).collect::<Vec<_>>()
    };
    assert_eq!((claimed(&one, 9).await, calls(&one).await), (vec![key], vec![call]));
    assert_eq!((claimed(&other, 9).await, calls(&other).await), (vec![], vec![]));
    assert_eq!(claimed(&one, 9).await, [key], "whoever has it may take it again");
    one.close().await;
    assert_eq!((claimed(&other, 9).await, calls(&other).await), (vec![key], vec![call]));
}

#[tokio::test]
async fn what_a_process_gives_back_is_taken_by_another() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let ada = person(&one, "ada").await;
    let (waits, goes) = (sent(&one, ada, 0).await, sent(&one, ada, 1).await);
    assert_eq!(claimed(&one, 9).await, [waits, goes]);
    let give_back = async |store: &PostgresStore| {
        let mut unit = store.write().await.unwrap();
        unit.give_back(&[goes, waits]).await.unwrap();
        unit.commit().await.unwrap();
    };
    give_back(&other).await;
    assert_eq!(claimed(&other, 9).await, [], "they are not its own");
    let mut unit = one.write().await.unwrap();
    assert!(unit.hand_over(&[goes.into()], at(9)).await.unwrap()[0].goes);
    unit.commit().await.unwrap();
    give_back(&one).await;
    assert_eq!(claimed(&other, 9).await, [waits]);
    let settlement = MessageSettlement {
        key: goes,
        attempt: None,
        outcome: Outcome::State(MessageState::Accepted),
        answer: String::new(),
    };
    let mut unit = one.write().await.unwrap();
    assert_eq!(unit.settle_messages(vec![settlement], at(10)).await.unwrap(), [goes], "it is still its own");
}

#[tokio::test]
async fn what_waits_for_another_try_is_nobodys() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let ada = person(&one, "ada").await;
    let key = sent(&one, ada, 0).await;
    let (mut run, mut effects) = entering(ada, "offer", 0);
    let call = calling(&mut run, &mut effects, (CallKind::Call, "erp"), 0);
    record(&one, &run, effects, 0).await;
    assert_eq!(claimed(&one, 9).await, [key]);
    let mut unit = one.write().await.unwrap();
    assert!(unit.hand_over(&[key.into()], at(9)).await.unwrap()[0].goes);
    let later =
        MessageSettlement { key, attempt: None, outcome: Outcome::Again(at(20)), answer: String::new() };
    assert_eq!(unit.settle_messages(vec![later], at(10)).await.unwrap(), [key]);
    unit.commit().await.unwrap();
    assert_eq!(one.claim_calls(at(9), 9, &[], &[], &[]).await.unwrap().len(), 1);
    let later = CallSettlement {
        contact: ada,
        id: call,
        attempt: 1,
        state: CallState::Pending,
        due_at: Some(at(20)),
        status: None,
        answer: String::new(),
    };
    let mut unit = one.write().await.unwrap();
    unit.settle_calls(vec![later], at(10)).await.unwrap();
    unit.commit().await.unwrap();
    // The one that had them lives, and is not asked.
    assert_eq!(claimed(&other, 20).await, [key]);
    assert_eq!(other.claim_calls(at(20), 9, &[], &[], &[]).await.unwrap().len(), 1);
    let mut unit = other.write().await.unwrap();
    assert!(unit.hand_over(&[key.into()], at(21)).await.unwrap()[0].goes);
    unit.commit().await.unwrap();
    let mut unit = other.write().await.unwrap();
    unit.take_back(&[key], at(21)).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(claimed(&one, 22).await, [key]);
}

#[tokio::test]
async fn what_a_process_handed_over_is_unsure_two_minutes_after_it_ended() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let ada = person(&one, "ada").await;
    let key = sent(&one, ada, 0).await;
    let mut unit = one.write().await.unwrap();
    assert!(unit.hand_over(&[key.into()], at(0)).await.unwrap()[0].goes);
    unit.commit().await.unwrap();
    let recovered = async |second: i64| -> u64 {
        let mut unit = other.write().await.unwrap();
        let recovered = unit.recover(at(second)).await.unwrap();
        unit.commit().await.unwrap();
        recovered
    };
    assert_eq!(recovered(1_000).await, 0, "it may still say what became of it");
    one.close().await;
    assert_eq!(recovered(119).await, 0);
    assert_eq!(recovered(120).await, 1);
    let stored = other.read().await.unwrap().message(key).await.unwrap();
    assert_eq!(stored.map(|stored| stored.message.state), Some(MessageState::Unsure));
}

#[tokio::test]
async fn a_process_knows_that_it_is_alive_without_its_sign() {
    let Some(database) = Fresh::new().await else { return };
    let store = database.store().await;
    let ada = person(&store, "ada").await;
    let key = sent(&store, ada, 0).await;
    let mut unit = store.write().await.unwrap();
    assert!(unit.hand_over(&[key.into()], at(0)).await.unwrap()[0].goes);
    unit.commit().await.unwrap();
    store.worker.end().await;
    let mut unit = store.write().await.unwrap();
    assert_eq!(unit.recover(at(1_000)).await.unwrap(), 0, "it hands over and will say what became of it");
}

#[tokio::test]
async fn nobody_takes_back_what_another_hands_over() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let ada = person(&one, "ada").await;
    let key = sent(&one, ada, 0).await;
    let mut unit = one.write().await.unwrap();
    assert!(unit.hand_over(&[key.into()], at(1)).await.unwrap()[0].goes);
    unit.commit().await.unwrap();
    let settled = async |store: &PostgresStore, outcome: Outcome| {
        let mut unit = store.write().await.unwrap();
        let settlement = MessageSettlement { key, attempt: None, outcome, answer: String::new() };
        let settled = unit.settle_messages(vec![settlement], at(2)).await.unwrap();
        unit.commit().await.unwrap();
        settled
    };
    let mut unit = other.write().await.unwrap();
    unit.take_back(&[key], at(1)).await.unwrap();
    unit.commit().await.unwrap();
    for outcome in [Outcome::NotBegun(at(2)), Outcome::Again(at(2))] {
        assert_eq!(settled(&other, outcome).await, []);
    }
    assert_eq!(settled(&one, Outcome::NotBegun(at(2))).await, [key]);
}

#[tokio::test]
async fn versions_have_one_number_each() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    let add = async |store: &PostgresStore, minutes: u32| -> u32 {
        let mut unit = store.write().await.unwrap();
        let number = unit.add_version(&plan("welcome", minutes), at(0)).await.unwrap();
        unit.commit().await.unwrap();
        number
    };
    let before = other.changes_elsewhere().await.unwrap();
    let (same, too) = tokio::join!(add(&one, 1), add(&other, 1));
    assert_eq!((same, too), (1, 1));
    let (second, third) = tokio::join!(add(&one, 2), add(&other, 3));
    assert_eq!(BTreeSet::from([second, third]), BTreeSet::from([2, 3]));
    assert_ne!(other.changes_elsewhere().await.unwrap(), before);
}
