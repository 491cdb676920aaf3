//! What must be so, whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use lotse::domain::{ContactId, EventKind, MessageId, MessageState};
use lotse::store::audit::Rule;
use lotse::store::{Book, ReadUnit, Store, StoredMessage, Who, audit};
use lotse::time::{Moment, TimeZone};

use super::world::{Known, World};

/// What the audit finds. Where clocks went back, nobody can tell by moments what came before what.
pub async fn broken(store: &dyn Store, jumped_back: bool) -> Vec<String> {
    let by_moments = [
        Rule::RefusalsHold,
        Rule::SuppressionsHold,
        Rule::CapsHold,
        Rule::EventsAreLookedAt,
        Rule::DueIsDone,
        Rule::HandOversEnd,
    ];
    breaches(store, if jumped_back { &by_moments } else { &[] }).await
}

async fn breaches(store: &dyn Store, beside: &[Rule]) -> Vec<String> {
    let found = audit(&mut *store.read().await.unwrap(), &TimeZone::UTC).await.unwrap();
    let counted = found.broken.iter().filter(|breach| !beside.contains(&breach.rule));
    counted.map(ToString::to_string).collect()
}

/// What is wrong at the end, when nothing is left to do.
pub async fn wrong(
    store: &dyn Store,
    world: &World,
    now: Moment,
    (jumped_back, resends): (bool, bool),
) -> Vec<String> {
    let mut wrong = broken(store, jumped_back).await;
    let mut unit = store.read().await.unwrap();
    let books = unit.books(None, 1_000).await.unwrap().books;
    let known = std::mem::take(&mut *world.known());
    let ledger: BTreeMap<MessageId, &StoredMessage> =
        books.iter().flat_map(|book| &book.messages).map(|stored| (stored.message.id, stored)).collect();
    wrong.extend(unfinished(&books, now));
    wrong.extend(deliveries(&ledger, &known, resends));
    wrong.extend(calls(&books, &known));
    wrong.extend(refusals(&mut *unit, &ledger, &known).await);
    wrong.extend(events(&mut *unit, &known).await);
    wrong
}

/// What is being handed over, though there is no process.
pub async fn left_behind(store: &dyn Store) -> Vec<String> {
    let books = store.read().await.unwrap().books(None, 1_000).await.unwrap().books;
    let messages = books.iter().flat_map(|book| &book.messages);
    let left = messages.filter(|stored| stored.message.state == MessageState::HandedOver);
    left.map(|stored| format!("message {} is handed over by nobody", stored.message.id)).collect()
}

/// What is still to be done, though nothing kept anybody from it.
fn unfinished(books: &[Book], now: Moment) -> Vec<String> {
    let mut wrong = Vec::new();
    for book in books {
        let late =
            book.runs.iter().filter(|run| run.wake_at.is_some_and(|wake| wake < now.plus_seconds(-86_400)));
        wrong.extend(late.map(|run| format!("run {} in `{}` was to wake and did not", run.id, run.journey)));
        let held = book.runs.iter().filter(|run| run.is_live() && run.state.held.is_some());
        wrong.extend(held.map(|run| format!("run {} is held: {:?}", run.id, run.state.held)));
        wrong.extend(
            book.pending.iter().map(|event| format!("event {} `{}` is pending", event.id, event.name)),
        );
        let open = book.messages.iter().filter(|stored| {
            matches!(stored.message.state, MessageState::Decided | MessageState::HandedOver)
        });
        wrong.extend(open.map(|stored| {
            format!(
                "message {} is still {:?}, due {:?}",
                stored.message.id, stored.message.state, stored.due_at
            )
        }));
        let open = book.calls.iter().filter(|stored| stored.due_at.is_some());
        wrong.extend(open.map(|stored| format!("call {} is still {:?}", stored.call.id, stored.state)));
    }
    wrong
}

