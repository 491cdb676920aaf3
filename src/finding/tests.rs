use std::collections::BTreeSet;

use super::*;
use crate::source::Sources;

/// A line with a tab, wide letters, an emoji of several parts, a letter with a mark of its own, and a word to mark.
const LINES: [&str; 5] = [
    "\ttag \"x\" go to nowhere",
    "tag \"新闻メール\" go to nowhere",
    "tag \"👩\u{200d}👩\u{200d}👧 🇩🇪\" go to nowhere",
    "tag \"e\u{301}e\u{301}e\u{301}\" go to nowhere",
    "tag \"plain\" go to nowhere",
];

/// The word of each line, with all that a finding can have.
fn findings() -> (Vec<Finding>, Sources) {
    let mut sources = Sources::default();
    let id = sources.add("a folder/100%, b.journey", &LINES.join("\n"));
    let text = sources.get(id).text.clone();
    let words = text.match_indices("nowhere").map(|(at, word)| Span::new(id, at, at + word.len()));
    let mut findings: Vec<Finding> =
        words.map(|span| Finding::new(Code::E101, span, "there is no stage `nowhere`")).collect();
    let last = findings.pop().unwrap();
    let span = last.span;
    let all = last
        .help("did you mean `everywhere`?\nor 100%: a, b")
        .related(Span::new(id, 0, 4), "it is declared here already")
        .edit(span, "everywhere");
    findings.push(all);
    (findings, sources)
}

