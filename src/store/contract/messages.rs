//! The life of a message.

use super::fixture::{at, attributes, broken, decision, entering, person, record, sending, sent, state_of};
use crate::domain::{ContactId, MessageState, SkipReason};
use crate::store::{
    AtGate, Carrier, ClaimedMessage, DeliveryKind, MessageKey, MessageSettlement, Outcome, Reaction, Store,
    StoredMessage,
};
use crate::time::TimeZone;
use crate::track::HitKind;

async fn claimed(store: &dyn Store, second: i64, limit: u32, under_way: &[MessageKey]) -> Vec<MessageKey> {
    let under_way: Vec<_> = under_way.iter().map(|key| key.id).collect();
    let claimed = store.claim_messages(Carrier::Mail, at(second), limit, &under_way, &[], &[]).await.unwrap();
    claimed.iter().map(|claimed| claimed.at_gate().key).collect()
}

async fn goes(store: &dyn Store, key: MessageKey, second: i64) -> bool {
    change!(store, unit => unit.hand_over(&[key.into()], at(second)))[0].goes
}

async fn settle(store: &dyn Store, key: MessageKey, outcome: Outcome, second: i64) -> bool {
    let settled = vec![MessageSettlement { key, attempt: None, outcome, answer: format!("{outcome:?}") }];
    change!(store, unit => unit.settle_messages(settled, at(second))) == [key]
}

async fn state(store: &dyn Store, key: MessageKey) -> MessageState {
    look!(store, unit => unit.message(key)).unwrap().message.state
}

pub(super) async fn messages_are_claimed_when_they_are_due(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let (late, early, middle) =
        (sent(store, ada, 30).await, sent(store, ben, 10).await, sent(store, ada, 20).await);
    assert_eq!(claimed(store, 9, 9, &[]).await, []);
    assert_eq!(claimed(store, 20, 9, &[]).await, [early, middle]);
    assert_eq!(claimed(store, 99, 2, &[]).await, [early, middle]);
    assert_eq!(claimed(store, 99, 2, &[early]).await, [middle, late]);
    assert!(settle(store, early, Outcome::Again(at(50)), 40).await);
    assert_eq!(claimed(store, 49, 9, &[]).await, [middle, late]);
    assert_eq!(claimed(store, 50, 9, &[]).await, [middle, late, early]);
}

pub(super) async fn messages_of_versions_that_cannot_be_read_are_left(store: &dyn Store) {
    let mut keys = Vec::new();
    for (name, channel, version) in
        [("ada", "email", 1), ("ben", "email", 2), ("eve", "sms", 1), ("ida", "sms", 2)]
    {
        let contact = person(store, name).await;
        let (mut run, mut effects) = entering(contact, "welcome", 0);
        let key = sending(&mut run, &mut effects, "somebody", 0);
        effects.messages[0].channel = channel.to_owned();
        (run.version, effects.messages[0].version) = (version, version);
        record(store, &run, effects, 0).await;
        keys.push(key.id);
    }
    let left = async |carrier: Carrier, unreadable: &[u32]| {
        let claimed = store.claim_messages(carrier, at(9), 1, &[], &[], unreadable).await.unwrap();
        claimed.iter().map(|claimed| claimed.message.id).collect::<Vec<_>>()
    };
    for (carrier, of) in [(Carrier::Mail, &keys[..2]), (Carrier::Http, &keys[2..])] {
        assert_eq!(left(carrier, &[2, 7]).await, [of[0]]);
        assert_eq!(left(carrier, &[1]).await, [of[1]], "they take nobody's place");
        assert_eq!(left(carrier, &[1, 2]).await, []);
    }
}

pub(super) async fn a_message_comes_with_what_it_is_made_from(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (mut run, mut effects) = entering(ada, "welcome", 0);
    run.state.entry = attributes(serde_json::json!({"source": "ad"}));
    let key = sending(&mut run, &mut effects, "ada@example.org", 0);
    effects.messages[0].with = attributes(serde_json::json!({"code": "X1"}));
    record(store, &run, effects.clone(), 0).await;
    let claimed = store.claim_messages(Carrier::Mail, at(0), 9, &[], &[], &[]).await.unwrap().remove(0);
    assert_eq!(claimed.message, effects.messages[0]);
    assert_eq!((claimed.attempt, &claimed.entry), (1, &run.state.entry));
    assert_eq!(claimed.contact, state_of(store, ada).await.contact);
    assert!(goes(store, key, 1).await);
    assert!(settle(store, key, Outcome::Again(at(2)), 2).await);
    assert_eq!(store.claim_messages(Carrier::Mail, at(2), 9, &[], &[], &[]).await.unwrap()[0].attempt, 2);
}

