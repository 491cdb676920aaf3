use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Expr, Place, Plan, Step, Trigger};
use crate::language::model::{self, Journey, StatementKind};
use crate::time::Length;

/// A variant of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// The share of contacts that fall to it, from 0 to 1.
    pub share: f64,
    /// Where a run goes on.
    pub next: Place,
}

/// What decides which variant of an experiment all get in the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PickBy {
    /// What counts as success.
    pub trigger: Trigger,
    /// The condition.
    pub condition: Option<Expr>,
    /// How long after coming to the experiment it counts.
    pub after: Length,
}

impl Plan {
    /// The experiments, by name, with their variants.
    pub fn experiments(&self) -> impl Iterator<Item = (&str, &[Variant])> {
        self.nodes.iter().filter_map(|node| match &node.step {
            Step::Experiment { name, variants } => Some((name.as_str(), variants.as_slice())),
            _ => None,
        })
    }
}

/// What the experiments of a journey are picked by; `None` where one could not be resolved.
pub(super) fn picks(journey: &Journey) -> Option<BTreeMap<String, PickBy>> {
    let mut picks = BTreeMap::new();
    let mut whole = true;
    journey.each_statement(&mut |_, statement| {
        let StatementKind::Experiment(experiment) = &statement.kind else { return };
        let Some(pick) = &experiment.pick else { return };
        let trigger = match &pick.trigger {
            model::Trigger::Event(event) => Trigger::Event(event.clone()),
            model::Trigger::Reaction { kind, message, link } => {
                Trigger::Reaction { kind: *kind, message: message.clone(), link: link.clone() }
            }
            _ => return whole = false,
        };
        let (condition, after) = (pick.condition.clone(), pick.after);
        picks.insert(experiment.name.clone(), PickBy { trigger, condition, after });
    });
    whole.then_some(picks)
}
