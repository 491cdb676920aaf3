use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing::{Instrument as _, Span};

use super::alerts;
use super::flow::Flow;
use super::pulse::{WITHOUT_JOURNEY, Work};
use super::setback::Setback;
use super::story::story;
use super::writer::{Job, Writer};
use super::{Outbound, Runtime, WITHOUT_PLAN, spans};
use crate::channel::webhook::{CallOutcome, Receiver};
use crate::channel::{Retry, next_attempt};
use crate::domain::{Address, Call, CallId, CallKind, CallState, Event, EventId, EventKind, IdHasher};
use crate::language::plan::Plan;
use crate::store::{CallSettlement, ClaimedCall, ReadUnit, StoreError, Waiting, Who};
use crate::time::{Clock, Moment};
use crate::track::LeadToken;

/// How many calls are taken from the store at once.
const CLAIM: u32 = 200;
/// With that many under way to one receiver no more to it are taken: those that wait for one that hangs keep nobody else
/// waiting.
const UNDER_WAY_EACH: usize = 64;
/// How many calls are made at once, and how many to one receiver: a receiver that hangs must not hold up others.
const AT_ONCE: usize = 64;
const AT_ONCE_EACH: usize = 8;
/// How many things a hand-off tells of the contact's story.
const STORY_ITEMS: usize = 50;
/// The priority of a lead for which nothing else is said, of 1 to 100.
const PRIORITY_DEFAULT: u32 = 50;
/// How much of an answer is kept, in bytes.
const ANSWER_BYTES_MAX: usize = 4_096;

/// Makes calls and hands leads off, in order for each contact and receiver, again and again until they are taken or
/// given up.
pub struct CallCenter {
    runtime: Arc<Runtime>,
    outbound: Arc<Outbound>,
    writer: Writer,
    flow: Arc<Flow>,
    clock: Arc<dyn Clock>,
    lines: Arc<Semaphore>,
    /// Lines to each receiver.
    receivers: BTreeMap<(CallKind, String), Arc<Semaphore>>,
}

impl CallCenter {
    /// A call center for the receivers of `lotse.yaml`.
    pub fn new(
        runtime: Arc<Runtime>,
        outbound: Arc<Outbound>,
        writer: Writer,
        flow: Arc<Flow>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let hooks = outbound.webhooks.keys().map(|name| (CallKind::Call, name.clone()));
        let teams = outbound.teams.keys().map(|name| (CallKind::HandOff, name.clone()));
        let told = outbound.teams.keys().chain(outbound.team_addresses.keys());
        let told = told.map(|name| (CallKind::Alert, name.clone()));
        let receivers =
            hooks.chain(teams).chain(told).map(|key| (key, Arc::new(Semaphore::new(AT_ONCE_EACH)))).collect();
        Arc::new(Self {
            runtime,
            outbound,
            writer,
            flow,
            clock,
            lines: Arc::new(Semaphore::new(AT_ONCE)),
            receivers,
        })
    }

    /// Starts calling, until `ending` says so; then what has begun is ended.
    pub fn start(self: &Arc<Self>, ending: watch::Receiver<bool>) -> JoinHandle<()> {
        tokio::spawn(Arc::clone(self).run(ending))
    }

    async fn run(self: Arc<Self>, mut ending: watch::Receiver<bool>) {
        let mut calls = JoinSet::new();
        let mut setback = Setback::default();
        while !*ending.borrow() {
            let wait = match self.claim(&mut calls).await {
                Ok(wait) => {
                    setback.is_over();
                    wait
                }
                Err(error) => {
                    self.flow.pulse.stands(Work::Calls, &error);
                    self.runtime.after(&error, Waiting::Calls, self.clock.now(), &mut setback).await
                }
            };
            tokio::select! {
                // In a fixed order, so that a simulation can be played again.
                biased;
                () = self.flow.calls.notified() => {}
                () = tokio::time::sleep(wait) => {}
                _ = ending.changed() => {}
            }
            while calls.try_join_next().is_some() {}
        }
        while calls.join_next().await.is_some() {}
    }

