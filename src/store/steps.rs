//! The steps of a message's life, whatever keeps it.

use super::Outcome;
use crate::domain::MessageState::{
    self, Accepted, Bounced, Complained, Decided, Delivered, HandedOver, Refused, Skipped, Unsure,
};
use crate::domain::{Address, SkipReason};
use crate::time::Moment;

/// What an unproved hand-over is said to be when the program starts again.
pub(super) const ENDED_MEANWHILE: &str = "the program ended while it was being handed over";

impl Outcome {
    /// The state it leads to.
    pub(super) fn state(self) -> MessageState {
        match self {
            Outcome::State(state) => state,
            Outcome::Again(_) | Outcome::NotBefore(_) | Outcome::NotBegun(_) => Decided,
            Outcome::Skipped(_) => Skipped,
        }
    }

    /// When it is tried next.
    pub(crate) fn due_at(self) -> Option<Moment> {
        match self {
            Outcome::Again(at) | Outcome::NotBefore(at) | Outcome::NotBegun(at) => Some(at),
            Outcome::State(_) | Outcome::Skipped(_) => None,
        }
    }

    /// When it is to go, where that has moved.
    pub(super) fn wanted_at(self) -> Option<Moment> {
        match self {
            Outcome::NotBefore(at) => Some(at),
            _ => None,
        }
    }

    /// Why it is not sent.
    pub(super) fn reason(self) -> Option<SkipReason> {
        match self {
            Outcome::Skipped(reason) => Some(reason),
            _ => None,
        }
    }

    /// What it adds to the attempts that were counted, for a message in that state: the gate counts one, which holds
    /// where it was tried.
    pub(super) fn attempts(self, from: MessageState) -> i32 {
        match self {
            Outcome::State(_) | Outcome::Again(_) => i32::from(from == Decided),
            Outcome::NotBegun(_) => -1,
            Outcome::NotBefore(_) | Outcome::Skipped(_) => 0,
        }
    }

    /// The states it leads on from. What another step leads to (the last gate, a retry) it leads to from none.
    pub(super) fn leads_from(self) -> &'static [MessageState] {
        match self {
            // Nothing was handed over yet, or it was provably not taken.
            Outcome::Again(_) => &[Decided, HandedOver],
            Outcome::NotBefore(_) | Outcome::Skipped(_) => &[Decided],
            Outcome::NotBegun(_) => &[HandedOver],
            Outcome::State(Accepted) => &[HandedOver, Unsure],
            Outcome::State(Refused) => &[Decided, HandedOver],
            Outcome::State(Unsure) => &[HandedOver],
            Outcome::State(Delivered) => &[Accepted, Unsure],
            // Some servers take a mail, say so, and send it back later.
            Outcome::State(Bounced | Complained) => &[Accepted, Unsure, Delivered],
            Outcome::State(Decided | HandedOver | Skipped) => &[],
        }
    }
}

/// Whether somebody may have a message tried again that is in this state; one that waits goes at once.
pub(super) fn may_retry(state: MessageState) -> bool {
    matches!(state, Decided | Refused | Unsure)
}

/// The last gate: why a message must not go, by the last decision on its topic and by the list of addresses
/// nothing is sent to.
pub(super) fn stopped(essential: bool, allowed: Option<bool>, suppressed: bool) -> Option<SkipReason> {
    if suppressed {
        Some(SkipReason::Suppressed)
    } else if !essential && allowed != Some(true) {
        Some(SkipReason::NoPermission)
    } else {
        None
    }
}

/// What the spellings of an address have in common on the list of addresses nothing is sent to.
pub(super) fn suppression_key(address: &str) -> String {
    match address.parse::<Address>() {
        Ok(address) => address.key(),
        Err(_) => address.trim().to_lowercase(),
    }
}
