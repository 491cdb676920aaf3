use std::borrow::Cow;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Row as _, SqlSafeStr};

use super::{Connection, HAS_TABLE, MIGRATIONS, Transaction, failed};
use crate::store::{Result, StoreError};

fn migrator() -> Migrator {
    let migration = |(number, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(*number, Cow::Borrowed(*name), MigrationType::Simple, (*sql).into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect());
    // Whoever calls holds the others off.
    migrator.set_locking(false);
    migrator
}

/// Brings the tables up to date, in a transaction that no other process can be in at the same time.
pub(in super::super) async fn migrate(mut transaction: Transaction) -> Result<usize> {
    let steps = pending(&mut transaction).await?;
    if steps > 0 {
        migrator().run(&mut *transaction).await.map_err(explain)?;
        transaction.commit().await.map_err(failed)?;
    }
    Ok(steps)
}

/// How many steps are still to be taken.
pub(in super::super) async fn pending(connection: &mut Connection) -> Result<usize> {
    let table = migrator().table_name;
    let exists = sqlx::query(HAS_TABLE).bind(table.as_ref());
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
