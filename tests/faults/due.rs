//! A crowd that is due all at once: memory does not grow with it, nobody gets more than the cap, and what comes in
//! meanwhile is taken. `LOTSE_DUE` says how many there are.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::number;
use crate::program::receipts::{agree, audited, count, ledger};
use crate::program::sink::Sink;
use crate::program::{PATIENCE, Workspace, wait_for, write};

const DUE: u64 = 5_000;
/// The most memory that the program ever has, whatever is due.
const MEMORY_MIB_MAX: u64 = 300;
/// How long whoever brings events waits for the answer, at the most. The program is not optimized, and not alone.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// How many people one command enters.
const TOGETHER: u64 = 2_500;

const JOURNEYS: &str = r#"
contact { }
event signed_up { }
event bought { }
topic news "News"
policy { cap email 1 per 1 day then skip }
email one { topic news from shop subject "One" body "One. {{ unsubscribe_url }}" }
email two { topic news from shop subject "Two" body "Two. {{ unsubscribe_url }}" }
journey crowd "Two mails" {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage first { send email one  wait 1 second  send email two  end }
}
"#;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_is_due_at_once_takes_no_memory() {
    let (sink, port) = Sink::start();
    let workspace = Workspace::new(JOURNEYS, port, "");
    let due = number("LOTSE_DUE", DUE);
    let rows: String = (0..due).map(|person| format!("p{person},p{person}@example.org\n")).collect();
    write(&workspace.path("people.csv"), &format!("external_id,email\n{rows}"));
    workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"]);
    let key = workspace.ask(&["token", "create", "shop", "--role", "ingest"]).trim().to_owned();
    // It puts the journey into force, and ends.
    workspace.run().end();
    for first in (0..due).step_by(TOGETHER as usize) {
        let people: Vec<String> =
            (first..due.min(first + TOGETHER)).map(|person| format!("p{person}")).collect();
        let people = people.iter().map(String::as_str);
        workspace.ask(&["enter", "crowd"].into_iter().chain(people).collect::<Vec<_>>());
    }

    let begun = Instant::now();
    let running = workspace.run();
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let mut answers = Vec::new();
    while (sink.mails().len() as u64) < due {
        let number = answers.len();
        let body = format!(r#"{{"batch":[{{"type":"track","event":"seen","userId":"q{number}"}}]}}"#);
        let asked = Instant::now();
        let request = client.post(workspace.url("/v1/batch")).basic_auth(&key, Some("")).body(body);
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answers.push(asked.elapsed());
        assert!(asked.elapsed() < ANSWER_MAX, "{:?}", asked.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed();
    let settled = || {
        let ledger = ledger(&workspace);
        (ledger.len() as u64 == 2 * due).then_some(ledger)
    };
    let ledger = tokio::task::block_in_place(|| wait_for("the end of all journeys", settled));
    let memory = running.memory_mib();
    running.end();
    answers.sort();
    println!(
        "{due} at once: {took:?}, {memory} MiB at the most, /v1/batch at most {:?}",
        answers.last().unwrap()
    );
    assert!(memory < MEMORY_MIB_MAX, "{memory} MiB");
    agree(&ledger, &sink);
    let mut each: BTreeMap<String, u32> = BTreeMap::new();
    for mail in sink.mails() {
        *each.entry(mail.to).or_default() += 1;
    }
    assert!(each.values().all(|mails| *mails == 1), "the cap is kept");
    assert_eq!((count(&ledger, "accepted") as u64, count(&ledger, "skipped") as u64), (due, due));
    audited(&workspace);
}
