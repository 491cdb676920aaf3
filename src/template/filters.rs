//! The filters, tests and functions that a template may use, and no others.
//!
//! Each one takes a value that is not set as an empty text, so that a contact about whom little is known gets
//! a mail with a gap rather than none. None makes a text that is much longer than what it was given.

use std::fmt;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::{Timestamp, Zoned};
use minijinja::value::{Object, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::SurveyUrl;
use super::limits::RANGE_MAX;
use super::links::{self, Target};
use crate::finding::words;
use crate::time::TimeZone;

/// A filter, a test or a function: its name, how many values it takes, how it is written, and what it does.
#[derive(Debug)]
pub(super) struct Rule {
    pub name: &'static str,
    pub arguments: RangeInclusive<usize>,
    pub example: &'static str,
    pub what: &'static str,
}

const fn rule(name: &'static str, least: usize, most: usize, example: &'static str) -> Rule {
    Rule { name, arguments: RangeInclusive::new(least, most), example, what: "" }
}

impl Rule {
    /// Says in a sentence what it does.
    const fn does(self, what: &'static str) -> Self {
        Self { what, ..self }
    }
}

const DEFAULT: &str = "Shows this where the value is not set or empty: `{{ contact.first_name | default('there') }}` greets \
                       somebody whose name nobody knows.";

pub(super) const FILTERS: [Rule; 20] = [
    rule("default", 1, 2, "default('there')").does(DEFAULT),
    rule("d", 1, 2, "d('there')").does(DEFAULT),
    rule("upper", 0, 0, "upper").does("Shows it in capital letters."),
    rule("lower", 0, 0, "lower").does("Shows it in small letters."),
    rule("title", 0, 0, "title").does("Shows each word with a capital letter."),
    rule("capitalize", 0, 0, "capitalize")
        .does("Shows it with a capital letter at its beginning, and small ones behind it."),
    rule("trim", 0, 0, "trim").does("Leaves the blanks around it away."),
    rule("truncate", 1, 2, "truncate(40)")
        .does("Shows the first so many characters, whole words of them, with `…` where something is left out."),
    rule("urlencode", 0, 0, "urlencode").does("Shows it as a part of an address is written."),
    rule("int", 0, 0, "int").does("Shows it as a whole number."),
    rule("float", 0, 0, "float").does("Shows it as a number."),
    rule("abs", 0, 0, "abs").does("Shows a number without its sign."),
    rule("round", 0, 1, "round(2)").does("Rounds a number to so many digits behind the point."),
    rule("number", 0, 3, "number(2, ',', '.')")
        .does("Shows a number with so many digits behind the point, the sign of that point, and the one between thousands."),
    rule("date", 1, 1, "date('%d.%m.%Y')")
        .does("Shows a date or a moment after this pattern: `%d` is the day, `%m` the month, `%Y` the year, `%H:%M` the time."),
    rule("length", 0, 0, "length").does("Counts the entries of a list, or the characters of a text."),
    rule("count", 0, 0, "count").does("Counts the entries of a list, or the characters of a text."),
    rule("first", 0, 0, "first").does("Shows the first entry of a list."),
    rule("last", 0, 0, "last").does("Shows the last entry of a list."),
    rule("join", 0, 1, "join(', ')").does("Shows the entries of a list with this between them."),
];

pub(super) const TESTS: [Rule; 10] = [
    rule("defined", 0, 0, "is defined"),
    rule("undefined", 0, 0, "is undefined"),
    rule("none", 0, 0, "is none"),
    rule("number", 0, 0, "is number"),
    rule("string", 0, 0, "is string"),
    rule("even", 0, 0, "is even"),
    rule("odd", 0, 0, "is odd"),
    rule("divisibleby", 1, 1, "is divisibleby(3)"),
    rule("startingwith", 1, 1, "is startingwith('A')"),
    rule("endingwith", 1, 1, "is endingwith('A')"),
];

pub(super) const FUNCTIONS: [Rule; 2] = [
    rule("survey_url", 1, 2, "survey_url('satisfaction')")
        .does("The address where the contact answers a survey; with a score behind its name, following the link gives that one."),
    rule("range", 1, 2, "range(1, 11)").does("The whole numbers from the first up to the second, without that: here 1 to 10."),
];

/// What to do instead of a filter that other engines have.
pub(super) fn instead_of(name: &str) -> Option<&'static str> {
    match name {
        "safe" => Some("values are always shown as text: write HTML into the template itself"),
        "e" | "escape" => Some("values are shown as text by themselves: leave it out"),
        "replace" | "format" | "indent" => Some("hand over the finished text with the event or the contact"),
        "size" => Some("write `length`"),
        _ => None,
    }
}

