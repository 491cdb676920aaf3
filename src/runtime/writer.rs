use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Runtime;
use super::flow::Flow;
use super::gate::{self, Passes};
use super::hits::{MessageHit, Recent};
use super::ledger::skipped_event;
use super::setback::Setback;
use crate::domain::{CallId, ContactId, Event, MessageState, Permission, SkipReason};
use crate::metrics::Metrics;
use crate::store::{
    Arrival, CallSettlement, Intake, MessageKey, MessageSettlement, Outcome, StoreError, Wake, WriteUnit,
};
use crate::time::{Clock, Moment};

/// How many jobs wait at the most; beyond it, who asks is told to come back.
const QUEUE_MAX: usize = 16_384;
/// How many jobs are committed together.
const TOGETHER_MAX: usize = 8_192;
/// How long what nobody is in a hurry for waits for more that is committed with it.
const GATHER: Duration = Duration::from_millis(2);
/// How often what another process held up is tried again at once.
const AT_ONCE_AGAIN: u32 = 3;

/// Why something was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriterError {
    /// Too much waits already.
    #[error("too much is waiting to be written: come back in a moment")]
    Full,
    /// The store failed; nothing was written.
    #[error("it could not be written: {0}")]
    Failed(String),
    /// The program is ending.
    #[error("the program is ending: come back in a moment")]
    Ending,
}

/// Answers whoever waits for a job.
pub type Done<T> = oneshot::Sender<Result<T, WriterError>>;

/// Something small to be written.
pub enum Job {
    /// What came from outside, and what of it could not be taken.
    Arrive {
        /// What came.
        arrivals: Vec<Arrival>,
        /// What could not be taken: the reason, and the thing itself.
        quarantine: Vec<(String, String)>,
        /// When.
        at: Moment,
        /// For each arrival what became of it.
        done: Done<Vec<Intake>>,
    },
    /// Events of known contacts.
    Events {
        /// The events.
        events: Vec<Event>,
        /// Who waits for it.
        done: Done<()>,
    },
    /// A request for an image or a link of a message.
    Hit {
        /// The request.
        hit: MessageHit,
        /// Who waits for it, if somebody does.
        done: Option<Done<()>>,
    },
    /// Decisions on topics.
    Decide {
        /// The decisions.
        permissions: Vec<Permission>,
        /// Who waits for it.
        done: Done<()>,
    },
    /// A team's answer to a lead.
    Lead {
        /// Whom it is about.
        contact: ContactId,
        /// The lead.
        call: CallId,
        /// What the team says.
        accepted: bool,
        /// Who says it.
        by: String,
        /// What tells of it.
        event: Event,
        /// Whether it was the first answer.
        done: Done<bool>,
    },
    /// An answer to a survey.
    Answer {
        /// What tells of it.
        event: Event,
        /// Whether it was the first.
        done: Done<bool>,
    },
    /// The last gate before messages go.
    HandOver {
        /// The messages, each with the moment from which on it may not: quiet hours begin, or it is too late.
        messages: Vec<(MessageKey, Moment)>,
        /// Which may go.
        done: oneshot::Sender<Passes>,
    },
    /// Messages that the gate may have let go, and whose content did not go, for the answer never came.
    TakeBack {
        /// The messages.
        messages: Vec<MessageKey>,
        /// When the gate was asked.
        asked_at: Moment,
    },
    /// A message that this process took and does not hand over now: another may.
    GiveBack {
        /// The message.
        message: MessageKey,
    },
    /// What became of a message.
    Settle {
        /// What.
        settlement: MessageSettlement,
        /// What tells of it.
        events: Vec<Event>,
        /// An address that is dead.
        suppress: Option<(ContactId, String, String)>,
    },
    /// What became of a call.
    SettleCall {
        /// What.
        settlement: CallSettlement,
        /// The answer, for the run that waits for it.
        event: Option<Event>,
    },
    /// What is sent by a call, before it is sent for the first time.
    Bodies {
        /// The bodies.
        bodies: Vec<(ContactId, CallId, String)>,
        /// What is kept of each: another process may have been first.
        done: Done<BTreeMap<CallId, String>>,
    },
}

impl Job {
    /// The message that another process may hand over, once this is written.
    fn leaves(&self) -> Option<MessageKey> {
        match self {
            Job::GiveBack { message } => Some(*message),
            Job::Settle { settlement, .. } => {
                matches!(settlement.outcome, Outcome::NotBegun(_)).then_some(settlement.key)
            }
            _ => None,
        }
    }

    /// Whether nobody waits for it, or only mails whose turn is still to come.
    fn can_wait(&self) -> bool {
        match self {
            Job::GiveBack { .. }
            | Job::Settle { .. }
            | Job::SettleCall { .. }
            | Job::Hit { done: None, .. } => true,
            Job::HandOver { messages, .. } => messages.len() > 1,
            _ => false,
        }
    }
}

