//! Contacts that are set aside, and rows that cannot be read.

use super::fixture::{
    arrival, at, broken, calling, ending, entering, event, person, record, row, sending, state_of,
};
use crate::domain::{CallKind, CallState, ContactId, Effects, MessageState, Watch, WatchState};
use crate::language::plan::{Needs, Reach};
use crate::store::audit::Rule;
use crate::store::{Carrier, Intake, Store, StoreError, TurnBatch, Waiting, Who, audit};
use crate::time::{Moment, TimeZone};

/// Somebody for whom everything waits: an event, a timer, a look, a message and a call.
async fn waiting(store: &dyn Store, name: &str) -> ContactId {
    let contact = person(store, name).await;
    let (mut run, mut effects) = entering(contact, &format!("welcome {name}"), 0);
    sending(&mut run, &mut effects, &format!("{name}@example.org"), 0);
    calling(&mut run, &mut effects, (CallKind::Call, "erp"), 0);
    record(store, &run, effects, 0).await;
    let watch = Watch { looked_at: at(0), due_at: Some(at(50)), state: WatchState::default() };
    let effects = Effects { watch: Some(watch), ..Effects::default() };
    let contacts = vec![(state_of(store, contact).await, effects)];
    change!(store, unit => unit.record(TurnBatch { now: at(0), contacts, events: Vec::new() }));
    change!(store, unit => unit.add_events(vec![event(contact, name, 1)]));
    contact
}

pub(super) async fn what_waits_for_whoever_is_set_aside_is_taken_away(store: &dyn Store) {
    let (ada, ben) = (waiting(store, "ada").await, waiting(store, "ben").await);
    change!(store, unit => unit.set_aside(ada, Waiting::Turns, "why", at(60)));
    let mut unit = store.write().await.unwrap();
    let claim = unit.claim(at(60), 10, &[]).await.unwrap();
    assert!(claim.events.iter().all(|event| event.contact == ben) && claim.events.len() == 1);
    assert!(claim.due.iter().all(|run| run.contact == ben) && claim.due.len() == 1);
    assert_eq!(claim.watches, [ben]);
    let aside = unit.quarantined(10).await.unwrap();
    assert_eq!((aside.len(), aside[0].received_at), (1, at(60)));
    assert_eq!(aside[0].reason, "the contact is set aside: why");
    assert!(aside[0].body.contains(&ada.to_string()));
    drop(unit);
    for waiting in [Waiting::Messages, Waiting::Calls] {
        change!(store, unit => unit.set_aside(ada, waiting, "why", at(60)));
    }
    let messages = store.claim_messages(Carrier::Mail, at(60), 10, &[], &[], &[]).await.unwrap();
    assert_eq!(messages.iter().map(|claimed| claimed.contact.id).collect::<Vec<_>>(), [ben]);
    let calls = store.claim_calls(at(60), 10, &[], &[], &[]).await.unwrap();
    assert_eq!(calls.iter().map(|claimed| claimed.call.contact).collect::<Vec<_>>(), [ben]);
    let message = look!(store, unit => unit.messages(ada)).remove(0);
    assert_eq!((message.message.state, message.answer.as_deref()), (MessageState::Refused, Some("why")));
    let call = look!(store, unit => unit.calls(ada)).remove(0);
    assert_eq!((call.state, call.answer.as_deref()), (CallState::Dead, Some("why")));
}

/// What turns ask of a contact at the most.
fn everything() -> Needs {
    let events = [("ada".to_owned(), Reach::Forever)].into();
    Needs { permissions: true, events, messages: Some(Reach::Forever), watch: true, left: true }
}

/// One look at what is to be done: whose row could not be read, or who is there.
async fn looked(store: &dyn Store) -> Result<Vec<ContactId>, Option<ContactId>> {
    let mut unit = store.write().await.unwrap();
    let whose = |error| match error {
        StoreError::Damaged { contact, .. } => contact,
        error => panic!("{error}"),
    };
    let claim = unit.claim(at(60), 10, &[]).await.map_err(whose)?;
    let due = claim.due.iter().map(|run| run.contact).chain(claim.watches.iter().copied());
    let mut contacts: Vec<ContactId> = due.chain(claim.events.iter().map(|event| event.contact)).collect();
    contacts.sort();
    contacts.dedup();
    unit.states(&contacts, &everything(), Moment::MIN).await.map_err(whose)?;
    Ok(contacts)
}

/// How the databases write an id.
fn id_in(store: &dyn Store) -> impl Fn(ContactId) -> String {
    let is_shared = store.is_shared();
    move |id| if is_shared { format!("'{id}'") } else { format!("x'{}'", id.0.simple()) }
}

