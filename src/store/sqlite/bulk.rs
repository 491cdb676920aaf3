use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};

use super::super::Result;
use super::failed;

pub(super) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Rows in one statement. Few sizes, so that their statements stay prepared.
const CHUNKS: [usize; 4] = [512, 64, 8, 1];
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
        connection: &mut SqliteConnection,
        rows: &'r [T],
        bind: impl for<'q> Fn(Statement<'q>, &'r T) -> Statement<'q> + Send + Sync,
    ) -> Result<u64> {
        let mut changed = 0;
        let mut rest = rows;
        while !rest.is_empty() {
            let fits = |size: &&usize| **size <= rest.len() && **size * self.columns <= VALUES_MAX;
            let size = CHUNKS.iter().find(fits).copied().unwrap_or(1);
            let (chunk, behind) = rest.split_at(size);
            let mut statement = sqlx::query(AssertSqlSafe(self.text(size)));
            for row in chunk {
                statement = bind(statement, row);
            }
            changed += statement.execute(&mut *connection).await.map_err(failed)?.rows_affected();
            rest = behind;
        }
        Ok(changed)
    }

    /// Only our own constants and question marks: nothing from outside is in the text.
    fn text(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        format!("{} VALUES {} {}", self.head, vec![row.as_str(); rows].join(","), self.tail)
    }
}
