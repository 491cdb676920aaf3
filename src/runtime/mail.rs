mod pace;
mod rest;

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{Instrument as _, Span};

use super::flow::Flow;
use super::gate::{self, LedgerGate, Pass};
use super::ledger::{bounced, settlement_of, told, word};
use super::parcel::{Letters, Parcel};
use super::pulse::{WITHOUT_JOURNEY, Work};
use super::setback::Setback;
use super::writer::{Job, Writer};
use super::{Runtime, WITHOUT_PLAN, spans};
use crate::channel::email::{Gate, Letter, MailRoute, Mailbox, Outcome as Handed, Signer};
use crate::domain::{Address, ContactId, Event, MessageId, MessageState, SkipReason};
use crate::engine::{Handing, handing};
use crate::store::{Carrier, ClaimedMessage, MessageKey, MessageSettlement, Outcome, Waiting};
use crate::time::{Clock, Moment};
use pace::{Pace, TOGETHER_MAX, TimedGate, Waited};
use rest::Rest;

/// The channel, as counts name it.
const EMAIL: &str = "email";
/// How many messages are taken from the store at once.
const CLAIM: u32 = 2_048;
/// With fewer than that under way, more are taken: two batches for each of the most connections.
const LOW_WATER: usize = 2 * TOGETHER_MAX * 64;
/// How long outcomes wait for that of the mail behind them, to be written together.
const SETTLE_AFTER: Duration = Duration::from_millis(5);
/// How long mail waits for a sender that `lotse.yaml` has lost.
const NO_SENDER_SECONDS: i64 = 15 * 60;
/// How long it is waited at the most while the route rests: the process shows that it is alive.
const RESTING: Duration = Duration::from_secs(60);

/// A sender of `lotse.yaml`, ready to be used.
pub struct SenderReady {
    /// Who mail comes from.
    pub from: Mailbox,
    /// Where answers go.
    pub reply_to: Option<Mailbox>,
    /// Where bounces go, where that is not the sender.
    pub return_path: Option<Address>,
    /// Signs mail.
    pub signer: Option<Signer>,
    /// What stands below marketing mail.
    pub postal_address: Option<String>,
}

/// Hands mail over: takes what is due, writes it, and carries it through the connections of one route.
pub struct MailRoom {
    runtime: Arc<Runtime>,
    letters: Arc<Letters>,
    route: Arc<dyn MailRoute>,
    writer: Writer,
    flow: Arc<Flow>,
    clock: Arc<dyn Clock>,
    connections: usize,
    rest: Rest,
}

