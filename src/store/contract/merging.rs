//! Contacts that turn out to be one.

use super::fixture::{
    arrival, at, attributes, batch, broken, calling, decision, ending, entering, event_id, id_of, person,
    plan, record, row, sending, sent, state_of,
};
use crate::domain::{Arm, CallKind, ContactId, GoalReached, MessageState, StepKind};
use crate::store::{CallSettlement, ImportRow, Intake, MessageKey, MessageSettlement, Outcome, Store, Who};

/// Somebody who is known by a device alone.
async fn visitor(store: &dyn Store, device: &str, second: i64) -> ContactId {
    let who = format!("/{device}");
    match change!(store, unit => unit.take_in(vec![arrival(&format!("visit {device}"), &who, second)]))[0] {
        Intake::Stored(contact) | Intake::Repeated(contact) => contact,
    }
}

/// The device turns out to be somebody's.
async fn signs_in(store: &dyn Store, name: &str, device: &str, second: i64) {
    let who = format!("{name}/{device}");
    change!(store, unit => unit.take_in(vec![arrival(&format!("login {name} {second}"), &who, second)]));
}

pub(super) async fn a_device_becomes_its_owners_with_all_that_is_theirs(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let visitor = visitor(store, "phone", 0).await;
    change!(store, unit => unit.decide(vec![decision(visitor, "offers", true, 1)]));
    let mut state = state_of(store, visitor).await;
    state.contact.email = Some("visitor@example.org".to_owned());
    state.contact.language = Some("de".to_owned());
    state.contact.tags.insert("seen".to_owned());
    state.contact.attributes = attributes(serde_json::json!({"score": 1}));
    state.changed = true;
    let (mut run, mut effects) = entering(visitor, "welcome", 2);
    let message = sending(&mut run, &mut effects, "visitor@example.org", 2);
    let call = calling(&mut run, &mut effects, (CallKind::HandOff, "sales"), 2);
    effects.goals.push(GoalReached {
        run: run.id,
        contact: visitor,
        journey: run.journey.clone(),
        version: 1,
        arm: Arm::Treated,
        goal: "sale".to_owned(),
        at: at(2),
        worth: None,
        event: event_id("visit phone"),
    });
    change!(store, unit => unit.record(batch(state, &run, effects, 2)));
    assert!(change!(store, unit => unit.answer_lead(visitor, call, true, "anna", at(3))));
    signs_in(store, "ada", "phone", 4).await;

    assert_eq!(look!(store, unit => unit.contact_count()), 1);
    let mut unit = store.read().await.unwrap();
    let contact = unit.find(&Who::Id(ada)).await.unwrap().unwrap();
    assert_eq!(contact.email.as_deref(), Some("ada@example.org"), "she knows herself better");
    assert_eq!(contact.language.as_deref(), Some("de"));
    assert!(contact.tags.contains("seen") && contact.attributes.contains_key("score"));
    let decided: Vec<_> = unit.permissions(ada).await.unwrap();
    assert_eq!(
        decided.iter().map(|decision| decision.topic.as_str()).collect::<Vec<_>>(),
        ["news", "offers"]
    );
    assert!(decided.iter().all(|decision| decision.contact == ada));
    let events = unit.events(ada, 10).await.unwrap();
    let names: Vec<_> = events.iter().map(|event| event.event.name.as_str()).collect();
    assert_eq!(names, ["login ada 4", "subscribed", "visit phone"]);
    assert!(events.iter().all(|event| event.pending && event.event.contact == ada));
    assert_eq!(unit.runs(ada).await.unwrap()[0].contact, ada);
    assert_eq!(unit.history(ada, run.id).await.unwrap().len(), 4);
    assert_eq!(unit.messages(ada).await.unwrap()[0].key(), MessageKey { contact: ada, ..message });
    assert_eq!(unit.calls(ada).await.unwrap()[0].accepted, Some(true));
    assert_eq!(unit.goals(ada).await.unwrap()[0].contact, ada);
    for nothing in [unit.messages(visitor).await.unwrap().len(), unit.runs(visitor).await.unwrap().len()] {
        assert_eq!(nothing, 0);
    }
    assert_eq!(unit.merged().await.unwrap(), [ada].into());
    assert_eq!(broken(store).await, [""; 0]);
}

/// A merge sees the names of its batch alone; those it does not see must not mean a contact that is gone.
pub(super) async fn names_that_were_not_at_hand_follow(store: &dyn Store) {
    let ada = person(store, "ada").await;
    change!(store, unit => unit.take_in(vec![arrival("one", "/phone/visitor@example.org", 0)]));
    change!(store, unit => unit.take_in(vec![arrival("two", "/tablet/visitor@example.org", 1)]));
    signs_in(store, "ada", "phone", 2).await;
    assert_eq!(id_of(store, "visitor@example.org").await, ada);
    let answers = change!(store, unit => unit.take_in(vec![arrival("three", "/tablet", 3)]));
    assert_eq!(answers, [Intake::Stored(ada)]);
    assert_eq!(look!(store, unit => unit.contact_count()), 1);
}

