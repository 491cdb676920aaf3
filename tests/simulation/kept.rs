//! Where everything is kept while processes come and go: in memory, in a file, or on a server.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lotse::store::Store;
use lotse::store::memory::MemoryStore;
use lotse::store::postgres::{PostgresOptions, PostgresStore};
use lotse::store::sqlite::SqliteStore;

use crate::program::postgres::Server;

/// A store that outlives its processes.
pub enum Kept {
    InMemory(Arc<MemoryStore>),
    OnDisk { folder: tempfile::TempDir, side: tokio::runtime::Runtime },
    OnServer { server: &'static Server, name: String, side: tokio::runtime::Runtime },
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Kept::OnServer { server, name, .. } = self {
            server.drop(name);
        }
    }
}

/// Threads of its own for a store that needs some.
fn side() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// What one process waits for another: the time of both stands still meanwhile.
fn impatient() -> PostgresOptions {
    PostgresOptions { connections: 8, lock_timeout: Duration::from_millis(20), ..PostgresOptions::default() }
}

impl Kept {
    pub fn new(on_disk: bool) -> Self {
        if !on_disk {
            return Kept::InMemory(Arc::new(MemoryStore::new()));
        }
        // In memory, where the system has a folder there: what is tried is no loss of power.
        let shared = std::path::Path::new("/dev/shm");
        let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
        Kept::OnDisk { folder: folder.unwrap(), side: side() }
    }

    /// A database on a server, like one whose tables were made once.
    pub fn on_server(server: &'static Server) -> Self {
        static TEMPLATE: OnceLock<String> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let name = server.create(None);
            let url = server.url(&name).parse().unwrap();
            side().block_on(async {
                let store = PostgresStore::open(&url, &PostgresOptions::default()).await.unwrap();
                store.migrate().await.unwrap();
                store.close().await;
            });
            name
        });
        Kept::OnServer { server, name: server.create(Some(template)), side: side() }
    }

    /// The store as one process opens it.
    pub fn open(&self) -> Arc<dyn Store> {
        self.open_as("lotse")
    }

    /// The store as a process of that name opens it.
    pub fn open_as(&self, process: &str) -> Arc<dyn Store> {
        match self {
            Kept::InMemory(store) => Arc::<MemoryStore>::clone(store),
            Kept::OnServer { server, name, side } => {
                let url = format!("{}&application_name={process}", server.url(name)).parse().unwrap();
                let open = || side.block_on(PostgresStore::open(&url, &impatient())).unwrap();
                Arc::new(std::thread::scope(|scope| scope.spawn(open).join().unwrap()))
            }
            Kept::OnDisk { folder, side } => {
                let path = folder.path().join("lotse.db");
                let open = || {
                    side.block_on(async {
                        let store = SqliteStore::open(&path).await.unwrap();
                        store.migrate().await.unwrap();
                        store
                    })
                };
                Arc::new(std::thread::scope(|scope| scope.spawn(open).join().unwrap()))
            }
        }
    }

    /// Ends the connection that shows a process to be alive, as the server does where it is silent for too long.
    pub fn take_for_dead(&self, process: &str) {
        let end = format!("SELECT count(pg_terminate_backend(pid)) FROM {}", sign_of(process));
        self.ask(&end);
        // The server takes a moment.
        while self.is_alive(process) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until a process shows again that it is alive, while the time of the simulation stands still.
    pub fn wait_for_life(&self, process: &str) {
        while !self.is_alive(process) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_alive(&self, process: &str) -> bool {
        self.ask(&format!("SELECT count(*) FROM {}", sign_of(process))).trim() != "0"
    }

    fn ask(&self, sql: &str) -> String {
        match self {
            Kept::OnServer { server, name, .. } => server.ask(name, sql),
            Kept::InMemory(_) | Kept::OnDisk { .. } => unreachable!("one process works alone"),
        }
    }

    pub fn side(&self) -> Option<tokio::runtime::Handle> {
        match self {
            Kept::InMemory(_) => None,
            Kept::OnDisk { side, .. } | Kept::OnServer { side, .. } => Some(side.handle().clone()),
        }
    }

    /// Does something with the store as it is, when nobody else does.
    pub fn look<T: Send>(&self, look: impl AsyncFnOnce(&dyn Store) -> T) -> T {
        let store = self.open();
        let looked = async {
            let found = look(&*store).await;
            if self.side().is_some() {
                store.close().await;
            }
            found
        };
        match self {
            Kept::InMemory(_) => {
                tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(looked)
            }
            Kept::OnDisk { side, .. } | Kept::OnServer { side, .. } => side.block_on(looked),
        }
    }
}

/// The connection that holds the lock of a process' number, as `pid`.
fn sign_of(process: &str) -> String {
    format!(
        "pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND objsubid = 1 AND granted
        AND application_name = '{process}' AND datname = current_database()"
    )
}
