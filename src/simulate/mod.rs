//! Journeys in virtual time: the same runtime as in production, over a store in memory and a clock that jumps from
//! moment to moment. Nothing leaves the house: messages and calls are taken at once and remembered.
//!
//! In comes a checked workspace; out goes what its tests found, and what of its journeys they came to.

mod actions;
mod coverage;
mod expectations;
mod failure;
mod lcov;
mod stage;
mod standing;
mod tests_of;
mod timeline;

pub use coverage::{Coverage, JourneyCoverage, StageCoverage, WayCoverage};
pub use failure::{Failure, Mend};
pub use lcov::lcov;
pub use stage::Stage;
pub use tests_of::{TestResult, run_tests};
pub use timeline::TimelineEntry;

use std::sync::Arc;

use crate::engine::Plans;
use crate::finding::Finding;
use crate::language::check::Checked;
use crate::language::plan::compile;
use crate::source::Sources;
use crate::time::TimeZone;

/// The plans of a workspace without errors, by the numbers of its journeys; journeys that cannot be run are left out.
pub fn plans(checked: &Checked, sources: &Sources) -> Arc<Plans> {
    let journeys = (1..).zip(&checked.model.journeys);
    let plans =
        journeys.filter_map(|(version, journey)| Some((version, compile(journey, checked, sources)?)));
    Arc::new(Plans::in_force(plans))
}

/// What the tests of a workspace come to, and what they never come to (W604) where no line silences it. Where the
/// workspace has errors there is nothing to be said about its tests. As soon as it is not wanted any more the rest is left
/// out, and what comes back is worth nothing.
pub fn tried(
    checked: &Checked,
    sources: &Sources,
    zone: &TimeZone,
    is_wanted: impl Fn() -> bool,
) -> (Vec<TestResult>, Vec<Finding>) {
    if checked.has_errors() {
        return (Vec::new(), Vec::new());
    }
    let plans = plans(checked, sources);
    let results = run_tests(checked, &plans, zone, |_| is_wanted());
    let mut unvisited = Coverage::of(checked, &plans, sources, &results).unvisited();
    unvisited.retain(|finding| !checked.silenced.silences(sources, finding));
    (results, unvisited)
}

#[cfg(test)]
mod tests;
