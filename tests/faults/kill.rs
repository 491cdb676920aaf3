//! `kill -9` at moments nobody chose, and the ledger beside what the mail server got. `LOTSE_KILLS` says how often,
//! `LOTSE_PEOPLE` how many sign up in each life.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::number;
use crate::program::postgres::server;
use crate::program::receipts::{agree, audited, count, ledger, sign_up};
use crate::program::sink::Sink;
use crate::program::{PATIENCE, Running, Workspace, wait_for, write};
use crate::simulation::chance::Chance;

const KILLS: u64 = 100;
/// Kills of one of two workers: where others do the work, a kill costs less.
const KILLS_SHARED: u64 = 24;
/// People who sign up in each life of the program.
const PEOPLE_EACH: u64 = 3;
const MAILS_EACH: u64 = 3;
/// The most lines of SMTP that a life lasts, for each who signs up in it.
const LINES_MAX: u64 = 20;
/// How long a life lasts where nothing is to be sent.
const LIFE_MAX: Duration = Duration::from_millis(700);
/// The same where it is watched at every step.
const LIFE_TRACED_MAX: Duration = Duration::from_secs(2);
/// Mails that a process may have let go when it dies: on each of its four connections two batches of sixteen.
const UNDER_WAY: u64 = 4 * 2 * 16;

/// At which of its writes, syncs and sends the program is killed, where not at all up to a number.
const BOUNDARIES: [u64; 8] = [1, 2, 3, 5, 9, 17, 33, 60];
const CALLS: [&str; 3] = ["pwrite64", "fdatasync", "sendto"];

const WORKER: [&str; 4] = ["--only", "worker", "--listen", "127.0.0.1:0"];

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

/// An installation whose processes are killed.
struct Victims {
    workspace: Workspace,
    sink: Arc<Sink>,
    key: String,
    client: reqwest::Client,
    people_each: u64,
    /// Those of whom nobody said that they have signed up.
    unanswered: BTreeSet<u64>,
    chance: Chance,
}

impl Victims {
    fn new(database: &str, kills: u64) -> Self {
        let (sink, port) = Sink::start();
        let workspace = Workspace::on(database, JOURNEYS, port, "");
        let people_each = number("LOTSE_PEOPLE", PEOPLE_EACH);
        let people = 0..kills * people_each;
        let rows: String = people.map(|person| format!("p{person},p{person}@example.org\n")).collect();
        write(&workspace.path("people.csv"), &format!("external_id,email\n{rows}"));
        workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"]);
        let key = workspace.ask(&["token", "create", "shop", "--role", "ingest"]).trim().to_owned();
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        let chance = Chance::new(0x9e37_79b9_7f4a_7c15);
        Self { workspace, sink, key, client, people_each, unanswered: BTreeSet::new(), chance }
    }

    /// Has people sign up, and kills a process meanwhile.
    async fn live(&mut self, life: u64, victim: Running) {
        self.unanswered.extend(life * self.people_each..(life + 1) * self.people_each);
        let lines = 1 + self.chance.below(LINES_MAX * self.people_each);
        let sink = Arc::clone(&self.sink);
        let killing = tokio::task::spawn_blocking(move || {
            sink.wait_for_lines(lines, LIFE_MAX);
            victim.kill();
        });
        self.sign_up().await;
        killing.await.unwrap();
    }

