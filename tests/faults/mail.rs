//! A mail server that refuses, hangs, dribbles, leaves and talks nonsense at each place of a conversation: what the
//! ledger says afterwards is what can be known, and everybody else gets their mail.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lotse::channel::email::{MailRoute, RouteConfig, SmtpRoute, Timeouts};
use lotse::domain::{Attributes, MessageState};
use lotse::runtime::Outbound;
use lotse::store::postgres::{PostgresOptions, PostgresStore};
use lotse::store::{Store, StoredMessage, Who};
use lotse::time::{Clock, ManualClock};
use tokio::time::Instant;

use super::house::{House, PATIENCE, clock, eventually, outbound};
use super::post::{Act, At, Post};
use crate::program::postgres::server;

const JOURNEY: &str = r#"
event hit { }
event purchase { }
topic news "News"
email hello { topic news from shop subject "Hi" body "Hi {{ unsubscribe_url }}" }
journey greet {
  enter on hit
  permission news
  goal buy on purchase within 1 day
  stage first { send email hello  end }
}
"#;

/// How long each part of a conversation may take.
const LIMIT: Duration = Duration::from_millis(400);
/// Longer than any wait before a second attempt.
const LATER_SECONDS: i64 = 40 * 60;

/// What becomes of the message that the fault hits, while no time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The server has it all the same, perhaps over another connection.
    Taken,
    /// It waits for its second attempt.
    Waits,
    /// It waits for the route, and nothing is said about the message.
    Down,
    Refused,
    Unsure,
}
use Then::{Down, Refused, Taken, Unsure, Waits};

const PLACES: [At; 6] = [At::Greeting, At::Ehlo, At::Mail, At::Rcpt, At::Data, At::Accept];

/// Replies, and what each means at each of the places.
#[rustfmt::skip]
const REPLIES: [(&str, [Then; 6]); 13] = [
    // A server that leaves at MAIL has not heard of the message: another connection may take it.
    ("421 4.7.0 closing",        [Down, Down, Taken, Waits,   Waits,   Waits]),
    ("450 4.2.1 greylisted",     [Down, Down, Waits, Waits,   Waits,   Waits]),
    ("451 local error",          [Down, Down, Waits, Waits,   Waits,   Waits]),
    ("452 no room",              [Down, Down, Waits, Waits,   Waits,   Waits]),
    ("454 4.7.0 no TLS",         [Down, Down, Waits, Waits,   Waits,   Waits]),
    ("535 5.7.8 who are you",    [Down, Down, Down,  Waits,   Waits,   Waits]),
    ("550 5.1.1 no such user",   [Down, Down, Waits, Refused, Refused, Refused]),
    ("550 5.7.26 not signed",    [Down, Down, Waits, Waits,   Waits,   Waits]),
    ("552 too much",             [Down, Down, Waits, Waits,   Refused, Refused]),
    ("554 no",                   [Down, Down, Waits, Waits,   Waits,   Refused]),
    // What is no answer leaves open what the server thinks, and so ends the conversation.
    ("hello there",              [Down, Down, Taken, Waits,   Waits,   Unsure]),
    ("199 hm",                   [Down, Down, Taken, Waits,   Waits,   Unsure]),
    ("2",                        [Down, Down, Taken, Waits,   Waits,   Unsure]),
];
/// What becomes of it where the server hangs, dribbles, or leaves.
const SILENCE: [Then; 6] = [Down, Down, Taken, Waits, Waits, Unsure];

