use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::super::{
    Access, Arrival, AtGate, Backlog, Books, CallSettlement, Claim, Deed, Deliveries, Delivery, DeliveryKind,
    Deployment, GateAnswer, Hold, ImportCounts, ImportRow, Intake, MessageKey, MessageSettlement, NextDue,
    Quarantined, Reaction, ReadUnit, Result, StoreError, StoredCall, StoredEvent, StoredMessage,
    StoredVersion, TallyRow, Token, TurnBatch, Waiting, Who, Woken, WriteUnit,
};
use super::read::sorted;
use super::tables::{Person, Tables};
use crate::domain::{
    CallId, Contact, ContactId, ContactState, Event, GoalReached, HistoryStep, MessageId, MessageState,
    Permission, Picked, Run, RunId, Watch,
};
use crate::language::plan::{Needs, Plan};
use crate::time::{Moment, TimeZone};

/// One transaction: the tables as they were when it began, and what it changed since.
pub(super) struct MemoryUnit {
    pub(super) tables: Tables,
    /// Where the tables go with a commit; nothing where one only reads.
    pub(super) writing: Option<Writing>,
}

/// The right to write.
pub(super) struct Writing {
    pub(super) committed: Arc<RwLock<Tables>>,
    pub(super) _turn: OwnedMutexGuard<()>,
}

#[async_trait]
impl ReadUnit for MemoryUnit {
    async fn next_due(&mut self) -> Result<NextDue> {
        Ok(self.tables.next_due())
    }

    async fn backlog(&mut self, now: Moment) -> Result<Backlog> {
        Ok(self.tables.backlog(now))
    }

    async fn held(&mut self) -> Result<Option<Hold>> {
        Ok(self.tables.hold.clone())
    }

    async fn workspace(&mut self) -> Result<Option<String>> {
        Ok(self.tables.workspace.clone())
    }

    async fn find(&mut self, who: &Who) -> Result<Option<Contact>> {
        Ok(self.tables.find(who))
    }

    async fn contacts_after(
        &mut self,
        after: Option<ContactId>,
        limit: u32,
    ) -> Result<Vec<(Contact, BTreeMap<String, bool>)>> {
        Ok(self.tables.contacts_after(after, limit))
    }

    async fn latest_contacts(&mut self, limit: u32) -> Result<Vec<Contact>> {
        Ok(self.tables.latest_contacts(limit))
    }

    async fn contact_count(&mut self) -> Result<u64> {
        Ok(self.tables.people.len() as u64)
    }

    async fn permissions(&mut self, contact: ContactId) -> Result<Vec<Permission>> {
        let all = |person: &Person| person.permissions.values().cloned().collect();
        Ok(sorted(self.tables.person(contact), all, |decision| (decision.at, decision.topic.clone())))
    }

    async fn runs(&mut self, contact: ContactId) -> Result<Vec<Run>> {
        let all = |person: &Person| person.runs.values().cloned().collect();
        Ok(sorted(self.tables.person(contact), all, |run| (run.entered_at, run.id)))
    }

    async fn history(&mut self, contact: ContactId, run: RunId) -> Result<Vec<HistoryStep>> {
        let of_run = |person: &Person| {
            person.history.range((run, 0)..=(run, u32::MAX)).map(|(_, step)| step.clone()).collect()
        };
        Ok(sorted(self.tables.person(contact), of_run, |step| step.number))
    }

    async fn events(&mut self, contact: ContactId, limit: u32) -> Result<Vec<StoredEvent>> {
        Ok(self.tables.events(contact, limit))
    }

    async fn messages(&mut self, contact: ContactId) -> Result<Vec<StoredMessage>> {
        let all = |person: &Person| person.messages.values().cloned().collect();
        let order =
            |stored: &StoredMessage| (stored.message.decided_at, stored.message.step, stored.message.id);
        Ok(sorted(self.tables.person(contact), all, order))
    }

