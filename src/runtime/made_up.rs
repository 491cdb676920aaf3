//! Messages to somebody made up, for those who look at them before anybody gets them.

use std::collections::BTreeMap;

use jiff::ToSpan;
use serde_json::Value as Json;

use crate::domain::{
    Attributes, Contact, ContactId, IdHasher, Message, MessageId, MessageState, RunId, Value, ValueType,
};
use crate::engine::{Scope, evaluate};
use crate::language::model::{EnterKind, Field, Model};
use crate::language::plan::{Expr, Plan, Step};
use crate::store::ClaimedMessage;
use crate::time::{Moment, TimeZone, date_of};

/// The message as it would be claimed, to somebody made up.
pub fn claimed(message: &str, version: u32, plan: &Plan, now: Moment) -> ClaimedMessage {
    let id = ContactId(IdHasher::new("preview").part(message).finish(now));
    let mut contact = Contact::new(id, now);
    contact.email = Some("ada@example.org".to_owned());
    for (name, value) in [("first_name", "Ada"), ("last_name", "Lovelace"), ("name", "Ada Lovelace")] {
        if plan.attributes.get(name).is_some_and(|attribute| attribute.of == ValueType::Text) {
            contact.set(name, &Value::Text(value.to_owned()));
        }
    }
    ClaimedMessage {
        message: Message {
            id: MessageId(id.0),
            contact: id,
            run: RunId(id.0),
            journey: plan.journey.clone(),
            version,
            place: 0,
            step: 0,
            channel: "email".to_owned(),
            message: message.to_owned(),
            topic: String::new(),
            essential: false,
            address: "ada@example.org".to_owned(),
            with: Attributes::new(),
            state: MessageState::Decided,
            reason: None,
            decided_at: now,
            wanted_at: now,
        },
        attempt: 1,
        contact,
        permissions: BTreeMap::new(),
        entry: Attributes::new(),
    }
}

/// Fills in what led into the journey and what the send hands over, where nobody has said it: a preview is there to
/// be looked at, and each value tells its name or its type.
pub fn fill_in(claimed: &mut ClaimedMessage, plan: &Plan, model: &Model, zone: &TimeZone) {
    let now = claimed.message.decided_at;
    for field in fields_of_entry(plan, model) {
        if !claimed.entry.contains_key(&field.name) {
            let value = field.one_of.as_ref().and_then(|values| values.first()).map(Value::to_json);
            let value = value.unwrap_or_else(|| sample(&field.name, &field.of, now, zone));
            claimed.entry.insert(field.name.clone(), value);
        }
    }
    let sends = plan.nodes.iter().filter_map(|node| match &node.step {
        Step::Send(send) => Some(send),
        _ => None,
    });
    let mut sends =
        sends.filter(|send| send.choices.iter().any(|choice| choice.message == claimed.message.message));
    let Some(send) = sends.next() else { return };
    for (name, expression) in &send.with {
        if claimed.message.with.contains_key(name) {
            continue;
        }
        let value = value_of(expression, claimed, zone).filter(|value| !value.is_null());
        claimed
            .message
            .with
            .insert(name.clone(), value.unwrap_or_else(|| sample(name, &ValueType::Text, now, zone)));
    }
}

/// What the events have that lead into the journey.
fn fields_of_entry<'a>(plan: &Plan, model: &'a Model) -> impl Iterator<Item = &'a Field> {
    let ways: Vec<String> = plan
        .enters
        .iter()
        .filter_map(|enter| match &enter.kind {
            EnterKind::On(event) => Some(event.clone()),
            _ => None,
        })
        .collect();
    model.events.iter().filter(move |event| ways.contains(&event.wire)).flat_map(|event| &event.fields)
}

fn value_of(expression: &Expr, claimed: &ClaimedMessage, zone: &TimeZone) -> Option<Json> {
    let events = BTreeMap::new();
    let scope = Scope {
        contact: &claimed.contact,
        permissions: &claimed.permissions,
        zone,
        now: claimed.message.decided_at,
        entry: &claimed.entry,
        at_hand: None,
        branches: &[],
        reactions: &[],
        events: &events,
    };
    Some(evaluate(expression, &scope).to_json())
}

/// A value that shows where it stands: a text is its own name.
fn sample(name: &str, of: &ValueType, now: Moment, zone: &TimeZone) -> Json {
    let today = date_of(now, zone);
    match of {
        ValueType::Text if name.ends_with("url") => Json::from("https://example.com/"),
        ValueType::Text => Json::from(name.replace('_', " ")),
        ValueType::Number => Json::from(42),
        ValueType::Boolean => Json::from(true),
        ValueType::Date => Json::from(today.checked_add(30.days()).unwrap_or(today).to_string()),
        ValueType::Datetime => Json::from(now.plus_seconds(30 * 86_400).to_string()),
        ValueType::Length => Json::Null,
        ValueType::List(of) => Json::Array(vec![sample(name, of, now, zone)]),
    }
}
