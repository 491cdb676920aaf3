use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::flow::Flow;
use super::others::{self, Elsewhere};
use super::pulse::{WITHOUT_JOURNEY, Work};
use super::setback::Setback;
use super::writer::Writer;
use super::{CallCenter, Couriers, Letters, MailRoom, Outbound, Runtime};
use crate::store::StoreError;
use crate::time::{Clock, Length, Moment, Unit};

/// How many events and timers one tick takes, and how many when there is a backlog.
const TICK: u32 = 1_000;
const TICK_BACKLOG: u32 = 2_000;
/// How long a batch may last where nothing else is written meanwhile: who sends something in, and each mail at its gate,
/// waits for it.
const HOLDS_UP: Duration = Duration::from_millis(100);
/// A smaller batch gains nothing: where the disk itself is slow, it is with few as with many.
const TICK_LEAST: u32 = 500;
/// A batch that failed after this long failed for its size.
const TOO_LONG: Duration = Duration::from_secs(10);
/// How many batches of turns are under way at a time where the database takes several: while one waits for it, the
/// engine is at another.
const BATCHES_SHARED: usize = 2;
/// How often it is looked for what other processes had begun when they ended.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(30);
/// How often it is looked what time it is: the clock may be set, and the machine may sleep.
const LOOK_AT_CLOCK: Duration = Duration::from_millis(500);
/// How long it is waited for contacts that another process is just moving.
const ELSEWHERE: Duration = Duration::from_millis(50);
/// How long it is only looked whether anything is due, before it is tried to do something all the same.
const RESTS: Duration = Duration::from_secs(5);
/// How long whoever was overtaken waits at the most, in microseconds.
const OVERTAKEN_MICROS: u64 = 20_000;
/// How long it is waited before it is looked again for a plan that could not be read.
const WITHOUT_PLAN: Duration = Duration::from_secs(1);
/// How often the counts are looked at for what contacts have shown together.
const LEARN_EVERY: Length = Length::new(15, Unit::Minute);
/// How long what was answered at the end may take to be written.
const WRITING: Duration = Duration::from_secs(10);

/// Everything that runs beside the web: the writer, the scheduler, the mail room, the call center.
pub struct Works {
    /// What moves contacts.
    pub runtime: Arc<Runtime>,
    /// Takes what is to be written.
    pub writer: Writer,
    /// What is going on.
    pub flow: Arc<Flow>,
    ending: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    writing: JoinHandle<()>,
}

impl Works {
    /// Starts working. Messages whose hand-over had begun when the last process ended become unsure first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(
        runtime: Arc<Runtime>,
        outbound: Arc<Outbound>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let now = clock.now();
        recover(&runtime, now).await?;
        let mut works = Self::begin(runtime, Arc::clone(&clock)).await?;
        let does = [Some(Work::Turns), outbound.route.as_ref().map(|_| Work::Mails)];
        for work in does.into_iter().flatten().chain([Work::OverHttp, Work::Calls]) {
            works.flow.pulse.begin(work, now);
        }
        works.work(&outbound, clock);
        Ok(works)
    }

    /// Starts only what a process for the web needs: it moves no contacts and hands nothing over, but tells those who
    /// do what came in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start_for_web(runtime: Arc<Runtime>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let mut works = Self::begin(runtime, clock).await?;
        let telling =
            others::tell(Arc::clone(&works.runtime), Arc::clone(&works.flow), works.ending.subscribe());
        works.tasks.push(tokio::spawn(telling));
        Ok(works)
    }

    /// What every process does: it writes, and notices what others do.
    async fn begin(runtime: Arc<Runtime>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let flow = Arc::new(Flow::default());
        let (writer, writing) = Writer::start(Arc::clone(&runtime), Arc::clone(&clock), Arc::clone(&flow));
        let (ending, ended) = watch::channel(false);
        // Asked before anybody looks at what is due, so that what others change from then on is noticed.
        let elsewhere = Elsewhere::new(&runtime).await?;
        // What was changed between the plans at hand and that question would never be noticed.
        runtime.reload().await?;
        let looking = others::look(Arc::clone(&runtime), Arc::clone(&flow), clock, ended.clone(), elsewhere);
        let hearing = others::hear(Arc::clone(&runtime), Arc::clone(&flow), ended);
        let tasks = vec![tokio::spawn(looking), tokio::spawn(hearing)];
        Ok(Self { runtime, writer, flow, ending, tasks, writing })
    }

    /// Starts what moves contacts and hands over.
    fn work(&mut self, outbound: &Arc<Outbound>, clock: Arc<dyn Clock>) {
        let Self { runtime, writer, flow, ending, tasks, .. } = self;
        let batches = if runtime.store().is_shared() { BATCHES_SHARED } else { 1 };
        for _ in 0..batches {
            tasks.push(tokio::spawn(schedule(
                Arc::clone(runtime),
                Arc::clone(flow),
                Arc::clone(&clock),
                ending.subscribe(),
            )));
        }
        if runtime.store().is_shared() {
            let over =
                take_over(Arc::clone(runtime), Arc::clone(flow), Arc::clone(&clock), ending.subscribe());
            tasks.push(tokio::spawn(over));
        }
        if let Some(route) = &outbound.route {
            let letters = Arc::new(Letters::new(Arc::clone(outbound), runtime.zone().clone()));
            let room = MailRoom::new(
                Arc::clone(runtime),
                letters,
                Arc::clone(route),
                writer.clone(),
                Arc::clone(flow),
                Arc::clone(&clock),
                outbound.connections,
            );
            tasks.extend(room.start(ending.subscribe()));
        }
        let couriers = Couriers::new(
            Arc::clone(runtime),
            Arc::clone(outbound),
            writer.clone(),
            Arc::clone(flow),
            Arc::clone(&clock),
        );
        tasks.push(couriers.start(ending.subscribe()));
        let center = CallCenter::new(
            Arc::clone(runtime),
            Arc::clone(outbound),
            writer.clone(),
            Arc::clone(flow),
            clock,
        );
        tasks.push(center.start(ending.subscribe()));
    }

    /// Begins nothing new from now on.
    pub fn begin_to_end(&self) {
        let _ = self.ending.send(true);
    }

    /// Ends: begins nothing new, carries to its end what has begun within `grace`, writes what is to be written. What
    /// takes longer is let go: calls are made again after the next start, messages that were being handed over become
    /// unsure there.
    pub async fn end(mut self, grace: Duration) {
        self.begin_to_end();
        let all = async {
            for task in &mut self.tasks {
                let _ = task.await;
            }
        };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!(
                "some hand-overs took too long and are let go: the next start finds them, \
                messages whose text was on its way become unsure"
            );
            for task in &self.tasks {
                task.abort();
            }
        }
        drop(self.writer);
        let mut writing = self.writing;
        if tokio::time::timeout(WRITING, &mut writing).await.is_err() {
            tracing::error!("the database took nothing any more: what was answered last is not written down");
            writing.abort();
        }
    }
}

