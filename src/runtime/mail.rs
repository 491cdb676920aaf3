use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{Instrument as _, Span};

use super::ledger::{bounced, settlement_of, told, word};
use super::parcel::{Letters, Parcel};
use super::writer::{Flow, Job, Writer};
use super::{Runtime, spans};
use crate::channel::email::{Gate, Mailbox, Outcome as Handed, Signer, SmtpRoute};
use crate::channel::without_addresses;
use crate::domain::{Address, ContactId, Event, MessageId, MessageState, SkipReason};
use crate::engine::{Handing, handing};
use crate::store::{Carrier, ClaimedMessage, MessageKey, MessageSettlement, Outcome};
use crate::time::{Clock, Moment};

/// The channel, as counts name it.
const EMAIL: &str = "email";
/// How many messages are taken from the store at once.
const CLAIM: u32 = 1_000;
/// With fewer than that under way, more are taken.
const LOW_WATER: usize = 300;
/// How long mail waits for a sender that `lotse.yaml` has lost.
const NO_SENDER_SECONDS: i64 = 15 * 60;
/// The first and the longest pause of a route that is down, in milliseconds.
const PAUSE_MILLIS: (i64, i64) = (500, 60_000);
/// How often in a row a server may end the conversation early before the route pauses.
const EARLY_ENDS_MAX: i64 = 5;

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
    route: SmtpRoute,
    writer: Writer,
    flow: Arc<Flow>,
    clock: Arc<dyn Clock>,
    /// Until when the route pauses, in microseconds since 1970.
    paused_until: AtomicI64,
    /// How often in a row it was down.
    failures: AtomicI64,
    /// Whether it was told that the route is down.
    told: AtomicBool,
}

