//! What the checker says of a condition is so: one that it calls always or never true is, for every contact that
//! can be. Conditions are made by chance and looked at by the engine itself, for all values that matter.

use std::collections::BTreeMap;

use lotse::domain::{Attributes, Contact, ContactId, IdHasher};
use lotse::engine::{Scope, evaluate};
use lotse::finding::Code;
use lotse::language::model::{Expr, Leave};
use lotse::time::{Moment, TimeZone};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use crate::case::Case;

/// The attributes that conditions ask about, each with the values that tell its comparisons apart.
const CONTACT: &str = r#"contact {
  score   number
  points  number = 5
  country text one of ["DE", "AT", "CH"]
  plan    text one of ["free", "paid"] = "free"
  level   number one of [1, 2, 3]
  vip     boolean
  gold    boolean = false
  born    date
  seen    datetime
  nick    text
}
"#;
const NUMBERS: [&str; 5] = ["-1", "0", "2", "2.5", "10"];
const DATES: [&str; 3] = ["2027-03-01", "2027-03-02", "2027-03-10"];
/// How many contacts are looked at for a condition at the most.
const CONTACTS_MAX: usize = 20_000;

fn values(field: &str) -> Vec<Json> {
    match field {
        "score" | "points" => {
            [-2.0, -1.0, -0.5, 0.0, 1.0, 2.0, 2.25, 2.5, 3.0, 10.0, 11.0].map(Json::from).to_vec()
        }
        "country" => ["DE", "AT", "CH"].map(Json::from).to_vec(),
        "plan" => ["free", "paid"].map(Json::from).to_vec(),
        "level" => [1, 2, 3].map(Json::from).to_vec(),
        "vip" | "gold" => [true, false].map(Json::from).to_vec(),
        "born" => ["2027-02-28", "2027-03-01", "2027-03-02", "2027-03-05", "2027-03-10", "2027-03-11"]
            .map(Json::from)
            .to_vec(),
        "seen" => {
            ["2027-02-28T12:00:00Z", "2027-03-01T00:00:00Z", "2027-03-01T09:30:00Z", "2027-03-11T00:00:00Z"]
                .map(Json::from)
                .to_vec()
        }
        _ => ["", "DE", "Ada"].map(Json::from).to_vec(),
    }
}

const FIELDS: [&str; 10] =
    ["score", "points", "country", "plan", "level", "vip", "gold", "born", "seen", "nick"];