/// Each damage in turn, to somebody who is new.
pub(super) async fn whoever_cannot_be_read_holds_up_nobody(store: &dyn Store, say: impl AsyncFn(String)) {
    let ben = waiting(store, "ben").await;
    let id = id_in(store);
    for (number, damage) in [
        "UPDATE run SET state = '{' WHERE contact = ?",
        "UPDATE run SET arm = 'third' WHERE contact = ?",
        "UPDATE run SET turn = -1 WHERE contact = ?",
        "UPDATE event SET properties = 'none' WHERE contact = ?",
        "UPDATE event SET kind = 'wish' WHERE contact = ?",
        "UPDATE watch SET state = '{' WHERE contact = ?",
        "UPDATE contact SET attributes = '' WHERE id = ?",
        "UPDATE contact SET tags = '{}' WHERE id = ?",
    ]
    .into_iter()
    .enumerate()
    {
        let ada = waiting(store, &format!("ada{number}")).await;
        say(damage.replace('?', &id(ada))).await;
        assert_eq!(looked(store).await, Err(Some(ada)), "{damage}");
        change!(store, unit => unit.set_aside(ada, Waiting::Turns, damage, at(60)));
        assert_eq!(looked(store).await, Ok(vec![ben]), "{damage}");
    }
    let aside = look!(store, unit => unit.quarantined(100));
    assert_eq!(aside.len(), 8);
}

pub(super) async fn an_audit_tells_what_cannot_be_read_and_goes_on(
    store: &dyn Store,
    say: impl AsyncFn(String),
) {
    let (ada, ben) = (waiting(store, "ada").await, waiting(store, "ben").await);
    let id = id_in(store);
    let damage = [
        "UPDATE contact SET attributes = '' WHERE id = ?",
        "UPDATE event SET kind = 'wish' WHERE contact = ?",
        "UPDATE run SET arm = 'third' WHERE contact = ?",
        "UPDATE message SET state = 'lost' WHERE contact = ?",
        "UPDATE call SET with_values = '{' WHERE contact = ?",
    ];
    for damage in damage {
        say(damage.replace('?', &id(ada))).await;
    }
    let found = look!(store, unit => audit(&mut *unit, &TimeZone::UTC));
    let damaged = found.broken.iter().find(|breach| breach.rule == Rule::RowsAreReadable).unwrap();
    let told: Vec<_> =
        damaged.first.iter().map(|found| (found.contact, found.what.split(' ').nth(3))).collect();
    let tables = ["contact", "event", "run", "message", "call"].map(|table| format!("`{table}`"));
    assert_eq!(told, tables.iter().map(|table| (Some(ada), Some(table.as_str()))).collect::<Vec<_>>());
    assert_eq!((found.contacts, found.entered, damaged.count), (2, 1, 5), "the rest is counted");
    change!(store, unit => unit.add_version(&super::fixture::plan("welcome", 1), at(0)));
    say("UPDATE version SET plan = '{'".to_owned()).await;
    let found = look!(store, unit => audit(&mut *unit, &TimeZone::UTC));
    let rules: Vec<Rule> = found.broken.iter().map(|breach| breach.rule).collect();
    assert!(rules.contains(&Rule::RowsAreReadable) && !rules.contains(&Rule::VersionsAreThere), "{rules:?}");
    assert_eq!(look!(store, unit => unit.runs(ben)).len(), 1);
}

pub(super) async fn an_audit_names_keys_that_are_no_ids(store: &dyn Store, say: impl AsyncFn(String)) {
    let id = id_in(store);
    let mut expected = Vec::new();
    for (number, table) in
        ["contact", "event", "run", "message", "call", "permission", "watch"].into_iter().enumerate()
    {
        let contact = waiting(store, table).await;
        let key = if table == "contact" { "id" } else { "contact" };
        say(format!("UPDATE {table} SET {key} = X'0{number}' WHERE {key} = {}", id(contact))).await;
        expected.push((None, format!("a row of `{table}` (its key X'0{number}' is no id)")));
    }
    let ada = waiting(store, "ada").await;
    say(format!("UPDATE message SET id = X'FF' WHERE contact = {}", id(ada))).await;
    expected.push((Some(ada), "a row of `message` (its key X'FF' is no id)".to_owned()));
    let mut unit = store.read().await.unwrap();
    let (mut found, mut people, mut after) = (Vec::new(), 0, None);
    loop {
        let page = unit.books(after, 2).await.unwrap();
        found.extend(page.damaged.into_iter().map(|damage| (damage.contact, damage.what)));
        people += page.books.len();
        after = page.books.last().map(|book| book.contact.id);
        if page.books.len() < 2 {
            break;
        }
    }
    found.sort();
    expected.sort();
    assert_eq!((found, people), (expected, 7));
    let audit = audit(&mut *unit, &TimeZone::UTC).await.unwrap();
    let damaged = audit.broken.iter().find(|breach| breach.rule == Rule::RowsAreReadable).unwrap();
    assert_eq!((damaged.count, audit.contacts), (8, 7));
}