pub(super) async fn the_gate_lets_go_what_is_allowed(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let key = sent(store, ada, 0).await;
    assert!(goes(store, key, 5).await);
    let stored = look!(store, unit => unit.message(key)).unwrap();
    assert_eq!((stored.message.state, stored.attempts), (MessageState::HandedOver, 1));
    assert_eq!((stored.due_at, stored.handed_over_at, stored.settled_at), (None, Some(at(5)), None));
    assert_eq!(claimed(store, 99, 9, &[]).await, [], "what is handed over is not due");
}

pub(super) async fn the_gate_stops_what_was_refused_meanwhile(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let mut keys = Vec::new();
    for (second, topic, essential) in
        [(0, "news", false), (1, "news", true), (2, "offers", false), (3, "bill", true)]
    {
        let (mut run, mut effects) = entering(ada, &format!("j{second}"), second);
        keys.push(sending(&mut run, &mut effects, "ada@example.org", second));
        let message = effects.messages.last_mut().unwrap();
        (message.topic, message.essential) = (topic.to_owned(), essential);
        record(store, &run, effects, second).await;
    }
    change!(store, unit => unit.decide(vec![decision(ada, "news", false, 10)]));
    let answers = change!(store, unit => unit.hand_over(&keys.iter().map(|key| (*key).into()).collect::<Vec<_>>(), at(11)));
    assert_eq!(answers.iter().map(|answer| answer.key).collect::<Vec<_>>(), keys);
    // Refused, essential, never decided on, essential.
    assert_eq!(answers.iter().map(|answer| answer.goes).collect::<Vec<_>>(), [false, true, false, true]);
    for key in [keys[0], keys[2]] {
        let stored = look!(store, unit => unit.message(key)).unwrap();
        assert_eq!(stored.message.state, MessageState::Skipped);
        assert_eq!(stored.message.reason, Some(SkipReason::NoPermission));
        assert_eq!((stored.due_at, stored.settled_at, stored.attempts), (None, Some(at(11)), 0));
    }
    change!(store, unit => unit.decide(vec![decision(ada, "news", true, 20)]));
    assert!(!goes(store, keys[0], 21).await, "what was skipped stays so");
}

pub(super) async fn the_gate_stops_suppressed_addresses_whosoever_they_are(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (mut run, mut effects) = entering(ada, "welcome", 0);
    let own = sending(&mut run, &mut effects, "ada@example.org", 0);
    let essential = sending(&mut run, &mut effects, "Ada@Example.org", 0);
    effects.messages[1].essential = true;
    let other = sending(&mut run, &mut effects, "boss@example.org", 0);
    let fine = sending(&mut run, &mut effects, "fine@example.org", 0);
    record(store, &run, effects, 0).await;
    let bounced =
        ["ada@example.org", "boss@example.org"].map(|to| (ada, to.to_owned(), "bounced".to_owned()));
    change!(store, unit => unit.suppress(bounced.to_vec(), at(1)));
    let answers = change!(store, unit => unit.hand_over(&[own.into(), essential.into(), other.into(), fine.into()], at(2)));
    assert_eq!(answers.iter().map(|answer| answer.goes).collect::<Vec<_>>(), [false, false, false, true]);
    for key in [own, essential, other] {
        let stored = look!(store, unit => unit.message(key)).unwrap();
        assert_eq!(stored.message.reason, Some(SkipReason::Suppressed));
    }
}

