//! Reading: one contact's story, lists, counts, versions, access.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::super::identity::{NameKind, NameOf};
use super::super::{
    Access, Audit, Deliveries, Delivery, DeliveryKind, MessageKey, NextDue, Result, StoreError, StoredCall,
    StoredEvent, StoredMessage, StoredVersion, TallyRow, Token, Who,
};
use super::rows::{self, Columns};
use super::{failed, intake};
use crate::domain::{CallId, CallKind, Contact, ContactId, GoalReached, HistoryStep, Permission, Run, RunId};
use crate::language::plan::Plan;
use crate::time::Moment;

/// The columns that [`rows::stored_call`] reads.
const CALL: &str =
    "call.contact, call.id, run, journey, version, place, step, stage, kind, target, with_values,
    assigned_to, decided_at, state, attempts, due_at, settled_at, status, answer, lead.accepted FROM call
    LEFT JOIN lead ON lead.slot = call.slot AND lead.contact = call.contact AND lead.call = call.id";
/// The columns that [`rows::stored_message`] reads.
const MESSAGE: &str = "contact, id, run, journey, version, place, step, channel, message, topic, essential, address,
    with_values, state, reason, decided_at, attempts, due_at, handed_over_at, settled_at, answer FROM message";

pub(super) async fn next_due(connection: &mut SqliteConnection) -> Result<NextDue> {
    let sql = "SELECT (SELECT min(received_at) FROM event WHERE pending = 1),
        (SELECT min(wake_at) FROM run WHERE wake_at IS NOT NULL),
        (SELECT min(due_at) FROM message WHERE due_at IS NOT NULL),
        (SELECT min(due_at) FROM call WHERE due_at IS NOT NULL)";
    let row = sqlx::query(sql).fetch_one(&mut *connection).await.map_err(failed)?;
    let mut columns = Columns::of(&row, "run");
    let (events, runs) = (columns.maybe_moment()?, columns.maybe_moment()?);
    Ok(NextDue {
        turns: [events, runs].into_iter().flatten().min(),
        messages: columns.maybe_moment()?,
        calls: columns.maybe_moment()?,
    })
}

pub(super) async fn find(connection: &mut SqliteConnection, who: &Who) -> Result<Option<Contact>> {
    let name = match who {
        Who::Id(id) => return one(connection, *id).await,
        Who::Email(address) => NameOf::new(NameKind::Email, address.key()),
        Who::External(id) => NameOf::new(NameKind::External, id.as_str()),
    };
    let sql = "SELECT contact FROM identity WHERE slot = $1 AND kind = $2 AND value = $3";
    let found = sqlx::query(sql)
        .bind(name.slot().0)
        .bind(name.kind.as_str())
        .bind(name.value.as_str())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    match found {
        Some(row) => one(connection, ContactId(Columns::of(&row, "identity").id()?)).await,
        None => Ok(None),
    }
}

async fn one(connection: &mut SqliteConnection, id: ContactId) -> Result<Option<Contact>> {
    Ok(intake::load(connection, &BTreeSet::from([id])).await?.remove(&id))
}

pub(super) async fn contacts_after(
    connection: &mut SqliteConnection,
    after: Option<ContactId>,
    limit: u32,
) -> Result<Vec<(Contact, BTreeMap<String, bool>)>> {
    let sql =
        "SELECT id, external_id, email, phone, timezone, language, created_at, tags, attributes, suppressed
        FROM contact WHERE (slot, id) > ($1, $2) ORDER BY slot, id LIMIT $3";
    let (slot, id) = after.map_or((-1, Uuid::nil()), |after| (i64::from(after.slot().0), after.0));
    let found =
        sqlx::query(sql).bind(slot).bind(id).bind(limit).fetch_all(&mut *connection).await.map_err(failed)?;
    let contacts = rows::all(&found, rows::contact)?;
    let ids: Vec<ContactId> = contacts.iter().map(|contact| contact.id).collect();
    let mut decisions = super::turns::decisions(connection, &ids).await?;
    Ok(contacts
        .into_iter()
        .map(|contact| {
            let decided = decisions.remove(&contact.id).unwrap_or_default();
            (contact, decided)
        })
        .collect())
}

pub(super) async fn contact_count(connection: &mut SqliteConnection) -> Result<u64> {
    count(connection, "SELECT count(*) FROM contact").await
}

