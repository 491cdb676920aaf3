use mail_parser::{Address, MessageParser, MessagePart, PartType};

use super::session::Envelope;
use crate::time::Moment;

/// How much is kept of each part of a mail, in bytes.
const PART_BYTES_MAX: usize = 512 * 1024;
/// How many headers are kept, and how much of each, in bytes.
const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 4 * 1024;

/// A mail that was received, decoded. Very long parts are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The number of the mail, from 1.
    pub id: u64,
    /// When it came.
    pub received_at: Moment,
    /// The sender of the envelope; empty for bounces.
    pub envelope_from: String,
    /// The recipients of the envelope.
    pub recipients: Vec<String>,
    /// The size of the content, in bytes.
    pub size: usize,
    /// `Message-ID`, without angle brackets.
    pub message_id: Option<String>,
    /// `From`, as `Name <address>`.
    pub from: String,
    /// `To`, as `Name <address>`, several divided by commas.
    pub to: String,
    /// `Subject`.
    pub subject: String,
    /// All headers in their order, unfolded and otherwise as they came.
    pub headers: Vec<(String, String)>,
    /// The HTML part.
    pub html: Option<String>,
    /// The text part.
    pub text: Option<String>,
}

impl Mail {
    /// Reads a mail as far as it can be read: what is broken is left out. It has no id yet.
    pub(super) fn read(envelope: Envelope, content: &[u8], received_at: Moment) -> Self {
        let mut mail = Self {
            id: 0,
            received_at,
            envelope_from: envelope.from,
            recipients: envelope.recipients,
            size: content.len(),
            message_id: None,
            from: String::new(),
            to: String::new(),
            subject: String::new(),
            headers: Vec::new(),
            html: None,
            text: None,
        };
        let Some(message) = MessageParser::default().parse(content) else { return mail };
        mail.message_id = message.message_id().map(shortened);
        mail.from = message.from().map(people).unwrap_or_default();
        mail.to = message.to().map(people).unwrap_or_default();
        mail.subject = message.subject().map(shortened).unwrap_or_default();
        let headers = message.headers_raw().take(HEADERS_MAX);
        mail.headers = headers.map(|(name, value)| (shortened(name), shortened(&unfolded(value)))).collect();
        // Asked for either form, the parser makes one out of the other; here the parts themselves count.
        mail.html = message.html_bodies().find_map(|part| body(part, true));
        mail.text = message.text_bodies().find_map(|part| body(part, false));
        mail
    }

    /// The value of the first header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

fn body(part: &MessagePart<'_>, html: bool) -> Option<String> {
    match &part.body {
        PartType::Html(text) if html => Some(cut(text, PART_BYTES_MAX)),
        PartType::Text(text) if !html => Some(cut(text, PART_BYTES_MAX)),
        _ => None,
    }
}

fn people(addresses: &Address<'_>) -> String {
    let people = addresses.iter().map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => address.or(name).unwrap_or_default().to_owned(),
    });
    shortened(&people.collect::<Vec<_>>().join(", "))
}

/// A value without the line ends inside it (RFC 5322 section 2.2.3).
fn unfolded(value: &str) -> String {
    value.replace("\r\n", "").replace('\n', "").trim().to_owned()
}

fn shortened(text: &str) -> String {
    cut(text, HEADER_BYTES_MAX)
}

fn cut(text: &str, bytes_max: usize) -> String {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default().to_owned()
}
