//! What a change holds so that nobody else changes it meanwhile. Everything is held until the transaction ends.
//!
//! Whoever holds several things takes them in one order: names, then slots, then contacts, then what is theirs; and of
//! each kind in the order of their keys. Where that cannot be kept (one transaction does many things), PostgreSQL ends
//! one of those that wait for each other, and it is tried again.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::super::identity::NameOf;
use super::super::{MessageKey, Result, StoreError, TurnBatch};
use super::bulk::Bulk;
use super::sql::Columns;
use super::{Connection, Statement, failed, keys};
use crate::domain::{ContactId, SLOT_COUNT, Slot};
use crate::time::Moment;

/// The classes of our advisory locks, the first of their two numbers: what names mean, who moves the contacts of a slot,
/// what is in force, and whether anything may leave the house.
const NAMES: i32 = 0x6c6f_7401;
const SLOTS: i32 = 0x6c6f_7402;
const VERSIONS: i32 = 0x6c6f_7403;
const HOUSE: i32 = 0x6c6f_7404;
/// A claim that is full takes from that many slots at least: one that has very much to do holds up no other.
const SLOTS_LEAST: u32 = 16;
/// How much a slot gives at the least, where the claim is for as much.
const EACH_LEAST: u32 = 64;

/// How contacts are held.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grip {
    /// They do not become others.
    Stay,
    /// Nobody else changes them, nor goes by what they have decided.
    Change,
}

/// The slots that a claim has got: nobody else moves their contacts.
pub(super) struct Slots {
    slots: Vec<i32>,
    /// How much of a kind a claim takes from each.
    each: u32,
}

impl Slots {
    /// Binds them behind the parameters that are bound already.
    pub(super) fn bind<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        statement.bind(self.slots.clone()).bind(i64::from(self.each))
    }

    /// Whether there are none.
    pub(super) fn are_none(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many of a kind may be taken before there may be more: a slot may have more than it gives.
    pub(super) fn most_each(&self, _: u32) -> usize {
        self.each as usize
    }
}

