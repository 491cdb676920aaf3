use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Runtime, aside};
use crate::domain::{ContactId, ContactState, Effects, EventId, HistoryStep, Passed, StepKind, Watch};
use crate::engine::{Input, Plans, World, advance, needs};
use crate::metrics::Metrics;
use crate::store::{Claim, Result, TurnBatch, Waiting, Woken, WriteUnit};
use crate::time::Moment;

/// Among how many runs those who are inside an earlier version are told at once: as many as another batch waits for.
const PIECE: u32 = 5_000;

/// What a tick did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Events that were looked at.
    pub events: usize,
    /// Timers that were looked at.
    pub timers: usize,
    /// Steps that runs took.
    pub steps: usize,
    /// Messages that are to be handed over.
    pub messages: usize,
    /// Calls that are to be made.
    pub calls: usize,
    /// The places that runs came to and the ways they took from there.
    pub passed: Vec<Passed>,
    /// Whether there may be more to do at once.
    pub more: bool,
    /// Contacts that stay as they are, with what happened to them: a run of theirs follows a version whose plan cannot
    /// be read here.
    pub left: usize,
}

impl Runtime {
    /// Moves contacts: one batch of at most `limit` events and `limit` timers, in one transaction.
    ///
    /// # Errors
    /// When the store fails; nothing was done then, and the next tick does it.
    pub async fn tick(&self, now: Moment, limit: u32) -> Result<Tick> {
        let (mut tick, unknown) = match self.batch(now, limit, Recording::Together).await {
            Err(error) if !error.is_passing() => {
                if self.set_aside(&error, Waiting::Turns, now).await? {
                    return Ok(Tick { more: true, ..Tick::default() });
                }
                tracing::error!(%error, "turns could not be recorded together: they are recorded one by one");
                self.batch(now, limit, Recording::OneByOne).await?
            }
            done => done?,
        };
        if !unknown.is_empty() {
            let plans = self.plans_with(unknown.iter().copied()).await;
            if unknown.iter().all(|version| plans.version(*version).is_some()) {
                (tick.left, tick.more) = (0, true);
            }
        }
        Ok(tick)
    }

    /// One batch, and the versions whose plans it would have needed beside those at hand.
    async fn batch(&self, now: Moment, limit: u32, recording: Recording) -> Result<(Tick, BTreeSet<u32>)> {
        let mut unit = self.store.write().await?;
        // Those who were there before a journey that time leads into get their turn batch by batch.
        let plans = self.plans();
        let extended = plans.are_watching() && unit.extend_watch(plans.deployed_at(), now, limit).await?;
        let woken = plans.are_moving() && wake(&mut *unit, plans.deployed_at(), now).await?;
        let extended = extended || woken;
        let unreadable: Vec<u32> = plans.unreadable().keys().copied().collect();
        let mut claim = unit.claim(now, limit, &unreadable).await?;
        // What was claimed may have come in behind a deployment that is not known here yet: it would be looked at by nobody
        // who knows where it leads. Asked behind the claim, so that what is deployed later is later than all of it.
        if unit.deployed_at().await? != plans.deployed_at() {
            drop(unit);
            self.reload().await?;
            return Ok((Tick { more: true, ..Tick::default() }, BTreeSet::new()));
        }
        let postponed = leave(&mut claim);
        if claim.events.is_empty() && claim.due.is_empty() && claim.watches.is_empty() {
            if extended {
                unit.commit().await?;
            }
            return Ok((Tick { more: extended, ..Tick::default() }, BTreeSet::new()));
        }
        let full = extended || postponed || claim.more;
        let (events, timers) = (claim.events.len(), claim.due.len() + claim.watches.len());
        let came: Vec<Moment> = claim.events.iter().map(|event| event.received_at).collect();
        let (batch, left) = self.turns(&mut *unit, &plans, claim, now).await?;
        let effects = || batch.contacts.iter().map(|(_, effects)| effects);
        let tick = Tick {
            events,
            timers,
            steps: effects().map(|effects| effects.history.len()).sum(),
            messages: effects().map(|effects| effects.messages.len()).sum(),
            calls: effects().map(|effects| effects.calls.len()).sum(),
            passed: effects().flat_map(|effects| effects.passed.iter().copied()).collect(),
            more: full || effects().any(|effects| !effects.events.is_empty()),
            left: left.contacts.len(),
        };
        let decided = Decided::of(&batch);
        match recording {
            Recording::Together => unit.record(batch).await?,
            Recording::OneByOne => record_one_by_one(&mut *unit, batch).await?,
        }
        unit.commit().await?;
        self.look_anew();
        decided.count(&self.metrics);
        self.metrics.steps.add(tick.steps);
        for at in came {
            self.metrics.event_waits.observe_micros(now.micros_since(at));
        }
        Ok((tick, left.versions))
    }

