use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Address, Attributes, CallKind, ContactId, ContactState, DueRun, Effects, Event, EventId, EventKind,
};
use crate::time::Moment;

/// Whom somebody means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// By our id.
    Id(ContactId),
    /// By address.
    Email(Address),
    /// By what the customer's own systems call the person.
    External(String),
}

impl Who {
    /// What people write: an id of ours, an address, or else an external id.
    pub fn from_text(text: &str) -> Self {
        if let Ok(id) = ContactId::from_str(text) {
            return Who::Id(id);
        }
        match text.parse::<Address>() {
            Ok(address) => Who::Email(address),
            Err(_) => Who::External(text.to_owned()),
        }
    }
}

/// What is to be done now.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// Events that no run has looked at, in the order in which they came.
    pub events: Vec<Event>,
    /// Runs whose moment has come.
    pub due: Vec<DueRun>,
    /// Contacts that must be looked at for ways in that time decides.
    pub watches: Vec<ContactId>,
    /// Whether there may be more than was taken.
    pub more: bool,
}

/// What carries messages away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The mail server: the channel `email`.
    Mail,
    /// The systems of all other channels.
    Http,
}

impl Carrier {
    /// Whether it carries the messages of a channel.
    pub fn carries(self, channel: &str) -> bool {
        (channel == "email") == (self == Carrier::Mail)
    }
}

/// When something wants to be looked at next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NextDue {
    /// The earliest event that no run has looked at, by when it came, or the earliest timer of a run or a
    /// contact.
    pub turns: Option<Moment>,
    /// The earliest mail.
    pub mails: Option<Moment>,
    /// The earliest message of another channel.
    pub over_http: Option<Moment>,
    /// The earliest call.
    pub calls: Option<Moment>,
}

/// Turns to be recorded together.
#[derive(Debug, Default)]
pub struct TurnBatch {
    /// When.
    pub now: Moment,
    /// The contacts after their turns, with what these led to.
    pub contacts: Vec<(ContactState, Effects)>,
    /// The events that were looked at.
    pub events: Vec<(ContactId, EventId)>,
}

/// How something from outside names a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The customer's own name for the person (`userId`).
    pub external_id: Option<String>,
    /// A device or a browser (`anonymousId`).
    pub anonymous_id: Option<String>,
    /// The address.
    pub email: Option<Address>,
}

/// Something that came from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Made from the source and the source's own id, so that a repeat is the same.
    pub id: EventId,
    /// Whom it is about.
    pub who: Identity,
    /// What it is.
    pub kind: ArrivalKind,
    /// When it happened.
    pub at: Moment,
    /// When it came; no two are the same.
    pub received_at: Moment,
    /// Properties of an event, attributes of a person.
    pub properties: Attributes,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArrivalKind {
    /// An event of that kind and name.
    Event(EventKind, String),
    /// A device is the person it is named with, nothing more.
    Alias,
}

/// What became of something that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// It is stored, for this contact.
    Stored(ContactId),
    /// It was stored before.
    Repeated(ContactId),
}

/// A contact from a file; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportRow {
    /// The customer's own name for the person.
    pub external_id: Option<String>,
    /// The address.
    pub email: Option<Address>,
    /// The phone number.
    pub phone: Option<String>,
    /// The IANA name of the zone.
    pub timezone: Option<String>,
    /// A language tag.
    pub language: Option<String>,
    /// Tags that are added.
    pub tags: Vec<String>,
    /// Attributes that are set; those of the value null are taken away.
    pub attributes: Attributes,
    /// Decisions on topics.
    pub allows: Vec<(String, bool)>,
    /// Where the decisions come from.
    pub source: String,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportCounts {
    /// Contacts that were not there before.
    pub added: u64,
    /// Contacts that were there.
    pub changed: u64,
    /// Rows whose address belongs to somebody else than their external id: taken without the address.
    pub conflicts: u64,
    /// Permissions that were not taken because the person has refused: only the person takes that back.
    pub refusals_kept: u64,
    /// Rows about contacts that are there and cannot be read: not taken.
    pub unreadable: u64,
}

/// Which deliveries are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deliveries {
    /// Those that need somebody: dead letters, unsure and refused messages.
    #[default]
    Attention,
    /// All.
    All,
}

/// What kind of delivery it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// A message.
    Message,
    /// A webhook call.
    Call,
    /// A hand-off.
    HandOff,
    /// An alert.
    Alert,
}

impl DeliveryKind {
    /// What people call it.
    pub fn words(self) -> &'static str {
        match self {
            DeliveryKind::Message => "message",
            DeliveryKind::Call => "call",
            DeliveryKind::HandOff => "hand-off",
            DeliveryKind::Alert => "alert",
        }
    }
}

