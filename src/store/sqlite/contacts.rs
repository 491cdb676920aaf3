//! Contacts as rows, and the list of addresses nothing is sent to.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;

use super::super::Result;
use super::super::identity::{NameKind, NameOf};
use super::super::steps::suppression_key;
use super::bulk::Bulk;
use super::rows::{self, Columns, json};
use super::{failed, identity, keys};
use crate::domain::{Contact, ContactId, Slot};
use crate::time::Moment;

pub(super) const LOAD: &str =
    "SELECT c.id, external_id, email, phone, timezone, language, created_at, tags, attributes, suppressed
    FROM json_each($1) AS k CROSS JOIN contact AS c WHERE c.slot = k.value ->> 0 AND c.id = unhex(k.value ->> 1)";

/// Those of the contacts that there are.
pub(super) async fn load<'a>(
    connection: &mut SqliteConnection,
    ids: impl IntoIterator<Item = &'a ContactId>,
) -> Result<BTreeMap<ContactId, Contact>> {
    let list = keys::contacts(ids);
    let found = sqlx::query(LOAD).bind(list).fetch_all(&mut *connection).await.map_err(failed)?;
    found.iter().map(|row| rows::contact(row).map(|contact| (contact.id, contact))).collect()
}

const INSERT: Bulk = Bulk {
    head: "INSERT INTO contact (slot, id, external_id, created_at, tags, attributes)",
    columns: 6,
    tail: "ON CONFLICT (slot, id) DO NOTHING",
};

/// Adds contacts of whom nothing is known but that there is one, and perhaps the customer's name for them.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    contacts: &[(ContactId, Moment, Option<&String>)],
) -> Result<()> {
    INSERT
        .run(connection, contacts, |statement, (id, at, external_id)| {
            statement
                .bind(id.slot().0)
                .bind(id.0)
                .bind(external_id.map(String::as_str))
                .bind(at.micros())
                .bind("[]")
                .bind("{}")
        })
        .await?;
    Ok(())
}

pub(super) const UPDATE: Bulk = Bulk {
    head:
        "UPDATE contact SET external_id = v.column3, email = v.column4, phone = v.column5, timezone = v.column6,
        language = v.column7, tags = v.column8, attributes = v.column9, suppressed = v.column10 FROM (",
    columns: 10,
    tail: ") AS v WHERE contact.slot = v.column1 AND contact.id = v.column2",
};

/// Writes contacts over those that are there. Whether they are suppressed, their addresses say.
pub(super) async fn update(connection: &mut SqliteConnection, contacts: &[&Contact]) -> Result<()> {
    let addresses = contacts.iter().filter_map(|contact| contact.email.as_deref());
    let suppressed = suppressed(connection, addresses).await?;
    let reason = |contact: &Contact| {
        contact.email.as_deref().and_then(|email| suppressed.get(&suppression_key(email))).cloned()
    };
    UPDATE
        .run(connection, contacts, |statement, contact: &&Contact| {
            statement
                .bind(contact.id.slot().0)
                .bind(contact.id.0)
                .bind(contact.external_id.as_deref())
                .bind(contact.email.as_deref())
                .bind(contact.phone.as_deref())
                .bind(contact.timezone.as_deref())
                .bind(contact.language.as_deref())
                .bind(json(&contact.tags))
                .bind(json(&contact.attributes))
                .bind(reason(contact))
        })
        .await?;
    Ok(())
}

pub(super) const SUPPRESSED: &str =
    "SELECT s.address, s.reason FROM json_each($1) AS k CROSS JOIN suppression AS s
    WHERE s.slot = k.value ->> 0 AND s.address = k.value ->> 1";

/// Which of the addresses nothing is sent to, by their [`suppression_key`], and why.
pub(super) async fn suppressed<'a>(
    connection: &mut SqliteConnection,
    addresses: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>> {
    let addresses: BTreeSet<String> = addresses.map(suppression_key).collect();
    if addresses.is_empty() {
        return Ok(BTreeMap::new());
    }
    let list: Vec<(u16, &String)> = addresses.iter().map(|address| (slot_of(address).0, address)).collect();
    let found =
        sqlx::query(SUPPRESSED).bind(json(&list)).fetch_all(&mut *connection).await.map_err(failed)?;
    let read = |row| {
        let mut columns = Columns::of(row, "suppression");
        Ok((columns.text()?, columns.text()?))
    };
    found.iter().map(read).collect()
}

const SUPPRESS: Bulk = Bulk {
    head: "INSERT INTO suppression (slot, address, reason, at)",
    columns: 4,
    tail: "ON CONFLICT (slot, address) DO NOTHING",
};

/// Puts addresses on the list, and says so on the contacts that have them.
pub(super) async fn suppress(
    connection: &mut SqliteConnection,
    addresses: &[(ContactId, String, String)],
    now: Moment,
) -> Result<()> {
    SUPPRESS
        .run(connection, addresses, |statement, (_, address, reason)| {
            let address = suppression_key(address);
            statement.bind(slot_of(&address).0).bind(address).bind(reason.as_str()).bind(now.micros())
        })
        .await?;
    let names =
        addresses.iter().map(|(_, address, _)| NameOf::new(NameKind::Email, suppression_key(address)));
    let named = identity::named(connection, names.collect()).await?;
    let written_to: Vec<ContactId> = addresses.iter().map(|(contact, ..)| *contact).collect();
    let written_to = identity::are_now(connection, written_to).await?;
    let contacts = load(connection, named.values().chain(&written_to)).await?;
    update(connection, &contacts.values().collect::<Vec<_>>()).await
}

/// Where an address of the list is kept: spread by itself, for nobody knows whose it is.
fn slot_of(address: &str) -> Slot {
    Slot::of_bytes(address.as_bytes())
}
