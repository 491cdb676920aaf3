//! Webhook calls and hand-offs on their way out, and what became of them.

use std::collections::BTreeMap;

use super::bulk::Bulk;
use super::guard::Grip;
use super::rows::{self, Columns, slot};
use super::{Connection, failed, guard, identity, instance, keys, words};
use crate::domain::{CallId, CallKind, ContactId};
use crate::store::{CallSettlement, ClaimedCall, Result};
use crate::time::Moment;

/// Of each contact and receiver the earliest that is not delivered, so that order is kept.
pub(super) const DUE: &str = concat!(
    "SELECT contact, id, run, journey, version, place, step, stage, kind, target, with_values, assigned_to,
    decided_at, attempts, body FROM call WHERE due_at <= $1 AND NOT EXISTS (SELECT 1 FROM hold)", free!("$4"), known!("$5"; "body IS NOT NULL"), " AND NOT ", has_word!("$3", "kind || ':' || target"), "
    AND NOT EXISTS (SELECT 1 FROM call AS earlier WHERE earlier.slot = call.slot AND earlier.contact = call.contact
    AND earlier.target = call.target AND earlier.state = 'pending'
    AND (earlier.decided_at, earlier.step, earlier.id) < (call.decided_at, call.step, call.id))
    ORDER BY due_at, slot, contact, id LIMIT $2", claimed!("call"));

/// Takes calls that are due.
pub(in super::super) async fn claim(
    connection: &mut Connection,
    now: Moment,
    limit: u32,
    under_way: &[CallId],
    full: &[(CallKind, String)],
    unreadable: &[u32],
) -> Result<Vec<ClaimedCall>> {
    let under_way = keys::under_way(under_way.iter().map(|id| &id.0));
    let full = words(full.iter().map(|(kind, target)| format!("{}:{target}", kind.as_str())));
    let statement = sqlx::query(DUE).bind(now.micros()).bind(i64::from(limit)).bind(full);
    let statement = keys::numbers(unreadable.iter().copied()).bind(under_way.bind(statement));
    let found = statement.fetch_all(&mut *connection).await.map_err(failed)?;
    let claimed = rows::all(&found, |row| {
        let mut columns = Columns::of(row, "call");
        let call = rows::call_from(&mut columns)?;
        Ok(ClaimedCall { call, attempt: columns.number::<u32>()? + 1, body: columns.maybe_text()? })
    })?;
    let marked = claimed.iter().map(|claimed| (claimed.call.contact, claimed.call.id.0));
    guard::take_calls(connection, marked).await?;
    Ok(claimed)
}

pub(super) const SET_BODY: Bulk = Bulk {
    head: "UPDATE call SET body = v.column4 FROM (",
    columns: 4,
    tail: ") AS v WHERE call.slot = v.column1 AND call.contact = v.column2 AND call.id = v.column3
        AND call.body IS NULL",
};

pub(super) const KEPT: &str = concat!(
    "SELECT c.id, c.body FROM ",
    ids!("$1", "$2", "$3"),
    " CROSS JOIN call AS c
    WHERE c.slot = k.slot AND c.contact = k.contact AND c.id = k.id AND c.body IS NOT NULL"
);

/// Keeps what is sent, where nothing is kept yet, and gives what is kept.
pub(super) async fn set_bodies(
    connection: &mut Connection,
    bodies: Vec<(ContactId, CallId, String)>,
) -> Result<BTreeMap<CallId, String>> {
    let about =
        identity::held(connection, bodies.iter().map(|(contact, ..)| *contact).collect(), Grip::Stay).await?;
    let bodies: Vec<_> = bodies.iter().zip(about).collect();
    SET_BODY
        .run(connection, &bodies, |statement, ((_, call, body), contact)| {
            statement.bind(contact.slot().0).bind(contact.0).bind(call.0).bind(body.as_str())
        })
        .await?;
    let list = keys::ids(bodies.iter().map(|((_, call, _), contact)| (contact, &call.0)));
    let found = list.bind(sqlx::query(KEPT)).fetch_all(&mut *connection).await.map_err(failed)?;
    let read = |row| {
        let mut columns = Columns::of(row, "call");
        Ok((CallId(columns.id()?), columns.text()?))
    };
    found.iter().map(read).collect()
}

pub(super) const SETTLE: Bulk = Bulk {
    head: concat!(
        "UPDATE call SET state = v.column4, due_at = v.column5, status = v.column6, answer = v.column7,
        settled_at = v.column8, attempts = attempts + 1",
        given_back!("call", "v.column4 = 'pending'"),
        " FROM ("
    ),
    columns: 9,
    tail: ") AS v WHERE call.slot = v.column1 AND call.contact = v.column2 AND call.id = v.column3
        AND call.state = 'pending' AND call.attempts = v.column9 - 1",
};

/// Records what became of calls.
pub(super) async fn settle(
    connection: &mut Connection,
    settled: Vec<CallSettlement>,
    now: Moment,
) -> Result<()> {
    instance::left_the_house(connection, settled.len()).await?;
    let about = settled.iter().map(|settlement| settlement.contact).collect();
    let about = identity::held(connection, about, Grip::Stay).await?;
    let settled: Vec<_> = settled.iter().zip(about).collect();
    SETTLE
        .run(connection, &settled, |statement, (settlement, contact)| {
            statement
                .bind(contact.slot().0)
                .bind(contact.0)
                .bind(settlement.id.0)
                .bind(settlement.state.as_str())
                .bind(settlement.due_at.map(Moment::micros))
                .bind(settlement.status)
                .bind(settlement.answer.as_str())
                .bind(now.micros())
                .bind(i64::from(settlement.attempt))
        })
        .await?;
    Ok(())
}

/// Records a team's answer to a hand-off.
pub(super) async fn answer_lead(
    connection: &mut Connection,
    (contact, call): (ContactId, CallId),
    accepted: bool,
    by: &str,
    now: Moment,
) -> Result<bool> {
    let sql = "INSERT INTO lead (slot, contact, call, accepted, answered_at, answered_by)
        SELECT slot, contact, id, $4, $5, $6 FROM call WHERE slot = $1 AND contact = $2 AND id = $3
        AND kind = 'hand_off' ON CONFLICT (slot, contact, call) DO NOTHING";
    let mut done = 0;
    for contact in identity::held(connection, vec![contact], Grip::Stay).await? {
        let statement = sqlx::query(sql)
            .bind(slot(contact))
            .bind(contact.0)
            .bind(call.0)
            .bind(accepted)
            .bind(now.micros())
            .bind(by);
        done += statement.execute(&mut *connection).await.map_err(failed)?.rows_affected();
    }
    Ok(done == 1)
}

/// Has a call tried again at once.
pub(super) async fn retry(
    connection: &mut Connection,
    (contact, call): (ContactId, CallId),
    now: Moment,
) -> Result<bool> {
    let sql = concat!(
        "UPDATE call SET state = 'pending', due_at = $4, settled_at = NULL",
        given_back!(),
        " WHERE slot = $1 AND contact = $2 AND id = $3 AND (state = 'dead' OR state = 'pending' AND due_at > $4)"
    );
    let done = sqlx::query(sql)
        .bind(slot(contact))
        .bind(contact.0)
        .bind(call.0)
        .bind(now.micros())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    Ok(done.rows_affected() == 1)
}
