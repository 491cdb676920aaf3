//! The sign of life of a process: a connection that holds the lock of its number.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection as _, PgConnection, Row as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often it is looked whether the connection is still there.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long it is waited for an answer, and between two attempts to connect.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A process as others see it.
pub(super) struct Worker {
    number: i64,
    ending: watch::Sender<bool>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Takes a number by chance and holds its lock. Where the connection breaks, another one takes the lock again.
    pub(super) async fn start(options: PgConnectOptions) -> sqlx::Result<Self> {
        let mut connection = options.connect().await?;
        // 63 bits of chance; a number is never negative.
        let sql = "SELECT ('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint & 9223372036854775807";
        let number: i64 = sqlx::query(sql).fetch_one(&mut connection).await?.try_get(0)?;
        take(&mut connection, number).await?;
        let (ending, ended) = watch::channel(false);
        let task = tokio::spawn(live(options, connection, number, ended));
        Ok(Self { number, ending, task: Some(task).into() })
    }

    /// The number that stands in the rows that the process took.
    pub(super) fn number(&self) -> i64 {
        self.number
    }

    /// Gives the number up: what the process took and did not finish is anybody's.
    pub(super) async fn end(&self) {
        let _ = self.ending.send(true);
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

/// Takes the lock of a number; whether nobody has it.
async fn take(connection: &mut PgConnection, number: i64) -> sqlx::Result<bool> {
    let statement = sqlx::query("SELECT pg_try_advisory_lock($1)").bind(number);
    statement.fetch_one(connection).await?.try_get(0)
}

async fn live(
    options: PgConnectOptions,
    first: PgConnection,
    number: i64,
    mut ending: watch::Receiver<bool>,
) {
    let mut connection = Some(first);
    loop {
        let wait = if connection.is_some() { LOOK_EVERY } else { AGAIN_AFTER };
        // The store is gone as well where nobody can say any more that it ends.
        let ended = tokio::time::timeout(wait, ending.wait_for(|ending| *ending)).await.is_ok();
        if ended {
            if let Some(connection) = connection {
                give_up(connection, number).await;
            }
            return;
        }
        connection = match connection {
            Some(connection) => still_there(connection).await,
            None => again(&options, number).await,
        };
    }
}

/// Gives the lock back before the connection, which the server may take a while to notice.
async fn give_up(mut connection: PgConnection, number: i64) {
    let unlock = sqlx::query("SELECT pg_advisory_unlock($1)").bind(number).execute(&mut connection);
    let _ = tokio::time::timeout(ANSWER_WITHIN, unlock).await;
    let _ = connection.close().await;
}

async fn still_there(mut connection: PgConnection) -> Option<PgConnection> {
    match tokio::time::timeout(ANSWER_WITHIN, connection.ping()).await {
        Ok(Ok(())) => Some(connection),
        _ => {
            tracing::warn!(
                "the connection that shows this process to be alive is broken: it is opened again"
            );
            None
        }
    }
}

/// Connects and takes the lock, unless the server still keeps it for the connection that broke.
async fn again(options: &PgConnectOptions, number: i64) -> Option<PgConnection> {
    let attempt = async {
        let mut connection = options.connect().await?;
        let taken = take(&mut connection, number).await?;
        Ok::<_, sqlx::Error>(taken.then_some(connection))
    };
    match tokio::time::timeout(ANSWER_WITHIN, attempt).await {
        Ok(Ok(connection)) => connection,
        _ => None,
    }
}
