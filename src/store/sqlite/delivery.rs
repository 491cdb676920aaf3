use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::super::{
    CallSettlement, ClaimedCall, ClaimedMessage, DeliveryKind, GateAnswer, MessageKey, MessageSettlement,
    Outcome, Result,
};
use super::bulk::Bulk;
use super::intake::load;
use super::rows::{self, Columns};
use super::{failed, keys};
use crate::domain::{Attributes, CallId, ContactId, MessageId, MessageState, RunId, RunState};
use crate::time::Moment;

/// Takes messages that are due, with what they are made from.
pub(super) async fn claim_messages(
    connection: &mut SqliteConnection,
    now: Moment,
    limit: u32,
    under_way: &[MessageId],
) -> Result<Vec<ClaimedMessage>> {
    let due =
        "SELECT contact, id, run, journey, version, place, step, channel, message, topic, essential, address,
        with_values, state, reason, decided_at, attempts FROM message WHERE due_at <= $1
        AND id NOT IN (SELECT unhex(value) FROM json_each($3)) ORDER BY due_at LIMIT $2";
    let found = sqlx::query(due)
        .bind(now.micros())
        .bind(limit)
        .bind(keys::ids(under_way.iter().map(|id| &id.0)))
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    let mut messages = Vec::with_capacity(found.len());
    for row in &found {
        let mut columns = Columns::of(row, "message");
        let message = rows::message_from(&mut columns)?;
        messages.push((message, columns.number::<u32>()?));
    }
    let contacts = load(connection, &messages.iter().map(|(message, _)| message.contact).collect()).await?;
    let entries =
        entries(connection, messages.iter().map(|(message, _)| (message.contact, message.run))).await?;
    let claimed = messages.into_iter().filter_map(|(message, attempts)| {
        let contact = contacts.get(&message.contact)?.clone();
        let entry = entries.get(&message.run).cloned().unwrap_or_default();
        Some(ClaimedMessage { message, attempt: attempts + 1, contact, entry })
    });
    Ok(claimed.collect())
}

/// What led into runs.
async fn entries(
    connection: &mut SqliteConnection,
    runs: impl Iterator<Item = (ContactId, RunId)>,
) -> Result<BTreeMap<RunId, Attributes>> {
    let runs: BTreeSet<(ContactId, RunId)> = runs.collect();
    let sql = "SELECT r.id, r.state FROM json_each($1) AS k CROSS JOIN run AS r WHERE r.slot = k.value ->> 0
        AND r.contact = unhex(k.value ->> 1) AND r.id = unhex(k.value ->> 2)";
    let list = keys::rows(runs.iter().map(|(contact, run)| (contact, &run.0)));
    let found = sqlx::query(sql).bind(list).fetch_all(&mut *connection).await.map_err(failed)?;
    let entry = |row: &SqliteRow| {
        let mut columns = Columns::of(row, "run");
        Ok((RunId(columns.id()?), columns.json::<RunState>()?.entry))
    };
    found.iter().map(entry).collect()
}

/// The condition that lets a message go: nobody has refused it since, and its address is not suppressed.
const MAY_GO: &str =
    "(essential = 1 OR coalesce((SELECT allowed FROM permission AS p WHERE p.slot = message.slot
    AND p.contact = message.contact AND p.topic = message.topic ORDER BY p.at DESC LIMIT 1), 0) = 1)";
const SUPPRESSED: &str =
    "EXISTS (SELECT 1 FROM contact AS c WHERE c.slot = message.slot AND c.id = message.contact
    AND c.suppressed IS NOT NULL AND lower(c.email) = lower(message.address))";
const OF_THE_LIST: &str = "(slot, contact, id) IN (SELECT value ->> 0, unhex(value ->> 1), unhex(value ->> 2)
    FROM json_each($1))";