/// Links in mails carry the contact of their time, and a provider may answer while two become one.
pub(super) async fn what_is_said_about_a_former_contact_is_said_about_the_present_one(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let visitor = visitor(store, "phone", 0).await;
    change!(store, unit => unit.decide(vec![decision(visitor, "news", true, 0)]));
    let key = sent(store, visitor, 1).await;
    let (mut run, mut effects) = entering(visitor, "leads", 1);
    let lead = calling(&mut run, &mut effects, (CallKind::HandOff, "sales"), 1);
    record(store, &run, effects, 1).await;
    assert!(change!(store, unit => unit.hand_over(&[key.into()], at(2)))[0].goes);
    signs_in(store, "ada", "phone", 3).await;

    assert_eq!(look!(store, unit => unit.find(&Who::Id(visitor))).unwrap().id, ada);
    assert_eq!(look!(store, unit => unit.message(key)).unwrap().message.contact, ada);
    let accepted = MessageSettlement {
        key,
        attempt: None,
        outcome: Outcome::State(MessageState::Accepted),
        answer: "250".to_owned(),
    };
    assert_eq!(change!(store, unit => unit.settle_messages(vec![accepted], at(4))), [key]);
    assert_eq!(look!(store, unit => unit.messages(ada))[0].message.state, MessageState::Accepted);
    change!(store, unit => unit.decide(vec![decision(visitor, "news", false, 5)]));
    assert!(!state_of(store, ada).await.permissions["news"]);
    let added = super::fixture::event(visitor, "message_clicked", 6);
    assert_eq!(change!(store, unit => unit.add_events(vec![added])), 1);
    assert_eq!(look!(store, unit => unit.events(ada, 1))[0].event.name, "message_clicked");
    change!(store, unit => unit.set_bodies(vec![(visitor, lead, "{}".to_owned())]));
    assert!(change!(store, unit => unit.answer_lead(visitor, lead, false, "anna", at(7))));
    assert_eq!(store.claim_calls(at(9), 9, &[], &[], &[]).await.unwrap()[0].body.as_deref(), Some("{}"));
    let mut unit = store.write().await.unwrap();
    let delivered = CallSettlement {
        contact: visitor,
        id: lead,
        attempt: 1,
        state: crate::domain::CallState::Delivered,
        due_at: None,
        status: Some(200),
        answer: String::new(),
    };
    unit.settle_calls(vec![delivered], at(8)).await.unwrap();
    assert_eq!(unit.calls(ada).await.unwrap()[0].status, Some(200));
    let bounced = vec![(visitor, "ada@example.org".to_owned(), "bounced".to_owned())];
    unit.suppress(bounced, at(9)).await.unwrap();
    assert!(unit.find(&Who::Id(ada)).await.unwrap().unwrap().suppressed.is_some());
}

/// Nobody is in one journey twice at a time: what the visitor began ends, in the books too.
pub(super) async fn a_double_run_ends(store: &dyn Store) {
    let number = change!(store, unit => unit.add_version(&plan("welcome", 5), at(-9)));
    assert_eq!(number, 1);
    let ada = person(store, "ada").await;
    let visitor = visitor(store, "phone", 0).await;
    for (contact, journey, second) in [(ada, "welcome", 1), (visitor, "welcome", 2), (visitor, "other", 3)] {
        let (run, effects) = entering(contact, journey, second);
        record(store, &run, effects, second).await;
    }
    let (mut left, effects) = entering(visitor, "left", 4);
    record(store, &left, effects, 4).await;
    let effects = ending(&mut left, 5);
    record(store, &left, effects, 5).await;
    signs_in(store, "ada", "phone", 100).await;

    let mut unit = store.read().await.unwrap();
    let runs = unit.runs(ada).await.unwrap();
    let seen: Vec<_> =
        runs.iter().map(|run| (run.entered_at, run.ended_at, run.outcome.as_deref())).collect();
    assert_eq!(
        seen,
        [
            (at(1), None, None),
            (at(2), Some(at(100)), Some("merged")),
            (at(3), None, None),
            (at(4), Some(at(5)), Some("done")),
        ]
    );
    let double = &runs[1];
    assert_eq!((double.wake_at, double.goal_until, double.turn), (None, None, 2));
    let last = unit.history(ada, double.id).await.unwrap().pop().unwrap();
    assert_eq!((last.kind, last.detail.as_str(), last.at), (StepKind::Ended, "merged", at(100)));
    let in_stage: i64 = unit
        .tallies(Some("welcome"))
        .await
        .unwrap()
        .iter()
        .filter(|row| row.what == "in_stage")
        .map(|row| row.count)
        .sum();
    assert_eq!(in_stage, 1);
    assert_eq!(broken(store).await, [""; 0]);
}

pub(super) async fn of_decisions_of_both_the_latest_holds(store: &dyn Store) {
    for (name, visitor_at, allowed) in [("ada", 10, true), ("ben", 30, false), ("eve", 20, false)] {
        let contact = person(store, name).await;
        let visitor = visitor(store, name, 0).await;
        change!(store, unit => unit.decide(vec![
            decision(contact, "offers", true, 20),
            decision(visitor, "offers", false, visitor_at),
        ]));
        signs_in(store, name, name, 40).await;
        assert_eq!(state_of(store, contact).await.permissions["offers"], allowed, "{name}");
    }
}

pub(super) async fn a_repeat_after_a_merge_is_a_repeat(store: &dyn Store) {
    let row = ImportRow { phone: Some("1".to_owned()), ..row("", "ada@example.org") };
    change!(store, unit => unit.import(vec![row], at(0)));
    let first = || vec![arrival("signup", "//ada@example.org", 1)];
    change!(store, unit => unit.take_in(first()));
    change!(store, unit => unit.take_in(vec![arrival("other", "ada", 2)]));
    let both = vec![arrival("signup", "//ada@example.org", 1), arrival("login", "ada//ada@example.org", 3)];
    let answers = change!(store, unit => unit.take_in(both));
    let ada = id_of(store, "ada").await;
    assert_eq!(answers, [Intake::Repeated(ada), Intake::Stored(ada)]);
    assert_eq!(change!(store, unit => unit.take_in(first())), [Intake::Repeated(ada)]);
    assert_eq!(look!(store, unit => unit.events(ada, 10)).len(), 3);
    assert_eq!(look!(store, unit => unit.contact_count()), 1);
}
