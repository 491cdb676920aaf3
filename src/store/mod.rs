//! Where everything is kept. Traits over plain data, a transaction as the unit of work, and statements that work
//! on sets: how many there are in a batch does not depend on how many contacts are in it.
//!
//! Nothing here asks for the time or makes up ids: both come in. SQL stands under [`sqlite`] and [`postgres`] alone,
//! which share what they have in common; [`memory`] is for tests and simulation. One suite of tests, `contract`, holds
//! for every store.

#[macro_use]
mod readable;
mod error;
mod claim;
mod types;
mod identity;
mod intake;
mod merge;
mod operating;
mod outgoing;
mod steps;
mod tally;
mod version;
mod wake;
pub mod audit;
pub mod copy;
pub mod memory;
pub mod postgres;
pub mod sqlite;
#[cfg(test)]
mod contract;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

pub use audit::{Audit, Book, Books, Breach, Damage, Stray, audit};
pub use error::StoreError;
pub use operating::{Backlog, Connections, Hold, Woken};
pub use outgoing::{
    AtGate, CallSettlement, ClaimedCall, ClaimedMessage, GateAnswer, MessageKey, MessageSettlement, Outcome,
    Reaction, StoredCall, StoredMessage,
};
pub use types::{
    Access, Arrival, ArrivalKind, Carrier, Claim, Deed, DeedKind, Deliveries, Delivery, DeliveryKind,
    Identity, ImportCounts, ImportRow, Intake, NextDue, Quarantined, StoredEvent, TallyRow, Token, TurnBatch,
    Waiting, Who,
};
pub use version::{Deployment, StoredVersion};
pub use wake::Wake;

use crate::domain::{
    CallId, CallKind, Contact, ContactId, ContactState, Event, GoalReached, HistoryStep, MessageId,
    Permission, Picked, Run, RunId, Watch,
};
use crate::language::plan::{Needs, Plan};
use crate::time::{Moment, TimeZone};

/// What a store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A database.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins a transaction that may change things. Dropped without a commit, it leaves nothing behind.
    ///
    /// Where one process works alone, one writes at a time. Where many share a database, several do at once: no two move
    /// one contact, names mean whom they mean until the transaction ends that asked for them, and a turn whose contact
    /// was changed meanwhile is [`StoreError::Overtaken`].
    ///
    /// # Errors
    /// When the database cannot be reached or is busy for too long.
    async fn write(&self) -> Result<Box<dyn WriteUnit>>;

    /// Begins a transaction that sees one state of everything and changes nothing.
    ///
    /// # Errors
    /// When the database cannot be reached.
    async fn read(&self) -> Result<Box<dyn ReadUnit>>;

    /// Whether other processes may do the same work on the same database at the same time.
    fn is_shared(&self) -> bool {
        false
    }

    /// Takes messages that are due, none while everything is held, but not those that are under way already, nor those
    /// of channels that are `full`, nor those of versions that are `unreadable`. Of those that go over HTTP at most one for
    /// each contact and channel, the earliest decided first. What a process took, no other takes as long as that one is alive.
    ///
    /// # Errors
    /// When the database cannot be reached.
    async fn claim_messages(
        &self,
        carrier: Carrier,
        now: Moment,
        limit: u32,
        under_way: &[MessageId],
        full: &[String],
        unreadable: &[u32],
    ) -> Result<Vec<ClaimedMessage>>;

    /// Takes calls that are due, none while everything is held, at most one for each contact and receiver, the earliest
    /// decided first, but not those that are under way already, nor those to receivers that are `full`, nor those of
    /// versions that are `unreadable` of which is not kept what they say. What a process took, no other takes as long as
    /// that one is alive.
    ///
    /// # Errors
    /// When the database cannot be reached.
    async fn claim_calls(
        &self,
        now: Moment,
        limit: u32,
        under_way: &[CallId],
        full: &[(CallKind, String)],
        unreadable: &[u32],
    ) -> Result<Vec<ClaimedCall>>;

    /// A number that changes when another process has changed something; for noticing what the command line did.
    ///
    /// # Errors
    /// When the database cannot be reached.
    async fn changes_elsewhere(&self) -> Result<i64>;

    /// Tells other processes what there may be to do. Nobody is told where nobody else does the work.
    ///
    /// # Errors
    /// When the database cannot be reached.
    async fn tell(&self, _wake: Wake) -> Result<()> {
        Ok(())
    }

    /// Waits until another process tells what there may be to do; for ever where nobody else does the work. What was
    /// told while nobody waited, or while the connection was broken, may be lost.
    ///
    /// # Errors
    /// When the database cannot be reached.
    async fn told(&self) -> Result<Wake> {
        std::future::pending().await
    }

    /// How many steps the tables are behind this program.
    ///
    /// # Errors
    /// When the database cannot be reached, or was made by a newer program.
    async fn pending_migrations(&self) -> Result<usize>;

    /// The connections that are open, by pool.
    fn connections(&self) -> Vec<Connections>;

    /// How many bytes are free on the disk of the database, where it is on a disk of this machine.
    fn free_bytes(&self) -> Option<u64>;

    /// How many bytes the log of the database has on the disk of this machine, where it has one: what was committed and
    /// is still to be worked into it, and cannot be while somebody looks at an earlier state.
    fn log_bytes(&self) -> Option<u64> {
        None
    }

    /// Ends what is under way and lets the files go.
    async fn close(&self);
}

