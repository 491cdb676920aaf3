use super::node::{Node, Reader, Rule};
use super::tree::{MomentLiteral, Spanned, Text};
use crate::finding::{Code, Finding};
use crate::source::Span;
use crate::time::{ClockTime, Date, Length, Unit, Weekday};

impl Reader<'_> {
    fn cannot_be(&self, node: &Node<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.report(Finding::new(Code::E002, self.span(node), message).help(help));
    }

    /// The node's child of rule `text`.
    pub(super) fn text_in(&self, node: &Node<'_>) -> Text {
        self.text(&node.need(Rule::text))
    }

    pub(super) fn maybe_text_in(&self, node: &Node<'_>) -> Option<Text> {
        node.get(Rule::text).map(|text| self.text(&text))
    }

    pub(super) fn text(&self, node: &Node<'_>) -> Text {
        let span = self.span(node);
        let written = node.text();
        let kind = node.children().next().map_or(Rule::plain_text, |kind| kind.rule());
        let value = match kind {
            Rule::long_text => decode(written).0,
            Rule::wrong_quoted => {
                let inner: String = inside(written);
                self.say_write(span, "these quotes are not the ones that hold a text", &format!("{inner:?}"));
                inner
            }
            Rule::open_text => {
                let first_line = written.lines().next().unwrap_or("").trim_end();
                let quotes = if written.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
                let short = Span { end: span.start + u32::try_from(first_line.len()).unwrap_or(0), ..span };
                self.report(
                    Finding::new(Code::E002, short, "this text is never closed")
                        .help(format!("write `{quotes}` where it ends")),
                );
                inside(written)
            }
            _ => {
                self.escapes(node);
                decode(written).0
            }
        };
        Text::new(value, span)
    }

    fn escapes(&self, node: &Node<'_>) {
        let start = node.range().start;
        for (at, escape) in Escapes(node.text()) {
            if escape.value.is_none() {
                let span = self.span_of(start + at..start + at + escape.length);
                let text = node.text().get(at..at + escape.length).unwrap_or("");
                self.report(
                    Finding::new(Code::E002, span, format!("`{text}` means nothing inside a text"))
                        .help("what can stand: `\\\"`, `\\\\`, `\\n`, `\\t`, `\\u{1F33C}`"),
                );
            }
        }
    }

    pub(super) fn number(&self, node: &Node<'_>) -> Spanned<f64> {
        let text: String = node.text().chars().filter(|c| !c.is_whitespace()).collect();
        let value: f64 = text.parse().unwrap_or(f64::INFINITY);
        if value.abs() > 1e15 {
            self.cannot_be(
                node,
                format!("`{text}` is too large a number"),
                "numbers go up to 1,000,000,000,000,000",
            );
            return Spanned::new(0.0, self.span(node));
        }
        Spanned::new(value, self.span(node))
    }

    /// A whole number that counts something.
    pub(super) fn count(&self, node: &Node<'_>) -> Spanned<u32> {
        let value = node.text().parse().ok().filter(|count| *count <= 1_000_000);
        if value.is_none() {
            self.cannot_be(node, format!("`{}` is too large a number here", node.text()), "at most 1000000");
        }
        Spanned::new(value.unwrap_or(1), self.span(node))
    }

    /// A share as a part of one.
    pub(super) fn share(&self, node: &Node<'_>) -> Spanned<f64> {
        let text = node.text().trim_end_matches('%').trim_end();
        let percent: f64 = text.parse().unwrap_or(0.0);
        if node.rule() == Rule::number {
            self.say_write(self.span(node), "a share is written with `%`", &format!("{text}%"));
        }
        if !(0.0..=100.0).contains(&percent) {
            self.cannot_be(
                node,
                format!("`{}` is no share", node.text()),
                "a share lies between 0% and 100%",
            );
        }
        Spanned::new((percent / 100.0).clamp(0.0, 1.0), self.span(node))
    }

    /// The share of a child, written as it should be or as a bare number.
    pub(super) fn share_in(&self, node: &Node<'_>) -> Spanned<f64> {
        self.share(&node.get(Rule::share).unwrap_or_else(|| node.need(Rule::number)))
    }

    pub(super) fn length_in(&self, node: &Node<'_>) -> Spanned<Length> {
        self.length(&node.need(Rule::duration))
    }

    /// A length of time, from a `duration` or a `duration_value`.
    pub(super) fn length(&self, node: &Node<'_>) -> Spanned<Length> {
        let span = self.span(node);
        let text = node.text();
        let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let count = text.get(..text.len() - digits.len()).unwrap_or("");
        let word = digits.trim().trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        let unit = match node.children().next().map(|kind| kind.rule()) {
            Some(Rule::wrong_duration | Rule::wrong_spaced_duration) => self.meant_unit(span, count, word),
            _ => node.get(Rule::unit).and_then(|unit| Unit::from_word(unit.text())).unwrap_or(Unit::Day),
        };
        let length = Length::new(count.parse().unwrap_or(u32::MAX), unit);
        if length.seconds_max() > Length::SECONDS_MAX {
            self.cannot_be(
                node,
                format!("`{text}` is too long a time"),
                "a length of time is at most 100 years",
            );
            return Spanned::new(Length::new(1, unit), span);
        }
        Spanned::new(length, span)
    }

    /// What a length written the way of other tools means: `3d`, `90 mins`.
    fn meant_unit(&self, span: Span, count: &str, word: &str) -> Unit {
        let meant = match word {
            "s" | "sec" | "secs" | "second" | "seconds" => Some(Unit::Second),
            "m" | "min" | "mins" | "minute" | "minutes" => Some(Unit::Minute),
            "h" | "hr" | "hrs" | "hour" | "hours" => Some(Unit::Hour),
            "d" | "day" | "days" | "tag" | "tage" => Some(Unit::Day),
            "w" | "wk" | "wks" | "week" | "weeks" | "woche" | "wochen" => Some(Unit::Week),
            "mo" | "mon" | "month" | "months" | "monat" | "monate" => Some(Unit::Month),
            "y" | "yr" | "yrs" | "year" | "years" | "jahr" | "jahre" => Some(Unit::Year),
            _ => Unit::ALL.into_iter().find(|unit| {
                crate::finding::words::near(word, [unit.word(), &format!("{}s", unit.word())]).is_some()
            }),
        };
        match meant {
            Some(unit) => {
                let length = Length::new(count.parse().unwrap_or(1), unit);
                self.say_write(span, format!("`{count} {word}` is no length of time"), &length.to_string());
            }
            None => self.say(
                span,
                format!("`{word}` is no unit of time"),
                "write `seconds`, `minutes`, `hours`, `days`, `weeks`, `months` or `years`",
            ),
        }
        meant.unwrap_or(Unit::Day)
    }

    /// The clock time in a node: a `clock_time`, or one written the way of others.
    pub(super) fn clock_time(&self, node: &Node<'_>) -> Spanned<ClockTime> {
        let span = self.span(node);
        let text = node.text();
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        let mut next = || numbers.next().and_then(|part| part.parse::<u8>().ok());
        let hour = next().unwrap_or(u8::MAX);
        let minute = next().unwrap_or(if text.contains(':') { u8::MAX } else { 0 });
        let lower = text.to_lowercase();
        let hour = match (lower.contains("pm"), lower.contains("am")) {
            (true, _) if hour < 12 => hour + 12,
            (_, true) if hour == 12 => 0,
            _ => hour,
        };
        let Some(time) = ClockTime::new(hour, minute) else {
            self.cannot_be(node, format!("`{text}` is no time of day"), "times go from `00:00` to `23:59`");
            return Spanned::new(ClockTime::MIDNIGHT, span);
        };
        if node.rule() == Rule::wrong_clock_time {
            self.say_write(span, format!("`{text}` is not how a time of day is written"), &time.to_string());
        }
        Spanned::new(time, span)
    }

    /// The first clock time among the children.
    pub(super) fn maybe_time_in(&self, node: &Node<'_>) -> Option<Spanned<ClockTime>> {
        let found =
            node.children().find(|child| matches!(child.rule(), Rule::clock_time | Rule::wrong_clock_time));
        found.map(|time| self.clock_time(&time))
    }

    pub(super) fn time_in(&self, node: &Node<'_>) -> Spanned<ClockTime> {
        self.maybe_time_in(node).unwrap_or_else(|| Spanned::new(ClockTime::MIDNIGHT, self.span(node)))
    }

    /// Both clock times of `T to T`.
    pub(super) fn times_in(&self, node: &Node<'_>) -> (Spanned<ClockTime>, Spanned<ClockTime>) {
        let mut times = node
            .children()
            .filter(|child| matches!(child.rule(), Rule::clock_time | Rule::wrong_clock_time))
            .map(|time| self.clock_time(&time));
        let midnight = || Spanned::new(ClockTime::MIDNIGHT, self.span(node));
        let from = times.next().unwrap_or_else(midnight);
        let to = times.next().unwrap_or_else(midnight);
        (from, to)
    }

    pub(super) fn moment_in(&self, node: &Node<'_>) -> MomentLiteral {
        self.moment(&node.need(Rule::moment))
    }

    /// A date with the clock time behind it, from any node that holds them.
    pub(super) fn moment(&self, node: &Node<'_>) -> MomentLiteral {
        let span = self.span(node);
        let time = self.maybe_time_in(node).map(|time| time.value);
        let found = node.children().find(|child| matches!(child.rule(), Rule::date | Rule::wrong_date));
        let date_node = found.unwrap_or_else(|| node.clone());
        let date = self.date(&date_node);
        MomentLiteral { span, date, time }
    }

    fn date(&self, node: &Node<'_>) -> Date {
        let text = node.text();
        let numbers: Vec<i16> = text.split(['-', '.']).filter_map(|part| part.parse().ok()).collect();
        let wrong_order = node.rule() == Rule::wrong_date;
        let (year, month, day) = match (numbers.as_slice(), wrong_order) {
            ([year, month, day], false) | ([day, month, year], true) => (*year, *month, *day),
            _ => (0, 0, 0),
        };
        let short = |number: i16| i8::try_from(number).unwrap_or(0);
        let Ok(date) = Date::new(year, short(month), short(day)) else {
            self.cannot_be(
                node,
                format!("there is no {text} in the calendar"),
                "a date is written `2027-03-01`: year, month, day",
            );
            return Date::constant(2000, 1, 1);
        };
        if wrong_order || text.len() != 10 {
            self.say_write(
                self.span(node),
                format!("`{text}` is not how a date is written"),
                &date.to_string(),
            );
        }
        date
    }

    pub(super) fn weekdays_in(&self, node: &Node<'_>) -> Vec<Spanned<Weekday>> {
        node.all(Rule::weekday)
            .filter_map(|day| {
                Weekday::from_word(day.text()).map(|value| Spanned::new(value, self.span(&day)))
            })
            .collect()
    }
}

