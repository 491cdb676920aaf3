//! A place for contacts to be moved in tests: a database in a file, and the time as a number of seconds.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Runtime, deploy, event_id};
use crate::domain::{Attributes, CallId, CallKind, ContactId, EventKind, MessageId, Permission};
use crate::engine::Plans;
use crate::language::check::check;
use crate::source::WorkspaceFiles;
use crate::store::sqlite::SqliteStore;
use crate::store::{
    Arrival, ArrivalKind, Carrier, ClaimedCall, ClaimedMessage, Connections, Identity, ImportRow, ReadUnit,
    Result, Store, Who, WriteUnit, audit,
};
use crate::time::{Moment, TimeZone};

const SECOND: i64 = 1_800_000_000;

pub(super) fn at(second: i64) -> Moment {
    Moment::from_seconds(SECOND + second)
}

/// A store that other processes may work on too, as far as a runtime can tell.
pub(super) struct Shared(pub(super) Arc<dyn Store>);

#[async_trait]
impl Store for Shared {
    async fn write(&self) -> Result<Box<dyn WriteUnit>> {
        self.0.write().await
    }

    async fn read(&self) -> Result<Box<dyn ReadUnit>> {
        self.0.read().await
    }

    fn is_shared(&self) -> bool {
        true
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
        self.0.claim_messages(carrier, now, limit, under_way, full, unreadable).await
    }

    async fn claim_calls(
        &self,
        now: Moment,
        limit: u32,
        under_way: &[CallId],
        full: &[(CallKind, String)],
        unreadable: &[u32],
    ) -> Result<Vec<ClaimedCall>> {
        self.0.claim_calls(now, limit, under_way, full, unreadable).await
    }

    async fn changes_elsewhere(&self) -> Result<i64> {
        self.0.changes_elsewhere().await
    }

    async fn pending_migrations(&self) -> Result<usize> {
        self.0.pending_migrations().await
    }

    fn connections(&self) -> Vec<Connections> {
        self.0.connections()
    }

    fn free_bytes(&self) -> Option<u64> {
        self.0.free_bytes()
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

/// A runtime over a database of its own, with one journey in force.
pub(super) struct Place {
    pub(super) runtime: Arc<Runtime>,
    pub(super) sqlite: Arc<SqliteStore>,
    folder: std::path::PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Place {
    pub(super) async fn new(name: &str, journey: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lotse-tick-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let sqlite = SqliteStore::open(&folder.join("lotse.db")).await.unwrap();
        sqlite.migrate().await.unwrap();
        let sqlite = Arc::new(sqlite);
        let store: Arc<dyn Store> = Arc::clone(&sqlite) as _;
        let place = Self {
            runtime: Arc::new(Runtime::new(store, Plans::default(), TimeZone::UTC, BTreeMap::new())),
            sqlite,
            folder,
        };
        place.deploys(journey, -1).await;
        place.runtime.reload().await.unwrap();
        place
    }

    /// Puts a journey into force, as another process does.
    pub(super) async fn deploys(&self, journey: &str, second: i64) {
        let text = format!("event signup {{ order_id text }}\nevent bought {{ }}\n{journey}");
        let files = WorkspaceFiles::from_texts([("a.journey", text.as_str())]);
        let checked = check(&files, None);
        assert!(!checked.has_errors(), "{:#?}", checked.findings);
        deploy(&**self.runtime.store(), &checked, &files.sources, "tests", at(second)).await.unwrap();
    }

    /// Another process on the same database.
    pub(super) fn another(&self) -> Arc<Runtime> {
        let store = Arc::clone(self.runtime.store());
        Arc::new(Runtime::new(store, self.runtime.plans(), TimeZone::UTC, BTreeMap::new()))
    }

    /// Has the plans be such as this program cannot read.
    pub(super) async fn spoil_plans(&self) {
        self.sqlite.say("UPDATE version SET plan = '{}'").await;
    }

    pub(super) async fn has_address(&self, who: &str, address: &str) {
        let external_id = Some(who.to_owned());
        let row = ImportRow { external_id, email: address.parse().ok(), ..ImportRow::default() };
        let mut unit = self.runtime.store().write().await.unwrap();
        unit.import(vec![row], at(0)).await.unwrap();
        unit.commit().await.unwrap();
    }

    pub(super) async fn comes(
        &self,
        who: &str,
        event: &str,
        seconds: impl IntoIterator<Item = i64>,
    ) -> ContactId {
        let arrivals = seconds.into_iter().map(|second| Arrival {
            id: event_id("shop", &format!("{who} {event} {second}"), None),
            who: Identity { external_id: Some(who.to_owned()), ..Identity::default() },
            kind: ArrivalKind::Event(EventKind::Track, event.to_owned()),
            at: at(second),
            received_at: at(second),
            properties: Attributes::new(),
        });
        let arrivals: Vec<Arrival> = arrivals.collect();
        let mut unit = self.runtime.store().write().await.unwrap();
        unit.take_in(arrivals).await.unwrap();
        let found = unit.find(&Who::External(who.to_owned())).await.unwrap();
        unit.commit().await.unwrap();
        found.unwrap().id
    }

    pub(super) async fn decides(&self, contact: ContactId, allowed: bool, second: i64) {
        let decision = Permission {
            contact,
            topic: "news".to_owned(),
            allowed,
            at: at(second),
            source: "a test".to_owned(),
            wording: None,
            proof: None,
        };
        let mut unit = self.runtime.store().write().await.unwrap();
        unit.decide(vec![decision]).await.unwrap();
        unit.commit().await.unwrap();
    }

    pub(super) async fn outcomes(&self, contact: ContactId) -> Vec<Option<String>> {
        let mut unit = self.runtime.store().read().await.unwrap();
        unit.runs(contact).await.unwrap().into_iter().map(|run| run.outcome).collect()
    }

    /// Without a look at what cannot be read.
    pub(super) async fn pending_events(&self) -> usize {
        let mut unit = self.runtime.store().write().await.unwrap();
        unit.claim(Moment::MIN, 1_000, &[]).await.unwrap().events.len()
    }

    /// How many events wait to be looked at.
    pub(super) async fn pending(&self) -> u64 {
        let mut unit = self.runtime.store().read().await.unwrap();
        audit(&mut *unit, &TimeZone::UTC).await.unwrap().pending_events
    }
}
