//! PostgreSQL: one database, any number of equal processes. What was committed survives a crash of the server
//! (`synchronous_commit = on`), and one of its machine where a standby is synchronous.
//!
//! A process is known by a number, and alive as long as it holds the lock of that number (`worker`). The contacts of a
//! slot are moved by one process at a time, messages and calls belong to whoever took them (`guard`, `dialect`).
//! Transactions that write see what is committed when each of their statements begins, and hold what they go by.

#[macro_use]
mod dialect;
mod bulk;
mod errors;
mod guard;
mod instance;
mod keys;
mod line;
#[path = "../sql/mod.rs"]
mod sql;
mod tables;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
mod wake;
mod worker;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, Executor as _, Row as _, TypeInfo as _, ValueRef as _};
use url::Url;

use super::{
    Carrier, ClaimedCall, ClaimedMessage, Connections, ReadUnit, Result, Store, StoreError, Wake, WriteUnit,
};
use crate::domain::{CallId, CallKind, MessageId};
use crate::time::Moment;
use errors::{failed, lost};
use line::{Line, answer};
use sql::{SqlUnit, schema};
use wake::Ear;
use worker::Worker;

/// What the statements in `sql` are run on.
type Database = sqlx::Postgres;
type Connection = Line;
type Transaction = Line;
type Row = sqlx::postgres::PgRow;
type Statement<'q> = Query<'q, Database, sqlx::postgres::PgArguments>;

/// The steps of the tables, in order: number, name, SQL. A step is never changed once it was released, and has the
/// number of the same step in SQLite.
pub const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/postgres/0001_initial.sql"))];
const HAS_TABLE: &str = "SELECT count(*) FROM pg_class WHERE oid = to_regclass($1)";

/// The oldest server that is known to work: 13 has no statistics of prepared statements, and is not kept any more.
const SERVER_NEEDED: i64 = 140_000;
/// Processes that migrate at once wait for this lock.
const MIGRATION: i64 = 0x6c6f_7473_655f_6d67;
/// How long it is waited for a connection of the pool: whoever asked over HTTP is told to come back before they give up.
const ACQUIRE: Duration = Duration::from_secs(5);
/// How long connections may take to end.
const CLOSING: Duration = Duration::from_secs(5);
/// How long a transaction may stand idle, so that a process that hangs holds nothing up for ever.
const IDLE: Duration = Duration::from_secs(20);
/// How long the server keeps a connection that says nothing; the pool gives it up long before.
const SILENT: Duration = Duration::from_secs(30 * 60);
/// How much later than the server ends a statement its answer may come.
const ON_ITS_WAY: Duration = Duration::from_secs(5);

const WRITING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
const READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const STANDBY: &str = "it is a standby that takes no changes: `database` must lead to the primary";

/// How the connections to a server are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresOptions {
    /// How many there are at the most, beside the one that says that the process is alive.
    pub connections: u32,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long it is waited for what another process holds.
    pub lock_timeout: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 10,
            statement_timeout: Duration::from_secs(60),
            lock_timeout: Duration::from_secs(10),
        }
    }
}

/// A store in a database of PostgreSQL.
pub struct PostgresStore {
    pool: PgPool,
    /// How long it is waited for an answer of the server.
    answer_within: Duration,
    worker: Worker,
    ear: Ear,
}

