use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::time::{Date, Length, Moment};

/// The type of a field or an expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ValueType {
    Text,
    Number,
    Boolean,
    Date,
    Datetime,
    /// A length of time; no field has this type.
    Length,
    List(Box<ValueType>),
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueType::Text => f.write_str("text"),
            ValueType::Number => f.write_str("number"),
            ValueType::Boolean => f.write_str("boolean"),
            ValueType::Date => f.write_str("date"),
            ValueType::Datetime => f.write_str("datetime"),
            ValueType::Length => f.write_str("length of time"),
            ValueType::List(of) => write!(f, "list of {of}"),
        }
    }
}

/// A value while a journey thinks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Value {
    /// Nothing there.
    #[default]
    Unset,
    Text(String),
    Number(f64),
    Boolean(bool),
    Date(Date),
    Moment(Moment),
    Length(Length),
    List(Vec<Value>),
}

impl Value {
    /// A number that was computed; what is none (a division by zero) is not set. What binary fractions leave behind
    /// the ninth place is rounded away, so that twelve months of 9.90 are 118.80, as everybody would say.
    pub fn number(number: f64) -> Value {
        const PLACES: f64 = 1e9;
        /// Beyond it a float holds no nine places.
        const EXACT_MAX: f64 = 1e6;
        match number {
            _ if !number.is_finite() => Value::Unset,
            _ if number.abs() > EXACT_MAX => Value::Number(number),
            _ => Value::Number((number * PLACES).round() / PLACES),
        }
    }

    /// Whether there is a value.
    pub fn is_set(&self) -> bool {
        *self != Value::Unset
    }

    /// Whether it is true; what is not set is not.
    pub fn is_true(&self) -> bool {
        *self == Value::Boolean(true)
    }

    /// A text that is a date or a moment of ISO 8601 as what it is, and everything else as it stands: what nothing
    /// declares comes as text, also where a moment is wanted.
    pub fn or_time(&self) -> Value {
        let Value::Text(text) = self else { return self.clone() };
        let day = || text.parse().ok().filter(|_| text.len() == 10).map(Value::Date);
        day().or_else(|| text.parse().ok().map(Value::Moment)).unwrap_or_else(|| self.clone())
    }

    /// Reads what came as JSON as a value of a declared type. What cannot be read as that type counts as not
    /// set: numbers and booleans may come as text, dates and moments as ISO 8601. A date where a moment is wanted
    /// stays one, and means its midnight on the clock of whoever asks.
    pub fn from_json(json: &Json, of: &ValueType) -> Value {
        match (of, json) {
            (_, Json::Null) => Value::Unset,
            (ValueType::Text, Json::String(text)) => Value::Text(text.clone()),
            (ValueType::Text, Json::Number(number)) => Value::Text(number.to_string()),
            (ValueType::Text, Json::Bool(boolean)) => Value::Text(boolean.to_string()),
            (ValueType::Number, Json::Number(number)) => number.as_f64().map_or(Value::Unset, Value::Number),
            (ValueType::Number, Json::String(text)) => text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .map_or(Value::Unset, Value::Number),
            (ValueType::Boolean, Json::Bool(boolean)) => Value::Boolean(*boolean),
            (ValueType::Boolean, Json::String(text)) if text == "true" => Value::Boolean(true),
            (ValueType::Boolean, Json::String(text)) if text == "false" => Value::Boolean(false),
            (ValueType::Date, Json::String(text)) => date(text).map_or(Value::Unset, Value::Date),
            // Whose midnight a bare date is, only who asks for it knows.
            (ValueType::Datetime, Json::String(_)) => {
                match Value::from_json(json, &ValueType::Text).or_time() {
                    time @ (Value::Date(_) | Value::Moment(_)) => time,
                    _ => Value::Unset,
                }
            }
            (ValueType::List(of), Json::Array(items)) => Value::List(
                items.iter().map(|item| Value::from_json(item, of)).filter(Value::is_set).collect(),
            ),
            _ => Value::Unset,
        }
    }

