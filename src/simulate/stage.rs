use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    Arm, Attributes, CallId, CallState, ContactId, Event, Learned, MessageState, Passed, Permission,
    SystemEvent,
};
use crate::engine::Plans;
use crate::language::plan::Expr;
use crate::runtime::{Runtime, message_event, planned};
use crate::store::memory::MemoryStore;
use crate::store::{
    AtGate, CallSettlement, Carrier, ClaimedMessage, ImportRow, MessageSettlement, Outcome, Reaction,
    ReadUnit, Result, StoreError, StoredCall, StoredMessage, Who,
};
use crate::template::{RenderContext, Renderer};
use crate::time::{Moment, TimeZone};
use crate::track::HitKind;

/// How many times in a row things may happen at one instant before it is taken for a circle.
const ROUNDS_MAX: usize = 10_000;

/// A small world in virtual time with one contact on it.
pub struct Stage {
    pub(super) runtime: Runtime,
    pub(super) contact: ContactId,
    pub(super) now: Moment,
    /// Moments of arrival: no two are the same.
    arrivals: i64,
    /// What could not be written, message by message.
    pub(super) unwritten: Vec<String>,
    /// The places that runs came to and the ways they took, with how often.
    pub(super) passed: BTreeMap<Passed, u32>,
}

impl Stage {
    /// A world at a moment, with a contact. `arm` is what the contact falls to, `learned` what others have shown.
    ///
    /// # Errors
    /// When the store fails, which the one in memory does only through a fault of ours.
    pub async fn new(
        plans: Arc<Plans>,
        assign: BTreeMap<String, Vec<(String, Expr)>>,
        zone: TimeZone,
        (arm, learned): (Arm, Learned),
        row: ImportRow,
        now: Moment,
    ) -> Result<Self> {
        let store = Arc::new(MemoryStore::new());
        let runtime = Runtime::new(store, plans, zone, assign).with_arm(arm).with_learned(learned);
        let mut unit = runtime.store().write().await?;
        let external_id = row.external_id.clone().unwrap_or_default();
        if runtime.plans().are_watching() {
            unit.begin_watch(now).await?;
        }
        unit.import(vec![row], now).await?;
        unit.commit().await?;
        let contact = runtime.store().read().await?.find(&Who::External(external_id)).await?;
        let contact =
            contact.ok_or_else(|| StoreError::Failed("the contact of the test is not there".to_owned()))?;
        Ok(Self {
            runtime,
            contact: contact.id,
            now,
            arrivals: 0,
            unwritten: Vec::new(),
            passed: BTreeMap::new(),
        })
    }

