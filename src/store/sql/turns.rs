//! What is to be done, and what is known of those it is to be done for.

use std::collections::BTreeMap;

use super::contacts::load;
use super::rows::{self, Columns};
use super::{Connection, failed, guard, keys, past, watch};
use crate::domain::{ContactId, ContactState, Past};
use crate::language::plan::Needs;
use crate::store::{Claim, Result};
use crate::time::Moment;

pub(super) const PENDING: &str = due!("contact, id, kind, name, at, received_at, run, depth, properties"
    FROM "event" WHERE ("pending") ORDER BY "received_at", "contact, id"; LIMIT "$1", "$2", "$3");
pub(super) const DUE: &str = due!("contact, id, journey, version, place, wake_at" FROM "run"
    WHERE ("wake_at <= $1") ORDER BY "wake_at", "contact, id"; LIMIT "$2", "$3", "$4");
/// The same without contacts for whom it matters that a plan cannot be read.
pub(in super::super) const READABLE_PENDING: &str = due!("contact, id, kind, name, at, received_at, run, depth, properties"
    FROM "event" WHERE (concat!("pending", readable!("$2", "$3"))) ORDER BY "received_at", "contact, id";
    LIMIT "$1", "$4", "$5");
pub(in super::super) const READABLE_DUE: &str = due!("contact, id, journey, version, place, wake_at" FROM "run"
    WHERE (concat!("wake_at <= $1", readable!("$3", "$1"))) ORDER BY "wake_at", "contact, id"; LIMIT "$2", "$4", "$5");
/// Pending events of the contacts of a list: of each contact those that happened first, and of all no more than a limit,
/// contact by contact.
pub(in super::super) const PENDING_OF: &str = pending_of!();

pub(super) async fn claim(
    connection: &mut Connection,
    now: Moment,
    limit: u32,
    unreadable: &[u32],
) -> Result<Claim> {
    let slots = guard::slots(connection, now, limit, unreadable).await?;
    if slots.are_none() {
        return Ok(Claim::default());
    }
    let most = i64::from(limit);
    let numbers = || keys::numbers(unreadable.iter().copied());
    let statement = if unreadable.is_empty() {
        sqlx::query(PENDING).bind(most)
    } else {
        numbers().bind(sqlx::query(READABLE_PENDING).bind(most)).bind(now.micros())
    };
    let found = slots.bind(statement).fetch_all(&mut *connection).await.map_err(failed)?;
    let events = rows::all(&found, rows::event)?;
    let statement = if unreadable.is_empty() {
        sqlx::query(DUE).bind(now.micros()).bind(most)
    } else {
        numbers().bind(sqlx::query(READABLE_DUE).bind(now.micros()).bind(most))
    };
    let found = slots.bind(statement).fetch_all(&mut *connection).await.map_err(failed)?;
    let due = rows::all(&found, rows::due_run)?;
    let watches = watch::due(connection, now, limit, unreadable, &slots).await?;
    let most_each = slots.most_each(limit);
    let more = events.len().max(due.len()).max(watches.len()) >= most_each;
    let mut claim = Claim { events, due, watches, more };
    // Where every pending event is here already, none is missing for the contacts of the timers.
    if claim.events.len() >= most_each && !(claim.due.is_empty() && claim.watches.is_empty()) {
        let room = Claim::room(limit as usize);
        let list = keys::contacts(claim.due.iter().map(|run| &run.contact).chain(&claim.watches));
        let (each, all) = (Claim::EVENTS_EACH_MAX as i64 + 1, room as i64);
        let statement = list.bind(sqlx::query(PENDING_OF).bind(each).bind(all));
        let found = statement.fetch_all(&mut *connection).await.map_err(failed)?;
        claim.add(rows::all(&found, rows::event)?, room);
    }
    Ok(claim)
}

