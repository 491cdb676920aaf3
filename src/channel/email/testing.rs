//! A mail server that does what a test tells it, at the step it is told.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::compose::RawMail;
use super::outcome::{Envelope, Gate, Letter};
use super::pool::{RouteConfig, SmtpRoute};
use super::server::{Security, SmtpServer};
use super::smtp::Timeouts;
use crate::domain::MessageId;
use crate::time::{ManualClock, Moment};

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The content has come, up to its final dot.
    Content,
    Rset,
    Noop,
    Quit,
}

/// One step of one conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The conversation, from 0.
    pub(super) connection: usize,
    pub(super) at: At,
    /// How often it has stood there before.
    pub(super) count: usize,
}

/// What the server does at a step.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// What is expected of it.
    Usual,
    /// These bytes.
    Say(Vec<u8>),
    /// These bytes, and closes.
    SayAndClose(Vec<u8>),
    /// Nothing, for ever.
    Hang,
    /// A byte now and then, and never the end of a line.
    Dribble,
}

impl Act {
    pub(super) fn say(text: &str) -> Self {
        Act::Say(format!("{text}\r\n").into_bytes())
    }

    pub(super) fn close() -> Self {
        Act::SayAndClose(Vec::new())
    }
}

/// A mail that was accepted, dots as they were before they were doubled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) content: String,
}

/// What the server saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) connections: usize,
    /// Conversations that have ended.
    pub(super) ended: usize,
    pub(super) open_max: usize,
    pub(super) commands: Vec<String>,
    pub(super) mails: Vec<Received>,
    /// Contents that ended without their final dot.
    pub(super) cut: usize,
}

type Script = dyn Fn(Step) -> Act + Send + Sync;

/// How the server presents itself.
#[derive(Clone, Default)]
pub(super) struct Manner {
    /// The extensions it names, and obeys as far as it knows them.
    pub(super) extensions: Vec<&'static str>,
    /// Its certificate, for STARTTLS.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Whether TLS begins with the first byte.
    pub(super) implicit_tls: bool,
}

pub(super) struct TestServer {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl TestServer {
    pub(super) async fn start(
        manner: Manner,
        script: impl Fn(Step) -> Act + Send + Sync + 'static,
    ) -> TestServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (script, all_seen): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let connection = {
                    let mut seen = all_seen.lock().unwrap();
                    seen.connections += 1;
                    seen.open_max = seen.open_max.max(seen.connections - seen.ended);
                    seen.connections - 1
                };
                let talk = Talk {
                    stream: BufReader::new(Box::new(stream)),
                    connection,
                    manner: manner.clone(),
                    script: Arc::clone(&script),
                    seen: Arc::clone(&all_seen),
                    steps: Vec::new(),
                };
                let seen = Arc::clone(&all_seen);
                tokio::spawn(async move {
                    talk.run().await;
                    seen.lock().unwrap().ended += 1;
                });
            }
        });
        TestServer { address, seen }
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Waits until as many conversations have ended.
    pub(super) async fn ended(&self, count: usize) {
        while self.seen().ended < count {
            tokio::task::yield_now().await;
        }
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

struct Talk {
    stream: BufReader<Box<dyn Duplex>>,
    connection: usize,
    manner: Manner,
    script: Arc<Script>,
    seen: Arc<Mutex<Seen>>,
    steps: Vec<At>,
}

impl Talk {
    async fn run(mut self) {
        if self.manner.implicit_tls && self.encrypt().await.is_none() {
            return;
        }
        // Whatever ends a conversation ends it.
        let _ = self.converse().await;
    }

    async fn converse(&mut self) -> Option<()> {
        self.act(At::Greeting, "220 test").await?;
        let (mut from, mut to) = (String::new(), String::new());
        loop {
            let command = self.line().await?;
            self.seen.lock().unwrap().commands.push(command.clone());
            let word = command.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            let address = || command.split(['<', '>']).nth(1).unwrap_or("").to_owned();
            match word.as_str() {
                "EHLO" => {
                    let mut lines = vec!["250-test"];
                    let extensions: Vec<String> =
                        self.manner.extensions.iter().map(|name| format!("250-{name}")).collect();
                    lines.extend(extensions.iter().map(String::as_str));
                    lines.push("250 HELP");
                    self.act(At::Ehlo, &lines.join("\r\n")).await?;
                }
                "STARTTLS" => {
                    self.act(At::StartTls, "220 go ahead").await?;
                    self.manner.extensions.retain(|name| *name != "STARTTLS");
                    self.encrypt().await?;
                }
                "AUTH" => drop(self.act(At::Auth, "235 2.7.0 welcome").await?),
                "MAIL" => {
                    from = address();
                    self.act(At::Mail, "250 2.1.0 ok").await?;
                }
                "RCPT" => {
                    to = address();
                    self.act(At::Rcpt, "250 2.1.5 ok").await?;
                }
                "DATA" if self.act(At::Data, "354 go on").await? == "354" => {
                    let Some(content) = self.content().await else {
                        self.seen.lock().unwrap().cut += 1;
                        return None;
                    };
                    let received = Received { from: from.clone(), to: to.clone(), content };
                    if self.act(At::Content, "250 2.0.0 queued").await? == "250" {
                        self.seen.lock().unwrap().mails.push(received);
                    }
                }
                "DATA" => {}
                "RSET" => drop(self.act(At::Rset, "250 ok").await?),
                "NOOP" => drop(self.act(At::Noop, "250 ok").await?),
                "QUIT" => {
                    self.act(At::Quit, "221 bye").await?;
                    return None;
                }
                _ => self.say(b"500 what?\r\n").await?,
            }
        }
    }

    /// Does what the script says and gives the code that was said; `None` when the conversation is over.
    async fn act(&mut self, at: At, usual: &str) -> Option<String> {
        let count = self.steps.iter().filter(|before| **before == at).count();
        self.steps.push(at);
        let step = Step { connection: self.connection, at, count };
        let said = match (self.script)(step) {
            Act::Usual => format!("{usual}\r\n").into_bytes(),
            Act::Say(bytes) => bytes,
            Act::SayAndClose(bytes) => {
                self.say(&bytes).await?;
                return None;
            }
            Act::Hang => {
                // Until the other side goes.
                while self.stream.read_u8().await.is_ok() {}
                return None;
            }
            Act::Dribble => loop {
                self.say(b"2").await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            },
        };
        self.say(&said).await?;
        Some(String::from_utf8_lossy(&said).chars().take(3).collect())
    }

    async fn say(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).await.ok()?;
        self.stream.flush().await.ok()
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.ok()?;
        line.strip_suffix("\r\n").map(str::to_owned)
    }

    async fn content(&mut self) -> Option<String> {
        let mut content = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                return Some(content);
            }
            content.push_str(line.strip_prefix('.').unwrap_or(&line));
            content.push_str("\r\n");
        }
    }

    async fn encrypt(&mut self) -> Option<()> {
        let config = self.manner.tls.clone()?;
        let (empty, _) = tokio::io::duplex(1);
        let stream = std::mem::replace(&mut self.stream, BufReader::new(Box::new(empty)));
        let stream = TlsAcceptor::from(config).accept(stream.into_inner()).await.ok()?;
        self.stream = BufReader::new(Box::new(stream));
        Some(())
    }
}

