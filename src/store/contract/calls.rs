//! Webhook calls and hand-offs.

use super::fixture::{at, calling, entering, person, record};
use crate::domain::{CallId, CallKind, CallState, ContactId};
use crate::store::{CallSettlement, DeliveryKind, Store};

/// Calls of one run, in order, each at its second.
async fn called(store: &dyn Store, contact: ContactId, calls: &[(CallKind, &str, i64)]) -> Vec<CallId> {
    let (mut run, mut effects) = entering(contact, "welcome", 0);
    let calls = calls.iter().map(|(kind, to, second)| calling(&mut run, &mut effects, (*kind, to), *second));
    let calls = calls.collect();
    record(store, &run, effects, 0).await;
    calls
}

async fn claimed(store: &dyn Store, second: i64, limit: u32, under_way: &[CallId]) -> Vec<CallId> {
    let claimed = store.claim_calls(at(second), limit, under_way, &[], &[]).await.unwrap();
    claimed.into_iter().map(|claimed| claimed.call.id).collect()
}

fn settled(
    (contact, id): (ContactId, CallId),
    attempt: u32,
    state: CallState,
    due: Option<i64>,
) -> Vec<CallSettlement> {
    let (status, answer) = (Some(503), "busy".to_owned());
    vec![CallSettlement { contact, id, attempt, state, due_at: due.map(at), status, answer }]
}

pub(super) async fn calls_of_one_receiver_go_in_order(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let calls = [(CallKind::Call, "erp", 0), (CallKind::Call, "erp", 0), (CallKind::HandOff, "sales", 1)];
    let ids = called(store, ada, &calls).await;
    let other = called(store, ben, &[(CallKind::Call, "erp", 2)]).await[0];
    assert_eq!(claimed(store, 0, 9, &[]).await, [ids[0]]);
    assert_eq!(claimed(store, 9, 9, &[]).await, [ids[0], ids[2], other]);
    assert_eq!(claimed(store, 9, 2, &[]).await, [ids[0], ids[2]]);
    // What waits for its next attempt holds up what comes behind it; what is dead does not.
    change!(store, unit => unit.settle_calls(settled((ada, ids[0]), 1, CallState::Pending, Some(60)), at(10)));
    assert_eq!(claimed(store, 59, 9, &[]).await, [ids[2], other]);
    assert_eq!(claimed(store, 60, 9, &[]).await, [ids[2], other, ids[0]]);
    change!(store, unit => unit.settle_calls(settled((ada, ids[0]), 2, CallState::Dead, None), at(61)));
    assert_eq!(claimed(store, 61, 9, &[]).await, [ids[1], ids[2], other]);
}

pub(super) async fn calls_of_versions_that_cannot_be_read_are_left(store: &dyn Store) {
    let mut keys = Vec::new();
    for (name, version) in [("ada", 1), ("ben", 2)] {
        let contact = person(store, name).await;
        let (mut run, mut effects) = entering(contact, "welcome", 0);
        let call = calling(&mut run, &mut effects, (CallKind::Call, "erp"), 0);
        (run.version, effects.calls[0].version) = (version, version);
        record(store, &run, effects, 0).await;
        keys.push((contact, call));
    }
    let left = async |unreadable: &[u32]| {
        let claimed = store.claim_calls(at(9), 1, &[], &[], unreadable).await.unwrap();
        claimed.iter().map(|claimed| (claimed.call.contact, claimed.call.id)).collect::<Vec<_>>()
    };
    assert_eq!(left(&[2, 7]).await, [keys[0]]);
    assert_eq!(left(&[1]).await, [keys[1]], "they take nobody's place");
    assert_eq!(left(&[1, 2]).await, []);
    let (contact, call) = keys[1];
    change!(store, unit => unit.set_bodies(vec![(contact, call, "{}".to_owned())]));
    assert_eq!(left(&[1, 2]).await, [keys[1]], "what it says is kept");
}

pub(super) async fn alerts_are_calls(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let calls = [(CallKind::HandOff, "sales", 0), (CallKind::Alert, "support", 1)];
    let ids = called(store, ada, &calls).await;
    assert_eq!(claimed(store, 1, 9, &[]).await, ids, "a lead of one team holds up no alert of another");
    let claims = store.claim_calls(at(1), 9, &[], &[], &[]).await.unwrap();
    assert_eq!(claims.last().map(|claimed| claimed.call.kind), Some(CallKind::Alert));
    let mut unit = store.write().await.unwrap();
    unit.settle_calls(settled((ada, ids[1]), 1, CallState::Dead, None), at(1)).await.unwrap();
    assert!(unit.retry(DeliveryKind::Alert, ada, ids[1].0, at(2)).await.unwrap());
    assert!(!unit.answer_lead(ada, ids[1], true, "anna", at(3)).await.unwrap(), "an alert is no lead");
}

pub(super) async fn calls_under_way_are_not_taken_again(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let calls = [(CallKind::Call, "erp", 0), (CallKind::Call, "erp", 1), (CallKind::Call, "crm", 2)];
    let ids = called(store, ada, &calls).await;
    assert_eq!(claimed(store, 9, 9, &[ids[0]]).await, [ids[2]], "nor what comes behind it");
    assert_eq!(claimed(store, 9, 9, &[ids[0], ids[2]]).await, []);
}

