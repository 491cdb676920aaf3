//! Claiming, knowing, recording.

use std::collections::BTreeSet;

use super::fixture::{
    NOTHING, PERMISSIONS, at, attributes, batch, broken, calling, decision, ending, entering, event,
    event_id, moving, note, person, record, sending, state_of,
};
use crate::domain::{
    Arm, CallKind, CallState, ContactId, ContactState, Effects, Event, EventKind, Exposure, GoalReached,
    MessageState, Past, RefusalReason, Refused, SkipReason, StepKind, Watch, WatchState,
};
use crate::language::plan::{Needs, Reach};
use crate::store::{Claim, Store, StoreError, TurnBatch};
use crate::time::{Length, Moment, Unit};

/// The names of the events and the journeys of the runs.
async fn claimed(store: &dyn Store, second: i64, limit: u32) -> (Vec<String>, Vec<String>) {
    let mut unit = store.write().await.unwrap();
    let Claim { events, due, .. } = unit.claim(at(second), limit, &[]).await.unwrap();
    // A unit that is dropped lets go of what it holds only by and by.
    unit.commit().await.unwrap();
    (events.into_iter().map(|event| event.name).collect(), due.into_iter().map(|run| run.journey).collect())
}

pub(super) async fn a_claim_takes_events_in_the_order_in_which_they_came(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let mut late = event(ada, "late", 30);
    late.at = at(0);
    change!(store, unit => unit.add_events(vec![late, event(ben, "second", 20), event(ada, "first", 10)]));
    assert_eq!(claimed(store, 0, 10).await.0, ["first", "second", "late"]);
    assert_eq!(claimed(store, 0, 2).await.0, ["first", "second"]);
    let events = vec![(ada, event_id("first"))];
    change!(store, unit => unit.record(TurnBatch { now: at(40), contacts: Vec::new(), events }));
    assert_eq!(claimed(store, 0, 10).await.0, ["second", "late"]);
}

pub(super) async fn a_claim_takes_due_runs_in_the_order_of_their_timers(store: &dyn Store) {
    for (name, journey, wake) in
        [("ada", "later", Some(50)), ("ben", "sooner", Some(40)), ("eve", "never", None)]
    {
        let contact = person(store, name).await;
        let (mut run, effects) = entering(contact, journey, 0);
        run.wake_at = wake.map(at);
        record(store, &run, effects, 0).await;
    }
    assert_eq!(claimed(store, 39, 10).await.1, [""; 0]);
    assert_eq!(claimed(store, 40, 10).await.1, ["sooner"]);
    assert_eq!(claimed(store, 50, 10).await.1, ["sooner", "later"]);
    assert_eq!(claimed(store, 50, 1).await.1, ["sooner"]);
}

/// An event must go before a later timer, so none may be left behind by the limit; also not one that came at
/// the same instant as the last that is taken, and none twice where two timers are the same contact's.
pub(super) async fn a_claim_with_a_timer_has_all_events_of_its_contact(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    for journey in ["one", "two"] {
        let (run, effects) = entering(ada, journey, 0);
        record(store, &run, effects, 0).await;
    }
    let of_ben = (0..3).map(|number| event(ben, &format!("b{number}"), 10));
    let of_ada = [event(ada, "a0", 10), event(ada, "a1", 20)];
    change!(store, unit => unit.add_events(of_ben.chain(of_ada).collect()));
    for limit in 2..=6 {
        let (events, due) = claimed(store, 60, limit).await;
        assert_eq!(due.len(), 2);
        let times = |name: &str| events.iter().filter(|event| *event == name).count();
        assert_eq!((times("a0"), times("a1")), (1, 1), "{limit}: {events:?}");
        let of_ben = events.iter().filter(|event| event.starts_with('b')).count();
        assert!(of_ben <= limit as usize, "{limit}: {events:?}");
    }
}

