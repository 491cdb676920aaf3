use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::super::gate::Passes;
use super::super::hits::MessageHit;
use super::WriterError;
use crate::domain::{CallId, ContactId, Event, Permission};
use crate::store::{
    Arrival, AtGate, CallSettlement, Intake, MessageKey, MessageSettlement, Outcome, StoreError,
};
use crate::time::Moment;

/// Answers whoever waits for a job.
pub type Done<T> = oneshot::Sender<Result<T, WriterError>>;

/// Something small to be written.
pub enum Job {
    /// What came from outside, and what of it could not be taken.
    Arrive {
        /// What came.
        arrivals: Vec<Arrival>,
        /// What could not be taken: the reason, and the thing itself.
        quarantine: Vec<(String, String)>,
        /// When.
        at: Moment,
        /// For each arrival what became of it; nothing where what is stored of whom it names cannot be read, so that it was
        /// not taken.
        done: Done<Vec<Option<Intake>>>,
    },
    /// Events of known contacts.
    Events {
        /// The events.
        events: Vec<Event>,
        /// Who waits for it.
        done: Done<()>,
    },
    /// A request for an image or a link of a message.
    Hit {
        /// The request.
        hit: MessageHit,
        /// Who waits for it, if somebody does.
        done: Option<Done<()>>,
    },
    /// Decisions on topics.
    Decide {
        /// The decisions.
        permissions: Vec<Permission>,
        /// Who waits for it.
        done: Done<()>,
    },
    /// A team's answer to a lead.
    Lead {
        /// Whom it is about.
        contact: ContactId,
        /// The lead.
        call: CallId,
        /// What the team says.
        accepted: bool,
        /// Who says it.
        by: String,
        /// What tells of it.
        event: Event,
        /// Whether it was the first answer.
        done: Done<bool>,
    },
    /// An answer to a survey.
    Answer {
        /// What tells of it.
        event: Event,
        /// Whether it was the first.
        done: Done<bool>,
    },
    /// The last gate before messages go.
    HandOver {
        /// The messages, each with the moment from which on it may not: quiet hours begin, or it is too late.
        messages: Vec<(AtGate, Moment)>,
        /// Which may go.
        done: oneshot::Sender<Passes>,
    },
    /// Messages that the gate may have let go, and whose content did not go, for the answer never came.
    TakeBack {
        /// The messages.
        messages: Vec<MessageKey>,
        /// When the gate was asked.
        asked_at: Moment,
    },
    /// A message that this process took and does not hand over now: another may.
    GiveBack {
        /// The message.
        message: MessageKey,
    },
    /// What became of a message.
    Settle {
        /// What.
        settlement: MessageSettlement,
        /// What tells of it.
        events: Vec<Event>,
        /// An address that is dead.
        suppress: Option<(ContactId, String, String)>,
    },
    /// What became of a call.
    SettleCall {
        /// What.
        settlement: CallSettlement,
        /// The answer, for the run that waits for it.
        event: Option<Event>,
    },
    /// What is sent by a call, before it is sent for the first time.
    Bodies {
        /// The bodies.
        bodies: Vec<(ContactId, CallId, String)>,
        /// What is kept of each: another process may have been first.
        done: Done<BTreeMap<CallId, String>>,
    },
}

impl Job {
    /// The message that another process may hand over, once this is written.
    pub(super) fn leaves(&self) -> Option<MessageKey> {
        match self {
            Job::GiveBack { message } => Some(*message),
            Job::Settle { settlement, .. } => {
                matches!(settlement.outcome, Outcome::NotBegun(_)).then_some(settlement.key)
            }
            _ => None,
        }
    }

    /// Whether it says when something is to be tried again.
    pub(super) fn sets_a_moment(&self) -> bool {
        match self {
            Job::Settle { settlement, .. } => settlement.outcome.due_at().is_some(),
            Job::SettleCall { settlement, .. } => settlement.due_at.is_some(),
            _ => false,
        }
    }

    /// Whether nobody waits for it, or only mails whose turn is still to come.
    pub(super) fn can_wait(&self) -> bool {
        match self {
            Job::GiveBack { .. }
            | Job::Settle { .. }
            | Job::SettleCall { .. }
            | Job::Hit { done: None, .. } => true,
            Job::HandOver { messages, .. } => messages.len() > 1,
            _ => false,
        }
    }

    /// Whether nobody but us knows of it: it is kept until it is written.
    pub(super) fn is_kept(&self) -> bool {
        matches!(
            self,
            Job::Settle { .. }
                | Job::SettleCall { .. }
                | Job::TakeBack { .. }
                | Job::GiveBack { .. }
                | Job::Hit { done: None, .. }
        )
    }

    /// Whether it may be lost where there is too much to keep: an opening or a click that nobody waits for.
    pub(super) fn can_be_forgotten(&self) -> bool {
        matches!(self, Job::Hit { done: None, .. })
    }

    /// What it is that is to be written, with ids.
    pub(super) fn what(&self) -> String {
        match self {
            Job::Settle { settlement: MessageSettlement { key, .. }, .. } => {
                format!("the outcome of message {} of contact {}", key.id, key.contact)
            }
            Job::SettleCall { settlement, .. } => {
                format!("the outcome of call {} of contact {}", settlement.id, settlement.contact)
            }
            Job::TakeBack { messages, .. } => match messages.first() {
                Some(key) => format!(
                    "that message {} of contact {} was not sent, {} in all",
                    key.id,
                    key.contact,
                    messages.len()
                ),
                None => "that no message was sent".to_owned(),
            },
            Job::GiveBack { message } => {
                format!("that message {} of contact {} is free", message.id, message.contact)
            }
            Job::Hit { hit: MessageHit { key, .. }, .. } => {
                format!("a look at message {} of contact {}", key.id, key.contact)
            }
            Job::Arrive { .. } | Job::Events { .. } | Job::Decide { .. } => "what came in".to_owned(),
            Job::Lead { call, contact, .. } => format!("the answer to lead {call} of contact {contact}"),
            Job::Answer { event, .. } => format!("the answer to a survey of contact {}", event.contact),
            Job::HandOver { .. } | Job::Bodies { .. } => "what is to be sent".to_owned(),
        }
    }
}

/// Tells those who can ask again that nothing was written, and keeps what nobody can say again.
pub(super) fn refuse(jobs: Vec<Job>, now: Moment, error: &StoreError) -> Vec<Job> {
    let why = || WriterError::Failed(error.to_string());
    let mut kept = Vec::new();
    for job in jobs {
        match job {
            Job::Arrive { done, .. } => drop(done.send(Err(why()))),
            Job::Hit { done: Some(done), .. } => drop(done.send(Err(why()))),
            Job::Events { done, .. } | Job::Decide { done, .. } => drop(done.send(Err(why()))),
            Job::Bodies { done, .. } => drop(done.send(Err(why()))),
            Job::Lead { done, .. } | Job::Answer { done, .. } => drop(done.send(Err(why()))),
            // What may not be committed must not go. What is committed all the same, as where the connection was lost
            // behind the commit, would be taken for gone.
            Job::HandOver { messages, done } => {
                drop(done);
                let messages = messages.into_iter().map(|(asked, _)| asked.key).collect();
                kept.push(Job::TakeBack { messages, asked_at: now });
            }
            job @ (Job::Settle { .. }
            | Job::SettleCall { .. }
            | Job::TakeBack { .. }
            | Job::GiveBack { .. }
            | Job::Hit { done: None, .. }) => kept.push(job),
        }
    }
    kept
}
