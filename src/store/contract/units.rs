//! Transactions.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::fixture::{at, decision, ending, entering, person, record};
use crate::domain::Arm;
use crate::store::{Store, Woken};

pub(super) async fn what_is_committed_is_there(store: &dyn Store) {
    let ada = person(store, "ada").await;
    change!(store, unit => unit.decide(vec![decision(ada, "offers", true, 0)]));
    assert_eq!(look!(store, unit => unit.permissions(ada)).len(), 2);
}

pub(super) async fn what_is_dropped_is_gone(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let mut unit = store.write().await.unwrap();
    unit.decide(vec![decision(ada, "offers", true, 0)]).await.unwrap();
    assert_eq!(unit.permissions(ada).await.unwrap().len(), 2, "a transaction sees what it did");
    drop(unit);
    assert_eq!(look!(store, unit => unit.permissions(ada)).len(), 1);
    change!(store, unit => unit.decide(vec![decision(ada, "offers", false, 1)]));
    assert_eq!(look!(store, unit => unit.permissions(ada)).len(), 2, "the next one is not disturbed");
}

pub(super) async fn a_reader_sees_one_state(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let mut before = store.read().await.unwrap();
    assert_eq!(before.permissions(ada).await.unwrap().len(), 1);
    let mut unit = store.write().await.unwrap();
    unit.decide(vec![decision(ada, "offers", true, 0)]).await.unwrap();
    assert_eq!(look!(store, unit => unit.permissions(ada)).len(), 1, "what is not committed is not there");
    unit.commit().await.unwrap();
    assert_eq!(before.permissions(ada).await.unwrap().len(), 1, "what comes later is not there");
    assert_eq!(look!(store, unit => unit.permissions(ada)).len(), 2);
}

pub(super) async fn one_writes_at_a_time(store: &dyn Store) {
    let first = store.write().await.unwrap();
    let mut second = pin!(store.write());
    let waits = poll_fn(|context| Poll::Ready(second.as_mut().poll(context).is_pending())).await;
    assert!(waits);
    first.commit().await.unwrap();
    assert!(second.await.is_ok());
}

/// A new version has those looked at who wait inside another; whoever ended, is held or is only measured is left alone.
pub(super) async fn a_new_version_wakes_those_inside_others(store: &dyn Store) {
    let mut people = Vec::new();
    for name in ["old", "new", "elsewhere", "measured", "held", "ended"] {
        let contact = person(store, name).await;
        let journey = if name == "elsewhere" { "offer" } else { "welcome" };
        let (mut run, effects) = entering(contact, journey, 0);
        match name {
            "new" => run.version = 2,
            "measured" => run.arm = Arm::Control,
            "held" => run.wake_at = None,
            _ => {}
        }
        record(store, &run, effects, 0).await;
        if name == "ended" {
            let effects = ending(&mut run, 1);
            record(store, &run, effects, 1).await;
        }
        people.push(contact);
    }
    change!(store, unit => unit.begin_move("welcome", 2, at(5)));
    assert_eq!(
        change!(store, unit => unit.wake_outdated(at(4), at(10), 2)),
        None,
        "it began later than is known"
    );
    let mut told = 0;
    while let Some(Woken { journey, woken, is_done }) =
        change!(store, unit => unit.wake_outdated(at(5), at(10), 2))
    {
        assert_eq!((journey.as_str(), woken >= told), ("welcome", true));
        told = woken;
        if is_done {
            break;
        }
    }
    assert_eq!(told, 1);
    assert_eq!(change!(store, unit => unit.wake_outdated(at(5), at(11), 2)), None, "all were told");
    let mut woken = Vec::new();
    for contact in people {
        woken.push(look!(store, unit => unit.runs(contact)).first().and_then(|run| run.wake_at));
    }
    let usual = Some(at(60));
    assert_eq!(woken, [Some(at(10)), usual, usual, usual, None, None]);
    // Another deployment ends what has begun.
    change!(store, unit => unit.begin_move("welcome", 2, at(20)));
    change!(store, unit => unit.deploy("welcome", None, at(21)));
    assert_eq!(change!(store, unit => unit.wake_outdated(at(21), at(22), 2)), None);
}