/// What a filter of other engines is called here, also where it is misspelt.
pub(super) fn called(name: &str) -> Option<&'static str> {
    const OTHERS: [(&str, &str); 6] = [
        ("upcase", "upper"),
        ("uppercase", "upper"),
        ("downcase", "lower"),
        ("lowercase", "lower"),
        ("titlecase", "title"),
        ("capitalise", "capitalize"),
    ];
    let is_meant = |other: &str| other == name || words::near(name, [other]).is_some();
    OTHERS.into_iter().find(|(other, _)| is_meant(other)).map(|(_, own)| own)
}

/// The name under which the renderer hands over the zone whose clock counts.
pub(super) const ZONE_NAME: &str = "_zone";
/// The name under which the renderer hands over the addresses of surveys.
pub(super) const SURVEYS_NAME: &str = "_surveys";

/// A zone, as a value.
#[derive(Debug)]
pub(super) struct Zone(pub TimeZone);

impl Object for Zone {}

/// What gives the addresses of surveys, as a value.
pub(super) struct Surveys(pub SurveyUrl);

impl fmt::Debug for Surveys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Surveys")
    }
}

impl Object for Surveys {}

/// Teaches an environment all that a template may use.
pub(super) fn register(environment: &mut Environment<'_>) {
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("upper", |value: &Value| text(value).to_uppercase());
    environment.add_filter("lower", |value: &Value| text(value).to_lowercase());
    environment.add_filter("title", |value: &Value| title(&text(value)));
    environment.add_filter("capitalize", |value: &Value| capitalize(&text(value)));
    environment.add_filter("trim", |value: &Value| text(value).trim().to_owned());
    environment.add_filter("truncate", truncate);
    environment.add_filter("urlencode", |value: &Value| url_part(value, ""));
    environment.add_filter("int", |value: &Value| whole(number(value).trunc()));
    environment.add_filter("float", |value: &Value| whole(number(value)));
    environment.add_filter("abs", |value: &Value| whole(number(value).abs()));
    environment.add_filter("round", |value: &Value, digits: Option<Value>| {
        whole(rounded(number(value), digits.as_ref().map_or(0.0, number)))
    });
    environment.add_filter("number", number_text);
    environment.add_filter("date", date);
    environment.add_filter("length", length);
    environment.add_filter("count", length);
    environment.add_filter("first", |value: &Value| edge(value, true));
    environment.add_filter("last", |value: &Value| edge(value, false));
    environment.add_filter("join", join);
    environment.add_filter("_list", list);
    environment.add_filter("_part", |value: &Value| url_part(value, "/"));
    environment.add_filter("_host", |value: &Value| url_part(value, ""));
    environment.add_filter("_style", |value: &Value| style(&text(value)));
    environment.add_filter("_style_url", |value: &Value| style_url(&text(value)));

    environment.add_test("defined", |value: &Value| is_set(value));
    environment.add_test("undefined", |value: &Value| !is_set(value));
    environment.add_test("none", |value: &Value| !is_set(value));
    environment.add_test("number", |value: &Value| value.is_number());
    environment.add_test("string", |value: &Value| value.as_str().is_some());
    environment.add_test("even", |value: &Value| value.as_i64().is_some_and(|number| number % 2 == 0));
    environment.add_test("odd", |value: &Value| value.as_i64().is_some_and(|number| number % 2 != 0));
    environment.add_test("divisibleby", |value: &Value, by: i64| {
        value.as_i64().is_some_and(|number| number.checked_rem(by) == Some(0))
    });
    environment.add_test("startingwith", |value: &Value, with: &Value| text(value).starts_with(&text(with)));
    environment.add_test("endingwith", |value: &Value, with: &Value| text(value).ends_with(&text(with)));

    environment.add_function("survey_url", survey_url);
    environment.add_function("range", range);
}

