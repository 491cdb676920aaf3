use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Contact, Value, ValueType};
use crate::language::model::{Expr, Operator};

/// When the test begins, unless the journey starts later: a Monday.
pub(super) const BEGIN: &str = "2027-03-01";
/// The time at which it begins.
const TIME: &str = "10:00";

/// What is known of a contact and of what happens to it, on one way through a journey.
#[derive(Clone, Debug, Default)]
pub(super) struct Story {
    /// The attributes of the contact as they are written.
    contact: BTreeMap<String, String>,
    /// Those that must not be set.
    unset: BTreeSet<String>,
    tags: BTreeSet<String>,
    allows: BTreeSet<String>,
    refuses: BTreeSet<String>,
    /// The date on which it begins; [`BEGIN`] where empty.
    pub(super) date: String,
    /// What leads in, such as `event signup`.
    pub(super) enters: String,
    /// The properties of what leads in.
    entry: BTreeMap<String, String>,
    /// Those of the event that happens next.
    event: BTreeMap<String, String>,
    variants: Vec<(String, String)>,
    /// Everything behind what leads in.
    lines: Vec<String>,
    /// The stages come to.
    pub(super) stages: Vec<usize>,
    /// Whether messages may come that no line expects.
    pub(super) others: bool,
}

impl Story {
    /// The text of the test.
    pub(super) fn test(&self, name: &str, journey: &str) -> String {
        let mut contact: Vec<String> =
            self.contact.iter().map(|(name, value)| format!("{name} {value}")).collect();
        if !self.tags.is_empty() {
            let tags: Vec<String> = self.tags.iter().map(|tag| format!("{tag:?}")).collect();
            contact.push(format!("tags [{}]", tags.join(", ")));
        }
        contact.extend(self.allows.iter().map(|topic| format!("allows {topic}")));
        let mut lines = vec![format!("contact {{ {} }}", contact.join(", "))];
        lines.extend(
            self.variants.iter().map(|(experiment, variant)| format!("variant {experiment} {variant}")),
        );
        if self.others {
            lines.push("allow other messages".to_owned());
        }
        let date = if self.date.is_empty() { BEGIN } else { &self.date };
        lines.push(format!("at {date} {TIME} {}{}", self.enters, pairs(&self.entry)));
        lines.extend(self.lines.iter().cloned());
        let lines: Vec<String> = lines.iter().map(|line| format!("  {line}\n")).collect();
        format!("test \"{name}\" for {journey} {{\n{}}}", lines.concat())
    }

    /// Something happens, or is expected.
    pub(super) fn says(&mut self, line: String) {
        self.lines.push(line);
    }

    /// An event happens, with the properties that were wished for.
    pub(super) fn happens(&mut self, event: &str) {
        let event = format!("{event}{}", pairs(&std::mem::take(&mut self.event)));
        self.says(event);
    }

    /// What was wished for of the event at hand is so of what leads in.
    pub(super) fn enters_with_event(&mut self) {
        let event = std::mem::take(&mut self.event);
        self.entry.extend(event);
    }

    pub(super) fn variant(&mut self, experiment: &str, variant: &str) {
        self.variants.push((experiment.to_owned(), variant.to_owned()));
    }

    /// The contact allows a topic; tells whether it may.
    pub(super) fn allows(&mut self, topic: &str) -> bool {
        self.allows.insert(topic.to_owned());
        !self.refuses.contains(topic)
    }

    /// The contact has an attribute, where nothing else is known of it.
    pub(super) fn has(&mut self, name: &str, value: &str) {
        self.contact.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }

    /// Sees to it that an expression is true, or is not; tells whether that can be.
    pub(super) fn wish(&mut self, expr: &Expr, holds: bool) -> bool {
        match expr {
            Expr::Value(Value::Boolean(value)) => *value == holds,
            Expr::Not(inner) => self.wish(inner, !holds),
            Expr::Binary(Operator::And, left, right) if holds => {
                self.wish(left, true) && self.wish(right, true)
            }
            Expr::Binary(Operator::Or, left, right) if !holds => {
                self.wish(left, false) && self.wish(right, false)
            }
            Expr::Binary(Operator::And | Operator::Or, left, right) => {
                let before = self.clone();
                if self.wish(left, holds) {
                    return true;
                }
                *self = before;
                self.wish(right, holds)
            }
            Expr::Binary(operator, left, right) => self.compared(*operator, left, right, holds),
            Expr::Contact { of: ValueType::Boolean, .. }
            | Expr::Event { of: ValueType::Boolean, .. }
            | Expr::Entry { of: Some(ValueType::Boolean), .. } => self.put(expr, &holds.to_string()),
            Expr::HasTag(tag) if holds => {
                self.tags.insert(tag.clone());
                true
            }
            Expr::HasTag(tag) => !self.tags.contains(tag),
            Expr::Allows(topic) if holds => self.allows(topic),
            Expr::Allows(topic) => {
                self.refuses.insert(topic.clone());
                !self.allows.contains(topic)
            }
            Expr::IsSet(inner) if holds => sample(inner).is_some_and(|value| self.put(inner, value)),
            Expr::IsSet(inner) => self.leave_out(inner),
            // What is asked of the past is not so of somebody without one.
            _ => !holds,
        }
    }

