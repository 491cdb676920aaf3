//! The mail server, and who writes.

use std::fmt;
use std::str::FromStr;

use super::secret::{Deferred, Secret};
use super::section::Section;
use super::server::SmtpUrl;
use super::value::{address, parsed, text, whole};
use crate::domain::{Address, AddressError};

/// The mail server that takes what journeys send.
#[derive(Clone, Debug, PartialEq)]
pub struct Smtp {
    /// `url`: the server, with user and password where it wants them; may be `env:NAME`.
    pub url: Deferred<SmtpUrl>,
    /// `connections`: how many are open at once, 1 to 64; 8 where left out.
    pub connections: u32,
    /// `per_second`: how many messages a second at most, over all connections; no limit where left out.
    pub per_second: Option<u32>,
}

impl Smtp {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let help = "write `smtps://user:password@mail.example.com:465`, or `env:NAME`";
        let url = section.required("url", Deferred::read(help));
        let connections = section.value("connections", whole(1..=64)).unwrap_or(8);
        let per_second = section.value("per_second", whole(1..=1_000_000));
        Some(Self { url: url?, connections, per_second })
    }
}

/// Who writes: what `from` in an email declaration names.
#[derive(Clone, Debug, PartialEq)]
pub struct Sender {
    /// `from`: the name and address that recipients see.
    pub from: Mailbox,
    /// `reply_to`: where answers go; to `from` where left out.
    pub reply_to: Option<Mailbox>,
    /// `return_path`: where mail servers report what cannot be delivered; to the address of `from` where left
    /// out.
    pub return_path: Option<Address>,
    /// `dkim`: how mail of this sender is signed (RFC 6376); not at all where left out.
    pub dkim: Option<Dkim>,
    /// `address`: name and postal address of who is responsible, which marketing mail must show.
    pub address: Option<String>,
}

impl Sender {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let mailbox = || parsed::<Mailbox>("write `Name <name@example.com>`, or the address alone");
        let from = section.required("from", mailbox());
        let reply_to = section.value("reply_to", mailbox());
        let return_path = section.value("return_path", address);
        let dkim = section.section("dkim", Dkim::read).flatten();
        let address = section.value("address", text).filter(|address| !address.is_empty());
        Some(Self { from: from?, reply_to, return_path, dkim, address })
    }
}

/// How a sender's mail is signed (RFC 6376).
#[derive(Clone, Debug, PartialEq)]
pub struct Dkim {
    /// `domain`: the signing domain (`d=`).
    pub domain: String,
    /// `selector`: the name of the key in the domain's DNS (`s=`).
    pub selector: String,
    /// `key`: the private key as PEM.
    pub key: Secret,
}

impl Dkim {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let name = || parsed::<DomainName>("write a name of the DNS, such as `example.com`");
        let domain = section.required("domain", name());
        let selector = section.required("selector", name());
        let key = section.required("key", Secret::read);
        Some(Self { domain: domain?.0, selector: selector?.0, key: key? })
    }
}

/// Labels of letters, digits, `-` and `_` with points between them (RFC 6376 section 3.1).
struct DomainName(String);

/// What is wrong with a name of the DNS.
#[derive(Debug, thiserror::Error)]
#[error("is no name of the DNS")]
struct DomainNameError;

impl FromStr for DomainName {
    type Err = DomainNameError;

    fn from_str(text: &str) -> Result<Self, DomainNameError> {
        let letters = |label: &str| label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let label = |label: &str| !label.is_empty() && label.len() <= 63 && letters(label);
        let good = text.len() <= 253 && text.split('.').all(label);
        good.then(|| Self(text.to_ascii_lowercase())).ok_or(DomainNameError)
    }
}

/// An address with the name shown beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name; it holds no control characters.
    pub name: Option<String>,
    /// The address.
    pub address: Address,
}

/// Why something is no mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    /// The address in it.
    #[error("is no mailbox: {0}")]
    Address(#[from] AddressError),
    /// The brackets around the address.
    #[error("is no mailbox: the `<` before the address has no `>` at the end")]
    Open,
    /// A line break or the like in the name, which would end the header it stands in.
    #[error("is no mailbox: the name holds a control character")]
    Control,
}

impl FromStr for Mailbox {
    type Err = MailboxError;

    /// Reads `Name <address>`, the name in quotes or not, or the address alone.
    fn from_str(text: &str) -> Result<Self, MailboxError> {
        let text = text.trim();
        let Some((name, rest)) = text.rsplit_once('<') else {
            return Ok(Self { name: None, address: text.parse()? });
        };
        let address = rest.strip_suffix('>').ok_or(MailboxError::Open)?.parse()?;
        let name = name.trim();
        let inside = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
        let name = inside.map_or_else(|| name.to_owned(), |name| name.replace("\\\"", "\""));
        if name.chars().any(char::is_control) {
            return Err(MailboxError::Control);
        }
        Ok(Self { name: Some(name).filter(|name| !name.is_empty()), address })
    }
}

/// The way it was read: `Name <address>`.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => self.address.fmt(f),
        }
    }
}
