mod apart;
mod together;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Runtime;
use super::flow::Flow;
use super::gate::{self, Passes};
use super::hits::{MessageHit, Recent};
use super::setback::Setback;
use crate::domain::{CallId, ContactId, Event, Permission};
use crate::metrics::Metrics;
use crate::store::{
    Arrival, CallSettlement, Intake, MessageKey, MessageSettlement, Outcome, StoreError, Wake,
};
use crate::time::{Clock, Moment};
use together::Together;

/// How many jobs wait at the most; beyond it, who asks is told to come back.
const QUEUE_MAX: usize = 16_384;
/// How many jobs are committed together.
const TOGETHER_MAX: usize = 8_192;
/// How long what nobody is in a hurry for waits for more that is committed with it.
const GATHER: Duration = Duration::from_millis(2);
/// How many wait at the most to be tried again, beyond what nobody but us knows of.
const KEPT_MAX: usize = 16_384;
/// How often what another process held up is tried again at once, and how long it may have taken: what takes long is
/// too much, and does not become less by trying.
const AT_ONCE_AGAIN: u32 = 3;
const AT_ONCE_WITHIN: Duration = Duration::from_secs(5);

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
        /// For each arrival what became of it; nothing where what is stored of whom it names cannot be read, so that it was
        /// not taken.
        done: Done<Vec<Option<Intake>>>,
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

    /// Whether it says when something is to be tried again.
    fn sets_a_moment(&self) -> bool {
        match self {
            Job::Settle { settlement, .. } => settlement.outcome.due_at().is_some(),
            Job::SettleCall { settlement, .. } => settlement.due_at.is_some(),
            _ => false,
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
    let mut desk = Desk {
        runtime,
        clock,
        flow,
        recent: Recent::default(),
        kept: VecDeque::new(),
        most: TOGETHER_MAX,
        setback: Setback::default(),
    };
    let mut again = Duration::ZERO;
    loop {
        let came = if desk.kept.is_empty() {
            gather(&mut receiver, &mut jobs, desk.most).await
        } else {
            let waited = tokio::time::timeout(again, receiver.recv_many(&mut jobs, desk.most)).await;
            waited.unwrap_or(usize::MAX)
        };
        if came == 0 {
            if desk.kept.is_empty() {
                return;
            }
            // Nobody gives anything any more.
            tokio::time::sleep(again).await;
        }
        let kept = desk.kept.len().min(desk.most);
        let mut together: Vec<Job> = desk.kept.drain(..kept).collect();
        together.append(&mut jobs);
        again = desk.write(together).await;
    }
}

/// Where what is to be written lies.
struct Desk {
    runtime: Arc<Runtime>,
    clock: Arc<dyn Clock>,
    flow: Arc<Flow>,
    recent: Recent,
    /// What must not be lost and could not be written yet.
    kept: VecDeque<Job>,
    /// How much of it, and how much that is new, is tried together: less each time it fails.
    most: usize,
    setback: Setback,
}

impl Desk {
    /// Writes jobs together. Where something among them cannot be written whatever the state of the database, all others
    /// are written without it. Says how long to wait before what is kept is tried again.
    async fn write(&mut self, together: Vec<Job>) -> Duration {
        let mut parts = vec![together];
        let mut failed = false;
        while let Some(part) = parts.pop() {
            let now = self.clock.now();
            match apply(&self.runtime, &part, &self.recent, now).await {
                Ok(answers) => self.wrote(part, answers, now),
                Err(error) if error.is_passing() => {
                    failed = true;
                    self.most = (self.most / 2).max(1);
                    let behind = parts.drain(..).rev().flatten();
                    self.refused(part.into_iter().chain(behind).collect(), now, &error);
                }
                Err(error) => match apart::take(&self.runtime, part).await {
                    Ok(apart) => parts.extend(apart.into_iter().rev()),
                    Err(part) => {
                        failed = true;
                        self.refused(part, now, &error);
                    }
                },
            }
        }
        if failed {
            return self.setback.wait();
        }
        self.setback.is_over();
        self.most = (self.most * 2).min(TOGETHER_MAX);
        Duration::ZERO
    }

    fn wrote(&mut self, jobs: Vec<Job>, mut answers: Together, now: Moment) {
        let metrics = self.runtime.metrics();
        metrics.commits.observe_micros(self.clock.now().micros_since(now));
        count(&jobs, &answers, metrics);
        self.flow.pulse.wrote();
        self.recent.remember(&hits(&jobs), std::mem::take(&mut answers.hits.lasting), now);
        // Before anybody is woken who looks when that is.
        if jobs.iter().any(Job::sets_a_moment) {
            self.runtime.look_anew();
        }
        answer(jobs, answers, &self.flow);
    }

    fn refused(&mut self, jobs: Vec<Job>, now: Moment, error: &StoreError) {
        self.runtime.metrics().commit_failures.add(1);
        self.flow.pulse.write_failed(error, self.clock.now());
        tracing::error!(%error, jobs = jobs.len(), "nothing could be written; what must not be lost is tried again");
        // Behind the others: what cannot be written at all holds nothing else up.
        self.kept.extend(refuse(jobs, now, error));
        forget(&mut self.kept);
    }
}

/// Writes jobs in one transaction.
async fn apply(
    runtime: &Runtime,
    jobs: &[Job],
    recent: &Recent,
    now: Moment,
) -> Result<Together, StoreError> {
    let begun = Instant::now();
    let mut applied = Together::apply(runtime, jobs, recent, now).await;
    // Processes that wait for each other are set going by ending one of them: nothing is wrong with what it did.
    for _ in 0..AT_ONCE_AGAIN {
        let is_ended = runtime.store().is_shared() && matches!(applied, Err(StoreError::Busy));
        if !is_ended || begun.elapsed() > AT_ONCE_WITHIN {
            break;
        }
        applied = Together::apply(runtime, jobs, recent, now).await;
    }
    applied
}

/// Where the database is away for so long that too much waits for it, requests that nobody waits for are forgotten:
/// somebody looked at a mail. What became of messages and calls is kept, of which there is as much as was under way.
fn forget(kept: &mut VecDeque<Job>) {
    let before = kept.len();
    if before > KEPT_MAX {
        let mut too_many = before - KEPT_MAX;
        kept.retain(|job| {
            let goes = too_many > 0 && matches!(job, Job::Hit { done: None, .. });
            too_many -= usize::from(goes);
            !goes
        });
        let forgotten = before - kept.len();
        tracing::warn!(forgotten, "openings of mails are forgotten: the database has been away for too long");
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
async fn gather(receiver: &mut mpsc::Receiver<Job>, jobs: &mut Vec<Job>, most: usize) -> usize {
    let mut came = receiver.recv_many(jobs, most).await;
    let until = Instant::now() + GATHER;
    let mut looked_at = 0;
    while came > 0 && jobs.len() < most && jobs.iter().skip(looked_at).all(Job::can_wait) {
        looked_at = jobs.len();
        let room = most - jobs.len();
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

/// Tells everybody that it is lasting. Who has gone away meanwhile is not told.
fn answer(jobs: Vec<Job>, mut together: Together, flow: &Flow) {
    let (mut intakes, mut first) = (together.intakes.into_iter(), together.first.into_iter());
    let (mut turns, mut mail, mut calls) = (together.told_at_gate || together.hits.told, false, false);
    let until = together.asked_at.unwrap_or_else(Instant::now) + gate::GOOD_FOR;
    for job in jobs {
        match job {
            Job::Arrive { done, .. } => {
                turns = true;
                let intakes = intakes.next().unwrap_or_default();
                let _ = done.send(Ok(intakes.into_iter().map(Some).collect()));
            }
            Job::Hit { done, .. } => {
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
