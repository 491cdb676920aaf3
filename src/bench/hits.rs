//! The image that tells of an opening, or a link, asked for over keep-alive connections; beside a bare handler in the
//! same framework. Client and server share the machine.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::routing::get;
use tokio::net::TcpListener;

use super::asker::ask;
use super::{BenchError, Figure, Result, Scratch, World, rate};
use crate::store::Who;
use crate::time::Moment;
use crate::track::{ClickToken, HitKind, OpenToken};

const CONNECTIONS: usize = 64;
/// Each ten times, all within a minute: mail programs and their proxies ask more than once.
const EACH: usize = 10;

/// Where the links lead.
const TARGET: &str = "https://shop.example.com/tulips";

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

/// Measures requests in a second, for the mails of so many people.
///
/// # Errors
/// When something fails, or not every opening or click is lasting.
pub async fn hits(scratch: &Scratch, kind: HitKind, people: u32) -> Result<Figure> {
    let start = Moment::from_seconds(1_800_000_000);
    let world = World::new(scratch, JOURNEYS, start).await?;
    world.import(people).await?;
    world.sign_up(people).await?;
    let mut counts = world.inbox.counts();
    world.clock.set(start.plus_seconds(1));
    let working = world.work().await?;
    counts.wait_for(|count| *count >= u64::from(people)).await.map_err(std::io::Error::other)?;
    let requests = Arc::new(requests(&world, kind, people).await?);
    world.clock.set(start.plus_seconds(3_600));
    let count = EACH * people as usize;
    let address = working.url.trim_start_matches("http://").to_owned();
    let took = ask(&address, &requests, count, CONNECTIONS).await?;

    let server = Router::new()
        .route("/o/{token}", get(async || "a bare answer, as long as a small image is"))
        .route("/c/{token}", get(async || (StatusCode::FOUND, [(LOCATION, TARGET)])));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let serving = tokio::spawn(async move { axum::serve(listener, server).await });
    let floor = ask(&address, &requests, count, CONNECTIONS).await?;
    serving.abort();
    working.end().await;
    let (what, told) = match kind {
        HitKind::Open => ("openings", "opened"),
        HitKind::Click => ("clicks", "clicked"),
    };
    let tallies = world.store.read().await?.tallies(Some("mail")).await?;
    let lasting: i64 = tallies.iter().filter(|row| row.what == told).map(|row| row.count).sum();
    world.store.close().await;
    if lasting != i64::from(people) {
        return Err(BenchError::Wrong(format!("{lasting} of {people} {what} are lasting")));
    }
    let (reached, floor) = (rate(count as u64, took), rate(count as u64, floor));
    Ok(Figure { what: what.to_owned(), unit: "requests/s", reached, floor })
}

/// The request for each person's image or link.
async fn requests(world: &World, kind: HitKind, people: u32) -> Result<Vec<Vec<u8>>> {
    const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let mut unit = world.store.read().await?;
    let mut requests = Vec::with_capacity(people as usize);
    let lost = || BenchError::Wrong("a mail cannot be found".to_owned());
    for person in 0..people {
        let contact = unit.find(&Who::from_text(&person.to_string())).await?.ok_or_else(lost)?.id;
        let message = unit.messages(contact).await?.first().ok_or_else(lost)?.message.id;
        let tracker = &world.outbound.tracker;
        let url = match kind {
            HitKind::Open => tracker.url("http://x", &OpenToken { contact, message }),
            HitKind::Click => {
                let (name, url) = ("to the shop".to_owned(), TARGET.to_owned());
                tracker.url("http://x", &ClickToken { contact, message, index: 0, name, url })
            }
        };
        let url = url.map_err(|_| lost())?;
        let path = url.trim_start_matches("http://x");
        requests.push(format!("GET {path} HTTP/1.1\r\nhost: x\r\nuser-agent: {AGENT}\r\n\r\n").into_bytes());
    }
    Ok(requests)
}
