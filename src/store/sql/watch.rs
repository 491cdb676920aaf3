//! When contacts must be looked at for ways into journeys that time decides. While there are such ways every contact
//! has a row; those who were there before get theirs in batches, and new ones when they come.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::bulk::Bulk;
use super::rows::{Columns, json};
use super::{Connection, failed, guard, keys};
use crate::domain::{ContactId, Watch};
use crate::store::Result;
use crate::time::Moment;

pub(in super::super) const DUE: &str =
    due!("contact" FROM "watch" WHERE ("due_at <= $1") ORDER BY "due_at", "contact"; LIMIT "$2", "$3", "$4");
/// The same without contacts for whom it matters that a plan cannot be read.
pub(in super::super) const READABLE_DUE: &str = due!("contact" FROM "watch"
    WHERE (concat!("due_at <= $1", readable!("$3", "$1"))) ORDER BY "due_at", "contact"; LIMIT "$2", "$4", "$5");

/// The contacts whose moment has come.
pub(super) async fn due(
    connection: &mut Connection,
    now: Moment,
    limit: u32,
    unreadable: &[u32],
    slots: &guard::Slots,
) -> Result<Vec<ContactId>> {
    let sql = if unreadable.is_empty() { DUE } else { READABLE_DUE };
    let mut statement = sqlx::query(sql).bind(now.micros()).bind(i64::from(limit));
    if !unreadable.is_empty() {
        statement = keys::numbers(unreadable.iter().copied()).bind(statement);
    }
    let found = slots.bind(statement).fetch_all(&mut *connection).await;
    found.map_err(failed)?.iter().map(|row| Ok(ContactId(Columns::of(row, "watch").id()?))).collect()
}

pub(in super::super) const WATCHED: &str = concat!(
    "SELECT w.contact, looked_at, due_at, state FROM ",
    contacts!("$1", "$2"),
    " CROSS JOIN watch AS w
    WHERE w.slot = k.slot AND w.contact = k.contact"
);

/// What is remembered of contacts.
pub(super) async fn of(
    connection: &mut Connection,
    contacts: &[ContactId],
) -> Result<BTreeMap<ContactId, Watch>> {
    let found = keys::contacts(contacts).bind(sqlx::query(WATCHED)).fetch_all(&mut *connection).await;
    let read = |row| {
        let mut columns = Columns::of(row, "watch");
        let contact = columns.contact()?;
        let (looked_at, due_at) = (columns.moment()?, columns.maybe_moment()?);
        Ok((contact, Watch { looked_at, due_at, state: columns.json()? }))
    };
    found.map_err(failed)?.iter().map(read).collect()
}

pub(super) const REMEMBER: Bulk = Bulk {
    head: "INSERT INTO watch (slot, contact, looked_at, due_at, state)",
    columns: 5,
    tail:
        "ON CONFLICT (slot, contact) DO UPDATE SET looked_at = excluded.looked_at, due_at = excluded.due_at,
        state = excluded.state",
};

/// Remembers what looking at contacts led to.
pub(super) async fn remember(connection: &mut Connection, watches: &[(ContactId, &Watch)]) -> Result<()> {
    REMEMBER
        .run(connection, watches, |statement, (contact, watch): &(ContactId, &Watch)| {
            statement
                .bind(contact.slot().0)
                .bind(contact.0)
                .bind(watch.looked_at.micros())
                .bind(watch.due_at.map(Moment::micros))
                .bind(json(&watch.state))
        })
        .await?;
    Ok(())
}

