//! A mail server that misbehaves once, at the place where it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Greeting,
    Ehlo,
    Mail,
    Rcpt,
    Data,
    /// The content has begun to come.
    Body,
    /// The content is there up to its final dot.
    Accept,
    Rset,
    Noop,
}

/// What the server does there.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Say(Vec<u8>),
    /// Says something, and closes the connection.
    SayAndClose(Vec<u8>),
    /// Says nothing any more.
    Hang,
    /// Says a byte now and then, and never the end of a line.
    Dribble,
}

/// The state of the server.
#[derive(Default)]
struct State {
    armed: Option<(At, Act)>,
    /// How often it has misbehaved.
    hits: usize,
    /// How often the whole of each message came and was not refused.
    came: BTreeMap<String, u32>,
    /// How often it has said, to the last byte, that it has each.
    accepted: BTreeMap<String, u32>,
}

#[derive(Clone)]
pub(super) struct Post {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
    extensions: &'static str,
}

impl Post {
    pub(super) async fn start(pipelining: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let extensions = if pipelining { "250-post\r\n250-PIPELINING\r\n" } else { "250-post\r\n" };
        let post = Self { address: listener.local_addr().unwrap(), state: Arc::default(), extensions };
        let served = post.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let post = served.clone();
                // A connection ends when the other side leaves: that is no fault here.
                tokio::spawn(async move { post.talk(stream).await });
            }
        });
        post
    }

    /// An address at which nobody listens.
    pub(super) async fn nowhere() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { address: listener.local_addr().unwrap(), state: Arc::default(), extensions: "" }
    }

    /// Has the server misbehave the next time it stands there.
    pub(super) fn arm(&self, at: At, act: Act) {
        self.state.lock().unwrap().armed = Some((at, act));
    }

    pub(super) fn hits(&self) -> usize {
        self.state.lock().unwrap().hits
    }

    /// How often it got the whole of each message, without refusing it.
    pub(super) fn came(&self) -> BTreeMap<String, u32> {
        self.state.lock().unwrap().came.clone()
    }

    /// How often it said that it has each message.
    pub(super) fn accepted(&self) -> BTreeMap<String, u32> {
        self.state.lock().unwrap().accepted.clone()
    }

    fn act(&self, at: At) -> Option<Act> {
        let mut state = self.state.lock().unwrap();
        let (_, act) = state.armed.take_if(|(armed, _)| *armed == at)?;
        state.hits += 1;
        Some(act)
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut line = String::new();
        let mut stream = BufReader::new(stream);
        self.answer(&mut stream, At::Greeting, b"220 post\r\n").await?;
        let mut is_refused = false;
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let verb = line.split([' ', '\r']).next().unwrap_or_default().to_ascii_uppercase();
            let ehlo = [self.extensions, "250 8BITMIME\r\n"].concat();
            match verb.as_str() {
                "EHLO" => drop(self.answer(&mut stream, At::Ehlo, ehlo.as_bytes()).await?),
                "MAIL" => is_refused = !self.answer(&mut stream, At::Mail, b"250 yes\r\n").await?,
                "RCPT" => is_refused |= !self.answer(&mut stream, At::Rcpt, b"250 yes\r\n").await?,
                "RSET" => drop(self.answer(&mut stream, At::Rset, b"250 yes\r\n").await?),
                "NOOP" => drop(self.answer(&mut stream, At::Noop, b"250 yes\r\n").await?),
                "DATA" if is_refused => stream.write_all(b"503 no recipient\r\n").await?,
                "DATA" => {
                    if self.answer(&mut stream, At::Data, b"354 go\r\n").await? {
                        self.content(&mut stream).await?;
                    }
                }
                _ => stream.write_all(b"500 what\r\n").await?,
            }
        }
    }

    /// Takes a content.
    async fn content(&self, stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
        let (mut id, mut line, mut lines) = (String::new(), String::new(), 0);
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if lines == 0
                && let Some(act) = self.act(At::Body)
            {
                self.misbehave(stream, act).await?;
            }
            lines += 1;
            if line == ".\r\n" {
                break;
            }
            if let Some(found) = line.strip_prefix("Message-ID: <") {
                found.split('@').next().unwrap_or_default().clone_into(&mut id);
            }
        }
        let act = self.act(At::Accept);
        let refuses = matches!(&act, Some(Act::Say(said) | Act::SayAndClose(said)) if is_no(said));
        if !refuses {
            *self.state.lock().unwrap().came.entry(id.clone()).or_default() += 1;
        }
        let accepts = match &act {
            None => true,
            Some(Act::Say(said) | Act::SayAndClose(said)) => {
                said.starts_with(b"250") && said.ends_with(b"\n")
            }
            Some(_) => false,
        };
        if accepts {
            *self.state.lock().unwrap().accepted.entry(id).or_default() += 1;
        }
        match act {
            None => stream.write_all(b"250 taken\r\n").await,
            Some(act) => self.misbehave(stream, act).await,
        }
    }

    /// Answers as is usual, or as it is told; whether that was a yes.
    async fn answer(&self, stream: &mut BufReader<TcpStream>, at: At, usual: &[u8]) -> std::io::Result<bool> {
        match self.act(at) {
            None => {
                stream.write_all(usual).await?;
                Ok(true)
            }
            Some(act) => {
                let is_yes = matches!(&act, Act::Say(said) if said.starts_with(&usual[..3]));
                self.misbehave(stream, act).await?;
                Ok(is_yes)
            }
        }
    }

    async fn misbehave(&self, stream: &mut BufReader<TcpStream>, act: Act) -> std::io::Result<()> {
        match act {
            Act::Say(said) => stream.write_all(&said).await,
            Act::SayAndClose(said) => {
                stream.write_all(&said).await?;
                stream.shutdown().await?;
                Err(std::io::ErrorKind::ConnectionAborted.into())
            }
            Act::Hang => {
                while stream.read_line(&mut String::new()).await? > 0 {}
                Err(std::io::ErrorKind::UnexpectedEof.into())
            }
            Act::Dribble => loop {
                stream.write_all(b"2").await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            },
        }
    }
}

fn is_no(said: &[u8]) -> bool {
    said.starts_with(b"4") || said.starts_with(b"5")
}
