//! Refusals while mails are on their way: what was let through the gate before, and who waits for whom.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lotse::config;
use lotse::domain::{Contact, MessageState, Permission};
use lotse::language::check::{Deployment, check};
use lotse::runtime::{Job, Outbound, Runtime, Works, deploy, event_id, load_plans};
use lotse::source::WorkspaceFiles;
use lotse::store::sqlite::SqliteStore;
use lotse::store::{Arrival, ArrivalKind, Identity, ImportRow, Store, StoredMessage, Who};
use lotse::time::{Clock, ManualClock, Moment};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

const JOURNEYS: &str = r#"
event signed_up { }
event bought { }
topic news "News"
email hello { topic news  from shop  subject "Hello"  body "Hello {{ unsubscribe_url }}" }
# allow W603: one mail is enough here
journey letter {
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  control 1%
  stage only { send email hello  end }
}
"#;
const PEOPLE: usize = 60;
/// The most that one connection may have let through: those that go, and those behind them.
const LET_THROUGH_MAX: usize = 32;

/// A mail server that takes each mail when it is told to.
struct Server {
    takes: Semaphore,
    /// The recipients whose content has begun, and those whose mail was taken.
    begun: Mutex<Vec<String>>,
    taken: Mutex<Vec<String>>,
}

impl Server {
    async fn start() -> (Arc<Self>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server =
            Arc::new(Self { takes: Semaphore::new(0), begun: Mutex::default(), taken: Mutex::default() });
        let served = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = Arc::clone(&served);
                // A client that goes away ends its conversation.
                tokio::spawn(async move { server.talk(stream).await.ok() });
            }
        });
        (server, port)
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 test\r\n").await?;
        let mut to = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let answer = match line.trim_end() {
                line if line.starts_with("EHLO") => "250-test\r\n250 PIPELINING\r\n",
                line if line.starts_with("RCPT") => {
                    to = line.split(['<', '>']).nth(1).unwrap().to_owned();
                    "250 ok\r\n"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    if !self.content(&mut stream, &to).await? {
                        return Ok(());
                    }
                    "250 taken\r\n"
                }
                _ => "250 ok\r\n",
            };
            stream.write_all(answer.as_bytes()).await?;
        }
    }

    async fn content(&self, stream: &mut BufReader<TcpStream>, to: &str) -> std::io::Result<bool> {
        let mut first = true;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(false);
            }
            if std::mem::take(&mut first) {
                self.begun.lock().unwrap().push(to.to_owned());
            }
            if line == ".\r\n" {
                self.takes.acquire().await.unwrap().forget();
                self.taken.lock().unwrap().push(to.to_owned());
                return Ok(true);
            }
        }
    }

    fn begun(&self) -> Vec<String> {
        self.begun.lock().unwrap().clone()
    }
}

