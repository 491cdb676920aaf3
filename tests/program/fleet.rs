//! Three workers and two web processes on one PostgreSQL take everybody through five phases, while workers are killed
//! again and again and the database breaks off twice. What a counting mail server and a counting web server got is held
//! against the ledger to the last message.
//!
//! `LOTSE_FLEET=1000000` takes a million people, `LOTSE_BREAKS=20` breaks the database off so often, and
//! `LOTSE_PROGRAM` names another build of the program: the test's own is one for finding faults, not for speed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::counting::{Counting, id_in};
use super::postgres::{Server, server_of};
use super::{PATIENCE, Running, Workspace};

/// People where nothing else is asked for.
const PEOPLE: u64 = 900;
/// Who comes in one request.
const TOGETHER: u64 = 100;
/// Every third buys, this many requests after signing up.
const BUYERS: u64 = 3;
const LATER: u64 = 2;
/// Mails between one kill and the next, but at least so many kills.
const MAILS_A_KILL: u64 = 7_500;
const KILLS: u64 = 8;
/// How often the database breaks off.
const BREAKS: u64 = 2;
/// A process may have let go and not sent, when it dies, two batches of sixteen on each connection.
const UNDER_WAY: u64 = 4 * 2 * 16;
/// How long nothing at all may come.
const STANDSTILL: Duration = Duration::from_secs(180);

fn journeys(people: u64) -> String {
    let (buying, reminded) = (2 + people / 20_000, 1 + people / 50_000);
    format!(
        r#"
contact {{ }}
event signed_up {{ }}
event bought {{ total number }}
topic news "News"
email first {{ topic news from shop subject "First" body "Hello. {{{{ unsubscribe_url }}}}" }}
email remind {{ topic news from shop subject "Remind" body "Hello again. {{{{ unsubscribe_url }}}}" }}
email thanks {{ topic news from shop subject "Thanks" body "Thank you. {{{{ unsubscribe_url }}}}" }}
journey five "Five phases" {{
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage contact {{
    send email first
    wait up to {buying} seconds {{ on bought {{ go to purchase }} otherwise {{ go to interest }} }}
  }}
  stage interest {{ wait 1 second  go to reminder }}
  stage reminder {{
    send email remind
    wait up to {reminded} seconds {{ on bought {{ go to purchase }} otherwise {{ go to thanks }} }}
  }}
  stage purchase {{ hand off to sales with {{ reason "bought" }}  go to thanks }}
  stage thanks {{ send email thanks  end }}
}}
"#
    )
}

/// The processes, and what they work on.
struct Fleet {
    server: Server,
    database: String,
    workspace: Workspace,
    /// Where the second web process listens.
    second: String,
    mails: Arc<Counting>,
    calls: Arc<Counting>,
    people: u64,
    kills: AtomicU64,
    /// Requests that were not answered with 2xx, and were made again.
    again: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_loses_nobody_and_mails_nobody_twice() {
    let people = number("LOTSE_FLEET", PEOPLE);
    let settings = if people > 100_000 { "-c shared_buffers=1GB -c max_wal_size=3GB" } else { "" };
    let Some(server) = server_of("fleet", settings) else { return };
    let fleet = Arc::new(Fleet::new(server, people));
    let key = fleet.workspace.ask(&["token", "create", "shop", "--role", "ingest"]).trim().to_owned();
    let webs = [
        fleet.workspace.run_with(&["--only", "web"]),
        fleet.workspace.run_with(&["--only", "web", "--listen", &fleet.second]),
    ];
    let killing = std::thread::spawn({
        let fleet = Arc::clone(&fleet);
        move || fleet.work_and_die()
    });
    fleet.everybody_comes(&key).await;
    let workers = killing.join().unwrap();
    for process in workers.into_iter().chain(webs) {
        println!("a process took {} MiB at the most", process.memory_mib());
        process.end();
    }
    fleet.agrees();
}

/// A number that the environment may give.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

impl Fleet {
    fn new(server: Server, people: u64) -> Self {
        let (mails, smtp) = Counting::mails();
        let (calls, sales) = Counting::calls();
        let more = format!(
            "allow_addresses: [\"127.0.0.1:{sales}\"]\nteams:\n  sales: {{ url: \"http://127.0.0.1:{sales}/lead\", \
            secret: \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\", assign: [ {{ to: \"a@example.com\" }} ] }}\n"
        );
        let database = server.create(None);
        let url = server.url(&database);
        let workspace = Workspace::on(&url, &journeys(people), smtp, &more);
        let mut rows = String::from("external_id,email\n");
        rows.extend((0..people).map(|person| format!("p{person},p{person}@example.org\n")));
        super::write(&workspace.path("people.csv"), &rows);
        workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"]);
        Self {
            server,
            database,
            workspace,
            second: format!("127.0.0.1:{}", super::free_port()),
            mails,
            calls,
            people,
            kills: AtomicU64::new(0),
            again: AtomicU64::new(0),
        }
    }

