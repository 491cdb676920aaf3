//! Recording turns: whatever they led to, a few statements for all of them.

use std::collections::BTreeMap;

use sqlx::Executor as _;

use super::bulk::Bulk;
use super::rows::json;
use super::{Connection, contacts, failed, intake, watch};
use crate::domain::{
    Call, CallState, Contact, ContactId, Event, EventId, EventKind, GoalReached, HistoryStep, Message,
    MessageState, Permission, Picked, Run,
};
use crate::store::tally::{TallyKey, count};
use crate::store::{Result, StoreError, TurnBatch};
use crate::time::Moment;

/// Records turns, all of them or none, and the transaction goes on either way. The database keeps aside what each page
/// was like before, so this is for few turns.
pub(super) async fn record_or_leave(connection: &mut Connection, batch: &TurnBatch) -> Result<()> {
    connection.execute("SAVEPOINT whole").await.map_err(failed)?;
    let written = record(connection, batch).await;
    let end = match written {
        Ok(()) => "RELEASE SAVEPOINT whole",
        Err(_) => "ROLLBACK TO SAVEPOINT whole",
    };
    let ended = connection.execute(end).await.map_err(failed);
    // Where the connection is lost, why comes first.
    written.and(ended.map(|_| ()))
}

/// Records turns; where that fails the transaction must not be committed.
pub(super) async fn record(connection: &mut Connection, batch: &TurnBatch) -> Result<()> {
    runs(connection, batch).await?;
    let changed: Vec<&Contact> =
        batch.contacts.iter().filter(|(state, _)| state.changed).map(|(state, _)| &state.contact).collect();
    contacts::update(connection, &changed).await?;
    let effects = || batch.contacts.iter().map(|(_, effects)| effects);
    history(connection, &effects().flat_map(|effects| &effects.history).collect::<Vec<_>>()).await?;
    messages(connection, &effects().flat_map(|effects| &effects.messages).collect::<Vec<_>>()).await?;
    let permissions: Vec<Permission> =
        effects().flat_map(|effects| effects.permissions.iter().cloned()).collect();
    intake::write_permissions(connection, &permissions).await?;
    calls(connection, &effects().flat_map(|effects| &effects.calls).collect::<Vec<_>>()).await?;
    goals(connection, &effects().flat_map(|effects| &effects.goals).collect::<Vec<_>>()).await?;
    add_events(connection, &effects().flat_map(|effects| &effects.events).collect::<Vec<_>>()).await?;
    let watches: Vec<_> = batch
        .contacts
        .iter()
        .filter_map(|(state, effects)| Some((state.contact.id, effects.watch.as_ref()?)))
        .collect();
    watch::remember(connection, &watches).await?;
    looked_at(connection, batch).await?;
    add_counts(connection, count(batch)).await
}

pub(super) const ENTER: Bulk = Bulk {
    head: "INSERT INTO run (slot, contact, id, journey, version, key, arm, place, turn, steps, entered_at, wake_at,
        goal_until, ended_at, outcome, state)",
    columns: 16,
    tail: "ON CONFLICT (slot, contact, id) DO NOTHING",
};

pub(super) const MOVE: Bulk = Bulk {
    head: "UPDATE run SET version = v.column5, place = v.column6, turn = v.column7, steps = v.column8,
        wake_at = v.column9, goal_until = v.column10, ended_at = v.column11, outcome = v.column12, state = v.column13
        FROM (",
    columns: 13,
    tail: ") AS v WHERE run.slot = v.column1 AND run.contact = v.column2 AND run.id = v.column3
        AND run.turn = v.column4",
};

async fn runs(connection: &mut Connection, batch: &TurnBatch) -> Result<()> {
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
    let micros = |moment: Option<Moment>| moment.map(Moment::micros);
    let entered = ENTER
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
    let updated = MOVE
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
    // A turn is made from the one before it: were that no longer the last, nothing must be written.
    if entered + updated != (new.len() + moved.len()) as u64 {
        return Err(StoreError::Overtaken);
    }
    Ok(())
}

pub(super) const NOTE: Bulk = Bulk {
    head: "INSERT INTO history (slot, run, number, at, version, place, kind, detail)",
    columns: 8,
    tail: "",
};

async fn history(connection: &mut Connection, steps: &[&HistoryStep]) -> Result<()> {
    NOTE.run(connection, steps, |statement, step: &&HistoryStep| {
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

pub(super) const DECIDE: Bulk = Bulk {
    head:
        "INSERT INTO message (slot, contact, id, run, journey, version, place, step, channel, message, topic,
        essential, address, with_values, state, reason, decided_at, wanted_at, due_at, attempts)",
    columns: 20,
    tail: "",
};

async fn messages(connection: &mut Connection, messages: &[&Message]) -> Result<()> {
    DECIDE
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
                .bind(message.wanted_at.micros())
                .bind(due)
                .bind(0)
        })
        .await?;
    Ok(())
}

pub(super) const CALL: Bulk = Bulk {
    head: "INSERT INTO call (slot, contact, id, run, journey, version, place, step, stage, kind, target,
        with_values, assigned_to, state, decided_at, due_at, attempts)",
    columns: 17,
    tail: "",
};

