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
    insta::assert_snapshot!(drawn.join("\n\n"), @"");
}

#[test]
fn github_gets_one_command_a_finding() {
    let (findings, sources) = findings();
    insta::assert_snapshot!(render_github(findings.get(3..).unwrap(), &sources, "shop/"), @"");
}

#[test]
fn sarif_says_where_and_what_instead() {
    let (findings, sources) = findings();
    let base = Base { folder: "shop/".to_owned(), root: Some("file:///work/".to_owned()) };
    let mut log = render_sarif(findings.get(4..).unwrap(), &sources, &base);
    let rules = log["runs"][0]["tool"]["driver"]["rules"].take();
    let first = &rules[log["runs"][0]["results"][0]["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!((&first["id"], rules.as_array().unwrap().len()), (&"E101".into(), Code::ALL.len()));
    assert!(first["help"]["markdown"].as_str().unwrap().starts_with("# E101"), "{first}");
    assert!(rules.as_array().unwrap().iter().all(|rule| rule["fullDescription"]["text"] != ""), "{rules}");
    log["runs"][0]["tool"]["driver"]["semanticVersion"] = "[version]".into();
    insta::assert_json_snapshot!(log["runs"][0], @"");
}
