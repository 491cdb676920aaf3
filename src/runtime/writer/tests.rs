use super::*;
use crate::domain::{Attributes, CallState, ContactId, EventKind, MessageId, MessageState};
use crate::runtime::event_id;
use crate::runtime::testing::{Place, Shared, at};
use crate::store::{Arrival, ArrivalKind, CallSettlement, Identity, MessageKey, MessageSettlement, Outcome};
use crate::time::{ManualClock, TimeZone};
use crate::track::{Hit, HitKind};

fn opening(number: u128) -> Job {
    let at = Moment::from_seconds(1_800_000_000);
    let hit = Hit {
        kind: HitKind::Open,
        at,
        method: "GET".to_owned(),
        user_agent: None,
        purpose: None,
        link: None,
        hidden: false,
    };
    let key = MessageKey {
        contact: ContactId(uuid::Uuid::from_u128(1)),
        id: MessageId(uuid::Uuid::from_u128(number)),
    };
    Job::Hit { hit: MessageHit { key, hit, link: String::new() }, done: None }
}

fn taken_back() -> Job {
    Job::TakeBack { messages: Vec::new(), asked_at: Moment::from_seconds(0) }
}

#[test]
fn only_the_oldest_openings_are_forgotten() {
    let mut kept: VecDeque<Job> = (0..3).map(|_| taken_back()).collect();
    kept.extend((0..KEPT_MAX as u128).map(opening));
    forget(&mut kept);
    assert_eq!(kept.len(), KEPT_MAX);
    assert_eq!(kept.iter().filter(|job| matches!(job, Job::TakeBack { .. })).count(), 3);
    let first =
        kept.iter().find_map(|job| if let Job::Hit { hit, .. } = job { Some(hit.key.id.0) } else { None });
    assert_eq!(first, Some(uuid::Uuid::from_u128(3)));
    let before = kept.len();
    forget(&mut kept);
    assert_eq!(kept.len(), before, "there is room again");
}

/// Something that happens to whoever that is, on that device.
fn arrival((who, device): (&str, &str)) -> Arrival {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Arrival {
        id: event_id("shop", &format!("{who} {device}"), None),
        who: Identity { external_id: text(who), anonymous_id: text(device), email: None },
        kind: ArrivalKind::Event(EventKind::Track, "bought".to_owned()),
        at: at(1),
        received_at: at(1),
        properties: Attributes::new(),
    }
}

/// What two contacts become that are one needs both of them.
#[tokio::test]
async fn whoever_cannot_be_read_keeps_nobody_else_from_being_taken() {
    let place = Place::new("apart", "journey j { enter on signup stage s { end } }").await;
    let (flow, clock) = (Arc::new(Flow::default()), Arc::new(ManualClock::new(at(2))));
    let (writer, _) = Writer::start(Arc::clone(&place.runtime), clock, Arc::clone(&flow));
    let arrive = |people: &[(&str, &str)]| {
        let arrivals = people.iter().map(|who| arrival(*who)).collect();
        let (done, answer) = oneshot::channel();
        writer.offer(Job::Arrive { arrivals, quarantine: Vec::new(), at: at(2), done }).unwrap();
        answer
    };
    arrive(&[("ada", ""), ("", "phone")]).await.unwrap().unwrap();
    place.sqlite.say("UPDATE contact SET tags = '{' WHERE external_id IS NULL").await;
    let (first, second) =
        (arrive(&[("ben", ""), ("ada", "phone"), ("eve", "")]), arrive(&[("ada", "phone")]));
    let third = arrive(&[("kim", ""), ("", "phone")]);
    for (answer, expected) in
        [(first, vec![true, false, true]), (second, vec![false]), (third, vec![true, true])]
    {
        let taken: Vec<bool> = answer.await.unwrap().unwrap().iter().map(Option::is_some).collect();
        assert_eq!(taken, expected);
    }
    assert_eq!(flow.pulse.why_unwritten(at(2)), None, "nothing failed");
}

