//! Mails of 10 KB over many connections into a server on this machine, each written from its template, through the
//! gate, and settled in the ledger; beside a bare client that hands over the same bytes.

use std::sync::Arc;
use std::time::Instant;

use lotse::domain::{Attributes, EventKind};
use lotse::inbox::Inbox;
use lotse::runtime::event_id;
use lotse::store::{Arrival, ArrivalKind, Identity};
use lotse::time::{Clock, Moment};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::world::{CONNECTIONS, World};
use super::{figure, rate};

const PEOPLE: u32 = 30_000;
const BYTES: usize = 10 * 1024;
/// What a mail with such a text comes to, with its headers and its links.
const SIZE: usize = 11_200;

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
    let audit = world.store.read().await.unwrap().audit().await.unwrap();
    assert_eq!(audit.messages.get("accepted"), Some(&u64::from(PEOPLE)), "{audit:?}");
    assert_eq!(world.inbox.count(), u64::from(PEOPLE), "each once");
    let floor = floor(SIZE).await;
    figure("mail over SMTP", rate(PEOPLE as usize, took), floor, "mails/s", "5,000 mails/s");
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

/// Mails in a second of a client that does nothing else: the same bytes, the same connections, no pipelining.
async fn floor(size: usize) -> f64 {
    let clock: Arc<dyn Clock> = Arc::new(lotse::time::SystemClock);
    let inbox = Inbox::new(0, clock);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sink = inbox.clone();
    tokio::spawn(async move { sink.serve(listener, std::future::pending()).await });
    let line = format!("{}\r\n", "x".repeat(76));
    let mail = Arc::new(format!("Subject: floor\r\n\r\n{}.\r\n", line.repeat(size / line.len())));
    let each = PEOPLE as usize / CONNECTIONS;
    let begun = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mail = Arc::clone(&mail);
        clients.spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut stream = BufReader::new(stream);
            let mut answer = String::new();
            stream.read_line(&mut answer).await.unwrap();
            stream.write_all(b"HELO bench\r\n").await.unwrap();
            stream.read_line(&mut answer).await.unwrap();
            for _ in 0..each {
                for said in
                    ["MAIL FROM:<a@example.com>\r\n", "RCPT TO:<b@example.org>\r\n", "DATA\r\n", &mail]
                {
                    stream.write_all(said.as_bytes()).await.unwrap();
                    answer.clear();
                    stream.read_line(&mut answer).await.unwrap();
                    assert!(answer.starts_with('2') || answer.starts_with('3'), "{answer}");
                }
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    rate(each * CONNECTIONS, begun.elapsed())
}
