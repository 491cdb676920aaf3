//! Calls to other people's systems: webhooks, hand-offs, alerts, channels over HTTP.
//!
//! They follow Standard Webhooks 1.0.0 (<https://www.standardwebhooks.com>): a POST of JSON with an id that is
//! the same on every attempt, the time of the attempt, and a signature over both and the body. Where they
//! may go is watched over by a guard, since an address typed into a file may point into our own network.

mod client;
mod guard;
mod sign;

pub use client::{CallOutcome, Endpoint, Receiver};
pub use guard::{AllowList, GuardError};
pub use sign::{Secret, SecretError};
