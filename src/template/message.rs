//! What is kept of a message when a journey is deployed.

use serde::{Deserialize, Serialize};

/// A message, checked and made ready: all that is needed to render it for a contact. The same source gives the
/// same bytes when it is written out, so that it can be hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompiledMessage {
    pub(super) subject: Option<String>,
    pub(super) preheader: Option<String>,
    pub(super) html: Option<String>,
    pub(super) text: String,
    pub(super) links: Vec<CompiledLink>,
    pub(super) addresses: Vec<Address>,
    pub(super) utm: Vec<(String, String)>,
    /// The values that its parts read, as paths.
    pub(super) reads: Vec<Vec<String>>,
    /// The names of `with` that have to be there.
    pub(super) needs: Vec<String>,
    /// The surveys that it leads to.
    pub(super) surveys: Vec<String>,
}

impl CompiledMessage {
    /// The surveys that it leads to.
    pub fn surveys(&self) -> &[String] {
        &self.surveys
    }
}

/// A link whose clicks are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CompiledLink {
    pub name: String,
    /// As the author wrote it, with its placeholders.
    pub url: String,
}

/// An address in one of the parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Address {
    /// The link that it belongs to, where its clicks are counted.
    pub link: Option<usize>,
    /// The address itself, where it is the same for all.
    pub fixed: Option<String>,
}