pub(super) async fn nothing_is_taken_for_a_receiver_that_is_full(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let mut ids = called(store, ada, &[(CallKind::Call, "erp", 0), (CallKind::Call, "crm", 1)]).await;
    ids.extend(called(store, ben, &[(CallKind::HandOff, "crm", 2)]).await);
    for (full, expected) in [
        (vec![(CallKind::Call, "erp")], vec![ids[1], ids[2]]),
        (vec![(CallKind::Call, "crm")], vec![ids[0], ids[2]]),
        (vec![(CallKind::HandOff, "crm")], vec![ids[0], ids[1]]),
        (vec![(CallKind::Call, "erp"), (CallKind::Call, "crm")], vec![ids[2]]),
        (vec![(CallKind::Call, "er"), (CallKind::Call, "rm")], ids.clone()),
    ] {
        let full: Vec<_> = full.into_iter().map(|(kind, name)| (kind, name.to_owned())).collect();
        let claimed = store.claim_calls(at(9), 9, &[], &full, &[]).await.unwrap();
        let claimed: Vec<_> = claimed.into_iter().map(|claimed| claimed.call.id).collect();
        assert_eq!(claimed, expected, "{full:?}");
    }
}

pub(super) async fn what_is_sent_is_kept_once(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let id = called(store, ada, &[(CallKind::Call, "erp", 0)]).await[0];
    let first = store.claim_calls(at(0), 9, &[], &[], &[]).await.unwrap().remove(0);
    assert_eq!((first.attempt, first.body), (1, None));
    let mut unit = store.write().await.unwrap();
    for body in ["first", "second"] {
        let kept = unit.set_bodies(vec![(ada, id, body.to_owned())]).await.unwrap();
        assert_eq!(kept, [(id, "first".to_owned())].into(), "that is what is sent");
    }
    unit.settle_calls(settled((ada, id), 1, CallState::Pending, Some(5)), at(1)).await.unwrap();
    unit.commit().await.unwrap();
    let second = store.claim_calls(at(5), 9, &[], &[], &[]).await.unwrap().remove(0);
    assert_eq!((second.attempt, second.body.as_deref()), (2, Some("first")));
    assert_eq!(second.call, first.call);
}

pub(super) async fn a_call_is_tried_until_it_is_dead(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let id = called(store, ada, &[(CallKind::Call, "erp", 0)]).await[0];
    change!(store, unit => unit.settle_calls(settled((ada, id), 1, CallState::Pending, Some(5)), at(1)));
    change!(store, unit => unit.settle_calls(settled((ada, id), 2, CallState::Dead, None), at(5)));
    let stored = look!(store, unit => unit.call_by_id(id)).unwrap();
    assert_eq!((stored.state, stored.attempts, stored.due_at), (CallState::Dead, 2, None));
    assert_eq!((stored.settled_at, stored.status), (Some(at(5)), Some(503)));
    assert_eq!(stored.answer.as_deref(), Some("busy"));
    change!(store, unit => unit.settle_calls(settled((ada, id), 3, CallState::Delivered, None), at(6)));
    assert_eq!(look!(store, unit => unit.call_by_id(id)).unwrap(), stored, "only what waits is settled");
    assert_eq!(look!(store, unit => unit.call_by_id(CallId::default())), None);
}

pub(super) async fn an_attempt_of_a_call_counts_once(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let id = called(store, ada, &[(CallKind::Call, "erp", 0)]).await[0];
    for second in [1, 2] {
        let later = settled((ada, id), 1, CallState::Pending, Some(5 + second));
        change!(store, unit => unit.settle_calls(later, at(second)));
    }
    let stored = look!(store, unit => unit.call_by_id(id)).unwrap();
    assert_eq!((stored.attempts, stored.due_at, stored.settled_at), (1, Some(at(6)), Some(at(1))));
}

pub(super) async fn a_dead_call_can_be_tried_again(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let id = called(store, ada, &[(CallKind::HandOff, "sales", 0)]).await[0];
    let retry = |second| (DeliveryKind::HandOff, ada, id.0, at(second));
    for (attempt, state, due, helps) in [
        (0, None, None, false),
        (1, Some(CallState::Pending), Some(100), true),
        (2, Some(CallState::Dead), None, true),
        (3, Some(CallState::Delivered), None, false),
    ] {
        if let Some(state) = state {
            change!(store, unit => unit.settle_calls(settled((ada, id), attempt, state, due), at(40)));
        }
        let (kind, contact, call, now) = retry(50);
        assert_eq!(change!(store, unit => unit.retry(kind, contact, call, now)), helps, "{state:?}");
        if helps {
            assert_eq!(claimed(store, 50, 9, &[]).await, [id]);
        }
    }
}

pub(super) async fn a_lead_is_answered_once(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let ids = called(store, ada, &[(CallKind::HandOff, "sales", 0), (CallKind::Call, "erp", 0)]).await;
    assert!(change!(store, unit => unit.answer_lead(ada, ids[0], true, "anna", at(1))));
    assert!(!change!(store, unit => unit.answer_lead(ada, ids[0], false, "ben", at(2))));
    assert!(!change!(store, unit => unit.answer_lead(ada, ids[1], true, "anna", at(3))), "a call is no lead");
    assert!(!change!(store, unit => unit.answer_lead(ada, CallId::default(), true, "anna", at(4))));
    let accepted: Vec<_> = look!(store, unit => unit.calls(ada)).iter().map(|call| call.accepted).collect();
    assert_eq!(accepted, [Some(true), None]);
}
