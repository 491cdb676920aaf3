mod alone;
mod apart;
mod job;
mod together;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Runtime;
use super::flow::Flow;
use super::gate::{self, Passes};
use super::hits::{MessageHit, Recent};
use super::setback::Setback;
use crate::metrics::Metrics;
use crate::store::{Intake, StoreError, Wake};
use crate::time::{Clock, Moment};
use alone::Alone;
use job::refuse;
pub use job::{Done, Job};
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
        alone: Alone::default(),
        most: TOGETHER_MAX,
        setback: Setback::default(),
    };
    let mut again = Duration::ZERO;
    loop {
        let came = match desk.alone.next() {
            _ if !desk.kept.is_empty() => {
                let waited = tokio::time::timeout(again, receiver.recv_many(&mut jobs, desk.most)).await;
                waited.unwrap_or(usize::MAX)
            }
            // What has come by then is among the jobs.
            Some(next) => {
                let waited = tokio::time::timeout_at(next, gather(&mut receiver, &mut jobs, desk.most)).await;
                waited.unwrap_or(usize::MAX)
            }
            None => gather(&mut receiver, &mut jobs, desk.most).await,
        };
        if came == 0 {
            if desk.kept.is_empty() {
                return desk.end().await;
            }
            // Nobody gives anything any more.
            tokio::time::sleep(again).await;
        }
        let kept = desk.kept.len().min(desk.most);
        let mut together: Vec<Job> = desk.kept.drain(..kept).collect();
        together.append(&mut jobs);
        if !together.is_empty() {
            again = desk.write(together).await;
        }
        if desk.alone.next().is_some_and(|next| next <= Instant::now()) {
            desk.try_alone().await;
        }
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
    /// What of it could not be written though everything else could.
    alone: Alone,
    /// How much of what is kept, and how much that is new, is tried together: less each time it fails.
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
                    Err(part) => failed |= self.singled_out(part, now, &error),
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
        self.recent.see(&hits(&jobs), now);
        self.recent.remember(std::mem::take(&mut answers.hits.lasting), now);
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
            let goes = too_many > 0 && job.can_be_forgotten();
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
                let goes =
                    messages.iter().map(|(asked, _)| together.goes.remove(&asked.key).unwrap_or(false));
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