async fn calls(connection: &mut Connection, calls: &[&Call]) -> Result<()> {
    CALL.run(connection, calls, |statement, call: &&Call| {
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
            .bind(CallState::Pending.as_str())
            .bind(call.decided_at.micros())
            .bind(call.decided_at.micros())
            .bind(0)
    })
    .await?;
    Ok(())
}

pub(super) const REACH: Bulk = Bulk {
    head: "INSERT INTO goal (slot, contact, run, goal, journey, version, arm, at, worth, event)",
    columns: 10,
    tail: "ON CONFLICT (slot, contact, run, goal) DO NOTHING",
};

async fn goals(connection: &mut Connection, goals: &[&GoalReached]) -> Result<()> {
    REACH
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

pub(super) const HAPPEN: Bulk = Bulk {
    head: "INSERT INTO event (slot, contact, id, kind, name, at, received_at, run, depth, properties, pending)",
    columns: 11,
    tail: "ON CONFLICT (slot, contact, id) DO NOTHING",
};

/// Adds events that are to be looked at; those of machines are kept as evidence alone.
pub(super) async fn add_events(connection: &mut Connection, events: &[&Event]) -> Result<u64> {
    HAPPEN
        .run(connection, events, |statement, event: &&Event| {
            let pending = event.kind != EventKind::Machine;
            statement
                .bind(event.contact.slot().0)
                .bind(event.contact.0)
                .bind(event.id.0)
                .bind(event.kind.as_str())
                .bind(event.name.as_str())
                .bind(event.at.micros())
                .bind(event.received_at.micros())
                .bind(event.run.map(|run| run.0))
                .bind(event.depth)
                .bind(json(&event.properties))
                .bind(pending)
        })
        .await
}

/// The comparison keeps the planner from walking over everything that is pending.
pub(in super::super) const LOOK: Bulk = Bulk {
    head: "UPDATE event SET pending = FALSE, result = v.column4 FROM (",
    columns: 4,
    tail: ") AS v WHERE event.slot = v.column1 AND event.contact = v.column2 AND event.id = v.column3
        AND event.pending <> FALSE",
};

async fn looked_at(connection: &mut Connection, batch: &TurnBatch) -> Result<()> {
    let mut results: BTreeMap<EventId, String> = BTreeMap::new();
    for (_, effects) in &batch.contacts {
        results
            .extend(effects.refused_by_event().into_iter().map(|(event, refused)| (event, json(&refused))));
    }
    let looked_at = LOOK
        .run(connection, &batch.events, |statement, (contact, event): &(ContactId, EventId)| {
            statement.bind(contact.slot().0).bind(contact.0).bind(event.0).bind(results.get(event).cloned())
        })
        .await?;
    if looked_at != batch.events.len() as u64 { Err(StoreError::Overtaken) } else { Ok(()) }
}

pub(super) const PICK: Bulk = Bulk {
    head: "INSERT INTO picked (journey, experiment, variant, at)",
    columns: 4,
    tail: "ON CONFLICT (journey, experiment) DO NOTHING",
};

/// Notes variants that were picked.
pub(super) async fn pick(connection: &mut Connection, picked: &[Picked]) -> Result<()> {
    PICK.run(connection, picked, |statement, picked: &Picked| {
        statement
            .bind(picked.journey.as_str())
            .bind(picked.experiment.as_str())
            .bind(picked.variant.as_str())
            .bind(picked.at.micros())
    })
    .await?;
    Ok(())
}

pub(super) const COUNT: Bulk = Bulk {
    head: "INSERT INTO tally (journey, version, arm, day, what, detail, count, worth)",
    columns: 8,
    tail: "ON CONFLICT (slot, journey, version, arm, day, what, detail)
        DO UPDATE SET count = tally.count + excluded.count, worth = tally.worth + excluded.worth",
};

/// Adds to the counts.
pub(super) async fn add_counts(
    connection: &mut Connection,
    counts: BTreeMap<TallyKey, (i64, f64)>,
) -> Result<()> {
    let counts: Vec<_> = counts.into_iter().collect();
    COUNT
        .run(
            connection,
            &counts,
            |statement, ((journey, version, arm, day, what, detail), (count, worth))| {
                statement
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
