//! The log on standard error. It names ids, never people.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use anyhow::Context;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::args::LogFormat;

/// Begins to log what `levels` says, such as `info` or `info,lotse::runtime=debug`.
///
/// # Errors
/// When `levels` cannot be read.
pub(super) fn begin(levels: &str, format: LogFormat) -> anyhow::Result<()> {
    let levels =
        EnvFilter::try_new(levels).with_context(|| format!("`{levels}` says no levels of the log"))?;
    let filter = levels.and(filter_fn(is_ours_or_grave));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let log = match format {
        LogFormat::Json => log.json().boxed(),
        LogFormat::Text => log.with_target(false).boxed(),
    };
    // A program has one log: where there is one already, it stays.
    let _ = tracing_subscriber::registry().with(log.with_filter(filter)).try_init();
    std::panic::set_hook(Box::new(panicked));
    Ok(())
}

/// Libraries are heard from warnings on, whatever is asked for: below that, some write out what they work on.
fn is_ours_or_grave(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let ours = ["lotse", "tower_http"].iter().any(|name| target.starts_with(name));
    ours || *metadata.level() <= Level::WARN
}

/// Says where the program fell over. The words of it are told where they stand in the code; what was put together at
/// that moment may hold a name.
fn panicked(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let why = info.payload().downcast_ref::<&str>().copied().unwrap_or("what it said may name somebody");
    tracing::error!(place, why, "something fell over");
}
