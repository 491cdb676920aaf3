use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};
use serde::{Deserialize, Serialize};

use super::Moment;
use super::calendar::instant;

/// A unit of time. Days and longer are calendar units, shorter ones are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Exact.
    Second,
    /// Exact.
    Minute,
    /// Exact.
    Hour,
    /// A day of the calendar: 23 to 25 hours where the clocks change.
    Day,
    /// Seven days of the calendar.
    Week,
    /// A month of the calendar; the 31st becomes the last day of a shorter one.
    Month,
    /// Twelve months of the calendar.
    Year,
}

impl Unit {
    /// Every unit, shortest first.
    pub const ALL: [Unit; 7] =
        [Unit::Second, Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Year];

    /// The word for one, such as `day`.
    pub fn word(self) -> &'static str {
        match self {
            Unit::Second => "second",
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
            Unit::Year => "year",
        }
    }

    /// Reads `day` and `days` alike.
    pub fn from_word(word: &str) -> Option<Unit> {
        Unit::ALL
            .into_iter()
            .find(|unit| word.strip_prefix(unit.word()).is_some_and(|s| s.is_empty() || s == "s"))
    }

    /// How long one is at the most, in seconds.
    fn seconds_max(self) -> i64 {
        match self {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Week => 7 * 86_400,
            Unit::Month => 31 * 86_400,
            Unit::Year => 366 * 86_400,
        }
    }
}

/// A length of time as people write it: `3 days`, `90 minutes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Length {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

impl Length {
    /// The longest length accepted: a hundred years.
    pub const SECONDS_MAX: i64 = 100 * 366 * 86_400;

    /// A length.
    pub const fn new(count: u32, unit: Unit) -> Self {
        Self { count, unit }
    }

    /// An upper bound in seconds, for comparing lengths that have no place in the calendar.
    pub fn seconds_max(self) -> i64 {
        i64::from(self.count).saturating_mul(self.unit.seconds_max())
    }

    /// Whether it is no time at all.
    pub fn is_zero(self) -> bool {
        self.count == 0
    }

    /// The moment this long after `from`, in the calendar of `zone`.
    pub fn after(self, from: Moment, zone: &TimeZone) -> Moment {
        self.shift(from, zone, 1)
    }

    /// The moment this long before `from`, in the calendar of `zone`.
    pub fn before(self, from: Moment, zone: &TimeZone) -> Moment {
        self.shift(from, zone, -1)
    }

    fn shift(self, from: Moment, zone: &TimeZone, sign: i64) -> Moment {
        let count = sign * i64::from(self.count);
        let span = match self.unit {
            Unit::Second | Unit::Minute | Unit::Hour => {
                return from.plus_seconds(count.saturating_mul(self.unit.seconds_max()));
            }
            Unit::Day => Span::new().try_days(count),
            Unit::Week => Span::new().try_weeks(count),
            Unit::Month => Span::new().try_months(count),
            Unit::Year => Span::new().try_years(count),
        };
        let end = if sign > 0 { Moment::MAX } else { Moment::MIN };
        let wall: DateTime = Zoned::new(from.timestamp(), zone.clone()).datetime();
        let Some(shifted) = span.ok().and_then(|span| wall.checked_add(span).ok()) else { return end };
        instant(shifted, zone)
    }
}

/// `3 days`, `1 month`: the way the language writes it.
impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.count, self.unit.word(), if self.count == 1 { "" } else { "s" })
    }
}

/// How many whole units lie between two moments, negative where `later` is earlier: complete days, weeks,
/// months and years of the calendar of `zone`, or complete seconds, minutes and hours.
pub fn units_between(earlier: Moment, later: Moment, unit: Unit, zone: &TimeZone) -> i64 {
    if later < earlier {
        return -units_between(later, earlier, unit, zone);
    }
    let seconds = later.micros_since(earlier) / 1_000_000;
    match unit {
        Unit::Second | Unit::Minute | Unit::Hour => seconds / unit.seconds_max(),
        Unit::Day | Unit::Week | Unit::Month | Unit::Year => {
            // The quotient by the shortest the unit can be is never too small by less than a step or two
            // a century, so counting down from it ends at once.
            let shortest = match unit {
                Unit::Day => 82_800,
                Unit::Week => 7 * 86_400 - 3_600,
                Unit::Month => 28 * 86_400 - 3_600,
                _ => 365 * 86_400 - 3_600,
            };
            let mut low = 0_i64;
            let mut high = seconds / shortest + 1;
            while low < high {
                let middle = low + (high - low + 1) / 2;
                let length = Length::new(u32::try_from(middle).unwrap_or(u32::MAX), unit);
                if length.after(earlier, zone) <= later {
                    low = middle;
                } else {
                    high = middle - 1;
                }
            }
            low
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::zone;
    use super::*;

    fn at(text: &str) -> Moment {
        text.parse().unwrap()
    }

    #[test]
    fn days_keep_the_clock_time_over_a_change_of_the_clocks() {
        let berlin = zone("Europe/Berlin").unwrap();
        let before = at("2027-03-27T10:00:00+01:00");
        assert_eq!(Length::new(1, Unit::Day).after(before, &berlin), at("2027-03-28T10:00:00+02:00"));
        assert_eq!(Length::new(24, Unit::Hour).after(before, &berlin), at("2027-03-28T11:00:00+02:00"));
    }

    #[test]
    fn a_skipped_clock_time_is_the_end_of_the_gap_and_a_doubled_one_the_first() {
        let berlin = zone("Europe/Berlin").unwrap();
        let gap = Length::new(1, Unit::Day).after(at("2027-03-27T02:30:00+01:00"), &berlin);
        assert_eq!(gap, at("2027-03-28T03:00:00+02:00"));
        let twice = Length::new(1, Unit::Day).after(at("2027-10-30T02:30:00+02:00"), &berlin);
        assert_eq!(twice, at("2027-10-31T02:30:00+02:00"));
    }

    #[test]
    fn the_last_of_the_month_stays_the_last() {
        let utc = TimeZone::UTC;
        let end = Length::new(1, Unit::Month).after(at("2027-01-31T08:00:00Z"), &utc);
        assert_eq!(end, at("2027-02-28T08:00:00Z"));
        assert_eq!(
            Length::new(1, Unit::Year).before(at("2028-02-29T08:00:00Z"), &utc),
            at("2027-02-28T08:00:00Z")
        );
    }

    #[test]
    fn whole_units_are_counted() {
        let berlin = zone("Europe/Berlin").unwrap();
        let from = at("2027-03-27T10:00:00+01:00");
        assert_eq!(units_between(from, at("2027-03-28T09:59:59+02:00"), Unit::Day, &berlin), 0);
        assert_eq!(units_between(from, at("2027-03-28T10:00:00+02:00"), Unit::Day, &berlin), 1);
        assert_eq!(
            units_between(
                at("2027-01-31T00:00:00Z"),
                at("2027-02-28T00:00:00Z"),
                Unit::Month,
                &TimeZone::UTC
            ),
            1
        );
        assert_eq!(units_between(from, from.plus_seconds(-3_700), Unit::Hour, &berlin), -1);
        assert_eq!(
            units_between(at("1997-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"), Unit::Day, &TimeZone::UTC),
            10_957
        );
    }

    #[test]
    fn lengths_stop_at_the_end_of_time() {
        let length = Length::new(u32::MAX, Unit::Year);
        assert_eq!(length.after(at("2027-01-01T00:00:00Z"), &TimeZone::UTC), Moment::MAX);
        assert_eq!(length.before(at("2027-01-01T00:00:00Z"), &TimeZone::UTC), Moment::MIN);
    }
}
