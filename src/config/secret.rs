use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::section::Wrong;
use super::value::raw_text;
use super::yaml::Node;
use crate::source::Span;

/// The largest file a secret is read from, in bytes; keys and passwords are far below.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// A value that nobody is to see: a password, a key. It is looked up when it is needed, so that checking a
/// workspace needs no secrets, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Where the value is.
    pub origin: Origin,
    /// Where the settings name it.
    pub span: Span,
}

/// Where the value of a secret is.
#[derive(Clone, PartialEq, Eq)]
pub enum Origin {
    /// `env:NAME`: in an environment variable.
    Env(String),
    /// `file:PATH`: in a file, below the workspace where the path is relative.
    File(PathBuf),
    /// In the settings themselves.
    Plain(String),
}

/// Why a secret, or a setting kept with the secrets, is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment has no such variable.
    #[error("the environment variable `{0}` is not set")]
    NotSet(String),
    /// The file cannot be read.
    #[error("the file `{}` cannot be read: {error}", path.display())]
    File {
        /// The file as the settings name it.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is no secret.
    #[error("the file `{}` is no secret: it is no text, or larger than {} KiB", .0.display(), FILE_BYTES_MAX / 1024)]
    NoText(PathBuf),
    /// There, but empty.
    #[error("{0} is empty")]
    Empty(Origin),
    /// There, but not what the setting needs.
    #[error("{origin} {message}")]
    Value {
        /// Where the value came from.
        origin: Origin,
        /// What is wrong with it, without the value.
        message: String,
    },
}

/// What is outside of the workspace: handed in, so that tests bring their own.
pub trait Environment {
    /// An environment variable; nothing where it is not set or no text.
    fn variable(&self, name: &str) -> Option<String>;

    /// The bytes of a file, up to `bytes_max` and one more, so that the caller sees what is too large.
    ///
    /// # Errors
    /// What the system says where it cannot be read.
    fn file(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>>;
}

/// The environment of this process, and the files below a workspace.
#[derive(Clone, Debug)]
pub struct ProcessEnvironment {
    folder: PathBuf,
}

impl ProcessEnvironment {
    /// Relative paths are below `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.folder.join(path))?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Secret {
    /// Looks the value up. What editors and `echo` leave behind a secret in a file, a last line end, is no
    /// part of it.
    ///
    /// # Errors
    /// When it is not there, empty, too large or no UTF-8.
    pub fn resolve(&self, environment: &dyn Environment) -> Result<String, SecretError> {
        let value = match &self.origin {
            Origin::Plain(value) => value.clone(),
            Origin::Env(name) => {
                environment.variable(name).ok_or_else(|| SecretError::NotSet(name.clone()))?
            }
            Origin::File(path) => {
                let failed = |error| SecretError::File { path: path.clone(), error };
                let bytes = environment.file(path, FILE_BYTES_MAX).map_err(failed)?;
                let small = Some(bytes).filter(|bytes| bytes.len() <= FILE_BYTES_MAX);
                let text = small.and_then(|bytes| String::from_utf8(bytes).ok());
                let text = text.ok_or_else(|| SecretError::NoText(path.clone()))?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                text.strip_suffix('\r').unwrap_or(text).to_owned()
            }
        };
        if value.is_empty() {
            return Err(SecretError::Empty(self.origin.clone()));
        }
        Ok(value)
    }

    /// Reads a secret where it stands in the settings.
    pub(super) fn read(node: &Node) -> Result<Secret, Wrong> {
        let text = raw_text(node, "a secret such as `env:NAME`")?;
        Origin::read(text).map(|origin| Secret { origin, span: node.span })
    }
}

impl Origin {
    fn read(text: &str) -> Result<Origin, Wrong> {
        if let Some(name) = text.strip_prefix("env:") {
            let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if name.is_empty() || !letters || name.starts_with(|c: char| c.is_ascii_digit()) {
                let message = format!("`{name}` is no name of an environment variable");
                return Err(Wrong::value(message, "write `env:NAME`, in letters, digits and `_`"));
            }
            return Ok(Origin::Env(name.to_owned()));
        }
        if let Some(path) = text.strip_prefix("file:") {
            if path.is_empty() || path.contains('\0') {
                return Err(Wrong::value("this names no file", "write `file:PATH`, such as `file:dkim.pem`"));
            }
            return Ok(Origin::File(PathBuf::from(path)));
        }
        if text.is_empty() {
            return Err(Wrong::value("this secret is empty", "write `env:NAME` or `file:PATH`"));
        }
        Ok(Origin::Plain(text.to_owned()))
    }
}

/// Names the place, never the value.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Env(name) => write!(f, "the environment variable `{name}`"),
            Origin::File(path) => write!(f, "the file `{}`", path.display()),
            Origin::Plain(_) => f.write_str("the value in `lotse.yaml`"),
        }
    }
}

/// As [`fmt::Display`].
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secret").field(&self.origin).finish()
    }
}

/// A setting that may be kept with the secrets, because a password is part of it or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deferred<T> {
    /// It stands in the settings, and is good.
    Known(T),
    /// It is elsewhere, and looked at when it is needed.
    Secret(Secret),
}

impl<T: FromStr<Err: fmt::Display> + Clone> Deferred<T> {
    /// The setting, looked up where it is elsewhere.
    ///
    /// # Errors
    /// When it is not there, or not what the setting needs.
    pub fn resolve(&self, environment: &dyn Environment) -> Result<T, SecretError> {
        match self {
            Deferred::Known(value) => Ok(value.clone()),
            Deferred::Secret(secret) => {
                secret.resolve(environment)?.trim().parse().map_err(|error: T::Err| SecretError::Value {
                    origin: secret.origin.clone(),
                    message: error.to_string(),
                })
            }
        }
    }

    /// Reads the setting, or where it is; what stands in the settings is checked at once. `help` says what is
    /// right.
    pub(super) fn read(help: &'static str) -> impl Fn(&Node) -> Result<Self, Wrong> {
        move |node| {
            let text = raw_text(node, "text")?;
            match Origin::read(text)? {
                Origin::Plain(text) => text
                    .trim()
                    .parse()
                    .map(Deferred::Known)
                    .map_err(|error: T::Err| Wrong::value(format!("this {error}"), help)),
                origin => Ok(Deferred::Secret(Secret { origin, span: node.span })),
            }
        }
    }
}
