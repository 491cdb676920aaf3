use std::collections::{BTreeMap, BTreeSet};

use super::Tree;
use crate::finding::words;
use crate::finding::{Code, Finding, Severity};
use crate::source::{SourceId, Sources, Span, WorkspaceFiles};

/// The lines for which findings are silenced by `# allow CODE: reason` above them.
#[derive(Clone, Debug, Default)]
pub struct Silenced {
    lines: BTreeMap<(SourceId, u32, Code), Span>,
}

impl Silenced {
    /// Whether a line of the workspace silences a finding.
    pub fn silences(&self, sources: &Sources, finding: &Finding) -> bool {
        self.lines.contains_key(&line_of(sources, finding))
    }

    /// Puts what a file silences in the place of what it silenced.
    pub(super) fn replace(&mut self, source: SourceId, own: Silenced) {
        self.lines.retain(|(known, _, _), _| *known != source);
        self.lines.extend(own.lines);
    }

    /// Takes out what is silenced; what silences nothing is a finding itself, where everything could be read.
    pub(super) fn apply(&self, sources: &Sources, complete: bool, findings: &mut Vec<Finding>) {
        let mut used = BTreeSet::new();
        findings.retain(|finding| {
            let line = line_of(sources, finding);
            let silenced = self.lines.contains_key(&line);
            if silenced {
                used.insert(line);
            }
            !silenced
        });
        if !complete {
            return;
        }
        for ((source, line, code), comment) in &self.lines {
            // What tests visit is known when they have run.
            if *code != Code::W604 && !used.contains(&(*source, *line, *code)) {
                findings.push(
                    Finding::new(
                        Code::W605,
                        *comment,
                        format!("this silences nothing: there is no {code} below it"),
                    )
                    .help("take it away"),
                );
            }
        }
    }
}

fn line_of(sources: &Sources, finding: &Finding) -> (SourceId, u32, Code) {
    let line = sources.get(finding.span.source).position(finding.span.start).line;
    (finding.span.source, line, finding.code)
}

/// Reads the comments that silence findings, and reports those that do not say why.
pub(super) fn read(files: &WorkspaceFiles, trees: &[Tree], findings: &mut Vec<Finding>) -> Silenced {
    let mut silenced = Silenced::default();
    for Tree { source: id, parsed } in trees {
        let (source, tree) = (files.sources.get(*id), &parsed.file);
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
            let Some((names, reason)) = allowed(rest) else { continue };
            let mut line = source.position(comment.start).line + 1;
            while comment_lines.contains(&line) {
                line += 1;
            }
            for name in names {
                match silenceable(name, reason) {
                    Ok(code) => drop(silenced.lines.insert((*id, line, code), *comment)),
                    Err(Refused { message, help, write }) => {
                        let finding = Finding::new(Code::E001, *comment, message).maybe_help(help);
                        findings.push(match write {
                            Some(write) => finding.edit(*comment, text.trim_end().replacen(name, &write, 1)),
                            None => finding,
                        });
                    }
                }
            }
        }
    }
    silenced
}

/// Why a comment silences nothing.
struct Refused {
    message: String,
    help: Option<String>,
    /// What to write in the place of the code.
    write: Option<String>,
}

/// The code of that name, if the comment may silence it.
fn silenceable(name: &str, reason: &str) -> Result<Code, Refused> {
    match name.parse::<Code>() {
        Ok(code) if code.severity() == Severity::Error => Err(Refused {
            message: format!("{code} is an error and cannot be silenced"),
            help: Some("mend what it tells; only warnings can be silenced".to_owned()),
            write: None,
        }),
        Ok(code) if reason.is_empty() => Err(Refused {
            message: format!("this silences {code} and does not say why"),
            help: Some(format!("write the reason behind it: `# allow {code}: …`")),
            write: None,
        }),
        Ok(code) => Ok(code),
        Err(()) => {
            let near = words::near(name, Code::ALL.iter().map(|code| code.name()));
            Err(Refused {
                message: format!("there is no finding `{name}`"),
                help: near.map(|near| format!("did you mean `{near}`?")),
                write: near.map(str::to_owned),
            })
        }
    }
}

/// `W601, W606: reason`, `W601 reason` and `W601` apart; `None` where what stands behind "allow" is no code, so that
/// a comment in plain words stays one.
fn allowed(rest: &str) -> Option<(Vec<&str>, &str)> {
    let mut names = Vec::new();
    let mut rest = rest;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let looks_like_one = name.len() == 4
            && name.starts_with(['E', 'W', 'e', 'w'])
            && name.chars().skip(1).all(|c| c.is_ascii_digit());
        if !looks_like_one {
            return None;
        }
        names.push(name);
        match behind.trim_start().strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => return Some((names, behind.trim_start_matches([':', ' ', '-']).trim())),
        }
    }
}

/// Whether nothing but the comment stands on its line.
fn alone(files: &WorkspaceFiles, comment: Span) -> bool {
    let text = &files.sources.get(comment.source).text;
    let before = text.get(..comment.start as usize).unwrap_or("");
    before.rsplit('\n').next().unwrap_or("").trim().is_empty()
}
