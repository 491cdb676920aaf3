//! What comes in, sorted out by whom it is about: the part of taking in that every store has in common.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::{Directory, Resolved};
use super::{Arrival, ArrivalKind, Identity, ImportCounts, ImportRow, Intake};
use crate::domain::{
    Attributes, Contact, ContactId, Event, EventId, EventKind, IdHasher, Permission, SystemEvent, Value,
    ValueType,
};
use crate::time::Moment;

/// Arrivals with their people.
pub(super) struct Sorted {
    /// Whom each arrival is about.
    pub(super) about: Vec<(ContactId, EventId)>,
    /// The events among them.
    pub(super) events: Vec<Event>,
}

/// Finds out whom arrivals are about, in their order.
pub(super) fn sort_out(directory: &mut Directory, arrivals: Vec<Arrival>) -> Sorted {
    let mut sorted = Sorted { about: Vec::with_capacity(arrivals.len()), events: Vec::new() };
    for arrival in arrivals {
        let resolved = directory.resolve(&arrival.who, arrival.id, arrival.received_at);
        sorted.about.push((resolved.contact, arrival.id));
        if let ArrivalKind::Event(kind, name) = arrival.kind {
            let mut properties = arrival.properties;
            if kind == EventKind::Identify && resolved.address_taken {
                properties.remove("email");
            }
            sorted.events.push(Event {
                id: arrival.id,
                contact: resolved.contact,
                kind,
                name,
                at: arrival.at,
                received_at: arrival.received_at,
                run: None,
                depth: 0,
                properties,
            });
        }
    }
    // Later arrivals may have shown that earlier ones were about somebody else.
    for event in &mut sorted.events {
        event.contact = directory.is_now(event.contact);
    }
    for (contact, _) in &mut sorted.about {
        *contact = directory.is_now(*contact);
    }
    sorted
}

/// What became of each arrival, where `known` are those that were there before.
pub(super) fn answers(
    about: &[(ContactId, EventId)],
    mut known: BTreeSet<(ContactId, EventId)>,
) -> Vec<Intake> {
    let answer = |(contact, id): &(ContactId, EventId)| {
        let is_new = known.insert((*contact, *id));
        if is_new { Intake::Stored(*contact) } else { Intake::Repeated(*contact) }
    };
    about.iter().map(answer).collect()
}

/// Has decisions that come in come behind those before them on their topics, of which `known` says when they were made:
/// the clocks of processes differ, and what somebody said last holds. Those that come in together, from one process, keep
/// their order. A decision that is there already stays there.
pub(super) fn put_behind(
    decisions: &mut [Permission],
    mut known: BTreeMap<(ContactId, String), BTreeSet<Moment>>,
) {
    decisions.sort_by_key(|decision| (decision.at, !decision.allowed));
    for decision in decisions {
        let before = known.entry((decision.contact, decision.topic.clone())).or_default();
        if let Some(last) =
            before.last().filter(|last| decision.at < **last && !before.contains(&decision.at))
        {
            decision.at = last.plus_micros(1);
        }
        before.insert(decision.at);
    }
}

/// The event that tells of a decision.
pub(super) fn event_of(permission: &Permission) -> Event {
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
        depth: 0,
        properties,
    }
}

/// How the rows of a file name their people.
pub(super) fn named(rows: &[ImportRow]) -> Vec<Identity> {
    let who = |row: &ImportRow| Identity {
        external_id: row.external_id.clone(),
        anonymous_id: None,
        email: row.email.clone(),
    };
    rows.iter().map(who).collect()
}

/// Finds out whom the rows of a file are about, in their order.
pub(super) fn sort_out_rows(directory: &mut Directory, rows: &[ImportRow], now: Moment) -> Vec<Resolved> {
    let mut resolve = |(row, who): (&ImportRow, Identity)| {
        let id = IdHasher::new("import")
            .part(row.external_id.as_deref().unwrap_or(""))
            .part(row.email.as_ref().map_or("", |email| email.as_str()))
            .finish(now);
        directory.resolve(&who, EventId(id), now)
    };
    let mut resolved: Vec<Resolved> = rows.iter().zip(named(rows)).map(&mut resolve).collect();
    for resolved in &mut resolved {
        resolved.contact = directory.is_now(resolved.contact);
    }
    resolved
}

/// What the people of a file have decided so far.
pub(super) type Decisions = BTreeMap<ContactId, BTreeMap<String, bool>>;

/// Applies the rows of a file to the contacts they are about; gives the decisions that are to be recorded.
pub(super) fn import(
    rows: &[ImportRow],
    (directory, resolved): (&Directory, &[Resolved]),
    contacts: &mut BTreeMap<ContactId, Contact>,
    mut decisions: Decisions,
    now: Moment,
) -> (Vec<Permission>, ImportCounts) {
    let mut counts = ImportCounts::default();
    let added: BTreeSet<ContactId> = directory.added.iter().map(|(id, _)| *id).collect();
    counts.added = contacts.keys().filter(|id| added.contains(id)).count() as u64;
    counts.changed = contacts.len() as u64 - counts.added;
    let mut permissions = Vec::new();
    for (row, resolved) in rows.iter().zip(resolved) {
        let Some(contact) = contacts.get_mut(&resolved.contact) else {
            counts.unreadable += 1;
            continue;
        };
        counts.conflicts += u64::from(resolved.address_taken);
        apply(row, contact, resolved.address_taken);
        let decided = decisions.entry(contact.id).or_default();
        for (topic, allowed) in &row.allows {
            match decided.get(topic) {
                // Only the person takes a refusal back.
                Some(false) if *allowed => counts.refusals_kept += 1,
                Some(known) if known == allowed => {}
                _ => {
                    decided.insert(topic.clone(), *allowed);
                    permissions.push(Permission {
                        contact: contact.id,
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
    (permissions, counts)
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
            contact.keep(name, json.clone());
        } else {
            contact.set(name, &Value::from_json(json, &ValueType::Text));
        }
    }
}
