use sqlx::SqliteConnection;

use super::super::Result;
use super::bulk::Bulk;
use super::failed;
use super::intake::load;
use super::rows::json;
use super::turns::update_contacts;
use crate::domain::{Contact, ContactId, Slot};
use crate::time::Moment;

/// Makes two contacts one: everything of `from` becomes `to`'s, and `from` is gone. What both know, `to` knows
/// better. Rare, so it goes contact by contact.
pub(super) async fn merge(connection: &mut SqliteConnection, from: ContactId, to: ContactId) -> Result<()> {
    let mut both = load(connection, &[from, to].into()).await?;
    let (Some(old), Some(mut kept)) = (both.remove(&from), both.remove(&to)) else { return Ok(()) };
    kept.email = kept.email.or(old.email);
    kept.phone = kept.phone.or(old.phone);
    kept.timezone = kept.timezone.or(old.timezone);
    kept.language = kept.language.or(old.language);
    kept.suppressed = kept.suppressed.or(old.suppressed);
    kept.tags.extend(old.tags);
    for (name, value) in old.attributes {
        kept.attributes.entry(name).or_insert(value);
    }
    update_contacts(connection, &[&kept]).await?;
    // Nobody is in one journey twice at a time: the run of the contact that goes, ends.
    let end = "UPDATE run SET ended_at = entered_at, outcome = 'merged', wake_at = NULL, goal_until = NULL
        WHERE slot = $1 AND contact = $2 AND ended_at IS NULL AND EXISTS (SELECT 1 FROM run AS other
        WHERE other.slot = $3 AND other.contact = $4 AND other.ended_at IS NULL AND other.journey = run.journey
        AND other.key = run.key)";
    let history = "UPDATE history SET slot = $3 WHERE slot = $1
        AND run IN (SELECT id FROM run WHERE slot = $1 AND contact = $2)";
    let delete = "DELETE FROM contact WHERE slot = $1 AND id = $2";
    let moves = [
        end,
        history,
        "UPDATE run SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
        "UPDATE message SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
        "UPDATE call SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
        "UPDATE lead SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
        "UPDATE goal SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
        "UPDATE OR REPLACE event SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
        "UPDATE OR IGNORE permission SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
        "DELETE FROM permission WHERE slot = $1 AND contact = $2",
        delete,
    ];
    for sql in moves {
        let statement = sqlx::query(sql).bind(from.slot().0).bind(from.0);
        let statement = if sql.contains("$3") { statement.bind(to.slot().0) } else { statement };
        let statement = if sql.contains("$4") { statement.bind(to.0) } else { statement };
        statement.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// Puts addresses on the suppression list, and says so on the contacts that have them.
pub(super) async fn suppress(
    connection: &mut SqliteConnection,
    addresses: &[(ContactId, String, String)],
    now: Moment,
) -> Result<()> {
    const LIST: Bulk = Bulk {
        head: "INSERT INTO suppression (slot, address, reason, at)",
        columns: 4,
        tail: "ON CONFLICT (slot, address) DO NOTHING",
    };
    LIST.run(connection, addresses, |statement, (_, address, reason)| {
        let address = address.to_lowercase();
        statement.bind(slot_of(&address).0).bind(address).bind(reason.as_str()).bind(now.micros())
    })
    .await?;
    const MARK: Bulk = Bulk {
        head: "UPDATE contact SET suppressed = v.column4 FROM (",
        columns: 4,
        tail: ") AS v WHERE contact.slot = v.column1 AND contact.id = v.column2 AND lower(contact.email) = lower(v.column3)",
    };
    MARK.run(connection, addresses, |statement, (contact, address, reason)| {
        statement.bind(contact.slot().0).bind(contact.0).bind(address.as_str()).bind(reason.as_str())
    })
    .await?;
    Ok(())
}

/// Contacts whose address is on the list already, from before they came or came back, are marked so.
pub(super) async fn mark_suppressed(connection: &mut SqliteConnection, contacts: &[&Contact]) -> Result<()> {
    let list: Vec<(u16, String, u16, String)> = contacts
        .iter()
        .filter_map(|contact| {
            let address = contact.email.as_ref()?.to_lowercase();
            Some((slot_of(&address).0, address, contact.id.slot().0, contact.id.0.simple().to_string()))
        })
        .collect();
    let sql = "UPDATE contact SET suppressed = s.reason FROM json_each($1) AS k CROSS JOIN suppression AS s
        WHERE s.slot = k.value ->> 0 AND s.address = k.value ->> 1
        AND contact.slot = k.value ->> 2 AND contact.id = unhex(k.value ->> 3)";
    sqlx::query(sql).bind(json(&list)).execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

fn slot_of(address: &str) -> Slot {
    Slot::of_bytes(address.as_bytes())
}