/// Reading. Lists come in the order of time.
#[async_trait]
pub trait ReadUnit: Send {
    /// When runs, messages and calls want to be looked at next.
    async fn next_due(&mut self) -> Result<NextDue>;

    /// How much is due at `now`, and how much needs somebody.
    async fn backlog(&mut self, now: Moment) -> Result<Backlog>;

    /// Whether nothing may be handed over, since when and why.
    async fn held(&mut self) -> Result<Option<Hold>>;

    /// The name of the workspace whose journeys are in force; nothing where none ever were.
    async fn workspace(&mut self) -> Result<Option<String>>;

    /// The contact that somebody means, by id, external id or address. The id of a contact that turned out to be
    /// another finds the other: links in old mails still carry it.
    async fn find(&mut self, who: &Who) -> Result<Option<Contact>>;

    /// Contacts behind one, in the order of their keys, with the topics they have decided on.
    async fn contacts_after(
        &mut self,
        after: Option<ContactId>,
        limit: u32,
    ) -> Result<Vec<(Contact, BTreeMap<String, bool>)>>;

    /// The contacts that came last, the latest first.
    async fn latest_contacts(&mut self, limit: u32) -> Result<Vec<Contact>>;

    /// How many contacts there are; beyond a hundred thousand, on a database that processes share, about how many.
    async fn contact_count(&mut self) -> Result<u64>;

    /// Every decision a contact has made.
    async fn permissions(&mut self, contact: ContactId) -> Result<Vec<Permission>>;

    /// The runs of a contact.
    async fn runs(&mut self, contact: ContactId) -> Result<Vec<Run>>;

    /// What a run did.
    async fn history(&mut self, contact: ContactId, run: RunId) -> Result<Vec<HistoryStep>>;

    /// The last events of a contact, the latest first.
    async fn events(&mut self, contact: ContactId, limit: u32) -> Result<Vec<StoredEvent>>;

    /// The messages of a contact.
    async fn messages(&mut self, contact: ContactId) -> Result<Vec<StoredMessage>>;

    /// The calls and hand-offs about a contact.
    async fn calls(&mut self, contact: ContactId) -> Result<Vec<StoredCall>>;

    /// The goals a contact has reached.
    async fn goals(&mut self, contact: ContactId) -> Result<Vec<GoalReached>>;

    /// One message; as [`find`](Self::find), also by the former id of its contact.
    async fn message(&mut self, key: MessageKey) -> Result<Option<StoredMessage>>;

    /// Messages by their keys, in no order; those that are not there are left out.
    async fn messages_of(&mut self, keys: &[MessageKey]) -> Result<Vec<StoredMessage>>;

