use std::collections::{BTreeMap, BTreeSet};

use super::{Auditor, Book, Rule};
use crate::domain::{CallKind, CallState, Run, RunId, is_of_step};
use crate::store::StoredCall;

impl Auditor {
    pub(super) fn calls(&mut self, book: &Book) {
        let contact = Some(book.contact.id);
        let runs: BTreeMap<RunId, &Run> = book.runs.iter().map(|run| (run.id, run)).collect();
        let mut steps = BTreeSet::new();
        for stored in &book.calls {
            let call = &stored.call;
            let mut note = |rule| self.note(rule, contact, format!("call {} to `{}`", call.id, call.target));
            let run = runs.get(&call.run).filter(|run| run.journey == call.journey);
            if run.is_none() {
                note(Rule::CallsHaveRuns);
            }
            if run.is_some_and(|run| run.arm.is_measured()) {
                note(Rule::MeasuredGetNothing);
            }
            let is_new = steps.insert((call.run, call.step));
            if !is_new || !is_of_step(call.id.0, "call", call.run, call.step) {
                note(Rule::CallsAreOnce);
            }
            if !fits(stored) {
                note(Rule::CallStatesFit);
            }
            if stored.accepted.is_some() && call.kind != CallKind::HandOff {
                note(Rule::AnswersHaveLeads);
            }
        }
    }
}

/// Whether what is known of a call fits its state.
fn fits(stored: &StoredCall) -> bool {
    match stored.state {
        CallState::Pending => stored.due_at.is_some(),
        CallState::Delivered | CallState::Dead => {
            stored.due_at.is_none() && stored.settled_at.is_some() && stored.attempts > 0
        }
    }
}
