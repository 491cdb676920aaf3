use std::hash::Hasher;

use siphasher::sip::SipHasher24;
use uuid::Uuid;

use crate::time::Moment;

/// Which timetable a failed hand-over is tried again by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// A webhook, a hand-off, an alert: the timetable that Standard Webhooks 1.0.0 proposes, ten attempts
    /// in some 75 hours.
    Call,
    /// A mail that the server put off: once after a minute, which is what greylisting waits for, then never
    /// more often than every 30 minutes, for less than five days (RFC 5321 section 4.5.4.1).
    Mail,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// The waits before the second and each further attempt, in seconds.
const CALL_WAITS: [i64; 9] =
    [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
const MAIL_WAITS: [i64; 13] = [
    MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
];

/// How much longer than the timetable says a wait may be, so that what failed together does not come back
/// together: a tenth.
const JITTER_PARTS: u64 = 10;

impl Retry {
    fn waits(self) -> &'static [i64] {
        match self {
            Retry::Call => &CALL_WAITS,
            Retry::Mail => &MAIL_WAITS,
        }
    }
}

/// When to try again after attempt number `attempt` (from 1) failed at `now`; `None` when it was the last.
///
/// The wait is lengthened by up to a tenth, by an amount that comes from `id` and the attempt alone: the same
/// question has the same answer, on every machine.
pub fn next_attempt(retry: Retry, attempt: u32, now: Moment, id: Uuid) -> Option<Moment> {
    let index = usize::try_from(attempt.checked_sub(1)?).ok()?;
    let wait = *retry.waits().get(index)?;
    let jitter_max = u64::try_from(wait * 1_000_000).ok()? / JITTER_PARTS;
    let mut hasher = SipHasher24::new_with_keys(0x6c6f_7473_655f_6a69, 0x7474_6572_5f76_315f);
    hasher.write(id.as_bytes());
    hasher.write(&attempt.to_be_bytes());
    let jitter = (u128::from(hasher.finish()) * u128::from(jitter_max)) >> 64;
    Some(now.plus_seconds(wait).plus_micros(i64::try_from(jitter).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(retry: Retry, id: Uuid) -> Vec<i64> {
        let now = Moment::from_seconds(1_800_000_000);
        (1..)
            .map_while(|attempt| next_attempt(retry, attempt, now, id))
            .map(|next| next.micros_since(now) / 1_000_000)
            .collect()
    }

    #[test]
    fn calls_follow_standard_webhooks() {
        let timetable = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        let waits = waits(Retry::Call, Uuid::from_u128(7));
        assert_eq!(waits.len(), timetable.len());
        for (wait, planned) in waits.iter().zip(timetable) {
            assert!((planned..=planned + planned / 10).contains(wait), "{wait} for {planned}");
        }
    }

    #[test]
    fn mail_waits_grow_and_end_within_five_days() {
        for number in 0..100 {
            let waits = waits(Retry::Mail, Uuid::from_u128(number));
            assert!((60..=66).contains(&waits[0]), "{waits:?}");
            assert!(waits[1..].iter().all(|wait| *wait >= 30 * 60), "{waits:?}");
            let total: i64 = waits.iter().sum();
            assert!((4 * 86_400..5 * 86_400).contains(&total), "{total}");
        }
    }

    #[test]
    fn waits_differ_by_id_and_never_by_chance() {
        let first = waits(Retry::Call, Uuid::from_u128(1));
        assert_eq!(first, waits(Retry::Call, Uuid::from_u128(1)));
        assert_ne!(first, waits(Retry::Call, Uuid::from_u128(2)));
    }

    #[test]
    fn there_is_no_attempt_before_the_first() {
        assert_eq!(next_attempt(Retry::Call, 0, Moment::default(), Uuid::nil()), None);
    }
}
