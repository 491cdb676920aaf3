//! Several processes in one virtual world over one PostgreSQL database: one for the web, at which people come in, and
//! workers. Each of them dies now and then while the others go on, loses its connections for a while, or stands still until
//! it is taken for dead, and then goes on with what it had taken.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lotse::runtime::{Runtime, Works, load_plans};
use lotse::store::{Store, StoreError};
use lotse::time::{Clock, Moment, TimeZone};
use tokio::sync::watch;

use super::faulty::Faulty;
use super::script::{Actor, Due};
use super::world::{Life, SimulatedClock};
use super::{FACTOR, FACTOR_CALM, GRACE, Kept, Setting, Shared, outside, until_quiet};

/// How many workers there are.
const WORKERS: usize = 2;
/// How often each process dies at the most, and how many steps it takes until then.
const DEATHS_MAX: u64 = 3;
const STEPS_MAX: u64 = 2_500;
/// How long it stays dead at the most, in seconds of its clock.
const DEAD_SECONDS_MAX: u64 = 1_800;
/// How often a worker loses its connections, and for how long at the most, in seconds of its clock.
const CUT_EVERY_SECONDS: u64 = 20_000;
const CUT_SECONDS_MAX: u64 = 900;
/// How often a worker stands still at the most between its start and its death.
const STALLS_MAX: u64 = 2;
/// How long it does before it is taken for dead: what the last gate has let through has run out by then.
const STILL: Duration = Duration::from_millis(1_100);
/// How long it still does then at the most; less where another begins to hand something over.
const DEAD_MILLIS_MAX: u64 = 5_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Web,
    Worker,
}

/// Lives until the script is over; says when that was. Calm, until nothing is left to do.
pub fn live(setting: &Setting, kept: &Kept, now: Moment, due: &Mutex<Vec<Due>>) -> Moment {
    let calm = setting.world.faults().is_none();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let ended = runtime.block_on(async {
        let clock = Arc::new(SimulatedClock::new(now, if calm { FACTOR_CALM } else { FACTOR }));
        let (over, _) = watch::channel(false);
        let house = House { setting, kept, clock: Arc::clone(&clock), due, over, calm, born: Cell::new(0) };
        let workers: [_; WORKERS] = [house.keep_up(Part::Worker), house.keep_up(Part::Worker)];
        let [one, other] = workers;
        tokio::join!(house.keep_up(Part::Web), one, other);
        clock.now()
    });
    drop(runtime);
    ended
}

struct House<'h> {
    setting: &'h Setting,
    kept: &'h Kept,
    clock: Arc<SimulatedClock>,
    due: &'h Mutex<Vec<Due>>,
    /// Whether all is done.
    over: watch::Sender<bool>,
    calm: bool,
    /// How many processes there have been.
    born: Cell<u64>,
}

