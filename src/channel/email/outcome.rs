use async_trait::async_trait;

use super::compose::RawMail;
use crate::domain::{Address, MessageId};

/// Who a mail is from and for, as the servers on the way see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where bounces go: the sender, or a return path of its own.
    pub from: Address,
    /// The one recipient.
    pub to: Address,
}

/// A mail that is to be handed over.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Which message it is.
    pub id: MessageId,
    /// From whom and to whom.
    pub envelope: &'a Envelope,
    /// The mail.
    pub mail: &'a RawMail,
}

/// The last word on whether a mail goes.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Whether the hand-over may begin, which is committed by then; false when the mail must not go: the person
    /// refused meanwhile, somebody else took it, or it was committed too long ago.
    ///
    /// It is asked once an attempt, after the server has said that it is ready for the content (`354`) and
    /// before the first byte of it. What is committed is what tells an attempt that certainly failed from one
    /// that nobody can judge: without it, a mail whose outcome was never recorded has not been delivered.
    async fn hand_over(&self, id: MessageId) -> bool;
}

/// The way of mail: whatever takes it to where it is read.
#[async_trait]
pub trait MailRoute: Send + Sync {
    /// Waits until a connection is free.
    async fn checkout(&self) -> Box<dyn MailLease>;

    /// How many connections are at work, and how many rest.
    fn connections(&self) -> (usize, usize);
}

/// The right to use one connection, for any number of mails, one at a time.
#[async_trait]
pub trait MailLease: Send {
    /// Hands over one mail and says what is known about it. The gate is asked right before its content goes. `next` is
    /// the mail that is handed over behind it, where that is known.
    ///
    /// When the returned future is dropped before it ends, what is known is what the gate committed.
    async fn send(&mut self, letter: Letter<'_>, gate: &dyn Gate, next: Option<Letter<'_>>) -> Outcome;
}

/// What is known about a mail after an attempt to hand it over.
///
/// `answer` is what the server said: one line of at most 512 characters, code first. `why` is what happened
/// instead, in our words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has taken it.
    Accepted {
        /// The server's words.
        answer: String,
    },
    /// The server will never take it.
    Refused {
        /// Whose fault it is.
        class: Refusal,
        /// The server's words.
        answer: String,
    },
    /// The server has not taken it, and may later.
    Deferred {
        /// What it waits for.
        class: Deferral,
        /// The server's words.
        answer: String,
    },
    /// The conversation ended at this mail, and the server has not taken it: it may be tried again.
    NotHandedOver {
        /// What happened.
        why: String,
    },
    /// The content was begun and no answer came: taken or not, nobody can know.
    Unsure {
        /// What happened.
        why: String,
    },
    /// The gate said no, and nothing was sent.
    Stopped,
    /// The server cannot be used, which says nothing about this mail: not taken, and the route should pause.
    RouteDown {
        /// What happened.
        why: String,
    },
}

/// Whose fault a final refusal is, and so what it means for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// There is no such mailbox: nothing should go to the address any more.
    Address,
    /// The receiver does not want mail from this sender: nothing is wrong with the address.
    Sender,
    /// The receiver does not want this content.
    Content,
    /// The server cannot carry the address: it does not offer SMTPUTF8 (RFC 6531). Another server might.
    Unsupported,
    /// Anything else: this mail will not be taken, and that is all it says.
    Other,
}

/// What a mail that was put off waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deferral {
    /// Room in the mailbox.
    MailboxFull,
    /// A better time: greylisting, a limit, a server that is busy.
    Later,
}

impl Refusal {
    /// How it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Address => "address",
            Refusal::Sender => "sender",
            Refusal::Content => "content",
            Refusal::Unsupported => "unsupported",
            Refusal::Other => "other",
        }
    }
}

impl Deferral {
    /// How it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Deferral::MailboxFull => "mailbox_full",
            Deferral::Later => "later",
        }
    }
}
