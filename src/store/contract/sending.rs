//! What a contact got before, and messages that wait, are late, or are sent once more.

use super::fixture::{at, broken, decision, entering, person, record, row, sending, sent};
use crate::domain::{ContactId, MessageState, PastMessage, SkipReason};
use crate::language::plan::{Needs, Reach};
use crate::store::{ImportRow, MessageKey, MessageSettlement, Outcome, Reaction, Store};
use crate::time::{Length, TimeZone, Unit};
use crate::track::HitKind;

async fn settle(store: &dyn Store, key: MessageKey, outcome: Outcome, second: i64) {
    let settled = vec![MessageSettlement { key, attempt: None, outcome, answer: String::new() }];
    let done = change!(store, unit => unit.settle_messages(settled, at(second)));
    assert_eq!(done, [key], "{outcome:?}");
}

async fn goes(store: &dyn Store, key: MessageKey, second: i64) {
    assert!(change!(store, unit => unit.hand_over(&[key.into()], at(second)))[0].goes);
}

async fn past(store: &dyn Store, contact: ContactId, second: i64) -> Vec<PastMessage> {
    let within = Reach::Within(Length::new(1, Unit::Day));
    let needs = Needs { messages: Some(within), ..Needs::default() };
    let mut unit = store.write().await.unwrap();
    unit.states(&[contact], &needs, at(second)).await.unwrap().remove(0).messages
}

pub(super) async fn a_state_has_the_messages_that_caps_count(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let old = sent(store, ada, -10 * 86_400).await;
    goes(store, old, -10 * 86_400).await;
    let (waits, went, refused, skipped) = (
        sent(store, ada, 0).await,
        sent(store, ada, 1).await,
        sent(store, ada, 2).await,
        sent(store, ada, 3).await,
    );
    sent(store, ben, 4).await;
    settle(store, waits, Outcome::Again(at(500)), 10).await;
    goes(store, went, 20).await;
    settle(store, refused, Outcome::State(MessageState::Refused), 30).await;
    settle(store, skipped, Outcome::Skipped(SkipReason::Late), 40).await;
    let click = Reaction { key: went, kind: HitKind::Click, at: at(50) };
    change!(store, unit => unit.react(vec![click], &TimeZone::UTC));
    let of = |past: &PastMessage| (past.at, past.waits, past.clicked_at);
    let found = past(store, ada, 60).await;
    let found: Vec<_> = found.iter().map(of).collect();
    assert_eq!(found, [(at(20), false, Some(at(50))), (at(500), true, None)]);
    let all = Needs { messages: Some(Reach::Forever), ..Needs::default() };
    let mut unit = store.write().await.unwrap();
    assert_eq!(unit.states(&[ada], &all, at(60)).await.unwrap()[0].messages.len(), 3);
    assert!(unit.states(&[ada], &Needs::PERMISSIONS, at(60)).await.unwrap()[0].messages.is_empty());
}

pub(super) async fn the_messages_of_a_state_say_what_they_are(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (mut run, mut effects) = entering(ada, "orders", 0);
    sending(&mut run, &mut effects, "ada@example.org", 0);
    let message = effects.messages.last_mut().unwrap();
    (message.channel, message.essential) = ("sms".to_owned(), true);
    record(store, &run, effects, 0).await;
    let found = past(store, ada, 1).await;
    assert_eq!((found[0].channel.as_str(), found[0].essential, found[0].waits), ("sms", true, true));
}

pub(super) async fn a_message_that_is_put_off_was_not_tried(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let key = sent(store, ada, 0).await;
    settle(store, key, Outcome::NotBefore(at(100)), 10).await;
    let stored = look!(store, unit => unit.message(key)).unwrap();
    assert_eq!((stored.attempts, stored.due_at), (0, Some(at(100))));
    assert_eq!((stored.message.state, stored.message.wanted_at), (MessageState::Decided, at(100)));
    // What is late is counted from when it was to go, whatever was tried since.
    settle(store, key, Outcome::Again(at(200)), 110).await;
    let stored = look!(store, unit => unit.message(key)).unwrap();
    assert_eq!((stored.attempts, stored.message.wanted_at), (1, at(100)));
    settle(store, key, Outcome::Skipped(SkipReason::Late), 300).await;
    let stored = look!(store, unit => unit.message(key)).unwrap();
    assert_eq!(
        (stored.message.state, stored.message.reason),
        (MessageState::Skipped, Some(SkipReason::Late))
    );
    assert_eq!((stored.due_at, stored.attempts), (None, 1));
    assert_eq!(broken(store).await, [""; 0]);
}

