//! The proof that nothing is lost or doubled: what must hold of every contact, every message and every count, asked
//! of a store. One reader sees one state of everything, contact by contact in pages, and keeps nobody from writing.

mod calls;
mod counts;
mod messages;
mod pace;
mod rule;
mod runs;
mod waiting;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use rule::Rule;

use super::{ReadUnit, Result, StoreError, StoredCall, StoredMessage};
use crate::domain::{Contact, ContactId, Event, GoalReached, Permission, Run, RunId};
use crate::time::{Moment, TimeZone};
use counts::Counts;
use pace::Pace;
use waiting::Waiting;

/// How many contacts are looked at together.
const PAGE: u32 = 500;
/// How many breaches of a rule are named.
const NAMED_MAX: usize = 5;

/// The sums that must balance, and what does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Contacts there are.
    pub contacts: u64,
    /// Runs there are.
    pub entered: u64,
    /// Runs that wait or are held.
    pub inside: u64,
    /// Runs that ended.
    pub ended: u64,
    /// Messages in the ledger by state.
    pub messages: BTreeMap<String, u64>,
    /// Calls by state.
    pub calls: BTreeMap<String, u64>,
    /// Events no run has looked at.
    pub pending_events: u64,
    /// What does not balance, in the order of the rules; empty when all is well.
    pub broken: Vec<Breach>,
}

/// A rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// Which.
    pub rule: Rule,
    /// How often.
    pub count: u64,
    /// What is so, of several.
    pub what: &'static str,
    /// What that means.
    pub means: &'static str,
    /// The first of them.
    pub first: Vec<Found>,
}

/// Something that a rule does not hold for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Whose it is, where it is somebody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// What it is, in words, with its id.
    pub what: String,
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.count, self.what)?;
        for (index, found) in self.first.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { ": " } else { ", " }, found.what)?;
            if let Some(contact) = found.contact {
                write!(f, " of contact {contact}")?;
            }
        }
        let more = self.count.saturating_sub(self.first.len() as u64);
        if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
    }
}

/// A page of contacts with what is theirs, and what lies between them.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// In the order of the contacts' keys; fewer than were asked for where there are no more behind them.
    pub books: Vec<Book>,
    /// Rows behind the page before this one and up to its end whose contact is not there, by kind and contact.
    pub strays: Vec<Stray>,
    /// Rows that cannot be read. The books hold what else there is of their contacts.
    pub damaged: Vec<Damage>,
}

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Whose it is, where that can be read.
    pub contact: Option<ContactId>,
    /// Which table it is of and what is wrong with it, in words.
    pub what: String,
}

impl Damage {
    /// What an error tells of a row.
    ///
    /// # Errors
    /// The error itself, where it is another one.
    pub(super) fn of(error: StoreError) -> Result<Self> {
        match error {
            StoreError::Damaged { table, contact, what } => {
                Ok(Self { contact, what: format!("a row of `{table}` ({what})") })
            }
            error => Err(error),
        }
    }
}

/// A contact with what is theirs, as the audit looks at it.
#[derive(Clone, Debug)]
pub struct Book {
    /// The contact.
    pub contact: Contact,
    /// Every decision they made.
    pub permissions: Vec<Permission>,
    /// The events that no run has looked at.
    pub pending: Vec<Event>,
    /// Their runs.
    pub runs: Vec<Run>,
    /// What is written of each run.
    pub steps: BTreeMap<RunId, Steps>,
    /// The ledger.
    pub messages: Vec<StoredMessage>,
    /// Calls, hand-offs and alerts.
    pub calls: Vec<StoredCall>,
    /// Goals they reached.
    pub goals: Vec<GoalReached>,
    /// Since when nothing is sent to addresses that messages went to; by the address of the message.
    pub suppressed: BTreeMap<String, Moment>,
}

/// The history of a run, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// How many steps there are.
    pub count: u32,
    /// The number of the first.
    pub first: u32,
    /// The number of the last.
    pub last: u32,
    /// When the latest was taken.
    pub latest: Moment,
}

/// Rows of a kind that belong to a contact that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// What they are, of several.
    pub what: &'static str,
    /// The contact that is not there.
    pub contact: ContactId,
    /// How many.
    pub count: u64,
}