/// Whether there is a value.
pub(super) fn is_set(value: &Value) -> bool {
    !value.is_undefined() && !value.is_none()
}

/// The text that people would write for a value; nothing for one that is not set, or for a group of values.
pub(super) fn text(value: &Value) -> String {
    let mut out = String::new();
    write_text(value, &mut |text| out.push_str(text));
    out
}

/// Writes a value the way people would, piece by piece.
pub(super) fn write_text(value: &Value, write: &mut impl FnMut(&str)) {
    match value.kind() {
        ValueKind::String => write(value.as_str().unwrap_or_default()),
        ValueKind::Number => match value.as_i64() {
            Some(number) => write(&number.to_string()),
            None => {
                let number = f64::try_from(value.clone()).unwrap_or_default();
                if number.is_finite() {
                    write(&number.to_string());
                }
            }
        },
        ValueKind::Bool => write(if value.is_true() { "true" } else { "false" }),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().into_iter().flatten();
            for (index, item) in items.enumerate() {
                if index > 0 {
                    write(", ");
                }
                // Lists in lists are no text; leaving them out also bounds the depth.
                if !matches!(item.kind(), ValueKind::Seq | ValueKind::Iterable) {
                    write_text(&item, write);
                }
            }
        }
        _ => {}
    }
}

/// The number that a value is or reads as, 0 for all others.
fn number(value: &Value) -> f64 {
    let read = match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => f64::try_from(value.clone()).ok(),
    };
    read.filter(|number: &f64| number.is_finite()).unwrap_or(0.0)
}

/// A number as a value, whole where it is whole.
pub(super) fn whole(number: f64) -> Value {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Value::from(number as i64);
    }
    Value::from(number)
}

fn default(value: &Value, instead: &Value, _also_empty: Option<&Value>) -> Value {
    let is_empty = !is_set(value) || value.as_str().is_some_and(|text| text.trim().is_empty());
    if is_empty { instead.clone() } else { value.clone() }
}

fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + &letters.as_str().to_lowercase()
}

fn title(text: &str) -> String {
    text.split_inclusive([' ', '-', '\t', '\n']).map(capitalize).collect()
}

/// Cuts at the end of a word where there is one.
fn truncate(value: &Value, length: usize, end: Option<&Value>) -> String {
    let text = text(value);
    let Some((at, _)) = text.char_indices().nth(length) else { return text };
    let cut = text.get(..at).unwrap_or_default();
    let is_word_end = text.get(at..).is_some_and(|rest| rest.starts_with(char::is_whitespace));
    let kept =
        if is_word_end { cut } else { cut.rsplit_once(char::is_whitespace).map_or(cut, |(words, _)| words) };
    format!("{}{}", kept.trim_end(), end.map_or_else(|| "…".to_owned(), super::filters::text))
}

fn rounded(number: f64, digits: f64) -> f64 {
    let scale = 10_f64.powi(digits_within(digits));
    let scaled = number * scale;
    if scaled.is_finite() { scaled.round() / scale } else { number }
}

/// How many digits to keep: none to six.
fn digits_within(digits: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 0 to 6")]
    let within = digits.clamp(0.0, 6.0) as i32;
    within
}

/// A number with its thousands apart: `number(2)` is `1,234.50`, `number(2, ",", ".")` is `1.234,50`.
fn number_text(
    value: &Value,
    digits: Option<&Value>,
    point: Option<&Value>,
    between: Option<&Value>,
) -> String {
    /// Numbers beyond it are not what people read; they also bound the length.
    const NUMBER_MAX: f64 = 1e15;
    if !is_set(value) {
        return String::new();
    }
    let value = number(value).clamp(-NUMBER_MAX, NUMBER_MAX);
    let digits = usize::try_from(digits_within(digits.map_or(0.0, number))).unwrap_or(0);
    let point = point.map_or_else(|| ".".to_owned(), text);
    let between = between.map_or_else(|| ",".to_owned(), text);
    let written = format!("{:.digits$}", value.abs());
    let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
    let mut out = String::new();
    if value < 0.0 && written.contains(|c: char| matches!(c, '1'..='9')) {
        out.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push_str(&between);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push_str(&point);
        out.push_str(fraction);
    }
    out
}

