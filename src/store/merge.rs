//! Two contacts turn out to be one: what that means for what is known of them, whatever keeps it.

use std::collections::BTreeMap;

use super::TurnBatch;
use crate::domain::{Contact, ContactState, Effects, HistoryStep, Run, StageMove, StepKind};
use crate::language::plan::{Place, Plan};
use crate::time::Moment;

/// How a run ends whose contact turned out to be another that is in the same journey.
const OUTCOME: &str = "merged";

/// What is known of both together; what both know, `kept` knows better.
pub(super) fn joined(mut kept: Contact, gone: Contact) -> Contact {
    kept.email = kept.email.or(gone.email);
    kept.phone = kept.phone.or(gone.phone);
    kept.timezone = kept.timezone.or(gone.timezone);
    kept.language = kept.language.or(gone.language);
    kept.tags.extend(gone.tags);
    for (name, value) in gone.attributes {
        if !kept.attributes.contains_key(&name) {
            kept.keep(&name, value);
        }
    }
    kept
}

/// The runs of the contact that goes which the other is in as well: nobody is in one journey twice at a time.
pub(super) fn doubles(gone: Vec<Run>, kept: &[Run]) -> Vec<Run> {
    let same = |run: &Run, other: &Run| run.journey == other.journey && run.key == other.key;
    let has = |run: &Run| kept.iter().any(|other| other.is_live() && same(run, other));
    gone.into_iter().filter(|run| run.is_live() && has(run)).collect()
}

/// The last turn of doubled runs, by their plans: each is at its end at `now`.
pub(super) fn end(doubles: Vec<Run>, gone: &Contact, plans: &BTreeMap<u32, Plan>, now: Moment) -> TurnBatch {
    let mut state = ContactState::new(gone.clone());
    let mut effects = Effects::default();
    for mut run in doubles {
        let stage = plans.get(&run.version).map(|plan| plan.stage_of(Place(run.place)).to_owned());
        effects.moves.push(StageMove { run: run.id, from: stage.filter(|_| run.state.inside), to: None });
        effects.history.push(HistoryStep {
            run: run.id,
            contact: run.contact,
            number: run.steps,
            at: now,
            version: run.version,
            place: run.place,
            kind: StepKind::Ended,
            detail: OUTCOME.to_owned(),
        });
        effects.touched.insert(run.id, run.turn);
        run.turn += 1;
        run.steps += 1;
        run.ended_at = Some(now);
        run.outcome = Some(OUTCOME.to_owned());
        run.wake_at = None;
        run.goal_until = None;
        run.state.wait_until = None;
        state.runs.push(run);
    }
    TurnBatch { now, contacts: vec![(state, effects)], events: Vec::new() }
}
