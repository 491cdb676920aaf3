use serde_json::Value as Json;

use super::stage::Stage;
use crate::domain::{
    Attributes, CallKind, Event, EventId, EventKind, IdHasher, MessageState, SystemEvent, Value,
};
use crate::engine::{Scope, evaluate};
use crate::language::model::Action;
use crate::language::plan::{Expr, Needs};
use crate::runtime::{answer_event, message_event, planned};
use crate::store::{Result, StoreError, StoredCall, StoredMessage};
use crate::time::TimeZone;

/// Why a step of a test could not be done, in words for its author.
pub(super) type Impossible = String;

impl Stage {
    /// Does what a step says.
    pub(super) async fn act(
        &mut self,
        journey: &str,
        action: &Action,
        zone: &TimeZone,
    ) -> Result<std::result::Result<(), Impossible>> {
        match action {
            Action::Event { wire, properties } => {
                let properties = self.values(properties, zone).await?;
                return self.happens(wire, properties).await;
            }
            Action::Click { message, link } => {
                let mut more = Attributes::new();
                if let Some(link) = link {
                    more.insert("link".to_owned(), link.as_str().into());
                }
                return self.react(message, SystemEvent::MessageClicked, more, None).await;
            }
            Action::Open(message) => {
                return self.react(message, SystemEvent::MessageOpened, Attributes::new(), None).await;
            }
            Action::Bounce(message) => {
                let state = Some(MessageState::Bounced);
                return self.react(message, SystemEvent::MessageBounced, Attributes::new(), state).await;
            }
            Action::Complain(message) => {
                let state = Some(MessageState::Complained);
                return self.react(message, SystemEvent::MessageComplained, Attributes::new(), state).await;
            }
            Action::Answer { survey, score } => return self.answer(survey, *score).await,
            Action::Reply { hook, fields } => {
                let fields = self.values(fields, zone).await?;
                let Some(call) = self.last_call(CallKind::Call, Some(hook)).await? else {
                    return Ok(Err(format!("`{hook}` has not been called by then")));
                };
                let mut event = self.event(EventKind::Answer, &call.call.id.to_string(), fields);
                event.run = Some(call.call.run);
                self.add(event).await?;
            }
            Action::Accept | Action::Reject => {
                let Some(call) = self.last_call(CallKind::HandOff, None).await? else {
                    return Ok(Err("no lead has been handed off by then".to_owned()));
                };
                let accepted = *action == Action::Accept;
                let name = if accepted { SystemEvent::LeadAccepted } else { SystemEvent::LeadRejected };
                let mut properties = Attributes::new();
                properties.insert("lead".to_owned(), call.call.id.to_string().into());
                properties.insert("team".to_owned(), call.call.target.as_str().into());
                let mut event = self.event(EventKind::System, name.name(), properties);
                event.run = Some(call.call.run);
                self.answer_lead(call.call.id, accepted, event).await?;
            }
            Action::Set { field, value } => {
                let value = self.values(&[(field.clone(), value.clone())], zone).await?;
                let event = self.event(EventKind::Identify, "identify", value);
                self.add(event).await?;
            }
            Action::Enter { properties } => {
                let properties = self.values(properties, zone).await?;
                let event = self.event(EventKind::Request, journey, properties);
                self.add(event).await?;
            }
            Action::Nothing => {}
        }
        Ok(Ok(()))
    }

    /// An event from outside. Decisions on topics are made the way a link in a mail makes them.
    async fn happens(
        &mut self,
        wire: &str,
        properties: Attributes,
    ) -> Result<std::result::Result<(), Impossible>> {
        let decision = match SystemEvent::from_name(wire) {
            Some(SystemEvent::Subscribed) => Some(true),
            Some(SystemEvent::Unsubscribed) => Some(false),
            _ => None,
        };
        if let (Some(SystemEvent::MessageReplied), Some(message)) =
            (SystemEvent::from_name(wire), properties.get("message").and_then(Json::as_str))
        {
            return self.react(message, SystemEvent::MessageReplied, Attributes::new(), None).await;
        }
        if let (Some(allowed), Some(topic)) = (decision, properties.get("topic").and_then(Json::as_str)) {
            self.decide(topic, allowed).await?;
            return Ok(Ok(()));
        }
        let kind = if SystemEvent::from_name(wire).is_some() { EventKind::System } else { EventKind::Track };
        let event = self.event(kind, wire, properties);
        self.add(event).await?;
        Ok(Ok(()))
    }