/// Whether a text says how a date is written.
pub(super) fn is_date_format(format: &str) -> bool {
    /// Longer ones have no use and could make long texts.
    const FORMAT_BYTES_MAX: usize = 64;
    let sample = Zoned::new(Timestamp::UNIX_EPOCH, TimeZone::UTC);
    format.len() <= FORMAT_BYTES_MAX && BrokenDownTime::from(&sample).to_string(format).is_ok()
}

/// Writes a date, or a moment on the clock of the contact; what is neither stays as it is.
fn date(state: &State<'_, '_>, value: &Value, format: &str) -> Result<String, Error> {
    let text = text(value);
    let zone = || {
        let value = state.lookup(ZONE_NAME);
        let zone = value.as_ref().and_then(|value| value.downcast_object_ref::<Zone>());
        zone.map_or(TimeZone::UTC, |zone| zone.0.clone())
    };
    let time = match (text.len(), text.parse::<Date>(), text.parse::<Timestamp>()) {
        (10, Ok(date), _) => date.to_zoned(TimeZone::UTC).map(|zoned| BrokenDownTime::from(&zoned)),
        (_, _, Ok(moment)) => Ok(BrokenDownTime::from(&moment.to_zoned(zone()))),
        _ => return Ok(text),
    };
    time.and_then(|time| time.to_string(format))
        .map_err(|error| failed(format!("a date that has no text: {error}")))
}

fn length(value: &Value) -> usize {
    match value.as_str() {
        Some(text) => text.chars().count(),
        None => value.len().unwrap_or(0),
    }
}

/// The first or the last letter or entry.
fn edge(value: &Value, first: bool) -> Value {
    if let Some(text) = value.as_str() {
        let letter = if first { text.chars().next() } else { text.chars().next_back() };
        return letter.map_or(Value::UNDEFINED, |c| Value::from(c.to_string()));
    }
    let index = if first { Some(0) } else { value.len().and_then(|length| length.checked_sub(1)) };
    index.and_then(|index| value.get_item_by_index(index).ok()).unwrap_or(Value::UNDEFINED)
}

fn join(value: &Value, between: Option<&Value>) -> String {
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        let items: Vec<String> = value.try_iter().into_iter().flatten().map(|item| text(&item)).collect();
        return items.join(&between.map_or_else(|| ", ".to_owned(), text));
    }
    text(value)
}

/// What there is to go through: nothing, a list, or one value.
fn list(value: &Value) -> Value {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => value.clone(),
        _ if !is_set(value) => Value::from_iter(std::iter::empty::<Value>()),
        _ => Value::from_iter([value.clone()]),
    }
}

/// Makes a value part of an address. What was written so already is marked as such and stays.
fn url_part(value: &Value, kept: &str) -> Value {
    if value.is_safe() {
        return value.clone();
    }
    Value::from_safe_string(links::percent_encoded(&text(value), kept))
}

/// A value in a style: a colour, a length, a name; nothing where it could be more.
fn style(text: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '#' | '.' | ',' | '%' | '-' | '+');
    if text.chars().all(fits) { text.to_owned() } else { String::new() }
}

/// The address of a picture in a style, where it is one.
fn style_url(text: &str) -> String {
    match links::target(text) {
        Target::Web => links::percent_encoded(text.trim(), ":/?#[]@!$&*+,;=%"),
        _ => String::new(),
    }
}

/// The address of a survey's page, with the score that the link stands for; what is no score stands for none.
fn survey_url(state: &State<'_, '_>, name: &str, score: Option<&Value>) -> Result<String, Error> {
    let surveys = state.lookup(SURVEYS_NAME).unwrap_or_default();
    let Some(Surveys(address)) = surveys.downcast_object_ref::<Surveys>() else {
        return Err(failed(format!("there is no address for the survey `{name}`")));
    };
    Ok(address(name, score.and_then(Value::as_i64).and_then(|score| score.try_into().ok())))
}

fn range(first: i64, end: Option<i64>) -> Result<Value, Error> {
    let (start, end) = end.map_or((0, first), |end| (first, end));
    let length = end.saturating_sub(start).max(0);
    if length > RANGE_MAX {
        return Err(failed(format!("a range of more than {RANGE_MAX} numbers")));
    }
    Ok(Value::from_iter(start..end))
}

fn failed(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
