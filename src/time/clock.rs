use std::sync::atomic::{AtomicI64, Ordering};

use super::Moment;

/// Where the present comes from. Only the outermost shell asks; everything below is told.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Moment;

    /// How long the machine must sleep until `moment`, in microseconds of real time; zero when it has come.
    fn micros_until(&self, moment: Moment) -> u64 {
        u64::try_from(moment.micros_since(self.now())).unwrap_or(0)
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> Moment {
        Moment::from(jiff::Timestamp::now())
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Starts at a moment.
    pub fn new(now: Moment) -> Self {
        Self(AtomicI64::new(now.micros()))
    }

    /// Moves to a moment, forwards or backwards.
    pub fn set(&self, now: Moment) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A clock that runs faster than the machine's, by a whole factor.
#[derive(Clone, Copy, Debug)]
pub struct ScaledClock {
    factor: i64,
    begun: Moment,
    start: Moment,
}

impl ScaledClock {
    /// Starts now at `start` and runs `factor` times as fast, at least once.
    pub fn new(start: Moment, factor: u32) -> Self {
        Self { factor: i64::from(factor.max(1)), begun: SystemClock.now(), start }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Moment {
        let passed = SystemClock.now().micros_since(self.begun);
        self.start.plus_micros(passed.saturating_mul(self.factor))
    }

    fn micros_until(&self, moment: Moment) -> u64 {
        let ahead = moment.micros_since(self.now());
        u64::try_from(ahead).map_or(0, |ahead| ahead.div_ceil(self.factor.unsigned_abs()))
    }
}
