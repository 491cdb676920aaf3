use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::super::tally::count;
use super::super::{Claim, Result, StoreError, TurnBatch};
use super::bulk::Bulk;
use super::rows::{self, Columns, json};
use super::{failed, keys};
use crate::domain::{
    Call, Contact, ContactId, ContactState, Event, EventId, GoalReached, HistoryStep, Message, MessageState,
    Past, Run,
};
use crate::language::plan::Needs;
use crate::time::Moment;

pub(super) async fn claim(connection: &mut SqliteConnection, now: Moment, limit: u32) -> Result<Claim> {
    let pending =
        "SELECT contact, id, kind, name, at, received_at, run, properties FROM event WHERE pending = 1
        ORDER BY received_at LIMIT $1";
    let found = sqlx::query(pending).bind(limit).fetch_all(&mut *connection).await.map_err(failed)?;
    let mut events = rows::all(&found, rows::event)?;
    let due =
        "SELECT contact, id, journey, version, key, arm, place, turn, steps, entered_at, wake_at, goal_until,
        ended_at, outcome, state FROM run WHERE wake_at <= $1 ORDER BY wake_at LIMIT $2";
    let found =
        sqlx::query(due).bind(now.micros()).bind(limit).fetch_all(&mut *connection).await.map_err(failed)?;
    let due = rows::all(&found, rows::run)?;
    // Where every pending event is here already, none is missing for the contacts of the timers.
    if events.len() >= limit as usize && !due.is_empty() {
        let theirs = "SELECT e.contact, e.id, kind, name, at, received_at, run, properties FROM json_each($1) AS k
            CROSS JOIN event AS e WHERE e.slot = k.value ->> 0 AND e.contact = unhex(k.value ->> 1) AND pending = 1
            AND received_at > $2 ORDER BY received_at";
        let last = events.last().map_or(Moment::MIN, |event| event.received_at);
        let list = keys::contacts(due.iter().map(|run| &run.contact));
        let found = sqlx::query(theirs)
            .bind(list)
            .bind(last.micros())
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        events.extend(rows::all(&found, rows::event)?);
    }
    Ok(Claim { events, due })
}

pub(super) async fn states(
    connection: &mut SqliteConnection,
    contacts: &[ContactId],
    needs: Needs,
    earliest: Moment,
) -> Result<Vec<ContactState>> {
    let list = keys::contacts(contacts);
    let people = "SELECT c.id, external_id, email, phone, timezone, language, created_at, tags, attributes, suppressed
        FROM json_each($1) AS k CROSS JOIN contact AS c WHERE c.slot = k.value ->> 0 AND c.id = unhex(k.value ->> 1)";
    let found = sqlx::query(people).bind(&list).fetch_all(&mut *connection).await.map_err(failed)?;
    let mut states: BTreeMap<ContactId, ContactState> = BTreeMap::new();
    for row in &found {
        let contact = rows::contact(row)?;
        states.insert(contact.id, ContactState::new(contact));
    }
    let inside =
        "SELECT r.contact, r.id, journey, version, r.key, arm, place, turn, steps, entered_at, wake_at,
        goal_until, ended_at, outcome, state FROM json_each($1) AS k CROSS JOIN run AS r
        WHERE r.slot = k.value ->> 0 AND r.contact = unhex(k.value ->> 1)
        AND (ended_at IS NULL OR goal_until >= $2) ORDER BY r.contact, r.id";
    let found = sqlx::query(inside)
        .bind(&list)
        .bind(earliest.micros())
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    for row in &found {
        let run = rows::run(row)?;
        if let Some(state) = states.get_mut(&run.contact) {
            state.runs.push(run);
        }
    }
    past(connection, &list, &mut states).await?;
    if needs.permissions {
        for (contact, decided) in decisions(connection, contacts).await? {
            if let Some(state) = states.get_mut(&contact) {
                state.permissions = decided;
            }
        }
    }
    // In the order in which they were asked for, so that a batch is worked off the same way every time.
    Ok(contacts.iter().filter_map(|id| states.remove(id)).collect())
}

