//! Values on their way into a message: taken over from JSON within bounds, written out as text and nothing else.

use std::fmt;
use std::sync::Arc;

use minijinja::value::Object;
use minijinja::{AutoEscape, Error, Output, State, Value};
use serde_json::Value as Json;

use super::filters;
use super::limits::{LIST_ITEMS_MAX, VALUE_BYTES_MAX};
use super::markup::escaped;
use super::render::RenderError;

/// A group of values by name. A handful each, so that looking through them is the quickest way.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(Box<str>, Value)>);

impl Fields {
    /// Adds a value; the first of a name counts.
    pub fn insert(&mut self, name: &str, value: Value) {
        if !self.0.iter().any(|(known, _)| **known == *name) {
            self.0.push((name.into(), value));
        }
    }
}

impl Object for Fields {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        self.0.iter().find(|(name, _)| **name == *key).map(|(_, value)| value.clone())
    }
}

/// Takes a value over, within bounds. What is null counts as not set.
pub(super) fn value(json: &Json, name: &dyn fmt::Display) -> Result<Value, RenderError> {
    let mut left = Bounds { bytes: VALUE_BYTES_MAX, items: LIST_ITEMS_MAX };
    converted(json, &mut left).ok_or_else(|| RenderError::ValueTooLong(name.to_string()))
}

struct Bounds {
    bytes: usize,
    items: usize,
}

/// The value of some JSON; `None` beyond the bounds. What reads the JSON bounds its depth.
fn converted(json: &Json, left: &mut Bounds) -> Option<Value> {
    Some(match json {
        Json::Null => Value::UNDEFINED,
        Json::Bool(boolean) => Value::from(*boolean),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::from(number),
            None => filters::whole(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => {
            left.bytes = left.bytes.checked_sub(text.len())?;
            Value::from(text.as_str())
        }
        Json::Array(items) => {
            left.items = left.items.checked_sub(items.len())?;
            items.iter().map(|item| converted(item, left)).collect::<Option<Vec<_>>>().map(Value::from)?
        }
        Json::Object(fields) => {
            left.items = left.items.checked_sub(fields.len())?;
            let mut group = Fields::default();
            for (name, json) in fields {
                group.0.push((name.as_str().into(), converted(json, left)?));
            }
            Value::from_object(group)
        }
    })
}

/// Writes a value the way people would, so that it is text and nothing else where it stands.
pub(super) fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let is_html = matches!(state.auto_escape(), AutoEscape::Html);
    let mut result = Ok(());
    filters::write_text(value, &mut |text| {
        if result.is_ok() {
            result = write_escaped(out, text, is_html);
        }
    });
    result.map_err(Error::from)
}

fn write_escaped(out: &mut Output<'_>, text: &str, is_html: bool) -> fmt::Result {
    let mut written = 0;
    for (at, c) in text.char_indices() {
        // Control characters stand for addresses, and have no meaning in a mail.
        let is_dropped = c.is_control() && !matches!(c, '\n' | '\t');
        let entity = if is_html { escaped(c) } else { None };
        if is_dropped || entity.is_some() {
            out.write_str(text.get(written..at).unwrap_or_default())?;
            out.write_str(entity.unwrap_or_default())?;
            written = at + c.len_utf8();
        }
    }
    out.write_str(text.get(written..).unwrap_or_default())
}