    /// The last decision of contacts on each topic they have decided on.
    async fn decisions(
        &mut self,
        contacts: &[ContactId],
    ) -> Result<BTreeMap<ContactId, BTreeMap<String, bool>>>;

    /// Whether a message of one of these contacts is handed over without an outcome so far.
    async fn being_handed_over(&mut self, contacts: &[ContactId]) -> Result<bool>;

    /// The call of that id, whoever it is about; for people who know only the id.
    async fn call_by_id(&mut self, call: CallId) -> Result<Option<StoredCall>>;

    /// Messages, calls and hand-offs, those that need somebody first: dead letters, then unsure messages, then
    /// refused ones; the latest first.
    async fn deliveries(&mut self, which: Deliveries, limit: u32) -> Result<Vec<Delivery>>;

    /// What could not be taken, the latest first.
    async fn quarantined(&mut self, limit: u32) -> Result<Vec<Quarantined>>;

    /// The counts of a journey, or of all, day by day.
    async fn tallies(&mut self, journey: Option<&str>) -> Result<Vec<TallyRow>>;

    /// The counts of a journey, or of all, of all days together: as many as there are things to count.
    async fn totals(&mut self, journey: Option<&str>) -> Result<Vec<TallyRow>>;

    /// The variants of experiments that were picked, by journey and experiment.
    async fn picked(&mut self) -> Result<Vec<Picked>>;

    /// Every version, with its plan and whether it is in force.
    async fn versions(&mut self) -> Result<Vec<StoredVersion>>;

    /// When the last of what is in force came into it; [`Moment::MIN`] where nothing ever did.
    async fn deployed_at(&mut self) -> Result<Moment>;

    /// Which versions came into force when, in order.
    async fn deployments(&mut self) -> Result<Vec<Deployment>>;

    /// What is remembered of a contact for ways into journeys that time decides.
    async fn watch(&mut self, contact: ContactId) -> Result<Option<Watch>>;

    /// Everybody's and every program's access.
    async fn tokens(&mut self) -> Result<Vec<Token>>;

    /// The access of that id, with the hash of its secret.
    async fn access(&mut self, id: &str) -> Result<Option<Access>>;

    /// Contacts behind one, in the order of their keys, with everything that is theirs, for the audit. Rows that cannot be
    /// read are told, and keep nobody from the rest.
    async fn books(&mut self, after: Option<ContactId>, limit: u32) -> Result<Books>;

    /// The contacts that others turned out to be.
    async fn merged(&mut self) -> Result<BTreeSet<ContactId>>;

    /// What people and programs did, the latest first.
    async fn deeds(&mut self, limit: u32) -> Result<Vec<Deed>>;
}

/// Changing. What is said about a contact that turned out to be another meanwhile is said about the other.
#[async_trait]
pub trait WriteUnit: ReadUnit {
    /// Makes everything that was done lasting. What was answered by then survives a crash and a loss of power.
    async fn commit(self: Box<Self>) -> Result<()>;

    /// Takes what is to be done now, where many processes share a database of those contacts that no other moves:
    /// events that no run has looked at, the oldest first, and runs whose moment has come, and contacts whose moment
    /// has come; of the contacts of both also later events, so that an event goes before a later timer. Of each of
    /// them there are no more than [`Claim::EVENTS_EACH_MAX`] and one such events, those that happened first, and of
    /// all together no more than that beyond `limit`: whoever has no room is left with all that is theirs. So is whoever has
    /// a run of a version that is `unreadable` to which it may matter.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the contact whose row cannot be read: [`set_aside`](Self::set_aside) takes it out
    /// of the way.
    async fn claim(&mut self, now: Moment, limit: u32, unreadable: &[u32]) -> Result<Claim>;

