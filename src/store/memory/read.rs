use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::identity::{NameKind, NameOf};
use super::super::{
    Backlog, Carrier, Deliveries, Delivery, DeliveryKind, Deployment, NextDue, Quarantined, StoredEvent,
    StoredVersion, TallyRow, Token, Who,
};
use super::calls::first_calls;
use super::messages::is_carried;
use super::tables::{Person, Tables};
use crate::domain::{CallState, Contact, ContactId, MessageState, Picked};
use crate::language::plan::Plan;
use crate::time::Moment;

impl Tables {
    pub(super) fn next_due(&self) -> NextDue {
        let pending = |person: &Person| {
            let pending = person.events.values().filter(|event| event.pending);
            pending.map(|event| event.event.received_at).min()
        };
        let wake = |person: &Person| person.runs.values().filter_map(|run| run.wake_at).min();
        let look = |person: &Person| person.watch.as_ref().and_then(|watch| watch.due_at);
        let messages = |carrier: Carrier| {
            let due = |person: &Person| {
                let carried = person.messages.values().filter(|stored| is_carried(person, stored, carrier));
                carried.filter_map(|stored| stored.due_at).min()
            };
            self.everybody().filter_map(due).min()
        };
        let calls = |person: &Person| first_calls(person).filter_map(|call| call.stored.due_at).min();
        NextDue {
            turns: self
                .everybody()
                .filter_map(|person| {
                    [pending(person), wake(person), look(person)].into_iter().flatten().min()
                })
                .min(),
            mails: messages(Carrier::Mail),
            over_http: messages(Carrier::Http),
            calls: self.everybody().filter_map(calls).min(),
        }
    }

    pub(super) fn backlog(&self, now: Moment) -> Backlog {
        let mut backlog = Backlog::default();
        let is_due = |at: Option<Moment>| u64::from(at.is_some_and(|at| at <= now));
        for person in self.everybody() {
            backlog.turns += person.events.values().filter(|event| event.pending).count() as u64;
            backlog.turns += person.runs.values().map(|run| is_due(run.wake_at)).sum::<u64>();
            backlog.turns += person.watch.as_ref().map_or(0, |watch| is_due(watch.due_at));
            for stored in person.messages.values() {
                let mail = Carrier::Mail.carries(&stored.message.channel);
                *(if mail { &mut backlog.mails } else { &mut backlog.over_http }) += is_due(stored.due_at);
                backlog.unsure += u64::from(stored.message.state == MessageState::Unsure);
            }
            for call in person.calls.values() {
                backlog.calls += is_due(call.stored.due_at);
                backlog.dead += u64::from(call.stored.state == CallState::Dead);
            }
        }
        backlog
    }

    pub(super) fn find(&self, who: &Who) -> Option<Contact> {
        let named = |name: NameOf| self.names.get(&name).copied();
        let id = match who {
            Who::Id(id) => Some(*id),
            Who::Email(address) => named(NameOf::new(NameKind::Email, address.key())),
            Who::External(id) => named(NameOf::new(NameKind::External, id.as_str())),
        };
        id.and_then(|id| self.person(self.is_now(id))).map(|person| person.contact.clone())
    }

    pub(super) fn contacts_after(
        &self,
        after: Option<ContactId>,
        limit: u32,
    ) -> Vec<(Contact, BTreeMap<String, bool>)> {
        let behind = |person: &&Person| {
            let id = person.contact.id;
            after.is_none_or(|after| (id.slot(), id) > (after.slot(), after))
        };
        let found = self.everybody().filter(behind).take(limit as usize);
        found.map(|person| (person.contact.clone(), person.decisions())).collect()
    }

    pub(super) fn latest_contacts(&self, limit: u32) -> Vec<Contact> {
        let mut contacts: Vec<Contact> = self.everybody().map(|person| person.contact.clone()).collect();
        contacts.sort_by_key(|contact| Reverse((contact.created_at, contact.id.slot(), contact.id)));
        contacts.truncate(limit as usize);
        contacts
    }

    /// The last events of a contact, the latest first.
    pub(super) fn events(&self, contact: ContactId, limit: u32) -> Vec<StoredEvent> {
        let all = |person: &Person| person.events.values().cloned().collect();
        let latest = |event: &StoredEvent| Reverse((event.event.at, event.event.received_at, event.event.id));
        let mut events: Vec<StoredEvent> = sorted(self.person(contact), all, latest);
        events.truncate(limit as usize);
        events
    }

