//! Lists that are about no contact alone: deliveries, counts, versions, access.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::rows::{self, Columns, json};
use super::{Connection, failed, guard, keys, moving};
use crate::domain::{CallKind, Picked};
use crate::language::plan::Plan;
use crate::store::{
    Access, Deliveries, Delivery, DeliveryKind, Deployment, Quarantined, Result, StoreError, StoredVersion,
    TallyRow, Token,
};
use crate::time::Moment;

/// Declares a statement that lists deliveries of a kind, the latest first and `$1` at the most. Each is read from an index,
/// in its order.
macro_rules! listed {
    ($name:literal, $more:literal FROM $table:literal WHERE $condition:literal) => {
        concat!(
            "SELECT id, contact, journey, ",
            $name,
            ", state, attempts, decided_at, due_at, answer",
            $more,
            " FROM ",
            $table,
            " WHERE ",
            $condition,
            " ORDER BY decided_at DESC, id LIMIT $1"
        )
    };
}

pub(in super::super) const DEAD: &str = listed!("target", ", kind" FROM "call" WHERE "state = 'dead'");
/// The index of both is meant.
pub(in super::super) const UNSURE: &str =
    listed!("message", "" FROM "message" WHERE "state IN ('unsure', 'refused') AND state = 'unsure'");
pub(in super::super) const REFUSED: &str =
    listed!("message", "" FROM "message" WHERE "state IN ('unsure', 'refused') AND state = 'refused'");
pub(in super::super) const OTHER_CALLS: &str =
    listed!("target", ", kind" FROM "call" WHERE "state <> 'dead'");
pub(in super::super) const OTHER_MESSAGES: &str =
    listed!("message", "" FROM "message" WHERE "state NOT IN ('unsure', 'refused')");

pub(super) async fn deliveries(
    connection: &mut Connection,
    which: Deliveries,
    limit: u32,
) -> Result<Vec<Delivery>> {
    let attention = [(DEAD, true), (UNSURE, false), (REFUSED, false)];
    let others = [(OTHER_CALLS, true), (OTHER_MESSAGES, false)];
    let others = others.into_iter().filter(|_| which == Deliveries::All);
    let mut found = Vec::new();
    for (sql, is_call) in attention.into_iter().chain(others) {
        let statement = sqlx::query(sql).bind(i64::from(limit));
        for row in statement.fetch_all(&mut *connection).await.map_err(failed)? {
            found.push(delivery(&mut Columns::of(&row, "message"), is_call)?);
        }
    }
    found.sort_by_key(Delivery::order);
    found.truncate(limit as usize);
    Ok(found)
}

fn delivery(columns: &mut Columns<'_>, is_call: bool) -> Result<Delivery> {
    Ok(Delivery {
        id: columns.id()?,
        contact: columns.contact()?,
        journey: columns.text()?,
        name: columns.text()?,
        state: columns.text()?,
        attempts: columns.number()?,
        decided_at: columns.moment()?,
        due_at: columns.maybe_moment()?,
        answer: columns.maybe_text()?,
        kind: if is_call { columns.word(CallKind::from_text)?.into() } else { DeliveryKind::Message },
    })
}

/// Declares a statement that adds up counts, by day or of all days. That a slot is no less than none always holds: it
/// leads to the index of the key, without which PostgreSQL would sort what it need not.
macro_rules! added {
    ($day:literal; $by:literal) => {
        concat!(
            "SELECT journey, version, arm, ",
            $day,
            ", what, detail, CAST(sum(count) AS BIGINT), sum(worth) FROM tally
            WHERE slot >= 0 AND (journey = $1 OR $1 IS NULL) GROUP BY ",
            $by,
            " ORDER BY ",
            $by
        )
    };
}

pub(in super::super) const BY_DAY: &str = added!("day"; "journey, version, arm, day, what, detail");
pub(in super::super) const TOTALS: &str = added!("0"; "journey, version, arm, what, detail");

