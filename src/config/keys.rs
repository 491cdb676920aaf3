//! What the keys of `lotse.yaml` do: the one table that hover and completion read.
//!
//! Which keys there are say the readers of the sections ([`keys`](super::keys())). A test holds that each of them has an
//! entry here, and that every example is read without a finding.

use KeyValue::{Boolean, Condition, ContactField, Like, List, Names, Section, Sections, TimeZone};

/// A key of `lotse.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The sections that can have it: the keys that lead there with points between them, `*` for a name that the
    /// workspace gives. The file itself is the empty text.
    sections: &'static [&'static str],
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence or two, and what counts where it is left out.
    pub what: &'static str,
    /// What stands behind it.
    pub value: KeyValue,
    /// Whether a section is written with it, because without it the section is not whole.
    pub needed: bool,
}

/// What stands behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyValue {
    /// One value such as these; the first is the one to begin with.
    Like(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// The name of a time zone.
    TimeZone,
    /// The name of a field of the contact.
    ContactField,
    /// A condition about the contact, in the language of journeys.
    Condition,
    /// A list of values such as these.
    List(&'static [&'static str]),
    /// A section of keys.
    Section,
    /// A list of sections of keys.
    Sections,
    /// A section whose keys are names that the workspace gives, such as this one; each has a section of keys.
    Names(&'static str),
}

/// The entry of a key; `section` are the keys that lead to the section in which it stands.
pub fn key(section: &[&str], name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name && key.sections.iter().any(|path| leads_to(path, section)))
}

fn leads_to(path: &str, section: &[&str]) -> bool {
    let path: Vec<&str> = path.split('.').filter(|part| !part.is_empty()).collect();
    path.len() == section.len() && path.iter().zip(section).all(|(part, key)| *part == "*" || part == key)
}

const fn key_of(
    sections: &'static [&'static str],
    name: &'static str,
    value: KeyValue,
    what: &'static str,
) -> Key {
    Key { sections, name, what, value, needed: false }
}

const fn needed(
    sections: &'static [&'static str],
    name: &'static str,
    value: KeyValue,
    what: &'static str,
) -> Key {
    Key { needed: true, ..key_of(sections, name, value, what) }
}

const TOP: &[&str] = &[""];
const POOL: &[&str] = &["database_pool"];
const SMTP: &[&str] = &["smtp"];
const SENDER: &[&str] = &["senders.*"];
const DKIM: &[&str] = &["senders.*.dkim"];
const CHANNEL: &[&str] = &["channels.*"];
const TEAM: &[&str] = &["teams.*"];
const ASSIGN: &[&str] = &["teams.*.assign"];
const ENDPOINT: &[&str] = &["channels.*", "webhooks.*", "teams.*"];