    pub(super) fn deliveries(&self, which: Deliveries, limit: u32) -> Vec<Delivery> {
        let messages = self.everybody().flat_map(|person| person.messages.values()).map(|stored| Delivery {
            kind: DeliveryKind::Message,
            id: stored.message.id.0,
            contact: stored.message.contact,
            journey: stored.message.journey.clone(),
            name: stored.message.message.clone(),
            state: stored.message.state.as_str().to_owned(),
            attempts: stored.attempts,
            decided_at: stored.message.decided_at,
            due_at: stored.due_at,
            answer: stored.answer.clone(),
        });
        let calls = self.everybody().flat_map(|person| person.calls.values()).map(|row| Delivery {
            kind: row.stored.call.kind.into(),
            id: row.stored.call.id.0,
            contact: row.stored.call.contact,
            journey: row.stored.call.journey.clone(),
            name: row.stored.call.target.clone(),
            state: row.stored.state.as_str().to_owned(),
            attempts: row.stored.attempts,
            decided_at: row.stored.call.decided_at,
            due_at: row.stored.due_at,
            answer: row.stored.answer.clone(),
        });
        let wanted = |delivery: &Delivery| which == Deliveries::All || delivery.needs_attention();
        let mut found: Vec<Delivery> = calls.chain(messages).filter(wanted).collect();
        found.sort_by_key(Delivery::order);
        found.truncate(limit as usize);
        found
    }

    pub(super) fn tallies(&self, journey: Option<&str>) -> Vec<TallyRow> {
        let rows = self.tallies.iter().map(|((journey, version, arm, day, what, detail), (count, worth))| {
            TallyRow {
                journey: journey.clone(),
                version: *version,
                arm: (*arm).to_owned(),
                day: *day,
                what: (*what).to_owned(),
                detail: detail.clone(),
                count: *count,
                worth: *worth,
            }
        });
        rows.filter(|row| journey.is_none_or(|journey| journey == row.journey)).collect()
    }

    pub(super) fn totals(&self, journey: Option<&str>) -> Vec<TallyRow> {
        let mut totals: BTreeMap<_, (i64, f64)> = BTreeMap::new();
        for row in self.tallies(journey) {
            let total = totals.entry((row.journey, row.version, row.arm, row.what, row.detail)).or_default();
            total.0 += row.count;
            total.1 += row.worth;
        }
        let row = |((journey, version, arm, what, detail), (count, worth))| TallyRow {
            journey,
            version,
            arm,
            day: 0,
            what,
            detail,
            count,
            worth,
        };
        totals.into_iter().map(row).collect()
    }

    pub(super) fn picked(&self) -> Vec<Picked> {
        self.picked.values().cloned().collect()
    }

    pub(super) fn pick(&mut self, picked: Vec<Picked>) {
        let known = Arc::make_mut(&mut self.picked);
        for picked in picked {
            known.entry((picked.journey.clone(), picked.experiment.clone())).or_insert(picked);
        }
    }

    pub(super) fn versions(&self) -> Vec<StoredVersion> {
        let versions = self.versions.values().map(|(_, version)| StoredVersion {
            active: self.in_force(&version.journey) == Some(version.number),
            ..version.clone()
        });
        versions.collect()
    }

    pub(super) fn deployments(&self) -> Vec<Deployment> {
        let deployed = self.deployments.iter().map(|((journey, at), version)| Deployment {
            journey: journey.clone(),
            at: *at,
            version: *version,
        });
        let mut deployed: Vec<Deployment> = deployed.collect();
        deployed.sort_by(|a, b| (a.at, &a.journey).cmp(&(b.at, &b.journey)));
        deployed
    }

    /// The number of a plan's version.
    pub(super) fn add_version(&mut self, plan: &Plan) -> u32 {
        let hash = plan.hash();
        if let Some((number, _)) = self.versions.iter().find(|(_, (known, _))| *known == hash) {
            return *number;
        }
        let number = self.versions.last_key_value().map_or(1, |(last, _)| last + 1);
        let journey = plan.journey.clone();
        let version = StoredVersion { number, journey, plan: Ok(plan.clone()), active: false };
        Arc::make_mut(&mut self.versions).insert(number, (hash, version));
        number
    }

    pub(super) fn tokens(&self) -> Vec<Token> {
        let mut tokens: Vec<Token> = self.tokens.values().map(|access| access.token.clone()).collect();
        tokens.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        tokens
    }

    pub(super) fn quarantined(&self, limit: u32) -> Vec<Quarantined> {
        let mut items: Vec<_> = self.quarantine.iter().collect();
        items.sort_by_key(|(id, item)| (Reverse(item.received_at), Reverse(**id)));
        items.into_iter().take(limit as usize).map(|(_, item)| item.clone()).collect()
    }
}

/// What a person has, sorted; nothing where there is no such person.
pub(super) fn sorted<T, K: Ord>(
    person: Option<&Person>,
    rows: impl FnOnce(&Person) -> Vec<T>,
    key: impl Fn(&T) -> K,
) -> Vec<T> {
    let mut rows = person.map(rows).unwrap_or_default();
    rows.sort_by_key(key);
    rows
}