impl PostgresStore {
    /// Opens a database that is there; its tables must be up to date, which [`migrate`](Self::migrate) sees to.
    ///
    /// # Errors
    /// When the server cannot be reached or is too old, or when the tables were made by a newer program. The password
    /// is in no error.
    pub async fn open(url: &Url, options: &PostgresOptions) -> Result<Self> {
        let connect: PgConnectOptions = url.as_str().parse().map_err(|error| unreachable(url, error))?;
        let connect = if connect.get_application_name().is_none() {
            connect.application_name("lotse")
        } else {
            connect
        };
        // Every statement would ask whether it is logged, on the thread that works, and a filter of a layer takes the
        // answer for that to our own next line.
        let connect = connect.disable_statement_logging();
        let worker = Worker::start(connect.clone()).await.map_err(|error| unreachable(url, error))?;
        let settings = settings(options, worker.number());
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| Box::pin(line::is_there(connection, meta.idle_for)))
            .after_release(|connection, _| Box::pin(line::is_clean(connection)))
            .after_connect(move |connection, _| {
                let settings = settings.clone();
                Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(settings)).await.map(|_| ()) })
            })
            .connect_lazy_with(connect.clone());
        let answer_within = options.statement_timeout + ON_ITS_WAY;
        let store = Self { pool, answer_within, worker, ear: Ear::new(connect) };
        store.check_server().await?;
        store.pending_migrations().await?;
        Ok(store)
    }

    /// Waits for an answer to what is asked outside of a transaction.
    async fn answered<T>(&self, asked: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        answer(self.answer_within, asked).await
    }

    async fn begin(&self, how: &'static str) -> Result<Line> {
        Line::begin(&self.pool, how, self.answer_within).await
    }

    /// Begins to take what is to be handed over. A process that others hold for dead takes nothing: they would take it
    /// as well.
    async fn begin_claim(&self) -> Result<Line> {
        if !self.worker.is_alive() {
            return Err(lost("this process takes the lock again that shows it to be alive".to_owned()));
        }
        self.begin(WRITING).await
    }

    async fn check_server(&self) -> Result<()> {
        let sql = "SELECT current_setting('server_version_num')::bigint, current_setting('server_version'),
            pg_backend_pid()";
        let row = sqlx::query(sql).fetch_one(&self.pool).await.map_err(failed)?;
        // Two connections that are open at once have a server process each, unless somebody between shares them out.
        if row.try_get::<i32, _>(2).map_err(failed)? == self.worker.server_process() {
            return Err(StoreError::SharedSessions);
        }
        if row.try_get::<i64, _>(0).map_err(failed)? < SERVER_NEEDED {
            let found = row.try_get(1).map_err(failed)?;
            return Err(StoreError::OldServer { found, needed: SERVER_NEEDED / 10_000 });
        }
        Ok(())
    }

    /// Brings the tables up to date, and says how many steps that took. Processes that start at once wait for
    /// each other.
    ///
    /// # Errors
    /// When the database was made by a newer program, or a step fails; then nothing of that step is left.
    pub async fn migrate(&self) -> Result<usize> {
        let mut transaction = self.begin(WRITING).await?;
        let wait = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION);
        wait.execute(&mut *transaction).await.map_err(failed)?;
        schema::migrate(transaction).await
    }
}

/// How statements are planned: by their indexes, the same way whatever the server happens to know of the tables. A
/// plan that was made when a table was empty is kept for as long as the connection.
const PLANNING: &str = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off";

/// What a connection is told when it opens. Numbers alone are put in.
fn settings(options: &PostgresOptions, worker: i64) -> String {
    format!(
        "{PLANNING}; SET lotse.worker = '{worker}'; SET synchronous_commit = on; SET statement_timeout = {}; \
        SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}; SET idle_session_timeout = {}",
        options.statement_timeout.as_millis(),
        options.lock_timeout.as_millis(),
        IDLE.as_millis(),
        SILENT.as_millis()
    )
}

#[async_trait]
impl Store for PostgresStore {
    async fn write(&self) -> Result<Box<dyn WriteUnit>> {
        Ok(Box::new(SqlUnit::new(self.begin(WRITING).await?)))
    }

