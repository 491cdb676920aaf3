//! How PostgreSQL goes about the statements whose cost must not grow with everything that is stored.

use sqlx::{AssertSqlSafe, Row};

use super::super::guard::{TAKE_READABLE_SLOTS, TAKE_SLOTS, WANTED};
use super::super::sql::statements::{
    BY_DAY, DEAD, EXTEND, GREET, HAPPENED, LAST_OF_BATCH, LAST_OF_PIECE, LOOK, NEXT_DUE, NOTICE, OTHER_CALLS,
    OTHER_MESSAGES, PENDING_OF, READABLE_DUE, READABLE_PENDING, READABLE_WATCH_DUE, REFUSED, TOTALS, UNSURE,
    WAKE, WATCH_DUE, WATCHED,
};
use super::super::testing::Fresh;

/// Every statement can be worked off by indexes alone: a connection makes walking over tables dear, and none is walked
/// over.
#[tokio::test]
async fn nobody_walks_over_everything() {
    let Some(database) = Fresh::new().await else { return };
    let store = database.store().await;
    let mut connection = store.pool.acquire().await.unwrap();
    let rows = "SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::text[])
        AS u (column1, column2, column3, column4)";
    let look = format!("{} {rows} {}", LOOK.head, LOOK.tail);
    for (sql, parameters) in [
        (HAPPENED, 5),
        (PENDING_OF, 4),
        (WATCH_DUE, 4),
        (WANTED, 1),
        (TAKE_SLOTS, 4),
        (TAKE_READABLE_SLOTS, 5),
        (READABLE_PENDING, 5),
        (READABLE_DUE, 5),
        (READABLE_WATCH_DUE, 5),
        (WATCHED, 2),
        (NOTICE, 3),
        (GREET, 2),
        (LAST_OF_BATCH, 3),
        (EXTEND, 5),
        (LAST_OF_PIECE, 3),
        (WAKE, 7),
        (NEXT_DUE, 0),
        (BY_DAY, 1),
        (TOTALS, 1),
        (DEAD, 1),
        (UNSURE, 1),
        (REFUSED, 1),
        (OTHER_CALLS, 1),
        (OTHER_MESSAGES, 1),
        (look.as_str(), 4),
    ] {
        let prepare = AssertSqlSafe(format!("PREPARE asked AS {sql}"));
        sqlx::raw_sql(prepare).execute(&mut *connection).await.unwrap();
        let nothing = vec!["NULL"; parameters].join(", ");
        let given = if parameters == 0 { String::new() } else { format!("({nothing})") };
        let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE asked{given}"));
        let steps = sqlx::raw_sql(explain).fetch_all(&mut *connection).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get(0)).collect();
        let walks = |step: &&String| step.contains("Seq Scan") && !step.contains("Seq Scan on watching");
        assert_eq!(steps.iter().find(walks), None, "{sql}: {steps:#?}");
        assert!(steps.iter().any(|step| step.contains("Index")), "{sql}: {steps:#?}");
        let lists = [(DEAD, "call_attention"), (UNSURE, "message_attention"), (REFUSED, "message_attention")];
        let more = [(OTHER_CALLS, "call_latest"), (OTHER_MESSAGES, "message_latest")];
        for (_, index) in lists.into_iter().chain(more).filter(|(list, _)| *list == sql) {
            assert!(steps.iter().any(|step| step.contains(index)), "{sql}: {steps:#?}");
        }
        assert!(sql != WAKE || steps.iter().any(|step| step.contains("run_pkey")), "{steps:#?}");
        sqlx::raw_sql("DEALLOCATE asked").execute(&mut *connection).await.unwrap();
    }
}
