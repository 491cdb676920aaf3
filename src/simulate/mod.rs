//! Journeys in virtual time: the same runtime as in production, over a store in memory and a clock that jumps from
//! moment to moment. Nothing leaves the house: messages and calls are taken at once and remembered.
//!
//! In comes a checked workspace; out goes what its tests found, and which stages they visited.

mod actions;
mod coverage;
mod expectations;
mod stage;
mod tests_of;
mod timeline;

pub use coverage::unvisited;
pub use stage::Stage;
pub use tests_of::{Failure, TestResult, run_tests};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::Plans;
use crate::language::check::Checked;
use crate::language::plan::compile;
use crate::source::Sources;

/// The plans of a workspace without errors, by the numbers of its journeys; journeys that cannot be run are left out.
pub fn plans(checked: &Checked, sources: &Sources) -> Plans {
    let mut plans = Plans::default();
    for (version, journey) in (1..).zip(&checked.model.journeys) {
        if let Some(plan) = compile(journey, checked, sources) {
            plans.add(version, Arc::new(plan), true);
        }
    }
    plans
}

/// Stages that were visited, by journey.
pub type Visited = BTreeMap<String, std::collections::BTreeSet<String>>;
