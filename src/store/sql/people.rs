//! Contacts and their stories.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::rows::{self, Columns, slot};
use super::{Connection, Row, Statement, contacts, failed, identity, keys, turns};
use crate::domain::{CallId, Contact, ContactId, GoalReached, HistoryStep, Permission, Run, RunId};
use crate::store::identity::{NameKind, NameOf};
use crate::store::{MessageKey, NextDue, Result, StoredCall, StoredEvent, StoredMessage, Who};

/// The columns that [`rows::stored_call`] reads.
pub(super) const CALL: &str =
    "call.contact, call.id, run, journey, version, place, step, stage, kind, target, with_values,
    assigned_to, decided_at, state, attempts, due_at, settled_at, status, answer, lead.accepted FROM call
    LEFT JOIN lead ON lead.slot = call.slot AND lead.contact = call.contact AND lead.call = call.id";
/// The columns that [`rows::stored_message`] reads.
pub(super) const MESSAGE: &str =
    "contact, id, run, journey, version, place, step, channel, message, topic, essential, address,
    with_values, state, reason, decided_at, wanted_at, attempts, due_at, handed_over_at, settled_at, answer,
    resent_at, opened_at, clicked_at, timezone FROM message";

/// Of calls, and of messages whose order is kept, the first that no other holds up: what waits behind another is
/// due when that one is settled.
pub(in super::super) const NEXT_DUE: &str = concat!(
    "SELECT ",
    earliest!("received_at" FROM "event" WHERE "pending"),
    ", ",
    earliest!("wake_at" FROM "run" WHERE "wake_at IS NOT NULL"),
    ",
    (SELECT min(due_at) FROM message WHERE due_at IS NOT NULL AND channel = 'email'),
    (SELECT due_at FROM message WHERE due_at IS NOT NULL AND channel <> 'email'
        AND NOT EXISTS (SELECT 1 FROM message AS earlier WHERE earlier.slot = message.slot
        AND earlier.contact = message.contact AND earlier.channel = message.channel
        AND earlier.state IN ('decided', 'handed_over')
        AND (earlier.decided_at, earlier.step, earlier.id) < (message.decided_at, message.step, message.id))
        ORDER BY due_at LIMIT 1),
    (SELECT due_at FROM call WHERE due_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM call AS earlier WHERE earlier.slot = call.slot
        AND earlier.contact = call.contact AND earlier.target = call.target AND earlier.state = 'pending'
        AND (earlier.decided_at, earlier.step, earlier.id) < (call.decided_at, call.step, call.id))
        ORDER BY due_at LIMIT 1), ",
    earliest!("due_at" FROM "watch" WHERE "due_at IS NOT NULL")
);

pub(super) async fn next_due(connection: &mut Connection) -> Result<NextDue> {
    let row = sqlx::query(NEXT_DUE).fetch_one(&mut *connection).await.map_err(failed)?;
    let mut columns = Columns::of(&row, "run");
    let (events, runs) = (columns.maybe_moment()?, columns.maybe_moment()?);
    let (mails, over_http, calls) =
        (columns.maybe_moment()?, columns.maybe_moment()?, columns.maybe_moment()?);
    let turns = [events, runs, columns.maybe_moment()?].into_iter().flatten().min();
    Ok(NextDue { turns, mails, over_http, calls })
}

pub(super) async fn find(connection: &mut Connection, who: &Who) -> Result<Option<Contact>> {
    let contact = match who {
        Who::Id(id) => Some(*id),
        Who::Email(address) => one_named(connection, NameOf::new(NameKind::Email, address.key())).await?,
        Who::External(id) => one_named(connection, NameOf::new(NameKind::External, id.as_str())).await?,
    };
    // Also a name may still mean a contact as it was.
    let now = identity::are_now(connection, contact.into_iter().collect()).await?;
    Ok(contacts::load(connection, &now).await?.into_values().next())
}

async fn one_named(connection: &mut Connection, name: NameOf) -> Result<Option<ContactId>> {
    Ok(identity::named(connection, [name].into()).await?.into_values().next())
}

pub(super) const AFTER: &str =
    "SELECT id, external_id, email, phone, timezone, language, created_at, tags, attributes, suppressed
    FROM contact WHERE (slot, id) > ($1, $2) ORDER BY slot, id LIMIT $3";

/// The rows that [`rows::contact`] reads of the contacts behind one, in pages: by [`AFTER`] or its like.
pub(super) async fn rows_after(
    connection: &mut Connection,
    sql: &'static str,
    after: Option<ContactId>,
    limit: u32,
) -> Result<Vec<Row>> {
    let (slot, id) = after.map_or((-1, Uuid::nil()), |after| (i64::from(after.slot().0), after.0));
    let statement = sqlx::query(sql).bind(slot).bind(id).bind(i64::from(limit));
    statement.fetch_all(&mut *connection).await.map_err(failed)
}

pub(super) async fn contacts_after(
    connection: &mut Connection,
    after: Option<ContactId>,
    limit: u32,
) -> Result<Vec<(Contact, BTreeMap<String, bool>)>> {
    let contacts = rows::all(&rows_after(connection, AFTER, after, limit).await?, rows::contact)?;
    let ids: Vec<ContactId> = contacts.iter().map(|contact| contact.id).collect();
    let mut decisions = turns::decisions(connection, &ids).await?;
    Ok(contacts
        .into_iter()
        .map(|contact| {
            let decided = decisions.remove(&contact.id).unwrap_or_default();
            (contact, decided)
        })
        .collect())
}

