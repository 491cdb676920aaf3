//! The embedded database: SQLite in WAL mode with `synchronous = FULL`, so that what was committed survives a
//! loss of power. One connection writes, a few read.
//!
//! Inserts go by `VALUES` in chunks of fixed sizes (so that their statements stay prepared), look-ups by a JSON
//! list of keys; both take a thousand rows for a few milliseconds, where a statement a row would take a second.

#[macro_use]
mod dialect;
mod bulk;
mod errors;
mod guard;
mod instance;
mod keys;
#[path = "../sql/mod.rs"]
mod sql;
mod tables;
#[cfg(test)]
mod plans;
#[cfg(test)]
pub(super) mod testing;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, SqlitePool};

use super::{
    Carrier, ClaimedCall, ClaimedMessage, Connections, ReadUnit, Result, Store, StoreError, WriteUnit,
};
use crate::domain::{CallId, CallKind, MessageId};
use crate::time::Moment;
use errors::failed;
use sql::{SqlUnit, schema};

/// What the statements in `sql` are run on.
type Database = sqlx::Sqlite;
type Connection = sqlx::SqliteConnection;
type Transaction = sqlx::Transaction<'static, Database>;
type Row = sqlx::sqlite::SqliteRow;
type Statement<'q> = Query<'q, Database, sqlx::sqlite::SqliteArguments>;

/// The steps of the tables, in order: number, name, SQL. A step is never changed once it was released.
pub const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/sqlite/0001_initial.sql"))];
const HAS_TABLE: &str = "SELECT count(*) FROM sqlite_schema WHERE name = $1";

/// Whether there are tables, and none of ours.
const FOREIGN: &str = "SELECT count(*) > 0 AND count(*) FILTER (WHERE name = 'contact') = 0
    FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('_sqlx_migrations', 'sqlite_sequence')";

/// Versions before this can damage a database in WAL mode (<https://sqlite.org/wal.html#walresetbug>).
const LIBRARY_NEEDED: &str = "3.51.3";
/// How long a writer waits for another process, such as the command line beside a server.
const BUSY_SECONDS: u64 = 10;
/// How large the log stays, in bytes, where a reader made it grow: what it has without one is some 16 MiB.
const LOG_BYTES_KEPT: &str = "33554432";
/// Readers at a time.
const READERS: u32 = 4;
/// Rows that the library may be ahead of whoever reads them: every time it waits, two threads change places.
const ROWS_AHEAD: usize = 2_048;

