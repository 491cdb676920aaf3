use super::*;
use crate::channel::email::outcome::{Deferral, Envelope, Outcome};
use crate::channel::email::server::Credentials;
use crate::channel::email::testing::{
    Act, At, Manner, Step, TestGate, TestServer, certificate, certificate_until, envelope, letter, patient,
    raw_mail, route_to, server_at,
};

/// An outcome without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Accepted,
    Refused(Refusal),
    Deferred(Deferral),
    NotHandedOver,
    Unsure,
    Stopped,
    RouteDown,
}

fn kind(outcome: &Outcome) -> Kind {
    match outcome {
        Outcome::Accepted { .. } => Kind::Accepted,
        Outcome::Refused { class, .. } => Kind::Refused(*class),
        Outcome::Deferred { class, .. } => Kind::Deferred(*class),
        Outcome::NotHandedOver { .. } => Kind::NotHandedOver,
        Outcome::Unsure { .. } => Kind::Unsure,
        Outcome::Stopped => Kind::Stopped,
        Outcome::RouteDown { .. } => Kind::RouteDown,
    }
}

/// Times of which one is over soon: the one of a step.
fn impatient(at: At) -> Timeouts {
    let mut timeouts = patient();
    let short = Duration::from_millis(20);
    match at {
        At::Greeting | At::Ehlo | At::StartTls | At::Auth => timeouts.greeting = short,
        At::Mail => timeouts.mail = short,
        At::Rcpt => timeouts.rcpt = short,
        At::Data => timeouts.data = short,
        At::Content => (timeouts.content, timeouts.accept) = (short, short),
        At::Rset | At::Noop | At::Quit => timeouts.housekeeping = short,
    }
    timeouts
}

fn manner(pipelining: bool) -> Manner {
    let extensions = if pipelining { vec!["PIPELINING", "8BITMIME"] } else { vec!["8BITMIME"] };
    Manner { extensions, ..Manner::default() }
}

/// Sends one mail to a server that does `act` at `at`, and gives the outcome, how often the gate was asked and
/// how many mails arrived.
async fn send(pipelining: bool, at: At, act: Act) -> (Outcome, usize, usize) {
    let timeouts = if matches!(act, Act::Hang | Act::Dribble) { impatient(at) } else { patient() };
    let script = move |step: Step| if step.at == at { act.clone() } else { Act::Usual };
    let server = TestServer::start(manner(pipelining), script).await;
    let route = route_to(server_at(server.address, Security::None), timeouts, None);
    let gate = TestGate::new(true);
    let mail = raw_mail("hello\r\n");
    let outcome = route.checkout().await.send(letter(&envelope(), &mail), &gate, None).await;
    let arrived = server.seen().mails.len();
    (outcome, gate.asked(), arrived)
}