struct Case {
    at: At,
    act: Act,
    then: Then,
    /// Whether the address is dead by that.
    suppresses: bool,
    what: String,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |at, act, then, what: String| {
        let suppresses = then == Refused && what.contains("5.1.1");
        cases.push(Case { at, act, then, suppresses, what: format!("{at:?}: {what}") });
    };
    for (place, at) in PLACES.into_iter().enumerate() {
        for (reply, thens) in REPLIES {
            add(at, Act::Say(format!("{reply}\r\n").into_bytes()), thens[place], reply.to_owned());
        }
        let yes = match at {
            At::Greeting => 220,
            At::Data => 354,
            _ => 250,
        };
        for (said, what) in [
            (format!("{yes} {}\r\n", "x".repeat(1 << 20)).into_bytes(), "a line of a megabyte"),
            (
                [format!("{yes}-more\r\n").repeat(100_000), format!("{yes} end\r\n")].concat().into(),
                "a megabyte of lines",
            ),
            ([format!("{yes} gr").as_bytes(), b"\xfc\xdf\xff\0e\r\n"].concat(), "bytes beyond ASCII"),
            (format!("{yes} post\n").into(), "half an end of line"),
        ] {
            add(at, Act::Say(said), Taken, what.to_owned());
        }
        for (act, what) in [
            (Act::Hang, "hangs"),
            (Act::Dribble, "dribbles"),
            (Act::SayAndClose(Vec::new()), "leaves"),
            (Act::SayAndClose(b"25".to_vec()), "leaves while it speaks"),
        ] {
            add(at, act, SILENCE[place], what.to_owned());
        }
    }
    add(At::Accept, Act::SayAndClose(b"250 taken\r\n".to_vec()), Taken, "leaves behind its yes".to_owned());
    add(At::Body, Act::SayAndClose(Vec::new()), Unsure, "leaves in the content".to_owned());
    add(At::Body, Act::Hang, Unsure, "hangs in the content".to_owned());
    for act in [Act::Hang, Act::Dribble, Act::SayAndClose(Vec::new()), Act::Say(b"421 bye\r\n".to_vec())] {
        add(At::Noop, act, Taken, "a connection that rested".to_owned());
    }
    cases
}

/// The way to a server, on which no part of a conversation takes longer than `limit`.
pub(super) fn way(
    post: &Post,
    limit: Duration,
    connections: usize,
    clock: &Arc<ManualClock>,
) -> (SmtpRoute, Outbound) {
    let server = format!("smtp://{}?tls=none", post.address).parse().unwrap();
    let timeouts = Timeouts {
        connect: limit,
        greeting: limit,
        mail: limit,
        rcpt: limit,
        data: limit,
        content: limit / 2,
        accept: limit / 2,
        housekeeping: limit,
    };
    let connections = NonZeroUsize::new(connections).unwrap();
    let config = RouteConfig { connections, timeouts, ..RouteConfig::new(server) };
    let route = SmtpRoute::new(config, Arc::<ManualClock>::clone(clock) as Arc<dyn Clock>).unwrap();
    let carrier: Arc<dyn MailRoute> = Arc::new(route.clone());
    (route, Outbound { route: Some(carrier), connections: connections.get(), ..outbound() })
}

