use std::cell::Cell;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;

use super::again::again;
use super::args::{Only, RunArgs};
use super::audit::account;
use super::database::Database;
use super::marker::Marker;
use super::workspace::{Workspace, block_on};
use super::{End, log};
use crate::finding::words;
use crate::http::{App, router, router_for_machines, serve_router};
use crate::runtime::{Deployed, Outbound, OutboundError, Runtime, Works, deploy, load_plans};
use crate::store::{Store, Wake};
use crate::time::{Clock, SystemClock};

pub(super) fn run(args: &RunArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load_sound(args.workspace.or(dir))?;
    workspace.settings()?;
    let _log = log::begin(&args.log, args.log_format)?;
    block_on(run_until_told(&workspace, args, Duration::from_secs(args.grace)))
}

/// Runs a workspace until somebody says stop, and ends in good order then, at the latest after `grace`.
async fn run_until_told(workspace: &Workspace, args: &RunArgs, grace: Duration) -> anyhow::Result<End> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let outbound = Outbound::new(&workspace.config, &workspace.environment(), &clock).map_err(all_of)?;
    let outbound = Arc::new(outbound);
    let database = Database::open(workspace).await?;
    let only = args.only;
    let (version, name) = (env!("CARGO_PKG_VERSION"), database.name());
    tracing::info!(version, part = part(only), database = name, "starting");
    if let (Some(only), Database::Sqlite(_)) = (only, &database) {
        bail!(not_alone(only));
    }
    // Any number of processes may be at work on a server, one alone on a file.
    let _lock = match &database {
        Database::Sqlite(sqlite) => Some(Lock::take(sqlite.path())?),
        Database::Postgres(..) => None,
    };
    database.migrate().await.context(name)?;
    let (marker, elsewhere) = match &database {
        Database::Sqlite(sqlite) => {
            let (marker, elsewhere) = Marker::begin(Arc::clone(sqlite), clock.now()).await?;
            (Some(marker), elsewhere.is_some())
        }
        Database::Postgres(..) => (None, false),
    };
    let store = database.store();
    tell_of_hold(&*store, elsewhere).await?;
    put_into_force(workspace, &database, args.take_over, &*clock).await?;
    let stop = told_to_stop();
    let listener = listen(workspace, args).await?;
    let plans = load_plans(&*store).await?;
    let zone = workspace.config.timezone.clone();
    let runtime = Arc::new(Runtime::new(Arc::clone(&store), plans, zone, workspace.checked.assign.clone()));
    if outbound.route.is_none() && only != Some(Only::Web) {
        tracing::warn!("lotse.yaml has no `smtp`: mails are decided and wait");
    }
    let works = match only {
        Some(Only::Web) => Works::start_for_web(Arc::clone(&runtime), Arc::clone(&clock)).await?,
        Some(Only::Worker) | None => {
            Works::start(Arc::clone(&runtime), Arc::clone(&outbound), Arc::clone(&clock)).await?
        }
    };
    let flow = Arc::clone(&works.flow);
    let app = App::new(runtime, works.writer.clone(), flow, outbound, Arc::clone(&clock));
    tracing::info!(address = %listener.local_addr()?, "listening");
    let told = Cell::new(None);
    let told_now = async {
        stop.await;
        tracing::info!(seconds = grace.as_secs(), "ending: what has begun is carried to its end");
        works.begin_to_end();
        told.set(Some(clock.now()));
    };
    let router = if only == Some(Only::Worker) { router_for_machines(app) } else { router(app) };
    let served = serve_router(listener, router, told_now, grace).await;
    let passed = told.get().map_or(0, |told| clock.now().micros_since(told));
    works.end(grace.saturating_sub(Duration::from_micros(passed.unsigned_abs()))).await;
    if let Some(marker) = marker {
        marker.end().await;
    }
    store.close().await;
    served.context("the web server failed")?;
    Ok(End::Good)
}

/// Puts the journeys of the workspace into force, where the database is its own, and tells other processes.
async fn put_into_force(
    workspace: &Workspace,
    database: &Database,
    take_over: bool,
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    if let (Database::Postgres(..), false) = (database, workspace.config.is_named) {
        bail!(NAMELESS);
    }
    let store = database.store();
    claim(&*store, &workspace.config.workspace, &database.name(), take_over).await?;
    let deployed = again(&*store, async || {
        let (checked, sources) = (&workspace.checked, &workspace.files.sources);
        Ok(deploy(&*store, checked, sources, &account(), clock.now()).await?)
    });
    let deployed = deployed.await?;
    tell(&deployed);
    if deployed != Deployed::default() {
        store.tell(Wake::PLANS).await?;
    }
    Ok(())
}

