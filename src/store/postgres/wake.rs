//! What processes tell each other, by `NOTIFY`. It goes to whoever listens and is kept for nobody: who was not reached
//! looks by themselves before long.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::super::{Result, Wake};
use super::failed;
use super::line::answer;

const CHANNEL: &str = "lotse";
/// How long it may be still before it is looked whether the connection is there, and how long that may take.
const STILL: Duration = Duration::from_secs(10);
const SIGN_WITHIN: Duration = Duration::from_secs(5);

/// A connection that listens, opened when somebody listens first.
pub(super) struct Ear {
    options: PgConnectOptions,
    listener: Mutex<Option<PgListener>>,
}

impl Ear {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, listener: Mutex::default() }
    }

    /// Waits until a process other than `own` tells something.
    pub(super) async fn told(&self, own: i64) -> Result<Wake> {
        let mut listener = self.listener.lock().await;
        loop {
            let ear = match &mut *listener {
                Some(ear) => ear,
                none => none.insert(answer(SIGN_WITHIN, self.listen()).await.map_err(failed)?),
            };
            let heard = match timeout(STILL, ear.recv()).await {
                Ok(heard) => heard.map(Some),
                Err(_) => answer(SIGN_WITHIN, sqlx::query("SELECT 1").execute(&mut *ear)).await.map(|_| None),
            };
            match heard {
                Ok(said) => {
                    if let Some(wake) = said.and_then(|said| read(said.payload(), own)) {
                        return Ok(wake);
                    }
                }
                Err(error) => {
                    *listener = None;
                    return Err(failed(error));
                }
            }
        }
    }

    /// Opens the connection. It has a pool of its own each time: one that is lost is given back when its end is known,
    /// which may take a while.
    async fn listen(&self) -> sqlx::Result<PgListener> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(self.options.clone());
        let mut ear = PgListener::connect_with(&pool).await?;
        ear.ignore_pool_close_event(true);
        ear.listen(CHANNEL).await?;
        Ok(ear)
    }

    /// Hears no more.
    pub(super) async fn end(&self) {
        // Whoever still waits for something to be told keeps the connection, which goes with the process.
        if let Ok(mut listener) = self.listener.try_lock() {
            *listener = None;
        }
    }
}

/// Tells other processes.
pub(super) async fn tell(pool: &PgPool, own: i64, wake: Wake) -> sqlx::Result<()> {
    let text = format!("{} {own}", wake.bits());
    let statement = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text);
    statement.execute(pool).await.map(|_| ())
}

/// What others said; nothing where it was this process itself, or not one of Lotse.
fn read(text: &str, own: i64) -> Option<Wake> {
    let (bits, from) = text.split_once(' ')?;
    if from.parse::<i64>().ok()? == own {
        return None;
    }
    Some(Wake::from_bits(bits.parse().ok()?))
}
