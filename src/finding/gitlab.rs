use std::collections::BTreeMap;
use std::hash::Hash;

use serde_json::{Value, json};
use siphasher::sip128::{Hasher128, SipHasher24};

use super::{Finding, Severity};
use crate::source::Sources;

/// Findings as a report of GitLab's Code Quality, which merge requests show beside the changed lines
/// (<https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>).
///
/// GitLab tells by the fingerprint which findings a change adds and mends. It is made of what is wrong and in which file,
/// so it stays when lines above come and go. `folder` is the workspace as seen from the root of the repository, with a
/// `/` at its end, or empty.
pub fn render_gitlab(findings: &[Finding], sources: &Sources, folder: &str) -> Value {
    let mut times: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    let report = findings.iter().map(|finding| {
        let (path, at) = sources.place(finding.span);
        let same = times.entry((finding.code.name(), path, &finding.message)).or_default();
        *same += 1;
        let fingerprint = fingerprint(finding, path, *same);
        let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
        json!({
            "description": format!("{}{help}", finding.message),
            "check_name": finding.code.name(),
            "fingerprint": fingerprint,
            "severity": severity(finding.severity()),
            "location": { "path": format!("{folder}{path}"), "lines": { "begin": at.line } },
        })
    });
    report.collect()
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "minor",
    }
}

/// A finding told from all others: `nth` counts those that are alike.
fn fingerprint(finding: &Finding, path: &str, nth: usize) -> String {
    let mut hasher = SipHasher24::new();
    (finding.code.name(), path, &finding.message, nth as u64).hash(&mut hasher);
    format!("{:032x}", u128::from(hasher.finish128()))
}
