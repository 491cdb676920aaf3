//! What stands around the handlers.

use std::any::Any;
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span};

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
    let why = panic.downcast_ref::<String>().map(String::as_str);
    let why = why.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
    tracing::error!(why, "a request made Lotse fall over; all others go on");
    Problem::new(Kind::Fault, "the request made Lotse fall over: the log of the server says where")
        .into_response()
}

/// Answers for paths that are none.
pub(super) async fn no_route() -> Problem {
    Problem::new(Kind::NoRoute, "nothing is here: see the HTTP reference for the paths there are")
}

/// Answers for methods that a path does not have.
pub(super) async fn no_method() -> Problem {
    Problem::new(Kind::NoMethod, "this path takes other methods: the header `Allow` names them")
}
