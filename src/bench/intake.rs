//! Events that come in by `/v1/batch`, each lasting before it is answered.

use std::sync::Arc;

use base64::Engine as _;
use serde_json::json;

use super::asker::ask;
use super::{BenchError, Figure, Result, Scratch, Stopwatch, World, rate};
use crate::time::Moment;

/// Events of a request.
const EACH: u32 = 500;
/// Requests at a time.
const CONNECTIONS: usize = 8;
/// Rows that the floor writes in a transaction.
const FLOOR_BATCH: u32 = 4_000;

const JOURNEYS: &str = r#"
contact { }
event product_viewed { path text }
"#;

/// Measures events in a second: each of so many people sends so many, who are known by then.
///
/// # Errors
/// When the database fails, or not every event is there in the end.
pub async fn intake(scratch: &Scratch, people: u32, events_each: u32) -> Result<Figure> {
    let start = Moment::from_seconds(1_800_000_000);
    let world = World::new(scratch, JOURNEYS, start).await?;
    world.import(people).await?;
    let working = world.take_in().await?;
    let count = people * events_each;
    let address = working.url.trim_start_matches("http://").to_owned();
    let requests: Vec<Vec<u8>> =
        (0..count / EACH).map(|number| request(&working.key, number * EACH, people, start)).collect();
    let sent = requests.len();
    let took = ask(&address, &Arc::new(requests), sent, CONNECTIONS).await?;
    working.end().await;
    world.store.close().await;
    let stored = u64::from(count / EACH * EACH);

    scratch.make_floor().await?;
    let mut line = scratch.floor_line().await?;
    let done = scratch.done();
    line.run(format!(
        "CREATE TABLE batch AS SELECT slot, contact, id,
        (row_number() OVER (ORDER BY received_at) - 1) / {FLOOR_BATCH} AS number FROM {done}.event"
    ))
    .await?;
    line.run("CREATE INDEX batch_number ON batch (number)".to_owned()).await?;
    line.run("ANALYZE batch".to_owned()).await?;
    let batches = 1 + line.number("SELECT max(number) FROM batch".to_owned()).await?;
    let watch = Stopwatch::start();
    let mut written = 0;
    for number in 0..batches {
        written += line
            .run(format!(
                "INSERT INTO event SELECT e.* FROM batch AS b CROSS JOIN {done}.event AS e WHERE b.number = {number}
                AND e.slot = b.slot AND e.contact = b.contact AND e.id = b.id"
            ))
            .await?;
    }
    let floor = watch.took();
    line.close().await?;
    if written != stored {
        return Err(BenchError::Wrong(format!("{written} of {stored} events are there")));
    }
    let (reached, floor) = (rate(stored, took), rate(stored, floor));
    Ok(Figure { what: "events by /v1/batch".to_owned(), unit: "events/s", reached, floor })
}

fn request(key: &str, first: u32, people: u32, at: Moment) -> Vec<u8> {
    let event = |number: u32| {
        json!({
            "type": "track", "event": "product_viewed", "userId": (number % people).to_string(),
            "messageId": format!("bench-{number}"), "timestamp": at.to_string(),
            "properties": { "path": format!("/shop/{}", number % 97) },
        })
    };
    let body = json!({ "batch": (first..first + EACH).map(event).collect::<Vec<_>>() }).to_string();
    let key = base64::engine::general_purpose::STANDARD.encode(format!("{key}:"));
    format!(
        "POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Basic {key}\r\n\
        content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
