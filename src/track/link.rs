//! What the links say, kind by kind. No address and no name of a person is in any of them.

use url::Url;

use super::token::{Purpose, URL_BYTES_MAX};
use super::wire::{FieldReader, FieldWriter};
use crate::domain::{CallId, ContactId, MessageId};
use crate::time::Moment;

/// Why there is no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Longer than mail programs and proxies take.
    #[error("the link would be {0} bytes long, and mail programs cut links beyond {URL_BYTES_MAX}")]
    TooLong(usize),
    /// A target that is no web address.
    #[error("`{0}` is no web address: write it in full, with `https://`")]
    NoWebAddress(String),
}

/// What a link of one purpose says.
pub trait Token: Sized {
    /// What the link is for; a token for one purpose is worth nothing for another.
    const PURPOSE: Purpose;

    /// Puts the fields down.
    ///
    /// # Errors
    /// When one of them cannot be in a link.
    fn write(&self, fields: &mut FieldWriter) -> Result<(), LinkError>;

    /// Takes the fields up again; nothing where they are not those of this kind.
    fn read(fields: &mut FieldReader<'_>) -> Option<Self>;
}

/// `/o/{token}.gif`: the image that tells of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenToken {
    /// Who got it.
    pub contact: ContactId,
    /// The message.
    pub message: MessageId,
}

impl Token for OpenToken {
    const PURPOSE: Purpose = Purpose::Open;

    fn write(&self, fields: &mut FieldWriter) -> Result<(), LinkError> {
        fields.bytes(self.contact.bytes());
        fields.bytes(self.message.bytes());
        Ok(())
    }

    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        Some(Self { contact: ContactId(fields.id()?), message: MessageId(fields.id()?) })
    }
}

/// `/c/{token}`: a link in a message, with its target inside, so that nobody can lead it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickToken {
    /// Who got it.
    pub contact: ContactId,
    /// The message.
    pub message: MessageId,
    /// Which link of the message, from 0.
    pub index: u16,
    /// The name the author gave the link; empty where none.
    pub name: String,
    /// Where it leads: `http` or `https`. What is ASCII arrives byte for byte; a target with other characters
    /// arrives as browsers would send it.
    pub url: String,
}

impl Token for ClickToken {
    const PURPOSE: Purpose = Purpose::Click;

    fn write(&self, fields: &mut FieldWriter) -> Result<(), LinkError> {
        fields.bytes(self.contact.bytes());
        fields.bytes(self.message.bytes());
        fields.bytes(&self.index.to_be_bytes());
        fields.text(&self.name)?;
        fields.text(&web_address(&self.url)?)
    }

    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        Some(Self {
            contact: ContactId(fields.id()?),
            message: MessageId(fields.id()?),
            index: fields.number()?,
            name: fields.text()?,
            url: fields.text()?,
        })
    }
}

/// `/u/{token}`: takes a permission back; never expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsubscribeToken {
    /// Whose permission.
    pub contact: ContactId,
    /// The message with the link.
    pub message: MessageId,
    /// The topic that is refused.
    pub topic: String,
}

impl Token for UnsubscribeToken {
    const PURPOSE: Purpose = Purpose::Unsubscribe;

    fn write(&self, fields: &mut FieldWriter) -> Result<(), LinkError> {
        fields.bytes(self.contact.bytes());
        fields.bytes(self.message.bytes());
        fields.text(&self.topic)
    }

    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        Some(Self {
            contact: ContactId(fields.id()?),
            message: MessageId(fields.id()?),
            topic: fields.text()?,
        })
    }
}

/// `/p/{token}`: the page on which a contact says what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreferencesToken {
    /// Whose page.
    pub contact: ContactId,
}

impl Token for PreferencesToken {
    const PURPOSE: Purpose = Purpose::Preferences;

    fn write(&self, fields: &mut FieldWriter) -> Result<(), LinkError> {
        fields.bytes(self.contact.bytes());
        Ok(())
    }

    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        Some(Self { contact: ContactId(fields.id()?) })
    }
}

