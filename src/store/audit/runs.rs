use std::collections::BTreeSet;

use super::pace::Pace;
use super::{Auditor, Book, Rule, Steps};
use crate::domain::Run;
use crate::language::plan::Place;
use crate::time::Moment;

/// How long before a turn an event may have come that the turn did not see: between its stamp and its commit.
const COMMIT_SECONDS_MAX: i64 = 300;

impl Auditor {
    pub(super) fn runs(&mut self, book: &Book, pace: &Pace<'_>) {
        let contact = Some(book.contact.id);
        let mut inside = BTreeSet::new();
        for run in &book.runs {
            let mut note = |rule| self.note(rule, contact, name(run));
            if run.is_live() == run.outcome.is_some() {
                note(Rule::EndsHaveOutcomes);
            }
            if !run.is_live() && run.wake_at.is_some() {
                note(Rule::EndedRunsRest);
            }
            if run.moves() && run.wake_at.is_none() {
                note(Rule::LiveRunsWake);
            }
            if run.is_live() && !inside.insert((&run.journey, &run.key)) {
                note(Rule::InsideOnce);
            }
            let plan = pace.plan(run.version).filter(|plan| plan.journey == run.journey);
            if pace.has_plans() && plan.is_none_or(|plan| plan.node(Place(run.place)).is_none()) {
                note(Rule::VersionsAreThere);
            }
            if !is_whole(run, book.steps.get(&run.id)) {
                note(Rule::HistoryIsWhole);
            }
        }
        let latest = book.steps.values().map(|steps| steps.latest).max().unwrap_or(Moment::MIN);
        for event in &book.pending {
            if event.received_at.plus_seconds(COMMIT_SECONDS_MAX) < latest {
                self.note(Rule::EventsAreLookedAt, contact, format!("event {} `{}`", event.id, event.name));
            }
        }
        for goal in &book.goals {
            if !book.runs.iter().any(|run| run.id == goal.run && run.journey == goal.journey) {
                self.note(Rule::GoalsHaveRuns, contact, format!("goal `{}` of run {}", goal.goal, goal.run));
            }
        }
    }
}

/// Whether the steps go without a gap up to the last; those before the first may have been pruned.
fn is_whole(run: &Run, steps: Option<&Steps>) -> bool {
    match steps {
        Some(steps) => {
            steps.last.checked_add(1) == Some(run.steps)
                && steps.last.checked_sub(steps.first).is_some_and(|between| between + 1 == steps.count)
        }
        None => run.steps == 0,
    }
}

pub(super) fn name(run: &Run) -> String {
    let key = if run.key.is_empty() { String::new() } else { format!(" ({})", run.key) };
    format!("run {} in `{}`{key}", run.id, run.journey)
}
