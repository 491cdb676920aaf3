//! `lotse demo`: everything in one process, on nothing but this program.
//!
//! The sample workspace runs on a database in a temporary folder and a clock that is fast; its mails end in an inbox
//! of its own, its leads and links in a world of its own (`outside`), and simulated people (`crowd`) sign up, read,
//! click, buy and unsubscribe over the same HTTP paths that shops and mail programs use. What the pages count is
//! counted as it always is.

mod chance;
mod crowd;
mod folder;
mod outside;
mod person;
mod summary;
#[cfg(test)]
mod tests;
mod web;
mod workspace;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use summary::Summary;

use crate::http::access::{NoChance, Role, new_token};
use crate::http::{App, Console, router_with, serve_router};
use crate::inbox::Inbox;
use crate::runtime::{DeployError, Outbound, OutboundError, Runtime, Works, deploy, load_plans};
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};
use crate::time::{Clock, Moment, ScaledClock};
use crowd::Crowd;
use folder::Folder;
use outside::Outside;
use summary::Deeds;
use web::Web;
use workspace::{DemoEnvironment, Sample};

/// When the demonstration begins by its own clock: a Monday in spring, 2027-03-01 at 08:00 in Berlin.
const BEGIN: Moment = Moment::from_seconds(1_803_884_400);
/// How many mails the inbox keeps.
const MAILS_KEPT: usize = 2_000;

/// What can be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Where the page is served; of the loopback interface.
    pub listen: SocketAddr,
    /// How many made-up contacts take part at first.
    pub contacts: u32,
    /// How many seconds of the demonstration's time pass in one real second.
    pub speed: u32,
}

