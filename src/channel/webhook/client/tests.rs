use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Receiver as _, *};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(30);

/// What a receiver does once it has read a request.
#[derive(Clone)]
enum Act {
    /// These bytes, and closes.
    Say(Vec<u8>),
    /// These bytes, and nothing more for ever.
    SayAndHang(Vec<u8>),
    /// These bytes, then the second ones over and over.
    Flood(Vec<u8>, Vec<u8>),
}

#[derive(Default)]
struct Seen {
    requests: Vec<String>,
    sent_bytes: usize,
}

struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Receiver {
    async fn start(act: Act) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let all_seen = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, act.clone(), Arc::clone(&all_seen)));
            }
        });
        Receiver { address, seen }
    }

    fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }
}

async fn answer(mut stream: TcpStream, act: Act, seen: Arc<Mutex<Seen>>) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => request.extend_from_slice(&chunk[..count]),
            _ => return,
        }
    }
    seen.lock().unwrap().requests.push(String::from_utf8(request).unwrap());
    match act {
        Act::Say(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Act::SayAndHang(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.read(&mut [0; 1]).await;
        }
        Act::Flood(bytes, more) => {
            let _ = stream.write_all(&bytes).await;
            while stream.write_all(&more).await.is_ok() {
                seen.lock().unwrap().sent_bytes += more.len();
            }
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn secret() -> Secret {
    Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
}

fn endpoint(address: SocketAddr, limit: Duration) -> Endpoint {
    let allowed = vec!["127.0.0.1".parse().unwrap()];
    Endpoint::new(&format!("http://{address}/hooks?a=b"), secret(), limit, &allowed).unwrap()
}

fn now() -> Moment {
    Moment::from_seconds(1_614_265_330)
}

fn id() -> Uuid {
    "019a0000-0000-8000-8000-000000000001".parse().unwrap()
}

async fn post(act: Act, limit: Duration) -> CallOutcome {
    let receiver = Receiver::start(act).await;
    endpoint(receiver.address, limit).post(id(), now(), b"{}".to_vec()).await
}

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

fn say(status: &str, headers: &str, body: &str) -> Act {
    Act::Say(http(status, headers, body))
}

#[tokio::test]
async fn a_call_is_what_the_standard_says() {
    let receiver = Receiver::start(say("200 OK", "", "{\"seats\": 3}")).await;
    let body = br#"{"test": 2432232314}"#.to_vec();
    let outcome = endpoint(receiver.address, LONG).post(id(), now(), body.clone()).await;
    assert_eq!(outcome, CallOutcome::Delivered { status: 200, body: b"{\"seats\": 3}".to_vec() });
    let request = receiver.requests().remove(0);
    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(sent.as_bytes(), body);
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /hooks?a=b HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", receiver.address);
    let agent = concat!("user-agent: Lotse/", env!("CARGO_PKG_VERSION"));
    let (signature, _) = secret().sign(&id().to_string(), now(), &body);
    let signature = format!("webhook-signature: {signature}");
    let mut expected = vec![
        "accept: */*",
        "content-length: 20",
        "content-type: application/json",
        "webhook-id: 019a0000-0000-8000-8000-000000000001",
        "webhook-timestamp: 1614265330",
        agent,
        host.as_str(),
        signature.as_str(),
    ];
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn only_2xx_is_a_success() {
    for (status, expected) in [("200 OK", true), ("204 No Content", true), ("202 Accepted", true)] {
        let body = if status.starts_with("204") { "" } else { "ok" };
        let outcome = post(say(status, "", body), LONG).await;
        assert_eq!(matches!(outcome, CallOutcome::Delivered { .. }), expected, "{status} {outcome:?}");
    }
    for status in [
        "300 Multiple Choices",
        "304 Not Modified",
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
        "408 Request Timeout",
        "410 Gone",
        "422 Unprocessable Entity",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "503 Service Unavailable",
    ] {
        let outcome = post(say(status, "", ""), LONG).await;
        let expected = CallOutcome::Failed {
            status: status.split(' ').next().and_then(|code| code.parse().ok()),
            why: status.to_owned(),
            retry_after_seconds: None,
            gone: status == "410 Gone",
        };
        assert_eq!(outcome, expected);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let secret_place = Receiver::start(say("200 OK", "", "the password")).await;
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("location: http://{}/latest/meta-data/\r\n", secret_place.address);
        let outcome = post(say(status, &location, ""), LONG).await;
        assert!(matches!(outcome, CallOutcome::Failed { status: Some(300..400), .. }), "{outcome:?}");
    }
    assert_eq!(secret_place.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn receivers_may_ask_for_patience_but_not_for_ever() {
    for (value, seconds) in [
        ("120", Some(120)),
        ("0", Some(0)),
        ("99999999", Some(86_400)),
        ("99999999999999999999999", Some(86_400)),
        ("Thu, 25 Feb 2021 15:03:10 GMT", Some(60)),
        ("Thu, 25 Feb 1999 15:03:10 GMT", Some(0)),
        ("Mon, 25 Feb 2999 15:03:10 GMT", Some(86_400)),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
    ] {
        let headers = format!("retry-after: {value}\r\n");
        let outcome = post(say("429 Too Many Requests", &headers, ""), LONG).await;
        let CallOutcome::Failed { retry_after_seconds, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(retry_after_seconds, seconds, "{value}");
    }
}

#[tokio::test]
async fn silence_ends_in_time_at_every_point() {
    for bytes in [&b""[..], b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n"] {
        let outcome = post(Act::SayAndHang(bytes.to_vec()), SHORT).await;
        let CallOutcome::Failed { status: None, why, gone: false, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(why, "no answer within 30ms");
    }
    // The status has come, and with it the receiver's word.
    let limit = Duration::from_millis(300);
    let (good, bad) = tokio::join!(
        post(Act::SayAndHang(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok".to_vec()), limit),
        post(Act::SayAndHang(b"HTTP/1.1 500 No\r\ncontent-length: 5\r\n\r\nno".to_vec()), limit),
    );
    assert_eq!(good, CallOutcome::Delivered { status: 200, body: b"ok".to_vec() });
    assert!(matches!(bad, CallOutcome::Failed { status: Some(500), .. }), "{bad:?}");
}

#[tokio::test]
async fn broken_answers_are_failures() {
    for bytes in
        [&b""[..], b"SMTP ready\r\n", b"HTTP/1.1 999999 what\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"]
    {
        let outcome = post(Act::Say(bytes.to_vec()), LONG).await;
        assert!(
            matches!(&outcome, CallOutcome::Failed { status: None, why, .. } if !why.is_empty() && !why.contains("hooks")),
            "{outcome:?}"
        );
    }
    let outcome =
        post(Act::Flood(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-bomb: 1234567890\r\n".repeat(100)), LONG).await;
    assert!(matches!(outcome, CallOutcome::Failed { status: None, .. }), "{outcome:?}");
}

#[tokio::test]
async fn nobody_there_is_a_failure_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = endpoint(address, LONG).post(id(), now(), Vec::new()).await;
    let CallOutcome::Failed { status: None, why, .. } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("refused"), "{why}");
}

#[tokio::test]
async fn little_of_a_large_answer_is_read() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_vec();
    let receiver = Receiver::start(Act::Flood(head, vec![b'x'; 65_536])).await;
    let outcome = endpoint(receiver.address, LONG).post(id(), now(), Vec::new()).await;
    let CallOutcome::Delivered { status: 200, body } = outcome else { panic!("{outcome:?}") };
    assert_eq!(body.len(), BODY_BYTES_MAX);
    assert!(receiver.seen.lock().unwrap().sent_bytes < 50_000_000);
}

#[tokio::test]
async fn nothing_is_unpacked_and_nothing_shown_raw() {
    let outcome = post(say("200 OK", "content-encoding: gzip\r\n", "\u{1f}packed"), LONG).await;
    assert_eq!(outcome, CallOutcome::Delivered { status: 200, body: b"\x1fpacked".to_vec() });
    let body = format!("\u{1b}[2J<b>no</b>\r\n\0{}", "x".repeat(10_000));
    let CallOutcome::Failed { why, .. } = post(say("500 No", "", &body), LONG).await else { panic!() };
    assert!(why.starts_with("500 Internal Server Error [2J<b>no</b> x"), "{why}");
    assert_eq!(why.chars().count(), 512);
}

/// Gives the next of its answers each time it is asked.
struct Answers(Mutex<Vec<Vec<&'static str>>>);

#[async_trait]
impl Lookup for Answers {
    async fn addresses(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let addresses = self.0.lock().unwrap().pop().unwrap_or_default();
        Ok(addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), port)).collect())
    }
}

fn named(url: &str, allowed: &[&str], mut answers: Vec<Vec<&'static str>>) -> Endpoint {
    answers.reverse();
    let allowed = allowed.iter().map(|entry| entry.parse().unwrap()).collect::<AllowList>();
    let lookup = Arc::new(Answers(Mutex::new(answers)));
    Endpoint::with_lookup(url, secret(), LONG, &allowed, lookup).unwrap()
}

#[tokio::test]
async fn names_that_lead_inside_are_refused() {
    for addresses in
        [vec!["127.0.0.1"], vec!["8.8.8.8", "10.0.0.1"], vec!["::ffff:127.0.0.1"], vec!["fd00::1"]]
    {
        let inside = addresses.last().copied().unwrap();
        let endpoint = named("https://127.0.0.1.nip.example/", &[], vec![addresses]);
        let outcome = endpoint.post(id(), now(), Vec::new()).await;
        let CallOutcome::Failed { status: None, why, gone: false, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert!(
            why.starts_with(&format!("`127.0.0.1.nip.example` is {inside}, which is inside a network")),
            "{why}"
        );
    }
    let endpoint = named("https://nowhere.example/", &[], vec![]);
    let CallOutcome::Failed { why, .. } = endpoint.post(id(), now(), Vec::new()).await else { panic!() };
    assert_eq!(why, "`nowhere.example` has no address: nothing was found");
}

#[tokio::test]
async fn a_name_that_changes_what_it_stands_for_is_checked_again() {
    let receiver = Receiver::start(say("200 OK", "connection: close\r\n", "")).await;
    let port = receiver.address.port();
    let url = format!("http://erp.example:{port}/");
    let allowed = format!("127.0.0.1:{port}");
    let endpoint = named(&url, &[&allowed], vec![vec!["127.0.0.1"], vec!["127.0.0.2"], vec!["127.0.0.1"]]);
    let mut delivered = Vec::new();
    for _ in 0..3 {
        let outcome = endpoint.post(id(), now(), Vec::new()).await;
        delivered.push(matches!(outcome, CallOutcome::Delivered { .. }));
    }
    assert_eq!(delivered, [true, false, true]);
    assert_eq!(receiver.requests().len(), 2);
}
