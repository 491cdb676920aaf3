//! From rows to what they mean. The columns of each list stand beside the function that reads them.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use sqlx::{Decode, Row as _, Type};
use uuid::Uuid;

use super::{Database, Row, integer};

use crate::domain::{
    Arm, Call, CallId, CallKind, CallState, Contact, ContactId, DueRun, Event, EventId, EventKind,
    GoalReached, HistoryStep, Message, MessageId, MessageState, Permission, Run, RunId, SkipReason, StepKind,
};
use crate::store::{Result, StoreError, StoredCall, StoredEvent, StoredMessage};
use crate::time::Moment;

/// Reads the columns of one row in order.
pub(in super::super) struct Columns<'r> {
    row: &'r Row,
    table: &'static str,
    /// Whose row it is, once that was read.
    contact: Option<ContactId>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(in super::super) fn of(row: &'r Row, table: &'static str) -> Self {
        Self { row, table, contact: None, next: 0 }
    }

    pub(super) fn get<T: Decode<'r, Database> + Type<Database>>(&mut self) -> Result<T> {
        let index = self.next;
        self.next += 1;
        self.row.try_get(index).map_err(|error| self.damaged(error))
    }

    fn damaged(&self, what: impl ToString) -> StoreError {
        StoreError::Damaged { table: self.table, contact: self.contact, what: what.to_string() }
    }

    /// Whose row it is: what is damaged behind it is damaged with this contact alone.
    pub(in super::super) fn contact(&mut self) -> Result<ContactId> {
        let contact = ContactId(self.id()?);
        self.contact = Some(contact);
        Ok(contact)
    }

    /// An error names a key that is none as SQL names it, so that its row can be found.
    pub(in super::super) fn id(&mut self) -> Result<Uuid> {
        let index = self.next;
        self.get().map_err(|error| match self.row.try_get::<Vec<u8>, _>(index) {
            Ok(key) => self.damaged(format!("its key {} is no id", literal(&key))),
            Err(_) => error,
        })
    }

    pub(super) fn text(&mut self) -> Result<String> {
        self.get()
    }

    pub(super) fn maybe_text(&mut self) -> Result<Option<String>> {
        self.get()
    }

    pub(super) fn moment(&mut self) -> Result<Moment> {
        Ok(Moment::from_micros(self.number()?))
    }

    pub(super) fn maybe_moment(&mut self) -> Result<Option<Moment>> {
        Ok(self.maybe_number()?.map(Moment::from_micros))
    }

    pub(in super::super) fn number<T: TryFrom<i64>>(&mut self) -> Result<T> {
        self.maybe_number()?.ok_or_else(|| self.damaged("a number is missing"))
    }

    pub(in super::super) fn maybe_number<T: TryFrom<i64>>(&mut self) -> Result<Option<T>> {
        let index = self.next;
        self.next += 1;
        let number = integer(self.row, index).map_err(|error| self.damaged(error))?;
        let in_range =
            |number| T::try_from(number).map_err(|_| self.damaged(format!("{number} is out of range")));
        number.map(in_range).transpose()
    }

    pub(super) fn flag(&mut self) -> Result<bool> {
        self.get()
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let text: &str = self.get()?;
        serde_json::from_str(text).map_err(|error| self.damaged(error))
    }

    /// A word that stands for a variant.
    pub(super) fn word<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Result<T> {
        let text: &str = self.get()?;
        read(text).ok_or_else(|| self.damaged(format!("`{text}` is not known")))
    }
}

/// Bytes as SQL writes them.
fn literal(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02X}"));
    format!("X'{}'", digits.collect::<String>())
}

/// Reads every row.
pub(super) fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T>) -> Result<Vec<T>> {
    rows.iter().map(read).collect()
}

pub(super) fn contact(row: &Row) -> Result<Contact> {
    contact_from(&mut Columns::of(row, "contact"))
}

/// `id, external_id, email, phone, timezone, language, created_at, tags, attributes, suppressed`
pub(super) fn contact_from(columns: &mut Columns<'_>) -> Result<Contact> {
    Ok(Contact {
        id: columns.contact()?,
        external_id: columns.maybe_text()?,
        email: columns.maybe_text()?,
        phone: columns.maybe_text()?,
        timezone: columns.maybe_text()?,
        language: columns.maybe_text()?,
        created_at: columns.moment()?,
        tags: columns.json::<BTreeSet<String>>()?,
        attributes: columns.json()?,
        suppressed: columns.maybe_text()?,
    })
}

/// `contact, id, journey, version, key, arm, place, turn, steps, entered_at, wake_at, goal_until, ended_at,
/// outcome, state`
pub(super) fn run(row: &Row) -> Result<Run> {
    let mut columns = Columns::of(row, "run");
    Ok(Run {
        contact: columns.contact()?,
        id: RunId(columns.id()?),
        journey: columns.text()?,
        version: columns.number()?,
        key: columns.text()?,
        arm: columns.word(Arm::from_text)?,
        place: columns.number()?,
        turn: columns.number()?,
        steps: columns.number()?,
        entered_at: columns.moment()?,
        wake_at: columns.maybe_moment()?,
        goal_until: columns.maybe_moment()?,
        ended_at: columns.maybe_moment()?,
        outcome: columns.maybe_text()?,
        state: columns.json()?,
    })
}

/// `contact, id, journey, version, place, wake_at`
pub(super) fn due_run(row: &Row) -> Result<DueRun> {
    let mut columns = Columns::of(row, "run");
    Ok(DueRun {
        contact: columns.contact()?,
        id: RunId(columns.id()?),
        journey: columns.text()?,
        version: columns.number()?,
        place: columns.number()?,
        wake_at: columns.moment()?,
    })
}

