use std::collections::BTreeMap;

use super::Book;
use super::pace::Pace;
use crate::domain::{Arm, MessageState};
use crate::language::plan::Place;
use crate::store::TallyRow;

/// What is counted: journey, arm, what, of what. Versions are left out, for runs move between them.
type Key = (String, &'static str, &'static str, String);

/// Counts as reports keep them, counted anew.
#[derive(Default)]
pub(super) struct Counts(BTreeMap<Key, i64>);

/// What of the kept counts is counted anew.
const WHAT: [&str; 10] =
    ["entered", "ended", "in_stage", "sent", "skipped", "opened", "clicked", "call", "hand_off", "goal"];

impl Counts {
    pub(super) fn take(&mut self, book: &Book, pace: &Pace<'_>) {
        for run in &book.runs {
            let arm = run.arm.as_str();
            self.add(&run.journey, arm, "entered", String::new());
            if let Some(outcome) = &run.outcome {
                self.add(&run.journey, arm, "ended", outcome.clone());
            }
            let plan = pace.plan(run.version).filter(|_| run.is_live() && run.state.inside);
            if let Some(plan) = plan {
                self.add(&run.journey, arm, "in_stage", plan.stage_of(Place(run.place)).to_owned());
            }
        }
        for stored in &book.messages {
            let message = &stored.message;
            let mut add = |what, detail: String| self.add(&message.journey, TREATED, what, detail);
            match message.reason.filter(|_| message.state == MessageState::Skipped) {
                Some(reason) => add("skipped", format!("{} {}", message.message, reason.as_str())),
                None => add("sent", message.message.clone()),
            }
            if stored.opened_at.is_some() {
                add("opened", message.message.clone());
            }
            if stored.clicked_at.is_some() {
                add("clicked", message.message.clone());
            }
        }
        for stored in &book.calls {
            self.add(&stored.call.journey, TREATED, stored.call.kind.as_str(), stored.call.target.clone());
        }
        for goal in &book.goals {
            self.add(&goal.journey, goal.arm.as_str(), "goal", goal.goal.clone());
        }
    }

    fn add(&mut self, journey: &str, arm: &'static str, what: &'static str, detail: String) {
        *self.0.entry((journey.to_owned(), arm, what, detail)).or_default() += 1;
    }

    /// Where the kept counts are others, in words.
    pub(super) fn differences(mut self, kept: &[TallyRow], pace: &Pace<'_>) -> Vec<String> {
        // Which place is in which stage, the plans say.
        let counted = |what: &str| {
            WHAT.iter().find(|known| **known == what).filter(|what| pace.has_plans() || **what != "in_stage")
        };
        let mut sums: BTreeMap<Key, i64> = BTreeMap::new();
        for row in kept {
            let what = counted(&row.what);
            if let (Some(arm), Some(what)) = (Arm::from_text(&row.arm), what) {
                *sums.entry((row.journey.clone(), arm.as_str(), what, row.detail.clone())).or_default() +=
                    row.count;
            }
        }
        self.0.retain(|(_, _, what, _), _| counted(what).is_some());
        for key in sums.keys() {
            self.0.entry(key.clone()).or_default();
        }
        let mut differences = Vec::new();
        for (key, counted) in self.0 {
            let kept = sums.get(&key).copied().unwrap_or_default();
            if kept != counted {
                let (journey, arm, what, detail) = key;
                let of = [what, &detail].join(" ");
                let of = of.trim_end();
                differences.push(format!(
                    "`{of}` of `{journey}` ({arm}) is kept as {kept}, and counting gives {counted}"
                ));
            }
        }
        differences
    }
}

/// Who is only measured gets no messages and is not called about.
const TREATED: &str = "treated";
