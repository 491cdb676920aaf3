use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::outcome::{Gate, Letter, MailLease, MailRoute, Outcome};
use super::server::SmtpServer;
use super::smtp::{Connection, Fate, Timeouts};
use crate::channel::RateLimit;
use crate::time::{Clock, Moment};

/// How long a connection may rest before it is asked whether it is still there.
const REST_MICROS_MAX: i64 = 10_000_000;

/// How mail goes to a server.
#[derive(Clone, Debug)]
pub struct RouteConfig {
    /// The server.
    pub server: SmtpServer,
    /// How many connections are open at once.
    pub connections: NonZeroUsize,
    /// How many mails are begun in a second, where there is a limit.
    pub per_second: Option<NonZeroU32>,
    /// How long each part of a conversation may take.
    pub timeouts: Timeouts,
    /// How TLS is spoken; without it, certificates are trusted that the machine trusts.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Why there is no way to a server.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The machine's certificates cannot be used.
    #[error("TLS cannot be used: {0}; install the certificates of your system (`ca-certificates`)")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

/// The way to a mail server: a bounded number of connections, kept open and used again.
#[derive(Clone)]
pub struct SmtpRoute {
    shared: Arc<Shared>,
}

struct Shared {
    server: SmtpServer,
    timeouts: Timeouts,
    tls: Arc<ClientConfig>,
    rate: Option<RateLimit>,
    clock: Arc<dyn Clock>,
    /// How many there can be.
    connections: usize,
    places: Arc<Semaphore>,
    resting: Mutex<Vec<Resting>>,
}

/// A connection that waits for its next mail.
struct Resting {
    connection: Connection,
    since: Moment,
    /// Whether a mail was refused half way, which the server must be told to forget.
    unfinished: bool,
}

/// The right to use one connection, for any number of mails, one at a time.
pub struct Lease {
    route: Arc<Shared>,
    resting: Option<Resting>,
    _place: Option<OwnedSemaphorePermit>,
}

impl RouteConfig {
    /// Eight connections, no limit on the rate, the times of RFC 5321.
    pub fn new(server: SmtpServer) -> Self {
        Self {
            server,
            connections: NonZeroUsize::MIN.saturating_add(7),
            per_second: None,
            timeouts: Timeouts::default(),
            tls: None,
        }
    }
}

impl SmtpRoute {
    /// Prepares the way; nothing is connected yet.
    ///
    /// # Errors
    /// When the machine has no certificates to trust.
    pub fn new(config: RouteConfig, clock: Arc<dyn Clock>) -> Result<Self, RouteError> {
        let tls = match config.tls {
            Some(tls) => tls,
            None => Arc::new(platform_tls()?),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                server: config.server,
                timeouts: config.timeouts,
                tls,
                rate: config.per_second.map(RateLimit::per_second),
                clock,
                connections: config.connections.get(),
                places: Arc::new(Semaphore::new(config.connections.get())),
                resting: Mutex::default(),
            }),
        })
    }

    /// Waits until a connection is free. It is opened by the first mail, not here.
    pub async fn checkout(&self) -> Lease {
        // The semaphore is never closed.
        let place = Arc::clone(&self.shared.places).acquire_owned().await.ok();
        let resting = self.shared.resting().pop();
        Lease { route: Arc::clone(&self.shared), resting, _place: place }
    }

    /// Takes leave of the server on every connection that rests; for when there is nothing to send for a while.
    pub async fn close(&self) {
        let resting = std::mem::take(&mut *self.shared.resting());
        for Resting { connection, .. } in resting {
            connection.quit().await;
        }
    }

    /// Connects, logs in and takes leave, to see whether it works. Somebody waits for what comes of it: a server is not
    /// given the minutes that mail waits for its words.
    ///
    /// # Errors
    /// What went wrong, in words for whoever runs the server.
    pub async fn probe(&self, limit: Duration) -> Result<(), String> {
        let Ok(opened) = tokio::time::timeout(limit, self.shared.open()).await else {
            let SmtpServer { host, port, .. } = &self.shared.server;
            return Err(format!(
                "`{host}:{port}` did not greet us and let us in within {} seconds: it says nothing, or not what a mail \
                server says; see whether port and `smtp://` or `smtps://` are right",
                limit.as_secs()
            ));
        };
        opened?.quit().await;
        Ok(())
    }
}

