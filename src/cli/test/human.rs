use crate::simulate::{Coverage, JourneyCoverage, TestResult};
use crate::source::{Sources, Span};

/// Writes a line for each test, and for one that failed what it expected and what happened.
pub(super) fn print(results: &[TestResult], sources: &Sources) {
    for result in results {
        anstream::print!("{}", one(result, sources));
    }
}

fn one(result: &TestResult, sources: &Sources) -> String {
    if result.passed() {
        return format!("ok    {}: {}\n", result.journey, result.name);
    }
    let (path, place) = sources.place(result.span);
    let mut out = format!("FAIL  {}: {}  ({path}:{})\n", result.journey, result.name, place.line);
    out.push_str(&failures(result, sources));
    out
}

/// Everything that is not as expected, and the time line with the lines that expect something else marked.
pub(super) fn failures(result: &TestResult, sources: &Sources) -> String {
    let mut out = String::new();
    for failure in &result.failures {
        let (path, place) = sources.place(failure.span);
        let at = failure.at.as_ref().map(|at| format!("at {at} ")).unwrap_or_default();
        out.push_str(&format!("      {path}:{}: {}\n", place.line, failure.written(sources)));
        out.push_str(&format!("        but {at}{}\n", failure.message));
        out.extend(failure.help.iter().map(|help| format!("        {help}\n")));
    }
    if !result.timeline.is_empty() {
        out.push_str("      what happened:\n");
    }
    for entry in &result.timeline {
        match entry.expected {
            None => out.push_str(&format!("        {}  {}\n", entry.at, entry.says)),
            Some(span) => {
                let line = sources.place(span).1.line;
                let written = written(span, sources);
                out.push_str(&format!("      > {}  line {line}: `{written}`, {}\n", entry.at, entry.says));
            }
        }
    }
    out
}

/// The first line of what stands under a span.
fn written(span: Span, sources: &Sources) -> &str {
    sources.text(span).lines().next().unwrap_or("").trim()
}

/// How often tests came to each stage and took each way, journey by journey.
pub(super) fn coverage(coverage: &Coverage) -> String {
    coverage.journeys.iter().map(journey).collect()
}

fn journey(journey: &JourneyCoverage) -> String {
    let ways = || journey.stages.iter().flat_map(|stage| &stage.ways);
    let visited = journey.stages.iter().filter(|stage| stage.visits > 0).count();
    let taken = ways().filter(|way| way.taken > 0).count();
    let mut out = format!(
        "\n{}: {visited} of {} stages visited, {taken} of {} ways taken ({})\n",
        journey.name,
        journey.stages.len(),
        ways().count(),
        journey.path
    );
    for stage in &journey.stages {
        out.push_str(&row(stage.visits, stage.line, &format!("stage {}", stage.name)));
        let mut before = "";
        for way in &stage.ways {
            // Only the first of several ways says what they belong to.
            let statement = if way.place == before { "…" } else { way.statement.as_str() };
            // An `if` is told by its ways.
            let says = if way.label.contains(&way.statement) || way.statement.starts_with("if ") {
                way.label.clone()
            } else {
                format!("{statement}: {}", way.label)
            };
            out.push_str(&row(way.taken, way.line, &format!("  {says}")));
            before = &way.place;
        }
    }
    out
}

fn row(count: u32, line: u32, says: &str) -> String {
    let count = if count == 0 { "never".to_owned() } else { format!("{count}×") };
    format!("  {count:>6}  {line:>4}  {says}\n")
}
