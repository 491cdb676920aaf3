//! A PostgreSQL server of the tests' own: started when the first test asks for it, stopped and gone when the process
//! ends, however that ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Programs that a server is made with, by the folder they are in.
pub struct Server {
    programs: PathBuf,
    folder: PathBuf,
    settings: String,
}

/// It is filled and thrown away: nothing of it need survive a loss of power.
const THROWN_AWAY: &str = "-c fsync=off -c full_page_writes=off -c shared_buffers=64MB -c autovacuum=off";

/// The server of this process; `None` where the machine has no PostgreSQL, which is an error where everything must be
/// tested.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| Some(Server::start(&programs()?, "all", THROWN_AWAY))).as_ref()
}

/// A server that a test has for itself, as it may stop it, with settings of its own (`-c name=value`); one that keeps
/// what it is given.
#[allow(dead_code, reason = "not every crate of tests stops one")]
pub fn server_of(test: &str, settings: &str) -> Option<Server> {
    Some(Server::start(&programs()?, test, settings))
}

/// The folder of the programs: `LOTSE_POSTGRES_BIN`, or where distributions put them, or on the `PATH`.
fn programs() -> Option<PathBuf> {
    let named = std::env::var_os("LOTSE_POSTGRES_BIN").map(PathBuf::from);
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut installed: Vec<PathBuf> = installed.flatten().map(|entry| entry.path().join("bin")).collect();
    installed.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders =
        named.into_iter().chain(installed.into_iter().rev()).chain(std::env::split_paths(&path));
    let found = folders.find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists());
    if found.is_none() {
        assert!(
            std::env::var_os("LOTSE_CI").is_none(),
            "PostgreSQL is missing: install it to test everything"
        );
        eprintln!("skipped: no PostgreSQL here; install it, or name its programs with LOTSE_POSTGRES_BIN");
    }
    found
}

impl Server {
    /// A folder for a server, which is taken away in the end.
    fn prepare(programs: &Path, whose: &str, settings: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lotse-postgres-{}-{whose}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let server = Self { programs: programs.to_owned(), folder, settings: settings.to_owned() };
        server.watch();
        if let Some(owner) = owner() {
            std::os::unix::fs::chown(&server.folder, Some(owner.0), Some(owner.1)).unwrap();
        }
        server
    }

    fn start(programs: &Path, whose: &str, settings: &str) -> Self {
        let server = Self::prepare(programs, whose, settings);
        let folder = server.folder.display();
        let locale = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"];
        server.run(server.program("initdb").arg(format!("--pgdata={folder}/data")).args(locale));
        server.go();
        server
    }

    /// Starts it, again where it was stopped.
    pub fn go(&self) {
        let folder = self.folder.display();
        let settings = format!(
            "-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=300 \
            -c deadlock_timeout=100ms {}",
            self.settings
        );
        let start = ["--wait", "--timeout=600", "--options", &settings, "start"];
        let mut control = self.program("pg_ctl");
        control.args([format!("--pgdata={folder}/data"), format!("--log={folder}/log")]).args(start);
        self.run(&mut control);
    }

    /// Stops it as a loss of power would: whoever is connected is cut off, and what was not on the disk is lost.
    #[allow(dead_code, reason = "not every crate of tests stops one")]
    pub fn break_off(&self) {
        let mut control = self.program("pg_ctl");
        let stop = ["--wait", "--mode=immediate", "stop"];
        self.run(control.arg(format!("--pgdata={}/data", self.folder.display())).args(stop));
    }

