use std::collections::BTreeMap;

use crate::domain::{
    Attributes, Call, CallId, CallState, Contact, ContactId, Message, MessageId, MessageState, SkipReason,
};
use crate::time::Moment;
use crate::track::HitKind;

/// The key of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    /// Whose it is.
    pub contact: ContactId,
    /// Which.
    pub id: MessageId,
}

/// A message taken for hand-over, with what it is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedMessage {
    /// The message.
    pub message: Message,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The contact as it is now.
    pub contact: Contact,
    /// The last decision of the contact on each topic.
    pub permissions: BTreeMap<String, bool>,
    /// What led into the run.
    pub entry: Attributes,
}

impl ClaimedMessage {
    /// What is asked of the last gate.
    pub fn at_gate(&self) -> AtGate {
        let key = MessageKey { contact: self.message.contact, id: self.message.id };
        AtGate { key, attempt: Some(self.attempt) }
    }
}

/// A message at the last gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtGate {
    /// The message.
    pub key: MessageKey,
    /// Which attempt would begin, from 1; nothing for whichever is the next. Who took a message, was taken for dead and
    /// lives, asks for one that others have begun meanwhile, and does not get through.
    pub attempt: Option<u32>,
}

impl From<MessageKey> for AtGate {
    fn from(key: MessageKey) -> Self {
        Self { key, attempt: None }
    }
}

impl AtGate {
    /// Whether it asks for the attempt behind those that there were.
    pub(super) fn is_behind(&self, attempts: u32) -> bool {
        self.attempt.is_none_or(|attempt| attempt == attempts + 1)
    }
}

/// What the last gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateAnswer {
    /// The message.
    pub key: MessageKey,
    /// Whether it may go: it is handed over now.
    pub goes: bool,
    /// Why it is not sent any more, where the gate has just said so.
    pub skipped: Option<SkipReason>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSettlement {
    /// Which.
    pub key: MessageKey,
    /// In which attempt, from 1; nothing where it was learnt later. What another attempt has led to stays.
    pub attempt: Option<u32>,
    /// How.
    pub outcome: Outcome,
    /// What the provider said, or why it could not be asked.
    pub answer: String,
}

/// How a message goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in that state now.
    State(MessageState),
    /// It was provably not taken and is tried again then.
    Again(Moment),
    /// It may not go before then, and was not tried.
    NotBefore(Moment),
    /// It was let through the gate, and its hand-over provably never began: it stands as before the gate, due then.
    NotBegun(Moment),
    /// It is not sent any more.
    Skipped(SkipReason),
}

/// A message with everything the ledger knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMessage {
    /// The message.
    pub message: Message,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: Option<Moment>,
    /// When the hand-over began.
    pub handed_over_at: Option<Moment>,
    /// When it came into its state.
    pub settled_at: Option<Moment>,
    /// What the provider said.
    pub answer: Option<String>,
    /// When it was sent once more because nobody could prove the first time. Where it is left out since, it is unsure.
    pub resent_at: Option<Moment>,
    /// When a person opened it first.
    pub opened_at: Option<Moment>,
    /// When a person followed one of its links first.
    pub clicked_at: Option<Moment>,
    /// The zone of the contact's own clock when its hand-over began last; nothing where they had none.
    pub timezone: Option<String>,
}

impl StoredMessage {
    /// Its key.
    pub fn key(&self) -> MessageKey {
        MessageKey { contact: self.message.contact, id: self.message.id }
    }
}

/// What a person did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The message.
    pub key: MessageKey,
    /// What they did.
    pub kind: HitKind,
    /// When.
    pub at: Moment,
}

/// A call taken for an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedCall {
    /// The call.
    pub call: Call,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What was sent before, where it was tried before.
    pub body: Option<String>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSettlement {
    /// Whom it is about.
    pub contact: ContactId,
    /// Which.
    pub id: CallId,
    /// In which attempt, from 1. What another attempt has led to stays.
    pub attempt: u32,
    /// Where it stands now.
    pub state: CallState,
    /// When it is tried next, where it is.
    pub due_at: Option<Moment>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// What the other side said, or why it could not be asked.
    pub answer: String,
}

/// A call with everything that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCall {
    /// The call.
    pub call: Call,
    /// Where it stands.
    pub state: CallState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: Option<Moment>,
    /// When it came into its state.
    pub settled_at: Option<Moment>,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// What the other side said.
    pub answer: Option<String>,
    /// What the team answered to the lead.
    pub accepted: Option<bool>,
}
