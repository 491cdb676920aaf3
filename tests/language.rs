//! The language against its fixtures in `tests/language/`.
//!
//! `ok/` gives no finding and can be run, `runs/` holds journeys whose tests pass, `fails/` some whose tests fail with
//! the message they are named by, `error/` gives the findings that
//! stand above its lines, and `slips/` holds what people write by mistake, with all that they read about it as
//! snapshots.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lotse::finding::{Code, HumanStyle, render_human};
use lotse::language::{plan, syntax};
use lotse::simulate;
use lotse::time::TimeZone;

use crate::case::{Case, cases};

/// Codes that a journey file alone cannot give: why.
const NOT_BY_A_FILE: &[(Code, &str)] = &[(Code::W604, "what a test visits is known when it has run")];

/// The fixture files of a folder, by their names.
pub fn fixtures(folder: &str) -> Vec<(String, Vec<Case>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let cases = cases(&fs::read_to_string(&path).unwrap());
        assert!(!cases.is_empty(), "{name} has no case");
        (name, cases)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn what_is_right_gives_no_finding_and_can_be_run() {
    let mut problems = String::new();
    for (file, cases) in fixtures("ok") {
        for case in cases {
            assert!(case.expected.is_empty(), "ok/{file}, {}: expects a finding", case.name);
            let (files, checked) = case.check();
            let mut found = case.problems();
            for journey in &checked.model.journeys {
                if plan::compile(journey, &checked, &files.sources).is_none() {
                    found.push(format!("the journey `{}` cannot be run", journey.name));
                }
            }
            let written = files
                .journeys
                .iter()
                .flat_map(|id| syntax::parse(*id, &files.sources.get(*id).text).file.declarations);
            let tests =
                written.filter(|declaration| matches!(declaration, syntax::tree::Declaration::Test(_)));
            if tests.count() != checked.model.tests.len() {
                found.push("a test is not understood".to_owned());
            }
            for problem in found {
                problems += &format!("ok/{file}, {}: {problem}\n", case.name);
            }
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
}

#[test]
fn what_is_right_does_what_it_says() {
    let mut problems = String::new();
    for (file, cases) in fixtures("runs") {
        for case in cases {
            let mut found = case.problems();
            let (files, checked) = case.check();
            let plans = simulate::plans(&checked, &files.sources);
            let results = simulate::run_tests(&checked, &plans, &TimeZone::UTC, |_| true);
            if results.is_empty() {
                found.push("there is no test".to_owned());
            }
            for result in results {
                for failure in &result.failures {
                    let line = files.sources.place(failure.span).1.line;
                    let expected = files.sources.text(failure.span);
                    found.push(format!("{}, line {line}: {expected}: {}", result.name, failure.message));
                }
                let told = result.timeline.iter().map(|entry| format!("  {} {}", entry.at, entry.says));
                found.extend(told);
            }
            for problem in found {
                problems += &format!("runs/{file}, {}: {problem}\n", case.name);
            }
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
}

#[test]
fn what_is_not_so_fails_a_test_in_the_words_of_its_name() {
    let mut problems = String::new();
    for (file, cases) in fixtures("fails") {
        for case in cases {
            let (files, checked) = case.check();
            let mut found = case.problems();
            let plans = simulate::plans(&checked, &files.sources);
            for result in simulate::run_tests(&checked, &plans, &TimeZone::UTC, |_| true) {
                let told: Vec<&str> =
                    result.failures.iter().map(|failure| failure.message.as_str()).collect();
                if told != [result.name.as_str()] {
                    found.push(format!("{:?} fails with {told:?}", result.name));
                }
            }
            if checked.model.tests.is_empty() {
                found.push("there is no test".to_owned());
            }
            for problem in found {
                problems += &format!("fails/{file}, {}: {problem}\n", case.name);
            }
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
}

#[test]
fn what_is_wrong_gives_exactly_its_findings() {
    let mut problems = String::new();
    for (file, cases) in fixtures("error") {
        for case in cases {
            for problem in case.problems() {
                problems += &format!("error/{file}, {}: {problem}\n", case.name);
            }
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
}

#[test]
fn every_code_has_a_hit_and_a_miss() {
    let (mut hits, mut misses) = (BTreeSet::new(), BTreeSet::new());
    for (_, cases) in fixtures("error").into_iter().chain(fixtures("ok")) {
        for case in cases {
            hits.extend(case.expected.iter().map(|expected| expected.place.code));
            misses.extend(case.misses.iter().map(|miss| miss.code));
        }
    }
    for code in Code::ALL {
        if let Some((_, why)) = NOT_BY_A_FILE.iter().find(|(known, _)| known == code) {
            assert!(!hits.contains(code), "{code} has a hit, though {why}");
            continue;
        }
        assert!(hits.contains(code), "no case in error/ gives {code}");
        assert!(misses.contains(code), "no case comes near {code}: write `#! no {code}` above such a line");
    }
}

#[test]
fn a_slip_is_told_once_and_in_words_that_help() {
    let style = HumanStyle { colour: false, width: 100 };
    let mut problems = String::new();
    for (file, cases) in fixtures("slips") {
        let mut told = String::new();
        for case in cases {
            let (files, checked) = case.check();
            let findings: Vec<String> =
                checked.findings.iter().map(|finding| render_human(finding, &files.sources, style)).collect();
            if findings.len() != 1 {
                problems += &format!("slips/{file}, {}: {}\n", case.name, findings.len());
            }
            told += &format!("### {}\n\n{}\n\n", case.name, findings.join("\n"));
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("slips-{file}"), told);
        });
    }
    assert!(problems.is_empty(), "not one finding:\n{problems}");
}