/// The last gate.
pub(super) async fn hand_over(
    connection: &mut SqliteConnection,
    messages: &[MessageKey],
    now: Moment,
) -> Result<Vec<GateAnswer>> {
    let list = keys::rows(messages.iter().map(|key| (&key.contact, &key.id.0)));
    let go = format!(
        "UPDATE message SET state = 'handed_over', handed_over_at = $2, due_at = NULL, attempts = attempts + 1
        WHERE {OF_THE_LIST} AND state = 'decided' AND {MAY_GO} AND NOT {SUPPRESSED} RETURNING contact, id"
    );
    let found = sqlx::query(sqlx::AssertSqlSafe(go))
        .bind(&list)
        .bind(now.micros())
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    let goes: BTreeSet<MessageKey> = found.iter().map(key).collect::<Result<_>>()?;
    if goes.len() < messages.len() {
        let stay = format!(
            "UPDATE message SET state = 'skipped', due_at = NULL, settled_at = $2,
            reason = CASE WHEN {SUPPRESSED} THEN 'suppressed' ELSE 'no_permission' END
            WHERE {OF_THE_LIST} AND state = 'decided'"
        );
        sqlx::query(sqlx::AssertSqlSafe(stay))
            .bind(&list)
            .bind(now.micros())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(messages.iter().map(|key| GateAnswer { key: *key, goes: goes.contains(key) }).collect())
}

fn key(row: &SqliteRow) -> Result<MessageKey> {
    let mut columns = Columns::of(row, "message");
    Ok(MessageKey { contact: ContactId(columns.id()?), id: MessageId(columns.id()?) })
}

/// The states from which a state can be come to.
fn before(state: MessageState) -> &'static str {
    match state {
        MessageState::Accepted => "handed_over unsure",
        MessageState::Refused => "decided handed_over",
        MessageState::Unsure => "handed_over",
        MessageState::Delivered => "accepted unsure",
        MessageState::Bounced | MessageState::Complained => "accepted unsure delivered",
        MessageState::Skipped | MessageState::HandedOver => "decided",
        // A hand-over that provably failed leaves it decided.
        MessageState::Decided => "decided handed_over",
    }
}

