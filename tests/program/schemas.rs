//! What `check`, `test` and `show` answer to programs is what the schemas in `docs/reference/` say.
//!
//! The schemas let nothing else be in an answer, so an entry that somebody adds is told of here. The tests know the
//! part of JSON Schema that the schemas use, and refuse what they do not know.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::lotse;

/// A schema of `docs/reference/`.
fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/reference/{name}.schema.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Where an answer is not what its schema says, each with its place in the answer.
fn amiss(root: &Value, answer: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(root, root, answer, "", &mut found);
    found
}

fn look(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (keyword, says) in schema.as_object().unwrap() {
        let fits = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "required" | "additionalProperties" => true,
            "type" => one_or_many(says).iter().any(|name| is(value, name)),
            "enum" => says.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
            "pattern" => value.as_str().is_none_or(|text| matches(says.as_str().unwrap(), text)),
            "anyOf" => says.as_array().unwrap().iter().any(|choice| {
                let mut inside = Vec::new();
                look(root, choice, value, at, &mut inside);
                inside.is_empty()
            }),
            "$ref" => {
                let target = root.pointer(says.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                look(root, target, value, at, found);
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    look(root, says, item, &format!("{at}/{index}"), found);
                }
                true
            }
            "properties" => {
                entries(root, schema, value, at, found);
                true
            }
            _ => panic!("the schemas use `{keyword}`, which these tests do not know"),
        };
        if !fits {
            found.push(format!("{at}: {value} is not what `{keyword}` says: {says}"));
        }
    }
}

fn entries(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    let known = schema["properties"].as_object().unwrap();
    for (name, entry) in object {
        match known.get(name) {
            Some(says) => look(root, says, entry, &format!("{at}/{name}"), found),
            None => found.push(format!("{at}: the schema does not know `{name}`")),
        }
    }
    let missing = one_or_many(&schema["required"]).into_iter().filter(|name| !object.contains_key(*name));
    found.extend(missing.map(|name| format!("{at}: `{name}` is missing")));
}

fn one_or_many(value: &Value) -> Vec<&str> {
    match value {
        Value::String(one) => vec![one],
        many => many.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect(),
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => panic!("the schemas use the type `{name}`, which these tests do not know"),
    }
}

/// The two patterns of the schemas.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        "^[EW][0-9]{3}$" => text
            .strip_prefix(['E', 'W'])
            .is_some_and(|rest| rest.len() == 3 && rest.bytes().all(|b| b.is_ascii_digit())),
        "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?$" => {
            let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            shape == "0000-00-00 00:00" || shape == "0000-00-00 00:00:00"
        }
        _ => panic!("the schemas use the pattern `{pattern}`, which these tests do not know"),
    }
}

const SOUND: &str = r#"
event signup { source text }
event bought { total number }
topic account "Orders" essential
topic news "News"
email hello { topic account from shop subject "Hi" body "Hi" }
journey welcome "Welcome" {
  enter on signup
  enter by request into second
  goal sale on bought within 30 days
  control 10%
  stage first {
    send email hello otherwise { end as unreachable }
    wait up to 3 days {
      on clicked hello { go to second }
      on bought where event.total > 5 { }
      otherwise { end as silent }
    }
    if in segment rare { tag "rare" } else { }
    experiment timing { variant now 50% { } variant later 50% { wait 1 day } }
    repeat up to 2 times { wait 1 day stop }
    set contact.score = 1  clear contact.score  add 1 to contact.score  untag "rare"
    allow news  refuse news  record bought { total 1 }  start plain  alert sales "Look"
    hand off to sales and wait up to 1 day { on accepted { } otherwise { } }
    call erp
    end
  }
  stage second { wait 1 day go to second }
}
journey plain { enter by request  stage only { end } }
measure spent = sum(bought.total)
segment rare = spent > 5
contact { score number }
"#;
const TESTS: &str = r#"
test "silence" for welcome {
  contact { email "ada@example.org" }
  at 2027-03-01 10:00 event signup
  expect email hello
  after 3 days nothing
  expect outcome silent
}
test "nothing comes" for plain { at 2027-03-01 10:00 enter  expect email hello }
test "nobody enters" for welcome { at 2027-03-01 10:00 nothing  expect stage first }
"#;
const MISTAKES: &str = r#"
event signup { source txt }
event signup { }
topic news "News"
email hello { topic new from shop subject "{{ contact.nam }}" body "Hi" }
journey welcome {
  enter on signupp where event.source = "x"
  stage first { send email hello wait up to 1 day { on opened hello { } otherwise { } } go to frist }
  stage other { end }
"#;
const SETTINGS: &str = "teams: { sales: { url: \"https://crm.example.com\" } }\n\
    webhooks: { erp: { url: \"https://erp.example.com\" } }\nsenders: { shop: { from: \"a@example.com\" } }\n";

fn answer(journeys: &str, arguments: &[&str]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("all.journey"), journeys).unwrap();
    std::fs::write(dir.path().join("lotse.yaml"), SETTINGS).unwrap();
    let Output { stdout, stderr, .. } = lotse().arg("-C").arg(dir.path()).args(arguments).output().unwrap();
    serde_json::from_slice(&stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&stderr)))
}

