use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::domain::ContactId;
use crate::language::plan::Policy;

/// Where a contact falls between 0 and 1 for one purpose of one journey: the same for ever, whatever happens to
/// the journey. SipHash-2-4 under keys of our own; a test holds its values.
pub(super) fn of(purpose: &str, journey: &str, contact: ContactId) -> f64 {
    let mut hasher = SipHasher24::new_with_keys(0x6c6f_7473_655f_7368, 0x6172_655f_7631_5f5f);
    for part in [purpose.as_bytes(), journey.as_bytes(), contact.bytes()] {
        hasher.write(&(part.len() as u64).to_le_bytes());
        hasher.write(part);
    }
    // 53 bits are what a float holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let fraction = (hasher.finish() >> 11) as f64;
    fraction / 9_007_199_254_740_992.0
}

/// Whether a contact is one of those that get no marketing of any journey.
pub(super) fn is_held_out(policy: &Policy, contact: ContactId) -> bool {
    of("holdout", "", contact) < policy.holdout
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn shares_never_change() {
        // Contacts in control groups depend on these constants.
        let share = |journey: &str, id: u128| of("control", journey, ContactId(Uuid::from_u128(id)));
        let text: Vec<String> =
            [share("a", 0), share("a", 1), share("b", 0)].iter().map(|share| format!("{share:.6}")).collect();
        assert_eq!(text, ["0.791825", "0.077607", "0.602471"]);
    }

    #[test]
    fn shares_are_even_and_independent() {
        let below = |journey: &str, limit: f64, id: u128| {
            of("control", journey, ContactId(Uuid::from_u128(id))) < limit
        };
        let both = (0..100_000).filter(|id| below("a", 0.1, *id) && below("b", 0.1, *id)).count();
        let one = (0..100_000).filter(|id| below("a", 0.1, *id)).count();
        assert!((9_600..10_400).contains(&one), "{one}");
        assert!((850..1_150).contains(&both), "{both}");
    }
}
