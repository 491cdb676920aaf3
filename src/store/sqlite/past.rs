//! What happened to contacts before and what they got, for conditions and caps that ask about it.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::super::Result;
use super::failed;
use super::rows::{Columns, json};
use crate::domain::{ContactId, ContactState, Happened, PastMessage};
use crate::language::plan::Needs;
use crate::time::Moment;

/// Events of a list of contacts, by a list of names with how far back each is asked for; of each name the latest alone.
pub(super) const HAPPENED: &str =
    "SELECT e.contact, name, at, properties FROM json_each($1) AS k CROSS JOIN json_each($2) AS n
    CROSS JOIN event AS e WHERE e.slot = k.value ->> 0 AND e.contact = unhex(k.value ->> 1)
    AND name = n.value ->> 0 AND at >= coalesce((SELECT l.at FROM event AS l WHERE l.slot = k.value ->> 0
    AND l.contact = unhex(k.value ->> 1) AND l.name = n.value ->> 0 AND l.at >= n.value ->> 1 AND +l.pending = 0
    AND l.kind IN ('track', 'system') ORDER BY l.at DESC LIMIT 1 OFFSET $3), n.value ->> 1)
    AND +pending = 0 AND kind IN ('track', 'system') ORDER BY e.contact, name, at, received_at, e.id";

/// Adds to contacts what happened to them; `list` are their keys.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    list: &str,
    needs: &Needs,
    earliest: Moment,
    states: &mut BTreeMap<ContactId, ContactState>,
) -> Result<()> {
    let names: Vec<(&String, i64)> =
        needs.events.iter().map(|(name, reach)| (name, reach.since(earliest).micros())).collect();
    #[expect(clippy::cast_possible_wrap, reason = "a small number")]
    let offset = ContactState::HAPPENED_MAX as i64 - 1;
    let statement = sqlx::query(HAPPENED).bind(list).bind(json(&names)).bind(offset);
    for row in statement.fetch_all(&mut *connection).await.map_err(failed)? {
        let mut columns = Columns::of(&row, "event");
        let contact = ContactId(columns.id()?);
        let name = columns.text()?;
        let happened = Happened { at: columns.moment()?, properties: columns.json()? };
        if let Some(state) = states.get_mut(&contact) {
            state.events.entry(name).or_default().push(happened);
        }
    }
    Ok(())
}

/// Messages that may still count from a moment on: those that wait to be handed over, and those that were.
pub(super) const GOT: &str =
    "SELECT m.contact, channel, essential, iif(state = 'decided', due_at, handed_over_at) AS at,
    state = 'decided', opened_at, clicked_at FROM json_each($1) AS k CROSS JOIN message AS m
    WHERE m.slot = k.value ->> 0 AND m.contact = unhex(k.value ->> 1) AND state NOT IN ('skipped', 'refused')
    AND at >= iif(state = 'decided', at, $2) ORDER BY m.contact, at, m.id";

/// Adds to contacts the messages they got before.
pub(super) async fn messages(
    connection: &mut SqliteConnection,
    list: &str,
    from: Moment,
    states: &mut BTreeMap<ContactId, ContactState>,
) -> Result<()> {
    let statement = sqlx::query(GOT).bind(list).bind(from.micros());
    for row in statement.fetch_all(&mut *connection).await.map_err(failed)? {
        let mut columns = Columns::of(&row, "message");
        let contact = ContactId(columns.id()?);
        let past = PastMessage {
            channel: columns.text()?,
            essential: columns.number::<u8>()? == 1,
            at: columns.moment()?,
            waits: columns.number::<u8>()? == 1,
            opened_at: columns.maybe_moment()?,
            clicked_at: columns.maybe_moment()?,
        };
        if let Some(state) = states.get_mut(&contact) {
            state.messages.push(past);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::super::testing::File;
    use super::*;

    #[tokio::test]
    async fn past_events_are_found_by_contact_name_and_time() {
        let file = File::new();
        let store = file.store().await;
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {HAPPENED}"));
        let steps =
            sqlx::query(explain).bind("[]").bind("[]").bind(1).fetch_all(&store.writer).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        let wanted = "SEARCH e USING INDEX event_past (slot=? AND contact=? AND name=? AND at>?)";
        assert!(steps.iter().any(|step| step == wanted), "{steps:#?}");
    }
}
