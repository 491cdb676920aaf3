//! The surface over HTTP: collecting data in the wire format of Segment's tracking API, the links that recipients
//! and sales teams follow, what programs ask and say, the console for people, and whether the process is well.
//!
//! In come requests, out go answers, and no rule of Lotse's own is made here. All that is written goes through the
//! [`Writer`](crate::runtime::Writer) and is answered once it is lasting; all that is read comes from the store of
//! the [`Runtime`](crate::runtime::Runtime). `GET`, `HEAD` and `OPTIONS` change nothing: scanners follow every link.
//! Nothing a client sends as its address, as `Host` or as a parameter decides where a link leads.

pub mod access;
mod app;
mod collect;
mod console;
mod extract;
mod health;
mod layers;
mod leads;
mod metrics;
mod page;
mod problem;
mod programs;
mod recipients;
mod serve;
#[cfg(test)]
mod testing;
mod topics;
mod words;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;

pub use app::{App, Parts};
pub use console::Console;
pub use serve::serve_router;

/// The largest body of a request, in bytes, unpacked.
const BODY_BYTES_MAX: usize = 512 * 1024;

/// All paths of the server, with the console for those who sign in.
pub fn router(app: App) -> Router {
    let console = Console::new(app.clone());
    router_with(app, console)
}

/// What machines ask of a process that is there for nobody else: whether it is well, and what it counts.
pub fn router_for_machines(app: App) -> Router {
    let measured = from_fn_with_state(app.clone(), layers::measured);
    Router::new()
        .merge(health::routes())
        .merge(metrics::routes())
        .layer(from_fn(layers::in_time))
        .layer(layers::trace())
        .with_state(app)
        .layer(measured)
        .fallback(layers::no_route_of_a_worker)
        .method_not_allowed_fallback(layers::no_method)
        .layer(CatchPanicLayer::custom(layers::panicked))
}

/// All paths of the server, with that console.
pub fn router_with(app: App, console: Console) -> Router {
    let measured = from_fn_with_state(app.clone(), layers::measured);
    let rest = Router::new()
        .merge(collect::routes())
        .merge(recipients::pages())
        .merge(leads::pages())
        .merge(programs::routes(&app))
        .merge(health::routes())
        .merge(metrics::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(layers::in_time))
        .layer(layers::trace());
    // The image of every opened mail is asked for here, so nothing stands around it that it does not need.
    Router::new()
        .merge(recipients::hits())
        .merge(rest)
        .with_state(app)
        .merge(console::routes(console))
        .layer(measured)
        .fallback(layers::no_route)
        .method_not_allowed_fallback(layers::no_method)
        .layer(CatchPanicLayer::custom(layers::panicked))
}