/// Ten thousand at once would hold up everybody; what happened first is there first, whenever it came.
pub(super) async fn a_claim_takes_so_many_events_of_a_contact_and_no_more(store: &dyn Store) {
    const MANY: i64 = 10_000;
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    for contact in [ada, ben] {
        let (run, effects) = entering(contact, "welcome", 0);
        record(store, &run, effects, 0).await;
    }
    // The later it happened, the earlier it came.
    let late =
        |number: i64| Event { at: at(MANY - number), ..event(ada, &format!("a{number}"), 100 + number) };
    change!(store, unit => unit.add_events((0..MANY).map(late).collect()));
    change!(store, unit => unit.add_events(vec![event(ben, "b", 99)]));
    let (each, mut seen, mut claims) = (Claim::EVENTS_EACH_MAX, BTreeSet::new(), 0);
    loop {
        let mut unit = store.write().await.unwrap();
        let claim = unit.claim(at(60), 1, &[]).await.unwrap();
        assert!(claim.events.len() <= 1 + Claim::room(1), "{}", claim.events.len());
        assert_eq!(claim.due.len(), 1, "the limit holds for timers too");
        if claim.events.is_empty() {
            break;
        }
        // Of what came later, that which happened first.
        let of_ada: Vec<Moment> =
            claim.events.iter().filter(|event| event.contact == ada).skip(1).map(|event| event.at).collect();
        assert!(of_ada.is_sorted());
        claims += 1;
        let events: Vec<_> = claim.events.iter().map(|event| (event.contact, event.id)).collect();
        let count = events.len();
        seen.extend(events.clone());
        unit.record(TurnBatch { now: at(60), contacts: Vec::new(), events }).await.unwrap();
        unit.commit().await.unwrap();
        assert!(count > each || seen.len() as i64 == MANY + 1 || claims == 1, "{count} in claim {claims}");
    }
    assert_eq!(seen.len() as i64, MANY + 1);
}

/// Of whom not every event can be there, neither event nor timer is: the one might have to go before the other.
pub(super) async fn timers_for_whose_events_there_is_no_room_wait(store: &dyn Store) {
    let mut people = Vec::new();
    for name in ["ada", "ben", "eve"] {
        let contact = person(store, name).await;
        let (run, effects) = entering(contact, "welcome", 0);
        record(store, &run, effects, 0).await;
        let theirs = (0..400).map(|number| event(contact, &format!("{name} {number}"), 10 + number));
        change!(store, unit => unit.add_events(theirs.collect()));
        people.push(contact);
    }
    let mut left = 3 * 400;
    while left > 0 {
        let mut unit = store.write().await.unwrap();
        let Claim { events, due, .. } = unit.claim(at(60), 3, &[]).await.unwrap();
        assert!(events.len() <= 3 + Claim::room(3) && !due.is_empty(), "{} {}", events.len(), due.len());
        for run in &due {
            let theirs = events.iter().filter(|event| event.contact == run.contact).count();
            assert!(theirs == 400, "a timer goes with {theirs} events of 400");
        }
        left -= events.len();
        let mut contacts = Vec::new();
        for run in due {
            let mut run = unit.runs(run.contact).await.unwrap().remove(0);
            let effects = ending(&mut run, 60);
            let state = unit.states(&[run.contact], NOTHING, Moment::MIN).await.unwrap().remove(0);
            contacts.extend(batch(state, &run, effects, 60).contacts);
        }
        let events = events.iter().map(|event| (event.contact, event.id)).collect();
        unit.record(TurnBatch { now: at(60), contacts, events }).await.unwrap();
        unit.commit().await.unwrap();
    }
    assert_eq!(claimed(store, 60, 3).await, (vec![], vec![]));
}

/// What a journey decides holds as what a person decides, and of two decisions at one instant the refusal does.
pub(super) async fn a_turn_records_permissions(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (run, mut effects) = entering(ada, "welcome", 10);
    effects.permissions.extend([decision(ada, "news", true, 10), decision(ada, "offers", true, 10)]);
    let mut refused = event(ada, "subscribed", 10);
    refused.depth = 3;
    effects.events.push(refused);
    change!(store, unit => unit.decide(vec![decision(ada, "news", false, 10)]));
    record(store, &run, effects, 10).await;
    let decided = state_of(store, ada).await.permissions;
    assert_eq!((decided["news"], decided["offers"]), (false, true));
    let mut unit = store.write().await.unwrap();
    let told = unit.claim(at(10), 10, &[]).await.unwrap().events;
    assert_eq!(told.iter().find(|event| event.name == "subscribed").map(|event| event.depth), Some(3));
}

