//! What SQLite says, in our words.

use super::super::StoreError;

/// Makes an error of what the driver said.
type Make = fn(String) -> StoreError;

/// Result codes that tell of the state of the database, not of what it was asked: extended codes, and primary ones for
/// all of theirs that do not stand here themselves. <https://sqlite.org/rescode.html>
const STATES: &[(u32, Make)] = &[
    // PERM, READONLY, AUTH.
    (3, StoreError::ReadOnly),
    (8, StoreError::ReadOnly),
    (23, StoreError::ReadOnly),
    // ABORT_ROLLBACK, BUSY, LOCKED, INTERRUPT, PROTOCOL (the locks of the WAL), SCHEMA.
    (516, |_| StoreError::Busy),
    (5, |_| StoreError::Busy),
    (6, |_| StoreError::Busy),
    (9, |_| StoreError::Busy),
    (15, |_| StoreError::Busy),
    (17, |_| StoreError::Busy),
    // NOMEM, IOERR_NOMEM.
    (7, StoreError::Exhausted),
    (3_082, StoreError::Exhausted),
    // FULL, and IOERR_SHMSIZE, which is how the index of the WAL finds no room.
    (13, |_| StoreError::DiskFull),
    (4_874, |_| StoreError::DiskFull),
    // IOERR, NOLFS.
    (10, StoreError::DiskFails),
    (22, StoreError::DiskFails),
    // CORRUPT, NOTADB.
    (11, StoreError::Corrupt),
    (26, StoreError::Corrupt),
    // CANTOPEN.
    (14, gone),
];

/// The low byte of an extended code is its primary one.
const PRIMARY: u32 = 0xff;

fn gone(why: String) -> StoreError {
    StoreError::Unreachable { database: "file".to_owned(), why }
}

pub(super) fn failed(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) => match database.code().and_then(|code| state(&code)) {
            Some(make) => make(error.to_string()),
            None => StoreError::Failed(error.to_string()),
        },
        sqlx::Error::PoolTimedOut => StoreError::Busy,
        sqlx::Error::Io(_) => StoreError::DiskFails(error.to_string()),
        // The thread of a connection has ended, or the store was closed.
        sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => gone(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}

fn state(code: &str) -> Option<Make> {
    let code: u32 = code.parse().ok()?;
    let of = |code| STATES.iter().find(|(known, _)| *known == code).map(|(_, make)| *make);
    of(code).or_else(|| of(code & PRIMARY))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which error a code becomes.
    fn name(code: u32) -> String {
        let made = state(&code.to_string()).map(|make| format!("{:?}", make(String::new())));
        made.map_or("Failed".to_owned(), |text| text.split(['(', ' ']).next().unwrap_or_default().to_owned())
    }

    #[test]
    fn the_state_of_the_database_is_nobodys_fault() {
        for (code, wanted) in [
            // ERROR, TOOBIG, CONSTRAINT, CONSTRAINT_UNIQUE, MISMATCH, RANGE: what was asked is to blame.
            (1, "Failed"),
            (18, "Failed"),
            (19, "Failed"),
            (2_067, "Failed"),
            (20, "Failed"),
            (25, "Failed"),
            // BUSY, BUSY_RECOVERY, BUSY_SNAPSHOT, BUSY_TIMEOUT, LOCKED, LOCKED_SHAREDCACHE.
            (5, "Busy"),
            (261, "Busy"),
            (517, "Busy"),
            (773, "Busy"),
            (6, "Busy"),
            (262, "Busy"),
            // FULL.
            (13, "DiskFull"),
            (4_874, "DiskFull"),
            // READONLY, _RECOVERY, _CANTLOCK, _ROLLBACK, _DBMOVED, _CANTINIT, _DIRECTORY.
            (8, "ReadOnly"),
            (264, "ReadOnly"),
            (520, "ReadOnly"),
            (776, "ReadOnly"),
            (1_032, "ReadOnly"),
            (1_288, "ReadOnly"),
            (1_544, "ReadOnly"),
            // IOERR, _READ, _SHORT_READ, _WRITE, _FSYNC, _DIR_FSYNC, _TRUNCATE, _LOCK, _SHMOPEN, _CORRUPTFS.
            (10, "DiskFails"),
            (266, "DiskFails"),
            (522, "DiskFails"),
            (778, "DiskFails"),
            (1_034, "DiskFails"),
            (1_290, "DiskFails"),
            (1_546, "DiskFails"),
            (3_850, "DiskFails"),
            (4_618, "DiskFails"),
            (8_458, "DiskFails"),
            // NOMEM, IOERR_NOMEM.
            (7, "Exhausted"),
            (3_082, "Exhausted"),
            // CORRUPT, CORRUPT_INDEX, NOTADB.
            (11, "Corrupt"),
            (779, "Corrupt"),
            (26, "Corrupt"),
            // CANTOPEN, CANTOPEN_ISDIR.
            (14, "Unreachable"),
            (526, "Unreachable"),
        ] {
            assert_eq!(name(code), wanted, "{code}");
            let passes = state(&code.to_string()).is_some_and(|make| make(String::new()).is_passing());
            assert_eq!(passes, wanted != "Failed", "{code}");
        }
    }

    #[test]
    fn a_closed_store_is_out_of_reach() {
        assert!(failed(sqlx::Error::PoolClosed).is_passing());
        assert!(failed(sqlx::Error::PoolTimedOut).is_passing());
        assert!(!failed(sqlx::Error::RowNotFound).is_passing());
    }
}
