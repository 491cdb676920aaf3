//! Inputs that nobody meant, in front of a crowd: each is refused or set aside with a reason, or does no harm, and the
//! crowd gets its mail. `LOTSE_ROWS` says how large the crowd is.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::number;
use crate::program::receipts::{agree, audited, ledger};
use crate::program::sink::Sink;
use crate::program::{PATIENCE, Workspace, wait_for, write};

/// People behind each poison.
const CROWD: u64 = 40;
/// How many of them come in one request, with the poison or behind it.
const TOGETHER: usize = 2_000;

const JOURNEYS: &str = r#"
contact { first_name text  score number }
event signed_up { note text  items list of text }
event bought { }
topic news "News"
email hello {
  topic news
  from shop
  subject "Hi {{ contact.first_name }} {{ entry.note }}"
  body "{{ contact.first_name }} {% for a in entry.items %}{% for b in entry.items %}{{ b }}{% endfor %}{% endfor %} {{ unsubscribe_url }}"
}
journey welcome {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage first { if contact.score > 5 { tag "keen" }  send email hello  end }
}
"#;

/// What is said about a person and what happens to them, as it goes over the wire, and what becomes of it.
fn poisons() -> Vec<(&'static str, Vec<String>, String)> {
    let deep = format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000));
    let many = |part: usize| {
        let traits: BTreeMap<String, usize> =
            (0..256).map(|name| (format!("a{part}_{name}"), name)).collect();
        json!(traits).to_string()
    };
    let named = |name: &str| json!({ "first_name": name }).to_string();
    let items = |count: usize, item: &str| json!({ "items": vec![item; count] }).to_string();
    let none = || "{}".to_owned();
    let injected = "Eve\r\nBcc: evil@example.org\r\n\r\nhello\r\n.\r\nMAIL FROM:<evil@example.org>";
    vec![
        ("deep", vec![format!(r#"{{"a":{deep}}}"#)], format!(r#"{{"note":{deep}}}"#)),
        ("deep within the limit", vec![format!(r#"{{"a":{}1{}}}"#, "[".repeat(30), "]".repeat(30))], none()),
        ("long", vec![named(&"x".repeat(30_000))], json!({ "note": "y".repeat(30_000) }).to_string()),
        ("a line that no mail has", vec![named(&"x".repeat(8_000))], none()),
        ("no number", vec![r#"{"score":1e999}"#.to_owned()], r#"{"note":-1e999}"#.to_owned()),
        ("no number as text", vec![r#"{"score":"NaN"}"#.to_owned()], r#"{"note":"Infinity"}"#.to_owned()),
        ("a number of a thousand digits", vec![format!(r#"{{"score":{}}}"#, "9".repeat(1_000))], none()),
        ("lines", vec![named(injected)], json!({ "note": injected }).to_string()),
        ("control characters", vec![named("\u{1b}[2J\u{7}\u{8}\u{202e}\u{feff}")], none()),
        (
            "no character at all",
            vec![r#"{"first_name":"a\u0000b"}"#.to_owned()],
            r#"{"note":"\u0000"}"#.to_owned(),
        ),
        (
            "half a character",
            vec![r#"{"first_name":"\ud800"}"#.to_owned()],
            r#"{"note":"\udfff"}"#.to_owned(),
        ),
        ("ten thousand attributes", (0..40).map(many).collect(), none()),
        ("markup", vec![named("<script>{{ contact.email }}{% raw %}")], none()),
        ("a list in a list of 800", vec![none()], items(800, "item")),
        ("a list of 3,000", vec![none()], items(3_000, "i")),
        (
            "of another type",
            vec![r#"{"first_name":{"a":1},"score":[1]}"#.to_owned()],
            r#"{"note":7,"items":"x"}"#.to_owned(),
        ),
    ]
}

/// Sends events in one request, which must be taken.
async fn say(
    client: &reqwest::Client,
    workspace: &Workspace,
    key: &str,
    batch: &[String],
    what: &str,
) -> Json {
    let body = format!(r#"{{"batch":[{}]}}"#, batch.join(","));
    let request = client.post(workspace.url("/v1/batch")).basic_auth(key, Some("")).body(body);
    let answer = request.header("content-type", "application/json").send().await.unwrap();
    assert_eq!(answer.status(), 200, "{what}");
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// The ledger once everybody of the crowd has a mail and nothing is under way.
fn when_all_came(workspace: &Workspace, sink: &Sink, all: usize) -> BTreeMap<String, String> {
    // A large crowd takes its time.
    let mut came = 0;
    while came < all {
        came = wait_for("another mail", || Some(sink.count()).filter(|count| *count > came));
    }
    let is_of_crowd = |to: &str| to.starts_with('p') && !to.starts_with("poison");
    wait_for("the mails of the crowd", || {
        let ledger = ledger(workspace);
        let open = ledger.values().any(|state| state == "decided" || state == "handed_over");
        let crowd = sink.mails().iter().filter(|mail| is_of_crowd(&mail.to)).count();
        (!open && crowd == all).then_some(ledger)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_meant_harms_nobody_else() {
    let (sink, port) = Sink::start();
    let workspace = Workspace::new(JOURNEYS, port, "");
    let crowd = number("LOTSE_ROWS", CROWD);
    let poisons = poisons();
    let mut rows = String::from("external_id,email\n");
    for number in 0..poisons.len() as u64 * crowd {
        rows += &format!("p{number},p{number}@example.org\n");
    }
    for number in 0..poisons.len() {
        rows += &format!("poison{number},poison{number}@example.org\n");
    }
    write(&workspace.path("people.csv"), &rows);
    workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"]);
    let key = workspace.ask(&["token", "create", "shop", "--role", "ingest"]).trim().to_owned();
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let running = workspace.run();
    let mut aside = 0;
    for (number, (what, traits, properties)) in poisons.iter().enumerate() {
        let who = format!("poison{number}");
        let mut batch: Vec<String> = traits
            .iter()
            .map(|traits| format!(r#"{{"type":"identify","userId":"{who}","traits":{traits}}}"#))
            .collect();
        batch.push(format!(
            r#"{{"type":"track","event":"signed_up","userId":"{who}","properties":{properties}}}"#
        ));
        let sent = batch.len();
        let mut behind = (number as u64 * crowd..(number as u64 + 1) * crowd)
            .map(|person| format!(r#"{{"type":"track","event":"signed_up","userId":"p{person}"}}"#));
        batch.extend(behind.by_ref().take(TOGETHER));
        let answer = say(&client, &workspace, &key, &batch, what).await;
        let refused = answer["quarantined"].as_array().unwrap();
        let is_poison = |one: &Json| one["index"].as_u64().unwrap() < sent as u64;
        assert!(refused.iter().all(is_poison), "{what}: {answer}");
        assert_eq!(answer["accepted"].as_u64().unwrap() as usize + refused.len(), batch.len(), "{what}");
        aside += refused.len();
        loop {
            let more: Vec<String> = behind.by_ref().take(TOGETHER).collect();
            if more.is_empty() {
                break;
            }
            assert_eq!(say(&client, &workspace, &key, &more, what).await["accepted"], more.len());
        }
    }
    assert!(aside > 0);
    let all = poisons.len() as u64 * crowd;
    let ledger = tokio::task::block_in_place(|| when_all_came(&workspace, &sink, all as usize));
    running.end();
    agree(&ledger, &sink);
    audited(&workspace);
    for mail in sink.mails() {
        let head = mail.raw.split("\r\n\r\n").next().unwrap();
        assert!(!head.to_ascii_lowercase().contains("\r\nbcc"), "{head}");
        assert!(
            mail.raw.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])),
            "{}",
            mail.to
        );
        assert!(mail.to.ends_with("@example.org") && !mail.to.starts_with("evil"));
    }
    let refused = workspace.ask_json(&["deliveries", "list", "--format", "json"]);
    let refused = refused.as_array().unwrap();
    assert!(!refused.is_empty(), "no template failed: the test proves little");
    for delivery in refused {
        let why = delivery["answer"].as_str().unwrap();
        assert!(why.starts_with("its template could not be filled in: "), "{delivery}");
    }
    println!("{all} mails of the crowd; {aside} inputs put aside, {} mails not written", refused.len());
}
