//! What moves everything: takes in what comes, moves contacts whose moment has come, hands messages and calls
//! over, and says to the ledger what became of them.
//!
//! [`Runtime::tick`] is one bounded batch in one transaction; the server calls it in a loop that sleeps until the
//! next moment or until something comes in, tests call it with a clock of their own. All small writes of the many
//! tasks (arrivals, hits, gates, outcomes) go through one [`Writer`], which commits together what came together.

mod alerts;
mod aside;
mod calls;
mod couriers;
mod deploy;
mod experiments;
mod flow;
mod gate;
mod hits;
mod import;
mod learn;
mod ledger;
mod looked;
pub mod made_up;
mod mail;
mod others;
mod outbound;
mod parcel;
mod pulse;
mod setback;
mod spans;
mod story;
#[cfg(test)]
mod testing;
mod tick;
mod why;
mod works;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

pub use calls::CallCenter;
pub use couriers::Couriers;
pub use deploy::{DeployError, Deployed, deploy, load_plans};
pub use flow::Flow;
pub use gate::{Passes, passes_run_out};
pub use hits::MessageHit;
pub use import::{import_row, import_schema};
pub use ledger::{answer_event, message_event};
pub use mail::{MailRoom, SenderReady};
pub use outbound::{Outbound, OutboundError};
pub use parcel::{Letters, ParcelError, TRACKING_TOPIC, planned, post_body};
pub use pulse::{Pulse, Work};
pub use story::{Story, StoryItem, story};
pub use tick::Tick;
pub use why::{Reason, RunReasons, Why, skipped, why};
pub use works::Works;
pub use writer::{Done, Job, Writer, WriterError};

use crate::domain::{Arm, EventId, IdHasher, Learned};
use crate::engine::Plans;
use crate::language::plan::{Expr, Unsure};
use crate::metrics::Metrics;
use crate::store::{NextDue, Store, StoreError};
use crate::time::{Clock, Moment, TimeZone};
use looked::Looked;

/// The store, the plans in force and what else moving contacts needs.
pub struct Runtime {
    store: Arc<dyn Store>,
    plans: RwLock<Arc<Plans>>,
    zone: TimeZone,
    assign: BTreeMap<String, Vec<(String, Expr)>>,
    learned: RwLock<Arc<Learned>>,
    metrics: Metrics,
    arm: Option<Arm>,
    looked: Looked,
    /// Versions of which it was told that they cannot be read.
    unreadable_told: Mutex<BTreeSet<u32>>,
    /// Versions that something is to be done for, and that are not among the plans although these were read anew: one
    /// that is in force cannot be read.
    missing: Mutex<BTreeSet<u32>>,
}

/// How long it is waited before it is looked again where a plan cannot be read: what waits for it hides what is due next.
const WITHOUT_PLAN: Duration = Duration::from_secs(1);

impl Runtime {
    /// A runtime over a store. `zone` is that of contacts without one, `assign` says who gets which leads.
    pub fn new(
        store: Arc<dyn Store>,
        plans: impl Into<Arc<Plans>>,
        zone: TimeZone,
        assign: BTreeMap<String, Vec<(String, Expr)>>,
    ) -> Self {
        Self {
            store,
            plans: RwLock::new(plans.into()),
            zone,
            assign,
            learned: RwLock::default(),
            metrics: Metrics::default(),
            arm: None,
            looked: Looked::default(),
            unreadable_told: Mutex::default(),
            missing: Mutex::default(),
        }
    }

    /// Lets every contact fall to one arm, for tests.
    #[must_use]
    pub fn with_arm(mut self, arm: Arm) -> Self {
        self.arm = Some(arm);
        self
    }

    /// Begins with what contacts have shown together, for tests.
    #[must_use]
    pub fn with_learned(self, learned: Learned) -> Self {
        *self.learned.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(learned);
        self
    }

    /// Where everything is kept.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// What is counted and timed.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The plans in force and those that runs still follow.
    pub fn plans(&self) -> Arc<Plans> {
        Arc::clone(&self.plans.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other plans into force.
    pub fn set_plans(&self, plans: Plans) {
        self.missing().clear();
        *self.plans.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plans);
    }

    /// Reads the plans anew. Where those in force cannot be read, those at hand stay.
    ///
    /// # Errors
    /// When the store fails, or a plan is in force that this program cannot read.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let loaded = load_plans(&*self.store).await;
        match loaded {
            Ok(plans) => {
                self.tell_unreadable(&plans);
                self.set_plans(plans);
            }
            Err(error) => {
                tracing::error!(%error, "the journeys in force could not be read; what they are needed for waits");
                return Err(error);
            }
        }
        Ok(())
    }

