//! A pooler between the program and the server: fine where each connection has a session, refused where it has none.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Stand, WEB, WORKER};
use crate::program::{free_port, wait_for};

/// PgBouncer, ended with its test.
struct Pooler {
    child: Child,
    port: u16,
}

impl Pooler {
    /// Nothing where the machine has none, which is an error where everything must be tested.
    fn start(stand: &Stand, mode: &str) -> Option<Self> {
        let program =
            ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].into_iter().find(|p| Path::new(p).exists());
        let Some(program) = program else {
            assert!(
                std::env::var_os("LOTSE_CI").is_none(),
                "PgBouncer is missing: install it to test everything"
            );
            eprintln!("skipped: no PgBouncer here");
            return None;
        };
        let folder = stand.server.socket().parent().unwrap().to_owned();
        let (port, at) = (free_port(), folder.display());
        let settings = format!(
            "[databases]\n* = host={at} port=5432 user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
            listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
            ignore_startup_parameters = extra_float_digits\n"
        );
        let path = folder.join(format!("pgbouncer-{mode}.ini"));
        std::fs::write(&path, settings).unwrap();
        let mut command = stand.server.as_owner(Path::new(program));
        let child = command.arg(path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pooler = Self { child, port };
        wait_for("the pooler", || TcpStream::connect(("127.0.0.1", port)).ok());
        Some(pooler)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_must_give_sessions() {
    let Some(stand) = Stand::new("pooler", "", 10).await else { return };
    for mode in ["transaction", "statement"] {
        let Some(pooler) = Pooler::start(&stand, mode) else { return };
        stand.move_to(&pooler.url(&stand.database));
        for command in [&["run"][..], &["doctor"]] {
            let output = Command::output(stand.workspace.command().args(command)).unwrap();
            assert!(!output.status.success());
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(said.contains("a pooler that shares sessions"), "{mode}: {said}");
        }
    }
    let Some(pooler) = Pooler::start(&stand, "session") else { return };
    stand.move_to(&pooler.url(&stand.database));
    let running =
        tokio::task::block_in_place(|| (stand.workspace.run_with(&WEB), stand.workspace.run_with(&WORKER)));
    for person in 0..10 {
        stand.comes(person).await;
    }
    stand.everybody_got_both(10);
    drop(running);
}
