use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::Outbound;
use crate::channel::email::{
    ComposeError, Envelope, ListHeaders, ListId, Mail, Mailbox, RawMail, SignerError, compose,
};
use crate::domain::Address;
use crate::engine::Plans;
use crate::language::plan::{Message as PlanMessage, Plan};
use crate::store::ClaimedMessage;
use crate::template::{RenderContext, RenderError, Rendered, Renderer, SurveyUrl, TrackedLink};
use crate::time::{Moment, TimeZone, zone};
use crate::track::{
    ClickToken, LinkError, OpenToken, PreferencesToken, SurveyToken, UnsubscribeToken, ViewToken,
};

/// The topic by whose refusal a contact says that opens and clicks must not be counted.
pub const TRACKING_TOPIC: &str = "tracking";
/// How many messages are kept ready to be written; a workspace has fewer.
const READY_MAX: usize = 4_096;

/// Why a message could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ParcelError {
    /// Its version is not known, or does not have it.
    #[error("version {version} of its journey has no message `{message}`")]
    NoMessage {
        /// The version.
        version: u32,
        /// The message.
        message: String,
    },
    /// `lotse.yaml` has the sender no more.
    #[error("lotse.yaml has no sender `{0}` any more: put it back")]
    NoSender(String),
    /// Its template could not be filled in for this contact.
    #[error("its template could not be filled in: {0}")]
    Render(#[from] RenderError),
    /// What came of it is no mail.
    #[error("it could not be made a mail: {0}")]
    Compose(#[from] ComposeError),
    /// It could not be signed.
    #[error("it could not be signed: {0}")]
    Sign(#[from] SignerError),
    /// A link of it could not be made.
    #[error("a link in it could not be made: {0}")]
    Link(#[from] LinkError),
    /// Its address is none.
    #[error("`{0}` is no mail address")]
    Address(String),
}

impl ParcelError {
    /// Whether it can be written once somebody has mended `lotse.yaml`.
    pub fn is_passing(&self) -> bool {
        matches!(self, ParcelError::NoSender(_))
    }
}

/// A message ready for its envelope.
pub struct Parcel {
    /// From whom and to whom.
    pub envelope: Envelope,
    /// The mail.
    pub mail: RawMail,
}

type Key = (u32, String, String);

/// Writes messages: fills templates in, signs links, composes and signs the mail.
pub struct Letters {
    outbound: Arc<Outbound>,
    zone: TimeZone,
    /// Templates made ready, by version, message and language.
    ready: Mutex<BTreeMap<Key, Arc<Renderer>>>,
}

impl Letters {
    /// Writes with these senders and secrets; `zone` is that of contacts without one.
    pub fn new(outbound: Arc<Outbound>, zone: TimeZone) -> Self {
        Self { outbound, zone, ready: Mutex::default() }
    }

    /// Writes the mail of a message, as the contact is now. `now` is its date.
    ///
    /// # Errors
    /// When it cannot be written; then every attempt would fail the same, unless
    /// [`is_passing`](ParcelError::is_passing).
    pub fn write(&self, plans: &Plans, claimed: &ClaimedMessage, now: Moment) -> Result<Parcel, ParcelError> {
        let (plan, planned) = planned(plans, claimed.message.version, &claimed.message.message)?;
        self.write_as(plan, planned, claimed, now)
    }

    /// The same for a message of a plan that is at hand.
    ///
    /// # Errors
    /// As [`write`](Letters::write).
    pub fn write_as(
        &self,
        plan: &Plan,
        planned: &PlanMessage,
        claimed: &ClaimedMessage,
        now: Moment,
    ) -> Result<Parcel, ParcelError> {
        let message = &claimed.message;
        let sender = self
            .outbound
            .senders
            .get(&planned.sender)
            .ok_or_else(|| ParcelError::NoSender(planned.sender.clone()))?;
        let to: Address =
            message.address.parse().map_err(|_| ParcelError::Address(message.address.clone()))?;
        let mut rendered = self.render(plan, planned, claimed)?;
        if let (Some(address), false) = (&sender.postal_address, planned.essential) {
            sign_off(&mut rendered, address);
        }
        let unsubscribe_url = self.unsubscribe_url(claimed)?;
        let list = (!planned.essential).then(|| ListHeaders {
            unsubscribe_url,
            unsubscribe_mailto: None,
            list_id: Some(ListId {
                label: planned.topic_label.clone(),
                id: format!("{}.{}", planned.topic.replace('_', "-"), sender.from.address.domain()),
            }),
        });
        let feedback =
            format!("{}:{}:{}:{}", message.journey, message.message, planned.topic, planned.sender);
        let mail = Mail {
            id: message.id,
            from: sender.from.clone(),
            reply_to: sender.reply_to.clone(),
            to: Mailbox { name: None, address: to.clone() },
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            date: now,
            list,
            feedback_id: (!planned.essential).then_some(feedback),
            auto_submitted: planned.essential,
        };
        let raw = compose(&mail)?;
        let raw = match &sender.signer {
            Some(signer) => signer.sign(&raw, now)?,
            None => raw,
        };
        let from = sender.return_path.clone().unwrap_or_else(|| sender.from.address.clone());
        Ok(Parcel { envelope: Envelope { from, to }, mail: raw })
    }

    /// What a message says to the system of its channel.
    ///
    /// # Errors
    /// As [`write`](Letters::write).
    pub fn post(&self, plans: &Plans, claimed: &ClaimedMessage) -> Result<serde_json::Value, ParcelError> {
        let (plan, planned) = planned(plans, claimed.message.version, &claimed.message.message)?;
        let rendered = self.render(plan, planned, claimed)?;
        Ok(post_body(claimed, &rendered))
    }

    /// Fills a message's templates in, with links that lead back to us.
    ///
    /// # Errors
    /// When the template cannot be filled in, or a link cannot be made.
    pub fn render(
        &self,
        plan: &Plan,
        planned: &PlanMessage,
        claimed: &ClaimedMessage,
    ) -> Result<Rendered, ParcelError> {
        let message = &claimed.message;
        let contact = &claimed.contact;
        let renderer =
            self.renderer(planned, message.version, &message.message, contact.language.as_deref())?;
        let base = self.outbound.base_url.as_str();
        let tracker = &self.outbound.tracker;
        let counted = claimed.permissions.get(TRACKING_TOPIC) != Some(&false);
        let pixel = (self.outbound.tracking.opens && counted)
            .then(|| tracker.url(base, &OpenToken { contact: contact.id, message: message.id }))
            .transpose()?;
        let track = |link: &TrackedLink<'_>| {
            let token = ClickToken {
                contact: contact.id,
                message: message.id,
                index: u16::try_from(link.index).unwrap_or(u16::MAX),
                name: link.name.to_owned(),
                url: link.url.to_owned(),
            };
            // A link too long to be signed leads where it leads, uncounted.
            tracker.url(base, &token).unwrap_or_else(|_| link.url.to_owned())
        };
        let entry = serde_json::Value::Object(claimed.entry.clone());
        let zone = contact.timezone.as_deref().and_then(zone).unwrap_or_else(|| self.zone.clone());
        let context = RenderContext {
            contact: &plan.contact_json(contact),
            entry: &entry,
            with: &message.with,
            zone: &zone,
            unsubscribe_url: &self.unsubscribe_url(claimed)?,
            preferences_url: &tracker.url(base, &PreferencesToken { contact: contact.id })?,
            view_url: &tracker.url(base, &ViewToken { contact: contact.id, message: message.id })?,
            survey_url: self.survey_url(claimed),
            track_link: (self.outbound.tracking.clicks && counted).then_some(&track),
            open_pixel_url: pixel.as_deref(),
        };
        Ok(renderer.render(&context)?)
    }

    fn survey_url(&self, claimed: &ClaimedMessage) -> SurveyUrl {
        let (outbound, contact, message) =
            (Arc::clone(&self.outbound), claimed.contact.id, claimed.message.id);
        Arc::new(move |survey, score| {
            let token = SurveyToken { contact, message, survey: survey.to_owned(), score };
            // The name of a survey is far too short for there to be no link.
            outbound.tracker.url(&outbound.base_url, &token).unwrap_or_default()
        })
    }

    fn unsubscribe_url(&self, claimed: &ClaimedMessage) -> Result<String, LinkError> {
        let token = UnsubscribeToken {
            contact: claimed.contact.id,
            message: claimed.message.id,
            topic: claimed.message.topic.clone(),
        };
        self.outbound.tracker.url(&self.outbound.base_url, &token)
    }

    fn renderer(
        &self,
        planned: &PlanMessage,
        version: u32,
        name: &str,
        language: Option<&str>,
    ) -> Result<Arc<Renderer>, RenderError> {
        let tag = language.and_then(|language| planned.best_language(language)).unwrap_or("");
        let key = (version, name.to_owned(), tag.to_owned());
        let ready = || self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(renderer) = ready().get(&key) {
            return Ok(Arc::clone(renderer));
        }
        let text = planned.languages.get(tag).unwrap_or(&planned.text);
        let renderer = Arc::new(Renderer::new(text)?);
        let mut ready = ready();
        if ready.len() >= READY_MAX {
            ready.clear();
        }
        ready.insert(key, Arc::clone(&renderer));
        Ok(renderer)
    }
}

/// What is sent to the system of a channel that is no email.
pub fn post_body(claimed: &ClaimedMessage, rendered: &Rendered) -> serde_json::Value {
    let message = &claimed.message;
    let contact = &claimed.contact;
    let mut body = json!({
        "type": "message.send",
        "timestamp": message.decided_at,
        "data": {
            "id": message.id,
            "channel": message.channel,
            "message": message.message,
            "journey": message.journey,
            "topic": message.topic,
            "to": message.address,
            "text": rendered.text.trim_end(),
            "contact": { "id": contact.to_json().get("id"), "language": contact.language },
        },
    });
    if !rendered.subject.is_empty()
        && let Some(data) = body.get_mut("data").and_then(serde_json::Value::as_object_mut)
    {
        data.insert("title".to_owned(), rendered.subject.as_str().into());
    }
    body
}

/// A message as its version has it, and the version's plan.
pub fn planned<'p>(
    plans: &'p Plans,
    version: u32,
    message: &str,
) -> Result<(&'p Plan, &'p PlanMessage), ParcelError> {
    let plan = plans.version(version);
    let found = plan.and_then(|plan| Some((&**plan, plan.messages.get(message)?)));
    found.ok_or_else(|| ParcelError::NoMessage { version, message: message.to_owned() })
}

/// Puts the sender's postal address below a marketing mail, as the law of many countries wants it.
fn sign_off(rendered: &mut Rendered, address: &str) {
    rendered.text = format!("{}\n\n{address}\n", rendered.text.trim_end());
    if let Some(html) = &mut rendered.html {
        let escaped = address.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let footer = format!(
            "<p style=\"margin:24px 0;text-align:center;font:12px sans-serif;color:#767676\">{escaped}</p>"
        );
        let end = html.to_ascii_lowercase().rfind("</body>").unwrap_or(html.len());
        html.insert_str(end, &footer);
    }
}
