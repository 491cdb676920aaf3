use std::collections::BTreeSet;

use super::*;
use crate::finding::Severity;
use crate::ide::testing::shop_with;
use crate::language::syntax;

/// Where an example stands in a file that could be.
fn file_of(word: &Word) -> String {
    let example = word.example;
    let journey = |head: &str, body: &str| {
        let goes = body.starts_with("go to") || body.starts_with("end");
        let end = if goes { "" } else { "end" };
        format!(
            "journey sample {{\n enter on newsletter_signup\n enter every day at 09:00 into second\n{head}\n stage first {{\n{body}\n {end} }}\n stage second {{ end }}\n}}"
        )
    };
    match word.place {
        Place::File => example.replace("event order_shipped", "event order_sent"),
        Place::Fields => format!("event sample {{ {example} }}"),
        Place::Message if matches!(word.label, "title" | "text") => {
            let text = if word.label == "title" { "text \"b\"" } else { "" };
            format!("sms sample {{ topic account {example} {text} }}")
        }
        Place::Message => {
            let setting = |name: &str, value: &str| {
                if word.label == name { String::new() } else { format!("{name} {value}\n") }
            };
            let body = if word.label == "template" {
                String::new()
            } else {
                setting("body", "\"{{ unsubscribe_url }}\"")
            };
            format!(
                "email sample {{\n{}{}{}{body}{}\n}}",
                setting("topic", "account"),
                setting("from", "marketing"),
                setting("subject", "\"a\""),
                example.replace("emails/welcome", "emails/receipt"),
            )
        }
        Place::Survey => format!("survey sample \"How?\" {{ {example} }}"),
        Place::Policy => format!("policy {{ {example} }}"),
        Place::Head if word.rule == "stage" => format!("journey sample {{ enter by request {example} }}"),
        Place::Head if example.starts_with("enter by") || !example.starts_with("enter") => {
            journey(example, "")
        }
        Place::Head => format!(
            "journey sample {{\n{example}\n enter every day at 09:00 into second\n stage first {{ end }}\n stage second {{ end }}\n}}"
        ),
        Place::Stage | Place::Wait | Place::Experiment => journey("", example),
        Place::Condition => journey("", &condition(example)),
        Place::Test => test_of(word),
    }
}

fn condition(example: &str) -> String {
    let statement = format!("if {example} {{ tag \"a\" }}");
    match example {
        _ if example.contains("event.") => {
            format!("wait up to 1 day {{ on order_placed where {example} {{ end }} otherwise {{ }} }}")
        }
        _ if example.contains("reply.") => {
            format!("call erp and wait up to 1 day {{ on reply where {example} {{ end }} otherwise {{ }} }}")
        }
        _ if example.contains("(welcome)") || example.contains("(satisfaction)") => {
            format!("send email welcome {statement}")
        }
        _ => statement,
    }
}

fn test_of(word: &Word) -> String {
    let example = word.example;
    let contact = "contact { email \"ada@example.org\", allows newsletter }";
    let begin = "at 2027-03-01 10:00 event newsletter_signup";
    let line = match example {
        _ if example.starts_with("contact") => format!("{example}\n{begin}"),
        "held out" | "allow other messages" => format!("{contact}\n{example}\n{begin}"),
        _ if example.starts_with("variant") => format!("{contact}\n{example}\n{begin}"),
        _ if example.starts_with("at ") => format!("{contact}\n{example}"),
        _ => format!("{contact}\n{begin}\n{example}"),
    };
    format!(
        "journey tried {{\n enter on newsletter_signup\n goal purchase on order_placed worth event.total\n stage first {{ send email welcome\n call erp and wait up to 1 hour {{ on reply {{ }} otherwise {{ }} }}\n experiment timing {{ variant at_once 50% {{ }} variant later 50% {{ }} }} hand off to sales with {{ reason \"a\" }} and wait up to 1 day {{ on accepted {{ }} otherwise {{ }} }} end as bought }} }}\ntest \"sample\" for tried {{\n{line}\n}}"
    )
}

#[test]
fn every_example_is_well_formed_and_checks() {
    let mut wrong = Vec::new();
    for word in all() {
        let file = file_of(word);
        // What one workspace can have once stands in the file of the example alone.
        let shop = match word.rule {
            "contact_declaration" => continue_with_contact(&file),
            _ => shop_with("sample.journey", &file).0,
        };
        let errors = shop.findings.iter().filter(|finding| finding.severity() == Severity::Error);
        wrong.extend(
            errors.map(|finding| format!("{} {}: {}\n{file}", word.rule, word.label, finding.message)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The contact of the example in place of the shop's, of which only the reading is looked at.
fn continue_with_contact(file: &str) -> crate::ide::Analysis {
    let files = crate::source::WorkspaceFiles::from_texts([("sample.journey", file)]);
    crate::ide::Analysis::of(files)
}

#[test]
fn every_rule_is_one_of_the_grammar() {
    for word in all() {
        assert!(syntax::has_rule(word.rule), "{}", word.rule);
        if let Some((rule, _)) = word.behind {
            assert!(syntax::has_rule(rule), "{rule}");
        }
    }
}

/// Whoever points at a keyword of the examples is told what it does.
#[test]
fn every_keyword_of_the_grammar_has_an_entry() {
    let grammar = include_str!("../../../grammar/journey.pest");
    let is_used = |keyword: &&str| grammar.matches(&format!("k_{keyword} ")).count() > 1;
    let keywords: BTreeSet<&str> = syntax::keywords().filter(is_used).collect();
    let mut explained: BTreeSet<String> = BTreeSet::new();
    let more = ["journey a { reenter never }", "journey a { reenter always }"].map(str::to_owned);
    for text in all().map(file_of).chain(more) {
        for leaf in syntax::leaves(&text, 0..text.len()) {
            let around = leaf.around.iter().rev().copied();
            let entry = std::iter::once(leaf.rule).chain(around).find(|rule| !of(rule).is_empty());
            if let (Some(keyword), Some(_)) = (leaf.rule.strip_prefix("k_"), entry) {
                explained.insert(keyword.to_owned());
            }
        }
    }
    let silent: Vec<&&str> = keywords.iter().filter(|keyword| !explained.contains(**keyword)).collect();
    assert!(silent.is_empty(), "no example has {silent:?}");
}

#[test]
fn snippets_are_well_formed() {
    for word in all() {
        let mut numbers: Vec<u32> = Vec::new();
        for (_, rest) in word.snippet.match_indices("${").map(|(at, _)| word.snippet.split_at(at + 2)) {
            let number = rest.split([':', '|']).next().unwrap_or("");
            numbers.push(number.parse().unwrap_or_else(|_| panic!("{}", word.snippet)));
        }
        numbers.sort_unstable();
        let expected: Vec<u32> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "{}", word.snippet);
    }
}
