//! `lotse.yaml`: everything that differs between a laptop, staging and production.
//!
//! In comes the text of the file; out goes a [`Config`], whole even where the file is broken, and every
//! mistake of the file as a finding with its place. Secrets are named here and looked up later
//! ([`Secret::resolve`]), so that checking a workspace needs none. Nothing here reads the disk, the environment
//! or the network, but the [`ProcessEnvironment`] that callers hand in.

mod endpoint;
mod keys;
mod mail;
mod mend;
mod names;
mod network;
mod secret;
mod section;
mod server;
#[cfg(test)]
mod tests;
mod value;
mod yaml;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use url::Url;

pub use endpoint::{Assignment, Channel, Condition, Endpoint, Team, Webhook};
pub use keys::{Key, KeyValue, key};
pub use mail::{Dkim, Mailbox, MailboxError, Sender, Smtp};
pub use names::Names;
pub use network::{AllowedAddress, AllowedAddressError};
pub use secret::{Deferred, Environment, Origin, ProcessEnvironment, Secret, SecretError};
pub use server::{Database, DatabasePool, EndpointUrl, SmtpUrl, UrlError};

use crate::finding::{Code, Finding, sort};
use crate::source::{SourceId, Span, WorkspaceFiles};
use crate::time::TimeZone;
use section::{Section, Wrong};
use yaml::{Content, Entry, Node};

/// The largest `lotse.yaml`, in bytes.
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// The settings of a workspace. Each field is the key of its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whether the file could be read to its end. Where it could not, it may declare names that are not here.
    pub complete: bool,
    /// What the workspace is called: letters, digits, `-`, `_` and `.`, at most 64. It is part of every signed
    /// link; `lotse` where left out.
    pub workspace: String,
    /// Whether the file says what it is called. On a database that processes share, it must.
    pub is_named: bool,
    /// The zone for contacts without one; UTC where left out.
    pub timezone: TimeZone,
    /// Where the data is; the file `lotse.db` where left out. May be `env:NAME`.
    pub database: Deferred<Database>,
    /// How the connections to a database server are used.
    pub database_pool: DatabasePool,
    /// Where the server listens; `127.0.0.1:8080` where left out.
    pub listen: SocketAddr,
    /// Where recipients' links lead; see [`Config::base_url`] for where it is left out.
    pub public_url: Option<Url>,
    /// What links are signed with.
    pub secret: Option<Secret>,
    /// The mail server.
    pub smtp: Option<Smtp>,
    /// Who writes emails.
    pub senders: Names<Sender>,
    /// Ways to reach people beside email.
    pub channels: Names<Channel>,
    /// Systems that journeys call.
    pub webhooks: Names<Webhook>,
    /// Who takes leads and alerts.
    pub teams: Names<Team>,
    /// How many other people must approve a deployment, at most 10; none where left out.
    pub approvals: u32,
    /// What is measured of recipients.
    pub tracking: Tracking,
    /// Addresses inside the network that calls may go to; none where left out.
    pub allow_addresses: Vec<AllowedAddress>,
}

/// What is measured of recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// `opens`: whether emails carry an image that tells of their opening; so where left out.
    pub opens: bool,
    /// `clicks`: whether links lead over Lotse, which tells of clicks; so where left out.
    pub clicks: bool,
}

impl Default for Tracking {
    fn default() -> Self {
        Self { opens: true, clicks: true }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            complete: true,
            workspace: "lotse".to_owned(),
            is_named: false,
            timezone: TimeZone::UTC,
            database: Deferred::Known(Database::Sqlite(PathBuf::from("lotse.db"))),
            database_pool: DatabasePool::default(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            secret: None,
            smtp: None,
            senders: Names::default(),
            channels: Names::default(),
            webhooks: Names::default(),
            teams: Names::default(),
            approvals: 0,
            tracking: Tracking::default(),
            allow_addresses: Vec::new(),
        }
    }
}