pub(super) async fn what_is_not_sent_after_all_counts_as_skipped(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (fine, late, refused) =
        (sent(store, ada, 0).await, sent(store, ada, 1).await, sent(store, ada, 2).await);
    assert!(goes(store, fine, 5).await);
    assert!(settle(store, late, Outcome::Skipped(SkipReason::Late), 6).await);
    assert!(!settle(store, late, Outcome::Skipped(SkipReason::Late), 7).await);
    change!(store, unit => unit.decide(vec![decision(ada, "news", false, 10)]));
    let gate =
        async |second| change!(store, unit => unit.hand_over(&[refused.into(), refused.into()], at(second)));
    let skipped = async |second| gate(second).await.iter().map(|answer| answer.skipped).collect::<Vec<_>>();
    assert_eq!(skipped(11).await, [Some(SkipReason::NoPermission), None]);
    assert_eq!(skipped(12).await, [None, None]);
    let mut counts: std::collections::BTreeMap<String, i64> = std::collections::BTreeMap::new();
    for row in look!(store, unit => unit.tallies(None)) {
        let detail = row.detail.split(' ').nth(1).unwrap_or_default();
        *counts.entry(format!("{} {detail}", row.what)).or_default() += row.count;
    }
    let of = |what: &str| counts.get(what).copied().unwrap_or_default();
    assert_eq!((of("sent "), of("skipped late"), of("skipped no_permission")), (1, 1, 1));
}

pub(super) async fn a_message_goes_once(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let key = sent(store, ada, 0).await;
    let answers = change!(store, unit => unit.hand_over(&[key.into(), key.into()], at(1)));
    assert_eq!(answers.iter().map(|answer| answer.goes).collect::<Vec<_>>(), [true, false]);
    assert!(!goes(store, key, 2).await);
    let stranger = MessageKey { contact: ContactId::default(), ..key };
    assert!(!goes(store, stranger, 3).await);
    assert_eq!(look!(store, unit => unit.message(key)).unwrap().attempts, 1);
}

/// Who took it, was taken for dead and lives, asks for an attempt that others have begun and ended meanwhile.
pub(super) async fn an_attempt_that_is_over_does_not_begin(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let key = sent(store, ada, 0).await;
    let taken = store.claim_messages(Carrier::Mail, at(1), 10, &[], &[], &[]).await.unwrap();
    let asked: Vec<_> = taken.iter().map(ClaimedMessage::at_gate).collect();
    assert!(goes(store, key, 2).await);
    assert!(settle(store, key, Outcome::Again(at(3)), 2).await);
    let answers = change!(store, unit => unit.hand_over(&asked, at(4)));
    assert_eq!(answers.iter().map(|answer| answer.goes).collect::<Vec<_>>(), [false]);
    let stored = look!(store, unit => unit.message(key)).unwrap();
    assert_eq!((stored.message.state, stored.attempts), (MessageState::Decided, 1));
    let next = AtGate { attempt: Some(2), ..asked[0] };
    assert!(change!(store, unit => unit.hand_over(&[next], at(5)))[0].goes);
}

/// A message that came into a state on the way that leads there.
async fn in_state(store: &dyn Store, contact: ContactId, second: i64, state: MessageState) -> MessageKey {
    use MessageState::{
        Accepted, Bounced, Complained, Decided, Delivered, HandedOver, Refused, Skipped, Unsure,
    };
    let key = sent(store, contact, second).await;
    let way: &[MessageState] = match state {
        Decided => return key,
        Skipped => {
            let news = |allowed, second| vec![decision(contact, "news", allowed, second)];
            change!(store, unit => unit.decide(news(false, second)));
            assert!(!goes(store, key, second).await);
            change!(store, unit => unit.decide(news(true, second + 1)));
            return key;
        }
        HandedOver => &[],
        Accepted | Refused | Unsure => &[state],
        Delivered | Bounced | Complained => &[Accepted, state],
    };
    assert!(goes(store, key, second).await);
    for next in way {
        assert!(settle(store, key, Outcome::State(*next), second).await);
    }
    key
}

