//! What comes in: events, decisions, files.

use std::collections::{BTreeMap, BTreeSet};

use super::bulk::Bulk;
use super::guard::Grip;
use super::rows::Columns;
use super::{Connection, contacts, failed, identity, keys, record, turns, watch};
use crate::domain::{ContactId, Event, EventId, IdHasher, Permission};
use crate::store::{Arrival, ImportCounts, ImportRow, Intake, Result, intake};
use crate::time::Moment;

/// Takes in what came from outside.
pub(super) async fn take_in(connection: &mut Connection, arrivals: Vec<Arrival>) -> Result<Vec<Intake>> {
    let who = arrivals.iter().map(|arrival| &arrival.who);
    let mut directory = identity::directory(connection, who).await?;
    let sorted = intake::sort_out(&mut directory, arrivals);
    identity::write_directory(connection, &directory).await?;
    let known = known_events(connection, &sorted.about).await?;
    record::add_events(connection, &sorted.events.iter().collect::<Vec<_>>()).await?;
    Ok(intake::answers(&sorted.about, known))
}

pub(super) const KNOWN: &str = concat!(
    "SELECT e.contact, e.id FROM ",
    ids!("$1", "$2", "$3"),
    " CROSS JOIN event AS e
    WHERE e.slot = k.slot AND e.contact = k.contact AND e.id = k.id"
);

async fn known_events(
    connection: &mut Connection,
    about: &[(ContactId, EventId)],
) -> Result<BTreeSet<(ContactId, EventId)>> {
    let list = keys::ids(about.iter().map(|(contact, id)| (contact, &id.0)));
    let found = list.bind(sqlx::query(KNOWN)).fetch_all(&mut *connection).await.map_err(failed)?;
    let read = |row| {
        let mut columns = Columns::of(row, "event");
        Ok((columns.contact()?, EventId(columns.id()?)))
    };
    found.iter().map(read).collect()
}

/// Adds events of known contacts.
pub(super) async fn add_events(connection: &mut Connection, mut events: Vec<Event>) -> Result<u64> {
    let about = events.iter().map(|event| event.contact).collect();
    for (event, contact) in events.iter_mut().zip(identity::held(connection, about, Grip::Stay).await?) {
        event.contact = contact;
    }
    record::add_events(connection, &events.iter().collect::<Vec<_>>()).await
}

/// Records decisions, and adds the events that tell of them.
pub(super) async fn decide(connection: &mut Connection, mut decisions: Vec<Permission>) -> Result<()> {
    let by = decisions.iter().map(|permission| permission.contact).collect();
    for (permission, contact) in decisions.iter_mut().zip(identity::held(connection, by, Grip::Change).await?)
    {
        permission.contact = contact;
    }
    put_behind(connection, &mut decisions).await?;
    write_permissions(connection, &decisions).await?;
    let events: Vec<Event> = decisions.iter().map(intake::event_of).collect();
    record::add_events(connection, &events.iter().collect::<Vec<_>>()).await?;
    Ok(())
}

pub(super) const DECIDED_AT: &str = concat!(
    "SELECT p.contact, topic, at FROM ",
    contacts!("$1", "$2"),
    " CROSS JOIN permission AS p
    WHERE p.slot = k.slot AND p.contact = k.contact"
);

/// Has decisions come behind those before them. Their contacts are held.
async fn put_behind(connection: &mut Connection, decisions: &mut [Permission]) -> Result<()> {
    if decisions.is_empty() {
        return Ok(());
    }
    let by: BTreeSet<ContactId> = decisions.iter().map(|decision| decision.contact).collect();
    let found = keys::contacts(&by).bind(sqlx::query(DECIDED_AT)).fetch_all(&mut *connection).await;
    let mut known: BTreeMap<(ContactId, String), BTreeSet<Moment>> = BTreeMap::new();
    for row in found.map_err(failed)? {
        let mut columns = Columns::of(&row, "permission");
        let key = (ContactId(columns.id()?), columns.text()?);
        known.entry(key).or_default().insert(columns.moment()?);
    }
    intake::put_behind(decisions, known);
    Ok(())
}

const PERMIT: Bulk = Bulk {
    head: "INSERT INTO permission (slot, contact, topic, at, allowed, source, wording, proof)",
    columns: 8,
    // As among those of one statement, which must not change a row twice.
    tail: "ON CONFLICT (slot, contact, topic, at) DO UPDATE SET allowed = excluded.allowed,
        source = excluded.source, wording = excluded.wording, proof = excluded.proof
        WHERE excluded.allowed < permission.allowed",
};

pub(super) async fn write_permissions(connection: &mut Connection, permissions: &[Permission]) -> Result<()> {
    // Of two decisions at the same instant the refusal holds.
    let mut holding: BTreeMap<(ContactId, &str, Moment), &Permission> = BTreeMap::new();
    for permission in permissions {
        let key = (permission.contact, permission.topic.as_str(), permission.at);
        let first = holding.entry(key).or_insert(permission);
        if first.allowed && !permission.allowed {
            *first = permission;
        }
    }
    let holding: Vec<&Permission> = holding.into_values().collect();
    PERMIT
        .run(connection, &holding, |statement, permission: &&Permission| {
            statement
                .bind(permission.contact.slot().0)
                .bind(permission.contact.0)
                .bind(permission.topic.as_str())
                .bind(permission.at.micros())
                .bind(permission.allowed)
                .bind(permission.source.as_str())
                .bind(permission.wording.as_deref())
                .bind(permission.proof.as_deref())
        })
        .await?;
    Ok(())
}

/// Adds and changes contacts from a file.
pub(super) async fn import(
    connection: &mut Connection,
    imported: Vec<ImportRow>,
    now: Moment,
) -> Result<ImportCounts> {
    let who = intake::named(&imported);
    let mut directory = identity::directory(connection, who.iter()).await?;
    let resolved = intake::sort_out_rows(&mut directory, &imported, now);
    identity::write_directory(connection, &directory).await?;
    let ids = resolved.iter().map(|resolved| resolved.contact).collect();
    let ids = identity::held(connection, ids, Grip::Change).await?;
    let mut contacts = contacts::load_readable(connection, &ids).await?;
    let decisions = turns::decisions(connection, &ids).await?;
    let about = (&directory, resolved.as_slice());
    let (mut permissions, counts) = intake::import(&imported, about, &mut contacts, decisions, now);
    contacts::update(connection, &contacts.values().collect::<Vec<_>>()).await?;
    put_behind(connection, &mut permissions).await?;
    write_permissions(connection, &permissions).await?;
    watch::notice(connection, &ids, now).await?;
    Ok(counts)
}

const SET_ASIDE: Bulk = Bulk {
    head: "INSERT INTO quarantine (id, received_at, reason, body)",
    columns: 4,
    tail: "ON CONFLICT (id) DO NOTHING",
};

/// Puts what could not be taken aside.
pub(super) async fn quarantine(
    connection: &mut Connection,
    received_at: Moment,
    items: &[(String, String)],
) -> Result<()> {
    SET_ASIDE
        .run(connection, items, |statement, (reason, body)| {
            let id = IdHasher::new("quarantine").part(reason).part(body).finish(received_at);
            statement.bind(id).bind(received_at.micros()).bind(reason.as_str()).bind(body.as_str())
        })
        .await?;
    Ok(())
}