/// Records what became of messages; answers those whose state could lead there.
pub(super) async fn settle_messages(
    connection: &mut SqliteConnection,
    settled: &[MessageSettlement],
    now: Moment,
) -> Result<Vec<MessageKey>> {
    const UPDATE: Bulk = Bulk {
        head: "UPDATE message SET state = v.column4, due_at = v.column5, settled_at = v.column6, answer = v.column7,
            attempts = attempts + (message.state = 'decided') FROM (",
        columns: 8,
        tail: ") AS v WHERE message.slot = v.column1 AND message.contact = v.column2 AND message.id = v.column3
            AND instr(v.column8, message.state) > 0 RETURNING message.contact, message.id",
    };
    let found = UPDATE
        .returning(connection, settled, |statement, settlement: &MessageSettlement| {
            let (state, due) = match settlement.outcome {
                Outcome::State(state) => (state, None),
                Outcome::Again(at) => (MessageState::Decided, Some(at.micros())),
            };
            let key = &settlement.key;
            statement
                .bind(key.contact.slot().0)
                .bind(key.contact.0)
                .bind(key.id.0)
                .bind(state.as_str())
                .bind(due)
                .bind(now.micros())
                .bind(settlement.answer.as_str())
                .bind(before(state))
        })
        .await?;
    found.iter().map(key).collect()
}

/// Messages whose hand-over had begun when the program ended.
pub(super) async fn recover(connection: &mut SqliteConnection, now: Moment) -> Result<u64> {
    let sql = "UPDATE message SET state = 'unsure', settled_at = $1,
        answer = 'the program ended while it was being handed over' WHERE state = 'handed_over'";
    let done = sqlx::query(sql).bind(now.micros()).execute(&mut *connection).await.map_err(failed)?;
    Ok(done.rows_affected())
}

/// Takes calls that are due: of each contact and receiver the earliest that is not delivered.
pub(super) async fn claim_calls(
    connection: &mut SqliteConnection,
    now: Moment,
    limit: u32,
    under_way: &[CallId],
) -> Result<Vec<ClaimedCall>> {
    let sql = "SELECT contact, id, run, journey, version, place, step, stage, kind, target, with_values, assigned_to,
        decided_at, attempts, body FROM call WHERE due_at <= $1
        AND id NOT IN (SELECT unhex(value) FROM json_each($3))
        AND NOT EXISTS (SELECT 1 FROM call AS earlier WHERE earlier.slot = call.slot AND earlier.contact = call.contact
        AND earlier.target = call.target AND earlier.state = 'pending'
        AND (earlier.decided_at, earlier.step, earlier.id) < (call.decided_at, call.step, call.id))
        ORDER BY due_at LIMIT $2";
    let found = sqlx::query(sql)
        .bind(now.micros())
        .bind(limit)
        .bind(keys::ids(under_way.iter().map(|id| &id.0)))
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    rows::all(&found, |row| {
        let mut columns = Columns::of(row, "call");
        let call = rows::call_from(&mut columns)?;
        Ok(ClaimedCall { call, attempt: columns.number::<u32>()? + 1, body: columns.maybe_text()? })
    })
}

pub(super) async fn set_bodies(
    connection: &mut SqliteConnection,
    bodies: &[(ContactId, CallId, String)],
) -> Result<()> {
    const UPDATE: Bulk = Bulk {
        head: "UPDATE call SET body = v.column4 FROM (",
        columns: 4,
        tail: ") AS v WHERE call.slot = v.column1 AND call.contact = v.column2 AND call.id = v.column3
            AND call.body IS NULL",
    };
    UPDATE
        .run(connection, bodies, |statement, (contact, call, body)| {
            statement.bind(contact.slot().0).bind(contact.0).bind(call.0).bind(body.as_str())
        })
        .await?;
    Ok(())
}

pub(super) async fn settle_calls(
    connection: &mut SqliteConnection,
    settled: &[CallSettlement],
    now: Moment,
) -> Result<()> {
    const UPDATE: Bulk = Bulk {
        head: "UPDATE call SET state = v.column4, due_at = v.column5, status = v.column6, answer = v.column7,
            settled_at = v.column8, attempts = attempts + 1 FROM (",
        columns: 8,
        tail: ") AS v WHERE call.slot = v.column1 AND call.contact = v.column2 AND call.id = v.column3
            AND call.state = 'pending'",
    };
    UPDATE
        .run(connection, settled, |statement, settlement: &CallSettlement| {
            statement
                .bind(settlement.contact.slot().0)
                .bind(settlement.contact.0)
                .bind(settlement.id.0)
                .bind(settlement.state.as_str())
                .bind(settlement.due_at.map(Moment::micros))
                .bind(settlement.status)
                .bind(settlement.answer.as_str())
                .bind(now.micros())
        })
        .await?;
    Ok(())
}

pub(super) async fn answer_lead(
    connection: &mut SqliteConnection,
    (contact, call): (ContactId, CallId),
    accepted: bool,
    by: &str,
    now: Moment,
) -> Result<bool> {
    let sql = "INSERT INTO lead (slot, contact, call, accepted, answered_at, answered_by) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (slot, contact, call) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(contact.slot().0)
        .bind(contact.0)
        .bind(call.0)
        .bind(accepted)
        .bind(now.micros())
        .bind(by)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn retry(
    connection: &mut SqliteConnection,
    kind: DeliveryKind,
    contact: ContactId,
    id: Uuid,
    now: Moment,
) -> Result<bool> {
    let sql = match kind {
        DeliveryKind::Message => {
            "UPDATE message SET state = 'decided', due_at = $4, settled_at = NULL WHERE slot = $1 AND contact = $2
            AND id = $3 AND (state IN ('unsure', 'refused') OR state = 'decided' AND due_at > $4)"
        }
        DeliveryKind::Call | DeliveryKind::HandOff => {
            "UPDATE call SET state = 'pending', due_at = $4, settled_at = NULL WHERE slot = $1 AND contact = $2
            AND id = $3 AND (state = 'dead' OR state = 'pending' AND due_at > $4)"
        }
    };
    let done = sqlx::query(sql)
        .bind(contact.slot().0)
        .bind(contact.0)
        .bind(id)
        .bind(now.micros())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    Ok(done.rows_affected() == 1)
}
