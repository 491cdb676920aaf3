use std::path::Path;

use anyhow::{Context, bail};
use url::Url;

use super::args::CopyArgs;
use super::run::Lock;
use super::workspace::block_on;
use super::{End, output};
use crate::config::{Database, Environment, ProcessEnvironment};
use crate::store::copy::{Compared, CopyError, Tables, copy};
use crate::store::postgres::{PostgresOptions, PostgresStore};
use crate::store::sqlite::SqliteStore;
use crate::time::{Clock, SystemClock};

pub(super) fn run(args: &CopyArgs, dir: &Path) -> anyhow::Result<End> {
    let environment = ProcessEnvironment::new(dir);
    let (from, to) = (place(&args.from, &environment, "--from")?, place(&args.to, &environment, "--to")?);
    if is_same(&from, &to) {
        bail!("`--from` and `--to` are the same database, {from}: name an empty one to copy it into");
    }
    block_on(async {
        let from = Side::open(&from, false).await?;
        // Before the new one is made: what is refused leaves nothing behind.
        let others = from.store.others().await?;
        if others > 0 {
            return Err(CopyError::AtWork { which: "old", others }.into());
        }
        let to = Side::open(&to, true).await?;
        let mut told = Told::default();
        let mut progress =
            |doing: &'static str, table: &str, done: u64, all: u64| told.tell(doing, table, done, all);
        let compared = copy(&*from.store, &*to.store, SystemClock.now(), &mut progress).await?;
        told.end();
        from.store.close().await;
        to.store.close().await;
        Ok(show(&compared))
    })
}

/// What is named on the command line; a password need not stand there.
fn place(text: &str, environment: &dyn Environment, option: &str) -> anyhow::Result<Database> {
    if !text.contains(':') {
        bail!("`{option} {text}` is no address: a file is written `sqlite://{text}`");
    }
    let text = match text.strip_prefix("env:") {
        Some(name) => {
            environment.variable(name).with_context(|| format!("the variable {name} is not set"))?
        }
        None => text.to_owned(),
    };
    text.trim().parse().with_context(|| {
        format!("`{option}` is `sqlite://lotse.db`, `postgres://user:password@host/name` or `env:NAME`")
    })
}

/// Whether two addresses lead to the same place, as far as they tell.
fn is_same(one: &Database, other: &Database) -> bool {
    match (one, other) {
        (Database::Sqlite(one), Database::Sqlite(other)) => {
            let whole = |path: &Path| path.canonicalize().ok();
            one == other || whole(one).is_some_and(|path| whole(other) == Some(path))
        }
        (Database::Postgres(one), Database::Postgres(other)) => {
            let server = |url: &Url, name: &str| {
                url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
            };
            let place = |url: &Url| {
                let host = server(url, "host").or_else(|| url.host_str().map(str::to_owned));
                let port = server(url, "port").and_then(|port| port.parse().ok()).or(url.port());
                (host, port.unwrap_or(5432), url.path().to_owned())
            };
            place(one) == place(other)
        }
        _ => false,
    }
}

/// One of the two databases, and what keeps others from it.
struct Side {
    store: Box<dyn Tables>,
    _lock: Option<Lock>,
}

impl Side {
    /// Opens a database; the new one is made where it is missing, and its tables with it.
    async fn open(place: &Database, is_new: bool) -> anyhow::Result<Self> {
        let name = place.to_string();
        let (store, lock): (Box<dyn Tables>, _) = match place {
            Database::Sqlite(path) => {
                if !is_new && !path.exists() {
                    bail!("{name} is not there");
                }
                let lock = Lock::take(path)?;
                let store = SqliteStore::open(path).await?;
                if is_new {
                    store.migrate().await?;
                }
                (Box::new(store), Some(lock))
            }
            Database::Postgres(url) => {
                let store = PostgresStore::open(url, &PostgresOptions::default()).await?;
                if is_new {
                    store.migrate().await?;
                }
                (Box::new(store), None)
            }
        };
        if store.pending_migrations().await? > 0 {
            bail!(
                "the tables of {name} are not those of this program: take the steps with `lotse migrate` first"
            );
        }
        Ok(Self { store, _lock: lock })
    }
}

/// What is shown while it goes on: a bar on a terminal, a line for each table elsewhere.
#[derive(Default)]
struct Told {
    bar: Option<indicatif::ProgressBar>,
    last: String,
}

impl Told {
    fn tell(&mut self, doing: &'static str, table: &str, done: u64, all: u64) {
        let what = format!("{table} is {doing}");
        if what != self.last {
            self.end();
            let bar = output::progress(all, "");
            bar.set_message(what.clone());
            if bar.is_hidden() {
                anstream::eprintln!("{what}");
            }
            self.last = what;
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn show(compared: &[Compared]) -> End {
    let row = |one: &Compared| {
        let verdict = if one.is_equal() { "equal" } else { "DIFFERENT" };
        vec![
            one.table.clone(),
            one.from.rows.to_string(),
            one.to.rows.to_string(),
            one.from.text(),
            one.to.text(),
            verdict.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = compared.iter().map(row).collect();
    output::table(&["table", "old rows", "new rows", "old sum", "new sum", ""], &rows);
    if compared.iter().all(Compared::is_equal) {
        anstream::println!(
            "\nboth hold the same: start `lotse run` on the new one, and never again on the old one"
        );
        End::Good
    } else {
        anstream::println!("\nthey do not hold the same: do not start `lotse run` on the new one");
        End::Findings
    }
}
