//! What whoever runs the program asks: how much is due, and whether anything may be handed over.

use sqlx::{Row, SqliteConnection};

use super::super::{Backlog, Hold, Result};
use super::failed;
use super::rows::Columns;
use crate::time::Moment;

/// Each kind is counted from an index, and only as far as `$2`.
pub(super) const BACKLOG: &str = "SELECT
    (SELECT count(*) FROM (SELECT 1 FROM event WHERE pending = 1 LIMIT $2))
        + (SELECT count(*) FROM (SELECT 1 FROM run WHERE wake_at <= $1 LIMIT $2))
        + (SELECT count(*) FROM (SELECT 1 FROM watch WHERE due_at <= $1 LIMIT $2)),
    (SELECT count(*) FROM (SELECT 1 FROM message WHERE due_at <= $1 AND channel = 'email' LIMIT $2)),
    (SELECT count(*) FROM (SELECT 1 FROM message WHERE due_at <= $1 AND channel <> 'email' LIMIT $2)),
    (SELECT count(*) FROM (SELECT 1 FROM call WHERE due_at <= $1 LIMIT $2)),
    (SELECT count(*) FROM (SELECT 1 FROM message
        WHERE state IN ('unsure', 'refused') AND state = 'unsure' LIMIT $2)),
    (SELECT count(*) FROM (SELECT 1 FROM call WHERE state = 'dead' LIMIT $2))";

pub(super) async fn backlog(connection: &mut SqliteConnection, now: Moment) -> Result<Backlog> {
    let most = i64::try_from(Backlog::COUNTED_MAX).unwrap_or(i64::MAX);
    let statement = sqlx::query(BACKLOG).bind(now.micros()).bind(most);
    let row = statement.fetch_one(&mut *connection).await.map_err(failed)?;
    let mut columns = Columns::of(&row, "message");
    Ok(Backlog {
        turns: columns.number()?,
        mails: columns.number()?,
        over_http: columns.number()?,
        calls: columns.number()?,
        unsure: columns.number()?,
        dead: columns.number()?,
    })
}

pub(super) async fn held(connection: &mut SqliteConnection) -> Result<Option<Hold>> {
    let row = sqlx::query("SELECT since, why FROM hold").fetch_optional(&mut *connection).await;
    let Some(row) = row.map_err(failed)? else { return Ok(None) };
    let mut columns = Columns::of(&row, "hold");
    Ok(Some(Hold { since: columns.moment()?, why: columns.text()? }))
}

/// Holds everything; a hold that is there stays as it is.
pub(super) async fn hold(connection: &mut SqliteConnection, why: &str, now: Moment) -> Result<bool> {
    let sql = "INSERT INTO hold (id, since, why) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING";
    let done = sqlx::query(sql).bind(now.micros()).bind(why).execute(&mut *connection).await;
    Ok(done.map_err(failed)?.rows_affected() == 1)
}

pub(super) async fn release(connection: &mut SqliteConnection) -> Result<bool> {
    let done = sqlx::query("DELETE FROM hold").execute(&mut *connection).await.map_err(failed)?;
    Ok(done.rows_affected() == 1)
}

/// Counts what leaves the house, so that a file beside the database can tell whether it came from a backup.
pub(super) async fn left_the_house(connection: &mut SqliteConnection, count: usize) -> Result<()> {
    if count > 0 {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let statement = sqlx::query("UPDATE instance SET sent = sent + $1").bind(count);
        statement.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// The name of the database, which is `new` where it had none, and how much has left the house from it.
pub(super) async fn instance(connection: &mut SqliteConnection, new: &str) -> Result<(String, u64)> {
    let sql = "INSERT INTO instance (id, name, sent) VALUES (1, $1, 0) ON CONFLICT (id) DO NOTHING";
    sqlx::query(sql).bind(new).execute(&mut *connection).await.map_err(failed)?;
    sent(connection).await.map(|found| found.unwrap_or_else(|| (new.to_owned(), 0)))
}

/// The name of the database and how much has left the house from it; nothing where it has no name.
pub(super) async fn sent(connection: &mut SqliteConnection) -> Result<Option<(String, u64)>> {
    let row = sqlx::query("SELECT name, sent FROM instance").fetch_optional(&mut *connection).await;
    let Some(row) = row.map_err(failed)? else { return Ok(None) };
    let sent: i64 = row.try_get(1).map_err(failed)?;
    Ok(Some((row.try_get(0).map_err(failed)?, sent.unsigned_abs())))
}

#[cfg(test)]
mod tests {
    use super::super::testing::File;
    use crate::store::{Store, StoreError};
    use crate::time::Moment;

    #[tokio::test]
    async fn a_full_disk_costs_nothing_but_what_was_not_written() {
        let file = File::new();
        let store = file.store().await;
        store.limit_pages().await;
        let big = ("too much".to_owned(), "x".repeat(1 << 20));
        let mut unit = store.write().await.unwrap();
        let full = match unit.quarantine(Moment::from_seconds(1), vec![big.clone()]).await {
            Ok(()) => unit.commit().await,
            full => {
                drop(unit);
                full
            }
        };
        assert!(matches!(full, Err(StoreError::DiskFull)), "{full:?}");
        store.lift_limit().await;
        let mut unit = store.write().await.unwrap();
        unit.quarantine(Moment::from_seconds(2), vec![big]).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(store.read().await.unwrap().quarantined(10).await.unwrap().len(), 1);
    }
}