const KEYS: &[Key] = &[
    key_of(
        TOP,
        "workspace",
        Like(&["spring"]),
        "Names the workspace, in letters, digits, `-`, `_` and `.`; `lotse` where it is left out. It is part of every signed link: links that are out stop working when it changes.",
    ),
    key_of(
        TOP,
        "timezone",
        TimeZone,
        "Whose clock counts for contacts without a zone of their own; UTC where it is left out.",
    ),
    key_of(
        TOP,
        "database",
        Like(&["sqlite://lotse.db", "postgres://lotse:password@db.example.com/lotse", "env:DATABASE_URL"]),
        "Where all data is: in a file, or in a database of PostgreSQL; the file `lotse.db` where it is left out.",
    ),
    key_of(TOP, "database_pool", Section, "How the connections to PostgreSQL are used."),
    key_of(
        TOP,
        "listen",
        Like(&["127.0.0.1:8080", "0.0.0.0:8080"]),
        "Where `lotse run` takes HTTP requests; `127.0.0.1:8080` where it is left out. `0.0.0.0:8080` is reached from other machines.",
    ),
    key_of(
        TOP,
        "public_url",
        Like(&["https://go.example.com"]),
        "What the links in mails and hand-offs begin with; where the server listens, if it is left out. Without `https`, mails offer no one-click unsubscribe.",
    ),
    key_of(
        TOP,
        "secret",
        Like(&["env:LOTSE_SECRET", "file:secret.txt"]),
        "Signs the links in mails and hand-offs: 32 random characters or more. `lotse run` needs it.",
    ),
    key_of(TOP, "smtp", Section, "The mail server. Without it mails are decided and wait."),
    key_of(TOP, "senders", Names("marketing"), "Who writes: what `from` of an `email` names."),
    key_of(
        TOP,
        "channels",
        Names("sms"),
        "Ways to reach people beside email: each name is a channel for messages, such as `sms parcel_today { … }`.",
    ),
    key_of(TOP, "webhooks", Names("erp"), "Systems that journeys call: what `call` names."),
    key_of(TOP, "teams", Names("sales"), "Who takes leads and alerts: what `hand off to` and `alert` name."),
    key_of(
        TOP,
        "approvals",
        Like(&["1"]),
        "How many other people must approve a deployment, 0 to 10. It has no effect in this version.",
    ),
    key_of(TOP, "tracking", Section, "What is measured of recipients."),
    key_of(
        TOP,
        "allow_addresses",
        List(&["127.0.0.1:9000", "10.0.0.0/8", "erp.internal:8443"]),
        "Places inside the network, and plain `http`, that calls may go to. Everything but the public internet is refused otherwise.",
    ),
    key_of(
        POOL,
        "connections",
        Like(&["10"]),
        "How many connections each process has at the most, 3 to 500; 10 where it is left out.",
    ),
    key_of(
        POOL,
        "statement_timeout",
        Like(&["60s"]),
        "How long one statement may take, 1 second to 5 minutes; `60s` where it is left out.",
    ),
    key_of(
        POOL,
        "lock_timeout",
        Like(&["10s"]),
        "How long it is waited for what another process holds, 1 second to 5 minutes; `10s` where it is left out.",
    ),
    needed(
        SMTP,
        "url",
        Like(&[
            "smtps://user:password@mail.example.com:465",
            "smtp://user:password@mail.example.com:587",
            "env:LOTSE_SMTP",
        ]),
        "The mail server, with user and password: `smtps` is TLS from the start, `smtp` STARTTLS.",
    ),
    key_of(
        SMTP,
        "connections",
        Like(&["8"]),
        "How many connections are open at once, 1 to 64; 8 where it is left out.",
    ),
    key_of(
        SMTP,
        "per_second",
        Like(&["50"]),
        "How many messages are begun in a second, over all connections; without limit where it is left out.",
    ),
    needed(
        SENDER,
        "from",
        Like(&["Shop <hello@example.com>"]),
        "What recipients see: a name and an address, or the address alone.",
    ),
    key_of(
        SENDER,
        "reply_to",
        Like(&["service@example.com"]),
        "Where answers go; to `from` where it is left out.",
    ),
    key_of(
        SENDER,
        "return_path",
        Like(&["bounces@example.com"]),
        "The envelope sender: where mail servers report what they cannot deliver; the address of `from` where it is left out.",
    ),
    key_of(SENDER, "dkim", Section, "How mail of this sender is signed; not at all where it is left out."),
    key_of(
        SENDER,
        "address",
        Like(&["\"Example AG, Musterweg 1, 80331 München\""]),
        "Name and postal address of who is responsible. It stands below every mail of a topic that is not `essential`.",
    ),
    needed(
        DKIM,
        "domain",
        Like(&["example.com"]),
        "The domain that signs. Use the one of `from`, or large providers treat the mail as unsigned.",
    ),
    needed(DKIM, "selector", Like(&["s1"]), "The name of the key in the DNS."),
    needed(
        DKIM,
        "key",
        Like(&["file:dkim.pem", "env:DKIM_KEY"]),
        "The private key as PEM, not encrypted: RSA of 2048 to 8192 bits, or Ed25519.",
    ),
    needed(
        ENDPOINT,
        "url",
        Like(&["https://api.example.com/lotse", "env:API_URL"]),
        "Where requests go, by `https`; by `http` only where `allow_addresses` has the place.",
    ),
    key_of(
        ENDPOINT,
        "secret",
        Like(&["env:API_SECRET", "file:api_secret.txt"]),
        "Signs the requests: at least 24 bytes, as `whsec_` and Base64, or as text. `lotse run` needs it.",
    ),
    key_of(
        ENDPOINT,
        "timeout",
        Like(&["10s", "30s", "2m"]),
        "How long one attempt may take, answer and all, 1 second to 5 minutes; `10s` where it is left out.",
    ),
    key_of(
        CHANNEL,
        "address",
        ContactField,
        "The text field of the contact that says where to; `phone` where it is left out.",
    ),
    key_of(CHANNEL, "cost", Like(&["0.07"]), "What one message costs; nothing where it is left out."),
    key_of(
        TEAM,
        "email",
        Like(&["support@example.com"]),
        "Where alerts go by mail. A team has a `url`, an `email` or both; leads need the `url`.",
    ),
    key_of(TEAM, "assign", Sections, "Who in the team gets a lead: the first whose condition holds."),
    needed(ASSIGN, "to", Like(&["anna@example.com"]), "The person, as the team's system names people."),
    key_of(
        ASSIGN,
        "when",
        Condition,
        "For which contacts, as a condition in the language of journeys; for all where it is left out.",
    ),
    key_of(
        &["tracking"],
        "opens",
        Boolean,
        "Whether emails carry an image that tells of their opening; so where it is left out.",
    ),
    key_of(
        &["tracking"],
        "clicks",
        Boolean,
        "Whether links in emails lead over Lotse, which tells of clicks; so where it is left out.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{keys, read};
    use crate::source::WorkspaceFiles;

    /// Where the keys of each section are asked for.
    const SECTIONS: [&[&str]; 10] = [
        &[],
        &["database_pool"],
        &["smtp"],
        &["senders", "marketing"],
        &["senders", "marketing", "dkim"],
        &["channels", "sms"],
        &["webhooks", "erp"],
        &["teams", "sales"],
        &["teams", "sales", "assign"],
        &["tracking"],
    ];

    #[test]
    fn every_key_that_is_read_has_an_entry_and_no_other_has_one() {
        let mut known = 0;
        for section in SECTIONS {
            let read = keys(section);
            assert!(!read.is_empty(), "{section:?}");
            for name in &read {
                assert!(key(section, name).is_some(), "{section:?} {name}");
            }
            known += read.len();
        }
        let entries: usize = KEYS.iter().map(|key| key.sections.len()).sum();
        assert_eq!(entries, known, "an entry that no section reads, or a section that is not looked at");
    }

    #[test]
    fn every_key_is_in_the_reference() {
        let reference = include_str!("../../docs/reference/lotse-yaml.md");
        for key in KEYS {
            let ends = [format!("`{}`", key.name), format!(".{}`", key.name)];
            assert!(ends.iter().any(|end| reference.contains(end)), "{}", key.name);
        }
    }

    /// The file with this key alone, and what its sections need beside it.
    fn file_with(section: &[&str], name: &str, value: &str) -> String {
        let mut text = String::new();
        let mut indent = String::new();
        for (depth, part) in section.iter().enumerate() {
            text.push_str(&format!("{indent}{part}:\n"));
            indent.push_str("  ");
            for other in keys(&section[..=depth]) {
                let entry = key(&section[..=depth], other).unwrap();
                let comes = other == name || section.get(depth + 1) == Some(&other);
                if let (true, false, Like(values)) = (entry.needed, comes, entry.value) {
                    let dash = if *part == "assign" { "- " } else { "" };
                    text.push_str(&format!("{indent}{dash}{other}: {}\n", values[0]));
                    if !dash.is_empty() {
                        indent.push_str("  ");
                    }
                }
            }
        }
        let dash = if section.last() == Some(&"assign") && name == "to" { "- " } else { "" };
        text + &format!("{indent}{dash}{name}: {value}\n")
    }

    #[test]
    fn every_example_is_read() {
        for section in SECTIONS {
            for name in keys(section) {
                let values: Vec<&str> = match key(section, name).unwrap().value {
                    Like(values) => values.to_vec(),
                    List(values) => {
                        let text = file_with(section, name, &format!("[{}]", values.join(", ")));
                        let files = WorkspaceFiles::from_texts([("lotse.yaml", text.as_str())]);
                        assert_eq!(read(&files).1, [], "{text}");
                        continue;
                    }
                    Boolean => vec!["true", "false"],
                    TimeZone => vec!["Europe/Berlin"],
                    ContactField => vec!["phone"],
                    Condition => vec!["contact.country == \"DE\""],
                    Section | Sections | Names(_) => continue,
                };
                for value in values {
                    let text = file_with(section, name, value);
                    let files = WorkspaceFiles::from_texts([("lotse.yaml", text.as_str())]);
                    assert_eq!(read(&files).1, [], "{text}");
                }
            }
        }
    }
}