pub(super) async fn every_step_of_a_message_is_legal_or_does_nothing(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let legal = [
        ("decided", "refused again retry"),
        ("handed_over", "accepted refused unsure again not_begun"),
        ("accepted", "delivered bounced complained"),
        ("refused", "retry"),
        ("unsure", "accepted delivered bounced complained retry"),
        ("delivered", "bounced complained"),
        ("bounced", ""),
        ("complained", ""),
        ("skipped", ""),
    ];
    let mut second = 0;
    for (from, legal) in legal {
        let from = MessageState::from_text(from).unwrap();
        let mut outcomes: Vec<(&str, Option<Outcome>)> =
            MessageState::ALL.iter().map(|to| (to.as_str(), Some(Outcome::State(*to)))).collect();
        outcomes.extend([
            ("again", Some(Outcome::Again(at(9_000)))),
            ("not_begun", Some(Outcome::NotBegun(at(9_000)))),
            ("retry", None),
        ]);
        for (word, outcome) in outcomes {
            second += 10;
            let key = in_state(store, ada, second, from).await;
            let before = look!(store, unit => unit.message(key)).unwrap();
            assert_eq!(before.message.state, from);
            let done = match outcome {
                Some(outcome) => settle(store, key, outcome, second + 5).await,
                // One second before it is due: a retry of what waits goes at once.
                None => {
                    change!(store, unit => unit.retry(DeliveryKind::Message, ada, key.id.0, at(second - 1)))
                }
            };
            assert_eq!(done, legal.split(' ').any(|legal| legal == word), "{from:?} {word}");
            let after = look!(store, unit => unit.message(key)).unwrap();
            if done {
                let to = outcome.map_or(MessageState::Decided, |outcome| match outcome {
                    Outcome::State(state) => state,
                    Outcome::Again(_) | Outcome::NotBefore(_) | Outcome::NotBegun(_) => MessageState::Decided,
                    Outcome::Skipped(_) => MessageState::Skipped,
                });
                assert_eq!(after.message.state, to, "{from:?} {word}");
            } else {
                assert_eq!(after, before, "{from:?} {word}");
            }
        }
    }
    assert_eq!(broken(store).await, [""; 0]);
}

pub(super) async fn what_is_settled_is_kept(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let key = sent(store, ada, 0).await;
    assert!(settle(store, key, Outcome::Again(at(20)), 10).await);
    let stored = look!(store, unit => unit.message(key)).unwrap();
    assert_eq!(
        (stored.attempts, stored.due_at),
        (1, Some(at(20))),
        "an attempt that came to no hand-over counts"
    );
    assert!(goes(store, key, 20).await);
    assert!(settle(store, key, Outcome::State(MessageState::Accepted), 21).await);
    let stored = look!(store, unit => unit.message(key)).unwrap();
    assert_eq!((stored.attempts, stored.due_at, stored.settled_at), (2, None, Some(at(21))));
    assert_eq!(stored.answer.as_deref(), Some("State(Accepted)"));
    let unknown = MessageKey { contact: ada, ..MessageKey { contact: ada, id: Default::default() } };
    assert!(!settle(store, unknown, Outcome::State(MessageState::Accepted), 22).await);
}

pub(super) async fn an_attempt_counts_once(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let key = sent(store, ada, 0).await;
    let settle = async |attempt: u32, outcome: Outcome, second: i64| {
        let settlement = MessageSettlement { key, attempt: Some(attempt), outcome, answer: String::new() };
        change!(store, unit => unit.settle_messages(vec![settlement], at(second))) == [key]
    };
    let attempts = async || {
        let stored = look!(store, unit => unit.message(key)).unwrap();
        (stored.attempts, stored.due_at)
    };
    // Before the gate and behind it: whoever does not hear that it was recorded says it again.
    assert!(settle(1, Outcome::Again(at(20)), 10).await);
    assert!(!settle(1, Outcome::Again(at(21)), 11).await);
    assert_eq!(attempts().await, (1, Some(at(20))));
    assert!(goes(store, key, 20).await);
    assert!(!settle(1, Outcome::Again(at(30)), 21).await, "it is another one that goes");
    assert!(settle(2, Outcome::Again(at(40)), 22).await);
    assert!(!settle(2, Outcome::Again(at(41)), 23).await);
    assert_eq!(attempts().await, (2, Some(at(40))));
    assert!(goes(store, key, 40).await);
    assert!(settle(3, Outcome::State(MessageState::Accepted), 41).await);
    assert_eq!(attempts().await, (3, None));
}

