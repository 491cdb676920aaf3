use super::{Finding, Severity};
use crate::source::Sources;

/// Findings as workflow commands of GitHub Actions, one a line, which its runner shows beside the changed lines:
/// `::error file=…,line=…,col=…,endLine=…,title=…::…`
/// (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).
///
/// `folder` is the workspace as seen from the root of the repository, with a `/` at its end, or empty.
pub fn render_github(findings: &[Finding], sources: &Sources, folder: &str) -> String {
    findings.iter().map(|finding| command(finding, sources, folder)).collect()
}

fn command(finding: &Finding, sources: &Sources, folder: &str) -> String {
    let level = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let source = sources.get(finding.span.source);
    let (start, end) = (source.position(finding.span.start), source.position(finding.span.end));
    // The runner takes a last column only where it stands in the line of the first.
    let end_column =
        if end.line == start.line { format!(",endColumn={}", end.column) } else { String::new() };
    let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    format!(
        "::{level} file={},line={},col={},endLine={}{end_column},title={}::{}\n",
        property(&format!("{folder}{}", source.path)),
        start.line,
        start.column,
        end.line,
        property(&format!("{}: {}", finding.code, finding.code.title())),
        data(&format!("{}{help}", finding.message)),
    )
}

/// What stands behind `::`, as the runner takes it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, in which `:` and `,` mean something too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
