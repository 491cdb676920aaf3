//! How fast Lotse is, as figures beside a floor that is measured in the same run: `cargo bench`, or `cargo bench --
//! transitions mail` for some of them. Two cores are meant, and nothing else at work.

#![allow(clippy::disallowed_methods, reason = "a bench looks at the clock, and calls nobody but itself")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    reason = "a bench that finds something amiss fails"
)]

mod check;
mod mail;
mod open;
mod parse;
mod replay;
mod tests;
mod transitions;
mod world;

use std::time::Duration;

/// The one of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    if wanted("check") {
        check::run();
    }
    if wanted("parse") {
        parse::run();
    }
    if wanted("tests") {
        // It brings a runtime of its own.
        tokio::task::spawn_blocking(tests::run).await.unwrap();
    }
    if wanted("transitions") {
        transitions::run().await;
    }
    if wanted("mail") {
        mail::run().await;
    }
    if wanted("open") {
        open::run().await;
    }
    if wanted("replay") {
        replay::run().await;
    }
}

/// How many in a second.
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// A figure beside its floor.
fn figure(what: &str, reached: f64, floor: f64, unit: &str, needed: &str) {
    println!("{what}: {reached:.0} {unit}, floor {floor:.0}, ratio {:.2}; needed {needed}", reached / floor);
}