    async fn calls(&mut self, contact: ContactId) -> Result<Vec<StoredCall>> {
        let all = |person: &Person| person.calls.values().map(|row| row.stored.clone()).collect();
        let order = |stored: &StoredCall| (stored.call.decided_at, stored.call.step, stored.call.id);
        Ok(sorted(self.tables.person(contact), all, order))
    }

    async fn goals(&mut self, contact: ContactId) -> Result<Vec<GoalReached>> {
        let all = |person: &Person| person.goals.values().cloned().collect();
        Ok(sorted(self.tables.person(contact), all, |goal| (goal.at, goal.run, goal.goal.clone())))
    }

    async fn message(&mut self, key: MessageKey) -> Result<Option<StoredMessage>> {
        let person = self.tables.person(self.tables.is_now(key.contact));
        Ok(person.and_then(|person| person.messages.get(&key.id)).cloned())
    }

    async fn messages_of(&mut self, keys: &[MessageKey]) -> Result<Vec<StoredMessage>> {
        let keys: BTreeSet<MessageKey> = keys.iter().copied().collect();
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.extend(self.message(key).await?);
        }
        Ok(found)
    }

    async fn decisions(
        &mut self,
        contacts: &[ContactId],
    ) -> Result<BTreeMap<ContactId, BTreeMap<String, bool>>> {
        let decided = |id: &ContactId| Some((*id, self.tables.person(*id)?.decisions()));
        Ok(contacts.iter().filter_map(decided).filter(|(_, decided)| !decided.is_empty()).collect())
    }

    async fn being_handed_over(&mut self, contacts: &[ContactId]) -> Result<bool> {
        let mut messages = contacts
            .iter()
            .filter_map(|id| self.tables.person(*id))
            .flat_map(|person| person.messages.values());
        Ok(messages.any(|stored| stored.message.state == MessageState::HandedOver))
    }

    async fn call_by_id(&mut self, call: CallId) -> Result<Option<StoredCall>> {
        let row = self.tables.everybody().find_map(|person| person.calls.get(&call));
        Ok(row.map(|row| row.stored.clone()))
    }

    async fn deliveries(&mut self, which: Deliveries, limit: u32) -> Result<Vec<Delivery>> {
        Ok(self.tables.deliveries(which, limit))
    }

    async fn quarantined(&mut self, limit: u32) -> Result<Vec<Quarantined>> {
        Ok(self.tables.quarantined(limit))
    }

    async fn tallies(&mut self, journey: Option<&str>) -> Result<Vec<TallyRow>> {
        Ok(self.tables.tallies(journey))
    }

    async fn totals(&mut self, journey: Option<&str>) -> Result<Vec<TallyRow>> {
        Ok(self.tables.totals(journey))
    }

    async fn picked(&mut self) -> Result<Vec<Picked>> {
        Ok(self.tables.picked())
    }

    async fn versions(&mut self) -> Result<Vec<StoredVersion>> {
        Ok(self.tables.versions())
    }

    async fn deployed_at(&mut self) -> Result<Moment> {
        Ok(self.tables.deployments.keys().map(|(_, at)| *at).max().unwrap_or(Moment::MIN))
    }

    async fn deployments(&mut self) -> Result<Vec<Deployment>> {
        Ok(self.tables.deployments())
    }

    async fn watch(&mut self, contact: ContactId) -> Result<Option<Watch>> {
        Ok(self.tables.person(contact).and_then(|person| person.watch.clone()))
    }

    async fn tokens(&mut self) -> Result<Vec<Token>> {
        Ok(self.tables.tokens())
    }

    async fn access(&mut self, id: &str) -> Result<Option<Access>> {
        Ok(self.tables.tokens.get(id).cloned())
    }

    async fn books(&mut self, after: Option<ContactId>, limit: u32) -> Result<Books> {
        Ok(self.tables.books(after, limit))
    }

    async fn merged(&mut self) -> Result<BTreeSet<ContactId>> {
        Ok(self.tables.merged())
    }

    async fn deeds(&mut self, limit: u32) -> Result<Vec<Deed>> {
        Ok(self.tables.deeds(limit))
    }
}