#[tokio::test]
async fn what_breaks_before_the_content_is_safe_and_after_it_unsure() {
    let faults = || {
        [
            Act::close(),
            Act::SayAndClose(b"25".to_vec()),
            Act::SayAndClose(b"250-2.0.0 more to come\r\n".to_vec()),
            Act::Hang,
            Act::Dribble,
            Act::say("ceci n'est pas SMTP"),
            Act::say("\u{0}\u{1}\u{ff}"),
            Act::say("999 no such code"),
            Act::say("550-one code\r\n250 and another"),
            Act::SayAndClose(vec![b'2'; 1_000_000]),
        ]
    };
    for (at, expected, asked) in [
        (At::Greeting, Kind::RouteDown, 0),
        (At::Ehlo, Kind::RouteDown, 0),
        (At::Mail, Kind::NotHandedOver, 0),
        (At::Rcpt, Kind::NotHandedOver, 0),
        (At::Data, Kind::NotHandedOver, 0),
        (At::Content, Kind::Unsure, 1),
    ] {
        for act in faults() {
            for pipelining in [false, true] {
                let label = format!("{at:?} {act:.60?} {pipelining}");
                let (outcome, gate, arrived) = send(pipelining, at, act.clone()).await;
                assert_eq!((kind(&outcome), gate, arrived), (expected, asked, 0), "{label}: {outcome:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_the_server_says_is_what_counts() {
    use Deferral::{Later, MailboxFull};
    use Kind::{Accepted, Deferred, NotHandedOver, Refused, RouteDown, Unsure};
    use Refusal::{Address, Content, Other, Sender};
    for (at, line, expected, asked) in [
        (At::Greeting, "554 not you", RouteDown, 0),
        (At::Greeting, "421 too many connections", RouteDown, 0),
        (At::Ehlo, "550 not you", RouteDown, 0),
        (At::Mail, "421 4.7.0 later", RouteDown, 0),
        (At::Mail, "451 4.3.0 later", Deferred(Later), 0),
        (At::Mail, "530 5.7.0 log in", RouteDown, 0),
        (At::Mail, "550 5.7.1 not from you", Refused(Sender), 0),
        (At::Mail, "354 what?", NotHandedOver, 0),
        (At::Rcpt, "421 4.7.0 later", NotHandedOver, 0),
        (At::Rcpt, "450 4.7.1 greylisted", Deferred(Later), 0),
        (At::Rcpt, "452 4.2.2 full", Deferred(MailboxFull), 0),
        (At::Rcpt, "550 5.1.1 nobody here", Refused(Address), 0),
        (At::Rcpt, "550 5.7.26 unauthenticated", Refused(Sender), 0),
        (At::Rcpt, "530 5.7.0 log in", Refused(Sender), 0),
        (At::Rcpt, "550 no", Refused(Other), 0),
        (At::Data, "421 later", NotHandedOver, 0),
        (At::Data, "451 later", Deferred(Later), 0),
        (At::Data, "554 no", Refused(Sender), 0),
        (At::Data, "250 thanks already", NotHandedOver, 0),
        (At::Content, "421 later", NotHandedOver, 1),
        (At::Content, "450 later", Deferred(Later), 1),
        (At::Content, "452 full", Deferred(MailboxFull), 1),
        (At::Content, "550 5.7.1 spam", Refused(Sender), 1),
        (At::Content, "552 too large", Refused(Content), 1),
        (At::Content, "554 no", Refused(Content), 1),
        (At::Content, "354 more?", Unsure, 1),
        (At::Content, "250 2.0.0 queued", Accepted, 1),
        (At::Content, "250", Accepted, 1),
        (At::Content, "250 schön", Accepted, 1),
        (At::Content, "250-ok\r\n250 queued", Accepted, 1),
    ] {
        for pipelining in [false, true] {
            let (outcome, gate, arrived) = send(pipelining, at, Act::say(line)).await;
            let arrives = usize::from(expected == Accepted);
            assert_eq!(
                (kind(&outcome), gate, arrived),
                (expected, asked, arrives),
                "{at:?} {line} {pipelining}"
            );
        }
    }
}

#[tokio::test]
async fn a_long_answer_is_still_an_answer() {
    let lines = "250-line\r\n".repeat(100_000) + "250 2.0.0 queued";
    let long = format!("250 2.0.0 {}", "x".repeat(1_000_000));
    let bytes = b"250 2.0.0 gr\xfc\xdfe \x1b[2J\n".to_vec();
    for (act, answer) in [
        (Act::say(&lines), "250 line line"),
        (Act::say(&long), "250 2.0.0 xxx"),
        (Act::Say(bytes), "250 2.0.0 gr??e ?[2J"),
    ] {
        let (outcome, ..) = send(true, At::Content, act).await;
        let Outcome::Accepted { answer: given } = outcome else { panic!("{outcome:?}") };
        assert!(given.starts_with(answer) && given.len() <= 512, "{given}");
    }
    let many = "550-5.1.1 line\r\n".repeat(60_000) + "550 5.1.1 nobody";
    let (outcome, ..) = send(false, At::Rcpt, Act::say(&many)).await;
    assert_eq!(kind(&outcome), Kind::Refused(Refusal::Address));
}

#[tokio::test]
async fn nobody_there_is_a_route_that_is_down() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let route = route_to(server_at(address, Security::None), patient(), None);
    let gate = TestGate::new(true);
    let outcome = route.checkout().await.send(letter(&envelope(), &raw_mail("x\r\n")), &gate, None).await;
    let Outcome::RouteDown { why } = outcome else { panic!("{outcome:?}") };
    assert!(why.starts_with(&format!("`{address}` cannot be reached: Connection refused")), "{why}");
}

#[tokio::test]
async fn a_gate_that_says_no_stops_the_mail() {
    for pipelining in [false, true] {
        let server = TestServer::start(manner(pipelining), |_| Act::Usual).await;
        let route = route_to(server_at(server.address, Security::None), patient(), None);
        let gate = TestGate::new(false);
        let mail = raw_mail("hello\r\n");
        let outcome = route.checkout().await.send(letter(&envelope(), &mail), &gate, None).await;
        assert_eq!((outcome, gate.asked()), (Outcome::Stopped, 1));
        server.ended(1).await;
        let seen = server.seen();
        assert_eq!((seen.mails.len(), seen.cut), (0, 1));
    }
}

#[tokio::test]
async fn content_arrives_as_it_was_written() {
    let bodies = [
        "hello\r\n",
        "\r\n",
        ".\r\n",
        "..\r\n.\r\n.a\r\n",
        "a\r\n.\r\nMAIL FROM:<x@y.example>\r\nRCPT TO:<z@y.example>\r\nDATA\r\n.\r\nQUIT\r\n",
        "ends with empty lines\r\n\r\n\r\n",
    ];
    let server = TestServer::start(manner(true), |_| Act::Usual).await;
    let route = route_to(server_at(server.address, Security::None), patient(), None);
    let mut lease = route.checkout().await;
    let gate = TestGate::new(true);
    for (index, body) in bodies.into_iter().enumerate() {
        let mail = raw_mail(body);
        let outcome = lease.send(letter(&envelope(), &mail), &gate, None).await;
        assert_eq!(outcome, Outcome::Accepted { answer: "250 2.0.0 queued".into() });
        let seen = server.seen();
        assert_eq!(seen.mails.len(), index + 1, "{body:?} is one mail");
        assert_eq!(seen.mails[index].content, mail.as_str());
        assert_eq!(seen.mails[index].from, "news@brand.example");
        assert_eq!(seen.mails[index].to, "ada@example.org");
        assert_eq!(seen.connections, 1);
    }
}

#[tokio::test]
async fn letters_beyond_ascii_go_only_where_they_are_taken() {
    let envelope = Envelope { to: "jörg@example.org".parse().unwrap(), ..envelope() };
    for (extensions, expected) in [
        (vec!["8BITMIME"], Kind::Refused(Refusal::Unsupported)),
        (vec!["SMTPUTF8", "8BITMIME"], Kind::Accepted),
    ] {
        let server = TestServer::start(Manner { extensions, ..Manner::default() }, |_| Act::Usual).await;
        let route = route_to(server_at(server.address, Security::None), patient(), None);
        let mut lease = route.checkout().await;
        let gate = TestGate::new(true);
        let outcome = lease.send(letter(&envelope, &raw_mail("x\r\n")), &gate, None).await;
        assert_eq!(kind(&outcome), expected);
        let named = server.seen().commands.iter().any(|line| line.ends_with("> BODY=8BITMIME SMTPUTF8"));
        assert_eq!(named, expected == Kind::Accepted);
    }
}

/// What a server with TLS answers to one mail, and the commands that it saw.
async fn send_tls(
    security: Security,
    tls: Manner,
    trusted: Arc<ClientConfig>,
    host: &str,
    login: bool,
    script: impl Fn(Step) -> Act + Send + Sync + 'static,
) -> (Outcome, Vec<String>) {
    let implicit = tls.implicit_tls;
    let server = TestServer::start(tls, script).await;
    let credentials = login.then(|| Credentials { user: "ada".into(), password: "p@ss".into() });
    let address = SmtpServer { host: host.into(), credentials, ..server_at(server.address, security) };
    let route = route_to(address, patient(), Some(trusted));
    let gate = TestGate::new(true);
    let mail = raw_mail("hello\r\n");
    let outcome = route.checkout().await.send(letter(&envelope(), &mail), &gate, None).await;
    if implicit && kind(&outcome) == Kind::RouteDown {
        server.ended(1).await;
    }
    let commands = server.seen().commands.clone();
    (outcome, commands)
}

fn with_tls(config: &Arc<tokio_rustls::rustls::ServerConfig>, implicit_tls: bool) -> Manner {
    let extensions =
        if implicit_tls { vec!["AUTH PLAIN LOGIN"] } else { vec!["STARTTLS", "AUTH PLAIN LOGIN"] };
    Manner { extensions, tls: Some(Arc::clone(config)), implicit_tls }
}

#[tokio::test]
async fn tls_protects_the_password_and_the_mail() {
    let (server, trusted) = certificate("localhost");
    for (security, implicit) in
        [(Security::Implicit, true), (Security::StartTls, false), (Security::Opportunistic, false)]
    {
        let tls = with_tls(&server, implicit);
        let (outcome, commands) =
            send_tls(security, tls, Arc::clone(&trusted), "localhost", true, |_| Act::Usual).await;
        assert_eq!(kind(&outcome), Kind::Accepted, "{security:?} {outcome:?}");
        let starttls = commands.iter().position(|line| line == "STARTTLS");
        assert_eq!(starttls.is_some(), !implicit);
        let auth = commands.iter().position(|line| line == "AUTH PLAIN AGFkYQBwQHNz").unwrap();
        assert!(starttls.is_none_or(|at| at < auth));
    }
}

#[tokio::test]
async fn nothing_is_said_to_a_server_that_is_not_the_one_meant() {
    let (server, trusted) = certificate("localhost");
    let (_, other) = certificate("localhost");
    let (expired, trusts_expired) = certificate_until("localhost", 2020);
    for (security, implicit) in [(Security::Implicit, true), (Security::StartTls, false)] {
        for (server, trusted, host) in [
            (&server, &other, "localhost"),
            (&server, &trusted, "127.0.0.1"),
            (&expired, &trusts_expired, "localhost"),
        ] {
            let tls = with_tls(server, implicit);
            let (outcome, commands) =
                send_tls(security, tls, Arc::clone(trusted), host, true, |_| Act::Usual).await;
            assert_eq!(kind(&outcome), Kind::RouteDown, "{outcome:?}");
            let heard = commands.iter().filter(|line| !line.starts_with("EHLO") && *line != "STARTTLS");
            assert_eq!(heard.count(), 0, "{commands:?}");
        }
    }
}

#[tokio::test]
async fn without_starttls_nothing_is_sent_in_clear_text() {
    let (server, trusted) = certificate("localhost");
    let stripped = || Manner { extensions: vec!["AUTH PLAIN"], ..Manner::default() };
    for (security, host, login, expected) in [
        (Security::StartTls, "127.0.0.1", false, Kind::RouteDown),
        (Security::Opportunistic, "127.0.0.1", false, Kind::Accepted),
        // Not this machine by its name, so the password stays here.
        (Security::Opportunistic, "0.0.0.0", true, Kind::RouteDown),
        (Security::None, "0.0.0.0", true, Kind::RouteDown),
        (Security::None, "127.0.0.1", true, Kind::Accepted),
    ] {
        let (outcome, commands) =
            send_tls(security, stripped(), Arc::clone(&trusted), host, login, |_| Act::Usual).await;
        assert_eq!(kind(&outcome), expected, "{security:?} {host}: {outcome:?}");
        let told = commands.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL"));
        assert_eq!(told, expected == Kind::Accepted, "{commands:?}");
    }
    // A server that changes its mind, and words slipped in before the encryption.
    for line in ["454 not now", "220 go\r\n250-forged\r\n250 AUTH PLAIN"] {
        let script = move |step: Step| if step.at == At::StartTls { Act::say(line) } else { Act::Usual };
        let tls = with_tls(&server, false);
        let (outcome, commands) =
            send_tls(Security::StartTls, tls, Arc::clone(&trusted), "localhost", true, script).await;
        assert_eq!(kind(&outcome), Kind::RouteDown, "{line}");
        assert!(!commands.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")));
    }
}

#[tokio::test]
async fn a_refused_login_is_a_route_that_is_down() {
    for line in ["535 5.7.8 wrong", "454 4.7.0 later", "421 closing", "what?"] {
        let script = move |step: Step| if step.at == At::Auth { Act::say(line) } else { Act::Usual };
        let manner = Manner { extensions: vec!["AUTH PLAIN"], ..Manner::default() };
        let (_, trusted) = certificate("localhost");
        let (outcome, commands) = send_tls(Security::None, manner, trusted, "127.0.0.1", true, script).await;
        let Outcome::RouteDown { why } = outcome else { panic!("{outcome:?}") };
        assert!(why.contains("does not take the user and password") && !why.contains("p@ss"), "{why}");
        assert!(!commands.iter().any(|line| line.starts_with("MAIL")));
    }
}

#[test]
fn nobody_gives_up_earlier_than_rfc_5321_allows() {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let timeouts = Timeouts::default();
    assert!(timeouts.greeting >= minutes(5));
    assert!(timeouts.mail >= minutes(5));
    assert!(timeouts.rcpt >= minutes(5));
    assert!(timeouts.data >= minutes(2));
    assert!(timeouts.content >= minutes(3));
    assert!(timeouts.accept >= minutes(10));
}