/// Messages whose hand-over a process began that is no more become unsure, and are sent once more where the policy says
/// so.
async fn recover(runtime: &Runtime, now: Moment) -> Result<(), StoreError> {
    let mut unit = runtime.store().write().await?;
    let unsure = unit.recover(now).await?;
    let again = if runtime.sends_again() { unit.resend(now).await? } else { 0 };
    unit.commit().await?;
    if again > 0 {
        tracing::warn!(
            messages = again,
            "the program ended while these were handed over: they are sent again"
        );
    }
    if unsure > again {
        tracing::warn!(
            messages = unsure - again,
            "the program ended while these were handed over: nobody knows \
            whether they were taken; `lotse deliveries list` shows them"
        );
    }
    Ok(())
}

/// Takes over, again and again, what other processes had begun when they ended.
async fn take_over(
    runtime: Arc<Runtime>,
    flow: Arc<Flow>,
    clock: Arc<dyn Clock>,
    mut ending: watch::Receiver<bool>,
) {
    while tokio::time::timeout(TAKE_OVER_EVERY, ending.wait_for(|ending| *ending)).await.is_err() {
        match recover(&runtime, clock.now()).await {
            Ok(()) => flow.messages_due(),
            Err(error) => tracing::error!(%error, "what other processes left could not be looked for"),
        }
    }
}

