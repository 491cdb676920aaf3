use super::human;
use crate::simulate::TestResult;
use crate::source::Sources;

/// Results in the XML of JUnit, as build servers read it: a suite for each journey. Tests run in virtual time, so all
/// take none. `file` and `line` of a test are no part of any schema; build servers use them to lead to the text. `folder` stands before the paths of the workspace, with a `/` at its end, or is empty.
pub(super) fn junit(results: &[TestResult], sources: &Sources, folder: &str) -> String {
    let mut journeys: Vec<&str> = Vec::new();
    for result in results {
        if !journeys.contains(&result.journey.as_str()) {
            journeys.push(&result.journey);
        }
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!("<testsuites name=\"lotse\" {} time=\"0\">\n", counts(&mut results.iter())));
    for journey in journeys {
        let of_journey = || results.iter().filter(|result| result.journey == journey);
        let name = escape(journey);
        out.push_str(&format!(
            "  <testsuite name=\"{name}\" {} skipped=\"0\" time=\"0\">\n",
            counts(&mut of_journey())
        ));
        of_journey().for_each(|result| out.push_str(&case(result, sources, folder)));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts(results: &mut dyn Iterator<Item = &TestResult>) -> String {
    let (mut tests, mut failures) = (0, 0);
    for result in results {
        tests += 1;
        failures += usize::from(!result.passed());
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\"")
}

fn case(result: &TestResult, sources: &Sources, folder: &str) -> String {
    let (path, at) = sources.place(result.span);
    let mut out = format!(
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\" time=\"0\"",
        escape(&result.name),
        escape(&result.journey),
        escape(&format!("{folder}{path}")),
        at.line
    );
    let Some(first) = result.failures.first() else {
        out.push_str("/>\n");
        return out;
    };
    out.push_str(&format!(
        ">\n      <failure message=\"{}\" type=\"expectation\">{}</failure>\n    </testcase>\n",
        escape(&first.message),
        escape(&human::failures(result, sources))
    ));
    out
}

/// Text as XML takes it (<https://www.w3.org/TR/xml/#charsets>): what it knows no way to write is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => escaped.push(c),
        }
    }
    escaped
}