    async fn claim(self: &Arc<Self>, calls: &mut JoinSet<()>) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        let long = self.runtime.patience(now);
        let under_way: Vec<CallId> = self.flow.calls_under_way().keys().copied().collect();
        let (store, unreadable) = (self.runtime.store(), self.runtime.unreadable());
        let claimed = store.claim_calls(now, CLAIM, &under_way, &self.full(), &unreadable).await?;
        let plans = self.runtime.plans_with(claimed.iter().map(|claimed| claimed.call.version)).await;
        if claimed.is_empty() {
            if under_way.is_empty() && !self.runtime.lacks_plans() {
                self.flow.pulse.moved(Work::Calls, now);
            }
            let next = self.runtime.next_due(now).await?.calls.filter(|next| *next > now);
            return Ok(
                next.map_or(long, |next| Duration::from_micros(self.clock.micros_until(next)).min(long))
            );
        }
        let all = claimed.len();
        let mut unit = store.read().await?;
        let mut ready = Vec::new();
        let mut bodies = Vec::new();
        for claimed in claimed {
            let body = match (&claimed.body, plans.version(claimed.call.version)) {
                (Some(body), _) => body.clone(),
                // It is left by the next claim, and taken when its plan can be read.
                (None, None) => {
                    self.flow.pulse.stands(Work::Calls, WITHOUT_JOURNEY);
                    continue;
                }
                (None, Some(plan)) => {
                    let body = self.body(&mut *unit, &claimed.call, plan).await?;
                    bodies.push((claimed.call.contact, claimed.call.id, body.clone()));
                    body
                }
            };
            ready.push((claimed, body));
        }
        drop(unit);
        // What is sent is kept before it is sent, so that every attempt sends the same.
        let mut kept = BTreeMap::new();
        if !bodies.is_empty() {
            match self.writer.write(|done| Job::Bodies { bodies, done }).await {
                Ok(bodies) => kept = bodies,
                Err(_) => return Ok(Duration::from_secs(1)),
            }
        }
        let wait = match ready.len() {
            ready if ready < all => WITHOUT_PLAN,
            ready if ready == CLAIM as usize => Duration::ZERO,
            _ => long,
        };
        for (claimed, body) in ready {
            let receiver = (claimed.call.kind, claimed.call.target.clone());
            self.flow.calls_under_way().insert(claimed.call.id, receiver);
            let body = kept.remove(&claimed.call.id).unwrap_or(body);
            let span = spans::call(&claimed.call);
            calls.spawn(Arc::clone(self).call(claimed, body).instrument(span));
        }
        Ok(wait)
    }

    /// Receivers to whom enough is under way.
    fn full(&self) -> Vec<(CallKind, String)> {
        let mut counts: BTreeMap<(CallKind, String), usize> = BTreeMap::new();
        for receiver in self.flow.calls_under_way().values() {
            *counts.entry(receiver.clone()).or_default() += 1;
        }
        let full = counts.into_iter().filter(|(_, count)| *count >= UNDER_WAY_EACH);
        full.map(|(receiver, _)| receiver).collect()
    }

    fn way(&self, call: &Call) -> Option<Way<'_>> {
        let outbound = &self.outbound;
        match call.kind {
            CallKind::Call => outbound.webhooks.get(&call.target).map(Way::http),
            CallKind::HandOff => outbound.teams.get(&call.target).map(Way::http),
            CallKind::Alert => {
                let by_mail = || outbound.team_addresses.get(&call.target).map(Way::Mail);
                outbound.teams.get(&call.target).map(Way::http).or_else(by_mail)
            }
        }
    }

    async fn call(self: Arc<Self>, claimed: ClaimedCall, body: String) {
        let call = claimed.call;
        let Some(way) = self.way(&call) else {
            let what = if call.kind == CallKind::Alert { "`url` or `email`" } else { "`url`" };
            let why = format!("lotse.yaml has no {what} for `{}`: put it there and start again", call.target);
            return self.settle(&call, claimed.attempt, failed(None, why)).await;
        };
        let line = self.receivers.get(&(call.kind, call.target.clone()));
        // Semaphores that are never closed always give a permit.
        let _own = match line {
            Some(line) => line.acquire().await.ok(),
            None => None,
        };
        let _line = self.lines.acquire().await.ok();
        // What waited for a line may be held by now.
        if self.is_held().await {
            self.flow.calls_under_way().remove(&call.id);
            return;
        }
        let begun = self.clock.now();
        let outcome = match way {
            Way::Http(endpoint) => endpoint.post(call.id.0, begun, body.into_bytes()).await,
            Way::Mail(to) => alerts::mail(&self.outbound, to, &call, &body).await,
        };
        let took = self.clock.now().micros_since(begun);
        let labels = [call.kind.as_str(), call.target.as_str()];
        self.runtime.metrics().deliveries.of(labels).observe_micros(took);
        self.settle(&call, claimed.attempt, outcome).await;
    }

    async fn settle(&self, call: &Call, attempt: u32, outcome: CallOutcome) {
        let now = self.clock.now();
        self.flow.pulse.moved(Work::Calls, now);
        let (settlement, event) = settlement_of(call, attempt, outcome, now);
        let word = match settlement.state {
            CallState::Pending => "again",
            state => state.as_str(),
        };
        Span::current().record("state", word);
        self.runtime.metrics().calls.of([call.kind.as_str(), word]).add(1);
        if settlement.state == CallState::Dead {
            // What was answered may name people; the ledger has it.
            tracing::error!(call = %call.id, target = %call.target, status = settlement.status,
                "a call is given up: `lotse deliveries list` says why, `lotse deliveries retry` tries it again");
        }
        if self.writer.give(Job::SettleCall { settlement, event }).await.is_err() {
            self.flow.calls_under_way().remove(&call.id);
        }
    }

    /// Whether nothing may leave the house; where nobody can say, nothing does.
    async fn is_held(&self) -> bool {
        let held = async { self.runtime.store().read().await?.held().await };
        held.await.map_or(true, |held| held.is_some())
    }

    /// What a call says.
    async fn body(&self, unit: &mut dyn ReadUnit, call: &Call, plan: &Plan) -> Result<String, StoreError> {
        let contact = unit.find(&Who::Id(call.contact)).await?;
        let person = match &contact {
            Some(contact) => plan.contact_json(contact),
            None => json!({ "id": call.contact }),
        };
        let of_person = |name: &str| person.get(name).cloned().unwrap_or(Json::Null);
        let body = match call.kind {
            CallKind::Call => json!({
                "type": "journey.call",
                "timestamp": call.decided_at,
                "data": {
                    "call": call.id,
                    "journey": call.journey,
                    "stage": call.stage,
                    "webhook": call.target,
                    "with": call.with,
                    "contact": { "id": of_person("id"), "email": of_person("email") },
                },
            }),
            CallKind::HandOff => {
                let story = story(unit, call.contact, STORY_ITEMS).await?;
                self.hand_off(call, person, json!(story))
            }
            CallKind::Alert => json!({
                "type": "alert",
                "timestamp": call.decided_at,
                "data": {
                    "alert": call.id,
                    "journey": call.journey,
                    "stage": call.stage,
                    "team": call.target,
                    "text": call.with.get("text"),
                    "contact": person,
                },
            }),
        };
        Ok(body.to_string())
    }

    fn hand_off(&self, call: &Call, person: Json, story: Json) -> Json {
        let url = |accepted: bool| {
            let token = LeadToken { contact: call.contact, call: call.id, accepted };
            self.outbound.tracker.url(&self.outbound.base_url, &token).ok()
        };
        let mut with = call.with.clone();
        let reason = with.remove("reason").unwrap_or(Json::Null);
        let priority = with.remove("priority").unwrap_or_else(|| PRIORITY_DEFAULT.into());
        json!({
            "type": "lead.handed_off",
            "timestamp": call.decided_at,
            "data": {
                "lead": call.id,
                "journey": call.journey,
                "stage": call.stage,
                "team": call.target,
                "assigned_to": call.assigned_to,
                "priority": priority,
                "reason": reason,
                "with": with,
                "contact": person,
                "story": story,
                "accept_url": url(true),
                "reject_url": url(false),
            },
        })
    }
}

