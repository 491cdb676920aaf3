//! People, runs and messages, made short.

use std::collections::BTreeMap;

use crate::domain::{
    Address, Arm, Attributes, Call, CallId, CallKind, ContactId, ContactState, Effects, Event, EventId,
    EventKind, HistoryStep, IdHasher, Message, MessageId, MessageState, Permission, Run, RunId, RunState,
    StageMove, StepKind, id_of_step,
};
use crate::language::check::check;
use crate::language::plan::{Needs, Plan, compile};
use crate::source::WorkspaceFiles;
use crate::store::audit::Rule;
use crate::store::{
    Arrival, ArrivalKind, Breach, Identity, ImportRow, MessageKey, Store, TurnBatch, Who, audit,
};
use crate::time::{Moment, TimeZone};

/// Does one thing in a transaction of its own and commits it.
macro_rules! change {
    ($store:expr, $unit:ident => $change:expr) => {{
        let mut $unit = $store.write().await.unwrap();
        let answer = $change.await.unwrap();
        $unit.commit().await.unwrap();
        answer
    }};
}

/// Looks at one thing in a transaction of its own.
macro_rules! look {
    ($store:expr, $unit:ident => $look:expr) => {{
        let mut $unit = $store.read().await.unwrap();
        $look.await.unwrap()
    }};
}

pub(in crate::store) const PERMISSIONS: &Needs =
    &Needs { permissions: true, events: BTreeMap::new(), messages: None, watch: false, left: true };
pub(in crate::store) const NOTHING: &Needs =
    &Needs { permissions: false, events: BTreeMap::new(), messages: None, watch: false, left: true };

/// Seconds after the tests begin.
pub(in crate::store) fn at(seconds: i64) -> Moment {
    Moment::from_seconds(1_800_000_000).plus_seconds(seconds)
}

fn id(kind: &str, name: &str) -> uuid::Uuid {
    IdHasher::new(kind).part(name).finish(at(0))
}

pub(in crate::store) fn event_id(name: &str) -> EventId {
    EventId(id("event", name))
}

pub(in crate::store) fn address(text: &str) -> Option<Address> {
    (!text.is_empty()).then(|| text.parse().unwrap())
}

pub(in crate::store) fn attributes(json: serde_json::Value) -> Attributes {
    json.as_object().unwrap().clone()
}

/// Somebody with an external id, an address at `example.org` and the topic `news` allowed.
pub(in crate::store) async fn person(store: &dyn Store, name: &str) -> ContactId {
    let row =
        ImportRow { allows: vec![("news".to_owned(), true)], ..row(name, &format!("{name}@example.org")) };
    change!(store, unit => unit.import(vec![row], at(-1_000)));
    id_of(store, name).await
}

/// A row of a file; what is empty is left out.
pub(in crate::store) fn row(external_id: &str, email: &str) -> ImportRow {
    ImportRow {
        external_id: (!external_id.is_empty()).then(|| external_id.to_owned()),
        email: address(email),
        source: "file".to_owned(),
        ..ImportRow::default()
    }
}

/// Whom a name means, in any of its forms.
pub(in crate::store) async fn id_of(store: &dyn Store, who: &str) -> ContactId {
    look!(store, unit => unit.find(&Who::from_text(who))).unwrap_or_else(|| panic!("nobody is `{who}`")).id
}

/// An arrival about `external/device/address`, each of them possibly empty.
pub(in crate::store) fn arrival(name: &str, who: &str, second: i64) -> Arrival {
    let mut parts = who.split('/');
    let mut part = || Some(parts.next()?.to_owned()).filter(|text| !text.is_empty());
    let (external_id, anonymous_id) = (part(), part());
    Arrival {
        id: event_id(name),
        who: Identity { external_id, anonymous_id, email: part().and_then(|text| address(&text)) },
        kind: ArrivalKind::Event(EventKind::Track, name.to_owned()),
        at: at(second),
        received_at: at(second),
        properties: Attributes::new(),
    }
}

/// An event of somebody who is known, at a second.
pub(in crate::store) fn event(contact: ContactId, name: &str, second: i64) -> Event {
    Event {
        id: event_id(name),
        contact,
        kind: EventKind::Track,
        name: name.to_owned(),
        at: at(second),
        received_at: at(second),
        run: None,
        depth: 0,
        properties: Attributes::new(),
    }
}

pub(in crate::store) fn decision(contact: ContactId, topic: &str, allowed: bool, second: i64) -> Permission {
    Permission {
        contact,
        topic: topic.to_owned(),
        allowed,
        at: at(second),
        source: "form".to_owned(),
        wording: None,
        proof: None,
    }
}

pub(in crate::store) async fn state_of(store: &dyn Store, contact: ContactId) -> ContactState {
    let mut unit = store.write().await.unwrap();
    unit.states(&[contact], PERMISSIONS, Moment::MIN).await.unwrap().remove(0)
}

/// Somebody who has just come into a journey and waits for a minute.
pub(in crate::store) fn entering(contact: ContactId, journey: &str, second: i64) -> (Run, Effects) {
    let run = Run {
        id: RunId(id("run", &format!("{contact} {journey} {second}"))),
        contact,
        journey: journey.to_owned(),
        version: 1,
        key: String::new(),
        arm: Arm::Treated,
        place: 2,
        turn: 1,
        steps: 0,
        entered_at: at(second),
        wake_at: Some(at(second + 60)),
        goal_until: Some(at(second + 3_600)),
        ended_at: None,
        outcome: None,
        state: RunState { inside: true, since: at(second), ..RunState::default() },
    };
    let mut effects = Effects { touched: [(run.id, 0)].into(), ..Effects::default() };
    effects.moves.push(StageMove { run: run.id, from: None, to: Some("first".to_owned()) });
    let mut run = run;
    for (kind, detail) in [(StepKind::Entered, "signup"), (StepKind::Stage, "first")] {
        note(&mut run, &mut effects, kind, detail, second);
    }
    (run, effects)
}

