//! The databases: a file of its own for each figure, and a PostgreSQL server of the benches' own, as somebody runs one
//! who has given it memory and changed nothing else: what is committed is on the disk.

#[allow(dead_code, reason = "tests share one, a bench has its own")]
#[path = "../../tests/postgres/server.rs"]
mod server;

use std::sync::OnceLock;

use lotse::bench::{Place, Scratch};
use server::Server;

/// Where something is measured.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// How many batches of turns are under way at a time.
    pub fn at_once(self) -> &'static [usize] {
        match self {
            Kind::Sqlite => &[1],
            Kind::Postgres => &[1, 2],
        }
    }
}

/// An empty database; `None` where the machine has no PostgreSQL. A file lies beside this process' own temporary files.
pub async fn scratch(kind: Kind) -> Option<Scratch> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let place = match kind {
        Kind::Sqlite => {
            let name = format!("lotse-bench-{}.db", std::process::id());
            Place::Sqlite(std::env::temp_dir().join(name))
        }
        Kind::Postgres => {
            let server =
                SERVER.get_or_init(|| server::server_of("bench", "-c shared_buffers=1GB")).as_ref()?;
            Place::Postgres(server.url(&server.create(None)).parse().unwrap())
        }
    };
    Some(Scratch::new(place).await.unwrap())
}
