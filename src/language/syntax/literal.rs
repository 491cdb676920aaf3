use super::node::{Node, Reader, Rule};
use super::tree::{MomentLiteral, Spanned};
use crate::finding::{Code, Finding};
use crate::source::Span;
use crate::time::{ClockTime, Date, Length, Unit, Weekday};

impl Reader<'_> {
    fn cannot_be(&self, node: &Node<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.report(Finding::new(Code::E002, self.span(node), message).help(help));
    }

    pub(super) fn number(&self, node: &Node<'_>) -> Spanned<f64> {
        let mut text: String = node.text().chars().filter(|c| !c.is_whitespace()).collect();
        if node.rule() == Rule::wrong_number {
            let meant = with_point(&text);
            self.say_write(self.span(node), format!("`{text}` is not how a number is written"), &meant);
            text = meant;
        }
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
        self.share_with(node, None)
    }

    /// The same, where a word such as `percent` may stand behind.
    fn share_with(&self, node: &Node<'_>, behind: Option<Node<'_>>) -> Spanned<f64> {
        let text = node.text().trim_end_matches('%').trim_end().replace(',', ".");
        let mut percent: f64 = text.parse().unwrap_or(0.0);
        if node.rule() == Rule::number {
            // Other tools write a tenth as `0.1`; whoever writes `percent` behind a number has counted hundredths.
            percent = if percent < 1.0 && behind.is_none() { in_percent(percent) } else { percent };
            let written = behind.map_or(self.span(node), |behind| self.span(node).to(self.span(&behind)));
            self.say_write(written, "a share is written with `%`", &format!("{percent}%"));
        } else if node.text().contains(',') {
            let message = format!("`{}` is not how a share is written", node.text());
            self.say_write(self.span(node), message, &format!("{text}%"));
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
        let share = node.get(Rule::share).unwrap_or_else(|| node.need(Rule::number));
        self.share_with(&share, node.get(Rule::wrong_percent))
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
            Some(Rule::wrong_part_duration) => return self.part_of_length(span, text),
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
        let meant = match word.to_lowercase().as_str() {
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

    /// `1.5 hours`: a length in parts, and the whole one that is meant.
    fn part_of_length(&self, span: Span, text: &str) -> Spanned<Length> {
        let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let word = text.get(number.len()..).unwrap_or("").trim();
        let count: f64 = number.replace(',', ".").parse().unwrap_or(0.0);
        let (into, unit) = match Unit::from_word(&word.to_lowercase()) {
            Some(Unit::Week) => (7.0, Unit::Day),
            Some(Unit::Day) => (24.0, Unit::Hour),
            Some(Unit::Hour) => (60.0, Unit::Minute),
            Some(Unit::Minute) => (60.0, Unit::Second),
            _ => (0.0, Unit::Day),
        };
        let message = format!("`{text}` is no length of time: lengths are whole numbers");
        let whole = count * into;
        if whole < 1.0 || whole.fract() != 0.0 || whole > f64::from(u32::MAX) {
            self.say(span, message, "write a whole number of a shorter unit, such as `90 minutes`");
            return Spanned::new(Length::new(1, unit), span);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
        let length = Length::new(whole as u32, unit);
        self.say_write(span, message, &length.to_string());
        Spanned::new(length, span)
    }

    /// The clock time in a node: a `clock_time`, or one written the way of others.
    pub(super) fn clock_time(&self, node: &Node<'_>) -> Spanned<ClockTime> {
        let span = self.span(node);
        let text = node.text();
        let apart = text.split_at_checked(2).filter(|_| node.rule() == Rule::wrong_hour && text.len() == 4);
        let apart = apart.map(|(hour, minute)| format!("{hour}:{minute}"));
        let digits = apart.as_deref().unwrap_or(text);
        let mut numbers = digits.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
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
        if node.rule() != Rule::clock_time {
            self.say_write(span, format!("`{text}` is not how a time of day is written"), &time.to_string());
        }
        Spanned::new(time, span)
    }

    /// The first clock time among the children.
    pub(super) fn maybe_time_in(&self, node: &Node<'_>) -> Option<Spanned<ClockTime>> {
        let found = node.children().find(is_clock_time);
        found.map(|time| self.clock_time(&time))
    }

    pub(super) fn time_in(&self, node: &Node<'_>) -> Spanned<ClockTime> {
        self.maybe_time_in(node).unwrap_or_else(|| Spanned::new(ClockTime::MIDNIGHT, self.span(node)))
    }

    /// Both clock times of `T to T`.
    pub(super) fn times_in(&self, node: &Node<'_>) -> (Spanned<ClockTime>, Spanned<ClockTime>) {
        let mut times = node.children().filter(is_clock_time).map(|time| self.clock_time(&time));
        let midnight = || Spanned::new(ClockTime::MIDNIGHT, self.span(node));
        let from = times.next().unwrap_or_else(midnight);
        let to = times.next().unwrap_or_else(midnight);
        (from, to)
    }

    pub(super) fn moment_in(&self, node: &Node<'_>) -> MomentLiteral {
        self.moment(&node.get(Rule::moment).unwrap_or_else(|| node.clone()))
    }

    /// A date with the clock time behind it, from any node that holds them.
    pub(super) fn moment(&self, node: &Node<'_>) -> MomentLiteral {
        let span = self.span(node);
        if let Some(alone) = node.get(Rule::wrong_time_alone) {
            let help = format!("write `2027-03-01 {}`, with the day", alone.text());
            self.say(self.span(&alone), "the date is missing before the time", help);
            return MomentLiteral { span, date: Date::constant(2000, 1, 1), time: None };
        }
        let time = self.maybe_time_in(node).map(|time| time.value);
        let is_date = |rule| matches!(rule, Rule::date | Rule::wrong_date | Rule::wrong_slash_date);
        let found = node.children().find(|child| is_date(child.rule()));
        let date_node = found.unwrap_or_else(|| node.clone());
        let date = self.date(&date_node);
        MomentLiteral { span, date, time }
    }

    fn date(&self, node: &Node<'_>) -> Date {
        let text = node.text();
        let numbers: Vec<i16> = text.split(['-', '.', '/']).filter_map(|part| part.parse().ok()).collect();
        let year_first = numbers.first().is_some_and(|first| *first > 31);
        if node.rule() == Rule::wrong_slash_date && !year_first {
            // Half the world reads the month first.
            let message = format!("`{text}` is not how a date is written");
            self.say(self.span(node), message, "write year, month, day: `2027-03-01`");
            return Date::constant(2000, 1, 1);
        }
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
        if node.rule() != Rule::date || text.len() != 10 {
            self.say_write(
                self.span(node),
                format!("`{text}` is not how a date is written"),
                &date.to_string(),
            );
        }
        date
    }

    pub(super) fn weekdays_in(&self, node: &Node<'_>) -> Vec<Spanned<Weekday>> {
        let is_day = |node: &Node<'_>| matches!(node.rule(), Rule::weekday | Rule::wrong_weekday);
        node.children().filter(is_day).filter_map(|day| self.weekday(&day)).collect()
    }

    fn weekday(&self, node: &Node<'_>) -> Option<Spanned<Weekday>> {
        let start = node.text().to_lowercase();
        let day = Weekday::ALL.into_iter().find(|day| day.word().get(..3) == start.get(..3))?;
        if node.rule() == Rule::wrong_weekday {
            let message = format!("`{}` is not how a day is written", node.text());
            self.say_write(self.span(node), message, day.word());
        }
        Some(Spanned::new(day, self.span(node)))
    }
}

fn is_clock_time(node: &Node<'_>) -> bool {
    matches!(node.rule(), Rule::clock_time | Rule::wrong_clock_time | Rule::wrong_hour)
}

/// A part of one in percent, without what binary fractions leave behind the places that people write.
fn in_percent(part: f64) -> f64 {
    const PLACES: f64 = 1e6;
    (part * 100.0 * PLACES).round() / PLACES
}

/// `12,50`, `1,000` and `1.000,50` the way the language writes numbers.
fn with_point(text: &str) -> String {
    let groups = |sign: char| text.split(sign).skip(1).all(|part| part.len() == 3);
    if text.rfind('.') > text.rfind(',') || (!text.contains('.') && groups(',')) {
        return text.replace(',', "");
    }
    text.replace('.', "").replace(',', ".")
}
