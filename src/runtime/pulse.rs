use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::store::StoreError;
use crate::time::Moment;

/// Whether the work of this process moves, for those who ask from outside.
#[derive(Debug, Default)]
pub struct Pulse {
    /// When contacts were moved last, or none was there to be moved; in microseconds since 1970, zero where nobody
    /// moves contacts in this process.
    moved_at: AtomicI64,
    /// Why contacts could not be moved the last time.
    trouble: Mutex<Option<String>>,
    /// Whether the last commit failed because no room is left.
    disk_full: AtomicBool,
}

impl Pulse {
    /// Contacts are moved in this process from now on.
    pub fn begin(&self, now: Moment) {
        self.moved_at.store(now.micros(), Ordering::SeqCst);
    }

    /// A batch is through, or there was nothing to do.
    pub fn moved(&self, now: Moment) {
        self.moved_at.store(now.micros(), Ordering::SeqCst);
        *self.trouble() = None;
        self.disk_full.store(false, Ordering::SeqCst);
    }

    /// A batch failed.
    pub fn move_failed(&self, error: &StoreError) {
        *self.trouble() = Some(error.to_string());
        self.write_failed(error);
    }

    /// Something could be written.
    pub fn wrote(&self) {
        self.disk_full.store(false, Ordering::SeqCst);
    }

    /// Something could not be written.
    pub fn write_failed(&self, error: &StoreError) {
        self.disk_full.store(matches!(error, StoreError::DiskFull), Ordering::SeqCst);
    }

    /// When contacts were moved last; nothing where this process moves none.
    pub fn moved_at(&self) -> Option<Moment> {
        Some(self.moved_at.load(Ordering::SeqCst)).filter(|micros| *micros != 0).map(Moment::from_micros)
    }

    /// Why contacts cannot be moved.
    pub fn why_not(&self) -> Option<String> {
        self.trouble().clone()
    }

    /// Whether no room was left when something was to be written last.
    pub fn is_disk_full(&self) -> bool {
        self.disk_full.load(Ordering::SeqCst)
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
