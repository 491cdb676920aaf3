use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::super::identity::NameOf;
use super::super::steps::suppression_key;
use super::super::tally::TallyKey;
use super::super::{Access, Deed, Hold, Quarantined, StoredCall, StoredEvent, StoredMessage, StoredVersion};
use crate::domain::{
    CallId, Contact, ContactId, Event, EventId, EventKind, GoalReached, HistoryStep, MessageId, Permission,
    Picked, Run, RunId, Slot, Watch,
};
use crate::time::Moment;

/// Everything. A clone shares all of it until one of the two is changed.
#[derive(Clone, Default)]
pub(super) struct Tables {
    /// In the order of their keys.
    pub(super) people: Arc<BTreeMap<(Slot, ContactId), Arc<Person>>>,
    pub(super) names: Arc<BTreeMap<NameOf, ContactId>>,
    /// Why nothing is sent to an address and since when, by its `suppression_key`.
    pub(super) suppressed: Arc<BTreeMap<String, (String, Moment)>>,
    pub(super) quarantine: Arc<BTreeMap<Uuid, Quarantined>>,
    /// Plans by their number, with their hash; which is in force, the deployments say.
    pub(super) versions: Arc<BTreeMap<u32, ([u8; 32], StoredVersion)>>,
    pub(super) deployments: Arc<BTreeMap<(String, Moment), Option<u32>>>,
    pub(super) tallies: Arc<BTreeMap<TallyKey, (i64, f64)>>,
    pub(super) picked: Arc<BTreeMap<(String, String), Picked>>,
    pub(super) tokens: Arc<BTreeMap<String, Access>>,
    /// What somebody did, the latest first.
    pub(super) deeds: Arc<BTreeMap<DeedKey, Deed>>,
    pub(super) watching: Option<Watching>,
    /// Journeys whose version in force takes those over who are inside others, since when.
    pub(super) moving: Arc<BTreeMap<String, (u32, Moment)>>,
    pub(super) hold: Option<Hold>,
    pub(super) workspace: Option<String>,
}

/// When it was done, the latest first, and what tells deeds of one moment apart.
type DeedKey = (Reverse<Moment>, &'static str, String, String);

/// Since when contacts are watched, and how far those who were there before have got; `None` once all are looked at.
#[derive(Clone, Copy)]
pub(super) struct Watching {
    pub(super) begun_at: Moment,
    pub(super) after: Option<Option<(Slot, ContactId)>>,
}

/// A contact with everything that is theirs.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) contact: Contact,
    pub(super) permissions: BTreeMap<(String, Moment), Permission>,
    pub(super) events: BTreeMap<EventId, StoredEvent>,
    pub(super) runs: BTreeMap<RunId, Run>,
    pub(super) history: BTreeMap<(RunId, u32), HistoryStep>,
    pub(super) messages: BTreeMap<MessageId, StoredMessage>,
    pub(super) calls: BTreeMap<CallId, CallRow>,
    pub(super) goals: BTreeMap<(RunId, String), GoalReached>,
    pub(super) watch: Option<Watch>,
}

/// A call with what is sent.
#[derive(Clone)]
pub(super) struct CallRow {
    pub(super) stored: StoredCall,
    pub(super) body: Option<String>,
}

impl Tables {
    pub(super) fn person(&self, id: ContactId) -> Option<&Person> {
        self.people.get(&(id.slot(), id)).map(Arc::as_ref)
    }

    pub(super) fn person_mut(&mut self, id: ContactId) -> Option<&mut Person> {
        Arc::make_mut(&mut self.people).get_mut(&(id.slot(), id)).map(Arc::make_mut)
    }

    pub(super) fn count(&mut self, counts: BTreeMap<TallyKey, (i64, f64)>) {
        let tallies = Arc::make_mut(&mut self.tallies);
        for (key, (count, worth)) in counts {
            let sum = tallies.entry(key).or_default();
            sum.0 += count;
            sum.1 += worth;
        }
    }

    pub(super) fn everybody(&self) -> impl Iterator<Item = &Person> {
        self.people.values().map(Arc::as_ref)
    }

    pub(super) fn add(&mut self, contact: Contact) {
        let key = (contact.id.slot(), contact.id);
        Arc::make_mut(&mut self.people).entry(key).or_insert_with(|| Arc::new(Person::new(contact)));
    }

    /// Writes a contact over the one that is there. Whether it is suppressed, its address says.
    pub(super) fn put(&mut self, mut contact: Contact) {
        let reason =
            |email: &String| self.suppressed.get(&suppression_key(email)).map(|(reason, _)| reason.clone());
        contact.suppressed = contact.email.as_ref().and_then(reason);
        if let Some(person) = self.person_mut(contact.id) {
            person.contact = contact;
        }
    }

    /// Who a contact turned out to be; most are who they were.
    pub(super) fn is_now(&self, mut id: ContactId) -> ContactId {
        while let Some(now) = self.names.get(&NameOf::former(id)) {
            id = *now;
        }
        id
    }

    /// The version of a journey that is in force.
    pub(super) fn in_force(&self, journey: &str) -> Option<u32> {
        let journey = journey.to_owned();
        let deployed = self.deployments.range((journey.clone(), Moment::MIN)..=(journey, Moment::MAX));
        deployed.last().and_then(|(_, version)| *version)
    }
}

impl Person {
    fn new(contact: Contact) -> Self {
        Self {
            contact,
            permissions: BTreeMap::new(),
            events: BTreeMap::new(),
            runs: BTreeMap::new(),
            history: BTreeMap::new(),
            messages: BTreeMap::new(),
            calls: BTreeMap::new(),
            goals: BTreeMap::new(),
            watch: None,
        }
    }

    /// The last decision on each topic.
    pub(super) fn decisions(&self) -> BTreeMap<String, bool> {
        // Later decisions come behind earlier ones, and so overwrite them.
        self.permissions.values().map(|decision| (decision.topic.clone(), decision.allowed)).collect()
    }

    /// Records a decision; of two at the same instant the refusal holds.
    pub(super) fn permit(&mut self, decision: Permission) {
        let known = self.permissions.entry((decision.topic.clone(), decision.at));
        known
            .and_modify(|known| {
                if known.allowed && !decision.allowed {
                    known.clone_from(&decision);
                }
            })
            .or_insert(decision);
    }

    /// Adds an event, unless it is there; tells whether it was new.
    pub(super) fn happen(&mut self, event: Event) -> bool {
        let is_new = !self.events.contains_key(&event.id);
        // What machines did is kept as evidence alone.
        let pending = event.kind != EventKind::Machine;
        self.events.entry(event.id).or_insert(StoredEvent { event, pending, refused: BTreeMap::new() });
        is_new
    }
}