    /// What is known of contacts, for moving them: with runs that are inside, and ended ones whose goals could
    /// still be reached at `earliest`. How far back `needs` reaches is counted from there, and rather too far
    /// than too little.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    async fn states(
        &mut self,
        contacts: &[ContactId],
        needs: &Needs,
        earliest: Moment,
    ) -> Result<Vec<ContactState>>;

    /// Records turns: runs, history, messages, calls, goals, contacts, counts, and the events looked at.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] when a run is no longer at the turn these were made from. Some of it may be recorded
    /// where it fails: the unit must be dropped then, never committed.
    async fn record(&mut self, batch: TurnBatch) -> Result<()>;

    /// As [`record`](Self::record), for few turns: where it fails nothing of it is recorded, and the unit goes on.
    async fn record_or_leave(&mut self, batch: TurnBatch) -> Result<()>;

    /// Takes in what came from outside; for each, in order, what became of it. Contacts that turn out to be one
    /// become one, with everything that is theirs; where both are in a journey, one of the two runs ends.
    async fn take_in(&mut self, arrivals: Vec<Arrival>) -> Result<Vec<Intake>>;

    /// Adds events of known contacts; those that are there already are left as they are. Tells how many were new.
    async fn add_events(&mut self, events: Vec<Event>) -> Result<u64>;

    /// Records decisions on topics, each with the event that tells of it. A decision that changes nothing is
    /// recorded all the same; of two at the same instant the refusal holds. One that is not there yet and says to be from
    /// before the last on its topic was made by a process whose clock is behind: it is recorded behind that one.
    async fn decide(&mut self, permissions: Vec<Permission>) -> Result<()>;

    /// Puts what could not be taken aside, where it is shown.
    async fn quarantine(&mut self, received_at: Moment, items: Vec<(String, String)>) -> Result<()>;

    /// Takes what waits for a contact out of the way where that cannot be read, so that everybody else goes on, and
    /// notes why among what was quarantined. Events count as looked at, and timers are gone; messages are refused and
    /// calls dead, where somebody can try them again.
    async fn set_aside(&mut self, contact: ContactId, waiting: Waiting, why: &str, now: Moment)
    -> Result<()>;

    /// Adds and changes contacts from a file.
    async fn import(&mut self, rows: Vec<ImportRow>, now: Moment) -> Result<ImportCounts>;

    /// The last gate: in one go checks each message's permission and address once more and moves those that may
    /// go from decided to handed over. What was refused meanwhile becomes skipped. While everything is held, nothing
    /// goes and all stays as it is; so does a message of which another attempt is the next.
    async fn hand_over(&mut self, messages: &[AtGate], now: Moment) -> Result<Vec<GateAnswer>>;

    /// Makes messages due again that the gate let go at that moment and that did not go, for the answer never came to
    /// whoever asked: they were not tried. Those that were not let go then stay as they are.
    async fn take_back(&mut self, keys: &[MessageKey], handed_over_at: Moment) -> Result<()>;

    /// Leaves messages that this process took, and that still wait, to whichever process takes them next.
    async fn give_back(&mut self, keys: &[MessageKey]) -> Result<()>;

    /// Records what became of messages; answers those that were in a state that can lead there, the others stay
    /// as they are.
    async fn settle_messages(
        &mut self,
        settled: Vec<MessageSettlement>,
        now: Moment,
    ) -> Result<Vec<MessageKey>>;

    /// Records what persons did with messages: of each kind the first counts, once for each message. The hours at
    /// which they did are those of their clocks; `zone` is that of contacts without one.
    async fn react(&mut self, reactions: Vec<Reaction>, zone: &TimeZone) -> Result<()>;

    /// Messages whose hand-over a process began that is no more become unsure. Where one process works alone it is
    /// called before anything is handed over; where many share a database ([`Store::is_shared`]) again and again, and
    /// concerns hand-overs that began two minutes ago or earlier.
    async fn recover(&mut self, now: Moment) -> Result<u64>;

    /// Has messages sent once more that became unsure at `now` or later, each at most once in its life.
    async fn resend(&mut self, now: Moment) -> Result<u64>;

    /// Suppresses addresses, each with the contact it was written to and the reason, and says so on the contacts
    /// that have them. From then on whoever has such an address is marked, however they came by it.
    async fn suppress(&mut self, addresses: Vec<(ContactId, String, String)>, now: Moment) -> Result<()>;

    /// Keeps what is sent, so that every attempt sends the same; gives what is kept of each, which may have been said
    /// before by another process.
    async fn set_bodies(
        &mut self,
        bodies: Vec<(ContactId, CallId, String)>,
    ) -> Result<BTreeMap<CallId, String>>;

    /// Records what became of calls.
    async fn settle_calls(&mut self, settled: Vec<CallSettlement>, now: Moment) -> Result<()>;

    /// Records a team's answer to a hand-off; `false` where it has answered already, or there is none.
    async fn answer_lead(
        &mut self,
        contact: ContactId,
        call: CallId,
        accepted: bool,
        by: &str,
        now: Moment,
    ) -> Result<bool>;

    /// Tries a delivery again at once: a dead call, an unsure or refused message; `false` where there is nothing
    /// to try again.
    async fn retry(
        &mut self,
        kind: DeliveryKind,
        contact: ContactId,
        id: uuid::Uuid,
        now: Moment,
    ) -> Result<bool>;

    /// Holds everything that would be handed over: it keeps its state. `false` where it is held already; then that
    /// hold stays as it is.
    async fn hold(&mut self, why: &str, now: Moment) -> Result<bool>;

    /// Lets go what was held; `false` where nothing was.
    async fn release(&mut self) -> Result<bool>;

    /// Says whose journeys are in force.
    async fn belong_to(&mut self, workspace: &str) -> Result<()>;

    /// The number of a plan's version; a plan of the same hash has the number it got the first time.
    async fn add_version(&mut self, plan: &Plan, now: Moment) -> Result<u32>;

    /// The moment of a deployment that begins now: behind every one before it, whatever the clocks of the processes that
    /// made those said. Nobody else puts anything into force until the unit ends.
    async fn deploying(&mut self, now: Moment) -> Result<Moment>;

    /// Puts a version into force, or takes a journey out of it.
    async fn deploy(&mut self, journey: &str, version: Option<u32>, now: Moment) -> Result<()>;

    /// Begins to have those looked at who are inside another version of a journey than this and not only measured, so that
    /// they go on in this one; [`wake_outdated`](Self::wake_outdated) does it. Another deployment of the journey ends it.
    async fn begin_move(&mut self, journey: &str, version: u32, now: Moment) -> Result<()>;

    /// Has the next of them looked at now, among so many runs in the order of their keys, and tells how many were told;
    /// nothing where none are left, where somebody else is just at it, or where it began after `deployed_at`, with
    /// versions that whoever asks does not know yet.
    async fn wake_outdated(&mut self, deployed_at: Moment, now: Moment, limit: u32) -> Result<Option<Woken>>;

    /// Begins to watch contacts for ways into journeys that time decides: from now on whoever comes or changes is
    /// looked at, and with [`extend_watch`](Self::extend_watch) those who are there.
    async fn begin_watch(&mut self, now: Moment) -> Result<()>;

    /// Watches nobody any more.
    async fn end_watch(&mut self) -> Result<()>;

    /// Has the next contacts looked at that were there before the watch began, in the order of their keys; `false`
    /// where all have been, or where the watch began after `deployed_at`, for ways that whoever asks does not know yet.
    async fn extend_watch(&mut self, deployed_at: Moment, now: Moment, limit: u32) -> Result<bool>;

    /// Notes variants that were picked. One that was picked before stays.
    async fn pick(&mut self, picked: Vec<Picked>) -> Result<()>;

    /// Writes down what somebody did. Whoever does it writes it down with the thing itself.
    async fn note(&mut self, deed: Deed) -> Result<()>;

    /// Gives access.
    async fn add_token(&mut self, access: Access) -> Result<()>;

    /// Takes access away; `false` where there is none of that id.
    async fn revoke_token(&mut self, id: &str, now: Moment) -> Result<bool>;
}
