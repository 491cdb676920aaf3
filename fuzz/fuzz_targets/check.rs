//! The parser and the checker: whatever stands in a file, they come to an end, and what they find has a place.

#![no_main]

mod written;

use libfuzzer_sys::fuzz_target;
use lotse::finding::{HumanStyle, render_human, render_json};
use lotse::language::check::check;
use lotse::language::plan::compile;
use lotse::source::WorkspaceFiles;

fuzz_target!(|data: &[u8]| {
    let text = written::text(data);
    let files = WorkspaceFiles::from_texts([("a.journey", text.as_str())]);
    let checked = check(&files, None);
    for finding in &checked.findings {
        let source = &files.sources.get(finding.span.source).text;
        assert!(source.get(finding.span.range()).is_some(), "{finding:?} is in the text");
    }
    for finding in checked.findings.iter().take(20) {
        render_human(finding, &files.sources, HumanStyle { colour: false, width: 80 });
    }
    render_json(&checked.findings, &files.sources);
    if !checked.has_errors() {
        for journey in &checked.model.journeys {
            compile(journey, &checked, &files.sources);
        }
    }
});
