use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::channel::email::outcome::Refusal;
use crate::channel::email::server::Security;
use crate::channel::email::testing::{
    Act, At, Manner, Step, TestGate, TestServer, certificate, envelope, letter, patient, raw_mail, route_to,
    server_at,
};
use crate::domain::MessageId;
use crate::time::ManualClock;

/// Longer than any test waits.
const PATIENT: Duration = Duration::from_secs(60);

fn manner() -> Manner {
    Manner { extensions: vec!["PIPELINING"], ..Manner::default() }
}

async fn send(lease: &mut Lease) -> Outcome {
    let gate = TestGate::new(true);
    lease.send(letter(&envelope(), &raw_mail("hello\r\n")), &gate, None).await
}

fn accepted() -> Outcome {
    Outcome::Accepted { answer: "250 2.0.0 queued".into() }
}

/// A route with a clock that the test moves.
fn route_with_clock(server: &TestServer, timeouts: Timeouts) -> (SmtpRoute, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Moment::from_seconds(1_800_000_000)));
    let mut config = RouteConfig::new(server_at(server.address, Security::None));
    config.timeouts = timeouts;
    config.tls = Some(certificate("nobody.example").1);
    let route = SmtpRoute::new(config, Arc::<ManualClock>::clone(&clock)).unwrap();
    (route, clock)
}