pub(super) async fn an_audit_finds_rows_of_nobody_wherever_they_are(
    store: &dyn Store,
    say: impl AsyncFn(String),
) {
    let id = id_in(store);
    let mut people = Vec::new();
    for number in 0..7 {
        people.push(waiting(store, &format!("p{number}")).await);
    }
    people.sort_by_key(|contact| (contact.slot(), *contact));
    // The first, one in between, and the last.
    let gone = [people[0], people[3], people[6]];
    for contact in gone {
        say(format!("DELETE FROM contact WHERE id = {}", id(contact))).await;
    }
    let mut unit = store.read().await.unwrap();
    let (mut strays, mut after) = (Vec::new(), None);
    loop {
        let page = unit.books(after, 2).await.unwrap();
        strays.extend(page.strays);
        after = page.books.last().map(|book| book.contact.id);
        if page.books.len() < 2 {
            break;
        }
    }
    let mut found: Vec<_> =
        strays.iter().map(|stray| (stray.contact.slot(), stray.contact, stray.what)).collect();
    found.sort();
    let kinds = [
        "calls",
        "events",
        "messages",
        "moments at which somebody is to be looked at",
        "permissions",
        "runs",
    ];
    let expected = gone.iter().flat_map(|contact| kinds.map(|kind| (contact.slot(), *contact, kind)));
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert!(strays.iter().all(|stray| stray.count == 1), "{strays:?}");
}

pub(super) async fn what_comes_in_for_whoever_cannot_be_read_is_taken(
    store: &dyn Store,
    say: impl AsyncFn(String),
) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    say(format!("UPDATE contact SET tags = '{{' WHERE id = {}", id_in(store)(ada))).await;
    let came = vec![arrival("login", "ada//ada@example.org", 0), arrival("visit", "ben", 1)];
    let taken = change!(store, unit => unit.take_in(came));
    assert_eq!(taken, [Intake::Stored(ada), Intake::Stored(ben)]);
    assert_eq!(look!(store, unit => unit.events(ada, 9)).len(), 1);
    let rows = vec![row("ada", ""), row("ben", ""), row("eve", "")];
    let counts = change!(store, unit => unit.import(rows, at(2)));
    assert_eq!((counts.added, counts.changed, counts.unreadable), (1, 1, 1));
    let dead = |contact, name: &str| (contact, format!("{name}@example.org"), "bounced".to_owned());
    change!(store, unit => unit.suppress(vec![dead(ada, "ada"), dead(ben, "ben")], at(3)));
    assert_eq!(
        look!(store, unit => unit.find(&Who::Id(ben))).unwrap().suppressed.as_deref(),
        Some("bounced")
    );
}

/// As the page on scaling says.
pub(super) async fn an_audit_balances_without_the_steps_of_those_who_have_ended(
    store: &dyn Store,
    say: impl AsyncFn(String),
) {
    let ada = person(store, "ada").await;
    for (journey, ended) in [("old", 10), ("new", 100)] {
        let (mut run, effects) = entering(ada, journey, 0);
        record(store, &run, effects, 0).await;
        let effects = ending(&mut run, ended);
        record(store, &run, effects, ended).await;
    }
    let page = include_str!("../../../docs/guide/scaling.md");
    let (_, sql) = page.split_once("```sql\n").unwrap();
    let (sql, _) = sql.split_once(";").unwrap();
    let sql = sql.replace("1700000000000000", &at(50).micros().to_string());
    for slot in 0..crate::domain::SLOT_COUNT {
        say(sql.replace("r.slot = 17", &format!("r.slot = {slot}"))).await;
    }
    let mut unit = store.read().await.unwrap();
    let mut steps = Vec::new();
    for run in unit.runs(ada).await.unwrap() {
        steps.push((run.journey.clone(), unit.history(ada, run.id).await.unwrap().len()));
    }
    steps.sort();
    assert_eq!(steps, [("new".to_owned(), 3), ("old".to_owned(), 1)]);
    drop(unit);
    assert_eq!(broken(store).await, [""; 0]);
}
