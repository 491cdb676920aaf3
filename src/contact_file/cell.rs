//! What stands in a cell, as real files write it.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::domain::{Value, ValueType};
use crate::time::{ClockTime, Date, Moment, TimeZone, at_clock_time};

/// The signs that make a spreadsheet take a text for a formula.
pub(super) const FORMULA_SIGNS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// How much of a cell a message quotes, in characters.
const QUOTE_CHARACTERS: usize = 40;

/// How a file writes what its cells hold.
pub(super) struct Customs<'a> {
    /// Whether a single point with three digits behind it may stand between thousands: so where `;` or a tab
    /// separates the cells, because files of countries with a decimal comma do.
    pub(super) point_is_doubtful: bool,
    /// Whose clock is meant where no offset stands behind a time.
    pub(super) zone: &'a TimeZone,
}

/// The text of a cell: without blanks around it, and without the `'` that guards a spreadsheet from formulas.
pub(super) fn text(cell: &[u8]) -> Result<Cow<'_, str>, String> {
    let text =
        std::str::from_utf8(cell).map_err(|_| "this is not UTF-8 like the rest of the file".to_owned())?;
    let text = text.trim();
    if text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) {
        return Err("this holds a control character".to_owned());
    }
    let text = match text.strip_prefix('\'') {
        Some(rest) if guarded(text) => rest,
        _ => text,
    };
    if !text.contains('\r') {
        return Ok(Cow::Borrowed(text));
    }
    Ok(Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")))
}

/// Whether a text begins with the guard against formulas: one `'` or more, then a sign of a formula.
pub(super) fn guarded(text: &str) -> bool {
    text.starts_with('\'') && text.trim_start_matches('\'').starts_with(FORMULA_SIGNS)
}

/// The name of a column.
pub(super) fn header(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell);
    text.chars().filter(|c| !c.is_control() && *c != '\u{feff}').collect::<String>().trim().to_owned()
}

/// What spellings of one name have in common: small letters and digits alone, umlauts in two letters.
pub(super) fn name_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()) {
        match letter {
            'ä' => key.push_str("ae"),
            'ö' => key.push_str("oe"),
            'ü' => key.push_str("ue"),
            'ß' => key.push_str("ss"),
            letter => key.push(letter),
        }
    }
    key
}

/// A cell as a value of a type; an empty one is not set.
pub(super) fn value(text: &str, of: &ValueType, customs: &Customs<'_>) -> Result<Value, String> {
    if text.is_empty() {
        return Ok(Value::Unset);
    }
    match of {
        ValueType::Text => Ok(Value::Text(text.to_owned())),
        ValueType::Number => number(text, customs.point_is_doubtful).map(Value::Number),
        ValueType::Boolean => boolean(text).map(Value::Boolean),
        ValueType::Date => date(text).map(Value::Date),
        ValueType::Datetime => moment(text, customs.zone).map(Value::Moment),
        ValueType::List(of) => list(text, of, customs),
        ValueType::Length => Err(format!("{} is no value of a contact", quoted(text))),
    }
}

/// `yes` and `no` in English and German, `1` and `0`, or the `x` of a tick.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    const YES: [&str; 8] = ["true", "yes", "y", "ja", "j", "wahr", "1", "x"];
    const NO: [&str; 6] = ["false", "no", "n", "nein", "falsch", "0"];
    let word = text.to_lowercase();
    match word.as_str() {
        word if YES.contains(&word) => Ok(true),
        word if NO.contains(&word) => Ok(false),
        _ => Err(format!("{} is neither yes nor no", quoted(text))),
    }
}

