//! Who did what.

use super::rows::{self, Columns};
use super::{Connection, failed};
use crate::store::{Deed, DeedKind, Result};

pub(super) async fn deeds(connection: &mut Connection, limit: u32) -> Result<Vec<Deed>> {
    let sql = "SELECT at, who, what, detail FROM audit ORDER BY at DESC, what, detail, who LIMIT $1";
    let found = sqlx::query(sql).bind(i64::from(limit)).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, |row| {
        let mut columns = Columns::of(row, "audit");
        Ok(Deed {
            at: columns.moment()?,
            who: columns.text()?,
            what: columns.word(DeedKind::from_text)?,
            detail: columns.text()?,
        })
    })
}

pub(super) async fn note(connection: &mut Connection, deed: &Deed) -> Result<()> {
    let sql = "INSERT INTO audit (at, what, detail, who) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    sqlx::query(sql)
        .bind(deed.at.micros())
        .bind(deed.what.as_str())
        .bind(deed.detail.as_str())
        .bind(deed.who.as_str())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    Ok(())
}
