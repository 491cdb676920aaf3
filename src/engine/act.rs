use super::evaluate::evaluate;
use super::turn::Turn;
use crate::domain::{Attributes, Call, CallId, CallKind, StepKind, Value, id_of_step};
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
                    (Value::Number(current), Value::Number(amount)) => Value::number(current + amount),
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

    pub(super) fn values(&self, with: &[(String, Expr)]) -> Attributes {
        let scope = self.scope(None);
        with.iter().map(|(name, value)| (name.clone(), evaluate(value, &scope).to_json())).collect()
    }

    /// The id of what the present step decides: the same whenever the turn is made again.
    pub(super) fn id(&self, kind: &str) -> uuid::Uuid {
        id_of_step(kind, self.run.id, self.run.steps, self.cause)
    }

    pub(super) fn call(&mut self, kind: CallKind, target: &str, with: &[(String, Expr)]) {
        let rules = self.world.assign.get(target).map_or(&[][..], Vec::as_slice);
        let assigned_to = match kind {
            CallKind::HandOff => {
                rules.iter().find(|(_, when)| self.holds(Some(when), None)).map(|(to, _)| to.clone())
            }
            CallKind::Call | CallKind::Alert => None,
        };
        let id = self.add_call(kind, target, self.values(with), assigned_to);
        let place = self.run.place;
        self.run.state.calls.retain(|(known, _)| *known != place);
        self.run.state.calls.push((place, id));
        let step = if kind == CallKind::Call { StepKind::Called } else { StepKind::HandedOff };
        self.note(step, target);
    }

    /// Decides on a call at the present place.
    pub(super) fn add_call(
        &mut self,
        kind: CallKind,
        target: &str,
        with: Attributes,
        assigned_to: Option<String>,
    ) -> CallId {
        let id = CallId(self.id("call"));
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
            with,
            assigned_to,
            decided_at: self.now,
        });
        id
    }
}
