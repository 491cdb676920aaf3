//! Whether one of several shares is beyond doubt the largest, however often one looks.
//!
//! A test that is made for one look at the end is wrong far more often than it says when somebody looks every day and
//! stops at the first good day. This one may be looked at after every single outcome: with all shares alike, the
//! probability that it ever names a winner, at any time, is at most [`ERROR_RATE`].
//!
//! Each share gets a confidence sequence: an interval that holds the true share at all times together. For outcomes
//! of the share p, the likelihood under a share drawn from the uniform distribution over that under p,
//! `B(1 + s, 1 + f) / (p^s (1 - p)^f)` after s successes and f failures, is a martingale that begins at 1, and so by
//! Ville's inequality ever reaches 1 / α with probability α at the most. The interval holds each p for which it is below
//! that. This is the beta-binomial mixture of H. Robbins, Statistical methods related to the law of the iterated
//! logarithm, Ann. Math. Statist. 41 (1970), 1397–1409; see S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon,
//! Time-uniform, nonparametric, nonasymptotic confidence sequences, Ann. Statist. 49 (2021), 1055–1080, section 3.

use libm::lgamma;

/// How often at the most a winner is named where there is none.
pub const ERROR_RATE: f64 = 0.05;

/// Outcomes of one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// How many there are.
    pub count: u64,
    /// How many of them are successes.
    pub successes: u64,
}

/// The variant whose share of successes is beyond doubt larger than that of every other: its interval lies above all
/// others. Each interval is as wide as it must be for all of them to hold together.
pub fn winner(variants: &[Outcomes]) -> Option<usize> {
    #[expect(clippy::cast_precision_loss, reason = "nobody writes 2^53 variants")]
    let rate = ERROR_RATE / variants.len().max(1) as f64;
    let intervals: Vec<(f64, f64)> = variants.iter().map(|outcomes| interval(*outcomes, rate)).collect();
    intervals.iter().enumerate().position(|(index, (low, _))| {
        let mut others = intervals.iter().enumerate().filter(|(other, _)| *other != index).peekable();
        others.peek().is_some() && others.all(|(_, (_, high))| low > high)
    })
}

/// The shares that are not excluded: the true one is among them at all times but with the probability `rate`.
fn interval(outcomes: Outcomes, rate: f64) -> (f64, f64) {
    let successes = outcomes.successes.min(outcomes.count);
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 contacts")]
    let (successes, failures) = (successes as f64, (outcomes.count - successes) as f64);
    (lowest(successes, failures, rate), 1.0 - lowest(failures, successes, rate))
}

