//! A store that fails: before a commit, after one, now and then, or for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use lotse::domain::*;
use lotse::language::plan::{Needs, Plan};
use lotse::store::*;
use lotse::time::{Clock, Moment, TimeZone};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::breaks::{Broken, LOST};
use super::world::{Life, World, failure};

/// How many read at once.
const READERS: usize = 4;

pub struct Faulty {
    inner: Arc<dyn Store>,
    around: Around,
    open: Open,
    writing: Arc<Mutex<()>>,
    reading: Arc<Semaphore>,
}

impl Faulty {
    /// `side` is where a store lives that needs threads of its own; what is asked of it happens while the time of
    /// the simulation stands still.
    pub fn new(inner: Arc<dyn Store>, world: Arc<World>, life: Arc<Life>, side: Option<Handle>) -> Self {
        Self {
            inner,
            around: Around { world, life, side },
            open: Open::default(),
            writing: Arc::default(),
            reading: Arc::new(Semaphore::new(READERS)),
        }
    }
}

/// What happens around everything that is asked.
#[derive(Clone)]
struct Around {
    world: Arc<World>,
    life: Arc<Life>,
    side: Option<Handle>,
}

impl Around {
    async fn step(&self, what: &'static str) -> Result<()> {
        self.life.step().await;
        let Some(faults) = self.world.faults() else { return Ok(()) };
        let slow = self.world.chance().happens(faults.slow);
        if slow {
            let millis = 1 + self.world.chance().below(300);
            tokio::time::sleep(Duration::from_millis(millis)).await;
            self.life.step().await;
        }
        let now = self.life.clock.now().micros();
        let until = [&self.world.down_until, &self.life.cut_until].map(|until| until.load(Ordering::SeqCst));
        let is_down = until.iter().any(|until| *until > now);
        if is_down || self.world.chance().happens(faults.before) {
            self.world.note(|| format!("the store fails at {what}"));
            return Err(failure(&mut self.world.chance()));
        }
        Ok(())
    }

    /// The process may stop for a while with what it has just taken, or let through.
    async fn stall(&self) {
        let Some(faults) = self.world.faults() else { return self.life.step().await };
        self.life.stall(|| self.world.chance().happens(faults.stall)).await;
    }

    fn breaks(&self, promise: Broken) -> bool {
        self.world.broken == Some(promise)
    }

    async fn run<T: Send>(&self, asked: impl Future<Output = T> + Send) -> T {
        match &self.side {
            Some(side) => {
                let _there = side.enter();
                wait(asked)
            }
            None => asked.await,
        }
    }

    /// What is dropped tells its connection so, where that lives.
    fn drop<T: Send>(&self, unit: T) {
        if let Some(side) = &self.side {
            let _there = side.enter();
            drop(unit);
        }
    }
}

/// Does something to its end while this thread does nothing else: what it waits for happens in others.
fn wait<T>(asked: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    // Nobody else is let have a turn meanwhile.
    let mut asked = pin!(tokio::task::unconstrained(asked));
    loop {
        if let Poll::Ready(answer) = asked.as_mut().poll(&mut Context::from_waker(&waker)) {
            return answer;
        }
        std::thread::park();
    }
}

#[async_trait]
impl Store for Faulty {
    async fn write(&self) -> Result<Box<dyn WriteUnit>> {
        self.around.step("write").await?;
        let turn = Arc::clone(&self.writing).lock_owned().await;
        let inner = self.around.run(self.inner.write()).await?;
        Ok(Box::new(FaultyWriter {
            inner: self.open.begin(inner),
            around: self.around.clone(),
            gated: false,
            _turn: turn,
        }))
    }

