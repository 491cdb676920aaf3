//! Messages from the ledger to their providers, and what became of them.

use std::collections::{BTreeMap, BTreeSet};

use super::bulk::Bulk;
use super::guard::Grip;
use super::rows::{self, Columns, slot};
use super::{
    Connection, Row, contacts, failed, guard, identity, instance, keys, operating, record, turns, words,
};
use crate::domain::{Attributes, ContactId, MessageId, MessageState, RunId, RunState, SkipReason};
use crate::store::steps::{ENDED_MEANWHILE, may_retry, stopped, suppression_key};
use crate::store::tally::{DecidedMessage, TallyKey, count_skipped};
use crate::store::{AtGate, Carrier, ClaimedMessage, GateAnswer, MessageKey, MessageSettlement, Result};
use crate::time::Moment;

pub(super) const DUE: &str = concat!(
    "SELECT contact, id, run, journey, version, place, step, channel, message, topic, essential, address,
    with_values, state, reason, decided_at, wanted_at, attempts FROM message
    WHERE due_at <= $1 AND channel = 'email' AND NOT EXISTS (SELECT 1 FROM hold)",
    free!("$3"),
    known!("$4"),
    " ORDER BY due_at, slot, contact, id LIMIT $2",
    claimed!("message")
);

/// Of each contact and channel the earliest that is not handed over, so that order is kept.
pub(super) const DUE_OVER_HTTP: &str = concat!(
    "SELECT contact, id, run, journey, version, place, step, channel, message, topic, essential, address,
    with_values, state, reason, decided_at, wanted_at, attempts FROM message
    WHERE due_at <= $1 AND channel <> 'email' AND NOT EXISTS (SELECT 1 FROM hold)",
    free!("$4"),
    known!("$5"),
    " AND NOT ",
    has_word!("$3", "channel"),
    "
    AND NOT EXISTS (SELECT 1 FROM message AS earlier WHERE earlier.slot = message.slot
    AND earlier.contact = message.contact AND earlier.channel = message.channel
    AND earlier.state IN ('decided', 'handed_over')
    AND (earlier.decided_at, earlier.step, earlier.id) < (message.decided_at, message.step, message.id))
    ORDER BY due_at, slot, contact, id LIMIT $2",
    claimed!("message")
);

/// Takes messages that are due, with what they are made from.
pub(in super::super) async fn claim(
    connection: &mut Connection,
    carrier: Carrier,
    now: Moment,
    limit: u32,
    under_way: &[MessageId],
    full: &[String],
    unreadable: &[u32],
) -> Result<Vec<ClaimedMessage>> {
    let under_way = keys::under_way(under_way.iter().map(|id| &id.0));
    let due = match carrier {
        Carrier::Mail => DUE,
        Carrier::Http => DUE_OVER_HTTP,
    };
    let mut statement = sqlx::query(due).bind(now.micros()).bind(i64::from(limit));
    if carrier == Carrier::Http {
        statement = statement.bind(words(full));
    }
    let statement = keys::numbers(unreadable.iter().copied()).bind(under_way.bind(statement));
    let found = statement.fetch_all(&mut *connection).await.map_err(failed)?;
    let mut messages = Vec::with_capacity(found.len());
    for row in &found {
        let mut columns = Columns::of(row, "message");
        let message = rows::message_from(&mut columns)?;
        messages.push((message, columns.number::<u32>()?));
    }
    let marked = messages.iter().map(|(message, _)| (message.contact, message.id.0));
    guard::take_messages(connection, marked).await?;
    let contacts = contacts::load(connection, messages.iter().map(|(message, _)| &message.contact)).await?;
    let entries =
        entries(connection, messages.iter().map(|(message, _)| (message.contact, message.run))).await?;
    let ids: Vec<ContactId> = contacts.keys().copied().collect();
    let decisions = turns::decisions(connection, &ids).await?;
    let claimed = messages.into_iter().filter_map(|(message, attempts)| {
        let contact = contacts.get(&message.contact)?.clone();
        let permissions = decisions.get(&message.contact).cloned().unwrap_or_default();
        let entry = entries.get(&message.run).cloned().unwrap_or_default();
        Some(ClaimedMessage { message, attempt: attempts + 1, contact, permissions, entry })
    });
    Ok(claimed.collect())
}

