use serde::{Deserialize, Serialize};

use super::{Attributes, CallId, ContactId, MessageId, RunId};
use crate::time::Moment;

/// Declares an enum that is stored as text.
macro_rules! stored_as_text {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// How it is stored and written.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// Reads how it is stored.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)* _ => None }
            }
        }
    };
}

stored_as_text! {
    /// Where a message stands. It is in one state at a time and goes only forward:
    /// decided → handed over → accepted | refused | unsure → delivered | bounced | complained.
    MessageState {
        /// It waits to be handed over.
        Decided "decided",
        /// The provider has begun to take it.
        HandedOver "handed_over",
        /// The provider took it.
        Accepted "accepted",
        /// The provider refused it for good, or it was tried for as long as makes sense.
        Refused "refused",
        /// The hand-over began and nobody can prove how it ended.
        Unsure "unsure",
        /// It arrived.
        Delivered "delivered",
        /// It was taken and came back.
        Bounced "bounced",
        /// The recipient called it spam.
        Complained "complained",
        /// It was decided not to send it.
        Skipped "skipped",
    }
}

stored_as_text! {
    /// Why a message was not sent.
    SkipReason {
        /// The contact has not allowed the topic, or has refused it.
        NoPermission "no_permission",
        /// The contact has no address for the channel.
        NoAddress "no_address",
        /// The address is on the suppression list.
        Suppressed "suppressed",
        /// It was due too long ago.
        Late "late",
        /// The caps left no room.
        Capped "capped",
        /// The contact is one of those that get no marketing.
        Holdout "holdout",
    }
}

/// A message that was decided on: a row of the ledger. It outlives the run's history and the contact, for it is
/// what keeps a message from being sent twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// A hash of the run and the number of the step that decided it: deciding again is deciding the same.
    pub id: MessageId,
    /// To whom.
    pub contact: ContactId,
    /// In which run.
    pub run: RunId,
    /// In which journey.
    pub journey: String,
    /// In which version, whose templates it is made from.
    pub version: u32,
    /// At which place.
    pub place: u16,
    /// The number of the step of the run's history.
    pub step: u32,
    /// By which channel.
    pub channel: String,
    /// Its name.
    pub message: String,
    /// What it is about.
    pub topic: String,
    /// Whether it needs no permission.
    pub essential: bool,
    /// Where it goes; empty where there is no address.
    pub address: String,
    /// Values for its template.
    pub with: Attributes,
    /// Where it stands.
    pub state: MessageState,
    /// Why it was skipped.
    pub reason: Option<SkipReason>,
    /// When it was decided.
    pub decided_at: Moment,
    /// When it was to go: it is late by what has passed since. Quiet hours before the hand-over move it.
    pub wanted_at: Moment,
}

/// A message that a contact got before, or is about to get, as caps and the best time ask about it. Those that
/// were skipped or refused for good are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastMessage {
    /// By which channel.
    pub channel: String,
    /// Whether it needs no permission.
    pub essential: bool,
    /// When it was handed over; of one that waits for that, when it is tried next.
    pub at: Moment,
    /// Whether it waits to be handed over.
    pub waits: bool,
    /// When a person opened it first.
    pub opened_at: Option<Moment>,
    /// When a person followed one of its links first.
    pub clicked_at: Option<Moment>,
}

stored_as_text! {
    /// What kind of call leaves the house.
    CallKind {
        /// `call`
        Call "call",
        /// `hand off`
        HandOff "hand_off",
        /// `alert`
        Alert "alert",
    }
}

stored_as_text! {
    /// Where a call stands.
    CallState {
        /// It waits for its first or next attempt.
        Pending "pending",
        /// The other side took it.
        Delivered "delivered",
        /// It was tried for as long as makes sense: a dead letter.
        Dead "dead",
    }
}

/// A webhook call, a hand-off or an alert that was decided on.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Made like a message's; the `webhook-id` of every attempt, and the lead's id.
    pub id: CallId,
    /// About whom.
    pub contact: ContactId,
    /// In which run.
    pub run: RunId,
    /// In which journey.
    pub journey: String,
    /// In which version.
    pub version: u32,
    /// At which place.
    pub place: u16,
    /// The number of the step of the run's history.
    pub step: u32,
    /// The name of the stage.
    pub stage: String,
    /// What kind.
    pub kind: CallKind,
    /// The webhook or the team of `lotse.yaml`.
    pub target: String,
    /// What it tells.
    pub with: Attributes,
    /// Who gets the lead.
    pub assigned_to: Option<String>,
    /// When it was decided.
    pub decided_at: Moment,
}