    async fn turns(
        &self,
        unit: &mut dyn WriteUnit,
        plans: &Plans,
        claim: Claim,
        now: Moment,
    ) -> Result<(TurnBatch, Left)> {
        let learned = self.learned();
        let world = World { plans, zone: &self.zone, assign: &self.assign, learned: &learned, arm: self.arm };
        let mut needs = needs(&world, &claim.due, !claim.events.is_empty());
        // Whoever is looked at is known as such, even where no plan asks for it any more.
        needs.watch |= !claim.watches.is_empty();
        needs.left |= needs.watch;
        let earliest = claim.events.iter().map(|event| event.at).min().unwrap_or(now).min(now);
        let mut batch = TurnBatch { now, ..TurnBatch::default() };
        batch.events = claim.events.iter().map(|event| (event.contact, event.id)).collect();
        let mut inputs: BTreeMap<ContactId, Vec<Input>> = BTreeMap::new();
        for run in &claim.due {
            inputs.entry(run.contact).or_default().push(Input::Wake { run: run.id, at: run.wake_at });
        }
        for contact in claim.watches {
            inputs.entry(contact).or_default();
        }
        for event in claim.events {
            inputs.entry(event.contact).or_default().push(Input::Event(event));
        }
        let contacts: Vec<ContactId> = inputs.keys().copied().collect();
        let mut left = Left::default();
        for mut state in unit.states(&contacts, &needs, earliest).await? {
            if left.leaves(plans, &state) {
                continue;
            }
            let inputs = inputs.remove(&state.contact.id).unwrap_or_default();
            // A contact that makes the engine fall over is set aside; all others go on.
            let moved = catch_unwind(AssertUnwindSafe(|| advance(&world, &mut state, inputs, now)));
            match moved {
                Ok(effects) => batch.contacts.push((state, effects)),
                Err(_) => {
                    let fresh = unit.states(&[state.contact.id], &needs, earliest).await?;
                    batch.contacts.extend(fresh.into_iter().map(|state| hold(state, now)));
                }
            }
        }
        batch.events.retain(|(contact, _)| !left.contacts.contains(contact));
        Ok((batch, left))
    }
}

/// Has the next of those looked at who are inside a version that another takes over; tells whether there may be more.
async fn wake(unit: &mut dyn WriteUnit, known: Moment, now: Moment) -> Result<bool> {
    let Some(Woken { journey, woken, is_done }) = unit.wake_outdated(known, now, PIECE).await? else {
        return Ok(false);
    };
    if is_done {
        tracing::info!(journey, woken, "all who are inside an earlier version look where they go on");
    } else {
        tracing::debug!(journey, woken, "those who are inside an earlier version look where they go on");
    }
    Ok(true)
}

/// What a batch leaves for later, for it has no plan to go by: another process may know more.
#[derive(Default)]
struct Left {
    contacts: BTreeSet<ContactId>,
    versions: BTreeSet<u32>,
}

impl Left {
    /// Whether a run of the contact follows a version that is not known.
    fn leaves(&mut self, plans: &Plans, state: &ContactState) -> bool {
        let versions = state.runs.iter().map(|run| run.version);
        let unknown: Vec<u32> = versions.filter(|version| plans.version(*version).is_none()).collect();
        if unknown.is_empty() {
            return false;
        }
        self.versions.extend(unknown);
        self.contacts.insert(state.contact.id)
    }
}

/// Leaves what is more than a tick does for one contact for the next ticks, in order, and tells whether there is such.
/// A timer waits for the events before it.
fn leave(claim: &mut Claim) -> bool {
    let mut counts: BTreeMap<ContactId, usize> = BTreeMap::new();
    let mut left: BTreeMap<ContactId, Moment> = BTreeMap::new();
    claim.events.retain(|event| {
        let count = counts.entry(event.contact).or_default();
        *count += 1;
        if *count > Claim::EVENTS_EACH_MAX {
            let earliest = left.entry(event.contact).or_insert(event.at);
            *earliest = event.at.min(*earliest);
        }
        *count <= Claim::EVENTS_EACH_MAX
    });
    claim.due.retain(|run| left.get(&run.contact).is_none_or(|event| run.wake_at < *event));
    !left.is_empty()
}

