use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::pulse::Pulse;
use crate::domain::{CallId, CallKind, MessageId};
use crate::store::Wake;

/// What is going on, for those who feed and those who carry.
#[derive(Debug, Default)]
pub struct Flow {
    /// Something has come in for contacts.
    pub turns: Notify,
    /// There may be mails to hand over.
    pub mail: Notify,
    /// There may be messages of other channels to hand over.
    pub over_http: Notify,
    /// There may be calls to make.
    pub calls: Notify,
    /// Other journeys may be in force.
    pub plans: Notify,
    /// Whether the work moves.
    pub pulse: Pulse,
    /// What others are to be told.
    telling: AtomicU8,
    to_tell: Notify,
    messages: Mutex<BTreeSet<MessageId>>,
    under_way: Mutex<BTreeMap<CallId, (CallKind, String)>>,
}

impl Flow {
    /// Wakes those who hand messages over.
    pub fn messages_due(&self) {
        self.mail.notify_one();
        self.over_http.notify_one();
    }

    /// Wakes whoever does such work in this process.
    pub fn wake(&self, wake: Wake) {
        if wake.has(Wake::TURNS) {
            self.turns.notify_one();
        }
        if wake.has(Wake::MESSAGES) {
            self.messages_due();
        }
        if wake.has(Wake::CALLS) {
            self.calls.notify_one();
        }
        if wake.has(Wake::PLANS) {
            self.plans.notify_one();
        }
    }

    /// Wakes whoever does such work, in other processes too where this one does none of it.
    pub fn due(&self, wake: Wake) {
        self.wake(wake);
        self.telling.fetch_or(wake.bits(), Ordering::SeqCst);
        self.to_tell.notify_one();
    }

    /// Waits until there is something that others are to be told.
    pub(super) async fn to_tell(&self) -> Wake {
        loop {
            let bits = self.telling.swap(0, Ordering::SeqCst);
            if bits != 0 {
                return Wake::from_bits(bits);
            }
            self.to_tell.notified().await;
        }
    }

    /// Messages that are being handed over.
    pub fn messages(&self) -> std::sync::MutexGuard<'_, BTreeSet<MessageId>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls that are being made, each with its receiver.
    pub fn calls_under_way(&self) -> std::sync::MutexGuard<'_, BTreeMap<CallId, (CallKind, String)>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