pub(super) async fn what_never_began_stands_as_before_the_gate(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let key = sent(store, ada, 0).await;
    assert!(goes(store, key, 5).await);
    assert!(settle(store, key, Outcome::NotBegun(at(6)), 6).await);
    let stored = look!(store, unit => unit.message(key)).unwrap();
    assert_eq!((stored.attempts, stored.due_at), (0, Some(at(6))), "it was not tried");
    assert_eq!(claimed(store, 6, 9, &[]).await, [key]);
    change!(store, unit => unit.decide(vec![decision(ada, "news", false, 7)]));
    assert!(!goes(store, key, 8).await, "it goes through the gate once more");
}

pub(super) async fn hand_overs_without_an_outcome_are_told(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let (first, second) = (sent(store, ada, 0).await, sent(store, ada, 1).await);
    let open = async |contacts: &[ContactId]| look!(store, unit => unit.being_handed_over(contacts));
    assert!(!open(&[ada, ben]).await, "what waits is not handed over");
    assert!(goes(store, first, 2).await && goes(store, second, 2).await);
    assert!(open(&[ada]).await && open(&[ben, ada]).await);
    assert!(!open(&[ben]).await && !open(&[]).await);
    assert!(settle(store, first, Outcome::State(MessageState::Accepted), 3).await);
    assert!(open(&[ada]).await);
    assert!(settle(store, second, Outcome::NotBegun(at(4)), 4).await);
    assert!(!open(&[ada]).await);
}

pub(super) async fn settlements_of_one_message_go_in_order(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (first, other) = (sent(store, ada, 0).await, sent(store, ada, 1).await);
    assert!(goes(store, first, 2).await && goes(store, other, 2).await);
    let settled = [
        (first, MessageState::Accepted),
        (other, MessageState::Unsure),
        (first, MessageState::Delivered),
        (first, MessageState::Accepted),
    ];
    let settled = settled.map(|(key, state)| MessageSettlement {
        key,
        attempt: None,
        outcome: Outcome::State(state),
        answer: String::new(),
    });
    let mut answered = change!(store, unit => unit.settle_messages(settled.to_vec(), at(3)));
    answered.sort();
    let mut expected = [first, first, other];
    expected.sort();
    assert_eq!(answered, expected, "the last one leads nowhere");
    assert_eq!(state(store, first).await, MessageState::Delivered);
}

pub(super) async fn an_unproved_hand_over_is_unsure(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let open = in_state(store, ada, 0, MessageState::HandedOver).await;
    let others = [
        in_state(store, ada, 10, MessageState::Decided).await,
        in_state(store, ada, 20, MessageState::Accepted).await,
    ];
    assert_eq!(change!(store, unit => unit.recover(at(30))), 1);
    assert_eq!(change!(store, unit => unit.recover(at(31))), 0);
    let stored = look!(store, unit => unit.message(open)).unwrap();
    assert_eq!((stored.message.state, stored.settled_at), (MessageState::Unsure, Some(at(30))));
    assert!(stored.answer.is_some());
    assert_eq!(state(store, others[0]).await, MessageState::Decided);
    assert_eq!(state(store, others[1]).await, MessageState::Accepted);
}

pub(super) async fn a_retry_goes_at_once_and_through_the_gate(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let key = in_state(store, ada, 0, MessageState::Unsure).await;
    let retry = |second| (DeliveryKind::Message, ada, key.id.0, at(second));
    let (kind, contact, id, now) = retry(50);
    assert!(change!(store, unit => unit.retry(kind, contact, id, now)));
    let (kind, contact, id, now) = retry(51);
    assert!(!change!(store, unit => unit.retry(kind, contact, id, now)), "it is due already");
    let stored = look!(store, unit => unit.message(key)).unwrap();
    assert_eq!((stored.due_at, stored.settled_at), (Some(at(50)), None));
    assert_eq!(claimed(store, 50, 9, &[]).await, [key]);
    change!(store, unit => unit.decide(vec![decision(ada, "news", false, 52)]));
    assert!(!goes(store, key, 53).await);
    assert!(!change!(store, unit => unit.retry(DeliveryKind::Message, ada, Default::default(), at(54))));
    assert!(!state_of(store, ada).await.permissions["news"]);
}