#[test]
fn marks_stand_under_what_they_mean() {
    let (findings, sources) = findings();
    let style = HumanStyle { colour: false, width: 100 };
    let drawn: Vec<String> = findings.iter().map(|finding| render_human(finding, &sources, style)).collect();
    insta::assert_snapshot!(drawn.join("\n\n"), @r#"
    error[E101]: there is no stage `nowhere`
     --> a folder/100%, b.journey:1:16
      |
    1 |     tag "x" go to nowhere
      |                   ^^^^^^^

    error[E101]: there is no stage `nowhere`
     --> a folder/100%, b.journey:2:19
      |
    2 | tag "新闻メール" go to nowhere
      |                        ^^^^^^^

    error[E101]: there is no stage `nowhere`
     --> a folder/100%, b.journey:3:22
      |
    3 | tag "👩👩👧 🇩🇪" go to nowhere
      |                       ^^^^^^^

    error[E101]: there is no stage `nowhere`
     --> a folder/100%, b.journey:4:20
      |
    4 | tag "ééé" go to nowhere
      |                 ^^^^^^^

    error[E101]: there is no stage `nowhere`
     --> a folder/100%, b.journey:5:19
      |
    5 | tag "plain" go to nowhere
      |                   ^^^^^^^
      |
     ::: a folder/100%, b.journey:1:1
      |
    1 |     tag "x" go to nowhere
      | ------- it is declared here already
      |
      = help: did you mean `everywhere`?
              or 100%: a, b
    help: write instead
      |
    5 - tag "plain" go to nowhere
    5 + tag "plain" go to everywhere
      |
    "#);
}

#[test]
fn github_gets_one_command_a_finding() {
    let (findings, sources) = findings();
    insta::assert_snapshot!(render_github(findings.get(3..).unwrap(), &sources, "shop/"), @"
    ::error file=shop/a folder/100%25%2C b.journey,line=4,col=20,endLine=4,endColumn=27,title=E101%3A a name that nothing declares::there is no stage `nowhere`
    ::error file=shop/a folder/100%25%2C b.journey,line=5,col=19,endLine=5,endColumn=26,title=E101%3A a name that nothing declares::there is no stage `nowhere`%0Adid you mean `everywhere`?%0Aor 100%25: a, b
    ");
}

#[test]
fn gitlab_tells_findings_apart_that_are_alike() {
    let (mut findings, sources) = findings();
    let report = render_gitlab(findings.get(3..).unwrap(), &sources, "shop/");
    insta::assert_json_snapshot!(report, @r#"
    [
      {
        "check_name": "E101",
        "description": "there is no stage `nowhere`",
        "fingerprint": "329e84cd17561561043ce5028a2a9fcc",
        "location": {
          "lines": {
            "begin": 4
          },
          "path": "shop/a folder/100%, b.journey"
        },
        "severity": "critical"
      },
      {
        "check_name": "E101",
        "description": "there is no stage `nowhere`\ndid you mean `everywhere`?\nor 100%: a, b",
        "fingerprint": "4f1385f0c9b046d9f4d37652c7afd741",
        "location": {
          "lines": {
            "begin": 5
          },
          "path": "shop/a folder/100%, b.journey"
        },
        "severity": "critical"
      }
    ]
    "#);
    // What comes before does not change what a finding is known by.
    findings.remove(0);
    let fingerprints = |findings: &[Finding]| {
        let report = render_gitlab(findings, &sources, "");
        report.as_array().unwrap().iter().map(|one| one["fingerprint"].to_string()).collect::<BTreeSet<_>>()
    };
    assert_eq!(fingerprints(&findings).len(), 4);
    assert!(fingerprints(&findings).is_superset(&fingerprints(&findings[1..])));
}

#[test]
fn sarif_says_where_and_what_instead() {
    let (findings, sources) = findings();
    let base = Base { folder: "shop/".to_owned(), root: Some("file:///srv/".to_owned()) };
    let mut log = render_sarif(findings.get(4..).unwrap(), &sources, &base);
    let rules = log["runs"][0]["tool"]["driver"]["rules"].take();
    let first = &rules[log["runs"][0]["results"][0]["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!((&first["id"], rules.as_array().unwrap().len()), (&"E101".into(), Code::ALL.len()));
    assert!(first["help"]["markdown"].as_str().unwrap().starts_with("# E101"), "{first}");
    assert!(rules.as_array().unwrap().iter().all(|rule| rule["fullDescription"]["text"] != ""), "{rules}");
    log["runs"][0]["tool"]["driver"]["semanticVersion"] = "[version]".into();
    insta::assert_json_snapshot!(log["runs"][0], @r#"
    {
      "columnKind": "unicodeCodePoints",
      "originalUriBaseIds": {
        "%SRCROOT%": {
          "description": {
            "text": "the folder that the check was run in"
          },
          "uri": "file:///srv/"
        }
      },
      "results": [
        {
          "fixes": [
            {
              "artifactChanges": [
                {
                  "artifactLocation": {
                    "uri": "shop/a%20folder/100%25,%20b.journey",
                    "uriBaseId": "%SRCROOT%"
                  },
                  "replacements": [
                    {
                      "deletedRegion": {
                        "endColumn": 26,
                        "endLine": 5,
                        "startColumn": 19,
                        "startLine": 5
                      },
                      "insertedContent": {
                        "text": "everywhere"
                      }
                    }
                  ]
                }
              ],
              "description": {
                "text": "did you mean `everywhere`?\nor 100%: a, b"
              }
            }
          ],
          "level": "error",
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "shop/a%20folder/100%25,%20b.journey",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "endColumn": 26,
                  "endLine": 5,
                  "startColumn": 19,
                  "startLine": 5
                }
              }
            }
          ],
          "message": {
            "text": "there is no stage `nowhere`\ndid you mean `everywhere`?\nor 100%: a, b"
          },
          "relatedLocations": [
            {
              "id": 1,
              "message": {
                "text": "it is declared here already"
              },
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "shop/a%20folder/100%25,%20b.journey",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "endColumn": 5,
                  "endLine": 1,
                  "startColumn": 1,
                  "startLine": 1
                }
              }
            }
          ],
          "ruleId": "E101",
          "ruleIndex": 2
        }
      ],
      "tool": {
        "driver": {
          "name": "Lotse",
          "rules": null,
          "semanticVersion": "[version]"
        }
      }
    }
    "#);
}
