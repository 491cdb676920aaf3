use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use serde_json::Value as Json;
use siphasher::sip::SipHasher13;

use super::ledger::message_event;
use super::parcel::TRACKING_TOPIC;
use crate::domain::{Attributes, ContactId, Event, EventId, EventKind, MessageId, MessageState, SystemEvent};
use crate::store::{MessageKey, MessageSettlement, Outcome, Reaction, Result, StoredMessage, WriteUnit};
use crate::time::{Moment, TimeZone};
use crate::track::{Hit, HitKind, Neighbour, judge};

/// How long requests for the links of a message are remembered, to tell a burst.
const REMEMBERED_MICROS: i64 = 10_000_000;
/// How many messages are remembered; the oldest are forgotten first.
const MESSAGES_MAX: usize = 50_000;
/// How many openings are remembered; beyond them all are forgotten.
const OPENINGS_MAX: usize = 200_000;
/// What happens again within a minute is the same event.
const MINUTE_MICROS: i64 = 60_000_000;
/// How many clicks on one message are remembered; beyond them only what came long ago makes room.
const CLICKS_MAX: usize = 256;

/// A request for an image or a link of a message, as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageHit {
    /// The message.
    pub key: MessageKey,
    /// The request.
    pub hit: Hit,
    /// What the link is called, for clicks.
    pub link: String,
}

/// The requests of the last seconds that tell something of the next.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// Clicks, by message.
    clicks: BTreeMap<MessageId, Vec<Neighbour>>,
    /// Openings that are lasting, of the last minute: mail programs ask for an image several times, and what is the
    /// same event need not be looked up again.
    openings: BTreeSet<(MessageId, u64)>,
    /// Which minute that is.
    minute: i64,
}

impl Recent {
    /// Remembers what came, and forgets what came long ago.
    pub(super) fn remember(&mut self, hits: &[&MessageHit], now: Moment) {
        let minute = now.micros().div_euclid(MINUTE_MICROS);
        if minute != self.minute || self.openings.len() > OPENINGS_MAX {
            self.openings.clear();
            self.minute = minute;
        }
        for hit in hits {
            if self.is_now(&hit.hit) {
                self.openings.insert((hit.key.id, request_hash(&hit.hit)));
            }
            if let (HitKind::Click, Some(link)) = (hit.hit.kind, hit.hit.link) {
                let neighbour = Neighbour { at: hit.hit.at, link, hidden: hit.hit.hidden };
                let known = self.clicks.entry(hit.key.id).or_default();
                if known.len() >= CLICKS_MAX {
                    known.retain(|other| now.micros_since(other.at) <= REMEMBERED_MICROS);
                }
                if known.len() < CLICKS_MAX {
                    known.push(neighbour);
                }
            }
        }
        if self.clicks.len() > MESSAGES_MAX / 2 {
            self.clicks
                .retain(|_, hits| hits.iter().any(|hit| now.micros_since(hit.at) <= REMEMBERED_MICROS));
        }
        while self.clicks.len() > MESSAGES_MAX {
            self.clicks.pop_first();
        }
    }

    /// Whether a request is an opening of the minute that is remembered.
    fn is_now(&self, hit: &Hit) -> bool {
        hit.kind == HitKind::Open && hit.at.micros().div_euclid(MINUTE_MICROS) == self.minute
    }

    /// Whether the same opening is lasting already.
    fn knows(&self, hit: &MessageHit) -> bool {
        self.is_now(&hit.hit) && self.openings.contains(&(hit.key.id, request_hash(&hit.hit)))
    }

    /// The remembered clicks on some messages.
    fn clicks_on<'m>(&self, messages: impl Iterator<Item = &'m MessageId>) -> Self {
        let clicks = messages.filter_map(|id| Some((*id, self.clicks.get(id)?.clone())));
        Self { clicks: clicks.collect(), ..Self::default() }
    }

    fn of(&self, message: MessageId) -> &[Neighbour] {
        self.clicks.get(&message).map_or(&[], Vec::as_slice)
    }
}

/// What a verdict on an opening depends on.
fn request_hash(hit: &Hit) -> u64 {
    let mut hasher = SipHasher13::new();
    (&hit.method, &hit.user_agent, &hit.purpose).hash(&mut hasher);
    hasher.finish()
}

/// Turns requests into events: a person's, which may move a run, or a machine's, kept with what shows it. A request
/// for a message of which nobody knew whether it went out proves that it did.
pub(super) async fn take(
    unit: &mut dyn WriteUnit,
    hits: &[&MessageHit],
    recent: &Recent,
    zone: &TimeZone,
    now: Moment,
) -> Result<()> {
    let hits: Vec<&MessageHit> = hits.iter().copied().filter(|hit| !recent.knows(hit)).collect();
    let mut keys: Vec<MessageKey> = hits.iter().map(|hit| hit.key).collect();
    keys.sort_unstable();
    keys.dedup();
    // By their own ids: a contact may have become another since the link was written.
    let messages: BTreeMap<MessageId, StoredMessage> =
        unit.messages_of(&keys).await?.into_iter().map(|stored| (stored.message.id, stored)).collect();
    let contacts: Vec<ContactId> = messages.values().map(|stored| stored.message.contact).collect();
    let decisions = unit.decisions(&contacts).await?;
    let mut near = recent.clicks_on(messages.keys());
    near.remember(&hits, now);
    let mut events: BTreeMap<EventId, Event> = BTreeMap::new();
    let mut arrived = Vec::new();
    let mut reactions = Vec::new();
    for hit in &hits {
        let Some(stored) = messages.get(&hit.key.id) else { continue };
        if stored.message.state == MessageState::Unsure {
            let answer = "its recipient asked for what is in it".to_owned();
            arrived.push(MessageSettlement {
                key: stored.key(),
                attempt: None,
                outcome: Outcome::State(MessageState::Accepted),
                answer,
            });
        }
        let decided = decisions.get(&stored.message.contact);
        if decided.and_then(|topics| topics.get(TRACKING_TOPIC)) == Some(&false) {
            continue;
        }
        let event = event(hit, stored, near.of(hit.key.id));
        if events.contains_key(&event.id) {
            continue;
        }
        if event.kind != EventKind::Machine {
            reactions.push(Reaction { key: stored.key(), kind: hit.hit.kind, at: hit.hit.at });
        }
        events.insert(event.id, event);
    }
    if !arrived.is_empty() {
        unit.settle_messages(arrived, now).await?;
    }
    if !reactions.is_empty() {
        unit.react(reactions, zone).await?;
    }
    if !events.is_empty() {
        unit.add_events(events.into_values().collect()).await?;
    }
    Ok(())
}

/// What a request was; `near` are the clicks on the same message, among them its own, which tells nothing of it.
fn event(hit: &MessageHit, stored: &StoredMessage, near: &[Neighbour]) -> Event {
    let handed_over_at = stored.handed_over_at.unwrap_or(stored.message.decided_at);
    let verdict = judge(&hit.hit, handed_over_at, near);
    let name = match hit.hit.kind {
        HitKind::Open => SystemEvent::MessageOpened,
        HitKind::Click => SystemEvent::MessageClicked,
    };
    let mut more = Attributes::new();
    if hit.hit.kind == HitKind::Click {
        more.insert("link".to_owned(), hit.link.as_str().into());
    }
    if verdict.machine {
        more.insert("evidence".to_owned(), serde_json::to_value(&verdict.evidence).unwrap_or(Json::Null));
    }
    let mut event = message_event(&stored.message, name, more, hit.hit.at);
    if verdict.machine {
        event.kind = EventKind::Machine;
    }
    event
}
