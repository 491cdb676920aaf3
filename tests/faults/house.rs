//! The works in this process: on a database of their own, with a clock that a test moves, and with the peers that a
//! test gives them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lotse::channel::email::Mailbox;
use lotse::config::Tracking;
use lotse::domain::{Attributes, EventKind};
use lotse::language::check::{Deployment, check};
use lotse::runtime::{Job, Outbound, Runtime, SenderReady, Stamps, Works, deploy, event_id, load_plans};
use lotse::source::WorkspaceFiles;
use lotse::store::sqlite::SqliteStore;
use lotse::store::{
    Arrival, ArrivalKind, Audit, Identity, ImportRow, Store, StoredCall, StoredMessage, Wake, Who, audit,
};
use lotse::time::{Clock, ManualClock, Moment, TimeZone};
use lotse::track::Tracker;
use tokio::time::Instant;

/// How long is waited for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// Monday, 1 March 2027, ten in the morning: no quiet hours, no change of the clocks near.
pub(super) const BEGIN: i64 = 1_803_895_200;

/// The name of a database.
const FILE: &str = "lotse.db";

/// A house at work.
pub(super) struct House {
    folder: Option<tempfile::TempDir>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) works: Works,
    stamps: Stamps,
}

/// Nothing that leaves the house; a test puts its peers there.
pub(super) fn outbound() -> Outbound {
    let from = Mailbox { name: None, address: "shop@example.org".parse().unwrap() };
    let sender = SenderReady { from, reply_to: None, return_path: None, signer: None, postal_address: None };
    Outbound {
        senders: [("shop".to_owned(), sender)].into(),
        channels: BTreeMap::new(),
        webhooks: BTreeMap::new(),
        teams: BTreeMap::new(),
        team_addresses: BTreeMap::new(),
        alerts_from: None,
        tracker: Tracker::new(b"a secret of these tests alone, and long", "faults").unwrap(),
        base_url: "https://example.org".to_owned(),
        tracking: Tracking::default(),
        route: None,
        connections: 2,
    }
}

impl House {
    /// Opens a house with these journeys. Everybody may be written to about `news`.
    pub(super) async fn open(journeys: &str, outbound: Outbound, clock: Arc<ManualClock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        Self { folder: Some(folder), ..Self::over(store, journeys, outbound, clock).await }
    }

    /// The same over a database that is there.
    pub(super) async fn over(
        store: Arc<dyn Store>,
        journeys: &str,
        outbound: Outbound,
        clock: Arc<ManualClock>,
    ) -> Self {
        let files = WorkspaceFiles::from_texts([("a.journey", journeys)]);
        let names = |names: Vec<&String>| names.into_iter().cloned().collect();
        let deployment = Deployment {
            senders: names(outbound.senders.keys().collect()),
            channels: outbound.channels.keys().map(|name| (name.clone(), "phone".to_owned())).collect(),
            webhooks: names(outbound.webhooks.keys().collect()),
            teams: outbound.teams.keys().map(|name| (name.clone(), Vec::new())).collect(),
            deaf: names(Vec::new()),
        };
        let checked = check(&files, Some(&deployment));
        assert!(!checked.has_errors(), "{:#?}", checked.findings);
        deploy(&*store, &checked, &files.sources, "tests", clock.now()).await.unwrap();
        let works = start(store, outbound, &clock).await;
        Self { folder: None, clock, works, stamps: Stamps::default() }
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        self.works.runtime.store()
    }

    /// People with an address and a phone, who allow `news`.
    pub(super) async fn people(&self, names: &[String]) {
        self.rows(names.iter().map(|name| row(name)).collect()).await;
    }

    pub(super) async fn rows(&self, rows: Vec<ImportRow>) {
        let mut unit = self.store().write().await.unwrap();
        unit.import(rows, self.clock.now()).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// Something happens to people; it is lasting when this returns.
    pub(super) async fn happens(&self, event: &str, names: &[String], properties: &Attributes) {
        let at = self.clock.now();
        let arrivals = names.iter().map(|name| Arrival {
            id: event_id("tests", &format!("{event} {name} {at}"), None),
            who: Identity { external_id: Some(name.clone()), ..Identity::default() },
            kind: ArrivalKind::Event(EventKind::Track, event.to_owned()),
            at,
            received_at: self.stamps.next(&*self.clock),
            properties: properties.clone(),
        });
        let arrivals = arrivals.collect();
        let arrive = |done| Job::Arrive { arrivals, quarantine: Vec::new(), at, done };
        self.works.writer.write(arrive).await.unwrap();
    }

    /// Lets time pass, and has everybody look at the clock.
    pub(super) fn pass(&self, seconds: i64) {
        self.clock.set(self.clock.now().plus_seconds(seconds));
        self.works.flow.wake(Wake::TURNS.and(Wake::MESSAGES).and(Wake::CALLS));
    }

    pub(super) async fn messages(&self, name: &str) -> Vec<StoredMessage> {
        let mut unit = self.store().read().await.unwrap();
        let contact = unit.find(&Who::External(name.to_owned())).await.unwrap().unwrap();
        unit.messages(contact.id).await.unwrap()
    }

    pub(super) async fn calls(&self, name: &str) -> Vec<StoredCall> {
        let mut unit = self.store().read().await.unwrap();
        let contact = unit.find(&Who::External(name.to_owned())).await.unwrap().unwrap();
        unit.calls(contact.id).await.unwrap()
    }

    pub(super) async fn audit(&self) -> Audit {
        audit(&mut *self.store().read().await.unwrap(), &TimeZone::UTC).await.unwrap()
    }

    /// The books, which balance.
    pub(super) async fn audited(&self) -> Audit {
        let found = self.audit().await;
        assert_eq!(found.broken, []);
        found
    }

    /// Where its database is.
    pub(super) fn database(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join(FILE)
    }

    /// Ends in good order, and leaves what is in its folder until that is dropped.
    pub(super) async fn end(self) -> Option<tempfile::TempDir> {
        let store = Arc::clone(self.store());
        self.works.end(PATIENCE).await;
        store.close().await;
        self.folder
    }
}

/// Somebody with an address and a phone, who allows `news`.
pub(super) fn row(name: &str) -> ImportRow {
    ImportRow {
        external_id: Some(name.to_owned()),
        email: format!("{name}@example.org").parse().ok(),
        phone: Some("+49 30 1234567".to_owned()),
        allows: vec![("news".to_owned(), true)],
        source: "tests".to_owned(),
        ..ImportRow::default()
    }
}

/// A clock at the beginning.
pub(super) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Moment::from_seconds(BEGIN)))
}

async fn store(folder: &Path) -> Arc<dyn Store> {
    let store = SqliteStore::open(&folder.join(FILE)).await.unwrap();
    store.migrate().await.unwrap();
    Arc::new(store)
}

async fn start(store: Arc<dyn Store>, outbound: Outbound, clock: &Arc<ManualClock>) -> Works {
    let plans = load_plans(&*store).await.unwrap();
    let runtime = Arc::new(Runtime::new(store, plans, TimeZone::UTC, BTreeMap::new()));
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    Works::start(runtime, Arc::new(outbound), clock).await.unwrap()
}

/// Looks again and again until something is there.
pub(super) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "{what} never came");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