async fn count(connection: &mut SqliteConnection, sql: &'static str) -> Result<u64> {
    let row = sqlx::query(sql).fetch_one(&mut *connection).await.map_err(failed)?;
    let count: i64 = row.try_get(0).map_err(failed)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(super) async fn permissions(
    connection: &mut SqliteConnection,
    contact: ContactId,
) -> Result<Vec<Permission>> {
    let sql = "SELECT contact, topic, allowed, at, source, wording, proof FROM permission
        WHERE slot = $1 AND contact = $2 ORDER BY at, topic";
    let found = of_contact(sql, contact).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, rows::permission)
}

fn of_contact<'q>(sql: &'static str, contact: ContactId) -> super::bulk::Statement<'q> {
    sqlx::query(sql).bind(contact.slot().0).bind(contact.0)
}

pub(super) async fn runs(connection: &mut SqliteConnection, contact: ContactId) -> Result<Vec<Run>> {
    let sql =
        "SELECT contact, id, journey, version, key, arm, place, turn, steps, entered_at, wake_at, goal_until,
        ended_at, outcome, state FROM run WHERE slot = $1 AND contact = $2 ORDER BY entered_at, id";
    let found = of_contact(sql, contact).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, rows::run)
}

pub(super) async fn history(
    connection: &mut SqliteConnection,
    contact: ContactId,
    run: RunId,
) -> Result<Vec<HistoryStep>> {
    let sql = "SELECT run, number, at, version, place, kind, detail FROM history WHERE slot = $1 AND run = $2
        ORDER BY number";
    let found = sqlx::query(sql)
        .bind(contact.slot().0)
        .bind(run.0)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    rows::all(&found, |row| rows::history(row, contact))
}

pub(super) async fn events(
    connection: &mut SqliteConnection,
    contact: ContactId,
    limit: u32,
) -> Result<Vec<StoredEvent>> {
    let sql = "SELECT contact, id, kind, name, at, received_at, run, properties, pending, result FROM event
        WHERE slot = $1 AND contact = $2 ORDER BY at DESC, received_at DESC LIMIT $3";
    let found = of_contact(sql, contact).bind(limit).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, rows::stored_event)
}

pub(super) async fn messages(
    connection: &mut SqliteConnection,
    contact: ContactId,
) -> Result<Vec<StoredMessage>> {
    let sql = format!("SELECT {MESSAGE} WHERE slot = $1 AND contact = $2 ORDER BY decided_at, step");
    let found = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(contact.slot().0)
        .bind(contact.0)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    rows::all(&found, rows::stored_message)
}

pub(super) async fn message(
    connection: &mut SqliteConnection,
    key: MessageKey,
) -> Result<Option<StoredMessage>> {
    let sql = format!("SELECT {MESSAGE} WHERE slot = $1 AND contact = $2 AND id = $3");
    let found = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(key.contact.slot().0)
        .bind(key.contact.0)
        .bind(key.id.0)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    found.as_ref().map(rows::stored_message).transpose()
}

pub(super) async fn calls(connection: &mut SqliteConnection, contact: ContactId) -> Result<Vec<StoredCall>> {
    let sql = format!("SELECT {CALL} WHERE call.slot = $1 AND call.contact = $2 ORDER BY decided_at, step");
    let found = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(contact.slot().0)
        .bind(contact.0)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    rows::all(&found, rows::stored_call)
}

pub(super) async fn call_by_id(
    connection: &mut SqliteConnection,
    call: CallId,
) -> Result<Option<StoredCall>> {
    let sql = format!("SELECT {CALL} WHERE call.id = $1");
    let found = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(call.0)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    found.as_ref().map(rows::stored_call).transpose()
}

pub(super) async fn goals(connection: &mut SqliteConnection, contact: ContactId) -> Result<Vec<GoalReached>> {
    let sql = "SELECT contact, run, goal, journey, version, arm, at, worth, event FROM goal
        WHERE slot = $1 AND contact = $2 ORDER BY at";
    let found = of_contact(sql, contact).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, rows::goal)
}