    /// Everybody signs up and every third buys, whatever the answer is: it is asked until it is yes.
    async fn everybody_comes(&self, key: &str) {
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        let requests = self.people.div_ceil(TOGETHER);
        for number in 0..requests + LATER {
            // Some are always still to come when something breaks.
            while self.mails.count() + self.people / 4 < number * TOGETHER {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if number < requests {
                self.post(&client, key, "signed_up", number, 1).await;
            }
            if let Some(earlier) = number.checked_sub(LATER) {
                self.post(&client, key, "bought", earlier, BUYERS).await;
            }
        }
    }

    async fn post(&self, client: &reqwest::Client, key: &str, name: &str, number: u64, every: u64) {
        let first = number * TOGETHER;
        let events: Vec<_> = (first..self.people.min(first + TOGETHER))
            .filter(|person| person.is_multiple_of(every))
            .map(|person| {
                serde_json::json!({
                    "type": "track", "event": name, "userId": format!("p{person}"),
                    "messageId": format!("{name}-{person}"), "properties": { "total": 5 },
                })
            })
            .collect();
        let body = serde_json::json!({ "batch": events }).to_string();
        let second = format!("http://{}/v1/batch", self.second);
        for attempt in 0.. {
            let url = if (number + attempt).is_multiple_of(2) {
                self.workspace.url("/v1/batch")
            } else {
                second.clone()
            };
            let request = client.post(url).basic_auth(key, Some("")).body(body.clone());
            let answer = request.header("content-type", "application/json").send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            self.again.fetch_add(1, Ordering::Relaxed);
            // The database is away for a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Three workers work, one after the other is killed and replaced, the database breaks off twice; until there is
    /// nothing to do.
    fn work_and_die(&self) -> Vec<Running> {
        let worker = || self.workspace.run_with(&["--only", "worker", "--listen", "127.0.0.1:0"]);
        let mut workers = vec![worker(), worker(), worker()];
        // Nobody gets fewer than two mails.
        let sure = self.people * 2;
        let step = MAILS_A_KILL.min(sure / KILLS).max(1);
        let parts = number("LOTSE_BREAKS", BREAKS) + 1;
        let mut breaks: Vec<u64> = (1..parts).rev().map(|part| sure * part / parts).collect();
        let mut next = step;
        let mut idle = Duration::ZERO;
        let mut before = 0;
        loop {
            const PAUSE: Duration = Duration::from_millis(20);
            std::thread::sleep(PAUSE);
            let count = self.mails.count() + self.calls.count();
            idle = if count > before { Duration::ZERO } else { idle + PAUSE };
            before = count;
            assert!(idle < STANDSTILL, "nothing comes any more: {}", self.open());
            if self.mails.count() >= next && next < sure {
                next += step;
                let kills = self.kills.fetch_add(1, Ordering::Relaxed);
                workers.remove((kills * 2 % 3) as usize).kill();
                workers.push(worker());
                if kills.is_multiple_of(10) {
                    println!("{} mails, {} calls, {kills} kills", self.mails.count(), self.calls.count());
                }
            }
            if breaks.last().is_some_and(|at| self.mails.count() >= *at) {
                breaks.pop();
                self.server.break_off();
                self.server.go();
                println!("the database broke off at {} mails", self.mails.count());
            }
            if count >= sure && idle > Duration::from_secs(1) && self.open() == "0|0|0|0" {
                assert!(breaks.is_empty());
                return workers;
            }
        }
    }

    /// What is still to be done: runs that wait, events, messages and calls.
    fn open(&self) -> String {
        let some = |table: &str, what: &str| {
            format!("(SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {what} LIMIT 1) AS t)")
        };
        let sql = format!(
            "SELECT {}, {}, {}, {}",
            some("run", "wake_at IS NOT NULL"),
            some("event", "pending"),
            some("message", "due_at IS NOT NULL"),
            some("call", "due_at IS NOT NULL")
        );
        self.ask(&sql).trim().to_owned()
    }

    fn ask(&self, sql: &str) -> String {
        self.server.ask(&self.database, sql)
    }

    /// The ledger and those who were sent to agree, and the books balance.
    fn agrees(&self) {
        let kills = self.kills.load(Ordering::Relaxed);
        assert!(kills >= KILLS - 1, "{kills} kills");
        let ended = format!("{0}|{0}", self.people);
        assert_eq!(self.ask("SELECT count(*), count(ended_at) FROM run").trim(), ended);
        for name in ["first", "thanks"] {
            let count = self.ask(&format!("SELECT count(*) FROM message WHERE message = '{name}'"));
            assert_eq!(count.trim(), self.people.to_string(), "{name}");
        }
        let bought =
            self.ask("SELECT count(DISTINCT contact) FROM event WHERE name = 'bought' AND NOT pending");
        assert_eq!(bought.trim(), self.people.div_ceil(BUYERS).to_string());

        let states = self.mails_agree(kills);
        let calls = self.calls.times();
        let ledger = self.states("call");
        assert!(ledger.values().all(|state| state == "delivered"), "a call is not delivered");
        assert_eq!(ledger.len(), calls.len(), "calls in the ledger, and calls that came");
        assert!(
            ledger.keys().all(|id| calls.contains_key(id)),
            "a call is said to be delivered, and never came"
        );
        let audit = self.workspace.ask(&["audit", "--verify"]);
        println!("{}", self.sizes());
        println!(
            "{} people, {kills} kills, {} requests made again; mails {states:?}; {} calls, {} of them asked again\n{audit}",
            self.people,
            self.again.load(Ordering::Relaxed),
            calls.len(),
            self.calls.count() - calls.len() as u64
        );
    }

    /// What the people cost: bytes of each table with its indexes, and of what was written to the log of the database.
    fn sizes(&self) -> String {
        let sql = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'
            AND relnamespace = 'public'::regnamespace AND pg_total_relation_size(oid) > 1000000
            UNION ALL SELECT 'write-ahead log', pg_current_wal_lsn() - '0/0'::pg_lsn ORDER BY 2 DESC";
        let each = |row: &str| {
            let (name, bytes) = row.split_once('|').unwrap();
            format!("{name}: {:.0} bytes a person", bytes.parse::<f64>().unwrap() / self.people as f64)
        };
        self.ask(sql).lines().map(each).collect::<Vec<_>>().join("\n")
    }

    fn mails_agree(&self, kills: u64) -> HashMap<String, u64> {
        let got = self.mails.times();
        let twice: Vec<String> = got
            .iter()
            .filter(|(_, times)| **times > 1)
            .map(|(id, times)| format!("{id:x}: {times}"))
            .collect();
        assert!(twice.is_empty(), "mails came twice: {twice:?}");
        let ledger = self.states("message");
        assert!(got.keys().all(|id| ledger.contains_key(id)), "a mail came that stands in no ledger");
        let mut states: HashMap<String, u64> = HashMap::new();
        for (id, state) in ledger {
            let came = got.contains_key(&id);
            assert!(came || state != "accepted", "{id:x} is said to be accepted, and never came");
            let open = ["handed_over", "unsure"].contains(&state.as_str());
            assert!(open || state == "accepted", "{id:x} is {state}");
            let word = if open && came { format!("{state} and came") } else { state };
            *states.entry(word).or_default() += 1;
        }
        let open: u64 = states.iter().filter(|(word, _)| *word != "accepted").map(|(_, count)| count).sum();
        // Who breaks off with the database settles what it had handed over when it is back, or cannot say either.
        assert!(open <= (kills + 3 * number("LOTSE_BREAKS", BREAKS)) * UNDER_WAY, "{states:?}");
        states
    }

    fn states(&self, table: &str) -> HashMap<u128, String> {
        let rows = self.ask(&format!("SELECT id, state FROM {table}"));
        let entry = |row: &str| row.split_once('|').map(|(id, state)| (id_in(id), state.to_owned()));
        rows.lines().map(|row| entry(row).unwrap()).collect()
    }
}
