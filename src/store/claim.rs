use std::collections::BTreeSet;

use super::Claim;
use crate::domain::{ContactId, Event, EventId};

impl Claim {
    /// How many events of one contact a turn takes. A claim holds one more where there are more.
    pub const EVENTS_EACH_MAX: usize = 500;

    /// How many events of the contacts of timers a claim of that limit may add: always those of one contact.
    pub(super) fn room(limit: usize) -> usize {
        limit + Self::EVENTS_EACH_MAX + 1
    }

    /// Adds events of contacts whose timers are due, contact by contact in the order of their keys, and of each the
    /// earliest first. Where they fill the room, the last contact and those behind it may have more that would have
    /// to go before their timers: they are left whole for the next claim.
    pub(super) fn add(&mut self, theirs: Vec<Event>, room: usize) {
        let key = |contact: ContactId| (contact.slot(), contact);
        let known: BTreeSet<(ContactId, EventId)> =
            self.events.iter().map(|event| (event.contact, event.id)).collect();
        let from = theirs.last().filter(|_| theirs.len() >= room).map(|event| key(event.contact));
        self.events.extend(theirs.into_iter().filter(|event| !known.contains(&(event.contact, event.id))));
        let Some(from) = from else { return };
        let timed = self.due.iter().map(|run| run.contact).chain(self.watches.iter().copied());
        let left: BTreeSet<ContactId> = timed.filter(|contact| key(*contact) >= from).collect();
        self.events.retain(|event| !left.contains(&event.contact));
        self.due.retain(|run| !left.contains(&run.contact));
        self.watches.retain(|contact| !left.contains(contact));
        self.more = true;
    }
}
