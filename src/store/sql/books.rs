//! Contacts with everything that is theirs, in pages, for the audit.

use std::collections::{BTreeMap, BTreeSet};

use super::contacts::slot_of;
use super::people::{self, CALL, MESSAGE};
use super::rows::{self, Columns, slot};
use super::{Connection, Row, failed, keys};
use crate::domain::{Contact, ContactId, RunId};
use crate::store::audit::Steps;
use crate::store::steps::suppression_key;
use crate::store::{Book, Result, Stray};
use crate::time::Moment;

/// The rows of the contacts from one to another, in a table whose key begins with both.
const PAGE: &str = "(slot, contact) >= ($1, $2) AND (slot, contact) <= ($3, $4)";

pub(super) async fn books(
    connection: &mut Connection,
    after: Option<ContactId>,
    limit: u32,
) -> Result<Vec<Book>> {
    let contacts = people::contacts_after(connection, after, limit).await?;
    let mut page = Page::of(contacts.into_iter().map(|(contact, _)| contact));
    let Some(range) = page.range() else { return Ok(Vec::new()) };
    for row in
        read(connection, "contact, topic, allowed, at, source, wording, proof FROM permission", range).await?
    {
        let decision = rows::permission(&row)?;
        page.give(decision.contact, |book| book.permissions.push(decision));
    }
    let pending = "contact, id, kind, name, at, received_at, run, depth, properties FROM event";
    for row in read_where(connection, pending, "AND pending", range).await? {
        let event = rows::event(&row)?;
        page.give(event.contact, |book| book.pending.push(event));
    }
    let runs = "contact, id, journey, version, key, arm, place, turn, steps, entered_at, wake_at, goal_until,
        ended_at, outcome, state FROM run";
    for row in read_where(connection, runs, "ORDER BY entered_at, id", range).await? {
        let run = rows::run(&row)?;
        page.give(run.contact, |book| book.runs.push(run));
    }
    steps(connection, &mut page, range).await?;
    for row in read(connection, MESSAGE, range).await? {
        let stored = rows::stored_message(&row)?;
        page.give(stored.message.contact, |book| book.messages.push(stored));
    }
    let calls = format!("SELECT {CALL} WHERE {}", PAGE.replace("slot, contact", "call.slot, call.contact"));
    for row in fetch(connection, calls, range).await? {
        let stored = rows::stored_call(&row)?;
        page.give(stored.call.contact, |book| book.calls.push(stored));
    }
    for row in
        read(connection, "contact, run, goal, journey, version, arm, at, worth, event FROM goal", range)
            .await?
    {
        let goal = rows::goal(&row)?;
        page.give(goal.contact, |book| book.goals.push(goal));
    }
    suppressions(connection, &mut page).await?;
    Ok(page.0)
}

/// Books in the order of their contacts' keys.
struct Page(Vec<Book>);

/// The first and the last contact of a page.
type Range = (ContactId, ContactId);

impl Page {
    fn of(contacts: impl Iterator<Item = Contact>) -> Self {
        let empty = |contact| Book {
            contact,
            permissions: Vec::new(),
            pending: Vec::new(),
            runs: Vec::new(),
            steps: BTreeMap::new(),
            messages: Vec::new(),
            calls: Vec::new(),
            goals: Vec::new(),
            suppressed: BTreeMap::new(),
        };
        Self(contacts.map(empty).collect())
    }

    fn range(&self) -> Option<Range> {
        Some((self.0.first()?.contact.id, self.0.last()?.contact.id))
    }

    /// Rows of contacts that are not there are strays.
    fn give(&mut self, contact: ContactId, put: impl FnOnce(&mut Book)) {
        let key = |id: ContactId| (id.slot(), id);
        let found = self.0.binary_search_by_key(&key(contact), |book| key(book.contact.id));
        if let Some(book) = found.ok().and_then(|index| self.0.get_mut(index)) {
            put(book);
        }
    }
}

async fn read(connection: &mut Connection, from: &str, range: Range) -> Result<Vec<Row>> {
    read_where(connection, from, "", range).await
}

