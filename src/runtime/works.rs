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
use super::{CallCenter, Couriers, Letters, MailRoom, Outbound, Runtime, Tick, WITHOUT_PLAN};
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
    let mut size = BatchSize::default();
    let is_shared = runtime.store().is_shared();
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
        match runtime.tick(begun, size.limit).instrument(span.clone()).await {
            Ok(tick) => {
                span.record("events", tick.events).record("timers", tick.timers);
                span.record("messages", tick.messages).record("calls", tick.calls);
                setback.is_over();
                let took = tell(&tick, &runtime, &flow, begun, clock.now());
                size.learn(tick.more, took, is_shared);
                if tick.left > 0 {
                    pause(WITHOUT_PLAN, &mut ending).await;
                    continue;
                }
                if tick.more {
                    continue;
                }
            }
            // Others do the same work: whoever came second does it again.
            Err(error @ (StoreError::Overtaken | StoreError::Busy)) if is_shared => {
                runtime.metrics().turns_overtaken.add(1);
                let now = clock.now();
                flow.pulse.stands(Work::Turns, &error);
                flow.pulse.write_failed(&error, now);
                tracing::debug!(%error, "another process was ahead");
                // A statement that takes too long ends in the same way, and would again.
                if between(begun, now) >= TOO_LONG {
                    size.halve();
                    let limit = size.limit;
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

/// Tells what a batch has led to, and gives how long it took.
fn tell(tick: &Tick, runtime: &Runtime, flow: &Flow, begun: Moment, ended: Moment) -> Duration {
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
    between(begun, ended)
}

/// How many contacts a batch of turns takes.
struct BatchSize {
    /// The next one.
    limit: u32,
    /// Any: fewer where that lasted too long.
    most: u32,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { limit: TICK, most: TICK_BACKLOG }
    }
}

impl BatchSize {
    /// Takes into account how long a batch took. One that was not full says nothing of how long one takes that is.
    fn learn(&mut self, was_full: bool, took: Duration, is_shared: bool) {
        if !was_full {
            self.limit = TICK.min(self.most);
            return;
        }
        if !is_shared && took > HOLDS_UP {
            // One that is small already, for it took too long, does not become larger by this.
            self.most = (self.most / 2).max(TICK_LEAST.min(self.most));
        } else if is_shared || took < HOLDS_UP / 2 {
            self.most = (self.most * 2).min(TICK_BACKLOG);
        }
        self.limit = self.most;
    }

    /// The last batch failed for its size.
    fn halve(&mut self) {
        self.most = (self.limit / 2).max(1);
        self.limit = self.most;
    }
}

/// How long lies between two moments; the clock may have been set back.
fn between(earlier: Moment, later: Moment) -> Duration {
    Duration::from_micros(later.micros_since(earlier).unsigned_abs())
}

/// Waits after a failure, unless it ends.
async fn pause(wait: Duration, ending: &mut watch::Receiver<bool>) {
    let _ = tokio::time::timeout(wait, ending.wait_for(|ending| *ending)).await;
}

/// Waits until there is something to do.
async fn rest(runtime: &Runtime, flow: &Flow, clock: &dyn Clock, ending: &mut watch::Receiver<bool>) {
    let is_shared = runtime.store().is_shared();
    let begun = clock.now();
    // Another process may have found work that this one does not know of.
    let longest = || if is_shared { RESTS } else { runtime.patience(begun) };
    let mut next = None;
    // Long enough ago that it is looked at once.
    let mut looked = None;
    loop {
        let now = clock.now();
        if looked.is_none_or(|looked| between(looked, now) >= runtime.patience(looked)) {
            let Ok(due) = runtime.next_due(now).await else { return };
            (next, looked) = (due.turns, Some(now));
        }
        let until = next.map_or(Duration::MAX, |next| Duration::from_micros(clock.micros_until(next)));
        let is_due = until.is_zero();
        let waits_for_plan = !runtime.plans().unreadable().is_empty();
        if is_due && !is_shared && !waits_for_plan {
            return;
        }
        // What is due and was not taken just now, another process is at, or it waits for a plan that cannot be read.
        let wait = match is_due {
            true if waits_for_plan => WITHOUT_PLAN,
            true => ELSEWHERE,
            false => until.min(LOOK_AT_CLOCK),
        };
        tokio::select! {
            // In a fixed order, so that a simulation can be played again.
            biased;
            () = flow.turns.notified() => return,
            _ = ending.changed() => return,
            () = tokio::time::sleep(wait) => {}
        }
        if is_due || between(begun, clock.now()) >= longest() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_holds_up_others_is_followed_by_a_smaller_one() {
        for (most, millis, is_shared, expected) in [
            // It failed for its size before.
            (80, 400, false, 80),
            (2_000, 400, false, 1_000),
            (700, 400, false, 500),
            (500, 9_000, false, 500),
            (500, 80, false, 500),
            (500, 20, false, 1_000),
            (2_000, 20, false, 2_000),
            // Nobody waits for it there.
            (500, 400, true, 1_000),
        ] {
            let mut size = BatchSize { limit: most, most };
            size.learn(true, Duration::from_millis(millis), is_shared);
            assert_eq!(size.limit, expected, "{most} in {millis} ms");
            size.learn(false, Duration::ZERO, is_shared);
            assert_eq!(size.most, expected, "what was not full says nothing");
        }
    }

    #[test]
    fn a_batch_that_failed_for_its_size_is_halved() {
        let mut size = BatchSize::default();
        size.halve();
        assert_eq!((size.limit, size.most), (TICK / 2, TICK / 2));
        (0..20).for_each(|_| size.halve());
        assert_eq!(size.limit, 1);
    }
}
