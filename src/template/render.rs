use std::fmt;
use std::io;
use std::sync::Arc;

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};
use serde_json::Value as Json;

use super::CompiledMessage;
use super::expression::GROUPS;
use super::filters::{self, SURVEYS_NAME, Surveys, ZONE_NAME, Zone};
use super::limits::{FUEL, LIST_ITEMS_MAX, OUTPUT_BYTES_MAX, VALUE_BYTES_MAX};
use super::text::tidy;
use super::values::{Fields, value, write_value};
use super::writer::Writer;
use crate::domain::Attributes;
use crate::time::TimeZone;

/// Gives the address of a survey's page for a contact, with the score that the link stands for, if any.
pub type SurveyUrl = Arc<dyn Fn(&str, Option<i16>) -> String + Send + Sync>;

/// What a message is filled in with for one contact.
pub struct RenderContext<'a> {
    /// The attributes of the contact, as one object.
    pub contact: &'a Json,
    /// The properties of the event that led into the journey, as one object.
    pub entry: &'a Json,
    /// What the send hands over: every name of its `with`, null where there is no value.
    pub with: &'a Attributes,
    /// The zone whose clock counts where a moment is written as a date.
    pub zone: &'a TimeZone,
    /// Where the contact refuses the topic.
    pub unsubscribe_url: &'a str,
    /// Where the contact chooses topics.
    pub preferences_url: &'a str,
    /// Where the message can be seen in a browser.
    pub view_url: &'a str,
    /// Gives the addresses of surveys.
    pub survey_url: SurveyUrl,
    /// The address that leads to a link and counts the click; `None` leaves links as they are.
    pub track_link: Option<&'a dyn Fn(&TrackedLink<'_>) -> String>,
    /// The picture that counts opens.
    pub open_pixel_url: Option<&'a str>,
}

/// A link of a message, filled in for a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackedLink<'a> {
    /// Its number among the links of the message.
    pub index: usize,
    /// What the author calls it.
    pub name: &'a str,
    /// Where it leads: a whole `http` or `https` address, not escaped in any way.
    pub url: &'a str,
}

/// A message for one contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, in one line; empty where the message has none.
    pub subject: String,
    /// The preheader, in one line. It stands in the HTML too.
    pub preheader: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// The plain text.
    pub text: String,
}

/// Why a message could not be rendered for a contact.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The send did not hand over what the template reads.
    #[error("the template reads `{0}`, which the send does not hand over: add it to `with`")]
    Missing(String),
    /// A value that is no value of a mail.
    #[error("`{0}` is longer than {kib} KiB or has more than {LIST_ITEMS_MAX} entries", kib = VALUE_BYTES_MAX / 1024)]
    ValueTooLong(String),
    /// The message got too long.
    #[error("the {0} came to more than {kib} KiB", kib = OUTPUT_BYTES_MAX / 1024)]
    TooLong(&'static str),
    /// The message took too many steps.
    #[error("the {0} takes too many steps to fill in: go through shorter lists")]
    TooMuchWork(&'static str),
    /// The template asks for what cannot be done with the values.
    #[error("the {part} cannot be filled in: {reason}")]
    Failed {
        /// The part of the message.
        part: &'static str,
        /// What the engine says.
        reason: String,
    },
}

/// A message ready to be rendered, for any number of contacts and from any number of threads.
pub struct Renderer {
    environment: Environment<'static>,
    message: CompiledMessage,
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderer").field("message", &self.message).finish_non_exhaustive()
    }
}

/// The parts by the names of their templates.
const SUBJECT: &str = "subject";
const PREHEADER: &str = "preheader";
const HTML: &str = "html";
const TEXT: &str = "text";