/// A number with a decimal point or a decimal comma, thousands apart or not, where only one reading is possible.
pub(super) fn number(text: &str, point_is_doubtful: bool) -> Result<f64, String> {
    let wrong = || format!("{} is no number", quoted(text));
    let unsigned = text.strip_prefix(['-', '+', '\u{2212}']).unwrap_or(text);
    let negative = text.starts_with(['-', '\u{2212}']);
    let separators: Vec<(usize, char)> = unsigned
        .char_indices()
        .filter(|(_, c)| !c.is_ascii_digit())
        .map(|(at, c)| (at, separator(c)))
        .collect();
    let (whole, fraction) = match separators.as_slice() {
        [] => (unsigned, ""),
        [(at, sign)] => {
            let (head, tail) = around(unsigned, *at);
            let group = tail.len() == 3 && grouped(unsigned);
            match sign {
                '.' if !(group && point_is_doubtful) => (head, tail),
                ',' if !group => (head, tail),
                '.' | ',' => {
                    return Err(format!(
                        "{} has two readings: write `{head}{tail}` or `{head}.{tail}0`",
                        quoted(text)
                    ));
                }
                ' ' if group => (unsigned, ""),
                _ => return exponential(unsigned, negative).ok_or_else(wrong),
            }
        }
        [.., (at, last)] => {
            let alike = separators.iter().filter(|(_, sign)| sign == last).count();
            let (head, tail) = around(unsigned, *at);
            match last {
                _ if alike == separators.len() && grouped(unsigned) => (unsigned, ""),
                '.' | ',' if alike == 1 && grouped(head) => (head, tail),
                _ => return exponential(unsigned, negative).ok_or_else(wrong),
            }
        }
    };
    let mut plain: String = whole.chars().filter(char::is_ascii_digit).collect();
    if plain.is_empty() && fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    plain.push('.');
    plain.push_str(fraction);
    let number: f64 = plain.parse().map_err(|_| wrong())?;
    if !number.is_finite() {
        return Err(wrong());
    }
    Ok(if negative { -number } else { number })
}

/// What a sign between digits is: blanks and apostrophes of all kinds stand between thousands alone.
fn separator(sign: char) -> char {
    match sign {
        '\'' | '\u{2019}' | '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
        sign => sign,
    }
}

fn around(text: &str, at: usize) -> (&str, &str) {
    let (head, tail) = text.split_at_checked(at).unwrap_or((text, ""));
    let mut behind = tail.chars();
    behind.next();
    (head, behind.as_str())
}

/// Whether digits stand in groups of three with one and the same sign between them.
fn grouped(text: &str) -> bool {
    let mut groups = text.split(|c: char| !c.is_ascii_digit());
    let first = groups.next().unwrap_or("");
    let mut signs = text.chars().filter(|c| !c.is_ascii_digit()).map(separator);
    let sign = signs.next();
    let alike = sign.is_none_or(|sign| matches!(sign, '.' | ',' | ' ') && signs.all(|other| other == sign));
    alike && (1..=3).contains(&first.len()) && !first.starts_with('0') && groups.all(|group| group.len() == 3)
}

/// `1.5e3`: the way programs write what is large.
fn exponential(text: &str, negative: bool) -> Option<f64> {
    let signs = |c: char| c.is_ascii_digit() || "eE.+-".contains(c);
    let good = text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(signs);
    let number: f64 = text.parse().ok().filter(|number: &f64| good && number.is_finite())?;
    Some(if negative { -number } else { number })
}

/// `2026-12-31`, `2026/12/31`, `31.12.2026`, and `12/31/2026` or `31/12/2026` where only one of them can be.
pub(super) fn date(text: &str) -> Result<Date, String> {
    let wrong = || format!("{} is no date: write it as `2026-12-31`", quoted(text));
    let sign = text.chars().find(|c| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let parts: Vec<&str> = text.split(sign).collect();
    let [a, b, c] = parts.as_slice() else { return Err(wrong()) };
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        let good = digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i16>().ok().filter(|_| good)
    };
    let day_or_month = |part| number(part, 1..=2).and_then(|number| i8::try_from(number).ok());
    let (year, month, day) = match sign {
        '-' | '/' if a.len() == 4 => (number(a, 4..=4), day_or_month(b), day_or_month(c)),
        '.' => (number(c, 4..=4), day_or_month(b), day_or_month(a)),
        '/' => match (day_or_month(a), day_or_month(b)) {
            (Some(a), Some(b)) if a <= 12 && b <= 12 && a != b => {
                let message = format!("{} has two readings: write it as `2026-12-31`", quoted(text));
                return Err(message);
            }
            (a, b @ Some(13..)) => (number(c, 4..=4), a, b),
            (a, b) => (number(c, 4..=4), b, a),
        },
        _ => (None, None, None),
    };
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return Err(wrong()) };
    Date::new(year, month, day).map_err(|_| wrong())
}

