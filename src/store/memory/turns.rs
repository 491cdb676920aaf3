use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::tally::count;
use super::super::{Claim, Result, StoreError, StoredCall, StoredMessage, TurnBatch, Waiting, Woken};
use super::tables::{CallRow, Person, Tables};
use crate::domain::{
    Arm, Call, CallState, ContactId, ContactState, DueRun, Effects, Event, EventId, Happened, Message,
    MessageState, Past, PastMessage, Run,
};
use crate::language::plan::Needs;
use crate::time::Moment;

impl Tables {
    pub(super) fn claim(&self, now: Moment, limit: u32, unreadable: &[u32]) -> Claim {
        let limit = limit as usize;
        let readable = || self.everybody().filter(|person| !waits_for_plan(person, unreadable, now));
        let mut due: Vec<(Moment, &Run)> = readable()
            .flat_map(|person| person.runs.values())
            .filter_map(|run| Some((run.wake_at.filter(|at| *at <= now)?, run)))
            .collect();
        due.sort_by_key(|(at, run)| (*at, run.contact.slot(), run.contact, run.id));
        let due_run = |(wake_at, run): (Moment, &Run)| DueRun {
            contact: run.contact,
            id: run.id,
            journey: run.journey.clone(),
            version: run.version,
            place: run.place,
            wake_at,
        };
        let due: Vec<DueRun> = due.into_iter().take(limit).map(due_run).collect();
        let look = |person: &Person| {
            let due = person.watch.as_ref()?.due_at.filter(|due| *due <= now)?;
            Some((due, person.contact.id.slot(), person.contact.id))
        };
        let mut watches: Vec<_> = readable().filter_map(look).collect();
        watches.sort_unstable();
        let watches: Vec<ContactId> = watches.into_iter().take(limit).map(|(.., contact)| contact).collect();
        let mut pending: Vec<&Event> = readable().flat_map(pending_of).collect();
        pending.sort_by_key(|event| (event.received_at, event.contact.slot(), event.contact, event.id));
        let events: Vec<Event> = pending.iter().take(limit).map(|event| (*event).clone()).collect();
        let more = events.len().max(due.len()).max(watches.len()) >= limit;
        let mut claim = Claim { events, due, watches, more };
        let timed: BTreeSet<ContactId> =
            claim.due.iter().map(|run| run.contact).chain(claim.watches.iter().copied()).collect();
        let mut theirs: Vec<&Event> =
            pending.into_iter().filter(|event| timed.contains(&event.contact)).collect();
        theirs.sort_by_key(|event| {
            (event.contact.slot(), event.contact, event.at, event.received_at, event.id)
        });
        let mut counts: BTreeMap<ContactId, usize> = BTreeMap::new();
        theirs.retain(|event| {
            let count = counts.entry(event.contact).or_default();
            *count += 1;
            *count <= Claim::EVENTS_EACH_MAX + 1
        });
        let room = Claim::room(limit);
        claim.add(theirs.into_iter().take(room).cloned().collect(), room);
        claim
    }

    /// Takes what waits for a contact out of the way.
    pub(super) fn set_aside(&mut self, contact: ContactId, waiting: Waiting, why: &str, now: Moment) {
        if let Some(person) = self.person_mut(contact) {
            match waiting {
                Waiting::Turns => {
                    person.events.values_mut().for_each(|event| event.pending = false);
                    person.runs.values_mut().for_each(|run| run.wake_at = None);
                    person.watch.iter_mut().for_each(|watch| watch.due_at = None);
                }
                Waiting::Messages => {
                    let decided = |stored: &&mut StoredMessage| stored.message.state == MessageState::Decided;
                    for stored in person.messages.values_mut().filter(decided) {
                        stored.message.state = MessageState::Refused;
                        (stored.due_at, stored.settled_at) = (None, Some(now));
                        stored.answer = Some(why.to_owned());
                    }
                }
                Waiting::Calls => {
                    let rows = person.calls.values_mut().map(|row| &mut row.stored);
                    for stored in rows.filter(|stored| stored.state == CallState::Pending) {
                        stored.state = CallState::Dead;
                        (stored.due_at, stored.settled_at) = (None, Some(now));
                        stored.answer = Some(why.to_owned());
                        stored.attempts += 1;
                    }
                }
            }
        }
        let noted = (format!("the contact is set aside: {why}"), format!("{{\"contact\":\"{contact}\"}}"));
        self.quarantine(now, vec![noted]);
    }

