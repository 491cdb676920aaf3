//! Durable turns: people who sign up and go through a drip of waits, nothing else.

use std::sync::Arc;
use std::time::Duration;

use super::{BenchError, Figure, Result, Scratch, Stopwatch, World, floor, rate};
use crate::runtime::Runtime;
use crate::store::StoreError;
use crate::time::{Clock, Moment};

/// Events or timers in a batch, as the scheduler takes them where there is a backlog.
pub(super) const BATCH: u32 = 2_000;
/// Turns of each person: the entry, and one behind each wait.
pub(super) const TURNS: i64 = 4;
pub(super) const WAIT_SECONDS: i64 = 3_600;
/// How long it is waited for what another batch is just at.
const ELSEWHERE: Duration = Duration::from_millis(2);

const JOURNEYS: &str = r#"
contact { }
event signed_up { }
event bought { }
topic news "News"
journey drip "Drip" {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage drip { wait 1 hour  wait 1 hour  wait 1 hour  end }
}
"#;

/// How turns are measured.
#[derive(Clone, Copy, Debug)]
pub struct TurnsBench {
    /// How many people go through the journey.
    pub people: u32,
    /// How many batches are under way at a time, for the program and for the floor; a file takes one.
    pub at_once: usize,
    /// What is in the tables before.
    pub backlog: super::Backlog,
    /// Whether the floor is measured too.
    pub floor: bool,
}

/// Measures turns in a second.
///
/// # Errors
/// When the database fails, or not everybody went through.
pub async fn turns(scratch: &Scratch, bench: TurnsBench) -> Result<Figure> {
    let start = Moment::from_seconds(1_800_000_000);
    let world = World::new(scratch, JOURNEYS, start).await?;
    super::fill(scratch, bench.backlog, start).await?;
    world.import(bench.people).await?;
    world.sign_up(bench.people).await?;
    if bench.floor {
        floor::begin(scratch).await?;
    }
    let mut took = Duration::ZERO;
    for turn in 0..TURNS {
        world.clock.set(start.plus_seconds(turn * WAIT_SECONDS + 1));
        let watch = Stopwatch::start();
        move_all(&world, bench.at_once).await?;
        took += watch.took();
    }
    world.store.close().await;
    let mut line = scratch.line().await?;
    let ended = format!("SELECT count(*) FROM run WHERE turn = {TURNS} AND ended_at > {}", start.micros());
    let ended = line.number(ended).await?;
    line.close().await?;
    if ended != i64::from(bench.people) {
        return Err(BenchError::Wrong(format!("{ended} of {} people went through", bench.people)));
    }
    let turns = u64::from(bench.people) * TURNS.unsigned_abs();
    let floor =
        if bench.floor { rate(turns, floor::turns(scratch, bench.at_once, start).await?) } else { f64::NAN };
    Ok(Figure { what: "durable turns".to_owned(), unit: "turns/s", reached: rate(turns, took), floor })
}

/// Moves everybody who is due.
async fn move_all(world: &World, at_once: usize) -> Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (runtime, now) = (Arc::clone(&world.runtime), world.clock.now());
        tasks.spawn(async move { move_some(&runtime, now).await });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(std::io::Error::other)??;
    }
    Ok(())
}

async fn move_some(runtime: &Runtime, now: Moment) -> Result<()> {
    loop {
        match runtime.tick(now, BATCH).await {
            Ok(tick) if tick.more => {}
            Ok(_) => {
                let next = runtime.store().read().await?.next_due().await?;
                if next.turns.is_none_or(|next| next > now) {
                    return Ok(());
                }
                tokio::time::sleep(ELSEWHERE).await;
            }
            Err(StoreError::Overtaken | StoreError::Busy) if runtime.store().is_shared() => {}
            Err(error) => return Err(error.into()),
        }
    }
}
