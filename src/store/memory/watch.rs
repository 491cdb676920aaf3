use super::tables::{Tables, Watching};
use crate::domain::{ContactId, Slot, Watch};
use crate::time::Moment;

impl Tables {
    pub(super) fn begin_watch(&mut self, now: Moment) {
        self.watching = Some(Watching { begun_at: now, after: Some(None) });
    }

    /// Has the next contacts looked at that were there before.
    pub(super) fn extend_watch(&mut self, deployed_at: Moment, now: Moment, limit: u32) -> bool {
        let Some(Watching { begun_at, after: Some(after) }) = self.watching else { return false };
        if begun_at > deployed_at {
            return false;
        }
        let behind = |key: &&(Slot, ContactId)| after.is_none_or(|after| **key > after);
        let batch: Vec<_> = self.people.keys().filter(behind).take(limit as usize).copied().collect();
        for (_, contact) in &batch {
            let Some(person) = self.person_mut(*contact) else { continue };
            let watch = person.watch.get_or_insert_with(|| Watch { looked_at: now, ..Watch::default() });
            watch.due_at = Some(watch.due_at.map_or(now, |due| due.min(now)));
        }
        let more = batch.len() >= limit as usize;
        let after = batch.last().copied().filter(|_| more).map(Some);
        self.watching = Some(Watching { begun_at, after });
        true
    }

    /// Has a contact looked at that came or changed without anything happening to it, where contacts are watched.
    /// Moments before do not count for what it is now.
    pub(super) fn notice(&mut self, contact: ContactId, now: Moment) {
        if self.watching.is_none() {
            return;
        }
        let Some(person) = self.person_mut(contact) else { return };
        let watch = person.watch.get_or_insert_with(Watch::default);
        if watch.due_at.is_none_or(|due| due > now) {
            watch.looked_at = now;
            watch.due_at = Some(now);
        }
    }
}
