//! What whoever runs the program asks: how much is due, and whether anything may be handed over.

use super::rows::Columns;
use super::{Connection, failed, guard};
use crate::store::{Backlog, Hold, Result};
use crate::time::Moment;

/// Each kind is counted from an index, and only as far as `$2`.
pub(super) const BACKLOG: &str = concat!(
    "SELECT ",
    counted!("event" WHERE "pending"; LIMIT "$2"),
    " + ",
    counted!("run" WHERE "wake_at <= $1"; LIMIT "$2"),
    " + ",
    counted!("watch" WHERE "due_at <= $1"; LIMIT "$2"),
    ",
    (SELECT count(*) FROM (SELECT 1 FROM message WHERE due_at <= $1 AND channel = 'email' LIMIT $2) AS counted),
    (SELECT count(*) FROM (SELECT 1 FROM message WHERE due_at <= $1 AND channel <> 'email' LIMIT $2) AS counted),
    (SELECT count(*) FROM (SELECT 1 FROM call WHERE due_at <= $1 LIMIT $2) AS counted),
    (SELECT count(*) FROM (SELECT 1 FROM message
        WHERE state IN ('unsure', 'refused') AND state = 'unsure' LIMIT $2) AS counted),
    (SELECT count(*) FROM (SELECT 1 FROM call WHERE state = 'dead' LIMIT $2) AS counted)"
);

pub(super) async fn backlog(connection: &mut Connection, now: Moment) -> Result<Backlog> {
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

pub(super) async fn held(connection: &mut Connection) -> Result<Option<Hold>> {
    let row = sqlx::query("SELECT since, why FROM hold").fetch_optional(&mut *connection).await;
    let Some(row) = row.map_err(failed)? else { return Ok(None) };
    let mut columns = Columns::of(&row, "hold");
    Ok(Some(Hold { since: columns.moment()?, why: columns.text()? }))
}

/// Holds everything; a hold that is there stays as it is.
pub(super) async fn hold(connection: &mut Connection, why: &str, now: Moment) -> Result<bool> {
    guard::house(connection).await?;
    let sql = "INSERT INTO hold (id, since, why) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING";
    let done = sqlx::query(sql).bind(now.micros()).bind(why).execute(&mut *connection).await;
    Ok(done.map_err(failed)?.rows_affected() == 1)
}

pub(super) async fn release(connection: &mut Connection) -> Result<bool> {
    let done = sqlx::query("DELETE FROM hold").execute(&mut *connection).await.map_err(failed)?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn workspace(connection: &mut Connection) -> Result<Option<String>> {
    let row = sqlx::query("SELECT name FROM workspace").fetch_optional(&mut *connection).await;
    let Some(row) = row.map_err(failed)? else { return Ok(None) };
    Ok(Some(Columns::of(&row, "workspace").text()?))
}

pub(super) async fn belong_to(connection: &mut Connection, workspace: &str) -> Result<()> {
    let sql =
        "INSERT INTO workspace (id, name) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name";
    sqlx::query(sql).bind(workspace).execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}