pub(super) async fn what_is_unsure_is_sent_once_more(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (old, new) = (sent(store, ada, 0).await, sent(store, ada, 1).await);
    for key in [old, new] {
        goes(store, key, 5).await;
    }
    settle(store, old, Outcome::State(MessageState::Unsure), 10).await;
    settle(store, new, Outcome::State(MessageState::Unsure), 20).await;
    assert_eq!(change!(store, unit => unit.resend(at(20))), 1, "what was listed before stays listed");
    let stored = look!(store, unit => unit.message(new)).unwrap();
    assert_eq!((stored.message.state, stored.due_at), (MessageState::Decided, Some(at(20))));
    assert_eq!((stored.resent_at, stored.settled_at), (Some(at(20)), None));
    goes(store, new, 25).await;
    settle(store, new, Outcome::State(MessageState::Unsure), 30).await;
    assert_eq!(change!(store, unit => unit.resend(at(30))), 0, "once in its life");
    // The gate is the same.
    let third = sent(store, ada, 40).await;
    goes(store, third, 41).await;
    settle(store, third, Outcome::State(MessageState::Unsure), 42).await;
    assert_eq!(change!(store, unit => unit.resend(at(42))), 1);
    change!(store, unit => unit.decide(vec![decision(ada, "news", false, 43)]));
    assert!(!change!(store, unit => unit.hand_over(&[third.into()], at(44)))[0].goes);
}

pub(super) async fn what_may_have_gone_is_never_skipped(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let keys = [sent(store, ada, 0).await, sent(store, ada, 1).await, sent(store, ada, 2).await];
    let [late, stopped, by_hand] = keys;
    for key in keys {
        goes(store, key, 5).await;
    }
    for key in [late, stopped] {
        settle(store, key, Outcome::State(MessageState::Unsure), 10).await;
    }
    assert_eq!(change!(store, unit => unit.resend(at(10))), 2);
    settle(store, by_hand, Outcome::State(MessageState::Unsure), 11).await;
    let retry = (crate::store::DeliveryKind::Message, ada, by_hand.id.0, at(12));
    let (kind, contact, id, now) = retry;
    assert!(change!(store, unit => unit.retry(kind, contact, id, now)));
    for key in [late, by_hand] {
        let outcome = Outcome::Skipped(SkipReason::Late);
        let settled = MessageSettlement { key, attempt: Some(2), outcome, answer: "late".to_owned() };
        let answered = change!(store, unit => unit.settle_messages(vec![settled], at(20)));
        assert_eq!(answered, [], "nobody is told that it was skipped");
    }
    change!(store, unit => unit.decide(vec![decision(ada, "news", false, 19)]));
    let answer = change!(store, unit => unit.hand_over(&[stopped.into()], at(20)))[0];
    assert_eq!((answer.goes, answer.skipped), (false, None));
    for key in keys {
        let stored = look!(store, unit => unit.message(key)).unwrap();
        let was = (stored.message.state, stored.message.reason, stored.due_at, stored.settled_at);
        assert_eq!(was, (MessageState::Unsure, None, None, Some(at(20))));
    }
    assert_eq!(past(store, ada, 1).await.len(), 3, "caps count them");
    assert_eq!(broken(store).await, [""; 0]);
}

pub(super) async fn hours_are_those_of_the_contact(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let row = ImportRow { timezone: Some("Asia/Tokyo".to_owned()), ..row("ben", "ben@example.org") };
    change!(store, unit => unit.import(vec![row], at(0)));
    let keys = [sent(store, ada, 0).await, sent(store, ben, 0).await];
    let reactions = keys.map(|key| Reaction { key, kind: HitKind::Open, at: at(0) });
    let berlin = crate::time::zone("Europe/Berlin").unwrap();
    change!(store, unit => unit.react(reactions.to_vec(), &berlin));
    let tallies = look!(store, unit => unit.tallies(None));
    let mut hours: Vec<&str> =
        tallies.iter().filter(|row| row.what == "hour").map(|row| row.detail.as_str()).collect();
    hours.sort_unstable();
    hours.dedup();
    // 2027-01-15 08:00 UTC.
    assert_eq!(hours, ["email 09", "email 17"]);
}

pub(super) async fn the_clock_that_a_message_went_by_is_kept(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let moves = |zone: &str| ImportRow { timezone: Some(zone.to_owned()), ..row("ada", "") };
    let (before, behind) = (sent(store, ada, 0).await, sent(store, ada, 1).await);
    goes(store, before, 5).await;
    change!(store, unit => unit.import(vec![moves("Asia/Tokyo")], at(6)));
    goes(store, behind, 7).await;
    change!(store, unit => unit.import(vec![moves("Europe/Berlin")], at(8)));
    for (key, zone) in [(before, None), (behind, Some("Asia/Tokyo"))] {
        let stored = look!(store, unit => unit.message(key)).unwrap();
        assert_eq!(stored.timezone.as_deref(), zone);
    }
}
