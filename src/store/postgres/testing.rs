//! A database of its own for a test, gone with it.

#[path = "../../../tests/postgres/server.rs"]
mod server;

use tokio::sync::OnceCell;
use url::Url;

use super::{PostgresOptions, PostgresStore};
use server::{Server, server};

/// A fresh database with its tables.
pub(in crate::store) struct Fresh {
    server: &'static Server,
    name: String,
}

impl Fresh {
    /// A copy of one whose tables were made once; nothing where there is no server.
    pub(in crate::store) async fn new() -> Option<Self> {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let server = server()?;
        let template = TEMPLATE.get_or_init(|| async {
            let empty = Self { server, name: server.create(None) };
            let store = empty.store().await;
            store.migrate().await.unwrap();
            crate::store::Store::close(&store).await;
            let name = empty.name.clone();
            std::mem::forget(empty);
            name
        });
        let name = server.create(Some(template.await));
        Some(Self { server, name })
    }

    /// One without tables.
    pub(super) fn empty() -> Option<Self> {
        let server = server()?;
        Some(Self { server, name: server.create(None) })
    }

    pub(super) fn url(&self) -> Url {
        self.server.url(&self.name).parse().unwrap()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where its server listens.
    pub(super) fn socket(&self) -> std::path::PathBuf {
        self.server.socket()
    }

    pub(super) fn ask(&self, sql: &str) -> String {
        self.server.ask(&self.name, sql)
    }

    /// A process' view of the database.
    pub(in crate::store) async fn store(&self) -> PostgresStore {
        let options = PostgresOptions { connections: 4, ..PostgresOptions::default() };
        PostgresStore::open(&self.url(), &options).await.unwrap()
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        self.server.drop(&self.name);
    }
}

impl PostgresStore {
    /// Runs a statement behind the back of everybody.
    pub(in crate::store) async fn say(&self, sql: &str) {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&self.pool).await.unwrap();
    }
}
