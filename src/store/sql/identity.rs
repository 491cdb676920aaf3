//! Whom names mean, and contacts that turn out to be one.

use std::collections::{BTreeMap, BTreeSet};

use super::bulk::Bulk;
use super::guard::Grip;
use super::rows::{Columns, slot};
use super::{Connection, contacts, failed, guard, intake, keys, lists, people, record, watch};
use crate::domain::ContactId;
use crate::store::identity::{Directory, NameKind, NameOf, names_of};
use crate::store::{Identity, Result, merge};
use crate::time::Moment;

pub(super) const NAMED: &str = concat!(
    "SELECT i.kind, i.value, i.contact FROM ",
    names!("$1", "$2", "$3"),
    " CROSS JOIN identity AS i
    WHERE i.slot = k.slot AND i.kind = k.kind AND i.value = k.value"
);

/// Whom names mean, as they were written.
pub(super) async fn named(
    connection: &mut Connection,
    names: BTreeSet<NameOf>,
) -> Result<BTreeMap<NameOf, ContactId>> {
    let statement = keys::names(&names).bind(sqlx::query(NAMED));
    let found = statement.fetch_all(&mut *connection).await.map_err(failed)?;
    let read = |row| {
        let mut columns = Columns::of(row, "identity");
        let name = NameOf::new(columns.word(NameKind::from_text)?, columns.text()?);
        Ok((name, columns.contact()?))
    };
    found.iter().map(read).collect()
}

/// Who contacts turned out to be, for each in turn; most are who they were.
pub(super) async fn are_now(connection: &mut Connection, mut ids: Vec<ContactId>) -> Result<Vec<ContactId>> {
    // Contacts merge into contacts that merge in turn; each round goes one further, and none goes in a circle.
    loop {
        let former = named(connection, ids.iter().map(|id| NameOf::former(*id)).collect()).await?;
        if former.is_empty() {
            return Ok(ids);
        }
        for id in &mut ids {
            *id = former.get(&NameOf::former(*id)).copied().unwrap_or(*id);
        }
    }
}

/// The same, where what is written about them would be lost if they became others meanwhile.
pub(super) async fn held(
    connection: &mut Connection,
    ids: Vec<ContactId>,
    grip: Grip,
) -> Result<Vec<ContactId>> {
    let mut ids = are_now(connection, ids).await?;
    // Whoever was waited for may have made some of them others.
    while !guard::contacts(connection, &ids, grip).await? {
        let now = are_now(connection, ids.clone()).await?;
        if now == ids {
            break;
        }
        ids = now;
    }
    Ok(ids)
}

/// What the database knows of the people that are named. Until the transaction ends the names mean whom they mean,
/// and these stay who they are.
pub(super) async fn directory<'a>(
    connection: &mut Connection,
    who: impl Iterator<Item = &'a Identity>,
) -> Result<Directory> {
    let names: BTreeSet<NameOf> = who.flat_map(names_of).collect();
    guard::names(connection, &names).await?;
    let (names, mut contacts): (Vec<NameOf>, Vec<ContactId>) =
        named(connection, names).await?.into_iter().unzip();
    let held = guard::contacts(connection, &contacts, Grip::Stay).await?;
    let mut known = contacts::external_ids(connection, &contacts).await?;
    if !held || contacts.iter().any(|id| !known.contains_key(id)) {
        // Names that were not at hand when their contact merged still mean it as it was.
        contacts = self::held(connection, contacts, Grip::Stay).await?;
        known = contacts::external_ids(connection, &contacts).await?;
    }
    let names = names.into_iter().zip(contacts).collect();
    Ok(Directory::new(names, known))
}

const IDENTIFY: Bulk = Bulk {
    head: "UPDATE contact SET external_id = v.column3 FROM (",
    columns: 3,
    tail: ") AS v WHERE contact.slot = v.column1 AND contact.id = v.column2",
};
const NAME: Bulk = Bulk {
    head: "INSERT INTO identity (slot, kind, value, contact)",
    columns: 4,
    tail: "ON CONFLICT (slot, kind, value) DO UPDATE SET contact = excluded.contact",
};

