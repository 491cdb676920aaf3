use crate::domain::{Event, RunId};
use crate::time::Moment;

/// What can happen to a contact.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// An event.
    Event(Event),
    /// The moment has come at which a run wanted to be looked at.
    Wake {
        /// Which.
        run: RunId,
        /// When that was.
        at: Moment,
    },
}

impl Input {
    /// When it happened.
    pub fn at(&self) -> Moment {
        match self {
            Input::Event(event) => event.at,
            Input::Wake { at, .. } => *at,
        }
    }

    /// How many turns led to it with no time between them.
    pub(super) fn depth(&self) -> u8 {
        match self {
            Input::Event(event) => event.depth,
            Input::Wake { .. } => 0,
        }
    }

    /// Earlier things first, events before timers of the same instant, then events by arrival and timers by the
    /// precedence of their runs.
    pub(super) fn order<P: Ord>(
        &self,
        precedence: impl Fn(RunId) -> P,
    ) -> (Moment, Option<P>, Moment, uuid::Uuid) {
        match self {
            Input::Event(event) => (event.at, None, event.received_at, event.id.0),
            Input::Wake { run, at } => (*at, Some(precedence(*run)), *at, run.0),
        }
    }
}
