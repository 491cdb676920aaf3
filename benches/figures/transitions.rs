//! Durable turns on both databases, beside bare set-based SQL that writes the same rows in batches of the same size
//! with the same durability; and the same in tables as they are after years. `LOTSE_BENCH_FULL=1` has all of the ten
//! million runs in them, a tenth is the default.

use lotse::bench::{Backlog, Scratch, TurnsBench, turns};

use super::places::{Kind, scratch};
use super::show;

const EMPTY: TurnsBench =
    TurnsBench { people: 100_000, at_once: 1, backlog: Backlog { contacts: 0, ended_each: 0 }, floor: true };

pub async fn run() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        for at_once in kind.at_once() {
            let Some(scratch) = scratch(kind).await else { continue };
            let bench = TurnsBench { people: super::people(EMPTY.people), at_once: *at_once, ..EMPTY };
            let figure = turns(&scratch, bench).await.unwrap();
            show(&format!("{kind:?}, {at_once} at once"), &figure, "0.50");
            scratch.end().await.unwrap();
        }
    }
}

/// Turns in tables with a million contacts who wait and ten million runs that have ended, beside those in empty tables.
pub async fn run_full() {
    let contacts = if std::env::var_os("LOTSE_BENCH_FULL").is_some() { 1_000_000 } else { 100_000 };
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let mut rates = Vec::new();
        for backlog in [Backlog::default(), Backlog { contacts, ended_each: 10 }] {
            let Some(scratch) = scratch(kind).await else { continue };
            let people = super::people(EMPTY.people);
            let bench = TurnsBench { people, at_once: kind.at_once()[0], backlog, floor: false };
            rates.push(turns(&scratch, bench).await.unwrap().reached);
            Scratch::end(scratch).await.unwrap();
        }
        if let [empty, full] = rates[..] {
            println!(
                "durable turns on {kind:?} among {contacts} who wait and {} runs that have ended: {full:.0} turns/s, \
                in empty tables {empty:.0}, ratio {:.2}; needed 0.90",
                10 * contacts,
                full / empty
            );
        }
    }
}
