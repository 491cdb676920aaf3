//! When contacts must be looked at for ways into journeys that time decides. While there are such ways every contact
//! has a row; those who were there before get theirs in batches, and new ones when they come.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::super::Result;
use super::bulk::Bulk;
use super::rows::{Columns, json};
use super::{failed, keys};
use crate::domain::{ContactId, Watch};
use crate::time::Moment;

pub(super) const DUE: &str =
    "SELECT contact FROM watch WHERE due_at <= $1 ORDER BY due_at, slot, contact LIMIT $2";

/// The contacts whose moment has come.
pub(super) async fn due(
    connection: &mut SqliteConnection,
    now: Moment,
    limit: u32,
) -> Result<Vec<ContactId>> {
    let found = sqlx::query(DUE).bind(now.micros()).bind(limit).fetch_all(&mut *connection).await;
    found.map_err(failed)?.iter().map(|row| Ok(ContactId(Columns::of(row, "watch").id()?))).collect()
}

pub(super) const WATCHED: &str =
    "SELECT w.contact, looked_at, due_at, state FROM json_each($1) AS k CROSS JOIN watch AS w
    WHERE w.slot = k.value ->> 0 AND w.contact = unhex(k.value ->> 1)";

/// What is remembered of contacts.
pub(super) async fn of(
    connection: &mut SqliteConnection,
    contacts: &[ContactId],
) -> Result<BTreeMap<ContactId, Watch>> {
    let found = sqlx::query(WATCHED).bind(keys::contacts(contacts)).fetch_all(&mut *connection).await;
    let read = |row| {
        let mut columns = Columns::of(row, "watch");
        let contact = ContactId(columns.id()?);
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
pub(super) async fn remember(
    connection: &mut SqliteConnection,
    watches: &[(ContactId, &Watch)],
) -> Result<()> {
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
pub(super) async fn begin(connection: &mut SqliteConnection, now: Moment) -> Result<()> {
    let sql = "INSERT INTO watching (id, begun_at, after_slot, after_contact) VALUES (1, $1, -1, x'')
        ON CONFLICT (id) DO UPDATE SET begun_at = excluded.begun_at, after_slot = excluded.after_slot,
        after_contact = excluded.after_contact";
    sqlx::query(sql).bind(now.micros()).execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

/// Watches nobody any more; rows that are there are looked at once more and then want nothing.
pub(super) async fn end(connection: &mut SqliteConnection) -> Result<()> {
    sqlx::query("DELETE FROM watching").execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

pub(super) const LAST_OF_BATCH: &str =
    "SELECT slot, id FROM contact WHERE (slot, id) > ($1, $2) ORDER BY slot, id LIMIT 1 OFFSET $3";
pub(super) const EXTEND: &str = "INSERT INTO watch (slot, contact, looked_at, due_at, state)
    SELECT slot, id, $1, $1, '{}' FROM contact WHERE (slot, id) > ($2, $3) AND (slot, id) <= ($4, $5)
    ON CONFLICT (slot, contact) DO UPDATE SET due_at = excluded.due_at
    WHERE due_at IS NULL OR due_at > excluded.due_at";

/// Gives the next contacts that were there before their row, so that they are looked at; `false` where everybody has
/// one, or where the last deployment is not among `known`, so that somebody else must go on.
pub(super) async fn extend(
    connection: &mut SqliteConnection,
    known: Moment,
    now: Moment,
    limit: u32,
) -> Result<bool> {
    let cursor =
        "SELECT after_slot, after_contact FROM watching WHERE after_slot IS NOT NULL AND begun_at <= $1";
    let found = sqlx::query(cursor).bind(known.micros()).fetch_optional(&mut *connection).await;
    let Some(row) = found.map_err(failed)? else { return Ok(false) };
    let mut columns = Columns::of(&row, "watching");
    let (slot, contact): (i64, Vec<u8>) = (columns.number()?, columns.get()?);
    let last = sqlx::query(LAST_OF_BATCH).bind(slot).bind(contact.as_slice()).bind(limit.saturating_sub(1));
    let last = match last.fetch_optional(&mut *connection).await.map_err(failed)? {
        Some(row) => {
            let mut columns = Columns::of(&row, "contact");
            Some((columns.number::<i64>()?, columns.get::<Vec<u8>>()?))
        }
        None => None,
    };
    let (to_slot, to_contact) = last.clone().unwrap_or((i64::MAX, Vec::new()));
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

pub(super) const NOTICE: &str = "INSERT INTO watch (slot, contact, looked_at, due_at, state)
    SELECT k.value ->> 0, unhex(k.value ->> 1), $2, $2, '{}' FROM json_each($1) AS k CROSS JOIN watching
    WHERE true ON CONFLICT (slot, contact) DO UPDATE SET looked_at = excluded.looked_at, due_at = excluded.due_at
    WHERE due_at IS NULL OR due_at > excluded.due_at";

/// Has contacts looked at that came or changed without anything happening to them, where contacts are watched. Moments
/// before do not count for what they are now.
pub(super) async fn notice<'a>(
    connection: &mut SqliteConnection,
    contacts: impl IntoIterator<Item = &'a ContactId>,
    now: Moment,
) -> Result<()> {
    let list = keys::contacts(contacts);
    sqlx::query(NOTICE).bind(list).bind(now.micros()).execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

pub(super) const GREET: &str = "INSERT INTO watch (slot, contact, looked_at, due_at, state)
    SELECT c.slot, c.id, created_at, created_at, '{}' FROM json_each($1) AS k CROSS JOIN watching
    CROSS JOIN contact AS c WHERE c.slot = k.value ->> 0 AND c.id = unhex(k.value ->> 1)
    ON CONFLICT (slot, contact) DO NOTHING";

/// Gives new contacts their row, where contacts are watched.
pub(super) async fn greet<'a>(
    connection: &mut SqliteConnection,
    contacts: impl IntoIterator<Item = &'a ContactId>,
) -> Result<()> {
    let list = keys::contacts(contacts);
    sqlx::query(GREET).bind(list).execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::super::people::NEXT_DUE;
    use super::super::testing::File;
    use super::*;

    #[tokio::test]
    async fn nobody_walks_over_all_contacts() {
        let file = File::new();
        let store = file.store().await;
        let mut transaction = store.writer.begin().await.unwrap();
        for (sql, allowed) in [
            // The index, in its order: whoever is parked is not in it.
            (DUE, "SEARCH watch USING COVERING INDEX watch_due"),
            (WATCHED, "SEARCH w USING PRIMARY KEY"),
            (NOTICE, "SCAN k VIRTUAL TABLE"),
            (GREET, "SEARCH c USING PRIMARY KEY"),
            (LAST_OF_BATCH, "SEARCH contact USING PRIMARY KEY"),
            (EXTEND, "SEARCH contact USING PRIMARY KEY"),
            (NEXT_DUE, "SEARCH watch USING COVERING INDEX watch_due"),
        ] {
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let rows = sqlx::query(explain).fetch_all(&mut *transaction).await.unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.try_get("detail").unwrap()).collect();
            assert!(steps.iter().any(|step| step.starts_with(allowed)), "{sql}: {steps:#?}");
            let walks = |step: &&String| {
                step.starts_with("SCAN")
                    && !step.contains("VIRTUAL TABLE")
                    && !step.contains("watching")
                    && !step.contains("CONSTANT ROW")
                    && !step.contains("INDEX")
            };
            assert_eq!(steps.iter().find(walks), None, "{sql}");
        }
    }
}
