use super::evaluate::evaluate;
use super::turn::{Turn, attributes};
use crate::domain::{
    Address, Attributes, Call, CallId, CallKind, IdHasher, Message, MessageId, MessageState, Sent,
    SkipReason, StepKind, SystemEvent, Value,
};
use crate::language::plan::{Change, Expr, Place};

impl Turn<'_> {
    /// Changes the contact.
    pub(super) fn change(&mut self, change: &Change) {
        let contact = &mut self.state.contact;
        let detail = match change {
            Change::Tag(tag) => {
                contact.tags.insert(tag.clone());
                format!("tag {tag:?}")
            }
            Change::Untag(tag) => {
                contact.tags.remove(tag);
                format!("untag {tag:?}")
            }
            Change::Clear { field } => {
                contact.set(field, &Value::Unset);
                format!("clear {field}")
            }
            Change::Set { field, value } => {
                let value = evaluate(value, &self.scope(None));
                self.state.contact.set(field, &value);
                format!("{field} = {value}")
            }
            Change::Add { field, amount, current } => {
                let scope = self.scope(None);
                let sum = match (evaluate(current, &scope), evaluate(amount, &scope)) {
                    (Value::Number(current), Value::Number(amount)) => Value::Number(current + amount),
                    (Value::Unset, Value::Number(amount)) => Value::Number(amount),
                    _ => return,
                };
                self.state.contact.set(field, &sum);
                format!("{field} = {sum}")
            }
        };
        self.state.changed = true;
        self.note(StepKind::Changed, detail);
    }

    fn values(&self, with: &[(String, Expr)]) -> Attributes {
        let scope = self.scope(None);
        with.iter().map(|(name, value)| (name.clone(), evaluate(value, &scope).to_json())).collect()
    }

    /// The id of what the present step decides: the same whenever the turn is made again.
    fn id(&self, kind: &str) -> uuid::Uuid {
        IdHasher::new(kind).part(self.run.id.bytes()).part(self.run.steps.to_be_bytes()).finish(self.cause)
    }

    /// Decides on a message; tells whether it goes out.
    pub(super) fn send(&mut self, name: &str, to: Option<&Expr>, with: &[(String, Expr)]) -> bool {
        let Some(message) = self.plan.messages.get(name).cloned() else {
            self.hold(format!("its journey has no message `{name}`"));
            return false;
        };
        let address = match to {
            Some(to) => match evaluate(to, &self.scope(None)) {
                Value::Text(text) => Some(text),
                _ => None,
            },
            None => self.state.contact.email.clone(),
        };
        let address = address.and_then(|address| address.parse::<Address>().ok());
        let allowed = message.essential || self.state.permissions.get(&message.topic) == Some(&true);
        let reason = if !allowed {
            Some(SkipReason::NoPermission)
        } else if address.is_none() {
            Some(SkipReason::NoAddress)
        } else if self.state.contact.suppressed.is_some() && to.is_none() {
            Some(SkipReason::Suppressed)
        } else {
            None
        };
        let id = MessageId(self.id("message"));
        self.effects.messages.push(Message {
            id,
            contact: self.run.contact,
            run: self.run.id,
            journey: self.run.journey.clone(),
            version: self.run.version,
            place: self.run.place,
            step: self.run.steps,
            channel: message.channel,
            message: name.to_owned(),
            topic: message.topic,
            essential: message.essential,
            address: address.map(|address| address.to_string()).unwrap_or_default(),
            with: self.values(with),
            state: if reason.is_some() { MessageState::Skipped } else { MessageState::Decided },
            reason,
            decided_at: self.now,
        });
        if let Some(reason) = reason {
            let known = [("message", name.into()), ("reason", reason.as_str().into())];
            self.signal(SystemEvent::MessageSkipped, attributes(known));
            self.note(StepKind::Skipped, format!("{name} {}", reason.as_str()));
            return false;
        }
        self.run.state.sent.retain(|sent| sent.message != name);
        self.run.state.sent.push(Sent { message: name.to_owned(), id, at: self.now });
        self.note(StepKind::Sent, name);
        true
    }

    pub(super) fn call(&mut self, kind: CallKind, target: &str, with: &[(String, Expr)]) {
        let id = CallId(self.id("call"));
        let rules = self.world.assign.get(target).map_or(&[][..], Vec::as_slice);
        let assigned_to = match kind {
            CallKind::HandOff => {
                rules.iter().find(|(_, when)| self.holds(Some(when), None)).map(|(to, _)| to.clone())
            }
            CallKind::Call => None,
        };
        self.effects.calls.push(Call {
            id,
            contact: self.run.contact,
            run: self.run.id,
            journey: self.run.journey.clone(),
            version: self.run.version,
            place: self.run.place,
            step: self.run.steps,
            stage: self.plan.stage_of(Place(self.run.place)).to_owned(),
            kind,
            target: target.to_owned(),
            with: self.values(with),
            assigned_to,
            decided_at: self.now,
        });
        let place = self.run.place;
        self.run.state.calls.retain(|(known, _)| *known != place);
        self.run.state.calls.push((place, id));
        let step = if kind == CallKind::Call { StepKind::Called } else { StepKind::HandedOff };
        self.note(step, target);
    }
}
