//! Those who take what leaves the house: a mail server, the system of a channel, webhooks, a sales team. Each of
//! them is as bad as it may be, and remembers what it took.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lotse::channel::email::{Deferral, Gate, Letter, MailLease, MailRoute, Mailbox, Outcome, Refusal};
use lotse::channel::webhook::{CallOutcome, Receiver};
use lotse::config::Tracking;
use lotse::domain::{CallId, MessageId};
use lotse::runtime::{Outbound, SenderReady};
use lotse::time::Moment;
use lotse::track::Tracker;
use uuid::Uuid;

use super::world::{Life, World};

/// How many connections carry mail.
const CONNECTIONS: usize = 3;

/// Everything that leaves the house, into the world.
pub fn outbound(world: &Arc<World>, life: &Arc<Life>) -> Outbound {
    let system = |takes| {
        Arc::new(System { world: Arc::clone(world), life: Arc::clone(life), takes }) as Arc<dyn Receiver>
    };
    let from = Mailbox { name: None, address: "shop@example.org".parse().unwrap() };
    let sender = SenderReady { from, reply_to: None, return_path: None, signer: None, postal_address: None };
    let of = |name: &str, takes| BTreeMap::from([(name.to_owned(), system(takes))]);
    Outbound {
        senders: [("m".to_owned(), sender)].into(),
        channels: of("sms", Takes::Messages),
        webhooks: of("erp", Takes::Calls),
        teams: of("sales", Takes::Leads),
        team_addresses: BTreeMap::new(),
        alerts_from: None,
        tracker: Tracker::new(b"a secret of this simulation alone", "simulation").unwrap(),
        base_url: "https://example.org".to_owned(),
        tracking: Tracking::default(),
        route: Some(Arc::new(MailServer { world: Arc::clone(world), life: Arc::clone(life) })),
        connections: CONNECTIONS,
    }
}

async fn rest(world: &World, life: &Life, millis_max: u64) {
    let millis = world.chance().below(millis_max);
    if millis > 0 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    life.step().await;
}

#[derive(Clone)]
struct MailServer {
    world: Arc<World>,
    life: Arc<Life>,
}

impl MailServer {
    fn take(&self, id: MessageId) {
        *self.world.known().taken.entry(id).or_default() += 1;
        self.world.note(|| format!("the mail server takes {id}"));
    }
}

#[async_trait]
impl MailRoute for MailServer {
    async fn checkout(&self) -> Box<dyn MailLease> {
        Box::new(self.clone())
    }

    fn connections(&self) -> (usize, usize) {
        (0, 0)
    }
}

#[async_trait]
impl MailLease for MailServer {
    async fn send(&mut self, letter: Letter<'_>, gate: &dyn Gate, _: Option<Letter<'_>>) -> Outcome {
        let id = letter.id;
        let (world, life) = (&self.world, &self.life);
        let fails =
            |world: &World| world.faults().is_some_and(|faults| world.chance().happens(faults.outside));
        rest(world, life, 20).await;
        if fails(world) {
            let why = "connection refused".to_owned();
            let is_down = world.chance().happens(500);
            return if is_down { Outcome::RouteDown { why } } else { Outcome::NotHandedOver { why } };
        }
        if !gate.hand_over(id).await {
            return Outcome::Stopped;
        }
        world.begin(id);
        world.note(|| format!("the content of {id} begins"));
        life.step().await;
        if fails(world) {
            let what = world.chance().below(7);
            let answer = "no".to_owned();
            return match what {
                0 => Outcome::Refused { class: Refusal::Address, answer },
                1 => Outcome::Refused { class: Refusal::Other, answer },
                2 => Outcome::Refused { class: Refusal::Sender, answer },
                3 => Outcome::Deferred { class: Deferral::Later, answer },
                // Nobody but the server knows which of the two it was.
                4 => Outcome::Unsure { why: "connection lost".to_owned() },
                5 => {
                    self.take(id);
                    rest(world, life, 3_000).await;
                    Outcome::Accepted { answer: "250 OK, at last".to_owned() }
                }
                _ => {
                    self.take(id);
                    rest(world, life, 3_000).await;
                    Outcome::Unsure { why: "connection lost".to_owned() }
                }
            };
        }
        self.take(id);
        rest(world, life, 20).await;
        Outcome::Accepted { answer: "250 OK".to_owned() }
    }
}

/// What a system takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Messages,
    Calls,
    Leads,
}

struct System {
    world: Arc<World>,
    life: Arc<Life>,
    takes: Takes,
}

impl System {
    fn take(&self, id: Uuid) {
        self.world.note(|| format!("a system takes {id}"));
        let mut known = self.world.known();
        match self.takes {
            Takes::Messages => *known.taken.entry(MessageId(id)).or_default() += 1,
            Takes::Calls => *known.called.entry(CallId(id)).or_default() += 1,
            Takes::Leads => {
                let count = known.called.entry(CallId(id)).or_default();
                *count += 1;
                if *count == 1 {
                    known.leads.insert(CallId(id));
                }
            }
        }
    }
}

#[async_trait]
impl Receiver for System {
    async fn post(&self, id: Uuid, _: Moment, _: Vec<u8>) -> CallOutcome {
        let (world, life) = (&self.world, &self.life);
        if self.takes == Takes::Messages {
            world.begin(MessageId(id));
        }
        life.step().await;
        let fault = world.faults().filter(|faults| world.chance().happens(faults.outside));
        let failed = |gone, retry_after_seconds| CallOutcome::Failed {
            status: None,
            why: "no".to_owned(),
            retry_after_seconds,
            gone,
        };
        if fault.is_some() {
            let what = world.chance().below(5);
            return match what {
                0 => failed(false, None),
                1 => failed(false, Some(90)),
                2 => failed(true, None),
                3 => {
                    rest(world, life, 5_000).await;
                    failed(false, None)
                }
                // It has it, and we do not know.
                _ => {
                    self.take(id);
                    rest(world, life, 20).await;
                    failed(false, None)
                }
            };
        }
        self.take(id);
        rest(world, life, 20).await;
        CallOutcome::Delivered { status: 200, body: b"{}".to_vec() }
    }
}