    fn compared(&mut self, operator: Operator, left: &Expr, right: &Expr, holds: bool) -> bool {
        use Operator as O;
        let (field, operator, value) = match (left, right) {
            (Expr::Value(value), field) => (field, turned(operator), vec![value]),
            (field, Expr::Value(value)) => (field, operator, vec![value]),
            (field, Expr::List(items)) => {
                let values = items.iter().filter_map(|item| match item {
                    Expr::Value(value) => Some(value),
                    _ => None,
                });
                (field, operator, values.collect())
            }
            _ => return !holds,
        };
        let Some(value) = value.first() else { return !holds };
        // Comparing with what is not set is false, and `!=` is true.
        let negative = matches!(operator, O::NotEqual | O::NotIn);
        if holds == negative && self.leave_out(field) {
            return true;
        }
        let number = |by: f64| match value {
            Value::Number(number) => Some(Value::Number(number + by).to_string()),
            _ => None,
        };
        let same = Some(value.to_string());
        let write = match (operator, holds) {
            (O::Equal | O::In | O::StartsWith | O::EndsWith, true) | (O::NotEqual | O::NotIn, false) => same,
            (O::Contains, true) => match field {
                Expr::Contact { of: ValueType::List(_), .. } => Some(format!("[{value}]")),
                _ => same,
            },
            (O::GreaterEqual | O::LessEqual, true) | (O::Greater | O::Less, false) => same,
            (O::Greater, true) | (O::LessEqual, false) => number(1.0),
            (O::Less, true) | (O::GreaterEqual, false) => number(-1.0),
            (O::Equal, false) | (O::NotEqual, true) => match value {
                Value::Boolean(value) => Some((!value).to_string()),
                _ => number(1.0),
            },
            _ => None,
        };
        write.is_some_and(|write| self.put(field, &write))
    }

    /// A field has a value; tells whether it may.
    fn put(&mut self, field: &Expr, value: &str) -> bool {
        let (fields, name) = match field {
            Expr::Contact { name, .. } if matches!(name.as_str(), "id" | "created_at" | "tags") => {
                return false;
            }
            Expr::Contact { name, .. } if self.unset.contains(name) => return false,
            Expr::Contact { name, .. } => (&mut self.contact, name),
            Expr::Event { name, depth: None, .. } => (&mut self.event, name),
            Expr::Entry { name, of: Some(_) } => (&mut self.entry, name),
            _ => return false,
        };
        *fields.entry(name.clone()).or_insert_with(|| value.to_owned()) == value
    }

    /// A field is not set; tells whether that can be.
    fn leave_out(&mut self, field: &Expr) -> bool {
        match field {
            Expr::Contact { name, default, .. } => {
                self.unset.insert(name.clone());
                let built_in = Contact::BUILT_IN.contains(&name.as_str());
                !default.is_set() && !built_in && !self.contact.contains_key(name)
            }
            Expr::Event { name, depth: None, .. } => !self.event.contains_key(name),
            Expr::Entry { name, .. } => !self.entry.contains_key(name),
            _ => false,
        }
    }
}

fn pairs(pairs: &BTreeMap<String, String>) -> String {
    if pairs.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!(" {{ {} }}", pairs.join(", "))
}

/// Some value of the type that a field has.
fn sample(field: &Expr) -> Option<&'static str> {
    let of = match field {
        Expr::Contact { of, .. } | Expr::Event { of, .. } | Expr::Entry { of: Some(of), .. } => of,
        _ => return None,
    };
    Some(match of {
        ValueType::Text => "\"Ada\"",
        ValueType::Number => "1",
        ValueType::Boolean => "true",
        ValueType::Date => BEGIN,
        ValueType::Datetime => "2027-03-01 09:00",
        ValueType::List(of) if **of == ValueType::Text => "[\"Ada\"]",
        _ => return None,
    })
}

/// The comparison with its sides exchanged.
fn turned(operator: Operator) -> Operator {
    use Operator as O;
    match operator {
        O::Less => O::Greater,
        O::LessEqual => O::GreaterEqual,
        O::Greater => O::Less,
        O::GreaterEqual => O::LessEqual,
        other => other,
    }
}
