//! The built program as its users meet it: it is started, killed, written to, clicked at, and asked.

mod commands;
pub(crate) mod counting;
mod fleet;
mod fmt;
mod formats;
mod log;
mod many;
mod operating;
#[path = "../postgres/server.rs"]
pub(crate) mod postgres;
pub(crate) mod receipts;
mod recipes;
mod round_trip;
mod schemas;
pub(crate) mod sink;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long is waited for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Signs the links of all tests.
const SECRET: &str = "a secret of tests alone, 32 bytes and more";

/// A workspace in a folder of its own, gone with its test.
pub(crate) struct Workspace {
    dir: tempfile::TempDir,
    web: u16,
}

impl Workspace {
    /// Writes a workspace whose mail goes to a port of this machine; `more` is added to its lotse.yaml.
    pub(crate) fn new(journeys: &str, smtp: u16, more: &str) -> Self {
        Self::on("sqlite://lotse.db", journeys, smtp, more)
    }

    /// The same on another database.
    pub(crate) fn on(database: &str, journeys: &str, smtp: u16, more: &str) -> Self {
        let web = free_port();
        let dir = tempfile::tempdir().unwrap();
        let config = format!(
            "workspace: tests\ntimezone: Europe/Berlin\ndatabase: \"{database}\"\nlisten: 127.0.0.1:{web}\n\
            public_url: http://127.0.0.1:{web}\nsecret: env:LOTSE_SECRET\n\
            smtp: {{ url: \"smtp://127.0.0.1:{smtp}\", connections: 4 }}\n\
            senders:\n  shop: {{ from: \"Shop <hello@example.com>\" }}\n{more}"
        );
        std::fs::write(dir.path().join("lotse.yaml"), config).unwrap();
        std::fs::write(dir.path().join("shop.journey"), journeys).unwrap();
        Self { dir, web }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.web)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = lotse();
        command.current_dir(self.dir.path()).env("LOTSE_SECRET", SECRET);
        command
    }

    /// Runs a command to its end, and gives what it answered.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lotse {}: {talk}", arguments.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn ask_json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ask(arguments)).unwrap()
    }

    /// Starts `lotse run`, and waits until it listens.
    pub(crate) fn run(&self) -> Running {
        self.run_with(&[])
    }

    /// Starts `lotse run` with further arguments.
    pub(crate) fn run_with(&self, arguments: &[&str]) -> Running {
        let mut child = self
            .command()
            .env("LOTSE_LOG", "info")
            .arg("run")
            .args(arguments)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Nobody listens once the test is through; the program goes on talking all the same.
                let _ = sender.send(line);
            }
        });
        let mut running = Running { child, log: receiver, said: Vec::new() };
        running.says("listening");
        running
    }
}

/// A program at work; dropped, it is killed.
pub(crate) struct Running {
    child: Child,
    log: mpsc::Receiver<String>,
    /// What it said so far.
    said: Vec<String>,
}

impl Running {
    /// Waits until the program says something.
    pub(crate) fn says(&mut self, words: &str) {
        loop {
            let Ok(line) = self.log.recv_timeout(PATIENCE) else {
                panic!("it never said `{words}`, but:\n{}", self.said.join("\n"));
            };
            let found = line.contains(words);
            self.said.push(line);
            if found {
                return;
            }
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it had at any time, in MiB.
    pub(crate) fn memory_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
    }

    /// Asks the program to end in good order.
    #[cfg(unix)]
    pub(crate) fn end(self) {
        self.end_and_tell();
    }

    /// Asks the program to end in good order, and gives all that it said.
    #[cfg(unix)]
    pub(crate) fn end_and_tell(mut self) -> Vec<String> {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        // What it says must be taken, or it could not go on.
        while let Ok(line) = self.log.recv_timeout(PATIENCE) {
            self.said.push(line);
        }
        assert!(self.child.wait().unwrap().success());
        std::mem::take(&mut self.said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn lotse() -> Command {
    let program = std::env::var_os("LOTSE_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_lotse").into());
    let mut command = Command::new(program);
    command.env("NO_COLOR", "1").env_remove("LOTSE_WORKSPACE");
    command
}

/// A port that nobody has; the program gets it a moment later.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Looks again and again until something is there.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("{what} never came")
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
