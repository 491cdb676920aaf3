use sqlx::AssertSqlSafe;

use super::super::Result;
use super::{Connection, Row, Statement, failed};

/// Rows in one statement: few sizes, so that their statements stay prepared, and yet few statements for any number.
const CHUNKS: [usize; 10] = [512, 256, 128, 64, 32, 16, 8, 4, 2, 1];
/// Values that one statement takes at the most.
const VALUES_MAX: usize = 32_766;

/// A statement around a list of rows: `head VALUES (?, …), … tail`.
pub(super) struct Bulk {
    /// What stands before the rows.
    pub(super) head: &'static str,
    /// Values in a row.
    pub(super) columns: usize,
    /// What stands behind the rows.
    pub(super) tail: &'static str,
}

impl Bulk {
    /// Runs it for all rows, and says how many rows it changed.
    pub(super) async fn run<'r, T: Sync>(
        &self,
        connection: &mut Connection,
        rows: &'r [T],
        bind: impl for<'q> Fn(Statement<'q>, &'r T) -> Statement<'q> + Send + Sync,
    ) -> Result<u64> {
        let mut changed = 0;
        for chunk in self.chunks(rows) {
            let statement = chunk.iter().fold(self.statement(chunk.len()), &bind);
            changed += statement.execute(&mut *connection).await.map_err(failed)?.rows_affected();
        }
        Ok(changed)
    }

    /// Runs it for all rows, and gives what it returns.
    pub(super) async fn returning<'r, T: Sync>(
        &self,
        connection: &mut Connection,
        rows: &'r [T],
        bind: impl for<'q> Fn(Statement<'q>, &'r T) -> Statement<'q> + Send + Sync,
    ) -> Result<Vec<Row>> {
        let mut found = Vec::new();
        for chunk in self.chunks(rows) {
            let statement = chunk.iter().fold(self.statement(chunk.len()), &bind);
            found.extend(statement.fetch_all(&mut *connection).await.map_err(failed)?);
        }
        Ok(found)
    }

    /// The rows in pieces of the fixed sizes.
    fn chunks<'r, T>(&self, mut rest: &'r [T]) -> Vec<&'r [T]> {
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let fits = |size: &&usize| **size <= rest.len() && **size * self.columns <= VALUES_MAX;
            let (chunk, behind) = rest.split_at(CHUNKS.iter().find(fits).copied().unwrap_or(1));
            chunks.push(chunk);
            rest = behind;
        }
        chunks
    }

    fn statement<'q>(&self, rows: usize) -> Statement<'q> {
        sqlx::query(AssertSqlSafe(self.text(rows)))
    }

    /// Only our own constants and question marks: nothing from outside is in the text.
    ///
    /// What fails leaves the rows that went before it: the transaction ends then, or goes back to a savepoint. SQLite
    /// would otherwise keep aside, in memory, what every page was like that a statement changes.
    fn text(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        let head = [("INSERT INTO", "INSERT OR FAIL INTO"), ("UPDATE", "UPDATE OR FAIL")]
            .into_iter()
            .find_map(|(plain, or_fail)| Some(format!("{or_fail}{}", self.head.strip_prefix(plain)?)))
            .unwrap_or_else(|| self.head.to_owned());
        format!("{head} VALUES {} {}", vec![row.as_str(); rows].join(","), self.tail)
    }
}
