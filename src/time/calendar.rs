use std::fmt;
use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{ToSpan, Zoned};
use serde::{Deserialize, Serialize};

use super::Moment;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// Monday to Sunday.
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    /// The word of the language, such as `monday`.
    pub fn word(self) -> &'static str {
        match self {
            Weekday::Monday => "monday",
            Weekday::Tuesday => "tuesday",
            Weekday::Wednesday => "wednesday",
            Weekday::Thursday => "thursday",
            Weekday::Friday => "friday",
            Weekday::Saturday => "saturday",
            Weekday::Sunday => "sunday",
        }
    }

    /// Reads the word of the language.
    pub fn from_word(word: &str) -> Option<Weekday> {
        Weekday::ALL.into_iter().find(|day| day.word() == word)
    }

    /// The day of the week of a date.
    pub fn of(date: Date) -> Weekday {
        let index = date.weekday().to_monday_zero_offset();
        Weekday::ALL.into_iter().nth(usize::try_from(index).unwrap_or(0)).unwrap_or(Weekday::Monday)
    }
}

/// A time on the clock, to the minute: `09:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClockTime {
    hour: u8,
    minute: u8,
}

impl ClockTime {
    /// The start of a day.
    pub const MIDNIGHT: ClockTime = ClockTime { hour: 0, minute: 0 };

    /// A time from 00:00 to 23:59.
    pub fn new(hour: u8, minute: u8) -> Option<Self> {
        (hour < 24 && minute < 60).then_some(Self { hour, minute })
    }

    /// The minutes since midnight.
    pub fn minute_of_day(self) -> u16 {
        u16::from(self.hour) * 60 + u16::from(self.minute)
    }

    fn civil(self) -> Time {
        Time::new(i8::try_from(self.hour).unwrap_or(0), i8::try_from(self.minute).unwrap_or(0), 0, 0)
            .unwrap_or(Time::midnight())
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The zone of that IANA name, such as `Europe/Berlin`; `None` where there is none.
pub fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}

/// The IANA names of all zones.
pub fn zone_names() -> impl Iterator<Item = String> {
    ZONES.available().map(|name| name.as_str().to_owned())
}

/// The date on the calendar of `zone` at a moment.
pub fn date_of(moment: Moment, zone: &TimeZone) -> Date {
    zone.to_datetime(moment.timestamp()).date()
}

/// The hour that the clock of `zone` shows at a moment, from 0 to 23.
pub fn hour_of(moment: Moment, zone: &TimeZone) -> u8 {
    u8::try_from(zone.to_datetime(moment.timestamp()).hour()).unwrap_or(0)
}

/// The moment of a clock time on a date.
pub fn at_clock_time(date: Date, time: ClockTime, zone: &TimeZone) -> Moment {
    instant(date.to_datetime(time.civil()), zone)
}

/// The next moment, `from` included, at which the clock shows `time`.
pub fn next_clock_time(from: Moment, time: ClockTime, zone: &TimeZone) -> Moment {
    next_matching(from, time, zone, |_| true)
}

/// The next moment, `from` included, at which the clock shows `time` on that day of the week.
pub fn next_weekday_time(from: Moment, day: Weekday, time: ClockTime, zone: &TimeZone) -> Moment {
    next_matching(from, time, zone, |date| Weekday::of(date) == day)
}

pub(super) fn next_matching(
    from: Moment,
    time: ClockTime,
    zone: &TimeZone,
    fits: impl Fn(Date) -> bool,
) -> Moment {
    // A zone that crosses the date line skips a whole date, so the day before is looked at too.
    let mut date = date_of(from, zone).checked_sub(1.day()).unwrap_or(Date::MIN);
    for _ in 0..16 {
        let moment = at_clock_time(date, time, zone);
        if moment >= from && fits(date) {
            return moment;
        }
        match date.tomorrow() {
            Ok(tomorrow) => date = tomorrow,
            Err(_) => break,
        }
    }
    Moment::MAX
}

/// The instant of a date and time on the wall: the end of a gap, the first of two.
pub(super) fn instant(wall: DateTime, zone: &TimeZone) -> Moment {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let placed = match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => ambiguous.later().map(|later| {
            // The clocks changed between the two readings of the skipped time: the change is the last one
            // at or before the later reading.
            let just_after = later.checked_add(1.nanosecond()).unwrap_or(later);
            zone.preceding(just_after).next().map_or(later, |change| change.timestamp())
        }),
        AmbiguousOffset::Fold { .. } => ambiguous.earlier(),
        AmbiguousOffset::Unambiguous { .. } => ambiguous.unambiguous(),
    };
    placed.map_or_else(|_| if wall.year() < 1970 { Moment::MIN } else { Moment::MAX }, Moment::from)
}

/// The date and time on the wall, for people: `2027-03-01 09:00`.
#[must_use]
pub fn wall_text(moment: Moment, zone: &TimeZone) -> String {
    Zoned::new(moment.timestamp(), zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        text.parse().unwrap()
    }

    fn nine() -> ClockTime {
        ClockTime::new(9, 0).unwrap()
    }

    #[test]
    fn the_next_clock_time_is_today_or_tomorrow() {
        let berlin = zone("Europe/Berlin").unwrap();
        let exactly = at("2027-03-01T09:00:00+01:00");
        assert_eq!(next_clock_time(exactly, nine(), &berlin), exactly);
        assert_eq!(next_clock_time(exactly.plus_micros(1), nine(), &berlin), at("2027-03-02T09:00:00+01:00"));
        assert_eq!(next_clock_time(exactly.plus_seconds(-60), nine(), &berlin), exactly);
    }

    #[test]
    fn weekdays_come_around() {
        let berlin = zone("Europe/Berlin").unwrap();
        let monday = at("2027-03-01T09:00:00+01:00");
        assert_eq!(next_weekday_time(monday, Weekday::Monday, nine(), &berlin), monday);
        let next = next_weekday_time(monday.plus_micros(1), Weekday::Monday, nine(), &berlin);
        assert_eq!(next, at("2027-03-08T09:00:00+01:00"));
    }

    #[test]
    fn a_skipped_date_is_passed_over() {
        // Samoa had no 30 December 2011.
        let apia = zone("Pacific/Apia").unwrap();
        let before = at("2011-12-29T12:00:00-10:00");
        assert_eq!(next_clock_time(before, nine(), &apia), at("2011-12-31T00:00:00+14:00"));
    }

    #[test]
    fn names_that_are_no_zone_give_none() {
        assert!(zone("Europe/Berlin").is_some());
        assert!(zone("Mars/Olympus").is_none());
        assert!(zone("").is_none());
    }

    #[test]
    fn clock_times_have_a_range() {
        assert!(ClockTime::new(23, 59).is_some());
        assert!(ClockTime::new(24, 0).is_none());
        assert!(ClockTime::new(0, 60).is_none());
        assert_eq!(nine().to_string(), "09:00");
    }
}