    async fn read(&self) -> Result<Box<dyn ReadUnit>> {
        Ok(Box::new(SqlUnit::new(self.begin(READING).await?)))
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn claim_messages(
        &self,
        carrier: Carrier,
        now: Moment,
        limit: u32,
        under_way: &[MessageId],
        full: &[String],
        unreadable: &[u32],
    ) -> Result<Vec<ClaimedMessage>> {
        let mut transaction = self.begin_claim().await?;
        let claimed =
            sql::claim_messages(&mut transaction, carrier, now, limit, under_way, full, unreadable).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(claimed)
    }

    async fn claim_calls(
        &self,
        now: Moment,
        limit: u32,
        under_way: &[CallId],
        full: &[(CallKind, String)],
        unreadable: &[u32],
    ) -> Result<Vec<ClaimedCall>> {
        let mut transaction = self.begin_claim().await?;
        let claimed = sql::claim_calls(&mut transaction, now, limit, under_way, full, unreadable).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(claimed)
    }

    /// What is in force and what is held: everything else that others do is found when it is due.
    async fn changes_elsewhere(&self) -> Result<i64> {
        // None of these becomes less, so that their sum changes with each of them; a hold adds its moment and takes it
        // away again.
        let sql = "SELECT coalesce((SELECT max(at) FROM deployment), 0)
            + coalesce((SELECT max(number) FROM version), 0) + (SELECT count(*) FROM picked)
            + coalesce((SELECT since FROM hold), 0)";
        let asked = sqlx::query(sql).fetch_one(&self.pool);
        self.answered(asked).await.and_then(|row| row.try_get(0)).map_err(failed)
    }

    async fn tell(&self, wake: Wake) -> Result<()> {
        let told = wake::tell(&self.pool, self.worker.number(), wake);
        self.answered(told).await.map_err(failed)
    }

    async fn told(&self) -> Result<Wake> {
        self.ear.told(self.worker.number()).await
    }

    async fn pending_migrations(&self) -> Result<usize> {
        let mut unit = self.begin(READING).await?;
        let standby = sqlx::query("SELECT pg_is_in_recovery()").fetch_one(&mut unit).await;
        if standby.and_then(|row| row.try_get(0)).map_err(failed)? {
            return Err(lost(STANDBY.to_owned()));
        }
        schema::pending(&mut unit).await
    }

    fn connections(&self) -> Vec<Connections> {
        let idle = self.pool.num_idle();
        let busy = (self.pool.size() as usize).saturating_sub(idle);
        vec![Connections { pool: "postgres", busy, idle }]
    }

    /// The disk is the server's.
    fn free_bytes(&self) -> Option<u64> {
        None
    }

    async fn close(&self) {
        // A connection whose other end is gone without a word is waited for as long as a statement may take.
        let _ = tokio::time::timeout(CLOSING, self.pool.close()).await;
        self.ear.end().await;
        self.worker.end().await;
    }
}

/// A column that holds a number, of any width.
fn integer(row: &Row, index: usize) -> sqlx::Result<Option<i64>> {
    match row.try_get_raw(index)?.type_info().name() {
        "INT2" => Ok(row.try_get::<Option<i16>, _>(index)?.map(i64::from)),
        "INT4" => Ok(row.try_get::<Option<i32>, _>(index)?.map(i64::from)),
        _ => row.try_get(index),
    }
}

/// A text as PostgreSQL can store it: it knows all characters but NUL.
fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Why a database cannot be opened; of its address the password is left out.
fn unreachable(url: &Url, error: sqlx::Error) -> StoreError {
    let server = url.host_str().unwrap_or("");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let database = format!("{}://{server}{port}{}", url.scheme(), url.path());
    let why = why(url, &error);
    match failed(error) {
        StoreError::SharedSessions => StoreError::SharedSessions,
        _ => StoreError::Unreachable { database, why },
    }
}

/// Why a server could not be spoken to, with what to do where that can be said.
fn why(url: &Url, error: &sqlx::Error) -> String {
    let is_file = |key: &str| matches!(key, "sslrootcert" | "sslcert" | "sslkey");
    for (key, path) in url.query_pairs().filter(|(key, _)| is_file(key)) {
        if let Err(error) = std::fs::metadata(&*path) {
            return format!("`{key}`: `{path}` cannot be read: {error}");
        }
    }
    // The driver adds the line of the source of PostgreSQL.
    let said =
        error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
    if said.contains("UnknownIssuer") || said.contains("BadSignature") {
        return "nobody who is trusted has signed the certificate of the server: `sslrootcert` names the file with the \
            certificate of the authority that has"
            .to_owned();
    }
    if said.contains("certificate not valid for name") {
        return format!("the certificate is for another server than the one that `database` names: {said}");
    }
    said
}
