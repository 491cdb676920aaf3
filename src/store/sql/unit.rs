use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use uuid::Uuid;

use super::guard::Seen;
use super::{
    Transaction, aside, books, calls, contacts, deeds, failed, intake, lists, messages, moving, operating,
    people, reactions, record, turns, watch,
};
use crate::domain::{
    CallId, Contact, ContactId, ContactState, Event, GoalReached, HistoryStep, MessageId, Permission, Picked,
    Run, RunId, Watch,
};
use crate::language::plan::{Needs, Plan};
use crate::store::{
    Access, Arrival, AtGate, Backlog, Books, CallSettlement, Claim, Deed, Deliveries, Delivery, DeliveryKind,
    Deployment, GateAnswer, Hold, ImportCounts, ImportRow, Intake, MessageKey, MessageSettlement, NextDue,
    Quarantined, Reaction, ReadUnit, Result, StoredCall, StoredEvent, StoredMessage, StoredVersion, TallyRow,
    Token, TurnBatch, Waiting, Who, Woken, WriteUnit,
};
use crate::time::{Moment, TimeZone};

/// One transaction. Which statements belong to what, the modules beside this say.
pub(in super::super) struct SqlUnit {
    transaction: Transaction,
    seen: Seen,
}

impl SqlUnit {
    pub(in super::super) fn new(transaction: Transaction) -> Self {
        Self { transaction, seen: Seen::default() }
    }
}

#[async_trait]
impl ReadUnit for SqlUnit {
    async fn next_due(&mut self) -> Result<NextDue> {
        people::next_due(&mut self.transaction).await
    }

    async fn backlog(&mut self, now: Moment) -> Result<Backlog> {
        operating::backlog(&mut self.transaction, now).await
    }

    async fn held(&mut self) -> Result<Option<Hold>> {
        operating::held(&mut self.transaction).await
    }

    async fn workspace(&mut self) -> Result<Option<String>> {
        operating::workspace(&mut self.transaction).await
    }

    async fn find(&mut self, who: &Who) -> Result<Option<Contact>> {
        people::find(&mut self.transaction, who).await
    }

    async fn contacts_after(
        &mut self,
        after: Option<ContactId>,
        limit: u32,
    ) -> Result<Vec<(Contact, BTreeMap<String, bool>)>> {
        people::contacts_after(&mut self.transaction, after, limit).await
    }

    async fn latest_contacts(&mut self, limit: u32) -> Result<Vec<Contact>> {
        people::latest_contacts(&mut self.transaction, limit).await
    }

    async fn contact_count(&mut self) -> Result<u64> {
        people::contact_count(&mut self.transaction).await
    }

    async fn permissions(&mut self, contact: ContactId) -> Result<Vec<Permission>> {
        people::permissions(&mut self.transaction, contact).await
    }

    async fn runs(&mut self, contact: ContactId) -> Result<Vec<Run>> {
        people::runs(&mut self.transaction, contact).await
    }

    async fn history(&mut self, contact: ContactId, run: RunId) -> Result<Vec<HistoryStep>> {
        people::history(&mut self.transaction, contact, run).await
    }

    async fn events(&mut self, contact: ContactId, limit: u32) -> Result<Vec<StoredEvent>> {
        people::events(&mut self.transaction, contact, limit).await
    }

    async fn messages(&mut self, contact: ContactId) -> Result<Vec<StoredMessage>> {
        people::messages(&mut self.transaction, contact).await
    }

    async fn calls(&mut self, contact: ContactId) -> Result<Vec<StoredCall>> {
        people::calls(&mut self.transaction, contact).await
    }

    async fn goals(&mut self, contact: ContactId) -> Result<Vec<GoalReached>> {
        people::goals(&mut self.transaction, contact).await
    }

    async fn message(&mut self, key: MessageKey) -> Result<Option<StoredMessage>> {
        people::message(&mut self.transaction, key).await
    }

    async fn messages_of(&mut self, keys: &[MessageKey]) -> Result<Vec<StoredMessage>> {
        people::messages_of(&mut self.transaction, keys).await
    }

    async fn decisions(
        &mut self,
        contacts: &[ContactId],
    ) -> Result<BTreeMap<ContactId, BTreeMap<String, bool>>> {
        turns::decisions(&mut self.transaction, contacts).await
    }

    async fn being_handed_over(&mut self, contacts: &[ContactId]) -> Result<bool> {
        messages::being_handed_over(&mut self.transaction, contacts).await
    }

    async fn call_by_id(&mut self, call: CallId) -> Result<Option<StoredCall>> {
        people::call_by_id(&mut self.transaction, call).await
    }

