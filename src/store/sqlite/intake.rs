use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;

use super::super::identity::{Directory, NameKind, NameOf, names_of};
use super::super::{Arrival, ArrivalKind, Identity, ImportCounts, ImportRow, Intake, Result};
use super::bulk::Bulk;
use super::rows::{self, Columns, json};
use super::turns::{add_events, decisions, update_contacts};
use super::{failed, identity, keys};
use crate::domain::{
    Attributes, Contact, ContactId, Event, EventId, EventKind, IdHasher, Permission, SystemEvent, Value,
    ValueType,
};
use crate::time::Moment;

/// Takes in what came from outside.
pub(super) async fn take_in(
    connection: &mut SqliteConnection,
    arrivals: Vec<Arrival>,
) -> Result<Vec<Intake>> {
    let mut directory = directory(connection, arrivals.iter().map(|arrival| &arrival.who)).await?;
    let mut about = Vec::with_capacity(arrivals.len());
    let mut events = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        let resolved = directory.resolve(&arrival.who, arrival.id, arrival.received_at);
        about.push((resolved.contact, arrival.id));
        if let ArrivalKind::Event(kind, name) = arrival.kind {
            let mut properties = arrival.properties;
            if kind == EventKind::Identify && resolved.address_taken {
                properties.remove("email");
            }
            events.push(Event {
                id: arrival.id,
                contact: resolved.contact,
                kind,
                name,
                at: arrival.at,
                received_at: arrival.received_at,
                run: None,
                properties,
            });
        }
    }
    for event in &mut events {
        event.contact = directory.is_now(event.contact);
    }
    for (contact, _) in &mut about {
        *contact = directory.is_now(*contact);
    }
    let known = known_events(connection, &about).await?;
    write_directory(connection, &directory).await?;
    add_events(connection, &events.iter().collect::<Vec<_>>()).await?;
    let answer = |(contact, id): &(ContactId, EventId)| {
        if known.contains(id) { Intake::Repeated(*contact) } else { Intake::Stored(*contact) }
    };
    Ok(about.iter().map(answer).collect())
}

async fn known_events(
    connection: &mut SqliteConnection,
    about: &[(ContactId, EventId)],
) -> Result<BTreeSet<EventId>> {
    let sql = "SELECT e.id FROM json_each($1) AS k CROSS JOIN event AS e WHERE e.slot = k.value ->> 0
        AND e.contact = unhex(k.value ->> 1) AND e.id = unhex(k.value ->> 2)";
    let list = keys::rows(about.iter().map(|(contact, id)| (contact, &id.0)));
    let found = sqlx::query(sql).bind(list).fetch_all(&mut *connection).await.map_err(failed)?;
    found.iter().map(|row| Ok(EventId(Columns::of(row, "event").id()?))).collect()
}

/// What the database knows of the people that are named.
async fn directory<'a>(
    connection: &mut SqliteConnection,
    who: impl Iterator<Item = &'a Identity>,
) -> Result<Directory> {
    let names: BTreeSet<NameOf> = who.flat_map(names_of).collect();
    let list: Vec<(u16, &str, &str)> =
        names.iter().map(|name| (name.slot().0, name.kind.as_str(), name.value.as_str())).collect();
    let sql = "SELECT i.kind, i.value, i.contact FROM json_each($1) AS k CROSS JOIN identity AS i
        WHERE i.slot = k.value ->> 0 AND i.kind = k.value ->> 1 AND i.value = k.value ->> 2";
    let mut known = BTreeMap::new();
    for row in sqlx::query(sql).bind(json(&list)).fetch_all(&mut *connection).await.map_err(failed)? {
        let mut columns = Columns::of(&row, "identity");
        let name = NameOf::new(columns.word(NameKind::from_text)?, columns.text()?);
        known.insert(name, ContactId(columns.id()?));
    }
    let sql = "SELECT c.id, c.external_id FROM json_each($1) AS k CROSS JOIN contact AS c
        WHERE c.slot = k.value ->> 0 AND c.id = unhex(k.value ->> 1)";
    let mut external = BTreeMap::new();
    let list = keys::contacts(known.values());
    for row in sqlx::query(sql).bind(list).fetch_all(&mut *connection).await.map_err(failed)? {
        let mut columns = Columns::of(&row, "contact");
        external.insert(ContactId(columns.id()?), columns.maybe_text()?);
    }
    Ok(Directory::new(known, external))
}

