//! What an older program has parked, a newer one finishes: a database as it was then stands beside this file as SQL.
//!
//! A change of what is stored in it (tables, states of runs, plans) that forgets those who are inside turns this red.
//! Before the first release, where tables may change in place, it is written anew:
//! `LOTSE_WRITE_FIXTURE=1 cargo test parked`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lotse::domain::{Attributes, CallState, MessageState};
use lotse::runtime::Outbound;
use lotse::store::sqlite::SqliteStore;
use lotse::store::{Store, Who};
use lotse::time::{Clock, ManualClock};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};

use super::hook::{Act, Hook, reply};
use super::house::{House, clock, eventually};
use super::mail::way;
use super::post::Post;

const HOUR: i64 = 3_600;
const LIMIT: Duration = Duration::from_secs(5);

const EVENTS: &str = r#"
event hit { }
event cart { cart_id text }
event purchase { total number }
event visit { }
topic news "News"
"#;

const JOURNEYS: &str = r#"
policy { quiet 22:00 to 07:00  cap email 3 per 2 days then wait up to 3 days  late 12 hours }
email hello { topic news from shop subject "Hi" body "Hi {{ contact.first_name }} {{ unsubscribe_url }}" }
sms ping { topic news text "Hi" }
contact { first_name text  birthday date }

journey lengths { enter on hit permission news goal buy on purchase within 9 days stage s { wait 3 hours send email hello end } }
journey days { enter on hit permission news goal buy on purchase within 9 days stage s { wait until 18:00 send email hello end } }
journey dates { enter on hit permission news goal buy on purchase within 9 days stage s { wait until contact.birthday at 10:00 send sms ping end } }
journey silence {
  enter on hit
  permission news
  goal buy on purchase within 9 days
  stage s { wait up to 2 days { on visit { end as came }  otherwise { go to late } } }
  stage late { wait 1 day  end as stayed_away }
}
journey carts {
  enter on cart per event.cart_id
  permission news
  goal buy on purchase within 9 days worth event.total
  leave on goal
  stage s { wait 5 days  end as left }
}
journey calls {
  enter on hit
  goal buy on purchase within 9 days
  stage s { call erp with { name contact.first_name } and wait up to 4 hours { on reply { end as answered } otherwise { end as silent } } }
}
journey leads {
  enter on hit
  goal buy on purchase within 9 days
  stage s { hand off to sales and wait up to 1 day { on accepted { end as taken } otherwise { end as open } } }
}
journey trials {
  enter on hit
  permission news
  goal buy on purchase within 9 days
  control 10%
  stage s { experiment words { variant a 50% { wait 1 hour } variant b 50% { wait 2 hours } }  end }
}
journey watched {
  enter after 4 days without visit
  permission news
  goal buy on purchase within 9 days
  stage s { send email hello at best time within 6 hours  end }
}
"#;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/fixtures/parked.sql")
}

/// A house's peers: a mail server, and a system for everything else.
struct Peers {
    post: Post,
    hook: Hook,
}

impl Peers {
    async fn new() -> Self {
        Self { post: Post::start(true).await, hook: Hook::start().await }
    }

    fn outbound(&self, clock: &Arc<ManualClock>) -> Outbound {
        let (_, out) = way(&self.post, LIMIT, 2, clock);
        let hook = |name: &str| [(name.to_owned(), self.hook.way(LIMIT))].into();
        Outbound { webhooks: hook("erp"), teams: hook("sales"), channels: hook("sms"), ..out }
    }
}

/// People in each kind of wait, a message that is decided, calls that are tried again.
async fn park(peers: &Peers, clock: Arc<ManualClock>) -> House {
    let house = House::open(&[EVENTS, JOURNEYS].concat(), peers.outbound(&clock), clock).await;
    let names = names();
    let mut rows: Vec<_> = names.iter().map(|name| super::house::row(name)).collect();
    for row in &mut rows {
        row.attributes.insert("first_name".to_owned(), "Ada".into());
        row.attributes.insert("birthday".to_owned(), "2027-03-04".into());
    }
    house.rows(rows).await;
    peers.hook.always(Some(Act::Say(reply("503 Busy", "", ""))));
    house.happens("hit", &names, &Attributes::new()).await;
    let cart = [("cart_id".to_owned(), "c1".into())].into_iter().collect();
    house.happens("cart", &names, &cart).await;
    let tried = async || {
        let calls = house.calls(&names[2]).await;
        (calls.len() == 2 && calls.iter().all(|stored| stored.attempts == 1)).then_some(())
    };
    eventually("the first attempts of calls", tried).await;
    house.pass(1);
    house
}

