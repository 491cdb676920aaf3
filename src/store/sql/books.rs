//! Contacts with everything that is theirs, in pages, for the audit.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::contacts::slot_of;
use super::people::{self, CALL, MESSAGE};
use super::rows::{self, Columns, slot};
use super::{Connection, Row, failed, keys};
use crate::domain::{Contact, ContactId, RunId, SLOT_COUNT};
use crate::store::audit::Steps;
use crate::store::steps::suppression_key;
use crate::store::{Book, Books, Damage, Result, StoreError, Stray};
use crate::time::Moment;

/// The rows of the contacts behind one and up to another, in a table whose key begins with both.
const PAGE: &str = "(slot, contact) > ($1, $2) AND (slot, contact) <= ($3, $4)";

/// Tables of which books read less than all rows, and what these are called: of them strays are looked for.
const NOT_READ: [(&str, &str); 3] = [
    ("event", "events"),
    ("lead", "answers of teams"),
    ("watch", "moments at which somebody is to be looked at"),
];

/// Contacts whose key can be read: each page begins behind the last.
const CONTACTS: &str = concat!(
    "SELECT id, external_id, email, phone, timezone, language, created_at, tags, attributes, suppressed
    FROM contact WHERE (slot, id) > ($1, $2) AND ",
    is_id!("id"),
    " ORDER BY slot, id LIMIT $3"
);
/// The others. An event of theirs that is pending is told with those that are not.
const UNREADABLE: &str = concat!("AND NOT (", is_id!("id"), ")");
const PENDING: &str = concat!("AND pending AND ", is_id!("contact"));
/// What cannot be read of a run is told of the run alone.
const READABLE_RUN: &str = concat!(is_id!("r.contact"), " AND ", is_id!("r.id"));

pub(super) async fn books(
    connection: &mut Connection,
    after: Option<ContactId>,
    limit: u32,
) -> Result<Books> {
    let mut page = Page::default();
    let found = people::rows_after(connection, CONTACTS, after, limit).await?;
    for row in &found {
        page.add(row)?;
    }
    let range = page.range(after, found.len() < limit as usize);
    let unreadable = format!("SELECT id FROM contact WHERE {} {UNREADABLE}", PAGE.replace("contact", "id"));
    page.put(
        &fetch(connection, unreadable, range).await?,
        by(rows::contact, |contact| contact.id),
        |_, _| (),
    )?;
    let decisions = "contact, topic, allowed, at, source, wording, proof FROM permission";
    let found = read(connection, decisions, range).await?;
    page.give(&found, "permissions", by(rows::permission, |decision| decision.contact), |book, decision| {
        book.permissions.push(decision);
    })?;
    let pending = "contact, id, kind, name, at, received_at, run, depth, properties FROM event";
    let found = read_where(connection, pending, PENDING, range).await?;
    // Strays of them are counted with those that are not pending.
    page.put(&found, by(rows::event, |event| event.contact), |book, event| book.pending.push(event))?;
    let runs = "contact, id, journey, version, key, arm, place, turn, steps, entered_at, wake_at, goal_until,
        ended_at, outcome, state FROM run";
    let found = read_where(connection, runs, "ORDER BY entered_at, id", range).await?;
    page.give(&found, "runs", by(rows::run, |run| run.contact), |book, run| book.runs.push(run))?;
    steps(connection, &mut page, range).await?;
    let found = read(connection, MESSAGE, range).await?;
    page.give(
        &found,
        "messages",
        by(rows::stored_message, |stored| stored.message.contact),
        |book, stored| {
            book.messages.push(stored);
        },
    )?;
    let calls = format!("SELECT {CALL} WHERE {}", PAGE.replace("slot, contact", "call.slot, call.contact"));
    let found = fetch(connection, calls, range).await?;
    page.give(&found, "calls", by(rows::stored_call, |stored| stored.call.contact), |book, stored| {
        book.calls.push(stored);
    })?;
    let goals = "contact, run, goal, journey, version, arm, at, worth, event FROM goal";
    let found = read(connection, goals, range).await?;
    page.give(&found, "goals", by(rows::goal, |goal| goal.contact), |book, goal| book.goals.push(goal))?;
    suppressions(connection, &mut page).await?;
    for (table, what) in NOT_READ {
        strays(connection, &mut page, (table, what), range).await?;
    }
    Ok(page.0)
}

