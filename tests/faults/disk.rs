//! Disks that are full, that fail, and databases that somebody else holds. Whatever was answered with 2xx is there,
//! nothing goes without its row, and when the trouble is over everything goes on by itself.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{Connection as _, Row as _};

use crate::program::postgres::{Server, server};
use crate::program::receipts::{agree, audited, ledger};
use crate::program::sink::Sink;
use crate::program::{PATIENCE, Running, Workspace, wait_for, write};

const MAILS_EACH: usize = 2;
/// People who come before, during and after the trouble.
const BEFORE: u64 = 20;
const DURING: u64 = 60;
const AFTER: u64 = 10;

const JOURNEYS: &str = r#"
contact { }
event signed_up { note text }
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

/// Says why a test is left out, where that is allowed.
fn skipped(why: &str) {
    assert!(std::env::var_os("LOTSE_CI").is_none(), "{why}: everything must be tested here");
    eprintln!("skipped: {why}");
}

/// A small disk in memory, gone with its test.
struct Disk(PathBuf);

impl Disk {
    /// Nothing where this user may not mount.
    fn new(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap().keep();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"]).arg(&folder);
        if !mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            skipped("no disk of its own could be mounted, which root may do");
            return None;
        }
        Some(Self(folder))
    }

    /// Fills it to its last byte.
    fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [1 << 20, 4_096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// A program at work, people who come to it, and what they were answered.
struct Stand {
    workspace: Workspace,
    sink: std::sync::Arc<Sink>,
    client: reqwest::Client,
    key: String,
    running: Running,
    /// Who was not answered with 2xx.
    refused: BTreeSet<u64>,
    came: u64,
}

impl Stand {
    fn new(database: &str) -> Self {
        let (sink, port) = Sink::start();
        let workspace = Workspace::on(database, JOURNEYS, port, "");
        let people = BEFORE + DURING + AFTER;
        let rows: String = (0..people).map(|person| format!("p{person},p{person}@example.org\n")).collect();
        write(&workspace.path("people.csv"), &format!("external_id,email\n{rows}"));
        workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"]);
        let key = workspace.ask(&["token", "create", "shop", "--role", "ingest"]).trim().to_owned();
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        let running = workspace.run();
        Self { workspace, sink, client, key, running, refused: BTreeSet::new(), came: 0 }
    }

    /// Signs somebody up; whether that was taken. If not, it must be said when to come again.
    async fn sign_up(&mut self, person: u64) -> bool {
        let body = serde_json::json!({
            "type": "track", "event": "signed_up", "userId": format!("p{person}"),
            "messageId": format!("m{person}"), "timestamp": "2026-01-01T10:00:00Z",
            "properties": { "note": note(person) },
        });
        let request = self.client.post(self.workspace.url("/v1/track")).basic_auth(&self.key, Some(""));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert!(status == 200 || status == 503, "{status}: {:?}", answer.text().await);
        if status == 503 {
            assert!(answer.headers().contains_key("retry-after"), "nobody is told when to come again");
            self.refused.insert(person);
        } else {
            self.refused.remove(&person);
        }
        status == 200
    }

    async fn come(&mut self, people: u64) {
        for person in self.came..self.came + people {
            self.sign_up(person).await;
        }
        self.came += people;
    }

    /// What `/readyz` says, with its status.
    async fn ready(&self) -> (u16, String) {
        let answer = self.client.get(self.workspace.url("/readyz")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until `/readyz` answers with a status and says something.
    async fn is(&self, wanted: u16, words: &str) {
        for _ in 0..PATIENCE.as_millis() / 50 {
            let (status, text) = self.ready().await;
            if status == wanted && text.contains(words) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("/readyz never said {wanted} with `{words}`, but {:?}", self.ready().await);
    }

    /// People come until one is refused for the first time.
    async fn come_until_refused(&mut self) {
        for person in self.came..self.came + DURING {
            self.came += 1;
            if !self.sign_up(person).await {
                return;
            }
        }
        panic!("nobody was refused");
    }

    /// Everything is as before: who was refused comes again and more come, every mail goes, the books balance, and
    /// nobody was set aside.
    async fn goes_on(mut self) {
        for person in self.refused.clone() {
            for _ in 0..PATIENCE.as_secs() {
                if self.sign_up(person).await {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        assert_eq!(self.refused, BTreeSet::new());
        self.come(AFTER).await;
        let all = self.came as usize * MAILS_EACH;
        let through = || {
            let ledger = ledger(&self.workspace);
            let through = ledger.values().all(|state| state == "accepted" || state == "unsure");
            (through && ledger.len() == all).then_some(ledger)
        };
        let ledger = tokio::task::block_in_place(|| wait_for("the end of all journeys", through));
        self.is(200, "ready").await;
        let log = self.running.end_and_tell();
        assert_eq!(log.iter().find(|line| line.contains("set aside")), None);
        let got = agree(&ledger, &self.sink);
        println!("{} mails of {all} came; the rest is unsure", got.len());
        audited(&self.workspace);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_under_sqlite_costs_nothing() {
    let Some(disk) = Disk::new(64) else { return };
    let mut stand = Stand::new(&format!("sqlite://{}/lotse.db", disk.0.display()));
    stand.come(BEFORE).await;
    disk.fill();
    stand.come_until_refused().await;
    stand.is(503, "the disk of the database is full").await;
    stand.come(5).await;
    disk.empty();
    stand.goes_on().await;
}

/// What the server does with its log when the disk of that is full is its own matter: it ends. Here it is the disk of
/// the tables.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_under_postgres_costs_nothing() {
    let Some(server) = server() else { return };
    let Some(disk) = Disk::new(64) else { return };
    let Tables(name, _tables) = Tables::on(server, &disk);
    let mut stand = Stand::new(&server.url(&name));
    stand.come(BEFORE).await;
    disk.fill();
    stand.come_until_refused().await;
    stand.is(503, "the disk of the database is full").await;
    disk.empty();
    stand.goes_on().await;
}

/// A database whose tables are on a disk, and what takes it away.
struct Tables(String, Away);

struct Away(&'static Server, String);

impl Tables {
    fn on(server: &'static Server, disk: &Disk) -> Self {
        let folder = disk.0.join("tables");
        std::fs::create_dir(&folder).unwrap();
        // Whoever the server runs as.
        let owner = server.ask("postgres", "SHOW data_directory");
        let owner = std::fs::metadata(owner.trim()).unwrap();
        use std::os::unix::fs::{MetadataExt as _, chown};
        chown(&folder, Some(owner.uid()), Some(owner.gid())).unwrap();
        std::fs::set_permissions(&disk.0, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        server.ask("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", folder.display()));
        server.ask("postgres", "CREATE DATABASE on_small_disk TABLESPACE small");
        Self("on_small_disk".to_owned(), Away(server, "on_small_disk".to_owned()))
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        self.0.drop(&self.1);
        self.0.ask("postgres", "DROP TABLESPACE small");
    }
}

/// Has system calls of a program fail, until it is dropped.
struct Injected {
    tracer: Child,
    log: PathBuf,
}

impl Injected {
    /// Nothing where `strace` is missing or may not trace.
    fn into(program: &Running, calls: &str, error: &str, folder: &Path) -> Option<Self> {
        let log = folder.join("strace");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-y", "-e", &format!("trace={calls},openat"), "-e"]);
        strace.arg(format!("inject={calls}:error={error}")).arg("-o").arg(&log);
        strace.args(["-p", &program.id().to_string()]).stdout(Stdio::null()).stderr(Stdio::piped());
        let Ok(mut tracer) = strace.spawn() else {
            skipped("there is no `strace`");
            return None;
        };
        let said = tracer.stderr.take().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(said)).map_while(Result::ok);
        if !lines.any(|line| line.contains("attached")) {
            skipped("`strace` may not trace");
            return None;
        }
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { tracer, log })
    }

    /// Lets the program go, and gives what it did.
    fn end(mut self) -> String {
        let _ = Command::new("kill").args(["-INT", &self.tracer.id().to_string()]).status();
        self.tracer.wait().unwrap();
        std::fs::read_to_string(&self.log).unwrap()
    }
}

/// After a write or an fsync that failed nobody knows what is on the disk: nothing is built on it. The connection is
/// given up, and the next one writes the pages of its own transactions anew, and syncs those.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_fsync_that_fails_is_not_taken_for_done() {
    let mut stand = Stand::new("sqlite://lotse.db");
    stand.come(BEFORE).await;
    let folder = tempfile::tempdir().unwrap();
    let Some(injected) = Injected::into(&stand.running, "fsync,fdatasync", "EIO", folder.path()) else {
        return;
    };
    stand.come_until_refused().await;
    stand.is(503, "the disk of the database fails").await;
    let mails = stand.sink.mails().len();
    stand.come(5).await;
    assert_eq!(stand.refused.len() as u64, 6, "no fsync, no answer");
    let did = injected.end();
    // What is let go when a commit fails does not go.
    assert!(stand.sink.mails().len() <= mails + 4 * 16, "mails go without their rows");
    let mut is_new = true;
    for line in did.lines().filter(|line| line.contains("lotse.db-wal")) {
        if line.contains("openat(") {
            is_new = true;
        } else if line.contains("sync(") && line.contains("INJECTED") {
            assert!(is_new, "a connection goes on after its fsync failed:\n{did}");
            is_new = false;
        }
    }
    assert!(did.matches("INJECTED").count() > 1, "nothing was injected:\n{did}");
    stand.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_may_only_be_read_waits() {
    let mut stand = Stand::new("sqlite://lotse.db");
    stand.come(BEFORE).await;
    let files = ["lotse.db", "lotse.db-wal"].map(|name| stand.workspace.path(name));
    let immutable = |flag: &str| {
        let mut change = Command::new("chattr");
        let status = change.arg(flag).args(&files).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !immutable("+i") {
        return skipped("no file could be made immutable, which root may do on some file systems");
    }
    stand.come_until_refused().await;
    stand.is(503, "the database").await;
    assert!(immutable("-i"));
    stand.goes_on().await;
}

async fn connect(workspace: &Workspace) -> sqlx::SqliteConnection {
    let url = format!("sqlite://{}", workspace.path("lotse.db").display());
    sqlx::SqliteConnection::connect(&url).await.unwrap()
}

/// Longer than the program waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_writes_for_long_is_waited_for() {
    let mut stand = Stand::new("sqlite://lotse.db");
    stand.come(BEFORE).await;
    let mut other = connect(&stand.workspace).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    stand.come_until_refused().await;
    stand.is(503, "the database is busy").await;
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    stand.goes_on().await;
}

/// The log of the database cannot be worked into it as long as somebody looks at an earlier state; that is said, and the
/// log grows no more once they are gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_reads_for_ever_is_told_of() {
    let stand = Stand::new("sqlite://lotse.db");
    let log = stand.workspace.path("lotse.db-wal");
    let size = || std::fs::metadata(&log).unwrap().len();
    let mut other = connect(&stand.workspace).await;
    let mut reading = other.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM contact").fetch_one(&mut *reading).await.unwrap().get::<i64, _>(0);
    // More than the log is without a reader.
    while size() < 24 << 20 {
        stand.chat(100).await;
    }
    let told: serde_json::Value = serde_json::from_str(&stand.ready().await.1).unwrap();
    assert!(told["log_bytes"].as_u64().unwrap() >= 24 << 20, "{told}");
    reading.rollback().await.unwrap();
    stand.chat(20).await;
    let before = size();
    for _ in 0..20 {
        stand.chat(100).await;
    }
    assert!(size() <= before, "the log grows on: {} after {before}", size());
    stand.goes_on().await;
}

/// A text that fits into no room that a page has left, and that cannot be made shorter.
fn note(number: u64) -> String {
    let mut number = number.wrapping_add(1);
    let letter = || {
        // xorshift, Marsaglia 2003.
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        char::from(b'!' + (number % 90) as u8)
    };
    std::iter::repeat_with(letter).take(3_000).collect()
}

impl Stand {
    /// Events that lead nowhere.
    async fn chat(&self, events: u64) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let one = |number: u64| {
            serde_json::json!({
                "type": "track", "event": "noticed", "userId": format!("p{}", number % BEFORE),
                "messageId": format!("chat {}", COUNT.fetch_add(1, Ordering::Relaxed)),
                "properties": { "note": note(number) },
            })
        };
        let batch = serde_json::json!({ "batch": (0..events).map(one).collect::<Vec<_>>() });
        let request = self.client.post(self.workspace.url("/v1/batch")).basic_auth(&self.key, Some(""));
        let answer = request.header("content-type", "application/json").body(batch.to_string()).send().await;
        assert_eq!(answer.unwrap().status().as_u16(), 200);
    }
}
