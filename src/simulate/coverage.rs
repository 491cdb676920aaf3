use super::{Visited, plans, run_tests};
use crate::finding::{Code, Finding};
use crate::language::check::Checked;
use crate::source::Sources;
use crate::time::TimeZone;

/// Stages that no test visits (W604). Where a workspace has errors there is nothing to be said about its tests.
pub fn unvisited(checked: &Checked, sources: &Sources, zone: &TimeZone) -> Vec<Finding> {
    if checked.has_errors() {
        return Vec::new();
    }
    let plans = plans(checked, sources);
    let mut visited = Visited::new();
    for result in run_tests(checked, &plans, zone, |_| true) {
        for (journey, stages) in result.visited {
            visited.entry(journey).or_default().extend(stages);
        }
    }
    let mut findings = Vec::new();
    for journey in &checked.model.journeys {
        let tested = checked.model.tests.iter().any(|test| test.journey == journey.name);
        if !tested {
            findings.push(
                Finding::new(
                    Code::W604,
                    journey.span,
                    format!("no test tries the journey `{}`", journey.name),
                )
                .help(format!("write one: `test \"…\" for {} {{ … }}`", journey.name)),
            );
            continue;
        }
        for stage in &journey.stages {
            let seen = visited.get(&journey.name).is_some_and(|stages| stages.contains(&stage.name));
            if !seen {
                findings.push(
                    Finding::new(
                        Code::W604,
                        stage.span,
                        format!("no test visits the stage `{}`", stage.name),
                    )
                    .help("write a test in which a contact gets here"),
                );
            }
        }
    }
    findings
}