pub(super) async fn deliveries(
    connection: &mut SqliteConnection,
    which: Deliveries,
    limit: u32,
) -> Result<Vec<Delivery>> {
    let (messages, calls) = match which {
        Deliveries::Attention => ("WHERE state IN ('unsure', 'refused')", "WHERE state = 'dead'"),
        Deliveries::All => ("", ""),
    };
    let call_columns =
        "id, contact, journey, target, state, attempts, decided_at, due_at, answer, kind FROM call";
    let message_columns =
        "id, contact, journey, message, state, attempts, decided_at, due_at, answer FROM message";
    let calls =
        format!("SELECT {call_columns} {calls} ORDER BY state = 'dead' DESC, decided_at DESC LIMIT $1");
    let messages = format!(
        "SELECT {message_columns} {messages} ORDER BY state IN ('unsure', 'refused') DESC, decided_at DESC LIMIT $1"
    );
    let mut found = Vec::new();
    for (sql, is_call) in [(calls, true), (messages, false)] {
        for row in sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(limit)
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?
        {
            found.push(delivery(&mut Columns::of(&row, "message"), is_call)?);
        }
    }
    found.truncate(limit as usize);
    Ok(found)
}

fn delivery(columns: &mut Columns<'_>, is_call: bool) -> Result<Delivery> {
    Ok(Delivery {
        id: columns.id()?,
        contact: ContactId(columns.id()?),
        journey: columns.text()?,
        name: columns.text()?,
        state: columns.text()?,
        attempts: columns.number()?,
        decided_at: columns.moment()?,
        due_at: columns.maybe_moment()?,
        answer: columns.maybe_text()?,
        kind: if is_call { columns.word(CallKind::from_text)?.into() } else { DeliveryKind::Message },
    })
}

pub(super) async fn tallies(
    connection: &mut SqliteConnection,
    journey: Option<&str>,
) -> Result<Vec<TallyRow>> {
    let sql = "SELECT journey, version, arm, day, what, detail, sum(count), sum(worth) FROM tally
        WHERE $1 IS NULL OR journey = $1 GROUP BY journey, version, arm, day, what, detail
        ORDER BY journey, version, arm, day, what, detail";
    let found = sqlx::query(sql).bind(journey).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, |row| {
        let mut columns = Columns::of(row, "tally");
        Ok(TallyRow {
            journey: columns.text()?,
            version: columns.number()?,
            arm: columns.text()?,
            day: columns.number()?,
            what: columns.text()?,
            detail: columns.text()?,
            count: columns.number()?,
            worth: columns.get()?,
        })
    })
}

pub(super) async fn versions(connection: &mut SqliteConnection) -> Result<Vec<StoredVersion>> {
    let sql = "SELECT number, plan, coalesce(number = (SELECT d.version FROM deployment AS d
        WHERE d.journey = version.journey ORDER BY d.at DESC LIMIT 1), 0) FROM version ORDER BY number";
    let found = sqlx::query(sql).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, |row| {
        let mut columns = Columns::of(row, "version");
        Ok(StoredVersion {
            number: columns.number()?,
            plan: columns.json()?,
            active: columns.number::<u8>()? == 1,
        })
    })
}

pub(super) async fn add_version(connection: &mut SqliteConnection, plan: &Plan, now: Moment) -> Result<u32> {
    let hash = plan.hash();
    let known = "SELECT number FROM version WHERE hash = $1";
    let insert = "INSERT INTO version (number, hash, journey, plan, made_at)
        SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4 FROM version RETURNING number";
    if let Some(row) =
        sqlx::query(known).bind(hash.to_vec()).fetch_optional(&mut *connection).await.map_err(failed)?
    {
        return Columns::of(&row, "version").number();
    }
    let row = sqlx::query(insert)
        .bind(hash.to_vec())
        .bind(plan.journey.as_str())
        .bind(rows::json(plan))
        .bind(now.micros())
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    Columns::of(&row, "version").number()
}

pub(super) async fn deploy(
    connection: &mut SqliteConnection,
    journey: &str,
    version: Option<u32>,
    now: Moment,
) -> Result<()> {
    // Two deployments in one instant: the later one holds.
    let sql = "INSERT INTO deployment (journey, at, version) VALUES ($1, $2, $3)
        ON CONFLICT (journey, at) DO UPDATE SET version = excluded.version";
    let statement = sqlx::query(sql).bind(journey).bind(now.micros()).bind(version);
    statement.execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

fn token_from(columns: &mut Columns<'_>) -> Result<Token> {
    Ok(Token {
        id: columns.text()?,
        name: columns.text()?,
        role: columns.text()?,
        created_at: columns.moment()?,
        revoked_at: columns.maybe_moment()?,
    })
}

pub(super) async fn tokens(connection: &mut SqliteConnection) -> Result<Vec<Token>> {
    let sql = "SELECT id, name, role, created_at, revoked_at FROM token ORDER BY created_at, id";
    let found = sqlx::query(sql).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, |row| token_from(&mut Columns::of(row, "token")))
}