#[async_trait]
impl WriteUnit for MemoryUnit {
    async fn commit(self: Box<Self>) -> Result<()> {
        if let Some(writing) = self.writing {
            *writing.committed.write().unwrap_or_else(PoisonError::into_inner) = self.tables;
        }
        Ok(())
    }

    async fn claim(&mut self, now: Moment, limit: u32, unreadable: &[u32]) -> Result<Claim> {
        Ok(self.tables.claim(now, limit, unreadable))
    }

    async fn states(
        &mut self,
        contacts: &[ContactId],
        needs: &Needs,
        earliest: Moment,
    ) -> Result<Vec<ContactState>> {
        Ok(self.tables.states(contacts, needs, earliest))
    }

    async fn record(&mut self, batch: TurnBatch) -> Result<()> {
        self.tables.record(&batch)
    }

    async fn record_or_leave(&mut self, batch: TurnBatch) -> Result<()> {
        self.tables.record(&batch)
    }

    async fn take_in(&mut self, arrivals: Vec<Arrival>) -> Result<Vec<Intake>> {
        self.tables.take_in(arrivals)
    }

    async fn add_events(&mut self, events: Vec<Event>) -> Result<u64> {
        Ok(self.tables.add_events(events))
    }

    async fn decide(&mut self, permissions: Vec<Permission>) -> Result<()> {
        self.tables.decide(permissions);
        Ok(())
    }

    async fn quarantine(&mut self, received_at: Moment, items: Vec<(String, String)>) -> Result<()> {
        self.tables.quarantine(received_at, items);
        Ok(())
    }

    async fn set_aside(
        &mut self,
        contact: ContactId,
        waiting: Waiting,
        why: &str,
        now: Moment,
    ) -> Result<()> {
        self.tables.set_aside(contact, waiting, why, now);
        Ok(())
    }

    async fn import(&mut self, rows: Vec<ImportRow>, now: Moment) -> Result<ImportCounts> {
        self.tables.import(&rows, now)
    }

    async fn hand_over(&mut self, keys: &[AtGate], now: Moment) -> Result<Vec<GateAnswer>> {
        Ok(self.tables.hand_over(keys, now))
    }

    async fn take_back(&mut self, keys: &[MessageKey], handed_over_at: Moment) -> Result<()> {
        self.tables.take_back(keys, handed_over_at);
        Ok(())
    }

    async fn give_back(&mut self, _: &[MessageKey]) -> Result<()> {
        Ok(())
    }

    async fn settle_messages(
        &mut self,
        settled: Vec<MessageSettlement>,
        now: Moment,
    ) -> Result<Vec<MessageKey>> {
        Ok(self.tables.settle_messages(settled, now))
    }

    async fn react(&mut self, reactions: Vec<Reaction>, zone: &TimeZone) -> Result<()> {
        self.tables.react(&reactions, zone);
        Ok(())
    }

    async fn recover(&mut self, now: Moment) -> Result<u64> {
        Ok(self.tables.recover(now))
    }

    async fn resend(&mut self, now: Moment) -> Result<u64> {
        Ok(self.tables.resend(now))
    }

    async fn suppress(&mut self, addresses: Vec<(ContactId, String, String)>, now: Moment) -> Result<()> {
        self.tables.suppress(addresses, now);
        Ok(())
    }

    async fn set_bodies(
        &mut self,
        bodies: Vec<(ContactId, CallId, String)>,
    ) -> Result<BTreeMap<CallId, String>> {
        Ok(self.tables.set_bodies(bodies))
    }

    async fn settle_calls(&mut self, settled: Vec<CallSettlement>, now: Moment) -> Result<()> {
        self.tables.settle_calls(settled, now);
        Ok(())
    }