/// Writes what a batch added to the directory: new contacts, names, and contacts that turned out to be one.
async fn write_directory(connection: &mut SqliteConnection, directory: &Directory) -> Result<()> {
    let added: Vec<Contact> = directory
        .added
        .iter()
        .map(|(id, at)| Contact {
            external_id: directory.identified.get(id).cloned(),
            ..Contact::new(*id, *at)
        })
        .collect();
    insert_contacts(connection, &added.iter().collect::<Vec<_>>()).await?;
    let is_new: BTreeSet<ContactId> = directory.added.iter().map(|(id, _)| *id).collect();
    let identified: Vec<(ContactId, &str)> = directory
        .identified
        .iter()
        .filter(|(contact, _)| !is_new.contains(contact))
        .map(|(contact, id)| (*contact, id.as_str()))
        .collect();
    const IDENTIFY: Bulk = Bulk {
        head: "UPDATE contact SET external_id = v.column3 FROM (",
        columns: 3,
        tail: ") AS v WHERE contact.slot = v.column1 AND contact.id = v.column2",
    };
    IDENTIFY
        .run(connection, &identified, |statement, (contact, id)| {
            statement.bind(contact.slot().0).bind(contact.0).bind(*id)
        })
        .await?;
    const NAME: Bulk = Bulk {
        head: "INSERT INTO identity (slot, kind, value, contact)",
        columns: 4,
        tail: "ON CONFLICT (slot, kind, value) DO UPDATE SET contact = excluded.contact",
    };
    let names: Vec<(&NameOf, &ContactId)> = directory.renamed.iter().collect();
    NAME.run(connection, &names, |statement, (name, contact)| {
        statement.bind(name.slot().0).bind(name.kind.as_str()).bind(name.value.as_str()).bind(contact.0)
    })
    .await?;
    for (from, to) in &directory.merged {
        identity::merge(connection, *from, *to).await?;
    }
    Ok(())
}

async fn insert_contacts(connection: &mut SqliteConnection, contacts: &[&Contact]) -> Result<()> {
    const INSERT: Bulk = Bulk {
        head:
            "INSERT INTO contact (slot, id, external_id, email, phone, timezone, language, created_at, tags,
            attributes, suppressed)",
        columns: 11,
        tail: "",
    };
    INSERT
        .run(connection, contacts, |statement, contact: &&Contact| {
            statement
                .bind(contact.id.slot().0)
                .bind(contact.id.0)
                .bind(contact.external_id.as_deref())
                .bind(contact.email.as_deref())
                .bind(contact.phone.as_deref())
                .bind(contact.timezone.as_deref())
                .bind(contact.language.as_deref())
                .bind(contact.created_at.micros())
                .bind(json(&contact.tags))
                .bind(json(&contact.attributes))
                .bind(contact.suppressed.as_deref())
        })
        .await?;
    Ok(())
}

/// Records decisions, and adds the events that tell of them.
pub(super) async fn decide(connection: &mut SqliteConnection, permissions: &[Permission]) -> Result<()> {
    write_permissions(connection, permissions).await?;
    let event = |permission: &Permission| {
        let event = if permission.allowed { SystemEvent::Subscribed } else { SystemEvent::Unsubscribed };
        let id = IdHasher::new("permission")
            .part(permission.contact.bytes())
            .part(&permission.topic)
            .part([u8::from(permission.allowed)])
            .part(permission.at.micros().to_be_bytes())
            .finish(permission.at);
        let mut properties = Attributes::new();
        properties.insert("topic".to_owned(), permission.topic.as_str().into());
        Event {
            id: EventId(id),
            contact: permission.contact,
            kind: EventKind::System,
            name: event.name().to_owned(),
            at: permission.at,
            received_at: permission.at,
            run: None,
            properties,
        }
    };
    let events: Vec<Event> = permissions.iter().map(event).collect();
    add_events(connection, &events.iter().collect::<Vec<_>>()).await?;
    Ok(())
}

