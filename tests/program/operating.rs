//! What whoever runs the program does with it: restarting, holding, restoring a backup, looking at what is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::sink::Sink;
use super::{PATIENCE, Workspace, wait_for, write};

const JOURNEYS: &str = r#"
contact { }
event signed_up { }
event bought { }
topic news "News"
email hello { topic news from shop subject "Hello" body "Hello. {{ unsubscribe_url }}" }
journey welcome "Welcome" {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage first { send email hello  end }
}
"#;

/// A workspace with people of these names at example.org, and a key for events.
fn workspace(smtp: u16, people: &[&str]) -> (Workspace, String) {
    let workspace = Workspace::new(JOURNEYS, smtp, "");
    let rows: String = people.iter().map(|name| format!("{name},{name}@example.org\n")).collect();
    write(&workspace.path("people.csv"), &format!("external_id,email\n{rows}"));
    workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"]);
    let key = workspace.ask(&["token", "create", "shop", "--role", "ingest"]).trim().to_owned();
    (workspace, key)
}

/// Signs somebody up; whether it was answered to be lasting.
async fn sign_up(workspace: &Workspace, key: &str, name: &str) -> bool {
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let body = format!(r#"{{"event":"signed_up","userId":"{name}","messageId":"m-{name}"}}"#);
    let request = client.post(workspace.url("/v1/track")).basic_auth(key, Some("")).body(body);
    let answer = request.header("content-type", "application/json").send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

/// The states of all messages by how many are in each.
fn states(workspace: &Workspace) -> BTreeMap<String, usize> {
    let all = workspace.ask_json(&["deliveries", "list", "--all", "--limit", "10000", "--format", "json"]);
    let mut states = BTreeMap::new();
    for delivery in all.as_array().unwrap() {
        *states.entry(delivery["state"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    states
}

fn until_states(workspace: &Workspace, expected: &[(&str, usize)]) {
    let expected: BTreeMap<String, usize> =
        expected.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect();
    let look = || (states(workspace) == expected).then_some(());
    tokio::task::block_in_place(|| wait_for(&format!("{expected:?}"), look));
}

async fn get(workspace: &Workspace, path: &str, key: Option<&str>) -> (u16, String) {
    let mut request = reqwest::Client::builder().build().unwrap().get(workspace.url(path));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_under_load_lose_nothing_and_make_nothing_unsure() {
    const RESTARTS: usize = 6;
    let (sink, port) = Sink::start();
    let names: Vec<String> = (0..120).map(|number| format!("p{number}")).collect();
    let (workspace, key) = workspace(port, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let (workspace, over) = (Arc::new(workspace), Arc::new(AtomicBool::new(false)));
    let restarting = tokio::task::spawn_blocking({
        let (workspace, sink, over) = (Arc::clone(&workspace), Arc::clone(&sink), Arc::clone(&over));
        move || {
            for restart in 0..RESTARTS {
                let running = workspace.run();
                // In the middle of the work: some of the mails have come, some lines of the next.
                wait_for("more mails", || (sink.mails().len() > 15 * restart).then_some(()));
                running.end();
            }
            over.store(true, Ordering::SeqCst);
            workspace.run()
        }
    });
    for name in &names {
        // As SDKs do: what was not answered is said again.
        while !sign_up(&workspace, &key, name).await {
            tokio::task::yield_now().await;
        }
    }
    let running = restarting.await.unwrap();
    assert!(over.load(Ordering::SeqCst));
    until_states(&workspace, &[("accepted", names.len())]);
    running.end();
    let mut got: Vec<String> = sink.mails().into_iter().map(|mail| mail.to).collect();
    got.sort();
    let mut expected: Vec<String> = names.iter().map(|name| format!("{name}@example.org")).collect();
    expected.sort();
    assert_eq!(got, expected, "everybody got one mail");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_hangs_does_not_keep_the_program() {
    let (sink, port) = Sink::start();
    let (workspace, key) = workspace(port, &["hangs"]);
    let running = workspace.run_with(&["--grace", "1"]);
    assert!(sign_up(&workspace, &key, "hangs").await);
    tokio::task::block_in_place(|| wait_for("the mail", || sink.mails().pop()));
    let said = tokio::task::block_in_place(|| running.end_and_tell());
    assert!(said.iter().any(|line| line.contains("some hand-overs took too long")), "{said:#?}");
    assert_eq!(states(&workspace), [("handed_over".to_owned(), 1)].into());
    let running = workspace.run();
    until_states(&workspace, &[("unsure", 1)]);
    running.end();
    let retried = workspace.ask(&["deliveries", "retry", "--state", "unsure"]);
    assert!(retried.contains("`hello` is tried again"), "{retried}");
    assert_eq!(states(&workspace), [("decided".to_owned(), 1)].into());
    assert_eq!(workspace.ask(&["deliveries", "retry", "--state", "unsure"]), "there is none in that state\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_backup_holds_until_somebody_looks() {
    let (sink, port) = Sink::start();
    let (workspace, key) = workspace(port, &["ada", "ben", "cleo"]);
    let mails = || sink.mails().iter().map(|mail| mail.to.clone()).collect::<Vec<_>>();
    let running = workspace.run();
    assert!(sign_up(&workspace, &key, "ada").await);
    until_states(&workspace, &[("accepted", 1)]);
    running.end();
    let backup = std::fs::read(workspace.path("lotse.db")).unwrap();
    // An ordinary restart holds nothing.
    let running = workspace.run();
    assert!(sign_up(&workspace, &key, "ben").await);
    until_states(&workspace, &[("accepted", 2)]);
    running.end();

    // Twice, as somebody does who takes the wrong one first.
    std::fs::write(workspace.path("lotse.db"), &backup).unwrap();
    workspace.run().end();
    std::fs::write(workspace.path("lotse.db"), backup).unwrap();
    let running = workspace.run();
    assert!(sign_up(&workspace, &key, "cleo").await);
    until_states(&workspace, &[("accepted", 1), ("decided", 1)]);
    let (status, ready) = get(&workspace, "/readyz", None).await;
    assert_eq!(status, 200, "{ready}");
    assert!(ready.contains("1 messages and calls went out since that it does not know of"), "{ready}");
    // What holds is in the database, so it outlives a restart.
    let said = tokio::task::block_in_place(|| running.end_and_tell());
    let told = |said: &[String]| said.iter().any(|line| line.contains("nothing is handed over"));
    assert!(told(&said), "{said:#?}");
    let running = workspace.run();
    assert!(told(&running.said), "{:#?}", running.said);
    assert_eq!(mails(), ["ada@example.org", "ben@example.org"]);
    let resumed = workspace.ask(&["resume"]);
    assert_eq!(
        resumed,
        "it goes on in ./lotse.db: 1 message and 0 calls are due; what is too late by `late` of the policy is left out\n"
    );
    until_states(&workspace, &[("accepted", 2)]);
    assert_eq!(mails(), ["ada@example.org", "ben@example.org", "cleo@example.org"]);

    // By hand it is the same, beside the program at work.
    let mut running = running;
    #[expect(clippy::disallowed_methods, reason = "it is measured how long the program waits")]
    let begun = Instant::now();
    workspace.ask(&["hold", "--because", "the shop moves"]);
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "what the gate let through has a second to begin to go"
    );
    tokio::task::block_in_place(|| running.says("nothing is handed over from now on"));
    let doctor = String::from_utf8(workspace.command().arg("doctor").output().unwrap().stdout).unwrap();
    let sending = doctor.lines().find(|line| line.starts_with("weak  sending"));
    assert!(sending.is_some_and(|line| line.contains("the shop moves")), "{doctor}");
    assert!(sign_up(&workspace, &key, "ben").await);
    tokio::task::block_in_place(|| {
        wait_for("why it waits", || {
            workspace.ask(&["why", "ben"]).contains("everything is held since").then_some(())
        });
    });
    let (_, ready) = get(&workspace, "/readyz", None).await;
    assert!(ready.contains("the shop moves"), "{ready}");
    assert_eq!(workspace.ask(&["resume"]).lines().count(), 1);
    assert_eq!(workspace.ask(&["resume"]), "nothing was held in ./lotse.db\n");
    tokio::task::block_in_place(|| running.says("it goes on"));
    assert!(running.said.iter().any(|line| line.contains("starting") && line.contains("lotse.db")));
    tokio::task::block_in_place(|| running.end());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_counted_can_be_read() {
    let (_sink, port) = Sink::start();
    let (workspace, key) = workspace(port, &["ada", "refused"]);
    let metrics = workspace.ask(&["token", "create", "prometheus", "--role", "metrics"]).trim().to_owned();
    let running = workspace.run();
    assert!(sign_up(&workspace, &key, "ada").await && sign_up(&workspace, &key, "refused").await);
    until_states(&workspace, &[("accepted", 1), ("refused", 1)]);
    let (status, page) = get(&workspace, "/metrics", Some(&metrics)).await;
    assert_eq!(status, 200, "{page}");
    for line in [
        "lotse_messages_total{channel=\"email\",state=\"decided\"} 2",
        "lotse_messages_total{channel=\"email\",state=\"accepted\"} 1",
        "lotse_messages_total{channel=\"email\",state=\"refused\"} 1",
        "lotse_delivery_duration_seconds_count{kind=\"email\",receiver=\"email\"} 2",
        "lotse_arrivals_total{result=\"stored\"} 2",
        "lotse_smtp_connections{state=\"busy\"} 0",
        "lotse_event_wait_seconds_count 2",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
    for name in [
        "process_resident_memory_bytes ",
        "lotse_database_free_bytes ",
        "lotse_turn_batch_duration_seconds_sum ",
    ] {
        let value =
            page.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}"));
        assert!(value.parse::<f64>().unwrap() > 0.0, "{name}{value}");
    }
    assert_eq!(get(&workspace, "/metrics", None).await.0, 401);
    tokio::task::block_in_place(|| running.end());
}
