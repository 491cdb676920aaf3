use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::App;
use super::super::extract::InBody;
use super::super::problem::{Kind, Problem};
use crate::domain::{Attributes, EventKind, MessageId, SystemEvent};
use crate::runtime::{Job, event_id, message_event};
use crate::store::{StoredMessage, Who};

/// A mail that somebody answered with, as far as its header says what it answers (RFC 5322, section 3.6.4).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    /// The address it came from.
    from: String,
    /// The field `In-Reply-To`.
    #[serde(default)]
    in_reply_to: String,
    /// The field `References`.
    #[serde(default)]
    references: String,
    /// The field `Message-ID`; with it, to say the same twice is harmless.
    message_id: Option<String>,
    /// The field `Auto-Submitted` (RFC 3834).
    auto_submitted: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Replied {
    message: String,
    /// Whether a person wrote it: what answers on its own moves nobody.
    by_person: bool,
}

/// Records that somebody replied to a message.
pub(super) async fn record(
    State(app): State<App>,
    InBody(reply): InBody<Reply>,
) -> Result<Json<Replied>, Problem> {
    let mut unit = app.runtime.store().read().await?;
    let contact = unit.find(&Who::from_text(reply.from.trim())).await?.ok_or_else(Problem::no_contact)?;
    let messages = unit.messages(contact.id).await?;
    drop(unit);
    // The mail that is answered comes last in `References`.
    let named = [reply.in_reply_to.as_str(), reply.references.as_str()];
    let ids = named.into_iter().flat_map(|field| field.split_whitespace().rev()).filter_map(id_of);
    let found = ids.into_iter().find_map(|id| messages.iter().find(|stored| stored.message.id == id));
    let Some(StoredMessage { message, .. }) = found else {
        let detail = "neither `in_reply_to` nor `references` names a message that this contact got";
        return Err(Problem::new(Kind::NoMessage, detail));
    };
    let automatic = reply.auto_submitted.map(|word| word.trim().to_ascii_lowercase());
    let automatic = automatic.filter(|word| !word.is_empty() && word != "no");
    let by_person = automatic.is_none();
    let mut more = Attributes::new();
    if let Some(word) = automatic {
        more.insert("evidence".to_owned(), json!([format!("Auto-Submitted: {word}")]));
    }
    let mut event = message_event(message, SystemEvent::MessageReplied, more, app.stamp());
    if !by_person {
        event.kind = EventKind::Machine;
    }
    if let Some(id) = reply.message_id {
        event.id = event_id("reply", id.trim(), None);
    }
    let name = message.message.clone();
    app.writer.write(|done| Job::Events { events: vec![event], done }).await?;
    Ok(Json(Replied { message: name, by_person }))
}

/// The message that a `Message-ID` of ours names: `<ID@DOMAIN>`.
fn id_of(text: &str) -> Option<MessageId> {
    text.trim_start_matches('<').split_once('@')?.0.parse().ok()
}
