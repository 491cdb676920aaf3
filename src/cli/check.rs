use std::path::Path;

use super::args::{CheckArgs, FindingsFormat};
use super::workspace::Workspace;
use super::{End, output};
use crate::finding::{self, Severity, render_github, render_gitlab, render_human, render_json, render_sarif};
use crate::simulate::tried;

pub(super) fn run(args: &CheckArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(args.workspace.or(dir))?;
    let mut findings = workspace.findings.clone();
    let sources = &workspace.files.sources;
    findings.extend(tried(&workspace.checked, sources, &workspace.config.timezone, || true).1);
    finding::sort(&mut findings);
    let count = |severity| findings.iter().filter(|finding| finding.severity() == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match args.format {
        FindingsFormat::Json => output::json(&render_json(&findings, sources))?,
        FindingsFormat::Sarif => {
            output::json(&render_sarif(&findings, sources, &workspace.seen_from_here()))?
        }
        FindingsFormat::Github => {
            anstream::print!("{}", render_github(&findings, sources, &workspace.seen_from_here().folder));
        }
        FindingsFormat::Gitlab => {
            output::json(&render_gitlab(&findings, sources, &workspace.seen_from_here().folder))?;
        }
        FindingsFormat::Human => {
            let style = output::human_style();
            for finding in &findings {
                anstream::println!("{}\n", render_human(finding, sources, style));
            }
            let journeys = finding::words::counted(workspace.checked.model.journeys.len(), "journey");
            if findings.is_empty() {
                anstream::eprintln!("{journeys} checked, nothing wrong");
            } else {
                let errors = finding::words::counted(errors, "error");
                let warnings = finding::words::counted(warnings, "warning");
                anstream::eprintln!(
                    "{journeys} checked: {errors}, {warnings}; `lotse explain CODE` says more about one"
                );
            }
        }
    }
    let wrong = errors > 0 || args.deny_warnings && warnings > 0;
    Ok(if wrong { End::Findings } else { End::Good })
}