/// Writes what a batch added to the directory: new contacts, names, and contacts that turned out to be one.
pub(super) async fn write_directory(connection: &mut Connection, directory: &Directory) -> Result<()> {
    let added: Vec<_> =
        directory.added.iter().map(|(id, at)| (*id, *at, directory.identified.get(id))).collect();
    guard::merge(connection, &directory.merged).await?;
    contacts::insert(connection, &added).await?;
    watch::greet(connection, directory.added.iter().map(|(id, _)| id)).await?;
    let is_new: BTreeSet<ContactId> = directory.added.iter().map(|(id, _)| *id).collect();
    let identified: Vec<(&ContactId, &String)> =
        directory.identified.iter().filter(|(contact, _)| !is_new.contains(contact)).collect();
    IDENTIFY
        .run(connection, &identified, |statement, (contact, id)| {
            statement.bind(contact.slot().0).bind(contact.0).bind(id.as_str())
        })
        .await?;
    let names: Vec<(&NameOf, &ContactId)> = directory.renamed.iter().collect();
    NAME.run(connection, &names, |statement, (name, contact)| {
        statement.bind(name.slot().0).bind(name.kind.as_str()).bind(name.value.as_str()).bind(contact.0)
    })
    .await?;
    for (from, to, at) in &directory.merged {
        merge_contacts(connection, *from, *to, *at).await?;
    }
    Ok(())
}

/// What follows a contact into another; what the other has already stays behind.
const MOVES: [&str; 11] = [
    "UPDATE history SET slot = $3 WHERE slot = $1
        AND run IN (SELECT id FROM run WHERE slot = $1 AND contact = $2)",
    "UPDATE run SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
    "UPDATE message SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
    "UPDATE call SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
    "UPDATE lead SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
    "UPDATE goal SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2",
    "UPDATE event SET slot = $3, contact = $4 WHERE slot = $1 AND contact = $2 AND NOT EXISTS
        (SELECT 1 FROM event AS kept WHERE kept.slot = $3 AND kept.contact = $4 AND kept.id = event.id)",
    "DELETE FROM event WHERE slot = $1 AND contact = $2",
    "DELETE FROM permission WHERE slot = $1 AND contact = $2",
    "DELETE FROM watch WHERE slot = $1 AND contact = $2",
    "DELETE FROM contact WHERE slot = $1 AND id = $2",
];

/// Makes two contacts one: everything of `from` becomes `to`'s, and `from` is gone. Rare, so it goes contact by
/// contact.
async fn merge_contacts(
    connection: &mut Connection,
    from: ContactId,
    to: ContactId,
    at: Moment,
) -> Result<()> {
    let mut both = contacts::load(connection, &[from, to]).await?;
    let (Some(gone), Some(kept)) = (both.remove(&from), both.remove(&to)) else { return Ok(()) };
    let doubles = merge::doubles(people::runs(connection, from).await?, &people::runs(connection, to).await?);
    let plans = lists::plans(connection, doubles.iter().map(|run| run.version)).await?;
    record::record(connection, &merge::end(doubles, &gone, &plans, at)).await?;
    let kept = merge::joined(kept, gone);
    contacts::update(connection, &[&kept]).await?;
    let mut decisions = people::permissions(connection, from).await?;
    for permission in &mut decisions {
        permission.contact = to;
    }
    intake::write_permissions(connection, &decisions).await?;
    for sql in MOVES {
        let statement = sqlx::query(sql).bind(slot(from)).bind(from.0).bind(slot(to)).bind(to.0);
        statement.execute(&mut *connection).await.map_err(failed)?;
    }
    watch::notice(connection, &[to], at).await
}
