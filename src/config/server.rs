//! Where the servers are that Lotse talks to: the database, the mail server, other systems over HTTP.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use super::section::Section;
use super::value;
use crate::finding::words;

/// Where the data is.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// `sqlite://PATH`: in a file, below the workspace where the path is relative.
    Sqlite(PathBuf),
    /// `postgres://user:password@host:port/name`, with the parameters of libpq.
    Postgres(Url),
}

/// How the connections to a database server are used; `database_pool`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabasePool {
    /// How many connections one process has at the most, from 3 to 500; 10 where left out. Two more come to that:
    /// one says that the process is alive, one listens.
    pub connections: u32,
    /// How long one statement may take; a minute where left out.
    pub statement_timeout: Duration,
    /// How long it is waited for what another process holds; 10 seconds where left out.
    pub lock_timeout: Duration,
}

impl Default for DatabasePool {
    fn default() -> Self {
        Self {
            connections: 10,
            statement_timeout: Duration::from_secs(60),
            lock_timeout: Duration::from_secs(10),
        }
    }
}

impl DatabasePool {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            connections: section.value("connections", value::whole(3..=500)).unwrap_or(default.connections),
            statement_timeout: section
                .value("statement_timeout", value::timeout)
                .unwrap_or(default.statement_timeout),
            lock_timeout: section.value("lock_timeout", value::timeout).unwrap_or(default.lock_timeout),
        }
    }
}

/// Why an address is not taken; the address itself may hold a password and is never part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It cannot be read.
    #[error("is no address: {0}")]
    Unreadable(String),
    /// It is one of something else.
    #[error("begins with none of {0}")]
    Scheme(&'static str),
    /// It names no server, or no file.
    #[error("names no {0}")]
    Empty(&'static str),
    /// It has a part that nobody would look at.
    #[error("has a part behind `#`")]
    Fragment,
    /// It has a parameter that nobody would look at; with the remedy.
    #[error("has a parameter `{0}` that nobody knows: {1}")]
    Parameter(String, String),
    /// A parameter says what it cannot say; with what it can.
    #[error("has `{0}={1}`: {2}")]
    Value(&'static str, String, String),
}

impl FromStr for Database {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(UrlError::Empty("file"));
            }
            return Ok(Database::Sqlite(PathBuf::from(path)));
        }
        let url = checked(text, &["postgres", "postgresql"], "`sqlite://` and `postgres://`")?;
        // The server would take the name of the user for it, and somebody else's database for ours.
        if url.path().trim_start_matches('/').is_empty() {
            return Err(UrlError::Empty("database"));
        }
        for (key, value) in url.query_pairs() {
            if !PARAMETERS.contains(&&*key) {
                let remedy = remedy(&key, &PARAMETERS);
                return Err(UrlError::Parameter(key.into_owned(), remedy));
            }
            if key == "sslmode" && !SSL_MODES.contains(&&*value) {
                let remedy = remedy(&value, &SSL_MODES);
                return Err(UrlError::Value("sslmode", value.into_owned(), remedy));
            }
        }
        Ok(Database::Postgres(url))
    }
}

/// What may stand behind the `?` of an address of PostgreSQL. Of another the driver would say what it is set to, which
/// may be a password.
const PARAMETERS: [&str; 10] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "user",
    "password",
    "application_name",
    "options",
];

/// What `sslmode` may be. `allow` of libpq is left out: it would never encrypt here.
const SSL_MODES: [&str; 5] = ["disable", "prefer", "require", "verify-ca", "verify-full"];

/// What was meant, or everything that there is.
fn remedy(wrong: &str, known: &[&str]) -> String {
    match words::near(wrong, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there are {}", words::all_of_ticked(known)),
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Without user, password and parameters.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Database::Postgres(url) => {
                write_server(f, url)?;
                f.write_str(url.path())
            }
        }
    }
}

/// Declares an address of a server: which schemes it has, and how it is shown.
macro_rules! server_urls {
    ($($(#[$doc:meta])* $name:ident [$($scheme:literal),*] $schemes:literal)*) => {$(
        $(#[$doc])*
        ///
        /// It may hold a user, a password or a token: shown are scheme, host and port alone.
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Url);

        impl $name {
            /// The whole address, secrets and all.
            pub fn url(&self) -> &Url {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = UrlError;

            fn from_str(text: &str) -> Result<Self, UrlError> {
                let url = checked(text, &[$($scheme),*], $schemes)?;
                if url.host_str().is_none_or(str::is_empty) {
                    return Err(UrlError::Empty("server"));
                }
                Ok(Self(url))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_server(f, &self.0)
            }
        }
    )*};
}

server_urls! {
    /// The address of a mail server: `smtp://` (STARTTLS) or `smtps://` (TLS from the start).
    SmtpUrl ["smtp", "smtps"] "`smtp://` and `smtps://`"
    /// The address of another system that is called over HTTP.
    EndpointUrl ["http", "https"] "`https://` and `http://`"
}

fn checked(text: &str, schemes: &[&str], listed: &'static str) -> Result<Url, UrlError> {
    let url = Url::parse(text).map_err(|error| UrlError::Unreadable(error.to_string()))?;
    if !schemes.contains(&url.scheme()) {
        return Err(UrlError::Scheme(listed));
    }
    if url.fragment().is_some() {
        return Err(UrlError::Fragment);
    }
    Ok(url)
}

fn write_server(f: &mut fmt::Formatter<'_>, url: &Url) -> fmt::Result {
    write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or(""))?;
    url.port().map_or(Ok(()), |port| write!(f, ":{port}"))
}
