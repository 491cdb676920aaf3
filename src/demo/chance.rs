use std::hash::Hasher;

use aws_lc_rs::rand;
use siphasher::sip::SipHasher24;

use crate::http::access::NoChance;

/// Chance that is the same every time: of one purpose, from a fixed seed.
pub(super) struct Chance {
    hasher: SipHasher24,
    drawn: u64,
}

impl Chance {
    /// The chance of somebody for a purpose.
    pub(super) fn of(number: u32, purpose: &str) -> Self {
        let mut hasher = SipHasher24::new_with_keys(0x6c6f_7473_655f_6465, 0x6d6f_5f73_6565_6431);
        hasher.write_u32(number);
        hasher.write(purpose.as_bytes());
        Self { hasher, drawn: 0 }
    }

    /// From 0 up to 1.
    pub(super) fn share(&mut self) -> f64 {
        let mut hasher = self.hasher;
        hasher.write_u64(self.drawn);
        self.drawn += 1;
        // 32 bits are enough for chance, and a float holds them.
        let bits = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// Whether something happens that does so in that share of cases.
    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// One of some things, each as likely.
    pub(super) fn one_of<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is below the length")]
        let index = (self.share() * things.len() as f64) as usize;
        things.get(index)
    }

    /// A length of time, in microseconds.
    pub(super) fn hours(&mut self, from: f64, to: f64) -> i64 {
        const HOUR: f64 = 3_600_000_000.0;
        #[expect(clippy::cast_possible_truncation, reason = "hours are few")]
        let micros = ((from + self.share() * (to - from)) * HOUR) as i64;
        micros
    }
}

/// A text nobody can guess: 128 bits in hexadecimal digits.
pub(super) fn secret() -> Result<String, NoChance> {
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes).map_err(|_| NoChance)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