pub(super) const LATEST: &str =
    "SELECT id, external_id, email, phone, timezone, language, created_at, tags, attributes, suppressed
    FROM contact ORDER BY created_at DESC, slot DESC, id DESC LIMIT $1";

pub(super) async fn latest_contacts(connection: &mut Connection, limit: u32) -> Result<Vec<Contact>> {
    let found =
        sqlx::query(LATEST).bind(i64::from(limit)).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, rows::contact)
}

pub(super) async fn contact_count(connection: &mut Connection) -> Result<u64> {
    let found = sqlx::query(contact_count!()).fetch_one(&mut *connection).await;
    Columns::of(&found.map_err(failed)?, "contact").number()
}

pub(super) async fn permissions(connection: &mut Connection, contact: ContactId) -> Result<Vec<Permission>> {
    let sql = "SELECT contact, topic, allowed, at, source, wording, proof FROM permission
        WHERE slot = $1 AND contact = $2 ORDER BY at, topic";
    let found = of_contact(sql, contact).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, rows::permission)
}

fn of_contact<'q>(sql: &'static str, contact: ContactId) -> Statement<'q> {
    sqlx::query(sql).bind(slot(contact)).bind(contact.0)
}

pub(super) async fn runs(connection: &mut Connection, contact: ContactId) -> Result<Vec<Run>> {
    let sql =
        "SELECT contact, id, journey, version, key, arm, place, turn, steps, entered_at, wake_at, goal_until,
        ended_at, outcome, state FROM run WHERE slot = $1 AND contact = $2 ORDER BY entered_at, id";
    let found = of_contact(sql, contact).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, rows::run)
}

pub(super) async fn history(
    connection: &mut Connection,
    contact: ContactId,
    run: RunId,
) -> Result<Vec<HistoryStep>> {
    let sql = "SELECT run, number, at, version, place, kind, detail FROM history WHERE slot = $1 AND run = $2
        ORDER BY number";
    let found =
        sqlx::query(sql).bind(slot(contact)).bind(run.0).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, |row| rows::history(row, contact))
}

pub(super) async fn events(
    connection: &mut Connection,
    contact: ContactId,
    limit: u32,
) -> Result<Vec<StoredEvent>> {
    let sql =
        "SELECT contact, id, kind, name, at, received_at, run, depth, properties, pending, result FROM event
        WHERE slot = $1 AND contact = $2 ORDER BY at DESC, received_at DESC, id DESC LIMIT $3";
    let found =
        of_contact(sql, contact).bind(i64::from(limit)).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, rows::stored_event)
}

pub(super) async fn messages(connection: &mut Connection, contact: ContactId) -> Result<Vec<StoredMessage>> {
    let sql = format!("SELECT {MESSAGE} WHERE slot = $1 AND contact = $2 ORDER BY decided_at, step, id");
    let found = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(slot(contact))
        .bind(contact.0)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    rows::all(&found, rows::stored_message)
}

pub(super) async fn message(connection: &mut Connection, key: MessageKey) -> Result<Option<StoredMessage>> {
    let sql = format!("SELECT {MESSAGE} WHERE slot = $1 AND contact = $2 AND id = $3");
    let mut found = None;
    for contact in identity::are_now(connection, vec![key.contact]).await? {
        let statement = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(slot(contact)).bind(contact.0);
        found = statement.bind(key.id.0).fetch_optional(&mut *connection).await.map_err(failed)?;
    }
    found.as_ref().map(rows::stored_message).transpose()
}

pub(super) async fn messages_of(
    connection: &mut Connection,
    wanted: &[MessageKey],
) -> Result<Vec<StoredMessage>> {
    let about = identity::are_now(connection, wanted.iter().map(|key| key.contact).collect()).await?;
    let sql = format!(
        "SELECT {MESSAGE} WHERE (slot, contact, id) IN (SELECT k.slot, k.contact, k.id FROM {})",
        ids!("$1", "$2", "$3")
    );
    let list = keys::ids(about.iter().zip(wanted).map(|(contact, key)| (contact, &key.id.0)));
    let found =
        list.bind(sqlx::query(sqlx::AssertSqlSafe(sql))).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, rows::stored_message)
}

pub(super) async fn calls(connection: &mut Connection, contact: ContactId) -> Result<Vec<StoredCall>> {
    let sql = format!(
        "SELECT {CALL} WHERE call.slot = $1 AND call.contact = $2 ORDER BY decided_at, step, call.id"
    );
    let found = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(slot(contact))
        .bind(contact.0)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    rows::all(&found, rows::stored_call)
}

pub(super) async fn call_by_id(connection: &mut Connection, call: CallId) -> Result<Option<StoredCall>> {
    let sql = format!("SELECT {CALL} WHERE call.id = $1");
    let found = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(call.0)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    found.as_ref().map(rows::stored_call).transpose()
}

pub(super) async fn goals(connection: &mut Connection, contact: ContactId) -> Result<Vec<GoalReached>> {
    let sql = "SELECT contact, run, goal, journey, version, arm, at, worth, event FROM goal
        WHERE slot = $1 AND contact = $2 ORDER BY at, run, goal";
    let found = of_contact(sql, contact).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, rows::goal)
}
