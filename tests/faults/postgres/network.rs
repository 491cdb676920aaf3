//! Connections that break, and connections that stay and say nothing.

use std::time::{Duration, Instant};

use super::super::number;
use super::proxy::Fault;
use super::{Stand, WEB, WORKER};
use crate::program::wait_for;

/// How many messages go by until the last cut, and how far the cuts are apart where nothing else is asked for.
const MESSAGES: u64 = 240;
const APART: u64 = 9;
const COMMITS: u64 = 12;
/// How long the program may take to notice that nobody answers: a statement may take a second, and five its answer.
const NOTICED: Duration = Duration::from_secs(12);

/// `LOTSE_CUTS=1` cuts behind each single message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_anywhere_costs_nothing() {
    let apart = number("LOTSE_CUTS", APART);
    let places: Vec<u64> = (1..=MESSAGES).step_by(usize::try_from(apart).unwrap()).collect();
    let people = places.len() as u64 + COMMITS + 1;
    let Some(stand) = Stand::new("cuts", "", people).await else { return };
    let running = tokio::task::block_in_place(|| stand.workspace.run());
    let places = places.into_iter().map(Fault::CutAfter);
    // Nobody knows what became of a commit whose answer is lost.
    let faults: Vec<Fault> = places.chain((0..COMMITS).map(|_| Fault::CutAfterCommit)).collect();
    for (person, fault) in (0..).zip(&faults) {
        stand.proxy.strike(*fault);
        stand.comes(person).await;
        let all = person + 1;
        tokio::task::block_in_place(|| wait_for("a fault", || (stand.proxy.struck() == all).then_some(())));
    }
    assert!(!stand.proxy.calm());
    stand.comes(people - 1).await;
    stand.everybody_got_both(people);
    println!("{} cuts", stand.proxy.struck());
    tokio::task::block_in_place(|| running.end());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_falls_silent_is_noticed() {
    let Some(stand) = Stand::new("silence", "", 30).await else { return };
    let (web, worker) =
        tokio::task::block_in_place(|| (stand.workspace.run_with(&WEB), stand.workspace.run_with(&WORKER)));
    for person in 0..10 {
        stand.comes(person).await;
    }
    // Every connection that is open now stays open and never says anything again.
    stand.proxy.silence(true);
    let begun = now();
    assert!(!stand.signs_up(10).await, "nothing can be lasting");
    println!("said no after {:?}", begun.elapsed());
    assert!(begun.elapsed() < NOTICED, "{:?}", begun.elapsed());
    assert!(!stand.is_ready().await);
    stand.proxy.silence(false);
    let begun = now();
    for person in 10..30 {
        stand.comes(person).await;
    }
    println!("took again after {:?}", begun.elapsed());
    assert!(begun.elapsed() < NOTICED, "{:?}", begun.elapsed());
    stand.everybody_got_both(30);
    assert!(stand.is_ready().await);
    tokio::task::block_in_place(|| {
        worker.end();
        web.end();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_sign_of_life_is_cut_off_goes_on_under_its_number() {
    const ROUNDS: u64 = 5;
    const EACH: u64 = 12;
    const NUMBERS: &str = "SELECT string_agg(n::text, ' ' ORDER BY n) FROM (
        SELECT classid::bigint << 32 | objid::bigint AS n FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted) AS l";
    const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted";
    let Some(stand) = Stand::new("signs", "", ROUNDS * EACH).await else { return };
    let running = tokio::task::block_in_place(|| {
        (stand.workspace.run(), stand.workspace.run_with(&WORKER), stand.workspace.run_with(&WORKER))
    });
    let numbers = stand.ask(NUMBERS);
    assert_eq!(numbers.split(' ').count(), 3, "{numbers}");
    for round in 0..ROUNDS {
        for person in round * EACH..(round + 1) * EACH {
            stand.comes(person).await;
            if person % EACH == EACH / 2 {
                stand.ask(END);
            }
        }
        tokio::task::block_in_place(|| {
            wait_for("the same numbers", || (stand.ask(NUMBERS) == numbers).then_some(()))
        });
    }
    stand.everybody_got_both(ROUNDS * EACH);
    tokio::task::block_in_place(|| drop(running));
}

#[expect(clippy::disallowed_methods, reason = "it is measured how long the world takes")]
fn now() -> Instant {
    Instant::now()
}
