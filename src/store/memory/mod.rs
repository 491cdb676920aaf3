//! The store of tests and simulations: everything in memory, in an order that never changes, gone with the
//! process.
//!
//! A transaction works on tables of its own, which are shared with everybody else's until it changes them; a
//! commit puts them in the place of the old ones.

mod books;
mod calls;
mod intake;
mod messages;
mod read;
mod tables;
mod turns;
mod unit;
mod watch;

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::{Carrier, ClaimedCall, ClaimedMessage, Connections, ReadUnit, Result, Store, WriteUnit};
use crate::domain::{CallId, CallKind, MessageId};
use crate::time::Moment;
use tables::Tables;
use unit::{MemoryUnit, Writing};

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    committed: Arc<RwLock<Tables>>,
    /// Held by whoever writes: one at a time.
    writing: Arc<Mutex<()>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn snapshot(&self) -> Tables {
        self.committed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn write(&self) -> Result<Box<dyn WriteUnit>> {
        let turn = Arc::clone(&self.writing).lock_owned().await;
        let writing = Writing { committed: Arc::clone(&self.committed), _turn: turn };
        Ok(Box::new(MemoryUnit { tables: self.snapshot(), writing: Some(writing) }))
    }

    async fn read(&self) -> Result<Box<dyn ReadUnit>> {
        Ok(Box::new(MemoryUnit { tables: self.snapshot(), writing: None }))
    }

    async fn claim_messages(
        &self,
        carrier: Carrier,
        now: Moment,
        limit: u32,
        under_way: &[MessageId],
        full: &[String],
        unreadable: &[u32],
    ) -> Result<Vec<ClaimedMessage>> {
        Ok(self.snapshot().claim_messages(carrier, now, limit, under_way, full, unreadable))
    }

    async fn claim_calls(
        &self,
        now: Moment,
        limit: u32,
        under_way: &[CallId],
        full: &[(CallKind, String)],
        unreadable: &[u32],
    ) -> Result<Vec<ClaimedCall>> {
        Ok(self.snapshot().claim_calls(now, limit, under_way, full, unreadable))
    }

    /// Nobody else has it.
    async fn changes_elsewhere(&self) -> Result<i64> {
        Ok(0)
    }

    /// It has no tables that could be behind.
    async fn pending_migrations(&self) -> Result<usize> {
        Ok(0)
    }

    fn connections(&self) -> Vec<Connections> {
        Vec::new()
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }

    async fn close(&self) {}
}
