//! What people and programs do, and how they go on where they get no answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lotse::domain::{
    Attributes, CallId, Event, EventId, EventKind, IdHasher, MessageId, Permission, SystemEvent,
};
use lotse::runtime::{Job, MessageHit, Works, deploy, event_id, load_plans};
use lotse::store::{
    Arrival, ArrivalKind, Deliveries, Identity, ImportRow, MessageKey, Store, StoreError, Who,
};
use lotse::time::{Clock, Moment};
use lotse::track::{Hit, HitKind};
use serde_json::json;

use super::chance::Chance;
use super::plans::Journeys;
use super::world::{Decided, Life, World};

/// How many people there are.
pub const PEOPLE: u64 = 6;

#[derive(Clone, Debug)]
pub enum Action {
    /// Something happens to somebody; the number tells it from others.
    Event { who: String, device: Option<String>, name: &'static str, properties: Attributes, number: u64 },
    /// A device turns out to be somebody's.
    Alias { who: String, device: String, number: u64 },
    /// Somebody says what they want.
    Decide { who: String, allowed: bool },
    /// Somebody opens or follows what they got.
    React,
    /// Sales answers a lead.
    AnswerLead { accepted: bool },
    /// Somebody has a delivery tried again.
    Retry,
    /// Other journeys come into force.
    Deploy,
    /// A file is imported.
    Import { number: u64 },
    /// The clock of the machine jumps, in seconds.
    Jump(i64),
    /// The store cannot be reached for that many seconds.
    Down(i64),
}

/// An action that comes at its time and may have to be said again.
#[derive(Clone, Debug)]
pub struct Due {
    pub at: Moment,
    pub action: Action,
    tries: u32,
}

impl Due {
    /// Whether the clock of one machine jumps.
    pub fn is_a_jump(&self) -> bool {
        matches!(self.action, Action::Jump(_))
    }
}

/// How often somebody says a thing again that was not answered.
const TRIES_MAX: u32 = 6;

/// What a day and a half brings.
pub fn script(chance: &mut Chance, from: Moment, jumps_back: bool) -> Vec<Due> {
    let count = 15 + chance.below(35);
    let mut due: Vec<Due> = (0..count)
        .map(|number| {
            let at = from.plus_seconds(i64::try_from(chance.below(36 * 3_600)).unwrap());
            Due { at, action: action(chance, number, jumps_back), tries: 0 }
        })
        .collect();
    due.sort_by_key(|due| due.at);
    due
}

fn action(chance: &mut Chance, number: u64, jumps_back: bool) -> Action {
    let who = format!("u{}", chance.below(PEOPLE));
    let device = format!("d{}", chance.below(PEOPLE));
    let mut properties = Attributes::new();
    match chance.below(100) {
        kind @ 0..60 => {
            let name = match kind {
                0..20 => "signup",
                20..32 => "cart",
                32..42 => "purchase",
                42..50 => "demo",
                _ => "visit",
            };
            if name == "cart" {
                properties.insert("cart_id".to_owned(), json!(format!("c{}", chance.below(4))));
            }
            if name == "purchase" {
                properties.insert("total".to_owned(), json!(10));
            }
            // Some come with a device alone, some with both, which makes the device theirs.
            let (who, device) = match chance.below(10) {
                0 => (String::new(), Some(device)),
                1 => (who, Some(device)),
                _ => (who, None),
            };
            Action::Event { who, device, name, properties, number }
        }
        60..64 => Action::Alias { who, device, number },
        64..74 => Action::Decide { who, allowed: chance.happens(300) },
        74..82 => Action::React,
        82..88 => Action::AnswerLead { accepted: chance.happens(500) },
        88..91 => Action::Retry,
        91..93 => Action::Deploy,
        93..94 => Action::Import { number },
        94..97 => {
            let back = jumps_back && chance.happens(500);
            let seconds = i64::try_from(chance.below(if back { 600 } else { 7_200 })).unwrap();
            Action::Jump(if back { -seconds } else { seconds })
        }
        _ => Action::Down(i64::try_from(chance.below(3_600)).unwrap()),
    }
}

/// Whoever acts in one life of the program.
pub struct Actor {
    pub world: Arc<World>,
    pub life: Arc<Life>,
    pub works: Works,
    pub store: Arc<dyn Store>,
    pub journeys: Arc<Journeys>,
}

impl Actor {
    /// Does what is due, one after the other, until nothing is left.
    pub async fn act(&self, due: &std::sync::Mutex<Vec<Due>>) {
        loop {
            let Some(next) = due.lock().unwrap().first().cloned() else { return };
            self.life.clock.sleep_until(next.at).await;
            self.life.step().await;
            let is_done = self.attempt(&next.action).await;
            let now = self.life.clock.now();
            let mut due = due.lock().unwrap();
            due.remove(0);
            if !is_done && next.tries < TRIES_MAX {
                let again = Due { at: now.plus_seconds(60), tries: next.tries + 1, ..next };
                due.push(again);
                due.sort_by_key(|due| due.at);
            }
        }
    }