    /// What the contact or its mail server does with the last sending of a message.
    async fn react(
        &mut self,
        name: &str,
        event: SystemEvent,
        more: Attributes,
        state: Option<MessageState>,
    ) -> Result<std::result::Result<(), Impossible>> {
        let Some(message) = self.last_sent(name).await? else {
            return Ok(Err(format!("`{name}` has not been sent by then")));
        };
        if let Some(state) = state {
            self.bounce(&message, state).await?;
        }
        let mut event = message_event(&message.message, event, more, self.now);
        self.note_reaction(&message, &event).await?;
        // Each step of a test is a deed of its own, also within a minute.
        event.id = self.id(&event.name);
        self.add(event).await?;
        Ok(Ok(()))
    }

    /// Answers a survey by the last message that led to it, the way its page does.
    async fn answer(&mut self, survey: &str, score: i16) -> Result<std::result::Result<(), Impossible>> {
        let plans = self.runtime.plans();
        let leads_to_it = |stored: &StoredMessage| {
            let planned = planned(&plans, stored.message.version, &stored.message.message);
            was_sent(stored) && planned.is_ok_and(|(_, planned)| planned.surveys().any(|name| name == survey))
        };
        let Some(message) = self.messages().await?.into_iter().rfind(leads_to_it) else {
            return Ok(Err(format!("no message that leads to `{survey}` has been sent by then")));
        };
        let mut event = answer_event(&message.message, survey, score, None, self.now);
        event.id = self.id(&event.name);
        self.add(event).await?;
        Ok(Ok(()))
    }

    async fn last_sent(&self, name: &str) -> Result<Option<StoredMessage>> {
        let sent = |stored: &StoredMessage| stored.message.message == name && was_sent(stored);
        Ok(self.messages().await?.into_iter().rfind(sent))
    }

    async fn last_call(&self, kind: CallKind, target: Option<&str>) -> Result<Option<StoredCall>> {
        let fits = |stored: &StoredCall| {
            stored.call.kind == kind && target.is_none_or(|target| stored.call.target == target)
        };
        Ok(self.calls().await?.into_iter().rfind(fits))
    }

    fn event(&mut self, kind: EventKind, name: &str, properties: Attributes) -> Event {
        let id = self.id(name);
        Event {
            id,
            contact: self.contact,
            kind,
            name: name.to_owned(),
            at: self.now,
            received_at: self.stamp(),
            run: None,
            depth: 0,
            properties,
        }
    }

    fn id(&mut self, name: &str) -> EventId {
        let stamp = self.stamp();
        EventId(IdHasher::new("step").part(name).part(stamp.micros().to_be_bytes()).finish(self.now))
    }

    /// Values that stand in a test, as they are for its contact.
    pub(super) async fn values(&self, pairs: &[(String, Expr)], zone: &TimeZone) -> Result<Attributes> {
        let mut values = Attributes::new();
        for (name, expr) in pairs {
            values.insert(name.clone(), self.value(expr, zone).await?.to_json());
        }
        Ok(values)
    }

    /// A value that stands in a test.
    pub(super) async fn value(&self, expr: &Expr, zone: &TimeZone) -> Result<Value> {
        let needs = Needs::of(expr);
        let mut unit = self.runtime.store().write().await?;
        let state = unit.states(&[self.contact], &needs, self.now).await?.pop();
        let state = state.ok_or_else(|| StoreError::Failed("the contact of the test is gone".to_owned()))?;
        let nothing = Attributes::new();
        let scope = Scope {
            contact: &state.contact,
            permissions: &state.permissions,
            zone,
            now: self.now,
            entry: &nothing,
            at_hand: None,
            branches: &[],
            reactions: &[],
            events: &state.events,
        };
        Ok(evaluate(expr, &scope))
    }
}

fn was_sent(stored: &StoredMessage) -> bool {
    !matches!(stored.message.state, MessageState::Skipped | MessageState::Decided)
}
