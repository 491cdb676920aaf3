use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::channel::email::{Outcome, Refusal};
use crate::channel::without_addresses;
use crate::time::Moment;

/// The first and the longest rest of a route that is down, in milliseconds.
const DOWN_MILLIS: (i64, i64) = (500, 60_000);
/// How often in a row a server may end the conversation early before the route rests.
const EARLY_ENDS_MAX: i64 = 5;
/// How often a server may refuse what the sender is to blame for before the route rests, within how long, and how long it
/// rests then: to go on would make a bad standing worse, and somebody has to look.
const FAULTS_MAX: usize = 5;
const FAULTS_MICROS: i64 = 10 * 60 * 1_000_000;

/// Whether a route rests.
#[derive(Default)]
pub(super) struct Rest {
    /// Until when for being down, in microseconds since 1970.
    down_until: AtomicI64,
    /// Until when for faults of the sender.
    faults_until: AtomicI64,
    /// How often in a row it was down.
    failures: AtomicI64,
    /// Whether it was told that the route is down.
    told: AtomicBool,
    /// When the server refused what the sender is to blame for.
    faults: Mutex<VecDeque<Moment>>,
}

impl Rest {
    /// Until when the route rests. Where that is further off than any rest is long, the clock was set back.
    pub(super) fn until(&self, now: Moment) -> Option<Moment> {
        let (_, longest) = DOWN_MILLIS;
        let rests = [(&self.down_until, longest * 1_000), (&self.faults_until, FAULTS_MICROS)];
        let until = rests.into_iter().filter_map(|(until, longest)| {
            let until = Moment::from_micros(until.load(Ordering::SeqCst));
            (until > now && until.micros_since(now) <= longest).then_some(until)
        });
        until.max()
    }

    /// Whether the last that is known is that the server cannot be used.
    pub(super) fn is_down(&self) -> bool {
        self.told.load(Ordering::SeqCst)
    }

    /// Learns from an outcome; tells whether the route rests because of it.
    pub(super) fn learn(&self, outcome: &Outcome, now: Moment) -> bool {
        match outcome {
            Outcome::RouteDown { why } => self.fails(why, 1, now),
            // One such end is the mail's, many in a row are the server's.
            Outcome::NotHandedOver { why } => self.fails(why, EARLY_ENDS_MAX, now),
            Outcome::Stopped => false,
            Outcome::Refused { class: Refusal::Sender, answer } => {
                self.works();
                self.blames(answer, now)
            }
            _ => {
                self.works();
                false
            }
        }
    }

    fn works(&self) {
        self.failures.store(0, Ordering::SeqCst);
        if self.told.swap(false, Ordering::SeqCst) {
            tracing::info!("the mail server is back");
        }
    }

    /// Rests longer each time.
    fn fails(&self, why: &str, needed: i64, now: Moment) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::SeqCst) + 1;
        if failures < needed {
            return false;
        }
        let (first, longest) = DOWN_MILLIS;
        let doublings = u32::try_from((failures - needed).min(10)).unwrap_or(10);
        let millis = (first << doublings).min(longest);
        let until = now.plus_micros(millis * 1_000).max(self.until(now).unwrap_or(Moment::MIN));
        self.down_until.store(until.micros(), Ordering::SeqCst);
        if !self.told.swap(true, Ordering::SeqCst) {
            let why = without_addresses(why);
            tracing::warn!(why, "the mail server cannot be used; mail waits and is tried again");
        }
        true
    }

    fn blames(&self, answer: &str, now: Moment) -> bool {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.push_back(now);
        faults.retain(|at| (0..FAULTS_MICROS).contains(&now.micros_since(*at)));
        if faults.len() < FAULTS_MAX {
            return false;
        }
        faults.clear();
        self.faults_until.store(now.plus_micros(FAULTS_MICROS).micros(), Ordering::SeqCst);
        let answer = without_addresses(answer);
        tracing::error!(
            answer,
            "the mail server refuses again and again what this sender hands over: mail waits for \
            ten minutes; see what it says, and to SPF, DKIM, DMARC and the login"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_seconds(1_800_000_000 + seconds)
    }

    fn refused(class: Refusal) -> Outcome {
        Outcome::Refused { class, answer: "550 5.7.1 no".to_owned() }
    }

    #[test]
    fn repeated_faults_of_the_sender_make_a_route_rest() {
        let rest = Rest::default();
        let taken = Outcome::Accepted { answer: "250 OK".to_owned() };
        for second in 0..4 {
            assert!(!rest.learn(&refused(Refusal::Sender), at(second)));
            assert!(!rest.learn(&taken, at(second)), "what others get makes it no better");
            assert!(!rest.learn(&refused(Refusal::Address), at(second)), "that is nobody's fault");
        }
        assert_eq!(rest.until(at(4)), None);
        // Ten minutes after the first it is forgotten.
        assert!(!rest.learn(&refused(Refusal::Sender), at(600)));
        assert!(rest.learn(&refused(Refusal::Sender), at(600)));
        assert_eq!(rest.until(at(600)), Some(at(1_200)));
        assert_eq!(rest.until(at(1_200)), None);
        assert_eq!(rest.until(at(500)), None, "the clock was set back");
        assert!(!rest.is_down());
        assert!(!rest.learn(&refused(Refusal::Sender), at(1_201)), "it begins anew");
    }

    #[test]
    fn a_route_that_is_down_rests_longer_each_time() {
        let rest = Rest::default();
        let down = Outcome::RouteDown { why: "nobody answers".to_owned() };
        for millis in [500, 1_000, 2_000] {
            assert!(rest.learn(&down, at(0)));
            assert_eq!(rest.until(at(0)), Some(at(0).plus_micros(millis * 1_000)));
        }
        assert!(rest.is_down());
        let early = Outcome::NotHandedOver { why: "it closed".to_owned() };
        rest.learn(&Outcome::Accepted { answer: String::new() }, at(10));
        let rests: Vec<bool> = (0..5).map(|_| rest.learn(&early, at(11))).collect();
        assert_eq!((rest.is_down(), rests), (true, vec![false, false, false, false, true]));
    }
}
