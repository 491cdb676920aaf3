use std::collections::{BTreeMap, BTreeSet};

use super::super::{CallSettlement, ClaimedCall};
use super::tables::{CallRow, Person, Tables};
use crate::domain::{CallId, CallKind, CallState, ContactId};
use crate::time::Moment;

impl Tables {
    pub(super) fn claim_calls(
        &self,
        now: Moment,
        limit: u32,
        under_way: &[CallId],
        full: &[(CallKind, String)],
        unreadable: &[u32],
    ) -> Vec<ClaimedCall> {
        if self.hold.is_some() {
            return Vec::new();
        }
        let under_way: BTreeSet<&CallId> = under_way.iter().collect();
        let due = |row: &CallRow| {
            let call = &row.stored.call;
            let is_full = full.iter().any(|(kind, target)| *kind == call.kind && *target == call.target);
            let can_say = row.body.is_some() || !unreadable.contains(&call.version);
            let is_free = !under_way.contains(&call.id) && !is_full && can_say;
            let at = row.stored.due_at.filter(|at| *at <= now && is_free)?;
            Some((at, call.contact.slot(), call.contact, call.id))
        };
        let mut found = Vec::new();
        for person in self.everybody() {
            found.extend(first_calls(person).filter_map(|row| Some((due(row)?, row))));
        }
        found.sort_by_key(|(at, _)| *at);
        let claimed = found.into_iter().take(limit as usize).map(|(_, row)| ClaimedCall {
            call: row.stored.call.clone(),
            attempt: row.stored.attempts + 1,
            body: row.body.clone(),
        });
        claimed.collect()
    }

    fn call_mut(&mut self, contact: ContactId, call: CallId) -> Option<&mut CallRow> {
        self.person_mut(contact)?.calls.get_mut(&call)
    }

    pub(super) fn set_bodies(
        &mut self,
        bodies: Vec<(ContactId, CallId, String)>,
    ) -> BTreeMap<CallId, String> {
        let mut kept = BTreeMap::new();
        for (contact, call, body) in bodies {
            if let Some(row) = self.call_mut(self.is_now(contact), call) {
                kept.insert(call, row.body.get_or_insert(body).clone());
            }
        }
        kept
    }

    pub(super) fn settle_calls(&mut self, settled: Vec<CallSettlement>, now: Moment) {
        for settlement in settled {
            let row = self.call_mut(self.is_now(settlement.contact), settlement.id);
            let is_open = |row: &&mut CallRow| {
                row.stored.state == CallState::Pending && row.stored.attempts + 1 == settlement.attempt
            };
            let Some(row) = row.filter(is_open) else { continue };
            row.stored.state = settlement.state;
            row.stored.due_at = settlement.due_at;
            row.stored.status = settlement.status;
            row.stored.answer = Some(settlement.answer);
            row.stored.settled_at = Some(now);
            row.stored.attempts += 1;
        }
    }

    pub(super) fn answer_lead(&mut self, contact: ContactId, call: CallId, accepted: bool) -> bool {
        let row = self.call_mut(self.is_now(contact), call);
        let is_open =
            |row: &&mut CallRow| row.stored.call.kind == CallKind::HandOff && row.stored.accepted.is_none();
        let Some(row) = row.filter(is_open) else { return false };
        row.stored.accepted = Some(accepted);
        true
    }

    pub(super) fn retry_call(&mut self, contact: ContactId, call: CallId, now: Moment) -> bool {
        let Some(row) = self.call_mut(contact, call) else { return false };
        let helps = match row.stored.state {
            CallState::Dead => true,
            CallState::Pending => row.stored.due_at.is_some_and(|due| due > now),
            CallState::Delivered => false,
        };
        if helps {
            row.stored.state = CallState::Pending;
            row.stored.due_at = Some(now);
            row.stored.settled_at = None;
        }
        helps
    }
}

/// Whether a call to the same receiver is still to be delivered before another.
/// Of each receiver the calls that no earlier one holds up.
pub(super) fn first_calls(person: &Person) -> impl Iterator<Item = &CallRow> {
    person.calls.values().filter(|row| !person.calls.values().any(|other| goes_before(other, row)))
}

fn goes_before(other: &CallRow, row: &CallRow) -> bool {
    let order = |row: &CallRow| (row.stored.call.decided_at, row.stored.call.step, row.stored.call.id);
    other.stored.call.target == row.stored.call.target
        && other.stored.state == CallState::Pending
        && order(other) < order(row)
}
