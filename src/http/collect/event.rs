use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value as Json;

use super::snake_case::snake_case;
use super::traits::attributes_of;
use crate::domain::{Attributes, EventKind, SystemEvent};
use crate::runtime::event_id;
use crate::store::{Arrival, ArrivalKind, Identity};
use crate::time::Moment;

/// The largest event, in bytes, as with Segment.
const EVENT_BYTES_MAX: usize = 32 * 1024;
/// The most properties or traits of an event.
const FIELDS_MAX: usize = 256;
/// How deep values may lie in each other.
const DEPTH_MAX: usize = 32;
/// The longest id of a person or an event, and the longest name of an event, in characters.
const NAME_CHARACTERS_MAX: usize = 255;
/// Clocks that differ by less than this are right, and what differs is the way; in microseconds.
const SKEW_MICROS: i64 = 60_000_000;
/// What the ids of collected events begin with. It is not the key: one that is replaced between two attempts must
/// not make two events of one.
const SOURCE: &str = "collect";

/// What a call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Call {
    /// Who somebody is.
    Identify,
    /// What somebody did.
    Track,
    /// That somebody saw a page.
    Page,
    /// That somebody saw a screen of an app.
    Screen,
    /// What somebody belongs to.
    Group,
    /// That a device is somebody's.
    Alias,
}

impl Call {
    fn from_json(json: &Json) -> Option<Self> {
        Self::deserialize(json).ok()
    }
}

/// A call as it comes. What may be of several types, or matters only to some calls, is read later.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    r#type: Option<Json>,
    message_id: Option<Json>,
    user_id: Option<Json>,
    anonymous_id: Option<Json>,
    previous_id: Option<Json>,
    group_id: Option<Json>,
    event: Option<String>,
    name: Option<String>,
    category: Option<String>,
    timestamp: Option<Json>,
    original_timestamp: Option<Json>,
    properties: Option<Attributes>,
    traits: Option<Attributes>,
    context: Option<Attributes>,
}

/// What was taken of a call.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) arrival: Arrival,
    /// What was not taken over.
    pub(super) notes: Vec<Note>,
}

/// A part of a call that was not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) field: String,
    pub(super) reason: String,
    /// Whether somebody has to mend it. What is merely nobody's to set is none of that.
    pub(super) wrong: bool,
}

impl Note {
    pub(super) fn wrong(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into(), wrong: true }
    }

    pub(super) fn not_yours(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into(), wrong: false }
    }
}

/// Reads the calls of a request.
pub(super) struct Reader {
    /// What the path says they are; nothing where each says so itself.
    pub(super) call: Option<Call>,
    /// When the sender's clock says that it sent them.
    pub(super) sent_at: Option<Moment>,
}

impl Reader {
    /// Reads a call; otherwise says why it cannot be taken. `received_at` is its own, that of no other call.
    pub(super) fn read(&self, text: &str, received_at: Moment) -> Result<Taken, String> {
        if text.len() > EVENT_BYTES_MAX {
            let limit = EVENT_BYTES_MAX / 1024;
            return Err(format!("an event has at most {limit} KiB, and this one has {} bytes", text.len()));
        }
        let mut item: Item =
            serde_json::from_str(text).map_err(|error| format!("it cannot be read: {error}"))?;
        let call = match self.call {
            Some(call) => call,
            None => item
                .r#type
                .as_ref()
                .and_then(Call::from_json)
                .ok_or("`type` is one of `identify`, `track`, `page`, `screen`, `group` and `alias`")?,
        };
        let mut notes = Vec::new();
        let (at, written) = self.moment(&item, received_at, &mut notes);
        let mut who = Identity {
            external_id: id("userId", item.user_id.as_ref())?,
            anonymous_id: id("anonymousId", item.anonymous_id.as_ref())?,
            email: None,
        };
        let (kind, properties) = content(call, &mut item, &mut who, &mut notes)?;
        if who == Identity::default() {
            return Err("it says of nobody: give `userId` or `anonymousId`".to_owned());
        }
        let id = match id("messageId", item.message_id.as_ref())? {
            Some(name) => event_id(SOURCE, &name, written),
            // Nobody can say it again, so it is a thing of its own.
            None => event_id(SOURCE, &format!("{received_at} {text}"), Some(received_at)),
        };
        Ok(Taken { arrival: Arrival { id, who, kind, at, received_at, properties }, notes })
    }

    /// When it happened by our clock, and when it did as the sender has written it.
    ///
    /// A clock that is wrong when it sends was wrong by as much when it wrote: this is Segment's rule. What is ahead
    /// of us all the same has happened now.
    fn moment(&self, item: &Item, received_at: Moment, notes: &mut Vec<Note>) -> (Moment, Option<Moment>) {
        let (field, json) = match (&item.original_timestamp, &item.timestamp) {
            (Some(json), _) => ("originalTimestamp", json),
            (None, Some(json)) => ("timestamp", json),
            (None, None) => return (received_at, None),
        };
        let Some(written) = json.as_str().and_then(moment) else {
            notes
                .push(Note::wrong(field, "is no moment such as `2027-03-01T09:00:00Z`: it has happened now"));
            return (received_at, None);
        };
        let skew = self.sent_at.map_or(0, |sent_at| received_at.micros_since(sent_at));
        let at = if skew.saturating_abs() < SKEW_MICROS { written } else { written.plus_micros(skew) };
        (at.min(received_at), Some(written))
    }
}

