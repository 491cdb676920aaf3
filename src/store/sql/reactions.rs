//! What persons did with messages.

use std::collections::BTreeMap;

use super::bulk::Bulk;
use super::guard::Grip;
use super::rows::Columns;
use super::{Connection, identity, record};
use crate::domain::ContactId;
use crate::store::tally::{TallyKey, hour_key, reaction_key};
use crate::store::{Reaction, Result};
use crate::time::TimeZone;
use crate::track::HitKind;

pub(super) const OPENED: Bulk = Bulk {
    head: "UPDATE message SET opened_at = v.column4 FROM (",
    columns: 4,
    tail: ") AS v WHERE message.slot = v.column1 AND message.contact = v.column2 AND message.id = v.column3
        AND message.opened_at IS NULL RETURNING journey, version, message, opened_at, channel,
        (SELECT timezone FROM contact AS c WHERE c.slot = message.slot AND c.id = message.contact)",
};
pub(super) const CLICKED: Bulk = Bulk {
    head: "UPDATE message SET clicked_at = v.column4 FROM (",
    columns: 4,
    tail: ") AS v WHERE message.slot = v.column1 AND message.contact = v.column2 AND message.id = v.column3
        AND message.clicked_at IS NULL RETURNING journey, version, message, clicked_at, channel,
        (SELECT timezone FROM contact AS c WHERE c.slot = message.slot AND c.id = message.contact)",
};

/// Records the first of each kind for each message, and counts what was the first.
pub(super) async fn react(
    connection: &mut Connection,
    reactions: Vec<Reaction>,
    zone: &TimeZone,
) -> Result<()> {
    let about = reactions.iter().map(|reaction| reaction.key.contact).collect();
    let about = identity::held(connection, about, Grip::Stay).await?;
    let reactions: Vec<(Reaction, ContactId)> = reactions.into_iter().zip(about).collect();
    let mut counts: BTreeMap<TallyKey, (i64, f64)> = BTreeMap::new();
    for (kind, first) in [(HitKind::Open, OPENED), (HitKind::Click, CLICKED)] {
        let mut wanted: Vec<_> = reactions.iter().filter(|(reaction, _)| reaction.kind == kind).collect();
        wanted.sort_by_key(|(reaction, contact)| (*contact, reaction.key.id, reaction.at));
        wanted.dedup_by_key(|(reaction, contact)| (*contact, reaction.key.id));
        let found = first.returning(connection, &wanted, |statement, (reaction, contact)| {
            let statement = statement.bind(contact.slot().0).bind(contact.0).bind(reaction.key.id.0);
            statement.bind(reaction.at.micros())
        });
        for row in &found.await? {
            let mut columns = Columns::of(row, "message");
            let (journey, version, message) = (columns.text()?, columns.number()?, columns.text()?);
            let (at, channel, own) = (columns.moment()?, columns.text()?, columns.maybe_text()?);
            let hour = hour_key(journey.clone(), version, &channel, at, (own.as_deref(), zone));
            counts.entry(hour).or_default().0 += 1;
            let key = reaction_key(journey, version, message, kind, at);
            counts.entry(key).or_default().0 += 1;
        }
    }
    record::add_counts(connection, counts).await
}
