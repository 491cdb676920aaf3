use serde::Serialize;

use crate::time::Moment;

/// What is due, and what needs somebody: how many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events that no run has looked at, and timers of runs and contacts whose moment has come.
    pub turns: u64,
    /// Mails.
    pub mails: u64,
    /// Messages of other channels.
    pub over_http: u64,
    /// Calls, hand-offs and alerts.
    pub calls: u64,
    /// Messages of which nobody knows whether they were taken.
    pub unsure: u64,
    /// Calls that were given up.
    pub dead: u64,
}

impl Backlog {
    /// How far each kind is counted, so that looking costs little however much there is. Turns are of three kinds.
    pub const COUNTED_MAX: u64 = 10_000;
}

/// That nothing is handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Since when.
    pub since: Moment,
    /// Why, in words for people.
    pub why: String,
}

/// How far it is with those who are inside an earlier version of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Woken {
    /// The journey.
    pub journey: String,
    /// How many were told so far to look where they go on.
    pub woken: u64,
    /// Whether these were all.
    pub is_done: bool,
}

/// The connections of one pool to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// What they are for: `write`, `read`.
    pub pool: &'static str,
    /// How many are at work.
    pub busy: usize,
    /// How many are open and rest.
    pub idle: usize,
}
