//! What PostgreSQL and its driver say, in our words.

use super::super::StoreError;
use super::{ACQUIRE, STANDBY};

/// Makes an error of what the driver said.
type Make = fn(String) -> StoreError;

/// States of SQL that tell of the state of the database, not of what it was asked: whole codes, and classes, which are
/// two letters long, for all of theirs that do not stand here themselves.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const STATES: &[(&str, Make)] = &[
    // A connection failed.
    ("08", lost),
    // The transaction was ended: a serialization failure, a deadlock, an outcome that is not known.
    ("40", |_| StoreError::Busy),
    // Nothing can be changed: it has become a standby, or never was anything else.
    ("25006", |_| lost(STANDBY.to_owned())),
    // A statement that this connection has prepared is not there, or one that it has not: it is shared.
    ("26000", |_| StoreError::SharedSessions),
    ("42P05", |_| StoreError::SharedSessions),
    // The transaction stood idle for too long, or lasted too long.
    ("25P03", lost),
    ("25P04", lost),
    // Resources: no room, no memory, a limit of the configuration; too many connections may end by themselves.
    ("53", StoreError::Exhausted),
    ("53100", |_| StoreError::DiskFull),
    ("53300", lost),
    // Limits of the program, such as how deep its stack may be; but what is too large or too complex for a statement is
    // what was asked.
    ("54001", StoreError::Exhausted),
    // Somebody holds what is needed; it took too long and was cancelled.
    ("55006", |_| StoreError::Busy),
    ("55P03", |_| StoreError::Busy),
    ("57014", |_| StoreError::Busy),
    // It is shutting down, has crashed, is starting, was dropped; the session was idle for too long.
    ("57P", lost),
    // The right to write, or to log in, was taken away.
    ("28", lost),
    ("42501", StoreError::NotAllowed),
    // The database is not there (any more).
    ("3D", lost),
    // The system under it: I/O, files that are missing or twice there.
    ("58", StoreError::DiskFails),
    // The server found itself or its files damaged.
    ("XX001", StoreError::Corrupt),
    ("XX002", StoreError::Corrupt),
    // Its own configuration.
    ("F0", StoreError::Exhausted),
];

/// What could not be asked, and may be later.
pub(super) fn lost(why: String) -> StoreError {
    StoreError::Unreachable { database: "PostgreSQL".to_owned(), why }
}

pub(super) fn failed(error: sqlx::Error) -> StoreError {
    match &error {
        // The error as a whole adds a line of the source of PostgreSQL.
        sqlx::Error::Database(database) => match database.code().and_then(|code| state(&code)) {
            Some(make) => make(database.message().to_owned()),
            None => StoreError::Failed(database.message().to_owned()),
        },
        sqlx::Error::PoolTimedOut => {
            let seconds = ACQUIRE.as_secs();
            lost(format!(
                "no connection could be had within {seconds} seconds: the server does not answer, or \
                `database_pool.connections` are too few"
            ))
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => lost(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}

/// The longest entry that a code begins with.
fn state(code: &str) -> Option<Make> {
    let fits = STATES.iter().filter(|(known, _)| code.starts_with(known));
    fits.max_by_key(|(known, _)| known.len()).map(|(_, make)| *make)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which error a code becomes.
    fn name(code: &str) -> String {
        let made = state(code).map(|make| format!("{:?}", make(String::new())));
        made.map_or("Failed".to_owned(), |text| text.split(['(', ' ']).next().unwrap_or_default().to_owned())
    }

    #[test]
    fn the_state_of_the_database_is_nobodys_fault() {
        for (code, wanted) in [
            // What was asked is to blame: a value out of range, NUL, a unique key, a syntax error, a missing table.
            ("22003", "Failed"),
            ("22021", "Failed"),
            ("23505", "Failed"),
            ("42601", "Failed"),
            ("42P01", "Failed"),
            ("54000", "Failed"),
            // A statement behind one that failed in the same transaction.
            ("25P02", "Failed"),
            ("XX000", "Failed"),
            ("08000", "Unreachable"),
            ("08006", "Unreachable"),
            ("08P01", "Unreachable"),
            ("25006", "Unreachable"),
            ("26000", "SharedSessions"),
            ("42P05", "SharedSessions"),
            ("25P03", "Unreachable"),
            ("28P01", "Unreachable"),
            ("3D000", "Unreachable"),
            ("40001", "Busy"),
            ("40P01", "Busy"),
            ("40003", "Busy"),
            ("42501", "NotAllowed"),
            ("53000", "Exhausted"),
            ("53100", "DiskFull"),
            ("53200", "Exhausted"),
            ("53300", "Unreachable"),
            ("53400", "Exhausted"),
            ("54001", "Exhausted"),
            ("55P03", "Busy"),
            ("57014", "Busy"),
            ("57P01", "Unreachable"),
            ("57P02", "Unreachable"),
            ("57P03", "Unreachable"),
            ("57P04", "Unreachable"),
            ("57P05", "Unreachable"),
            ("58030", "DiskFails"),
            ("58P01", "DiskFails"),
            ("XX001", "Corrupt"),
            ("XX002", "Corrupt"),
        ] {
            assert_eq!(name(code), wanted, "{code}");
            let passes = state(code).is_some_and(|make| make(String::new()).is_passing());
            assert_eq!(passes, wanted != "Failed", "{code}");
        }
    }

    #[test]
    fn a_lost_connection_is_out_of_reach() {
        let broken = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        for error in [broken, sqlx::Error::PoolTimedOut, sqlx::Error::PoolClosed] {
            let said = error.to_string();
            assert!(matches!(failed(error), StoreError::Unreachable { .. }), "{said}");
        }
        assert!(!failed(sqlx::Error::RowNotFound).is_passing());
    }
}
