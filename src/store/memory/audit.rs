use std::collections::BTreeMap;

use super::super::Audit;
use super::super::audit::Rule;
use super::tables::{Person, Tables};
use crate::domain::{MessageState, Run};

impl Tables {
    /// Counts what must balance.
    pub(super) fn audit(&self) -> Audit {
        let mut audit = Audit::default();
        for person in self.everybody() {
            audit.entered += person.runs.len() as u64;
            audit.inside += person.runs.values().filter(|run| run.is_live()).count() as u64;
            audit.pending_events += person.events.values().filter(|event| event.pending).count() as u64;
            for stored in person.messages.values() {
                *audit.messages.entry(stored.message.state.as_str().to_owned()).or_default() += 1;
            }
            for row in person.calls.values() {
                *audit.calls.entry(row.stored.state.as_str().to_owned()).or_default() += 1;
            }
        }
        audit.ended = audit.entered - audit.inside;
        let counted = Rule::ALL.map(|rule| (rule, self.breaches(rule)));
        audit.broken = counted
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(rule, count)| rule.broken(count))
            .collect();
        audit
    }

    /// How often a rule is broken.
    fn breaches(&self, rule: Rule) -> u64 {
        let runs = || self.everybody().flat_map(|person| person.runs.values());
        let messages = || self.everybody().flat_map(|person| person.messages.values());
        let count = match rule {
            Rule::EndedHaveOutcomes => runs().filter(|run| !run.is_live() && run.outcome.is_none()).count(),
            Rule::EndedDoNotWait => runs().filter(|run| !run.is_live() && run.wake_at.is_some()).count(),
            Rule::SkippedHaveReasons => messages()
                .filter(|stored| {
                    stored.message.state == MessageState::Skipped && stored.message.reason.is_none()
                })
                .count(),
            Rule::ControlGetsNothing => self.everybody().map(to_measured).sum(),
            Rule::InsideOnce => self.everybody().map(twice_inside).sum(),
            Rule::EnteredAreCounted => return self.differs(runs().count(), "entered"),
            Rule::EndedAreCounted => {
                return self.differs(runs().filter(|run| !run.is_live()).count(), "ended");
            }
            Rule::HistoryHasNoGaps => self.everybody().map(with_gaps).sum(),
            Rule::DecidedAreDue => messages()
                .filter(|stored| stored.message.state == MessageState::Decided && stored.due_at.is_none())
                .count(),
            // Events are kept with their contact.
            Rule::EventsHaveContacts => 0,
        };
        count as u64
    }

    /// By how much a number differs from the counts of that kind.
    fn differs(&self, number: usize, kind: &str) -> u64 {
        let counted = self.tallies.iter().filter(|((.., what, _), _)| *what == kind);
        let counted: i64 = counted.map(|(_, (count, _))| count).sum();
        counted.abs_diff(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

fn to_measured(person: &Person) -> usize {
    let is_measured = |run: &Run| run.arm.is_measured();
    person
        .messages
        .values()
        .filter(|stored| person.runs.get(&stored.message.run).is_some_and(is_measured))
        .count()
}

fn twice_inside(person: &Person) -> usize {
    let mut inside: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for run in person.runs.values().filter(|run| run.is_live()) {
        *inside.entry((&run.journey, &run.key)).or_default() += 1;
    }
    inside.values().filter(|count| **count > 1).count()
}

fn with_gaps(person: &Person) -> usize {
    let steps = |run: &Run| person.history.range((run.id, 0)..=(run.id, u32::MAX)).count();
    person.runs.values().filter(|run| run.steps as usize != steps(run)).count()
}
