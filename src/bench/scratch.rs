use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::line::Line;
use super::{BenchError, Result};
use crate::store::Store;
use crate::store::postgres::{PostgresOptions, PostgresStore};
use crate::store::sqlite::SqliteStore;

/// The schemas of a server in which measuring happens: of the program, and of the floor.
const SCHEMA: &str = "lotse_bench";
const FLOOR: &str = "lotse_bench_floor";

/// Where it is measured.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a file that is not there yet; the floor has one beside it.
    Sqlite(PathBuf),
    /// In a database of a server that has no tables.
    Postgres(Url),
}

/// An empty database for one figure.
pub struct Scratch {
    place: Place,
}

impl Scratch {
    /// Makes ready what was named.
    ///
    /// # Errors
    /// When there is anything in it, or when it cannot be reached.
    pub async fn new(place: Place) -> Result<Self> {
        match &place {
            Place::Sqlite(file) if file.exists() => {
                return Err(BenchError::NotEmpty(format!("`{}`", file.display())));
            }
            Place::Sqlite(_) => {}
            Place::Postgres(url) => {
                let mut line = Line::postgres(url).await?;
                let tables = "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";
                if line.number(tables.to_owned()).await? > 0 {
                    return Err(BenchError::NotEmpty(format!(
                        "the database `{}`",
                        url.path().trim_start_matches('/')
                    )));
                }
                line.run(format!("CREATE SCHEMA {SCHEMA}")).await?;
                line.run(format!("CREATE SCHEMA {FLOOR}")).await?;
                line.close().await?;
            }
        }
        Ok(Self { place })
    }

    /// Opens it as the program does, with its tables.
    ///
    /// # Errors
    /// When that fails.
    pub async fn store(&self) -> Result<Arc<dyn Store>> {
        match &self.place {
            Place::Sqlite(file) => made(SqliteStore::open(file).await?).await,
            Place::Postgres(url) => made_on_server(&within(url, SCHEMA)).await,
        }
    }

    /// What `database` of lotse.yaml says where it is meant.
    pub fn database(&self) -> String {
        match &self.place {
            Place::Sqlite(file) => format!("sqlite://{}", file.display()),
            Place::Postgres(url) => within(url, SCHEMA).into(),
        }
    }

    /// Whether any number of processes may work in it.
    pub fn is_shared(&self) -> bool {
        matches!(self.place, Place::Postgres(_))
    }

    /// The database and its version.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn version(&self) -> Result<String> {
        let (name, sql) = match &self.place {
            Place::Sqlite(_) => ("SQLite", "SELECT sqlite_version()"),
            Place::Postgres(_) => ("PostgreSQL", "SELECT current_setting('server_version')"),
        };
        let mut line = match &self.place {
            // Nothing is made that would have to be taken away.
            Place::Sqlite(_) => Line::sqlite(Path::new(":memory:")).await?,
            Place::Postgres(url) => Line::postgres(url).await?,
        };
        let version = line.text(sql).await?;
        line.close().await?;
        Ok(format!("{name} {version}"))
    }

    /// A bare connection to it.
    pub(super) async fn line(&self) -> Result<Line> {
        match &self.place {
            Place::Sqlite(file) => Line::sqlite(file).await,
            Place::Postgres(url) => Line::postgres(&within(url, SCHEMA)).await,
        }
    }

    /// Makes the tables of the floor, all of them empty.
    pub(super) async fn make_floor(&self) -> Result<()> {
        match &self.place {
            Place::Sqlite(file) => made(SqliteStore::open(&floor_of(file)).await?).await?.close().await,
            Place::Postgres(url) => made_on_server(&within(url, FLOOR)).await?.close().await,
        }
        Ok(())
    }

    /// A bare connection that sees the tables of the program as `done.…` and those of the floor by their names.
    pub(super) async fn floor_line(&self) -> Result<Line> {
        match &self.place {
            Place::Sqlite(file) => {
                let mut line = Line::sqlite(&floor_of(file)).await?;
                line.run(format!("ATTACH '{}' AS done", file.display().to_string().replace('\'', "''")))
                    .await?;
                Ok(line)
            }
            Place::Postgres(url) => Line::postgres(&within(url, FLOOR)).await,
        }
    }

    /// What stands before the tables of the program where the floor speaks of them.
    pub(super) fn done(&self) -> &'static str {
        match &self.place {
            Place::Sqlite(_) => "done",
            Place::Postgres(_) => SCHEMA,
        }
    }

    /// Takes everything away that was made.
    ///
    /// # Errors
    /// When that fails.
    pub async fn end(self) -> Result<()> {
        match &self.place {
            Place::Sqlite(file) => {
                for file in [file.clone(), floor_of(file)] {
                    for behind in ["", "-wal", "-shm"] {
                        take_away(&with_end(&file, behind))?;
                    }
                }
            }
            Place::Postgres(url) => {
                let mut line = Line::postgres(url).await?;
                for schema in [SCHEMA, FLOOR] {
                    line.run(format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await?;
                }
                line.close().await?;
            }
        }
        Ok(())
    }
}

async fn made(store: SqliteStore) -> Result<Arc<dyn Store>> {
    store.migrate().await?;
    Ok(Arc::new(store))
}

async fn made_on_server(url: &Url) -> Result<Arc<dyn Store>> {
    let store = PostgresStore::open(url, &PostgresOptions::default()).await?;
    store.migrate().await?;
    Ok(Arc::new(store))
}

/// The address of a server with a schema in which names without one are looked up.
fn within(url: &Url, schema: &str) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("options", &format!("-c search_path={schema}"));
    url
}

fn floor_of(file: &Path) -> PathBuf {
    with_end(file, ".floor")
}

fn with_end(file: &Path, end: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(end);
    path.into()
}

fn take_away(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
