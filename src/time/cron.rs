use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use jiff::civil;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::calendar::instant;
use super::{Moment, TimeZone, Weekday};

/// Times on the clock in the five fields of crontab (POSIX, `crontab`): minute, hour, day of the month, month, day of
/// the week. Sunday is 0 and 7; months and days of the week have names, too.
///
/// It is read on the clock on the wall and then placed in a zone, as every clock time is.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    schedule: Arc<::cron::Schedule>,
}

/// Why a text is no cron pattern, in words for its author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// There are not five fields.
    #[error("a cron pattern has five fields, and this has {0}")]
    Fields(usize),
    /// Day of the month and day of the week together: some programs take either, some both.
    #[error("a cron pattern says a day of the month or a day of the week, not both")]
    BothDays,
    /// A field cannot be.
    #[error("`{0}` cannot stand for {1}")]
    Field(String, &'static str),
    /// No date has it, such as 30 February.
    #[error("no day is like that")]
    Never,
}

/// What the fields are called, in their order.
const FIELDS: [&str; 5] =
    ["the minute", "the hour", "the day of the month", "the month", "the day of the week"];
/// How long a clock goes back at the most, in hours.
const FOLD_HOURS: i64 = 3;

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(CronError::Fields(fields.len()));
        };
        if *day != "*" && *weekday != "*" {
            return Err(CronError::BothDays);
        }
        for (field, called) in fields.iter().zip(FIELDS) {
            let known = |c: char| c.is_ascii_alphanumeric() || ",-*/".contains(c);
            let wrong = || CronError::Field((*field).to_owned(), called);
            if !field.chars().all(known) {
                return Err(wrong());
            }
            if called != FIELDS[4] {
                // Each by itself, so that the one that is wrong can be named.
                let alone = FIELDS.map(|name| if name == called { *field } else { "*" });
                let [minute, hour, day, month, _] = alone;
                ::cron::Schedule::from_str(&format!("0 {minute} {hour} {day} {month} *"))
                    .map_err(|_| wrong())?;
            }
        }
        let days = weekdays(weekday).ok_or_else(|| CronError::Field((*weekday).to_owned(), FIELDS[4]))?;
        let schedule = ::cron::Schedule::from_str(&format!("0 {minute} {hour} {day} {month} {days}"))
            .map_err(|_| CronError::Field(text.to_owned(), "a time"))?;
        if schedule.after(&DateTime::<Utc>::UNIX_EPOCH).next().is_none() {
            return Err(CronError::Never);
        }
        Ok(Self { text: fields.join(" "), schedule: Arc::new(schedule) })
    }
}

/// The days of the week as the parser takes them, which counts from Sunday as 1 and knows no 7: each by its name.
fn weekdays(field: &str) -> Option<String> {
    if field == "*" {
        return Some("*".to_owned());
    }
    let mut days: BTreeSet<u8> = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (weekday(from)?, weekday(to)?),
            None if range == "*" => (0, 6),
            // `2/3` is from Tuesday on, as in every other field.
            None if part.contains('/') => (weekday(range)?, 6),
            None => (weekday(range)?, weekday(range)?),
        };
        // A week that ends on Sunday ends on 7.
        let to = if to == 0 && from > 0 { 7 } else { to };
        if from > to {
            return None;
        }
        days.extend((from..=to).step_by(step).map(|day| day % 7));
    }
    let name = |day: &u8| ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"].get(usize::from(*day)).copied();
    Some(days.iter().filter_map(name).collect::<Vec<_>>().join(","))
}

/// Sunday is 0 or 7, `SUN` or `sunday`.
fn weekday(word: &str) -> Option<u8> {
    if let Ok(number) = word.parse::<u8>() {
        return (number <= 7).then_some(number);
    }
    let word = word.to_ascii_lowercase();
    let named = |day: &Weekday| day.word() == word || day.word().get(..3) == Some(word.as_str());
    let index = Weekday::ALL.iter().position(named)?;
    u8::try_from((index + 1) % 7).ok()
}

impl Cron {
    /// The first such time after a moment.
    pub fn next(&self, after: Moment, zone: &TimeZone) -> Option<Moment> {
        let wall = carried(zone.to_datetime(after.timestamp()))?;
        let mut moments = self.schedule.after(&wall).filter_map(|time| placed(&time, zone));
        moments.find(|moment| *moment > after)
    }

    /// The last such time up to a moment, that moment included.
    pub fn last(&self, until: Moment, zone: &TimeZone) -> Option<Moment> {
        let wall = zone.to_datetime(until.timestamp());
        let before = zone.to_datetime(until.plus_seconds(-FOLD_HOURS * 3_600).timestamp());
        let passed = before.duration_until(wall).as_secs();
        // Where the clock went back, it has shown later times already.
        let ahead = if passed < FOLD_HOURS * 3_600 { FOLD_HOURS } else { 0 };
        // The iterator leaves out where it begins.
        let from = carried(wall)?.checked_add_signed(TimeDelta::hours(ahead) + TimeDelta::seconds(1))?;
        let mut moments = self.schedule.after(&from).rev().filter_map(|time| placed(&time, zone));
        moments.find(|moment| *moment <= until)
    }
}