/// A certificate for a name, and a client that trusts it alone.
pub(super) fn certificate(name: &str) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    certificate_until(name, 4096)
}

/// The same, which is good until a year begins.
pub(super) fn certificate_until(name: &str, year: i32) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let signing_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_after = date_time_ymd(year, 1, 1);
    let cert = params.self_signed(&signing_key).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

/// A server as the code under test knows it.
pub(super) fn server_at(address: SocketAddr, security: Security) -> SmtpServer {
    SmtpServer { host: address.ip().to_string(), port: address.port(), security, credentials: None }
}

/// A route over at most two connections to that server, which trusts nobody but whom `tls` trusts.
pub(super) fn route_to(server: SmtpServer, timeouts: Timeouts, tls: Option<Arc<ClientConfig>>) -> SmtpRoute {
    let mut config = RouteConfig::new(server);
    config.connections = NonZeroUsize::new(2).unwrap();
    config.timeouts = timeouts;
    config.tls = Some(tls.unwrap_or_else(|| certificate("nobody.example").1));
    SmtpRoute::new(config, Arc::new(ManualClock::new(Moment::from_seconds(1_800_000_000)))).unwrap()
}

/// Times that no test waits for; a test that needs one to pass shortens that one.
pub(super) fn patient() -> Timeouts {
    let long = Duration::from_secs(60);
    Timeouts {
        connect: long,
        greeting: long,
        mail: long,
        rcpt: long,
        data: long,
        content: long,
        accept: long,
        housekeeping: long,
    }
}

pub(super) fn envelope() -> Envelope {
    Envelope { from: "news@brand.example".parse().unwrap(), to: "ada@example.org".parse().unwrap() }
}

pub(super) fn letter<'a>(envelope: &'a Envelope, mail: &'a RawMail) -> Letter<'a> {
    Letter { id: MessageId::default(), envelope, mail }
}

pub(super) fn raw_mail(body: &str) -> RawMail {
    RawMail::new(format!("From: <news@brand.example>\r\nTo: <ada@example.org>\r\n\r\n{body}")).unwrap()
}

/// A gate that says the same each time, and counts how often it was asked.
pub(super) struct TestGate {
    open: bool,
    asked: AtomicUsize,
}

impl TestGate {
    pub(super) fn new(open: bool) -> Self {
        Self { open, asked: AtomicUsize::new(0) }
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Gate for TestGate {
    async fn hand_over(&self, _: MessageId) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.open
    }
}
