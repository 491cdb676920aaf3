//! A hundred times `kill -9` at moments nobody chose, and the ledger beside what the mail server got.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::sink::Sink;
use super::{PATIENCE, Workspace, wait_for, write};

const KILLS: u64 = 100;
/// People who sign up in each life of the program.
const PEOPLE_EACH: u64 = 3;
const MAILS_EACH: usize = 3;
/// The most lines of SMTP that a life lasts.
const LINES_MAX: u64 = 60;
/// How long a life lasts where nothing is to be sent.
const LIFE_MAX: Duration = Duration::from_millis(700);

const JOURNEYS: &str = r#"
contact { }
event signed_up { }
event bought { }
topic news "News"
email one { topic news from shop subject "One" body "One. {{ unsubscribe_url }}" }
email two { topic news from shop subject "Two" body "Two. {{ unsubscribe_url }}" }
email three { topic news from shop subject "Three" body "Three. {{ unsubscribe_url }}" }
journey burst "Three mails" {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage first { send email one  wait 1 second  send email two  wait 1 second  send email three  end }
}
"#;

/// Numbers that look like chance and are the same every time (xorshift, Marsaglia 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Signs somebody up; whether the answer came, and was that it is lasting.
pub(super) async fn sign_up(client: &reqwest::Client, workspace: &Workspace, key: &str, person: u64) -> bool {
    let body = format!(
        r#"{{"type":"track","event":"signed_up","userId":"p{person}","messageId":"m{person}","timestamp":"2026-01-01T10:00:00Z"}}"#
    );
    let request = client.post(workspace.url("/v1/track")).basic_auth(key, Some("")).body(body);
    let answer = request.header("content-type", "application/json").send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_kills_cost_nothing() {
    let (sink, port) = Sink::start();
    let workspace = Workspace::new(JOURNEYS, port, "");
    let people = KILLS * PEOPLE_EACH;
    let rows: String = (0..people).map(|person| format!("p{person},p{person}@example.org\n")).collect();
    write(&workspace.path("people.csv"), &format!("external_id,email\n{rows}"));
    workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"]);
    let key = workspace.ask(&["token", "create", "shop", "--role", "ingest"]).trim().to_owned();
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();

    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut unanswered: BTreeSet<u64> = BTreeSet::new();
    for life in 0..KILLS {
        let running = workspace.run();
        unanswered.extend(life * PEOPLE_EACH..(life + 1) * PEOPLE_EACH);
        let sending = async {
            let mut answered = Vec::new();
            for person in &unanswered {
                if sign_up(&client, &workspace, &key, *person).await {
                    answered.push(*person);
                }
            }
            answered
        };
        let lines = 1 + chance.below(LINES_MAX);
        let killing = tokio::task::spawn_blocking({
            let sink = std::sync::Arc::clone(&sink);
            move || {
                sink.wait_for_lines(lines, LIFE_MAX);
                running.kill();
            }
        });
        let (answered, killed) = tokio::join!(sending, killing);
        killed.unwrap();
        for person in answered {
            unanswered.remove(&person);
        }
    }

    let running = workspace.run();
    for person in &unanswered {
        assert!(sign_up(&client, &workspace, &key, *person).await);
    }
    let all = people as usize * MAILS_EACH;
    let settled = || {
        let ledger = ledger(&workspace);
        let through = ledger.values().all(|state| state == "accepted" || state == "unsure");
        (through && ledger.len() == all).then_some(ledger)
    };
    let ledger = tokio::task::block_in_place(|| wait_for("the end of all journeys", settled));
    running.end();

    let mut got: BTreeMap<String, usize> = BTreeMap::new();
    for mail in sink.mails() {
        *got.entry(id_of(&mail.header("Message-ID"))).or_default() += 1;
    }
    let twice: Vec<_> = got.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    for (id, state) in &ledger {
        assert!(state != "accepted" || got.contains_key(id), "{id} is said to be accepted, and never came");
    }
    for id in got.keys() {
        assert!(ledger.contains_key(id), "{id} came, and stands in no ledger");
    }
    let unsure = ledger.values().filter(|state| *state == "unsure").count();
    let came = ledger.iter().filter(|(id, state)| *state == "unsure" && got.contains_key(*id)).count();
    println!(
        "{all} mails, {KILLS} kills: {} came, each once; {unsure} unsure, of which {came} came",
        got.len()
    );
    assert!(unsure > 0, "no kill hit a hand-over: the test proves little");
}

/// The state of each message by its id.
pub(super) fn ledger(workspace: &Workspace) -> BTreeMap<String, String> {
    let deliveries =
        workspace.ask_json(&["deliveries", "list", "--all", "--limit", "100000", "--format", "json"]);
    let text = |delivery: &serde_json::Value, key: &str| delivery[key].as_str().unwrap().to_owned();
    let entry = |delivery: &serde_json::Value| (text(delivery, "id"), text(delivery, "state"));
    deliveries.as_array().unwrap().iter().map(entry).collect()
}

/// The id of a message, in the Message-ID that stays the same over all tries.
pub(super) fn id_of(message_id: &str) -> String {
    message_id.trim_start_matches('<').split('@').next().unwrap().to_owned()
}
