//! A simulation of everything going wrong: the real works (scheduler, writer, mail room, couriers, call center) in
//! virtual time, over a store that fails and among systems that are as bad as they may be, through crashes, clocks that
//! jump and people who change their minds. Everything in it comes from a seed, so that what it finds can be played
//! again: `LOTSE_SEED=N cargo test simulation`. `LOTSE_SEEDS` says how many are tried, `LOTSE_FIRST_SEED` from which on.
//!
//! Afterwards nothing may be lost or doubled: the audit looks at the store, and what the outside remembers is
//! compared with what the store says.

mod breaks;
pub(crate) mod chance;
mod faulty;
mod kept;
mod many;
mod model;
mod outside;
mod plans;
mod script;
mod world;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use lotse::domain::Attributes;
use lotse::runtime::{Runtime, Works, deploy, load_plans};
use lotse::store::{ImportRow, Store, StoreError};
use lotse::time::{Clock, Moment, TimeZone};

use crate::program::postgres::server;
use breaks::Broken;
use chance::Chance;
use faulty::Faulty;
use kept::Kept;
use plans::Journeys;
use script::{Actor, Due, PEOPLE, script};
use world::{Faults, Life, SimulatedClock, World};

/// How many seeds are tried where nothing is said.
const SEEDS: u64 = 2_000;
/// One seed of so many runs on a database on the disk.
const ON_DISK: u64 = 40;
/// One seed of so many runs with several processes on PostgreSQL, where the machine has one; `LOTSE_TOGETHER` says
/// another number.
const TOGETHER: u64 = 400;
/// One seed of so many is played twice, and must go the same way.
const TWICE: u64 = 100;
/// How many times as fast as the time of the runtime clocks run; when all goes well at the end, even faster.
const FACTOR: i64 = 600;
const FACTOR_CALM: i64 = 20_000;
/// How many crashes there are at the most.
const CRASHES_MAX: u64 = 6;
/// How long an end may take, in the time of the runtime.
const GRACE: Duration = Duration::from_secs(600);
/// How long it takes at the most until nothing is left to do, when nothing goes wrong any more.
const CALM_DAYS: i64 = 3;

#[test]
fn nothing_is_lost_or_doubled() {
    if let Some(seed) = number("LOTSE_SEED") {
        let played = play(seed, None);
        played.world.last().iter().for_each(|line| println!("{line}"));
        assert!(played.wrong.is_empty(), "seed {seed}\n{}", played.wrong.join("\n"));
        return;
    }
    let first = number("LOTSE_FIRST_SEED").unwrap_or(0);
    let seeds = number("LOTSE_SEEDS").unwrap_or(SEEDS);
    let wrong = search(first..first + seeds, None, |_| false);
    let text: Vec<String> = wrong.iter().take(20).map(|(seed, found)| told(*seed, found)).collect();
    assert!(wrong.is_empty(), "{} of {seeds} seeds went wrong\n{}", wrong.len(), text.join("\n"));
}

/// Plays seeds over a store that keeps all its promises, or all but one, until what was found is `enough`; tells what went
/// wrong, by seed.
fn search(
    seeds: Range<u64>,
    broken: Option<Broken>,
    enough: impl Fn(&[String]) -> bool + Sync,
) -> Vec<(u64, Vec<String>)> {
    let (next, wrong) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end {
                        return;
                    }
                    let Some(found) = tried(seed, broken) else { continue };
                    if enough(&found) {
                        next.store(seeds.end, Ordering::SeqCst);
                    }
                    wrong.lock().unwrap().push((seed, found));
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    // What was enough stays in front.
    wrong.sort_by_key(|(seed, found)| (!enough(found), *seed));
    wrong
}

fn told(seed: u64, found: &[String]) -> String {
    let found = found.join("\n  ");
    format!("seed {seed}: {found}\n  play it again: LOTSE_SEED={seed} cargo test simulation")
}

