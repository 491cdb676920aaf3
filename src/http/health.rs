use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::App;
use super::problem::{Kind, Problem};
use crate::runtime::{Pulse, Work};
use crate::store::{Hold, NextDue, StoreError};
use crate::time::Moment;

/// How long the database may take; whoever asks has a limit of a few seconds themselves.
pub(super) const LIMIT: Duration = Duration::from_secs(2);
/// For how long work may be due while none is done, before something must be wrong with this process.
const STUCK_MICROS: i64 = 5 * 60 * 1_000_000;
/// Below that much room on the disk of the database it counts as full, in bytes: what is under way needs some.
const ROOM_BYTES_MIN: u64 = 16 * 1_024 * 1_024;
/// Beyond that the log of the database is a matter for somebody, in bytes: without a reader that looks at an earlier
/// state it has a hundredth of that.
const LOG_BYTES_MAX: u64 = 1_024 * 1_024 * 1_024;

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
    /// That nothing is handed over, since when and why. Somebody wanted that, so all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Hold>,
    /// What became of messages and calls and cannot be written, and why: it is kept and tried again, and everything else
    /// is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    unwritten: Option<String>,
    /// Versions whose plan this program cannot read, and why: whoever is in one waits, and all others go on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<String>,
    /// How large the log of the database is, where it is on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_bytes: Option<u64>,
}

/// Requests can be sent here: the database answers and has room, its tables are those of this program, and the work
/// of this process moves, if it has any.
async fn ready(State(app): State<App>) -> Result<Json<Ready>, Problem> {
    let not_ready = |reasons: &[String]| Problem::new(Kind::Unavailable, reasons.join("; "));
    let Ok(known) = tokio::time::timeout(LIMIT, look(&app)).await else {
        return Err(not_ready(&["the database does not answer".to_owned()]));
    };
    let known = known.map_err(|error| {
        tracing::error!(%error, "not ready");
        not_ready(&["the database does not answer: the log says why".to_owned()])
    })?;
    let now = app.clock.now();
    let reasons = reasons(&app, &known, now);
    if !reasons.is_empty() {
        return Err(not_ready(&reasons));
    }
    let log_bytes = app.runtime.store().log_bytes();
    let behind = known.due.turns.map_or(0, |due| now.micros_since(due).max(0));
    Ok(Json(Ready {
        status: "ready",
        behind_seconds: behind / 1_000_000,
        held: known.held,
        unwritten: app.flow.pulse.what_is_unwritten(),
        unreadable: app.runtime.plans().unreadable().values().cloned().collect(),
        log_bytes,
    }))
}

struct Known {
    due: NextDue,
    held: Option<Hold>,
    behind: usize,
}

async fn look(app: &App) -> Result<Known, StoreError> {
    let store = app.runtime.store();
    let behind = store.pending_migrations().await?;
    if behind > 0 {
        // What else could be asked might not be there yet.
        return Ok(Known { due: NextDue::default(), held: None, behind });
    }
    let mut unit = store.read().await?;
    Ok(Known { due: unit.next_due().await?, held: unit.held().await?, behind })
}

/// What is wrong, in words.
fn reasons(app: &App, known: &Known, now: Moment) -> Vec<String> {
    let mut reasons = Vec::new();
    if known.behind > 0 {
        let behind = known.behind;
        reasons
            .push(format!("the tables are {behind} steps behind this program: `lotse migrate` takes them"));
    }
    let pulse = &app.flow.pulse;
    reasons.extend(TASKS.iter().filter_map(|task| stuck(task, pulse, known, now)));
    if app.runtime.store().free_bytes().is_some_and(|bytes| bytes < ROOM_BYTES_MIN) {
        reasons.push(StoreError::DiskFull.to_string());
    } else if let Some(why) = pulse.why_unwritten(now) {
        reasons.push(format!("what comes in cannot be written: {why}"));
    }
    if let Some(bytes) = app.runtime.store().log_bytes().filter(|bytes| *bytes > LOG_BYTES_MAX) {
        let mebibytes = bytes / 1_024 / 1_024;
        reasons.push(format!(
            "the log of the database has {mebibytes} MiB: another program, such as a backup that hangs, has been reading \
            it for too long; end that, and the log becomes small by itself"
        ));
    }
    if let Some(why) = pulse.why_unread() {
        reasons.push(format!("the journeys in force have changed and cannot be read: {why}"));
    }
    reasons
}

