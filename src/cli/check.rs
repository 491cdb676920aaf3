use std::path::Path;

use super::args::{CheckArgs, FindingsFormat};
use super::workspace::Workspace;
use super::{End, output};
use crate::finding::{self, SarifBase, Severity, render_github, render_human, render_json, render_sarif};

pub(super) fn run(args: &CheckArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(args.workspace.or(dir))?;
    let mut findings = workspace.findings;
    let coverage =
        crate::simulate::unvisited(&workspace.checked, &workspace.files.sources, &workspace.config.timezone);
    let sources = &workspace.files.sources;
    findings.extend(
        coverage.into_iter().filter(|finding| !workspace.checked.silenced.silences(sources, finding)),
    );
    finding::sort(&mut findings);
    let count = |severity| findings.iter().filter(|finding| finding.severity() == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match args.format {
        FindingsFormat::Json => output::json(&render_json(&findings, sources))?,
        FindingsFormat::Sarif => output::json(&render_sarif(&findings, sources, &base(&workspace.dir)))?,
        FindingsFormat::Github => {
            anstream::print!("{}", render_github(&findings, sources, &base(&workspace.dir).folder));
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

/// Where a workspace lies as seen from here; one that is not below stands for itself.
fn base(dir: &Path) -> SarifBase {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let (Ok(here), Ok(dir)) = (here, dir.canonicalize()) else { return SarifBase::default() };
    let (root, below) = match dir.strip_prefix(&here) {
        Ok(below) => (&here, below),
        Err(_) => (&dir, Path::new("")),
    };
    let folders = below.components().map(|folder| format!("{}/", folder.as_os_str().to_string_lossy()));
    SarifBase { folder: folders.collect(), root: url::Url::from_directory_path(root).ok().map(String::from) }
}
