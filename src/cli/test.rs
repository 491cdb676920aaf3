use std::path::Path;

use anyhow::bail;
use serde_json::json;

use super::args::{Format, TestArgs};
use super::workspace::Workspace;
use super::{End, output};
use crate::finding::words;
use crate::simulate::{TestResult, plans, run_tests};

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
    let failed = results.iter().filter(|result| !result.passed()).count();
    match args.format {
        Format::Human => {
            for result in &results {
                human(result, &workspace);
            }
            let passed = results.len() - failed;
            anstream::eprintln!("{passed} passed, {failed} failed");
        }
        Format::Json => output::json(&json!({
            "tests": results.iter().map(|result| machine(result, &workspace)).collect::<Vec<_>>(),
            "passed": results.len() - failed,
            "failed": failed,
        }))?,
    }
    Ok(if failed > 0 { End::Findings } else { End::Good })
}

fn human(result: &TestResult, workspace: &Workspace) {
    let sources = &workspace.files.sources;
    if result.passed() {
        anstream::println!("ok    {}: {}", result.journey, result.name);
        return;
    }
    let (path, place) = sources.place(result.span);
    anstream::println!("FAIL  {}: {}  ({path}:{})", result.journey, result.name, place.line);
    for failure in &result.failures {
        let (path, place) = sources.place(failure.span);
        let line = sources.text(failure.span).lines().next().unwrap_or("").trim();
        anstream::println!("      {path}:{}: {line}", place.line);
        anstream::println!("        but {}", failure.message);
    }
    anstream::println!("      what happened:");
    for line in &result.timeline {
        anstream::println!("        {line}");
    }
}

fn machine(result: &TestResult, workspace: &Workspace) -> serde_json::Value {
    let place = |span| {
        let (path, place) = workspace.files.sources.place(span);
        (path.to_owned(), place)
    };
    let failures: Vec<serde_json::Value> = result
        .failures
        .iter()
        .map(|failure| {
            let (path, at) = place(failure.span);
            json!({ "path": path, "line": at.line, "column": at.column, "message": failure.message })
        })
        .collect();
    let (path, at) = place(result.span);
    json!({
        "name": result.name,
        "journey": result.journey,
        "path": path,
        "line": at.line,
        "passed": result.passed(),
        "failures": failures,
        "timeline": result.timeline,
    })
}
