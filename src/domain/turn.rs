use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Attributes, Call, Contact, Event, EventId, GoalReached, HistoryStep, Message, PastMessage, Permission,
    Run, RunId, Watch,
};
use crate::time::Moment;

/// What is known of a contact while it is moved.
#[derive(Clone, Debug)]
pub struct ContactState {
    /// Who it is.
    pub contact: Contact,
    /// The last decision on each topic.
    pub permissions: BTreeMap<String, bool>,
    /// Runs that are inside, and ended ones whose goals can still be reached, in the order they entered.
    pub runs: Vec<Run>,
    /// The last time it left each journey.
    pub past: Vec<Past>,
    /// What happened before, by the event's name on the wire, the oldest first: what
    /// turns ask for, without what no run has looked at yet.
    pub events: BTreeMap<String, Vec<Happened>>,
    /// Messages it got before or is about to get, as far back as turns ask for them.
    pub messages: Vec<PastMessage>,
    /// What is remembered for ways in that time decides; `None` for one that was never looked at.
    pub watch: Option<Watch>,
    /// Whether attributes or tags were changed.
    pub changed: bool,
}

impl ContactState {
    /// How many past events of one name count, the latest of them.
    pub const HAPPENED_MAX: usize = 10_000;

    /// A contact without any history.
    pub fn new(contact: Contact) -> Self {
        Self {
            contact,
            permissions: BTreeMap::new(),
            runs: Vec::new(),
            past: Vec::new(),
            events: BTreeMap::new(),
            messages: Vec::new(),
            watch: None,
            changed: false,
        }
    }

    /// Adds an event to what happened before, in its place: one that is heard of late stands before later ones.
    pub fn happen(&mut self, event: &Event) {
        let known = self.events.entry(event.name.clone()).or_default();
        let place = known.partition_point(|known| known.at <= event.at);
        known.insert(place, Happened { at: event.at, properties: event.properties.clone() });
    }
}

/// An event as conditions ask about it afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// When.
    pub at: Moment,
    /// What is known about it.
    pub properties: Attributes,
}

/// The last run of a journey that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The journey.
    pub journey: String,
    /// The value of `per`.
    pub key: String,
    /// When it ended.
    pub left_at: Moment,
}

/// What moving a contact led to. All of it is committed together with the contact's state, or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// The runs that changed, each with the number of turns it had before; 0 for those that entered.
    pub touched: BTreeMap<RunId, u32>,
    /// What the runs did.
    pub history: Vec<HistoryStep>,
    /// Messages that were decided on, skipped ones too.
    pub messages: Vec<Message>,
    /// Webhook calls and hand-offs that were decided on.
    pub calls: Vec<Call>,
    /// Goals that were reached.
    pub goals: Vec<GoalReached>,
    /// Decisions on topics that journeys recorded; the events that tell of them are among `events`.
    pub permissions: Vec<Permission>,
    /// Events that runs recorded: those of Lotse's own that some journey listens to, and what a journey says.
    pub events: Vec<Event>,
    /// Journeys that an event pointed to and did not lead into.
    pub refused: Vec<Refused>,
    /// The places that runs came to and the ways they took from there, for the coverage of tests.
    pub passed: Vec<Passed>,
    /// Runs that moved from one stage to another, came in, or ended; for the counts.
    pub moves: Vec<StageMove>,
    /// What is to be remembered for ways in that time decides, where that changed.
    pub watch: Option<Watch>,
}

/// A place that a run came to, or a way that it took from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Passed {
    /// The version of the journey.
    pub version: u32,
    /// The place.
    pub place: u16,
    /// Which of several ways, from 0 in the order of the text; none where it came to the place.
    pub way: Option<u16>,
}

/// Where a run was and where it is, for the counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageMove {
    /// The run.
    pub run: RunId,
    /// The stage it left; `None` for one that entered.
    pub from: Option<String>,
    /// The stage it is in; `None` for one that ended.
    pub to: Option<String>,
}

/// Why somebody did not enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The condition behind `where` was false.
    Condition,
    /// The event lacks the field of `per`.
    NoKey,
    /// The journey has not started, or nobody enters any more.
    Closed,
    /// The contact is inside already.
    Inside,
    /// The contact has been inside, and `reenter` says never.
    WasInside,
    /// The contact has left too recently for `reenter after`.
    TooSoon,
    /// The contact has not allowed the topic of `permission`.
    NoPermission,
    /// No version of the journey that one can enter by request is in force.
    NoEntry,
    /// Journeys have led into each other again and again with no time between them.
    Circle,
}

/// An event that pointed to a journey and did not lead into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The event.
    pub event: EventId,
    /// The journey.
    pub journey: String,
    /// Why.
    pub reason: RefusalReason,
}

impl Effects {
    /// The events that pointed to journeys, each with what came of it.
    pub fn refused_by_event(&self) -> BTreeMap<EventId, BTreeMap<&str, RefusalReason>> {
        let mut by_event: BTreeMap<EventId, BTreeMap<&str, RefusalReason>> = BTreeMap::new();
        for refused in &self.refused {
            by_event.entry(refused.event).or_default().insert(&refused.journey, refused.reason);
        }
        by_event
    }

    /// The runs that entered.
    pub fn entered(&self) -> BTreeSet<RunId> {
        self.touched.iter().filter(|(_, before)| **before == 0).map(|(run, _)| *run).collect()
    }
}
