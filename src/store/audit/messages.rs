use std::collections::{BTreeMap, BTreeSet};

use super::pace::Pace;
use super::{Auditor, Book, Rule};
use crate::domain::{MessageState, Permission, Run, RunId, is_of_step};
use crate::store::StoredMessage;

impl Auditor {
    pub(super) fn messages(&mut self, book: &Book, pace: &Pace<'_>) {
        let contact = Some(book.contact.id);
        let runs: BTreeMap<RunId, &Run> = book.runs.iter().map(|run| (run.id, run)).collect();
        let mut steps = BTreeSet::new();
        for stored in &book.messages {
            let message = &stored.message;
            let mut note = |rule| self.note(rule, contact, name(stored));
            let run = runs.get(&message.run).filter(|run| run.journey == message.journey);
            // What it is written from is in its version.
            let planned =
                pace.plan(message.version).is_none_or(|plan| plan.messages.contains_key(&message.message));
            if run.is_none() || !planned {
                note(Rule::MessagesHaveRuns);
            }
            if run.is_some_and(|run| run.arm.is_measured()) {
                note(Rule::MeasuredGetNothing);
            }
            // Of a `send` with several choices each that is skipped has a step of its own.
            let is_new = steps.insert((message.run, message.step));
            if !is_new || !is_of_step(message.id.0, "message", message.run, message.step) {
                note(Rule::MessagesAreOnce);
            }
            if !fits(stored) {
                note(Rule::MessageStatesFit);
            }
        }
    }

    /// The last decision before a hand-over is the one that holds.
    pub(super) fn refusals(&mut self, book: &Book) {
        for stored in book.messages.iter().filter(|stored| !stored.message.essential) {
            let Some(handed_over_at) = stored.handed_over_at else { continue };
            let before = |decision: &&Permission| {
                decision.topic == stored.message.topic && decision.at < handed_over_at
            };
            let last = book.permissions.iter().filter(before).max_by_key(|decision| decision.at);
            if last.is_some_and(|decision| !decision.allowed) {
                self.note(Rule::RefusalsHold, Some(book.contact.id), name(stored));
            }
        }
    }

    pub(super) fn suppressions(&mut self, book: &Book) {
        for stored in &book.messages {
            let since = book.suppressed.get(&stored.message.address);
            if stored.handed_over_at.zip(since).is_some_and(|(handed_over_at, since)| *since < handed_over_at)
            {
                self.note(Rule::SuppressionsHold, Some(book.contact.id), name(stored));
            }
        }
    }
}

/// Whether what is known of a message fits its state.
fn fits(stored: &StoredMessage) -> bool {
    let is_due = stored.due_at.is_some();
    let is_settled = stored.settled_at.is_some();
    let was_tried = stored.attempts > 0 && stored.handed_over_at.is_some();
    let is_skipped = stored.message.state == MessageState::Skipped;
    let reasoned = stored.message.reason.is_some() == is_skipped;
    let tried = match stored.handed_over_at {
        // An attempt that was let go and did not begin is not counted.
        Some(_) => {
            let again = matches!(stored.message.state, MessageState::Decided | MessageState::Skipped);
            stored.attempts > 0 || again
        }
        None => stored.opened_at.is_none() && stored.clicked_at.is_none(),
    };
    let in_state = match stored.message.state {
        MessageState::Decided => is_due,
        MessageState::HandedOver => !is_due && was_tried,
        MessageState::Accepted
        | MessageState::Unsure
        | MessageState::Delivered
        | MessageState::Bounced
        | MessageState::Complained => !is_due && is_settled && was_tried,
        // What cannot be written is refused without a hand-over.
        MessageState::Refused => !is_due && is_settled,
        MessageState::Skipped => !is_due,
    };
    reasoned && tried && in_state
}

pub(super) fn name(stored: &StoredMessage) -> String {
    let message = &stored.message;
    format!("message {} `{}` ({})", message.id, message.message, message.state.as_str())
}
