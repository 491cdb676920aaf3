use std::collections::BTreeMap;

use super::Checker;
use super::expression::{Around, Typed};
use super::names::NameKind;
use crate::domain::{Contact, SystemEvent, Value, ValueType};
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::{Event, Expr, Field};
use crate::language::syntax::tree;
use crate::source::Span;

impl Checker<'_> {
    pub(super) fn event(&self, event: &tree::Event) -> Event {
        let name = &event.name;
        if SystemEvent::from_name(&name.value).is_some() {
            self.report(
                Finding::new(
                    Code::E102,
                    name.span,
                    format!("`{}` is an event that Lotse records itself", name.value),
                )
                .help("take the declaration away: it can be used without one"),
            );
        }
        if let Some(wire) = &event.wire
            && (wire.value.is_empty() || SystemEvent::from_name(&wire.value).is_some())
        {
            self.report(
                Finding::new(
                    Code::E002,
                    wire.span,
                    format!("`{}` cannot be an event's name on the wire", wire.value),
                )
                .help("write the name under which your systems send it, such as \"Order Completed\""),
            );
        }
        Event {
            name: name.value.clone(),
            span: name.span,
            wire: event.wire.as_ref().map_or_else(|| name.value.clone(), |wire| wire.value.clone()),
            fields: self.fields(&event.fields, &name.value),
        }
    }

    /// The fields of the contact or of an event; `owner` is what they belong to.
    pub(super) fn fields(&self, fields: &tree::Fields, owner: &str) -> Vec<Field> {
        let mut known: BTreeMap<&str, Span> = BTreeMap::new();
        let mut resolved = Vec::new();
        for field in &fields.fields {
            let name = &field.name;
            if owner == "contact" && Contact::BUILT_IN.contains(&name.value.as_str()) {
                let message = format!("every contact has `{}` already", name.value);
                let finding = Finding::new(Code::E102, name.span, message)
                    .help("take the line away: it can be used without a declaration");
                let end = field.default.as_ref().map_or(field.kind.name.span, |default| default.span);
                self.report(match field.one_of {
                    None => finding.edit(name.span.to(end), ""),
                    Some(_) => finding,
                });
                continue;
            }
            if let Some(before) = known.insert(&name.value, name.span) {
                self.twice("field", &name.value, before, name.span);
                continue;
            }
            match owner {
                "contact" => self.declared_here(NameKind::ContactField, name, None),
                event => self.declared_here(NameKind::EventField, name, Some(event)),
            }
            resolved.extend(self.field(field));
        }
        resolved
    }

    /// Whether a field has a type that is none, so that it is missing from those that are known.
    pub(super) fn lacks_types(&self, fields: &tree::Fields) -> bool {
        fields.fields.iter().any(|field| value_type(&field.kind.name.value).is_none())
    }

    fn field(&self, field: &tree::Field) -> Option<Field> {
        let of = self.field_type(&field.kind)?;
        let literal = |expression: &tree::Expression| -> Option<Value> {
            let value = self.constant(expression, Some(&of))?;
            value.is_set().then_some(value)
        };
        let one_of: Option<Vec<Value>> =
            field.one_of.as_ref().map(|values| values.iter().filter_map(literal).collect());
        if let (Some(_), ValueType::Boolean | ValueType::Date | ValueType::Datetime | ValueType::List(_)) =
            (&one_of, &of)
        {
            let message = format!("`one of` narrows text or number, and `{}` is {of}", field.name.value);
            self.say(Code::E201, field.name.span, message);
        }
        let default = field.default.as_ref().and_then(|expression| {
            let value = literal(expression)?;
            if let Some(allowed) = &one_of
                && !allowed.contains(&value)
            {
                self.outside_one_of(expression.span, &value, &field.name.value, allowed);
            }
            Some(value)
        });
        Some(Field { name: field.name.value.clone(), span: field.name.span, of, one_of, default })
    }

    fn field_type(&self, written: &tree::FieldType) -> Option<ValueType> {
        let name = &written.name;
        let Some(of) = value_type(&name.value) else {
            let finding = Finding::new(Code::E001, name.span, format!("`{}` is no type", name.value));
            self.report(match meant_type(&name.value) {
                Some(meant) => finding.help(format!("write `{meant}`")).edit(name.span, meant),
                None => finding.help(format!("types: {} or `list of …`", words::one_of_ticked(&TYPES))),
            });
            return None;
        };
        Some(if written.list { ValueType::List(Box::new(of)) } else { of })
    }

    /// A value that stands there as such, of a wanted type; where it does not fit, a finding says so.
    pub(super) fn constant(
        &self,
        expression: &tree::Expression,
        wanted: Option<&ValueType>,
    ) -> Option<Value> {
        let typed = self.literal(expression, wanted)?;
        match typed.expr {
            Expr::Value(value) => Some(value),
            Expr::List(items) => items
                .into_iter()
                .map(|item| match item {
                    Expr::Value(value) => Some(value),
                    _ => None,
                })
                .collect::<Option<Vec<Value>>>()
                .map(Value::List),
            _ => None,
        }
    }

    /// The same, where a date and time on some clock may stand too.
    pub(super) fn literal(&self, expression: &tree::Expression, wanted: Option<&ValueType>) -> Option<Typed> {
        let typed = self.typed(expression, &Around::nothing());
        let constant = |expr: &Expr| matches!(expr, Expr::Value(_) | Expr::Wall(..));
        let fits = match &typed.expr {
            Expr::List(items) => items.iter().all(constant),
            expr => constant(expr),
        };
        if !fits {
            if !matches!(expression.kind, tree::ExpressionKind::Broken) && typed.of.is_some() {
                self.report(
                    Finding::new(
                        Code::E201,
                        expression.span,
                        "only a value can stand here, nothing that has to be computed",
                    )
                    .help("write a text in quotes, a number, a date, `true` or `false`"),
                );
            }
            return None;
        }
        if let Some(wanted) = wanted {
            self.must_be(&typed, wanted, expression.span)?;
        }
        Some(typed)
    }

    pub(super) fn outside_one_of(&self, span: Span, value: &Value, field: &str, allowed: &[Value]) {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let text = value.to_string();
        let near = words::near(&text, allowed.iter().map(String::as_str));
        let finding = Finding::new(Code::E202, span, format!("{value} is no value of `{field}`"));
        self.report(match near {
            Some(near) => {
                // In a list it is one of several.
                let written = self.files.sources.text(span).match_indices(&text).next();
                let start = written.map_or(span.range().start, |(at, _)| span.range().start + at);
                let end = written.map_or(span.range().end, |_| start + text.len());
                finding.help(format!("did you mean {near}?")).edit(Span::new(span.source, start, end), near)
            }
            None => finding.help(format!("its values are {}", words::all_of(&allowed))),
        });
    }
}

const TYPES: [&str; 5] = ["text", "number", "boolean", "date", "datetime"];

fn value_type(word: &str) -> Option<ValueType> {
    Some(match word {
        "text" => ValueType::Text,
        "number" => ValueType::Number,
        "boolean" => ValueType::Boolean,
        "date" => ValueType::Date,
        "datetime" => ValueType::Datetime,
        _ => return None,
    })
}

/// The type that a word of other tools means.
fn meant_type(word: &str) -> Option<&'static str> {
    match word.to_lowercase().as_str() {
        "string" | "str" | "varchar" | "char" => Some("text"),
        "int" | "integer" | "float" | "double" | "decimal" | "money" | "numeric" => Some("number"),
        "bool" | "flag" => Some("boolean"),
        "timestamp" | "time" | "moment" => Some("datetime"),
        "array" | "list" | "set" | "strings" => Some("list of text"),
        lower => TYPES.into_iter().find(|known| *known == lower).or_else(|| words::near(lower, TYPES)),
    }
}