async fn past(
    connection: &mut SqliteConnection,
    list: &str,
    states: &mut BTreeMap<ContactId, ContactState>,
) -> Result<()> {
    let left = "SELECT r.contact, journey, r.key, max(ended_at) FROM json_each($1) AS k CROSS JOIN run AS r
        WHERE r.slot = k.value ->> 0 AND r.contact = unhex(k.value ->> 1) AND ended_at IS NOT NULL
        GROUP BY r.contact, journey, r.key";
    for row in sqlx::query(left).bind(list).fetch_all(&mut *connection).await.map_err(failed)? {
        let mut columns = Columns::of(&row, "run");
        let contact = ContactId(columns.id()?);
        let past = Past { journey: columns.text()?, key: columns.text()?, left_at: columns.moment()? };
        if let Some(state) = states.get_mut(&contact) {
            state.past.push(past);
        }
    }
    Ok(())
}

/// The last decision of contacts on each topic.
pub(super) async fn decisions(
    connection: &mut SqliteConnection,
    contacts: &[ContactId],
) -> Result<BTreeMap<ContactId, BTreeMap<String, bool>>> {
    // Later decisions overwrite earlier ones.
    let decided = "SELECT p.contact, topic, allowed FROM json_each($1) AS k CROSS JOIN permission AS p
        WHERE p.slot = k.value ->> 0 AND p.contact = unhex(k.value ->> 1) ORDER BY p.contact, topic, at";
    let mut decisions: BTreeMap<ContactId, BTreeMap<String, bool>> = BTreeMap::new();
    let list = keys::contacts(contacts);
    for row in sqlx::query(decided).bind(list).fetch_all(&mut *connection).await.map_err(failed)? {
        let mut columns = Columns::of(&row, "permission");
        let contact = ContactId(columns.id()?);
        let (topic, allowed) = (columns.text()?, columns.number::<u8>()? == 1);
        decisions.entry(contact).or_default().insert(topic, allowed);
    }
    Ok(decisions)
}

pub(super) async fn record(connection: &mut SqliteConnection, batch: TurnBatch) -> Result<()> {
    runs(connection, &batch).await?;
    let changed: Vec<&Contact> =
        batch.contacts.iter().filter(|(state, _)| state.changed).map(|(state, _)| &state.contact).collect();
    update_contacts(connection, &changed).await?;
    let effects = || batch.contacts.iter().map(|(_, effects)| effects);
    history(connection, &effects().flat_map(|effects| &effects.history).collect::<Vec<_>>()).await?;
    messages(connection, &effects().flat_map(|effects| &effects.messages).collect::<Vec<_>>()).await?;
    calls(connection, &effects().flat_map(|effects| &effects.calls).collect::<Vec<_>>()).await?;
    goals(connection, &effects().flat_map(|effects| &effects.goals).collect::<Vec<_>>()).await?;
    add_events(connection, &effects().flat_map(|effects| &effects.events).collect::<Vec<_>>()).await?;
    looked_at(connection, &batch).await?;
    tallies(connection, &batch).await
}

async fn runs(connection: &mut SqliteConnection, batch: &TurnBatch) -> Result<()> {
    let (mut new, mut moved) = (Vec::new(), Vec::new());
    for (state, effects) in &batch.contacts {
        for run in &state.runs {
            match effects.touched.get(&run.id) {
                Some(0) => new.push(run),
                Some(before) => moved.push((run, *before)),
                None => {}
            }
        }
    }
    const INSERT: Bulk = Bulk {
        head: "INSERT INTO run (slot, contact, id, journey, version, key, arm, place, turn, steps, entered_at, wake_at,
            goal_until, ended_at, outcome, state)",
        columns: 16,
        tail: "",
    };
    let micros = |moment: Option<Moment>| moment.map(Moment::micros);
    INSERT
        .run(connection, &new, |statement, run: &&Run| {
            statement
                .bind(run.contact.slot().0)
                .bind(run.contact.0)
                .bind(run.id.0)
                .bind(run.journey.as_str())
                .bind(run.version)
                .bind(run.key.as_str())
                .bind(run.arm.as_str())
                .bind(run.place)
                .bind(run.turn)
                .bind(run.steps)
                .bind(run.entered_at.micros())
                .bind(micros(run.wake_at))
                .bind(micros(run.goal_until))
                .bind(micros(run.ended_at))
                .bind(run.outcome.as_deref())
                .bind(json(&run.state))
        })
        .await?;
    // A turn is made from the one before it: were that no longer the last, nothing must be written.
    const UPDATE: Bulk = Bulk {
        head: "UPDATE run SET version = v.column5, place = v.column6, turn = v.column7, steps = v.column8,
            wake_at = v.column9, goal_until = v.column10, ended_at = v.column11, outcome = v.column12, state = v.column13
            FROM (",
        columns: 13,
        tail: ") AS v WHERE run.slot = v.column1 AND run.contact = v.column2 AND run.id = v.column3
            AND run.turn = v.column4",
    };
    let updated = UPDATE
        .run(connection, &moved, |statement, (run, before): &(&Run, u32)| {
            statement
                .bind(run.contact.slot().0)
                .bind(run.contact.0)
                .bind(run.id.0)
                .bind(*before)
                .bind(run.version)
                .bind(run.place)
                .bind(run.turn)
                .bind(run.steps)
                .bind(micros(run.wake_at))
                .bind(micros(run.goal_until))
                .bind(micros(run.ended_at))
                .bind(run.outcome.as_deref())
                .bind(json(&run.state))
        })
        .await?;
    if updated != moved.len() as u64 { Err(StoreError::Overtaken) } else { Ok(()) }
}