    /// The server is gone from one moment to the next, with all its memory.
    #[allow(dead_code, reason = "not every crate of tests kills one")]
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        self.run(Command::new("kill").args(["-KILL", pid.lines().next().unwrap()]));
    }

    /// A standby that has everything before this server says that it is lasting.
    #[allow(dead_code, reason = "not every crate of tests has one")]
    pub fn standby(&self, test: &str) -> Self {
        let standby = self.copied(test, &["--write-recovery-conf"]);
        standby.go();
        // The standby has none of its own: when it takes over, it is alone.
        self.say("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.say("SELECT pg_reload_conf()");
        standby
    }

    /// A server with a copy of the data, not started.
    #[allow(dead_code, reason = "not every crate of tests has one")]
    pub fn copied(&self, test: &str, options: &[&str]) -> Self {
        let copy = Self::prepare(&self.programs, test, &self.settings);
        let (from, to) = (self.folder.display(), copy.folder.display());
        let mut backup = copy.program("pg_basebackup");
        backup.args([format!("--host={from}"), format!("--pgdata={to}/data")]).args(options);
        copy.run(backup.args(["--username=postgres", "--checkpoint=fast", "--no-sync"]));
        copy
    }

    /// Makes a standby the primary.
    #[allow(dead_code, reason = "not every crate of tests has one")]
    pub fn promote(&self) {
        let mut control = self.program("pg_ctl");
        self.run(control.arg(format!("--pgdata={}/data", self.folder.display())).args(["--wait", "promote"]));
    }

    /// Where the server listens.
    #[allow(dead_code, reason = "not every crate of tests goes there by itself")]
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// Waits in a process of its own until this one has ended, and takes the server away.
    fn watch(&self) {
        let script = "cat >/dev/null; kill -QUIT $(head -n 1 data/postmaster.pid); cd /; rm -rf \"$1\"";
        let mut watcher = Command::new("sh");
        watcher.args(["-c", script, "sh"]).arg(&self.folder).current_dir(&self.folder);
        watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Its input ends with this process.
        std::mem::forget(watcher.spawn().unwrap());
    }

    /// Where the data are.
    #[allow(dead_code, reason = "not every crate of tests goes there by itself")]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Gives a file to whom the server is.
    #[allow(dead_code, reason = "not every crate of tests gives it files")]
    pub fn owns(&self, path: &Path) {
        if let Some(owner) = owner() {
            std::os::unix::fs::chown(path, Some(owner.0), Some(owner.1)).unwrap();
        }
    }

    /// Runs a program that talks to the server, in the folder of the server.
    #[allow(dead_code, reason = "not every crate of tests needs more than psql")]
    pub fn run_tool(&self, name: &str, arguments: &[&str]) {
        let mut tool = self.program(name);
        tool.args([format!("--host={}", self.folder.display())]).arg("--username=postgres").args(arguments);
        self.run(&mut tool);
    }

    /// A program of the server's, under a user who is not root, for whom it does nothing.
    fn program(&self, name: &str) -> Command {
        self.as_owner(&self.programs.join(name))
    }

    /// A program under the user of the server.
    pub fn as_owner(&self, program: &Path) -> Command {
        let mut command = match owner() {
            None => Command::new(program),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={user}"), format!("--regid={group}")]);
                command.arg("--clear-groups").arg(program);
                command
            }
        };
        command.current_dir(&self.folder);
        command
    }

    fn run(&self, command: &mut Command) {
        let output = self.folder.join("output");
        let log = std::fs::File::create(&output).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let status = command.status().unwrap();
        assert!(status.success(), "{command:?}: {}", std::fs::read_to_string(output).unwrap());
    }

    /// An empty database with a name of its own, or one like another.
    pub fn create(&self, template: Option<&str>) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let template = template.map(|template| format!(" TEMPLATE {template}")).unwrap_or_default();
        self.say(&format!("CREATE DATABASE {name}{template}"));
        name
    }

    /// Takes a database away, and whoever is connected to it.
    #[allow(dead_code, reason = "tests through the program leave theirs to the end of the server")]
    pub fn drop(&self, name: &str) {
        self.say(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }

    /// Where a database is, as `lotse.yaml` says it.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://postgres@localhost/{name}?host={}", self.folder.display())
    }

    fn say(&self, sql: &str) {
        self.ask("postgres", sql);
    }

    /// What a database answers: a line for each row, with `|` between its columns.
    pub fn ask(&self, name: &str, sql: &str) -> String {
        let mut client = Command::new(self.programs.join("psql"));
        client.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--username=postgres",
            "--host",
        ]);
        let said = client.arg(&self.folder).args(["--command", sql, name]).output().unwrap();
        assert!(said.status.success(), "{sql}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    }
}

/// Who runs the server where tests run as root: a user and a group.
fn owner() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let said = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8_lossy(&said.stdout).trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    let user = if id(&["-u", "postgres"]).is_some() { "postgres" } else { "nobody" };
    Some((id(&["-u", user])?, id(&["-g", user])?))
}
