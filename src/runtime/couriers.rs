use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing::{Instrument as _, Span};

use super::flow::Flow;
use super::gate::LedgerGate;
use super::ledger::{posted, told, word};
use super::mail::key;
use super::pulse::{WITHOUT_JOURNEY, Work};
use super::setback::Setback;
use super::writer::{Job, Writer};
use super::{Letters, Outbound, Runtime, WITHOUT_PLAN, spans};
use crate::channel::email::Gate;
use crate::domain::{Event, MessageId, MessageState, SkipReason};
use crate::engine::{Handing, handing};
use crate::store::{Carrier, ClaimedMessage, MessageSettlement, Outcome, StoreError, Waiting};
use crate::time::Clock;

/// How many messages are taken from the store at once.
const CLAIM: u32 = 100;
/// With that many under way on one channel no more of it are taken: those that wait for one that hangs keep nobody else
/// waiting.
const UNDER_WAY_EACH: usize = 50;
/// How many messages one channel takes at once.
const AT_ONCE_EACH: usize = 8;
/// How long messages wait for a channel that `lotse.yaml` has lost.
const NO_CHANNEL_SECONDS: i64 = 15 * 60;

/// Hands messages of channels beside email over: to the system that `lotse.yaml` names, in order for each contact and
/// channel, again and again until they are taken or given up.
pub struct Couriers {
    runtime: Arc<Runtime>,
    outbound: Arc<Outbound>,
    letters: Letters,
    writer: Writer,
    flow: Arc<Flow>,
    clock: Arc<dyn Clock>,
    /// Lines to each channel.
    lines: BTreeMap<String, Line>,
}

/// What is on its way over a channel.
struct Line {
    at_once: Semaphore,
    under_way: AtomicUsize,
}

impl Line {
    fn new() -> Self {
        Self { at_once: Semaphore::new(AT_ONCE_EACH), under_way: AtomicUsize::new(0) }
    }
}

impl Couriers {
    /// Couriers for the channels of `lotse.yaml`.
    pub fn new(
        runtime: Arc<Runtime>,
        outbound: Arc<Outbound>,
        writer: Writer,
        flow: Arc<Flow>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let lines = outbound.channels.keys().map(|name| (name.clone(), Line::new()));
        let lines = lines.collect();
        let letters = Letters::new(Arc::clone(&outbound), runtime.zone().clone());
        Arc::new(Self { runtime, outbound, letters, writer, flow, clock, lines })
    }

    /// Starts carrying, until `ending` says so; then what has begun is ended.
    pub fn start(self: &Arc<Self>, ending: watch::Receiver<bool>) -> JoinHandle<()> {
        tokio::spawn(Arc::clone(self).run(ending))
    }

    async fn run(self: Arc<Self>, mut ending: watch::Receiver<bool>) {
        let mut carried = JoinSet::new();
        let mut setback = Setback::default();
        while !*ending.borrow() {
            let wait = match self.claim(&mut carried).await {
                Ok(wait) => {
                    setback.is_over();
                    wait
                }
                Err(error) => {
                    self.flow.pulse.stands(Work::OverHttp, &error);
                    self.runtime.after(&error, Waiting::Messages, self.clock.now(), &mut setback).await
                }
            };
            tokio::select! {
                // In a fixed order, so that a simulation can be played again.
                biased;
                () = self.flow.over_http.notified() => {}
                () = tokio::time::sleep(wait) => {}
                _ = ending.changed() => {}
            }
            while carried.try_join_next().is_some() {}
        }
        while carried.join_next().await.is_some() {}
    }

