use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::RefusalReason;
use crate::time::Moment;

/// What is remembered of a contact for the ways into journeys that time decides, and for those behind a condition
/// that must become true.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watch {
    /// Up to when its moments have been looked at.
    pub looked_at: Moment,
    /// When it must be looked at next; `None` while only something that happens can lead it in.
    pub due_at: Option<Moment>,
    /// What else there is.
    pub state: WatchState,
}

/// What a watch remembers of each way in, kept as one JSON value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchState {
    /// The ways that have been looked at, by their keys.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub seen: BTreeSet<String>,
    /// Those of them whose condition held.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub held: BTreeSet<String>,
    /// Journeys that a moment pointed to and did not lead into: when the last time, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, (Moment, RefusalReason)>,
}