/// `from` are columns and a table, `more` is what stands behind the page.
async fn read_where(connection: &mut Connection, from: &str, more: &str, range: Range) -> Result<Vec<Row>> {
    fetch(connection, format!("SELECT {from} WHERE {PAGE} {more}"), range).await
}

async fn fetch(connection: &mut Connection, sql: String, (first, last): Range) -> Result<Vec<Row>> {
    // Only our own constants: nothing from outside is in the text.
    let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(slot(first)).bind(first.0);
    statement.bind(slot(last)).bind(last.0).fetch_all(&mut *connection).await.map_err(failed)
}

async fn steps(connection: &mut Connection, page: &mut Page, range: Range) -> Result<()> {
    let sql = format!(
        "SELECT r.contact, r.id, count(*), min(h.number), max(h.number), max(h.at) FROM run AS r
        JOIN history AS h ON h.slot = r.slot AND h.run = r.id WHERE {} GROUP BY r.slot, r.contact, r.id",
        PAGE.replace("slot, contact", "r.slot, r.contact")
    );
    for row in fetch(connection, sql, range).await? {
        let mut columns = Columns::of(&row, "history");
        let (contact, run) = (columns.contact()?, RunId(columns.id()?));
        let steps = Steps {
            count: columns.number()?,
            first: columns.number()?,
            last: columns.number()?,
            latest: columns.moment()?,
        };
        page.give(contact, |book| {
            book.steps.insert(run, steps);
        });
    }
    Ok(())
}

async fn suppressions(connection: &mut Connection, page: &mut Page) -> Result<()> {
    let addresses = page.0.iter().flat_map(|book| &book.messages).map(|stored| &stored.message.address);
    let addresses: BTreeSet<String> = addresses.map(|address| suppression_key(address)).collect();
    let list = keys::texts(addresses.iter().map(|address| (slot_of(address), address.as_str())));
    let sql = concat!(
        "SELECT s.address, s.at FROM ",
        texts!("$1", "$2"),
        " CROSS JOIN suppression AS s WHERE s.slot = k.slot AND s.address = k.text"
    );
    let found = list.bind(sqlx::query(sql)).fetch_all(&mut *connection).await.map_err(failed)?;
    let mut since: BTreeMap<String, Moment> = BTreeMap::new();
    for row in &found {
        let mut columns = Columns::of(row, "suppression");
        since.insert(columns.text()?, columns.moment()?);
    }
    for book in &mut page.0 {
        let known = |address: &String| Some((address.clone(), *since.get(&suppression_key(address))?));
        book.suppressed = book.messages.iter().filter_map(|stored| known(&stored.message.address)).collect();
    }
    Ok(())
}

pub(super) async fn merged(connection: &mut Connection) -> Result<BTreeSet<ContactId>> {
    let sql = "SELECT contact FROM identity WHERE kind = 'former'";
    let found = sqlx::query(sql).fetch_all(&mut *connection).await.map_err(failed)?;
    found.iter().map(|row| Ok(ContactId(Columns::of(row, "identity").id()?))).collect()
}

/// What belongs to contacts, and what it is called.
const THEIRS: [(&str, &str); 8] = [
    ("permission", "permissions"),
    ("event", "events"),
    ("run", "runs"),
    ("message", "messages"),
    ("call", "calls"),
    ("lead", "answers of teams"),
    ("goal", "goals"),
    ("watch", "moments at which somebody is to be looked at"),
];

pub(super) async fn strays(connection: &mut Connection) -> Result<Vec<Stray>> {
    let mut strays = Vec::new();
    for (table, what) in THEIRS {
        let sql = format!(
            "SELECT t.contact, count(*) FROM {table} AS t WHERE NOT EXISTS (SELECT 1 FROM contact AS c
            WHERE c.slot = t.slot AND c.id = t.contact) GROUP BY t.slot, t.contact LIMIT 100"
        );
        for row in sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *connection).await.map_err(failed)? {
            let mut columns = Columns::of(&row, table);
            strays.push(Stray { what, contact: columns.contact()?, count: columns.number()? });
        }
    }
    Ok(strays)
}