    /// Whether it was answered for.
    async fn attempt(&self, action: &Action) -> bool {
        self.world.note(|| format!("{} {action:?}", self.life.clock.now()));
        let done = match action {
            Action::Event { who, device, name, properties, number } => {
                let kind = ArrivalKind::Event(EventKind::Track, (*name).to_owned());
                let done = self.arrive((who, device.as_deref()), kind, properties, *number).await;
                if done {
                    let leads = match *name {
                        "signup" => Some(("welcome", String::new())),
                        "cart" => Some(("cart", properties["cart_id"].as_str().unwrap().to_owned())),
                        "demo" => Some(("lead", String::new())),
                        "purchase" => Some(("orders", String::new())),
                        _ => None,
                    };
                    let named = if who.is_empty() { device.clone().unwrap() } else { who.clone() };
                    self.world.known().acknowledged.push((id_of(*number), named, leads));
                }
                done
            }
            Action::Alias { who, device, number } => {
                self.arrive((who, Some(device)), ArrivalKind::Alias, &Attributes::new(), *number).await
            }
            Action::Decide { who, allowed } => self.decide(who, *allowed).await,
            Action::React => self.react().await,
            Action::AnswerLead { accepted } => self.answer_lead(*accepted).await,
            Action::Retry => self.retry().await.is_ok(),
            Action::Deploy => self.deploy().await,
            Action::Import { number } => self.import(*number).await.is_ok(),
            Action::Jump(seconds) => {
                self.life.clock.jump(*seconds * 1_000_000);
                true
            }
            Action::Down(seconds) => {
                let until = self.life.clock.now().plus_seconds(*seconds);
                self.world.down_until.store(until.micros(), Ordering::SeqCst);
                true
            }
        };
        self.world.note(|| format!("{} {}", self.life.clock.now(), if done { "done" } else { "not done" }));
        done
    }

    async fn arrive(
        &self,
        (who, device): (&str, Option<&str>),
        kind: ArrivalKind,
        properties: &Attributes,
        number: u64,
    ) -> bool {
        let at = self.life.stamp();
        let arrival = Arrival {
            id: id_of(number),
            who: Identity {
                external_id: (!who.is_empty()).then(|| who.to_owned()),
                anonymous_id: device.map(str::to_owned),
                email: None,
            },
            kind,
            at,
            received_at: at,
            properties: properties.clone(),
        };
        let job = |done| Job::Arrive { arrivals: vec![arrival], quarantine: Vec::new(), at, done };
        self.works.writer.write(job).await.is_ok()
    }

    async fn decide(&self, who: &str, allowed: bool) -> bool {
        let Some(contact) = self.find(who).await else { return false };
        let at = self.life.stamp();
        let decision = Permission {
            contact,
            topic: "news".to_owned(),
            allowed,
            at,
            source: "form".to_owned(),
            wording: None,
            proof: None,
        };
        let index = {
            let asked = self.world.order();
            let mut known = self.world.known();
            known.decisions.push(Decided { who: who.to_owned(), allowed, asked, answered: None });
            known.decisions.len() - 1
        };
        let job = |done| Job::Decide { permissions: vec![decision], done };
        let works = &self.works;
        let done = works.writer.write(job).await.is_ok();
        if done {
            // As whoever answers over HTTP does.
            works.runtime.let_out(&[contact]).await;
            let answered = self.world.order();
            self.world.known().decisions[index].answered = Some(answered);
        }
        done
    }

