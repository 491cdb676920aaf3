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
pub(super) fn begin(levels: &str, format: LogFormat) -> anyhow::Result<Log> {
    let levels =
        EnvFilter::try_new(levels).with_context(|| format!("`{levels}` says no levels of the log"))?;
    let filter = levels.and(filter_fn(is_ours_or_grave));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let log = match format {
        LogFormat::Json => log.json().boxed(),
        LogFormat::Text => log.with_target(false).boxed(),
    };
    let log = tracing_subscriber::registry().with(log.with_filter(filter));
    // A program has one log: where there is one already, it stays.
    #[cfg(feature = "otel")]
    let begun = match traces::begin()? {
        Some((layer, traces)) => {
            let _ = log.with(layer).try_init();
            Log { traces: Some(traces) }
        }
        None => {
            let _ = log.try_init();
            Log { traces: None }
        }
    };
    #[cfg(not(feature = "otel"))]
    let begun = {
        let _ = log.try_init();
        Log {}
    };
    std::panic::set_hook(Box::new(panicked));
    Ok(begun)
}

/// The log of the program; dropped, what is still to be told is told.
pub(super) struct Log {
    #[cfg(feature = "otel")]
    traces: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

#[cfg(feature = "otel")]
impl Drop for Log {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take() {
            // Whoever takes traces and is gone misses the last ones.
            let _ = traces.shutdown();
        }
    }
}

/// Traces for OpenTelemetry, by OTLP over HTTP.
#[cfg(feature = "otel")]
mod traces {
    use anyhow::Context;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_otlp::SpanExporter;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::Level;
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::registry::LookupSpan;

    /// The variables of the OpenTelemetry specification that say where traces go, one of which must be set.
    const WHERE: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

    /// What makes traces of spans of ours, and what sends them; nothing where nobody said where to.
    ///
    /// # Errors
    /// When the variables cannot be used.
    pub(super) fn begin<S>() -> anyhow::Result<Option<(impl Layer<S>, SdkTracerProvider)>>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        if WHERE.iter().all(|name| std::env::var_os(name).is_none()) {
            return Ok(None);
        }
        let exporter = SpanExporter::builder().with_http().build();
        let exporter =
            exporter.context("traces cannot be sent: look at the variables OTEL_EXPORTER_OTLP_…")?;
        let resource = Resource::builder();
        // What the variables say goes first.
        let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => resource,
            None => resource.with_service_name("lotse"),
        };
        let traces = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(traces.tracer("lotse"))
            .with_location(false)
            .with_threads(false)
            .with_filter(filter_fn(|metadata| {
                metadata.is_span()
                    && metadata.target().starts_with("lotse")
                    && *metadata.level() <= Level::DEBUG
            }));
        Ok(Some((layer, traces)))
    }
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
