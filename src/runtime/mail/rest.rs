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
/// Within how long it counts what a server refuses for which the sender is to blame, and how long the route rests where
/// that is too much: to go on would make a bad standing worse, and somebody has to look.
const FAULTS_MICROS: i64 = 10 * 60 * 1_000_000;
/// How many such refusals are too few to say anything.
const FAULTS_FEW: u32 = 5;
/// One such refusal of so many mails that were answered is too much. Large providers stop senders of whose mails one in
/// ten comes back; what a few receivers do not want is no reason to keep it from all others.
const FAULTS_ONE_OF: u32 = 10;
/// How finely the window moves.
const SPAN_MICROS: i64 = 60 * 1_000_000;

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
    /// What the server has answered, the latest span last; no more of them than the window has.
    answers: Mutex<VecDeque<Answers>>,
}

/// What a server answered to mails in a span of time.
#[derive(Clone, Copy)]
struct Answers {
    /// When it was answered first.
    since: Moment,
    /// How many mails.
    mails: u32,
    /// How many of them it refused for which the sender is to blame.
    faults: u32,
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
                self.count(1, now);
                self.blames(answer, now)
            }
            _ => {
                self.works();
                self.count(0, now);
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

    /// Counts an answer to a mail.
    fn count(&self, faults: u32, now: Moment) {
        let mut answers = self.answers();
        // Also what was counted before the clock was set back.
        answers.retain(|answers| (0..FAULTS_MICROS).contains(&now.micros_since(answers.since)));
        match answers.back_mut().filter(|last| now.micros_since(last.since) < SPAN_MICROS) {
            Some(last) => {
                last.mails = last.mails.saturating_add(1);
                last.faults += faults;
            }
            None => answers.push_back(Answers { since: now, mails: 1, faults }),
        }
    }

    /// Rests where too much was refused that the sender is to blame for.
    fn blames(&self, answer: &str, now: Moment) -> bool {
        let mut answers = self.answers();
        let (mails, faults) = answers.iter().fold((0_u32, 0_u32), |(mails, faults), answers| {
            (mails.saturating_add(answers.mails), faults.saturating_add(answers.faults))
        });
        let answer = without_addresses(answer);
        if faults < FAULTS_FEW || faults.saturating_mul(FAULTS_ONE_OF) < mails {
            // Once for those that come together.
            if faults == FAULTS_FEW {
                tracing::warn!(
                    answer,
                    faults,
                    mails,
                    "the mail server refuses some of what this sender hands over, and takes the rest; \
                    what it refuses is tried again every 30 minutes"
                );
            }
            return false;
        }
        answers.clear();
        self.faults_until.store(now.plus_micros(FAULTS_MICROS).micros(), Ordering::SeqCst);
        tracing::error!(
            answer,
            faults,
            mails,
            "the mail server refuses again and again what this sender hands over: mail waits for \
            ten minutes; see what it says, and to SPF, DKIM, DMARC and the login"
        );
        true
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, VecDeque<Answers>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn taken() -> Outcome {
        Outcome::Accepted { answer: "250 OK".to_owned() }
    }

    /// Whether a route rests to which that many mails went, every so many-th of which was refused.
    fn rests(mails: u32, one_of: u32, class: Refusal) -> bool {
        let rest = Rest::default();
        (1..=mails).any(|mail| {
            let outcome = if mail % one_of == 0 { refused(class) } else { taken() };
            rest.learn(&outcome, at(0))
        })
    }

    #[test]
    fn a_route_rests_where_too_much_is_refused_that_the_sender_is_to_blame_for() {
        for (mails, one_of, class, expected) in [
            // Too few to say anything.
            (4, 1, Refusal::Sender, false),
            (5, 1, Refusal::Sender, true),
            (8, 2, Refusal::Sender, false),
            (10, 2, Refusal::Sender, true),
            (50, 10, Refusal::Sender, true),
            (100_000, 11, Refusal::Sender, false),
            (10_005, 2_001, Refusal::Sender, false),
            // Nobody's fault.
            (100, 1, Refusal::Address, false),
            (100, 1, Refusal::Content, false),
        ] {
            let found = rests(mails, one_of, class);
            assert_eq!(found, expected, "{class:?}: one of {one_of} of {mails} mails");
        }
    }

    #[test]
    fn a_rest_for_faults_ends_and_what_led_to_it_is_forgotten() {
        let rest = Rest::default();
        let fault = |second| rest.learn(&refused(Refusal::Sender), at(second));
        assert!(![0, 1, 120, 599].into_iter().any(fault));
        // Those of the first span are too old.
        assert!(!fault(600) && !fault(601));
        assert_eq!(rest.until(at(601)), None);
        assert!(fault(602));
        assert_eq!(rest.until(at(602)), Some(at(1_202)));
        assert_eq!(rest.until(at(1_202)), None);
        assert_eq!(rest.until(at(500)), None, "the clock was set back");
        assert!(!rest.is_down());
        assert!(!fault(1_203), "it begins anew");
    }

    #[test]
    fn what_was_taken_long_ago_or_after_now_excuses_nothing() {
        let rest = Rest::default();
        for second in [0, 9_000] {
            (0..1_000).for_each(|_| assert!(!rest.learn(&taken(), at(second))));
        }
        let mut faults = (0..5).map(|_| rest.learn(&refused(Refusal::Sender), at(700)));
        assert_eq!(faults.position(|rests| rests), Some(4));
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
        rest.learn(&taken(), at(10));
        let rests: Vec<bool> = (0..5).map(|_| rest.learn(&early, at(11))).collect();
        assert_eq!((rest.is_down(), rests), (true, vec![false, false, false, false, true]));
    }
}
