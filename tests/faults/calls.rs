//! Systems that are called and refuse, hang, flood, lie and leave: each call is taken once in the end or given up, and
//! nobody else waits for it.

use std::time::Duration;

use lotse::domain::{Attributes, CallState};
use lotse::runtime::Outbound;
use lotse::store::{DeliveryKind, StoredCall};
use lotse::time::Clock;
use tokio::time::Instant;

use super::hook::{Act, Hook, reply};
use super::house::{House, PATIENCE, clock, eventually, outbound};

const JOURNEY: &str = r#"
event hit { }
event well { }
event lead { }
event told { }
event rang { }
event purchase { }
topic news "News"
sms ping { topic news text "Hi" }
push ring { topic news text "Hi" }
journey bad { enter on hit reenter always goal buy on purchase within 1 day stage s { call shaky with { what "hit" } end } }
journey good { enter on well reenter always goal buy on purchase within 1 day stage s { call sound with { what "well" } end } }
journey sales { enter on lead reenter always goal buy on purchase within 1 day stage s { hand off to sales end } }
journey pings { enter on told reenter always permission news goal buy on purchase within 1 day stage s { send sms ping end } }
journey rings { enter on rang reenter always permission news goal buy on purchase within 1 day stage s { send push ring end } }
"#;

/// How long a call may take.
const LIMIT: Duration = Duration::from_millis(400);
const DAY: i64 = 86_400;

/// What becomes of a call at its first attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Taken,
    /// It is tried again after that many seconds, or somewhat later.
    Again(i64),
    GivenUp,
}
use Then::{Again, GivenUp, Taken};

fn cases() -> Vec<(&'static str, Act, Then)> {
    let say = |status: &str, more: &str| Act::Say(reply(status, more, "what?"));
    let head = |head: &str| head.as_bytes().to_vec();
    let endless = || vec![b'x'; 64 * 1024];
    vec![
        ("500", say("500 Oh", ""), Again(5)),
        ("503, asking for two minutes", say("503 Busy", "retry-after: 120\r\n"), Again(120)),
        ("429, asking for three years", say("429 Slow", "retry-after: 99999999\r\n"), Again(DAY)),
        ("429, asking for less than nothing", say("429 Slow", "retry-after: -5\r\n"), Again(5)),
        (
            "503, until a date long past",
            say("503 Busy", "retry-after: Wed, 21 Oct 2015 07:28:00 GMT\r\n"),
            Again(5),
        ),
        ("301", say("301 There", "location: /stolen\r\n"), Again(5)),
        ("307", say("307 There", "location: /stolen\r\n"), Again(5)),
        ("404", say("404 What", ""), Again(5)),
        ("410", say("410 Gone", ""), GivenUp),
        ("204", Act::Say(head("HTTP/1.1 204 Fine\r\n\r\n")), Taken),
        ("no answer", Act::SayAndHang(Vec::new()), Again(5)),
        ("half an answer", Act::SayAndHang(head("HTTP/1.1 200 OK\r\ncontent-le")), Again(5)),
        ("no body", Act::SayAndHang(head("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{")), Taken),
        ("an endless yes", Act::Flood(head("HTTP/1.1 200 OK\r\n\r\n"), endless()), Taken),
        ("an endless no", Act::Flood(head("HTTP/1.1 500 Oh\r\n\r\n"), endless()), Again(5)),
        ("an endless head", Act::Flood(head("HTTP/1.1 200 OK\r\n"), head("x: y\r\n")), Again(5)),
        ("wait, wait, wait", Act::Flood(Vec::new(), head("HTTP/1.1 103 Hm\r\n\r\n")), Again(5)),
        ("a bomb", Act::Flood(head("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n"), bomb()), Taken),
        ("reset", Act::Reset, Again(5)),
        ("closed", Act::Say(Vec::new()), Again(5)),
        ("nonsense", Act::Say(head("hello there\r\n\r\n")), Again(5)),
    ]
}

/// A megabyte of zeros, packed, over and over: the head of gzip with a stored block in it.
fn bomb() -> Vec<u8> {
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0xff, 0xff, 0, 0];
    bomb.resize(64 * 1024, 0);
    bomb
}

/// A house whose receivers are these.
async fn house(shaky: &Hook, sound: &Hook, limit: Duration) -> House {
    let outbound = Outbound {
        webhooks: [("shaky".to_owned(), shaky.way(limit)), ("sound".to_owned(), sound.way(limit))].into(),
        teams: [("sales".to_owned(), shaky.way(limit))].into(),
        channels: [("sms".to_owned(), shaky.way(limit)), ("push".to_owned(), sound.way(limit))].into(),
        ..outbound()
    };
    House::open(JOURNEY, outbound, clock()).await
}