/// `/v/{token}`: a message as a web page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewToken {
    /// Who got it.
    pub contact: ContactId,
    /// The message.
    pub message: MessageId,
}

impl Token for ViewToken {
    const PURPOSE: Purpose = Purpose::View;

    fn write(&self, fields: &mut FieldWriter) -> Result<(), LinkError> {
        fields.bytes(self.contact.bytes());
        fields.bytes(self.message.bytes());
        Ok(())
    }

    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        Some(Self { contact: ContactId(fields.id()?), message: MessageId(fields.id()?) })
    }
}

/// `/lead/{token}`: a team's answer to a hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadToken {
    /// Where the hand-off is.
    pub contact: ContactId,
    /// The hand-off.
    pub call: CallId,
    /// Whether this link takes the lead or turns it down.
    pub accepted: bool,
}

impl Token for LeadToken {
    const PURPOSE: Purpose = Purpose::Lead;

    fn write(&self, fields: &mut FieldWriter) -> Result<(), LinkError> {
        fields.bytes(self.contact.bytes());
        fields.bytes(self.call.bytes());
        fields.bytes(&[u8::from(self.accepted)]);
        Ok(())
    }

    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        let (contact, call) = (ContactId(fields.id()?), CallId(fields.id()?));
        let accepted = match fields.array()? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        Some(Self { contact, call, accepted })
    }
}

/// `/s/{token}`: a survey, or one answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyToken {
    /// Who got it.
    pub contact: ContactId,
    /// The message with the link.
    pub message: MessageId,
    /// The name of the survey.
    pub survey: String,
    /// The score that the link stands for; nothing where it leads to the question.
    pub score: Option<i16>,
}

impl Token for SurveyToken {
    const PURPOSE: Purpose = Purpose::Survey;

    fn write(&self, fields: &mut FieldWriter) -> Result<(), LinkError> {
        fields.bytes(self.contact.bytes());
        fields.bytes(self.message.bytes());
        fields.text(&self.survey)?;
        if let Some(score) = self.score {
            fields.bytes(&score.to_be_bytes());
        }
        Ok(())
    }

    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        let (contact, message) = (ContactId(fields.id()?), MessageId(fields.id()?));
        let survey = fields.text()?;
        let score = if fields.is_empty() { None } else { Some(i16::from_be_bytes(fields.array()?)) };
        Some(Self { contact, message, survey, score })
    }
}

/// `/confirm/{token}`: the second half of a double opt-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmToken {
    /// Whose permission.
    pub contact: ContactId,
    /// The topic that is allowed.
    pub topic: String,
    /// From when on it is worth nothing; for the reader to look at.
    pub expires_at: Moment,
}

impl Token for ConfirmToken {
    const PURPOSE: Purpose = Purpose::Confirm;

    fn write(&self, fields: &mut FieldWriter) -> Result<(), LinkError> {
        fields.bytes(self.contact.bytes());
        fields.bytes(&self.expires_at.micros().to_be_bytes());
        fields.text(&self.topic)
    }

    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        Some(Self {
            contact: ContactId(fields.id()?),
            expires_at: Moment::from_micros(i64::from_be_bytes(fields.array()?)),
            topic: fields.text()?,
        })
    }
}

/// A target that browsers read in one way only: browsers take `https:evil.example` and `https:\\evil.example` for
/// addresses too, and a line break would end the header it is sent in.
fn web_address(text: &str) -> Result<String, LinkError> {
    let refused = || LinkError::NoWebAddress(text.chars().take(200).collect());
    let text = text.trim();
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if !matches!(scheme.as_deref(), Some("http" | "https")) || text.contains(odd) {
        return Err(refused());
    }
    let url = Url::parse(text).ok().filter(Url::has_host).ok_or_else(refused)?;
    Ok(if text.is_ascii() { text.to_owned() } else { url.into() })
}
