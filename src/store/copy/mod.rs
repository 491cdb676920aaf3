//! Moves a whole installation into another database, and proves that both hold the same.
//!
//! Tables and their columns are read from the databases themselves, so that nothing is left behind that a later step
//! adds. Rows go over in pages in the order of their keys, each page in a transaction of its own. Until all is there,
//! the new database holds everything, with [`UNFINISHED`] as the reason; by that a copy that was broken off is known,
//! and begun anew.

mod cell;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use async_trait::async_trait;

pub(super) use cell::as_everywhere;
pub use cell::{Cell, Fingerprint};

use super::{Result, Store, StoreError};
use crate::time::Moment;

/// Why a database holds everything while a copy into it is not complete.
pub const UNFINISHED: &str = "a copy into this database is not complete: run `lotse copy` again";
/// Rows that go over at a time.
const PAGE: u32 = 2_000;
/// What belongs to one database alone: the steps of its tables, and which file this is.
const LEFT_OUT: [&str; 2] = ["_sqlx_migrations", "instance"];
/// Which process took a row; none is at work while it is copied.
const WORKER: &str = "worker";
/// The table that the mark of a copy is in; it is copied last.
const HOLD: &str = "hold";

/// A table as a database describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What it is called.
    pub name: String,
    /// Its columns in the order of their names, each with its type as the database calls it.
    pub columns: Vec<(String, String)>,
    /// Which of the columns are its key, in the order of the key.
    pub key: Vec<usize>,
}

impl Table {
    /// The names of columns as they stand in a statement.
    pub(super) fn list<'t>(columns: impl Iterator<Item = &'t (String, String)>) -> String {
        columns.map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    }

    /// The columns of the key.
    pub(super) fn key_columns(&self) -> impl Iterator<Item = &(String, String)> {
        self.key.iter().filter_map(|index| self.columns.get(*index))
    }

    /// The values of the key in a row.
    fn key_of(&self, row: &[Cell]) -> Vec<Cell> {
        self.key.iter().filter_map(|index| row.get(*index)).cloned().collect()
    }

    /// A statement that reads a page; `placeholder` says how a parameter of the key is written.
    pub(super) fn page(&self, is_first: bool, placeholder: impl Fn(usize) -> String) -> String {
        let (columns, key) = (Self::list(self.columns.iter()), Self::list(self.key_columns()));
        let parameters: Vec<String> = (1..=self.key.len()).map(placeholder).collect();
        let behind =
            if is_first { String::new() } else { format!(" WHERE ({key}) > ({})", parameters.join(", ")) };
        format!("SELECT {columns} FROM \"{}\"{behind} ORDER BY {key} LIMIT {PAGE}", self.name)
    }

    /// Tables from what a database says of its columns: table, column, type, and which column of the key it is, from
    /// 1, or 0. What is not copied is left out.
    pub(super) fn from_columns(found: Vec<(String, String, String, i64)>) -> Vec<Self> {
        type Found = (Vec<(String, String)>, BTreeMap<i64, usize>);
        let mut tables: BTreeMap<String, Found> = BTreeMap::new();
        for (table, column, kind, place) in found {
            if LEFT_OUT.contains(&table.as_str()) || column == WORKER {
                continue;
            }
            let (columns, key) = tables.entry(table).or_default();
            if place > 0 {
                key.insert(place, columns.len());
            }
            columns.push((column, kind));
        }
        let table = |(name, (columns, key)): (String, Found)| Self {
            name,
            columns,
            key: key.into_values().collect(),
        };
        tables.into_iter().map(table).collect()
    }

    /// Whether another database has the same table.
    fn is_like(&self, other: &Self) -> bool {
        let names = |table: &Self| table.columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        self.name == other.name && self.key == other.key && names(self) == names(other)
    }
}

/// A database whose tables can be read and filled as they are.
#[async_trait]
pub trait Tables: Store {
    /// The tables, in the order of their names.
    ///
    /// # Errors
    /// When the database cannot be reached.
    async fn tables(&self) -> Result<Vec<Table>>;

    /// How many rows a table has, as far as the database knows without counting them: to show how far it is.
    ///
    /// # Errors
    /// When the database cannot be reached.
    async fn row_estimate(&self, table: &Table) -> Result<u64>;

    /// The next rows behind a key, in the order of the key; none behind the last.
    ///
    /// # Errors
    /// When the database cannot be reached, or holds what Lotse never writes.
    async fn rows_after(&self, table: &Table, key: Option<&[Cell]>) -> Result<Vec<Vec<Cell>>>;

    /// Adds rows, all or none.
    ///
    /// # Errors
    /// When the database cannot be reached, or has one of them.
    async fn add_rows(&self, table: &Table, rows: Vec<Vec<Cell>>) -> Result<()>;

    /// Takes all rows away.
    ///
    /// # Errors
    /// When the database cannot be reached.
    async fn clear(&self, table: &Table) -> Result<()>;

    /// How many other processes have the database open, as far as it knows.
    ///
    /// # Errors
    /// When the database cannot be reached.
    async fn others(&self) -> Result<u64>;
}

