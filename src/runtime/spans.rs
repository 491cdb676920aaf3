//! What is under way, for logs and traces: ids and names of the workspace, nothing of a person.

use tracing::Span;
use tracing::field::Empty;

use crate::domain::{Call, Message, RunId};

/// A message on its way to whoever takes it.
pub(super) fn hand_over(message: &Message) -> Span {
    let span = tracing::debug_span!(
        "hand_over",
        run = %message.run,
        journey = message.journey,
        message = message.message,
        id = %message.id,
        channel = message.channel,
        state = Empty,
    );
    of_run(span, message.run)
}

/// A call, a hand-off or an alert on its way.
pub(super) fn call(call: &Call) -> Span {
    let span = tracing::debug_span!(
        "call",
        run = %call.run,
        journey = call.journey,
        kind = call.kind.as_str(),
        receiver = call.target,
        id = %call.id,
        state = Empty,
    );
    of_run(span, call.run)
}

/// Makes a span part of the trace of its run, whose id is that of the run.
#[cfg(feature = "otel")]
fn of_run(span: Span, run: RunId) -> Span {
    use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    let id = run.0.as_u128();
    let (trace, first) = (TraceId::from(id), SpanId::from(id as u64));
    let run = SpanContext::new(trace, first, TraceFlags::SAMPLED, true, TraceState::NONE);
    // It fails where nobody traces.
    let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(run));
    span
}

#[cfg(not(feature = "otel"))]
fn of_run(span: Span, _run: RunId) -> Span {
    span
}
