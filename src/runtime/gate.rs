//! The last gate from the side of those who go through it, and of those who have just closed it.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Runtime;
use super::writer::{Job, Writer};
use crate::channel::email::Gate;
use crate::domain::{ContactId, MessageId};
use crate::store::{AtGate, StoreError};
use crate::time::Moment;

/// How long a message may begin to go after the gate let it through. Whoever refuses waits that long for the answer
/// at the most, so it is short; a batch takes a fraction of it, so it is long enough.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(1);
/// How often it is looked whether what was let through before a refusal has come to its end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the gate says to messages that asked together.
#[derive(Clone, Debug)]
pub struct Passes {
    /// For each message, in order, whether it may go.
    pub goes: Vec<bool>,
    /// Until when: the clock that is meant never jumps, and is this machine's alone.
    pub until: Instant,
}

/// Asks the ledger for messages, in one commit. Where nothing could be written, none goes.
pub(super) async fn ask(writer: &Writer, messages: Vec<(AtGate, Moment)>) -> Passes {
    let none = Passes { goes: vec![false; messages.len()], until: Instant::now() };
    let (done, answer) = oneshot::channel();
    if writer.give(Job::HandOver { messages, done }).await.is_err() {
        return none;
    }
    answer.await.unwrap_or(none)
}

/// Asks the ledger when the server is ready, and commits that the hand-over begins.
pub(super) struct LedgerGate<'a> {
    pub(super) writer: &'a Writer,
    pub(super) asked: AtGate,
    /// From when on it may not go any more.
    pub(super) before: Moment,
}

#[async_trait]
impl Gate for LedgerGate<'_> {
    async fn hand_over(&self, id: MessageId) -> bool {
        debug_assert_eq!(id, self.asked.key.id);
        let passes = ask(self.writer, vec![(self.asked, self.before)]).await;
        passes.goes == [true] && Instant::now() < passes.until
    }
}

/// A pass of a message that went through the gate before its turn came.
pub(super) struct Pass {
    pub(super) until: Instant,
}

#[async_trait]
impl Gate for Pass {
    async fn hand_over(&self, _: MessageId) -> bool {
        Instant::now() < self.until
    }
}

/// Waits until no message can begin to go that the gate let through before now, whoever it is for.
pub async fn passes_run_out() {
    tokio::time::sleep(GOOD_FOR).await;
}

impl Runtime {
    /// Waits until no message can begin to go that the gate let through before now: until those of these contacts
    /// have their outcome, or every pass has run out. A refusal is answered behind it, once it is committed.
    pub async fn let_out(&self, contacts: &[ContactId]) {
        let until = Instant::now() + GOOD_FOR;
        while Instant::now() < until {
            match self.being_handed_over(contacts).await {
                Ok(false) => return,
                Ok(true) => {}
                // What cannot be known is waited for.
                Err(error) => {
                    tracing::warn!(%error, "it could not be read whether messages are on their way")
                }
            }
            tokio::time::sleep_until(until.min(Instant::now() + LOOK_EVERY)).await;
        }
    }

    async fn being_handed_over(&self, contacts: &[ContactId]) -> Result<bool, StoreError> {
        self.store().read().await?.being_handed_over(contacts).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pass_runs_out() {
        let id = MessageId::default();
        assert!(Pass { until: Instant::now() + GOOD_FOR }.hand_over(id).await);
        assert!(!Pass { until: Instant::now() }.hand_over(id).await);
    }
}