/// The text between the first and the last quote, whatever they look like.
fn inside(written: &str) -> String {
    let quotes = |c: char| "\"“”„«»'‘’".contains(c);
    written.trim_matches(quotes).to_owned()
}

/// An escape inside a plain text.
struct Escape {
    length: usize,
    value: Option<char>,
}

/// Walks over the escapes of a plain text as it is written.
struct Escapes<'t>(&'t str);

impl<'t> IntoIterator for Escapes<'t> {
    type Item = (usize, Escape);
    type IntoIter = Box<dyn Iterator<Item = (usize, Escape)> + 't>;

    fn into_iter(self) -> Self::IntoIter {
        let mut at = 0;
        let text = self.0;
        Box::new(std::iter::from_fn(move || {
            let rest = text.get(at..)?;
            let found = at + rest.find('\\')?;
            let escape = escape(text.get(found + 1..).unwrap_or(""));
            at = found + escape.length;
            Some((found, escape))
        }))
    }
}

/// Reads what stands behind a backslash.
fn escape(rest: &str) -> Escape {
    let simple = |value| Escape { length: 2, value: Some(value) };
    match rest.chars().next() {
        Some('"') => simple('"'),
        Some('\\') => simple('\\'),
        Some('n') => simple('\n'),
        Some('t') => simple('\t'),
        Some('u') => {
            let digits =
                rest.strip_prefix("u{").and_then(|rest| rest.split_once('}')).map(|(digits, _)| digits);
            let value = digits
                .filter(|digits| (1..=6).contains(&digits.len()))
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .and_then(char::from_u32)
                .filter(|c| !c.is_control());
            Escape { length: digits.map_or(2, |digits| digits.len() + 4), value }
        }
        Some(other) => Escape { length: 1 + other.len_utf8(), value: None },
        None => Escape { length: 1, value: None },
    }
}

