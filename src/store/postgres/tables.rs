//! The tables as they are, for a copy.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::super::copy::{Cell, Table, Tables, as_everywhere};
use super::super::{Result, StoreError};
use super::{PostgresStore, Row, Statement, failed, integer};

/// The key of an index is counted from 0.
const COLUMNS: &str = "SELECT t.relname::text, c.attname::text, format_type(c.atttypid, NULL),
    coalesce(array_position(i.indkey::int2[], c.attnum) + 1, 0)::bigint
    FROM pg_class AS t JOIN pg_attribute AS c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
    LEFT JOIN pg_index AS i ON i.indrelid = t.oid AND i.indisprimary
    WHERE t.relkind IN ('r', 'p') AND t.relnamespace = current_schema()::regnamespace
    ORDER BY t.relname::text COLLATE \"C\", c.attname::text COLLATE \"C\"";
/// Locks of one number are those of processes.
const OTHERS: &str = "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
    AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32 | objid::bigint) <> $1";

#[async_trait]
impl Tables for PostgresStore {
    async fn tables(&self) -> Result<Vec<Table>> {
        let rows = self.answered(sqlx::query(COLUMNS).fetch_all(&self.pool)).await.map_err(failed)?;
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
        let sql = "SELECT greatest(reltuples, 0)::bigint FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relname = $1";
        let asked = sqlx::query(sql).bind(table.name.as_str()).fetch_one(&self.pool);
        let row = self.answered(asked).await.map_err(failed)?;
        row.try_get::<i64, _>(0).map(i64::unsigned_abs).map_err(failed)
    }

    async fn rows_after(&self, table: &Table, key: Option<&[Cell]>) -> Result<Vec<Vec<Cell>>> {
        let kinds: Vec<&str> = table.key_columns().map(|(_, kind)| kind.as_str()).collect();
        let placeholder = |number: usize| {
            format!("${number}::{}", kinds.get(number - 1).map_or("text", |kind| given_as(kind)))
        };
        let mut statement = sqlx::query(AssertSqlSafe(table.page(key.is_none(), placeholder)));
        for (cell, kind) in key.unwrap_or_default().iter().zip(&kinds) {
            statement = bind_one(statement, cell, kind)?;
        }
        let rows = self.answered(statement.fetch_all(&self.pool)).await.map_err(failed)?;
        let cells = |row: &Row| {
            let kinds = table.columns.iter().map(|(_, kind)| kind.as_str());
            kinds.enumerate().map(|(index, kind)| cell(row, index, kind)).collect()
        };
        rows.iter().map(cells).collect()
    }

    async fn add_rows(&self, table: &Table, rows: Vec<Vec<Cell>>) -> Result<()> {
        let arrays =
            (1..).zip(&table.columns).map(|(number, (_, kind))| format!("${number}::{}[]", given_as(kind)));
        let sql = format!(
            "INSERT INTO \"{}\" ({}) SELECT * FROM unnest({})",
            table.name,
            Table::list(table.columns.iter()),
            arrays.collect::<Vec<_>>().join(", ")
        );
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for (index, (_, kind)) in table.columns.iter().enumerate() {
            statement = bind_all(statement, rows.iter().filter_map(|row| row.get(index)), kind)?;
        }
        self.answered(statement.execute(&self.pool)).await.map_err(failed)?;
        Ok(())
    }

    async fn clear(&self, table: &Table) -> Result<()> {
        let sql = format!("TRUNCATE \"{}\"", table.name);
        self.answered(sqlx::query(AssertSqlSafe(sql)).execute(&self.pool)).await.map_err(failed)?;
        Ok(())
    }

    async fn others(&self) -> Result<u64> {
        let row = self.answered(sqlx::query(OTHERS).bind(self.worker.number()).fetch_one(&self.pool)).await;
        row.and_then(|row| row.try_get::<i64, _>(0)).map(i64::unsigned_abs).map_err(failed)
    }
}

/// The type in which values of a column are given: numbers of every width as the widest.
fn given_as(kind: &str) -> &str {
    match kind {
        "smallint" | "integer" => "bigint",
        kind => kind,
    }
}

fn unfit(kind: &str) -> StoreError {
    StoreError::Failed(format!("a column of type {kind} cannot hold what is copied into it"))
}

/// Values of a column, each of a type; one of another type does not fit.
fn fitting<'c, T>(
    cells: impl Iterator<Item = &'c Cell>,
    kind: &str,
    fit: impl Fn(&Cell) -> Option<T>,
) -> Result<Vec<Option<T>>> {
    let one = |cell: &'c Cell| match cell {
        Cell::Null => Ok(None),
        cell => fit(cell).map(Some).ok_or_else(|| unfit(kind)),
    };
    cells.map(one).collect()
}

fn number(cell: &Cell) -> Option<i64> {
    if let Cell::Integer(number) = cell { Some(*number) } else { None }
}

fn amount(cell: &Cell) -> Option<f64> {
    if let Cell::Real(amount) = cell { Some(*amount) } else { None }
}

fn text(cell: &Cell) -> Option<String> {
    if let Cell::Text(text) = cell { Some(as_everywhere(text)) } else { None }
}

fn bytes(cell: &Cell) -> Option<Vec<u8>> {
    if let Cell::Bytes(bytes) = cell { Some(bytes.clone()) } else { None }
}

fn id(cell: &Cell) -> Option<Uuid> {
    if let Cell::Bytes(bytes) = cell { Uuid::from_slice(bytes).ok() } else { None }
}

fn truth(cell: &Cell) -> Option<bool> {
    number(cell).map(|number| number != 0)
}

fn bind_all<'q, 'c>(
    statement: Statement<'q>,
    cells: impl Iterator<Item = &'c Cell>,
    kind: &str,
) -> Result<Statement<'q>> {
    Ok(match kind {
        "smallint" | "integer" | "bigint" => statement.bind(fitting(cells, kind, number)?),
        "double precision" => statement.bind(fitting(cells, kind, amount)?),
        "text" => statement.bind(fitting(cells, kind, text)?),
        "bytea" => statement.bind(fitting(cells, kind, bytes)?),
        "uuid" => statement.bind(fitting(cells, kind, id)?),
        "boolean" => statement.bind(fitting(cells, kind, truth)?),
        _ => return Err(unfit(kind)),
    })
}

fn bind_one<'q>(statement: Statement<'q>, cell: &Cell, kind: &str) -> Result<Statement<'q>> {
    Ok(match kind {
        "smallint" | "integer" | "bigint" => statement.bind(number(cell)),
        "text" => statement.bind(text(cell)),
        "uuid" => statement.bind(id(cell)),
        _ => return Err(unfit(kind)),
    })
}

fn cell(row: &Row, index: usize, kind: &str) -> Result<Cell> {
    let cell = match kind {
        "smallint" | "integer" | "bigint" => integer(row, index).map(|found| found.map(Cell::Integer)),
        "double precision" => row.try_get(index).map(|found: Option<_>| found.map(Cell::Real)),
        "text" => row.try_get(index).map(|found: Option<_>| found.map(Cell::Text)),
        "bytea" => row.try_get(index).map(|found: Option<_>| found.map(Cell::Bytes)),
        "uuid" => {
            row.try_get(index).map(|found: Option<Uuid>| found.map(|id| Cell::Bytes(id.as_bytes().to_vec())))
        }
        "boolean" => row.try_get(index).map(|found: Option<bool>| found.map(|is| Cell::Integer(is.into()))),
        _ => return Err(unfit(kind)),
    };
    cell.map(|cell| cell.unwrap_or(Cell::Null)).map_err(failed)
}
