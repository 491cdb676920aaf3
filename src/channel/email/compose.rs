use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::body::write_part;
use super::header::HeaderBlock;
use crate::domain::{Address, MessageId};
use crate::time::Moment;

/// The longest line that a mail may have, without its end (RFC 5322 section 2.1.1).
const LINE_BYTES_MAX: usize = 998;

/// What must be written as `%XX` in an address that becomes a link (RFC 6068 section 2).
const MAILTO_ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'@').remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b'+');

/// A mailbox and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name that mail programs show.
    pub name: Option<String>,
    /// The address.
    pub address: Address,
}

/// How a recipient leaves the list a mail belongs to (RFC 2369, RFC 8058), and which list that is (RFC 2919).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListHeaders {
    /// The address in the web that unsubscribes by POST. The one-click field (RFC 8058) is written when it
    /// begins with `https://`, as that standard asks.
    pub unsubscribe_url: String,
    /// A mail address that unsubscribes who writes to it.
    pub unsubscribe_mailto: Option<Address>,
    /// The list.
    pub list_id: Option<ListId>,
}

/// The name of a list, stable for all of its mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListId {
    /// The name for people.
    pub label: String,
    /// The name for machines: labels with dots between them, such as `news.example.com`.
    pub id: String,
}

/// One mail to one recipient, rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The message it is; its `Message-ID` comes from it, so that every attempt carries the same.
    pub id: MessageId,
    /// The sender.
    pub from: Mailbox,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<Mailbox>,
    /// The recipient.
    pub to: Mailbox,
    /// The subject.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: Option<String>,
    /// When it was decided on; kept over all attempts.
    pub date: Moment,
    /// For mail that can be unsubscribed from.
    pub list: Option<ListHeaders>,
    /// What Gmail's feedback loop reports complaints by: four names with colons between them.
    pub feedback_id: Option<String>,
    /// Whether it answers something without a person: a confirmation, a receipt (RFC 3834).
    pub auto_submitted: bool,
}

/// Why a mail cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// Text for a header with a line end or another control character in it: such a text can forge headers,
    /// and no real name or subject has one.
    #[error(
        "the text for `{field}` has a control character (U+{code:04X}) in it: take it out of the template or the attribute"
    )]
    ControlCharacter {
        /// The header field.
        field: &'static str,
        /// The character.
        code: u32,
    },
    /// A link that a header field cannot hold.
    #[error(
        "the link for `{field}` must begin with `https://` or `http://` and be made of the characters of RFC 3986, at most {LINE_BYTES_MAX} of them"
    )]
    Link {
        /// The header field.
        field: &'static str,
    },
    /// A list whose name for machines is none.
    #[error(
        "`{id}` is not the id of a list: letters, digits and hyphens with dots between them, such as `news.example.com`"
    )]
    ListId {
        /// What was given.
        id: String,
    },
    /// The finished bytes break a rule of RFC 5322, which would be a fault of this program.
    #[error("line {line} of the mail is not a line of RFC 5322")]
    Line {
        /// The line, from 1.
        line: usize,
    },
}

/// The bytes of a mail as they go over the wire, before dots are doubled.
///
/// Every line ends with CRLF and has at most 998 bytes, there is no other CR or LF and no NUL, and the body is
/// ASCII: no such value can end a mail early and smuggle in a second one.
#[derive(Clone, PartialEq, Eq)]
pub struct RawMail {
    text: String,
    needs_utf8: bool,
}

/// Names its size alone: the bytes are personal.
impl fmt::Debug for RawMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawMail").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

impl RawMail {
    /// Takes finished bytes, such as those that were stored.
    ///
    /// # Errors
    /// When they break one of the rules above.
    pub fn new(text: String) -> Result<Self, ComposeError> {
        let empty_line = text.find("\r\n\r\n").filter(|_| text.ends_with("\r\n"));
        let Some(header_bytes) = empty_line.map(|at| at + 4) else {
            return Err(ComposeError::Line { line: text.split("\r\n").count() });
        };
        let mut at = 0;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let sound = line.strip_suffix("\r\n").map(str::as_bytes).is_some_and(|line| {
                // Nearly all lines: one look, at many bytes at once.
                let plain = line.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
                let fit =
                    |byte: &u8| !matches!(byte, b'\r' | b'\0') && (byte.is_ascii() || at < header_bytes);
                line.len() <= LINE_BYTES_MAX && (plain || line.iter().all(fit))
            });
            if !sound {
                return Err(ComposeError::Line { line: index + 1 });
            }
            at += line.len();
        }
        let needs_utf8 = !text.is_ascii();
        Ok(Self { text, needs_utf8 })
    }

    /// The whole mail.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The fields of the header, each with its line end, and the body.
    pub fn parts(&self) -> (&str, &str) {
        let end = self.text.find("\r\n\r\n").map_or(self.text.len(), |end| end + 2);
        let (header, rest) = self.text.split_at(end);
        (header, rest.get(2..).unwrap_or(""))
    }

    /// Whether its header holds letters beyond ASCII, which only a server with SMTPUTF8 takes (RFC 6531).
    pub fn needs_utf8(&self) -> bool {
        self.needs_utf8
    }
}