impl MailRoom {
    /// A mail room for one route.
    pub fn new(
        runtime: Arc<Runtime>,
        letters: Arc<Letters>,
        route: SmtpRoute,
        writer: Writer,
        flow: Arc<Flow>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            runtime,
            letters,
            route,
            writer,
            flow,
            clock,
            paused_until: AtomicI64::new(i64::MIN),
            failures: AtomicI64::new(0),
            told: AtomicBool::new(false),
        })
    }

    /// Starts carrying with that many connections, until `ending` says so; then what has begun is ended, and nothing
    /// else is begun.
    pub fn start(self: &Arc<Self>, connections: usize, ending: watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let (sender, receiver) = mpsc::channel(LOW_WATER + CLAIM as usize);
        let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
        let mut tasks = vec![tokio::spawn(Arc::clone(self).feed(sender, ending.clone()))];
        for _ in 0..connections {
            tasks.push(tokio::spawn(Arc::clone(self).carry(Arc::clone(&receiver), ending.clone())));
        }
        tasks
    }

    async fn feed(self: Arc<Self>, sender: mpsc::Sender<ClaimedMessage>, mut ending: watch::Receiver<bool>) {
        while !*ending.borrow() {
            let wait = match self.claim(&sender).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, "due messages could not be read");
                    Duration::from_secs(1)
                }
            };
            tokio::select! {
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
        const LONG: Duration = Duration::from_secs(3_600);
        let now = self.clock.now();
        let paused = Moment::from_micros(self.paused_until.load(Ordering::SeqCst));
        if paused > now {
            return Ok(Duration::from_micros(self.clock.micros_until(paused)));
        }
        // Listed before the store is read: what leaves the list in between is settled by then.
        let under_way: Vec<MessageId> = self.flow.messages().iter().copied().collect();
        if under_way.len() >= LOW_WATER {
            return Ok(LONG);
        }
        let mut unit = self.runtime.store().read().await?;
        let claimed = unit.claim_messages(Carrier::Mail, now, CLAIM, &under_way).await?;
        if claimed.is_empty() {
            let next = unit.next_due().await?.mails.filter(|next| *next > now);
            return Ok(next.map_or(LONG, |next| Duration::from_micros(self.clock.micros_until(next))));
        }
        drop(unit);
        for message in claimed {
            self.flow.messages().insert(message.message.id);
            let id = message.message.id;
            if sender.send(message).await.is_err() {
                self.flow.messages().remove(&id);
            }
        }
        Ok(LONG)
    }

    async fn carry(
        self: Arc<Self>,
        receiver: Arc<tokio::sync::Mutex<mpsc::Receiver<ClaimedMessage>>>,
        ending: watch::Receiver<bool>,
    ) {
        loop {
            let next = receiver.lock().await.recv().await;
            let Some(claimed) = next else { return };
            let id = claimed.message.id;
            let delivering = self.deliver(&claimed).instrument(spans::hand_over(&claimed.message));
            if *ending.borrow() || !delivering.await {
                self.flow.messages().remove(&id);
            }
            if self.flow.messages().len() < LOW_WATER {
                self.flow.mail.notify_one();
            }
        }
    }

    /// One message to its end; `false` where nothing came of it that is written down.
    async fn deliver(&self, claimed: &ClaimedMessage) -> bool {
        let plans = self.runtime.plans();
        let now = self.clock.now();
        let before = match handing(&plans, self.runtime.zone(), &claimed.contact, &claimed.message, now) {
            Handing::Before(before) => before,
            Handing::From(at) => {
                return self.put_off(claimed, Outcome::NotBefore(at), "held for quiet hours").await;
            }
            Handing::TooLate => {
                return self.put_off(claimed, Outcome::Skipped(SkipReason::Late), "due too long ago").await;
            }
        };
        let written = catch_unwind(AssertUnwindSafe(|| self.letters.write(&plans, claimed, now)));
        let parcel: Parcel = match written {
            Ok(Ok(parcel)) => parcel,
            Ok(Err(error)) => {
                let outcome = if error.is_passing() {
                    Outcome::Again(now.plus_seconds(NO_SENDER_SECONDS))
                } else {
                    Outcome::State(MessageState::Refused)
                };
                return self.give_up(claimed, outcome, error.to_string()).await;
            }
            Err(_) => {
                let why = "writing it failed inside Lotse".to_owned();
                return self.give_up(claimed, Outcome::State(MessageState::Refused), why).await;
            }
        };
        let paused = Moment::from_micros(self.paused_until.load(Ordering::SeqCst));
        if paused > now {
            return false;
        }
        let gate = LedgerGate { writer: &self.writer, key: key(claimed), before };
        let mut lease = self.route.checkout().await;
        let begun = self.clock.now();
        let outcome = lease.send(&parcel.envelope, &parcel.mail, claimed.message.id, &gate).await;
        drop(lease);
        let took = self.clock.now().micros_since(begun);
        self.runtime.metrics().deliveries.of([EMAIL, EMAIL]).observe_micros(took);
        self.judge_route(&outcome);
        self.settle(claimed, &outcome).await
    }

    /// Has a message wait or leaves it out, without an attempt.
    async fn put_off(&self, claimed: &ClaimedMessage, outcome: Outcome, why: &str) -> bool {
        let settlement = MessageSettlement { key: key(claimed), outcome, answer: why.to_owned() };
        let events = told(&self.runtime.plans(), &claimed.message, &settlement, self.clock.now());
        self.give(settlement, events, None).await
    }

    async fn give_up(&self, claimed: &ClaimedMessage, outcome: Outcome, answer: String) -> bool {
        // The answer may name what the contact is called; the ledger has it.
        tracing::warn!(message = %claimed.message.id, "a message cannot be written: `lotse deliveries list` says why");
        let settlement = MessageSettlement { key: key(claimed), outcome, answer };
        self.give(settlement, Vec::new(), None).await
    }

    async fn settle(&self, claimed: &ClaimedMessage, outcome: &Handed) -> bool {
        let now = self.clock.now();
        let message = &claimed.message;
        let Some(settlement) = settlement_of(message, claimed.attempt, outcome, now) else { return false };
        let events = told(&self.runtime.plans(), message, &settlement, now);
        let suppress =
            bounced(outcome).then(|| (message.contact, message.address.clone(), "bounced".to_owned()));
        self.give(settlement, events, suppress).await
    }

    async fn give(
        &self,
        settlement: MessageSettlement,
        events: Vec<Event>,
        suppress: Option<(ContactId, String, String)>,
    ) -> bool {
        let state = word(settlement.outcome);
        Span::current().record("state", state);
        self.runtime.metrics().messages.of([EMAIL, state]).add(1);
        self.writer.give(Job::Settle { settlement, events, suppress }).await.is_ok()
    }

    /// Lets the route rest when the server cannot be used, longer each time.
    fn judge_route(&self, outcome: &Handed) {
        let down = match outcome {
            Handed::RouteDown { why } => Some((why, 1)),
            // One such end is the mail's, many in a row are the server's.
            Handed::NotHandedOver { why } => Some((why, EARLY_ENDS_MAX)),
            _ => None,
        };
        let Some((why, needed)) = down else {
            if !matches!(outcome, Handed::Stopped) {
                self.failures.store(0, Ordering::SeqCst);
                if self.told.swap(false, Ordering::SeqCst) {
                    tracing::info!("the mail server is back");
                }
            }
            return;
        };
        let failures = self.failures.fetch_add(1, Ordering::SeqCst) + 1;
        if failures < needed {
            return;
        }
        let (first, longest) = PAUSE_MILLIS;
        let doublings = u32::try_from((failures - needed).min(10)).unwrap_or(10);
        let millis = (first << doublings).min(longest);
        self.paused_until.fetch_max(self.clock.now().micros() + millis * 1_000, Ordering::SeqCst);
        if !self.told.swap(true, Ordering::SeqCst) {
            let why = without_addresses(why);
            tracing::warn!(why, "the mail server cannot be used; mail waits and is tried again");
        }
        self.flow.mail.notify_one();
    }
}

pub(super) fn key(claimed: &ClaimedMessage) -> MessageKey {
    MessageKey { contact: claimed.message.contact, id: claimed.message.id }
}

/// Asks the ledger, and commits that the hand-over begins.
pub(super) struct LedgerGate<'a> {
    pub(super) writer: &'a Writer,
    pub(super) key: MessageKey,
    /// From when on it may not go any more.
    pub(super) before: Moment,
}

#[async_trait]
impl Gate for LedgerGate<'_> {
    async fn hand_over(&self, id: MessageId) -> bool {
        debug_assert_eq!(id, self.key.id);
        let (done, answer) = oneshot::channel();
        if self.writer.give(Job::HandOver { key: self.key, before: self.before, done }).await.is_err() {
            return false;
        }
        answer.await.unwrap_or(false)
    }
}