pub(super) async fn a_state_is_what_is_known_of_a_contact(store: &dyn Store) {
    let ada = person(store, "ada").await;
    change!(store, unit => unit.decide(vec![
        decision(ada, "news", false, 20),
        decision(ada, "news", true, 10),
        decision(ada, "offers", true, 10),
    ]));
    let (run, effects) = entering(ada, "welcome", 0);
    record(store, &run, effects, 0).await;
    let state = state_of(store, ada).await;
    assert_eq!(state.contact.email.as_deref(), Some("ada@example.org"));
    assert_eq!(state.permissions, [("news".to_owned(), false), ("offers".to_owned(), true)].into());
    assert_eq!(state.runs, [run]);
    assert_eq!((state.past, state.changed), (vec![], false));
    let mut unit = store.write().await.unwrap();
    let without = unit.states(&[ada], NOTHING, Moment::MIN).await.unwrap();
    assert!(without[0].permissions.is_empty(), "what nobody needs is not looked up");
}

pub(super) async fn a_state_has_the_ended_runs_whose_goals_are_open(store: &dyn Store) {
    let ada = person(store, "ada").await;
    for (second, goal_until) in [(0, Some(100)), (10, Some(200)), (20, None)] {
        let (mut run, effects) = entering(ada, "welcome", second);
        run.goal_until = goal_until.map(at);
        record(store, &run, effects, second).await;
        let effects = ending(&mut run, second + 5);
        record(store, &run, effects, second + 5).await;
    }
    let (live, effects) = entering(ada, "other", 15);
    record(store, &live, effects, 15).await;
    for (earliest, entered) in [(100, vec![0, 10, 15]), (101, vec![10, 15]), (201, vec![15])] {
        let mut unit = store.write().await.unwrap();
        let state = unit.states(&[ada], NOTHING, at(earliest)).await.unwrap().remove(0);
        let found: Vec<Moment> = state.runs.iter().map(|run| run.entered_at).collect();
        assert_eq!(found, entered.into_iter().map(at).collect::<Vec<_>>(), "{earliest}");
        let left = Past { journey: "welcome".to_owned(), key: String::new(), left_at: at(25) };
        assert_eq!(state.past, [left]);
    }
}

/// Only of the names that are asked for, no longer ago than is asked for, and nothing that is still to be looked at
/// or that a machine did.
pub(super) async fn a_state_has_what_happened_before(store: &dyn Store) {
    const DAY: i64 = 86_400;
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let named = |contact, id: &str, name: &str, second| {
        let mut event = event(contact, id, second);
        event.name = name.to_owned();
        event
    };
    let mut events = vec![
        named(ada, "second", "bought", -DAY),
        named(ada, "first", "bought", -20 * DAY),
        named(ada, "viewed", "viewed", -DAY),
        named(ada, "viewed long ago", "viewed", -20 * DAY),
        named(ada, "other", "other", -DAY),
        named(ben, "ben's", "bought", -DAY),
    ];
    events[0].properties = attributes(serde_json::json!({"total": 5}));
    events[2].kind = EventKind::System;
    let mut machine = named(ada, "machine", "viewed", -DAY);
    machine.kind = EventKind::Machine;
    let looked_at = events.iter().map(|event| (event.contact, event.id)).collect();
    let pending = named(ada, "third", "bought", 0);
    change!(store, unit => unit.add_events(events.into_iter().chain([machine, pending]).collect()));
    change!(store, unit => unit.record(TurnBatch { now: at(0), contacts: Vec::new(), events: looked_at }));
    let week = Reach::Within(Length::new(7, Unit::Day));
    let asked = [("bought", Reach::Forever), ("viewed", week), ("never", Reach::Forever)];
    let asked = asked.map(|(name, reach)| (name.to_owned(), reach)).into();
    let needs = Needs { events: asked, ..Needs::default() };
    let mut unit = store.write().await.unwrap();
    let states = unit.states(&[ada, ben], &needs, at(0)).await.unwrap();
    let known = |of: usize, name: &str| {
        let events = states[of].events.get(name).map_or(&[][..], Vec::as_slice);
        events.iter().map(|event| (event.at, event.properties.len())).collect::<Vec<_>>()
    };
    assert_eq!(known(0, "bought"), [(at(-20 * DAY), 0), (at(-DAY), 1)]);
    assert_eq!(known(0, "viewed"), [(at(-DAY), 0)]);
    assert_eq!(known(1, "bought"), [(at(-DAY), 0)]);
    assert_eq!((states[0].events.len(), states[1].events.len()), (2, 1));
}

