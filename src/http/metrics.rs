//! What monitoring systems read: `GET /metrics`.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Mutex;

use super::App;
use super::access::{Role, admit_or_recall, bearer};
use super::health::LIMIT;
use super::problem::Problem;
use crate::metrics::{Kind, Page};
use crate::runtime::Work;
use crate::store::{Backlog, NextDue, StoreError};
use crate::time::Moment;

/// For how long what the database said is said again, however many ask.
const REMEMBERED_MICROS: i64 = 5_000_000;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/metrics", get(metrics))
}

/// What the database said the last time, and when.
#[derive(Default)]
pub(super) struct Looked(Mutex<Option<(Moment, Known)>>);

/// What only the database knows; nothing where it did not answer.
#[derive(Clone, Copy, Default)]
struct Known {
    up: bool,
    held: bool,
    backlog: Backlog,
    next: NextDue,
}

/// Everything that is counted, for whoever may look: a key of the role `metrics`, `viewer` or `admin`. It names no
/// person, yet how much a company sends is nobody else's business. Where the database is down it tells what the process
/// knows by itself: that is when somebody looks.
async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let answered = admit_or_recall(&app, bearer(&headers), Role::Metrics, LIMIT).await?;
    let mut page = Page::default();
    process(&mut page, &app);
    // Who waited once for a database that does not answer has waited long enough.
    let known = if answered { known(&app).await } else { Known::default() };
    database(&mut page, &app, &known);
    connections(&mut page, &app);
    app.runtime.metrics().write(&mut page);
    Ok(([(CONTENT_TYPE, Page::CONTENT_TYPE)], page.finish()).into_response())
}

fn process(page: &mut Page, app: &App) {
    let build = [([env!("CARGO_PKG_VERSION").to_owned()], 1)];
    page.numbers("lotse_build_info", "The version at work.", Kind::Gauge, ["version"], build);
    let help = "When this process began, in seconds since 1970.";
    page.number("process_start_time_seconds", help, Kind::Gauge, seconds(app.started_at.micros()));
    if let Some(bytes) = resident_bytes() {
        page.number("process_resident_memory_bytes", "Memory in use.", Kind::Gauge, bytes);
    }
    if let Some(moved_at) = app.flow.pulse.moved_at(Work::Turns) {
        let help = "When a batch of turns was last done, or there was none to do, in seconds since 1970.";
        page.number("lotse_turns_moved_timestamp_seconds", help, Kind::Gauge, seconds(moved_at.micros()));
    }
}

/// `VmRSS` of `/proc/self/status`, in bytes; nothing on systems that have no such file.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1_024)
}

#[expect(clippy::cast_precision_loss, reason = "a microsecond more or less is nothing here")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1_000_000.0
}

fn database(page: &mut Page, app: &App, known: &Known) {
    let up = "Whether the database answers.";
    page.number("lotse_database_up", up, Kind::Gauge, u8::from(known.up));
    if let Some(bytes) = app.runtime.store().free_bytes() {
        page.number("lotse_database_free_bytes", "Room on its disk.", Kind::Gauge, bytes);
    }
    if !known.up {
        return;
    }
    let held = "Whether sending is held: `lotse resume` lets it go on.";
    page.number("lotse_sending_held", held, Kind::Gauge, u8::from(known.held));
    let Backlog { turns, mails, over_http, calls, unsure, dead } = known.backlog;
    let works = ["turns", "mails", "messages_over_http", "calls"];
    let named = |values: [f64; 4]| works.map(|work| [work.to_owned()]).into_iter().zip(values);
    let due = "What is due, counted up to ten thousand of each kind.";
    #[expect(clippy::cast_precision_loss, reason = "they are counted up to ten thousand")]
    let counts = [turns, mails, over_http, calls].map(|count| count as f64);
    page.numbers("lotse_due", due, Kind::Gauge, ["work"], named(counts));
    let now = app.clock.now();
    let NextDue { turns, mails, over_http, calls } = known.next;
    let lag = |due: Option<Moment>| due.map_or(0.0, |due| seconds(now.micros_since(due).max(0)));
    let lags = "For how long the oldest that is due has been waiting.";
    let values = named([lag(turns), lag(mails), lag(over_http), lag(calls)]);
    page.numbers("lotse_due_lag_seconds", lags, Kind::Gauge, ["work"], values);
    let help = "Messages of which nobody knows whether they were taken, counted up to ten thousand.";
    page.number("lotse_unsure_messages", help, Kind::Gauge, unsure);
    let help = "Calls, hand-offs and alerts that were given up, counted up to ten thousand.";
    page.number("lotse_dead_calls", help, Kind::Gauge, dead);
}

/// What the database says, or said a moment ago. Who comes while it is asked waits for the same answer.
async fn known(app: &App) -> Known {
    let mut looked = app.looked.0.lock().await;
    let now = app.clock.now();
    if let Some((at, known)) = *looked
        && (0..REMEMBERED_MICROS).contains(&now.micros_since(at))
    {
        return known;
    }
    let known = match tokio::time::timeout(LIMIT, look(app, now)).await {
        Ok(Ok(known)) => known,
        Ok(Err(error)) => {
            tracing::error!(%error, "what is due could not be counted");
            Known::default()
        }
        Err(_) => Known::default(),
    };
    *looked = Some((now, known));
    known
}