/// Writes what many tasks want written, together: one transaction for all that came while the last one was
/// under way.
#[derive(Clone)]
pub struct Writer {
    sender: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts writing. It ends when the last [`Writer`] is dropped and everything is written.
    pub fn start(
        runtime: Arc<Runtime>,
        clock: Arc<dyn Clock>,
        flow: Arc<Flow>,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let task = tokio::spawn(write(runtime, clock, flow, receiver));
        (Self { sender }, task)
    }

    /// Gives a job away; waits where the queue is full.
    ///
    /// # Errors
    /// When the program is ending.
    pub async fn give(&self, job: Job) -> Result<(), WriterError> {
        self.sender.send(job).await.map_err(|_| WriterError::Ending)
    }

    /// Gives a job away if there is room.
    ///
    /// # Errors
    /// When there is none, or the program is ending.
    pub fn offer(&self, job: Job) -> Result<(), WriterError> {
        self.sender.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => WriterError::Full,
            mpsc::error::TrySendError::Closed(_) => WriterError::Ending,
        })
    }

    /// Gives a job away if there is room, and waits until it is lasting.
    ///
    /// # Errors
    /// When there is no room, or the store failed.
    pub async fn write<T>(&self, job: impl FnOnce(Done<T>) -> Job) -> Result<T, WriterError> {
        let (done, answer) = oneshot::channel();
        self.offer(job(done))?;
        answer.await.map_err(|_| WriterError::Ending)?
    }
}

async fn write(
    runtime: Arc<Runtime>,
    clock: Arc<dyn Clock>,
    flow: Arc<Flow>,
    mut receiver: mpsc::Receiver<Job>,
) {
    let mut jobs = Vec::new();
    // What must not be lost and could not be written yet.
    let mut kept: Vec<Job> = Vec::new();
    let mut again = Duration::ZERO;
    let mut setback = Setback::default();
    let mut recent = Recent::default();
    loop {
        let came = if kept.is_empty() {
            gather(&mut receiver, &mut jobs).await
        } else {
            let waited = tokio::time::timeout(again, receiver.recv_many(&mut jobs, TOGETHER_MAX)).await;
            waited.unwrap_or(usize::MAX)
        };
        if came == 0 {
            if kept.is_empty() {
                return;
            }
            // Nobody gives anything any more.
            tokio::time::sleep(again).await;
        }
        let mut together = std::mem::take(&mut kept);
        together.append(&mut jobs);
        let now = clock.now();
        let mut applied = Together::apply(&runtime, &together, &recent, now).await;
        // Processes that wait for each other are set going by ending one of them: nothing is wrong with what it did.
        for _ in 0..AT_ONCE_AGAIN {
            if !(runtime.store().is_shared() && matches!(applied, Err(StoreError::Busy))) {
                break;
            }
            applied = Together::apply(&runtime, &together, &recent, now).await;
        }
        match applied {
            Ok(answers) => {
                runtime.metrics().commits.observe_micros(clock.now().micros_since(now));
                count(&together, &answers, runtime.metrics());
                flow.pulse.wrote();
                setback.is_over();
                recent.remember(&hits(&together), now);
                answer(together, answers, &flow);
            }
            Err(error) => {
                runtime.metrics().commit_failures.add(1);
                flow.pulse.write_failed(&error, clock.now());
                tracing::error!(%error, jobs = together.len(), "nothing could be written; what must not be lost is tried again");
                kept = refuse(together, now, &error);
                again = setback.wait();
            }
        }
    }
}

/// Counts what came in.
fn count(jobs: &[Job], answers: &Together, metrics: &Metrics) {
    let aside = |job: &Job| if let Job::Arrive { quarantine, .. } = job { quarantine.len() } else { 0 };
    let aside: usize = jobs.iter().map(aside).sum();
    let intakes = || answers.intakes.iter().flatten();
    let repeated = intakes().filter(|intake| matches!(intake, Intake::Repeated(_))).count();
    let stored = intakes().count() - repeated;
    for (result, count) in [("stored", stored), ("repeated", repeated), ("quarantined", aside)] {
        if count > 0 {
            metrics.arrivals.of([result]).add(count);
        }
    }
}

/// Takes what has come, and where none of it is in a hurry, what comes in a moment; 0 where nothing comes any more.
async fn gather(receiver: &mut mpsc::Receiver<Job>, jobs: &mut Vec<Job>) -> usize {
    let mut came = receiver.recv_many(jobs, TOGETHER_MAX).await;
    let until = Instant::now() + GATHER;
    let mut looked_at = 0;
    while came > 0 && jobs.len() < TOGETHER_MAX && jobs.iter().skip(looked_at).all(Job::can_wait) {
        looked_at = jobs.len();
        let room = TOGETHER_MAX - jobs.len();
        match tokio::time::timeout_at(until, receiver.recv_many(jobs, room)).await {
            Ok(more) if more > 0 => came += more,
            _ => break,
        }
    }
    came
}

fn hits(jobs: &[Job]) -> Vec<&MessageHit> {
    let mut hits = Vec::new();
    for job in jobs {
        if let Job::Hit { hit, .. } = job {
            hits.push(hit);
        }
    }
    hits
}

