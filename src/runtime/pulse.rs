use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::store::StoreError;
use crate::time::Moment;

/// For how long a failure says that nothing can be written. Whoever asks sends no requests meanwhile, so that nothing
/// might be tried; after that there are requests again, and it shows.
const FAILURE_COUNTS_MICROS: i64 = 30 * 1_000_000;

/// Whether the work of this process moves, for those who ask from outside.
#[derive(Debug, Default)]
pub struct Pulse {
    /// When contacts were moved last, or none was there to be moved; in microseconds since 1970, zero where nobody
    /// moves contacts in this process.
    moved_at: AtomicI64,
    /// Why contacts could not be moved the last time.
    stuck: Mutex<Option<String>>,
    /// When and why something could not be written the last time, where nothing was written since.
    unwritten: Mutex<Option<(Moment, String)>>,
    /// Why the journeys that others put into force could not be read the last time.
    unread: Mutex<Option<String>>,
}

impl Pulse {
    /// Contacts are moved in this process from now on.
    pub fn begin(&self, now: Moment) {
        self.moved_at.store(now.micros(), Ordering::SeqCst);
    }

    /// A batch is through, or there was nothing to do.
    pub fn moved(&self, now: Moment) {
        self.moved_at.store(now.micros(), Ordering::SeqCst);
        *lock(&self.stuck) = None;
    }

    /// A batch failed.
    pub fn move_failed(&self, error: &StoreError, now: Moment) {
        *lock(&self.stuck) = Some(error.to_string());
        self.write_failed(error, now);
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

    /// The journeys in force were read, or could not be.
    pub fn read_plans(&self, error: Option<&StoreError>) {
        *lock(&self.unread) = error.map(StoreError::to_string);
    }

    /// Why the journeys in force cannot be read, where others have changed them.
    pub fn why_unread(&self) -> Option<String> {
        lock(&self.unread).clone()
    }

    /// When contacts were moved last; nothing where this process moves none.
    pub fn moved_at(&self) -> Option<Moment> {
        Some(self.moved_at.load(Ordering::SeqCst)).filter(|micros| *micros != 0).map(Moment::from_micros)
    }

    /// Why contacts cannot be moved.
    pub fn why_stuck(&self) -> Option<String> {
        lock(&self.stuck).clone()
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