    /// Lets time pass until a moment: everything due on the way happens when it is due.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn until(&mut self, moment: Moment) -> Result<()> {
        loop {
            let due = self.read().await?.next_due().await?;
            let next = [due.turns, due.mails, due.over_http, due.calls].into_iter().flatten().min();
            match next {
                Some(next) if next <= moment => {
                    self.now = self.now.max(next);
                    self.settle().await?;
                }
                _ => break,
            }
        }
        self.now = self.now.max(moment);
        Ok(())
    }

    /// Does everything there is to do at this instant.
    ///
    /// # Errors
    /// When the store fails, or things go round in a circle.
    pub async fn settle(&mut self) -> Result<()> {
        for _ in 0..ROUNDS_MAX {
            let tick = self.runtime.tick(self.now, 1_000).await?;
            for passed in tick.passed {
                *self.passed.entry(passed).or_default() += 1;
            }
            let sent = self.deliver().await?;
            if !tick.more && tick.events == 0 && tick.timers == 0 && !sent {
                return Ok(());
            }
        }
        Err(StoreError::Failed("things go round in a circle at one instant".to_owned()))
    }

    pub(super) async fn read(&self) -> Result<Box<dyn ReadUnit>> {
        self.runtime.store().read().await
    }

    /// Takes what is to leave the house: every message arrives, every call is taken and waits for its answer.
    async fn deliver(&mut self) -> Result<bool> {
        let store = self.runtime.store();
        let mut messages = store.claim_messages(Carrier::Mail, self.now, 1_000, &[], &[], &[]).await?;
        messages.extend(store.claim_messages(Carrier::Http, self.now, 1_000, &[], &[], &[]).await?);
        let calls = store.claim_calls(self.now, 1_000, &[], &[], &[]).await?;
        if messages.is_empty() && calls.is_empty() {
            return Ok(false);
        }
        let mut unit = store.write().await?;
        let plans = self.runtime.plans();
        let asked: Vec<AtGate> = messages.iter().map(ClaimedMessage::at_gate).collect();
        unit.hand_over(&asked, self.now).await?;
        let mut settled = Vec::new();
        let mut events = Vec::new();
        for claimed in &messages {
            if let Err(why) = self.write(&plans, claimed) {
                self.unwritten.push(format!(
                    "the {} `{}` cannot be filled in: {why}",
                    claimed.message.channel, claimed.message.message
                ));
            }
            let outcome = Outcome::State(MessageState::Accepted);
            settled.push(MessageSettlement {
                key: claimed.at_gate().key,
                attempt: Some(claimed.attempt),
                outcome,
                answer: "in virtual time".to_owned(),
            });
            for event in [SystemEvent::MessageSent, SystemEvent::MessageDelivered] {
                if plans.listen_to(event.name()) {
                    events.push(message_event(&claimed.message, event, Attributes::new(), self.now));
                }
            }
        }
        let accepted = unit.settle_messages(settled, self.now).await?;
        let arrived = accepted.iter().map(|key| MessageSettlement {
            key: *key,
            attempt: None,
            outcome: Outcome::State(MessageState::Delivered),
            answer: "in virtual time".to_owned(),
        });
        unit.settle_messages(arrived.collect(), self.now).await?;
        events.retain(|event| {
            messages.iter().any(|claimed| {
                accepted.contains(&claimed.at_gate().key) && event.run == Some(claimed.message.run)
            })
        });
        unit.add_events(events).await?;
        let taken = calls.iter().map(|claimed| CallSettlement {
            contact: claimed.call.contact,
            id: claimed.call.id,
            attempt: claimed.attempt,
            state: CallState::Delivered,
            due_at: None,
            status: Some(200),
            answer: String::new(),
        });
        unit.settle_calls(taken.collect(), self.now).await?;
        unit.commit().await?;
        Ok(true)
    }

    /// Fills a message in, to see whether it can be.
    fn write(&self, plans: &Plans, claimed: &ClaimedMessage) -> std::result::Result<(), String> {
        let message = &claimed.message;
        let (plan, planned) =
            planned(plans, message.version, &message.message).map_err(|error| error.to_string())?;
        let language = claimed.contact.language.as_deref();
        let tag = language.and_then(|language| planned.best_language(language)).unwrap_or("");
        let text = planned.languages.get(tag).unwrap_or(&planned.text);
        let context = RenderContext {
            contact: &plan.contact_json(&claimed.contact),
            entry: &serde_json::Value::Object(claimed.entry.clone()),
            with: &message.with,
            zone: self.runtime.zone(),
            unsubscribe_url: "https://example.com/u",
            preferences_url: "https://example.com/p",
            view_url: "https://example.com/v",
            survey_url: Arc::new(|survey, score| {
                let score = score.map(|score| format!("/{score}")).unwrap_or_default();
                format!("https://example.com/s/{survey}{score}")
            }),
            track_link: None,
            open_pixel_url: None,
        };
        let rendered = Renderer::new(text).and_then(|renderer| renderer.render(&context));
        rendered.map(|_| ()).map_err(|error| error.to_string())
    }

    pub(super) async fn messages(&self) -> Result<Vec<StoredMessage>> {
        self.read().await?.messages(self.contact).await
    }

    pub(super) async fn calls(&self) -> Result<Vec<StoredCall>> {
        self.read().await?.calls(self.contact).await
    }

    /// The moment at which the next thing arrives: later than all that came before.
    pub(super) fn stamp(&mut self) -> Moment {
        self.arrivals += 1;
        self.now.plus_micros(self.arrivals)
    }

    pub(super) async fn add(&mut self, event: Event) -> Result<()> {
        let mut unit = self.runtime.store().write().await?;
        unit.add_events(vec![event]).await?;
        unit.commit().await?;
        self.settle().await
    }

    pub(super) async fn decide(&mut self, topic: &str, allowed: bool) -> Result<()> {
        let permission = Permission {
            contact: self.contact,
            topic: topic.to_owned(),
            allowed,
            at: self.now,
            source: "test".to_owned(),
            wording: None,
            proof: None,
        };
        let mut unit = self.runtime.store().write().await?;
        unit.decide(vec![permission]).await?;
        unit.commit().await?;
        self.settle().await
    }

    pub(super) async fn bounce(&mut self, message: &StoredMessage, state: MessageState) -> Result<()> {
        let outcome = Outcome::State(state);
        let settlement =
            MessageSettlement { key: message.key(), attempt: None, outcome, answer: "in a test".to_owned() };
        let mut unit = self.runtime.store().write().await?;
        unit.settle_messages(vec![settlement], self.now).await?;
        if message.message.channel == "email" {
            let reason = if state == MessageState::Bounced { "bounced" } else { "complained" };
            let dead = (self.contact, message.message.address.clone(), reason.to_owned());
            unit.suppress(vec![dead], self.now).await?;
        }
        unit.commit().await
    }

    /// What a person did with a message, for the ledger.
    pub(super) async fn note_reaction(&mut self, message: &StoredMessage, event: &Event) -> Result<()> {
        let kind = match SystemEvent::from_name(&event.name) {
            Some(SystemEvent::MessageClicked) => HitKind::Click,
            Some(SystemEvent::MessageOpened) => HitKind::Open,
            _ => return Ok(()),
        };
        let reaction = Reaction { key: message.key(), kind, at: self.now };
        let mut unit = self.runtime.store().write().await?;
        unit.react(vec![reaction], self.runtime.zone()).await?;
        unit.commit().await
    }

    pub(super) async fn answer_lead(&mut self, call: CallId, accepted: bool, event: Event) -> Result<()> {
        let mut unit = self.runtime.store().write().await?;
        unit.answer_lead(self.contact, call, accepted, "test", self.now).await?;
        unit.add_events(vec![event]).await?;
        unit.commit().await?;
        self.settle().await
    }
}