pub(super) async fn the_first_reaction_of_a_kind_counts(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (first, other) = (sent(store, ada, 0).await, sent(store, ada, 1).await);
    let reaction = |key, kind, second| Reaction { key, kind, at: at(second) };
    let unknown = MessageKey { contact: ada, id: Default::default() };
    let reactions = vec![
        reaction(first, HitKind::Open, 10),
        reaction(other, HitKind::Open, 11),
        reaction(unknown, HitKind::Open, 12),
    ];
    change!(store, unit => unit.react(reactions, &TimeZone::UTC));
    let later = vec![reaction(first, HitKind::Open, 20), reaction(first, HitKind::Click, 20)];
    change!(store, unit => unit.react(later, &TimeZone::UTC));
    change!(store, unit => unit.react(vec![], &TimeZone::UTC));
    let of = |stored: StoredMessage| (stored.opened_at, stored.clicked_at);
    assert_eq!(of(look!(store, unit => unit.message(first)).unwrap()), (Some(at(10)), Some(at(20))));
    assert_eq!(of(look!(store, unit => unit.message(other)).unwrap()), (Some(at(11)), None));
    let tallies = look!(store, unit => unit.tallies(None));
    let count =
        |what: &str| -> i64 { tallies.iter().filter(|row| row.what == what).map(|row| row.count).sum() };
    assert_eq!((count("opened"), count("clicked")), (2, 1));
    assert!(tallies.iter().any(|row| row.what == "clicked" && row.detail == "hello" && row.arm == "treated"));
}

pub(super) async fn messages_of_other_channels_keep_their_order(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (mut run, mut effects) = entering(ada, "welcome", 0);
    let keys = [("email", 0), ("sms", 1), ("sms", 2), ("push", 3)].map(|(channel, second)| {
        let key = sending(&mut run, &mut effects, "+49 170 1234567", second);
        effects.messages.last_mut().unwrap().channel = channel.to_owned();
        key
    });
    let [mail, first, second, push] = keys;
    record(store, &run, effects, 3).await;
    let over_http = async |under_way: &[MessageKey]| -> Vec<MessageKey> {
        let under_way: Vec<_> = under_way.iter().map(|key| key.id).collect();
        let claimed = store.claim_messages(Carrier::Http, at(9), 9, &under_way, &[], &[]).await.unwrap();
        claimed.iter().map(|one| MessageKey { contact: ada, id: one.message.id }).collect()
    };
    assert_eq!(claimed(store, 9, 9, &[]).await, [mail]);
    assert_eq!(over_http(&[]).await, [first, push]);
    let beside = store.claim_messages(Carrier::Http, at(9), 9, &[], &["sms".to_owned()], &[]).await.unwrap();
    assert_eq!(beside.iter().map(|one| one.message.id).collect::<Vec<_>>(), [push.id], "one channel is full");
    assert_eq!(over_http(&[first]).await, [push], "the second waits for the first");
    assert!(goes(store, first, 9).await);
    assert_eq!(over_http(&[]).await, [push], "until it is known what became of it");
    assert!(settle(store, first, Outcome::Again(at(50)), 9).await);
    assert_eq!(over_http(&[]).await, [push]);
    let next = look!(store, unit => unit.next_due()).over_http;
    assert_eq!(next, Some(at(3)), "what waits behind another is not due");
    assert!(
        goes(store, first, 50).await && settle(store, first, Outcome::State(MessageState::Refused), 50).await
    );
    assert_eq!(over_http(&[]).await, [second, push]);
}

pub(super) async fn what_was_let_go_and_did_not_go_is_due_again(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (went, stayed) = (sent(store, ada, 0).await, sent(store, ada, 1).await);
    change!(store, unit => unit.hand_over(&[went.into()], at(10)));
    change!(store, unit => unit.hand_over(&[stayed.into()], at(11)));
    change!(store, unit => unit.take_back(&[went, stayed], at(11)));
    let state = |stored: StoredMessage| (stored.message.state, stored.due_at, stored.attempts);
    let mut unit = store.read().await.unwrap();
    assert_eq!(state(unit.message(went).await.unwrap().unwrap()), (MessageState::HandedOver, None, 1));
    let back = (MessageState::Decided, Some(at(11)), 0);
    assert_eq!(state(unit.message(stayed).await.unwrap().unwrap()), back, "nothing was tried");
    drop(unit);
    assert_eq!(broken(store).await, [""; 0]);
    assert!(change!(store, unit => unit.hand_over(&[stayed.into()], at(12)))[0].goes);
}