/// A time on the wall, in the shape the parser calculates with; the zone means nothing.
fn carried(wall: civil::DateTime) -> Option<DateTime<Utc>> {
    let date = chrono::NaiveDate::from_ymd_opt(
        i32::from(wall.year()),
        u32::try_from(wall.month()).ok()?,
        u32::try_from(wall.day()).ok()?,
    )?;
    let part = |number: i8| u32::try_from(number).ok();
    Some(date.and_hms_opt(part(wall.hour())?, part(wall.minute())?, part(wall.second())?)?.and_utc())
}

fn placed(time: &DateTime<Utc>, zone: &TimeZone) -> Option<Moment> {
    let part = |number: u32| i8::try_from(number).ok();
    let wall = civil::DateTime::new(
        i16::try_from(time.year()).ok()?,
        part(time.month())?,
        part(time.day())?,
        part(time.hour())?,
        part(time.minute())?,
        0,
        0,
    );
    Some(instant(wall.ok()?, zone))
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

/// The five fields, one blank between them.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Cron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Cron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::zone;
    use super::*;

    #[test]
    fn days_of_the_week_are_those_of_crontab() {
        for (field, days) in [
            ("0", "SUN"),
            ("7", "SUN"),
            ("1-5", "MON,TUE,WED,THU,FRI"),
            ("MON-FRI", "MON,TUE,WED,THU,FRI"),
            ("5-7", "SUN,FRI,SAT"),
            ("fri-sun", "SUN,FRI,SAT"),
            ("0-2", "SUN,MON,TUE"),
            ("*/3", "SUN,WED,SAT"),
            ("2/3", "TUE,FRI"),
            ("6,monday", "MON,SAT"),
        ] {
            assert_eq!(weekdays(field).as_deref(), Some(days), "{field}");
        }
        for wrong in ["8", "mon-", "fri-mon", "x", "1/0", ""] {
            assert_eq!(weekdays(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (text, why) in [
            ("0 9 * *", "a cron pattern has five fields, and this has 4"),
            ("0 0 9 * * MON", "a cron pattern has five fields, and this has 6"),
            ("60 9 * * *", "`60` cannot stand for the minute"),
            ("0 24 * * *", "`24` cannot stand for the hour"),
            ("0 9 0 * *", "`0` cannot stand for the day of the month"),
            ("0 9 L * *", "`L` cannot stand for the day of the month"),
            ("0 9 * 13 *", "`13` cannot stand for the month"),
            ("0 9 ? * *", "`?` cannot stand for the day of the month"),
            ("0 9 * * 8", "`8` cannot stand for the day of the week"),
            ("0 9 1 * MON", "a cron pattern says a day of the month or a day of the week, not both"),
            ("0 9 30 2 *", "no day is like that"),
        ] {
            assert_eq!(text.parse::<Cron>().unwrap_err().to_string(), why, "{text}");
        }
    }

    #[test]
    fn times_are_those_of_the_clock_on_the_wall() {
        let berlin = zone("Europe/Berlin").unwrap();
        let at = |text: &str| -> Moment { text.parse().unwrap() };
        let office: Cron = "0  9 * * MON-FRI".parse().unwrap();
        assert_eq!(office.to_string(), "0 9 * * MON-FRI");
        let friday = at("2027-03-26T09:00:00+01:00");
        let monday = at("2027-03-29T09:00:00+02:00");
        assert_eq!(office.next(friday, &berlin), Some(monday));
        assert_eq!(office.last(friday, &berlin), Some(friday));
        assert_eq!(office.last(monday.plus_micros(-1), &berlin), Some(friday));
        let night: Cron = "30 2 * * *".parse().unwrap();
        // Skipped: the end of the gap. Doubled: the first.
        let gap = night.next(at("2027-03-28T01:00:00+01:00"), &berlin);
        assert_eq!(gap, Some(at("2027-03-28T03:00:00+02:00")));
        let first = at("2027-10-31T02:30:00+02:00");
        assert_eq!(night.next(at("2027-10-31T02:00:00+02:00"), &berlin), Some(first));
        assert_eq!(night.next(first, &berlin), Some(at("2027-11-01T02:30:00+01:00")));
        let second_time = at("2027-10-31T02:10:00+01:00");
        assert_eq!(night.last(second_time, &berlin), Some(first));
    }

    #[test]
    fn it_reads_what_it_writes() {
        let cron: Cron = "*/15 8-18 * jan-jun 1,3".parse().unwrap();
        let json = serde_json::to_string(&cron).unwrap();
        assert_eq!(serde_json::from_str::<Cron>(&json).unwrap(), cron);
        assert!(serde_json::from_str::<Cron>("\"0 9\"").is_err());
    }
}
