//! What the databases have in common: statements on sets, and what is read from their rows. It is compiled once for
//! each database, below the module that says what is its own:
//!
//! - `Database`, `Connection`, `Transaction`, `Row`, `Statement`, `failed`, `integer`: its names in sqlx.
//! - `MIGRATIONS`, `HAS_TABLE`: its tables.
//! - `bulk`: many rows in one statement, as `v (column1, column2, …)`.
//! - `keys`: lists of keys as parameters. `contacts!("$1", "$2")` and its like stand for them in a statement, as a
//!   table `k`. As databases need different numbers of parameters for a list, lists come last.
//! - `instance`: what a file beside the database is told.
//! - `guard`: what must be held so that nobody else changes it meanwhile.
//! - the fragments `has_word!`, `is_id!`, `contact_count!`, `due!`, `earliest!`, `counted!`, `free!`, `claimed!`, `taken_over!`, `given_back!`,
//!   `pending_of!`, `alone!`.

mod aside;
mod books;
mod calls;
mod contacts;
mod deeds;
mod identity;
mod intake;
mod lists;
mod messages;
mod moving;
mod operating;
mod past;
mod people;
mod reactions;
mod record;
mod rows;
pub(super) mod schema;
mod turns;
mod unit;
mod watch;

use super::{
    Connection, Database, HAS_TABLE, MIGRATIONS, Row, Statement, Transaction, bulk, failed, guard, instance,
    integer, keys,
};
pub(super) use calls::claim as claim_calls;
pub(super) use messages::claim as claim_messages;
#[allow(unused_imports, reason = "SQLite has nothing of its own to read")]
pub(super) use rows::Columns;
pub(super) use unit::SqlUnit;

/// Words as `has_word!` wants them: each between spaces.
fn words(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    words.into_iter().fold(String::from(" "), |text, word| text + word.as_ref() + " ")
}

/// What each database is asked about how it goes about it.
#[cfg(test)]
pub(super) mod statements {
    pub(in super::super) use super::lists::{
        BY_DAY, DEAD, OTHER_CALLS, OTHER_MESSAGES, REFUSED, TOTALS, UNSURE,
    };
    pub(in super::super) use super::moving::{LAST_OF_PIECE, WAKE};
    pub(in super::super) use super::past::HAPPENED;
    pub(in super::super) use super::people::NEXT_DUE;
    pub(in super::super) use super::record::LOOK;
    pub(in super::super) use super::turns::{PENDING_OF, READABLE_DUE, READABLE_PENDING};
    pub(in super::super) use super::watch::{
        DUE as WATCH_DUE, EXTEND, GREET, LAST_OF_BATCH, NOTICE, READABLE_DUE as READABLE_WATCH_DUE, WATCHED,
    };
}