/// Everybody has signed up, and one connection carries their mails.
struct World {
    _folder: tempfile::TempDir,
    runtime: Arc<Runtime>,
    works: Works,
    server: Arc<Server>,
    clock: Arc<ManualClock>,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (server, port) = Server::start().await;
        let yaml = format!(
            "workspace: test\ntimezone: UTC\nsecret: \"a secret of 32 bytes that nobody needs to keep\"\n\
            smtp: {{ url: \"smtp://127.0.0.1:{port}\", connections: 1 }}\n\
            senders:\n  shop: {{ from: \"Shop <hello@example.com>\" }}\n"
        );
        let files = WorkspaceFiles::from_texts([("lotse.yaml", yaml.as_str()), ("a.journey", JOURNEYS)]);
        let (config, findings) = config::read(&files);
        assert!(findings.is_empty(), "{findings:#?}");
        let checked = check(&files, Deployment::of(&config).as_ref());
        assert!(!checked.has_errors(), "{:#?}", checked.findings);
        let store = SqliteStore::open(&folder.path().join("lotse.db")).await.unwrap();
        store.migrate().await.unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let now = Moment::from_seconds(1_800_000_000);
        deploy(&*store, &checked, &files.sources, "tests", now).await.unwrap();
        let plans = load_plans(&*store).await.unwrap();
        let arm = lotse::domain::Arm::Treated;
        let runtime = Runtime::new(Arc::clone(&store), plans, config.timezone.clone(), BTreeMap::new());
        let runtime = Arc::new(runtime.with_arm(arm));
        let clock = Arc::new(ManualClock::new(now));
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let environment = config::ProcessEnvironment::new(folder.path());
        let outbound = Outbound::new(&config, &environment, &shared).unwrap();
        sign_up(&*store, now).await;
        while runtime.tick(now.plus_seconds(1), 1_000).await.unwrap().more {}
        clock.set(now.plus_seconds(2));
        let works = Works::start(Arc::clone(&runtime), Arc::new(outbound), shared).await.unwrap();
        Self { _folder: folder, runtime, works, server, clock }
    }

    async fn contact(&self, address: &str) -> Contact {
        let mut unit = self.runtime.store().read().await.unwrap();
        unit.find(&Who::from_text(address)).await.unwrap().unwrap()
    }

    async fn messages(&self) -> Vec<(String, StoredMessage)> {
        let mut messages = Vec::new();
        for person in 0..PEOPLE {
            let address = format!("p{person}@example.org");
            let contact = self.contact(&address).await.id;
            let mut unit = self.runtime.store().read().await.unwrap();
            messages.push((address, unit.messages(contact).await.unwrap().remove(0)));
        }
        messages
    }

    async fn refuse(&self, address: &str) {
        let contact = self.contact(address).await.id;
        let permission = Permission {
            contact,
            topic: "news".to_owned(),
            allowed: false,
            at: self.clock.now(),
            source: "test".to_owned(),
            wording: None,
            proof: None,
        };
        let permissions = vec![permission];
        self.works.writer.write(|done| Job::Decide { permissions, done }).await.unwrap();
        self.runtime.let_out(&[contact]).await;
    }

    /// Has mails taken until some are let through that have not begun.
    async fn let_through(&self) -> Vec<String> {
        for _ in 0..PEOPLE {
            self.server.takes.add_permits(1);
            let taken = self.server.taken.lock().unwrap().len();
            for _ in 0..50 {
                tokio::task::yield_now().await;
                let begun = self.server.begun();
                let waiting = |(address, stored): (String, StoredMessage)| {
                    let open = stored.message.state == MessageState::HandedOver;
                    (open && !begun.contains(&address)).then_some(address)
                };
                let waiting: Vec<String> = self.messages().await.into_iter().filter_map(waiting).collect();
                if waiting.len() > 1 {
                    return waiting;
                }
                if self.server.taken.lock().unwrap().len() > taken {
                    break;
                }
            }
        }
        panic!("nothing was let through beforehand");
    }
}

async fn sign_up(store: &dyn Store, now: Moment) {
    let mut unit = store.write().await.unwrap();
    let row = |person: usize| ImportRow {
        external_id: Some(format!("p{person}")),
        email: format!("p{person}@example.org").parse().ok(),
        allows: vec![("news".to_owned(), true)],
        source: "test".to_owned(),
        ..ImportRow::default()
    };
    unit.import((0..PEOPLE).map(row).collect(), now).await.unwrap();
    let arrival = |person: usize| Arrival {
        id: event_id("test", &person.to_string(), Some(now)),
        who: Identity { external_id: Some(format!("p{person}")), ..Identity::default() },
        kind: ArrivalKind::Event(lotse::domain::EventKind::Track, "signed_up".to_owned()),
        at: now,
        received_at: now.plus_micros(person as i64),
        properties: lotse::domain::Attributes::new(),
    };
    unit.take_in((0..PEOPLE).map(arrival).collect()).await.unwrap();
    unit.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_after_a_refusal_was_answered() {
    let world = World::new().await;
    let waiting = world.let_through().await;
    assert!(waiting.len() <= LET_THROUGH_MAX, "{}", waiting.len());
    // The server takes nothing meanwhile: the answer comes when the passes have run out.
    let refused = waiting.last().unwrap();
    world.refuse(refused).await;
    assert!(!world.server.begun().contains(refused));
    world.server.takes.add_permits(PEOPLE);
    let through = async || {
        let messages = world.messages().await;
        messages.iter().all(|(_, stored)| {
            !matches!(stored.message.state, MessageState::Decided | MessageState::HandedOver)
        })
    };
    while !through().await {
        tokio::task::yield_now().await;
    }
    world.works.end(Duration::from_secs(30)).await;
    let mut taken = world.server.taken.lock().unwrap().clone();
    assert!(!world.server.begun().contains(refused), "it was refused, and that was answered");
    taken.sort();
    let everybody: Vec<String> = (0..PEOPLE).map(|person| format!("p{person}@example.org")).collect();
    let mut others: Vec<String> = everybody.into_iter().filter(|address| address != refused).collect();
    others.sort();
    assert_eq!(taken, others, "each other mail once");
}