/// One comparison, as it is written.
fn atom() -> impl Strategy<Value = String> {
    let sign = || select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let same = || select(vec!["==", "!="]);
    prop_oneof![
        3 => (select(vec!["score", "points"]), sign(), select(NUMBERS.to_vec()))
            .prop_map(|(field, sign, number)| format!("contact.{field} {sign} {number}")),
        1 => (select(NUMBERS.to_vec()), sign())
            .prop_map(|(number, sign)| format!("{number} {sign} contact.score")),
        1 => sign().prop_map(|sign| format!("contact.score {sign} contact.points")),
        1 => sign().prop_map(|sign| format!("contact.points {sign} contact.score")),
        2 => (same(), select(vec!["DE", "AT", "CH"]))
            .prop_map(|(sign, value)| format!("contact.country {sign} \"{value}\"")),
        1 => (select(vec!["in", "not in"]), select(vec!["[\"DE\", \"AT\"]", "[\"CH\"]"]))
            .prop_map(|(word, list)| format!("contact.country {word} {list}")),
        1 => (same(), select(vec!["free", "paid"]))
            .prop_map(|(sign, value)| format!("contact.plan {sign} \"{value}\"")),
        1 => (sign(), 1..=3).prop_map(|(sign, value)| format!("contact.level {sign} {value}")),
        2 => select(vec!["contact.vip", "contact.gold", "has tag \"a\"", "allows news"]).prop_map(str::to_owned),
        1 => (select(vec!["vip", "gold"]), same(), any::<bool>())
            .prop_map(|(field, sign, value)| format!("contact.{field} {sign} {value}")),
        1 => (sign(), select(DATES.to_vec())).prop_map(|(sign, date)| format!("contact.born {sign} {date}")),
        1 => (sign(), select(DATES.to_vec()), select(vec!["", " 09:00", " 10:00"]))
            .prop_map(|(sign, date, time)| format!("contact.seen {sign} {date}{time}")),
        1 => (sign(), select(DATES.to_vec())).prop_map(|(sign, date)| format!("contact.born {sign} {date} 09:00")),
        1 => (sign(), select(vec!["0", "1", "1.5"]))
            .prop_map(|(sign, days)| format!("days since contact.born {sign} {days}")),
        1 => (select(FIELDS.to_vec()), select(vec!["is set", "is not set"]))
            .prop_map(|(field, is)| format!("contact.{field} {is}")),
        1 => (select(vec!["starts with", "contains", "=="]), select(vec!["DE", "A"]))
            .prop_map(|(word, text)| format!("contact.nick {word} \"{text}\"")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    atom().prop_recursive(4, 10, 3, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} and {right})")),
            3 => (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} or {right})")),
            1 => inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

/// The condition as the engine sees it, and what the checker calls always (`true`) or never true of it.
fn checked(condition: &str) -> (Expr, Vec<(String, bool)>) {
    let text = format!(
        "{CONTACT}topic news \"News\"\njourney j {{\n  enter by request\n  leave when {condition}\n  stage s {{ end }}\n}}\n"
    );
    let (files, checked) = Case::of(vec![("a.journey".to_owned(), text)]).check();
    let mut said = Vec::new();
    for finding in &checked.findings {
        assert!(!finding.code.name().starts_with('E'), "{condition}: {}", finding.message);
        if finding.code == Code::W607 {
            let always = finding.message.starts_with("this is always true");
            assert!(always || finding.message.starts_with("this is never true"), "{}", finding.message);
            said.push((files.sources.text(finding.span).to_owned(), always));
        }
    }
    let journey = &checked.model.journeys[0];
    let Some(Leave::When(expr)) = journey.leaves.first() else { panic!("{condition} is left out") };
    (expr.clone(), said)
}

/// Calls `see` with every contact that differs in what a condition asks about.
fn each_contact(condition: &str, see: &mut dyn FnMut(&Contact, bool)) {
    let used: Vec<&str> =
        FIELDS.into_iter().filter(|field| condition.contains(&format!("contact.{field}"))).collect();
    let choices: Vec<Vec<Json>> =
        used.iter().map(|field| [vec![Json::Null], values(field)].concat()).collect();
    let combinations: usize = choices.iter().map(Vec::len).product();
    // A step that has no divisor in common with the number of combinations sees all kinds of them.
    let step = (combinations / CONTACTS_MAX).max(1) | 1;
    for number in (0..combinations).step_by(step) {
        let mut rest = number;
        let mut attributes = Attributes::new();
        for (field, choices) in used.iter().zip(&choices) {
            attributes.insert((*field).to_owned(), choices[rest % choices.len()].clone());
            rest /= choices.len();
        }
        let id = ContactId(IdHasher::new("contact").finish(Moment::from_seconds(0)));
        let mut contact = Contact::new(id, Moment::from_seconds(1_800_000_000));
        contact.attributes = attributes;
        for labelled in [false, true] {
            contact.tags = labelled.then(|| "a".to_owned()).into_iter().collect();
            see(&contact, labelled);
        }
    }
}

fn is_true(expr: &Expr, contact: &Contact, allows: bool, zone: &TimeZone) -> bool {
    let scope = Scope {
        contact,
        permissions: &BTreeMap::from([("news".to_owned(), allows)]),
        zone,
        now: "2027-03-03T10:00:00Z".parse().unwrap(),
        entry: &Attributes::new(),
        at_hand: None,
        branches: &[],
        reactions: &[],
        events: &BTreeMap::new(),
    };
    evaluate(expr, &scope).is_true()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_called_certain_that_is_not(condition in condition()) {
        let zone = lotse::time::zone("Europe/Berlin").unwrap();
        for (part, always) in checked(&condition).1 {
            let (expr, _) = checked(&part);
            each_contact(&part, &mut |contact, allows| {
                let known = is_true(&expr, contact, allows, &zone);
                assert_eq!(known, always, "{part} for {}", json!(contact.attributes));
            });
        }
    }
}

#[test]
fn what_is_certain_is_called_so() {
    for (condition, always) in [
        ("contact.score > 10 and contact.score < 5", Some(false)),
        ("contact.score > 10 and contact.score < 11", None),
        ("contact.score >= 10 and contact.score <= 10", None),
        ("contact.score >= 10 and contact.score < 10", Some(false)),
        ("contact.score == 1 and contact.score == 2", Some(false)),
        ("contact.score == 1 or contact.score != 1", Some(true)),
        ("contact.score < 5 or contact.score >= 5", None),
        ("contact.points < 5 or contact.points >= 5", Some(true)),
        ("not (contact.vip or not contact.vip)", Some(false)),
        ("contact.vip == true or contact.vip == false", None),
        ("contact.gold == true or contact.gold == false", Some(true)),
        ("contact.country != \"DE\" and contact.country != \"AT\" and contact.country != \"CH\"", None),
        ("contact.plan != \"free\" and contact.plan != \"paid\"", Some(false)),
        ("contact.plan in [\"free\", \"paid\"]", Some(true)),
        ("contact.country in [\"DE\"] and contact.country == \"AT\"", Some(false)),
        ("contact.country is set and contact.country not in [\"DE\", \"AT\", \"CH\"]", Some(false)),
        ("contact.level > 1 and contact.level < 2", Some(false)),
        ("contact.level > 3", Some(false)),
        ("contact.born > 2027-03-01 and contact.born < 2027-03-02", Some(false)),
        ("contact.seen > 2027-03-01 and contact.seen < 2027-03-02", None),
        ("contact.seen > 2027-03-10 and contact.seen < 2027-03-01", Some(false)),
        ("days since contact.born == 1.5", Some(false)),
        ("days since contact.born > 1 and days since contact.born < 2", Some(false)),
        ("contact.score < contact.points and contact.points < contact.score", Some(false)),
        ("contact.score == contact.score", None),
        ("contact.score < contact.score", Some(false)),
        ("contact.nick is not set and contact.nick starts with \"A\"", Some(false)),
        ("contact.nick starts with \"A\" and not (contact.nick starts with \"A\")", Some(false)),
        ("has tag \"a\" and not has tag \"a\"", Some(false)),
        ("has tag \"a\" and not has tag \"b\"", None),
        ("contact.points is set", Some(true)),
        ("-1 > contact.points and contact.points > 0", Some(false)),
    ] {
        let said = checked(condition).1;
        let whole = said.iter().find(|(part, _)| part == condition).map(|(_, always)| *always);
        assert_eq!(whole, always, "{condition}: {said:?}");
    }
}

#[test]
fn a_part_that_is_certain_is_told_where_the_whole_is_not() {
    let said = checked("contact.vip or contact.score > 10 and contact.score < 5").1;
    assert_eq!(said, [("contact.score > 10 and contact.score < 5".to_owned(), false)]);
    let said = checked("contact.vip and (contact.gold or not contact.gold)").1;
    assert_eq!(said, [("(contact.gold or not contact.gold)".to_owned(), true)]);
}