/// Moves contacts whenever there is something to do, and sleeps in between until the next moment.
async fn schedule(
    runtime: Arc<Runtime>,
    flow: Arc<Flow>,
    clock: Arc<dyn Clock>,
    mut ending: watch::Receiver<bool>,
) {
    let mut limit = TICK;
    // How many contacts a batch takes at the most: fewer where that lasted too long.
    let mut most = TICK_BACKLOG;
    let mut learned_at = Moment::MIN;
    let mut setback = Setback::default();
    while !*ending.borrow() {
        let now = clock.now();
        // Also where the clock was set back.
        if now < learned_at || now >= LEARN_EVERY.after(learned_at, runtime.zone()) {
            learned_at = now;
            if let Err(error) = runtime.learn(learned_at).await {
                tracing::error!(%error, "what contacts have shown together could not be read");
            }
        }
        let begun = clock.now();
        let span =
            tracing::debug_span!("tick", events = Empty, timers = Empty, messages = Empty, calls = Empty);
        match runtime.tick(begun, limit).instrument(span.clone()).await {
            Ok(tick) => {
                span.record("events", tick.events).record("timers", tick.timers);
                span.record("messages", tick.messages).record("calls", tick.calls);
                let ended = clock.now();
                setback.is_over();
                if tick.left > 0 && tick.steps == 0 {
                    flow.pulse.stands(Work::Turns, WITHOUT_JOURNEY);
                } else {
                    flow.pulse.moved(Work::Turns, ended);
                }
                if tick.events + tick.timers > 0 {
                    flow.pulse.wrote();
                    runtime.metrics().turn_batches.observe_micros(ended.micros_since(begun));
                }
                if tick.messages > 0 {
                    flow.messages_due();
                }
                if tick.calls > 0 {
                    flow.calls.notify_one();
                }
                // One that was not full says nothing of how long one takes that is.
                if tick.more {
                    let took = Duration::from_micros(ended.micros_since(begun).unsigned_abs());
                    most = next_most(most, took, runtime.store().is_shared());
                }
                if tick.left > 0 {
                    pause(WITHOUT_PLAN, &mut ending).await;
                    continue;
                }
                if tick.more {
                    limit = most;
                    continue;
                }
                limit = TICK.min(most);
            }
            // Others do the same work: whoever came second does it again.
            Err(error @ (StoreError::Overtaken | StoreError::Busy)) if runtime.store().is_shared() => {
                runtime.metrics().turns_overtaken.add(1);
                let now = clock.now();
                flow.pulse.stands(Work::Turns, &error);
                flow.pulse.write_failed(&error, now);
                tracing::debug!(%error, "another process was ahead");
                // A statement that takes too long ends in the same way, and would again.
                if Duration::from_micros(now.micros_since(begun).unsigned_abs()) >= TOO_LONG {
                    most = (limit / 2).max(1);
                    limit = most;
                    tracing::warn!(%error, limit, "a batch of turns took too long: the next is smaller");
                }
                tokio::time::sleep(Duration::from_micros(now.micros().unsigned_abs() % OVERTAKEN_MICROS))
                    .await;
                continue;
            }
            Err(error) => {
                runtime.metrics().turn_failures.add(1);
                flow.pulse.stands(Work::Turns, &error);
                flow.pulse.write_failed(&error, clock.now());
                tracing::error!(%error, "contacts could not be moved; it is tried again");
                pause(setback.wait(), &mut ending).await;
                continue;
            }
        }
        rest(&runtime, &flow, &*clock, &mut ending).await;
    }
}

/// How many contacts the next batch takes at the most.
fn next_most(most: u32, took: Duration, is_shared: bool) -> u32 {
    if !is_shared && took > HOLDS_UP {
        (most / 2).max(TICK_LEAST)
    } else if is_shared || took < HOLDS_UP / 2 {
        (most * 2).min(TICK_BACKLOG)
    } else {
        most
    }
}

/// Waits after a failure, unless it ends.
async fn pause(wait: Duration, ending: &mut watch::Receiver<bool>) {
    let _ = tokio::time::timeout(wait, ending.wait_for(|ending| *ending)).await;
}

/// Waits until there is something to do.
async fn rest(runtime: &Runtime, flow: &Flow, clock: &dyn Clock, ending: &mut watch::Receiver<bool>) {
    let is_shared = runtime.store().is_shared();
    let begun = clock.now();
    loop {
        let Ok(next) = runtime.next_due(clock.now()).await else { return };
        let looked = clock.now();
        let patience = runtime.patience(looked);
        loop {
            let until =
                next.turns.map_or(Duration::MAX, |next| Duration::from_micros(clock.micros_until(next)));
            let is_due = until.is_zero();
            if is_due && !is_shared {
                return;
            }
            // What is due and was not taken just now, another process is at.
            let wait = if is_due { ELSEWHERE } else { until.min(LOOK_AT_CLOCK) };
            tokio::select! {
                // In a fixed order, so that a simulation can be played again.
                biased;
                () = flow.turns.notified() => return,
                _ = ending.changed() => return,
                () = tokio::time::sleep(wait) => {}
            }
            if is_due {
                return;
            }
            if has_gone_by(looked, patience, clock) {
                if !is_shared || has_gone_by(begun, RESTS, clock) {
                    return;
                }
                break;
            }
        }
    }
}

/// Whether so long ago is past; the clock may have been set back.
fn has_gone_by(since: Moment, length: Duration, clock: &dyn Clock) -> bool {
    Duration::from_micros(clock.now().micros_since(since).unsigned_abs()) >= length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_holds_up_others_is_followed_by_a_smaller_one() {
        for (most, millis, is_shared, expected) in [
            (2_000, 400, false, 1_000),
            (700, 400, false, 500),
            (500, 9_000, false, 500),
            (500, 80, false, 500),
            (500, 20, false, 1_000),
            (2_000, 20, false, 2_000),
            // Nobody waits for it there.
            (500, 400, true, 1_000),
        ] {
            let took = Duration::from_millis(millis);
            assert_eq!(next_most(most, took, is_shared), expected, "{most} in {millis} ms");
        }
    }
}
