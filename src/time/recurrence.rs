use std::fmt;

use jiff::ToSpan;
use serde::{Deserialize, Serialize};

use super::calendar::{at_clock_time, date_of};
use super::{ClockTime, Cron, Date, Moment, TimeZone, Weekday};

/// Moments that come again and again on the calendar of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recurrence {
    /// Every day at that time.
    Daily(ClockTime),
    /// Every week on that day.
    Weekly(Weekday, ClockTime),
    /// Every month on that day, from 1 to 31; on its last day where the month is shorter.
    Monthly(i8, ClockTime),
    /// As a cron pattern says.
    Cron(Cron),
}

/// How many days two of these are apart at the most.
const DAYS_MAX: usize = 64;

impl Recurrence {
    /// The first such moment after another.
    pub fn next(&self, after: Moment, zone: &TimeZone) -> Option<Moment> {
        let time = match self {
            Recurrence::Cron(cron) => return cron.next(after, zone),
            Recurrence::Daily(time) | Recurrence::Weekly(_, time) | Recurrence::Monthly(_, time) => *time,
        };
        let days = date_of(after, zone).series(1.day()).take(DAYS_MAX);
        let mut moments = days.filter(|date| self.is_on(*date)).map(|date| at_clock_time(date, time, zone));
        moments.find(|moment| *moment > after)
    }

    /// The last such moment up to another, that one included.
    pub fn last(&self, until: Moment, zone: &TimeZone) -> Option<Moment> {
        let time = match self {
            Recurrence::Cron(cron) => return cron.last(until, zone),
            Recurrence::Daily(time) | Recurrence::Weekly(_, time) | Recurrence::Monthly(_, time) => *time,
        };
        // A clock that goes back over midnight has shown times of the next day already.
        let from = date_of(until, zone).tomorrow().ok()?;
        let days = from.series(-1.day()).take(DAYS_MAX);
        let mut moments = days.filter(|date| self.is_on(*date)).map(|date| at_clock_time(date, time, zone));
        moments.find(|moment| *moment <= until)
    }

    fn is_on(&self, date: Date) -> bool {
        match self {
            Recurrence::Daily(_) | Recurrence::Cron(_) => true,
            Recurrence::Weekly(day, _) => Weekday::of(date) == *day,
            Recurrence::Monthly(day, _) => date.day() == (*day).min(date.days_in_month()),
        }
    }
}

/// `every monday at 09:00`: the way the language writes it.
impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recurrence::Daily(time) => write!(f, "every day at {time}"),
            Recurrence::Weekly(day, time) => write!(f, "every {} at {time}", day.word()),
            Recurrence::Monthly(day, time) => write!(f, "every month on {day} at {time}"),
            Recurrence::Cron(cron) => write!(f, "every cron \"{cron}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A pattern, the times of day it means, and which days.
    type Pattern = (Recurrence, Vec<(u8, u8)>, fn(Date) -> bool);

    /// Every minute field, hour field and day that a small pattern of crontab means, told apart by hand.
    fn patterns() -> impl Strategy<Value = Pattern> {
        let time = |hour, minute| ClockTime::new(hour, minute).unwrap();
        let cron = |text: &str| Recurrence::Cron(text.parse().unwrap());
        let every: fn(Date) -> bool = |_| true;
        let office: fn(Date) -> bool =
            |date| !matches!(Weekday::of(date), Weekday::Saturday | Weekday::Sunday);
        prop::sample::select(vec![
            (Recurrence::Daily(time(2, 30)), vec![(2, 30)], every),
            (Recurrence::Daily(time(0, 0)), vec![(0, 0)], every),
            (Recurrence::Weekly(Weekday::Sunday, time(2, 0)), vec![(2, 0)], |date| {
                Weekday::of(date) == Weekday::Sunday
            }),
            (Recurrence::Monthly(31, time(9, 0)), vec![(9, 0)], |date| date == date.last_of_month()),
            (Recurrence::Monthly(1, time(23, 59)), vec![(23, 59)], |date| date.day() == 1),
            (Recurrence::Monthly(30, time(9, 0)), vec![(9, 0)], |date| {
                date.day() == 30 || date.month() == 2 && date == date.last_of_month()
            }),
            (cron("30 2 * * *"), vec![(2, 30)], every),
            (cron("0 9 * * MON-FRI"), vec![(9, 0)], office),
            (cron("*/20 1,2 * * 1-5"), vec![(1, 0), (1, 20), (1, 40), (2, 0), (2, 20), (2, 40)], office),
            (cron("59 23 * * 0,7"), vec![(23, 59)], |date| Weekday::of(date) == Weekday::Sunday),
            (cron("5 0 31 * *"), vec![(0, 5)], |date| date.day() == 31),
            (cron("0 12 29 2 *"), vec![(12, 0)], |date| date.month() == 2 && date.day() == 29),
            (cron("0 0-1 1 jan,jul *"), vec![(0, 0), (1, 0)], |date| {
                date.day() == 1 && [1, 7].contains(&date.month())
            }),
        ])
    }

    proptest! {
        #[test]
        fn moments_are_those_of_a_calendar_read_day_by_day(
            (recurrence, times, on) in patterns(),
            zone in prop::sample::select(vec![
                "UTC", "Europe/Berlin", "America/St_Johns", "America/Havana", "Pacific/Apia", "Antarctica/Casey",
                "Australia/Lord_Howe", "Africa/Casablanca",
            ]),
            start in 1_100_000_000_i64..2_000_000_000,
            steps in prop::collection::vec(0_i64..9 * 86_400, 40),
        ) {
            let zone: TimeZone = crate::time::zone(zone).unwrap();
            let begin = Moment::from_seconds(start);
            let end = begin.plus_seconds(400 * 86_400);
            let days = date_of(begin, &zone).checked_sub(1_900.days()).unwrap().series(1.day()).take(4_200);
            let mut model: Vec<Moment> = days
                .filter(|date| on(*date))
                .flat_map(|date| times.iter().map(move |(hour, minute)| (date, *hour, *minute)))
                .map(|(date, hour, minute)| at_clock_time(date, ClockTime::new(hour, minute).unwrap(), &zone))
                .collect();
            model.sort();
            model.dedup();
            // From moment to moment, and from any moment in between.
            let mut now = begin;
            for step in steps {
                let next = model.iter().find(|moment| **moment > now).copied();
                prop_assert_eq!(recurrence.next(now, &zone), next, "after {}", now);
                let last = model.iter().rfind(|moment| **moment <= now).copied();
                prop_assert_eq!(recurrence.last(now, &zone), last, "until {}", now);
                if let Some(next) = next {
                    prop_assert_eq!(recurrence.last(next, &zone), Some(next));
                    prop_assert!(recurrence.last(next.plus_micros(-1), &zone) < Some(next));
                }
                now = match next {
                    Some(next) if step % 2 == 0 => next,
                    _ => now.plus_seconds(step),
                };
                if now > end { break; }
            }
        }
    }

    #[test]
    fn they_are_written_as_in_a_journey() {
        let nine = ClockTime::new(9, 0).unwrap();
        for (recurrence, text) in [
            (Recurrence::Daily(nine), "every day at 09:00"),
            (Recurrence::Weekly(Weekday::Monday, nine), "every monday at 09:00"),
            (Recurrence::Monthly(1, nine), "every month on 1 at 09:00"),
            (Recurrence::Cron("0 9 * * MON-FRI".parse().unwrap()), "every cron \"0 9 * * MON-FRI\""),
        ] {
            assert_eq!(recurrence.to_string(), text);
        }
    }
}
