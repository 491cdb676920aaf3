use std::fs::{File, OpenOptions, TryLockError};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::End;
use super::args::RunArgs;
use super::workspace::{Workspace, block_on};
use crate::finding::words;
use crate::http::{App, serve};
use crate::runtime::{Deployed, Outbound, OutboundError, Runtime, Works, deploy, load_plans};
use crate::store::Store;
use crate::time::{Clock, SystemClock};

/// What is logged where `LOTSE_LOG` says nothing.
const LOGGED: &str = "info";

pub(super) fn run(args: &RunArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load_sound(args.workspace.or(dir))?;
    log_to_stderr(LOGGED);
    block_on(run_until_told(&workspace))
}

/// Runs a workspace until somebody says stop, and ends in good order then.
async fn run_until_told(workspace: &Workspace) -> anyhow::Result<End> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let outbound = Outbound::new(&workspace.config, &workspace.environment(), &clock).map_err(all_of)?;
    let outbound = Arc::new(outbound);
    let sqlite = workspace.open_sqlite().await?;
    let _lock = Lock::take(sqlite.path())?;
    sqlite.migrate().await?;
    let store: Arc<dyn Store> = Arc::new(sqlite);
    let deployed = deploy(&*store, &workspace.checked, &workspace.files.sources, clock.now()).await?;
    tell(&deployed);
    let address = workspace.config.listen;
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("`listen: {address}` in lotse.yaml cannot be had: another program may be there already")
    })?;
    let plans = load_plans(&*store).await?;
    let zone = workspace.config.timezone.clone();
    let runtime = Arc::new(Runtime::new(Arc::clone(&store), plans, zone, workspace.checked.assign.clone()));
    if outbound.route.is_none() {
        tracing::warn!("lotse.yaml has no `smtp`: mails are decided and wait");
    }
    let works = Works::start(Arc::clone(&runtime), Arc::clone(&outbound), Arc::clone(&clock)).await?;
    let app = App::new(runtime, works.writer.clone(), Arc::clone(&works.flow), outbound, clock);
    tracing::info!(address = %listener.local_addr()?, "listening");
    let served = serve(listener, app, told_to_stop()).await;
    tracing::info!("ending: what has begun is carried to its end");
    works.end().await;
    store.close().await;
    served.context("the web server failed")?;
    Ok(End::Good)
}

/// Logs to standard error, what `LOTSE_LOG` says (such as `debug` or `lotse::runtime=debug`), else `default`; as JSON
/// where `LOTSE_LOG_FORMAT` is `json`.
pub(super) fn log_to_stderr(default: &str) {
    let filter = EnvFilter::try_from_env("LOTSE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let json = std::env::var("LOTSE_LOG_FORMAT").is_ok_and(|format| format == "json");
    // A program has one log: where there is one already, it stays.
    let _ = if json { log.json().try_init() } else { log.with_target(false).try_init() };
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

/// Ends when the terminal or the service manager says stop. Whoever says it twice does not want to wait.
pub(super) async fn told_to_stop() {
    stop_signal().await;
    tokio::spawn(async {
        stop_signal().await;
        tracing::warn!("ended at once; the next start goes on from here");
        std::process::exit(2);
    });
}

#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return interrupted().await };
    tokio::select! {
        _ = terminate.recv() => {}
        () = interrupted() => {}
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    interrupted().await;
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Holds that one process alone runs on a database: two would send everything twice.
struct Lock {
    _file: File,
}

impl Lock {
    fn take(database: &Path) -> anyhow::Result<Self> {
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
