use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::writer::{Flow, Writer};
use super::{CallCenter, Couriers, Letters, MailRoom, Outbound, Runtime, load_plans};
use crate::store::StoreError;
use crate::time::{Clock, Length, Moment, Unit};

/// How many events and timers one tick takes, and how many when there is a backlog.
const TICK: u32 = 1_000;
const TICK_BACKLOG: u32 = 4_000;
/// How often it is looked whether another process, such as the command line, has changed something.
const LOOK_ELSEWHERE: Duration = Duration::from_millis(500);
/// How often it is looked for what other processes had begun when they ended.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(30);
/// How long it is waited for contacts that another process is just moving.
const ELSEWHERE: Duration = Duration::from_millis(50);
/// How often the counts are looked at for what contacts have shown together.
const LEARN_EVERY: Length = Length::new(15, Unit::Minute);
/// How long what was answered at the end may take to be written.
const WRITING: Duration = Duration::from_secs(10);
/// How long the works wait after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

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
        let flow = Arc::new(Flow::default());
        flow.pulse.begin(now);
        let (writer, writing) = Writer::start(Arc::clone(&runtime), Arc::clone(&clock), Arc::clone(&flow));
        let (ending, ended) = watch::channel(false);
        // Asked before anybody looks at what is due, so that what others change from then on is noticed.
        let elsewhere = runtime.store().changes_elsewhere().await?;
        let mut tasks = vec![tokio::spawn(schedule(
            Arc::clone(&runtime),
            Arc::clone(&flow),
            Arc::clone(&clock),
            ended.clone(),
            elsewhere,
        ))];
        if runtime.store().is_shared() {
            let over = take_over(Arc::clone(&runtime), Arc::clone(&flow), Arc::clone(&clock), ended.clone());
            tasks.push(tokio::spawn(over));
        }
        if let Some(route) = &outbound.route {
            let letters = Arc::new(Letters::new(Arc::clone(&outbound), runtime.zone().clone()));
            let room = MailRoom::new(
                Arc::clone(&runtime),
                letters,
                route.clone(),
                writer.clone(),
                Arc::clone(&flow),
                Arc::clone(&clock),
                outbound.connections,
            );
            tasks.extend(room.start(ended.clone()));
        }
        let couriers = Couriers::new(
            Arc::clone(&runtime),
            Arc::clone(&outbound),
            writer.clone(),
            Arc::clone(&flow),
            Arc::clone(&clock),
        );
        tasks.push(couriers.start(ended.clone()));
        let center =
            CallCenter::new(Arc::clone(&runtime), outbound, writer.clone(), Arc::clone(&flow), clock);
        tasks.push(center.start(ended));
        Ok(Self { runtime, writer, flow, ending, tasks, writing })
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
    elsewhere: i64,
) {
    let mut limit = TICK;
    let mut elsewhere = Elsewhere { seen: elsewhere, looked_at: clock.now() };
    let mut learned_at = Moment::MIN;
    while !*ending.borrow() {
        if clock.now() >= LEARN_EVERY.after(learned_at, runtime.zone()) {
            learned_at = clock.now();
            if let Err(error) = runtime.learn(learned_at).await {
                tracing::error!(%error, "what contacts have shown together could not be read");
            }
        }
        elsewhere.look(&runtime, &flow, clock.now()).await;
        let begun = clock.now();
        let span =
            tracing::debug_span!("tick", events = Empty, timers = Empty, messages = Empty, calls = Empty);
        match runtime.tick(begun, limit).instrument(span.clone()).await {
            Ok(tick) => {
                span.record("events", tick.events).record("timers", tick.timers);
                span.record("messages", tick.messages).record("calls", tick.calls);
                let ended = clock.now();
                flow.pulse.moved(ended);
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
                if tick.more {
                    limit = TICK_BACKLOG;
                    continue;
                }
                limit = TICK;
            }
            Err(error) => {
                runtime.metrics().turn_failures.add(1);
                flow.pulse.move_failed(&error, clock.now());
                tracing::error!(%error, "contacts could not be moved; it is tried again");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        }
        rest(&runtime, &flow, &*clock, &mut ending, &mut elsewhere).await;
    }
}

/// Waits until there is something to do.
async fn rest(
    runtime: &Runtime,
    flow: &Flow,
    clock: &dyn Clock,
    ending: &mut watch::Receiver<bool>,
    elsewhere: &mut Elsewhere,
) {
    let next = match runtime.store().read().await {
        Ok(mut unit) => unit.next_due().await.map(|due| due.turns),
        Err(error) => Err(error),
    };
    let Ok(next) = next else { return };
    let patience = runtime.patience(clock.now());
    let shared = runtime.store().is_shared();
    let begun = clock.now();
    loop {
        let until = next.map_or(Duration::MAX, |next| Duration::from_micros(clock.micros_until(next)));
        let passed = Duration::from_micros(clock.now().micros_since(begun).unsigned_abs());
        let is_due = until.is_zero();
        if is_due && !shared || passed >= patience {
            return;
        }
        // What is due and was not taken just now, another process is at.
        let wait = if is_due { ELSEWHERE } else { until.min(LOOK_ELSEWHERE) };
        tokio::select! {
            () = flow.turns.notified() => return,
            _ = ending.changed() => return,
            () = tokio::time::sleep(wait) => {}
        }
        if is_due {
            return;
        }
        if elsewhere.look(runtime, flow, clock.now()).await {
            return;
        }
    }
}

/// What another process, such as the command line, has changed, as far as it was noticed.
struct Elsewhere {
    seen: i64,
    looked_at: Moment,
}

impl Elsewhere {
    /// Looks, where it has not for a while, and has everything looked at anew that may have been changed; tells
    /// whether anything was.
    async fn look(&mut self, runtime: &Runtime, flow: &Flow, now: Moment) -> bool {
        let passed = u64::try_from(now.micros_since(self.looked_at)).unwrap_or(u64::MAX);
        if Duration::from_micros(passed) < LOOK_ELSEWHERE {
            return false;
        }
        self.looked_at = now;
        let Ok(seen) = runtime.store().changes_elsewhere().await else { return false };
        if std::mem::replace(&mut self.seen, seen) == seen {
            return false;
        }
        if let Ok(plans) = load_plans(&**runtime.store()).await {
            runtime.set_plans(plans);
        }
        flow.messages_due();
        flow.calls.notify_one();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Plans;
    use crate::store::Store;
    use crate::store::sqlite::SqliteStore;
    use crate::time::TimeZone;

    #[tokio::test]
    async fn what_changes_elsewhere_is_noticed_however_busy_it_is_here() {
        let folder = std::env::temp_dir().join(format!("lotse-works-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("lotse.db");
        let (here, other) =
            (SqliteStore::open(&path).await.unwrap(), SqliteStore::open(&path).await.unwrap());
        here.migrate().await.unwrap();
        let runtime = Runtime::new(Arc::new(here), Plans::default(), TimeZone::UTC, [].into());
        let at = |millis: i64| Moment::from_micros(millis * 1_000);
        let seen = runtime.store().changes_elsewhere().await.unwrap();
        let (flow, mut elsewhere) = (Flow::default(), Elsewhere { seen, looked_at: at(0) });
        let mut unit = other.write().await.unwrap();
        unit.hold("a test", at(1)).await.unwrap();
        unit.commit().await.unwrap();
        assert!(!elsewhere.look(&runtime, &flow, at(499)).await, "it is not asked for at every tick");
        assert!(elsewhere.look(&runtime, &flow, at(500)).await);
        assert!(!elsewhere.look(&runtime, &flow, at(1_000)).await);
        drop(runtime);
        let _ = std::fs::remove_dir_all(&folder);
    }
}