/// How a call goes to its receiver.
enum Way<'a> {
    Http(&'a dyn Receiver),
    Mail(&'a Address),
}

impl<'a> Way<'a> {
    fn http(receiver: &'a Arc<dyn Receiver>) -> Self {
        Way::Http(&**receiver)
    }
}

pub(super) fn failed(status: Option<u16>, why: String) -> CallOutcome {
    CallOutcome::Failed { status, why, retry_after_seconds: None, gone: false }
}

/// What an attempt means for the ledger, and for the run that waits for the answer.
fn settlement_of(
    call: &Call,
    attempt: u32,
    outcome: CallOutcome,
    now: Moment,
) -> (CallSettlement, Option<Event>) {
    let settlement = |state, due_at, status, answer| CallSettlement {
        contact: call.contact,
        id: call.id,
        attempt,
        state,
        due_at,
        status,
        answer,
    };
    match outcome {
        CallOutcome::Delivered { status, body } => {
            let event = (call.kind == CallKind::Call).then(|| answer_event(call, &body, now));
            let mut answer = String::from_utf8_lossy(&body).into_owned();
            answer.truncate(answer.floor_char_boundary(ANSWER_BYTES_MAX));
            (settlement(CallState::Delivered, None, Some(status), answer), event)
        }
        CallOutcome::Failed { status, why, gone: true, .. } => {
            (settlement(CallState::Dead, None, status, why), None)
        }
        CallOutcome::Failed { status, why, retry_after_seconds, gone: false } => {
            match next_attempt(Retry::Call, attempt, now, call.id.0) {
                Some(next) => {
                    // Who asks for time gets it.
                    let asked = retry_after_seconds.map(|seconds| now.plus_seconds(i64::from(seconds)));
                    let due = asked.map_or(next, |asked| asked.max(next));
                    (settlement(CallState::Pending, Some(due), status, why), None)
                }
                None => (settlement(CallState::Dead, None, status, why), None),
            }
        }
    }
}

/// The answer as an event for the run that called; an answer that is no JSON object has no fields.
fn answer_event(call: &Call, body: &[u8], now: Moment) -> Event {
    let properties = match serde_json::from_slice(body) {
        Ok(Json::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    Event {
        id: EventId(IdHasher::new("answer").part(call.id.bytes()).finish(call.decided_at)),
        contact: call.contact,
        kind: EventKind::Answer,
        name: call.id.to_string(),
        at: now,
        received_at: now,
        run: Some(call.run),
        depth: 0,
        properties,
    }
}

#[cfg(test)]
mod tests;
