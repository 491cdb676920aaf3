use std::collections::{BTreeMap, BTreeSet};

use super::{Book, Found, Named, Rule, messages, name, runs};
use crate::domain::MessageState;
use crate::time::Moment;

/// How long something may be due while other things are done: longer than whatever catches up after a bad night.
const DUE_SECONDS_MAX: i64 = 86_400;
/// When nothing was done for longer than that, nobody was at work for the rest: what comes behind it catches up.
const AWAY_SECONDS: i64 = 6 * 3_600;
/// How long a hand-over may go without an outcome: longer than any mail server may take.
const HANDED_OVER_SECONDS_MAX: i64 = 3_600;
/// How finely moments are told apart while it is not known yet what was done last, in seconds.
const STEP: i64 = 600;

/// What waits, by its moment; how long that is, the last thing tells that was done. So a database that nobody works on
/// any more, such as a backup, is as good as it was.
#[derive(Default)]
pub(super) struct Waiting {
    done: Option<Moment>,
    /// The steps in which something was done: some 50,000 in a year.
    busy: BTreeSet<i64>,
    turns: BTreeMap<i64, Named>,
    deliveries: BTreeMap<i64, Named>,
    handed_over: BTreeMap<i64, Named>,
}

impl Waiting {
    pub(super) fn take(&mut self, book: &Book) {
        let contact = Some(book.contact.id);
        let add = |of: &mut BTreeMap<i64, Named>, since: Moment, what: String| {
            name(of.entry(step(since)).or_default(), Found { contact, what });
        };
        for event in &book.pending {
            add(&mut self.turns, event.received_at, format!("event {} `{}`", event.id, event.name));
        }
        for run in book.runs.iter().filter(|run| run.moves()) {
            if let Some(wake_at) = run.wake_at {
                add(&mut self.turns, wake_at, runs::name(run));
            }
        }
        for stored in &book.messages {
            if let Some(due_at) = stored.due_at {
                add(&mut self.deliveries, due_at, messages::name(stored));
            }
            let handed_over_at = stored.handed_over_at;
            if let Some(since) = handed_over_at.filter(|_| stored.message.state == MessageState::HandedOver) {
                add(&mut self.handed_over, since, messages::name(stored));
            }
        }
        for stored in &book.calls {
            if let Some(due_at) = stored.due_at {
                let what = format!("call {} to `{}`", stored.call.id, stored.call.target);
                add(&mut self.deliveries, due_at, what);
            }
        }
        let steps = book.steps.values().map(|steps| steps.latest);
        let messages = book.messages.iter().flat_map(|stored| [stored.handed_over_at, stored.settled_at]);
        let calls = book.calls.iter().map(|stored| stored.settled_at);
        steps.chain(messages.chain(calls).flatten()).for_each(|at| self.was_done(at));
    }

    /// Something was done.
    pub(super) fn was_done(&mut self, at: Moment) {
        self.done = self.done.max(Some(at));
        self.busy.insert(step(at));
    }

    /// The step from which on it was worked for so long, up to the last thing that was done.
    fn worked_since(&self, seconds: i64) -> i64 {
        let (mut left, away) = (seconds / STEP, AWAY_SECONDS / STEP);
        let mut busy = self.busy.iter().rev().peekable();
        while let Some(later) = busy.next() {
            // Nobody knows of what was before the first.
            let worked = busy.peek().map_or(away, |earlier| (later - **earlier).min(away));
            if worked >= left {
                return later - left;
            }
            left -= worked;
        }
        i64::MIN
    }

    /// What has waited for too long. While everything is held, what is to be handed over waits as it should.
    pub(super) fn long(self, is_held: bool) -> impl Iterator<Item = (Rule, Named)> {
        // The step at the bound has moments in it that are not over.
        let before = |of: BTreeMap<i64, Named>, until: i64| {
            of.into_iter().take_while(move |(step, _)| *step < until).map(|(_, named)| named)
        };
        let worked = self.worked_since(DUE_SECONDS_MAX);
        let hour = self.done.map_or(i64::MIN, |done| step(done.plus_seconds(-HANDED_OVER_SECONDS_MAX)));
        let deliveries = if is_held { BTreeMap::new() } else { self.deliveries };
        let due = before(self.turns, worked).chain(before(deliveries, worked));
        let handed_over = before(self.handed_over, hour);
        let named = [(Rule::DueIsDone, sum(due)), (Rule::HandOversEnd, sum(handed_over))];
        named.into_iter().filter(|(_, (count, _))| *count > 0)
    }
}

fn step(at: Moment) -> i64 {
    at.micros().div_euclid(STEP * 1_000_000)
}

fn sum(all: impl Iterator<Item = Named>) -> Named {
    all.fold(Named::default(), |mut sum, (count, first)| {
        let named = first.len() as u64;
        first.into_iter().for_each(|found| name(&mut sum, found));
        sum.0 += count - named;
        sum
    })
}
