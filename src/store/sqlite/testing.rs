//! A database of its own for a test, gone with it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::SqliteStore;

/// A place for a database in a fresh folder.
pub(in crate::store) struct File(PathBuf);

impl File {
    pub(in crate::store) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("lotse-store-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(in crate::store) fn path(&self) -> PathBuf {
        self.folder().join("lotse.db")
    }

    fn folder(&self) -> &Path {
        &self.0
    }

    /// The database with its tables.
    pub(in crate::store) async fn store(&self) -> SqliteStore {
        let store = SqliteStore::open(&self.path()).await.unwrap();
        store.migrate().await.unwrap();
        store
    }
}

impl SqliteStore {
    /// Makes the tables look as if no step had been taken.
    pub(crate) async fn forget_migrations(&self) {
        self.say("DELETE FROM _sqlx_migrations").await;
    }

    /// Runs a statement behind the back of everybody.
    pub(crate) async fn say(&self, sql: &str) {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&self.writer).await.unwrap();
    }
}

impl SqliteStore {
    /// Lets the file grow no more, as a full disk would.
    pub(in crate::store) async fn limit_pages(&self) {
        sqlx::query("PRAGMA max_page_count = 1").execute(&self.writer).await.unwrap();
    }

    /// Lets it grow again.
    pub(in crate::store) async fn lift_limit(&self) {
        sqlx::query("PRAGMA max_page_count = 1000000").execute(&self.writer).await.unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // What is left of it lies in the folder for passing things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
