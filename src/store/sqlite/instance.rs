//! Which database this is, and how much has left the house from it.

use sqlx::Row as _;

use super::super::Result;
use super::{Connection, failed};

/// Counts what leaves the house, so that a file beside the database can tell whether it came from a backup.
pub(super) async fn left_the_house(connection: &mut Connection, count: usize) -> Result<()> {
    if count > 0 {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let statement = sqlx::query("UPDATE instance SET sent = sent + $1").bind(count);
        statement.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// The name of the database, which is `new` where it had none, and how much has left the house from it.
pub(super) async fn instance(connection: &mut Connection, new: &str) -> Result<(String, u64)> {
    let sql = "INSERT INTO instance (id, name, sent) VALUES (1, $1, 0) ON CONFLICT (id) DO NOTHING";
    sqlx::query(sql).bind(new).execute(&mut *connection).await.map_err(failed)?;
    sent(connection).await.map(|found| found.unwrap_or_else(|| (new.to_owned(), 0)))
}

/// The name of the database and how much has left the house from it; nothing where it has no name.
pub(super) async fn sent(connection: &mut Connection) -> Result<Option<(String, u64)>> {
    let row = sqlx::query("SELECT name, sent FROM instance").fetch_optional(&mut *connection).await;
    let Some(row) = row.map_err(failed)? else { return Ok(None) };
    let sent: i64 = row.try_get(1).map_err(failed)?;
    Ok(Some((row.try_get(0).map_err(failed)?, sent.unsigned_abs())))
}

#[cfg(test)]
mod tests {
    use super::super::testing::File;
    use crate::store::{Store, StoreError};
    use crate::time::Moment;

    #[tokio::test]
    async fn a_full_disk_costs_nothing_but_what_was_not_written() {
        let file = File::new();
        let store = file.store().await;
        store.limit_pages().await;
        let big = ("too much".to_owned(), "x".repeat(1 << 20));
        let full = {
            let mut unit = store.write().await.unwrap();
            match unit.quarantine(Moment::from_seconds(1), vec![big.clone()]).await {
                Ok(()) => unit.commit().await,
                full => full,
            }
        };
        assert!(matches!(full, Err(StoreError::DiskFull)), "{full:?}");
        store.lift_limit().await;
        let mut unit = store.write().await.unwrap();
        unit.quarantine(Moment::from_seconds(2), vec![big]).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(store.read().await.unwrap().quarantined(10).await.unwrap().len(), 1);
    }
}
