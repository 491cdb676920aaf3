//! What stands around the handlers.

use std::any::Any;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span};

use super::App;
use super::problem::{Kind, Problem};

/// How long a request may take, with its body: who sends it byte by byte is not waited for.
const LIMIT: Duration = Duration::from_secs(15);

/// Ends requests that take too long.
pub(super) async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            Kind::Unavailable,
            format!("this took more than {} seconds: come back in a moment", LIMIT.as_secs()),
        )
        .into_response(),
    }
}

/// Times requests by the pattern of their path; methods beside the usual ones are one.
pub(super) async fn measured(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "other",
    };
    let method = method.to_owned();
    let begun = app.clock.now();
    let response = next.run(request).await;
    let status = match response.status().as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let requests = app.runtime.metrics().requests.of([route, &method, status]);
    requests.observe_micros(app.clock.now().micros_since(begun));
    response
}

/// Makes a span for a request.
type MakeSpan = fn(&Request) -> Span;

/// Tells the log of each request its method and the pattern of its path. The path itself, with its parameters, has
/// tokens and addresses in it.
pub(super) fn trace()
-> TraceLayer<SharedClassifier<ServerErrorsAsFailures>, MakeSpan, (), DefaultOnResponse, (), (), ()> {
    let span: MakeSpan = |request| {
        let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        tracing::debug_span!("request", method = %request.method(), route)
    };
    TraceLayer::new_for_http()
        .make_span_with(span)
        .on_request(())
        .on_response(DefaultOnResponse::new().level(Level::DEBUG))
        .on_body_chunk(())
        .on_eos(())
        // Whoever fails says why.
        .on_failure(())
}

/// Answers for a handler that fell over.
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    // What was put together when it happened may hold anything; what stands in the code does not.
    let why = panic.downcast_ref::<&str>().copied().unwrap_or("the log says where");
    tracing::error!(why, "a request made Lotse fall over; all others go on");
    Problem::new(Kind::Fault, "the request made Lotse fall over: the log of the server says where")
        .into_response()
}

/// Answers for paths that are none.
pub(super) async fn no_route() -> Problem {
    Problem::new(Kind::NoRoute, "nothing is here: see the HTTP reference for the paths there are")
}

/// The same where this process has a few paths alone.
pub(super) async fn no_route_of_a_worker() -> Problem {
    let detail = "this process does the work of `lotse run --only worker` alone: it has `/healthz`, `/readyz` and \
        `/metrics`, and another one has the rest";
    Problem::new(Kind::NoRoute, detail)
}

/// Answers for methods that a path does not have.
pub(super) async fn no_method() -> Problem {
    Problem::new(Kind::NoMethod, "this path takes other methods: the header `Allow` names them")
}