    async fn answer_lead(
        &mut self,
        contact: ContactId,
        call: CallId,
        accepted: bool,
        _by: &str,
        _now: Moment,
    ) -> Result<bool> {
        Ok(self.tables.answer_lead(contact, call, accepted))
    }

    async fn retry(&mut self, kind: DeliveryKind, contact: ContactId, id: Uuid, now: Moment) -> Result<bool> {
        Ok(match kind {
            DeliveryKind::Message => {
                self.tables.retry_message(MessageKey { contact, id: MessageId(id) }, now)
            }
            DeliveryKind::Call | DeliveryKind::HandOff | DeliveryKind::Alert => {
                self.tables.retry_call(contact, CallId(id), now)
            }
        })
    }

    async fn hold(&mut self, why: &str, now: Moment) -> Result<bool> {
        let new = self.tables.hold.is_none();
        self.tables.hold.get_or_insert_with(|| Hold { since: now, why: why.to_owned() });
        Ok(new)
    }

    async fn release(&mut self) -> Result<bool> {
        Ok(self.tables.hold.take().is_some())
    }

    async fn belong_to(&mut self, workspace: &str) -> Result<()> {
        self.tables.workspace = Some(workspace.to_owned());
        Ok(())
    }

    async fn add_version(&mut self, plan: &Plan, _now: Moment) -> Result<u32> {
        Ok(self.tables.add_version(plan))
    }

    async fn deploying(&mut self, now: Moment) -> Result<Moment> {
        let last = self.tables.deployments.keys().map(|(_, at)| *at).max();
        Ok(last.map_or(now, |last| now.max(last.plus_micros(1))))
    }

    async fn deploy(&mut self, journey: &str, version: Option<u32>, now: Moment) -> Result<()> {
        Arc::make_mut(&mut self.tables.deployments).insert((journey.to_owned(), now), version);
        Arc::make_mut(&mut self.tables.moving).remove(journey);
        Ok(())
    }

    async fn begin_move(&mut self, journey: &str, version: u32, now: Moment) -> Result<()> {
        Arc::make_mut(&mut self.tables.moving).insert(journey.to_owned(), (version, now));
        Ok(())
    }

    async fn wake_outdated(&mut self, deployed_at: Moment, now: Moment, _: u32) -> Result<Option<Woken>> {
        Ok(self.tables.wake_outdated(deployed_at, now))
    }

    async fn begin_watch(&mut self, now: Moment) -> Result<()> {
        self.tables.begin_watch(now);
        Ok(())
    }

    async fn end_watch(&mut self) -> Result<()> {
        self.tables.watching = None;
        Ok(())
    }

    async fn extend_watch(&mut self, deployed_at: Moment, now: Moment, limit: u32) -> Result<bool> {
        Ok(self.tables.extend_watch(deployed_at, now, limit))
    }

    async fn pick(&mut self, picked: Vec<Picked>) -> Result<()> {
        self.tables.pick(picked);
        Ok(())
    }

    async fn note(&mut self, deed: Deed) -> Result<()> {
        self.tables.note(deed);
        Ok(())
    }

    async fn add_token(&mut self, access: Access) -> Result<()> {
        if self.tables.tokens.contains_key(&access.token.id) {
            return Err(StoreError::Failed(format!("there is a token `{}` already", access.token.id)));
        }
        Arc::make_mut(&mut self.tables.tokens).insert(access.token.id.clone(), access);
        Ok(())
    }

    async fn revoke_token(&mut self, id: &str, now: Moment) -> Result<bool> {
        let access = Arc::make_mut(&mut self.tables.tokens).get_mut(id);
        let Some(access) = access.filter(|access| access.token.revoked_at.is_none()) else {
            return Ok(false);
        };
        access.token.revoked_at = Some(now);
        Ok(true)
    }
}
