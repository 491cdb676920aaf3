//! Somebody else's system over HTTP. It does what it is told at the next request, and is well-behaved afterwards.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lotse::channel::webhook::{Endpoint, Receiver, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does with a request.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Says something, and closes the connection.
    Say(Vec<u8>),
    /// Says something, and then nothing more.
    SayAndHang(Vec<u8>),
    /// Says something, and then something else over and over.
    Flood(Vec<u8>, Vec<u8>),
    /// Closes the connection so that the other side sees a failure.
    Reset,
}

/// An attempt to call.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) line: String,
    pub(super) id: String,
    pub(super) timestamp: String,
    signature: String,
    pub(super) body: String,
}

impl Attempt {
    /// Whether it is signed as Standard Webhooks says.
    pub(super) fn is_signed(&self) -> bool {
        secret().verifies(&self.id, &self.timestamp, self.body.as_bytes(), &self.signature)
    }
}

#[derive(Clone)]
pub(super) struct Hook {
    pub(super) address: SocketAddr,
    next: Arc<Mutex<Option<Act>>>,
    always: Arc<Mutex<Option<Act>>>,
    attempts: Arc<Mutex<Vec<Attempt>>>,
    flooded: Arc<AtomicUsize>,
}

impl Hook {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = Self {
            address: listener.local_addr().unwrap(),
            next: Arc::default(),
            always: Arc::default(),
            attempts: Arc::default(),
            flooded: Arc::default(),
        };
        let served = hook.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let hook = served.clone();
                // A connection ends when the other side leaves: that is no fault here.
                tokio::spawn(async move { hook.answer(stream).await });
            }
        });
        hook
    }

    /// The way to it, on which a call takes no longer than `limit`.
    pub(super) fn way(&self, limit: Duration) -> Arc<dyn Receiver> {
        let allowed = vec!["127.0.0.1".parse().unwrap()];
        Arc::new(Endpoint::new(&format!("http://{}/hook", self.address), secret(), limit, &allowed).unwrap())
    }

    pub(super) fn next(&self, act: Act) {
        *self.next.lock().unwrap() = Some(act);
    }

    /// Does the same with every request from now on.
    pub(super) fn always(&self, act: Option<Act>) {
        *self.always.lock().unwrap() = act;
    }

    pub(super) fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }

    /// How many bytes of floods somebody took.
    pub(super) fn flooded(&self) -> usize {
        self.flooded.load(Ordering::SeqCst)
    }

    async fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        let attempt = loop {
            if let Some(attempt) = whole(&request) {
                break attempt;
            }
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        };
        self.attempts.lock().unwrap().push(attempt);
        let told = self.next.lock().unwrap().take();
        let act = told.or_else(|| self.always.lock().unwrap().clone());
        match act.unwrap_or_else(|| Act::Say(reply("200 OK", "", "{}"))) {
            Act::Say(said) => stream.write_all(&said).await,
            Act::SayAndHang(said) => {
                stream.write_all(&said).await?;
                stream.read(&mut [0; 1]).await.map(drop)
            }
            Act::Flood(said, more) => {
                stream.write_all(&said).await?;
                loop {
                    stream.write_all(&more).await?;
                    self.flooded.fetch_add(more.len(), Ordering::SeqCst);
                }
            }
            Act::Reset => stream.set_zero_linger(),
        }
    }
}

/// An answer of that status, with further lines in its head.
pub(super) fn reply(status: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}

fn secret() -> Secret {
    Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
}

fn whole(request: &[u8]) -> Option<Attempt> {
    let text = std::str::from_utf8(request).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default().to_owned()
    };
    let length: usize = header("content-length").parse().unwrap();
    (body.len() >= length).then(|| Attempt {
        line: head.lines().next().unwrap_or_default().to_owned(),
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: body.to_owned(),
    })
}
