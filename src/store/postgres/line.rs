//! A transaction whose every answer has a deadline. A server that has vanished, or a network that swallows everything,
//! would otherwise be waited for as long as the system keeps the connection: for a quarter of an hour, or for ever.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::time::Duration;

use futures_core::stream::BoxStream;
use sqlx::postgres::{PgConnection, PgPool, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Connection as _, Either, Execute, Executor, Postgres, SqlStr, Transaction};
use tokio::time::timeout;

use super::super::Result;
use super::{STANDBY, failed, lost};

/// How long a connection of the pool may take to show that it is still there.
const SIGN_WITHIN: Duration = Duration::from_secs(3);
/// For how long a connection that has answered is taken to be there.
const FRESH: Duration = Duration::from_secs(1);

type Answer<'e, T> = Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'e>>;

/// A transaction on a connection of the pool. Dropped, it is undone.
pub(super) struct Line {
    transaction: Transaction<'static, Postgres>,
    answer_within: Duration,
}

impl Line {
    /// Begins a transaction with a statement of its own.
    pub(super) async fn begin(pool: &PgPool, how: &'static str, answer_within: Duration) -> Result<Self> {
        match answer(answer_within, pool.begin_with(how)).await {
            Ok(transaction) => Ok(Self { transaction, answer_within }),
            // A transaction that writes cannot begin on a standby: `feature_not_supported`.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("0A000") => {
                Err(lost(STANDBY.to_owned()))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Makes lasting what was done. Where no answer comes, nobody knows whether it is.
    pub(super) async fn commit(self) -> sqlx::Result<()> {
        answer(self.answer_within, self.transaction.commit()).await
    }
}

/// Waits for an answer of the server, and no longer than that.
pub(super) async fn answer<T>(
    within: Duration,
    asked: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    timeout(within, asked).await.unwrap_or_else(|_| Err(silent(within)))
}

fn silent(within: Duration) -> sqlx::Error {
    let why = format!("the server gave no answer within {} seconds", within.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, why).into()
}

/// Whether a connection that lay idle can be used.
pub(super) async fn is_there(connection: &mut PgConnection, idle_for: Duration) -> sqlx::Result<bool> {
    if idle_for < FRESH {
        return Ok(true);
    }
    answer(SIGN_WITHIN, connection.ping()).await.map(|()| true)
}

/// Whether a connection that is given back can be used again: what was begun on it is undone by then.
pub(super) async fn is_clean(connection: &mut PgConnection) -> sqlx::Result<bool> {
    answer(SIGN_WITHIN, connection.ping()).await.map(|()| true)
}

impl Deref for Line {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Line {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl<'c> Executor<'c> for &'c mut Line {
    type Database = Postgres;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, PgQueryResult>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(answer(self.answer_within, (&mut *self.transaction).execute(query)))
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Vec<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(answer(self.answer_within, (&mut *self.transaction).fetch_all(query)))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(answer(self.answer_within, (&mut *self.transaction).fetch_optional(query)))
    }

    /// Nobody takes rows one by one; it has no deadline.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        (&mut *self.transaction).fetch_many(query)
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> Answer<'e, PgStatement>
    where
        'c: 'e,
    {
        Box::pin(answer(self.answer_within, (&mut *self.transaction).prepare_with(sql, parameters)))
    }
}
