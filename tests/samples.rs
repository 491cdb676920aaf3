//! The workspaces that come with the program are sound, their tests pass and visit every stage, and a mistake in
//! one of them is told once.

use std::fs;
use std::path::Path;
use std::process::Command;

use lotse::config;
use lotse::finding::{HumanStyle, render_human};
use lotse::language::check::{self, Deployment};
use lotse::language::format::format_text;
use lotse::simulate::{self, Coverage};
use lotse::source::WorkspaceFiles;

/// The sample that the guide speaks of.
const SAMPLE: &str = "journeys/spring_sale";
/// What `lotse new` makes.
const NEW: &str = "src/cli/new";

/// The workspaces, by their folders.
fn workspaces() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let names = entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name());
    let mut all: Vec<String> = names.map(|name| format!("journeys/{}", name.to_str().unwrap())).collect();
    all.push(NEW.to_owned());
    all.sort();
    all
}

fn read(folder: &str) -> WorkspaceFiles {
    WorkspaceFiles::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap()
}

/// What is found in a workspace, as people read it.
fn told(files: &WorkspaceFiles) -> Vec<String> {
    let (config, mut findings) = config::read(files);
    findings.extend(check::check(files, Deployment::of(&config).as_ref()).findings);
    let style = HumanStyle { colour: false, width: 100 };
    findings.iter().map(|finding| render_human(finding, &files.sources, style)).collect()
}

#[test]
fn nothing_is_found_in_what_comes_with_the_program() {
    let all = workspaces();
    // The sample, the new workspace and the twelve playbooks.
    assert!(all.len() >= 14, "{all:?}");
    for folder in all {
        assert_eq!(told(&read(&folder)), Vec::<String>::new(), "{folder}");
    }
}

#[test]
fn tests_that_come_with_the_program_pass_and_visit_every_stage() {
    for folder in workspaces() {
        let files = read(&folder);
        let (config, _) = config::read(&files);
        let checked = check::check(&files, Deployment::of(&config).as_ref());
        let plans = simulate::plans(&checked, &files.sources);
        let results = simulate::run_tests(&checked, &plans, &config.timezone, |_| true);
        assert!(!results.is_empty(), "{folder} has no tests");
        for result in &results {
            let failures: Vec<&str> =
                result.failures.iter().map(|failure| failure.message.as_str()).collect();
            assert_eq!(failures, Vec::<&str>::new(), "{folder}, {}", result.name);
        }
        let coverage = Coverage::of(&checked, &plans, &files.sources, &results).unvisited();
        let unvisited: Vec<&str> = coverage.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(unvisited, Vec::<&str>::new(), "{folder}");
    }
}

#[test]
fn what_comes_with_the_program_is_formatted() {
    for folder in workspaces() {
        let files = read(&folder);
        for source in files.journeys.iter().map(|id| files.sources.get(*id)) {
            assert_eq!(format_text(&source.text).unwrap(), *source.text, "{folder}/{}", source.path);
        }
    }
}

#[test]
fn a_mistake_in_the_sample_is_told_once() {
    let sample = read(SAMPLE);
    let all: Vec<(String, String)> = sample
        .journeys
        .iter()
        .chain(sample.templates.values())
        .chain(&sample.config)
        .map(|id| sample.sources.get(*id))
        .map(|source| (source.path.clone(), source.text.to_string()))
        .collect();
    let mut stories = String::new();
    let mut problems = String::new();
    for (right, wrong) in [
        ("send email spring_intro", "sent email spring_intro"),
        ("send email spring_intro", "sende email spring_intro"),
        ("stage interest {", "stage interest"),
        (
            "  stage purchase {\n    tag \"customer\"\n    go to thank_you\n  }",
            "  stage purchase {\n    tag \"customer\"\n    go to thank_you\n",
        ),
        ("wait up to 3 days {", "wait up to 3 {"),
        ("wait until 09:00", "wait until 0900"),
        ("enter      on newsletter_signup", "enter      on newsletter_singup"),
        ("permission newsletter", "permission newsleter"),
        ("contact.score >= 50", "contact.scor >= 50"),
        ("tag \"customer\"", "tag “customer”"),
        ("add 10 to contact.score", "if contact.score < 50 { go to interest }"),
        ("event.topic == \"newsletter\"", "event.topic = \"newsletter\""),
        ("on clicked spring_intro { go to interest }", "on clicked spring_intro { go to intrest }"),
        ("otherwise       { end as no_reaction }", ""),
        ("within 30 days worth", "in 30 days worth"),
        ("control    10%", "control    10"),
        ("send email thank_you\n    end as bought", "send email thank_you"),
        ("hand off to sales", "hand off to salse"),
        (
            "topic     newsletter\n  from      marketing\n  subject   \"{{ contact.first_name",
            "topic     newsletter\n  from      marketing\n  subject   \"{{ contact.frist_name",
        ),
        ("expect stage interest", "expect stage intrest"),
    ] {
        assert!(all.iter().any(|(_, text)| text.contains(right)), "the sample has no `{right}`");
        let changed: Vec<(&str, String)> =
            all.iter().map(|(path, text)| (path.as_str(), text.replacen(right, wrong, 1))).collect();
        let files = WorkspaceFiles::from_texts(changed.iter().map(|(path, text)| (*path, text.as_str())));
        let told = told(&files);
        if told.len() != 1 {
            problems += &format!("{wrong:?}: {} findings\n{}\n", told.len(), told.join("\n"));
        }
        stories += &format!("### {right:?} becomes {wrong:?}\n\n{}\n\n", told.join("\n"));
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("sample-mistakes", stories);
    });
    assert!(problems.is_empty(), "\n{problems}");
}

/// The example that shows the whole language can be run as it stands, and its test passes.
#[test]
fn the_example_of_the_language_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language/example");
    for command in ["check", "test"] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_lotse")).arg(command).current_dir(&folder).output().unwrap();
        let told =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lotse {command}:\n{told}");
    }
}