#[tokio::test]
async fn connections_are_used_again_and_bounded() {
    let server = TestServer::start(manner(), |_| Act::Usual).await;
    let route = route_to(server_at(server.address, Security::None), patient(), None);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let route = route.clone();
        tasks.spawn(async move { send(&mut route.checkout().await).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        assert_eq!(outcome.unwrap(), accepted());
    }
    let connections = server.seen().connections;
    assert!(connections <= 2, "{connections}");
    assert_eq!(server.seen().mails.len(), 20);
    route.close().await;
    server.ended(connections).await;
    let seen = server.seen();
    assert_eq!(seen.commands.iter().filter(|line| *line == "QUIT").count(), connections);
    assert!(!seen.commands.iter().any(|line| line == "NOOP" || line == "RSET"), "no needless round trips");
}

#[tokio::test]
async fn a_connection_that_died_at_rest_costs_no_mail() {
    for last_words in ["", "421 4.4.2 idle for too long\r\n"] {
        // The first conversation ends once its mail is accepted.
        let script = move |step: Step| match (step.connection, step.at) {
            (0, At::Content) => Act::SayAndClose(format!("250 2.0.0 queued\r\n{last_words}").into_bytes()),
            _ => Act::Usual,
        };
        let server = TestServer::start(manner(), script).await;
        let route = route_to(server_at(server.address, Security::None), patient(), None);
        let mut lease = route.checkout().await;
        assert_eq!(send(&mut lease).await, accepted());
        server.ended(1).await;
        assert_eq!(send(&mut lease).await, accepted());
        assert_eq!(server.seen().connections, 2);
    }
}

#[tokio::test]
async fn a_new_connection_that_dies_is_not_replaced_for_ever() {
    let script = |step: Step| match (step.connection, step.at, step.count) {
        (0, At::Mail, 1) | (1.., At::Mail, _) => Act::close(),
        _ => Act::Usual,
    };
    let server = TestServer::start(manner(), script).await;
    let route = route_to(server_at(server.address, Security::None), patient(), None);
    let mut lease = route.checkout().await;
    assert_eq!(send(&mut lease).await, accepted());
    let outcome = send(&mut lease).await;
    assert!(matches!(outcome, Outcome::NotHandedOver { .. }), "{outcome:?}");
    assert_eq!(server.seen().connections, 2);
}

#[tokio::test]
async fn after_a_rest_the_server_is_asked_whether_it_is_there() {
    for noop in [Act::Usual, Act::Hang, Act::say("421 bye"), Act::close()] {
        let alive = matches!(noop, Act::Usual);
        let script = move |step: Step| if step.at == At::Noop { noop.clone() } else { Act::Usual };
        let server = TestServer::start(manner(), script).await;
        let housekeeping = if alive { Duration::from_secs(60) } else { Duration::from_millis(20) };
        let (route, clock) = route_with_clock(&server, Timeouts { housekeeping, ..patient() });
        let mut lease = route.checkout().await;
        assert_eq!(send(&mut lease).await, accepted());
        clock.set(clock.now().plus_micros(REST_MICROS_MAX + 1));
        assert_eq!(send(&mut lease).await, accepted());
        let seen = server.seen();
        assert_eq!(seen.connections, if alive { 1 } else { 2 });
        assert_eq!(seen.commands.iter().filter(|line| *line == "NOOP").count(), 1);
    }
}

#[tokio::test]
async fn an_unfinished_mail_is_forgotten_before_the_next() {
    for extensions in [vec!["PIPELINING"], vec![]] {
        let script = |step: Step| match (step.at, step.count) {
            (At::Rcpt, 0) => Act::say("550 5.1.1 nobody"),
            (At::Data, 0) => Act::say("503 no recipient"),
            _ => Act::Usual,
        };
        let pipelined = !extensions.is_empty();
        let script = move |step: Step| match step.at {
            // Without pipelining the refused recipient ends it, and `DATA` is first said for the second mail.
            At::Data if !pipelined => Act::Usual,
            _ => script(step),
        };
        let server = TestServer::start(Manner { extensions, ..Manner::default() }, script).await;
        let route = route_to(server_at(server.address, Security::None), patient(), None);
        let mut lease = route.checkout().await;
        let answer = "550 5.1.1 nobody".to_owned();
        assert_eq!(send(&mut lease).await, Outcome::Refused { class: Refusal::Address, answer });
        assert_eq!(send(&mut lease).await, accepted());
        let seen = server.seen();
        assert_eq!((seen.connections, seen.mails.len()), (1, 1));
        assert_eq!(seen.commands.iter().filter(|line| *line == "RSET").count(), 1);
    }
}

#[tokio::test]
async fn a_server_that_wants_content_for_nobody_gets_none() {
    // RFC 2920 section 3.1 lets it answer 354 although the recipient was refused.
    let script = |step: Step| if step.at == At::Rcpt { Act::say("550 5.1.1 nobody") } else { Act::Usual };
    let server = TestServer::start(manner(), script).await;
    let route = route_to(server_at(server.address, Security::None), patient(), None);
    let gate = TestGate::new(true);
    let mut lease = route.checkout().await;
    let outcome = lease.send(letter(&envelope(), &raw_mail("hello\r\n")), &gate, None).await;
    assert!(matches!(outcome, Outcome::Refused { class: Refusal::Address, .. }), "{outcome:?}");
    server.ended(1).await;
    assert_eq!((gate.asked(), server.seen().mails.len()), (0, 0));
}

#[tokio::test]
async fn a_dropped_attempt_leaves_no_half_used_connection() {
    let script = |step: Step| match (step.connection, step.at, step.count) {
        (0, At::Mail, 1) => Act::Hang,
        _ => Act::Usual,
    };
    let server = TestServer::start(manner(), script).await;
    let route = route_to(server_at(server.address, Security::None), patient(), None);
    let mut lease = route.checkout().await;
    assert_eq!(send(&mut lease).await, accepted());
    let cancelled = tokio::time::timeout(Duration::from_millis(20), send(&mut lease)).await;
    assert!(cancelled.is_err());
    drop(lease);
    assert_eq!(send(&mut route.checkout().await).await, accepted());
    assert_eq!(server.seen().connections, 2);
}

/// Mails that go one behind the other, each announced with the content of the one before.
async fn send_all(lease: &mut Lease, gates: &[TestGate]) -> Vec<Outcome> {
    let (envelope, mail) = (envelope(), raw_mail("hello\r\n"));
    let letter = |index: usize| Letter {
        id: MessageId(uuid::Uuid::from_u128(index as u128)),
        envelope: &envelope,
        mail: &mail,
    };
    let mut outcomes = Vec::new();
    for (index, gate) in gates.iter().enumerate() {
        let next = (index + 1 < gates.len()).then(|| letter(index + 1));
        outcomes.push(lease.send(letter(index), gate, next).await);
    }
    outcomes
}

fn open_gates(count: usize) -> Vec<TestGate> {
    std::iter::repeat_with(|| TestGate::new(true)).take(count).collect()
}

#[tokio::test]
async fn the_next_mail_is_announced_behind_the_content() {
    for pipelining in [true, false] {
        let extensions = if pipelining { vec!["PIPELINING"] } else { vec![] };
        let server = TestServer::start(Manner { extensions, ..Manner::default() }, |_| Act::Usual).await;
        let route = route_to(server_at(server.address, Security::None), patient(), None);
        let mut lease = route.checkout().await;
        assert_eq!(send_all(&mut lease, &open_gates(3)).await, [accepted(), accepted(), accepted()]);
        drop(lease);
        route.close().await;
        server.ended(1).await;
        let seen = server.seen();
        assert_eq!((seen.connections, seen.mails.len()), (1, 3));
        let count = |word: &str| seen.commands.iter().filter(|line| line.starts_with(word)).count();
        assert_eq!((count("MAIL"), count("RCPT"), count("DATA")), (3, 3, 3), "{:?}", seen.commands);
    }
}

#[tokio::test]
async fn a_refused_content_leaves_the_next_mail_alone() {
    let script = |step: Step| match (step.at, step.count) {
        (At::Content, 0) => Act::say("550 5.7.1 spam"),
        (At::Rcpt, 2) => Act::say("550 5.1.1 nobody"),
        (At::Data, 2) => Act::say("503 5.5.1 no recipient"),
        _ => Act::Usual,
    };
    let server = TestServer::start(manner(), script).await;
    let route = route_to(server_at(server.address, Security::None), patient(), None);
    let gates = open_gates(4);
    let outcomes = send_all(&mut route.checkout().await, &gates).await;
    assert!(matches!(outcomes[0], Outcome::Refused { .. }), "{outcomes:?}");
    assert_eq!(outcomes[1], accepted());
    assert!(matches!(outcomes[2], Outcome::Refused { class: Refusal::Address, .. }), "{outcomes:?}");
    assert_eq!(outcomes[3], accepted());
    assert_eq!(gates.iter().map(TestGate::asked).collect::<Vec<_>>(), [1, 1, 0, 1]);
    assert_eq!(server.seen().mails.len(), 2);
}

#[tokio::test]
async fn a_conversation_that_ends_takes_the_announced_mail_to_the_next() {
    // The first content is accepted, and then nothing more is said.
    let script = |step: Step| match (step.connection, step.at) {
        (0, At::Content) => Act::SayAndClose(b"250 2.0.0 queued\r\n".to_vec()),
        _ => Act::Usual,
    };
    let server = TestServer::start(manner(), script).await;
    let route = route_to(server_at(server.address, Security::None), patient(), None);
    let gates = open_gates(2);
    assert_eq!(send_all(&mut route.checkout().await, &gates).await, [accepted(), accepted()]);
    assert_eq!(gates.iter().map(TestGate::asked).collect::<Vec<_>>(), [1, 1]);
    let seen = server.seen();
    assert_eq!(
        (seen.connections, seen.mails.len()),
        (2, 1),
        "a server that closes at once keeps no mail here"
    );
}

#[tokio::test]
async fn an_announced_mail_that_does_not_come_costs_the_connection() {
    let server = TestServer::start(manner(), |_| Act::Usual).await;
    let route = route_to(server_at(server.address, Security::None), patient(), None);
    let (envelope, mail) = (envelope(), raw_mail("hello\r\n"));
    let letter =
        |id: u128| Letter { id: MessageId(uuid::Uuid::from_u128(id)), envelope: &envelope, mail: &mail };
    let gate = TestGate::new(true);
    let mut lease = route.checkout().await;
    assert_eq!(lease.send(letter(1), &gate, Some(letter(2))).await, accepted());
    assert_eq!(lease.send(letter(3), &gate, Some(letter(4))).await, accepted());
    drop(lease);
    assert_eq!(route.checkout().await.send(letter(5), &gate, None).await, accepted());
    let seen = server.seen();
    assert_eq!((seen.connections, seen.mails.len()), (3, 3));
}

/// A clock that stands still, and on which waiting takes no time.
#[derive(Default)]
struct NoWait {
    last_asked: AtomicI64,
}

impl Clock for NoWait {
    fn now(&self) -> Moment {
        Moment::from_seconds(1_000)
    }

    fn micros_until(&self, moment: Moment) -> u64 {
        self.last_asked.store(moment.micros_since(self.now()), Ordering::SeqCst);
        0
    }
}

#[tokio::test]
async fn mails_wait_for_their_turn() {
    let server = TestServer::start(manner(), |_| Act::Usual).await;
    let clock = Arc::new(NoWait::default());
    let mut config = RouteConfig::new(server_at(server.address, Security::None));
    config.per_second = NonZeroU32::new(2);
    config.tls = Some(certificate("nobody.example").1);
    let route = SmtpRoute::new(config, Arc::<NoWait>::clone(&clock)).unwrap();
    for turn in [0, 500_000, 1_000_000] {
        assert_eq!(send(&mut route.checkout().await).await, accepted());
        assert_eq!(clock.last_asked.load(Ordering::SeqCst), turn);
    }
}

#[tokio::test]
async fn a_route_can_be_tried_without_a_mail() {
    let server = TestServer::start(manner(), |_| Act::Usual).await;
    let route = route_to(server_at(server.address, Security::None), patient(), None);
    assert_eq!(route.probe(PATIENT).await, Ok(()));
    server.ended(1).await;
    assert_eq!(server.seen().commands.last().map(String::as_str), Some("QUIT"));
    let server = TestServer::start(manner(), |_| Act::say("554 go away")).await;
    let route = route_to(server_at(server.address, Security::None), patient(), None);
    let why = route.probe(PATIENT).await.unwrap_err();
    assert_eq!(why, format!("`{}`: 554 go away", server.address));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let route = route_to(server_at(address, Security::None), Timeouts::default(), None);
    let why = route.probe(Duration::from_millis(50)).await.unwrap_err();
    assert!(why.contains(&format!("`{address}` did not greet us")), "{why}");
}

#[test]
fn the_certificates_of_the_machine_can_be_used() {
    assert!(platform_tls().is_ok());
}