/// What a call is to us, with its properties.
fn content(
    call: Call,
    item: &mut Item,
    who: &mut Identity,
    notes: &mut Vec<Note>,
) -> Result<(ArrivalKind, Attributes), String> {
    let event = |name: &str| ArrivalKind::Event(EventKind::Track, name.to_owned());
    let mut fields = match call {
        Call::Identify | Call::Group => item.traits.take(),
        _ => item.properties.take(),
    }
    .unwrap_or_default();
    check(&fields)?;
    let text = |text: Option<String>| text.map(Json::from);
    match call {
        Call::Identify => {
            let context = item.context.take().unwrap_or_default();
            let attributes = attributes_of(fields, &context, who, notes);
            Ok((ArrivalKind::Event(EventKind::Identify, "identify".to_owned()), attributes))
        }
        Call::Track => Ok((event(track_name(item.event.as_deref())?), named(fields, notes))),
        Call::Page => {
            let seen = item.context.as_ref().and_then(|context| context.get("page")?.as_object());
            for (name, value) in seen.into_iter().flatten() {
                fields.entry(name).or_insert_with(|| value.clone());
            }
            add(&mut fields, [("name", text(item.name.take())), ("category", text(item.category.take()))]);
            Ok((event(SystemEvent::PageViewed.name()), named(fields, notes)))
        }
        Call::Screen => {
            add(&mut fields, [("name", text(item.name.take())), ("category", text(item.category.take()))]);
            Ok((event("screen_viewed"), named(fields, notes)))
        }
        Call::Group => {
            let group = id("groupId", item.group_id.as_ref())?.ok_or("a group has a `groupId`")?;
            add(&mut fields, [("group_id", Some(group.into()))]);
            Ok((event("group"), named(fields, notes)))
        }
        Call::Alias => {
            let previous = id("previousId", item.previous_id.as_ref())?;
            who.anonymous_id = Some(previous.ok_or("an alias has a `previousId`")?);
            if who.external_id.is_none() {
                return Err("an alias has a `userId`".to_owned());
            }
            Ok((ArrivalKind::Alias, Attributes::new()))
        }
    }
}

/// The name of a tracked event, which journeys know it by. Nobody outside says what Lotse records itself: a click
/// that was made up would move people.
fn track_name(name: Option<&str>) -> Result<&str, String> {
    let name = name
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .ok_or("a tracked event has its name in `event`")?;
    if name.chars().count() > NAME_CHARACTERS_MAX {
        return Err(format!("the name of an event has at most {NAME_CHARACTERS_MAX} characters"));
    }
    match SystemEvent::from_name(name) {
        None | Some(SystemEvent::PageViewed) => Ok(name),
        Some(SystemEvent::Subscribed | SystemEvent::Unsubscribed) => {
            Err(format!("`{name}` is no event to track: say it with `POST /v1/permissions/{{who}}`"))
        }
        Some(_) => Err(format!("`{name}` is an event that Lotse records itself: choose another name")),
    }
}

fn add<const N: usize>(fields: &mut Attributes, more: [(&str, Option<Json>); N]) {
    for (name, value) in more {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    }
}

/// Properties by the names that journeys use. A property that has such a name already goes before one that gets it.
pub(super) fn named(fields: Attributes, notes: &mut Vec<Note>) -> Attributes {
    let mut named = Attributes::new();
    for (name, value) in fields {
        let snake = snake_case(&name);
        if snake.is_empty() {
            notes.push(Note::wrong(name, "has no letter and no digit in its name"));
        } else if snake == name {
            named.insert(name, value);
        } else {
            named.entry(snake).or_insert(value);
        }
    }
    named
}

/// An id, which many systems write as a number.
fn id(field: &str, json: Option<&Json>) -> Result<Option<String>, String> {
    let text = match json {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::String(text)) => text.trim().to_owned(),
        Some(Json::Number(number)) => number.to_string(),
        Some(_) => return Err(format!("`{field}` is a text or a number")),
    };
    if text.chars().count() > NAME_CHARACTERS_MAX {
        return Err(format!("`{field}` has at most {NAME_CHARACTERS_MAX} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("`{field}` has a control character in it"));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// Whether fields are within the limits.
fn check(fields: &Attributes) -> Result<(), String> {
    if fields.len() > FIELDS_MAX {
        return Err(format!(
            "an event has at most {FIELDS_MAX} properties, and this one has {}",
            fields.len()
        ));
    }
    fields.iter().try_for_each(|(name, value)| check_text(name).and_then(|()| check_value(value, 1)))
}

fn check_value(json: &Json, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("values lie at most {DEPTH_MAX} deep in each other"));
    }
    match json {
        Json::String(text) => check_text(text),
        Json::Array(items) => items.iter().try_for_each(|item| check_value(item, depth + 1)),
        Json::Object(fields) => fields
            .iter()
            .try_for_each(|(name, value)| check_text(name).and_then(|()| check_value(value, depth + 1))),
        Json::Null | Json::Bool(_) | Json::Number(_) => Ok(()),
    }
}

/// PostgreSQL keeps every character but this one.
fn check_text(text: &str) -> Result<(), String> {
    if text.contains('\0') { Err("a text has the character U+0000 in it".to_owned()) } else { Ok(()) }
}

/// A moment in RFC 3339; without an offset it is in UTC.
pub(super) fn moment(text: &str) -> Option<Moment> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let zoned = DateTime::from_str(text).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().into())
}
