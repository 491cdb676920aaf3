//! What happened to contacts before and what they got, for conditions and caps that ask about it.

use std::collections::BTreeMap;

use super::keys::{self, Contacts};
use super::rows::Columns;
use super::{Connection, failed};
use crate::domain::{ContactId, ContactState, Happened, PastMessage};
use crate::language::plan::Needs;
use crate::store::Result;
use crate::time::Moment;

/// Events of a list of contacts, by a list of names with how far back each is asked for; of each name the latest alone,
/// one more than `$1`.
pub(in super::super) const HAPPENED: &str = happened!();

/// Adds to contacts what happened to them; `list` are their keys.
pub(super) async fn load(
    connection: &mut Connection,
    list: Contacts,
    needs: &Needs,
    earliest: Moment,
    states: &mut BTreeMap<ContactId, ContactState>,
) -> Result<()> {
    let names = needs.events.iter().map(|(name, reach)| (name.as_str(), reach.since(earliest)));
    #[expect(clippy::cast_possible_wrap, reason = "a small number")]
    let offset = ContactState::HAPPENED_MAX as i64 - 1;
    let statement = keys::reaches(names).bind(list.bind(sqlx::query(HAPPENED).bind(offset)));
    for row in statement.fetch_all(&mut *connection).await.map_err(failed)? {
        let mut columns = Columns::of(&row, "event");
        let contact = columns.contact()?;
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
    concat!("SELECT m.contact, channel, essential,
    CASE WHEN state = 'decided' THEN due_at ELSE handed_over_at END AS at, state = 'decided', opened_at, clicked_at
    FROM ", contacts!("$2", "$3"), " CROSS JOIN message AS m WHERE m.slot = k.slot AND m.contact = k.contact
    AND (state = 'decided' AND due_at IS NOT NULL
        OR state NOT IN ('decided', 'skipped', 'refused') AND handed_over_at >= $1)
    ORDER BY m.contact, at, m.id");

/// Adds to contacts the messages they got before.
pub(super) async fn messages(
    connection: &mut Connection,
    list: Contacts,
    from: Moment,
    states: &mut BTreeMap<ContactId, ContactState>,
) -> Result<()> {
    let statement = list.bind(sqlx::query(GOT).bind(from.micros()));
    for row in statement.fetch_all(&mut *connection).await.map_err(failed)? {
        let mut columns = Columns::of(&row, "message");
        let contact = columns.contact()?;
        let past = PastMessage {
            channel: columns.text()?,
            essential: columns.flag()?,
            at: columns.moment()?,
            waits: columns.flag()?,
            opened_at: columns.maybe_moment()?,
            clicked_at: columns.maybe_moment()?,
        };
        if let Some(state) = states.get_mut(&contact) {
            state.messages.push(past);
        }
    }
    Ok(())
}
