use crate::domain::ContactId;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened or reached.
    #[error("the database {database} cannot be reached: {why}")]
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
    /// Nobody may write at the moment.
    #[error(
        "the database may only be read ({0}): nothing was changed; let the program write the file and its folder, or \
        lead it to a server that takes writes, and it goes on by itself"
    )]
    ReadOnly(String),
    /// The role at the server may not do what is needed.
    #[error(
        "the database does not allow it ({0}): nothing was changed; the role that `database` names must own the tables, \
        and may make them after `GRANT CREATE ON SCHEMA public TO role` or as the owner of the database"
    )]
    NotAllowed(String),
    /// The disk does not do what it is told.
    #[error(
        "the disk of the database fails ({0}): nothing was changed; look at the disk and at the log of the system; \
        it is tried again"
    )]
    DiskFails(String),
    /// The database does not understand its own file any more.
    #[error(
        "the database says that it is damaged ({0}): nothing was changed; stop the program, and restore a backup \
        unless the database can be repaired"
    )]
    Corrupt(String),
    /// Memory, connections or another thing that the database needs has run out.
    #[error(
        "the database has run out of something ({0}): nothing was changed; give it more, and it goes on by itself"
    )]
    Exhausted(String),
    /// A run is no longer where it was.
    #[error("a run was moved by somebody else meanwhile: nothing was changed")]
    Overtaken,
    /// A row holds what it cannot hold.
    #[error("a row of the table `{table}`{} is damaged: {what}", of(*.contact))]
    Damaged {
        /// The table.
        table: &'static str,
        /// Whose row it is, where that much can be read.
        contact: Option<ContactId>,
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
    /// The file is somebody else's.
    #[error("the database holds the tables of another program, and none of Lotse: name another file")]
    Foreign,
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
    /// Whether trying again later may help without a change of what was tried: it is the database's own state, and
    /// nobody it was asked about is to blame.
    pub fn is_passing(&self) -> bool {
        match self {
            StoreError::Unreachable { .. }
            | StoreError::Busy
            | StoreError::DiskFull
            | StoreError::ReadOnly(_)
            | StoreError::NotAllowed(_)
            | StoreError::DiskFails(_)
            | StoreError::Corrupt(_)
            | StoreError::Exhausted(_)
            | StoreError::SharedSessions
            | StoreError::Overtaken => true,
            StoreError::Damaged { .. }
            | StoreError::Foreign
            | StoreError::Newer { .. }
            | StoreError::OldLibrary { .. }
            | StoreError::OldServer { .. }
            | StoreError::Failed(_) => false,
        }
    }
}

/// Whose, where that is known.
fn of(contact: Option<ContactId>) -> String {
    contact.map(|contact| format!(" of contact {contact}")).unwrap_or_default()
}
