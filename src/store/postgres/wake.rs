//! What processes tell each other, by `NOTIFY`. It goes to whoever listens and is kept for nobody: who was not reached
//! looks by themselves before long.

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use tokio::sync::Mutex;

use super::super::{Result, Wake};
use super::failed;

const CHANNEL: &str = "lotse";

/// A connection that listens, opened when somebody listens first.
pub(super) struct Ear {
    /// One connection, beside those that work.
    pool: PgPool,
    listener: Mutex<Option<PgListener>>,
}

impl Ear {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        Self { pool, listener: Mutex::default() }
    }

    /// Waits until a process other than `own` tells something.
    pub(super) async fn told(&self, own: i64) -> Result<Wake> {
        let mut listener = self.listener.lock().await;
        loop {
            let ear = match &mut *listener {
                Some(ear) => ear,
                none => {
                    let mut ear = PgListener::connect_with(&self.pool).await.map_err(failed)?;
                    ear.ignore_pool_close_event(true);
                    ear.listen(CHANNEL).await.map_err(failed)?;
                    none.insert(ear)
                }
            };
            match ear.recv().await {
                Ok(said) => {
                    if let Some(wake) = read(said.payload(), own) {
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

    /// Hears no more.
    pub(super) async fn end(&self) {
        // Whoever still waits for something to be told keeps the connection, which goes with the process.
        if let Ok(mut listener) = self.listener.try_lock() {
            *listener = None;
            self.pool.close().await;
        }
    }
}

/// Tells other processes.
pub(super) async fn tell(pool: &PgPool, own: i64, wake: Wake) -> Result<()> {
    let text = format!("{} {own}", wake.bits());
    let statement = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text);
    statement.execute(pool).await.map_err(failed)?;
    Ok(())
}

/// What others said; nothing where it was this process itself, or not one of Lotse.
fn read(text: &str, own: i64) -> Option<Wake> {
    let (bits, from) = text.split_once(' ')?;
    if from.parse::<i64>().ok()? == own {
        return None;
    }
    Some(Wake::from_bits(bits.parse().ok()?))
}
