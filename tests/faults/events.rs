//! Events as the world sends them: several times and all at once, in no order, days late, and from clocks that are ahead.
//! Each counts once, for every process that takes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use lotse::time::{Clock as _, Moment, SystemClock};
use tokio::task::JoinSet;

use crate::program::postgres::server;
use crate::program::receipts::{agree, audited, ledger};
use crate::program::sink::Sink;
use crate::program::{PATIENCE, Workspace, free_port, wait_for, write};
use crate::simulation::chance::Chance;

const PEOPLE: u64 = 30;
/// How often each event is sent, at the most.
const TIMES_MAX: u64 = 6;
/// How many say the same thing at once.
const AT_ONCE: usize = 100;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// When people visited, in seconds from now; what is ahead happens now.
const VISITS: [i64; 5] = [-9 * DAY, -3 * DAY, -HOUR, 0, 2 * DAY];

const JOURNEYS: &str = r#"
contact { }
event signed_up { }
event visited { }
event asked { }
event bought { }
topic news "News"
email hello { topic news from shop subject "Hello" body "Hello. {{ unsubscribe_url }}" }
email five { topic news from shop subject "Five" body "Five. {{ unsubscribe_url }}" }
email other { topic news from shop subject "Other" body "Other. {{ unsubscribe_url }}" }
journey welcome {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage first { send email hello  end }
}
journey visits {
  owner "ops@example.com"
  enter on asked
  permission news
  goal sale on bought within 30 days
  stage first {
    if count(visited in last 30 days) == 5 { send email five } else { send email other }
    end
  }
}
"#;

/// What is said of all people, each several times, in no order.
fn shuffled(now: Moment) -> Vec<String> {
    let mut chance = Chance::new(0x5eed_f16d);
    let mut all = Vec::new();
    for person in 0..PEOPLE {
        let visits = VISITS.iter().map(|seconds| ("visited", *seconds));
        for (event, seconds) in visits.chain([("signed_up", -2 * DAY)]) {
            let at = now.plus_seconds(seconds);
            let said = format!(
                r#"{{"event":"{event}","userId":"p{person}","messageId":"{event} {seconds}","timestamp":"{at}"}}"#
            );
            all.extend(std::iter::repeat_n(said, 1 + chance.below(TIMES_MAX) as usize));
        }
    }
    for last in (1..all.len()).rev() {
        all.swap(last, chance.below(last as u64 + 1) as usize);
    }
    all
}

/// Says everything at once, in turn to each address.
async fn say(urls: &[String], key: &str, all: Vec<String>) {
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut saying = JoinSet::new();
    for (number, body) in all.into_iter().enumerate() {
        let url = &urls[number % urls.len()];
        let request = client.post(format!("{url}/v1/track")).basic_auth(key, Some("")).body(body);
        let places = Arc::clone(&places);
        saying.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let answer = request.header("content-type", "application/json").send().await.unwrap();
            assert_eq!(answer.status(), 200);
        });
    }
    while let Some(said) = saying.join_next().await {
        said.unwrap();
    }
}

/// What each got, by the subject.
fn mails(sink: &Sink) -> BTreeMap<String, usize> {
    let mut mails = BTreeMap::new();
    for mail in sink.mails() {
        *mails.entry(mail.header("Subject")).or_default() += 1;
    }
    mails
}

async fn count_once(database: Option<&str>) {
    let (sink, port) = Sink::start();
    let workspace = Workspace::on(database.unwrap_or("sqlite://lotse.db"), JOURNEYS, port, "");
    let mut rows = String::from("external_id,email\n");
    rows.extend((0..PEOPLE).map(|person| format!("p{person},p{person}@example.org\n")));
    write(&workspace.path("people.csv"), &rows);
    workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"]);
    let key = workspace.ask(&["token", "create", "shop", "--role", "ingest"]).trim().to_owned();
    let mut running = vec![workspace.run()];
    let mut urls = vec![workspace.url("")];
    if database.is_some() {
        let second = format!("127.0.0.1:{}", free_port());
        running.push(workspace.run_with(&["--listen", &second]));
        urls.push(format!("http://{second}"));
    }
    let now = SystemClock.now();
    say(&urls, &key, shuffled(now)).await;
    for person in 0..PEOPLE {
        let asked =
            format!(r#"{{"event":"asked","userId":"p{person}","messageId":"asked","timestamp":"{now}"}}"#);
        let times = if person == 0 { AT_ONCE } else { 2 };
        say(&urls, &key, vec![asked; times]).await;
    }
    let people = PEOPLE as usize;
    let expected = BTreeMap::from([("Hello".to_owned(), people), ("Five".to_owned(), people)]);
    let all_came = || (sink.mails().len() >= 2 * people).then_some(());
    tokio::task::block_in_place(|| wait_for("two mails for each", all_came));
    running.into_iter().for_each(|process| process.end());
    assert_eq!(mails(&sink), expected);
    agree(&ledger(&workspace), &sink);
    audited(&workspace);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_counts_once_however_it_comes() {
    count_once(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_counts_once_whichever_process_takes_it() {
    let Some(server) = server() else { return };
    let name = server.create(None);
    count_once(Some(&server.url(&name))).await;
    server.drop(&name);
}
