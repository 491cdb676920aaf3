//! Durable turns on SQLite, beside bare set-based SQL that writes the same rows in batches of the same size with the
//! same durability.

use std::path::Path;
use std::time::{Duration, Instant};

use lotse::domain::{Attributes, EventKind};
use lotse::runtime::event_id;
use lotse::store::{Arrival, ArrivalKind, Identity, audit};
use lotse::time::{Clock, Moment, TimeZone};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::world::{DATABASE, World};
use super::{figure, rate};

const PEOPLE: u32 = 100_000;
const BATCH: u32 = 4_000;
/// Turns of each person: the entry, and one behind each wait.
const TURNS: i64 = 4;

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

pub async fn run() {
    let folder = tempfile::tempdir().unwrap();
    let start = Moment::from_seconds(1_800_000_000);
    let world = World::new(folder.path(), JOURNEYS, start).await;
    let people: Vec<u32> = (0..PEOPLE).collect();
    world.import(&people).await;
    for some in people.chunks(5_000) {
        let mut unit = world.store.write().await.unwrap();
        unit.take_in(some.iter().map(|person| sign_up(*person, start)).collect()).await.unwrap();
        unit.commit().await.unwrap();
    }
    // The floor begins where the journeys begin.
    let floor_file = folder.path().join("floor.db");
    copy(&folder.path().join(DATABASE), &floor_file).await;

    let mut took = Duration::ZERO;
    let mut steps = 0;
    for turn in 0..TURNS {
        world.clock.set(start.plus_seconds(turn * 3_600 + 1));
        let begun = Instant::now();
        while {
            let tick = world.runtime.tick(world.clock.now(), BATCH).await.unwrap();
            steps += tick.steps;
            tick.more
        } {}
        took += begun.elapsed();
    }
    let audit = audit(&mut *world.store.read().await.unwrap(), &TimeZone::UTC).await.unwrap();
    assert_eq!((audit.ended, audit.broken.len()), (u64::from(PEOPLE), 0), "{audit:?}");
    world.store.close().await;

    let floor = floor(&floor_file, &folder.path().join(DATABASE), start).await;
    let turns = PEOPLE as usize * TURNS as usize;
    figure("transitions on SQLite", rate(turns, took), rate(turns, floor), "turns/s", "0.30");
    println!(
        "  {turns} turns, {steps} steps, in {:.2} s; the floor took {:.2} s",
        took.as_secs_f64(),
        floor.as_secs_f64()
    );
}

fn sign_up(person: u32, now: Moment) -> Arrival {
    Arrival {
        id: event_id("bench", &person.to_string(), Some(now)),
        who: Identity { external_id: Some(person.to_string()), anonymous_id: None, email: None },
        kind: ArrivalKind::Event(EventKind::Track, "signed_up".to_owned()),
        at: now,
        received_at: now.plus_micros(i64::from(person)),
        properties: Attributes::new(),
    }
}

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "4000")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-65536")
        .connect()
        .await
        .unwrap()
}

async fn run_sql(connection: &mut SqliteConnection, sql: String) -> u64 {
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(connection).await.unwrap().rows_affected()
}

async fn copy(from: &Path, to: &Path) {
    let mut connection = connect(from).await;
    run_sql(&mut connection, format!("VACUUM INTO '{}'", to.display())).await;
    connection.close().await.unwrap();
}

/// Writes what the journeys wrote, taken from their own database: for each turn and each batch of people one
/// transaction with one statement a table.
async fn floor(file: &Path, written: &Path, start: Moment) -> Duration {
    let mut connection = connect(file).await;
    run_sql(&mut connection, format!("ATTACH '{}' AS done", written.display())).await;
    // Which people are in which batch is no work of the floor's: they enter in the order in which they signed up, and
    // their timers, which are all due at once, come in the order of their keys.
    for (table, order) in [("entering", "e.received_at"), ("waiting", "r.slot, r.contact")] {
        let sql = format!(
            "CREATE TEMP TABLE {table} AS SELECT r.slot, r.contact, r.id AS run,
            (row_number() OVER (ORDER BY {order}) - 1) / {BATCH} AS number FROM done.run AS r
            JOIN done.event AS e ON e.slot = r.slot AND e.contact = r.contact AND e.name = 'signed_up'"
        );
        run_sql(&mut connection, sql).await;
        run_sql(&mut connection, format!("CREATE INDEX temp.{table}_number ON {table} (number)")).await;
    }
    let row = sqlx::query("SELECT max(number) FROM temp.entering").fetch_one(&mut connection).await.unwrap();
    let batches: i64 = row.get::<i64, _>(0) + 1;
    let mut took = Duration::ZERO;
    for turn in 0..TURNS {
        let table = if turn == 0 { "entering" } else { "waiting" };
        let (from, until) = (start.plus_seconds(turn * 3_600), start.plus_seconds((turn + 1) * 3_600));
        for number in 0..batches {
            let begun = Instant::now();
            run_sql(&mut connection, "BEGIN IMMEDIATE".to_owned()).await;
            let runs = if turn == 0 {
                run_sql(
                    &mut connection,
                    format!("UPDATE event SET pending = 0 FROM temp.{table} AS b WHERE b.number = {number} AND event.slot = b.slot AND event.contact = b.contact"),
                )
                .await;
                run_sql(
                    &mut connection,
                    format!("INSERT INTO main.run SELECT r.* FROM temp.{table} AS b CROSS JOIN done.run AS r ON r.slot = b.slot AND r.contact = b.contact AND r.id = b.run WHERE b.number = {number}"),
                )
                .await
            } else {
                run_sql(
                    &mut connection,
                    format!("UPDATE run SET turn = {turn}, place = place + 1, steps = steps + 1, wake_at = {}, state = run.state || ' ' FROM temp.{table} AS b WHERE b.number = {number} AND run.slot = b.slot AND run.contact = b.contact AND run.id = b.run", until.micros()),
                )
                .await
            };
            let history = run_sql(
                &mut connection,
                format!("INSERT INTO main.history SELECT h.* FROM temp.{table} AS b CROSS JOIN done.history AS h ON h.slot = b.slot AND h.run = b.run WHERE b.number = {number} AND h.at >= {} AND h.at < {}", from.micros(), until.micros()),
            )
            .await;
            run_sql(&mut connection, "COMMIT".to_owned()).await;
            took += begun.elapsed();
            assert!(runs > 0 && history >= runs, "turn {turn}: {runs} runs, {history} steps");
        }
    }
    connection.close().await.unwrap();
    took
}
