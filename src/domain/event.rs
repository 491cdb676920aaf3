use serde::{Deserialize, Serialize};

use super::{Attributes, ContactId, EventId, RunId};
use crate::time::Moment;

/// Something that happened to a contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Made from its source and the source's own id for it, so that a repeat is the same event.
    pub id: EventId,
    /// Whom it happened to.
    pub contact: ContactId,
    /// What kind of thing it is.
    pub kind: EventKind,
    /// Its name on the wire.
    pub name: String,
    /// When it happened.
    pub at: Moment,
    /// When we heard of it.
    pub received_at: Moment,
    /// The run it belongs to, where it answers one.
    pub run: Option<RunId>,
    /// How many turns of journeys have led to it, one after the other with no time between them; 0 for what comes
    /// from outside. It bounds journeys that record events for each other.
    #[serde(default)]
    pub depth: u8,
    /// What is known about it.
    pub properties: Attributes,
}

/// Who says that something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The customer's systems.
    Track,
    /// The customer's systems, about the person's attributes.
    Identify,
    /// Lotse itself, about its own messages and journeys.
    System,
    /// Lotse itself, about what a program or a mail gateway did on its own: kept as evidence, moves nobody.
    Machine,
    /// A webhook's answer, or a sales team's.
    Answer,
    /// Somebody asks that the contact enters a journey, whose name is the event's name.
    Request,
}

impl EventKind {
    /// How it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Track => "track",
            EventKind::Identify => "identify",
            EventKind::System => "system",
            EventKind::Machine => "machine",
            EventKind::Answer => "answer",
            EventKind::Request => "request",
        }
    }

    /// Whether it is one that journeys name: of the customer's systems, or Lotse's own.
    pub fn counts(self) -> bool {
        matches!(self, EventKind::Track | EventKind::System)
    }

    /// Reads how it is stored.
    pub fn from_text(text: &str) -> Option<Self> {
        use EventKind::{Answer, Identify, Machine, Request, System, Track};
        [Track, Identify, System, Machine, Answer, Request].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Declares the events that Lotse records itself, with their properties.
macro_rules! system_events {
    ($($variant:ident $name:literal [$($field:literal: $kind:ident),*])*) => {
        /// An event that Lotse records itself, usable wherever an event is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum SystemEvent {
            $(#[doc = $name] $variant,)*
        }

        impl SystemEvent {
            /// All of them.
            pub const ALL: &[SystemEvent] = &[$(SystemEvent::$variant,)*];

            /// Its name in the language and on the wire.
            pub fn name(self) -> &'static str {
                match self { $(SystemEvent::$variant => $name,)* }
            }

            /// The event of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(SystemEvent::$variant),)* _ => None }
            }

            /// Its properties and their types.
            pub fn fields(self) -> &'static [(&'static str, super::ValueType)] {
                match self { $(SystemEvent::$variant => &[$(($field, super::ValueType::$kind)),*],)* }
            }
        }
    };
}

system_events! {
    MessageSent "message_sent" ["message": Text, "channel": Text]
    MessageDelivered "message_delivered" ["message": Text, "channel": Text]
    MessageOpened "message_opened" ["message": Text]
    MessageClicked "message_clicked" ["message": Text, "link": Text]
    MessageBounced "message_bounced" ["message": Text, "reason": Text]
    MessageComplained "message_complained" ["message": Text]
    MessageReplied "message_replied" ["message": Text]
    MessageSkipped "message_skipped" ["message": Text, "reason": Text]
    Subscribed "subscribed" ["topic": Text]
    Unsubscribed "unsubscribed" ["topic": Text]
    GoalReached "goal_reached" ["journey": Text, "goal": Text, "value": Number]
    JourneyEntered "journey_entered" ["journey": Text]
    JourneyLeft "journey_left" ["journey": Text, "outcome": Text]
    LeadAccepted "lead_accepted" ["lead": Text, "team": Text]
    LeadRejected "lead_rejected" ["lead": Text, "team": Text]
    SurveyAnswered "survey_answered" ["survey": Text, "score": Number, "comment": Text]
    PageViewed "page_viewed" ["path": Text, "title": Text, "referrer": Text, "seconds": Number]
}
