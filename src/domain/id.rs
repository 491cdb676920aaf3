use std::fmt;
use std::hash::Hasher;
use std::str::FromStr;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;
use uuid::Uuid;

use crate::time::Moment;

/// How many slots contacts are spread over. Fixed for ever: it is in every key.
pub const SLOT_COUNT: u16 = 256;

/// The part of the data a contact belongs to. Everything a turn touches carries it and leads its keys with it,
/// so that the data can be spread over many databases by slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub u16);

impl Slot {
    /// The slot of any key: SipHash-2-4 under a key of its own, spread evenly over [`SLOT_COUNT`].
    pub fn of_bytes(bytes: &[u8]) -> Slot {
        let mut hasher = SipHasher24::new_with_keys(0x6c6f_7473_655f_736c, 0x6f74_5f76_315f_5f5f);
        hasher.write(bytes);
        let spread = (u128::from(hasher.finish()) * u128::from(SLOT_COUNT)) >> 64;
        Slot(u16::try_from(spread).unwrap_or(0))
    }
}

/// Declares the kinds of ids: 16 bytes each, made by the program from what they name.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Its 16 bytes.
            pub fn bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A person.
    ContactId
    /// Something that happened to a person.
    EventId
    /// A person in a journey.
    RunId
    /// A message that was decided on, sent or not.
    MessageId
    /// A webhook call, a hand-off or an alert; also the `webhook-id` on the wire and the lead's id.
    CallId
}

impl ContactId {
    /// The slot of the contact, and of everything that belongs to it.
    pub fn slot(self) -> Slot {
        Slot::of_bytes(self.0.as_bytes())
    }
}

/// Makes ids from what they name, so that doing a thing again makes the same id and changes nothing.
///
/// The id begins with a moment, in milliseconds, so that ids made one after the other lie beside each other
/// in an index, and ends with SHA-256 of the parts (UUID version 8, RFC 9562 section 5.8).
pub struct IdHasher {
    context: digest::Context,
}

impl IdHasher {
    /// Begins an id; `kind` keeps ids of different kinds apart that are made from the same parts.
    pub fn new(kind: &str) -> Self {
        let mut hasher = Self { context: digest::Context::new(&digest::SHA256) };
        hasher.update(kind.as_bytes());
        hasher
    }

    /// Adds a part. Parts are told apart: `ab` and `c` is not `a` and `bc`.
    #[must_use]
    pub fn part(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.update(bytes.as_ref());
        self
    }

    fn update(&mut self, bytes: &[u8]) {
        self.context.update(&(bytes.len() as u64).to_be_bytes());
        self.context.update(bytes);
    }

    /// The id, sorted among others by `moment`.
    pub fn finish(self, moment: Moment) -> Uuid {
        let hash = self.context.finish();
        let mut bytes = [0_u8; 16];
        let millis = u64::try_from(moment.micros() / 1_000).unwrap_or(0);
        let (prefix, rest) = bytes.split_at_mut(6);
        prefix.copy_from_slice(millis.to_be_bytes().get(2..).unwrap_or(&[0; 6]));
        rest.copy_from_slice(hash.as_ref().get(..10).unwrap_or(&[0; 10]));
        Uuid::new_v8(bytes)
    }
}

/// The id of what a step of a run decides, the same whenever the turn is made again. `cause` is when that happened
/// which moved the run.
pub fn id_of_step(kind: &str, run: RunId, step: u32, cause: Moment) -> Uuid {
    IdHasher::new(kind).part(run.bytes()).part(step.to_be_bytes()).finish(cause)
}

/// Whether an id is that of a step of a run, whatever moved it.
pub fn is_of_step(id: Uuid, kind: &str, run: RunId, step: u32) -> bool {
    // The moment stands in the first six bytes, everything else behind.
    let expected = id_of_step(kind, run, step, Moment::from_seconds(0));
    id.as_bytes().iter().zip(expected.as_bytes()).skip(6).all(|(byte, expected)| byte == expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_never_change() {
        // These constants are a promise: data on disks depends on them.
        assert_eq!(Slot::of_bytes(b""), Slot(19));
        assert_eq!(Slot::of_bytes(&[0; 16]), Slot(40));
        assert_eq!(Slot::of_bytes(&[255; 16]), Slot(104));
    }

    #[test]
    fn slots_are_even() {
        let mut counts = vec![0_u32; usize::from(SLOT_COUNT)];
        for number in 0..256_000_u32 {
            counts[usize::from(Slot::of_bytes(&number.to_be_bytes()).0)] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }

    #[test]
    fn ids_come_from_their_parts() {
        let at = Moment::from_seconds(1_800_000_000);
        let id = |a: &str, b: &str| IdHasher::new("test").part(a).part(b).finish(at);
        assert_eq!(id("ab", "c"), id("ab", "c"));
        assert_ne!(id("ab", "c"), id("a", "bc"));
        assert_ne!(id("ab", "c"), IdHasher::new("other").part("ab").part("c").finish(at));
        assert!(id("a", "b") < IdHasher::new("test").part("a").part("b").finish(at.plus_seconds(1)));
        assert_eq!(id("a", "b").get_version_num(), 8);
    }

    #[test]
    fn the_id_of_a_step_is_known_again() {
        let run = RunId(IdHasher::new("run").finish(Moment::from_seconds(5)));
        let id = id_of_step("message", run, 3, Moment::from_seconds(1_800_000_000));
        assert!(is_of_step(id, "message", run, 3));
        assert!(!is_of_step(id, "message", run, 4));
        assert!(!is_of_step(id, "call", run, 3));
        assert!(!is_of_step(id, "message", RunId::default(), 3));
    }
}