/// Looks through everything that a reader sees; `zone` is that of contacts without one. Takes memory for a page of
/// contacts, and 16 bytes for each contact that was merged. No statement reads more than a page or a slot. Rows that
/// cannot be read are found like everything else that is wrong.
///
/// # Errors
/// When the store fails.
pub async fn audit(unit: &mut dyn ReadUnit, zone: &TimeZone) -> Result<Audit> {
    let (mut auditor, mut counts) = (Auditor::default(), Counts::default());
    let versions = auditor.readable(unit.versions().await)?;
    for version in versions.iter().flatten() {
        if let Err(why) = &version.plan {
            let what = format!("version {} of `{}`: {why}", version.number, version.journey);
            auditor.damaged(Damage { contact: None, what });
        }
    }
    let deployments = auditor.readable(unit.deployments().await)?.unwrap_or_default();
    let pace = Pace::new(versions, deployments, zone);
    let merged = auditor.readable(unit.merged().await)?.unwrap_or_default();
    let mut after = None;
    loop {
        let page = unit.books(after, PAGE).await?;
        for book in &page.books {
            auditor.book(book, &pace, &merged);
            counts.take(book, &pace);
        }
        page.strays.iter().for_each(|stray| auditor.strays(stray));
        page.damaged.into_iter().for_each(|damage| auditor.damaged(damage));
        after = page.books.last().map(|book| book.contact.id);
        if page.books.len() < PAGE as usize {
            break;
        }
    }
    if let Some(kept) = auditor.readable(unit.tallies(None).await)? {
        for difference in counts.differences(&kept, &pace) {
            auditor.note(Rule::CountsFit, None, difference);
        }
    }
    let is_held = unit.held().await?.is_some();
    Ok(auditor.finish(is_held))
}

/// Gathers what is found.
#[derive(Default)]
struct Auditor {
    audit: Audit,
    found: BTreeMap<Rule, Named>,
    waiting: Waiting,
}

/// How many there are, and the first of them.
type Named = (u64, Vec<Found>);

impl Auditor {
    fn book(&mut self, book: &Book, pace: &Pace<'_>, merged: &BTreeSet<ContactId>) {
        let was_merged = merged.contains(&book.contact.id);
        self.sums(book);
        self.runs(book, pace);
        self.messages(book, pace);
        self.calls(book);
        // Whose a refusal or a message was before two contacts became one, nobody knows any more.
        if !was_merged {
            self.refusals(book);
            self.caps(book, pace);
        }
        self.suppressions(book);
        self.quiet_hours(book, pace);
        self.waiting.take(book);
    }

    /// What was read; nothing where a row of it cannot be.
    fn readable<T>(&mut self, read: Result<T>) -> Result<Option<T>> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) => {
                self.damaged(Damage::of(error)?);
                Ok(None)
            }
        }
    }

    fn damaged(&mut self, Damage { contact, what }: Damage) {
        self.note(Rule::RowsAreReadable, contact, what);
    }

    fn sums(&mut self, book: &Book) {
        let audit = &mut self.audit;
        audit.contacts += 1;
        audit.entered += book.runs.len() as u64;
        audit.inside += book.runs.iter().filter(|run| run.is_live()).count() as u64;
        audit.ended = audit.entered - audit.inside;
        audit.pending_events += book.pending.len() as u64;
        for stored in &book.messages {
            *audit.messages.entry(stored.message.state.as_str().to_owned()).or_default() += 1;
        }
        for stored in &book.calls {
            *audit.calls.entry(stored.state.as_str().to_owned()).or_default() += 1;
        }
    }

    fn strays(&mut self, stray: &Stray) {
        let (count, first) = self.found.entry(Rule::NothingIsStray).or_default();
        *count += stray.count;
        if first.len() < NAMED_MAX {
            let what = format!("{} {}", stray.count, stray.what);
            first.push(Found { contact: Some(stray.contact), what });
        }
    }

    fn note(&mut self, rule: Rule, contact: Option<ContactId>, what: String) {
        name(self.found.entry(rule).or_default(), Found { contact, what });
    }

    fn finish(mut self, is_held: bool) -> Audit {
        self.found.extend(std::mem::take(&mut self.waiting).long(is_held));
        let breach = |(rule, (count, first)): (Rule, (u64, Vec<Found>))| {
            let (what, means) = rule.broken();
            Breach { rule, count, what, means, first }
        };
        Audit { broken: self.found.into_iter().map(breach).collect(), ..self.audit }
    }
}

/// Counts one more, and names it where it is among the first.
fn name((count, first): &mut Named, found: Found) {
    *count += 1;
    if first.len() < NAMED_MAX {
        first.push(found);
    }
}
