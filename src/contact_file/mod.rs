//! Files of contacts: CSV as it comes out of the world, and CSV that the world takes.
//!
//! In come the bytes of a file and what contacts of the workspace can have; out go rows, one by one, each a
//! [`ContactDraft`] or a [`Problem`] with its line. A bad row costs itself and no other. Nothing here knows a
//! database: whoever imports decides what a draft does to a contact that is there already.

mod cell;
mod columns;
mod encoding;
mod reader;
mod split;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::io;
use std::sync::Arc;

pub use columns::{Column, Field, Schema};
pub use encoding::Encoding;
pub use reader::Reader;
pub use split::{CELL_BYTES_MAX, COLUMNS_MAX};
pub use writer::{WriteOptions, Writer, contact_header, contact_row};

use crate::domain::{Address, Value};
use crate::finding::words::all_of;

/// How many columns a message lists.
const NAMES_SHOWN: usize = 12;

/// A row that is a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The line of the file where it begins, from 1.
    pub line: u64,
    /// What it says.
    pub draft: ContactDraft,
    /// The line of the first row with the same address; the later row wins.
    pub repeats: Option<u64>,
}

/// What a file says about a contact. Empty cells say nothing, so nothing is taken away by them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContactDraft {
    /// What the customer's own systems call the person; this or the address is always there.
    pub external_id: Option<String>,
    /// Where mail goes.
    pub email: Option<Address>,
    /// Where short messages go, as the file writes it.
    pub phone: Option<String>,
    /// The IANA name of the zone.
    pub timezone: Option<String>,
    /// A language tag.
    pub language: Option<String>,
    /// Labels to put on.
    pub tags: Vec<String>,
    /// Declared attributes by name, each with a value of its type.
    pub attributes: Vec<(Arc<str>, Value)>,
    /// Decisions on topics by name.
    pub allows: Vec<(Arc<str>, bool)>,
}

/// A row that is no contact, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file where the row begins, from 1.
    pub line: u64,
    /// The column it is about.
    pub column: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// `line 7, column `score`: `abc` is no number`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Nothing in it.
    #[error("the file is empty: its first line must name the columns")]
    Empty,
    /// No names in the first line.
    #[error("the first line holds a mail address: it must hold the names of the columns")]
    NoHeader,
    /// The first line cannot be taken apart.
    #[error("the first line cannot be read: {0}")]
    Header(String),
    /// More than [`COLUMNS_MAX`].
    #[error("the file has {0} columns, and at most {COLUMNS_MAX} are read")]
    TooManyColumns(usize),
    /// Nothing to tell contacts by.
    #[error("no column holds a mail address or an id: say which with `--map \"COLUMN=email\"` (the columns are {})", some_of(.0))]
    NoIdentity(Vec<String>),
    /// A rename of a column that is not there.
    #[error("the file has no column `{column}`{}", meant(.near))]
    NoColumn {
        /// The column.
        column: String,
        /// The one that was meant, perhaps.
        near: Option<String>,
    },
    /// A rename to an attribute that nothing declares.
    #[error("contacts have no attribute `{attribute}`{}", meant(.near))]
    NoAttribute {
        /// The attribute.
        attribute: String,
        /// The one that was meant, perhaps.
        near: Option<String>,
    },
}

/// The first names of a list that may be long.
fn some_of(names: &[String]) -> String {
    match names.get(..NAMES_SHOWN) {
        Some(first) if names.len() > NAMES_SHOWN => {
            format!("{} and {} more", first.join(", "), names.len() - NAMES_SHOWN)
        }
        _ => all_of(names),
    }
}

fn meant(near: &Option<String>) -> String {
    near.as_ref().map_or(String::new(), |near| format!(": did you mean `{near}`?"))
}
