//! The image that tells of an opening, asked for over keep-alive connections; beside a bare handler in the same
//! framework. Client and server share the machine.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

use super::asker::ask;
use super::{BenchError, Figure, Result, Scratch, World, rate};
use crate::store::Who;
use crate::time::Moment;
use crate::track::OpenToken;

const CONNECTIONS: usize = 64;
/// Each image ten times, all within a minute: mail programs and their proxies ask more than once.
const EACH: usize = 10;

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
/// When something fails, or not every opening is lasting.
pub async fn images(scratch: &Scratch, people: u32) -> Result<Figure> {
    let start = Moment::from_seconds(1_800_000_000);
    let world = World::new(scratch, JOURNEYS, start).await?;
    world.import(people).await?;
    world.sign_up(people).await?;
    let mut counts = world.inbox.counts();
    world.clock.set(start.plus_seconds(1));
    let working = world.work().await?;
    counts.wait_for(|count| *count >= u64::from(people)).await.map_err(std::io::Error::other)?;
    let requests = Arc::new(requests(&world, people).await?);
    world.clock.set(start.plus_seconds(3_600));
    let count = EACH * people as usize;
    let address = working.url.trim_start_matches("http://").to_owned();
    let took = ask(&address, &requests, count, CONNECTIONS).await?;

    let server =
        Router::new().route("/o/{token}", get(async || "a bare answer, as long as a small image is"));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let serving = tokio::spawn(async move { axum::serve(listener, server).await });
    let floor = ask(&address, &requests, count, CONNECTIONS).await?;
    serving.abort();
    working.end().await;
    let opened = world.store.read().await?.tallies(Some("mail")).await?;
    let opened: i64 = opened.iter().filter(|row| row.what == "opened").map(|row| row.count).sum();
    world.store.close().await;
    if opened != i64::from(people) {
        return Err(BenchError::Wrong(format!("{opened} of {people} openings are lasting")));
    }
    let (reached, floor) = (rate(count as u64, took), rate(count as u64, floor));
    Ok(Figure { what: "openings".to_owned(), unit: "requests/s", reached, floor })
}

/// The request for each person's image.
async fn requests(world: &World, people: u32) -> Result<Vec<Vec<u8>>> {
    const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let mut unit = world.store.read().await?;
    let mut requests = Vec::with_capacity(people as usize);
    let lost = || BenchError::Wrong("a mail cannot be found".to_owned());
    for person in 0..people {
        let contact = unit.find(&Who::from_text(&person.to_string())).await?.ok_or_else(lost)?.id;
        let message = unit.messages(contact).await?.first().ok_or_else(lost)?.message.id;
        let url =
            world.outbound.tracker.url("http://x", &OpenToken { contact, message }).map_err(|_| lost())?;
        let path = url.trim_start_matches("http://x");
        requests.push(format!("GET {path} HTTP/1.1\r\nhost: x\r\nuser-agent: {AGENT}\r\n\r\n").into_bytes());
    }
    Ok(requests)
}
