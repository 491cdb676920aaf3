use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::MessageState;
use crate::finding::words::counted;
use crate::inbox::Inbox;
use crate::store::{Result, Store, audit};
use crate::time::TimeZone;

/// A count that goes up.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What simulated people and programs did, each when the server had answered.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    pub(super) opens: Count,
    pub(super) clicks: Count,
    /// Links that scanners have asked for.
    pub(super) scans: Count,
    pub(super) orders: Count,
    pub(super) unsubscribes: Count,
    /// Hand-offs whose signature was right.
    pub(super) leads: Count,
    /// Those whose signature was not.
    pub(super) forged: Count,
    /// Leads that sales has answered.
    pub(super) answers: Count,
}

/// What has happened, when all is over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// How many contacts there are.
    pub contacts: u64,
    /// How many entered the journey, how many are inside, how many have ended.
    pub entered: u64,
    /// See [`entered`](Self::entered).
    pub inside: u64,
    /// See [`entered`](Self::entered).
    pub ended: u64,
    /// How many mails the inbox got.
    pub mails: u64,
    /// How many messages the ledger says were taken.
    pub accepted: u64,
    /// How many messages persons opened.
    pub opened: i64,
    /// How many messages persons clicked in.
    pub clicked: i64,
    /// How many links scanners asked for, which count for nothing.
    pub scans: u64,
    /// How many orders came in.
    pub orders: u64,
    /// How many reached a goal, and what they are worth together.
    pub goals: i64,
    /// See [`goals`](Self::goals).
    pub worth: f64,
    /// How many leads reached sales with the right signature.
    pub leads: u64,
    /// How many of them sales has answered.
    pub answers: u64,
    /// How many unsubscribed.
    pub unsubscribes: u64,
    /// What does not balance; empty when all is well.
    pub broken: Vec<String>,
}

impl Summary {
    /// Counts what a store and an inbox hold.
    pub(super) async fn of(store: &dyn Store, zone: &TimeZone, inbox: &Inbox, deeds: &Deeds) -> Result<Self> {
        let mut unit = store.read().await?;
        let audit = audit(&mut *unit, zone).await?;
        let tallies = unit.totals(None).await?;
        let sum =
            |what: &str| -> i64 { tallies.iter().filter(|row| row.what == what).map(|row| row.count).sum() };
        // A sum of no floats is minus nothing.
        let worth = tallies.iter().filter(|row| row.what == "goal").fold(0.0, |sum, row| sum + row.worth);
        let accepted = audit.messages.get(MessageState::Accepted.as_str()).copied().unwrap_or_default();
        let mut summary = Self {
            contacts: unit.contact_count().await?,
            entered: audit.entered,
            inside: audit.inside,
            ended: audit.ended,
            mails: inbox.count(),
            accepted,
            opened: sum("opened"),
            clicked: sum("clicked"),
            scans: deeds.scans.get(),
            orders: deeds.orders.get(),
            goals: sum("goal"),
            worth,
            leads: deeds.leads.get(),
            answers: deeds.answers.get(),
            unsubscribes: deeds.unsubscribes.get(),
            broken: audit.broken.iter().map(ToString::to_string).collect(),
        };
        if accepted != summary.mails {
            summary.broken.push(format!("the ledger has {accepted} mails, and the inbox {}", summary.mails));
        }
        if deeds.forged.get() > 0 {
            summary.broken.push(format!("{} hand-offs came with a wrong signature", deeds.forged.get()));
        }
        Ok(summary)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |what: &str, text: String| writeln!(f, "  {what:<14} {text}");
        line("contacts", self.contacts.to_string())?;
        line("journey", format!("{} entered, {} inside, {} ended", self.entered, self.inside, self.ended))?;
        line("mails", format!("{} in the inbox, {} taken by the ledger", self.mails, self.accepted))?;
        line("opened", self.opened.to_string())?;
        line(
            "clicked",
            format!("{}, and {} by scanners, which count for nothing", self.clicked, self.scans),
        )?;
        line(
            "purchases",
            format!("{}, {} of them a goal, worth {:.2}", self.orders, self.goals, self.worth),
        )?;
        line("hand-offs", format!("{} to sales, {} answered", self.leads, self.answers))?;
        line("unsubscribed", self.unsubscribes.to_string())?;
        match self.broken.as_slice() {
            [] => write!(f, "  the books balance: every step, mail and count fits"),
            broken => {
                write!(f, "  the books do not balance, in {}:", counted(broken.len(), "place"))?;
                broken.iter().try_for_each(|what| write!(f, "\n    {what}"))
            }
        }
    }
}