    /// Tells of each version that cannot be read, once.
    fn tell_unreadable(&self, plans: &Plans) {
        let mut told = self.unreadable_told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|version| plans.unreadable().contains_key(version));
        for (version, what) in plans.unreadable() {
            if told.insert(*version) {
                tracing::error!(
                    what,
                    "a plan cannot be read: whoever is in it waits, with everything that happens to them, until a \
                    program that can read it works on this database; all others go on"
                );
            }
        }
    }

    /// The plans, read anew where one of these versions is not among them: another process may have put it into force
    /// a moment ago. A version that is not among them even so cannot be read now, and what needs it waits.
    pub async fn plans_with(&self, versions: impl IntoIterator<Item = u32>) -> Arc<Plans> {
        let plans = self.plans();
        let versions: BTreeSet<u32> = versions.into_iter().collect();
        let lacks = |plans: &Plans| {
            let unknown = versions.iter().copied().filter(|version| plans.version(*version).is_none());
            unknown.collect::<BTreeSet<u32>>()
        };
        if lacks(&plans).is_empty() {
            return plans;
        }
        let reloaded = self.reload().await;
        let plans = self.plans();
        if reloaded.is_err_and(|error| !error.is_passing()) {
            self.missing().extend(lacks(&plans));
        }
        plans
    }

    /// Versions that are known not to be readable: what waits for them is left where it is, however much it is.
    pub fn unreadable(&self) -> Vec<u32> {
        let plans = self.plans();
        let known = plans.unreadable().keys().copied();
        known.chain(self.missing().iter().copied()).collect()
    }

    /// Whether something is to be done for a version in force that cannot be read.
    fn lacks_plans(&self) -> bool {
        !self.missing().is_empty()
    }

    fn missing(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether mails whose hand-over nobody can prove are sent once more.
    pub fn sends_again(&self) -> bool {
        self.plans().policy_in_force().is_some_and(|policy| policy.unsure == Unsure::Resend)
    }

    /// How long whoever finds nothing to do waits at the most before looking again. Where other processes do the same
    /// work they tell nobody what they leave, so that is not long, and not for all at once.
    pub fn patience(&self, now: Moment) -> Duration {
        if self.store.is_shared() {
            Duration::from_millis(750 + now.micros().unsigned_abs() % 500)
        } else if !self.unreadable().is_empty() {
            WITHOUT_PLAN
        } else {
            Duration::from_secs(3_600)
        }
    }

    /// When something is due next. Where others do the same work, all look again and again while there is nothing to
    /// do, so one look is for all of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next_due(&self, now: Moment) -> Result<NextDue, StoreError> {
        if !self.store.is_shared() {
            return self.store.read().await?.next_due().await;
        }
        self.looked.next_due(now, async { self.store.read().await?.next_due().await }).await
    }

    /// Has the next who asks what is due look for themselves: moments were set, and are lasting.
    fn look_anew(&self) {
        self.looked.forget();
    }

    /// The zone of contacts without one.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

/// Gives moments of which no two are the same, in the order in which they were asked for: what came first is
/// looked at first, also where a clock stands still or goes back.
#[derive(Debug, Default)]
pub struct Stamps(std::sync::atomic::AtomicI64);

impl Stamps {
    /// The present, or the instant behind the last stamp.
    pub fn next(&self, clock: &dyn Clock) -> Moment {
        use std::sync::atomic::Ordering;
        let now = clock.now().micros();
        let last = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(now.max(last + 1)))
            .unwrap_or_default();
        Moment::from_micros(now.max(last + 1))
    }
}

/// The id of an event that a source names: the same for every repeat. `at` is the moment as the source wrote it.
pub fn event_id(source: &str, name: &str, at: Option<Moment>) -> EventId {
    EventId(IdHasher::new("event").part(source).part(name).finish(at.unwrap_or(Moment::from_seconds(0))))
}
