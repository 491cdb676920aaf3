use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::identity::{Directory, NameKind, NameOf, names_of};
use super::super::steps::suppression_key;
use super::super::{Arrival, Identity, ImportCounts, ImportRow, Intake, Quarantined, Result, intake, merge};
use super::tables::Tables;
use crate::domain::{Contact, ContactId, Event, EventId, IdHasher, Permission};
use crate::time::Moment;

impl Tables {
    pub(super) fn take_in(&mut self, arrivals: Vec<Arrival>) -> Result<Vec<Intake>> {
        let mut directory = self.directory(arrivals.iter().map(|arrival| &arrival.who));
        let sorted = intake::sort_out(&mut directory, arrivals);
        self.write_directory(&directory)?;
        let is_known = |(contact, id): &&(ContactId, EventId)| {
            self.person(*contact).is_some_and(|person| person.events.contains_key(id))
        };
        let known = sorted.about.iter().filter(is_known).copied().collect();
        self.add_events(sorted.events);
        Ok(intake::answers(&sorted.about, known))
    }

    /// What is known of the people that are named.
    fn directory<'a>(&self, who: impl Iterator<Item = &'a Identity>) -> Directory {
        let names: BTreeSet<NameOf> = who.flat_map(names_of).collect();
        let known = |name: NameOf| self.names.get(&name).map(|contact| (name, self.is_now(*contact)));
        let names: BTreeMap<NameOf, ContactId> = names.into_iter().filter_map(known).collect();
        let people = names.values().filter_map(|id| self.person(*id));
        let external = people.map(|person| (person.contact.id, person.contact.external_id.clone())).collect();
        Directory::new(names, external)
    }

    /// Writes what a batch added to the directory.
    fn write_directory(&mut self, directory: &Directory) -> Result<()> {
        for (id, at) in &directory.added {
            self.add(Contact::new(*id, *at));
            self.notice(*id, *at);
        }
        for (id, external_id) in &directory.identified {
            if let Some(person) = self.person_mut(*id) {
                person.contact.external_id = Some(external_id.clone());
            }
        }
        let renamed = directory.renamed.iter().map(|(name, contact)| (name.clone(), *contact));
        Arc::make_mut(&mut self.names).extend(renamed);
        for (from, to, at) in &directory.merged {
            self.merge(*from, *to, *at)?;
        }
        Ok(())
    }

    /// Makes two contacts one: everything of `from` becomes `to`'s, and `from` is gone.
    fn merge(&mut self, from: ContactId, to: ContactId, at: Moment) -> Result<()> {
        let (Some(gone), Some(kept)) = (self.person(from), self.person(to)) else { return Ok(()) };
        let theirs: Vec<_> = kept.runs.values().cloned().collect();
        let doubles = merge::doubles(gone.runs.values().cloned().collect(), &theirs);
        let plan = |version: &u32| Some((*version, self.versions.get(version)?.1.plan.clone().ok()?));
        let plans = doubles.iter().filter_map(|run| plan(&run.version)).collect();
        self.record(&merge::end(doubles, &gone.contact.clone(), &plans, at))?;
        let Some(gone) = Arc::make_mut(&mut self.people).remove(&(from.slot(), from)) else { return Ok(()) };
        let mut gone = Arc::unwrap_or_clone(gone);
        if let Some(person) = self.person(to) {
            self.put(merge::joined(person.contact.clone(), gone.contact));
        }
        let Some(person) = self.person_mut(to) else { return Ok(()) };
        gone.permissions.values_mut().for_each(|decision| decision.contact = to);
        gone.permissions.into_values().for_each(|decision| person.permit(decision));
        gone.events.values_mut().for_each(|event| event.event.contact = to);
        gone.events.into_iter().for_each(|(id, event)| {
            person.events.entry(id).or_insert(event);
        });
        gone.runs.values_mut().for_each(|run| run.contact = to);
        person.runs.append(&mut gone.runs);
        gone.history.values_mut().for_each(|step| step.contact = to);
        person.history.append(&mut gone.history);
        gone.messages.values_mut().for_each(|stored| stored.message.contact = to);
        person.messages.append(&mut gone.messages);
        gone.calls.values_mut().for_each(|row| row.stored.call.contact = to);
        person.calls.append(&mut gone.calls);
        gone.goals.values_mut().for_each(|goal| goal.contact = to);
        person.goals.append(&mut gone.goals);
        self.notice(to, at);
        Ok(())
    }

    pub(super) fn add_events(&mut self, events: Vec<Event>) -> u64 {
        let mut added = 0;
        for mut event in events {
            event.contact = self.is_now(event.contact);
            if let Some(person) = self.person_mut(event.contact) {
                added += u64::from(person.happen(event));
            }
        }
        added
    }

    pub(super) fn decide(&mut self, mut decisions: Vec<Permission>) {
        for decision in &mut decisions {
            decision.contact = self.is_now(decision.contact);
        }
        self.put_behind(&mut decisions);
        self.permit(&decisions);
        self.add_events(decisions.iter().map(intake::event_of).collect());
    }

    /// Has decisions come behind those before them.
    fn put_behind(&self, decisions: &mut [Permission]) {
        let mut known: BTreeMap<(ContactId, String), BTreeSet<Moment>> = BTreeMap::new();
        for person in decisions.iter().filter_map(|decision| self.person(decision.contact)) {
            for (topic, at) in person.permissions.keys() {
                known.entry((person.contact.id, topic.clone())).or_default().insert(*at);
            }
        }
        intake::put_behind(decisions, known);
    }

    fn permit(&mut self, decisions: &[Permission]) {
        for decision in decisions {
            if let Some(person) = self.person_mut(decision.contact) {
                person.permit(decision.clone());
            }
        }
    }

    pub(super) fn quarantine(&mut self, received_at: Moment, items: Vec<(String, String)>) {
        let quarantine = Arc::make_mut(&mut self.quarantine);
        for (reason, body) in items {
            let id = IdHasher::new("quarantine").part(&reason).part(&body).finish(received_at);
            quarantine.insert(id, Quarantined { received_at, reason, body });
        }
    }

    pub(super) fn import(&mut self, rows: &[ImportRow], now: Moment) -> Result<ImportCounts> {
        let mut directory = self.directory(intake::named(rows).iter());
        let resolved = intake::sort_out_rows(&mut directory, rows, now);
        self.write_directory(&directory)?;
        let people = || resolved.iter().filter_map(|resolved| self.person(resolved.contact));
        let mut contacts = people().map(|person| (person.contact.id, person.contact.clone())).collect();
        let decisions = people().map(|person| (person.contact.id, person.decisions())).collect();
        let about = (&directory, resolved.as_slice());
        let (mut permissions, counts) = intake::import(rows, about, &mut contacts, decisions, now);
        contacts.into_values().for_each(|contact| self.put(contact));
        self.put_behind(&mut permissions);
        self.permit(&permissions);
        resolved.iter().for_each(|resolved| self.notice(resolved.contact, now));
        Ok(counts)
    }

    pub(super) fn suppress(&mut self, addresses: Vec<(ContactId, String, String)>, now: Moment) {
        let mut people = BTreeSet::new();
        for (contact, address, reason) in addresses {
            let address = suppression_key(&address);
            people.insert(contact);
            people.extend(self.names.get(&NameOf::new(NameKind::Email, address.as_str())));
            Arc::make_mut(&mut self.suppressed).entry(address).or_insert((reason, now));
        }
        for contact in people {
            if let Some(person) = self.person(self.is_now(contact)) {
                self.put(person.contact.clone());
            }
        }
    }
}