impl Renderer {
    /// Makes a compiled message ready.
    ///
    /// # Errors
    /// When the message is not one that [`compile`](super::compile()) made.
    pub fn new(message: &CompiledMessage) -> Result<Self, RenderError> {
        let mut environment = Environment::empty();
        filters::register(&mut environment);
        environment
            .set_auto_escape_callback(|name| if name == HTML { AutoEscape::Html } else { AutoEscape::None });
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_formatter(write_value);
        environment.set_fuel(Some(FUEL));
        let parts = [
            (SUBJECT, message.subject.as_ref()),
            (PREHEADER, message.preheader.as_ref()),
            (HTML, message.html.as_ref()),
            (TEXT, Some(&message.text)),
        ];
        for (name, source) in parts {
            if let Some(source) = source {
                let added = environment.add_template_owned(name, source.clone());
                added.map_err(|error| RenderError::Failed { part: name, reason: error.to_string() })?;
            }
        }
        Ok(Self { environment, message: message.clone() })
    }

    /// Renders the message for one contact.
    ///
    /// Attributes and properties that are not set are left out of the text.
    ///
    /// # Errors
    /// When the send hands over too little, a value or the message is too long, or a filter cannot do its work.
    pub fn render(&self, context: &RenderContext<'_>) -> Result<Rendered, RenderError> {
        if let Some(name) = self.message.needs.iter().find(|name| !context.with.contains_key(name.as_str())) {
            return Err(RenderError::Missing(name.clone()));
        }
        let root = self.root(context)?;
        let line = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
        let writer = Writer { message: &self.message, context };
        let html = self.part(HTML, &root)?.map(|html| writer.write(&html, true));
        let text = self.part(TEXT, &root)?.map(|text| tidy(&writer.write(&text, false)));
        Ok(Rendered {
            subject: self.part(SUBJECT, &root)?.map(|subject| line(&subject)).unwrap_or_default(),
            preheader: self.part(PREHEADER, &root)?.map(|preheader| line(&preheader)),
            html,
            text: text.unwrap_or_default(),
        })
    }

    fn part(&self, part: &'static str, root: &Value) -> Result<Option<String>, RenderError> {
        let Ok(template) = self.environment.get_template(part) else { return Ok(None) };
        let mut out = Capped(Vec::with_capacity(template.source().len()));
        let rendered = template.render_captured_to(root.clone(), &mut out).map(|_| ());
        match rendered {
            Ok(()) => Ok(Some(String::from_utf8(out.0).unwrap_or_default())),
            Err(error) => Err(match error.kind() {
                ErrorKind::WriteFailure => RenderError::TooLong(part),
                ErrorKind::OutOfFuel => RenderError::TooMuchWork(part),
                _ => {
                    let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
                    RenderError::Failed { part, reason }
                }
            }),
        }
    }

    /// All values that the message reads, and no others.
    fn root(&self, context: &RenderContext<'_>) -> Result<Value, RenderError> {
        let mut fields = Fields::default();
        for group in GROUPS {
            let json = if group == "contact" { context.contact } else { context.entry };
            let mut values = Fields::default();
            for name in
                self.message.reads.iter().filter(|path| path.first().is_some_and(|root| root == group))
            {
                if let Some(name) = name.get(1)
                    && let Some(json) = json.get(name)
                {
                    values.insert(name, value(json, &format_args!("{group}.{name}"))?);
                }
            }
            fields.insert(group, Value::from_object(values));
        }
        for path in &self.message.reads {
            if let [name, ..] = path.as_slice()
                && let Some(json) = context.with.get(name)
            {
                fields.insert(name, value(json, name)?);
            }
        }
        fields.insert("unsubscribe_url", Value::from(context.unsubscribe_url));
        fields.insert("preferences_url", Value::from(context.preferences_url));
        fields.insert("view_url", Value::from(context.view_url));
        fields.insert(ZONE_NAME, Value::from_object(Zone(context.zone.clone())));
        fields.insert(SURVEYS_NAME, Value::from_object(Surveys(context.survey_url.clone())));
        Ok(Value::from_object(fields))
    }
}

/// Output that ends when it gets too long.
struct Capped(Vec<u8>);

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
