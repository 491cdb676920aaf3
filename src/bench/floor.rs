//! The floor of turns: bare SQL in sets that writes the rows that the program wrote, taken from its own tables, in
//! batches of the same size, each one transaction with one statement a table.

use std::time::Duration;

use super::line::Line;
use super::turns::{BATCH, TURNS, WAIT_SECONDS};
use super::{BenchError, Result, Scratch, Stopwatch};
use crate::time::Moment;

/// Makes the floor's tables as the program's were before the first turn.
pub(super) async fn begin(scratch: &Scratch) -> Result<()> {
    scratch.make_floor().await?;
    let mut line = scratch.floor_line().await?;
    let done = scratch.done();
    line.run(format!("INSERT INTO event SELECT * FROM {done}.event WHERE pending")).await?;
    line.close().await
}

/// Writes what the journeys wrote since [`begin`], over so many connections, and says how long that took.
pub(super) async fn turns(scratch: &Scratch, lines: usize, start: Moment) -> Result<Duration> {
    let done = scratch.done();
    let mut line = scratch.floor_line().await?;
    // Which people are in which batch is no work of the floor's: they enter in the order in which they signed up, and
    // their timers, which are all due at once, come in the order of their keys.
    // On a server both are taken slot by slot.
    let entering = if scratch.is_shared() { "r.slot, e.received_at" } else { "e.received_at" };
    for (table, order) in [("entering", entering), ("waiting", "r.slot, r.contact")] {
        line.run(format!(
            "CREATE TABLE {table} AS SELECT r.slot, r.contact, r.id AS run,
            (row_number() OVER (ORDER BY {order}) - 1) / {BATCH} AS number FROM event AS e
            JOIN {done}.run AS r ON r.slot = e.slot AND r.contact = e.contact"
        ))
        .await?;
        line.run(format!("CREATE INDEX {table}_number ON {table} (number)")).await?;
        line.run(format!("ANALYZE {table}")).await?;
    }
    line.run("ANALYZE event".to_owned()).await?;
    let batches = 1 + line.number("SELECT max(number) FROM entering".to_owned()).await?;
    let mut all = vec![line];
    while all.len() < lines {
        all.push(scratch.floor_line().await?);
    }
    let mut took = Duration::ZERO;
    for turn in 0..TURNS {
        let from = start.plus_seconds(turn * WAIT_SECONDS);
        let watch = Stopwatch::start();
        let mut tasks = tokio::task::JoinSet::new();
        for (number, mut line) in all.drain(..).enumerate() {
            let numbers: Vec<i64> = (0..batches).skip(number).step_by(lines).collect();
            tasks.spawn(async move {
                for number in numbers {
                    batch(&mut line, done, turn, number, from).await?;
                }
                Ok::<_, BenchError>(line)
            });
        }
        while let Some(ended) = tasks.join_next().await {
            all.push(ended.map_err(std::io::Error::other)??);
        }
        took += watch.took();
    }
    for line in all {
        line.close().await?;
    }
    Ok(took)
}

async fn batch(line: &mut Line, done: &str, turn: i64, number: i64, from: Moment) -> Result<()> {
    let table = if turn == 0 { "entering" } else { "waiting" };
    let until = from.plus_seconds(WAIT_SECONDS).micros();
    let from = from.micros();
    line.run("BEGIN".to_owned()).await?;
    let runs = if turn == 0 {
        line.run(format!(
            "UPDATE event SET pending = FALSE FROM {table} AS b WHERE b.number = {number}
            AND event.slot = b.slot AND event.contact = b.contact"
        ))
        .await?;
        line.run(format!(
            "INSERT INTO run SELECT r.* FROM {table} AS b CROSS JOIN {done}.run AS r
            WHERE r.slot = b.slot AND r.contact = b.contact AND r.id = b.run AND b.number = {number}"
        ))
        .await?
    } else {
        line.run(format!(
            "UPDATE run SET turn = {turn}, place = place + 1, steps = steps + 1, wake_at = {until},
            state = run.state || ' ' FROM {table} AS b WHERE b.number = {number} AND run.slot = b.slot
            AND run.contact = b.contact AND run.id = b.run"
        ))
        .await?
    };
    let history = line
        .run(format!(
            "INSERT INTO history SELECT h.* FROM {table} AS b CROSS JOIN {done}.history AS h
            WHERE h.slot = b.slot AND h.run = b.run AND b.number = {number} AND h.at >= {from} AND h.at < {until}"
        ))
        .await?;
    line.run("COMMIT".to_owned()).await?;
    if runs == 0 || history < runs {
        return Err(BenchError::Wrong(format!("the floor wrote {runs} runs and {history} steps")));
    }
    Ok(())
}