impl Config {
    /// What links begin with, without a `/` at the end: `public_url`, else where the server listens.
    pub fn base_url(&self) -> String {
        if let Some(url) = &self.public_url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        // "Everywhere" is no place to go to.
        let ip = match self.listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, self.listen.port()))
    }

    fn read_from(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let database = "write `sqlite://lotse.db`, `postgres://user:password@host/name` or `env:NAME`";
        let allowed = "write `127.0.0.1:9000`, `10.0.0.5` or `10.0.0.0/8`";
        let name = section.value("workspace", workspace);
        Self {
            complete: true,
            is_named: name.is_some(),
            workspace: name.unwrap_or(default.workspace),
            timezone: section.value("timezone", value::time_zone).unwrap_or(default.timezone),
            database: section.value("database", Deferred::read(database)).unwrap_or(default.database),
            database_pool: section.section("database_pool", DatabasePool::read).unwrap_or_default(),
            listen: section.value("listen", value::listen).unwrap_or(default.listen),
            public_url: section.value("public_url", value::public_url),
            secret: section.value("secret", Secret::read),
            smtp: section.section("smtp", Smtp::read).flatten(),
            senders: section.named("senders", |_, section| Sender::read(section)),
            channels: section.named("channels", Channel::read),
            webhooks: section.named("webhooks", Webhook::read),
            teams: section.named("teams", Team::read),
            approvals: section.value("approvals", value::whole(0..=10)).unwrap_or(default.approvals),
            tracking: section.section("tracking", Tracking::read_from).unwrap_or(default.tracking),
            allow_addresses: section.values("allow_addresses", value::parsed(allowed)),
        }
    }
}

impl Tracking {
    fn read_from(section: &mut Section<'_>) -> Self {
        Self {
            opens: section.value("opens", value::boolean).unwrap_or(true),
            clicks: section.value("clicks", value::boolean).unwrap_or(true),
        }
    }
}

/// Reads `lotse.yaml`: the settings, with what is left out or broken as if it were left out, and all findings
/// in the order of the text. A workspace without the file has the settings of an empty one.
pub fn read(files: &WorkspaceFiles) -> (Config, Vec<Finding>) {
    let mut findings = Vec::new();
    let config = match files.config {
        Some(id) => read_text(id, &files.sources.get(id).text, &mut findings),
        None => Config::default(),
    };
    sort(&mut findings);
    (config, findings)
}

/// The keys that a section of `lotse.yaml` can have, in the order in which they are read; `path` are the keys that
/// lead to it, none for the file itself. Nothing where no section can be, and where its keys are the workspace's names.
pub fn keys(path: &[&str]) -> Vec<&'static str> {
    let section = || Content::Section(Vec::new());
    let ends = [section(), Content::List(vec![Node { span: Span::default(), content: section() }])];
    for end in ends {
        let content = path.iter().rev().fold(end, |value, key| {
            let value = Node { span: Span::default(), content: value };
            Content::Section(vec![Entry { key: (*key).to_owned(), key_span: Span::default(), value }])
        });
        let Content::Section(entries) = content else { continue };
        let mut section = Section::open(String::new(), Span::default(), &entries);
        Config::read_from(&mut section);
        let wanted = path.join(".");
        let asked = section.all_asked().into_iter();
        let keys: Vec<&str> = asked.filter(|(path, _)| *path == wanted).map(|(_, key)| key).collect();
        if !keys.is_empty() {
            return keys;
        }
    }
    Vec::new()
}

fn read_text(id: SourceId, text: &str, findings: &mut Vec<Finding>) -> Config {
    let incomplete = Config { complete: false, ..Config::default() };
    let top = Span::new(id, 0, 0);
    if text.len() > FILE_BYTES_MAX {
        let message = format!("`lotse.yaml` is larger than {} KiB", FILE_BYTES_MAX / 1024);
        findings
            .push(Finding::new(Code::E001, top, message).help("settings are short: move the rest elsewhere"));
        return incomplete;
    }
    let root = match yaml::parse(id, text, findings) {
        Ok(root) => root,
        Err(finding) => {
            let edit = mend::mended(id, text, finding.span);
            findings.push(Finding { edit, ..*finding });
            return incomplete;
        }
    };
    match root {
        None | Some(Node { content: Content::Nothing, .. }) => Config::default(),
        Some(Node { content: Content::Section(entries), .. }) => {
            let mut section = Section::open(String::new(), top, &entries);
            let config = Config::read_from(&mut section);
            findings.extend(section.finish());
            config
        }
        Some(Node { span, .. }) => {
            let help = "write one setting a line, such as `workspace: spring`";
            let finding = Finding::new(Code::E001, span, "here stand no settings").help(help);
            findings.push(Finding { edit: mend::mended(id, text, span), ..finding });
            incomplete
        }
    }
}

fn workspace(node: &Node) -> Result<String, Wrong> {
    let name = value::text(node)?;
    let good = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if good && !name.is_empty() && name.len() <= 64 {
        return Ok(name);
    }
    let help = "letters, digits, `-`, `_` and `.`, at most 64";
    Err(Wrong::value(format!("`{name}` cannot be the name of a workspace"), help))
}
