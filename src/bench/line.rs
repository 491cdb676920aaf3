//! A bare connection, for what a floor and filling tables write.

use std::path::Path;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection};
use url::Url;

use super::{BenchError, Result};

/// A connection to a database of either kind.
pub(super) enum Line {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

impl Line {
    /// Opens a file, with the settings that the store opens it with.
    pub(super) async fn sqlite(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", "4000")
            .pragma("temp_store", "MEMORY")
            .pragma("cache_size", "-65536");
        Ok(Self::Sqlite(Box::new(options.connect().await?)))
    }

    /// Connects to a server.
    pub(super) async fn postgres(url: &Url) -> Result<Self> {
        let options: PgConnectOptions = url.as_str().parse()?;
        Ok(Self::Postgres(Box::new(options.connect().await?)))
    }

    /// Runs a statement, and says how many rows it changed.
    pub(super) async fn run(&mut self, sql: String) -> Result<u64> {
        let statement = AssertSqlSafe(sql);
        Ok(match self {
            Self::Sqlite(line) => sqlx::query(statement).execute(&mut **line).await?.rows_affected(),
            Self::Postgres(line) => sqlx::query(statement).execute(&mut **line).await?.rows_affected(),
        })
    }

    /// Runs a query that gives one number.
    pub(super) async fn number(&mut self, sql: String) -> Result<i64> {
        let statement = AssertSqlSafe(sql);
        Ok(match self {
            Self::Sqlite(line) => sqlx::query(statement).fetch_one(&mut **line).await?.try_get(0)?,
            Self::Postgres(line) => sqlx::query(statement).fetch_one(&mut **line).await?.try_get(0)?,
        })
    }

    /// Runs a query that gives one text.
    pub(super) async fn text(&mut self, sql: &'static str) -> Result<String> {
        Ok(match self {
            Self::Sqlite(line) => sqlx::query(sql).fetch_one(&mut **line).await?.try_get(0)?,
            Self::Postgres(line) => sqlx::query(sql).fetch_one(&mut **line).await?.try_get(0)?,
        })
    }

    /// Hangs up.
    pub(super) async fn close(self) -> Result<()> {
        match self {
            Self::Sqlite(line) => line.close().await,
            Self::Postgres(line) => line.close().await,
        }
        .map_err(BenchError::Floor)
    }
}
