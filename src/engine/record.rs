use super::turn::{Turn, attributes};
use crate::domain::{Attributes, Event, EventId, EventKind, Permission, StepKind, SystemEvent};
use crate::language::plan::Expr;

/// How many turns may lead to one another with no time between them. Journeys that record events for each other, or
/// start each other, would go on for ever without it; no chain that somebody means is as long.
pub(super) const DEPTH_MAX: u8 = 16;

impl Turn<'_> {
    /// Records an event of the contact.
    pub(super) fn record(&mut self, event: &str, with: &[(String, Expr)]) {
        let properties = self.values(with);
        self.happens("record", EventKind::Track, event, properties);
        self.note(StepKind::Recorded, event);
    }

    /// Asks for the contact to enter another journey. Whether it does is for that journey to say.
    pub(super) fn start(&mut self, journey: &str, with: &[(String, Expr)]) {
        let properties = self.values(with);
        self.happens("start", EventKind::Request, journey, properties);
        self.note(StepKind::Started, journey);
    }

    /// Records a permission or a refusal, and the event that tells of it. As in the store, of two decisions at the
    /// same instant the refusal holds.
    pub(super) fn permit(&mut self, topic: &str, allowed: bool) {
        let decided = &mut self.effects.permissions;
        if allowed && decided.iter().any(|known| known.topic == topic && !known.allowed) {
            return self
                .note(StepKind::Changed, format!("refuse {topic} holds: it was decided at the same moment"));
        }
        decided.retain(|known| known.topic != topic);
        decided.push(Permission {
            contact: self.run.contact,
            topic: topic.to_owned(),
            allowed,
            at: self.now,
            source: format!("journey {}", self.run.journey),
            wording: None,
            proof: None,
        });
        self.state.permissions.insert(topic.to_owned(), allowed);
        let (word, event) =
            if allowed { ("allow", SystemEvent::Subscribed) } else { ("refuse", SystemEvent::Unsubscribed) };
        self.happens("permission", EventKind::System, event.name(), attributes([("topic", topic.into())]));
        self.note(StepKind::Changed, format!("{word} {topic}"));
    }

    /// Adds an event that this turn led to.
    pub(super) fn happens(&mut self, source: &str, kind: EventKind, name: &str, properties: Attributes) {
        self.effects.events.push(Event {
            id: EventId(self.id(source)),
            contact: self.run.contact,
            kind,
            name: name.to_owned(),
            at: self.now,
            // In the order in which they were recorded.
            received_at: self.now.plus_micros(i64::try_from(self.effects.events.len()).unwrap_or(0)),
            run: Some(self.run.id),
            depth: self.depth.saturating_add(1),
            properties,
        });
    }
}