pub(super) async fn a_state_has_the_latest_of_many_events(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let most = i64::try_from(ContactState::HAPPENED_MAX).unwrap();
    let named = |name: &str, second: i64| {
        let mut event = event(ada, &format!("{name} {second}"), second);
        event.name = name.to_owned();
        event
    };
    let viewed = (0..most + 5).map(|second| named("viewed", second));
    let events: Vec<_> = viewed.chain([named("bought", 0), named("bought", 1)]).collect();
    let looked_at = events.iter().map(|event| (event.contact, event.id)).collect();
    change!(store, unit => unit.add_events(events));
    change!(store, unit => unit.record(TurnBatch { now: at(most), contacts: Vec::new(), events: looked_at }));
    let asked = ["viewed", "bought"].map(|name| (name.to_owned(), Reach::Forever)).into();
    let needs = Needs { events: asked, ..Needs::default() };
    let mut unit = store.write().await.unwrap();
    let state = unit.states(&[ada], &needs, at(most)).await.unwrap().remove(0);
    let known = |name: &str| (state.events[name].len(), state.events[name][0].at);
    assert_eq!(known("viewed"), (ContactState::HAPPENED_MAX, at(5)));
    assert_eq!(known("bought"), (2, at(0)));
}

pub(super) async fn states_come_as_they_were_asked_for(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let (run, effects) = entering(ada, "welcome", 0);
    record(store, &run, effects, 0).await;
    let nobody = ContactId::default();
    for asked in [vec![ada, ben], vec![ben, ada], vec![ben, nobody, ada], vec![ada, ben, ada]] {
        let mut unit = store.write().await.unwrap();
        let states = unit.states(&asked, PERMISSIONS, Moment::MIN).await.unwrap();
        let found: Vec<ContactId> = states.iter().map(|state| state.contact.id).collect();
        assert_eq!(found, asked.into_iter().filter(|id| *id != nobody).take(2).collect::<Vec<_>>());
        assert_eq!(states.iter().map(|state| state.runs.len()).sum::<usize>(), 1);
    }
}

pub(super) async fn what_turns_lead_to_is_recorded(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (mut run, mut effects) = entering(ada, "welcome", 0);
    run.key = "order 7".to_owned();
    run.state.entry = attributes(serde_json::json!({"source": "ad", "total": 9.5}));
    let message = sending(&mut run, &mut effects, "ada@example.org", 0);
    sending(&mut run, &mut effects, "", 0);
    let skipped = effects.messages.last_mut().unwrap();
    (skipped.state, skipped.reason) = (MessageState::Skipped, Some(SkipReason::NoAddress));
    let call = calling(&mut run, &mut effects, (CallKind::HandOff, "sales"), 0);
    effects.calls[0].assigned_to = Some("anna".to_owned());
    let goal = GoalReached {
        run: run.id,
        contact: ada,
        journey: run.journey.clone(),
        version: 1,
        arm: Arm::Treated,
        goal: "sale".to_owned(),
        at: at(0),
        worth: Some(9.5),
        event: event_id("bought"),
    };
    effects.goals.push(goal.clone());
    record(store, &run, effects.clone(), 0).await;
    let mut unit = store.read().await.unwrap();
    assert_eq!(unit.runs(ada).await.unwrap(), [run.clone()]);
    assert_eq!(unit.history(ada, run.id).await.unwrap(), effects.history);
    assert_eq!(unit.goals(ada).await.unwrap(), [goal]);
    let messages = unit.messages(ada).await.unwrap();
    let kept: Vec<_> = messages.iter().map(|stored| stored.message.clone()).collect();
    assert_eq!(kept, effects.messages);
    assert_eq!(messages.iter().map(|stored| stored.due_at).collect::<Vec<_>>(), [Some(at(0)), None]);
    assert_eq!(unit.message(message).await.unwrap().as_ref(), messages.first());
    let calls = unit.calls(ada).await.unwrap();
    assert_eq!(calls[0].call, effects.calls[0]);
    assert_eq!((calls[0].state, calls[0].due_at, calls[0].accepted), (CallState::Pending, Some(at(0)), None));
    assert_eq!(unit.call_by_id(call).await.unwrap().as_ref(), calls.first());
    let mut moved = run.clone();
    let mut effects = moving(&mut moved);
    (moved.place, moved.wake_at, moved.state.inside) = (3, None, false);
    note(&mut moved, &mut effects, StepKind::Waiting, "until then", 60);
    record(store, &moved, effects, 60).await;
    assert_eq!(look!(store, unit => unit.runs(ada)), [moved]);
    assert_eq!(look!(store, unit => unit.history(ada, run.id)).len(), 6);
}

