use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant: microseconds since 1970-01-01 00:00 UTC.
///
/// Every moment lies between the years -9999 and 9999; arithmetic stops at those ends instead of wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// The earliest moment there is.
    pub const MIN: Moment = Moment(-377_705_023_201_000_000);
    /// The latest moment there is, which stands for "never".
    pub const MAX: Moment = Moment(253_402_207_200_000_000);

    /// From microseconds since 1970, cut to the range.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// From whole seconds since 1970, cut to the range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Microseconds later (or earlier, where negative).
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// Seconds later (or earlier, where negative).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds from `earlier` to this; negative where `earlier` is later.
    pub const fn micros_since(self, earlier: Moment) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same instant for calendar work.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl From<Timestamp> for Moment {
    fn from(timestamp: Timestamp) -> Self {
        Self::from_micros(timestamp.as_microsecond())
    }
}

/// RFC 3339 in UTC, such as `2027-03-01T09:00:00Z`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

/// Reads RFC 3339 with any offset.
impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Timestamp>().map(Self::from)
    }
}

/// As it is shown: programs of every language read RFC 3339, and few a count of microseconds.
impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_stop_at_the_ends_of_time() {
        assert_eq!(Moment::MAX.plus_seconds(1), Moment::MAX);
        assert_eq!(Moment::MIN.plus_seconds(-1), Moment::MIN);
        assert_eq!(Moment::from_micros(Timestamp::MIN.as_microsecond()), Moment::MIN);
        assert!(Timestamp::from_microsecond(Moment::MAX.micros()).is_ok());
        assert!(Timestamp::from_microsecond(Moment::MIN.micros()).is_ok());
    }

    #[test]
    fn moments_read_what_they_write() {
        let moment: Moment = "2027-03-01T10:00:00+01:00".parse().unwrap();
        assert_eq!(moment.to_string(), "2027-03-01T09:00:00Z");
        assert_eq!(moment.to_string().parse::<Moment>().unwrap(), moment);
    }

    #[test]
    fn moments_are_rfc_3339_in_json_and_lose_nothing() {
        let moment = Moment::from_micros(1_804_327_200_000_001);
        assert_eq!(serde_json::to_string(&moment).unwrap(), "\"2027-03-06T10:00:00.000001Z\"");
        for moment in [moment, Moment::MIN, Moment::MAX, Moment::from_micros(-1)] {
            let json = serde_json::to_string(&moment).unwrap();
            assert_eq!(serde_json::from_str::<Moment>(&json).unwrap(), moment, "{json}");
        }
        for wrong in ["7", "\"soon\"", "\"2027-03-06\""] {
            assert!(serde_json::from_str::<Moment>(wrong).is_err(), "{wrong}");
        }
    }
}
