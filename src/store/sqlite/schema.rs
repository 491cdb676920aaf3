use std::borrow::Cow;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlitePool};

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
    let steps = pending(pool).await?;
    migrator().run(pool).await.map_err(explain)?;
    Ok(steps)
}

pub(super) async fn pending(pool: &SqlitePool) -> Result<usize> {
    let mut connection = pool.acquire().await.map_err(failed)?;
    let table = migrator().table_name.to_string();
    connection.ensure_migrations_table(&table).await.map_err(explain)?;
    let applied = connection.list_applied_migrations(&table).await.map_err(explain)?;
    let known = MIGRATIONS.last().map_or(0, |(number, ..)| *number);
    if let Some(newer) = applied.iter().map(|step| step.version).find(|version| *version > known) {
        return Err(StoreError::Newer { found: newer, known });
    }
    Ok(MIGRATIONS.iter().filter(|(number, ..)| !applied.iter().any(|step| step.version == *number)).count())
}

fn explain(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => failed(error),
        error => StoreError::Failed(format!("its tables cannot be brought up to date: {error}")),
    }
}