/// `sql` is one of those above.
pub(super) async fn tallies(
    connection: &mut Connection,
    sql: &'static str,
    journey: Option<&str>,
) -> Result<Vec<TallyRow>> {
    let found = sqlx::query(sql).bind(journey).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, |row| {
        let mut columns = Columns::of(row, "tally");
        Ok(TallyRow {
            journey: columns.text()?,
            version: columns.number()?,
            arm: columns.text()?,
            day: columns.number()?,
            what: columns.text()?,
            detail: columns.text()?,
            count: columns.number()?,
            worth: columns.get()?,
        })
    })
}

pub(super) async fn picked(connection: &mut Connection) -> Result<Vec<Picked>> {
    let sql = "SELECT journey, experiment, variant, at FROM picked ORDER BY journey, experiment";
    let found = sqlx::query(sql).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, |row| {
        let mut columns = Columns::of(row, "picked");
        Ok(Picked {
            journey: columns.text()?,
            experiment: columns.text()?,
            variant: columns.text()?,
            at: columns.moment()?,
        })
    })
}

pub(super) async fn versions(connection: &mut Connection) -> Result<Vec<StoredVersion>> {
    let sql = "SELECT number, journey, plan, coalesce(number = (SELECT d.version FROM deployment AS d
        WHERE d.journey = version.journey ORDER BY d.at DESC LIMIT 1), FALSE) FROM version ORDER BY number";
    let found = sqlx::query(sql).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, |row| {
        let mut columns = Columns::of(row, "version");
        let (number, journey) = (columns.number()?, columns.text()?);
        let plan = columns.json().map_err(|error| error.to_string());
        Ok(StoredVersion { number, journey, plan, active: columns.flag()? })
    })
}

pub(super) async fn deployments(connection: &mut Connection) -> Result<Vec<Deployment>> {
    let sql = "SELECT journey, at, version FROM deployment ORDER BY at, journey";
    let found = sqlx::query(sql).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, |row| {
        let mut columns = Columns::of(row, "deployment");
        let (journey, at) = (columns.text()?, columns.moment()?);
        Ok(Deployment { journey, at, version: columns.maybe_number()? })
    })
}

/// The plans of versions, as far as they can be read.
pub(super) async fn plans(
    connection: &mut Connection,
    versions: impl Iterator<Item = u32>,
) -> Result<BTreeMap<u32, Plan>> {
    let versions: BTreeSet<u32> = versions.collect();
    let sql = concat!(
        "SELECT version.number, plan FROM ",
        numbers!("$1"),
        " CROSS JOIN version WHERE version.number = k.number"
    );
    let found =
        keys::numbers(versions).bind(sqlx::query(sql)).fetch_all(&mut *connection).await.map_err(failed)?;
    let read = |row| {
        let mut columns = Columns::of(row, "version");
        let number = columns.number()?;
        Ok(columns.json().ok().map(|plan| (number, plan)))
    };
    found.iter().map(read).filter_map(Result::transpose).collect()
}

pub(super) async fn add_version(connection: &mut Connection, plan: &Plan, now: Moment) -> Result<u32> {
    guard::versions(connection).await?;
    let hash = plan.hash();
    let known = "SELECT number FROM version WHERE hash = $1";
    let insert = "INSERT INTO version (number, hash, journey, plan, made_at)
        SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4 FROM version RETURNING number";
    if let Some(row) =
        sqlx::query(known).bind(hash.to_vec()).fetch_optional(&mut *connection).await.map_err(failed)?
    {
        return Columns::of(&row, "version").number();
    }
    let row = sqlx::query(insert)
        .bind(hash.to_vec())
        .bind(plan.journey.as_str())
        .bind(json(plan))
        .bind(now.micros())
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    Columns::of(&row, "version").number()
}

pub(super) async fn deployed_at(connection: &mut Connection) -> Result<Option<Moment>> {
    let sql = "SELECT max(at) FROM deployment";
    let row = sqlx::query(sql).fetch_one(&mut *connection).await.map_err(failed)?;
    Columns::of(&row, "deployment").maybe_moment()
}