pub(super) const OPEN: &str = concat!(
    "SELECT r.contact, r.id, journey, version, r.key, arm, place, turn, steps, entered_at, wake_at,
    goal_until, ended_at, outcome, state FROM ",
    contacts!("$2", "$3"),
    " CROSS JOIN run AS r
    WHERE r.slot = k.slot AND r.contact = k.contact AND (ended_at IS NULL OR goal_until >= $1)"
);
pub(super) const LEFT: &str = concat!(
    "SELECT r.contact, journey, r.key, max(ended_at) FROM ",
    contacts!("$1", "$2"),
    " CROSS JOIN run AS r
    WHERE r.slot = k.slot AND r.contact = k.contact AND ended_at IS NOT NULL
    GROUP BY r.contact, journey, r.key ORDER BY r.contact, journey, r.key"
);
/// Later decisions come behind earlier ones, and so overwrite them.
pub(super) const DECIDED: &str = concat!(
    "SELECT p.contact, topic, allowed FROM ",
    contacts!("$1", "$2"),
    " CROSS JOIN permission AS p
    WHERE p.slot = k.slot AND p.contact = k.contact ORDER BY p.contact, topic, at"
);

pub(super) async fn states(
    connection: &mut Connection,
    contacts: &[ContactId],
    needs: &Needs,
    earliest: Moment,
) -> Result<Vec<ContactState>> {
    let known = load(connection, contacts).await?;
    let mut states: BTreeMap<ContactId, ContactState> =
        known.into_iter().map(|(id, contact)| (id, ContactState::new(contact))).collect();
    let list = keys::contacts(states.keys());
    let statement = list.clone().bind(sqlx::query(OPEN).bind(earliest.micros()));
    for row in statement.fetch_all(&mut *connection).await.map_err(failed)? {
        let run = rows::run(&row)?;
        if let Some(state) = states.get_mut(&run.contact) {
            state.runs.push(run);
        }
    }
    if needs.left {
        for row in list.clone().bind(sqlx::query(LEFT)).fetch_all(&mut *connection).await.map_err(failed)? {
            let mut columns = Columns::of(&row, "run");
            let contact = columns.contact()?;
            let past = Past { journey: columns.text()?, key: columns.text()?, left_at: columns.moment()? };
            if let Some(state) = states.get_mut(&contact) {
                state.past.push(past);
            }
        }
    }
    if let Some(reach) = needs.messages {
        past::messages(connection, list.clone(), reach.since(earliest), &mut states).await?;
    }
    if needs.permissions {
        for (contact, decided) in decisions(connection, contacts).await? {
            if let Some(state) = states.get_mut(&contact) {
                state.permissions = decided;
            }
        }
    }
    if needs.watch {
        for (contact, watch) in watch::of(connection, contacts).await? {
            if let Some(state) = states.get_mut(&contact) {
                state.watch = Some(watch);
            }
        }
    }
    if !needs.events.is_empty() {
        past::load(connection, list, needs, earliest, &mut states).await?;
    }
    for state in states.values_mut() {
        state.runs.sort_by_key(|run| (run.entered_at, run.id));
    }
    // In the order in which they were asked for, so that a batch is worked off the same way every time.
    Ok(contacts.iter().filter_map(|id| states.remove(id)).collect())
}

/// The last decision of contacts on each topic.
pub(super) async fn decisions(
    connection: &mut Connection,
    contacts: &[ContactId],
) -> Result<BTreeMap<ContactId, BTreeMap<String, bool>>> {
    let mut decisions: BTreeMap<ContactId, BTreeMap<String, bool>> = BTreeMap::new();
    let list = keys::contacts(contacts);
    for row in list.bind(sqlx::query(DECIDED)).fetch_all(&mut *connection).await.map_err(failed)? {
        let mut columns = Columns::of(&row, "permission");
        let contact = columns.contact()?;
        let (topic, allowed) = (columns.text()?, columns.flag()?);
        decisions.entry(contact).or_default().insert(topic, allowed);
    }
    Ok(decisions)
}