pub(super) async fn a_turn_goes_onto_the_one_it_was_made_from(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    let (run, effects) = entering(ada, "welcome", 0);
    record(store, &run, effects, 0).await;
    let mut moved = run.clone();
    let effects = moving(&mut moved);
    record(store, &moved, effects, 10).await;
    // Made from the first turn again, beside somebody's who could go on.
    let mut late = run;
    let mut effects = moving(&mut late);
    late.place = 9;
    sending(&mut late, &mut effects, "ada@example.org", 20);
    let mut turns = batch(state_of(store, ada).await, &late, effects, 20);
    turns.contacts[0].0.changed = true;
    turns.contacts[0].0.contact.phone = Some("1".to_owned());
    let (other, effects) = entering(ben, "welcome", 20);
    turns.contacts.splice(0..0, batch(state_of(store, ben).await, &other, effects, 20).contacts);
    let mut unit = store.write().await.unwrap();
    assert!(matches!(unit.record_or_leave(turns).await, Err(StoreError::Overtaken)));
    unit.commit().await.unwrap();
    let mut unit = store.read().await.unwrap();
    assert_eq!(unit.runs(ada).await.unwrap(), [moved]);
    assert_eq!(unit.runs(ben).await.unwrap(), [], "nothing of the batch is recorded");
    assert_eq!(unit.messages(ada).await.unwrap(), []);
    assert_eq!(broken(store).await, [""; 0]);
}

pub(super) async fn a_turn_of_an_event_that_was_looked_at_is_overtaken(store: &dyn Store) {
    let ada = person(store, "ada").await;
    change!(store, unit => unit.add_events(vec![event(ada, "signup", 0)]));
    let looked_at =
        || TurnBatch { now: at(1), contacts: Vec::new(), events: vec![(ada, event_id("signup"))] };
    change!(store, unit => unit.record(looked_at()));
    let (run, effects) = entering(ada, "welcome", 0);
    let turns =
        TurnBatch { events: looked_at().events, ..batch(state_of(store, ada).await, &run, effects, 0) };
    let mut unit = store.write().await.unwrap();
    assert!(matches!(unit.record_or_leave(turns).await, Err(StoreError::Overtaken)));
    assert_eq!(unit.runs(ada).await.unwrap(), []);
}

pub(super) async fn a_run_enters_once(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (run, effects) = entering(ada, "welcome", 0);
    let again = batch(state_of(store, ada).await, &run, effects.clone(), 0);
    record(store, &run, effects, 0).await;
    let mut unit = store.write().await.unwrap();
    assert!(matches!(unit.record_or_leave(again).await, Err(StoreError::Overtaken)));
}