impl House {
    /// The one message of somebody, once it is as it should be.
    async fn message_is(&self, name: &str, what: &str, is: impl Fn(&StoredMessage) -> bool) -> StoredMessage {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.messages(name).await.into_iter().next();
            match found {
                Some(found) if is(&found) => return found,
                found => assert!(Instant::now() < end, "{what}: {found:#?}"),
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Then {
    fn fits(self, stored: &StoredMessage, house: &House) -> bool {
        let now = house.clock.now();
        match (self, stored.message.state) {
            (Taken, MessageState::Accepted)
            | (Refused, MessageState::Refused)
            | (Unsure, MessageState::Unsure) => true,
            (Waits, MessageState::Decided) => stored.due_at.is_some_and(|due| due > now),
            (Down, MessageState::Decided) => stored.due_at.is_some_and(|due| due <= now),
            _ => false,
        }
    }
}

async fn every_fault(pipelining: bool) {
    let (post, clock) = (Post::start(pipelining).await, clock());
    let (route, outbound) = way(&post, LIMIT, 2, &clock);
    let house = House::open(JOURNEY, outbound, clock).await;
    let cases = cases();
    let names: Vec<[String; 2]> =
        (0..cases.len()).map(|case| [format!("p{case}"), format!("q{case}")]).collect();
    house.people(names.as_flattened()).await;
    for (case, [victim, other]) in cases.iter().zip(&names) {
        let what = &case.what;
        if matches!(case.at, At::Greeting | At::Ehlo) {
            // So that it takes a new one.
            let closed = async || {
                route.close().await;
                (route.connections() == (0, 0)).then_some(())
            };
            eventually(what, closed).await;
        }
        if case.at == At::Noop {
            house.pass(60);
        }
        let hits = post.hits();
        post.arm(case.at, case.act.clone());
        house.happens("hit", std::slice::from_ref(victim), &Attributes::new()).await;
        eventually(what, async || (post.hits() > hits).then_some(())).await;
        house.happens("hit", std::slice::from_ref(other), &Attributes::new()).await;
        house.message_is(victim, what, |stored| case.then.fits(stored, &house)).await;
        if case.then != Down {
            house.message_is(other, what, |stored| Taken.fits(stored, &house)).await;
        }
        house.pass(LATER_SECONDS);
        let end = if matches!(case.then, Waits | Down) { Taken } else { case.then };
        let ends_as = |then: Then| {
            let house = &house;
            move |stored: &StoredMessage| {
                if case.then == Down {
                    // The route pauses, as long as it takes.
                    house.pass(1);
                }
                then.fits(stored, house)
            }
        };
        house.message_is(other, what, ends_as(Taken)).await;
        let stored = house.message_is(victim, what, ends_as(end)).await;
        assert_eq!(stored.attempts, if case.then == Waits { 2 } else { 1 }, "{what}");
        let id = stored.message.id.to_string();
        assert!(post.came().get(&id).is_none_or(|times| *times == 1), "{what}: it came twice");
        assert_eq!(post.accepted().contains_key(&id), end == Taken, "{what}");
        let mut unit = house.store().read().await.unwrap();
        let contact = unit.find(&Who::External(victim.clone())).await.unwrap().unwrap();
        assert_eq!(contact.suppressed.is_some(), case.suppresses, "{what}");
    }
    let found = house.audited().await;
    let injected = |then| cases.iter().filter(|case| case.then == then).count() as u64;
    let is = |state: &str| found.messages.get(state).copied().unwrap_or_default();
    assert_eq!((is("unsure"), is("refused")), (injected(Unsure), injected(Refused)));
    assert_eq!(is("accepted"), 2 * cases.len() as u64 - injected(Unsure) - injected(Refused));
    assert_eq!(is("accepted"), post.accepted().len() as u64);
    house.end().await;
    assert_eq!(route.connections().0, 0, "every connection is given back");
}

#[tokio::test]
async fn every_fault_at_every_place() {
    every_fault(false).await;
}

#[tokio::test]
async fn every_fault_at_every_place_of_a_pipeline() {
    every_fault(true).await;
}

#[tokio::test]
async fn nobody_waits_behind_a_mail_that_hangs() {
    const PEOPLE: usize = 60;
    let (post, clock) = (Post::start(true).await, clock());
    // Nobody gives up while this test runs.
    let (_route, outbound) = way(&post, Duration::from_secs(3_600), 2, &clock);
    let house = House::open(JOURNEY, outbound, clock).await;
    let names: Vec<String> = (0..2 * PEOPLE).map(|number| format!("p{number}")).collect();
    house.people(&names).await;
    let accepted = async |count: usize| (post.accepted().len() == count).then_some(());
    // Both connections learn how fast the server is, and let many through together from then on.
    house.happens("hit", &names[..PEOPLE], &Attributes::new()).await;
    eventually("the first mails", async || accepted(PEOPLE).await).await;
    post.arm(At::Accept, Act::Hang);
    house.happens("hit", &names[PEOPLE..], &Attributes::new()).await;
    eventually("the mails beside the one that hangs", async || accepted(2 * PEOPLE - 1).await).await;
    let under_way = async || {
        let found = house.audited().await;
        (found.messages.get("handed_over") == Some(&1)).then_some(())
    };
    eventually("the outcomes", under_way).await;
    drop(house);
}

#[tokio::test]
async fn a_worker_without_a_way_leaves_mail_to_others() {
    let Some(server) = server() else { return };
    let name = server.create(None);
    let url = server.url(&name).parse().unwrap();
    let post = Post::start(true).await;
    let open = async |out: Outbound, clock: &Arc<ManualClock>| {
        let store = PostgresStore::open(&url, &PostgresOptions::default()).await.unwrap();
        store.migrate().await.unwrap();
        House::over(Arc::new(store) as Arc<dyn Store>, JOURNEY, out, Arc::clone(clock)).await
    };
    let clock = clock();
    let (_, out) = way(&Post::nowhere().await, LIMIT, 2, &clock);
    let lost = open(out, &clock).await;
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    lost.people(&names).await;
    lost.happens("hit", &names, &Attributes::new()).await;
    let failed = async || {
        let not_begun = lost.works.runtime.metrics().messages.of(["email", "not_begun"]);
        (not_begun.get() > 0).then_some(())
    };
    eventually("the first that does not go", failed).await;
    // Time stands still, and so the pause lasts.
    let (_, out) = way(&post, LIMIT, 2, &clock);
    let other = open(out, &clock).await;
    eventually("all mails", async || (post.accepted().len() == names.len()).then_some(())).await;
    assert!(post.came().values().all(|times| *times == 1));
    eventually("the outcomes", async || {
        let found = other.audited().await;
        (found.messages.get("accepted") == Some(&40)).then_some(())
    })
    .await;
    for house in [lost, other] {
        house.end().await;
    }
    server.drop(&name);
}