/// Reads a row with whose it is.
fn by<T>(
    read: impl Fn(&Row) -> Result<T>,
    whose: impl Fn(&T) -> ContactId,
) -> impl Fn(&Row) -> Result<(ContactId, T)> {
    move |row| read(row).map(|read| (whose(&read), read))
}

/// Books in the order of their contacts' keys.
#[derive(Default)]
struct Page(Books);

/// Behind which contact a page begins, and with which it ends, by their keys.
type Range = ((i32, Uuid), (i32, Uuid));

impl Page {
    /// Begins the book of a contact; where no more of it can be read than who it is, of somebody of whom nothing is known.
    fn add(&mut self, row: &Row) -> Result<()> {
        let contact = match rows::contact(row) {
            Err(error @ StoreError::Damaged { contact: Some(id), .. }) => {
                self.0.damaged.push(Damage::of(error)?);
                Contact::new(id, Moment::MIN)
            }
            read => read?,
        };
        self.0.books.push(Book {
            contact,
            permissions: Vec::new(),
            pending: Vec::new(),
            runs: Vec::new(),
            steps: BTreeMap::new(),
            messages: Vec::new(),
            calls: Vec::new(),
            goals: Vec::new(),
            suppressed: BTreeMap::new(),
        });
        Ok(())
    }

    /// Behind the last page, up to the last contact of this or, where there are no more contacts, up to the end.
    fn range(&self, after: Option<ContactId>, is_last: bool) -> Range {
        let key = |contact: ContactId| (slot(contact), contact.0);
        let last = self.0.books.last().map(|book| book.contact.id).filter(|_| !is_last);
        (after.map_or((-1, Uuid::nil()), key), last.map_or((i32::from(SLOT_COUNT), Uuid::nil()), key))
    }

    fn book(&mut self, contact: ContactId) -> Option<&mut Book> {
        let key = |id: ContactId| (id.slot(), id);
        let found = self.0.books.binary_search_by_key(&key(contact), |book| key(book.contact.id));
        found.ok().and_then(|index| self.0.books.get_mut(index))
    }

    /// Puts rows into the books of their contacts. Those of contacts that are not there are strays.
    fn give<T>(
        &mut self,
        found: &[Row],
        what: &'static str,
        read: impl Fn(&Row) -> Result<(ContactId, T)>,
        put: impl Fn(&mut Book, T),
    ) -> Result<()> {
        let mut strays: BTreeMap<ContactId, u64> = BTreeMap::new();
        for (contact, _) in self.put(found, read, put)? {
            *strays.entry(contact).or_default() += 1;
        }
        let strays = strays.into_iter().map(|(contact, count)| Stray { what, contact, count });
        self.0.strays.extend(strays);
        Ok(())
    }

    /// Puts rows into the books of their contacts, notes those that cannot be read, and gives those without a book.
    fn put<T>(
        &mut self,
        found: &[Row],
        read: impl Fn(&Row) -> Result<(ContactId, T)>,
        put: impl Fn(&mut Book, T),
    ) -> Result<Vec<(ContactId, T)>> {
        let mut left = Vec::new();
        for row in found {
            match read(row) {
                Ok((contact, read)) => match self.book(contact) {
                    Some(book) => put(book, read),
                    None => left.push((contact, read)),
                },
                Err(error) => self.0.damaged.push(Damage::of(error)?),
            }
        }
        Ok(left)
    }
}