    async fn read(&self) -> Result<Box<dyn ReadUnit>> {
        self.around.step("read").await?;
        let place = Arc::clone(&self.reading).acquire_owned().await.unwrap();
        let inner = self.around.run(self.inner.read()).await?;
        Ok(Box::new(FaultyReader {
            inner: self.open.begin(inner),
            around: self.around.clone(),
            _place: place,
        }))
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    async fn claim_messages(
        &self,
        carrier: Carrier,
        now: Moment,
        limit: u32,
        under_way: &[MessageId],
        full: &[String],
        unreadable: &[u32],
    ) -> Result<Vec<ClaimedMessage>> {
        self.around.step("claim_messages").await?;
        let under_way = if self.around.breaks(Broken::TakesOnce) { Default::default() } else { under_way };
        let place = self.reading.acquire().await;
        let claimed = self
            .around
            .run(self.inner.claim_messages(carrier, now, limit, under_way, full, unreadable))
            .await?;
        drop(place);
        if !claimed.is_empty() {
            self.around.stall().await;
        }
        Ok(claimed)
    }

    async fn claim_calls(
        &self,
        now: Moment,
        limit: u32,
        under_way: &[CallId],
        full: &[(CallKind, String)],
        unreadable: &[u32],
    ) -> Result<Vec<ClaimedCall>> {
        self.around.step("claim_calls").await?;
        let _place = self.reading.acquire().await;
        self.around.run(self.inner.claim_calls(now, limit, under_way, full, unreadable)).await
    }

    async fn changes_elsewhere(&self) -> Result<i64> {
        self.around.life.step().await;
        // It is asked over the connection that writes.
        let _turn = self.writing.lock().await;
        self.around.run(self.inner.changes_elsewhere()).await
    }

    async fn pending_migrations(&self) -> Result<usize> {
        self.around.run(self.inner.pending_migrations()).await
    }

    fn connections(&self) -> Vec<Connections> {
        self.inner.connections()
    }

    fn free_bytes(&self) -> Option<u64> {
        self.inner.free_bytes()
    }

    async fn close(&self) {
        self.around.run(self.inner.close()).await;
    }
}

/// What a process has open at its store: when it dies, all of that is undone.
#[derive(Default)]
struct Open(std::sync::Mutex<Vec<Weak<dyn Undo>>>);

impl Open {
    fn begin<T: ?Sized + Send + 'static>(&self, unit: Box<T>) -> Arc<Slot<T>> {
        let slot = Arc::new(Slot(std::sync::Mutex::new(Some(unit))));
        let mut open = self.0.lock().unwrap();
        open.retain(|slot| slot.strong_count() > 0);
        let undo: Arc<dyn Undo> = Arc::<Slot<T>>::clone(&slot);
        open.push(Arc::downgrade(&undo));
        slot
    }
}

/// A transaction, where nobody uses it just now.
struct Slot<T: ?Sized>(std::sync::Mutex<Option<Box<T>>>);

impl<T: ?Sized> Slot<T> {
    fn take(&self) -> Option<Box<T>> {
        self.0.lock().unwrap().take()
    }

    fn put(&self, unit: Box<T>) {
        *self.0.lock().unwrap() = Some(unit);
    }
}

trait Undo: Send + Sync {
    fn undo(&self, around: &Around);
}

impl<T: ?Sized + Send> Undo for Slot<T> {
    fn undo(&self, around: &Around) {
        if let Some(unit) = self.take() {
            around.drop(unit);
        }
    }
}

impl Faulty {
    /// Has the store undo what is open, as it does where a process has died or its connections are lost.
    pub fn undo(&self) {
        let open = std::mem::take(&mut *self.open.0.lock().unwrap());
        open.iter().filter_map(Weak::upgrade).for_each(|slot| slot.undo(&self.around));
    }
}

struct FaultyWriter {
    inner: Arc<Slot<dyn WriteUnit>>,
    around: Around,
    /// Whether the last gate was asked.
    gated: bool,
    _turn: OwnedMutexGuard<()>,
}

struct FaultyReader {
    inner: Arc<Slot<dyn ReadUnit>>,
    around: Around,
    _place: OwnedSemaphorePermit,
}

impl Drop for FaultyWriter {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            self.around.drop(inner);
        }
    }
}