    pub(super) fn states(
        &self,
        contacts: &[ContactId],
        needs: &Needs,
        earliest: Moment,
    ) -> Vec<ContactState> {
        let mut asked = BTreeSet::new();
        let known = contacts.iter().filter(|id| asked.insert(**id)).filter_map(|id| self.person(*id));
        let state = |person: &Person| {
            let mut state = ContactState::new(person.contact.clone());
            let open = |run: &&Run| run.is_live() || run.goal_until.is_some_and(|until| until >= earliest);
            state.runs = person.runs.values().filter(open).cloned().collect();
            state.runs.sort_by_key(|run| (run.entered_at, run.id));
            if needs.left {
                state.past = past_of(person);
            }
            if needs.watch {
                state.watch.clone_from(&person.watch);
            }
            if let Some(reach) = needs.messages {
                let from = reach.since(earliest);
                state.messages = person.messages.values().filter_map(|stored| past(stored, from)).collect();
                state.messages.sort_by_key(|message| message.at);
            }
            if needs.permissions {
                state.permissions = person.decisions();
            }
            state.events = past_events(person, needs, earliest);
            state
        };
        known.map(state).collect()
    }

    /// Has those looked at now who are inside another version of a journey: all at once, for nobody waits here.
    pub(super) fn wake_outdated(&mut self, deployed_at: Moment, now: Moment) -> Option<Woken> {
        let known = self.moving.iter().find(|(_, (_, begun_at))| *begun_at <= deployed_at);
        let (journey, version) = known.map(|(journey, (version, _))| (journey.clone(), *version))?;
        Arc::make_mut(&mut self.moving).remove(&journey);
        let mut woken = 0;
        let contacts: Vec<ContactId> = self.everybody().map(|person| person.contact.id).collect();
        for contact in contacts {
            let Some(person) = self.person_mut(contact) else { continue };
            for run in person.runs.values_mut() {
                let other = run.journey == journey && run.version != version && run.arm == Arm::Treated;
                if other && run.wake_at.is_some() {
                    run.wake_at = Some(now);
                    woken += 1;
                }
            }
        }
        Some(Woken { journey, woken, is_done: true })
    }

    /// Records turns, all of them or none.
    pub(super) fn record(&mut self, batch: &TurnBatch) -> Result<()> {
        self.check(batch)?;
        for (state, effects) in &batch.contacts {
            if state.changed {
                self.put(state.contact.clone());
            }
            if let Some(person) = self.person_mut(state.contact.id) {
                take_over(person, state, effects);
            }
        }
        let mut refused: BTreeMap<EventId, BTreeMap<String, String>> = BTreeMap::new();
        for (_, effects) in &batch.contacts {
            for (event, reasons) in effects.refused_by_event() {
                // Through JSON, as reasons are written everywhere.
                let reasons = serde_json::to_value(reasons).and_then(serde_json::from_value);
                refused.insert(event, reasons.unwrap_or_default());
            }
        }
        for (contact, id) in &batch.events {
            if let Some(event) = self.person_mut(*contact).and_then(|person| person.events.get_mut(id)) {
                event.pending = false;
                event.refused = refused.get(id).cloned().unwrap_or_default();
            }
        }
        self.count(count(batch));
        Ok(())
    }

    /// Whether everything is still as it was when these turns were made.
    fn check(&self, batch: &TurnBatch) -> Result<()> {
        let run_fits = |run: &Run, effects: &Effects| {
            let known = self.person(run.contact).and_then(|person| person.runs.get(&run.id));
            match effects.touched.get(&run.id) {
                Some(0) => known.is_none(),
                Some(before) => known.is_some_and(|known| known.turn == *before),
                None => true,
            }
        };
        let runs_fit =
            batch.contacts.iter().all(|(state, effects)| state.runs.iter().all(|run| run_fits(run, effects)));
        let mut asked = BTreeSet::new();
        let is_pending = |(contact, id): &(ContactId, EventId)| {
            let event = self.person(*contact).and_then(|person| person.events.get(id));
            event.is_some_and(|event| event.pending) && asked.insert((*contact, *id))
        };
        let events_wait = batch.events.iter().all(is_pending);
        if runs_fit && events_wait { Ok(()) } else { Err(StoreError::Overtaken) }
    }
}