/// A moment with its offset (RFC 3339), a date and a time on the clock of `zone`, or a date, which is its
/// midnight there.
fn moment(text: &str, zone: &TimeZone) -> Result<Moment, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let wrong = || format!("{} is no date with a time: write it as `2026-12-31 09:00`", quoted(text));
    let Some((day, time)) = text.split_once([' ', 'T']) else {
        return date(text).map(|date| at_clock_time(date, ClockTime::MIDNIGHT, zone));
    };
    let mut parts = time.split(':').map(|part| part.parse::<u8>().ok().filter(|_| part.len() == 2));
    let clock = match (parts.next(), parts.next()) {
        (Some(Some(hour)), Some(Some(minute))) => ClockTime::new(hour, minute),
        _ => None,
    };
    let seconds = match (parts.next(), parts.next()) {
        (None, None) => Some(0),
        (Some(seconds), None) => seconds.filter(|seconds| *seconds < 60),
        _ => None,
    };
    let (Some(clock), Some(seconds)) = (clock, seconds) else { return Err(wrong()) };
    Ok(at_clock_time(date(day)?, clock, zone).plus_seconds(i64::from(seconds)))
}

/// Items with `|` between them, else with `,`, or as JSON where an item holds one of these itself.
fn list(text: &str, of: &ValueType, customs: &Customs<'_>) -> Result<Value, String> {
    if text.starts_with('[')
        && let Ok(Json::Array(items)) = serde_json::from_str(text)
    {
        let read = |item| Some(Value::from_json(item, of)).filter(Value::is_set);
        let items: Option<Vec<Value>> = items.iter().map(read).collect();
        return items.map(Value::List).ok_or_else(|| format!("{} is no list of {of}", quoted(text)));
    }
    let sign = if text.contains('|') { '|' } else { ',' };
    let items = text.split(sign).map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| value(item, of, customs)).collect::<Result<_, _>>().map(Value::List)
}

