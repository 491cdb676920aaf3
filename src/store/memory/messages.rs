use std::collections::{BTreeMap, BTreeSet};

use super::super::steps::{ENDED_MEANWHILE, may_retry, stopped, suppression_key};
use super::super::tally::{DecidedMessage, TallyKey, count_skipped, hour_key, reaction_key};
use super::super::{
    AtGate, Carrier, ClaimedMessage, GateAnswer, MessageKey, MessageSettlement, Outcome, Reaction,
    StoredMessage,
};
use super::tables::{Person, Tables};
use crate::domain::{Message, MessageId, MessageState, SkipReason};
use crate::time::{Moment, TimeZone};
use crate::track::HitKind;

impl Tables {
    pub(super) fn claim_messages(
        &self,
        carrier: Carrier,
        now: Moment,
        limit: u32,
        under_way: &[MessageId],
        full: &[String],
        unreadable: &[u32],
    ) -> Vec<ClaimedMessage> {
        if self.hold.is_some() {
            return Vec::new();
        }
        let under_way: BTreeSet<&MessageId> = under_way.iter().collect();
        let due = |stored: &StoredMessage| {
            let is_free = !under_way.contains(&stored.message.id)
                && !full.contains(&stored.message.channel)
                && !unreadable.contains(&stored.message.version);
            let at = stored.due_at.filter(|at| *at <= now && is_free)?;
            Some((at, stored.message.contact.slot(), stored.message.contact, stored.message.id))
        };
        let mut found = Vec::new();
        for person in self.everybody() {
            let carried = person.messages.values().filter(|stored| is_carried(person, stored, carrier));
            found.extend(carried.filter_map(|stored| Some((due(stored)?, person, stored))));
        }
        found.sort_by_key(|(at, ..)| *at);
        let claimed = found.into_iter().take(limit as usize).map(|(_, person, stored)| ClaimedMessage {
            message: stored.message.clone(),
            attempt: stored.attempts + 1,
            contact: person.contact.clone(),
            permissions: person.decisions(),
            entry: person
                .runs
                .get(&stored.message.run)
                .map(|run| run.state.entry.clone())
                .unwrap_or_default(),
        });
        claimed.collect()
    }

    /// The last gate.
    pub(super) fn hand_over(&mut self, messages: &[AtGate], now: Moment) -> Vec<GateAnswer> {
        messages.iter().map(|asked| self.passes(*asked, now)).collect()
    }

    fn passes(&mut self, asked: AtGate, now: Moment) -> GateAnswer {
        let key = asked.key;
        let stopped = match self.message(key) {
            Some((person, stored))
                if stored.message.state == MessageState::Decided
                    && asked.is_behind(stored.attempts)
                    && self.hold.is_none() =>
            {
                self.stopped(person, stored)
            }
            _ => return GateAnswer { key, goes: false, skipped: None },
        };
        let timezone = self.person(key.contact).and_then(|person| person.contact.timezone.clone());
        let was_resent = self.was_resent(key);
        let skipped = stopped.filter(|_| !was_resent);
        if let Some(reason) = skipped {
            self.count_skipped(key, reason);
        }
        if let Some(stored) = self.message_mut(key) {
            stored.due_at = None;
            stored.message.reason = skipped;
            if stopped.is_none() {
                stored.message.state = MessageState::HandedOver;
                stored.handed_over_at = Some(now);
                stored.timezone = timezone;
                stored.attempts += 1;
            } else {
                stored.message.state = left_out(was_resent);
                stored.settled_at = Some(now);
            }
        }
        GateAnswer { key, goes: stopped.is_none(), skipped }
    }

    fn was_resent(&self, key: MessageKey) -> bool {
        self.message(key).is_some_and(|(_, stored)| stored.resent_at.is_some())
    }

    fn count_skipped(&mut self, key: MessageKey, reason: SkipReason) {
        let Some((_, stored)) = self.message(key) else { return };
        let Message { journey, version, message, decided_at, .. } = stored.message.clone();
        let mut counts = BTreeMap::new();
        count_skipped(&mut counts, DecidedMessage { journey, version, message, decided_at }, reason);
        self.count(counts);
    }

    fn stopped(&self, person: &Person, stored: &StoredMessage) -> Option<SkipReason> {
        let message = &stored.message;
        let allowed = person.decisions().get(&message.topic).copied();
        let suppressed = self.suppressed.contains_key(&suppression_key(&message.address));
        stopped(message.essential, allowed, suppressed)
    }

    fn message(&self, key: MessageKey) -> Option<(&Person, &StoredMessage)> {
        let person = self.person(key.contact)?;
        Some((person, person.messages.get(&key.id)?))
    }

    fn message_mut(&mut self, key: MessageKey) -> Option<&mut StoredMessage> {
        self.person_mut(key.contact)?.messages.get_mut(&key.id)
    }

    pub(super) fn take_back(&mut self, keys: &[MessageKey], handed_over_at: Moment) {
        for key in keys {
            let key = MessageKey { contact: self.is_now(key.contact), ..*key };
            let is_that = |stored: &&mut StoredMessage| {
                stored.message.state == MessageState::HandedOver
                    && stored.handed_over_at == Some(handed_over_at)
            };
            if let Some(stored) = self.message_mut(key).filter(is_that) {
                stored.message.state = MessageState::Decided;
                stored.due_at = Some(handed_over_at);
                stored.attempts = stored.attempts.saturating_sub(1);
            }
        }
    }

