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
#[allow(dead_code, reason = "tests look at more of it")]
#[path = "../../tests/program/counting.rs"]
mod counting;
#[cfg(feature = "lsp")]
mod desk;
mod memory;
mod parse;
mod places;
mod process;
mod replay;
mod tests;
mod transitions;

use lotse::bench::{Figure, hits, intake, mail};
use lotse::track::HitKind;
use places::Kind;

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
    #[cfg(feature = "lsp")]
    if wanted("desk") {
        desk::run();
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
    if wanted("full") {
        transitions::run_full().await;
    }
    for (name, needed) in
        [("batch", "0.50"), ("mail", "15,000 mails/s and 0.40"), ("open", "0.50"), ("click", "0.50")]
    {
        if wanted(name) {
            one(name, needed).await;
        }
    }
    if wanted("idle") {
        process::run_idle().await;
    }
    if wanted("memory") {
        process::run_memory().await;
    }
    if wanted("workers") {
        process::run_workers().await;
    }
    if wanted("replay") {
        replay::run().await;
    }
}

/// One figure on each database.
async fn one(name: &str, needed: &str) {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let Some(scratch) = places::scratch(kind).await else { continue };
        let figure = match name {
            "batch" => intake(&scratch, people(50_000), 4).await,
            "mail" => mail(&scratch, people(30_000)).await,
            "open" => hits(&scratch, HitKind::Open, people(20_000)).await,
            _ => hits(&scratch, HitKind::Click, people(20_000)).await,
        };
        show(&format!("{kind:?}"), &figure.unwrap(), needed);
        scratch.end().await.unwrap();
    }
}

/// How many take part: as many as a figure is meant for, or `LOTSE_BENCH_PEOPLE`.
fn people(meant: u32) -> u32 {
    std::env::var("LOTSE_BENCH_PEOPLE").map_or(meant, |people| people.parse().unwrap())
}

/// A figure beside its floor, with where it was measured.
fn show(place: &str, figure: &Figure, needed: &str) {
    let Figure { what, unit, reached, floor } = figure;
    println!(
        "{what} on {place}: {reached:.0} {unit}, floor {floor:.0}, ratio {:.2}; needed {needed}",
        figure.ratio()
    );
}
