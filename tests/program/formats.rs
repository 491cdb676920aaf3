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
  expect outcome silent
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
    let unvisited = "::warning file=shop/a b.journey,line=20,col=9,endLine=20,endColumn=15,title=W604%3A ";
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
        command.current_dir(dir.path()).args(["-C", "shop", "check"]);
        command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
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
    insta::assert_snapshot!(text(&output), @r##"
    ok    welcome: silence
    FAIL  welcome: two things <"&"> at once  (a b.journey:31)
          a b.journey:36: expect stage first
            but at 2027-03-02 10:00 the journey has ended with `done`
          a b.journey:38: expect outcome silent
            but at 2027-03-03 10:00 the journey has ended with `done`
          what happened:
            2027-03-01 10:00  `signup` happened
            2027-03-01 10:00  entered: `signup` led in
            2027-03-01 10:00  came to the stage `first`
            2027-03-01 10:00  `send email hello`: delivered
            2027-03-01 10:00  `wait up to 3 days`: waits until 2027-03-04 10:00
            2027-03-02 10:00  the contact clicked `hello`
            2027-03-02 10:00  `wait up to 3 days` ended: clicked hello
            2027-03-02 10:00  came to the stage `second`
            2027-03-02 10:00  ended with `done`
          > 2027-03-02 10:00  line 36: `expect stage first`, but the journey has ended with `done`
          > 2027-03-03 10:00  line 38: `expect outcome silent`, but the journey has ended with `done`
    "##);
}

#[test]
fn junit_is_read_by_build_servers() {
    let dir = workspace(&[JOURNEYS, GOOD, BAD]);
    let output = run(&dir, &["test", "--format", "junit"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output), @r##"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="lotse" tests="2" failures="1" errors="0" time="0">
      <testsuite name="welcome" tests="2" failures="1" errors="0" skipped="0" time="0">
        <testcase name="silence" classname="welcome" file="shop/a b.journey" line="23" time="0"/>
        <testcase name="two things &lt;&quot;&amp;&quot;&gt; at once" classname="welcome" file="shop/a b.journey" line="31" time="0">
          <failure message="the journey has ended with `done`" type="expectation">      a b.journey:36: expect stage first
            but at 2027-03-02 10:00 the journey has ended with `done`
          a b.journey:38: expect outcome silent
            but at 2027-03-03 10:00 the journey has ended with `done`
          what happened:
            2027-03-01 10:00  `signup` happened
            2027-03-01 10:00  entered: `signup` led in
            2027-03-01 10:00  came to the stage `first`
            2027-03-01 10:00  `send email hello`: delivered
            2027-03-01 10:00  `wait up to 3 days`: waits until 2027-03-04 10:00
            2027-03-02 10:00  the contact clicked `hello`
            2027-03-02 10:00  `wait up to 3 days` ended: clicked hello
            2027-03-02 10:00  came to the stage `second`
            2027-03-02 10:00  ended with `done`
          &gt; 2027-03-02 10:00  line 36: `expect stage first`, but the journey has ended with `done`
          &gt; 2027-03-03 10:00  line 38: `expect outcome silent`, but the journey has ended with `done`
    </failure>
        </testcase>
      </testsuite>
    </testsuites>
    "##);
}

#[test]
fn coverage_counts_stages_and_ways() {
    let dir = workspace(&[JOURNEYS, GOOD, BAD]);
    let output = run(&dir, &["test", "--filter", "silence", "--coverage", "--lcov", "lcov.info"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output), @r##"
    ok    welcome: silence

    welcome: 1 of 2 stages visited, 1 of 5 ways taken (a b.journey)
          1×    10  stage first
       never    13    wait up to 3 days: clicked hello
       never    14    …: bought where event.total > 5
          1×    15    …: otherwise
       never    17    if contact.phone is set
       never    17    else
       never    20  stage second
    "##);
    let lcov = std::fs::read_to_string(dir.path().join("lcov.info")).unwrap();
    insta::assert_snapshot!(lcov, @r##"
    TN:lotse
    SF:shop/a b.journey
    FN:10,welcome.first
    FN:20,welcome.second
    FNDA:1,welcome.first
    FNDA:0,welcome.second
    FNF:2
    FNH:1
    BRDA:13,0,0,0
    BRDA:14,0,1,0
    BRDA:15,0,2,1
    BRDA:17,1,0,-
    BRDA:17,1,1,-
    BRF:5
    BRH:1
    DA:10,1
    DA:11,1
    DA:12,1
    DA:13,0
    DA:14,0
    DA:15,1
    DA:17,0
    DA:18,0
    DA:20,0
    LF:9
    LH:4
    end_of_record
    "##);
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
    insta::assert_snapshot!(text(&output), @r##"
    {
      "clauses": [
        "enter on signup",
        "goal sale on bought within 30 days",
        "control 10%"
      ],
      "edges": [
        {
          "from": "first",
          "to": {
            "stage": "second"
          },
          "when": [
            "clicked hello"
          ]
        },
        {
          "from": "first",
          "to": {
            "outcome": "silent"
          },
          "when": [
            "otherwise"
          ]
        },
        {
          "from": "first",
          "to": {
            "outcome": "done"
          },
          "when": [
            ""
          ]
        },
        {
          "from": "second",
          "to": {
            "outcome": "done"
          },
          "when": [
            ""
          ]
        }
      ],
      "enters": [
        {
          "into": "first",
          "text": "enter on signup"
        }
      ],
      "journey": "welcome",
      "label": "Welcome <you>",
      "outcomes": [
        "silent",
        "done"
      ],
      "path": "a b.journey",
      "places": [
        {
          "column": 5,
          "id": "first.1",
          "kind": "send",
          "line": 11,
          "stage": "first",
          "text": "send email hello",
          "ways": []
        },
        {
          "column": 5,
          "id": "first.2",
          "kind": "wait",
          "line": 12,
          "stage": "first",
          "text": "wait up to 3 days",
          "ways": [
            {
              "first": "first.2.1.1",
              "label": "clicked hello"
            },
            {
              "first": null,
              "label": "bought where event.total > 5"
            },
            {
              "first": "first.2.otherwise.1",
              "label": "otherwise"
            }
          ]
        },
        {
          "column": 26,
          "id": "first.2.1.1",
          "kind": "go_to",
          "line": 13,
          "stage": "first",
          "text": "go to second",
          "ways": []
        },
        {
          "column": 19,
          "id": "first.2.otherwise.1",
          "kind": "end",
          "line": 15,
          "stage": "first",
          "text": "silent",
          "ways": []
        },
        {
          "column": 5,
          "id": "first.3",
          "kind": "if",
          "line": 17,
          "stage": "first",
          "text": "if contact.phone is set",
          "ways": [
            {
              "first": "first.3.1.1",
              "label": "if contact.phone is set"
            },
            {
              "first": null,
              "label": "else"
            }
          ]
        },
        {
          "column": 31,
          "id": "first.3.1.1",
          "kind": "tag",
          "line": 17,
          "stage": "first",
          "text": "tag \"phone\"",
          "ways": []
        },
        {
          "column": 5,
          "id": "first.4",
          "kind": "end",
          "line": 18,
          "stage": "first",
          "text": "done",
          "ways": []
        },
        {
          "column": 18,
          "id": "second.1",
          "kind": "end",
          "line": 20,
          "stage": "second",
          "text": "done",
          "ways": []
        }
      ],
      "stages": [
        {
          "line": 10,
          "name": "first"
        },
        {
          "line": 20,
          "name": "second"
        }
      ]
    }
    "##);
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