impl MailRoom {
    /// A mail room for one route with that many connections.
    pub fn new(
        runtime: Arc<Runtime>,
        letters: Arc<Letters>,
        route: Arc<dyn MailRoute>,
        writer: Writer,
        flow: Arc<Flow>,
        clock: Arc<dyn Clock>,
        connections: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            runtime,
            letters,
            route,
            writer,
            flow,
            clock,
            connections: connections.max(1),
            rest: Rest::default(),
        })
    }

    /// Starts carrying, until `ending` says so; then what has begun is ended, and nothing else is begun.
    pub fn start(self: &Arc<Self>, ending: watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let (sender, receiver) = mpsc::channel(LOW_WATER + CLAIM as usize);
        let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
        let mut tasks = vec![tokio::spawn(Arc::clone(self).feed(sender, ending.clone()))];
        for _ in 0..self.connections {
            tasks.push(tokio::spawn(Arc::clone(self).carry(Arc::clone(&receiver), ending.clone())));
        }
        tasks
    }

    async fn feed(self: Arc<Self>, sender: mpsc::Sender<ClaimedMessage>, mut ending: watch::Receiver<bool>) {
        let mut setback = Setback::default();
        while !*ending.borrow() {
            let wait = match self.claim(&sender).await {
                Ok(wait) => {
                    setback.is_over();
                    wait
                }
                Err(error) => {
                    self.flow.pulse.stands(Work::Mails, &error);
                    self.runtime.after(&error, Waiting::Messages, self.clock.now(), &mut setback).await
                }
            };
            tokio::select! {
                // In a fixed order, so that a simulation can be played again.
                biased;
                () = self.flow.mail.notified() => {}
                () = tokio::time::sleep(wait) => {}
                _ = ending.changed() => {}
            }
        }
    }

    /// Takes what is due, and says how long to wait for more.
    async fn claim(
        &self,
        sender: &mpsc::Sender<ClaimedMessage>,
    ) -> Result<Duration, crate::store::StoreError> {
        let now = self.clock.now();
        let long = self.runtime.patience(now);
        if let Some(until) = self.rest.until(now) {
            // It waits for the mail server, and not for this process.
            self.flow.pulse.moved(Work::Mails, now);
            return Ok(Duration::from_micros(self.clock.micros_until(until)).min(RESTING));
        }
        if self.flow.messages().len() >= LOW_WATER {
            return Ok(long);
        }
        // Listed before the store is read: what leaves the list in between is settled by then.
        let under_way: Vec<MessageId> = self.flow.messages().iter().copied().collect();
        let limit = self.most_at_once();
        let unreadable = self.runtime.unreadable();
        let store = self.runtime.store();
        let claimed = store.claim_messages(Carrier::Mail, now, limit, &under_way, &[], &unreadable).await?;
        if claimed.is_empty() {
            if under_way.is_empty() && !self.runtime.lacks_plans() {
                self.flow.pulse.moved(Work::Mails, now);
            }
            let next = self.runtime.next_due(now).await?.mails.filter(|next| *next > now);
            return Ok(
                next.map_or(long, |next| Duration::from_micros(self.clock.micros_until(next)).min(long))
            );
        }
        let plans = self.runtime.plans_with(claimed.iter().map(|claimed| claimed.message.version)).await;
        // Those whose plan cannot be read are left by the next claim, and taken when it can.
        let (ready, left): (Vec<_>, Vec<_>) =
            claimed.into_iter().partition(|claimed| plans.version(claimed.message.version).is_some());
        let wait = if left.is_empty() { long } else { WITHOUT_PLAN };
        if !left.is_empty() {
            self.flow.pulse.stands(Work::Mails, WITHOUT_JOURNEY);
        }
        for message in ready {
            self.flow.messages().insert(message.message.id);
            let id = message.message.id;
            if sender.send(message).await.is_err() {
                self.flow.messages().remove(&id);
            }
        }
        Ok(wait)
    }

    /// How many messages are taken at once: while the route is down no more than find out whether it still is, for
    /// another process may have a way.
    fn most_at_once(&self) -> u32 {
        let connections = u32::try_from(self.connections).unwrap_or(CLAIM);
        if self.rest.is_down() { connections.min(CLAIM) } else { CLAIM }
    }

    async fn carry(self: Arc<Self>, queue: Arc<Queue>, ending: watch::Receiver<bool>) {
        let mut pace = Pace::default();
        let mut batch = Batch::default();
        loop {
            if batch.mails.is_empty() {
                let Some(claimed) = self.wait(&queue, pace).await else { return };
                batch = self.prepare(claimed, pace, &ending).await;
                continue;
            }
            let (begun, count) = (Instant::now(), batch.mails.len());
            // While these go, the next ones are written and go through the gate.
            let gone = Notify::new();
            let sending = async {
                let sent = self.send(batch, &ending).await;
                gone.notify_one();
                (sent, begun.elapsed())
            };
            let ((sent, took), ahead) = tokio::join!(sending, self.ahead(&queue, pace, &ending, &gone));
            pace.learn(count, took.saturating_sub(sent.at_gate), sent.in_time);
            batch = ahead;
        }
    }

    /// Makes the next batch ready. Behind a server that hangs it waits no longer than its passes are good: over another
    /// connection it may go.
    async fn ahead(&self, queue: &Queue, pace: Pace, ending: &watch::Receiver<bool>, gone: &Notify) -> Batch {
        let batch = match self.at_hand(queue, pace) {
            claimed if claimed.is_empty() => return Batch::default(),
            claimed => self.prepare(claimed, pace, ending).await,
        };
        let Some(until) = batch.until else { return batch };
        if timeout_at(until, gone.notified()).await.is_ok() {
            return batch;
        }
        for written in &batch.mails {
            self.put_back(&batch, written).await;
        }
        Batch::default()
    }

    /// Waits for messages; nothing when there will be none any more.
    async fn wait(&self, queue: &Queue, pace: Pace) -> Option<Vec<ClaimedMessage>> {
        let mut queue = queue.lock().await;
        let mut claimed = vec![queue.recv().await?];
        self.take(&mut queue, pace, &mut claimed);
        Some(claimed)
    }

    /// Messages that wait already, where this connection is fast enough to have some let through beforehand.
    fn at_hand(&self, queue: &Queue, pace: Pace) -> Vec<ClaimedMessage> {
        let mut claimed = Vec::new();
        // Whoever has the queue waits for messages: there are none.
        if let (Some(_), Ok(mut queue)) = (pace.together(), queue.try_lock()) {
            self.take(&mut queue, pace, &mut claimed);
        }
        claimed
    }

    /// Takes this connection's share of what waits.
    fn take(
        &self,
        queue: &mut mpsc::Receiver<ClaimedMessage>,
        pace: Pace,
        claimed: &mut Vec<ClaimedMessage>,
    ) {
        let share = queue.len().div_ceil(self.connections);
        let together = pace.together().map_or(1, NonZeroUsize::get);
        while claimed.len() < together.min(share)
            && let Ok(next) = queue.try_recv()
        {
            claimed.push(next);
        }
    }

    /// Writes messages, and has them let through the gate together where their connection is fast enough.
    async fn prepare(
        &self,
        claimed: Vec<ClaimedMessage>,
        pace: Pace,
        ending: &watch::Receiver<bool>,
    ) -> Batch {
        let mut mails = Vec::with_capacity(claimed.len());
        for claimed in claimed {
            if *ending.borrow() || self.is_paused() {
                self.give_back(&claimed).await;
            } else {
                mails.extend(self.write(claimed).await);
            }
        }
        if mails.is_empty() || pace.together().is_none() {
            return Batch { mails, until: None };
        }
        let asked = mails.iter().map(|written| (written.claimed.at_gate(), written.before)).collect();
        let passes = gate::ask(&self.writer, asked).await;
        let mut goes = passes.goes.into_iter();
        let (mails, stopped): (Vec<_>, Vec<_>) =
            mails.into_iter().partition(|_| goes.next().unwrap_or(false));
        for written in stopped {
            self.give_back(&written.claimed).await;
        }
        Batch { mails, until: Some(passes.until) }
    }

    /// Writes a mail; where it does not go now, says so to the ledger.
    async fn write(&self, claimed: ClaimedMessage) -> Option<Written> {
        let plans = self.runtime.plans();
        let now = self.clock.now();
        let before = match handing(&plans, self.runtime.zone(), &claimed.contact, &claimed.message, now) {
            Handing::Before(before) => before,
            Handing::From(at) => {
                self.put_off(&claimed, Outcome::NotBefore(at), "held for quiet hours").await;
                return None;
            }
            Handing::TooLate => {
                self.put_off(&claimed, Outcome::Skipped(SkipReason::Late), "due too long ago").await;
                return None;
            }
        };
        let written = catch_unwind(AssertUnwindSafe(|| self.letters.write(&plans, &claimed, now)));
        match written {
            Ok(Ok(parcel)) => return Some(Written { claimed, parcel, before }),
            Ok(Err(error)) => {
                let outcome = if error.is_passing() {
                    Outcome::Again(now.plus_seconds(NO_SENDER_SECONDS))
                } else {
                    Outcome::State(MessageState::Refused)
                };
                self.give_up(&claimed, outcome, error.to_string()).await;
            }
            Err(_) => {
                let why = "writing it failed inside Lotse".to_owned();
                self.give_up(&claimed, Outcome::State(MessageState::Refused), why).await;
            }
        }
        None
    }

    /// Hands mails over, one behind the other.
    async fn send(&self, batch: Batch, ending: &watch::Receiver<bool>) -> Sent {
        let mut lease = self.route.checkout().await;
        let mut in_time = true;
        let at_gate = Waited::default();
        let mut outcomes = Vec::with_capacity(batch.mails.len());
        let mut mails = batch.mails.iter();
        while let Some(written) = mails.next() {
            let late = batch.until.is_some_and(|until| until <= Instant::now());
            in_time &= !late;
            if late || *ending.borrow() || self.is_paused() || written.before <= self.clock.now() {
                self.put_back(&batch, written).await;
                continue;
            }
            let pass = batch.until.map(|until| Pass { until });
            let gate =
                LedgerGate { writer: &self.writer, asked: written.claimed.at_gate(), before: written.before };
            let asking = TimedGate { gate, waited: &at_gate };
            let gate: &dyn Gate = match &pass {
                Some(pass) => pass,
                None => &asking,
            };
            let next = mails.as_slice().first().filter(|_| pass.is_some()).map(Written::letter);
            let begun = self.clock.now();
            let span = spans::hand_over(&written.claimed.message);
            let mut sending = pin!(lease.send(written.letter(), gate, next).instrument(span.clone()));
            let mut outcome = timeout(SETTLE_AFTER, &mut sending).await.ok();
            if outcome.is_none() {
                self.settle_all(&mut outcomes).await;
            }
            if let (None, Some(until)) = (&outcome, batch.until) {
                outcome = timeout_at(until, &mut sending).await.ok();
            }
            let outcome = match outcome {
                Some(outcome) => outcome,
                None => {
                    // What would go behind it goes over another connection.
                    for written in mails.by_ref() {
                        self.put_back(&batch, written).await;
                    }
                    sending.await
                }
            };
            let took = self.clock.now().micros_since(begun);
            self.runtime.metrics().deliveries.of([EMAIL, EMAIL]).observe_micros(took);
            in_time &= outcome != Handed::Stopped;
            if self.rest.learn(&outcome, self.clock.now()) {
                self.flow.mail.notify_one();
            }
            outcomes.push((&written.claimed, outcome, span));
        }
        self.settle_all(&mut outcomes).await;
        Sent { in_time, at_gate: at_gate.all() }
    }

    /// Has outcomes written together: who writes is woken once.
    async fn settle_all(&self, outcomes: &mut Vec<(&ClaimedMessage, Handed, Span)>) {
        for (claimed, outcome, span) in outcomes.drain(..) {
            self.settle(claimed, &outcome).instrument(span).await;
        }
    }

    /// Leaves a mail that has not begun to go for another time.
    async fn put_back(&self, batch: &Batch, written: &Written) {
        match batch.until {
            Some(_) => self.settle(&written.claimed, &Handed::Stopped).await,
            None => self.give_back(&written.claimed).await,
        }
    }

    fn is_paused(&self) -> bool {
        self.rest.until(self.clock.now()).is_some()
    }

    /// Nothing came of a message: whoever has a way takes it, this process or another.
    async fn give_back(&self, claimed: &ClaimedMessage) {
        let message = key(claimed);
        let is_shared = self.runtime.store().is_shared();
        if !is_shared || self.writer.give(Job::GiveBack { message }).await.is_err() {
            self.forget(message.id);
        }
    }

    /// Nothing came of a message that is written down: it is claimed again.
    fn forget(&self, id: MessageId) {
        self.flow.messages().remove(&id);
        if self.flow.messages().len() < LOW_WATER {
            self.flow.mail.notify_one();
        }
    }

    /// Has a message wait or leaves it out, without an attempt.
    async fn put_off(&self, claimed: &ClaimedMessage, outcome: Outcome, why: &str) {
        let settlement = MessageSettlement {
            key: key(claimed),
            attempt: Some(claimed.attempt),
            outcome,
            answer: why.to_owned(),
        };
        let events = told(&self.runtime.plans(), &claimed.message, &settlement, self.clock.now());
        self.tell(settlement, events, None).await;
    }

    async fn give_up(&self, claimed: &ClaimedMessage, outcome: Outcome, answer: String) {
        // The answer may name what the contact is called; the ledger has it.
        tracing::warn!(message = %claimed.message.id, "a message cannot be written: `lotse deliveries list` says why");
        self.tell(
            MessageSettlement { key: key(claimed), attempt: Some(claimed.attempt), outcome, answer },
            Vec::new(),
            None,
        )
        .await;
    }

    async fn settle(&self, claimed: &ClaimedMessage, outcome: &Handed) {
        let now = self.clock.now();
        let message = &claimed.message;
        let settlement = settlement_of(message, claimed.attempt, outcome, now);
        let events = told(&self.runtime.plans(), message, &settlement, now);
        let suppress =
            bounced(outcome).then(|| (message.contact, message.address.clone(), "bounced".to_owned()));
        self.tell(settlement, events, suppress).await;
    }

    /// Has the ledger written. It takes the message off the list of those under way.
    async fn tell(
        &self,
        settlement: MessageSettlement,
        events: Vec<Event>,
        suppress: Option<(ContactId, String, String)>,
    ) {
        let id = settlement.key.id;
        if !matches!(settlement.outcome, Outcome::NotBegun(_)) {
            self.flow.pulse.moved(Work::Mails, self.clock.now());
        }
        let state = word(settlement.outcome);
        Span::current().record("state", state);
        self.runtime.metrics().messages.of([EMAIL, state]).add(1);
        if self.writer.give(Job::Settle { settlement, events, suppress }).await.is_err() {
            self.forget(id);
        }
    }
}

pub(super) fn key(claimed: &ClaimedMessage) -> MessageKey {
    claimed.at_gate().key
}

/// What waits for a connection.
type Queue = tokio::sync::Mutex<mpsc::Receiver<ClaimedMessage>>;

/// A mail that is written.
struct Written {
    claimed: ClaimedMessage,
    parcel: Parcel,
    /// From when on it may not go any more.
    before: Moment,
}

impl Written {
    fn letter(&self) -> Letter<'_> {
        Letter { id: self.claimed.message.id, envelope: &self.parcel.envelope, mail: &self.parcel.mail }
    }
}

/// What became of a batch.
struct Sent {
    /// Whether all of it went before its passes ran out.
    in_time: bool,
    /// How long its mails waited at the gate while it was their turn.
    at_gate: Duration,
}

/// Mails that go over one connection, one behind the other.
#[derive(Default)]
struct Batch {
    mails: Vec<Written>,
    /// Until when they may begin to go, where they were let through together; else each asks when its turn comes.
    until: Option<Instant>,
}

#[cfg(test)]
mod tests;
