/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened or reached.
    #[error("the database {database} cannot be opened: {why}")]
    Unreachable {
        /// Which.
        database: String,
        /// What the driver said.
        why: String,
    },
    /// Somebody else writes for too long.
    #[error("the database is busy: another process has been writing for too long")]
    Busy,
    /// No room is left.
    #[error("the disk of the database is full: nothing was changed; make room and it goes on by itself")]
    DiskFull,
    /// A run is no longer where it was.
    #[error("a run was moved by somebody else meanwhile: nothing was changed")]
    Overtaken,
    /// A row holds what it cannot hold.
    #[error("a row of the table `{table}` is damaged: {what}")]
    Damaged {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The database was made by a newer program.
    #[error(
        "the database is of version {found}, and this program knows versions up to {known}: use a newer lotse"
    )]
    Newer {
        /// The version found.
        found: i64,
        /// The version this program knows.
        known: i64,
    },
    /// The database engine has a known fault.
    #[error(
        "the SQLite library is {found}, and versions before {needed} can damage a database: nothing is opened"
    )]
    OldLibrary {
        /// The version found.
        found: String,
        /// The version needed.
        needed: &'static str,
    },
    /// The server is too old.
    #[error("the PostgreSQL server is {found}, and Lotse needs {needed} or later")]
    OldServer {
        /// The version found.
        found: String,
        /// The version needed.
        needed: i64,
    },
    /// Somebody between us and the server gives its sessions to several connections in turn.
    #[error(
        "the database is reached through a pooler that shares sessions, such as PgBouncer in transaction mode: locks, \
        prepared statements and what processes tell each other belong to a session; give Lotse the address of the server \
        itself, or a pool in session mode"
    )]
    SharedSessions,
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// Whether trying again later may help without anybody's doing.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            StoreError::Busy | StoreError::DiskFull | StoreError::Overtaken | StoreError::Unreachable { .. }
        )
    }
}