    pub(super) fn settle_messages(
        &mut self,
        settled: Vec<MessageSettlement>,
        now: Moment,
    ) -> Vec<MessageKey> {
        let mut answered = Vec::new();
        for settlement in settled {
            let asked = settlement.key;
            let key = MessageKey { contact: self.is_now(asked.contact), ..asked };
            let Some(stored) = self.message_mut(key) else { continue };
            let counted = u32::from(stored.message.state != MessageState::Decided);
            let is_this = settlement.attempt.is_none_or(|attempt| attempt + counted == stored.attempts + 1);
            if !is_this || !settlement.outcome.leads_from().contains(&stored.message.state) {
                continue;
            }
            let more = settlement.outcome.attempts(stored.message.state);
            stored.attempts = stored.attempts.saturating_add_signed(more);
            let skipped = settlement.outcome.reason().filter(|_| stored.resent_at.is_none());
            stored.message.state = match settlement.outcome {
                Outcome::Skipped(_) => left_out(stored.resent_at.is_some()),
                outcome => outcome.state(),
            };
            stored.message.reason = skipped;
            stored.message.wanted_at = settlement.outcome.wanted_at().unwrap_or(stored.message.wanted_at);
            stored.due_at = settlement.outcome.due_at();
            stored.settled_at = Some(now);
            stored.answer = Some(settlement.answer);
            let reached = stored.message.state == settlement.outcome.state();
            if let Some(reason) = skipped {
                self.count_skipped(key, reason);
            }
            if reached {
                answered.push(asked);
            }
        }
        answered
    }

    pub(super) fn react(&mut self, reactions: &[Reaction], zone: &TimeZone) {
        let mut counts: BTreeMap<TallyKey, (i64, f64)> = BTreeMap::new();
        for Reaction { key, kind, at } in reactions {
            let key = MessageKey { contact: self.is_now(key.contact), ..*key };
            let own = self.person(key.contact).and_then(|person| person.contact.timezone.clone());
            let Some(stored) = self.message_mut(key) else { continue };
            let first = match kind {
                HitKind::Open => &mut stored.opened_at,
                HitKind::Click => &mut stored.clicked_at,
            };
            if first.is_none() {
                *first = Some(*at);
                let Message { journey, version, message, channel, .. } = stored.message.clone();
                let hour = hour_key(journey.clone(), version, &channel, *at, (own.as_deref(), zone));
                counts.entry(hour).or_default().0 += 1;
                counts.entry(reaction_key(journey, version, message, *kind, *at)).or_default().0 += 1;
            }
        }
        self.count(counts);
    }

    pub(super) fn recover(&mut self, now: Moment) -> u64 {
        let is_open = |stored: &&StoredMessage| stored.message.state == MessageState::HandedOver;
        let messages = self.everybody().flat_map(|person| person.messages.values());
        let keys: Vec<MessageKey> = messages.filter(is_open).map(StoredMessage::key).collect();
        for key in &keys {
            if let Some(stored) = self.message_mut(*key) {
                stored.message.state = MessageState::Unsure;
                stored.settled_at = Some(now);
                stored.answer = Some(ENDED_MEANWHILE.to_owned());
            }
        }
        keys.len() as u64
    }

    /// Has messages sent once more that have just become unsure.
    pub(super) fn resend(&mut self, now: Moment) -> u64 {
        let is_new = |stored: &&StoredMessage| {
            stored.message.state == MessageState::Unsure
                && stored.settled_at.is_some_and(|at| at >= now)
                && stored.resent_at.is_none()
        };
        let messages = self.everybody().flat_map(|person| person.messages.values());
        let keys: Vec<MessageKey> = messages.filter(is_new).map(StoredMessage::key).collect();
        for key in &keys {
            if let Some(stored) = self.message_mut(*key) {
                stored.message.state = MessageState::Decided;
                (stored.due_at, stored.resent_at, stored.settled_at) = (Some(now), Some(now), None);
            }
        }
        keys.len() as u64
    }

    pub(super) fn retry_message(&mut self, key: MessageKey, now: Moment) -> bool {
        let Some(stored) = self.message_mut(key) else { return false };
        let helps = may_retry(stored.message.state) && stored.due_at.is_none_or(|due| due > now);
        if helps {
            if stored.message.state == MessageState::Unsure {
                stored.resent_at = stored.resent_at.or(Some(now));
            }
            stored.message.state = MessageState::Decided;
            stored.message.wanted_at = now;
            stored.due_at = Some(now);
            stored.settled_at = None;
        }
        helps
    }
}

/// What becomes of a message that is not sent after all: what may have gone before is unsure again.
fn left_out(was_resent: bool) -> MessageState {
    if was_resent { MessageState::Unsure } else { MessageState::Skipped }
}

/// Whether a message goes by that carrier, and no earlier one of its channel holds it up.
pub(super) fn is_carried(person: &Person, stored: &StoredMessage, carrier: Carrier) -> bool {
    carrier.carries(&stored.message.channel)
        && (carrier == Carrier::Mail || is_first_in_channel(person, &stored.message))
}

fn is_first_in_channel(person: &Person, message: &Message) -> bool {
    let order = |message: &Message| (message.decided_at, message.step, message.id);
    !person.messages.values().any(|other| {
        other.message.channel == message.channel
            && matches!(other.message.state, MessageState::Decided | MessageState::HandedOver)
            && order(&other.message) < order(message)
    })
}