/// Slots that have something to do: first those where something happened, and else in an order of chance.
pub(super) const WANTED: &str = concat!(
    "SELECT k.slot FROM ",
    every_slot!(),
    " CROSS JOIN LATERAL (
    (SELECT 1 AS turn FROM event AS t WHERE t.slot = k.slot AND pending LIMIT 1) UNION ALL
    (SELECT 2 FROM run AS t WHERE t.slot = k.slot AND wake_at <= $1 LIMIT 1) UNION ALL
    (SELECT 2 FROM watch AS t WHERE t.slot = k.slot AND due_at <= $1 LIMIT 1) LIMIT 1) AS due
    ORDER BY due.turn, random()"
);
/// Declares a statement that takes slots that nobody else has, and says how much they have to do, of each kind as far as
/// is taken.
macro_rules! take_slots {
    ($which:expr) => {
        concat!(
            "SELECT k.slot,
            (SELECT count(*) FROM (SELECT 1 FROM event AS t WHERE t.slot = k.slot AND pending",
            $which,
            " LIMIT $4) AS counted)
            + (SELECT count(*) FROM (SELECT 1 FROM run AS t WHERE t.slot = k.slot AND wake_at <= $3",
            $which,
            " LIMIT $4) AS counted)
            + (SELECT count(*) FROM (SELECT 1 FROM watch AS t WHERE t.slot = k.slot AND due_at <= $3",
            $which,
            " LIMIT $4) AS counted)
            FROM unnest($2::integer[]) AS k (slot) WHERE pg_try_advisory_xact_lock($1, k.slot)"
        )
    };
}

pub(super) const TAKE_SLOTS: &str = take_slots!("");
/// Without what is left for a plan that cannot be read.
pub(super) const TAKE_READABLE_SLOTS: &str = take_slots!(readable!("$5", "$3"));

/// Takes slots that have something to do and that nobody else has, until there is enough.
pub(super) async fn slots(
    connection: &mut Connection,
    now: Moment,
    limit: u32,
    unreadable: &[u32],
) -> Result<Slots> {
    let each = limit.div_ceil(SLOTS_LEAST).max(EACH_LEAST).min(limit);
    let wanted = sqlx::query(WANTED).bind(now.micros()).fetch_all(&mut *connection).await.map_err(failed)?;
    let wanted: Vec<i32> =
        wanted.iter().map(|row| Columns::of(row, "event").number()).collect::<Result<_>>()?;
    let (mut slots, mut enough) = (Vec::new(), 0);
    let mut rest = wanted.as_slice();
    let sql = if unreadable.is_empty() { TAKE_SLOTS } else { TAKE_READABLE_SLOTS };
    // Twice as many each time: where each has little, they are many.
    let mut some = SLOTS_LEAST as usize;
    while enough < i64::from(limit) && !rest.is_empty() {
        let (asked, others) = rest.split_at(some.min(rest.len()));
        let mut statement = sqlx::query(sql).bind(SLOTS).bind(asked);
        statement = statement.bind(now.micros()).bind(i64::from(each));
        if !unreadable.is_empty() {
            statement = keys::numbers(unreadable.iter().copied()).bind(statement);
        }
        for row in statement.fetch_all(&mut *connection).await.map_err(failed)? {
            let mut columns = Columns::of(&row, "event");
            slots.push(columns.number()?);
            enough += columns.number::<i64>()?;
        }
        rest = others;
        some *= 2;
    }
    Ok(Slots { slots, each })
}

/// Has nobody else move the contacts of the slots from one to another.
pub(super) async fn slots_between(connection: &mut Connection, first: i32, last: i32) -> Result<()> {
    let between = |slot: &i32| (first..=last).contains(slot);
    let slots: Vec<i32> = (0..SLOT_COUNT).map(i32::from).filter(between).collect();
    locks(connection, SLOTS, slots).await
}

/// Takes locks of a class, one after the other, and waits for whoever has them.
async fn locks(connection: &mut Connection, class: i32, numbers: Vec<i32>) -> Result<()> {
    let sql = "SELECT pg_advisory_xact_lock($1, number) FROM unnest($2::integer[]) AS k (number)";
    sqlx::query(sql).bind(class).bind(numbers).execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Has names mean whom they mean: whoever would change that waits. They are held by their slots, for those that mean
/// nobody have no row, and locks of a number of their own would be too many.
pub(super) async fn names(connection: &mut Connection, names: &BTreeSet<NameOf>) -> Result<()> {
    let slots: BTreeSet<Slot> = names.iter().map(NameOf::slot).collect();
    locks(connection, NAMES, slots.into_iter().map(|slot| i32::from(slot.0)).collect()).await
}

/// Has nothing leave the house while it is said that nothing may.
pub(super) async fn house(connection: &mut Connection) -> Result<()> {
    locks(connection, HOUSE, vec![0]).await
}

/// Has nobody else add versions, or put them into force.
pub(super) async fn versions(connection: &mut Connection) -> Result<()> {
    locks(connection, VERSIONS, vec![0]).await
}

/// Declares a statement that holds the rows of a list, and counts them.
macro_rules! hold {
    ($list:expr, $table:literal, $id:literal, $lock:literal) => {
        concat!(
            "SELECT count(*) FROM (SELECT 1 FROM ",
            $list,
            " CROSS JOIN ",
            $table,
            " AS t WHERE t.slot = k.slot AND ",
            $id,
            " ORDER BY t.slot, t.id FOR ",
            $lock,
            " OF t) AS held"
        )
    };
}

const STAY: &str = hold!(contacts!("$1", "$2"), "contact", "t.id = k.contact", "KEY SHARE");
const CHANGE: &str = hold!(contacts!("$1", "$2"), "contact", "t.id = k.contact", "NO KEY UPDATE");
const GO: &str = hold!(contacts!("$1", "$2"), "contact", "t.id = k.contact", "UPDATE");
const AS_DECIDED: &str = hold!(contacts!("$1", "$2"), "contact", "t.id = k.contact", "SHARE");
const MESSAGES: &str =
    hold!(ids!("$1", "$2", "$3"), "message", "t.contact = k.contact AND t.id = k.id", "NO KEY UPDATE");

/// Holds contacts; whether all of them are there.
pub(super) async fn contacts(connection: &mut Connection, ids: &[ContactId], grip: Grip) -> Result<bool> {
    let sql = match grip {
        Grip::Stay => STAY,
        Grip::Change => CHANGE,
    };
    held(connection, ids, sql).await
}

async fn held(connection: &mut Connection, ids: &[ContactId], sql: &'static str) -> Result<bool> {
    let list = keys::contacts(ids);
    let wanted = list.len();
    let row = list.bind(sqlx::query(sql)).fetch_one(connection).await.map_err(failed)?;
    Ok(Columns::of(&row, "contact").number::<usize>()? == wanted)
}

/// Holds contacts that become others, and those that they become: nobody moves them, nor writes anything about them.
pub(super) async fn merge(
    connection: &mut Connection,
    merged: &[(ContactId, ContactId, Moment)],
) -> Result<()> {
    if merged.is_empty() {
        return Ok(());
    }
    let both: Vec<ContactId> = merged.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
    let slots: BTreeSet<Slot> = both.iter().map(|contact| contact.slot()).collect();
    locks(connection, SLOTS, slots.into_iter().map(|slot| i32::from(slot.0)).collect()).await?;
    held(connection, &both, GO).await?;
    Ok(())
}

/// Has nobody else move a contact.
pub(super) async fn mover(connection: &mut Connection, contact: ContactId) -> Result<()> {
    locks(connection, SLOTS, vec![i32::from(contact.slot().0)]).await
}

/// Holds messages that are at the last gate, and what their contacts have decided: a refusal comes before, or it waits
/// until they are handed over.
pub(super) async fn gate(connection: &mut Connection, messages: &[MessageKey]) -> Result<()> {
    let sql = "SELECT pg_advisory_xact_lock_shared($1, 0)";
    sqlx::query(sql).bind(HOUSE).execute(&mut *connection).await.map_err(failed)?;
    let contacts: Vec<ContactId> = messages.iter().map(|key| key.contact).collect();
    held(&mut *connection, &contacts, AS_DECIDED).await?;
    self::messages(connection, messages).await
}

/// Holds messages: whoever is changing them is waited for.
pub(super) async fn messages(connection: &mut Connection, messages: &[MessageKey]) -> Result<()> {
    let list = keys::ids(messages.iter().map(|key| (&key.contact, &key.id.0)));
    list.bind(sqlx::query(MESSAGES)).execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Contacts as they were when their turns began: for each the number of the transaction that wrote its row.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<ContactId, i64>);

const WRITTEN_BY: &str = concat!(
    "SELECT c.id, c.xmin::text::bigint FROM ",
    contacts!("$1", "$2"),
    " CROSS JOIN contact AS c WHERE c.slot = k.slot AND c.id = k.contact"
);
/// Those that somebody else may have written, held so that from now on nobody does.
const WRITTEN_BY_OTHERS: &str = concat!(
    "SELECT c.id, c.xmin::text::bigint FROM ",
    contacts!("$1", "$2"),
    " CROSS JOIN contact AS c WHERE c.slot = k.slot AND c.id = k.contact
    AND c.xmin <> pg_current_xact_id()::xid ORDER BY c.slot, c.id FOR NO KEY UPDATE OF c"
);

impl Seen {
    /// Notes what is there, before it is read.
    pub(super) async fn look(&mut self, connection: &mut Connection, contacts: &[ContactId]) -> Result<()> {
        let found = keys::contacts(contacts).bind(sqlx::query(WRITTEN_BY)).fetch_all(connection).await;
        for row in found.map_err(failed)? {
            let mut columns = Columns::of(&row, "contact");
            self.0.insert(columns.contact()?, columns.number()?);
        }
        Ok(())
    }

    /// Whether the contacts that turns change, or say when to look at them again, are still as they were.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] where they are not.
    pub(super) async fn check(&self, connection: &mut Connection, batch: &TurnBatch) -> Result<()> {
        // Whoever changes a contact from outside also has it looked at, which must not be forgotten.
        let changed = batch.contacts.iter();
        let changed = changed.filter(|(state, effects)| state.changed || effects.watch.is_some());
        let changed: Vec<ContactId> = changed.map(|(state, _)| state.contact.id).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let list = keys::contacts(&changed);
        let found = list.bind(sqlx::query(WRITTEN_BY_OTHERS)).fetch_all(connection).await;
        for row in found.map_err(failed)? {
            let mut columns = Columns::of(&row, "contact");
            let (contact, written_by): (ContactId, i64) = (columns.contact()?, columns.number()?);
            if self.0.get(&contact).is_some_and(|seen| *seen != written_by) {
                return Err(StoreError::Overtaken);
            }
        }
        Ok(())
    }
}

const TAKE_MESSAGES: Bulk = Bulk {
    head: concat!("UPDATE message SET worker = ", this_worker!(), " FROM ("),
    columns: 3,
    tail: concat!(
        ") AS v WHERE message.slot = v.column1 AND message.contact = v.column2 AND message.id = v.column3
        AND message.worker IS DISTINCT FROM ",
        this_worker!()
    ),
};
const GIVE_MESSAGES_BACK: Bulk = Bulk {
    head: "UPDATE message SET worker = NULL FROM (",
    columns: 3,
    tail: concat!(
        ") AS v WHERE message.slot = v.column1 AND message.contact = v.column2 AND message.id = v.column3
        AND message.state = 'decided' AND message.worker = ",
        this_worker!()
    ),
};
const TAKE_CALLS: Bulk = Bulk {
    head: concat!("UPDATE call SET worker = ", this_worker!(), " FROM ("),
    columns: 3,
    tail: concat!(
        ") AS v WHERE call.slot = v.column1 AND call.contact = v.column2 AND call.id = v.column3
        AND call.worker IS DISTINCT FROM ",
        this_worker!()
    ),
};

/// Says that messages are this process' own.
pub(super) async fn take_messages(
    connection: &mut Connection,
    messages: impl Iterator<Item = (ContactId, Uuid)>,
) -> Result<()> {
    mark(connection, TAKE_MESSAGES, messages.collect()).await
}

/// Says that messages which wait are nobody's, where they were this process' own.
pub(super) async fn give_messages_back(
    connection: &mut Connection,
    messages: impl Iterator<Item = (ContactId, Uuid)>,
) -> Result<()> {
    mark(connection, GIVE_MESSAGES_BACK, messages.collect()).await
}

/// Says that calls are this process' own.
pub(super) async fn take_calls(
    connection: &mut Connection,
    calls: impl Iterator<Item = (ContactId, Uuid)>,
) -> Result<()> {
    mark(connection, TAKE_CALLS, calls.collect()).await
}

async fn mark(connection: &mut Connection, statement: Bulk, marked: Vec<(ContactId, Uuid)>) -> Result<()> {
    let bind = |statement: super::bulk::Columns, (contact, id): &(ContactId, Uuid)| {
        statement.bind(contact.slot().0).bind(contact.0).bind(*id)
    };
    statement.run(connection, &marked, bind).await.map(|_| ())
}