/// A store in one file.
pub struct SqliteStore {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, or makes it; its tables must be up to date, which [`migrate`](Self::migrate) sees to.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database, was made by a newer program, or when the library is one
    /// that can damage it.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(BUSY_SECONDS))
            .foreign_keys(false)
            .statement_cache_capacity(1_024)
            .row_buffer_size(ROWS_AHEAD)
            .pragma("temp_store", "MEMORY")
            .pragma("wal_autocheckpoint", "4000")
            .pragma("journal_size_limit", LOG_BYTES_KEPT);
        let pool = |connections: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .min_connections(0)
                .idle_timeout(None)
                .max_lifetime(None)
                .acquire_timeout(Duration::from_secs(3 * BUSY_SECONDS))
                .test_before_acquire(false)
        };
        let unreachable = |error: sqlx::Error| StoreError::Unreachable {
            database: path.display().to_string(),
            why: error.to_string(),
        };
        let writing = options.clone().pragma("cache_size", "-65536");
        let reading = options.pragma("cache_size", "-8192").pragma("query_only", "ON");
        let writer = pool(1).connect_with(writing).await.map_err(unreachable)?;
        let store = Self { path: path.to_owned(), writer, readers: pool(READERS).connect_lazy_with(reading) };
        let row = sqlx::query("SELECT sqlite_version()").fetch_one(&store.writer).await.map_err(failed)?;
        check_library(row.try_get(0).map_err(failed)?)?;
        let row = sqlx::query(FOREIGN).fetch_one(&store.writer).await.map_err(failed)?;
        if row.try_get(0).map_err(failed)? {
            return Err(StoreError::Foreign);
        }
        store.pending_migrations().await?;
        Ok(store)
    }

    /// Brings the tables up to date, and says how many steps that took. Processes that start at once wait for
    /// each other.
    ///
    /// # Errors
    /// When the database was made by a newer program, or a step fails; then nothing of that step is left.
    pub async fn migrate(&self) -> Result<usize> {
        // Whoever comes second waits here, and then finds the steps taken.
        schema::migrate(self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?).await
    }

    /// The name of this database, which becomes `new` where it has none yet, and how many messages and calls have
    /// left the house from it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn instance(&self, new: &str) -> Result<(String, u64)> {
        instance::instance(&mut *self.writer.acquire().await.map_err(failed)?, new).await
    }

    /// As [`instance`](Self::instance), by reading alone; nothing where it has no name yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sent(&self) -> Result<Option<(String, u64)>> {
        instance::sent(&mut *self.readers.acquire().await.map_err(failed)?).await
    }

    /// Closes the connection that writes, so that the next change opens another.
    async fn give_up(&self) -> Result<()> {
        self.writer.acquire().await.map_err(failed)?.close().await.map_err(failed)
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn write(&self) -> Result<Box<dyn WriteUnit>> {
        // IMMEDIATE takes the right to write at once: a transaction that began by reading could not wait for it.
        const BEGIN: &str = "BEGIN IMMEDIATE";
        let begun = match self.writer.begin_with(BEGIN).await {
            // SQLite ends a transaction by itself when the disk is full or fails, and the driver goes on believing in it.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.give_up().await?;
                self.writer.begin_with(BEGIN).await
            }
            begun => begun,
        };
        match begun.map_err(failed) {
            Ok(transaction) => Ok(Box::new(SqlUnit::new(transaction))),
            Err(StoreError::Busy) => Err(StoreError::Busy),
            Err(error) => {
                // A connection that was opened while the file could not be written never writes it.
                self.give_up().await?;
                Err(error)
            }
        }
    }

    async fn read(&self) -> Result<Box<dyn ReadUnit>> {
        let transaction = self.readers.begin().await.map_err(failed)?;
        Ok(Box::new(SqlUnit::new(transaction)))
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
        let mut transaction = self.readers.begin().await.map_err(failed)?;
        sql::claim_messages(&mut transaction, carrier, now, limit, under_way, full, unreadable).await
    }

    async fn claim_calls(
        &self,
        now: Moment,
        limit: u32,
        under_way: &[CallId],
        full: &[(CallKind, String)],
        unreadable: &[u32],
    ) -> Result<Vec<ClaimedCall>> {
        let mut transaction = self.readers.begin().await.map_err(failed)?;
        sql::claim_calls(&mut transaction, now, limit, under_way, full, unreadable).await
    }

    async fn changes_elsewhere(&self) -> Result<i64> {
        let row = sqlx::query("PRAGMA data_version").fetch_one(&self.writer).await.map_err(failed)?;
        row.try_get(0).map_err(failed)
    }

    async fn pending_migrations(&self) -> Result<usize> {
        schema::pending(&mut *self.readers.acquire().await.map_err(failed)?).await
    }

    fn connections(&self) -> Vec<Connections> {
        let of = |pool, connections: &SqlitePool| {
            let idle = connections.num_idle();
            Connections { pool, busy: (connections.size() as usize).saturating_sub(idle), idle }
        };
        vec![of("write", &self.writer), of("read", &self.readers)]
    }

    fn free_bytes(&self) -> Option<u64> {
        free_bytes(&self.path)
    }

    fn log_bytes(&self) -> Option<u64> {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        Some(std::fs::metadata(log).map_or(0, |log| log.len()))
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// How many bytes whoever runs this program may still write where a file is.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_path: &Path) -> Option<u64> {
    None
}

/// Refuses a library that can damage a database.
fn check_library(found: &str) -> Result<()> {
    let number =
        |version: &str| -> Vec<u32> { version.split('.').map(|part| part.parse().unwrap_or(0)).collect() };
    if number(found) < number(LIBRARY_NEEDED) {
        return Err(StoreError::OldLibrary { found: found.to_owned(), needed: LIBRARY_NEEDED });
    }
    Ok(())
}

/// A column that holds a number.
fn integer(row: &Row, index: usize) -> sqlx::Result<Option<i64>> {
    row.try_get(index)
}