/// Were a goal told twice, that must not undo the turns it is told with.
pub(super) async fn a_goal_is_reached_once(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (mut run, mut effects) = entering(ada, "welcome", 0);
    let goal = |second: i64| GoalReached {
        run: run.id,
        contact: ada,
        journey: "welcome".to_owned(),
        version: 1,
        arm: Arm::Treated,
        goal: "sale".to_owned(),
        at: at(second),
        worth: None,
        event: event_id("bought"),
    };
    let (first, second) = (goal(0), goal(10));
    effects.goals.push(first.clone());
    record(store, &run, effects, 0).await;
    let mut effects = moving(&mut run);
    effects.goals.push(second);
    record(store, &run, effects, 10).await;
    assert_eq!(look!(store, unit => unit.goals(ada)), [first]);
    assert_eq!(look!(store, unit => unit.runs(ada)), [run]);
}

pub(super) async fn contacts_change_with_their_turns(store: &dyn Store) {
    let ada = person(store, "ada").await;
    for changed in [false, true] {
        let (run, effects) = entering(ada, if changed { "second" } else { "first" }, 0);
        let mut state = state_of(store, ada).await;
        state.contact.tags.insert("vip".to_owned());
        state.contact.attributes = attributes(serde_json::json!({"score": 5, "list": ["a"]}));
        state.changed = changed;
        let expected = state.contact.clone();
        change!(store, unit => unit.record(batch(state, &run, effects, 0)));
        assert_eq!(state_of(store, ada).await.contact == expected, changed);
    }
}

pub(super) async fn turns_are_counted(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (mut run, mut effects) = entering(ada, "welcome", 0);
    sending(&mut run, &mut effects, "ada@example.org", 0);
    sending(&mut run, &mut effects, "", 0);
    let skipped = effects.messages.last_mut().unwrap();
    (skipped.state, skipped.reason) = (MessageState::Skipped, Some(SkipReason::NoAddress));
    record(store, &run, effects, 0).await;
    let count = |rows: Vec<crate::store::TallyRow>| {
        let row =
            |row: crate::store::TallyRow| format!("{} {} {} {}", row.what, row.detail, row.day, row.count);
        rows.into_iter().map(row).collect::<Vec<_>>()
    };
    let tallies = count(look!(store, unit => unit.tallies(Some("welcome"))));
    let day = "20833";
    let sent = format!("sent hello {day} 1");
    let skipped = format!("skipped hello no_address {day} 1");
    let (entered, reached) = (format!("entered  {day} 1"), format!("reached first {day} 1"));
    assert_eq!(tallies, ["in_stage first 0 1", &entered, &reached, &sent, &skipped]);
    let effects = ending(&mut run, 86_400);
    record(store, &run, effects, 86_400).await;
    let tallies = count(look!(store, unit => unit.tallies(Some("welcome"))));
    assert_eq!(tallies[0], "in_stage first 0 0");
    assert_eq!(tallies[5..], ["ended done 20834 1"]);
}

/// Both in the hour in which the run came to the experiment, whenever it succeeds.
pub(super) async fn experiments_are_counted_by_the_hour(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (mut run, mut effects) = entering(ada, "welcome", 0);
    let exposure = |experiment: &str, second| Exposure {
        experiment: experiment.to_owned(),
        variant: "b".to_owned(),
        at: at(second),
        succeeded: false,
        again: false,
    };
    run.state.variants = vec![exposure("subject", 0), exposure("other", 0)];
    note(&mut run, &mut effects, StepKind::Variant, "subject b", 0);
    record(store, &run, effects, 0).await;
    let mut effects = moving(&mut run);
    run.state.variants[0].succeeded = true;
    note(&mut run, &mut effects, StepKind::Succeeded, "subject b", 200_000);
    record(store, &run, effects, 200_000).await;
    let rows = look!(store, unit => unit.tallies(None));
    let rows: Vec<_> = rows.iter().filter(|row| row.detail.starts_with("subject")).collect();
    // 1,800,000,000 seconds are 20,833 days and 8 hours.
    let counted = |what: &str| {
        let counted = rows.iter().find(|row| row.what == what).unwrap();
        (counted.day, counted.detail.as_str(), counted.count)
    };
    assert_eq!(rows.len(), 2);
    assert_eq!(counted("exposed"), (20_833, "subject b 8", 1));
    assert_eq!(counted("succeeded"), (20_833, "subject b 8", 1));
}