impl From<CallKind> for DeliveryKind {
    fn from(kind: CallKind) -> Self {
        match kind {
            CallKind::Call => DeliveryKind::Call,
            CallKind::HandOff => DeliveryKind::HandOff,
            CallKind::Alert => DeliveryKind::Alert,
        }
    }
}

/// A message or a call, as one line of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivery {
    /// What kind.
    pub kind: DeliveryKind,
    /// Its id.
    pub id: uuid::Uuid,
    /// Whom it is for or about.
    pub contact: ContactId,
    /// The journey.
    pub journey: String,
    /// The message, the webhook, the team.
    pub name: String,
    /// Where it stands.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was decided.
    pub decided_at: Moment,
    /// When it is tried next.
    pub due_at: Option<Moment>,
    /// What was said last.
    pub answer: Option<String>,
}

impl Delivery {
    /// Whether it needs somebody.
    pub(super) fn needs_attention(&self) -> bool {
        self.urgency() < Self::NOT_URGENT
    }

    /// What needs somebody first, the latest first.
    pub(super) fn order(&self) -> (u8, Reverse<Moment>, uuid::Uuid) {
        (self.urgency(), Reverse(self.decided_at), self.id)
    }

    const NOT_URGENT: u8 = 3;

    fn urgency(&self) -> u8 {
        match self.state.as_str() {
            "dead" => 0,
            "unsure" => 1,
            "refused" => 2,
            _ => Self::NOT_URGENT,
        }
    }
}

/// What may wait for a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Events that nobody has looked at, and timers.
    Turns,
    /// Messages that are decided.
    Messages,
    /// Calls and hand-offs that are pending.
    Calls,
}

/// What came in and could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// When it came.
    pub received_at: Moment,
    /// Why it was not taken.
    pub reason: String,
    /// What came.
    pub body: String,
}

/// An event with what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// The event.
    pub event: Event,
    /// Whether runs have yet to look at it.
    pub pending: bool,
    /// The journeys it did not lead into, and why.
    pub refused: BTreeMap<String, String>,
}

/// A count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TallyRow {
    /// The journey.
    pub journey: String,
    /// The version.
    pub version: u32,
    /// Written to, or only measured.
    pub arm: String,
    /// Days since 1970 in UTC; 0 for what stands now, and for all days together.
    pub day: i64,
    /// What is counted: `entered`, `in_stage`, `reached`, `ended`, `sent`, `skipped`, `opened`, `clicked`,
    /// `hour` (of the day, for openings and clicks together), `call`, `hand_off`, `goal`, `exposed`, `succeeded`.
    pub what: String,
    /// Of what: a stage, an outcome, a message, who is called, a goal; an experiment, its variant and the hour of
    /// the day.
    pub detail: String,
    /// How many.
    pub count: i64,
    /// What they are worth together.
    pub worth: f64,
}

/// Access as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// What names it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: String,
    /// Since when.
    pub created_at: Moment,
    /// Until when.
    pub revoked_at: Option<Moment>,
}

/// Access with the hash of its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// As it is shown.
    pub token: Token,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
}

/// Something that somebody did, for whoever asks later who did what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// When.
    pub at: Moment,
    /// Who: the name of a token, or of the account that used the command line.
    pub who: String,
    /// What.
    pub what: DeedKind,
    /// To what, or of what.
    pub detail: String,
}

/// What people and programs do that is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeedKind {
    /// A version of a journey came into force.
    Deployed,
    /// A journey was taken out of force.
    Retired,
    /// Contacts were brought in from a file.
    Imported,
    /// Contacts were entered into a journey.
    Entered,
    /// A delivery was tried again.
    Retried,
    /// Everything that leaves the house was held.
    Held,
    /// It goes on.
    Released,
    /// Access was given.
    TokenCreated,
    /// Access was taken away.
    TokenRevoked,
}

impl DeedKind {
    const ALL: [DeedKind; 9] = [
        DeedKind::Deployed,
        DeedKind::Retired,
        DeedKind::Imported,
        DeedKind::Entered,
        DeedKind::Retried,
        DeedKind::Held,
        DeedKind::Released,
        DeedKind::TokenCreated,
        DeedKind::TokenRevoked,
    ];

    /// How it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            DeedKind::Deployed => "deployed",
            DeedKind::Retired => "retired",
            DeedKind::Imported => "imported",
            DeedKind::Entered => "entered",
            DeedKind::Retried => "retried",
            DeedKind::Held => "held",
            DeedKind::Released => "released",
            DeedKind::TokenCreated => "token_created",
            DeedKind::TokenRevoked => "token_revoked",
        }
    }

    /// Reads how it is stored.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
