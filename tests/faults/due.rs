//! A crowd that is due all at once: memory does not grow with it, nobody gets more than the cap, and what comes in
//! meanwhile is taken. `LOTSE_DUE` says how many there are.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};
use tokio::time::Instant;

use super::number;
use crate::program::counting::Counting;
use crate::program::receipts::audited;
use crate::program::{PATIENCE, Workspace, write};

const DUE: u64 = 5_000;
/// The most memory that the program ever has, whatever is due.
const MEMORY_MIB_MAX: u64 = 300;
/// How long whoever brings events waits for the answer, at the most. The program is not optimized, and not alone.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// How many people one command enters.
const TOGETHER: u64 = 2_500;
/// How often somebody brings an event meanwhile.
const PAUSE: Duration = Duration::from_millis(20);

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
    let (mails, port) = Counting::mails();
    let workspace = Workspace::new(JOURNEYS, port, "");
    let due = number("LOTSE_DUE", DUE);
    let key = crowd(&workspace, due);
    let begun = Instant::now();
    let running = workspace.run();
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let mut answers = Vec::new();
    let mut came = (0, Instant::now());
    while mails.count() < due {
        if mails.count() > came.0 {
            came = (mails.count(), Instant::now());
        }
        assert!(came.1.elapsed() < PATIENCE, "only {} of {due} mails came", came.0);
        let number = answers.len();
        let body = format!(r#"{{"batch":[{{"type":"track","event":"seen","userId":"q{number}"}}]}}"#);
        let asked = Instant::now();
        let request = client.post(workspace.url("/v1/batch")).basic_auth(&key, Some("")).body(body);
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answers.push(asked.elapsed());
        assert!(asked.elapsed() < ANSWER_MAX, "{:?}", asked.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    let took = begun.elapsed();
    let mut database = connect(&workspace).await;
    let end = Instant::now() + PATIENCE;
    while settled(&mut database).await < 2 * due {
        assert!(Instant::now() < end, "not all journeys come to their end");
        tokio::time::sleep(PAUSE).await;
    }
    let memory = running.memory_mib();
    running.end();
    answers.sort();
    println!(
        "{due} at once: {took:?}, {memory} MiB at the most, /v1/batch at most {:?}",
        answers.last().unwrap()
    );
    assert!(memory < MEMORY_MIB_MAX, "{memory} MiB");
    let times = mails.times();
    assert!(times.values().all(|times| *times == 1), "a mail came twice");
    assert_eq!(accepted_of_each(&mut database, due).await, times.into_keys().collect());
    audited(&workspace);
}

/// People who are to get a first mail at once, all of them; gives a key for events.
fn crowd(workspace: &Workspace, due: u64) -> String {
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
    key
}

async fn connect(workspace: &Workspace) -> SqliteConnection {
    let url = format!("sqlite://{}", workspace.path("lotse.db").display());
    SqliteConnection::connect(&url).await.unwrap()
}

/// How many mails have come to their end.
async fn settled(database: &mut SqliteConnection) -> u64 {
    let sql = "SELECT count(*) FROM message WHERE state IN ('accepted', 'skipped')";
    sqlx::query(sql).fetch_one(database).await.unwrap().get::<i64, _>(0).unsigned_abs()
}

/// The mails that were accepted: of each person one, and the cap has held the other back.
async fn accepted_of_each(database: &mut SqliteConnection, people: u64) -> HashSet<u128> {
    let rows = sqlx::query("SELECT contact, id, state FROM message").fetch_all(database).await.unwrap();
    let number = |bytes: Vec<u8>| uuid::Uuid::from_slice(&bytes).unwrap().as_u128();
    let mut accepted = HashSet::new();
    let mut of_each: HashMap<u128, [u32; 2]> = HashMap::new();
    for row in rows {
        let is_accepted = row.get::<String, _>("state") == "accepted";
        if is_accepted {
            accepted.insert(number(row.get("id")));
        }
        of_each.entry(number(row.get("contact"))).or_default()[usize::from(is_accepted)] += 1;
    }
    assert_eq!(of_each.len() as u64, people);
    assert!(of_each.values().all(|mails| *mails == [1, 1]), "the cap is kept");
    accepted
}
