//! Contacts as rows, and the list of addresses nothing is sent to.

use std::collections::{BTreeMap, BTreeSet};

use super::bulk::Bulk;
use super::guard::Grip;
use super::rows::{self, Columns, json};
use super::{Connection, failed, identity, keys};
use crate::domain::{Contact, ContactId, Slot};
use crate::store::identity::{NameKind, NameOf};
use crate::store::steps::suppression_key;
use crate::store::{Result, StoreError};
use crate::time::Moment;

pub(super) const LOAD: &str = concat!(
    "SELECT c.id, external_id, email, phone, timezone, language, created_at, tags, attributes, suppressed
    FROM ",
    contacts!("$1", "$2"),
    " CROSS JOIN contact AS c WHERE c.slot = k.slot AND c.id = k.contact"
);

/// Those of the contacts that there are.
pub(super) async fn load<'a>(
    connection: &mut Connection,
    ids: impl IntoIterator<Item = &'a ContactId>,
) -> Result<BTreeMap<ContactId, Contact>> {
    let statement = keys::contacts(ids).bind(sqlx::query(LOAD));
    let found = statement.fetch_all(&mut *connection).await.map_err(failed)?;
    found.iter().map(|row| rows::contact(row).map(|contact| (contact.id, contact))).collect()
}

/// Those of the contacts that there are and that can be read: what is said about others does not wait for them.
pub(super) async fn load_readable<'a>(
    connection: &mut Connection,
    ids: impl IntoIterator<Item = &'a ContactId>,
) -> Result<BTreeMap<ContactId, Contact>> {
    let statement = keys::contacts(ids).bind(sqlx::query(LOAD));
    let found = statement.fetch_all(&mut *connection).await.map_err(failed)?;
    let mut contacts = BTreeMap::new();
    for row in &found {
        match rows::contact(row) {
            Ok(contact) => drop(contacts.insert(contact.id, contact)),
            Err(StoreError::Damaged { contact: Some(contact), .. }) => {
                tracing::error!(%contact, "a contact cannot be read: `lotse audit --verify` tells more");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(contacts)
}

pub(super) const EXTERNAL_IDS: &str = concat!(
    "SELECT c.id, external_id FROM ",
    contacts!("$1", "$2"),
    " CROSS JOIN contact AS c WHERE c.slot = k.slot AND c.id = k.contact"
);

/// What the customer's own systems call those of the contacts that there are. Nothing else of them need be readable.
pub(super) async fn external_ids(
    connection: &mut Connection,
    ids: &[ContactId],
) -> Result<BTreeMap<ContactId, Option<String>>> {
    let statement = keys::contacts(ids).bind(sqlx::query(EXTERNAL_IDS));
    let found = statement.fetch_all(&mut *connection).await.map_err(failed)?;
    let read = |row| {
        let mut columns = Columns::of(row, "contact");
        Ok((columns.contact()?, columns.maybe_text()?))
    };
    found.iter().map(read).collect()
}

const INSERT: Bulk = Bulk {
    head: "INSERT INTO contact (slot, id, external_id, created_at, tags, attributes)",
    columns: 6,
    tail: "ON CONFLICT (slot, id) DO NOTHING",
};

/// Adds contacts of whom nothing is known but that there is one, and perhaps the customer's name for them.
pub(super) async fn insert(
    connection: &mut Connection,
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
pub(super) async fn update(connection: &mut Connection, contacts: &[&Contact]) -> Result<()> {
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

pub(super) const SUPPRESSED: &str = concat!(
    "SELECT s.address, s.reason FROM ",
    texts!("$1", "$2"),
    " CROSS JOIN suppression AS s
    WHERE s.slot = k.slot AND s.address = k.text"
);

/// Which of the addresses nothing is sent to, by their [`suppression_key`], and why.
pub(super) async fn suppressed<'a>(
    connection: &mut Connection,
    addresses: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>> {
    let addresses: BTreeSet<String> = addresses.map(suppression_key).collect();
    if addresses.is_empty() {
        return Ok(BTreeMap::new());
    }
    let list = keys::texts(addresses.iter().map(|address| (slot_of(address), address.as_str())));
    let statement = list.bind(sqlx::query(SUPPRESSED));
    let found = statement.fetch_all(&mut *connection).await.map_err(failed)?;
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
    connection: &mut Connection,
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
    let written_to = addresses.iter().map(|(contact, ..)| *contact);
    let changed = named.into_values().chain(written_to).collect();
    let changed = identity::held(connection, changed, Grip::Change).await?;
    let contacts = load_readable(connection, &changed).await?;
    update(connection, &contacts.values().collect::<Vec<_>>()).await
}

/// Where an address of the list is kept: spread by itself, for nobody knows whose it is.
pub(super) fn slot_of(address: &str) -> Slot {
    Slot::of_bytes(address.as_bytes())
}
