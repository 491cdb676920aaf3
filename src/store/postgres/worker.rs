//! The sign of life of a process: a connection that holds the lock of its number.
//!
//! The number is that of the process for as long as it lives, since it stands in the rows that the process took. Where
//! the connection is lost, others may take what was not begun; the process takes nothing new until it has the lock of
//! its number again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection as _, Executor as _, PgConnection, Row as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::STANDBY;
use super::line::answer;

/// How often it is looked whether the connection is still there, or tried to have another.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long it is waited for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// The server ends a connection from which nothing came for half a minute: the process, its machine or the network is
/// gone, and nobody else would tell.
const SETTINGS: &str = "SET idle_session_timeout = 30000";

/// A process as others see it.
pub(super) struct Worker {
    number: i64,
    sign: Arc<Sign>,
    ending: watch::Sender<bool>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

/// What is known of the connection.
#[derive(Debug, Default)]
struct Sign {
    is_held: AtomicBool,
    /// The process of the server behind it.
    server_process: AtomicI32,
}

impl Worker {
    /// Takes a number by chance and holds its lock. Where the connection breaks, another one takes the lock again.
    pub(super) async fn start(options: PgConnectOptions) -> sqlx::Result<Self> {
        let attempt = async {
            let mut connection = connect(&options).await?;
            // 63 bits of chance; a number is never negative.
            let sql = "SELECT ('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint & 9223372036854775807";
            let number: i64 = sqlx::query(sql).fetch_one(&mut connection).await?.try_get(0)?;
            let sign = Arc::new(Sign::default());
            sign.take(&mut connection, number).await?;
            Ok((connection, number, sign))
        };
        let (connection, number, sign) = answer(ANSWER_WITHIN * 2, attempt).await?;
        let (ending, ended) = watch::channel(false);
        let task = tokio::spawn(live(options, connection, number, Arc::clone(&sign), ended));
        Ok(Self { number, sign, ending, task: Some(task).into() })
    }

    /// The number that stands in the rows that the process took.
    pub(super) fn number(&self) -> i64 {
        self.number
    }

    /// Whether the lock of the number was held when it was looked last.
    pub(super) fn is_alive(&self) -> bool {
        self.sign.is_held.load(Ordering::SeqCst)
    }

    /// The process of the server that holds the lock.
    pub(super) fn server_process(&self) -> i32 {
        self.sign.server_process.load(Ordering::SeqCst)
    }

    /// Gives the number up: what the process took and did not finish is anybody's.
    pub(super) async fn end(&self) {
        let _ = self.ending.send(true);
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

/// Connects to a server that can be written to.
async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut connection = options.connect().await?;
    if connection.fetch_one("SELECT pg_is_in_recovery()").await?.try_get(0)? {
        return Err(sqlx::Error::Protocol(STANDBY.to_owned()));
    }
    connection.execute(SETTINGS).await?;
    Ok(connection)
}

impl Sign {
    /// Takes the lock of a number; whether nobody has it.
    async fn take(&self, connection: &mut PgConnection, number: i64) -> sqlx::Result<bool> {
        let statement = sqlx::query("SELECT pg_try_advisory_lock($1), pg_backend_pid()").bind(number);
        let row = statement.fetch_one(connection).await?;
        let taken = row.try_get(0)?;
        self.server_process.store(row.try_get(1)?, Ordering::SeqCst);
        self.is_held.store(taken, Ordering::SeqCst);
        Ok(taken)
    }

    async fn still_there(&self, mut connection: PgConnection) -> Option<PgConnection> {
        if let Ok(()) = answer(ANSWER_WITHIN, connection.ping()).await {
            return Some(connection);
        }
        self.is_held.store(false, Ordering::SeqCst);
        tracing::warn!("the connection that shows this process to be alive is broken: it is opened again");
        None
    }

    /// Connects and takes the lock. The server may still keep it for the connection that broke: it is told to end that.
    async fn again(&self, options: &PgConnectOptions, number: i64) -> Option<PgConnection> {
        let attempt = async {
            let mut connection = connect(options).await?;
            if self.take(&mut connection, number).await? {
                return Ok(Some(connection));
            }
            let end =
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
                AND (classid::bigint << 32 | objid::bigint) = $1 AND pid <> pg_backend_pid()
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            sqlx::query(end).bind(number).execute(&mut connection).await?;
            Ok(None)
        };
        answer(ANSWER_WITHIN, attempt).await.ok().flatten()
    }
}

async fn live(
    options: PgConnectOptions,
    first: PgConnection,
    number: i64,
    sign: Arc<Sign>,
    mut ending: watch::Receiver<bool>,
) {
    let mut connection = Some(first);
    loop {
        // The store is gone as well where nobody can say any more that it ends.
        let ended = tokio::time::timeout(LOOK_EVERY, ending.wait_for(|ending| *ending)).await.is_ok();
        if ended {
            if let Some(connection) = connection {
                give_up(connection, number).await;
            }
            return;
        }
        connection = match connection {
            Some(connection) => sign.still_there(connection).await,
            None => sign.again(&options, number).await,
        };
    }
}

/// Gives the lock back before the connection, which the server may take a while to notice.
async fn give_up(mut connection: PgConnection, number: i64) {
    let unlock = sqlx::query("SELECT pg_advisory_unlock($1)").bind(number).execute(&mut connection);
    let _ = answer(ANSWER_WITHIN, unlock).await;
    let _ = answer(ANSWER_WITHIN, connection.close()).await;
}
