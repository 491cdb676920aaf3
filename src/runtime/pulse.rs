use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::store::StoreError;
use crate::time::Moment;

/// For how long a failure says that nothing can be written. Whoever asks sends no requests meanwhile, so that nothing
/// might be tried; after that there are requests again, and it shows.
const FAILURE_COUNTS_MICROS: i64 = 30 * 1_000_000;

/// Why what follows a version stands whose plan is not at hand.
pub(super) const WITHOUT_JOURNEY: &str = "the journey that it belongs to cannot be read";

/// Work that is due at moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Moving contacts.
    Turns,
    /// Handing mails over.
    Mails,
    /// Handing messages of other channels over.
    OverHttp,
    /// Making calls and handing leads off.
    Calls,
}

/// Whether the work of this process moves, for those who ask from outside.
#[derive(Debug, Default)]
pub struct Pulse {
    turns: Beat,
    mails: Beat,
    over_http: Beat,
    calls: Beat,
    /// When and why something could not be written the last time, where nothing was written since.
    unwritten: Mutex<Option<(Moment, String)>>,
    /// What cannot be written though everything else can be, and why.
    unwritten_alone: Mutex<Option<String>>,
    /// Why the journeys that others put into force could not be read the last time.
    unread: Mutex<Option<String>>,
}

/// Whether work of one kind moves.
#[derive(Debug, Default)]
struct Beat {
    /// When some was done last, or none was there to be done; in microseconds since 1970, zero where nobody does it in
    /// this process.
    moved_at: AtomicI64,
    /// Why it could not be done the last time.
    stuck: Mutex<Option<String>>,
}

impl Pulse {
    fn beat(&self, work: Work) -> &Beat {
        match work {
            Work::Turns => &self.turns,
            Work::Mails => &self.mails,
            Work::OverHttp => &self.over_http,
            Work::Calls => &self.calls,
        }
    }

    /// Such work is done in this process from now on.
    pub fn begin(&self, work: Work, now: Moment) {
        self.beat(work).moved_at.store(now.micros(), Ordering::SeqCst);
    }

    /// Some was done, or there was none; or it is known to wait for somebody outside.
    pub fn moved(&self, work: Work, now: Moment) {
        self.begin(work, now);
        *lock(&self.beat(work).stuck) = None;
    }

    /// None could be done.
    pub fn stands(&self, work: Work, why: impl ToString) {
        *lock(&self.beat(work).stuck) = Some(why.to_string());
    }

    /// Something could be written.
    pub fn wrote(&self) {
        *lock(&self.unwritten) = None;
    }

    /// Something could not be written. That somebody else was faster is no failure.
    pub fn write_failed(&self, error: &StoreError, now: Moment) {
        if !matches!(error, StoreError::Overtaken) {
            *lock(&self.unwritten) = Some((now, error.to_string()));
        }
    }

    /// What cannot be written though everything else can be, and why; nothing where there is no such thing.
    pub fn unwritten(&self, what: Option<String>) {
        *lock(&self.unwritten_alone) = what;
    }

    /// What cannot be written though everything else can be, and why.
    pub fn what_is_unwritten(&self) -> Option<String> {
        lock(&self.unwritten_alone).clone()
    }

    /// The journeys in force were read, or could not be.
    pub fn read_plans(&self, error: Option<&StoreError>) {
        *lock(&self.unread) = error.map(StoreError::to_string);
    }

    /// Why the journeys in force cannot be read, where others have changed them.
    pub fn why_unread(&self) -> Option<String> {
        lock(&self.unread).clone()
    }

    /// When such work was done last; nothing where this process does none.
    pub fn moved_at(&self, work: Work) -> Option<Moment> {
        let moved_at = self.beat(work).moved_at.load(Ordering::SeqCst);
        Some(moved_at).filter(|micros| *micros != 0).map(Moment::from_micros)
    }

    /// Why none can be done.
    pub fn why_stuck(&self, work: Work) -> Option<String> {
        lock(&self.beat(work).stuck).clone()
    }

    /// Why nothing can be written, where that was found out a moment ago.
    pub fn why_unwritten(&self, now: Moment) -> Option<String> {
        let unwritten = lock(&self.unwritten);
        let (at, why) = unwritten.as_ref()?;
        (now.micros_since(*at) < FAILURE_COUNTS_MICROS).then(|| why.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