/// Writes contacts over those that are there.
pub(super) async fn update_contacts(connection: &mut SqliteConnection, contacts: &[&Contact]) -> Result<()> {
    const UPDATE: Bulk = Bulk {
        head: "UPDATE contact SET external_id = v.column3, email = v.column4, phone = v.column5, timezone = v.column6,
            language = v.column7, tags = v.column8, attributes = v.column9, suppressed = v.column10 FROM (",
        columns: 10,
        tail: ") AS v WHERE contact.slot = v.column1 AND contact.id = v.column2",
    };
    UPDATE
        .run(connection, contacts, |statement, contact: &&Contact| {
            statement
                .bind(contact.id.slot().0)
                .bind(contact.id.0)
                .bind(contact.external_id.as_deref())
                .bind(contact.email.as_deref())
                .bind(contact.phone.as_deref())
                .bind(contact.timezone.as_deref())
                .bind(contact.language.as_deref())
                .bind(json(&contact.tags))
                .bind(json(&contact.attributes))
                .bind(contact.suppressed.as_deref())
        })
        .await?;
    Ok(())
}

async fn history(connection: &mut SqliteConnection, steps: &[&HistoryStep]) -> Result<()> {
    const INSERT: Bulk = Bulk {
        head: "INSERT INTO history (slot, run, number, at, version, place, kind, detail)",
        columns: 8,
        tail: "",
    };
    INSERT
        .run(connection, steps, |statement, step: &&HistoryStep| {
            statement
                .bind(step.contact.slot().0)
                .bind(step.run.0)
                .bind(step.number)
                .bind(step.at.micros())
                .bind(step.version)
                .bind(step.place)
                .bind(step.kind.as_str())
                .bind(step.detail.as_str())
        })
        .await?;
    Ok(())
}

async fn messages(connection: &mut SqliteConnection, messages: &[&Message]) -> Result<()> {
    const INSERT: Bulk = Bulk {
        head: "INSERT INTO message (slot, contact, id, run, journey, version, place, step, channel, message, topic,
            essential, address, with_values, state, reason, decided_at, due_at, attempts)",
        columns: 19,
        tail: "",
    };
    INSERT
        .run(connection, messages, |statement, message: &&Message| {
            let due = (message.state == MessageState::Decided).then_some(message.decided_at.micros());
            statement
                .bind(message.contact.slot().0)
                .bind(message.contact.0)
                .bind(message.id.0)
                .bind(message.run.0)
                .bind(message.journey.as_str())
                .bind(message.version)
                .bind(message.place)
                .bind(message.step)
                .bind(message.channel.as_str())
                .bind(message.message.as_str())
                .bind(message.topic.as_str())
                .bind(message.essential)
                .bind(message.address.as_str())
                .bind(json(&message.with))
                .bind(message.state.as_str())
                .bind(message.reason.map(|reason| reason.as_str()))
                .bind(message.decided_at.micros())
                .bind(due)
                .bind(0)
        })
        .await?;
    Ok(())
}

