//! Everything that `lotse run` starts, in one process, on a clock that stands still until it is moved.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lotse::config;
use lotse::http::access::{Role, new_token};
use lotse::http::{App, router, serve_router};
use lotse::inbox::Inbox;
use lotse::language::check::{Deployment, check};
use lotse::runtime::{Outbound, Runtime, Works, deploy, load_plans};
use lotse::source::WorkspaceFiles;
use lotse::store::sqlite::SqliteStore;
use lotse::store::{ImportRow, Store};
use lotse::time::{Clock, ManualClock, Moment};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// How long what has begun may take at the end.
const GRACE: Duration = Duration::from_secs(60);

/// The store and what moves contacts; nothing runs by itself yet.
pub struct World {
    pub clock: Arc<ManualClock>,
    pub store: Arc<dyn Store>,
    pub runtime: Arc<Runtime>,
    pub outbound: Arc<Outbound>,
    pub inbox: Inbox,
}

/// A world at work.
pub struct Working {
    pub works: Works,
    /// Where it listens.
    pub url: String,
    /// The key of a shop.
    pub key: String,
    stop: oneshot::Sender<()>,
}

/// Connections for mail: as many as `lotse.yaml` has where it says nothing.
pub const CONNECTIONS: usize = 8;

/// The database of a world in a folder.
pub const DATABASE: &str = "bench.db";

impl World {
    pub async fn new(folder: &Path, journeys: &str, now: Moment) -> Self {
        let clock = Arc::new(ManualClock::new(now));
        let any_clock: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let inbox = Inbox::new(0, Arc::clone(&any_clock));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let smtp = listener.local_addr().unwrap();
        let sink = inbox.clone();
        tokio::spawn(async move { sink.serve(listener, std::future::pending()).await });
        let yaml = format!(
            "workspace: bench\ntimezone: UTC\nsecret: \"a secret of 32 bytes that nobody needs to keep\"\n\
            smtp: {{ url: \"smtp://{smtp}\", connections: {CONNECTIONS} }}\n\
            senders:\n  shop: {{ from: \"Shop <hello@example.com>\" }}\n"
        );
        let files = WorkspaceFiles::from_texts([("lotse.yaml", yaml.as_str()), ("shop.journey", journeys)]);
        let (config, findings) = config::read(&files);
        assert!(findings.is_empty(), "{findings:#?}");
        let checked = check(&files, Deployment::of(&config).as_ref());
        assert!(!checked.has_errors(), "{:#?}", checked.findings);
        let sqlite = SqliteStore::open(&folder.join(DATABASE)).await.unwrap();
        sqlite.migrate().await.unwrap();
        let store: Arc<dyn Store> = Arc::new(sqlite);
        deploy(&*store, &checked, &files.sources, "benches", now).await.unwrap();
        let environment = config::ProcessEnvironment::new(folder);
        let outbound = Outbound::new(&config, &environment, &any_clock);
        let outbound = Arc::new(outbound.map_err(|errors| format!("{errors:?}")).unwrap());
        let plans = load_plans(&*store).await.unwrap();
        let zone = config.timezone.clone();
        let runtime = Arc::new(Runtime::new(Arc::clone(&store), plans, zone, checked.assign.clone()));
        Self { clock, store, runtime, outbound, inbox }
    }

    /// Starts the writer, the scheduler, the mail room and the web server.
    pub async fn work(&self) -> Working {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (access, key) = new_token("shop", Role::Ingest, self.clock.now()).unwrap();
        let mut unit = self.store.write().await.unwrap();
        unit.add_token(access).await.unwrap();
        unit.commit().await.unwrap();
        let works = Works::start(Arc::clone(&self.runtime), Arc::clone(&self.outbound), Arc::clone(&clock))
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (writer, flow) = (works.writer.clone(), Arc::clone(&works.flow));
        let app = App::new(Arc::clone(&self.runtime), writer, flow, Arc::clone(&self.outbound), clock);
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(serve_router(listener, router(app), async move { drop(stopped.await) }, GRACE));
        Working { works, url, key, stop }
    }

    /// Adds people who allow `news`: the external ids are numbers.
    pub async fn import(&self, people: &[u32]) {
        for some in people.chunks(5_000) {
            let row = |person: &u32| ImportRow {
                external_id: Some(person.to_string()),
                email: Some(format!("c{person}@example.org").parse().unwrap()),
                allows: vec![("news".to_owned(), true)],
                source: "bench".to_owned(),
                ..ImportRow::default()
            };
            let mut unit = self.store.write().await.unwrap();
            unit.import(some.iter().map(row).collect(), self.clock.now()).await.unwrap();
            unit.commit().await.unwrap();
        }
    }
}

impl Working {
    /// Ends in good order: what has begun is carried to its end.
    pub async fn end(self) {
        drop(self.stop);
        self.works.end(GRACE).await;
    }
}
