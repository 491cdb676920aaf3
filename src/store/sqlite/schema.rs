use std::borrow::Cow;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Row, SqlSafeStr, SqliteConnection, SqlitePool};

use super::super::{Result, StoreError};
use super::failed;

/// The steps of the tables, in order: number, name, SQL. A step is never changed once it was released.
pub const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/sqlite/0001_initial.sql"))];

fn migrator() -> Migrator {
    let migration = |(number, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(*number, Cow::Borrowed(*name), MigrationType::Simple, (*sql).into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect())
}

pub(super) async fn migrate(pool: &SqlitePool) -> Result<usize> {
    // Whoever comes second waits here, and then finds the steps taken.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let steps = pending(&mut transaction).await?;
    if steps > 0 {
        migrator().run(&mut *transaction).await.map_err(explain)?;
        transaction.commit().await.map_err(failed)?;
    }
    Ok(steps)
}

/// How many steps are still to be taken.
pub(super) async fn pending(connection: &mut SqliteConnection) -> Result<usize> {
    let table = migrator().table_name;
    let exists = sqlx::query("SELECT count(*) FROM sqlite_schema WHERE name = $1").bind(table.as_ref());
    let exists = exists.fetch_one(&mut *connection).await.and_then(|row| row.try_get::<i64, _>(0));
    if exists.map_err(failed)? == 0 {
        return Ok(MIGRATIONS.len());
    }
    let applied = connection.list_applied_migrations(&table).await.map_err(explain)?;
    let known = MIGRATIONS.last().map_or(0, |(number, ..)| *number);
    if let Some(newer) = applied.iter().map(|step| step.version).find(|version| *version > known) {
        return Err(StoreError::Newer { found: newer, known });
    }
    Ok(MIGRATIONS.iter().filter(|(number, ..)| !applied.iter().any(|step| step.version == *number)).count())
}

fn explain(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
        error => StoreError::Failed(format!("its tables cannot be brought up to date: {error}")),
    }
}