/// Begins to watch everybody; those who are there get their rows batch by batch.
pub(super) async fn begin(connection: &mut Connection, now: Moment) -> Result<()> {
    guard::versions(connection).await?;
    let sql = "INSERT INTO watching (id, begun_at, after_slot, after_contact) VALUES (1, $1, -1, $2)
        ON CONFLICT (id) DO UPDATE SET begun_at = excluded.begun_at, after_slot = excluded.after_slot,
        after_contact = excluded.after_contact";
    sqlx::query(sql).bind(now.micros()).bind(Uuid::nil()).execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

/// Watches nobody any more; rows that are there are looked at once more and then want nothing.
pub(super) async fn end(connection: &mut Connection) -> Result<()> {
    sqlx::query("DELETE FROM watching").execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

pub(in super::super) const LAST_OF_BATCH: &str =
    "SELECT slot, id FROM contact WHERE (slot, id) > ($1, $2) ORDER BY slot, id LIMIT 1 OFFSET $3";
pub(in super::super) const EXTEND: &str = "INSERT INTO watch (slot, contact, looked_at, due_at, state)
    SELECT slot, id, $1, $1, '{}' FROM contact WHERE (slot, id) > ($2, $3) AND (slot, id) <= ($4, $5)
    ON CONFLICT (slot, contact) DO UPDATE SET due_at = excluded.due_at
    WHERE watch.due_at IS NULL OR watch.due_at > excluded.due_at";

/// Gives the next contacts that were there before their row, so that they are looked at; `false` where everybody has
/// one, or where the last deployment is not among `known`, so that somebody else must go on.
pub(super) async fn extend(
    connection: &mut Connection,
    known: Moment,
    now: Moment,
    limit: u32,
) -> Result<bool> {
    let cursor = concat!(
        "SELECT after_slot, after_contact FROM watching WHERE after_slot IS NOT NULL AND begun_at <= $1",
        alone!()
    );
    let found = sqlx::query(cursor).bind(known.micros()).fetch_optional(&mut *connection).await;
    let Some(row) = found.map_err(failed)? else { return Ok(false) };
    let mut columns = Columns::of(&row, "watching");
    let (slot, contact): (i64, Uuid) = (columns.number()?, columns.id()?);
    let last = sqlx::query(LAST_OF_BATCH).bind(slot).bind(contact).bind(i64::from(limit.saturating_sub(1)));
    let last = match last.fetch_optional(&mut *connection).await.map_err(failed)? {
        Some(row) => {
            let mut columns = Columns::of(&row, "contact");
            Some((columns.number::<i64>()?, columns.id()?))
        }
        None => None,
    };
    let (to_slot, to_contact) = last.unwrap_or((i64::MAX, Uuid::nil()));
    sqlx::query(EXTEND)
        .bind(now.micros())
        .bind(slot)
        .bind(contact)
        .bind(to_slot)
        .bind(to_contact)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let (slot, contact) = last.unzip();
    let go_on = "UPDATE watching SET after_slot = $1, after_contact = $2";
    sqlx::query(go_on).bind(slot).bind(contact).execute(&mut *connection).await.map_err(failed)?;
    Ok(true)
}

pub(in super::super) const NOTICE: &str = concat!("INSERT INTO watch (slot, contact, looked_at, due_at, state)
    SELECT k.slot, k.contact, $1, $1, '{}' FROM ", contacts!("$2", "$3"), " CROSS JOIN watching
    WHERE true ON CONFLICT (slot, contact) DO UPDATE SET looked_at = excluded.looked_at, due_at = excluded.due_at
    WHERE watch.due_at IS NULL OR watch.due_at > excluded.due_at");

/// Has contacts looked at that came or changed without anything happening to them, where contacts are watched. Moments
/// before do not count for what they are now.
pub(super) async fn notice<'a>(
    connection: &mut Connection,
    contacts: impl IntoIterator<Item = &'a ContactId>,
    now: Moment,
) -> Result<()> {
    let statement = keys::contacts(contacts).bind(sqlx::query(NOTICE).bind(now.micros()));
    statement.execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

pub(in super::super) const GREET: &str = concat!(
    "INSERT INTO watch (slot, contact, looked_at, due_at, state)
    SELECT c.slot, c.id, created_at, created_at, '{}' FROM ",
    contacts!("$1", "$2"),
    " CROSS JOIN watching
    CROSS JOIN contact AS c WHERE c.slot = k.slot AND c.id = k.contact
    ON CONFLICT (slot, contact) DO NOTHING"
);

/// Gives new contacts their row, where contacts are watched.
pub(super) async fn greet<'a>(
    connection: &mut Connection,
    contacts: impl IntoIterator<Item = &'a ContactId>,
) -> Result<()> {
    let statement = keys::contacts(contacts).bind(sqlx::query(GREET));
    statement.execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}
