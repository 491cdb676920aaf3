//! The journeys that the docs show are journeys.
//!
//! What a page shows is one workspace: each block of ```` ```journey ```` is a file of it, and so is a block that
//! names its file, such as ```` ```yaml lotse.yaml ````. A block of ```` ```journey error E101 ```` gives that
//! finding and no other when it stands beside them. Each block of ```` ```yaml ```` that names no file is a whole
//! `lotse.yaml`; one of ```` ```yaml error E103 ```` gives that finding. The pages of the findings are looked at in
//! `findings`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lotse::finding::{Code, Finding};
use lotse::source::WorkspaceFiles;

use crate::case::Case;

/// Warnings that a short example gives beside what it is about: no goal, and names that it does not use.
pub const IN_EXCERPTS: [Code; 2] = [Code::W603, Code::W605];

/// A fenced block of a page.
#[derive(Debug, PartialEq)]
pub struct Fence {
    /// What stands behind the back-ticks.
    pub info: String,
    /// The line in which it begins, from 1.
    pub line: usize,
    pub text: String,
}

impl Fence {
    /// The file that it is of the page's workspace, if it is one.
    fn file(&self) -> Option<(String, String)> {
        let path = match self.info.split_once(' ') {
            None if self.info == "journey" => format!("line-{}.journey", self.line),
            Some((_, path)) if path.contains('.') => path.to_owned(),
            _ => return None,
        };
        Some((path, self.text.clone()))
    }
}

/// The blocks of a page.
pub fn fences(page: &str) -> Vec<Fence> {
    let mut fences: Vec<Fence> = Vec::new();
    let mut open: Option<Fence> = None;
    for (index, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Fence { info: info.trim().to_owned(), line: index + 1, text: String::new() });
            }
            (Some(_), Some("")) => fences.extend(open.take()),
            (Some(fence), _) => fence.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is never closed: {open:?}");
    fences
}

/// What is wrong with the journeys of a page.
fn problems(page: &str) -> Vec<String> {
    let fences = fences(page);
    let shown: Vec<(String, String)> = fences.iter().filter_map(Fence::file).collect();
    let (files, found) = findings(shown.clone());
    let mut problems: Vec<String> = found.iter().map(|finding| told(finding, &files, &fences)).collect();
    for fence in &fences {
        let words: Vec<&str> = fence.info.split(' ').collect();
        match words.as_slice() {
            ["journey", "error", code] => {
                let wrong = ("wrong.journey".to_owned(), fence.text.clone());
                problems.extend(gives(fence, code, shown.iter().cloned().chain([wrong]).collect()));
            }
            ["yaml", "error", code] => problems.extend(gives(fence, code, vec![settings(fence)])),
            ["yaml"] => {
                let (files, found) = findings(vec![settings(fence)]);
                problems.extend(found.iter().map(|finding| {
                    let line = fence.line + files.sources.place(finding.span).1.line as usize;
                    format!("line {line}: {} {}", finding.code, finding.message)
                }));
            }
            ["journey" | "yaml", ..] if fence.file().is_none() => {
                problems.push(format!("line {}: what is `{}`?", fence.line, fence.info));
            }
            _ => {}
        }
    }
    problems
}

fn findings(shown: Vec<(String, String)>) -> (WorkspaceFiles, Vec<Finding>) {
    let (files, checked) = Case::of(shown).check();
    let found = checked.findings.into_iter().filter(|finding| !IN_EXCERPTS.contains(&finding.code));
    (files, found.collect())
}

/// A block of settings as the file that it stands for.
fn settings(fence: &Fence) -> (String, String) {
    ("lotse.yaml".to_owned(), fence.text.clone())
}

/// What is wrong where a block does not give the finding that it should, and no other.
fn gives(fence: &Fence, code: &str, files: Vec<(String, String)>) -> Option<String> {
    let found = findings(files).1;
    let found: BTreeSet<&str> = found.iter().map(|finding| finding.code.name()).collect();
    let told = || format!("line {}: gives {found:?} and not `{code}`", fence.line);
    (found != BTreeSet::from([code])).then(told)
}

/// A finding with its line in the page.
fn told(finding: &Finding, files: &WorkspaceFiles, fences: &[Fence]) -> String {
    let (path, at) = files.sources.place(finding.span);
    let fence = fences.iter().find(|fence| fence.file().is_some_and(|(file, _)| file == path));
    let line = fence.map_or(0, |fence| fence.line) + at.line as usize;
    format!("line {line}: {} {}", finding.code, finding.message)
}

/// The Markdown pages of the docs, at any depth, and the README.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = Vec::new();
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("findings") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages.extend(Some(root.join("README.md")).filter(|readme| readme.exists()));
    pages.sort();
    pages
}

#[test]
fn every_journey_of_the_docs_is_one() {
    let pages = pages();
    assert!(pages.iter().any(|page| page.ends_with("reference/language.md")), "the pages are found");
    let problems: Vec<String> = pages
        .iter()
        .flat_map(|page| {
            let problems = problems(&fs::read_to_string(page).unwrap());
            problems.into_iter().map(|problem| format!("{}, {problem}", page.display()))
        })
        .collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn mistakes_in_a_page_are_seen() {
    let journey = |info: &str, to: &str| {
        format!("```{info}\njourney j {{\n  enter by request\n  stage s {{ go to {to} }}\n}}\n```\n")
    };
    let page = |blocks: &str| problems(&format!("# A page\n\n{blocks}"));
    assert_eq!(page(&journey("journey", "t")), ["line 6: E101 there is no stage `t`"]);
    assert_eq!(page(&journey("journey error E101", "t")), Vec::<String>::new());
    assert_eq!(page(&journey("journey error E102", "t")), ["line 3: gives {\"E101\"} and not `E102`"]);
    assert_eq!(page(&journey("journey eror E101", "t")), ["line 3: what is `journey eror E101`?"]);
    assert_eq!(page(&journey("text", "t")), Vec::<String>::new());
    let yaml = |info: &str, text: &str| page(&format!("```{info}\n{text}\n```\n"));
    assert_eq!(
        yaml("yaml", "workspace: a\napproval: 1"),
        ["line 5: E103 `lotse.yaml` has no key `approval`"]
    );
    assert_eq!(yaml("yaml", "workspace: a"), Vec::<String>::new());
    assert_eq!(yaml("yaml error E103", "approval: 1"), Vec::<String>::new());
    assert_eq!(yaml("yaml error E002", "approval: 1"), ["line 3: gives {\"E103\"} and not `E002`"]);
    assert_eq!(yaml("yaml error E002", "approvals: 1"), ["line 3: gives {} and not `E002`"]);
    assert_eq!(yaml("yaml eror E002", "approval: 1"), ["line 3: what is `yaml eror E002`?"]);
    // Blocks share their names.
    let twice = journey("journey", "s").replace("go to s", "end").repeat(2);
    assert_eq!(page(&twice), ["line 10: E102 the journey `j` is declared twice"]);
}
