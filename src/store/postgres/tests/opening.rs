//! Opening a database, and what its tables are.

use sqlx::AssertSqlSafe;

use super::super::testing::Fresh;
use super::super::{PostgresOptions, PostgresStore};
use crate::store::{Store, StoreError};

#[tokio::test]
async fn processes_that_start_at_once_migrate_once() {
    let Some(database) = Fresh::empty() else { return };
    let here = tokio::task::LocalSet::new();
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let url = database.url();
        let start = async move {
            let store = PostgresStore::open(&url, &PostgresOptions::default()).await.unwrap();
            let steps = store.migrate().await.unwrap();
            store.close().await;
            steps
        };
        starting.spawn_local_on(start, &here);
    }
    let mut steps = here.run_until(starting.join_all()).await;
    steps.sort_unstable();
    assert_eq!(steps, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(database.store().await.pending_migrations().await.unwrap(), 0);
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let Some(database) = Fresh::new().await else { return };
    let store = database.store().await;
    sqlx::query("UPDATE _sqlx_migrations SET version = 99").execute(&store.pool).await.unwrap();
    let opened = PostgresStore::open(&database.url(), &PostgresOptions::default()).await;
    let known = super::super::MIGRATIONS.len() as i64;
    assert!(matches!(opened, Err(StoreError::Newer { found: 99, known: k }) if k == known));
}

#[tokio::test]
async fn no_error_tells_the_password() {
    let url = "postgres://ada:geheim@127.0.0.1:1/lotse".parse().unwrap();
    let Err(error) = PostgresStore::open(&url, &PostgresOptions::default()).await else { panic!() };
    assert!(matches!(error, StoreError::Unreachable { .. }) && error.is_passing());
    let told = format!("{error} {error:?}");
    assert!(told.contains("postgres://127.0.0.1:1/lotse") && !told.contains("geheim"), "{told}");
}

#[tokio::test]
async fn what_passes_is_said_to_pass() {
    let Some(database) = Fresh::new().await else { return };
    let store = database.store().await;
    for code in ["40001", "40P01", "55P03", "57014", "53100", "53300", "57P01", "57P03", "08006"] {
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$");
        let raised = sqlx::raw_sql(AssertSqlSafe(raise)).execute(&store.pool).await;
        let error = super::super::failed(raised.unwrap_err());
        assert!(error.is_passing(), "{code}: {error}");
    }
    let broken = sqlx::query("SELECT nothing").execute(&store.pool).await;
    assert!(!super::super::failed(broken.unwrap_err()).is_passing());
}

#[tokio::test]
async fn what_a_role_may_not_do_is_said_with_its_remedy() {
    let Some(database) = Fresh::new().await else { return };
    let store = database.store().await;
    let raise =
        "DO $$ BEGIN RAISE EXCEPTION 'permission denied for schema public' USING ERRCODE = '42501'; END $$";
    let error =
        super::super::failed(sqlx::raw_sql(raise).execute(&store.pool).await.unwrap_err()).to_string();
    assert!(error.contains("(permission denied for schema public)"), "{error}");
    assert!(error.contains("GRANT CREATE ON SCHEMA public") && !error.contains("at line"), "{error}");
}

#[tokio::test]
async fn a_process_is_alive_until_it_ends() {
    let Some(database) = Fresh::new().await else { return };
    let (one, other) = (database.store().await, database.store().await);
    assert_ne!(one.worker.number(), other.worker.number());
    let alive = async |number: i64| -> bool {
        let sql = AssertSqlSafe(format!("SELECT $1 IN {}", workers_alive!()));
        sqlx::query_scalar(sql).bind(number).fetch_one(&other.pool).await.unwrap()
    };
    assert!(alive(one.worker.number()).await && alive(other.worker.number()).await);
    one.close().await;
    assert!(!alive(one.worker.number()).await && alive(other.worker.number()).await);
}

#[tokio::test]
async fn texts_may_hold_anything() {
    let Some(database) = Fresh::new().await else { return };
    let store = database.store().await;
    let mut unit = store.write().await.unwrap();
    unit.quarantine(crate::time::Moment::default(), vec![("a\0b".to_owned(), "\0".to_owned())])
        .await
        .unwrap();
    assert_eq!(unit.quarantined(9).await.unwrap()[0].reason, "a\u{fffd}b");
}