impl House {
    async fn call_is(&self, name: &str, what: &str, is: impl Fn(&StoredCall) -> bool) -> StoredCall {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.calls(name).await.into_iter().next() {
                Some(found) if is(&found) => return found,
                found => assert!(Instant::now() < end, "{what}: {found:#?}"),
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test]
async fn every_fault_of_a_receiver() {
    let (shaky, sound) = (Hook::start().await, Hook::start().await);
    let house = house(&shaky, &sound, LIMIT).await;
    let cases = cases();
    let events = ["hit", "lead"];
    let names: Vec<String> = (0..cases.len() * events.len()).map(|case| format!("p{case}")).collect();
    house.people(&names).await;
    for (number, name) in names.iter().enumerate() {
        let (what, act, then) = &cases[number / events.len()];
        let (before, flooded) = (shaky.attempts().len(), shaky.flooded());
        shaky.next(act.clone());
        house.happens(events[number % events.len()], std::slice::from_ref(name), &Attributes::new()).await;
        let first = house.call_is(name, what, |stored| stored.attempts == 1).await;
        let again = |wait: i64| {
            let due = first.due_at.unwrap().micros_since(house.clock.now()) / 1_000_000;
            assert!((wait..=wait + wait / 10).contains(&due), "{what}: {due} seconds");
        };
        match then {
            Taken => assert_eq!(first.state, CallState::Delivered, "{what}: {first:#?}"),
            GivenUp => assert_eq!(first.state, CallState::Dead, "{what}: {first:#?}"),
            Again(wait) => {
                assert_eq!(first.state, CallState::Pending, "{what}: {first:#?}");
                again(*wait);
            }
        }
        assert!(first.answer.is_none_or(|answer| answer.len() <= 4_096), "{what}: what is kept is bounded");
        // What is read, and what lies in sockets on the way.
        assert!(
            shaky.flooded() - flooded < 16 << 20,
            "{what}: {} bytes were taken",
            shaky.flooded() - flooded
        );
        if *then == GivenUp {
            let mut unit = house.store().write().await.unwrap();
            let kind = if number.is_multiple_of(2) { DeliveryKind::Call } else { DeliveryKind::HandOff };
            let (contact, id) = (first.call.contact, first.call.id.0);
            assert!(unit.retry(kind, contact, id, house.clock.now().plus_seconds(1)).await.unwrap());
            unit.commit().await.unwrap();
        }
        house.pass(DAY + DAY / 10);
        house.call_is(name, what, |stored| stored.state == CallState::Delivered).await;
        let attempts = shaky.attempts().split_off(before);
        assert_eq!(attempts.len(), if *then == Taken { 1 } else { 2 }, "{what}");
        for attempt in &attempts {
            assert!(attempt.is_signed() && attempt.line.starts_with("POST /hook "), "{what}: {attempt:?}");
            assert_eq!((&attempt.id, &attempt.body), (&attempts[0].id, &attempts[0].body), "{what}");
        }
        assert!(attempts.is_sorted_by(|one, next| one.timestamp < next.timestamp), "{what}: fresh each time");
    }
    let found = house.audited().await;
    assert_eq!(found.calls.get("delivered"), Some(&(names.len() as u64)));
    house.end().await;
}

#[tokio::test]
async fn whoever_never_takes_a_call_is_given_up_and_the_call_is_kept() {
    let (shaky, sound) = (Hook::start().await, Hook::start().await);
    let house = house(&shaky, &sound, LIMIT).await;
    let name = "p".to_owned();
    house.people(std::slice::from_ref(&name)).await;
    shaky.always(Some(Act::Say(reply("500 Oh", "", ""))));
    house.happens("hit", std::slice::from_ref(&name), &Attributes::new()).await;
    let mut attempts = 1;
    let dead = loop {
        let stored = house.call_is(&name, "an attempt", |stored| stored.attempts == attempts).await;
        if stored.state == CallState::Dead {
            break stored;
        }
        attempts += 1;
        house.pass(2 * DAY);
    };
    assert_eq!(attempts, 10);
    shaky.always(None);
    let mut unit = house.store().write().await.unwrap();
    let now = house.clock.now();
    assert!(unit.retry(DeliveryKind::Call, dead.call.contact, dead.call.id.0, now).await.unwrap());
    unit.commit().await.unwrap();
    house.pass(1);
    house.call_is(&name, "the last", |stored| stored.state == CallState::Delivered).await;
    let tried = shaky.attempts();
    assert!(
        tried.len() == 11 && tried.iter().all(|attempt| attempt.id == tried[0].id && attempt.is_signed())
    );
    house.audited().await;
    house.end().await;
}

#[tokio::test]
async fn nobody_waits_for_a_receiver_that_hangs() {
    // More than are ever under way at once.
    const STUCK: usize = 700;
    const OTHERS: usize = 20;
    let (shaky, sound) = (Hook::start().await, Hook::start().await);
    shaky.always(Some(Act::SayAndHang(Vec::new())));
    let house = house(&shaky, &sound, Duration::from_secs(3_600)).await;
    let names: Vec<String> = (0..STUCK).map(|number| format!("p{number}")).collect();
    house.people(&names).await;
    house.happens("hit", &names, &Attributes::new()).await;
    house.happens("told", &names, &Attributes::new()).await;
    eventually("the calls that hang", async || (shaky.attempts().len() >= 16).then_some(())).await;
    house.happens("well", &names[..OTHERS], &Attributes::new()).await;
    house.happens("rang", &names[..OTHERS], &Attributes::new()).await;
    let all = async || (sound.attempts().len() == 2 * OTHERS).then_some(());
    eventually("the calls and messages of others", all).await;
    house.audited().await;
    drop(house);
}
