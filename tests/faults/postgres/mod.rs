//! What happens to PostgreSQL and on the way to it. The program is the real one, in one process or several, on a server
//! that the test has for itself where it does something to it.

mod backup;
mod failover;
mod network;
mod processes;
#[allow(dead_code, reason = "tests of the store do more with it")]
mod proxy;
mod sessions;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use crate::program::postgres::{Server, server_of};
use crate::program::receipts::{agree, audited, ledger, sign_up};
use crate::program::sink::Sink;
use crate::program::{PATIENCE, Workspace, wait_for, write};
use proxy::Proxy;

const JOURNEYS: &str = r#"
contact { }
event signed_up { }
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
const MAILS_EACH: u64 = 2;
/// Short, so that a server that is silent is noticed soon.
const POOL: &str = "database_pool: { connections: 5, statement_timeout: 1s, lock_timeout: 1s }\n";
const WEB: [&str; 2] = ["--only", "web"];
const WORKER: [&str; 4] = ["--only", "worker", "--listen", "127.0.0.1:0"];

/// A workspace on a server of its own, behind a network of its own.
struct Stand {
    server: Server,
    proxy: Arc<Proxy>,
    database: String,
    sink: Arc<Sink>,
    workspace: Workspace,
    key: String,
    client: reqwest::Client,
}

impl Stand {
    /// Nothing where the machine has no PostgreSQL.
    async fn new(test: &str, settings: &str, people: u64) -> Option<Self> {
        let server = server_of(test, settings)?;
        let proxy = Proxy::start(server.socket()).await;
        let database = server.create(None);
        let (sink, smtp) = Sink::start();
        let workspace = Workspace::on(&proxy.url(&database), JOURNEYS, smtp, POOL);
        let rows: String = (0..people).map(|person| format!("p{person},p{person}@example.org\n")).collect();
        write(&workspace.path("people.csv"), &format!("external_id,email\n{rows}"));
        tokio::task::block_in_place(|| {
            workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"])
        });
        let key =
            tokio::task::block_in_place(|| workspace.ask(&["token", "create", "shop", "--role", "ingest"]));
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Some(Self { server, proxy, database, sink, workspace, key: key.trim().to_owned(), client })
    }

    /// Somebody signs up; whether it was answered to be lasting.
    async fn signs_up(&self, person: u64) -> bool {
        sign_up(&self.client, &self.workspace, &self.key, person).await
    }

    /// The same, said again until it is.
    async fn comes(&self, person: u64) {
        while !self.signs_up(person).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_ready(&self) -> bool {
        let asked = self.client.get(self.workspace.url("/readyz")).send().await;
        asked.is_ok_and(|answer| answer.status() == 200)
    }

    /// Has lotse.yaml name another database.
    fn move_to(&self, url: &str) {
        let path = self.workspace.path("lotse.yaml");
        let config = std::fs::read_to_string(&path).unwrap();
        let lines = config.lines().map(|line| match line.starts_with("database: ") {
            true => format!("database: \"{url}\"\n"),
            false => format!("{line}\n"),
        });
        write(&path, &lines.collect::<String>());
    }

    /// Runs a command of the program to its good end.
    fn tell(&self, arguments: &[&str]) {
        tokio::task::block_in_place(|| self.workspace.ask(arguments));
    }

    fn ask(&self, sql: &str) -> String {
        self.server.ask(&self.database, sql).trim().to_owned()
    }

    /// Waits until all mails of so many people are accepted: whoever lives on knows what became of each. Then every one
    /// came once, and the books balance.
    fn everybody_got_both(&self, people: u64) {
        let all = people * MAILS_EACH;
        let counts = "SELECT count(*) FILTER (WHERE state = 'accepted'), count(*) FROM message";
        tokio::task::block_in_place(|| {
            wait_for("the end of all journeys", || {
                (self.ask(counts) == format!("{all}|{all}")).then_some(())
            });
            let got = agree(&ledger(&self.workspace), &self.sink);
            assert_eq!(got.len() as u64, all);
            audited(&self.workspace);
        });
    }
}