/// What the outside took of messages, against the ledger.
fn deliveries(ledger: &BTreeMap<MessageId, &StoredMessage>, known: &Known, resends: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, count) in &known.taken {
        match ledger.get(id) {
            None => wrong.push(format!("message {id} was taken, and the ledger does not have it")),
            Some(stored) => {
                let by_hand = known.by_hand.contains(&id.0);
                let is_mail = stored.message.channel == "email";
                let most = 1 + u32::from(resends && stored.resent_at.is_some());
                if is_mail && !by_hand && *count > most {
                    wrong.push(format!("message {id} was taken {count} times"));
                }
                if !by_hand
                    && stored.resent_at.is_none()
                    && stored.message.state == MessageState::Skipped
                    && is_mail
                {
                    wrong.push(format!("message {id} was taken, and the ledger says that it was skipped"));
                }
                if !by_hand
                    && stored.resent_at.is_none()
                    && stored.message.state == MessageState::Refused
                    && is_mail
                {
                    wrong.push(format!("message {id} was taken, and the ledger says that it was refused"));
                }
            }
        }
    }
    for (id, stored) in ledger {
        let taken = known.taken.contains_key(id);
        let state = stored.message.state;
        let proved = matches!(state, MessageState::Accepted | MessageState::Delivered);
        if proved && !taken {
            wrong.push(format!("message {id} is {state:?}, and nobody has it"));
        }
    }
    wrong
}

/// What the outside took of calls.
fn calls(books: &[Book], known: &Known) -> Vec<String> {
    let mut wrong = Vec::new();
    let ids: BTreeSet<_> = books.iter().flat_map(|book| &book.calls).map(|stored| stored.call.id).collect();
    for id in known.called.keys().filter(|id| !ids.contains(id)) {
        wrong.push(format!("call {id} was taken, and the store does not have it"));
    }
    for stored in books.iter().flat_map(|book| &book.calls) {
        let delivered = stored.state == lotse::domain::CallState::Delivered;
        if delivered && !known.called.contains_key(&stored.call.id) {
            wrong.push(format!("call {} is delivered, and nobody has it", stored.call.id));
        }
    }
    wrong
}

/// Nothing begins to go after a refusal was answered for, unless it was allowed again.
async fn refusals(
    unit: &mut dyn ReadUnit,
    ledger: &BTreeMap<MessageId, &StoredMessage>,
    known: &Known,
) -> Vec<String> {
    let mut people: BTreeMap<ContactId, Vec<&super::world::Decided>> = BTreeMap::new();
    for decided in &known.decisions {
        if let Some(contact) = unit.find(&Who::from_text(&decided.who)).await.unwrap() {
            people.entry(contact.id).or_default().push(decided);
        }
    }
    let mut wrong = Vec::new();
    for (order, id) in &known.begun {
        let Some(stored) = ledger.get(id).filter(|stored| !stored.message.essential) else { continue };
        let decisions = people.get(&stored.message.contact).map_or(&[][..], Vec::as_slice);
        let refused = decisions.iter().any(|refusal| {
            let later = |decided: &&super::world::Decided| decided.allowed && decided.asked > refusal.asked;
            !refusal.allowed
                && refusal.answered.is_some_and(|answered| answered < *order)
                && !decisions.iter().copied().any(|decided| later(&decided))
        });
        if refused {
            wrong.push(format!("message {id} began to go after its topic had been refused"));
        }
    }
    wrong
}

/// Whatever was answered for is there, was looked at, and led in or was refused for a reason.
async fn events(unit: &mut dyn ReadUnit, known: &Known) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, who, leads) in &known.acknowledged {
        let Some(contact) = contact_of(unit, who, *id).await else {
            wrong.push(format!("event {id} of `{who}` was answered for, and is not there"));
            continue;
        };
        let events = unit.events(contact, 10_000).await.unwrap();
        let Some(stored) = events.iter().find(|stored| stored.event.id == *id) else {
            wrong.push(format!("event {id} of `{who}` was answered for, and is not there"));
            continue;
        };
        assert_eq!(stored.event.kind, EventKind::Track);
        if let Some((journey, key)) = leads {
            let runs = unit.runs(contact).await.unwrap();
            let entered = runs.iter().any(|run| run.journey == *journey && run.key == *key);
            if !entered && !stored.refused.contains_key(*journey) {
                wrong.push(format!("event {id} of `{who}` led nowhere, and nobody knows why"));
            }
        }
    }
    wrong
}

/// Who has an event. Devices have no name that could be asked for.
async fn contact_of(unit: &mut dyn ReadUnit, who: &str, event: lotse::domain::EventId) -> Option<ContactId> {
    if let Some(contact) = unit.find(&Who::from_text(who)).await.unwrap() {
        return Some(contact.id);
    }
    for (contact, _) in unit.contacts_after(None, 1_000).await.unwrap() {
        let events = unit.events(contact.id, 10_000).await.unwrap();
        if events.iter().any(|stored| stored.event.id == event) {
            return Some(contact.id);
        }
    }
    None
}
