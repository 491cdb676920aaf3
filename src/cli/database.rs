use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use super::audit::account;
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
                let path = workspace.dir.join(path);
                if let Some(obstacle) = obstacle(&path) {
                    bail!("the database {} cannot be used: {obstacle}", path.display());
                }
                Ok(Self::Sqlite(Arc::new(SqliteStore::open(&path).await?)))
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

    /// Where lotse.yaml says that it is; it must have no errors.
    pub(super) fn place(workspace: &Workspace) -> anyhow::Result<config::Database> {
        workspace.settings()?.database.resolve(&workspace.environment()).context("`database` in lotse.yaml")
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

/// What SQLite and `lotse run` write beside a database.
const BESIDE: [&str; 5] = ["", "-wal", "-shm", ".lock", ".instance"];

/// What keeps whoever runs the program from using a file as a database, in words.
pub(super) fn obstacle(database: &Path) -> Option<String> {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Some(format!("there is no folder `{}`", folder.display()));
    }
    if database.is_dir() {
        return Some("it is a folder".to_owned());
    }
    let beside = BESIDE.map(|ending| {
        let mut path = OsString::from(database);
        path.push(ending);
        PathBuf::from(path)
    });
    let needed = beside.iter().map(PathBuf::as_path).filter(|path| path.exists()).chain([folder]);
    let barred = needed.into_iter().find(|path| !may_write(path))?;
    Some(format!("`{}` may not be written by the user {}", barred.display(), account()))
}

#[cfg(unix)]
fn may_write(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    let folder = if path.is_dir() { Access::EXEC_OK } else { Access::empty() };
    access(path, Access::READ_OK | Access::WRITE_OK | folder).is_ok()
}

#[cfg(not(unix))]
fn may_write(path: &Path) -> bool {
    !std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().readonly())
}