/// How the turns of a batch are recorded.
#[derive(Clone, Copy)]
enum Recording {
    /// All of them or none.
    Together,
    /// Each on its own, after the store has failed to take all of them.
    OneByOne,
}

/// Records the turns of each contact on their own. A contact whose turns the store cannot take is set aside: it must
/// not hold up all others for ever.
async fn record_one_by_one(unit: &mut dyn WriteUnit, batch: TurnBatch) -> Result<()> {
    let TurnBatch { now, contacts, events } = batch;
    let mut looked_at: BTreeMap<ContactId, Vec<(ContactId, EventId)>> = BTreeMap::new();
    for event in events {
        looked_at.entry(event.0).or_default().push(event);
    }
    for (state, effects) in contacts {
        let contact = state.contact.id;
        let events = looked_at.remove(&contact).unwrap_or_default();
        let turns = TurnBatch { now, contacts: vec![(state, effects)], events: events.clone() };
        let Err(error) = unit.record_or_leave(turns).await else { continue };
        if error.is_passing() {
            return Err(error);
        }
        tracing::error!(%contact, %error, "a contact is set aside: its turns could not be recorded");
        let fresh = unit.states(&[contact], &aside::NEEDS, now).await?;
        let mut contacts: Vec<_> = fresh.into_iter().map(|state| hold(state, now)).collect();
        let held = TurnBatch { now, contacts: contacts.clone(), events: events.clone() };
        match unit.record_or_leave(held).await {
            Ok(()) => {}
            Err(error) if error.is_passing() => return Err(error),
            Err(_) => {
                // It may be the history that takes nothing more.
                contacts.iter_mut().for_each(|(_, effects)| effects.history.clear());
                unit.record_or_leave(TurnBatch { now, contacts, events }).await?;
            }
        }
    }
    // Those of contacts that there are no more.
    let events = looked_at.into_values().flatten().collect();
    unit.record_or_leave(TurnBatch { now, contacts: Vec::new(), events }).await
}

/// How much a batch decided, for the counts of the process.
#[derive(Default)]
struct Decided {
    turns: usize,
    messages: BTreeMap<(String, &'static str), usize>,
    calls: BTreeMap<&'static str, usize>,
}

impl Decided {
    fn of(batch: &TurnBatch) -> Self {
        let mut decided = Self { turns: batch.contacts.len(), ..Self::default() };
        for (_, effects) in &batch.contacts {
            for message in &effects.messages {
                let key = (message.channel.clone(), message.state.as_str());
                *decided.messages.entry(key).or_default() += 1;
            }
            for call in &effects.calls {
                *decided.calls.entry(call.kind.as_str()).or_default() += 1;
            }
        }
        decided
    }

    fn count(&self, metrics: &Metrics) {
        metrics.turns.add(self.turns);
        for ((channel, state), count) in &self.messages {
            metrics.messages.of([channel, state]).add(*count);
        }
        for (kind, count) in &self.calls {
            metrics.calls.of([kind, "decided"]).add(*count);
        }
    }
}

/// Stops every run of a contact, for somebody to look at.
pub(super) fn hold(mut state: ContactState, now: Moment) -> (ContactState, Effects) {
    // It is looked at again when something happens to it.
    let watch = state.watch.clone().map(|watch| Watch { due_at: None, ..watch });
    let mut effects = Effects { watch, ..Effects::default() };
    for run in state.runs.iter_mut().filter(|run| run.moves()) {
        const WHY: &str = "moving it failed inside Lotse";
        effects.touched.insert(run.id, run.turn);
        effects.history.push(HistoryStep {
            run: run.id,
            contact: run.contact,
            number: run.steps,
            at: now,
            version: run.version,
            place: run.place,
            kind: StepKind::Held,
            detail: WHY.to_owned(),
        });
        run.turn += 1;
        run.steps += 1;
        run.wake_at = None;
        run.state.held = Some(WHY.to_owned());
        tracing::error!(run = %run.id, "a run was set aside: {WHY}");
    }
    (state, effects)
}

#[cfg(test)]
mod tests;
