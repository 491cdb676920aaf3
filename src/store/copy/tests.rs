use super::*;
use crate::store::postgres::testing::Fresh;
use crate::store::sqlite::SqliteStore;
use crate::store::sqlite::testing::File;

/// Rows in each table: more than a page.
const ROWS: i64 = 2_100;

fn at(seconds: i64) -> Moment {
    Moment::from_seconds(seconds)
}

fn quiet() -> impl FnMut(&'static str, &str, u64, u64) + Send {
    |_, _, _, _| {}
}

/// A value that a column of PostgreSQL can have; different in each row where the column has room for that.
fn some(kind: &str, row: i64) -> Cell {
    match kind {
        "integer" => Cell::Integer(row),
        "bigint" => Cell::Integer(1_700_000_000_000_000 + row * 7),
        "boolean" => Cell::Integer(row % 2),
        "double precision" => Cell::Real(row as f64 / 3.0 - 1.0),
        "text" if row % 97 == 0 => Cell::Text(format!("{row} über\0 \u{1f600} 'quoted'")),
        "text" => Cell::Text(format!("{row}")),
        "uuid" | "bytea" => Cell::Bytes(
            u128::from(row.unsigned_abs()).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c).to_be_bytes().to_vec(),
        ),
        kind => panic!("{kind} is new"),
    }
}

/// Fills every table but that of the mark.
async fn fill(store: &SqliteStore, tables: &[Table]) {
    for table in tables.iter().filter(|table| table.name != HOLD) {
        let row = |row| table.columns.iter().map(|(_, kind)| some(kind, row)).collect();
        // One table has one row, all others as many as there may be.
        let count = if table.name == "watching" { 1 } else { ROWS };
        store.add_rows(table, (1..=count).map(row).collect()).await.unwrap();
    }
}

async fn hold(store: &dyn Store, why: &str) {
    let mut unit = store.write().await.unwrap();
    unit.hold(why, at(7)).await.unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn everything_goes_over_and_back_and_is_proven() {
    let Some(fresh) = Fresh::new().await else { return };
    let (old, new) = (File::new(), File::new());
    let (old, server, new) = (old.store().await, fresh.store().await, new.store().await);
    let tables = server.tables().await.unwrap();
    assert!(tables.len() > 15, "{tables:?}");
    fill(&old, &tables).await;
    hold(&old, "a test").await;

    let compared = copy(&old, &server, at(8), &mut quiet()).await.unwrap();
    assert!(compared.iter().all(Compared::is_equal), "{compared:?}");
    assert_eq!(compared.iter().map(|one| one.from.rows).max(), Some(ROWS.unsigned_abs()));
    let compared = copy(&server, &new, at(9), &mut quiet()).await.unwrap();
    assert_eq!(compared.len(), tables.len());
    assert!(compared.iter().all(Compared::is_equal), "{compared:?}");
    assert!(compare(&old, &new, &mut quiet()).await.unwrap().iter().all(Compared::is_equal));
    let held = new.read().await.unwrap().held().await.unwrap().unwrap();
    assert_eq!((held.why.as_str(), held.since), ("a test", at(7)));
}

#[tokio::test]
async fn what_differs_is_found() {
    let (old, new) = (File::new(), File::new());
    let (old, new) = (old.store().await, new.store().await);
    let tables = old.tables().await.unwrap();
    let table = tables.iter().find(|table| table.name == "picked").unwrap();
    let row = |variant: &str| -> Vec<Cell> {
        let value = |(name, _): &(String, String)| match name.as_str() {
            "at" => Cell::Integer(1),
            "variant" => Cell::Text(variant.to_owned()),
            name => Cell::Text(name.to_owned()),
        };
        table.columns.iter().map(value).collect()
    };
    old.add_rows(table, vec![row("a")]).await.unwrap();
    new.add_rows(table, vec![row("b")]).await.unwrap();
    let different = |compared: Vec<Compared>| -> Vec<String> {
        compared.into_iter().filter(|one| !one.is_equal()).map(|one| one.table).collect()
    };
    assert_eq!(different(compare(&old, &new, &mut quiet()).await.unwrap()), ["picked"]);
    new.clear(table).await.unwrap();
    assert_eq!(different(compare(&old, &new, &mut quiet()).await.unwrap()), ["picked"]);
    new.add_rows(table, vec![row("a")]).await.unwrap();
    assert!(different(compare(&old, &new, &mut quiet()).await.unwrap()).is_empty());
}

#[tokio::test]
async fn a_database_with_something_in_it_is_left_alone_and_a_broken_off_copy_begins_anew() {
    let (old, new) = (File::new(), File::new());
    let (old, new) = (old.store().await, new.store().await);
    hold(&new, "somebody said so").await;
    let refused = copy(&old, &new, at(8), &mut quiet()).await;
    assert!(matches!(&refused, Err(CopyError::NotEmpty(table)) if table == HOLD), "{refused:?}");

    let mut unit = new.write().await.unwrap();
    unit.release().await.unwrap();
    unit.commit().await.unwrap();
    hold(&new, UNFINISHED).await;
    let tables = old.tables().await.unwrap();
    let table = tables.iter().find(|table| table.name == "suppression").unwrap();
    let left = table.columns.iter().map(|(name, _)| match name.as_str() {
        "slot" | "at" => Cell::Integer(1),
        name => Cell::Text(name.to_owned()),
    });
    new.add_rows(table, vec![left.collect()]).await.unwrap();
    let compared = copy(&old, &new, at(8), &mut quiet()).await.unwrap();
    assert!(compared.iter().all(|one| one.is_equal() && one.to.rows == 0), "{compared:?}");
}

#[tokio::test]
async fn a_server_that_others_work_on_is_left_alone() {
    let Some(fresh) = Fresh::new().await else { return };
    let file = File::new();
    let (file, server, other) = (file.store().await, fresh.store().await, fresh.store().await);
    for (from, to) in [(&file as &dyn Tables, &server as &dyn Tables), (&server, &file)] {
        let refused = copy(from, to, at(8), &mut quiet()).await;
        assert!(matches!(refused, Err(CopyError::AtWork { others: 1, .. })), "{refused:?}");
    }
    other.close().await;
    assert!(copy(&file, &server, at(8), &mut quiet()).await.is_ok());
}