async fn write_permissions(connection: &mut SqliteConnection, permissions: &[Permission]) -> Result<()> {
    const INSERT: Bulk = Bulk {
        head: "INSERT INTO permission (slot, contact, topic, at, allowed, source, wording, proof)",
        columns: 8,
        // Of two decisions at the same instant the refusal holds.
        tail: "ON CONFLICT (slot, contact, topic, at) DO UPDATE SET allowed = min(allowed, excluded.allowed)",
    };
    INSERT
        .run(connection, permissions, |statement, permission: &Permission| {
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
    connection: &mut SqliteConnection,
    imported: Vec<ImportRow>,
    now: Moment,
) -> Result<ImportCounts> {
    let who: Vec<Identity> = imported
        .iter()
        .map(|row| Identity {
            external_id: row.external_id.clone(),
            anonymous_id: None,
            email: row.email.clone(),
        })
        .collect();
    let mut directory = directory(connection, who.iter()).await?;
    let mut counts = ImportCounts::default();
    let mut targets = Vec::with_capacity(imported.len());
    for (row, who) in imported.iter().zip(&who) {
        let id = IdHasher::new("import")
            .part(row.external_id.as_deref().unwrap_or(""))
            .part(row.email.as_ref().map_or("", |email| email.as_str()))
            .finish(now);
        let resolved = directory.resolve(who, EventId(id), now);
        counts.conflicts += u64::from(resolved.address_taken);
        targets.push(resolved);
    }
    write_directory(connection, &directory).await?;
    let ids: BTreeSet<ContactId> = targets.iter().map(|target| directory.is_now(target.contact)).collect();
    let mut contacts = load(connection, &ids).await?;
    let mut decisions = decisions(connection, &ids.iter().copied().collect::<Vec<_>>()).await?;
    let mut permissions = Vec::new();
    for (row, target) in imported.iter().zip(&targets) {
        let id = directory.is_now(target.contact);
        let Some(contact) = contacts.get_mut(&id) else { continue };
        apply(row, contact, target.address_taken);
        for (topic, allowed) in &row.allows {
            let decided = decisions.entry(id).or_default();
            match decided.get(topic) {
                Some(false) if *allowed => counts.refusals_kept += 1,
                Some(known) if known == allowed => {}
                _ => {
                    decided.insert(topic.clone(), *allowed);
                    permissions.push(Permission {
                        contact: id,
                        topic: topic.clone(),
                        allowed: *allowed,
                        at: now,
                        source: row.source.clone(),
                        wording: None,
                        proof: None,
                    });
                }
            }
        }
    }
    let added: BTreeSet<ContactId> = directory.added.iter().map(|(id, _)| directory.is_now(*id)).collect();
    counts.added = added.len() as u64;
    counts.changed = ids.iter().filter(|id| !added.contains(id)).count() as u64;
    update_contacts(connection, &contacts.values().collect::<Vec<_>>()).await?;
    identity::mark_suppressed(connection, &contacts.values().collect::<Vec<_>>()).await?;
    write_permissions(connection, &permissions).await?;
    Ok(counts)
}

fn apply(row: &ImportRow, contact: &mut Contact, address_taken: bool) {
    if let Some(email) = row.email.as_ref().filter(|_| !address_taken) {
        contact.email = Some(email.as_str().to_owned());
    }
    let set = |field: &mut Option<String>, value: &Option<String>| {
        if value.is_some() {
            field.clone_from(value);
        }
    };
    set(&mut contact.phone, &row.phone);
    set(&mut contact.timezone, &row.timezone);
    set(&mut contact.language, &row.language);
    contact.tags.extend(row.tags.iter().cloned());
    for (name, json) in &row.attributes {
        if json.is_null() {
            contact.set(name, &Value::Unset);
        } else if Contact::built_in_type(name).is_none() {
            contact.attributes.insert(name.clone(), json.clone());
        } else {
            contact.set(name, &Value::from_json(json, &ValueType::Text));
        }
    }
}

pub(super) async fn load(
    connection: &mut SqliteConnection,
    ids: &BTreeSet<ContactId>,
) -> Result<BTreeMap<ContactId, Contact>> {
    let sql = "SELECT c.id, external_id, email, phone, timezone, language, created_at, tags, attributes, suppressed
        FROM json_each($1) AS k CROSS JOIN contact AS c WHERE c.slot = k.value ->> 0 AND c.id = unhex(k.value ->> 1)";
    let found =
        sqlx::query(sql).bind(keys::contacts(ids)).fetch_all(&mut *connection).await.map_err(failed)?;
    found.iter().map(|row| rows::contact(row).map(|contact| (contact.id, contact))).collect()
}

/// Puts what could not be taken aside.
pub(super) async fn quarantine(
    connection: &mut SqliteConnection,
    received_at: Moment,
    items: &[(String, String)],
) -> Result<()> {
    const INSERT: Bulk = Bulk {
        head: "INSERT INTO quarantine (id, received_at, reason, body)",
        columns: 4,
        tail: "ON CONFLICT (id) DO NOTHING",
    };
    INSERT
        .run(connection, items, |statement, (reason, body)| {
            let id = IdHasher::new("quarantine").part(reason).part(body).finish(received_at);
            statement.bind(id).bind(received_at.micros()).bind(reason.as_str()).bind(body.as_str())
        })
        .await?;
    Ok(())
}
