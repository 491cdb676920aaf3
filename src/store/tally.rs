use std::collections::BTreeMap;

use super::TurnBatch;
use crate::domain::{
    Arm, ContactState, Effects, HistoryStep, MessageState, Run, RunId, SkipReason, StepKind,
};
use crate::time::{self, Moment, TimeZone, hour_of};
use crate::track::HitKind;

/// What a count is of: journey, version, arm, day, what, detail.
pub(super) type TallyKey = (String, u32, &'static str, i64, &'static str, String);

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;
const HOUR: i64 = 3_600_000_000;

/// Counts what a batch of turns did, so that each count is written once, however many contacts were in it.
pub(super) fn count(batch: &TurnBatch) -> BTreeMap<TallyKey, (i64, f64)> {
    let mut tally = Tally { day: day_of(batch.now), counts: BTreeMap::new() };
    for (state, effects) in &batch.contacts {
        tally.contact(state, effects);
    }
    tally.counts.retain(|_, (count, worth)| *count != 0 || *worth != 0.0);
    tally.counts
}

/// What a reaction to a message counts for. Who is only measured gets no messages.
pub(super) fn reaction_key(
    journey: String,
    version: u32,
    message: String,
    kind: HitKind,
    at: Moment,
) -> TallyKey {
    let what = match kind {
        HitKind::Open => "opened",
        HitKind::Click => "clicked",
    };
    (journey, version, Arm::Treated.as_str(), day_of(at), what, message)
}

/// Which message was decided on when, for the counts.
pub(super) struct DecidedMessage {
    pub(super) journey: String,
    pub(super) version: u32,
    pub(super) message: String,
    pub(super) decided_at: Moment,
}

/// A message that was counted as sent when it was decided on, and was not sent after all: it is a skipped one of that
/// day. Who is only measured gets no messages.
pub(super) fn count_skipped(
    counts: &mut BTreeMap<TallyKey, (i64, f64)>,
    decided: DecidedMessage,
    reason: SkipReason,
) {
    let DecidedMessage { journey, version, message, decided_at } = decided;
    let mut add = |what, detail: String, count| {
        let key = (journey.clone(), version, Arm::Treated.as_str(), day_of(decided_at), what, detail);
        counts.entry(key).or_default().0 += count;
    };
    add("skipped", format!("{message} {}", reason.as_str()), 1);
    add("sent", message, -1);
}

/// The hour of the day at which a person reacts, on their own clock; `zone` is the contact's and `otherwise` that of
/// contacts without one.
pub(super) fn hour_key(
    journey: String,
    version: u32,
    channel: &str,
    at: Moment,
    (zone, otherwise): (Option<&str>, &TimeZone),
) -> TallyKey {
    let own = zone.and_then(time::zone);
    let hour = hour_of(at, own.as_ref().unwrap_or(otherwise));
    // Of what stands over all days there is one count.
    (journey, version, Arm::Treated.as_str(), 0, "hour", format!("{channel} {hour:02}"))
}

fn day_of(at: Moment) -> i64 {
    at.micros().div_euclid(DAY)
}

struct Tally {
    day: i64,
    counts: BTreeMap<TallyKey, (i64, f64)>,
}

impl Tally {
    fn contact(&mut self, state: &ContactState, effects: &Effects) {
        let runs: BTreeMap<RunId, &Run> = state.runs.iter().map(|run| (run.id, run)).collect();
        let day = self.day;
        for run in effects.entered() {
            self.add(runs.get(&run), day, "entered", "", (1, 0.0));
        }
        for step in effects.moves.iter() {
            let run = runs.get(&step.run);
            if let Some(from) = &step.from {
                self.add(run, 0, "in_stage", from, (-1, 0.0));
            }
            if let Some(to) = &step.to {
                self.add(run, 0, "in_stage", to, (1, 0.0));
                self.add(run, day, "reached", to, (1, 0.0));
            }
        }
        for step in effects.history.iter().filter(|step| step.kind == StepKind::Ended) {
            self.add(runs.get(&step.run), day, "ended", &step.detail, (1, 0.0));
        }
        for step in &effects.history {
            self.experiment(runs.get(&step.run), step);
        }
        for message in &effects.messages {
            let run = runs.get(&message.run);
            if message.state == MessageState::Skipped {
                let reason = message.reason.map_or("", |reason| reason.as_str());
                self.add(run, day, "skipped", &format!("{} {reason}", message.message), (1, 0.0));
            } else {
                self.add(run, day, "sent", &message.message, (1, 0.0));
            }
        }
        for call in &effects.calls {
            self.add(runs.get(&call.run), day, call.kind.as_str(), &call.target, (1, 0.0));
        }
        for goal in &effects.goals {
            self.add(runs.get(&goal.run), day, "goal", &goal.goal, (1, goal.worth.unwrap_or(0.0)));
        }
    }

    /// Counts who came to a variant and who succeeded, both in the hour in which they came: who of an hour has
    /// succeeded is known once the last of them has had their time.
    fn experiment(&mut self, run: Option<&&Run>, step: &HistoryStep) {
        let what = match step.kind {
            StepKind::Variant => "exposed",
            StepKind::Succeeded => "succeeded",
            _ => return,
        };
        let experiment = step.detail.split(' ').next().unwrap_or("");
        let exposures = run.into_iter().flat_map(|run| &run.state.variants);
        for exposure in exposures.filter(|exposure| exposure.experiment == experiment && !exposure.again) {
            let hour = exposure.at.micros().rem_euclid(DAY) / HOUR;
            let detail = format!("{experiment} {} {hour}", exposure.variant);
            self.add(run, day_of(exposure.at), what, &detail, (1, 0.0));
        }
    }

    fn add(
        &mut self,
        run: Option<&&Run>,
        day: i64,
        what: &'static str,
        detail: &str,
        (count, worth): (i64, f64),
    ) {
        let Some(run) = run else { return };
        let key = (run.journey.clone(), run.version, run.arm.as_str(), day, what, detail.to_owned());
        let sum = self.counts.entry(key).or_default();
        sum.0 += count;
        sum.1 += worth;
    }
}