/// A text as it is meant, and for stretches of it where they stand in what was written: pairs of offsets, meant
/// and written.
fn decode(written: &str) -> (String, Vec<(usize, usize)>) {
    match written.strip_prefix("\"\"\"") {
        Some(rest) => without_indent(rest.strip_suffix("\"\"\"").unwrap_or(rest)),
        None => without_escapes(written),
    }
}

fn without_escapes(written: &str) -> (String, Vec<(usize, usize)>) {
    let mut meant = String::with_capacity(written.len());
    let mut places = vec![(0, 1)];
    let mut at = 1;
    let end = written.len().saturating_sub(1).max(1);
    for (found, escape) in Escapes(written) {
        meant.push_str(written.get(at..found).unwrap_or(""));
        meant.extend(escape.value);
        at = found + escape.length;
        places.push((meant.len(), at));
    }
    meant.push_str(written.get(at..end).unwrap_or(""));
    (meant, places)
}

fn without_indent(inner: &str) -> (String, Vec<(usize, usize)>) {
    let mut lines: Vec<(usize, &str)> = Vec::new();
    let mut at = 3;
    for line in inner.split('\n') {
        lines.push((at, line));
        at += line.len() + 1;
    }
    if lines.first().is_some_and(|(_, line)| line.trim().is_empty()) && lines.len() > 1 {
        lines.remove(0);
    }
    if lines.last().is_some_and(|(_, line)| line.trim().is_empty()) {
        lines.pop();
    }
    let indent_of = |line: &str| line.len() - line.trim_start().len();
    let indent =
        lines.iter().filter(|(_, line)| !line.trim().is_empty()).map(|(_, line)| indent_of(line)).min();
    let mut meant = String::new();
    let mut places = Vec::new();
    for (index, (at, line)) in lines.into_iter().enumerate() {
        if index > 0 {
            meant.push('\n');
        }
        let cut = indent.unwrap_or(0).min(indent_of(line));
        places.push((meant.len(), at + cut));
        meant.push_str(line.get(cut..).unwrap_or("").trim_end_matches('\r'));
    }
    (meant, places)
}

/// Where a stretch of a text's meaning stands in the file: `written` is the text as it stands at `span`.
pub fn place_in_text(written: &str, span: Span, meant: std::ops::Range<usize>) -> Span {
    let (_, places) = decode(written);
    let written_at = |offset: usize| {
        let index = places.partition_point(|(meant, _)| *meant <= offset).saturating_sub(1);
        let (meant, at) = places.get(index).copied().unwrap_or((0, 0));
        (at + offset - meant).min(written.len())
    };
    let start = span.start as usize;
    Span::new(span.source, start + written_at(meant.start), start + written_at(meant.end))
}