pub(super) async fn events_of_our_own_wait_to_be_looked_at(store: &dyn Store) {
    let ada = person(store, "ada").await;
    change!(store, unit => unit.add_events(vec![event(ada, "signup", 0), event(ada, "bought", 1)]));
    let (run, mut effects) = entering(ada, "welcome", 2);
    let mut own = event(ada, "journey_entered", 2);
    (own.kind, own.run) = (EventKind::System, Some(run.id));
    effects.events.push(own.clone());
    for (journey, reason) in [("other", RefusalReason::Inside), ("third", RefusalReason::NoPermission)] {
        effects.refused.push(Refused { event: event_id("signup"), journey: journey.to_owned(), reason });
    }
    let looked_at = vec![(ada, event_id("signup")), (ada, event_id("bought"))];
    let turns = TurnBatch { events: looked_at, ..batch(state_of(store, ada).await, &run, effects, 2) };
    change!(store, unit => unit.record(turns));
    let events = look!(store, unit => unit.events(ada, 10));
    assert_eq!(events.iter().map(|event| event.pending).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(events[0].event, own);
    assert!(events[1].refused.is_empty());
    let why = [("other", "inside"), ("third", "no_permission")];
    assert_eq!(events[2].refused, why.map(|(journey, why)| (journey.to_owned(), why.to_owned())).into());
}

/// A run of version 2 that is inside, or has ended and reaches a goal until then.
async fn of_unreadable(store: &dyn Store, contact: ContactId, ended: Option<(i64, i64)>) {
    let (mut run, effects) = entering(contact, "old", 0);
    run.version = 2;
    if let Some((second, goal_until)) = ended {
        let touched = effects.touched.clone();
        let more = ending(&mut run, second);
        run.turn = 1;
        run.goal_until = Some(at(goal_until));
        let effects = Effects { touched, history: [effects.history, more.history].concat(), ..effects };
        return record(store, &run, effects, second).await;
    }
    record(store, &run, effects, 0).await;
}

pub(super) async fn whoever_waits_for_a_plan_is_left_with_all_that_is_theirs(store: &dyn Store) {
    let mut people = Vec::new();
    for (name, old) in [
        ("ada", Some(None)),
        ("ben", None),
        // What happened before 60 could still reach the goal of the one, and not of the other.
        ("eve", Some(Some((10, 100)))),
        ("ida", Some(Some((10, 50)))),
    ] {
        let contact = person(store, name).await;
        if let Some(ended) = old {
            of_unreadable(store, contact, ended).await;
        }
        let (run, effects) = entering(contact, "new", 0);
        record(store, &run, effects, 0).await;
        let watch = Watch { looked_at: at(0), due_at: Some(at(60)), state: WatchState::default() };
        let effects = Effects { watch: Some(watch), ..Effects::default() };
        let contacts = vec![(state_of(store, contact).await, effects)];
        change!(store, unit => unit.record(TurnBatch { now: at(0), contacts, events: Vec::new() }));
        change!(store, unit => unit.add_events(vec![event(contact, name, 60)]));
        people.push(contact);
    }
    let of = async |limit: u32, unreadable: &[u32]| {
        let mut unit = store.write().await.unwrap();
        let claim = unit.claim(at(60), limit, unreadable).await.unwrap();
        unit.commit().await.unwrap();
        let events: BTreeSet<ContactId> = claim.events.iter().map(|event| event.contact).collect();
        let due: BTreeSet<ContactId> = claim.due.iter().map(|run| run.contact).collect();
        let watches: BTreeSet<ContactId> = claim.watches.iter().copied().collect();
        assert_eq!((&events, &events), (&due, &watches), "whoever is left is left with everything");
        events
    };
    let [ada, ben, eve, ida] = people.try_into().unwrap();
    assert_eq!(of(10, &[]).await, [ada, ben, eve, ida].into());
    assert_eq!(of(10, &[1]).await, [].into());
    assert_eq!(of(10, &[2, 7]).await, [ben, ida].into());
    assert_eq!(of(2, &[2]).await, [ben, ida].into(), "they take nobody's place");
}
