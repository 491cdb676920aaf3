//! What `check`, `test` and `show` answer in each format.

use std::process::Output;

use serde_json::Value;

use super::lotse;

const JOURNEYS: &str = r#"
event signup { source text }
event bought { total number }
topic account "Orders" essential
email hello { topic account from shop subject "Hi" body "Hi" }
journey welcome "Welcome <you>" {
  enter on signup
  goal sale on bought within 30 days
  control 10%
  stage first {
    send email hello
    wait up to 3 days {
      on clicked hello { go to second }
      on bought where event.total > 5 { }
      otherwise { end as silent }
    }
    if contact.phone is set { tag "phone" } else { }
    end
  }
  stage second { end }
  stage never { wait 1 day go to second }
}
"#;
const GOOD: &str = r#"
test "silence" for welcome {
  contact { email "ada@example.org" }
  at 2027-03-01 10:00 event signup
  expect email hello
  after 3 days nothing
  expect outcome silent
}
"#;
const BAD: &str = r#"
test "two things <\"&\"> at once" for welcome {
  contact { email "ada@example.org" }
  at 2027-03-01 10:00 event signup
  expect email hello
  after 1 day click hello
  expect stage first
  after 1 day nothing
  expect outcome bought
}
"#;

/// A workspace below the folder that the program is run in.
fn workspace(texts: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("shop")).unwrap();
    std::fs::write(dir.path().join("shop/a b.journey"), texts.concat()).unwrap();
    dir
}

fn run(dir: &tempfile::TempDir, arguments: &[&str]) -> Output {
    lotse().current_dir(dir.path()).args(["-C", "shop"]).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn ten_mistakes_are_ten_findings() {
    let mistakes: String =
        (0..10).map(|number| format!("    tag \"{number}\" go to nowhere_{number}\n")).collect();
    let dir = workspace(&[
        &JOURNEYS.replace("    send email hello\n", &format!("    send email hello\n{mistakes}"))
    ]);
    let output = run(&dir, &["check", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = answer["findings"].as_array().unwrap();
    let unknown = found.iter().filter(|finding| finding["code"] == "E101");
    let lines: Vec<u64> = unknown.map(|finding| finding["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, (12..22).collect::<Vec<u64>>(), "{answer}");
}

#[test]
fn programs_find_files_from_where_the_check_was_run() {
    let dir = workspace(&[JOURNEYS, GOOD]);
    let output = run(&dir, &["check", "--format", "github"]);
    assert_eq!(output.status.code(), Some(0));
    let lines = text(&output);
    let unvisited = "::warning file=shop/a b.journey,line=21,col=9,endLine=21,endColumn=14,title=W604%3A ";
    assert!(lines.contains(unvisited), "{lines}");
    let output = run(&dir, &["check", "--format", "sarif"]);
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = &log["runs"][0];
    assert_eq!(
        run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "shop/a%20b.journey"
    );
    let root = run["originalUriBaseIds"]["%SRCROOT%"]["uri"].as_str().unwrap();
    assert!(root.starts_with("file:///") && root.ends_with('/'), "{root}");
}

#[test]
fn no_colour_where_somebody_said_so() {
    let dir = workspace(&["journey j { }"]);
    let coloured = |name: &str| {
        let mut command = lotse();
        command.current_dir(dir.path()).args(["-C", "shop", "check"]).env("CLICOLOR_FORCE", "1");
        command.env(name, "1");
        text(&command.output().unwrap()).contains('\u{1b}')
    };
    assert!(coloured("SOMETHING_ELSE"));
    assert!(!coloured("NO_COLOR"));
}

#[test]
fn a_failing_test_is_told_with_what_happened() {
    let dir = workspace(&[JOURNEYS, GOOD, BAD]);
    let output = run(&dir, &["test"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output));
}

#[test]
fn junit_is_read_by_build_servers() {
    let dir = workspace(&[JOURNEYS, GOOD, BAD]);
    let output = run(&dir, &["test", "--format", "junit"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output));
}

#[test]
fn coverage_counts_stages_and_ways() {
    let dir = workspace(&[JOURNEYS, GOOD, BAD]);
    let output = run(&dir, &["test", "--filter", "silence", "--coverage", "--lcov", "lcov.info"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output));
    insta::assert_snapshot!(std::fs::read_to_string(dir.path().join("lcov.info")).unwrap());
    let output = run(&dir, &["test", "--coverage", "--format", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &answer["coverage"][0]["stages"][0];
    assert_eq!((&first["name"], &first["visits"]), (&"first".into(), &2.into()));
    let taken: Vec<&Value> = first["ways"].as_array().unwrap().iter().map(|way| &way["taken"]).collect();
    assert_eq!(taken, [1, 0, 1, 0, 0]);
}

#[test]
fn a_journey_is_shown_in_every_format() {
    let dir = workspace(&[JOURNEYS]);
    let output = run(&dir, &["show", "welcome", "--format", "json"]);
    insta::assert_snapshot!(text(&output));
    for (format, begin) in [
        ("text", "welcome · Welcome <you>\n"),
        ("mermaid", "flowchart TD\n"),
        ("dot", "digraph \"welcome\" {\n"),
        ("svg", "<svg "),
    ] {
        let output = run(&dir, &["show", "welcome", "--format", format]);
        assert!(text(&output).starts_with(begin), "{format}: {}", text(&output));
    }
    let output = run(&dir, &["show", "welcom"]);
    assert_eq!(output.status.code(), Some(2));
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains("there is no journey `welcom`; did you mean `welcome`?"), "{talk}");
}
