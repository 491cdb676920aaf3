use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::fmt::rfc2822;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::time::timeout;
use uuid::Uuid;

use super::guard::{AllowList, GuardError, Target};
use super::sign::Secret;
use crate::channel::clean_answer;
use crate::time::Moment;

/// How much of an answer is read, in bytes; the rest is not waited for.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The longest time that a receiver can ask us to wait.
const RETRY_AFTER_SECONDS_MAX: u32 = 24 * 60 * 60;

/// A receiver of calls.
///
/// It has a client of its own, so that what the guard allows for one receiver opens nothing for another.
#[derive(Clone)]
pub struct Endpoint {
    client: Client,
    target: Arc<Target>,
    secret: Secret,
    limit: Duration,
}

/// What became of one attempt to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The receiver has it: it answered 2xx.
    Delivered {
        /// The status.
        status: u16,
        /// What it answered, as far as it came within the time, at most 64 KiB and never unpacked.
        body: Vec<u8>,
    },
    /// The receiver does not have it, as far as we know. Any other status says so, a redirect too (Standard
    /// Webhooks, "Deliverability and reliability").
    Failed {
        /// The status, if one came.
        status: Option<u16>,
        /// What happened: one line of at most 512 characters, without control characters.
        why: String,
        /// How long the receiver asks us to wait, at most a day.
        retry_after_seconds: Option<u32>,
        /// Whether it wants no calls any more (410), now or later. Every other failure may be tried again.
        gone: bool,
    },
}

/// Takes calls: somebody else's system.
#[async_trait]
pub trait Receiver: Send + Sync {
    /// Makes one attempt. `id` is the same on every attempt, `now` is the moment of this one: the receiver refuses
    /// what is older than a few minutes.
    async fn post(&self, id: Uuid, now: Moment, body: Vec<u8>) -> CallOutcome;
}

/// Looks names up.
#[async_trait]
trait Lookup: Send + Sync {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The way the machine does it.
struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// Looks the host up once for each connection, and gives addresses only when every one of them may be called.
struct GuardedResolver {
    target: Arc<Target>,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, _: Name) -> Resolving {
        let (target, lookup) = (Arc::clone(&self.target), Arc::clone(&self.lookup));
        Box::pin(async move {
            let (host, port) = target.place();
            let unknown = |why: String| GuardError::Unknown { host: host.to_owned(), why };
            let addresses = lookup.addresses(host, port).await.map_err(|error| unknown(error.to_string()))?;
            if addresses.is_empty() {
                return Err(unknown("nothing was found".to_owned()).into());
            }
            for address in &addresses {
                target.check(address.ip())?;
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl Endpoint {
    /// Prepares calls to a URL, each of which may take `limit` in all. Nothing is connected yet.
    ///
    /// # Errors
    /// When the URL is none, or is one that the guard refuses whatever its host stands for.
    pub fn new(url: &str, secret: Secret, limit: Duration, allowed: &AllowList) -> Result<Self, GuardError> {
        Self::with_lookup(url, secret, limit, allowed, Arc::new(SystemLookup))
    }

    fn with_lookup(
        url: &str,
        secret: Secret,
        limit: Duration,
        allowed: &AllowList,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, GuardError> {
        let target = Arc::new(Target::new(url, allowed)?);
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("Lotse/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(GuardedResolver { target: Arc::clone(&target), lookup }))
            .build()
            .map_err(|error| GuardError::Tls(innermost(&error)))?;
        Ok(Self { client, target, secret, limit })
    }

    async fn attempt(&self, id: Uuid, now: Moment, body: Vec<u8>) -> CallOutcome {
        let id = id.to_string();
        let (signature, timestamp) = self.secret.sign(&id, now, &body);
        let request = self
            .client
            .post(self.target.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body);
        let mut answer = Answer::default();
        let result = timeout(self.limit, async {
            let response = request.send().await?;
            answer.read(response, now).await
        })
        .await;
        let broken = match result {
            Ok(Ok(())) => String::new(),
            Ok(Err(error)) => innermost(&error),
            Err(_) => format!("no answer within {:?}", self.limit),
        };
        answer.outcome(broken)
    }
}

#[async_trait]
impl Receiver for Endpoint {
    async fn post(&self, id: Uuid, now: Moment, body: Vec<u8>) -> CallOutcome {
        self.attempt(id, now, body).await
    }
}

/// What has come of an answer.
#[derive(Default)]
struct Answer {
    status: Option<StatusCode>,
    retry_after_seconds: Option<u32>,
    body: Vec<u8>,
}

impl Answer {
    /// Reads as much as is kept. What has come stays, also when the rest does not.
    async fn read(&mut self, mut response: Response, now: Moment) -> reqwest::Result<()> {
        self.status = Some(response.status());
        let retry_after = response.headers().get(RETRY_AFTER);
        self.retry_after_seconds =
            retry_after.and_then(|value| value.to_str().ok()).and_then(|value| seconds_from(value, now));
        while self.body.len() < BODY_BYTES_MAX {
            let Some(chunk) = response.chunk().await? else { break };
            self.body.extend(chunk.iter().take(BODY_BYTES_MAX - self.body.len()));
        }
        Ok(())
    }

    /// A status that came decides, whether the body did or not: the receiver has spoken.
    fn outcome(self, broken: String) -> CallOutcome {
        let Some(status) = self.status else {
            return CallOutcome::Failed {
                status: None,
                why: clean_answer(&broken),
                retry_after_seconds: None,
                gone: false,
            };
        };
        if status.is_success() {
            return CallOutcome::Delivered { status: status.as_u16(), body: self.body };
        }
        let body = String::from_utf8_lossy(&self.body);
        CallOutcome::Failed {
            status: Some(status.as_u16()),
            why: clean_answer(&format!("{status} {body}")),
            retry_after_seconds: self.retry_after_seconds,
            gone: status == StatusCode::GONE,
        }
    }
}

/// `Retry-After`: seconds or a date (RFC 9110 section 10.2.3), cut to a day.
fn seconds_from(value: &str, now: Moment) -> Option<u32> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u32::MAX);
        return Some(seconds.min(RETRY_AFTER_SECONDS_MAX));
    }
    let date = Moment::from(rfc2822::parse(value).ok()?.timestamp());
    let seconds = (date.micros_since(now) / 1_000_000).clamp(0, i64::from(RETRY_AFTER_SECONDS_MAX));
    u32::try_from(seconds).ok()
}

/// The cause at the bottom of an error, which says most. The layers above repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.source().is_none() { "the request failed".to_owned() } else { cause.to_string() }
}

#[cfg(test)]
mod tests;
