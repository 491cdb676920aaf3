//! How fast Lotse is on this machine, as figures beside a floor that is measured in the same run: a program that does
//! the same work and nothing else. `lotse bench` measures with it, and so do the project's own benches.
//!
//! Everything happens in a scratch database ([`Scratch`]) that must be empty, on a clock that stands still until it is
//! moved ([`World`]).

mod asker;
mod backlog;
mod floor;
mod hits;
mod intake;
mod line;
mod mail;
mod scratch;
mod turns;
mod world;

use std::time::Duration;

pub use backlog::{Backlog, fill};
pub use hits::hits;
pub use intake::intake;
pub use mail::mail;
pub use scratch::{Place, Scratch};
pub use turns::{TurnsBench, turns};
pub use world::{CONNECTIONS, Working, World};

use crate::store::StoreError;

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The database that was named holds something.
    #[error("{0} holds something already: name one that is empty, for everything in it is taken away")]
    NotEmpty(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The floor's own statements failed.
    #[error("the floor could not be measured: {0}")]
    Floor(#[from] sqlx::Error),
    /// A file or a connection failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// What was measured is not what should have been done.
    #[error("the figure means nothing: {0}")]
    Wrong(String),
}

/// What measuring gives.
pub type Result<T> = std::result::Result<T, BenchError>;

/// A figure beside its floor.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// Of what so many were done in a second.
    pub unit: &'static str,
    /// How many in a second.
    pub reached: f64,
    /// How many in a second a program does that does nothing else.
    pub floor: f64,
}

impl Figure {
    /// The part of the floor that was reached.
    pub fn ratio(&self) -> f64 {
        self.reached / self.floor
    }
}

/// How many in a second.
pub fn rate(count: u64, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate is read by people")]
    let count = count as f64;
    count / took.as_secs_f64()
}

/// Measures how long something takes.
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts.
    #[expect(clippy::disallowed_methods, reason = "what a machine takes is measured on the machine's clock")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// How long ago that was.
    pub fn took(&self) -> Duration {
        self.0.elapsed()
    }
}
