use async_trait::async_trait;
use serde_json::Value as Json;

use super::Outbound;
use super::calls::failed;
use super::mail::SenderReady;
use crate::channel::email::{
    ComposeError, Envelope, Gate, Letter, Mail, Mailbox, Outcome, RawMail, Refusal, SignerError, compose,
};
use crate::channel::webhook::CallOutcome;
use crate::domain::{Address, Call, MessageId};

/// How much of an alert stands in the subject, in characters.
const SUBJECT_CHARACTERS_MAX: usize = 120;
/// What an SMTP server answers that has taken a mail.
const TAKEN: u16 = 250;

/// Why an alert could not be made a mail.
#[derive(Debug, thiserror::Error)]
enum AlertError {
    #[error("it could not be made a mail: {0}")]
    Compose(#[from] ComposeError),
    #[error("it could not be signed: {0}")]
    Sign(#[from] SignerError),
}

/// Mails an alert to a team that has no system of its own.
///
/// It is a call like others: tried again by the same timetable until the server has it. What the server may have
/// taken is sent again too, since a team that hears a thing twice is better off than one that never does.
pub(super) async fn mail(outbound: &Outbound, to: &Address, call: &Call, body: &str) -> CallOutcome {
    let Some(route) = &outbound.route else {
        return failed(None, "lotse.yaml has no `smtp`, by which alerts are mailed: add it".to_owned());
    };
    let Some(sender) = outbound.alerts_from.as_ref().and_then(|name| outbound.senders.get(name)) else {
        return failed(None, "lotse.yaml has no sender that alerts could come from: add one".to_owned());
    };
    let mail = match written(sender, to, call, body) {
        Ok(mail) => mail,
        Err(error) => return failed(None, error.to_string()),
    };
    let from = sender.return_path.clone().unwrap_or_else(|| sender.from.address.clone());
    let envelope = Envelope { from, to: to.clone() };
    let mut lease = route.checkout().await;
    let letter = Letter { id: MessageId(call.id.0), envelope: &envelope, mail: &mail };
    judged(lease.send(letter, &Always, None).await)
}

fn written(sender: &SenderReady, to: &Address, call: &Call, body: &str) -> Result<RawMail, AlertError> {
    let body: Json = serde_json::from_str(body).unwrap_or_default();
    let said = |path: &str| body.pointer(path).and_then(Json::as_str).unwrap_or_default();
    let text = said("/data/text");
    let first = text.lines().next().unwrap_or_default();
    let subject: String = first.chars().filter(|c| !c.is_control()).take(SUBJECT_CHARACTERS_MAX).collect();
    let contact = format!("{} {}", said("/data/contact/email"), said("/data/contact/id"));
    let mail = Mail {
        id: MessageId(call.id.0),
        from: sender.from.clone(),
        reply_to: sender.reply_to.clone(),
        to: Mailbox { name: None, address: to.clone() },
        subject,
        text: format!(
            "{text}\n\nContact: {}\nJourney: {}, stage {}\n",
            contact.trim(),
            call.journey,
            call.stage
        ),
        html: None,
        date: call.decided_at,
        list: None,
        feedback_id: None,
        auto_submitted: true,
    };
    let raw = compose(&mail)?;
    Ok(match &sender.signer {
        Some(signer) => signer.sign(&raw, call.decided_at)?,
        None => raw,
    })
}

fn judged(outcome: Outcome) -> CallOutcome {
    match outcome {
        Outcome::Accepted { answer } => CallOutcome::Delivered { status: TAKEN, body: answer.into_bytes() },
        Outcome::Refused { class, answer } => CallOutcome::Failed {
            status: None,
            why: answer,
            retry_after_seconds: None,
            // What is wrong with the sender can be mended, an address that is dead cannot.
            gone: class != Refusal::Sender,
        },
        Outcome::Deferred { answer: why, .. }
        | Outcome::NotHandedOver { why }
        | Outcome::Unsure { why }
        | Outcome::RouteDown { why } => failed(None, why),
        Outcome::Stopped => failed(None, "it was stopped".to_owned()),
    }
}

/// Nothing speaks against an alert once it is decided.
struct Always;

#[async_trait]
impl Gate for Always {
    async fn hand_over(&self, _: MessageId) -> bool {
        true
    }
}