impl House<'_> {
    /// Starts a process, again where it died, until all is done.
    async fn keep_up(&self, part: Part) {
        let world = &self.setting.world;
        let deaths = if self.calm { 0 } else { world.chance().below(DEATHS_MAX + 1) };
        for _ in 0..deaths {
            let fuse = 20 + world.chance().below(STEPS_MAX);
            if !self.live_once(part, Some(fuse)).await {
                return;
            }
            let dead = i64::try_from(world.chance().below(DEAD_SECONDS_MAX)).unwrap();
            self.clock.sleep_until(self.clock.now().plus_seconds(dead)).await;
            if *self.over.borrow() {
                return;
            }
        }
        self.live_once(part, None).await;
    }

    /// One process from its start to its end; whether it died.
    async fn live_once(&self, part: Part, fuse: Option<u64>) -> bool {
        let world = &self.setting.world;
        self.born.set(self.born.get() + 1);
        let process = format!("process_{}", self.born.get());
        let store = self.kept.open_as(&process);
        let life = Arc::new(Life::new(Arc::clone(&self.clock), fuse));
        let faulty =
            Arc::new(Faulty::new(Arc::clone(&store), Arc::clone(world), Arc::clone(&life), self.kept.side()));
        let died = tokio::select! {
            biased;
            () = life.died() => true,
            () = self.cut(part, &life, &faulty) => false,
            () = self.bury(part, &life, &faulty, &process) => false,
            () = self.work(part, Arc::clone(&faulty) as Arc<dyn Store>, &life) => false,
        };
        if died {
            world.note(|| format!("{} a process dies", self.clock.now()));
            faulty.undo();
        }
        if let Some(side) = self.kept.side() {
            std::thread::scope(|scope| scope.spawn(|| side.block_on(store.close())).join().unwrap());
        }
        died
    }

    /// Takes the connections of a worker away, again and again.
    async fn cut(&self, part: Part, life: &Life, faulty: &Faulty) {
        let world = &self.setting.world;
        if part != Part::Worker || self.calm {
            return std::future::pending().await;
        }
        loop {
            let seconds = i64::try_from(world.chance().below(CUT_EVERY_SECONDS)).unwrap();
            self.clock.sleep_until(self.clock.now().plus_seconds(seconds)).await;
            let seconds = i64::try_from(world.chance().below(CUT_SECONDS_MAX)).unwrap();
            let until = self.clock.now().plus_seconds(seconds);
            world.note(|| format!("{} a worker is cut off until {until}", self.clock.now()));
            life.cut_until.store(until.micros(), Ordering::SeqCst);
            faulty.undo();
        }
    }

    /// Has others take a worker for dead that stands still, and has it go on again.
    async fn bury(&self, part: Part, life: &Life, faulty: &Faulty, process: &str) {
        let world = &self.setting.world;
        if part != Part::Worker || self.calm {
            return std::future::pending().await;
        }
        life.may_stall(STALLS_MAX);
        loop {
            life.wait_until(true).await;
            world.note(|| format!("{} {process} stands still", self.clock.now()));
            tokio::time::sleep(STILL).await;
            faulty.undo();
            self.kept.take_for_dead(process);
            let longest = Duration::from_millis(world.chance().below(DEAD_MILLIS_MAX));
            let _ = tokio::time::timeout(longest, world.begins.notified()).await;
            self.kept.wait_for_life(process);
            world.note(|| format!("{} {process} goes on", self.clock.now()));
            life.go_on();
        }
    }

    async fn work(&self, part: Part, store: Arc<dyn Store>, life: &Arc<Life>) {
        let works = loop {
            match self.start(part, &store, life).await {
                Ok(works) => break works,
                // Whoever starts it tries again.
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        };
        if part == Part::Worker {
            let _ = self.over.subscribe().wait_for(|over| *over).await;
            return works.end(GRACE).await;
        }
        let (world, journeys) = (Arc::clone(&self.setting.world), Arc::clone(&self.setting.journeys));
        let actor = Actor { world, life: Arc::clone(life), works, store: Arc::clone(&store), journeys };
        actor.act(self.due).await;
        if self.calm {
            until_quiet(&*store, &self.clock).await;
        } else {
            self.clock.sleep_until(self.clock.now().plus_seconds(3_600)).await;
        }
        let _ = self.over.send(true);
        actor.works.end(GRACE).await;
    }

    async fn start(&self, part: Part, store: &Arc<dyn Store>, life: &Arc<Life>) -> Result<Works, StoreError> {
        let plans = load_plans(&**store).await?;
        let assign = self.setting.journeys.first().0.assign.clone();
        let runtime = Arc::new(Runtime::new(Arc::clone(store), plans, TimeZone::UTC, assign));
        let clock: Arc<dyn Clock> = Arc::new(Shared(Arc::clone(life)));
        match part {
            Part::Web => Works::start_for_web(runtime, clock).await,
            Part::Worker => {
                let outbound = Arc::new(outside::outbound(&self.setting.world, life));
                Works::start(runtime, outbound, clock).await
            }
        }
    }
}
