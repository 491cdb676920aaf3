//! Several processes on one PostgreSQL: one for the web and two workers, of which one is killed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::postgres::{Server, server};
use super::receipts::{id_of, ledger, sign_up};
use super::sink::Sink;
use super::{PATIENCE, Workspace, wait_for, write};

/// People who come one after the other, and then all at once.
const ALONE: u64 = 40;
const TOGETHER: u64 = 80;
/// Mails that arrive from the crowd before a worker is killed.
const BEFORE_KILL: usize = 30;
/// Mails that a process may have let go and not sent when it dies: on each of its four connections two batches of
/// sixteen.
const UNDER_WAY: usize = 4 * 2 * 16;

const JOURNEYS: &str = r#"
contact { }
event signed_up { }
event bought { }
topic news "News"
email one { topic news from shop subject "One" body "One. {{ unsubscribe_url }}" }
email two { topic news from shop subject "Two" body "Two. {{ unsubscribe_url }}" }
journey pair "Two mails" {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage first { send email one  wait 1 second  send email two  end }
}
"#;

const WORKER: [&str; 4] = ["--only", "worker", "--listen", "127.0.0.1:0"];

/// A workspace whose database is on the server.
fn workspace(smtp: u16, url: &str) -> Workspace {
    let workspace = Workspace::on(url, JOURNEYS, smtp, "");
    let rows: String =
        (0..ALONE + TOGETHER).map(|person| format!("p{person},p{person}@example.org\n")).collect();
    write(&workspace.path("people.csv"), &format!("external_id,email\n{rows}"));
    workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"]);
    workspace
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_and_a_web_share_the_work_and_one_of_them_dies() {
    let Some(server) = server() else { return };
    let (sink, port) = Sink::start();
    let name = server.create(None);
    let workspace = workspace(port, &server.url(&name));
    let key = workspace.ask(&["token", "create", "shop", "--role", "ingest"]).trim().to_owned();
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let web = workspace.run_with(&["--only", "web"]);
    let (one, other) = (workspace.run_with(&WORKER), workspace.run_with(&WORKER));

    let mut took = Vec::new();
    for person in 0..ALONE {
        let to = format!("p{person}@example.org");
        #[expect(clippy::disallowed_methods, reason = "it is measured how long the world takes")]
        let begun = Instant::now();
        assert!(sign_up(&client, &workspace, &key, person).await);
        let came = || sink.mails().iter().any(|mail| mail.to.contains(&to)).then_some(());
        tokio::task::block_in_place(|| wait_for("a mail", came));
        took.push(begun.elapsed());
    }

    let begun = sink.mails().len();
    let crowd = (ALONE..ALONE + TOGETHER).map(|person| sign_up(&client, &workspace, &key, person));
    let killing = tokio::task::spawn_blocking({
        let sink = std::sync::Arc::clone(&sink);
        move || {
            wait_for("the first mails of the crowd", || {
                (sink.mails().len() >= begun + BEFORE_KILL).then_some(())
            });
            one.kill();
        }
    });
    let mut answered = 0;
    for signing_up in crowd {
        answered += u64::from(signing_up.await);
    }
    assert_eq!(answered, TOGETHER);
    killing.await.unwrap();

    let all = (ALONE + TOGETHER) as usize * 2;
    // What the one that died was handing over is nobody's for two minutes.
    let settled = || {
        let ledger = ledger(&workspace);
        let of = |state: &str| ledger.values().filter(|found| *found == state).count();
        let open = of("handed_over") + of("unsure");
        (ledger.len() == all && of("accepted") + open == all && open <= UNDER_WAY).then_some(ledger)
    };
    let ledger = tokio::task::block_in_place(|| wait_for("the end of all journeys", settled));
    other.end();
    web.end();

    let mut got: BTreeMap<String, usize> = BTreeMap::new();
    for mail in sink.mails() {
        *got.entry(id_of(&mail.header("Message-ID"))).or_default() += 1;
    }
    assert!(got.values().all(|times| *times == 1), "sent twice: {got:?}");
    assert!(got.keys().all(|id| ledger.contains_key(id)), "what came stands in the ledger");
    for (id, state) in &ledger {
        assert!(state != "accepted" || got.contains_key(id), "{id} is said to be accepted, and never came");
    }
    took.sort();
    let of = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
    println!("from an event to its mail: p50 {:?}, p99 {:?}", of(0.5), of(0.99));
    // Without being told, a worker looks once a second at the most.
    assert!(of(0.5) < Duration::from_millis(700), "nobody is told: {took:?}");

    copied_back_and_forth(&workspace, server, &server.url(&name));
    server.drop(&name);
}

/// The whole installation goes into a file and from there into another database.
fn copied_back_and_forth(workspace: &Workspace, server: &Server, url: &str) {
    let second = server.create(None);
    let said = workspace.ask(&["copy", "--from", url, "--to", "sqlite://copy.db"]);
    assert!(said.contains("both hold the same"), "{said}");
    let said = workspace.ask(&["copy", "--from", "sqlite://copy.db", "--to", &server.url(&second)]);
    assert!(said.contains("both hold the same"), "{said}");
    let refused = workspace.command().args(["copy", "--from", url, "--to", "sqlite://copy.db"]).output();
    let said = String::from_utf8(refused.unwrap().stderr).unwrap();
    assert!(said.contains("is not empty"), "{said}");
    server.drop(&second);
}

/// Nobody could tell its journeys from those of another that says nothing either.
#[test]
fn on_a_server_a_workspace_says_what_it_is_called() {
    let Some(server) = server() else { return };
    let name = server.create(None);
    let workspace = Workspace::on(&server.url(&name), JOURNEYS, 1, "");
    let config = std::fs::read_to_string(workspace.path("lotse.yaml")).unwrap();
    write(&workspace.path("lotse.yaml"), &config.replace("workspace: tests\n", ""));
    for arguments in [&["run"][..], &["run", "--take-over"], &["doctor"]] {
        let output = workspace.command().args(arguments).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!output.status.success() && said.contains("write `workspace: NAME`"), "{said}");
    }
    server.drop(&name);
}

#[test]
fn a_file_is_not_shared() {
    let workspace = Workspace::new(JOURNEYS, 1, "");
    for part in ["web", "worker"] {
        let output = workspace.command().args(["run", "--only", part]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("`--only {part}` needs a database")), "{said}");
    }
}