pub(super) const ENTRIES: &str = concat!(
    "SELECT r.id, r.state FROM ",
    ids!("$1", "$2", "$3"),
    " CROSS JOIN run AS r
    WHERE r.slot = k.slot AND r.contact = k.contact AND r.id = k.id"
);

/// What led into runs.
async fn entries(
    connection: &mut Connection,
    runs: impl Iterator<Item = (ContactId, RunId)>,
) -> Result<BTreeMap<RunId, Attributes>> {
    let runs: BTreeSet<(ContactId, RunId)> = runs.collect();
    let list = keys::ids(runs.iter().map(|(contact, run)| (contact, &run.0)));
    let found = list.bind(sqlx::query(ENTRIES)).fetch_all(&mut *connection).await.map_err(failed)?;
    let entry = |row: &Row| {
        let mut columns = Columns::of(row, "run");
        Ok((RunId(columns.id()?), columns.json::<RunState>()?.entry))
    };
    found.iter().map(entry).collect()
}

pub(super) const WAITING: &str = concat!(
    "SELECT m.contact, m.id, m.topic, m.essential, m.resent_at IS NOT NULL, m.address, m.journey, m.version,
    m.message, m.decided_at, m.attempts FROM ",
    ids!("$1", "$2", "$3"),
    " CROSS JOIN message AS m WHERE m.slot = k.slot AND m.contact = k.contact AND m.id = k.id
    AND m.state = 'decided'"
);
pub(super) const GO: Bulk = Bulk {
    head: concat!(
        "UPDATE message SET state = 'handed_over', ",
        taken_over!(),
        "handed_over_at = v.column4, due_at = NULL,
        attempts = attempts + 1, timezone = (SELECT c.timezone FROM contact AS c
        WHERE c.slot = v.column1 AND c.id = v.column2) FROM ("
    ),
    columns: 4,
    tail: ") AS v WHERE message.slot = v.column1 AND message.contact = v.column2 AND message.id = v.column3",
};
pub(super) const STAY: Bulk = Bulk {
    head: "UPDATE message SET state = CASE WHEN v.column5 IS NULL THEN 'unsure' ELSE 'skipped' END,
        settled_at = v.column4, due_at = NULL, reason = v.column5 FROM (",
    columns: 5,
    tail: ") AS v WHERE message.slot = v.column1 AND message.contact = v.column2 AND message.id = v.column3",
};

/// The last gate.
pub(super) async fn hand_over(
    connection: &mut Connection,
    messages: &[AtGate],
    now: Moment,
) -> Result<Vec<GateAnswer>> {
    let keys: Vec<MessageKey> = messages.iter().map(|asked| asked.key).collect();
    guard::gate(connection, &keys).await?;
    if operating::held(connection).await?.is_some() {
        return Ok(keys.iter().map(|key| GateAnswer { key: *key, goes: false, skipped: None }).collect());
    }
    let (mut go, stay, counts) = gate(connection, messages).await?;
    instance::left_the_house(connection, go.len()).await?;
    let gone: Vec<MessageKey> = go.iter().copied().collect();
    GO.run(connection, &gone, |statement, key: &MessageKey| {
        statement.bind(key.contact.slot().0).bind(key.contact.0).bind(key.id.0).bind(now.micros())
    })
    .await?;
    STAY.run(connection, &stay, |statement, (key, reason)| {
        let statement = statement.bind(key.contact.slot().0).bind(key.contact.0).bind(key.id.0);
        statement.bind(now.micros()).bind(reason.map(SkipReason::as_str))
    })
    .await?;
    record::add_counts(connection, counts).await?;
    let mut stay: BTreeMap<MessageKey, Option<SkipReason>> = stay.into_iter().collect();
    // Taken out as they are answered: a message that is named twice goes once.
    let answer = |key: &MessageKey| {
        let skipped = stay.remove(key).flatten();
        GateAnswer { key: *key, goes: go.remove(key), skipped }
    };
    Ok(keys.iter().map(answer).collect())
}

/// What a gate says: who may go, who may not and why, and what that changes in the counts. What may have gone before is
/// unsure again, and so has no reason.
type Gate = (BTreeSet<MessageKey>, Vec<(MessageKey, Option<SkipReason>)>, Counts);
type Counts = BTreeMap<TallyKey, (i64, f64)>;

/// Which of the messages that wait may go, and why the others may not.
async fn gate(connection: &mut Connection, messages: &[AtGate]) -> Result<Gate> {
    let list = keys::ids(messages.iter().map(|asked| (&asked.key.contact, &asked.key.id.0)));
    let asked: BTreeMap<MessageKey, AtGate> = messages.iter().map(|asked| (asked.key, *asked)).collect();
    let found = list.bind(sqlx::query(WAITING)).fetch_all(&mut *connection).await.map_err(failed)?;
    let mut waiting = Vec::with_capacity(found.len());
    for row in &found {
        let mut columns = Columns::of(row, "message");
        let key = key_from(&mut columns)?;
        let (topic, essential) = (columns.text()?, columns.flag()?);
        let (was_resent, to) = (columns.flag()?, columns.text()?);
        let decided = decided_message(&mut columns)?;
        let attempts = columns.number()?;
        if asked.get(&key).is_some_and(|asked| asked.is_behind(attempts)) {
            waiting.push((key, topic, essential, was_resent, decided, to));
        }
    }
    let suppressed = contacts::suppressed(connection, waiting.iter().map(|(.., to)| to.as_str())).await?;
    let people: Vec<ContactId> = waiting.iter().map(|(key, ..)| key.contact).collect();
    let decisions = turns::decisions(connection, &people).await?;
    let (mut go, mut stay, mut counts) = (BTreeSet::new(), Vec::new(), Counts::new());
    for (key, topic, essential, was_resent, decided, address) in waiting {
        let allowed = decisions.get(&key.contact).and_then(|decided| decided.get(&topic)).copied();
        match stopped(essential, allowed, suppressed.contains_key(&suppression_key(&address))) {
            None => {
                go.insert(key);
            }
            Some(_) if was_resent => stay.push((key, None)),
            Some(reason) => {
                stay.push((key, Some(reason)));
                count_skipped(&mut counts, decided, reason);
            }
        }
    }
    Ok((go, stay, counts))
}

/// `journey, version, message, decided_at`
fn decided_message(columns: &mut Columns<'_>) -> Result<DecidedMessage> {
    Ok(DecidedMessage {
        journey: columns.text()?,
        version: columns.number()?,
        message: columns.text()?,
        decided_at: columns.moment()?,
    })
}

pub(super) const BEING_HANDED_OVER: &str = concat!(
    "SELECT EXISTS (SELECT 1 FROM ",
    contacts!("$1", "$2"),
    " CROSS JOIN message AS m WHERE m.slot = k.slot AND m.contact = k.contact AND m.state = 'handed_over')"
);

/// Whether a message of one of these contacts is handed over without an outcome so far.
pub(super) async fn being_handed_over(connection: &mut Connection, contacts: &[ContactId]) -> Result<bool> {
    let statement = keys::contacts(contacts).bind(sqlx::query(BEING_HANDED_OVER));
    let row = statement.fetch_one(&mut *connection).await.map_err(failed)?;
    Columns::of(&row, "message").flag()
}

fn key_from(columns: &mut Columns<'_>) -> Result<MessageKey> {
    Ok(MessageKey { contact: columns.contact()?, id: MessageId(columns.id()?) })
}

/// Messages by the contacts whose they are now.
async fn keys_now(connection: &mut Connection, messages: &[MessageKey]) -> Result<Vec<MessageKey>> {
    let about = identity::are_now(connection, messages.iter().map(|key| key.contact).collect()).await?;
    let now = about.iter().zip(messages).map(|(contact, key)| MessageKey { contact: *contact, id: key.id });
    Ok(now.collect())
}

/// Messages that this process took and that others may take.
pub(super) async fn give_back(connection: &mut Connection, messages: &[MessageKey]) -> Result<()> {
    let keys = keys_now(connection, messages).await?;
    guard::give_messages_back(connection, keys.iter().map(|key| (key.contact, key.id.0))).await
}

/// Messages that were let go at that moment and did not go.
pub(super) async fn take_back(
    connection: &mut Connection,
    messages: &[MessageKey],
    handed_over_at: Moment,
) -> Result<()> {
    let keys = keys_now(connection, messages).await?;
    // What let them go may still be on its way into the database.
    guard::messages(connection, &keys).await?;
    let list = keys::ids(keys.iter().map(|key| (&key.contact, &key.id.0)));
    let sql = concat!(
        "UPDATE message SET state = 'decided', due_at = $1, attempts = attempts - 1",
        given_back!(),
        " WHERE state = 'handed_over' AND handed_over_at = $1
        AND (slot, contact, id) IN (SELECT k.slot, k.contact, k.id FROM ",
        ids!("$2", "$3", "$4"),
        ")",
        own_hand_over!()
    );
    let statement = list.bind(sqlx::query(sql).bind(handed_over_at.micros()));
    statement.execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

pub(super) const SETTLE: Bulk = Bulk {
    head: concat!(
        "UPDATE message SET state = CASE WHEN v.column4 = 'skipped' AND resent_at IS NOT NULL THEN 'unsure'
        ELSE v.column4 END, due_at = v.column5, settled_at = v.column6, answer = v.column7,
        attempts = attempts + CASE WHEN message.state = 'decided' THEN v.column9 ELSE v.column12 END,
        reason = CASE WHEN resent_at IS NULL THEN v.column10 END, wanted_at = coalesce(v.column11, wanted_at)",
        given_back!("message", "v.column4 = 'decided'"),
        " FROM ("
    ),
    columns: 13,
    tail: concat!(") AS v WHERE message.slot = v.column1 AND message.contact = v.column2 AND message.id = v.column3
        AND coalesce(v.column13 = message.attempts + CASE WHEN message.state = 'decided' THEN 1 ELSE 0 END, TRUE)
        AND ", has_word!("v.column8", "message.state"), own_hand_over!(), " RETURNING message.contact, message.id, journey, version, message, decided_at, state"),
};

/// Records what became of messages, in order; answers those whose state could lead there. What may have gone before is
/// unsure again where it is left out, which is not answered.
pub(super) async fn settle(
    connection: &mut Connection,
    settled: Vec<MessageSettlement>,
    now: Moment,
) -> Result<Vec<MessageKey>> {
    let about = settled.iter().map(|settlement| settlement.key.contact).collect();
    let about = identity::held(connection, about, Grip::Stay).await?;
    let mut answered = Vec::with_capacity(settled.len());
    let mut counts = Counts::new();
    for round in rounds(settled.into_iter().zip(about)).into_values() {
        let rows = SETTLE.returning(connection, &round, |statement, (settlement, contact)| {
            statement
                .bind(contact.slot().0)
                .bind(contact.0)
                .bind(settlement.key.id.0)
                .bind(settlement.outcome.state().as_str())
                .bind(settlement.outcome.due_at().map(Moment::micros))
                .bind(now.micros())
                .bind(settlement.answer.as_str())
                .bind(words(settlement.outcome.leads_from().iter().map(|state| state.as_str())))
                .bind(settlement.outcome.attempts(MessageState::Decided))
                .bind(settlement.outcome.reason().map(SkipReason::as_str))
                .bind(settlement.outcome.wanted_at().map(Moment::micros))
                .bind(settlement.outcome.attempts(MessageState::HandedOver))
                .bind(settlement.attempt.map(i64::from))
        });
        let found = rows.await?;
        let done = |row: &Row| {
            let mut columns = Columns::of(row, "message");
            let (key, decided) = (key_from(&mut columns)?, decided_message(&mut columns)?);
            Ok((key, (decided, columns.word(MessageState::from_text)?)))
        };
        let mut done: BTreeMap<MessageKey, (DecidedMessage, MessageState)> =
            found.iter().map(done).collect::<Result<_>>()?;
        for (settlement, contact) in &round {
            let key = MessageKey { contact: *contact, id: settlement.key.id };
            let reached = |(_, state): &(_, MessageState)| *state == settlement.outcome.state();
            let Some((decided, _)) = done.remove(&key).filter(reached) else { continue };
            if let Some(reason) = settlement.outcome.reason() {
                count_skipped(&mut counts, decided, reason);
            }
            answered.push(settlement.key);
        }
    }
    record::add_counts(connection, counts).await?;
    Ok(answered)
}

/// Splits settlements so that no round names a message twice: one statement changes a row once.
fn rounds(
    settled: impl Iterator<Item = (MessageSettlement, ContactId)>,
) -> BTreeMap<usize, Vec<(MessageSettlement, ContactId)>> {
    let mut seen: BTreeMap<MessageId, usize> = BTreeMap::new();
    let mut rounds: BTreeMap<usize, Vec<(MessageSettlement, ContactId)>> = BTreeMap::new();
    for (settlement, contact) in settled {
        let times = seen.entry(settlement.key.id).or_default();
        rounds.entry(*times).or_default().push((settlement, contact));
        *times += 1;
    }
    rounds
}

pub(super) const RECOVER: &str = concat!(
    "UPDATE message SET state = 'unsure', settled_at = $1, answer = $2 WHERE state = 'handed_over'",
    lost!("$1")
);

/// Messages whose hand-over had begun when the program ended.
pub(super) async fn recover(connection: &mut Connection, now: Moment) -> Result<u64> {
    let statement = sqlx::query(RECOVER).bind(now.micros()).bind(ENDED_MEANWHILE);
    Ok(statement.execute(&mut *connection).await.map_err(failed)?.rows_affected())
}

pub(super) const RESEND: &str = concat!(
    "UPDATE message SET state = 'decided', due_at = $1, resent_at = $1, settled_at = NULL",
    given_back!(),
    " WHERE state = 'unsure' AND settled_at >= $1 AND resent_at IS NULL"
);

/// Has messages sent once more that have just become unsure.
pub(super) async fn resend(connection: &mut Connection, now: Moment) -> Result<u64> {
    let statement = sqlx::query(RESEND).bind(now.micros());
    Ok(statement.execute(&mut *connection).await.map_err(failed)?.rows_affected())
}

/// Has a message tried again at once.
pub(super) async fn retry(connection: &mut Connection, key: MessageKey, now: Moment) -> Result<bool> {
    let states: Vec<MessageState> =
        MessageState::ALL.iter().copied().filter(|state| may_retry(*state)).collect();
    let sql = concat!(
        "UPDATE message SET state = 'decided', due_at = $4, wanted_at = $4, settled_at = NULL,
        resent_at = CASE WHEN state = 'unsure' THEN coalesce(resent_at, $4) ELSE resent_at END",
        given_back!(),
        " WHERE slot = $1 AND contact = $2 AND id = $3 AND ",
        has_word!("$5", "state"),
        " AND coalesce(due_at, $4 + 1) > $4"
    );
    let done = sqlx::query(sql)
        .bind(slot(key.contact))
        .bind(key.contact.0)
        .bind(key.id.0)
        .bind(now.micros())
        .bind(words(states.iter().map(|state| state.as_str())))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    Ok(done.rows_affected() == 1)
}
