use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{ContactId, Value, ValueType};
use crate::time::Moment;

/// Attributes of a contact, properties of an event: names and JSON values, sorted by name.
pub type Attributes = serde_json::Map<String, Json>;

/// A person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// Ours.
    pub id: ContactId,
    /// Theirs: what the customer's own systems call the person.
    pub external_id: Option<String>,
    /// Where mail goes.
    pub email: Option<String>,
    /// Where short messages go.
    pub phone: Option<String>,
    /// The IANA name of the zone whose clock counts.
    pub timezone: Option<String>,
    /// A language tag such as `de`.
    pub language: Option<String>,
    /// When we first heard of them.
    pub created_at: Moment,
    /// Labels that journeys put on and take off.
    pub tags: BTreeSet<String>,
    /// What the workspace declares beside these.
    pub attributes: Attributes,
    /// Why nothing is sent to the address any more: it bounced, or its owner complained.
    pub suppressed: Option<String>,
}

impl Contact {
    /// The attributes that every contact has without a declaration.
    pub const BUILT_IN: [&str; 7] = ["id", "email", "phone", "timezone", "language", "created_at", "tags"];

    /// The most attributes beside those that a contact keeps of what is said about it.
    pub const ATTRIBUTES_MAX: usize = 1_000;

    /// The type of a built-in attribute.
    pub fn built_in_type(name: &str) -> Option<ValueType> {
        match name {
            "id" | "email" | "phone" | "timezone" | "language" => Some(ValueType::Text),
            "created_at" => Some(ValueType::Datetime),
            "tags" => Some(ValueType::List(Box::new(ValueType::Text))),
            _ => None,
        }
    }

    /// A contact of whom nothing is known but that there is one.
    pub fn new(id: ContactId, created_at: Moment) -> Self {
        Self {
            id,
            external_id: None,
            email: None,
            phone: None,
            timezone: None,
            language: None,
            created_at,
            tags: BTreeSet::new(),
            attributes: Attributes::new(),
            suppressed: None,
        }
    }

    /// The value of an attribute, read as its declared type.
    pub fn attribute(&self, name: &str, of: &ValueType) -> Value {
        let text = |value: &Option<String>| value.clone().map_or(Value::Unset, Value::Text);
        match name {
            "id" => text(&Some(self.external_id.clone().unwrap_or_else(|| self.id.to_string()))),
            "email" => text(&self.email),
            "phone" => text(&self.phone),
            "timezone" => text(&self.timezone),
            "language" => text(&self.language),
            "created_at" => Value::Moment(self.created_at),
            "tags" => Value::List(self.tags.iter().cloned().map(Value::Text).collect()),
            _ => self.attributes.get(name).map_or(Value::Unset, |json| Value::from_json(json, of)),
        }
    }

    /// Sets an attribute, built-in or declared; what is unset is taken away. `id`, `created_at` and `tags`
    /// stay as they are: nobody sets them this way.
    pub fn set(&mut self, name: &str, value: &Value) {
        let text = || match value {
            Value::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        match name {
            "id" | "created_at" | "tags" => {}
            "email" => {
                let before = std::mem::replace(&mut self.email, text());
                // What is known of an address says nothing about another.
                if self.email != before {
                    self.suppressed = None;
                }
            }
            "phone" => self.phone = text(),
            "timezone" => self.timezone = text(),
            "language" => self.language = text(),
            _ if value.is_set() => {
                self.attributes.insert(name.to_owned(), value.to_json());
            }
            _ => {
                self.attributes.remove(name);
            }
        }
    }

    /// Keeps an attribute that is not built in as it came. Of a contact that has [`ATTRIBUTES_MAX`](Self::ATTRIBUTES_MAX)
    /// already, only those that it has can change: whoever makes up names must not make its turns dear.
    pub fn keep(&mut self, name: &str, json: Json) {
        if self.attributes.len() < Self::ATTRIBUTES_MAX || self.attributes.contains_key(name) {
            self.attributes.insert(name.to_owned(), json);
        }
    }

    /// All attributes as one JSON object, the way templates and webhooks see a contact.
    pub fn to_json(&self) -> Json {
        let mut all = self.attributes.clone();
        for name in Self::BUILT_IN {
            let of = Self::built_in_type(name).unwrap_or(ValueType::Text);
            all.insert(name.to_owned(), self.attribute(name, &of).to_json());
        }
        Json::Object(all)
    }
}

/// One decision of a contact on one topic. Never changed, only followed by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// Who decided.
    pub contact: ContactId,
    /// On what.
    pub topic: String,
    /// Yes or no.
    pub allowed: bool,
    /// When.
    pub at: Moment,
    /// Where: a form, an import, a link in a mail.
    pub source: String,
    /// The words that were agreed to.
    pub wording: Option<String>,
    /// What proves it, such as the address and program of the request.
    pub proof: Option<String>,
}

