use std::collections::BTreeMap;

use tokio::time::Instant;

use super::super::Runtime;
use super::super::hits::{self, Recent, Taken};
use super::super::ledger::skipped_event;
use super::Job;
use crate::domain::{CallId, Event, MessageState, SkipReason};
use crate::store::{Intake, MessageKey, MessageSettlement, Outcome, StoreError, WriteUnit};
use crate::time::Moment;

/// What a commit answers, in the order of the jobs that wait for it.
#[derive(Default)]
pub(super) struct Together {
    pub(super) intakes: Vec<Vec<Intake>>,
    pub(super) goes: BTreeMap<MessageKey, bool>,
    /// Whether journeys are told of messages that the gate has stopped.
    pub(super) told_at_gate: bool,
    /// What became of requests for images and links.
    pub(super) hits: Taken,
    /// Before the commit began.
    pub(super) asked_at: Option<Instant>,
    pub(super) first: Vec<bool>,
    /// What is kept of calls.
    pub(super) bodies: BTreeMap<CallId, String>,
}

impl Together {
    /// Writes all jobs in one transaction. Decisions come first, so that no gate opens after a refusal that is
    /// committed with it.
    pub(super) async fn apply(
        runtime: &Runtime,
        jobs: &[Job],
        recent: &Recent,
        now: Moment,
    ) -> Result<Self, StoreError> {
        let mut together = Self::default();
        let mut unit = runtime.store().write().await?;
        together.decisions(&mut *unit, jobs).await?;
        together.arrivals(&mut *unit, jobs).await?;
        together.events(&mut *unit, jobs, now).await?;
        let hits = super::hits(jobs);
        if !hits.is_empty() {
            together.hits = hits::take(&mut *unit, &hits, recent, runtime.zone(), now).await?;
        }
        together.deliveries(runtime, &mut *unit, jobs, now).await?;
        together.asked_at = Some(Instant::now());
        unit.commit().await?;
        Ok(together)
    }

    async fn decisions(&mut self, unit: &mut dyn WriteUnit, jobs: &[Job]) -> Result<(), StoreError> {
        let mut all = Vec::new();
        for job in jobs {
            if let Job::Decide { permissions, .. } = job {
                all.extend(permissions.iter().cloned());
            }
        }
        if all.is_empty() { Ok(()) } else { unit.decide(all).await }
    }

    async fn arrivals(&mut self, unit: &mut dyn WriteUnit, jobs: &[Job]) -> Result<(), StoreError> {
        let mut all = Vec::new();
        let mut counts = Vec::new();
        for job in jobs {
            if let Job::Arrive { arrivals, quarantine, at, .. } = job {
                counts.push(arrivals.len());
                all.extend(arrivals.iter().cloned());
                if !quarantine.is_empty() {
                    unit.quarantine(*at, quarantine.clone()).await?;
                }
            }
        }
        if all.is_empty() {
            self.intakes = counts.iter().map(|_| Vec::new()).collect();
            return Ok(());
        }
        let mut intakes = unit.take_in(all).await?.into_iter();
        self.intakes = counts.iter().map(|count| intakes.by_ref().take(*count).collect()).collect();
        Ok(())
    }

    async fn events(
        &mut self,
        unit: &mut dyn WriteUnit,
        jobs: &[Job],
        now: Moment,
    ) -> Result<(), StoreError> {
        let mut all = Vec::new();
        for job in jobs {
            match job {
                Job::Events { events, .. } => all.extend(events.iter().cloned()),
                Job::Lead { contact, call, accepted, by, event, .. } => {
                    let first = unit.answer_lead(*contact, *call, *accepted, by, now).await?;
                    self.first.push(first);
                    if first {
                        all.push(event.clone());
                    }
                }
                Job::Answer { event, .. } => {
                    self.first.push(unit.add_events(vec![event.clone()]).await? == 1);
                }
                _ => {}
            }
        }
        if all.is_empty() { Ok(()) } else { unit.add_events(all).await.map(|_| ()) }
    }

    async fn deliveries(
        &mut self,
        runtime: &Runtime,
        unit: &mut dyn WriteUnit,
        jobs: &[Job],
        now: Moment,
    ) -> Result<(), StoreError> {
        let (mut asked, mut settled, mut calls) = (Vec::new(), Vec::new(), Vec::new());
        let (mut dead, mut all_bodies, mut again) = (Vec::new(), Vec::new(), false);
        let mut back: BTreeMap<Moment, Vec<MessageKey>> = BTreeMap::new();
        let mut telling: BTreeMap<MessageKey, &Vec<Event>> = BTreeMap::new();
        let mut events: Vec<Event> = Vec::new();
        for job in jobs {
            match job {
                Job::HandOver { messages, .. } => {
                    asked
                        .extend(messages.iter().filter(|(_, before)| now < *before).map(|(asked, _)| *asked));
                }
                Job::TakeBack { messages, asked_at } => back.entry(*asked_at).or_default().extend(messages),
                Job::Settle { settlement, events, suppress } => {
                    telling.insert(settlement.key, events);
                    settled.push(settlement.clone());
                    dead.extend(suppress.clone());
                }
                Job::SettleCall { settlement, event } => {
                    calls.push(settlement.clone());
                    events.extend(event.clone());
                }
                Job::Bodies { bodies, .. } => all_bodies.extend(bodies.iter().cloned()),
                _ => {}
            }
        }
        for (asked_at, keys) in back {
            unit.take_back(&keys, asked_at).await?;
        }
        if !settled.is_empty() {
            let unsure = |one: &MessageSettlement| one.outcome == Outcome::State(MessageState::Unsure);
            again = runtime.sends_again() && settled.iter().any(unsure);
            // Only what the ledger accepted is told to journeys.
            for key in unit.settle_messages(settled, now).await? {
                events.extend(telling.remove(&key).into_iter().flatten().cloned());
            }
        }
        if runtime.store().is_shared() {
            let left: Vec<MessageKey> = jobs.iter().filter_map(Job::leaves).collect();
            if !left.is_empty() {
                unit.give_back(&left).await?;
            }
        }
        if again {
            unit.resend(now).await?;
        }
        if !dead.is_empty() {
            unit.suppress(dead, now).await?;
        }
        if !calls.is_empty() {
            unit.settle_calls(calls, now).await?;
        }
        if !all_bodies.is_empty() {
            self.bodies = unit.set_bodies(all_bodies).await?;
        }
        if !asked.is_empty() {
            let answers = unit.hand_over(&asked, now).await?;
            let skipped: BTreeMap<MessageKey, SkipReason> =
                answers.iter().filter_map(|answer| Some((answer.key, answer.skipped?))).collect();
            let stopped: Vec<MessageKey> = skipped.keys().copied().collect();
            for stored in unit.messages_of(&stopped).await? {
                let reason = skipped.get(&stored.key()).copied();
                let told = |reason| skipped_event(&runtime.plans(), &stored.message, reason, now);
                let told = reason.and_then(told);
                self.told_at_gate |= told.is_some();
                events.extend(told);
            }
            self.goes = answers.into_iter().map(|answer| (answer.key, answer.goes)).collect();
        }
        if !events.is_empty() {
            unit.add_events(events).await?;
        }
        Ok(())
    }
}