async fn read(connection: &mut Connection, from: &str, range: Range) -> Result<Vec<Row>> {
    read_where(connection, from, "", range).await
}

/// `from` are columns and a table, `more` is what stands behind the page.
async fn read_where(connection: &mut Connection, from: &str, more: &str, range: Range) -> Result<Vec<Row>> {
    fetch(connection, format!("SELECT {from} WHERE {PAGE} {more}"), range).await
}

async fn fetch(connection: &mut Connection, sql: String, (after, last): Range) -> Result<Vec<Row>> {
    // Only our own constants: nothing from outside is in the text.
    let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(after.0).bind(after.1);
    statement.bind(last.0).bind(last.1).fetch_all(&mut *connection).await.map_err(failed)
}

async fn steps(connection: &mut Connection, page: &mut Page, range: Range) -> Result<()> {
    let sql = format!(
        "SELECT r.contact, r.id, count(*), min(h.number), max(h.number), max(h.at) FROM run AS r
        JOIN history AS h ON h.slot = r.slot AND h.run = r.id WHERE {} AND {READABLE_RUN}
        GROUP BY r.slot, r.contact, r.id",
        PAGE.replace("slot, contact", "r.slot, r.contact")
    );
    let found = fetch(connection, sql, range).await?;
    let read = |row: &Row| {
        let mut columns = Columns::of(row, "history");
        let (contact, run) = (columns.contact()?, RunId(columns.id()?));
        let steps = Steps {
            count: columns.number()?,
            first: columns.number()?,
            last: columns.number()?,
            latest: columns.moment()?,
        };
        Ok((contact, (run, steps)))
    };
    page.put(&found, read, |book, (run, steps)| {
        book.steps.insert(run, steps);
    })?;
    Ok(())
}

async fn suppressions(connection: &mut Connection, page: &mut Page) -> Result<()> {
    let addresses = page.0.books.iter().flat_map(|book| &book.messages).map(|stored| &stored.message.address);
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
        match columns.text().and_then(|address| Ok((address, columns.moment()?))) {
            Ok((address, at)) => drop(since.insert(address, at)),
            Err(error) => page.0.damaged.push(Damage::of(error)?),
        }
    }
    for book in &mut page.0.books {
        let known = |address: &String| Some((address.clone(), *since.get(&suppression_key(address))?));
        book.suppressed = book.messages.iter().filter_map(|stored| known(&stored.message.address)).collect();
    }
    Ok(())
}

/// Slot by slot, for nothing else leads to them.
pub(super) async fn merged(connection: &mut Connection) -> Result<BTreeSet<ContactId>> {
    let mut merged = BTreeSet::new();
    for slot in 0..SLOT_COUNT {
        let sql = "SELECT contact FROM identity WHERE slot = $1 AND kind = 'former'";
        let statement = sqlx::query(sql).bind(i32::from(slot));
        for row in statement.fetch_all(&mut *connection).await.map_err(failed)? {
            merged.insert(ContactId(Columns::of(&row, "identity").id()?));
        }
    }
    Ok(merged)
}

/// Rows of a table whose contact is not there.
async fn strays(
    connection: &mut Connection,
    page: &mut Page,
    (table, what): (&'static str, &'static str),
    range: Range,
) -> Result<()> {
    let sql = format!(
        "SELECT t.contact, count(*) FROM {table} AS t WHERE {} AND NOT EXISTS (SELECT 1 FROM contact AS c
        WHERE c.slot = t.slot AND c.id = t.contact) GROUP BY t.slot, t.contact",
        PAGE.replace("slot, contact", "t.slot, t.contact")
    );
    for row in fetch(connection, sql, range).await? {
        let mut columns = Columns::of(&row, table);
        match columns.contact() {
            Ok(contact) => page.0.strays.push(Stray { what, contact, count: columns.number()? }),
            Err(error) => page.0.damaged.push(Damage::of(error)?),
        }
    }
    Ok(())
}
