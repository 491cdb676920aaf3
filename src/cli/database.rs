use std::sync::Arc;

use anyhow::Context;

use super::workspace::Workspace;
use crate::config;
use crate::store::postgres::{PostgresOptions, PostgresStore};
use crate::store::sqlite::SqliteStore;
use crate::store::{Result, Store};

/// The database of a workspace, opened.
pub(super) enum Database {
    /// A file.
    Sqlite(Arc<SqliteStore>),
    /// A database of a server, with its address without the password.
    Postgres(Arc<PostgresStore>, String),
}

impl Database {
    /// Opens the database of lotse.yaml as it is.
    pub(super) async fn open(workspace: &Workspace) -> anyhow::Result<Self> {
        match Self::place(workspace)? {
            config::Database::Sqlite(path) => {
                Ok(Self::Sqlite(Arc::new(SqliteStore::open(&workspace.dir.join(path)).await?)))
            }
            config::Database::Postgres(url) => {
                let pool = &workspace.config.database_pool;
                let options = PostgresOptions {
                    connections: pool.connections,
                    statement_timeout: pool.statement_timeout,
                    lock_timeout: pool.lock_timeout,
                };
                let store = PostgresStore::open(&url, &options).await?;
                Ok(Self::Postgres(Arc::new(store), config::Database::Postgres(url).to_string()))
            }
        }
    }

    /// Where lotse.yaml says that it is.
    pub(super) fn place(workspace: &Workspace) -> anyhow::Result<config::Database> {
        workspace.config.database.resolve(&workspace.environment()).context("`database` in lotse.yaml")
    }

    /// The store in it.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres(store, _) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Brings its tables up to date, and says how many steps that took.
    pub(super) async fn migrate(&self) -> Result<usize> {
        match self {
            Self::Sqlite(store) => store.migrate().await,
            Self::Postgres(store, _) => store.migrate().await,
        }
    }

    /// What people are told of where it is.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Sqlite(store) => store.path().display().to_string(),
            Self::Postgres(_, address) => address.clone(),
        }
    }
}
