use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::audit::Steps;
use super::super::identity::NameKind;
use super::super::steps::suppression_key;
use super::super::{Book, Books, Deed};
use super::read::sorted;
use super::tables::{Person, Tables};
use crate::domain::{ContactId, Run, RunId};
use crate::time::Moment;

impl Tables {
    /// Everything is kept with its contact, and readable.
    pub(super) fn books(&self, after: Option<ContactId>, limit: u32) -> Books {
        let page = self.contacts_after(after, limit);
        let books =
            page.iter().filter_map(|(contact, _)| Some(self.book(self.person(contact.id)?))).collect();
        Books { books, ..Books::default() }
    }

    fn book(&self, person: &Person) -> Book {
        let mut steps: BTreeMap<RunId, Steps> = BTreeMap::new();
        for ((run, number), step) in &person.history {
            let known = steps.entry(*run);
            let steps =
                known.or_insert(Steps { count: 0, first: *number, last: *number, latest: Moment::MIN });
            *steps =
                Steps { count: steps.count + 1, last: *number, latest: steps.latest.max(step.at), ..*steps };
        }
        let runs = |person: &Person| person.runs.values().cloned().collect();
        let suppressed = person.messages.values().filter_map(|stored| {
            let (_, since) = self.suppressed.get(&suppression_key(&stored.message.address))?;
            Some((stored.message.address.clone(), *since))
        });
        Book {
            contact: person.contact.clone(),
            permissions: person.permissions.values().cloned().collect(),
            pending: person
                .events
                .values()
                .filter(|event| event.pending)
                .map(|event| event.event.clone())
                .collect(),
            runs: sorted(Some(person), runs, |run: &Run| (run.entered_at, run.id)),
            steps,
            messages: person.messages.values().cloned().collect(),
            calls: person.calls.values().map(|row| row.stored.clone()).collect(),
            goals: person.goals.values().cloned().collect(),
            suppressed: suppressed.collect(),
        }
    }

    pub(super) fn merged(&self) -> BTreeSet<ContactId> {
        let former = self.names.iter().filter(|(name, _)| name.kind == NameKind::Former);
        former.map(|(_, contact)| *contact).collect()
    }

    pub(super) fn deeds(&self, limit: u32) -> Vec<Deed> {
        self.deeds.values().take(limit as usize).cloned().collect()
    }

    pub(super) fn note(&mut self, deed: Deed) {
        let key = (Reverse(deed.at), deed.what.as_str(), deed.detail.clone(), deed.who.clone());
        Arc::make_mut(&mut self.deeds).insert(key, deed);
    }
}