pub(super) async fn deploying(connection: &mut Connection, now: Moment) -> Result<Moment> {
    guard::versions(connection).await?;
    let last = deployed_at(connection).await?;
    Ok(last.map_or(now, |last| now.max(last.plus_micros(1))))
}

pub(super) async fn deploy(
    connection: &mut Connection,
    journey: &str,
    version: Option<u32>,
    now: Moment,
) -> Result<()> {
    guard::versions(connection).await?;
    // Two deployments in one instant: the later one holds.
    let sql = "INSERT INTO deployment (journey, at, version) VALUES ($1, $2, $3)
        ON CONFLICT (journey, at) DO UPDATE SET version = excluded.version";
    let statement = sqlx::query(sql).bind(journey).bind(now.micros()).bind(version.map(i64::from));
    statement.execute(&mut *connection).await.map_err(failed)?;
    moving::end(connection, journey).await
}

fn token_from(columns: &mut Columns<'_>) -> Result<Token> {
    Ok(Token {
        id: columns.text()?,
        name: columns.text()?,
        role: columns.text()?,
        created_at: columns.moment()?,
        revoked_at: columns.maybe_moment()?,
    })
}

pub(super) async fn tokens(connection: &mut Connection) -> Result<Vec<Token>> {
    let sql = "SELECT id, name, role, created_at, revoked_at FROM token ORDER BY created_at, id";
    let found = sqlx::query(sql).fetch_all(&mut *connection).await.map_err(failed)?;
    rows::all(&found, |row| token_from(&mut Columns::of(row, "token")))
}

pub(super) async fn access(connection: &mut Connection, id: &str) -> Result<Option<Access>> {
    let sql = "SELECT id, name, role, created_at, revoked_at, hash FROM token WHERE id = $1";
    let found = sqlx::query(sql).bind(id).fetch_optional(&mut *connection).await.map_err(failed)?;
    let read = |row| {
        let mut columns = Columns::of(row, "token");
        let token = token_from(&mut columns)?;
        let hash: Vec<u8> = columns.get()?;
        let hash = hash.try_into().map_err(|_| StoreError::Damaged {
            table: "token",
            contact: None,
            what: "a hash has 32 bytes".to_owned(),
        })?;
        Ok(Access { token, hash })
    };
    found.as_ref().map(read).transpose()
}

pub(super) async fn add_token(connection: &mut Connection, access: &Access) -> Result<()> {
    let sql = "INSERT INTO token (id, name, role, hash, created_at) VALUES ($1, $2, $3, $4, $5)";
    let token = &access.token;
    sqlx::query(sql)
        .bind(token.id.as_str())
        .bind(token.name.as_str())
        .bind(token.role.as_str())
        .bind(access.hash.to_vec())
        .bind(token.created_at.micros())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(super) async fn revoke_token(connection: &mut Connection, id: &str, now: Moment) -> Result<bool> {
    let sql = "UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    let done =
        sqlx::query(sql).bind(id).bind(now.micros()).execute(&mut *connection).await.map_err(failed)?;
    Ok(done.rows_affected() == 1)
}

/// Ids begin with the moment that they are of, to the millisecond.
pub(super) async fn quarantined(connection: &mut Connection, limit: u32) -> Result<Vec<Quarantined>> {
    let sql = "SELECT received_at, reason, body FROM quarantine ORDER BY id DESC LIMIT $1";
    let found = sqlx::query(sql).bind(i64::from(limit)).fetch_all(&mut *connection).await.map_err(failed)?;
    let mut items = rows::all(&found, |row| {
        let mut columns = Columns::of(row, "quarantine");
        Ok(Quarantined { received_at: columns.moment()?, reason: columns.text()?, body: columns.text()? })
    })?;
    items.sort_by_key(|item| Reverse(item.received_at));
    Ok(items)
}