#[async_trait]
impl MailRoute for SmtpRoute {
    async fn checkout(&self) -> Box<dyn MailLease> {
        Box::new(SmtpRoute::checkout(self).await)
    }

    fn connections(&self) -> (usize, usize) {
        let lent = self.shared.connections.saturating_sub(self.shared.places.available_permits());
        (lent, self.shared.resting().len())
    }
}

#[async_trait]
impl MailLease for Lease {
    async fn send(&mut self, letter: Letter<'_>, gate: &dyn Gate, next: Option<Letter<'_>>) -> Outcome {
        Lease::send(self, letter, gate, next).await
    }
}

impl Shared {
    fn resting(&self) -> std::sync::MutexGuard<'_, Vec<Resting>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(&self) -> Result<Connection, String> {
        Connection::open(&self.server, &self.tls, self.timeouts).await
    }

    /// Waits for a place within the limit on the rate.
    async fn take_turn(&self) {
        if let Some(rate) = &self.rate {
            let turn = rate.reserve(self.clock.now());
            let micros = self.clock.micros_until(turn);
            if micros > 0 {
                tokio::time::sleep(Duration::from_micros(micros)).await;
            }
        }
    }
}

impl Lease {
    /// Hands over one mail and says what is known about it.
    ///
    /// `next` is the mail that is handed over on this lease behind it, where that is known: servers that allow it
    /// hear of both at once.
    ///
    /// A connection that the server closed while it rested costs no mail: it is replaced by a new one, once.
    /// When the returned future is dropped before it ends, what is known is what the gate committed.
    pub async fn send(&mut self, letter: Letter<'_>, gate: &dyn Gate, next: Option<Letter<'_>>) -> Outcome {
        self.route.take_turn().await;
        // Where there is a limit on the rate, the next mail waits for its turn.
        let next = next.filter(|_| self.route.rate.is_none());
        if let Some(mut connection) = self.wake(letter).await {
            let (outcome, fate) = connection.send(letter, gate, next).await;
            if fate != Fate::Gone {
                self.keep(connection, fate);
                return outcome;
            }
        }
        let mut connection = match self.route.open().await {
            Ok(connection) => connection,
            Err(why) => return Outcome::RouteDown { why },
        };
        let (outcome, fate) = connection.send(letter, gate, next).await;
        self.keep(connection, fate);
        outcome
    }

    /// The connection from before, if it is still there and the server expects no other mail.
    async fn wake(&mut self, letter: Letter<'_>) -> Option<Connection> {
        let Resting { mut connection, since, unfinished } = self.resting.take()?;
        if let Some(announced) = connection.announced() {
            return (announced == letter.id).then_some(connection);
        }
        let rested = self.route.clock.now().micros_since(since);
        let usable = if unfinished {
            connection.reset().await
        } else {
            rested <= REST_MICROS_MAX || connection.is_alive().await
        };
        usable.then_some(connection)
    }

    fn keep(&mut self, connection: Connection, fate: Fate) {
        if matches!(fate, Fate::Ready | Fate::Unfinished) {
            let since = self.route.clock.now();
            self.resting = Some(Resting { connection, since, unfinished: fate == Fate::Unfinished });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // What waits for a mail of which the server has heard is of no use for another.
        if let Some(resting) = self.resting.take_if(|resting| resting.connection.announced().is_none()) {
            self.route.resting().push(resting);
        }
    }
}

/// TLS 1.2 and 1.3 with the certificates that the machine trusts.
fn platform_tls() -> Result<ClientConfig, RouteError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth())
}

#[cfg(test)]
mod tests;