async fn look(app: &App, now: Moment) -> Result<Known, StoreError> {
    let mut unit = app.runtime.store().read().await?;
    let (backlog, next) = (unit.backlog(now).await?, unit.next_due().await?);
    Ok(Known { up: true, held: unit.held().await?.is_some(), backlog, next })
}

fn connections(page: &mut Page, app: &App) {
    let state = |what: &str| what.to_owned();
    if let Some(route) = &app.outbound.route {
        let (busy, idle) = route.connections();
        let values = [([state("busy")], busy), ([state("idle")], idle)];
        page.numbers(
            "lotse_smtp_connections",
            "Connections to the mail server.",
            Kind::Gauge,
            ["state"],
            values,
        );
    }
    let pools = app.runtime.store().connections();
    let values = pools.into_iter().flat_map(|pool| {
        let name = pool.pool.to_owned();
        [([name.clone(), state("busy")], pool.busy), ([name, state("idle")], pool.idle)]
    });
    let help = "Connections to the database.";
    page.numbers("lotse_database_connections", help, Kind::Gauge, ["pool", "state"], values);
    let under_way = [
        ([state("messages")], app.flow.messages().len()),
        ([state("calls")], app.flow.calls_under_way().len()),
    ];
    let help = "What was taken from the database to be handed over and is not through yet.";
    page.numbers("lotse_under_way", help, Kind::Gauge, ["work"], under_way);
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};

    use super::super::access::Role;
    use super::super::testing::Stand;

    async fn scraped(stand: &Stand, key: &str) -> super::super::testing::Answer {
        let request = Request::get("/metrics").header("Authorization", format!("Bearer {key}"));
        stand.ask(request.body(Body::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn metrics_are_for_those_who_may_look() {
        let stand = Stand::new().await;
        let nobody = stand.ask(Request::get("/metrics").body(Body::empty()).unwrap()).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
        for (role, status) in [
            (Role::Metrics, StatusCode::OK),
            (Role::Viewer, StatusCode::OK),
            (Role::Admin, StatusCode::OK),
            (Role::Api, StatusCode::FORBIDDEN),
            (Role::Ingest, StatusCode::FORBIDDEN),
        ] {
            let key = stand.new_key(role).await;
            assert_eq!(scraped(&stand, &key).await.status, status, "{role:?}");
        }
    }

    #[tokio::test]
    async fn what_happened_is_counted() {
        let stand = Stand::new().await;
        let key = stand.new_key(Role::Metrics).await;
        stand.ada().await;
        let answer = scraped(&stand, &key).await;
        assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        for line in [
            "lotse_database_up 1",
            "lotse_sending_held 0",
            "lotse_arrivals_total{result=\"stored\"} 2",
            "lotse_messages_total{channel=\"email\",state=\"decided\"} 2",
            "lotse_due{work=\"mails\"} 2",
            "lotse_http_request_duration_seconds_count{route=\"/v1/track\",method=\"POST\",status=\"2xx\"} 1",
        ] {
            assert!(answer.text.contains(line), "{line} is not in\n{}", answer.text);
        }
        assert!(!answer.text.contains("ada"), "{}", answer.text);
    }

    #[tokio::test]
    async fn a_database_that_is_down_is_told_of_in_time() {
        let stand = Stand::new().await;
        let key = stand.new_key(Role::Metrics).await;
        let other = stand.new_key(Role::Metrics).await;
        assert!(scraped(&stand, &key).await.text.contains("lotse_database_up 1"));
        // Longer than a key is remembered while the database can be asked.
        stand.later(3_600);
        let mut busy = Vec::new();
        for _ in 0..4 {
            busy.push(stand.store.read().await.unwrap());
        }
        let answer =
            tokio::time::timeout(super::LIMIT + super::LIMIT / 2, scraped(&stand, &key)).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        for line in ["lotse_database_up 0", "lotse_database_connections", "lotse_build_info"] {
            assert!(answer.text.contains(line), "{line} is not in\n{}", answer.text);
        }
        // Whose key is not known cannot be known now, and a wrong secret stays wrong.
        assert_eq!(scraped(&stand, &other).await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(scraped(&stand, &format!("{key}0")).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_worker_says_what_it_is_there_for() {
        let stand = Stand::new().await;
        let worker = super::super::router_for_machines(stand.app.clone());
        let asked = Request::post("/v1/batch").body(Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(worker, asked).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains("--only worker"), "{body:?}");
    }

    #[tokio::test]
    async fn who_sends_no_key_is_told_so() {
        let stand = Stand::new().await;
        let nobody = stand.ask(Request::get("/metrics").body(Body::empty()).unwrap()).await;
        assert!(nobody.text.contains("no key was sent"), "{}", nobody.text);
        assert!(scraped(&stand, "wrong").await.text.contains("no such key"));
    }
}
