//! The tables as they are, for a copy.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row as _, TypeInfo as _, ValueRef as _};

use super::super::copy::{Cell, Table, Tables};
use super::super::{Result, StoreError};
use super::{Row, SqliteStore, Statement, failed};

/// Parameters of a statement at the most (<https://sqlite.org/limits.html>).
const PARAMETERS_MAX: usize = 32_000;
const COLUMNS: &str =
    "SELECT t.name, c.name, c.type, c.pk FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.name";

#[async_trait]
impl Tables for SqliteStore {
    async fn tables(&self) -> Result<Vec<Table>> {
        let rows = sqlx::query(COLUMNS).fetch_all(&self.readers).await.map_err(failed)?;
        let column = |row: &Row| {
            Ok((
                row.try_get(0).map_err(failed)?,
                row.try_get(1).map_err(failed)?,
                row.try_get(2).map_err(failed)?,
                row.try_get(3).map_err(failed)?,
            ))
        };
        Ok(Table::from_columns(rows.iter().map(column).collect::<Result<_>>()?))
    }

    async fn row_estimate(&self, table: &Table) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM \"{}\"", table.name);
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&self.readers).await.map_err(failed)?;
        row.try_get::<i64, _>(0).map(i64::unsigned_abs).map_err(failed)
    }

    async fn rows_after(&self, table: &Table, key: Option<&[Cell]>) -> Result<Vec<Vec<Cell>>> {
        let sql = table.page(key.is_none(), |number| format!("${number}"));
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for cell in key.unwrap_or_default() {
            statement = bind(statement, cell.clone());
        }
        let rows = statement.fetch_all(&self.readers).await.map_err(failed)?;
        rows.iter().map(|row| (0..table.columns.len()).map(|index| cell(row, index)).collect()).collect()
    }

    async fn add_rows(&self, table: &Table, rows: Vec<Vec<Cell>>) -> Result<()> {
        let width = table.columns.len().max(1);
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let row = format!("({})", vec!["?"; width].join(", "));
        for some in rows.chunks(PARAMETERS_MAX / width) {
            let columns = Table::list(table.columns.iter());
            let values = vec![row.as_str(); some.len()].join(", ");
            let sql = format!("INSERT INTO \"{}\" ({columns}) VALUES {values}", table.name);
            let cells = some.iter().flatten().cloned();
            let statement = cells.fold(sqlx::query(AssertSqlSafe(sql)), bind);
            statement.execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn clear(&self, table: &Table) -> Result<()> {
        let sql = format!("DELETE FROM \"{}\"", table.name);
        sqlx::query(AssertSqlSafe(sql)).execute(&self.writer).await.map_err(failed)?;
        Ok(())
    }

    /// A lock beside the file tells.
    async fn others(&self) -> Result<u64> {
        Ok(0)
    }
}

fn bind<'q>(statement: Statement<'q>, cell: Cell) -> Statement<'q> {
    match cell {
        Cell::Null => statement.bind(None::<i64>),
        Cell::Integer(number) => statement.bind(number),
        Cell::Real(amount) => statement.bind(amount),
        Cell::Text(text) => statement.bind(text),
        Cell::Bytes(bytes) => statement.bind(bytes),
    }
}

fn cell(row: &Row, index: usize) -> Result<Cell> {
    let value = row.try_get_raw(index).map_err(failed)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let kind = value.type_info().name().to_owned();
    let cell = match kind.as_str() {
        "INTEGER" => row.try_get(index).map(Cell::Integer),
        "REAL" => row.try_get(index).map(Cell::Real),
        "TEXT" => row.try_get(index).map(Cell::Text),
        "BLOB" => row.try_get(index).map(Cell::Bytes),
        _ => return Err(StoreError::Failed(format!("a column of {kind} cannot be copied"))),
    };
    cell.map_err(failed)
}
