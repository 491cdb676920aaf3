//! The image that tells of an opening, asked for over keep-alive connections, each time for another mail; beside a bare
//! handler in the same framework. Client and server share the two cores.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use lotse::domain::{Attributes, EventKind};
use lotse::runtime::event_id;
use lotse::store::{Arrival, ArrivalKind, Identity, Who};
use lotse::time::Moment;
use lotse::track::OpenToken;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::world::World;
use super::{figure, rate};

const PEOPLE: u32 = 20_000;
const CONNECTIONS: usize = 64;
/// Each image ten times, all within a minute: mail programs and their proxies ask more than once.
const REQUESTS: usize = 10 * PEOPLE as usize;

const JOURNEYS: &str = r#"
contact { }
event signed_up { }
event bought { }
topic news "News"
email hello { topic news  from shop  subject "Hello"  body "Hello. {{ unsubscribe_url }}" }
journey mail "Mail" {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage only { send email hello  wait 10 days  end }
}
"#;

pub async fn run() {
    let folder = tempfile::tempdir().unwrap();
    let start = Moment::from_seconds(1_800_000_000);
    let world = World::new(folder.path(), JOURNEYS, start).await;
    let people: Vec<u32> = (0..PEOPLE).collect();
    world.import(&people).await;
    let mut unit = world.store.write().await.unwrap();
    let arrival = |person: &u32| Arrival {
        id: event_id("bench", &person.to_string(), Some(start)),
        who: Identity { external_id: Some(person.to_string()), anonymous_id: None, email: None },
        kind: ArrivalKind::Event(EventKind::Track, "signed_up".to_owned()),
        at: start,
        received_at: start.plus_micros(i64::from(*person)),
        properties: Attributes::new(),
    };
    unit.take_in(people.iter().map(arrival).collect()).await.unwrap();
    unit.commit().await.unwrap();
    let mut counts = world.inbox.counts();
    world.clock.set(start.plus_seconds(1));
    let working = world.work().await;
    counts.wait_for(|count| *count >= u64::from(PEOPLE)).await.unwrap();
    let paths = paths(&world, &people).await;
    world.clock.set(start.plus_seconds(3_600));

    let address = working.url.trim_start_matches("http://").to_owned();
    let first = ask(&address, &paths, PEOPLE as usize).await;
    let took = first + ask(&address, &paths, REQUESTS - PEOPLE as usize).await;
    let server =
        Router::new().route("/o/{token}", get(async || "a bare answer, as long as a small image is"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, server).await });
    let floor = ask(&address, &paths, REQUESTS).await;
    working.end().await;
    let opened = world.store.read().await.unwrap().tallies(Some("mail")).await.unwrap();
    let opened: i64 = opened.iter().filter(|row| row.what == "opened").map(|row| row.count).sum();
    assert_eq!(opened, i64::from(PEOPLE), "every opening is lasting, each mail is opened once");
    figure("openings", rate(REQUESTS, took), rate(REQUESTS, floor), "requests/s", "30,000 requests/s");
    println!("  the first of each mail: {:.0} requests/s", rate(PEOPLE as usize, first));
}

/// The path of each person's image.
async fn paths(world: &World, people: &[u32]) -> Vec<String> {
    let mut unit = world.store.read().await.unwrap();
    let mut paths = Vec::with_capacity(people.len());
    for person in people {
        let contact = unit.find(&Who::from_text(&person.to_string())).await.unwrap().unwrap().id;
        let message = unit.messages(contact).await.unwrap()[0].message.id;
        let url = world.outbound.tracker.url("http://x", &OpenToken { contact, message }).unwrap();
        paths.push(url.trim_start_matches("http://x").to_owned());
    }
    paths
}

/// Asks for all paths in turn, again and again, until enough was asked.
async fn ask(address: &str, paths: &[String], count: usize) -> Duration {
    let requests: Arc<Vec<Vec<u8>>> = Arc::new(
        paths
            .iter()
            .map(|path| {
                format!("GET {path} HTTP/1.1\r\nhost: x\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\r\n")
                    .into_bytes()
            })
            .collect(),
    );
    let begun = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CONNECTIONS {
        let (requests, address) = (Arc::clone(&requests), address.to_owned());
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut buffer = vec![0; 4_096];
            let mut answer_length = 0;
            for round in 0..count / CONNECTIONS {
                let request = &requests[(round * CONNECTIONS + client) % requests.len()];
                stream.write_all(request).await.unwrap();
                let mut read = 0;
                // All answers are of one length; the first comes alone, and shows it.
                while read == 0 || read < answer_length {
                    let more = stream.read(&mut buffer[read..]).await.unwrap();
                    assert!(more > 0, "the server hung up");
                    read += more;
                }
                assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..read]));
                answer_length = read;
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    begun.elapsed()
}