/// Whether a seed runs with several processes.
fn is_together(seed: u64) -> bool {
    let each = number("LOTSE_TOGETHER").unwrap_or(TOGETHER);
    seed % each == each / 2
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// What went wrong with a seed.
fn tried(seed: u64, broken: Option<Broken>) -> Option<Vec<String>> {
    let played = match catch_unwind(AssertUnwindSafe(|| play(seed, broken))) {
        Ok(played) => played,
        Err(_) => return Some(vec!["the simulation panicked".to_owned()]),
    };
    if !played.wrong.is_empty() {
        return Some(played.wrong);
    }
    // What several processes do on a server comes in an order of its own.
    let again = (seed.is_multiple_of(TWICE) && !is_together(seed) && broken.is_none())
        .then(|| play(seed, None).world.sum());
    again
        .filter(|sum| *sum != played.world.sum())
        .map(|_| vec!["it goes another way the second time".to_owned()])
}

struct Played {
    world: Arc<World>,
    wrong: Vec<String>,
}

/// Journeys by what becomes of mails whose hand-over nobody can prove.
fn journeys(resends: bool) -> Arc<Journeys> {
    static HOLDING: OnceLock<Arc<Journeys>> = OnceLock::new();
    static RESENDING: OnceLock<Arc<Journeys>> = OnceLock::new();
    if resends {
        Arc::clone(RESENDING.get_or_init(|| Arc::new(Journeys::new("resend"))))
    } else {
        Arc::clone(HOLDING.get_or_init(|| Arc::new(Journeys::new("hold"))))
    }
}

/// Plays a seed over a store that keeps all its promises, or all but one.
fn play(seed: u64, broken: Option<Broken>) -> Played {
    let mut chance = Chance::new(seed);
    let resends = chance.happens(300);
    let jumps_back = chance.happens(125);
    let on_disk = seed % ON_DISK == ON_DISK - 1;
    let server = if is_together(seed) && broken.is_none() { server() } else { None };
    let level = chance.one_of(&[0, 1, 1, 3]);
    let faults = Faults {
        before: 2 * level,
        commit_before: 10 * level,
        commit_after: 10 * level,
        slow: 30 * level,
        outside: chance.one_of(&[0, 100, 300]),
        stall: 100,
    };
    let begin = Moment::from_seconds(1_800_000_000);
    let due = Mutex::new(script(&mut chance, begin, jumps_back));
    let crashes = chance.below(CRASHES_MAX + 1);
    let fuses: Vec<u64> = (0..crashes).map(|_| 20 + chance.below(1_500)).collect();
    let world = Arc::new(World::new(chance, faults, broken));
    let kept = server.map_or_else(|| Kept::new(on_disk), Kept::on_server);
    let journeys = journeys(resends);
    let setting = Setting { world: Arc::clone(&world), journeys };
    kept.look(async |store| people(store, &setting.journeys, begin).await);
    let mut wrong = Vec::new();
    let mut now = begin;
    if server.is_some() {
        // Each process has a clock of its own, and they go together.
        due.lock().unwrap().retain(|due| !due.is_a_jump());
        now = many::live(&setting, &kept, now, &due);
        wrong.extend(kept.look(async |store| model::broken(store, false).await));
        world.calm_down();
        // Whoever died must be known to be dead.
        now = many::live(&setting, &kept, now.plus_seconds(300), &due);
        wrong.extend(kept.look(async |store| model::wrong(store, &world, now, (false, resends)).await));
        return Played { world, wrong };
    }
    for fuse in fuses {
        now = setting.live(&kept, now, &due, Some(fuse));
        world.note(|| format!("{now} it crashes"));
        let broken = kept.look(async |store| model::broken(store, jumps_back).await);
        wrong.extend(broken.into_iter().map(|what| format!("after a crash: {what}")));
        now = now.plus_seconds(i64::try_from(world.chance().below(7_200)).unwrap());
        if due.lock().unwrap().is_empty() || !wrong.is_empty() {
            break;
        }
    }
    now = setting.live(&kept, now, &due, None);
    wrong.extend(kept.look(async |store| model::left_behind(store).await));
    world.calm_down();
    now = setting.live(&kept, now, &due, None);
    wrong.extend(kept.look(async |store| model::wrong(store, &world, now, (jumps_back, resends)).await));
    Played { world, wrong }
}

/// People who allow news, most of them with a phone, some with a clock of their own.
async fn people(store: &dyn Store, journeys: &Journeys, now: Moment) {
    let row = |number: u64| ImportRow {
        external_id: Some(format!("u{number}")),
        email: Some(format!("u{number}@example.org").parse().unwrap()),
        phone: (!number.is_multiple_of(3)).then(|| format!("+49 30 {number}")),
        timezone: number.is_multiple_of(2).then(|| "Europe/Berlin".to_owned()),
        attributes: Attributes::new(),
        allows: vec![("news".to_owned(), true)],
        source: "file".to_owned(),
        ..ImportRow::default()
    };
    let mut unit = store.write().await.unwrap();
    unit.import((0..PEOPLE).map(row).collect(), now).await.unwrap();
    unit.commit().await.unwrap();
    let (checked, sources) = journeys.first();
    deploy(store, checked, sources, "sim", now).await.unwrap();
}

/// What is the same in every life.
struct Setting {
    world: Arc<World>,
    journeys: Arc<Journeys>,
}

impl Setting {
    /// Lives until the script is over, or a crash; says when that was. Calm, it lives until nothing is left to do.
    fn live(&self, kept: &Kept, now: Moment, due: &Mutex<Vec<Due>>, fuse: Option<u64>) -> Moment {
        let calm = self.world.faults().is_none();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let store = kept.open();
        let ended = runtime.block_on(async {
            let clock = Arc::new(SimulatedClock::new(now, if calm { FACTOR_CALM } else { FACTOR }));
            let life = Arc::new(Life::new(clock, fuse));
            let faulty: Arc<dyn Store> = Arc::new(Faulty::new(
                Arc::clone(&store),
                Arc::clone(&self.world),
                Arc::clone(&life),
                kept.side(),
            ));
            let lived = async {
                let works = loop {
                    match self.start(&faulty, &life).await {
                        Ok(started) => break started,
                        // Whoever starts it tries again.
                        Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
                    }
                };
                let (world, journeys) = (Arc::clone(&self.world), Arc::clone(&self.journeys));
                let actor =
                    Actor { world, life: Arc::clone(&life), works, store: Arc::clone(&faulty), journeys };
                actor.act(due).await;
                if calm {
                    until_quiet(&*faulty, &life.clock).await;
                } else {
                    life.clock.sleep_until(life.clock.now().plus_seconds(3_600)).await;
                }
                let Actor { works, .. } = actor;
                works.end(GRACE).await;
            };
            tokio::select! {
                biased;
                () = life.died() => {}
                () = lived => {}
            }
            life.clock.now()
        });
        // Whatever was under way is gone, wherever it was.
        drop(runtime);
        if let Some(side) = kept.side() {
            std::thread::scope(|scope| scope.spawn(|| side.block_on(store.close())).join().unwrap());
        }
        ended
    }

    async fn start(&self, store: &Arc<dyn Store>, life: &Arc<Life>) -> Result<Works, StoreError> {
        let plans = load_plans(&**store).await?;
        let assign = self.journeys.first().0.assign.clone();
        let runtime = Arc::new(Runtime::new(Arc::clone(store), plans, TimeZone::UTC, assign));
        let outbound = Arc::new(outside::outbound(&self.world, life));
        Works::start(runtime, outbound, Arc::new(Shared(Arc::clone(life)))).await
    }
}

/// The clock of a life, as many hold it.
struct Shared(Arc<Life>);

impl Clock for Shared {
    fn now(&self) -> Moment {
        self.0.clock.now()
    }

    fn micros_until(&self, moment: Moment) -> u64 {
        self.0.clock.micros_until(moment)
    }
}

/// Waits until nothing is left to do but what time leads people into.
async fn until_quiet(store: &dyn Store, clock: &SimulatedClock) {
    let end = clock.now().plus_seconds(CALM_DAYS * 86_400);
    clock.sleep_until(end).await;
    loop {
        let due = store.read().await.unwrap().next_due().await.unwrap();
        let is_idle = [due.mails, due.over_http, due.calls].iter().all(Option::is_none)
            && due.turns.is_none_or(|turns| turns > clock.now());
        if is_idle || clock.now() > end.plus_seconds(4 * 86_400) {
            return;
        }
        clock.sleep_until(clock.now().plus_seconds(3_600)).await;
    }
}
