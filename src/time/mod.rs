//! Time as the journey language means it: moments, lengths, clock times, zones.
//!
//! Calendar units (days and longer) follow the clock on the wall of a zone; seconds, minutes and hours are
//! exact. A clock time that a change of the clocks skips moves to the first instant after the gap; one that
//! happens twice means the first. The rules of the zones are those built into the program (the IANA time zone
//! database, <https://www.iana.org/time-zones>), never those of the machine, so that the same journey gives
//! the same moments everywhere.

mod calendar;
mod clock;
mod cron;
mod length;
mod moment;
mod recurrence;
mod window;

pub use calendar::{
    ClockTime, Weekday, at_clock_time, date_of, hour_of, next_clock_time, next_weekday_time, wall_text, zone,
    zone_names,
};
pub use clock::{Clock, ManualClock, ScaledClock, SystemClock};
pub use cron::{Cron, CronError};
pub use jiff::civil::Date;
pub use jiff::tz::TimeZone;
pub use length::{Length, Unit, units_between};
pub use moment::Moment;
pub use recurrence::Recurrence;
pub use window::{Window, after_business_days};