async fn calls(connection: &mut SqliteConnection, calls: &[&Call]) -> Result<()> {
    const INSERT: Bulk = Bulk {
        head: "INSERT INTO call (slot, contact, id, run, journey, version, place, step, stage, kind, target,
            with_values, assigned_to, state, decided_at, due_at, attempts)",
        columns: 17,
        tail: "",
    };
    INSERT
        .run(connection, calls, |statement, call: &&Call| {
            statement
                .bind(call.contact.slot().0)
                .bind(call.contact.0)
                .bind(call.id.0)
                .bind(call.run.0)
                .bind(call.journey.as_str())
                .bind(call.version)
                .bind(call.place)
                .bind(call.step)
                .bind(call.stage.as_str())
                .bind(call.kind.as_str())
                .bind(call.target.as_str())
                .bind(json(&call.with))
                .bind(call.assigned_to.as_deref())
                .bind("pending")
                .bind(call.decided_at.micros())
                .bind(call.decided_at.micros())
                .bind(0)
        })
        .await?;
    Ok(())
}

async fn goals(connection: &mut SqliteConnection, goals: &[&GoalReached]) -> Result<()> {
    const INSERT: Bulk = Bulk {
        head: "INSERT INTO goal (slot, contact, run, goal, journey, version, arm, at, worth, event)",
        columns: 10,
        tail: "",
    };
    INSERT
        .run(connection, goals, |statement, goal: &&GoalReached| {
            statement
                .bind(goal.contact.slot().0)
                .bind(goal.contact.0)
                .bind(goal.run.0)
                .bind(goal.goal.as_str())
                .bind(goal.journey.as_str())
                .bind(goal.version)
                .bind(goal.arm.as_str())
                .bind(goal.at.micros())
                .bind(goal.worth)
                .bind(goal.event.0)
        })
        .await?;
    Ok(())
}

/// Adds events that are to be looked at; those of machines are kept as evidence alone.
pub(super) async fn add_events(connection: &mut SqliteConnection, events: &[&Event]) -> Result<u64> {
    const INSERT: Bulk = Bulk {
        head: "INSERT INTO event (slot, contact, id, kind, name, at, received_at, run, properties, pending)",
        columns: 10,
        tail: "ON CONFLICT (slot, contact, id) DO NOTHING",
    };
    INSERT
        .run(connection, events, |statement, event: &&Event| {
            let pending = event.kind != crate::domain::EventKind::Machine;
            statement
                .bind(event.contact.slot().0)
                .bind(event.contact.0)
                .bind(event.id.0)
                .bind(event.kind.as_str())
                .bind(event.name.as_str())
                .bind(event.at.micros())
                .bind(event.received_at.micros())
                .bind(event.run.map(|run| run.0))
                .bind(json(&event.properties))
                .bind(pending)
        })
        .await
}

async fn looked_at(connection: &mut SqliteConnection, batch: &TurnBatch) -> Result<()> {
    let mut results: BTreeMap<EventId, String> = BTreeMap::new();
    for (_, effects) in &batch.contacts {
        results
            .extend(effects.refused_by_event().into_iter().map(|(event, refused)| (event, json(&refused))));
    }
    const UPDATE: Bulk = Bulk {
        head: "UPDATE event SET pending = 0, result = v.column4 FROM (",
        columns: 4,
        tail: ") AS v WHERE event.slot = v.column1 AND event.contact = v.column2 AND event.id = v.column3
            AND event.pending = 1",
    };
    let looked_at = UPDATE
        .run(connection, &batch.events, |statement, (contact, event): &(ContactId, EventId)| {
            statement.bind(contact.slot().0).bind(contact.0).bind(event.0).bind(results.get(event).cloned())
        })
        .await?;
    if looked_at != batch.events.len() as u64 { Err(StoreError::Overtaken) } else { Ok(()) }
}

async fn tallies(connection: &mut SqliteConnection, batch: &TurnBatch) -> Result<()> {
    const UPSERT: Bulk = Bulk {
        head: "INSERT INTO tally (slot, journey, version, arm, day, what, detail, count, worth)",
        columns: 9,
        tail: "ON CONFLICT (slot, journey, version, arm, day, what, detail)
            DO UPDATE SET count = count + excluded.count, worth = worth + excluded.worth",
    };
    let counts: Vec<_> = count(batch).into_iter().collect();
    UPSERT
        .run(
            connection,
            &counts,
            |statement, ((journey, version, arm, day, what, detail), (count, worth))| {
                // One writer counts, so one slot holds all counts here.
                statement
                    .bind(0)
                    .bind(journey.as_str())
                    .bind(*version)
                    .bind(*arm)
                    .bind(*day)
                    .bind(*what)
                    .bind(detail.as_str())
                    .bind(*count)
                    .bind(*worth)
            },
        )
        .await?;
    Ok(())
}