pub(super) async fn access(connection: &mut SqliteConnection, id: &str) -> Result<Option<Access>> {
    let sql = "SELECT id, name, role, created_at, revoked_at, hash FROM token WHERE id = $1";
    let found = sqlx::query(sql).bind(id).fetch_optional(&mut *connection).await.map_err(failed)?;
    let read = |row| {
        let mut columns = Columns::of(row, "token");
        let token = token_from(&mut columns)?;
        let hash: Vec<u8> = columns.get()?;
        let hash = hash
            .try_into()
            .map_err(|_| StoreError::Damaged { table: "token", what: "a hash has 32 bytes".to_owned() })?;
        Ok(Access { token, hash })
    };
    found.as_ref().map(read).transpose()
}

pub(super) async fn add_token(connection: &mut SqliteConnection, access: &Access) -> Result<()> {
    let sql = "INSERT INTO token (id, name, role, hash, created_at) VALUES ($1, $2, $3, $4, $5)";
    let token = &access.token;
    sqlx::query(sql)
        .bind(token.id.as_str())
        .bind(token.name.as_str())
        .bind(token.role.as_str())
        .bind(access.hash.to_vec())
        .bind(token.created_at.micros())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(super) async fn revoke_token(connection: &mut SqliteConnection, id: &str, now: Moment) -> Result<bool> {
    let sql = "UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    let done =
        sqlx::query(sql).bind(id).bind(now.micros()).execute(&mut *connection).await.map_err(failed)?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn audit(connection: &mut SqliteConnection) -> Result<Audit> {
    let mut audit = Audit {
        entered: count(connection, "SELECT count(*) FROM run").await?,
        inside: count(connection, "SELECT count(*) FROM run WHERE ended_at IS NULL").await?,
        ended: count(connection, "SELECT count(*) FROM run WHERE ended_at IS NOT NULL").await?,
        pending_events: count(connection, "SELECT count(*) FROM event WHERE pending = 1").await?,
        messages: by_state(connection, "SELECT state, count(*) FROM message GROUP BY state").await?,
        calls: by_state(connection, "SELECT state, count(*) FROM call GROUP BY state").await?,
        broken: Vec::new(),
    };
    // What must not be, and how many rows are so all the same.
    let rules: [(&str, &'static str); 7] = [
        (
            "runs have ended without an outcome",
            "SELECT count(*) FROM run WHERE ended_at IS NOT NULL AND outcome IS NULL",
        ),
        (
            "ended runs still wait",
            "SELECT count(*) FROM run WHERE ended_at IS NOT NULL AND wake_at IS NOT NULL",
        ),
        (
            "messages were skipped without a reason",
            "SELECT count(*) FROM message WHERE state = 'skipped' AND reason IS NULL",
        ),
        (
            "messages of the control group were decided on",
            "SELECT count(*) FROM message AS m JOIN run AS r ON r.slot = m.slot
            AND r.contact = m.contact AND r.id = m.run WHERE r.arm = 'control'",
        ),
        (
            "contacts are in one journey twice",
            "SELECT count(*) FROM (SELECT 1 FROM run WHERE ended_at IS NULL
            GROUP BY slot, contact, journey, key HAVING count(*) > 1)",
        ),
        (
            "runs entered and the counts do not know of them",
            "SELECT abs((SELECT count(*) FROM run)
            - (SELECT coalesce(sum(count), 0) FROM tally WHERE what = 'entered'))",
        ),
        (
            "runs have a history with gaps",
            "SELECT count(*) FROM run WHERE steps <> (SELECT count(*) FROM history AS h
            WHERE h.slot = run.slot AND h.run = run.id)",
        ),
    ];
    for (what, sql) in rules {
        let broken = count(connection, sql).await?;
        if broken > 0 {
            audit.broken.push(format!("{broken} {what}"));
        }
    }
    Ok(audit)
}

async fn by_state(connection: &mut SqliteConnection, sql: &'static str) -> Result<BTreeMap<String, u64>> {
    let found = sqlx::query(sql).fetch_all(&mut *connection).await.map_err(failed)?;
    found
        .iter()
        .map(|row| {
            let mut columns = Columns::of(row, "message");
            Ok((columns.text()?, columns.number()?))
        })
        .collect()
}
