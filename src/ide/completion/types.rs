//! What can be compared, and with what: by the types of fields, so that nobody is offered a text for a number.

use super::names::Names;
use super::wanted::{self, Wanted};
use crate::domain::{Value, ValueType};
use crate::ide::words::Word;
use crate::language::model::Field;
use crate::language::syntax::Ahead;

/// What stands left of a place in an expression.
enum Left {
    /// A value; a field with what it can be.
    Value(ValueType, Option<Field>),
    /// Something that holds or does not, and is compared with nothing.
    Condition,
}

/// The rules that compare.
const COMPARE: [&str; 13] = [
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "in_list",
    "not_in",
    "contains",
    "starts_with",
    "ends_with",
    "is_set",
    "is_not_set",
];
/// The rules of what holds or does not.
const HOLD: [&str; 5] = ["not", "in_segment", "has_tag", "allows_topic", "reaction_of"];

impl Names<'_> {
    /// Whether a word of an expression fits what stands left of it, or what is wanted at its place.
    pub(super) fn has_type(&self, word: &Word, ahead: &Ahead) -> bool {
        use ValueType::{Boolean, Date, Datetime, Length, List, Number, Text};
        if COMPARE.contains(&word.rule) {
            if wanted::find(ahead, &["until_expression"]).is_some() {
                return false;
            }
            return match self.left(ahead) {
                Some(Left::Condition) => false,
                Some(Left::Value(of, _)) => match word.rule {
                    "equal" | "not_equal" => !matches!(of, List(_)),
                    "less" | "less_equal" | "greater" | "greater_equal" => {
                        matches!(of, Number | Date | Datetime | Length)
                    }
                    "in_list" | "not_in" => matches!(of, Text | Number),
                    "contains" => matches!(of, Text | List(_)),
                    "starts_with" | "ends_with" => of == Text,
                    _ => true,
                },
                None => true,
            };
        }
        let Some(of) = self.wanted_type(ahead) else { return true };
        match (word.rule, word.label) {
            ("today", _) | ("now", _) | ("aggregate", "first" | "last") => matches!(of, Date | Datetime),
            ("aggregate" | "span_since", _) => of == Number,
            ("boolean", _) => of == Boolean,
            (rule, _) if HOLD.contains(&rule) => of == Boolean,
            _ => true,
        }
    }

    /// A comparison with values that what stands left of it can have; `None` where nothing is known of that.
    pub(super) fn comparison(&self, word: &Word, ahead: &Ahead) -> Option<String> {
        let Left::Value(of, field) = self.left(ahead).filter(|_| COMPARE.contains(&word.rule))? else {
            return None;
        };
        let known = field.map_or_else(Vec::new, |field| self.values(&field));
        let known: Vec<String> = known.iter().map(|value| escaped(&value.to_string())).collect();
        let samples: &[&str] = match of {
            ValueType::Number => &["50", "100"],
            ValueType::Date => &["2027-03-01"],
            ValueType::Datetime => &["2027-03-01 09:00"],
            ValueType::Length => &["3 days"],
            _ => &["\"…\"", "\"…\""],
        };
        let value = |index: usize| {
            let sample = samples.get(index).or(samples.first()).copied().unwrap_or("");
            known.get(index).map_or(sample, String::as_str).to_owned()
        };
        let label = word.label;
        match word.rule {
            "equal" | "not_equal" if known.len() > 1 => Some(format!("{label} ${{1|{}|}}", known.join(","))),
            "equal" | "not_equal" | "less" | "less_equal" | "greater" | "greater_equal" => {
                Some(format!("{label} ${{1:{}}}", value(0)))
            }
            "in_list" | "not_in" => Some(format!("{label} [${{1:{}}}, ${{2:{}}}]", value(0), value(1))),
            _ => None,
        }
    }

    /// Fields of the types that a place takes.
    pub(super) fn of_type(&self, fields: Vec<Field>, ahead: &Ahead) -> Vec<Field> {
        let rules: Vec<&str> = ahead.around.iter().rev().map(|around| around.rule).collect();
        let fits = |of: &ValueType| match rules.as_slice() {
            ["field", "add", ..] => *of == ValueType::Number,
            ["field", "enter_relative" | "enter_on_date" | "enter_yearly", ..]
            | ["field", "expression", "until_expression", ..] => {
                matches!(of, ValueType::Date | ValueType::Datetime)
            }
            _ => true,
        };
        let fitting: Vec<Field> = fields.iter().filter(|field| fits(&field.of)).cloned().collect();
        if fitting.is_empty() { fields } else { fitting }
    }

    /// What stands right before a place in its expression.
    fn left(&self, ahead: &Ahead) -> Option<Left> {
        let (rule, text) = wanted::find(ahead, &["expression"])?.before.last()?;
        let value = |of| Some(Left::Value(of, None));
        match *rule {
            "field" => {
                let field = self.field(text, Some(ahead))?;
                Some(Left::Value(field.of.clone(), Some(field)))
            }
            "aggregate" if text.starts_with("first") || text.starts_with("last") => {
                value(ValueType::Datetime)
            }
            "aggregate" | "span_since" | "number" => value(ValueType::Number),
            "today" => value(ValueType::Date),
            "now" => value(ValueType::Datetime),
            rule if HOLD.contains(&rule) => Some(Left::Condition),
            _ => None,
        }
    }

    /// The type of the value that a place wants, where a value can begin there.
    fn wanted_type(&self, ahead: &Ahead) -> Option<ValueType> {
        if let Some(field) = Wanted::value_of(ahead) {
            return Some(self.field(&field, Some(ahead))?.of);
        }
        let until = wanted::find(ahead, &["until_expression"])?;
        until.begins.then_some(ValueType::Datetime)
    }

    fn values(&self, field: &Field) -> Vec<Value> {
        match (&field.one_of, &field.of) {
            (Some(values), _) => values.clone(),
            (None, ValueType::Boolean) => vec![Value::Boolean(true), Value::Boolean(false)],
            (None, ValueType::Text) => self.texts_of(&field.name),
            (None, _) => Vec::new(),
        }
    }

    /// The values that a field can have, where they are known.
    pub(super) fn values_known(&self, field: &str, ahead: Option<&Ahead>) -> Vec<Value> {
        self.field(field, ahead).map_or_else(Vec::new, |field| self.values(&field))
    }
}

/// A value as it stands in a field of a snippet, or among those to choose from.
fn escaped(value: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        if matches!(c, '\\' | '$' | '}' | ',' | '|') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}