/// Why there is no demonstration.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The page is open to everybody who reaches it.
    #[error(
        "the page of the demonstration is open to everybody who reaches it: `{0}` is no address of this machine alone, such as 127.0.0.1:8080"
    )]
    NotLoopback(SocketAddr),
    /// The address is taken, or not to be had.
    #[error("`{0}` cannot be listened on: {1}")]
    Listen(SocketAddr, io::Error),
    /// There is no place for the database.
    #[error("no temporary folder can be made: {0}")]
    Folder(io::Error),
    /// The sample is not sound.
    #[error("the sample workspace cannot be run: {0}")]
    Sample(String),
    /// The sample cannot be deployed.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No tokens.
    #[error(transparent)]
    Chance(#[from] NoChance),
    /// No requests.
    #[error("requests cannot be made: {0}")]
    Web(#[from] reqwest::Error),
}

/// How long what has begun may take at the end.
const GRACE: Duration = Duration::from_secs(20);

/// A demonstration that runs.
pub struct Demo {
    url: String,
    store: Arc<dyn Store>,
    works: Works,
    inbox: Inbox,
    deeds: Arc<Deeds>,
    ending: watch::Sender<bool>,
    crowd: JoinHandle<()>,
    mail: JoinHandle<()>,
    /// The page and the world outside.
    servers: [JoinHandle<()>; 2],
    /// Dropped last: the database is in it.
    _folder: Folder,
}

impl Demo {
    /// Starts everything.
    ///
    /// # Errors
    /// When an address or a place for the database is not to be had.
    pub async fn start(settings: Settings) -> Result<Self, DemoError> {
        if !settings.listen.ip().is_loopback() {
            return Err(DemoError::NotLoopback(settings.listen));
        }
        let (page, address) = bind(settings.listen).await?;
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let ((mail, mail_address), (world, world_address)) = (bind(local).await?, bind(local).await?);
        let url = format!("http://{address}");
        let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(BEGIN, settings.speed));
        let folder = Folder::new()?;
        let sqlite = SqliteStore::open(&folder.path().join("lotse.db")).await?;
        sqlite.migrate().await?;
        let store: Arc<dyn Store> = Arc::new(sqlite);

        let environment = DemoEnvironment::new(mail_address)?;
        let sample = Sample::new(&url, world_address)?;
        deploy(&*store, &sample.checked, &sample.files.sources, "demo", clock.now()).await?;
        let outbound = Outbound::new(&sample.config, &environment, &clock).map_err(all_of)?;
        let outbound = Arc::new(outbound);
        let plans = load_plans(&*store).await?;
        let zone = sample.config.timezone.clone();
        let runtime = Arc::new(Runtime::new(Arc::clone(&store), plans, zone, sample.checked.assign.clone()));
        let works = Works::start(Arc::clone(&runtime), Arc::clone(&outbound), Arc::clone(&clock)).await?;

        let inbox = Inbox::new(MAILS_KEPT, Arc::clone(&clock));
        let shop = token(&*store, "shop", Role::Ingest, clock.now()).await?;
        let forms = token(&*store, "sign-up form", Role::Api, clock.now()).await?;
        let web = Web::new(url.clone(), shop, forms)?;
        let deeds = Arc::<Deeds>::default();
        // At the same moment every time, as their ids, and so the control group, depend on it.
        person::import(&*store, settings.contacts, BEGIN).await?;

        let (ending, ended) = watch::channel(false);
        let app =
            App::new(runtime, works.writer.clone(), Arc::clone(&works.flow), outbound, Arc::clone(&clock));
        let console = Console::open(app.clone(), inbox.clone(), address, note(settings.speed));
        let router = router_with(app, console);
        let outside =
            Outside::new(environment.sales_secret()?, web.clone(), Arc::clone(&deeds), Arc::clone(&clock));
        let servers = [
            tokio::spawn(served(serve_router(page, router, until(ended.clone()), GRACE))),
            tokio::spawn(served(serve_router(world, outside.router(&url), until(ended), GRACE))),
        ];
        let receiving = inbox.clone();
        let mail = tokio::spawn(async move { receiving.serve(mail, std::future::pending()).await });
        let crowd = Crowd::new(clock, web, inbox.clone(), Arc::clone(&deeds), BEGIN, settings.contacts);
        let crowd = tokio::spawn(crowd.live());
        Ok(Self { url, store, works, inbox, deeds, ending, crowd, mail, servers, _folder: folder })
    }

    /// Where the page is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends: people stop, what has begun is carried to its end, and everything is counted. Nothing is left behind.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(self) -> Result<Summary, DemoError> {
        self.crowd.abort();
        let _ = self.crowd.await;
        let _ = self.ending.send(true);
        for server in self.servers {
            let _ = server.await;
        }
        let zone = self.works.runtime.zone().clone();
        self.works.end(GRACE).await;
        // Only now: it takes what is still handed over.
        self.mail.abort();
        let summary = Summary::of(&*self.store, &zone, &self.inbox, &self.deeds).await;
        self.store.close().await;
        Ok(summary?)
    }
}

fn note(speed: u32) -> String {
    let hours = f64::from(speed) / 3_600.0;
    let pass = if speed.is_multiple_of(3_600) {
        crate::finding::words::counted((speed / 3_600) as usize, "hour")
    } else {
        format!("{hours:.1} hours")
    };
    format!(
        "A demonstration with made-up people: one second here is {pass} for them. Every mail ends in the inbox."
    )
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), DemoError> {
    let listen = |error| DemoError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    Ok((listener, address))
}

fn all_of(errors: Vec<OutboundError>) -> DemoError {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    DemoError::Sample(texts.join("; "))
}

async fn token(store: &dyn Store, name: &str, role: Role, now: Moment) -> Result<String, DemoError> {
    let (access, text) = new_token(name, role, now)?;
    let mut unit = store.write().await?;
    unit.add_token(access).await?;
    unit.commit().await?;
    Ok(text)
}

async fn until(mut ended: watch::Receiver<bool>) {
    // Whoever could say so is gone: that is an end too.
    let _ = ended.wait_for(|ended| *ended).await;
}

async fn served(serving: impl Future<Output = io::Result<()>>) {
    if let Err(error) = serving.await {
        tracing::error!(%error, "a web server of the demonstration failed");
    }
}