/// Whoever looks when something is due again is woken by the outcome, and must not go by what was found before it.
#[tokio::test]
async fn when_something_is_tried_again_is_known_as_soon_as_it_is_written() {
    let journey = "topic news \"News\" essential
        email hello { topic news from m subject \"Hi\" body \"Hi\" }
        journey j { enter on signup stage s { send email hello call erp with { } end } }";
    let place = Place::new("again", journey).await;
    place.has_address("ada", "ada@example.org").await;
    let contact = place.comes("ada", "signup", [0]).await;
    place.runtime.tick(at(1), 100).await.unwrap();
    let mut unit = place.runtime.store().read().await.unwrap();
    let message = unit.messages(contact).await.unwrap().remove(0).key();
    let call = unit.calls(contact).await.unwrap().remove(0).call.id;
    drop(unit);
    let store = Arc::new(Shared(Arc::clone(place.runtime.store())));
    let runtime = Arc::new(Runtime::new(store, place.runtime.plans(), TimeZone::UTC, [].into()));
    let (flow, clock) = (Arc::new(Flow::default()), Arc::new(ManualClock::new(at(0))));
    let (writer, _) = Writer::start(Arc::clone(&runtime), clock, Arc::clone(&flow));
    let due = async || {
        let next = runtime.next_due(at(0)).await.unwrap();
        (next.mails, next.calls)
    };
    assert_eq!(due().await, (Some(at(1)), Some(at(1))));
    let outcome = Outcome::NotBefore(at(70));
    let settlement = MessageSettlement { key: message, attempt: Some(1), outcome, answer: String::new() };
    writer.give(Job::Settle { settlement, events: Vec::new(), suppress: None }).await.unwrap();
    flow.mail.notified().await;
    assert_eq!(due().await, (Some(at(70)), Some(at(1))));
    let settlement = CallSettlement {
        contact,
        id: call,
        attempt: 1,
        state: CallState::Pending,
        due_at: Some(at(80)),
        status: None,
        answer: String::new(),
    };
    writer.give(Job::SettleCall { settlement, event: None }).await.unwrap();
    flow.calls.notified().await;
    assert_eq!(due().await, (Some(at(70)), Some(at(80))));
}

/// A place where a mail to each of two people was handed over, with the mails.
async fn two_under_way(name: &str) -> (Place, [MessageKey; 2]) {
    let journey = "topic news \"News\" essential
        email hello { topic news from m subject \"Hi\" body \"Hi\" }
        journey j { enter on signup stage s { send email hello end } }";
    let place = Place::new(name, journey).await;
    let mut keys = Vec::new();
    for who in ["ada", "ben"] {
        place.has_address(who, &format!("{who}@example.org")).await;
        let contact = place.comes(who, "signup", [0]).await;
        place.runtime.tick(at(1), 100).await.unwrap();
        let mut unit = place.runtime.store().write().await.unwrap();
        keys.push(unit.messages(contact).await.unwrap().remove(0).key());
        let asked: Vec<_> = keys.iter().map(|key| (*key).into()).collect();
        assert!(unit.hand_over(&asked, at(1)).await.unwrap().iter().any(|answer| answer.goes));
        unit.commit().await.unwrap();
    }
    (place, keys.try_into().unwrap())
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_holds_nothing_else_up_and_is_not_lost() {
    let (place, [ada, ben]) = two_under_way("alone").await;
    let id = ada.id.0.simple().to_string().to_uppercase();
    let refuse = format!(
        "CREATE TRIGGER no BEFORE UPDATE ON message WHEN hex(new.id) = '{id}'
        BEGIN SELECT RAISE(ABORT, 'no'); END"
    );
    place.sqlite.say(&refuse).await;
    let (flow, clock) = (Arc::new(Flow::default()), Arc::new(ManualClock::new(at(2))));
    flow.messages().extend([ada.id, ben.id]);
    let (writer, writing) = Writer::start(Arc::clone(&place.runtime), clock, Arc::clone(&flow));
    for key in [ada, ben] {
        let outcome = Outcome::State(MessageState::Accepted);
        let settlement = MessageSettlement { key, attempt: Some(1), outcome, answer: "250".to_owned() };
        writer.offer(Job::Settle { settlement, events: Vec::new(), suppress: None }).unwrap();
    }
    let state = async |key| {
        let mut unit = place.runtime.store().read().await.unwrap();
        unit.message(key).await.unwrap().unwrap().message.state
    };
    while state(ben).await != MessageState::Accepted || flow.pulse.what_is_unwritten().is_none() {
        tokio::task::yield_now().await;
    }
    let failures = place.runtime.metrics().commit_failures.get();
    for number in 0..5 {
        let decide = |done| Job::Decide { permissions: Vec::new(), done };
        writer.write(decide).await.unwrap_or_else(|error| panic!("{number}: {error}"));
    }
    assert_eq!(place.runtime.metrics().commit_failures.get(), failures, "nothing else fails with it");
    assert_eq!(flow.pulse.why_unwritten(at(2)), None);
    let told = flow.pulse.what_is_unwritten().unwrap();
    assert!(told.starts_with(&format!("the outcome of message {} of contact {}: ", ada.id, ada.contact)));
    assert_eq!((state(ada).await, flow.messages().len()), (MessageState::HandedOver, 1), "nobody takes it");
    place.sqlite.say("DROP TRIGGER no").await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(10)).await;
    tokio::time::resume();
    while flow.pulse.what_is_unwritten().is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!((state(ada).await, flow.messages().len()), (MessageState::Accepted, 0));
    drop(writer);
    writing.await.unwrap();
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_is_tried_a_last_time_at_the_end() {
    let (place, [ada, _]) = two_under_way("last").await;
    place.sqlite.say("CREATE TRIGGER no BEFORE UPDATE ON message BEGIN SELECT RAISE(ABORT, 'no'); END").await;
    let (flow, clock) = (Arc::new(Flow::default()), Arc::new(ManualClock::new(at(2))));
    let (writer, writing) = Writer::start(Arc::clone(&place.runtime), clock, Arc::clone(&flow));
    let outcome = Outcome::State(MessageState::Accepted);
    let settlement = MessageSettlement { key: ada, attempt: Some(1), outcome, answer: "250".to_owned() };
    writer.give(Job::Settle { settlement, events: Vec::new(), suppress: None }).await.unwrap();
    while flow.pulse.what_is_unwritten().is_none() {
        tokio::task::yield_now().await;
    }
    place.sqlite.say("DROP TRIGGER no").await;
    drop(writer);
    writing.await.unwrap();
    let mut unit = place.runtime.store().read().await.unwrap();
    assert_eq!(unit.message(ada).await.unwrap().unwrap().message.state, MessageState::Accepted);
}