impl Drop for FaultyReader {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            self.around.drop(inner);
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unreachable { database: "simulated".to_owned(), why: "the connection was lost".to_owned() }
}

/// Each function steps, and then asks the store behind.
macro_rules! forward {
    ($trait:ident for $type:ident { $($more:tt)* } $(fn $name:ident($($arg:ident: $of:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $trait for $type {
            $($more)*
            $(async fn $name(&mut self, $($arg: $of),*) -> Result<$answer> {
                self.around.step(stringify!($name)).await?;
                let Some(mut inner) = self.inner.take() else { return Err(gone()) };
                let answer = self.around.run(inner.$name($($arg),*)).await;
                self.inner.put(inner);
                answer
            })*
        }
    };
}

macro_rules! forward_reading {
    ($type:ident) => {
        forward! { ReadUnit for $type {}
            fn next_due() -> NextDue;
            fn backlog(now: Moment) -> Backlog;
            fn held() -> Option<Hold>;
            fn workspace() -> Option<String>;
            fn find(who: &Who) -> Option<Contact>;
            fn contacts_after(after: Option<ContactId>, limit: u32) -> Vec<(Contact, BTreeMap<String, bool>)>;
            fn latest_contacts(limit: u32) -> Vec<Contact>;
            fn contact_count() -> u64;
            fn permissions(contact: ContactId) -> Vec<Permission>;
            fn runs(contact: ContactId) -> Vec<Run>;
            fn history(contact: ContactId, run: RunId) -> Vec<HistoryStep>;
            fn events(contact: ContactId, limit: u32) -> Vec<StoredEvent>;
            fn messages(contact: ContactId) -> Vec<StoredMessage>;
            fn calls(contact: ContactId) -> Vec<StoredCall>;
            fn goals(contact: ContactId) -> Vec<GoalReached>;
            fn message(key: MessageKey) -> Option<StoredMessage>;
            fn messages_of(keys: &[MessageKey]) -> Vec<StoredMessage>;
            fn decisions(contacts: &[ContactId]) -> BTreeMap<ContactId, BTreeMap<String, bool>>;
            fn call_by_id(call: CallId) -> Option<StoredCall>;
            fn deliveries(which: Deliveries, limit: u32) -> Vec<Delivery>;
            fn quarantined(limit: u32) -> Vec<Quarantined>;
            fn tallies(journey: Option<&str>) -> Vec<TallyRow>;
            fn totals(journey: Option<&str>) -> Vec<TallyRow>;
            fn picked() -> Vec<Picked>;
            fn versions() -> Vec<StoredVersion>;
            fn deployed_at() -> Moment;
            fn deployments() -> Vec<Deployment>;
            fn watch(contact: ContactId) -> Option<Watch>;
            fn tokens() -> Vec<Token>;
            fn access(id: &str) -> Option<Access>;
            fn books(after: Option<ContactId>, limit: u32) -> Books;
            fn merged() -> BTreeSet<ContactId>;
            fn deeds(limit: u32) -> Vec<Deed>;
            fn being_handed_over(contacts: &[ContactId]) -> bool;
        }
    };
}

forward_reading!(FaultyWriter);
forward_reading!(FaultyReader);

forward! { WriteUnit for FaultyWriter {
        async fn commit(self: Box<Self>) -> Result<()> {
            self.around.step("commit").await?;
            let Some(inner) = self.inner.take() else { return Err(gone()) };
            let faults = self.around.world.faults();
            if faults.is_some_and(|faults| self.around.world.chance().happens(faults.commit_before)) {
                self.around.drop(inner);
                self.around.world.note(|| "a commit fails".to_owned());
                return Err(failure(&mut self.around.world.chance()));
            }
            if self.around.breaks(Broken::CommitLasts) && self.around.world.chance().happens(LOST) {
                self.around.drop(inner);
                return Ok(());
            }
            self.around.run(inner.commit()).await?;
            if self.gated {
                self.around.stall().await;
            } else {
                self.around.life.step().await;
            }
            if faults.is_some_and(|faults| self.around.world.chance().happens(faults.commit_after)) {
                self.around.world.note(|| "a commit succeeds, and says that it fails".to_owned());
                return Err(failure(&mut self.around.world.chance()));
            }
            Ok(())
        }

        async fn hand_over(&mut self, messages: &[AtGate], now: Moment) -> Result<Vec<GateAnswer>> {
            self.around.step("hand_over").await?;
            let Some(mut inner) = self.inner.take() else { return Err(gone()) };
            let answers = self.around.run(inner.hand_over(messages, now)).await;
            self.inner.put(inner);
            self.gated = true;
            let mut answers = answers?;
            if self.around.breaks(Broken::GateHolds) {
                answers.iter_mut().for_each(|answer| answer.goes = true);
            }
            Ok(answers)
        }

        async fn recover(&mut self, now: Moment) -> Result<u64> {
            self.around.step("recover").await?;
            let Some(mut inner) = self.inner.take() else { return Err(gone()) };
            let mut recovered = self.around.run(inner.recover(now)).await;
            if self.around.breaks(Broken::UnsureStays) && recovered.is_ok() {
                recovered = self.around.run(inner.resend(now)).await;
            }
            self.inner.put(inner);
            recovered
        }
    }
        fn claim(now: Moment, limit: u32, unreadable: &[u32]) -> Claim;
        fn states(contacts: &[ContactId], needs: &Needs, earliest: Moment) -> Vec<ContactState>;
        fn record(batch: TurnBatch) -> ();
        fn record_or_leave(batch: TurnBatch) -> ();
        fn take_in(arrivals: Vec<Arrival>) -> Vec<Intake>;
        fn add_events(events: Vec<Event>) -> u64;
        fn decide(permissions: Vec<Permission>) -> ();
        fn quarantine(received_at: Moment, items: Vec<(String, String)>) -> ();
        fn set_aside(contact: ContactId, waiting: Waiting, why: &str, now: Moment) -> ();
        fn import(rows: Vec<ImportRow>, now: Moment) -> ImportCounts;
        fn take_back(keys: &[MessageKey], handed_over_at: Moment) -> ();
        fn give_back(keys: &[MessageKey]) -> ();
    fn settle_messages(settled: Vec<MessageSettlement>, now: Moment) -> Vec<MessageKey>;
        fn react(reactions: Vec<Reaction>, zone: &TimeZone) -> ();
        fn resend(now: Moment) -> u64;
        fn suppress(addresses: Vec<(ContactId, String, String)>, now: Moment) -> ();
        fn set_bodies(bodies: Vec<(ContactId, CallId, String)>) -> BTreeMap<CallId, String>;
        fn settle_calls(settled: Vec<CallSettlement>, now: Moment) -> ();
        fn answer_lead(contact: ContactId, call: CallId, accepted: bool, by: &str, now: Moment) -> bool;
        fn retry(kind: DeliveryKind, contact: ContactId, id: uuid::Uuid, now: Moment) -> bool;
        fn hold(why: &str, now: Moment) -> bool;
        fn belong_to(workspace: &str) -> ();
        fn release() -> bool;
        fn add_version(plan: &Plan, now: Moment) -> u32;
        fn deploying(now: Moment) -> Moment;
        fn deploy(journey: &str, version: Option<u32>, now: Moment) -> ();
        fn begin_move(journey: &str, version: u32, now: Moment) -> ();
        fn wake_outdated(deployed_at: Moment, now: Moment, limit: u32) -> Option<Woken>;
        fn begin_watch(now: Moment) -> ();
        fn end_watch() -> ();
        fn extend_watch(deployed_at: Moment, now: Moment, limit: u32) -> bool;
        fn pick(picked: Vec<Picked>) -> ();
        fn note(deed: Deed) -> ();
        fn add_token(access: Access) -> ();
        fn revoke_token(id: &str, now: Moment) -> bool;
}
