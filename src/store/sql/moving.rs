//! Those who are inside another version of a journey than the one in force, where that one takes them over: they are told
//! to look, in pieces.

use uuid::Uuid;

use super::rows::Columns;
use super::{Connection, failed, guard};
use crate::store::{Result, Woken};
use crate::time::Moment;

/// Begins from the first contact.
pub(super) async fn begin(
    connection: &mut Connection,
    journey: &str,
    version: u32,
    now: Moment,
) -> Result<()> {
    guard::versions(connection).await?;
    end(connection, journey).await?;
    let sql = "INSERT INTO moving (journey, version, begun_at, after_slot, after_contact, woken)
        VALUES ($1, $2, $3, -1, $4, 0)";
    let statement = sqlx::query(sql).bind(journey).bind(i64::from(version)).bind(now.micros());
    statement.bind(Uuid::nil()).execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Tells nobody inside a journey any more.
pub(super) async fn end(connection: &mut Connection, journey: &str) -> Result<()> {
    let statement = sqlx::query("DELETE FROM moving WHERE journey = $1").bind(journey);
    statement.execute(connection).await.map_err(failed)?;
    Ok(())
}

const NEXT: &str = concat!(
    "SELECT journey, version, after_slot, after_contact, woken FROM moving WHERE begun_at <= $1
    ORDER BY journey LIMIT 1",
    alone!()
);
pub(in super::super) const LAST_OF_PIECE: &str =
    "SELECT slot, contact FROM run WHERE (slot, contact) > ($1, $2)
    ORDER BY slot, contact LIMIT 1 OFFSET $3";
/// Runs that wait say so by their moment; held ones and ended ones have none. It is asked in a way that the index of what
/// is due does not answer, for that would lead over all that waits in a slot.
pub(in super::super) const WAKE: &str = "UPDATE run SET wake_at = $7 WHERE (slot, contact) > ($1, $2)
    AND (slot, contact) <= ($3, $4) AND journey = $5 AND version <> $6 AND arm = 'treated'
    AND coalesce(wake_at, -9223372036854775807) > -9223372036854775807";

/// Has the next runs looked at; nothing where all have been, somebody else is just at it, or the last deployment is not
/// among `known`.
pub(super) async fn wake(
    connection: &mut Connection,
    known: Moment,
    now: Moment,
    limit: u32,
) -> Result<Option<Woken>> {
    let found = sqlx::query(NEXT).bind(known.micros()).fetch_optional(&mut *connection).await;
    let Some(row) = found.map_err(failed)? else { return Ok(None) };
    let mut columns = Columns::of(&row, "moving");
    let (journey, version) = (columns.text()?, columns.number::<i64>()?);
    let (slot, contact): (i32, Uuid) = (columns.number()?, columns.id()?);
    let before: u64 = columns.number()?;
    let last = sqlx::query(LAST_OF_PIECE).bind(slot).bind(contact).bind(i64::from(limit.saturating_sub(1)));
    let last = match last.fetch_optional(&mut *connection).await.map_err(failed)? {
        Some(row) => {
            let mut columns = Columns::of(&row, "run");
            Some((columns.number::<i32>()?, columns.id()?))
        }
        None => None,
    };
    let (to_slot, to_contact) = last.unwrap_or((i32::MAX, Uuid::nil()));
    // A turn that is made meanwhile would write the moment that it has known over this one.
    guard::slots_between(connection, slot, to_slot).await?;
    let statement = sqlx::query(WAKE).bind(slot).bind(contact).bind(to_slot).bind(to_contact);
    let statement = statement.bind(journey.as_str()).bind(version).bind(now.micros());
    let woken = statement.execute(&mut *connection).await.map_err(failed)?.rows_affected();
    let woken = before + woken;
    match last {
        Some((slot, contact)) => {
            let sql = "UPDATE moving SET after_slot = $2, after_contact = $3, woken = $4 WHERE journey = $1";
            let statement = sqlx::query(sql).bind(journey.as_str()).bind(slot).bind(contact);
            let statement = statement.bind(i64::try_from(woken).unwrap_or(i64::MAX));
            statement.execute(&mut *connection).await.map_err(failed)?;
        }
        None => end(connection, &journey).await?,
    }
    Ok(Some(Woken { journey, woken, is_done: last.is_none() }))
}