/// A mail address as it is stored and compared: the domain in small letters and ASCII (IDNA), the part before
/// the `@` as it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

/// Why something is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No `@`, or more than one outside quotes.
    #[error("a mail address has one `@`")]
    At,
    /// The part before the `@`.
    #[error("the part before the `@` is not one that mail servers take")]
    Local,
    /// The part behind the `@`.
    #[error("the part behind the `@` is not a domain such as `example.com`")]
    Domain,
    /// RFC 5321 section 4.5.3.1: 64 before the `@`, 254 in all.
    #[error("a mail address is at most 254 characters long, 64 of them before the `@`")]
    Length,
}

impl Address {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// What two spellings of one mailbox have in common, for finding duplicates: all in small letters.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Takes what real mailboxes have: a dot-atom (RFC 5321 section 4.1.2, with the letters of RFC 6531) before
    /// the `@` and a domain with a dot behind it. Quoted local parts, address literals (`[127.0.0.1]`) and
    /// percent or bang routes are refused.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (local, domain) = text.trim().split_once('@').ok_or(AddressError::At)?;
        if domain.contains('@') {
            return Err(AddressError::At);
        }
        let allowed = |c: char| {
            c.is_ascii_alphanumeric()
                || "!#$&'*+-/=?^_`{|}~.".contains(c)
                || (!c.is_ascii() && c.is_alphanumeric())
        };
        let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
        if local.is_empty() || dots || local.contains('!') || !local.chars().all(allowed) {
            return Err(AddressError::Local);
        }
        let domain = match url::Host::parse(domain) {
            Ok(url::Host::Domain(domain)) => domain,
            _ => return Err(AddressError::Domain),
        };
        let label = |label: &str| {
            let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            !label.is_empty()
                && label.len() <= 63
                && plain
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if !domain.contains('.') || !domain.split('.').all(label) {
            return Err(AddressError::Domain);
        }
        let whole = format!("{local}@{domain}");
        if local.len() > 64 || whole.len() > 254 {
            return Err(AddressError::Length);
        }
        Ok(Self(whole))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_real_mailboxes_are_taken() {
        for (text, stored) in [
            ("ada@example.org", "ada@example.org"),
            (" Ada.Lovelace+news@Example.ORG ", "Ada.Lovelace+news@example.org"),
            ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
            ("o'brien@example.co.uk", "o'brien@example.co.uk"),
        ] {
            assert_eq!(text.parse::<Address>().map(|a| a.0), Ok(stored.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_said_about_a_contact_is_bounded() {
        let mut contact = Contact::new(ContactId::default(), Moment::default());
        for number in 0..Contact::ATTRIBUTES_MAX + 9 {
            contact.keep(&format!("a{number}"), 1.into());
        }
        assert_eq!(contact.attributes.len(), Contact::ATTRIBUTES_MAX);
        contact.keep("a0", 2.into());
        assert_eq!(contact.attributes["a0"], 2, "what is there can change");
        contact.set("journey", &Value::Number(1.0));
        assert!(contact.attributes.contains_key("journey"), "journeys know what they do");
    }

    #[test]
    fn tricks_are_refused() {
        for text in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "a@b",
            "a@@example.org",
            "a@b@example.org",
            "a b@example.org",
            "\"a\\r\\n\"@example.org",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a%b@example.org",
            "a!b@example.org",
            "a\r\nBcc: b@example.org",
            "a..b@example.org",
            ".a@example.org",
            "a@example..org",
            "a@-x.org",
            "a@exa mple.org",
            "a,b@example.org",
            "a@example.org,b@example.org",
            "a\0@example.org",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
        assert_eq!(format!("{}@example.org", "a".repeat(65)).parse::<Address>(), Err(AddressError::Length));
    }

    #[test]
    fn built_in_attributes_are_read_and_set() {
        let mut contact = Contact::new(ContactId::default(), Moment::from_seconds(0));
        contact.set("email", &Value::Text("a@example.org".into()));
        contact.set("score", &Value::Number(5.0));
        assert_eq!(contact.attribute("score", &ValueType::Number), Value::Number(5.0));
        contact.set("score", &Value::Unset);
        assert_eq!(contact.attribute("score", &ValueType::Number), Value::Unset);
        assert_eq!(contact.to_json()["email"], "a@example.org");
    }
}
