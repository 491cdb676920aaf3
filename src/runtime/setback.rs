use std::time::Duration;

/// How long is waited after the first failure, and at the most: what was repaired goes on soon, and a database that is
/// in trouble is left alone.
const FIRST: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(5);

/// How long to wait before something is tried again that keeps failing: twice as long each time, up to a bound.
#[derive(Debug, Default)]
pub(super) struct Setback {
    last: Option<Duration>,
}

impl Setback {
    /// It failed: how long to wait now.
    pub(super) fn wait(&mut self) -> Duration {
        let wait = self.last.map_or(FIRST, |last| (last * 2).min(MOST));
        self.last = Some(wait);
        wait
    }

    /// It worked.
    pub(super) fn is_over(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_begin_anew() {
        let mut setback = Setback::default();
        let waits: Vec<u128> = (0..7).map(|_| setback.wait().as_millis()).collect();
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        setback.is_over();
        assert_eq!(setback.wait(), FIRST);
    }
}
