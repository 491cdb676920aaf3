//! Stores that break a promise. Whoever looks for what is lost or doubled must find it: a simulation that cannot go wrong
//! proves nothing.

use super::{search, told};

/// Something that a store promises, and this one does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// What is under way is nobody else's: a claim takes it once more.
    TakesOnce,
    /// The last gate opens for what waits and is allowed: it opens for everything.
    GateHolds,
    /// What was being handed over when a process ended is sent by nobody again: it is.
    UnsureStays,
    /// What was committed is there: now and then it is not.
    CommitLasts,
}

/// How often a commit is lost, in thousandths.
pub const LOST: u64 = 5;
/// Within how many seeds each must be found.
const SEEDS: u64 = 200;

#[test]
fn each_broken_promise_is_found() {
    for (broken, said) in [
        (Broken::TakesOnce, "was taken 2 times"),
        (Broken::GateHolds, "began to go after its topic had been refused"),
        (Broken::UnsureStays, "was taken 2 times"),
        (Broken::CommitLasts, "was answered for, and is not there"),
    ] {
        let says = |wrong: &[String]| wrong.iter().any(|what| what.contains(said));
        let found = search(0..SEEDS, Some(broken), says);
        let (seed, wrong) = found.first().unwrap_or_else(|| panic!("{broken:?} is not found"));
        let told = told(*seed, wrong);
        assert!(told.starts_with(&format!("seed {seed}: ")) && told.contains(said), "{told}");
    }
}
