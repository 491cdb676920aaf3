//! A mailbox for everybody: an SMTP server (RFC 5321) that takes every mail and hands none on.
//!
//! `lotse demo` shows what it gets; tests and benches count with it. It keeps the last mails and counts all, in
//! bounded memory. There is no sign-in and no TLS: it is meant for the loopback interface.

mod command;
mod mail;
mod session;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use mail::Mail;

use crate::time::Clock;
use session::Envelope;

/// How many conversations there are at a time; who comes then waits until one ends.
const CONVERSATIONS_MAX: usize = 256;
/// How long nobody is let in when the machine has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// What was received. Clones share it.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

struct Shared {
    keep: usize,
    clock: Arc<dyn Clock>,
    mails: Mutex<VecDeque<Arc<Mail>>>,
    count: watch::Sender<u64>,
}

impl Inbox {
    /// An empty inbox that keeps the last `keep` mails; with 0 it only counts. `clock` says when a mail came.
    pub fn new(keep: usize, clock: Arc<dyn Clock>) -> Self {
        let count = watch::Sender::new(0);
        Self(Arc::new(Shared { keep, clock, mails: Mutex::default(), count }))
    }

    /// Receives mail until `shutdown` comes. Conversations that are going on then are broken off: what was not
    /// answered was not taken.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let room = Arc::new(Semaphore::new(CONVERSATIONS_MAX));
        let mut conversations = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let accepted = async {
                let permit = Arc::clone(&room).acquire_owned().await.map_err(std::io::Error::other)?;
                let (stream, _) = listener.accept().await?;
                Ok::<_, std::io::Error>((stream, permit))
            };
            let accepted = tokio::select! {
                accepted = accepted => accepted,
                () = &mut shutdown => return,
            };
            match accepted {
                Ok((stream, permit)) => {
                    let inbox = self.clone();
                    conversations.spawn(async move {
                        // Who hangs up in the middle has sent nothing.
                        if let Err(error) = session::converse(stream, &inbox).await {
                            tracing::debug!(%error, "a mail conversation ended early");
                        }
                        drop(permit);
                    });
                    while conversations.try_join_next().is_some() {}
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(NO_ROOM).await;
                }
            }
        }
    }

    /// The mails that are kept, the oldest first.
    pub fn mails(&self) -> Vec<Arc<Mail>> {
        self.kept().iter().cloned().collect()
    }

    /// The kept mails behind the one of that id, the oldest first; all of them behind 0.
    pub fn mails_after(&self, id: u64) -> Vec<Arc<Mail>> {
        let kept = self.kept();
        let start = kept.partition_point(|mail| mail.id <= id);
        kept.range(start..).cloned().collect()
    }

    /// The mail of that id, while it is kept.
    pub fn get(&self, id: u64) -> Option<Arc<Mail>> {
        let kept = self.kept();
        let place = kept.binary_search_by_key(&id, |mail| mail.id).ok()?;
        kept.get(place).cloned()
    }

    /// How many mails were received, those that are no longer kept among them.
    pub fn count(&self) -> u64 {
        *self.0.count.borrow()
    }

    /// Tells of every change of [`count`](Self::count); a mail is kept before it is counted.
    pub fn counts(&self) -> watch::Receiver<u64> {
        self.0.count.subscribe()
    }

    fn take(&self, envelope: Envelope, content: &[u8]) {
        let mail = (self.0.keep > 0).then(|| Mail::read(envelope, content, self.0.clock.now()));
        let mut kept = self.kept();
        let id = self.count() + 1;
        if let Some(mail) = mail {
            if kept.len() >= self.0.keep {
                kept.pop_front();
            }
            kept.push_back(Arc::new(Mail { id, ..mail }));
        }
        // Still under the lock, so that ids are given in the order of the counting.
        self.0.count.send_replace(id);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Mail>>> {
        self.0.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
