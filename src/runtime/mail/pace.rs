use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::super::gate::GOOD_FOR;
use crate::channel::email::Gate;
use crate::domain::MessageId;

/// How many mails of a connection go through the gate together at the most. A crash leaves twice as many of each
/// connection unsure: those that go, and those that are let through meanwhile.
pub(super) const TOGETHER_MAX: usize = 16;

/// How many mails go through the gate together, by how fast their connection is.
///
/// What was let through waits while the batch before it goes, and then for those of its own batch that go first; so a
/// batch is as large as goes in a quarter of the time for which a pass is good. Where that is not even two, each mail
/// asks when the server is ready for it.
#[derive(Clone, Copy, Default)]
pub(super) struct Pace(Option<NonZeroUsize>);

impl Pace {
    /// How many go together; nothing where each asks by itself.
    pub(super) fn together(self) -> Option<NonZeroUsize> {
        self.0
    }

    /// Takes into account how long a batch took, and whether all of it went in time.
    pub(super) fn learn(&mut self, count: usize, took: Duration, in_time: bool) {
        let each = took.as_micros().max(1) / count.max(1) as u128;
        let fit = (GOOD_FOR / 4).as_micros() / each.max(1);
        let together = usize::try_from(fit).unwrap_or(usize::MAX).min(TOGETHER_MAX);
        self.0 = NonZeroUsize::new(together).filter(|together| in_time && together.get() > 1);
    }
}

/// How long was waited at the gate, all in all: that says nothing of the connection.
#[derive(Default)]
pub(super) struct Waited(AtomicU64);

impl Waited {
    /// The sum.
    pub(super) fn all(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// A gate at which it is taken down how long it took.
pub(super) struct TimedGate<'a, G> {
    pub(super) gate: G,
    pub(super) waited: &'a Waited,
}

#[async_trait]
impl<G: Gate> Gate for TimedGate<'_, G> {
    async fn hand_over(&self, id: MessageId) -> bool {
        let begun = Instant::now();
        let goes = self.gate.hand_over(id).await;
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited.0.fetch_add(micros, Ordering::Relaxed);
        goes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct SlowGate;

    #[async_trait]
    impl Gate for SlowGate {
        async fn hand_over(&self, _: MessageId) -> bool {
            tokio::time::sleep(Duration::from_millis(40)).await;
            true
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_gate_takes_is_known() {
        let waited = Waited::default();
        let gate = TimedGate { gate: SlowGate, waited: &waited };
        assert!(gate.hand_over(MessageId::default()).await && gate.hand_over(MessageId::default()).await);
        assert_eq!(waited.all(), Duration::from_millis(80));
    }

    fn together(count: usize, millis: u64, in_time: bool) -> usize {
        let mut pace = Pace::default();
        pace.learn(count, Duration::from_millis(millis), in_time);
        pace.together().map_or(0, NonZeroUsize::get)
    }

    #[test]
    fn fast_connections_have_many_let_through_and_slow_ones_none() {
        assert_eq!(Pace::default().together(), None, "nothing is known of a connection yet");
        for (count, millis, expected) in [
            (1, 0, TOGETHER_MAX),
            (8, 8, TOGETHER_MAX),
            (1, 50, 5),
            (4, 200, 5),
            (1, 16, 15),
            (1, 125, 2),
            // Two would fill more than a quarter of the time.
            (1, 126, 0),
            (1, 60_000, 0),
            (0, 10, TOGETHER_MAX),
        ] {
            assert_eq!(together(count, millis, true), expected, "{count} mails in {millis} ms");
        }
        assert_eq!(together(8, 8, false), 0, "after passes ran out each asks by itself");
    }
}
