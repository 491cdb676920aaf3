use serde::Serialize;
use serde_json::Value as Json;

use crate::domain::{Attributes, ContactId, EventKind, MessageState};
use crate::store::{ReadUnit, Result};
use crate::time::Moment;

/// How many events of a contact are looked at for the story.
const EVENTS_MAX: u32 = 200;

/// One thing that happened to a contact, as sales and other people read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoryItem {
    /// When.
    pub at: Moment,
    /// What: the name of an event, or of what Lotse did.
    pub event: String,
    /// What is known about it.
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    pub properties: Attributes,
}

/// What happened to a contact, the newest first.
pub type Story = Vec<StoryItem>;

/// Gathers a contact's story from events, messages and hand-offs: at most `limit` items. What machines did is
/// left out: it says nothing about the person.
///
/// # Errors
/// When the store fails.
pub async fn story(unit: &mut dyn ReadUnit, contact: ContactId, limit: usize) -> Result<Story> {
    let mut items = Vec::new();
    for stored in unit.events(contact, EVENTS_MAX).await? {
        let event = stored.event;
        // The ledger tells of these better than events that only some journeys listen to.
        let told_by_ledger =
            matches!(event.name.as_str(), "message_sent" | "message_delivered" | "message_skipped");
        let quiet = matches!(event.kind, EventKind::Machine | EventKind::Answer | EventKind::Request);
        if quiet || event.kind == EventKind::System && told_by_ledger {
            continue;
        }
        items.push(StoryItem { at: event.at, event: event.name, properties: event.properties });
    }
    for stored in unit.messages(contact).await? {
        let message = stored.message;
        let (event, at) = match message.state {
            MessageState::Decided | MessageState::HandedOver => continue,
            MessageState::Skipped => ("message_skipped", message.decided_at),
            MessageState::Refused => ("message_bounced", stored.settled_at.unwrap_or(message.decided_at)),
            _ => ("message_sent", stored.handed_over_at.unwrap_or(message.decided_at)),
        };
        let mut properties = Attributes::new();
        properties.insert("message".to_owned(), message.message.into());
        if let Some(reason) = message.reason {
            properties.insert("reason".to_owned(), reason.as_str().into());
        }
        items.push(StoryItem { at, event: event.to_owned(), properties });
    }
    for stored in unit.calls(contact).await? {
        let mut properties = Attributes::new();
        properties.insert("to".to_owned(), stored.call.target.into());
        properties.insert("state".to_owned(), stored.state.as_str().into());
        if let Some(accepted) = stored.accepted {
            properties.insert("accepted".to_owned(), Json::Bool(accepted));
        }
        let event = stored.call.kind.as_str().to_owned();
        items.push(StoryItem { at: stored.call.decided_at, event, properties });
    }
    items.sort_by_key(|item| std::cmp::Reverse(item.at));
    items.truncate(limit);
    Ok(items)
}