/// Writes a mail: the same bytes for the same mail, always.
///
/// The bytes are made here and not with lettre's builder. That one panics on a line end in a display name,
/// lets one pass in the name of a header, leaves a bare CR in a body, and writes names with a comma or an
/// apostrophe in Base64, which filters hold against the sender; what remained to guard before and after it
/// was more than the few rules that these mails need. Only the fields below exist, so that nothing can add or
/// override one; text in them is refused when it has a control character, and encoded when it is more than
/// ASCII (RFC 2047). Bodies are quoted-printable or Base64 (RFC 2045).
///
/// # Errors
/// When a text, a link or a list id cannot stand in a header.
pub fn compose(mail: &Mail) -> Result<RawMail, ComposeError> {
    let mut header = HeaderBlock::default();
    write_mailbox(&mut header, "From", &mail.from)?;
    if let Some(reply_to) = &mail.reply_to {
        write_mailbox(&mut header, "Reply-To", reply_to)?;
    }
    write_mailbox(&mut header, "To", &mail.to)?;
    header.text("Subject", checked("Subject", &mail.subject)?);
    let date = mail.date.timestamp().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    header.words("Date", [date.as_str()]);
    let message_id = format!("<{}@{}>", mail.id, mail.from.address.domain());
    header.words("Message-ID", [message_id.as_str()]);
    if let Some(list) = &mail.list {
        write_list(&mut header, list)?;
    }
    if let Some(feedback_id) = &mail.feedback_id {
        header.text("Feedback-ID", checked("Feedback-ID", feedback_id)?);
    }
    if mail.auto_submitted {
        header.words("Auto-Submitted", ["auto-generated"]);
    }
    header.words("MIME-Version", ["1.0"]);

    let mut text = header.into_text();
    match &mail.html {
        None => write_part(&mut text, "plain", &mail.text),
        Some(html) => {
            // `=_` occurs in no quoted-printable and no Base64 (RFC 2045 section 6.7).
            let boundary = format!("=_{}", mail.id.0.simple());
            text.push_str(&format!(
                "Content-Type: multipart/alternative;\r\n boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
            ));
            write_part(&mut text, "plain", &mail.text);
            text.push_str(&format!("--{boundary}\r\n"));
            write_part(&mut text, "html", html);
            text.push_str(&format!("--{boundary}--\r\n"));
        }
    }
    RawMail::new(text)
}

fn write_mailbox(
    header: &mut HeaderBlock,
    field: &'static str,
    mailbox: &Mailbox,
) -> Result<(), ComposeError> {
    let name = mailbox.name.as_deref().map(|name| checked(field, name)).transpose()?;
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    header.named(field, name, mailbox.address.as_str());
    Ok(())
}

fn write_list(header: &mut HeaderBlock, list: &ListHeaders) -> Result<(), ComposeError> {
    const FIELD: &str = "List-Unsubscribe";
    let url = &list.unsubscribe_url;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let web = url.starts_with("https://") || url.starts_with("http://");
    if !web || !url.chars().all(allowed) || url.len() > LINE_BYTES_MAX - 4 {
        return Err(ComposeError::Link { field: FIELD });
    }
    match &list.unsubscribe_mailto {
        Some(address) => {
            let (url, mailto) = (format!("<{url}>,"), format!("<mailto:{}>", mailto(address)));
            header.words(FIELD, [url.as_str(), mailto.as_str()]);
        }
        None => header.words(FIELD, [format!("<{url}>").as_str()]),
    }
    if url.starts_with("https://") {
        header.words("List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"]);
    }
    if let Some(ListId { label, id }) = &list.list_id {
        let plain = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if id.len() > 255 || !id.contains('.') || !id.split('.').all(plain) {
            return Err(ComposeError::ListId { id: id.clone() });
        }
        let label = checked("List-Id", label)?.trim();
        header.named("List-Id", Some(label).filter(|label| !label.is_empty()), id);
    }
    Ok(())
}

fn mailto(address: &Address) -> String {
    utf8_percent_encode(address.as_str(), MAILTO_ESCAPED).to_string()
}

/// Refuses what would end a line, here or in a program that shows the header: control characters and the line
/// and paragraph separators of Unicode.
fn checked<'a>(field: &'static str, text: &'a str) -> Result<&'a str, ComposeError> {
    match text.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        Some(c) => Err(ComposeError::ControlCharacter { field, code: u32::from(c) }),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests;