    async fn deliveries(&mut self, which: Deliveries, limit: u32) -> Result<Vec<Delivery>> {
        lists::deliveries(&mut self.transaction, which, limit).await
    }

    async fn quarantined(&mut self, limit: u32) -> Result<Vec<Quarantined>> {
        lists::quarantined(&mut self.transaction, limit).await
    }

    async fn tallies(&mut self, journey: Option<&str>) -> Result<Vec<TallyRow>> {
        lists::tallies(&mut self.transaction, lists::BY_DAY, journey).await
    }

    async fn totals(&mut self, journey: Option<&str>) -> Result<Vec<TallyRow>> {
        lists::tallies(&mut self.transaction, lists::TOTALS, journey).await
    }

    async fn picked(&mut self) -> Result<Vec<Picked>> {
        lists::picked(&mut self.transaction).await
    }

    async fn versions(&mut self) -> Result<Vec<StoredVersion>> {
        lists::versions(&mut self.transaction).await
    }

    async fn deployed_at(&mut self) -> Result<Moment> {
        Ok(lists::deployed_at(&mut self.transaction).await?.unwrap_or(Moment::MIN))
    }

    async fn deployments(&mut self) -> Result<Vec<Deployment>> {
        lists::deployments(&mut self.transaction).await
    }

    async fn watch(&mut self, contact: ContactId) -> Result<Option<Watch>> {
        Ok(watch::of(&mut self.transaction, &[contact]).await?.into_values().next())
    }

    async fn tokens(&mut self) -> Result<Vec<Token>> {
        lists::tokens(&mut self.transaction).await
    }

    async fn access(&mut self, id: &str) -> Result<Option<Access>> {
        lists::access(&mut self.transaction, id).await
    }

    async fn books(&mut self, after: Option<ContactId>, limit: u32) -> Result<Books> {
        books::books(&mut self.transaction, after, limit).await
    }

    async fn merged(&mut self) -> Result<BTreeSet<ContactId>> {
        books::merged(&mut self.transaction).await
    }

    async fn deeds(&mut self, limit: u32) -> Result<Vec<Deed>> {
        deeds::deeds(&mut self.transaction, limit).await
    }
}

#[async_trait]
impl WriteUnit for SqlUnit {
    async fn commit(self: Box<Self>) -> Result<()> {
        self.transaction.commit().await.map_err(failed)
    }

    async fn claim(&mut self, now: Moment, limit: u32, unreadable: &[u32]) -> Result<Claim> {
        turns::claim(&mut self.transaction, now, limit, unreadable).await
    }

    async fn states(
        &mut self,
        contacts: &[ContactId],
        needs: &Needs,
        earliest: Moment,
    ) -> Result<Vec<ContactState>> {
        self.seen.look(&mut self.transaction, contacts).await?;
        turns::states(&mut self.transaction, contacts, needs, earliest).await
    }

    async fn record(&mut self, batch: TurnBatch) -> Result<()> {
        self.seen.check(&mut self.transaction, &batch).await?;
        record::record(&mut self.transaction, &batch).await
    }

    async fn record_or_leave(&mut self, batch: TurnBatch) -> Result<()> {
        self.seen.check(&mut self.transaction, &batch).await?;
        record::record_or_leave(&mut self.transaction, &batch).await
    }

    async fn take_in(&mut self, arrivals: Vec<Arrival>) -> Result<Vec<Intake>> {
        intake::take_in(&mut self.transaction, arrivals).await
    }

    async fn add_events(&mut self, events: Vec<Event>) -> Result<u64> {
        intake::add_events(&mut self.transaction, events).await
    }

    async fn decide(&mut self, permissions: Vec<Permission>) -> Result<()> {
        intake::decide(&mut self.transaction, permissions).await
    }

    async fn quarantine(&mut self, received_at: Moment, items: Vec<(String, String)>) -> Result<()> {
        intake::quarantine(&mut self.transaction, received_at, &items).await
    }

    async fn set_aside(
        &mut self,
        contact: ContactId,
        waiting: Waiting,
        why: &str,
        now: Moment,
    ) -> Result<()> {
        aside::set_aside(&mut self.transaction, contact, waiting, why, now).await
    }

    async fn import(&mut self, rows: Vec<ImportRow>, now: Moment) -> Result<ImportCounts> {
        intake::import(&mut self.transaction, rows, now).await
    }

    async fn hand_over(&mut self, keys: &[AtGate], now: Moment) -> Result<Vec<GateAnswer>> {
        messages::hand_over(&mut self.transaction, keys, now).await
    }

