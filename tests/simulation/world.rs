//! What outlives every process: chance, the sinks, what was promised to whom, and the order in which it happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use lotse::domain::{CallId, EventId, MessageId};
use lotse::runtime::Stamps;
use lotse::store::StoreError;
use lotse::time::{Clock, Moment};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::breaks::Broken;
use super::chance::Chance;

/// How often things go wrong, in thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// A statement or a begin fails.
    pub before: u64,
    /// A commit fails, and nothing was committed.
    pub commit_before: u64,
    /// A commit fails, and everything was committed.
    pub commit_after: u64,
    /// The store is slow.
    pub slow: u64,
    /// Somebody else's system does something other than take what it is given.
    pub outside: u64,
    /// A process stops with what it has just taken, or committed.
    pub stall: u64,
}

pub struct World {
    chance: Mutex<Chance>,
    /// Whether nothing goes wrong any more.
    calm: AtomicBool,
    faults: Faults,
    /// What the store does not keep to.
    pub broken: Option<Broken>,
    /// Until when the store is unreachable.
    pub down_until: AtomicI64,
    /// The content of some message begins to go.
    pub begins: Notify,
    order: AtomicU64,
    known: Mutex<Known>,
    trace: Mutex<Trace>,
}

/// What the outside knows.
#[derive(Default)]
pub struct Known {
    /// When the content of a message began to go, in the order of the world.
    pub begun: Vec<(u64, MessageId)>,
    /// How often the mail server, or the system of another channel, has taken a message.
    pub taken: BTreeMap<MessageId, u32>,
    /// How often a receiver has taken a call.
    pub called: BTreeMap<CallId, u32>,
    /// Leads that sales have and have not answered.
    pub leads: BTreeSet<CallId>,
    /// Events that were answered for, with who they are about and the journey they may lead into.
    pub acknowledged: Vec<(EventId, String, Option<WayIn>)>,
    /// Decisions: about whom, whether it allows, when it was asked for and when it was answered for.
    pub decisions: Vec<Decided>,
    /// What somebody had tried again by hand.
    pub by_hand: BTreeSet<uuid::Uuid>,
}

