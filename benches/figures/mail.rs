//! Mails of 10 KB over many connections into a server on this machine, each written from its template, through the
//! gate, and settled in the ledger; beside a bare client that hands over the same bytes.

use std::sync::Arc;
use std::time::Instant;

use lotse::domain::{Attributes, EventKind};
use lotse::inbox::Inbox;
use lotse::runtime::event_id;
use lotse::store::{Arrival, ArrivalKind, Identity, audit};
use lotse::time::{Clock, Moment, TimeZone};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::world::{CONNECTIONS, World};
use super::{figure, rate};

const PEOPLE: u32 = 30_000;
const BYTES: usize = 10 * 1024;
/// What a mail with such a text comes to, with its headers and its links.
const SIZE: usize = 11_200;

/// Mails in a second, and the part of the floor, that are needed.
const RATE_NEEDED: f64 = 15_000.0;
const RATIO_NEEDED: f64 = 0.4;

fn journeys() -> String {
    let paragraph = "Everything that blooms is cheaper until Sunday, and what blooms longest is cheapest. ";
    let body = paragraph.repeat(BYTES / paragraph.len());
    format!(
        r#"
contact {{ }}
event signed_up {{ }}
event bought {{ }}
topic news "News"
email hello {{ topic news  from shop  subject "Hello {{{{ contact.id }}}}"  body "{body} {{{{ unsubscribe_url }}}}" }}
journey mail "Mail" {{
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage only {{ send email hello  end }}
}}
"#
    )
}

pub async fn run() {
    let folder = tempfile::tempdir().unwrap();
    let start = Moment::from_seconds(1_800_000_000);
    let world = World::new(folder.path(), &journeys(), start).await;
    decide(&world).await;
    let mut counts = world.inbox.counts();
    let begun = Instant::now();
    let working = world.work().await;
    counts.wait_for(|count| *count >= u64::from(PEOPLE)).await.unwrap();
    let took = begun.elapsed();
    working.end().await;
    let audit = audit(&mut *world.store.read().await.unwrap(), &TimeZone::UTC).await.unwrap();
    assert_eq!(audit.messages.get("accepted"), Some(&u64::from(PEOPLE)), "{audit:?}");
    assert_eq!(world.inbox.count(), u64::from(PEOPLE), "each once");
    let floor = floor(SIZE).await;
    let reached = rate(PEOPLE as usize, took);
    figure("mail over SMTP", reached, floor, "mails/s", "15,000 mails/s and 0.40");
    if reached < RATE_NEEDED || reached / floor < RATIO_NEEDED {
        println!(
            "  it falls short by {:.0} mails/s and {:.2} of the floor",
            (RATE_NEEDED - reached).max(0.0),
            (RATIO_NEEDED - reached / floor).max(0.0)
        );
    }
    println!(
        "  {PEOPLE} mails of {SIZE} bytes over {CONNECTIONS} connections in {:.2} s",
        took.as_secs_f64()
    );
}

/// Everybody signs up, and every mail is decided.
async fn decide(world: &World) {
    let now = world.clock.now();
    let people: Vec<u32> = (0..PEOPLE).collect();
    world.import(&people).await;
    for some in people.chunks(5_000) {
        let arrival = |person: &u32| Arrival {
            id: event_id("bench", &person.to_string(), Some(now)),
            who: Identity { external_id: Some(person.to_string()), anonymous_id: None, email: None },
            kind: ArrivalKind::Event(EventKind::Track, "signed_up".to_owned()),
            at: now,
            received_at: now.plus_micros(i64::from(*person)),
            properties: Attributes::new(),
        };
        let mut unit = world.store.write().await.unwrap();
        unit.take_in(some.iter().map(arrival).collect()).await.unwrap();
        unit.commit().await.unwrap();
    }
    world.clock.set(now.plus_seconds(1));
    while world.runtime.tick(world.clock.now(), 4_000).await.unwrap().more {}
}

/// Mails in a second of a client that does nothing else: the same bytes, the same connections, and each content with
/// the announcement of the next mail in one write.
async fn floor(size: usize) -> f64 {
    const HEAD: &str = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n";
    let clock: Arc<dyn Clock> = Arc::new(lotse::time::SystemClock);
    let inbox = Inbox::new(0, clock);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sink = inbox.clone();
    tokio::spawn(async move { sink.serve(listener, std::future::pending()).await });
    let line = format!("{}\r\n", "x".repeat(76));
    let mail = Arc::new(format!("Subject: floor\r\n\r\n{}.\r\n{HEAD}", line.repeat(size / line.len())));
    let each = PEOPLE as usize / CONNECTIONS;
    let begun = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mail = Arc::clone(&mail);
        clients.spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut stream = BufReader::new(stream);
            answered(&mut stream, 1).await;
            stream.write_all(b"HELO bench\r\n").await.unwrap();
            answered(&mut stream, 1).await;
            stream.write_all(HEAD.as_bytes()).await.unwrap();
            answered(&mut stream, 3).await;
            for _ in 0..each {
                stream.write_all(mail.as_bytes()).await.unwrap();
                answered(&mut stream, 4).await;
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    rate(each * CONNECTIONS, begun.elapsed())
}

/// Reads as many answers, all of which say yes.
async fn answered(stream: &mut BufReader<TcpStream>, count: usize) {
    let mut answer = String::new();
    for _ in 0..count {
        answer.clear();
        stream.read_line(&mut answer).await.unwrap();
        assert!(answer.starts_with('2') || answer.starts_with('3'), "{answer}");
    }
}