    /// Has people sign up, and the program killed at the N-th call of a kind to the system; whether it came so far.
    async fn live_until(&mut self, life: u64, call: &str, boundary: u64) -> bool {
        self.unanswered.extend(life * self.people_each..(life + 1) * self.people_each);
        let command = self.workspace.command();
        let mut traced = std::process::Command::new("strace");
        // The tracer is not between us and the program.
        traced.args(["-D", "-f", "-qqq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e"]);
        traced.arg(format!("inject={call}:signal=SIGKILL:when={boundary}"));
        traced.arg(command.get_program()).arg("run").current_dir(command.get_current_dir().unwrap());
        traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = traced.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + LIFE_TRACED_MAX;
        let came = loop {
            if child.try_wait().unwrap().is_some() {
                break true;
            }
            if Instant::now() > end {
                break false;
            }
            self.sign_up().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let _ = child.kill();
        child.wait().unwrap();
        came
    }

    async fn sign_up(&mut self) {
        for person in self.unanswered.clone() {
            if sign_up(&self.client, &self.workspace, &self.key, person).await {
                self.unanswered.remove(&person);
            }
        }
    }

    /// Waits until each mail has an end, apart from what the dead were handing over.
    async fn settled(&mut self, kills: u64) {
        self.sign_up().await;
        assert_eq!(self.unanswered, BTreeSet::new());
        let all = kills * self.people_each * MAILS_EACH;
        let settled = || {
            let ledger = ledger(&self.workspace);
            let open = count(&ledger, "unsure") + count(&ledger, "handed_over");
            let is_through = count(&ledger, "accepted") + open == ledger.len();
            (is_through && ledger.len() as u64 == all && open as u64 <= kills * UNDER_WAY).then_some(())
        };
        tokio::task::block_in_place(|| wait_for("the end of all journeys", settled));
    }

    /// Holds the ledger against what came, when nobody is at work any more.
    ///
    /// What the dead were handing over is unsure, with several workers from two minutes after the death on.
    fn agree(&self, kills: u64) -> usize {
        let ledger = ledger(&self.workspace);
        let came = agree(&ledger, &self.sink);
        audited(&self.workspace);
        let open = count(&ledger, "unsure") + count(&ledger, "handed_over");
        assert_eq!(open + count(&ledger, "accepted"), ledger.len());
        let taken = ledger.iter().filter(|(id, state)| *state != "accepted" && came.contains(*id)).count();
        println!(
            "{} mails, {kills} kills: {} came, each once; {open} unsure, of which {taken} came",
            ledger.len(),
            came.len()
        );
        open
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_cost_nothing() {
    let kills = number("LOTSE_KILLS", KILLS);
    let mut victims = Victims::new("sqlite://lotse.db", kills);
    for life in 0..kills {
        let running = victims.workspace.run();
        victims.live(life, running).await;
    }
    let running = victims.workspace.run();
    victims.settled(kills).await;
    running.end();
    assert!(victims.agree(kills) > 0, "no kill hit a hand-over: the test proves little");
}

/// Behind the first bytes of a commit, behind its sync, behind each line of SMTP: `LOTSE_BOUNDARIES=N` tries each up to
/// the N-th.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_each_boundary_cost_nothing() {
    if std::process::Command::new("strace").arg("-V").output().is_err() {
        assert!(std::env::var_os("LOTSE_CI").is_none(), "strace is missing: install it to test everything");
        eprintln!("skipped: no strace here");
        return;
    }
    let boundaries: Vec<u64> = match number("LOTSE_BOUNDARIES", 0) {
        0 => BOUNDARIES.to_vec(),
        most => (1..=most).collect(),
    };
    let kills = (boundaries.len() * CALLS.len()) as u64;
    let mut victims = Victims::new("sqlite://lotse.db", kills);
    // It puts the journey into force.
    victims.workspace.run().end();
    let at = boundaries.iter().flat_map(|boundary| CALLS.map(|call| (call, *boundary)));
    let mut killed = 0;
    for (life, (call, boundary)) in (0..).zip(at) {
        killed += u64::from(victims.live_until(life, call, boundary).await);
    }
    assert!(killed * 2 > kills, "{killed} of {kills} kills came");
    let running = victims.workspace.run();
    victims.settled(kills).await;
    running.end();
    victims.agree(kills);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_die_cost_nothing() {
    let Some(server) = server() else { return };
    let name = server.create(None);
    let kills = number("LOTSE_KILLS", KILLS_SHARED);
    let mut victims = Victims::new(&server.url(&name), kills);
    let web = victims.workspace.run_with(&["--only", "web"]);
    let mut workers = [victims.workspace.run_with(&WORKER), victims.workspace.run_with(&WORKER)];
    for life in 0..kills {
        let fresh = victims.workspace.run_with(&WORKER);
        let which = victims.chance.below(2) as usize;
        let victim = std::mem::replace(&mut workers[which], fresh);
        victims.live(life, victim).await;
    }
    victims.settled(kills).await;
    for running in workers {
        running.end();
    }
    web.end();
    assert!(victims.agree(kills) > 0, "no kill hit a hand-over: the test proves little");
    server.drop(&name);
}