    async fn find(&self, who: &str) -> Option<lotse::domain::ContactId> {
        let found = self.store.read().await.ok()?.find(&Who::from_text(who)).await.ok()?;
        found.map(|contact| contact.id)
    }

    async fn react(&self) -> bool {
        let messages: Vec<MessageId> = self.world.known().taken.keys().copied().collect();
        if messages.is_empty() {
            return true;
        }
        let id = self.world.chance().one_of(&messages);
        let opens = self.world.chance().happens(600);
        let Ok(Some(key)) = self.key_of(id).await else { return false };
        let hit = Hit {
            kind: if opens { HitKind::Open } else { HitKind::Click },
            at: self.life.clock.now(),
            method: "GET".to_owned(),
            user_agent: Some(
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            ),
            purpose: None,
            link: (!opens).then_some(0),
            hidden: false,
        };
        let hit = MessageHit { key, hit, link: if opens { String::new() } else { "shop".to_owned() } };
        self.works.writer.write(|done| Job::Hit { hit, done: Some(done) }).await.is_ok()
    }

    async fn key_of(&self, id: MessageId) -> Result<Option<MessageKey>, StoreError> {
        let mut unit = self.store.read().await?;
        for book in unit.books(None, 100).await?.books {
            if let Some(stored) = book.messages.iter().find(|stored| stored.message.id == id) {
                return Ok(Some(stored.key()));
            }
        }
        Ok(None)
    }

    async fn answer_lead(&self, accepted: bool) -> bool {
        let Some(call) = self.world.known().leads.first().copied() else { return true };
        let Some(stored) = self.call(call).await else { return false };
        let name = if accepted { SystemEvent::LeadAccepted } else { SystemEvent::LeadRejected };
        let at = self.life.stamp();
        let event = Event {
            id: EventId(IdHasher::new("lead answer").part(call.bytes()).finish(stored.decided_at)),
            contact: stored.contact,
            kind: EventKind::System,
            name: name.name().to_owned(),
            at,
            received_at: at,
            run: Some(stored.run),
            depth: 0,
            properties: [("lead".to_owned(), json!(call)), ("team".to_owned(), json!("sales"))]
                .into_iter()
                .collect(),
        };
        let by = "eve".to_owned();
        let contact = stored.contact;
        let job = |done| Job::Lead { contact, call, accepted, by, event, done };
        let done = self.works.writer.write(job).await.is_ok();
        if done {
            self.world.known().leads.remove(&call);
        }
        done
    }

    async fn call(&self, call: CallId) -> Option<lotse::domain::Call> {
        let found = self.store.read().await.ok()?.call_by_id(call).await.ok()?;
        found.map(|stored| stored.call)
    }

    async fn retry(&self) -> Result<(), StoreError> {
        let mut unit = self.store.write().await?;
        let listed = unit.deliveries(Deliveries::Attention, 10).await?;
        let Some(found) = listed.first() else { return Ok(()) };
        self.world.known().by_hand.insert(found.id);
        unit.retry(found.kind, found.contact, found.id, self.life.clock.now()).await?;
        unit.commit().await?;
        self.works.flow.messages_due();
        self.works.flow.calls.notify_one();
        Ok(())
    }

    /// Everybody, with what the file says; some are new.
    async fn import(&self, number: u64) -> Result<(), StoreError> {
        let row = |person: u64| ImportRow {
            external_id: Some(format!("u{person}")),
            email: format!("u{person}@example.org").parse().ok(),
            attributes: [("seen".to_owned(), json!(number))].into_iter().collect(),
            allows: vec![("news".to_owned(), true)],
            source: "file".to_owned(),
            ..ImportRow::default()
        };
        let mut unit = self.store.write().await?;
        unit.import((0..PEOPLE + 2).map(row).collect(), self.life.stamp()).await?;
        unit.commit().await
    }

    async fn deploy(&self) -> bool {
        let (checked, sources) = self.journeys.other();
        let done = deploy(&*self.store, checked, sources, "sim", self.life.clock.now()).await.is_ok();
        // Also what only says that it failed may have come into force.
        loop {
            if let Ok(plans) = load_plans(&*self.store).await {
                self.works.runtime.set_plans(plans);
                return done;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn id_of(number: u64) -> EventId {
    event_id("simulation", &number.to_string(), None)
}