/// Listens where the command line says, or else lotse.yaml.
async fn listen(workspace: &Workspace, args: &RunArgs) -> anyhow::Result<TcpListener> {
    let (address, named) = match args.listen {
        Some(address) => (address, format!("`--listen {address}`")),
        None => {
            let address = workspace.config.listen;
            (address, format!("`listen: {address}` in lotse.yaml"))
        }
    };
    TcpListener::bind(address).await.map_err(|error| {
        let hint = hint(&error);
        anyhow::Error::new(error).context(format!("{named} cannot be had: {hint}"))
    })
}

/// What keeps a place to listen at from being had, and what to do about it.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program is there already",
        io::ErrorKind::AddrNotAvailable => {
            "no network of this machine has that address; `0.0.0.0` is all that it has"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 are for root, or for a program with CAP_NET_BIND_SERVICE: take another one, with a \
            reverse proxy before it"
        }
        _ => "the system refuses it",
    }
}

/// What this process does.
fn part(only: Option<Only>) -> &'static str {
    match only {
        Some(Only::Web) => "web",
        Some(Only::Worker) => "worker",
        None => "all",
    }
}

/// Why a part of the work cannot be done alone on a file.
fn not_alone(only: Only) -> String {
    let part = part(Some(only));
    format!(
        "`--only {part}` needs a database that processes can share, and a file of SQLite has one process: leave \
        `--only` away, or move to PostgreSQL with `lotse copy`"
    )
}

/// Holds that the database is that of this workspace: journeys that a workspace does not have are taken out of force, and
/// the wrong folder would have none of them.
async fn claim(store: &dyn Store, name: &str, database: &str, take_over: bool) -> anyhow::Result<()> {
    let mut unit = store.write().await?;
    match unit.workspace().await? {
        Some(owner) if owner == name => return Ok(()),
        Some(owner) if !take_over => bail!("{}", of_another(database, &owner, name)),
        _ => unit.belong_to(name).await?,
    }
    Ok(unit.commit().await?)
}

/// Why a workspace without a name is not put into force where others may be.
pub(super) const NAMELESS: &str = "lotse.yaml does not say what the workspace is called, and on a database that processes \
    share another one that does not would take its journeys out of force: write `workspace: NAME`, the same for every \
    process";

/// Why a workspace is not put into force.
pub(super) fn of_another(database: &str, owner: &str, name: &str) -> String {
    format!(
        "{database} belongs to the workspace `{owner}`, and lotse.yaml is that of `{name}`, which would take the journeys \
        of `{owner}` out of force: see whether folder and `database` are right; `lotse run --take-over` goes on all the same"
    )
}

/// Says that nothing is handed over: nobody should have to find out.
async fn tell_of_hold(store: &dyn Store, elsewhere: bool) -> anyhow::Result<()> {
    if let Some(hold) = store.read().await?.held().await? {
        let why = hold.why;
        tracing::warn!(why, since = %hold.since, "nothing is handed over: `lotse resume` lets it go on");
        if elsewhere {
            tracing::warn!(
                "look at `lotse deliveries list --all` first: what went out since the backup would go again"
            );
        }
    }
    Ok(())
}

fn all_of(errors: Vec<OutboundError>) -> anyhow::Error {
    let lines: Vec<String> = errors.iter().map(|error| format!("  {error}")).collect();
    let count = words::counted(errors.len(), "mistake");
    anyhow::anyhow!("lotse.yaml has {count}; `lotse doctor` tries each entry\n{}", lines.join("\n"))
}

fn tell(deployed: &Deployed) {
    for (journey, version) in &deployed.new {
        tracing::info!(journey, version, "a new version is in force; whoever is inside goes on in theirs");
    }
    for journey in &deployed.retired {
        tracing::warn!(journey, "the workspace has it no more: nobody enters, whoever is inside goes on");
    }
}

/// Ends when the terminal or the service manager says stop, also where they said so before anybody waited for it.
/// Whoever says it twice does not want to wait.
pub(super) fn told_to_stop() -> impl Future<Output = ()> {
    let told = stop_signal();
    async {
        told.await;
        tokio::spawn(async {
            stop_signal().await;
            tracing::warn!("ended at once; the next start goes on from here");
            std::process::exit(2);
        });
    }
}

#[cfg(unix)]
fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    // From here on the signals are ours, and do not end the program by themselves.
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Holds that one process alone runs on a database: two would send everything twice.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock beside a database.
    ///
    /// # Errors
    /// When another process has it.
    pub(super) fn take(database: &Path) -> anyhow::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("`{}` cannot be made", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another `lotse run` is at work on {}: stop it first, or give this one another `database`",
                database.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("`{}` cannot be locked", path.display()))
            }
        }
    }
}
