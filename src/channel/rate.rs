use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use crate::time::Moment;

/// How much of a second's allowance may be used at once, so that a limit is reached by workers that are woken
/// a little late: a tenth.
const BURST_PARTS: i64 = 10;

/// A limit on how many things happen in a second, kept by the generic cell rate algorithm (GCRA, ITU-T I.371):
/// each thing is given the earliest moment at which it may happen, evenly spaced when many wait.
#[derive(Debug)]
pub struct RateLimit {
    interval_micros: i64,
    burst_micros: i64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the next thing is due if none may come early.
    due: Moment,
    /// When somebody asked last.
    asked: Moment,
}

impl RateLimit {
    /// At most so many in a second.
    pub fn per_second(count: NonZeroU32) -> Self {
        let interval_micros = i64::from(1_000_000_u32.div_ceil(count.get()));
        let burst_micros = (1_000_000 / BURST_PARTS - interval_micros).max(0);
        Self {
            interval_micros,
            burst_micros,
            state: Mutex::new(State { due: Moment::MIN, asked: Moment::MIN }),
        }
    }

    /// Takes the next place and says when its moment comes; never before `now`.
    pub fn reserve(&self, now: Moment) -> Moment {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the clock was set back, what is planned goes back with it.
        let back = state.asked.micros_since(now).max(0);
        let due = if back > 0 { state.due.plus_micros(-back) } else { state.due };
        let planned = due.max(now);
        *state = State { due: planned.plus_micros(self.interval_micros), asked: now };
        planned.plus_micros(-self.burst_micros).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(count: u32) -> RateLimit {
        RateLimit::per_second(NonZeroU32::new(count).unwrap())
    }

    #[test]
    fn no_second_holds_more_than_its_share_and_a_burst() {
        let limit = limit(100);
        let start = Moment::from_seconds(1_000);
        let moments: Vec<i64> = (0..250).map(|_| limit.reserve(start).micros_since(start)).collect();
        assert!(moments.is_sorted());
        assert_eq!(moments.iter().filter(|at| **at == 0).count(), 10, "a tenth of a second at once");
        for from in (0..2_000_000).step_by(50_000) {
            let within = moments.iter().filter(|at| (from..from + 1_000_000).contains(*at)).count();
            assert!(within <= 110, "{within} from {from}");
        }
        assert!(moments.last().is_some_and(|at| (2_350_000..=2_450_000).contains(at)), "{moments:?}");
    }

    #[test]
    fn slow_limits_do_not_burst_and_idle_time_is_not_saved() {
        let limit = limit(2);
        let start = Moment::from_seconds(1_000);
        assert_eq!(limit.reserve(start), start);
        assert_eq!(limit.reserve(start), start.plus_micros(500_000));
        let later = start.plus_seconds(60);
        assert_eq!(limit.reserve(later), later);
        assert_eq!(limit.reserve(later), later.plus_micros(500_000));
        // The clock is set back by ten years: two places are given away by then.
        let earlier = later.plus_seconds(-10 * 365 * 86_400);
        assert_eq!(limit.reserve(earlier), earlier.plus_seconds(1));
    }
}
