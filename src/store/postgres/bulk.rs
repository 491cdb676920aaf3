use std::convert::identity;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::super::Result;
use super::{Connection, Row, Statement, failed, storable};

/// A statement around a list of rows: `head SELECT … FROM unnest(…) … tail`, one array for each column, so that the
/// statement is the same for any number of rows and stays prepared.
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
        bind: impl Fn(Columns, &'r T) -> Columns + Send + Sync,
    ) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        let done = self.statement(rows, bind).execute(connection).await.map_err(failed)?;
        Ok(done.rows_affected())
    }

    /// Runs it for all rows, and gives what it returns.
    pub(super) async fn returning<'r, T: Sync>(
        &self,
        connection: &mut Connection,
        rows: &'r [T],
        bind: impl Fn(Columns, &'r T) -> Columns + Send + Sync,
    ) -> Result<Vec<Row>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.statement(rows, bind).fetch_all(connection).await.map_err(failed)
    }

    fn statement<'r, T>(
        &self,
        rows: &'r [T],
        bind: impl Fn(Columns, &'r T) -> Columns,
    ) -> Statement<'static> {
        let filled = rows.iter().fold(Columns::default(), |columns, row| bind(columns, row).next_row());
        debug_assert_eq!(filled.columns.len(), self.columns, "{}", self.head);
        let text = self.text(&filled.columns);
        filled.columns.into_iter().fold(sqlx::query(AssertSqlSafe(text)), Column::bind)
    }

    /// Only our own constants and the types of the columns: nothing from outside is in the text.
    fn text(&self, columns: &[Column]) -> String {
        let (mut arrays, mut names) = (String::new(), String::new());
        for (number, column) in (1..).zip(columns) {
            let comma = if number == 1 { "" } else { ", " };
            arrays += &format!("{comma}${number}::{}[]", column.sql_type());
            names += &format!("{comma}column{number}");
        }
        format!("{} SELECT * FROM unnest({arrays}) AS u ({names}) {}", self.head, self.tail)
    }
}

/// Rows, column by column.
#[derive(Default)]
pub(super) struct Columns {
    columns: Vec<Column>,
    /// Where the next value of the row goes.
    next: usize,
}

impl Columns {
    /// Adds a value to the row.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        let value = value.into();
        if self.next == self.columns.len() {
            self.columns.push(Column::of(&value));
        }
        if let Some(column) = self.columns.get_mut(self.next) {
            column.push(value);
        }
        self.next += 1;
        self
    }

    fn next_row(mut self) -> Self {
        self.next = 0;
        self
    }
}

/// Declares the kinds of columns, and which types of the program go into which.
macro_rules! columns {
    ($($kind:ident($inner:ty) $sql:literal { $($type:ty => $convert:expr;)* })*) => {
        /// The values of one column.
        enum Column {
            $($kind(Vec<Option<$inner>>),)*
        }

        /// One of them.
        pub(super) enum Value {
            $($kind(Option<$inner>),)*
        }

        impl Column {
            /// An empty column for values such as this.
            fn of(value: &Value) -> Self {
                match value {
                    $(Value::$kind(_) => Column::$kind(Vec::new()),)*
                }
            }

            /// What is bound for a column has one kind, by the type it has in the program.
            fn push(&mut self, value: Value) {
                match (self, value) {
                    $((Column::$kind(all), Value::$kind(value)) => all.push(value),)*
                    (column, _) => debug_assert!(false, "a column of {} has one kind", column.sql_type()),
                }
            }

            fn sql_type(&self) -> &'static str {
                match self {
                    $(Column::$kind(_) => $sql,)*
                }
            }

            fn bind(statement: Statement<'_>, column: Column) -> Statement<'_> {
                match column {
                    $(Column::$kind(all) => statement.bind(all),)*
                }
            }
        }

        $($(
            impl From<$type> for Value {
                fn from(value: $type) -> Self {
                    Value::$kind(Some($convert(value)))
                }
            }

            impl From<Option<$type>> for Value {
                fn from(value: Option<$type>) -> Self {
                    Value::$kind(value.map($convert))
                }
            }
        )*)*
    };
}

columns! {
    Number(i64) "bigint" { u8 => i64::from; u16 => i64::from; u32 => i64::from; i32 => i64::from; i64 => identity; }
    Text(String) "text" { &str => |text: &str| storable(text.to_owned()); String => storable; }
    Id(Uuid) "uuid" { Uuid => identity; }
    Flag(bool) "boolean" { bool => identity; }
    Amount(f64) "double precision" { f64 => identity; }
}
