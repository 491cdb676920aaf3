//! Other processes: what they changed is noticed, what they tell is passed on, and what comes in here they are told.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Runtime;
use super::flow::Flow;
use super::setback::Setback;
use crate::store::{Hold, StoreError, Wake};
use crate::time::Clock;

/// How often it is looked whether another process, such as the command line, has changed something, and how much
/// later at the most, so that not all look together.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const LATER_MICROS: u64 = 250_000;
/// How long others are told nothing after they were told something: telling holds up whoever commits.
const TELL_EVERY: Duration = Duration::from_millis(30);

/// What another process has changed, as far as it was noticed.
pub(super) struct Elsewhere {
    seen: i64,
    held: Option<Hold>,
}

impl Elsewhere {
    /// What others change from now on is noticed.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn new(runtime: &Runtime) -> Result<Self, StoreError> {
        let seen = runtime.store().changes_elsewhere().await?;
        Ok(Self { seen, held: held(runtime).await? })
    }

    /// Looks, and has everything looked at anew that may have been changed; tells whether anything was.
    async fn look(&mut self, runtime: &Runtime, flow: &Flow) -> bool {
        let Ok(seen) = runtime.store().changes_elsewhere().await else { return false };
        if seen == self.seen {
            return false;
        }
        if let Ok(held) = held(runtime).await {
            match &held {
                unchanged if *unchanged == self.held => {}
                Some(Hold { why, .. }) => {
                    tracing::warn!(why, "nothing is handed over from now on: `lotse resume` lets it go on");
                }
                None => tracing::info!("it goes on: what is due is handed over again"),
            }
            self.held = held;
        }
        // Where the plans cannot be read it is looked again.
        let reloaded = runtime.reload().await;
        flow.pulse.read_plans(reloaded.as_ref().err());
        if reloaded.is_ok() {
            self.seen = seen;
        }
        flow.wake(Wake::TURNS.and(Wake::MESSAGES).and(Wake::CALLS));
        true
    }
}

async fn held(runtime: &Runtime) -> Result<Option<Hold>, StoreError> {
    runtime.store().read().await?.held().await
}

/// Looks again and again, and at once when others say that other journeys are in force.
pub(super) async fn look(
    runtime: Arc<Runtime>,
    flow: Arc<Flow>,
    clock: Arc<dyn Clock>,
    mut ending: watch::Receiver<bool>,
    mut elsewhere: Elsewhere,
) {
    while !*ending.borrow() {
        elsewhere.look(&runtime, &flow).await;
        let later = Duration::from_micros(clock.now().micros().unsigned_abs() % LATER_MICROS);
        tokio::select! {
            biased;
            () = flow.plans.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY + later) => {}
            _ = ending.changed() => {}
        }
    }
}

/// Passes on what others tell.
pub(super) async fn hear(runtime: Arc<Runtime>, flow: Arc<Flow>, mut ending: watch::Receiver<bool>) {
    let mut setback = Setback::default();
    while !*ending.borrow() {
        let told = tokio::select! {
            biased;
            told = runtime.store().told() => told,
            _ = ending.changed() => return,
        };
        match told {
            Ok(wake) => {
                setback.is_over();
                flow.wake(wake);
            }
            Err(error) => {
                tracing::warn!(%error, "other processes are not heard; what they leave is looked for");
                let _ = tokio::time::timeout(setback.wait(), ending.wait_for(|ending| *ending)).await;
            }
        }
    }
}

/// Tells others what came in here, at once, and then not again for a while: what comes meanwhile is told together.
pub(super) async fn tell(runtime: Arc<Runtime>, flow: Arc<Flow>, mut ending: watch::Receiver<bool>) {
    while !*ending.borrow() {
        let wake = tokio::select! {
            biased;
            wake = flow.to_tell() => wake,
            _ = ending.changed() => return,
        };
        if let Err(error) = runtime.store().tell(wake).await {
            tracing::debug!(%error, "other processes could not be told what came in: they look for it");
        }
        tokio::time::sleep(TELL_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Plans;
    use crate::store::Store;
    use crate::store::sqlite::SqliteStore;
    use crate::time::{Moment, TimeZone};

    #[tokio::test]
    async fn what_another_process_changes_is_noticed_once() {
        let folder = std::env::temp_dir().join(format!("lotse-others-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("lotse.db");
        let (here, other) =
            (SqliteStore::open(&path).await.unwrap(), SqliteStore::open(&path).await.unwrap());
        here.migrate().await.unwrap();
        let runtime = Runtime::new(Arc::new(here), Plans::default(), TimeZone::UTC, [].into());
        let (flow, mut elsewhere) = (Flow::default(), Elsewhere::new(&runtime).await.unwrap());
        assert!(!elsewhere.look(&runtime, &flow).await);
        let mut unit = other.write().await.unwrap();
        unit.hold("a test", Moment::from_seconds(1)).await.unwrap();
        unit.commit().await.unwrap();
        assert!(elsewhere.look(&runtime, &flow).await);
        flow.turns.notified().await;
        assert!(!elsewhere.look(&runtime, &flow).await);
        drop(runtime);
        let _ = std::fs::remove_dir_all(&folder);
    }

    #[tokio::test]
    async fn what_comes_in_together_is_told_together() {
        let flow = Flow::default();
        flow.due(Wake::TURNS);
        flow.due(Wake::CALLS);
        assert_eq!(flow.to_tell().await, Wake::TURNS.and(Wake::CALLS));
        // What is heard is not told again.
        flow.wake(Wake::MESSAGES);
        flow.due(Wake::TURNS);
        assert_eq!(flow.to_tell().await, Wake::TURNS);
    }
}