/// A journey, and the key of the run that an event may lead to.
pub type WayIn = (&'static str, String);

pub struct Decided {
    pub who: String,
    pub allowed: bool,
    pub asked: u64,
    pub answered: Option<u64>,
}

/// What happened: all of it as a number, the last of it in words.
#[derive(Default)]
struct Trace {
    sum: u64,
    lines: Vec<String>,
}

/// How many lines of a trace are kept.
const LINES_MAX: usize = 400;

impl World {
    pub fn new(chance: Chance, faults: Faults, broken: Option<Broken>) -> Self {
        Self {
            chance: Mutex::new(chance),
            calm: AtomicBool::new(false),
            faults,
            broken,
            down_until: AtomicI64::new(i64::MIN),
            begins: Notify::new(),
            order: AtomicU64::new(1),
            known: Mutex::default(),
            trace: Mutex::default(),
        }
    }

    pub fn chance(&self) -> MutexGuard<'_, Chance> {
        self.chance.lock().unwrap()
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }

    /// The place of what happens now in the order of everything.
    pub fn order(&self) -> u64 {
        self.order.fetch_add(1, Ordering::SeqCst)
    }

    pub fn faults(&self) -> Option<Faults> {
        (!self.calm.load(Ordering::SeqCst)).then_some(self.faults)
    }

    pub fn calm_down(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    /// The content of a message begins to go: nobody can stop it any more.
    pub fn begin(&self, id: MessageId) {
        let order = self.order();
        self.known().begun.push((order, id));
        self.begins.notify_waiters();
    }

    pub fn note(&self, line: impl FnOnce() -> String) {
        let line = line();
        let mut trace = self.trace.lock().unwrap();
        for byte in line.bytes() {
            trace.sum = (trace.sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if trace.lines.len() >= 2 * LINES_MAX {
            trace.lines.drain(..LINES_MAX);
        }
        trace.lines.push(line);
    }

    /// A number that is the same for the same trace.
    pub fn sum(&self) -> u64 {
        self.trace.lock().unwrap().sum
    }

    /// The last of what happened.
    pub fn last(&self) -> Vec<String> {
        self.trace.lock().unwrap().lines.clone()
    }
}

/// One process, from its start to its end or its crash.
pub struct Life {
    pub clock: Arc<SimulatedClock>,
    /// Until when this process alone cannot reach the store.
    pub cut_until: AtomicI64,
    /// How many steps it still takes.
    fuse: AtomicI64,
    is_over: AtomicBool,
    died: Notify,
    /// How often it may still stop for a while.
    stalls: AtomicU64,
    /// Whether it stands still: whatever it does next waits.
    stalled: watch::Sender<bool>,
    stamps: Stamps,
}

impl Life {
    pub fn new(clock: Arc<SimulatedClock>, steps: Option<u64>) -> Self {
        let fuse = AtomicI64::new(steps.map_or(i64::MAX, |steps| i64::try_from(steps).unwrap()));
        Self {
            clock,
            cut_until: AtomicI64::new(i64::MIN),
            fuse,
            is_over: AtomicBool::new(false),
            died: Notify::new(),
            stalls: AtomicU64::new(0),
            stalled: watch::Sender::default(),
            stamps: Stamps::default(),
        }
    }

    /// A place where the process may end for good: nothing behind it happens then.
    pub async fn step(&self) {
        if *self.stalled.borrow() {
            self.wait_until(false).await;
        }
        if !self.is_over.load(Ordering::SeqCst) {
            if self.fuse.fetch_sub(1, Ordering::SeqCst) > 1 {
                return;
            }
            self.is_over.store(true, Ordering::SeqCst);
            self.died.notify_one();
        }
        std::future::pending::<()>().await;
    }

    /// A moment for what comes in now; no two are the same.
    pub fn stamp(&self) -> Moment {
        self.stamps.next(&*self.clock)
    }

    pub async fn died(&self) {
        self.died.notified().await;
    }

    /// Lets it stop so many times for a while.
    pub fn may_stall(&self, times: u64) {
        self.stalls.store(times, Ordering::SeqCst);
    }

    /// A place where the process may stop for a while.
    pub async fn stall(&self, happens: impl FnOnce() -> bool) {
        let left = self.stalls.load(Ordering::SeqCst);
        if left > 0 && !*self.stalled.borrow() && happens() {
            self.stalls.store(left - 1, Ordering::SeqCst);
            self.stalled.send_replace(true);
        }
        self.step().await;
    }

    /// Waits until it stands still, or goes on.
    pub async fn wait_until(&self, stalled: bool) {
        let _ = self.stalled.subscribe().wait_for(|is_stalled| *is_stalled == stalled).await;
    }

    pub fn go_on(&self) {
        self.stalled.send_replace(false);
    }
}

/// A clock that runs some hundred times as fast as the runtime's, and jumps.
pub struct SimulatedClock {
    started: Instant,
    base: AtomicI64,
    factor: i64,
}

impl SimulatedClock {
    pub fn new(now: Moment, factor: i64) -> Self {
        Self { started: Instant::now(), base: AtomicI64::new(now.micros()), factor }
    }

    pub fn jump(&self, micros: i64) {
        self.base.fetch_add(micros, Ordering::SeqCst);
    }

    pub async fn sleep_until(&self, moment: Moment) {
        loop {
            let micros = self.micros_until(moment);
            if micros == 0 {
                return;
            }
            // Not all at once: the clock may jump meanwhile.
            tokio::time::sleep(Duration::from_micros(micros.min(1_000_000))).await;
        }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Moment {
        let passed = i64::try_from(self.started.elapsed().as_micros()).unwrap();
        Moment::from_micros(self.base.load(Ordering::SeqCst) + passed * self.factor)
    }

    fn micros_until(&self, moment: Moment) -> u64 {
        let ahead = moment.micros_since(self.now());
        u64::try_from(ahead).map_or(0, |ahead| ahead.div_ceil(self.factor.unsigned_abs()))
    }
}

/// What a store says that fails.
pub fn failure(chance: &mut Chance) -> StoreError {
    match chance.below(3) {
        0 => StoreError::Busy,
        1 => StoreError::DiskFull,
        _ => StoreError::Unreachable {
            database: "simulated".to_owned(),
            why: "the connection was lost".to_owned(),
        },
    }
}
