//! A stretch of network between the program and PostgreSQL that does what it is told: it knows the messages of the
//! protocol, and cuts a connection behind one of them, before it, or falls silent and keeps it open.
//!
//! Messages: <https://www.postgresql.org/docs/current/protocol-message-formats.html>

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

/// What is done to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Behind this many messages of the program, counted over all connections, the connection is cut, and what the
    /// server answers is lost.
    CutAfter(u64),
    /// The connection of the next commit is cut behind it: the server gets it, and nobody hears the answer.
    CutAfterCommit,
    /// The connection of the next commit falls silent before it, and stays open; the commit is let through when
    /// [`Proxy::let_through`] says so.
    HoldCommit,
}

/// The network.
pub(crate) struct Proxy {
    port: u16,
    /// Where the server is; it may move.
    server: Mutex<PathBuf>,
    fault: Mutex<Option<Fault>>,
    /// Messages of the program that have gone through.
    messages: AtomicU64,
    /// How often a fault has struck.
    struck: AtomicU64,
    /// Whether nothing goes through, and every connection stays open.
    silent: watch::Sender<bool>,
    held: watch::Sender<bool>,
    /// The connections that are there are cut when this counts up.
    cut: watch::Sender<u64>,
    refusing: AtomicBool,
}

impl Proxy {
    /// Starts a network that leads to the socket of a server.
    pub(crate) async fn start(server: PathBuf) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Arc::new(Self {
            port: listener.local_addr().unwrap().port(),
            server: Mutex::new(server),
            fault: Mutex::default(),
            messages: AtomicU64::new(0),
            struck: AtomicU64::new(0),
            silent: watch::channel(false).0,
            held: watch::channel(false).0,
            cut: watch::channel(0).0,
            refusing: AtomicBool::new(false),
        });
        let served = Arc::clone(&proxy);
        tokio::spawn(async move {
            while let Ok((program, _)) = listener.accept().await {
                let proxy = Arc::clone(&served);
                tokio::spawn(async move {
                    let path = proxy.server.lock().unwrap().clone();
                    let Ok(server) = UnixStream::connect(path).await else { return };
                    if !proxy.refusing.load(Ordering::SeqCst) {
                        proxy.carry(program, server).await;
                    }
                });
            }
        });
        proxy
    }

    /// A database behind the network, as `lotse.yaml` says it.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}?sslmode=disable", self.port)
    }

    /// Has something go wrong from now on, once.
    pub(crate) fn strike(&self, fault: Fault) {
        self.messages.store(0, Ordering::SeqCst);
        *self.fault.lock().unwrap() = Some(fault);
    }

    /// Nothing is to go wrong any more; whether something was, and has not.
    pub(crate) fn calm(&self) -> bool {
        self.fault.lock().unwrap().take().is_some()
    }

    /// How often something went wrong.
    pub(crate) fn struck(&self) -> u64 {
        self.struck.load(Ordering::SeqCst)
    }

    /// Has nothing go through, or all again that is sent from then on. Connections of before stay silent.
    pub(crate) fn silence(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    /// Lets commits through that were held.
    pub(crate) fn let_through(&self) {
        self.held.send_replace(true);
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|times| *times += 1);
    }

    /// Leads to another server from now on, and cuts the connections to this one.
    pub(crate) fn lead_to(&self, server: PathBuf) {
        *self.server.lock().unwrap() = server;
        self.cut();
    }

    /// One connection, until one of both ends it or it is cut.
    async fn carry(&self, program: tokio::net::TcpStream, server: UnixStream) {
        let (mut from_program, mut to_program) = program.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let mut cut = self.cut.subscribe();
        let mut silent = self.silent.subscribe();
        let deaf = AtomicBool::new(false);
        let forth = async {
            let mut is_first = true;
            while let Some(message) = read_message(&mut from_program, is_first).await {
                is_first = false;
                if *silent.borrow_and_update() {
                    return std::future::pending().await;
                }
                match self.what_strikes(&message) {
                    Some(Fault::HoldCommit) => {
                        deaf.store(true, Ordering::SeqCst);
                        let mut held = self.held.subscribe();
                        let _ = held.wait_for(|through| *through).await;
                        let _ = to_server.write_all(&message).await;
                        // What the server makes of it, it makes of it alone.
                        let mut answer = [0; 64];
                        let _ = from_program.read(&mut answer).await;
                        return;
                    }
                    Some(_) => {
                        deaf.store(true, Ordering::SeqCst);
                        let _ = to_server.write_all(&message).await;
                        let _ = to_server.flush().await;
                        return;
                    }
                    None => {}
                }
                if to_server.write_all(&message).await.is_err() {
                    return;
                }
            }
        };
        let hush = self.silent.subscribe();
        let back = async {
            let mut buffer = vec![0; 16 << 10];
            while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
                if *hush.borrow() {
                    return std::future::pending().await;
                }
                if !deaf.load(Ordering::SeqCst) && to_program.write_all(&buffer[..count]).await.is_err() {
                    break;
                }
            }
            // Whoever hears no answer hears of no end either, until the other side is through.
            if deaf.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = forth => {}
            () = back => {}
            _ = cut.changed() => {}
        }
    }

    /// Counts a message, and says whether this is the one.
    fn what_strikes(&self, message: &[u8]) -> Option<Fault> {
        let count = self.messages.fetch_add(1, Ordering::SeqCst) + 1;
        let mut fault = self.fault.lock().unwrap();
        let strikes = match (*fault)? {
            Fault::CutAfter(number) => count >= number,
            Fault::CutAfterCommit | Fault::HoldCommit => is_commit(message),
        };
        if !strikes {
            return None;
        }
        self.struck.fetch_add(1, Ordering::SeqCst);
        fault.take()
    }
}

/// A transaction that changes something is committed by a query of its own.
fn is_commit(message: &[u8]) -> bool {
    message.first() == Some(&b'Q') && message.get(5..11) == Some(b"COMMIT")
}

/// One message of the program; the first has no letter before its length.
async fn read_message(from: &mut (impl AsyncReadExt + Unpin), is_first: bool) -> Option<Vec<u8>> {
    let head = if is_first { 4 } else { 5 };
    let mut message = vec![0; head];
    from.read_exact(&mut message).await.ok()?;
    let length = u32::from_be_bytes(message[head - 4..].try_into().unwrap()) as usize;
    message.resize(head - 4 + length, 0);
    from.read_exact(&mut message[head..]).await.ok()?;
    Some(message)
}
