//! Tables as they are after years: filled by SQL, with rows such as the program writes.

use super::line::Line;
use super::{Result, Scratch};
use crate::time::Moment;

/// Contacts that have been there before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many; each of them waits in one run, for years to come.
    pub contacts: u32,
    /// How many runs each of them has ended.
    pub ended_each: u32,
}

/// Fills the tables of a scratch database.
///
/// # Errors
/// When the database fails.
pub async fn fill(scratch: &Scratch, backlog: Backlog, now: Moment) -> Result<()> {
    if backlog == Backlog::default() {
        return Ok(());
    }
    let mut line = scratch.line().await?;
    let words = Words::of(&line);
    let (contacts, ended) = (backlog.contacts, backlog.ended_each);
    let (before, after) =
        (now.micros() - 400 * 86_400_000_000_i64, now.micros() + 4_000 * 86_400_000_000_i64);
    // Ids begin with a moment; the slot comes from the number alone here, which nobody asks about.
    let (contact, run) = (words.id("i", "1"), words.id("i * 100 + j", "2"));
    line.run(format!(
        "INSERT INTO contact (slot, id, external_id, email, created_at, tags, attributes)
        SELECT i % 256, {contact}, 'old-' || i, 'old-' || i || '@example.org', {before}, '[]', '{{}}' FROM {}",
        words.series("i", 1, contacts)
    ))
    .await?;
    line.run(format!(
        "INSERT INTO run (slot, contact, id, journey, version, key, arm, place, turn, steps, entered_at, wake_at,
        goal_until, ended_at, outcome, state)
        SELECT i % 256, {contact}, {run}, 'drip', 1, '', 'treated', 3, 4, 8, {before} + i,
        CASE WHEN j = 0 THEN {after} + i END, NULL, CASE WHEN j > 0 THEN {before} + i + j * 3600000000 END,
        CASE WHEN j > 0 THEN 'ended' END, '{{}}' FROM {} CROSS JOIN {}",
        words.series("i", 1, contacts),
        words.series("j", 0, ended)
    ))
    .await?;
    line.run(format!(
        "INSERT INTO history (slot, run, number, at, version, place, kind, detail)
        SELECT i % 256, {run}, 0, {before} + i, 1, 0, 'entered', '' FROM {} CROSS JOIN {}",
        words.series("i", 1, contacts),
        words.series("j", 0, ended)
    ))
    .await?;
    words.settle(&mut line).await?;
    line.close().await
}

/// What the two databases say differently.
#[derive(Clone, Copy)]
enum Words {
    Sqlite,
    Postgres,
}

impl Words {
    fn of(line: &Line) -> Self {
        match line {
            Line::Sqlite(_) => Self::Sqlite,
            Line::Postgres(_) => Self::Postgres,
        }
    }

    fn series(self, name: &str, from: u32, to: u32) -> String {
        match self {
            Self::Sqlite => format!(
                "(WITH RECURSIVE s ({name}) AS (SELECT {from} UNION ALL SELECT {name} + 1 FROM s WHERE {name} < {to})
                SELECT {name} FROM s)"
            ),
            Self::Postgres => format!("generate_series({from}::bigint, {to}::bigint) AS {name}"),
        }
    }

    fn id(self, number: &str, kind: &str) -> String {
        match self {
            Self::Sqlite => format!("unhex(printf('%012x{kind:0>20}', {number}))"),
            Self::Postgres => format!("(lpad(to_hex({number}), 12, '0') || '{kind:0>20}')::uuid"),
        }
    }

    /// Has the database do now what it would do by and by.
    async fn settle(self, line: &mut Line) -> Result<()> {
        match self {
            Self::Sqlite => line.run("PRAGMA wal_checkpoint(TRUNCATE)".to_owned()).await?,
            Self::Postgres => {
                line.run("VACUUM ANALYZE".to_owned()).await?;
                line.run("CHECKPOINT".to_owned()).await?
            }
        };
        Ok(())
    }
}