/// Work that may stand still: how what is due of it is found, and what is said.
struct Task {
    work: Work,
    due: fn(&NextDue) -> Option<Moment>,
    /// Whether it waits while everything is held.
    is_handed_over: bool,
    what: &'static str,
}

const TASKS: [Task; 4] = [
    Task {
        work: Work::Turns,
        due: |due| due.turns,
        is_handed_over: false,
        what: "contacts are due and none was moved",
    },
    Task {
        work: Work::Mails,
        due: |due| due.mails,
        is_handed_over: true,
        what: "mails are due and none was handed over",
    },
    Task {
        work: Work::OverHttp,
        due: |due| due.over_http,
        is_handed_over: true,
        what: "messages are due and none was handed over",
    },
    Task {
        work: Work::Calls,
        due: |due| due.calls,
        is_handed_over: true,
        what: "calls are due and none was made",
    },
];

/// Why work of a kind does not move. A process that does none of it, such as one for the web alone, is not to blame for
/// what is due.
fn stuck(task: &Task, pulse: &Pulse, known: &Known, now: Moment) -> Option<String> {
    let is_long = |since: &Moment| now.micros_since(*since) > STUCK_MICROS;
    (task.due)(&known.due).filter(is_long)?;
    let moved_at = pulse.moved_at(task.work).filter(is_long)?;
    if task.is_handed_over && known.held.is_some() {
        return None;
    }
    let minutes = now.micros_since(moved_at) / 60_000_000;
    let why = pulse.why_stuck(task.work).unwrap_or_else(|| "it says nothing".to_owned());
    Some(format!("{} for {minutes} minutes: {why}", task.what))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::super::testing::Stand;
    use crate::runtime::Work;
    use crate::store::StoreError;

    async fn asked(stand: &Stand) -> (StatusCode, String) {
        let answer = stand.browse("GET", "/readyz", "").await;
        (answer.status, answer.text)
    }

    #[tokio::test]
    async fn work_that_does_not_move_is_red_where_it_should_be_moved() {
        let stand = Stand::new().await;
        stand.ada().await;
        stand.later(2 * 86_400);
        // A process for the web alone.
        let (status, text) = asked(&stand).await;
        assert_eq!((status, text.contains("\"behind_seconds\":86400")), (StatusCode::OK, true), "{text}");
        // One that moves contacts and has a backlog.
        let pulse = &stand.app.flow.pulse;
        pulse.moved(Work::Turns, stand.clock_now());
        assert_eq!(asked(&stand).await.0, StatusCode::OK);
        pulse.stands(Work::Turns, StoreError::Busy);
        stand.later(301);
        let (status, text) = asked(&stand).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("none was moved for 5 minutes: the database is busy"), "{text}");
        pulse.moved(Work::Turns, stand.clock_now());
        assert_eq!(asked(&stand).await.0, StatusCode::OK);
        // Without anything due it may rest as long as it likes.
        stand.tick().await;
        stand.later(3_600);
        assert_eq!(asked(&stand).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn mail_that_does_not_move_is_red_unless_it_is_held() {
        let stand = Stand::new().await;
        let pulse = &stand.app.flow.pulse;
        for work in [Work::Mails, Work::OverHttp, Work::Calls] {
            pulse.begin(work, stand.clock_now());
        }
        stand.ada().await;
        stand.later(299);
        assert_eq!(asked(&stand).await.0, StatusCode::OK);
        pulse.stands(Work::Mails, StoreError::Busy);
        stand.later(2);
        let (status, text) = asked(&stand).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let why = "mails are due and none was handed over for 5 minutes: the database is busy";
        assert!(text.contains(why) && !text.contains("calls"), "{text}");
        pulse.moved(Work::Mails, stand.clock_now());
        assert_eq!(asked(&stand).await.0, StatusCode::OK);
        pulse.stands(Work::Mails, StoreError::Busy);
        stand.later(600);
        let mut unit = stand.store.write().await.unwrap();
        unit.hold("a test", stand.clock_now()).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(asked(&stand).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn calls_that_do_not_move_are_red() {
        let stand = Stand::new().await;
        let pulse = &stand.app.flow.pulse;
        stand.ada().await;
        stand.later(86_400);
        stand.tick().await;
        pulse.begin(Work::Calls, stand.clock_now());
        stand.later(301);
        let (status, text) = asked(&stand).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("calls are due and none was made for 5 minutes: it says nothing"), "{text}");
    }

    #[tokio::test]
    async fn a_full_disk_is_red_until_something_can_be_written_or_might_be() {
        let stand = Stand::new().await;
        let fail = || stand.app.flow.pulse.write_failed(&StoreError::DiskFull, stand.clock_now());
        fail();
        let (status, text) = asked(&stand).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("the disk of the database is full"), "{text}");
        stand.written().await;
        assert_eq!(asked(&stand).await.0, StatusCode::OK);
        // Without requests nothing is written: after a while it is worth a try.
        fail();
        stand.later(31);
        assert_eq!(asked(&stand).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_log_that_grows_without_an_end_is_red() {
        let stand = Stand::new().await;
        assert!(asked(&stand).await.1.contains("\"log_bytes\":"));
        let log = std::fs::File::options().write(true).open(stand.folder().join("lotse.db-wal")).unwrap();
        let before = log.metadata().unwrap().len();
        log.set_len(3 << 30).unwrap();
        let (status, text) = asked(&stand).await;
        log.set_len(before).unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("the log of the database has 3072 MiB"), "{text}");
    }

    #[tokio::test]
    async fn journeys_that_cannot_be_read_are_red() {
        let stand = Stand::new().await;
        stand.app.flow.pulse.read_plans(Some(&StoreError::Busy));
        let (status, text) = asked(&stand).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("cannot be read: the database is busy"), "{text}");
        stand.app.flow.pulse.read_plans(None);
        assert_eq!(asked(&stand).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_hold_is_told_and_is_not_red() {
        let stand = Stand::new().await;
        let mut unit = stand.store.write().await.unwrap();
        unit.hold("a backup was restored", stand.clock_now()).await.unwrap();
        unit.commit().await.unwrap();
        let (status, text) = asked(&stand).await;
        assert_eq!(status, StatusCode::OK);
        let held = "\"held\":{\"since\":\"2027-03-01T09:00:00Z\",\"why\":\"a backup was restored\"}";
        assert!(text.contains(held), "{text}");
    }

    #[tokio::test]
    async fn what_waits_for_somebody_while_all_else_goes_on_is_told_and_is_not_red() {
        let stand = Stand::new().await;
        let (_, text) = asked(&stand).await;
        assert!(!text.contains("unreadable") && !text.contains("unwritten"), "{text}");
        let mut plans = (*stand.app.runtime.plans()).clone();
        plans.cannot_read(7, "old", "it is torn");
        stand.app.runtime.set_plans(plans);
        stand.app.flow.pulse.unwritten(Some("the outcome of message 1: no".to_owned()));
        let (status, text) = asked(&stand).await;
        assert_eq!(status, StatusCode::OK);
        assert!(text.contains("\"unreadable\":[\"version 7 of `old`: it is torn\"]"), "{text}");
        assert!(text.contains("\"unwritten\":\"the outcome of message 1: no\""), "{text}");
    }

    #[tokio::test]
    async fn a_database_that_is_gone_is_red_and_the_process_lives() {
        let stand = Stand::new().await;
        stand.store.close().await;
        let (status, text) = asked(&stand).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("the database does not answer"), "{text}");
        assert_eq!(stand.browse("GET", "/healthz", "").await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn tables_of_another_version_are_red() {
        let stand = Stand::new().await;
        stand.forget_migrations().await;
        let (status, text) = asked(&stand).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("1 steps behind this program"), "{text}");
    }
}