/// The lowest share that is not excluded.
fn lowest(successes: f64, failures: f64, rate: f64) -> f64 {
    /// Halving this often leaves nothing that a number could tell apart.
    const HALVINGS: u32 = 60;
    if successes == 0.0 {
        return 0.0;
    }
    let mixture = lgamma(1.0 + successes) + lgamma(1.0 + failures) - lgamma(2.0 + successes + failures);
    let excluded = |share: f64| mixture - successes * share.ln() - failures * (-share).ln_1p() >= -rate.ln();
    // Below what was seen, the further away a share is the more speaks against it.
    let (mut low, mut high) = (0.0, successes / (successes + failures));
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if excluded(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(variants: &[(u64, u64)]) -> Vec<Outcomes> {
        variants.iter().map(|(successes, count)| Outcomes { count: *count, successes: *successes }).collect()
    }

    #[test]
    fn a_winner_is_beyond_doubt() {
        for (variants, expected) in [
            (&[][..], None),
            (&[(9, 10)], None),
            (&[(0, 0), (0, 0)], None),
            (&[(0, 0), (50, 50)], None),
            (&[(10, 100), (20, 100)], None),
            (&[(100, 1_000), (200, 1_000)], Some(1)),
            (&[(200, 1_000), (100, 1_000)], Some(0)),
            (&[(200, 1_000), (100, 1_000), (195, 1_000)], None),
            (&[(200, 1_000), (100, 1_000), (99, 1_000)], Some(0)),
            (&[(0, 100), (100, 100)], Some(1)),
            (&[(5_000_000, 100_000_000), (5_100_000, 100_000_000)], Some(1)),
        ] {
            assert_eq!(winner(&outcomes(variants)), expected, "{variants:?}");
        }
    }

    /// By hand: after one success the mixture is 1/2, so that a share p is excluded at the rate α where 1 / (2 p) ≥ 1 / α.
    #[test]
    fn an_interval_is_what_it_is_by_hand() {
        let near = |(low, high): (f64, f64), (wanted_low, wanted_high): (f64, f64)| {
            (low - wanted_low).abs() < 1e-12 && (high - wanted_high).abs() < 1e-12
        };
        let of = |successes, count| interval(Outcomes { count, successes }, 0.05);
        assert!(near(of(0, 0), (0.0, 1.0)));
        assert!(near(of(1, 1), (0.025, 1.0)));
        assert!(near(of(0, 1), (0.0, 0.975)));
        // Two successes: 1 / (3 p²) ≥ 20.
        assert!(near(of(2, 2), ((1.0_f64 / 60.0).sqrt(), 1.0)));
    }

    /// A stream of numbers between 0 and 1 (SplitMix64, S. Vigna 2015), the same on every machine.
    struct Stream(u64);

    impl Stream {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
            let number = ((z ^ (z >> 31)) >> 11) as f64;
            number / 9_007_199_254_740_992.0
        }
    }

    /// Runs an experiment whose variants have these true shares, looks after every outcome, and stops at the first
    /// winner.
    fn experiment(stream: &mut Stream, shares: &[f64], contacts: u32) -> Option<usize> {
        let mut variants = vec![Outcomes::default(); shares.len()];
        for _ in 0..contacts {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let variant = (stream.next() * shares.len() as f64) as usize;
            variants[variant].count += 1;
            variants[variant].successes += u64::from(stream.next() < shares[variant]);
            if let Some(winner) = winner(&variants) {
                return Some(winner);
            }
        }
        None
    }

    #[test]
    fn looking_after_every_outcome_names_a_winner_without_one_no_more_often_than_it_says() {
        const EXPERIMENTS: u32 = 400;
        for shares in [&[0.5, 0.5][..], &[0.1, 0.1], &[0.3, 0.3, 0.3]] {
            let mut stream = Stream(7);
            let wrong = (0..EXPERIMENTS).filter(|_| experiment(&mut stream, shares, 300).is_some()).count();
            assert!(
                wrong as f64 <= ERROR_RATE * f64::from(EXPERIMENTS),
                "{wrong} of {EXPERIMENTS}, {shares:?}"
            );
        }
    }

    /// That the test above can fail: a look at two standard errors after every outcome is far too eager.
    #[test]
    fn a_test_for_one_look_is_wrong_when_one_looks_often() {
        let mut stream = Stream(7);
        let eager = |variants: [Outcomes; 2]| {
            let [(p, m), (q, n)] =
                variants.map(|of| (of.successes as f64 / of.count as f64, of.count as f64));
            (p - q).abs() > 1.96 * (p * (1.0 - p) / m + q * (1.0 - q) / n).sqrt()
        };
        let mut wrong = 0;
        for _ in 0..400 {
            let mut variants = [Outcomes::default(); 2];
            for contact in 0..300 {
                variants[contact % 2].count += 1;
                variants[contact % 2].successes += u64::from(stream.next() < 0.5);
                if contact > 20 && eager(variants) {
                    wrong += 1;
                    break;
                }
            }
        }
        assert!(wrong > 80, "{wrong} of 400");
    }

    #[test]
    fn a_difference_is_found_and_the_right_way_round() {
        let mut stream = Stream(11);
        let mut found = [0; 3];
        for _ in 0..50 {
            match experiment(&mut stream, &[0.1, 0.3], 1_000) {
                Some(variant) => found[variant] += 1,
                None => found[2] += 1,
            }
        }
        assert!(found[0] == 0 && found[1] >= 48, "{found:?}");
    }
}