    /// Writes it as JSON; dates and moments as ISO 8601, lengths as the language writes them.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Unset => Json::Null,
            Value::Text(text) => Json::from(text.as_str()),
            Value::Number(number) => json_number(*number),
            Value::Boolean(boolean) => Json::from(*boolean),
            Value::Date(date) => Json::from(date.to_string()),
            Value::Moment(moment) => Json::from(moment.to_string()),
            Value::Length(length) => Json::from(length.to_string()),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
        }
    }
}

/// Whole numbers without a point, as people and other programs expect them.
fn json_number(number: f64) -> Json {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Json::from(number as i64);
    }
    Json::from(number)
}

/// The way people read it: `49.9`, `2027-03-01`, `["a", "b"]`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unset => f.write_str("not set"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Boolean(boolean) => write!(f, "{boolean}"),
            Value::Date(date) => write!(f, "{date}"),
            Value::Moment(moment) => write!(f, "{moment}"),
            Value::Length(length) => write!(f, "{length}"),
            Value::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
        }
    }
}

/// A date, or the date of a moment written with its own offset.
fn date(text: &str) -> Option<Date> {
    text.get(..10)
        .filter(|_| text.len() == 10 || text.as_bytes().get(10) == Some(&b'T'))
        .and_then(|day| day.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_read_by_the_declared_type() {
        let read = |json: Json, of: ValueType| Value::from_json(&json, &of);
        assert_eq!(read(json!("49.90"), ValueType::Number), Value::Number(49.9));
        assert_eq!(read(json!("NaN"), ValueType::Number), Value::Unset);
        assert_eq!(read(json!(7), ValueType::Text), Value::Text("7".into()));
        assert_eq!(read(json!("2027-03-01"), ValueType::Date), Value::Date(jiff::civil::date(2027, 3, 1)));
        assert_eq!(
            read(json!("2027-03-01T23:00:00Z"), ValueType::Date),
            Value::Date(jiff::civil::date(2027, 3, 1))
        );
        assert_eq!(read(json!("soon"), ValueType::Datetime), Value::Unset);
        assert_eq!(
            read(json!("2027-03-01"), ValueType::Datetime),
            Value::Date(jiff::civil::date(2027, 3, 1)),
            "whose midnight it is, is not known here"
        );
        assert_eq!(
            read(json!(["a", null, 1]), ValueType::List(Box::new(ValueType::Text))),
            Value::List(vec![Value::Text("a".into()), Value::Text("1".into())])
        );
        assert_eq!(read(json!({"a": 1}), ValueType::Text), Value::Unset);
    }

    #[test]
    fn computed_numbers_are_those_that_people_would_say() {
        for (computed, said) in
            [(9.9 * 12.0, 118.8), (0.1 + 0.2, 0.3), (1.0 / 3.0, 0.333_333_333), (-2.5, -2.5)]
        {
            assert_eq!(Value::number(computed), Value::Number(said));
        }
        assert_eq!(Value::number(1.0 / 0.0), Value::Unset);
        assert_eq!(Value::number(12_345_678.9), Value::Number(12_345_678.9));
    }

    #[test]
    fn texts_are_read_as_times_where_they_are_some() {
        let read = |text: &str| Value::Text(text.into()).or_time();
        assert_eq!(read("2027-03-01"), Value::Date(jiff::civil::date(2027, 3, 1)));
        assert_eq!(read("2027-03-01T09:00:00Z"), Value::Moment("2027-03-01T09:00:00Z".parse().unwrap()));
        for text in ["soon", "2027-02-30", "20270301", "09:00"] {
            assert_eq!(read(text), Value::Text(text.into()));
        }
    }

    #[test]
    fn whole_numbers_stay_whole() {
        assert_eq!(Value::Number(50.0).to_json(), json!(50));
        assert_eq!(Value::Number(49.9).to_json(), json!(49.9));
        assert_eq!(Value::Number(f64::NAN).to_json(), json!(null));
    }
}
