mod human;
mod junit;

use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::args::{ResultsFormat, TestArgs};
use super::workspace::Workspace;
use super::{End, output};
use crate::finding::words;
use crate::simulate::{Coverage, JourneyCoverage, TestResult, lcov, plans, run_tests};

pub(super) fn run(args: &TestArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load_sound(args.workspace.or(dir))?;
    let sources = &workspace.files.sources;
    let plans = plans(&workspace.checked, sources);
    let filter = args.filter.as_deref().unwrap_or("");
    let all = workspace.checked.model.tests.len();
    let results = run_tests(&workspace.checked, &plans, &workspace.config.timezone, |test| {
        test.name.contains(filter) || test.journey.contains(filter)
    });
    if results.is_empty() {
        if all == 0 {
            bail!("the workspace has no tests: write one, `test \"…\" for JOURNEY {{ … }}`");
        }
        bail!("none of the {} has `{filter}` in its name or journey", words::counted(all, "test"));
    }
    let wants_coverage = args.coverage || args.lcov.is_some();
    let coverage = wants_coverage.then(|| Coverage::of(&workspace.checked, &plans, sources, &results));
    if let (Some(file), Some(coverage)) = (&args.lcov, &coverage) {
        let text = lcov(coverage, &workspace.seen_from_here().folder);
        std::fs::write(file, text).with_context(|| format!("`{}` cannot be written", file.display()))?;
    }
    let shown = coverage.as_ref().filter(|_| args.coverage);
    let failed = results.iter().filter(|result| !result.passed()).count();
    match args.format {
        ResultsFormat::Human => {
            human::print(&results, sources);
            if let Some(coverage) = shown {
                anstream::print!("{}", human::coverage(coverage));
            }
            anstream::eprintln!("{} passed, {failed} failed", results.len() - failed);
        }
        ResultsFormat::Json => output::json(&machine(&results, shown, &workspace))?,
        ResultsFormat::Junit => {
            anstream::print!("{}", junit::junit(&results, sources, &workspace.seen_from_here().folder));
            if let Some(coverage) = shown {
                anstream::eprint!("{}", human::coverage(coverage));
            }
        }
    }
    Ok(if failed > 0 { End::Findings } else { End::Good })
}

fn machine(results: &[TestResult], coverage: Option<&Coverage>, workspace: &Workspace) -> Value {
    let failed = results.iter().filter(|result| !result.passed()).count();
    let mut answer = json!({
        "tests": results.iter().map(|result| test(result, workspace)).collect::<Vec<_>>(),
        "passed": results.len() - failed,
        "failed": failed,
    });
    if let (Some(coverage), Some(answer)) = (coverage, answer.as_object_mut()) {
        let journeys: Vec<Value> = coverage.journeys.iter().map(journey).collect();
        answer.insert("coverage".to_owned(), journeys.into());
    }
    answer
}

fn test(result: &TestResult, workspace: &Workspace) -> Value {
    let sources = &workspace.files.sources;
    let failures = result.failures.iter().map(|failure| {
        let (path, at) = sources.place(failure.span);
        json!({
            "path": path,
            "line": at.line,
            "column": at.column,
            "at": failure.at,
            "message": failure.message,
            "help": failure.help,
        })
    });
    let timeline = result.timeline.iter().map(|entry| {
        let expected = entry.expected.map(|span| sources.place(span).1.line);
        json!({ "at": entry.at, "says": entry.says, "expected_line": expected })
    });
    let (path, at) = sources.place(result.span);
    json!({
        "name": result.name,
        "journey": result.journey,
        "path": path,
        "line": at.line,
        "passed": result.passed(),
        "failures": failures.collect::<Vec<_>>(),
        "timeline": timeline.collect::<Vec<_>>(),
    })
}

fn journey(journey: &JourneyCoverage) -> Value {
    let stages = journey.stages.iter().map(|stage| {
        let ways = stage.ways.iter().map(|way| {
            json!({
                "place": way.place,
                "statement": way.statement,
                "way": way.label,
                "line": way.line,
                "taken": way.taken,
            })
        });
        json!({
            "name": stage.name,
            "line": stage.line,
            "visits": stage.visits,
            "ways": ways.collect::<Vec<_>>(),
        })
    });
    json!({
        "journey": journey.name,
        "path": journey.path,
        "tests": journey.tests,
        "stages": stages.collect::<Vec<_>>(),
    })
}