/// `contact, id, kind, name, at, received_at, run, depth, properties`
pub(super) fn event(row: &Row) -> Result<Event> {
    event_from(&mut Columns::of(row, "event"))
}

fn event_from(columns: &mut Columns<'_>) -> Result<Event> {
    Ok(Event {
        contact: columns.contact()?,
        id: EventId(columns.id()?),
        kind: columns.word(EventKind::from_text)?,
        name: columns.text()?,
        at: columns.moment()?,
        received_at: columns.moment()?,
        run: columns.get::<Option<Uuid>>()?.map(RunId),
        depth: columns.number()?,
        properties: columns.json()?,
    })
}

/// The columns of [`event`], then `pending, result`.
pub(super) fn stored_event(row: &Row) -> Result<StoredEvent> {
    let mut columns = Columns::of(row, "event");
    let event = event_from(&mut columns)?;
    let pending = columns.flag()?;
    let result = columns.maybe_text()?;
    let refused = result.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    Ok(StoredEvent { event, pending, refused })
}

/// `contact, id, run, journey, version, place, step, channel, message, topic, essential, address, with_values,
/// state, reason, decided_at, wanted_at`
pub(super) fn message_from(columns: &mut Columns<'_>) -> Result<Message> {
    Ok(Message {
        contact: columns.contact()?,
        id: MessageId(columns.id()?),
        run: RunId(columns.id()?),
        journey: columns.text()?,
        version: columns.number()?,
        place: columns.number()?,
        step: columns.number()?,
        channel: columns.text()?,
        message: columns.text()?,
        topic: columns.text()?,
        essential: columns.flag()?,
        address: columns.text()?,
        with: columns.json()?,
        state: columns.word(MessageState::from_text)?,
        reason: columns.maybe_text()?.as_deref().and_then(SkipReason::from_text),
        decided_at: columns.moment()?,
        wanted_at: columns.moment()?,
    })
}

/// The columns of [`message_from`], then `attempts, due_at, handed_over_at, settled_at, answer, resent_at,
/// opened_at, clicked_at, timezone`.
pub(super) fn stored_message(row: &Row) -> Result<StoredMessage> {
    let mut columns = Columns::of(row, "message");
    Ok(StoredMessage {
        message: message_from(&mut columns)?,
        attempts: columns.number()?,
        due_at: columns.maybe_moment()?,
        handed_over_at: columns.maybe_moment()?,
        settled_at: columns.maybe_moment()?,
        answer: columns.maybe_text()?,
        resent_at: columns.maybe_moment()?,
        opened_at: columns.maybe_moment()?,
        clicked_at: columns.maybe_moment()?,
        timezone: columns.maybe_text()?,
    })
}

/// `contact, id, run, journey, version, place, step, stage, kind, target, with_values, assigned_to, decided_at`
pub(super) fn call_from(columns: &mut Columns<'_>) -> Result<Call> {
    Ok(Call {
        contact: columns.contact()?,
        id: CallId(columns.id()?),
        run: RunId(columns.id()?),
        journey: columns.text()?,
        version: columns.number()?,
        place: columns.number()?,
        step: columns.number()?,
        stage: columns.text()?,
        kind: columns.word(CallKind::from_text)?,
        target: columns.text()?,
        with: columns.json()?,
        assigned_to: columns.maybe_text()?,
        decided_at: columns.moment()?,
    })
}

/// The columns of [`call_from`], then `state, attempts, due_at, settled_at, status, answer, accepted`.
pub(super) fn stored_call(row: &Row) -> Result<StoredCall> {
    let mut columns = Columns::of(row, "call");
    Ok(StoredCall {
        call: call_from(&mut columns)?,
        state: columns.word(CallState::from_text)?,
        attempts: columns.number()?,
        due_at: columns.maybe_moment()?,
        settled_at: columns.maybe_moment()?,
        status: columns.maybe_number()?,
        answer: columns.maybe_text()?,
        accepted: columns.get()?,
    })
}

/// `contact, topic, allowed, at, source, wording, proof`
pub(super) fn permission(row: &Row) -> Result<Permission> {
    let mut columns = Columns::of(row, "permission");
    Ok(Permission {
        contact: columns.contact()?,
        topic: columns.text()?,
        allowed: columns.flag()?,
        at: columns.moment()?,
        source: columns.text()?,
        wording: columns.maybe_text()?,
        proof: columns.maybe_text()?,
    })
}

/// `run, number, at, version, place, kind, detail`
pub(super) fn history(row: &Row, contact: ContactId) -> Result<HistoryStep> {
    let mut columns = Columns::of(row, "history");
    Ok(HistoryStep {
        contact,
        run: RunId(columns.id()?),
        number: columns.number()?,
        at: columns.moment()?,
        version: columns.number()?,
        place: columns.number()?,
        kind: columns.word(StepKind::from_text)?,
        detail: columns.text()?,
    })
}

/// `contact, run, goal, journey, version, arm, at, worth, event`
pub(super) fn goal(row: &Row) -> Result<GoalReached> {
    let mut columns = Columns::of(row, "goal");
    Ok(GoalReached {
        contact: columns.contact()?,
        run: RunId(columns.id()?),
        goal: columns.text()?,
        journey: columns.text()?,
        version: columns.number()?,
        arm: columns.word(Arm::from_text)?,
        at: columns.moment()?,
        worth: columns.get()?,
        event: EventId(columns.id()?),
    })
}

/// The slot of a contact, as it is stored.
pub(super) fn slot(contact: ContactId) -> i32 {
    i32::from(contact.slot().0)
}

/// JSON as it is stored.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