/// Why nothing was copied, or not all.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A process is at work.
    #[error("{others} other process(es) have the {which} database open: stop every `lotse run` on it first")]
    AtWork {
        /// `old` or `new`.
        which: &'static str,
        /// How many.
        others: u64,
    },
    /// There is something in it.
    #[error("the new database is not empty, there are rows in `{0}`: name an empty one")]
    NotEmpty(String),
    /// The databases have other tables.
    #[error("the databases have not the same tables, see `{0}`: bring both up to date with `lotse migrate`")]
    OtherTables(String),
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A table in both databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its name.
    pub table: String,
    /// What the old database has.
    pub from: Fingerprint,
    /// What the new one has.
    pub to: Fingerprint,
}

impl Compared {
    /// Whether both have the same rows.
    pub fn is_equal(&self) -> bool {
        self.from == self.to
    }
}

/// Told how far it is: what is being done with which table, rows that are through, rows in all.
pub type Progress<'p> = dyn FnMut(&'static str, &str, u64, u64) + Send + 'p;

/// Copies everything from one database into another one that is empty, and compares them. What was there of a copy
/// that was broken off is taken away first.
///
/// # Errors
/// When a process is at work on either, the new one is not empty, they have other tables, or one fails. The new
/// database holds everything then, if anything is in it.
pub async fn copy(
    from: &dyn Tables,
    to: &dyn Tables,
    now: Moment,
    progress: &mut Progress<'_>,
) -> std::result::Result<Vec<Compared>, CopyError> {
    for (which, database) in [("old", from), ("new", to)] {
        let others = database.others().await?;
        if others > 0 {
            return Err(CopyError::AtWork { which, others });
        }
    }
    let pairs = same_tables(from, to).await?;
    begin(to, &pairs, now).await?;
    for (source, target) in pairs.iter().filter(|(table, _)| table.name != HOLD) {
        let all = from.row_estimate(source).await?;
        let (mut done, mut after) = (0, None);
        loop {
            progress("copied", &source.name, done, all.max(done));
            let rows = from.rows_after(source, after.as_deref()).await?;
            let Some(last) = rows.last() else { break };
            after = Some(source.key_of(last));
            done += rows.len() as u64;
            to.add_rows(target, rows).await?;
        }
    }
    finish(from, to).await?;
    compare(from, to, progress).await
}

/// Reads both databases to their ends, and compares what is in them.
///
/// # Errors
/// When they have other tables, or one fails.
pub async fn compare(
    from: &dyn Tables,
    to: &dyn Tables,
    progress: &mut Progress<'_>,
) -> std::result::Result<Vec<Compared>, CopyError> {
    let mut compared = Vec::new();
    for (source, target) in same_tables(from, to).await? {
        let table = source.name.clone();
        let (from, to) = (read_all(from, &source, progress).await?, read_all(to, &target, progress).await?);
        compared.push(Compared { table, from, to });
    }
    Ok(compared)
}

async fn read_all(database: &dyn Tables, table: &Table, progress: &mut Progress<'_>) -> Result<Fingerprint> {
    let all = database.row_estimate(table).await?;
    let (mut found, mut after) = (Fingerprint::default(), None);
    loop {
        progress("compared", &table.name, found.rows, all.max(found.rows));
        let rows = database.rows_after(table, after.as_deref()).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = Some(table.key_of(last));
        rows.iter().for_each(|row| found.add(row));
    }
}

async fn same_tables(
    from: &dyn Tables,
    to: &dyn Tables,
) -> std::result::Result<Vec<(Table, Table)>, CopyError> {
    let (source, target) = (from.tables().await?, to.tables().await?);
    let longer = source.iter().chain(&target);
    let alone =
        |table: &&Table| ![&source, &target].iter().all(|all| all.iter().any(|one| one.is_like(table)));
    if let Some(table) = longer.clone().find(alone) {
        return Err(CopyError::OtherTables(table.name.clone()));
    }
    Ok(source.into_iter().zip(target).collect())
}

/// Marks the new database, emptied of what a copy left that was broken off.
async fn begin(to: &dyn Tables, pairs: &[(Table, Table)], now: Moment) -> std::result::Result<(), CopyError> {
    let held = to.read().await?.held().await?;
    let again = held.is_some_and(|hold| hold.why == UNFINISHED);
    for (_, table) in pairs.iter().filter(|(table, _)| !again || table.name != HOLD) {
        if again {
            to.clear(table).await?;
        } else if !to.rows_after(table, None).await?.is_empty() {
            return Err(CopyError::NotEmpty(table.name.clone()));
        }
    }
    let mut unit = to.write().await?;
    unit.hold(UNFINISHED, now).await?;
    unit.commit().await?;
    Ok(())
}

/// Takes the mark away: from here on the new database holds what the old one does.
async fn finish(from: &dyn Tables, to: &dyn Tables) -> Result<()> {
    let held = from.read().await?.held().await?;
    let mut unit = to.write().await?;
    unit.release().await?;
    if let Some(hold) = held {
        unit.hold(&hold.why, hold.since).await?;
    }
    unit.commit().await
}