/// A further turn of a run.
pub(in crate::store) fn moving(run: &mut Run) -> Effects {
    let effects = Effects { touched: [(run.id, run.turn)].into(), ..Effects::default() };
    run.turn += 1;
    effects
}

pub(in crate::store) fn note(
    run: &mut Run,
    effects: &mut Effects,
    kind: StepKind,
    detail: &str,
    second: i64,
) {
    effects.history.push(HistoryStep {
        run: run.id,
        contact: run.contact,
        number: run.steps,
        at: at(second),
        version: run.version,
        place: run.place,
        kind,
        detail: detail.to_owned(),
    });
    run.steps += 1;
}

/// The end of a run, as a turn of its own.
pub(in crate::store) fn ending(run: &mut Run, second: i64) -> Effects {
    let mut effects = moving(run);
    effects.moves.push(StageMove { run: run.id, from: Some("first".to_owned()), to: None });
    note(run, &mut effects, StepKind::Ended, "done", second);
    run.ended_at = Some(at(second));
    run.outcome = Some("done".to_owned());
    run.wake_at = None;
    effects
}

/// A message of a run on the topic `news`; the step that decides it is noted.
pub(in crate::store) fn sending(
    run: &mut Run,
    effects: &mut Effects,
    address: &str,
    second: i64,
) -> MessageKey {
    let message = Message {
        id: MessageId(id_of_step("message", run.id, run.steps, at(second))),
        contact: run.contact,
        run: run.id,
        journey: run.journey.clone(),
        version: run.version,
        place: run.place,
        step: run.steps,
        channel: "email".to_owned(),
        message: "hello".to_owned(),
        topic: "news".to_owned(),
        essential: false,
        address: address.to_owned(),
        with: Attributes::new(),
        state: MessageState::Decided,
        reason: None,
        decided_at: at(second),
        wanted_at: at(second),
    };
    let key = MessageKey { contact: run.contact, id: message.id };
    effects.messages.push(message);
    note(run, effects, StepKind::Sent, "hello", second);
    key
}

/// A call of a run to a receiver; the step that decides it is noted.
pub(in crate::store) fn calling(
    run: &mut Run,
    effects: &mut Effects,
    (kind, target): (CallKind, &str),
    second: i64,
) -> CallId {
    let call = Call {
        id: CallId(id_of_step("call", run.id, run.steps, at(second))),
        contact: run.contact,
        run: run.id,
        journey: run.journey.clone(),
        version: run.version,
        place: run.place,
        step: run.steps,
        stage: "first".to_owned(),
        kind,
        target: target.to_owned(),
        with: Attributes::new(),
        assigned_to: None,
        decided_at: at(second),
    };
    let id = call.id;
    effects.calls.push(call);
    note(run, effects, StepKind::Called, target, second);
    id
}

/// One turn as a batch.
pub(in crate::store) fn batch(state: ContactState, run: &Run, effects: Effects, second: i64) -> TurnBatch {
    let mut state = state;
    state.runs.retain(|known| known.id != run.id);
    state.runs.push(run.clone());
    TurnBatch { now: at(second), contacts: vec![(state, effects)], events: Vec::new() }
}

/// Records one turn of a run.
pub(in crate::store) async fn record(store: &dyn Store, run: &Run, effects: Effects, second: i64) {
    let state = state_of(store, run.contact).await;
    change!(store, unit => unit.record(batch(state, run, effects, second)));
}

/// Somebody enters and gets a message, both at a second.
pub(in crate::store) async fn sent(store: &dyn Store, contact: ContactId, second: i64) -> MessageKey {
    let address = state_of(store, contact).await.contact.email.unwrap_or_default();
    let (mut run, mut effects) = entering(contact, &format!("welcome {second}"), second);
    let key = sending(&mut run, &mut effects, &address, second);
    record(store, &run, effects, second).await;
    key
}

/// What does not balance. Runs that tests make up have no plans, which is no matter here.
pub(super) async fn broken(store: &dyn Store) -> Vec<String> {
    let audit = look!(store, unit => audit(&mut *unit, &TimeZone::UTC));
    let broken = audit.broken.iter().filter(|breach| breach.rule != Rule::VersionsAreThere);
    // Counts of stages are by the plans too.
    let of_stages = |breach: &&Breach| {
        breach.rule == Rule::CountsFit && breach.first.iter().all(|found| found.what.contains("`in_stage"))
    };
    broken.filter(|breach| !of_stages(breach)).map(ToString::to_string).collect()
}

/// The plan of a small journey of that name.
pub(in crate::store) fn plan(journey: &str, minutes: u32) -> Plan {
    let text = format!(
        "event signup {{ }}\n\
        topic news \"News\"\n\
        email hello {{ topic news  from m  subject \"Hi\"  body \"Hi {{{{ unsubscribe_url }}}}\" }}\n\
        journey {journey} \"J\" {{ enter on signup  permission news \
        stage first {{ wait {minutes} minutes  send email hello  end }} }}"
    );
    let files = WorkspaceFiles::from_texts([("a.journey", text.as_str())]);
    let checked = check(&files, None);
    assert!(!checked.has_errors(), "{:#?}", checked.findings);
    compile(&checked.model.journeys[0], &checked, &files.sources).unwrap()
}
