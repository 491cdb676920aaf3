//! What whoever runs the program asks and does.

use super::fixture::{at, calling, entering, event, person, record, sending, sent};
use crate::domain::{CallKind, CallState, MessageState};
use crate::store::{Backlog, CallSettlement, Carrier, Hold, MessageKey, MessageSettlement, Outcome, Store};

pub(super) async fn what_is_held_keeps_its_state(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (mut run, mut effects) = entering(ada, "welcome", 0);
    let key = sending(&mut run, &mut effects, "ada@example.org", 1);
    sending(&mut run, &mut effects, "+49 170", 2);
    effects.messages[1].channel = "sms".to_owned();
    calling(&mut run, &mut effects, (CallKind::Call, "erp"), 3);
    record(store, &run, effects, 3).await;
    assert_eq!(look!(store, unit => unit.held()), None);
    assert_eq!(claimed(store).await, [1, 1, 1]);

    assert!(change!(store, unit => unit.hold("a backup was restored", at(10))));
    assert!(!change!(store, unit => unit.hold("once more", at(11))));
    let hold = Hold { since: at(10), why: "a backup was restored".to_owned() };
    assert_eq!(look!(store, unit => unit.held()), Some(hold));
    assert_eq!(claimed(store).await, [0, 0, 0]);
    // Also what was claimed just before does not go.
    assert!(!goes(store, key).await);
    let stored = look!(store, unit => unit.message(key)).unwrap();
    assert_eq!((stored.message.state, stored.due_at), (MessageState::Decided, Some(at(1))));

    assert!(change!(store, unit => unit.release()));
    assert!(!change!(store, unit => unit.release()));
    assert_eq!(claimed(store).await, [1, 1, 1]);
    assert!(goes(store, key).await);
}

pub(super) async fn it_is_known_whose_journeys_are_in_force(store: &dyn Store) {
    assert_eq!(look!(store, unit => unit.workspace()), None);
    for name in ["spring", "autumn"] {
        change!(store, unit => unit.belong_to(name));
        assert_eq!(look!(store, unit => unit.workspace()).as_deref(), Some(name));
    }
}

async fn goes(store: &dyn Store, key: MessageKey) -> bool {
    change!(store, unit => unit.hand_over(&[key.into()], at(20)))[0].goes
}

/// How many mails, other messages and calls are there to be handed over.
async fn claimed(store: &dyn Store) -> [usize; 3] {
    [
        store.claim_messages(Carrier::Mail, at(20), 10, &[], &[], &[]).await.unwrap().len(),
        store.claim_messages(Carrier::Http, at(20), 10, &[], &[], &[]).await.unwrap().len(),
        store.claim_calls(at(20), 10, &[], &[], &[]).await.unwrap().len(),
    ]
}

async fn backlog(store: &dyn Store) -> Backlog {
    look!(store, unit => unit.backlog(at(60)))
}

pub(super) async fn what_is_due_and_what_needs_somebody_is_counted(store: &dyn Store) {
    assert_eq!(backlog(store).await, Backlog::default());
    let ada = person(store, "ada").await;
    let (key, later) = (sent(store, ada, 0).await, sent(store, ada, 100).await);
    let (mut run, mut effects) = entering(ada, "offer", 200);
    let call = calling(&mut run, &mut effects, (CallKind::Call, "erp"), 5);
    record(store, &run, effects, 200).await;
    change!(store, unit => unit.add_events(vec![event(ada, "signup", 20)]));
    // The timers of the other runs and the other message come later.
    let due = Backlog { turns: 2, mails: 1, calls: 1, ..Backlog::default() };
    assert_eq!(backlog(store).await, due);

    assert!(goes(store, key).await);
    let settled = vec![
        MessageSettlement {
            key,
            attempt: None,
            outcome: Outcome::State(MessageState::Unsure),
            answer: String::new(),
        },
        MessageSettlement {
            key: later,
            attempt: None,
            outcome: Outcome::State(MessageState::Refused),
            answer: String::new(),
        },
    ];
    change!(store, unit => unit.settle_messages(settled, at(30)));
    let dead = CallSettlement {
        contact: ada,
        id: call,
        attempt: 1,
        state: CallState::Dead,
        due_at: None,
        status: Some(410),
        answer: String::new(),
    };
    change!(store, unit => unit.settle_calls(vec![dead], at(30)));
    let due = Backlog { turns: 2, unsure: 1, dead: 1, ..Backlog::default() };
    assert_eq!(backlog(store).await, due);
}
