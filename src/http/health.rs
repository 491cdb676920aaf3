use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::App;
use super::problem::{Kind, Problem};
use crate::time::Moment;

/// How long the database may take; whoever asks has a limit of a few seconds themselves.
const LIMIT: Duration = Duration::from_secs(2);

/// The paths that machines ask whether all is well.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/healthz", get(health)).route("/readyz", get(ready))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// The process is alive: it answers.
async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    /// For how long the earliest event or timer has been waiting, in seconds. A backlog is no reason to send requests
    /// elsewhere: it is worked off, and what comes in meanwhile is taken.
    behind_seconds: i64,
}

/// Requests can be sent here: the database answers.
async fn ready(State(app): State<App>) -> Result<Json<Ready>, Problem> {
    let earliest = async { app.runtime.store().read().await?.next_due().await };
    let Ok(due) = tokio::time::timeout(LIMIT, earliest).await else {
        return Err(Problem::new(Kind::Unavailable, "the database does not answer at the moment"));
    };
    let behind = due?.turns.map_or(0, |due: Moment| app.clock.now().micros_since(due));
    Ok(Json(Ready { status: "ready", behind_seconds: behind.max(0) / 1_000_000 }))
}
