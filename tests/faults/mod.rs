//! What happens to the program: processes that die, peers that misbehave, clocks that jump, inputs nobody meant. Each
//! test ends with what came out, held against the ledger, and with the audit.
//!
//! What takes long is the same test with larger numbers, which environment variables give.

mod calls;
mod clock;
mod disk;
mod due;
mod events;
mod hook;
mod house;
mod kill;
mod mail;
mod poison;
mod post;
mod postgres;
mod versions;

/// A number from the environment, for the long form of a test.
fn number(name: &str, short: u64) -> u64 {
    std::env::var(name).map_or(short, |text| text.parse().unwrap())
}