fn names() -> Vec<String> {
    (0..3).map(|number| format!("p{number}")).collect()
}

/// How each run ended.
async fn outcomes(house: &House) -> String {
    let mut text = String::new();
    for name in names() {
        let mut unit = house.store().read().await.unwrap();
        let contact = unit.find(&Who::External(name.clone())).await.unwrap().unwrap();
        let mut runs = unit.runs(contact.id).await.unwrap();
        runs.sort_by(|one, other| one.journey.cmp(&other.journey));
        for run in runs {
            let hours = run.ended_at.unwrap().micros_since(run.entered_at) / 1_000_000 / HOUR;
            let (journey, outcome) = (run.journey, run.outcome.unwrap());
            writeln!(text, "{name} {journey}: {outcome} after {hours} hours").unwrap();
        }
    }
    text
}

/// A database as SQL: its tables, and what is in them.
async fn dump(path: &Path) -> String {
    let mut connection = open(path).await;
    let tables =
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'table' DESC, rowid";
    let tables = sqlx::query(tables).fetch_all(&mut connection).await.unwrap();
    let mut text = String::new();
    for table in tables {
        let (name, sql): (String, String) = (table.get(0), table.get(1));
        writeln!(text, "{sql};").unwrap();
        let columns = format!("SELECT name FROM pragma_table_info('{name}')");
        let columns = sqlx::query(AssertSqlSafe(columns)).fetch_all(&mut connection).await.unwrap();
        let quoted: Vec<String> =
            columns.iter().map(|row| format!("quote({})", row.get::<String, _>(0))).collect();
        if quoted.is_empty() {
            continue;
        }
        let rows = format!("SELECT {} FROM {name}", quoted.join(" || ',' || "));
        for row in sqlx::query(AssertSqlSafe(rows)).fetch_all(&mut connection).await.unwrap() {
            writeln!(text, "INSERT INTO {name} VALUES ({});", row.get::<String, _>(0)).unwrap();
        }
    }
    connection.close().await.unwrap();
    text
}

async fn open(path: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    options.connect().await.unwrap()
}

#[tokio::test]
async fn what_is_parked_by_an_older_program_is_finished() {
    let (peers, time) = (Peers::new().await, clock());
    if std::env::var_os("LOTSE_WRITE_FIXTURE").is_some() {
        let house = park(&peers, Arc::clone(&time)).await;
        let database = house.database();
        let folder = house.end().await;
        std::fs::write(fixture(), dump(&database).await).unwrap();
        drop(folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lotse.db");
    let mut connection = open(&path).await;
    let text = std::fs::read_to_string(fixture()).unwrap();
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let store = SqliteStore::open(&path).await.unwrap();
    store.migrate().await.unwrap();
    // The workspace of today has none of the journeys any more.
    let peers = Peers::new().await;
    let time = clock();
    let house = House::over(Arc::new(store) as Arc<dyn Store>, EVENTS, peers.outbound(&time), time).await;
    let names = names();
    house.happens("visit", &names[..1], &Attributes::new()).await;
    let bought = [("total".to_owned(), 9.into())].into_iter().collect();
    house.happens("purchase", &names[1..2], &bought).await;
    let ended = async || {
        let due = house.store().read().await.unwrap().next_due().await.unwrap();
        let next = [due.turns, due.mails, due.over_http, due.calls].into_iter().flatten().min();
        if next.is_some_and(|next| next > house.clock.now()) {
            house.pass(HOUR);
        }
        let is_open =
            |found: &lotse::store::Audit| found.inside > 0 || found.messages.contains_key("handed_over");
        (next.is_none() && !is_open(&house.audit().await)).then_some(())
    };
    eventually("the end of everything that was parked", ended).await;
    insta::assert_snapshot!(outcomes(&house).await);
    for name in &names {
        let messages = house.messages(name).await;
        let states: Vec<MessageState> = messages.iter().map(|stored| stored.message.state).collect();
        assert!(
            states.iter().all(|state| *state == MessageState::Accepted) && !states.is_empty(),
            "{name}: {states:?}"
        );
        assert!(house.calls(name).await.iter().all(|stored| stored.state == CallState::Delivered), "{name}");
    }
    assert!(peers.hook.attempts().iter().all(|attempt| attempt.is_signed()));
    assert!(peers.post.accepted().values().all(|times| *times == 1));
    house.audited().await;
    house.end().await;
}
