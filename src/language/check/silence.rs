use std::collections::BTreeSet;

use crate::finding::words;
use crate::finding::{Code, Finding, Severity};
use crate::language::syntax::tree;
use crate::source::{SourceId, Sources, Span, WorkspaceFiles};

/// The lines for which findings are silenced by `# allow CODE: reason` above them.
#[derive(Clone, Debug, Default)]
pub struct Silenced {
    lines: BTreeSet<(SourceId, u32, Code)>,
}

impl Silenced {
    /// Whether a line of the workspace silences a finding.
    pub fn silences(&self, sources: &Sources, finding: &Finding) -> bool {
        let line = sources.get(finding.span.source).position(finding.span.start).line;
        self.lines.contains(&(finding.span.source, line, finding.code))
    }
}

/// Reads the comments that silence findings, and reports those that do not say why.
pub(super) fn read(
    files: &WorkspaceFiles,
    trees: &[(SourceId, tree::File)],
    findings: &mut Vec<Finding>,
) -> Silenced {
    let mut silenced = Silenced::default();
    for (id, tree) in trees {
        let source = files.sources.get(*id);
        let comment_lines: BTreeSet<u32> = tree
            .comments
            .iter()
            .filter(|span| alone(files, **span))
            .map(|span| source.position(span.start).line)
            .collect();
        for comment in &tree.comments {
            let text = files.sources.text(*comment);
            let Some(rest) = text.trim_start_matches('#').trim_start().strip_prefix("allow ") else {
                continue;
            };
            let Some((code, reason)) = allowed(rest) else { continue };
            match code.parse::<Code>() {
                Ok(code) if code.severity() == Severity::Error => findings.push(
                    Finding::new(Code::E001, *comment, format!("{code} is an error and cannot be silenced"))
                        .help("mend what it tells; only warnings can be silenced"),
                ),
                Ok(_) if reason.is_empty() => findings.push(
                    Finding::new(Code::E001, *comment, format!("this silences {code} and does not say why"))
                        .help(format!("write the reason behind it: `# allow {code}: …`")),
                ),
                Ok(code) => {
                    let mut line = source.position(comment.start).line + 1;
                    while comment_lines.contains(&line) {
                        line += 1;
                    }
                    silenced.lines.insert((*id, line, code));
                }
                Err(()) => {
                    let codes = Code::ALL.iter().map(|code| code.name());
                    let near = words::near(code, codes);
                    findings.push(
                        Finding::new(Code::E001, *comment, format!("there is no finding `{code}`"))
                            .maybe_help(near.map(|near| format!("did you mean `{near}`?"))),
                    );
                }
            }
        }
    }
    silenced
}

/// `W601: reason`, `W601 reason` and `W601` apart; `None` where what stands behind "allow" is no code, so that
/// a comment in plain words stays one.
fn allowed(rest: &str) -> Option<(&str, &str)> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (code, reason) = rest.split_at(end);
    let looks_like_one = code.len() == 4
        && code.starts_with(['E', 'W', 'e', 'w'])
        && code.chars().skip(1).all(|c| c.is_ascii_digit());
    looks_like_one.then(|| (code, reason.trim_start_matches([':', ' ', '-']).trim()))
}

/// Whether nothing but the comment stands on its line.
fn alone(files: &WorkspaceFiles, comment: Span) -> bool {
    let text = &files.sources.get(comment.source).text;
    let before = text.get(..comment.start as usize).unwrap_or("");
    before.rsplit('\n').next().unwrap_or("").trim().is_empty()
}