    /// Takes what is due, and says how long to wait for more.
    async fn claim(self: &Arc<Self>, carried: &mut JoinSet<()>) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        let long = self.runtime.patience(now);
        // Listed before the store is read: what leaves the list in between is settled by then.
        let under_way: Vec<MessageId> = self.flow.messages().iter().copied().collect();
        let full =
            self.lines.iter().filter(|(_, line)| line.under_way.load(Ordering::SeqCst) >= UNDER_WAY_EACH);
        let full: Vec<String> = full.map(|(channel, _)| channel.clone()).collect();
        let store = self.runtime.store();
        let unreadable = self.runtime.unreadable();
        let claimed = store.claim_messages(Carrier::Http, now, CLAIM, &under_way, &full, &unreadable).await?;
        if claimed.is_empty() {
            let is_idle = self.lines.values().all(|line| line.under_way.load(Ordering::SeqCst) == 0);
            if is_idle && !self.runtime.lacks_plans() {
                self.flow.pulse.moved(Work::OverHttp, now);
            }
            let next = self.runtime.next_due(now).await?.over_http.filter(|next| *next > now);
            return Ok(
                next.map_or(long, |next| Duration::from_micros(self.clock.micros_until(next)).min(long))
            );
        }
        let may_be_more = claimed.len() == CLAIM as usize;
        let plans = self.runtime.plans_with(claimed.iter().map(|claimed| claimed.message.version)).await;
        // Those whose plan cannot be read are left by the next claim, and taken when it can.
        let (ready, left): (Vec<_>, Vec<_>) =
            claimed.into_iter().partition(|claimed| plans.version(claimed.message.version).is_some());
        let wait = match left.is_empty() {
            true if may_be_more => Duration::ZERO,
            true => long,
            false => WITHOUT_PLAN,
        };
        if !left.is_empty() {
            self.flow.pulse.stands(Work::OverHttp, WITHOUT_JOURNEY);
        }
        for message in ready {
            self.flow.messages().insert(message.message.id);
            if let Some(line) = self.lines.get(&message.message.channel) {
                line.under_way.fetch_add(1, Ordering::SeqCst);
            }
            carried.spawn(Arc::clone(self).carry(message));
        }
        Ok(wait)
    }

    async fn carry(self: Arc<Self>, claimed: ClaimedMessage) {
        let delivering = self.deliver(&claimed).instrument(spans::hand_over(&claimed.message));
        if !delivering.await {
            self.flow.messages().remove(&claimed.message.id);
        }
        if let Some(line) = self.lines.get(&claimed.message.channel) {
            line.under_way.fetch_sub(1, Ordering::SeqCst);
        }
        self.flow.over_http.notify_one();
    }

    /// One message to its end; `false` where nothing came of it that is written down.
    async fn deliver(&self, claimed: &ClaimedMessage) -> bool {
        let message = &claimed.message;
        let plans = self.runtime.plans();
        let line = self.lines.get(&message.channel);
        let (Some(endpoint), Some(line)) = (self.outbound.channels.get(&message.channel), line) else {
            let later = Outcome::Again(self.clock.now().plus_seconds(NO_CHANNEL_SECONDS));
            let why = format!("lotse.yaml has no channel `{}` any more: put it back", message.channel);
            return self.put_off(claimed, later, why).await;
        };
        // A semaphore that is never closed always gives a permit.
        let _line = line.at_once.acquire().await.ok();
        let now = self.clock.now();
        let before = match handing(&plans, self.runtime.zone(), &claimed.contact, message, now) {
            Handing::Before(before) => before,
            Handing::From(at) => {
                return self.put_off(claimed, Outcome::NotBefore(at), "held for quiet hours").await;
            }
            Handing::TooLate => {
                return self.put_off(claimed, Outcome::Skipped(SkipReason::Late), "due too long ago").await;
            }
        };
        let refused = Outcome::State(MessageState::Refused);
        let body = match catch_unwind(AssertUnwindSafe(|| self.letters.post(&plans, claimed))) {
            Ok(Ok(body)) => body,
            Ok(Err(error)) => return self.put_off(claimed, refused, error.to_string()).await,
            Err(_) => return self.put_off(claimed, refused, "writing it failed inside Lotse").await,
        };
        let gate = LedgerGate { writer: &self.writer, asked: claimed.at_gate(), before };
        if !gate.hand_over(message.id).await {
            // Void where the gate has said no.
            return self.put_off(claimed, Outcome::NotBegun(now), "it waits for who delivers it").await;
        }
        let begun = now;
        let outcome = endpoint.post(message.id.0, now, body.to_string().into_bytes()).await;
        let now = self.clock.now();
        let metrics = self.runtime.metrics();
        metrics.deliveries.of([&message.channel, &message.channel]).observe_micros(now.micros_since(begun));
        let settlement = posted(message, claimed.attempt, outcome, now);
        if settlement.outcome == Outcome::State(MessageState::Refused) {
            tracing::error!(message = %message.id, channel = %message.channel,
                "a message is given up: `lotse deliveries list` says why");
        }
        let events = told(&plans, message, &settlement, now);
        let state = word(settlement.outcome);
        Span::current().record("state", state);
        metrics.messages.of([&message.channel, state]).add(1);
        self.tell(settlement, events).await
    }

    /// Has a message wait or leaves it out, without a call.
    async fn put_off(&self, claimed: &ClaimedMessage, outcome: Outcome, why: impl Into<String>) -> bool {
        self.runtime.metrics().messages.of([&claimed.message.channel, word(outcome)]).add(1);
        let settlement = MessageSettlement {
            key: key(claimed),
            attempt: Some(claimed.attempt),
            outcome,
            answer: why.into(),
        };
        let events = told(&self.runtime.plans(), &claimed.message, &settlement, self.clock.now());
        self.tell(settlement, events).await
    }

    /// Has the ledger written; `false` where there is nobody to write it.
    async fn tell(&self, settlement: MessageSettlement, events: Vec<Event>) -> bool {
        if !matches!(settlement.outcome, Outcome::NotBegun(_)) {
            self.flow.pulse.moved(Work::OverHttp, self.clock.now());
        }
        self.writer.give(Job::Settle { settlement, events, suppress: None }).await.is_ok()
    }
}
