//! Everything that `lotse run` starts, in one process, on a clock that stands still until it is moved.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{BenchError, Result, Scratch};
use crate::config;
use crate::domain::{Attributes, EventKind};
use crate::http::access::{Role, new_token};
use crate::http::{App, router, serve_router};
use crate::inbox::Inbox;
use crate::language::check::{Deployment, check};
use crate::runtime::{Outbound, Runtime, Works, deploy, event_id, load_plans};
use crate::source::WorkspaceFiles;
use crate::store::{Arrival, ArrivalKind, Identity, ImportRow, Store};
use crate::time::{Clock, ManualClock, Moment};

/// How long what has begun may take at the end.
const GRACE: Duration = Duration::from_secs(60);
/// How many people come in with one transaction.
const AT_ONCE: usize = 5_000;

/// The store and what moves contacts; nothing runs by itself yet.
pub struct World {
    /// Stands still until it is moved.
    pub clock: Arc<ManualClock>,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What moves contacts.
    pub runtime: Arc<Runtime>,
    /// What hands messages over.
    pub outbound: Arc<Outbound>,
    /// The server that gets them.
    pub inbox: Inbox,
}

/// A world at work.
pub struct Working {
    /// What runs.
    pub works: Works,
    /// Where it listens.
    pub url: String,
    /// The key of a shop.
    pub key: String,
    stop: oneshot::Sender<()>,
}

/// Connections for mail: as many as `lotse.yaml` has where it says nothing.
pub const CONNECTIONS: usize = 8;

impl World {
    /// A world with these journeys, which come into force.
    ///
    /// # Errors
    /// When the database cannot be used, or the journeys have mistakes.
    pub async fn new(scratch: &Scratch, journeys: &str, now: Moment) -> Result<Self> {
        let clock = Arc::new(ManualClock::new(now));
        let any_clock: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let inbox = Inbox::new(0, Arc::clone(&any_clock));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let smtp = listener.local_addr()?;
        let sink = inbox.clone();
        tokio::spawn(async move { sink.serve(listener, std::future::pending()).await });
        let yaml = format!(
            "workspace: bench\ntimezone: UTC\nsecret: \"a secret of 32 bytes that nobody needs to keep\"\n\
            smtp: {{ url: \"smtp://{smtp}\", connections: {CONNECTIONS} }}\n\
            senders:\n  shop: {{ from: \"Shop <hello@example.com>\" }}\n"
        );
        let files = WorkspaceFiles::from_texts([("lotse.yaml", yaml.as_str()), ("shop.journey", journeys)]);
        let (config, findings) = config::read(&files);
        let checked = check(&files, Deployment::of(&config).as_ref());
        if !findings.is_empty() || checked.has_errors() {
            return Err(BenchError::Wrong(format!("{findings:?} {:?}", checked.findings)));
        }
        let store = scratch.store().await?;
        let deployed = deploy(&*store, &checked, &files.sources, "bench", now).await;
        deployed.map_err(|error| BenchError::Wrong(error.to_string()))?;
        let environment = config::ProcessEnvironment::new(Path::new("."));
        let outbound = Outbound::new(&config, &environment, &any_clock);
        let outbound = Arc::new(outbound.map_err(|errors| BenchError::Wrong(format!("{errors:?}")))?);
        let plans = load_plans(&*store).await?;
        let zone = config.timezone.clone();
        let runtime = Arc::new(Runtime::new(Arc::clone(&store), plans, zone, checked.assign.clone()));
        Ok(Self { clock, store, runtime, outbound, inbox })
    }

    /// Starts the writer, the scheduler, the mail room and the web server.
    ///
    /// # Errors
    /// When one of them cannot start.
    pub async fn work(&self) -> Result<Working> {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let key = self.key().await?;
        let works =
            Works::start(Arc::clone(&self.runtime), Arc::clone(&self.outbound), Arc::clone(&clock)).await?;
        self.serve(works, key).await
    }

    /// Starts the writer and the web server alone: what comes in is taken, and nobody moves.
    ///
    /// # Errors
    /// When one of them cannot start.
    pub async fn take_in(&self) -> Result<Working> {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let key = self.key().await?;
        let works = Works::start_for_web(Arc::clone(&self.runtime), clock).await?;
        self.serve(works, key).await
    }

    async fn key(&self) -> Result<String> {
        let token = new_token("shop", Role::Ingest, self.clock.now());
        let (access, key) = token.map_err(|error| BenchError::Wrong(error.to_string()))?;
        let mut unit = self.store.write().await?;
        unit.add_token(access).await?;
        unit.commit().await?;
        Ok(key)
    }

    async fn serve(&self, works: Works, key: String) -> Result<Working> {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (writer, flow) = (works.writer.clone(), Arc::clone(&works.flow));
        let app = App::new(Arc::clone(&self.runtime), writer, flow, Arc::clone(&self.outbound), clock);
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(serve_router(listener, router(app), async move { drop(stopped.await) }, GRACE));
        Ok(Working { works, url, key, stop })
    }

    /// Adds people who allow `news`; their external ids are the numbers from 0.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import(&self, people: u32) -> Result<()> {
        let numbers: Vec<u32> = (0..people).collect();
        for some in numbers.chunks(AT_ONCE) {
            let mut rows = Vec::with_capacity(some.len());
            for person in some {
                let address = format!("c{person}@example.org").parse();
                rows.push(ImportRow {
                    external_id: Some(person.to_string()),
                    email: Some(address.map_err(|_| BenchError::Wrong("no address".to_owned()))?),
                    allows: vec![("news".to_owned(), true)],
                    source: "bench".to_owned(),
                    ..ImportRow::default()
                });
            }
            let mut unit = self.store.write().await?;
            unit.import(rows, self.clock.now()).await?;
            unit.commit().await?;
        }
        Ok(())
    }

    /// Has each of them sign up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_up(&self, people: u32) -> Result<()> {
        let now = self.clock.now();
        let numbers: Vec<u32> = (0..people).collect();
        for some in numbers.chunks(AT_ONCE) {
            let arrival = |person: &u32| Arrival {
                id: event_id("bench", &person.to_string(), Some(now)),
                who: Identity { external_id: Some(person.to_string()), anonymous_id: None, email: None },
                kind: ArrivalKind::Event(EventKind::Track, "signed_up".to_owned()),
                at: now,
                received_at: now.plus_micros(i64::from(*person)),
                properties: Attributes::new(),
            };
            let mut unit = self.store.write().await?;
            unit.take_in(some.iter().map(arrival).collect()).await?;
            unit.commit().await?;
        }
        Ok(())
    }
}

impl Working {
    /// Ends in good order: what has begun is carried to its end.
    pub async fn end(self) {
        drop(self.stop);
        self.works.end(GRACE).await;
    }
}
