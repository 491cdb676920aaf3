use jiff::Span;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::calendar::{instant, next_matching};
use super::{ClockTime, Moment, TimeZone, Weekday, at_clock_time, date_of};

/// A part of the day, on some days of the week: `09:00 to 17:00 on monday to friday`.
///
/// Its beginning belongs to it and its end does not. An end that is not after the beginning is one of the next day:
/// `22:00 to 06:00` goes over midnight and belongs to the day it begins on, and `09:00 to 09:00` is a whole day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// When it opens.
    pub from: ClockTime,
    /// When it closes.
    pub to: ClockTime,
    /// The first and the last of the days on which it opens; every day where nothing is said. `friday` to
    /// `monday` goes over the weekend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<(Weekday, Weekday)>,
}

impl Window {
    /// When it is open next: at `from` itself where it is open then, else when it opens.
    pub fn open_at(&self, from: Moment, zone: &TimeZone) -> Moment {
        if self.is_open(from, zone) {
            from
        } else {
            next_matching(from, self.from, zone, |date| self.opens_on(date))
        }
    }

    /// Whether it is open at a moment.
    pub fn is_open(&self, at: Moment, zone: &TimeZone) -> bool {
        let today = date_of(at, zone);
        [today.yesterday().ok(), Some(today)].into_iter().flatten().filter(|date| self.opens_on(*date)).any(
            |date| {
                let over_midnight = self.to <= self.from;
                let last = if over_midnight { date.tomorrow().unwrap_or(date) } else { date };
                at_clock_time(date, self.from, zone) <= at && at < at_clock_time(last, self.to, zone)
            },
        )
    }

    fn opens_on(&self, date: jiff::civil::Date) -> bool {
        let Some((first, last)) = self.days else { return true };
        let day = Weekday::of(date);
        if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
    }
}

/// The moment that many business days after another, at the same clock time: Monday to Friday of the calendar of
/// `zone`. From a weekend it is counted from the Friday before, so that the next one is Monday.
pub fn after_business_days(from: Moment, days: u32, zone: &TimeZone) -> Moment {
    if days == 0 {
        return from;
    }
    let wall: DateTime = zone.to_datetime(from.timestamp());
    // Monday is 0.
    let (day, back) = match wall.date().weekday().to_monday_zero_offset() {
        weekend @ 5.. => (4, weekend - 4),
        day => (day, 0),
    };
    let days = i64::from(days);
    let to_friday = i64::from(4 - day);
    let weekends = if days > to_friday { (days - to_friday - 1) / 5 + 1 } else { 0 };
    let shift = days + 2 * weekends - i64::from(back);
    let shifted = Span::new().try_days(shift).ok().and_then(|span| wall.checked_add(span).ok());
    shifted.map_or(Moment::MAX, |wall| instant(wall, zone))
}

#[cfg(test)]
mod tests {
    use super::super::zone;
    use super::*;

    fn at(text: &str) -> Moment {
        format!("{text}[Europe/Berlin]").parse::<jiff::Zoned>().unwrap().timestamp().into()
    }

    fn window(from: u8, to: u8, days: Option<(Weekday, Weekday)>) -> Window {
        Window { from: ClockTime::new(from, 0).unwrap(), to: ClockTime::new(to, 0).unwrap(), days }
    }

    #[test]
    fn a_window_is_open_now_or_opens() {
        use Weekday::{Friday, Monday, Saturday};
        let berlin = zone("Europe/Berlin").unwrap();
        let day = window(9, 17, None);
        let work = window(9, 17, Some((Monday, Friday)));
        let night = window(22, 6, None);
        let weekend_nights = window(22, 6, Some((Friday, Saturday)));
        let friday_to_monday = window(9, 17, Some((Friday, Monday)));
        let saturdays = window(9, 17, Some((Saturday, Saturday)));
        let always = window(9, 9, None);
        // 2027-03-01 is a Monday.
        for (window, from, opens) in [
            (day, "2027-03-01T08:59", "2027-03-01T09:00"),
            (day, "2027-03-01T09:00", "2027-03-01T09:00"),
            (day, "2027-03-01T16:59", "2027-03-01T16:59"),
            (day, "2027-03-01T17:00", "2027-03-02T09:00"),
            (work, "2027-03-05T16:59", "2027-03-05T16:59"),
            (work, "2027-03-05T17:00", "2027-03-08T09:00"),
            (work, "2027-03-06T12:00", "2027-03-08T09:00"),
            (night, "2027-03-01T21:59", "2027-03-01T22:00"),
            (night, "2027-03-01T23:30", "2027-03-01T23:30"),
            (night, "2027-03-02T05:59", "2027-03-02T05:59"),
            (night, "2027-03-02T06:00", "2027-03-02T22:00"),
            (weekend_nights, "2027-03-05T05:00", "2027-03-05T22:00"),
            (weekend_nights, "2027-03-07T05:00", "2027-03-07T05:00"),
            (weekend_nights, "2027-03-07T22:00", "2027-03-12T22:00"),
            (friday_to_monday, "2027-03-07T12:00", "2027-03-07T12:00"),
            (friday_to_monday, "2027-03-09T12:00", "2027-03-12T09:00"),
            (saturdays, "2027-03-06T17:00", "2027-03-13T09:00"),
            (always, "2027-03-01T08:00", "2027-03-01T08:00"),
            // The clocks go forward at two on the 28th.
            (window(2, 5, None), "2027-03-28T01:30", "2027-03-28T03:00"),
        ] {
            assert_eq!(window.open_at(at(from), &berlin), at(opens), "{window:?} from {from}");
        }
    }

    #[test]
    fn business_days_pass_over_weekends() {
        let berlin = zone("Europe/Berlin").unwrap();
        for (from, days, to) in [
            ("2027-03-01T10:00", 0, "2027-03-01T10:00"),
            ("2027-03-01T10:00", 1, "2027-03-02T10:00"),
            ("2027-03-01T10:00", 4, "2027-03-05T10:00"),
            ("2027-03-01T10:00", 5, "2027-03-08T10:00"),
            ("2027-03-05T10:00", 1, "2027-03-08T10:00"),
            ("2027-03-05T10:00", 6, "2027-03-15T10:00"),
            ("2027-03-06T10:00", 1, "2027-03-08T10:00"),
            ("2027-03-07T10:00", 1, "2027-03-08T10:00"),
            ("2027-03-07T10:00", 5, "2027-03-12T10:00"),
            ("2027-03-07T10:00", 6, "2027-03-15T10:00"),
            // Over the change of the clocks, at the same clock time.
            ("2027-03-26T10:00", 1, "2027-03-29T10:00"),
        ] {
            assert_eq!(after_business_days(at(from), days, &berlin), at(to), "{days} from {from}");
        }
        assert_eq!(after_business_days(at("2027-03-01T10:00"), u32::MAX, &berlin), Moment::MAX);
    }

    #[test]
    fn business_days_are_counted_as_one_would_by_hand() {
        let utc = TimeZone::UTC;
        for start in 0..14 {
            let from = Moment::from_seconds(1_804_000_000 + start * 86_400);
            let (mut date, mut counted) = (date_of(from, &utc), 0);
            while counted < 40 {
                date = date.tomorrow().unwrap();
                if Weekday::of(date) < Weekday::Saturday {
                    counted += 1;
                    assert_eq!(date_of(after_business_days(from, counted, &utc), &utc), date);
                }
            }
        }
    }
}
