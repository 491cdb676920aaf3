//! The built program over a large database: how soon it is ready, what it takes of a processor while nothing is due,
//! what memory it takes while much is, and what a second worker is worth. `LOTSE_BENCH_PEOPLE` says how many people are
//! there, a million otherwise.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lotse::bench::{Backlog, Scratch, Stopwatch, World, fill, rate};
use lotse::time::{Clock as _, Moment, SystemClock};

use super::counting::Counting;
use super::memory::{peak_mib, resident_mib};
use super::places::{Kind, scratch};

/// How long the program is watched while nothing is due.
const WATCHED: Duration = Duration::from_secs(30);
/// How long it may settle before.
const SETTLES: Duration = Duration::from_secs(5);
/// How often something is looked at that will come.
const LOOK: Duration = Duration::from_millis(5);
/// Mails after which memory is looked at: each part of the program has been at its most by then.
const MAILS: u64 = 100_000;
/// Mails that one worker and two have to hand over.
const MAILS_OF_WORKERS: u32 = 20_000;
/// How often one worker and two are measured in turn.
const ROUNDS: usize = 5;
/// What a mail server far away takes for a mail.
const FAR_AWAY: Duration = Duration::from_millis(20);
/// Ticks of the processor's clock in a second, as Linux counts a process' time.
const TICKS: f64 = 100.0;

/// The journey of those who wait, whom `fill` puts there, and of those whose mail is due.
const JOURNEYS: &str = r#"
contact { }
event signed_up { }
event bought { }
topic news "News"
email hello { topic news  from shop  subject "Hello"  body "Everything that blooms is cheaper. {{ unsubscribe_url }}" }
journey drip "Drip" {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage drip { send email hello  wait 10 days  wait 10 days  end }
}
"#;

/// How soon it is ready, and what it takes while all wait.
pub async fn run_idle() {
    let waiting = super::people(1_000_000);
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let Some(scratch) = scratch(kind).await else { continue };
        let now = SystemClock.now();
        let world = World::new(&scratch, JOURNEYS, now).await.unwrap();
        fill(&scratch, Backlog { contacts: waiting, ended_each: 0 }, now).await.unwrap();
        world.store.close().await;
        let watch = Stopwatch::start();
        let program = Program::start(&scratch, 25, &[]);
        program.is_ready();
        println!(
            "ready on {kind:?} over {waiting} who wait: {:.2} s; needed 2 s",
            watch.took().as_secs_f64()
        );
        tokio::time::sleep(SETTLES).await;
        let before = (program.processor_seconds(), server_seconds());
        let watch = Stopwatch::start();
        tokio::time::sleep(WATCHED).await;
        let percent = |after: f64, before: f64| 100.0 * (after - before) / watch.took().as_secs_f64();
        println!(
            "idle on {kind:?} with {waiting} who wait: {:.2} % of a core, the database server {:.2} %; needed 1 %; {} MiB",
            percent(program.processor_seconds(), before.0),
            percent(server_seconds(), before.1),
            peak_mib(program.child.id()).unwrap()
        );
        drop(program);
        scratch.end().await.unwrap();
    }
}

/// What memory it takes while mails are due.
pub async fn run_memory() {
    let due = super::people(1_000_000);
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let Some(scratch) = scratch(kind).await else { continue };
        due_now(&scratch, due).await;
        let (mails, port) = Counting::mails();
        let watch = Stopwatch::start();
        let program = Program::start(&scratch, port, &[]);
        let count = MAILS.min(u64::from(due));
        wait_for(&mails, count).await;
        println!(
            "memory on {kind:?} with {due} due: {} MiB at the most, {} now; needed 300 MiB; mails meanwhile {:.0}/s",
            peak_mib(program.child.id()).unwrap(),
            resident_mib(program.child.id()).unwrap(),
            rate(count, watch.took())
        );
        drop(program);
        scratch.end().await.unwrap();
    }
}