/// What a commit answers, in the order of the jobs that wait for it.
#[derive(Default)]
struct Together {
    intakes: Vec<Vec<Intake>>,
    goes: BTreeMap<MessageKey, bool>,
    /// Whether journeys are told of messages that the gate has stopped.
    told_at_gate: bool,
    /// Before the commit began.
    asked_at: Option<Instant>,
    first: Vec<bool>,
    /// What is kept of calls.
    bodies: BTreeMap<CallId, String>,
}

impl Together {
    /// Writes all jobs in one transaction. Decisions come first, so that no gate opens after a refusal that is
    /// committed with it.
    async fn apply(
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
        let hits = hits(jobs);
        if !hits.is_empty() {
            super::hits::take(&mut *unit, &hits, recent, runtime.zone(), now).await?;
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
        let (mut keys, mut settled, mut calls) = (Vec::new(), Vec::new(), Vec::new());
        let (mut dead, mut all_bodies, mut again) = (Vec::new(), Vec::new(), false);
        let mut back: BTreeMap<Moment, Vec<MessageKey>> = BTreeMap::new();
        let mut telling: BTreeMap<MessageKey, &Vec<Event>> = BTreeMap::new();
        let mut events: Vec<Event> = Vec::new();
        for job in jobs {
            match job {
                Job::HandOver { messages, .. } => {
                    keys.extend(messages.iter().filter(|(_, before)| now < *before).map(|(key, _)| *key));
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
        if !keys.is_empty() {
            let answers = unit.hand_over(&keys, now).await?;
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

/// Tells everybody that it is lasting. Who has gone away meanwhile is not told.
fn answer(jobs: Vec<Job>, mut together: Together, flow: &Flow) {
    let (mut intakes, mut first) = (together.intakes.into_iter(), together.first.into_iter());
    let (mut turns, mut mail, mut calls) = (together.told_at_gate, false, false);
    let until = together.asked_at.unwrap_or_else(Instant::now) + gate::GOOD_FOR;
    for job in jobs {
        match job {
            Job::Arrive { done, .. } => {
                turns = true;
                let _ = done.send(Ok(intakes.next().unwrap_or_default()));
            }
            Job::Hit { done, .. } => {
                turns = true;
                done.map(|done| done.send(Ok(())));
            }
            Job::Events { done, .. } | Job::Decide { done, .. } => {
                turns = true;
                let _ = done.send(Ok(()));
            }
            Job::Lead { done, .. } | Job::Answer { done, .. } => {
                turns = true;
                let _ = done.send(Ok(first.next().unwrap_or(false)));
            }
            Job::HandOver { messages, done } => {
                let goes = messages.iter().map(|(key, _)| together.goes.remove(key).unwrap_or(false));
                let _ = done.send(Passes { goes: goes.collect(), until });
            }
            Job::TakeBack { .. } => mail = true,
            Job::GiveBack { message } => {
                flow.messages().remove(&message.id);
                mail = true;
            }
            Job::Settle { settlement, events, .. } => {
                flow.messages().remove(&settlement.key.id);
                turns |= !events.is_empty();
                mail = true;
            }
            Job::SettleCall { settlement, event } => {
                flow.calls_under_way().remove(&settlement.id);
                turns |= event.is_some();
                calls = true;
            }
            Job::Bodies { bodies, done } => {
                let kept = bodies.iter().filter_map(|(_, call, _)| together.bodies.remove_entry(call));
                let _ = done.send(Ok(kept.collect()));
            }
        }
    }
    if mail {
        flow.messages_due();
    }
    if turns {
        flow.due(Wake::TURNS);
    }
    if calls {
        flow.calls.notify_one();
    }
}

/// Tells those who can ask again that nothing was written, and keeps what nobody can say again.
fn refuse(jobs: Vec<Job>, now: Moment, error: &StoreError) -> Vec<Job> {
    let why = || WriterError::Failed(error.to_string());
    let mut kept = Vec::new();
    for job in jobs {
        match job {
            Job::Arrive { done, .. } => drop(done.send(Err(why()))),
            Job::Hit { done: Some(done), .. } => drop(done.send(Err(why()))),
            Job::Events { done, .. } | Job::Decide { done, .. } => drop(done.send(Err(why()))),
            Job::Bodies { done, .. } => drop(done.send(Err(why()))),
            Job::Lead { done, .. } | Job::Answer { done, .. } => drop(done.send(Err(why()))),
            // What may not be committed must not go. What is committed all the same, as where the connection was lost
            // behind the commit, would be taken for gone.
            Job::HandOver { messages, done } => {
                drop(done);
                let messages = messages.into_iter().map(|(key, _)| key).collect();
                kept.push(Job::TakeBack { messages, asked_at: now });
            }
            job @ (Job::Settle { .. }
            | Job::SettleCall { .. }
            | Job::TakeBack { .. }
            | Job::GiveBack { .. }
            | Job::Hit { done: None, .. }) => kept.push(job),
        }
    }
    kept
}