    async fn take_back(&mut self, keys: &[MessageKey], handed_over_at: Moment) -> Result<()> {
        messages::take_back(&mut self.transaction, keys, handed_over_at).await
    }

    async fn give_back(&mut self, keys: &[MessageKey]) -> Result<()> {
        messages::give_back(&mut self.transaction, keys).await
    }

    async fn settle_messages(
        &mut self,
        settled: Vec<MessageSettlement>,
        now: Moment,
    ) -> Result<Vec<MessageKey>> {
        messages::settle(&mut self.transaction, settled, now).await
    }

    async fn react(&mut self, reactions: Vec<Reaction>, zone: &TimeZone) -> Result<()> {
        reactions::react(&mut self.transaction, reactions, zone).await
    }

    async fn recover(&mut self, now: Moment) -> Result<u64> {
        messages::recover(&mut self.transaction, now).await
    }

    async fn resend(&mut self, now: Moment) -> Result<u64> {
        messages::resend(&mut self.transaction, now).await
    }

    async fn suppress(&mut self, addresses: Vec<(ContactId, String, String)>, now: Moment) -> Result<()> {
        contacts::suppress(&mut self.transaction, &addresses, now).await
    }

    async fn set_bodies(
        &mut self,
        bodies: Vec<(ContactId, CallId, String)>,
    ) -> Result<BTreeMap<CallId, String>> {
        calls::set_bodies(&mut self.transaction, bodies).await
    }

    async fn settle_calls(&mut self, settled: Vec<CallSettlement>, now: Moment) -> Result<()> {
        calls::settle(&mut self.transaction, settled, now).await
    }

    async fn answer_lead(
        &mut self,
        contact: ContactId,
        call: CallId,
        accepted: bool,
        by: &str,
        now: Moment,
    ) -> Result<bool> {
        calls::answer_lead(&mut self.transaction, (contact, call), accepted, by, now).await
    }

    async fn retry(&mut self, kind: DeliveryKind, contact: ContactId, id: Uuid, now: Moment) -> Result<bool> {
        match kind {
            DeliveryKind::Message => {
                messages::retry(&mut self.transaction, MessageKey { contact, id: MessageId(id) }, now).await
            }
            DeliveryKind::Call | DeliveryKind::HandOff | DeliveryKind::Alert => {
                calls::retry(&mut self.transaction, (contact, CallId(id)), now).await
            }
        }
    }

    async fn hold(&mut self, why: &str, now: Moment) -> Result<bool> {
        operating::hold(&mut self.transaction, why, now).await
    }

    async fn release(&mut self) -> Result<bool> {
        operating::release(&mut self.transaction).await
    }

    async fn belong_to(&mut self, workspace: &str) -> Result<()> {
        operating::belong_to(&mut self.transaction, workspace).await
    }

    async fn add_version(&mut self, plan: &Plan, now: Moment) -> Result<u32> {
        lists::add_version(&mut self.transaction, plan, now).await
    }

    async fn deploying(&mut self, now: Moment) -> Result<Moment> {
        lists::deploying(&mut self.transaction, now).await
    }

    async fn deploy(&mut self, journey: &str, version: Option<u32>, now: Moment) -> Result<()> {
        lists::deploy(&mut self.transaction, journey, version, now).await
    }

    async fn begin_move(&mut self, journey: &str, version: u32, now: Moment) -> Result<()> {
        moving::begin(&mut self.transaction, journey, version, now).await
    }

    async fn wake_outdated(&mut self, deployed_at: Moment, now: Moment, limit: u32) -> Result<Option<Woken>> {
        moving::wake(&mut self.transaction, deployed_at, now, limit).await
    }

    async fn begin_watch(&mut self, now: Moment) -> Result<()> {
        watch::begin(&mut self.transaction, now).await
    }

    async fn end_watch(&mut self) -> Result<()> {
        watch::end(&mut self.transaction).await
    }

    async fn extend_watch(&mut self, deployed_at: Moment, now: Moment, limit: u32) -> Result<bool> {
        watch::extend(&mut self.transaction, deployed_at, now, limit).await
    }

    async fn pick(&mut self, picked: Vec<Picked>) -> Result<()> {
        record::pick(&mut self.transaction, &picked).await
    }

    async fn note(&mut self, deed: Deed) -> Result<()> {
        deeds::note(&mut self.transaction, &deed).await
    }

    async fn add_token(&mut self, access: Access) -> Result<()> {
        lists::add_token(&mut self.transaction, &access).await
    }

    async fn revoke_token(&mut self, id: &str, now: Moment) -> Result<bool> {
        lists::revoke_token(&mut self.transaction, id, now).await
    }
}
