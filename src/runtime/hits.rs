use std::collections::{BTreeMap, HashSet};
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
/// How many requests that are lasting are remembered; beyond them all are forgotten.
const LASTING_MAX: usize = 200_000;
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
    /// What is lasting, of the last minute: mail programs ask for an image several times, people press a link again,
    /// and what is the same event need not be looked up again.
    lasting: HashSet<RequestKey>,
    /// Which minute that is.
    minute: i64,
}

/// A message, and a hash over a request for its image or one of its links.
pub(super) type RequestKey = (MessageId, u64);

impl Recent {
    /// Remembers what of the requests need not be looked up again, for it has been written.
    pub(super) fn remember(&mut self, written: HashSet<RequestKey>, now: Moment) {
        let minute = minute(now);
        if minute != self.minute || self.lasting.len() > LASTING_MAX {
            self.lasting.clear();
            self.minute = minute;
        }
        self.lasting.extend(written);
    }

    /// Remembers the clicks that came, and forgets those of long ago.
    pub(super) fn see(&mut self, hits: &[&MessageHit], now: Moment) {
        for hit in hits {
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

    /// Whether a request would be an event that is lasting already. A click that was a person's is one no more where
    /// those beside it show a program by now.
    fn knows(&self, hit: &MessageHit, near: &[Neighbour]) -> bool {
        minute(hit.hit.at) == self.minute
            && self.lasting.contains(&request_key(hit))
            && (hit.hit.kind == HitKind::Open || !judge(&hit.hit, Moment::MIN, near).machine)
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

fn minute(at: Moment) -> i64 {
    at.micros().div_euclid(MINUTE_MICROS)
}

/// What an event of a request depends on, beside the other requests.
fn request_key(hit: &MessageHit) -> RequestKey {
    let mut hasher = SipHasher13::new();
    let request = &hit.hit;
    (request.kind, &request.method, &request.user_agent, &request.purpose).hash(&mut hasher);
    (request.link, request.hidden, &hit.link).hash(&mut hasher);
    (hit.key.id, hasher.finish())
}

/// What became of requests.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// What need not be looked up when it comes again, once the transaction is committed.
    pub(super) lasting: HashSet<RequestKey>,
    /// Whether a journey may hear of something.
    pub(super) told: bool,
}

/// Turns requests into events: a person's, which may move a run, or a machine's, kept with what shows it. A request
/// for a message of which nobody knew whether it went out proves that it did. Says which requests need not be looked up
/// when they come again within the minute, and whether there is anything to tell a journey.
pub(super) async fn take(
    unit: &mut dyn WriteUnit,
    hits: &[&MessageHit],
    recent: &Recent,
    zone: &TimeZone,
    now: Moment,
) -> Result<Taken> {
    let mut near = recent.clicks_on(hits.iter().map(|hit| &hit.key.id));
    near.see(hits, now);
    let hits: Vec<&MessageHit> =
        hits.iter().copied().filter(|hit| !recent.knows(hit, near.of(hit.key.id))).collect();
    if hits.is_empty() {
        return Ok(Taken::default());
    }
    let mut keys: Vec<MessageKey> = hits.iter().map(|hit| hit.key).collect();
    keys.sort_unstable();
    keys.dedup();
    // By their own ids: a contact may have become another since the link was written.
    let messages: BTreeMap<MessageId, StoredMessage> =
        unit.messages_of(&keys).await?.into_iter().map(|stored| (stored.message.id, stored)).collect();
    let contacts: Vec<ContactId> = messages.values().map(|stored| stored.message.contact).collect();
    let decisions = unit.decisions(&contacts).await?;
    let mut events: BTreeMap<EventId, Event> = BTreeMap::new();
    let mut arrived = Vec::new();
    let mut reactions = Vec::new();
    let mut lasting: HashSet<RequestKey> = hits.iter().map(|hit| request_key(hit)).collect();
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
        if event.kind == EventKind::Machine && hit.hit.kind == HitKind::Click {
            // The next may come later than a person needs for reading.
            lasting.remove(&request_key(hit));
        }
        if events.contains_key(&event.id) {
            continue;
        }
        if event.kind != EventKind::Machine {
            reactions.push(Reaction { key: stored.key(), kind: hit.hit.kind, at: hit.hit.at });
        }
        events.insert(event.id, event);
    }
    let told = !events.is_empty() || !arrived.is_empty();
    if !arrived.is_empty() {
        unit.settle_messages(arrived, now).await?;
    }
    if !reactions.is_empty() {
        unit.react(reactions, zone).await?;
    }
    if !events.is_empty() {
        unit.add_events(events.into_values().collect()).await?;
    }
    Ok(Taken { lasting, told })
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

#[cfg(test)]
mod tests;