/// What a second worker is worth, where the mail server is far away and where it is near. One worker and two take turns,
/// and the middle of the rounds counts: on shared cores a round alone is off by a tenth either way.
pub async fn run_workers() {
    for (pause, place, needed) in [(FAR_AWAY, "far away", "1.6"), (Duration::ZERO, "near", "1.0")] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let Some(one) = rate_of(1, pause).await else { return };
            let Some(two) = rate_of(2, pause).await else { return };
            rounds.push((two / one, one, two));
        }
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let ((least, ..), (middle, one, two), (most, ..)) =
            (rounds[0], rounds[rounds.len() / 2], rounds[rounds.len() - 1]);
        println!(
            "mails on Postgres to a server {place}: two workers {two:.0}/s, one {one:.0}/s, ratio {middle:.2} \
            ({least:.2} to {most:.2}); needed {needed}"
        );
    }
}

/// Mails a second that so many workers hand over to a server that takes `pause` for each; `None` without a Postgres.
async fn rate_of(workers: usize, pause: Duration) -> Option<f64> {
    let due = super::people(MAILS_OF_WORKERS);
    let scratch = scratch(Kind::Postgres).await?;
    due_now(&scratch, due).await;
    let (mails, port) = Counting::slow_mails(pause);
    let programs: Vec<Program> =
        (0..workers).map(|_| Program::start(&scratch, port, &["--only", "worker"])).collect();
    programs.iter().for_each(Program::is_ready);
    // What goes by until all are there is nobody's.
    let (begun, watch) = (mails.count(), Stopwatch::start());
    wait_for(&mails, u64::from(due)).await;
    let rate = rate(u64::from(due) - begun, watch.took());
    drop(programs);
    scratch.end().await.unwrap();
    Some(rate)
}

/// People all of whom have signed up and nobody has moved yet.
async fn due_now(scratch: &Scratch, people: u32) {
    let now = SystemClock.now();
    let world =
        World::new(scratch, JOURNEYS, Moment::from_seconds(now.micros() / 1_000_000 - 60)).await.unwrap();
    world.import(people).await.unwrap();
    world.sign_up(people).await.unwrap();
    world.store.close().await;
}

async fn wait_for(mails: &Counting, count: u64) {
    let mut before = (mails.count(), Stopwatch::start());
    while mails.count() < count {
        tokio::time::sleep(LOOK).await;
        if mails.count() > before.0 {
            before = (mails.count(), Stopwatch::start());
        }
        assert!(before.1.took() < Duration::from_secs(120), "only {} of {count} mails came", mails.count());
    }
}

/// `lotse run`; dropped, it is killed.
struct Program {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Program {
    fn start(scratch: &Scratch, smtp: u16, arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let yaml = format!(
            "workspace: bench\ntimezone: UTC\ndatabase: \"{}\"\nlisten: 127.0.0.1:{port}\n\
            public_url: http://127.0.0.1:{port}\nsecret: env:LOTSE_SECRET\n\
            smtp: {{ url: \"smtp://127.0.0.1:{smtp}\", connections: 8 }}\n\
            senders:\n  shop: {{ from: \"Shop <hello@example.com>\" }}\n",
            scratch.database()
        );
        std::fs::write(folder.path().join("lotse.yaml"), yaml).unwrap();
        std::fs::write(folder.path().join("shop.journey"), JOURNEYS).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_lotse"))
            .current_dir(folder.path())
            .env("LOTSE_SECRET", "a secret of 32 bytes that nobody needs to keep")
            .env("LOTSE_LOG", "error")
            .arg("run")
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, port, _folder: folder }
    }

    /// Waits until it says that it is ready.
    fn is_ready(&self) {
        let ask = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok::<_, std::io::Error>(answer.starts_with("HTTP/1.1 200"))
        };
        while !ask().unwrap_or(false) {
            std::thread::sleep(LOOK);
        }
    }

    fn processor_seconds(&self) -> f64 {
        seconds_of(self.child.id())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What all processes of PostgreSQL took together.
fn server_seconds() -> f64 {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    let named = |number: &u32| {
        std::fs::read_to_string(format!("/proc/{number}/comm")).is_ok_and(|name| name.trim() == "postgres")
    };
    numbers.filter(named).map(seconds_of).sum()
}

/// What a process took of a processor, in user and in system mode.
fn seconds_of(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind the name, which stands in brackets: the fields from the third on.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS
}
