//! How SQLite goes about the statements whose cost must not grow with everything that is stored.

use sqlx::{AssertSqlSafe, Row};

use super::sql::statements::{
    BY_DAY, DEAD, EXTEND, GREET, HAPPENED, LAST_OF_BATCH, LAST_OF_PIECE, LOOK, NEXT_DUE, NOTICE, OTHER_CALLS,
    OTHER_MESSAGES, PENDING_OF, READABLE_DUE, READABLE_PENDING, READABLE_WATCH_DUE, REFUSED, TOTALS, UNSURE,
    WAKE, WATCH_DUE, WATCHED,
};
use super::testing::File;

/// The steps of a statement, as `EXPLAIN QUERY PLAN` tells them.
async fn steps(sql: &str) -> Vec<String> {
    let file = File::new();
    let store = file.store().await;
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explain).fetch_all(&store.writer).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

#[tokio::test]
async fn past_events_are_found_by_contact_name_and_time() {
    let steps = steps(HAPPENED).await;
    let wanted = "SEARCH e USING INDEX event_past (slot=? AND contact=? AND name=? AND at>?)";
    assert!(steps.iter().any(|step| step == wanted), "{steps:#?}");
}

#[tokio::test]
async fn events_of_contacts_are_found_by_their_keys() {
    for sql in [format!("{} VALUES (?, ?, ?, ?) {}", LOOK.head, LOOK.tail), PENDING_OF.to_owned()] {
        let steps = steps(&sql).await;
        let by_key = |step: &String| step.contains("USING PRIMARY KEY") || step.contains("event_past");
        assert!(steps.iter().any(by_key), "{sql}: {steps:#?}");
        assert!(!steps.iter().any(|step| step.contains("event_pending")), "{sql}: {steps:#?}");
    }
}

#[tokio::test]
async fn nobody_walks_over_all_contacts() {
    for (sql, allowed) in [
        // The index, in its order: whoever is parked is not in it.
        (WATCH_DUE, "SEARCH t USING COVERING INDEX watch_due"),
        (READABLE_WATCH_DUE, "SEARCH t USING COVERING INDEX watch_due"),
        (READABLE_PENDING, "SCAN t USING INDEX event_pending"),
        (READABLE_DUE, "SEARCH t USING INDEX run_due"),
        (WATCHED, "SEARCH w USING PRIMARY KEY"),
        (NOTICE, "SCAN json_each VIRTUAL TABLE"),
        (GREET, "SEARCH c USING PRIMARY KEY"),
        (LAST_OF_BATCH, "SEARCH contact USING PRIMARY KEY"),
        (EXTEND, "SEARCH contact USING PRIMARY KEY"),
        (BY_DAY, "SEARCH tally USING PRIMARY KEY"),
        (TOTALS, "SEARCH tally USING PRIMARY KEY"),
        (LAST_OF_PIECE, "SEARCH run USING PRIMARY KEY"),
        (WAKE, "SEARCH run USING PRIMARY KEY"),
        (DEAD, "SCAN call USING INDEX call_attention"),
        (UNSURE, "SEARCH message USING INDEX message_attention"),
        (REFUSED, "SEARCH message USING INDEX message_attention"),
        (OTHER_CALLS, "SCAN call USING INDEX call_latest"),
        (OTHER_MESSAGES, "SCAN message USING INDEX message_latest"),
        (NEXT_DUE, "SEARCH watch USING COVERING INDEX watch_due"),
    ] {
        let steps = steps(sql).await;
        assert!(steps.iter().any(|step| step.starts_with(allowed)), "{sql}: {steps:#?}");
        let walks = |step: &&String| {
            step.starts_with("SCAN")
                && !step.contains("VIRTUAL TABLE")
                && !step.contains("watching")
                && !step.contains("CONSTANT ROW")
                && !step.contains("INDEX")
        };
        assert_eq!(steps.iter().find(walks), None, "{sql}");
    }
}