/// A cell as messages show it.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String =
        text.chars().take(QUOTE_CHARACTERS).map(|c| if c == '\n' { ' ' } else { c }).collect();
    if text.chars().nth(QUOTE_CHARACTERS).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::zone;

    const DOUBT: &str = "two readings";

    fn check(text: &str, of: ValueType, delimiter: char, expected: Result<&str, &str>) {
        let zone = zone("Europe/Berlin").unwrap();
        let customs = Customs { point_is_doubtful: delimiter != ',', zone: &zone };
        match (value(text, &of, &customs).map(|value| value.to_string()), expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{text}"),
            (Err(message), Err(expected)) => assert!(message.contains(expected), "{text}: {message}"),
            (read, expected) => panic!("{text}: {read:?}, not {expected:?}"),
        }
    }

    fn list_of(of: ValueType) -> ValueType {
        ValueType::List(Box::new(of))
    }

    #[test]
    fn numbers_are_read_where_they_have_one_reading() {
        for (text, delimiter, expected) in [
            ("42", ';', Ok("42")),
            ("-42", ';', Ok("-42")),
            ("+42", ';', Ok("42")),
            ("\u{2212}42", ';', Ok("-42")),
            ("12.5", ';', Ok("12.5")),
            ("12,5", ';', Ok("12.5")),
            (".5", ';', Ok("0.5")),
            ("0,125", ';', Ok("0.125")),
            ("0.125", ';', Ok("0.125")),
            ("1234,567", ';', Ok("1234.567")),
            ("1.234,56", ';', Ok("1234.56")),
            ("1,234.56", ';', Ok("1234.56")),
            ("1.234.567", ';', Ok("1234567")),
            ("1,234,567", ',', Ok("1234567")),
            ("1 234 567,5", ';', Ok("1234567.5")),
            ("1\u{a0}234", ';', Ok("1234")),
            ("1\u{202f}234,5", ';', Ok("1234.5")),
            ("1'234.50", ';', Ok("1234.5")),
            ("1.234", ',', Ok("1.234")),
            ("1.234", ';', Err(DOUBT)),
            ("1,234", ',', Err(DOUBT)),
            ("1,234", ';', Err(DOUBT)),
            ("1.5e3", ',', Ok("1500")),
            ("1e-2", ';', Ok("0.01")),
            ("1.2345,6", ';', Err("no number")),
            ("12.34.56", ';', Err("no number")),
            ("1.234,567,8", ';', Err("no number")),
            ("1e999", ';', Err("no number")),
            ("NaN", ';', Err("no number")),
            ("inf", ';', Err("no number")),
            ("5%", ';', Err("no number")),
            ("--5", ';', Err("no number")),
            ("-", ';', Err("no number")),
            (".", ';', Err("no number")),
            ("0x10", ';', Err("no number")),
        ] {
            check(text, ValueType::Number, delimiter, expected);
        }
    }

    #[test]
    fn dates_are_read_where_they_have_one_reading() {
        let no_date = "no date: write it as `2026-12-31`";
        for (text, expected) in [
            ("2026-12-31", Ok("2026-12-31")),
            ("2026/12/31", Ok("2026-12-31")),
            ("31.12.2026", Ok("2026-12-31")),
            ("1.2.2026", Ok("2026-02-01")),
            ("12/31/2026", Ok("2026-12-31")),
            ("31/12/2026", Ok("2026-12-31")),
            ("05/05/2026", Ok("2026-05-05")),
            ("05/06/2026", Err(DOUBT)),
            ("31.12.26", Err(no_date)),
            ("2026-02-30", Err(no_date)),
            ("31/31/2026", Err(no_date)),
            ("2026-12", Err(no_date)),
            ("2026-12-31-1", Err(no_date)),
            ("20261231", Err(no_date)),
            ("soon", Err(no_date)),
        ] {
            check(text, ValueType::Date, ';', expected);
        }
    }

    #[test]
    fn moments_are_read_on_the_clock_of_the_zone() {
        let no_moment = "no date with a time";
        for (text, expected) in [
            ("2026-12-31T09:00:00Z", Ok("2026-12-31T09:00:00Z")),
            ("2026-12-31T09:00:00+02:00", Ok("2026-12-31T07:00:00Z")),
            ("2026-12-31 09:00", Ok("2026-12-31T08:00:00Z")),
            ("2026-07-31T09:00:30", Ok("2026-07-31T07:00:30Z")),
            ("31.12.2026 09:00", Ok("2026-12-31T08:00:00Z")),
            ("2026-12-31", Ok("2026-12-30T23:00:00Z")),
            ("2026-12-31 25:00", Err(no_moment)),
            ("2026-12-31 9:00", Err(no_moment)),
            ("2026-12-31 09:00:61", Err(no_moment)),
            ("05/06/2026 09:00", Err(DOUBT)),
        ] {
            check(text, ValueType::Datetime, ';', expected);
        }
    }

    #[test]
    fn yes_and_no_are_read_in_two_languages() {
        for (text, expected) in [
            ("yes", Ok("true")),
            ("Ja", Ok("true")),
            ("TRUE", Ok("true")),
            ("1", Ok("true")),
            ("x", Ok("true")),
            ("no", Ok("false")),
            ("nein", Ok("false")),
            ("False", Ok("false")),
            ("0", Ok("false")),
            ("", Ok("not set")),
            ("2", Err("neither yes nor no")),
        ] {
            check(text, ValueType::Boolean, ';', expected);
        }
    }

    #[test]
    fn lists_are_taken_apart() {
        for (text, expected) in [
            ("a|b, c|", Ok("[\"a\", \"b, c\"]")),
            ("a, b,,c", Ok("[\"a\", \"b\", \"c\"]")),
            ("[\"a|b\", \"c,d\"]", Ok("[\"a|b\", \"c,d\"]")),
            ("[a", Ok("[\"[a\"]")),
        ] {
            check(text, list_of(ValueType::Text), ';', expected);
        }
        check("1|2,5", list_of(ValueType::Number), ';', Ok("[1, 2.5]"));
        check("1|x", list_of(ValueType::Number), ';', Err("no number"));
    }
}