/// Whether what happens to somebody, or is due, may matter to a run of theirs whose plan cannot be read.
fn waits_for_plan(person: &Person, unreadable: &[u32], now: Moment) -> bool {
    let mut runs = person.runs.values().filter(|run| unreadable.contains(&run.version)).peekable();
    runs.peek().is_some() && {
        let earliest = pending_of(person).map(|event| event.at).min().unwrap_or(now);
        runs.any(|run| run.is_live() || run.goal_until.is_some_and(|until| until >= earliest))
    }
}

fn pending_of(person: &Person) -> impl Iterator<Item = &Event> {
    person.events.values().filter(|event| event.pending).map(|event| &event.event)
}

/// What happened to a contact, of the names and as far back as is asked.
fn past_events(person: &Person, needs: &Needs, earliest: Moment) -> BTreeMap<String, Vec<Happened>> {
    let mut looked_at: Vec<&Event> = person
        .events
        .values()
        .filter(|stored| !stored.pending && stored.event.kind.counts())
        .map(|stored| &stored.event)
        .filter(|event| needs.events.get(&event.name).is_some_and(|reach| event.at >= reach.since(earliest)))
        .collect();
    looked_at.sort_by_key(|event| (event.at, event.received_at, event.id));
    let mut past: BTreeMap<String, Vec<Happened>> = BTreeMap::new();
    for event in looked_at {
        let happened = Happened { at: event.at, properties: event.properties.clone() };
        past.entry(event.name.clone()).or_default().push(happened);
    }
    for events in past.values_mut() {
        events.drain(..events.len().saturating_sub(ContactState::HAPPENED_MAX));
    }
    past
}

/// A message as later turns ask about it, where it may still count from that moment on.
fn past(stored: &StoredMessage, from: Moment) -> Option<PastMessage> {
    let message = &stored.message;
    let waits = message.state == MessageState::Decided;
    let at = if waits { stored.due_at } else { stored.handed_over_at }?;
    let is_none = matches!(message.state, MessageState::Skipped | MessageState::Refused);
    (!is_none && (waits || at >= from)).then(|| PastMessage {
        channel: message.channel.clone(),
        essential: message.essential,
        at,
        waits,
        opened_at: stored.opened_at,
        clicked_at: stored.clicked_at,
    })
}

/// When the contact left each journey, the last time.
fn past_of(person: &Person) -> Vec<Past> {
    let mut past: BTreeMap<(&str, &str), Moment> = BTreeMap::new();
    for run in person.runs.values() {
        if let Some(left_at) = run.ended_at {
            let last = past.entry((&run.journey, &run.key)).or_insert(left_at);
            *last = left_at.max(*last);
        }
    }
    let past = past.into_iter().map(|((journey, key), left_at)| Past {
        journey: journey.to_owned(),
        key: key.to_owned(),
        left_at,
    });
    past.collect()
}

fn take_over(person: &mut Person, state: &ContactState, effects: &Effects) {
    let touched = state.runs.iter().filter(|run| effects.touched.contains_key(&run.id));
    person.runs.extend(touched.map(|run| (run.id, run.clone())));
    person.history.extend(effects.history.iter().map(|step| ((step.run, step.number), step.clone())));
    person.messages.extend(effects.messages.iter().map(|message| (message.id, decided(message))));
    person.calls.extend(effects.calls.iter().map(|call| (call.id, pending(call))));
    for goal in &effects.goals {
        person.goals.entry((goal.run, goal.goal.clone())).or_insert_with(|| goal.clone());
    }
    for permission in &effects.permissions {
        person.permit(permission.clone());
    }
    if effects.watch.is_some() {
        person.watch.clone_from(&effects.watch);
    }
    for event in &effects.events {
        person.happen(event.clone());
    }
}

fn decided(message: &Message) -> StoredMessage {
    StoredMessage {
        message: message.clone(),
        attempts: 0,
        due_at: (message.state == MessageState::Decided).then_some(message.decided_at),
        handed_over_at: None,
        settled_at: None,
        answer: None,
        resent_at: None,
        opened_at: None,
        clicked_at: None,
        timezone: None,
    }
}

fn pending(call: &Call) -> CallRow {
    let stored = StoredCall {
        call: call.clone(),
        state: CallState::Pending,
        attempts: 0,
        due_at: Some(call.decided_at),
        settled_at: None,
        status: None,
        answer: None,
        accepted: None,
    };
    CallRow { stored, body: None }
}