/// Whether somewhere in the answers each entry of the schema has a value that is not nothing, so that none is only
/// there on paper.
fn unused(root: &Value, answers: &[Value]) -> Vec<String> {
    let told: String = answers.iter().map(Value::to_string).collect();
    let mut names = Vec::new();
    let mut schemas = vec![root];
    while let Some(schema) = schemas.pop() {
        for (keyword, says) in schema.as_object().into_iter().flatten() {
            match keyword.as_str() {
                "properties" => {
                    names.extend(says.as_object().unwrap().keys().cloned());
                    schemas.extend(says.as_object().unwrap().values());
                }
                "$defs" => schemas.extend(says.as_object().unwrap().values()),
                "items" => schemas.push(says),
                "anyOf" => schemas.extend(says.as_array().unwrap()),
                _ => {}
            }
        }
    }
    let there = |name: &String| {
        told.match_indices(&format!("\"{name}\":")).any(|(at, key)| {
            let value = &told[at + key.len()..];
            !value.starts_with("null") && !value.starts_with("[]")
        })
    };
    names.retain(|name| !there(name));
    names
}

fn fits(name: &str, answers: &[Value]) {
    let schema = schema(name);
    for answer in answers {
        assert_eq!(amiss(&schema, answer), Vec::<String>::new(), "{name}: {answer:#}");
    }
    assert_eq!(unused(&schema, answers), Vec::<String>::new(), "{name}: no answer has these");
}

#[test]
fn findings_are_what_their_schema_says() {
    let check = |journeys: &str| answer(journeys, &["check", "--format", "json"]);
    let answers = [check(""), check(SOUND), check(MISTAKES), check("journey")];
    assert!(answers[2]["findings"].as_array().unwrap().len() > 5, "{:#}", answers[2]);
    fits("check", &answers);
}

#[test]
fn results_are_what_their_schema_says() {
    let journeys = [SOUND, TESTS].concat();
    let test = |more: &[&str]| answer(&journeys, &[&["test", "--format", "json"], more].concat());
    let answers = [test(&[]), test(&["--coverage"]), test(&["--filter", "silence"])];
    assert_eq!((&answers[0]["passed"], &answers[0]["failed"]), (&1.into(), &2.into()), "{:#}", answers[0]);
    fits("test", &answers);
}

#[test]
fn pictures_are_what_their_schema_says() {
    let answers = ["welcome", "plain"].map(|name| answer(SOUND, &["show", name, "--format", "json"]));
    fits("show", &answers);
    // Every kind of statement is one that the schema knows, and the other way round.
    let schema = schema("show");
    let mut known = one_or_many(&schema["$defs"]["place"]["properties"]["kind"]["enum"]);
    let mut shown: Vec<&str> = answers[0]["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| place["kind"].as_str().unwrap())
        .collect();
    known.sort_unstable();
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown, known);
}

#[test]
fn what_does_not_fit_is_seen() {
    let root = json!({
        "type": "object",
        "properties": {
            "a": { "type": "integer", "minimum": 1 },
            "b": { "type": ["string", "null"], "enum": ["x", null] },
            "c": { "type": "array", "items": { "$ref": "#/$defs/d" } }
        },
        "required": ["a"],
        "additionalProperties": false,
        "$defs": { "d": { "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": "^[EW][0-9]{3}$" }] } }
    });
    let good = json!({ "a": 1, "b": null, "c": [true, "E101"] });
    assert_eq!(amiss(&root, &good), Vec::<String>::new());
    for (answer, at) in [
        (json!({}), ": `a` is missing"),
        (json!({ "a": 0 }), "/a: 0"),
        (json!({ "a": 1.5 }), "/a: 1.5"),
        (json!({ "a": 1, "b": "y" }), "/b: \"y\""),
        (json!({ "a": 1, "c": [1] }), "/c/0: 1"),
        (json!({ "a": 1, "c": ["E1011"] }), "/c/0: \"E1011\""),
        (json!({ "a": 1, "d": 1 }), ": the schema does not know `d`"),
        (json!([]), ": []"),
    ] {
        let found = amiss(&root, &answer);
        assert!(found.len() == 1 && found[0].starts_with(at), "{answer}: {found:?}");
    }
}
