use std::sync::Arc;

use super::*;
use crate::language::plan::Needs;
use crate::runtime::testing::{Place, at};
use crate::runtime::{Flow, Job, Writer};
use crate::time::ManualClock;

const JOURNEY: &str = "journey j { enter on signup stage s {
    wait up to 1 day { on bought { end as sale } otherwise { end as silent } } } }";

/// A row stands where a turn of one contact wants to write its own.
#[tokio::test]
async fn a_turn_that_cannot_be_recorded_holds_up_nobody_else() {
    let place = Place::new("poison", JOURNEY).await;
    let people = ["ada", "ben", "eve"];
    let mut contacts = Vec::new();
    for who in people {
        contacts.push(place.comes(who, "signup", [0]).await);
    }
    place.runtime.tick(at(1), 100).await.unwrap();
    let mut unit = place.runtime.store().write().await.unwrap();
    let run = unit.runs(contacts[1]).await.unwrap().remove(0);
    let planted = HistoryStep {
        run: run.id,
        contact: contacts[1],
        number: run.steps,
        at: at(2),
        version: run.version,
        place: run.place,
        kind: StepKind::Took,
        detail: "planted".to_owned(),
    };
    let state = unit.states(&[contacts[1]], &Needs::default(), at(2)).await.unwrap().remove(0);
    let effects = Effects { history: vec![planted], ..Effects::default() };
    unit.record(TurnBatch { now: at(2), contacts: vec![(state, effects)], events: Vec::new() })
        .await
        .unwrap();
    unit.commit().await.unwrap();
    for who in people {
        place.comes(who, "bought", [10]).await;
    }
    let tick = place.runtime.tick(at(11), 100).await.unwrap();
    assert_eq!((tick.events, place.pending().await), (3, 0));
    let sale = vec![Some("sale".to_owned())];
    assert_eq!(place.outcomes(contacts[0]).await, sale);
    assert_eq!(place.outcomes(contacts[2]).await, sale);
    let mut unit = place.runtime.store().read().await.unwrap();
    let held = unit.runs(contacts[1]).await.unwrap().remove(0);
    assert_eq!((held.id, held.moves(), held.wake_at), (run.id, false, None));
    drop(unit);
    assert_eq!(place.runtime.tick(at(90_000), 100).await.unwrap(), Tick::default());
}

#[tokio::test]
async fn a_contact_that_cannot_be_read_holds_up_nobody_else() {
    let place = Place::new("damage", JOURNEY).await;
    let mut contacts = Vec::new();
    for who in ["ada", "ben", "eve", "ida"] {
        contacts.push(place.comes(who, "signup", [0]).await);
    }
    place.runtime.tick(at(1), 100).await.unwrap();
    for who in ["ada", "ben", "eve", "ida"] {
        place.comes(who, "bought", [10]).await;
    }
    let blob = |contact: ContactId| format!("x'{}'", contact.0.simple());
    for (contact, damage) in [
        (contacts[0], "UPDATE run SET state = '{' WHERE contact = ?"),
        (contacts[2], "UPDATE event SET properties = '' WHERE pending AND contact = ?"),
    ] {
        place.sqlite.say(&damage.replace('?', &blob(contact))).await;
    }
    let mut ticks = 0;
    while place.runtime.tick(at(11), 100).await.unwrap().more {
        ticks += 1;
    }
    // Each of them costs one tick, and the others go together.
    assert_eq!((ticks, place.pending_events().await), (2, 0));
    let sale = vec![Some("sale".to_owned())];
    for contact in [contacts[1], contacts[3]] {
        assert_eq!(place.outcomes(contact).await, sale);
    }
    let mut unit = place.runtime.store().read().await.unwrap();
    let aside: Vec<String> =
        unit.quarantined(9).await.unwrap().into_iter().map(|aside| aside.reason).collect();
    assert_eq!(aside.len(), 2);
    for (contact, table) in [(contacts[0], "run"), (contacts[2], "event")] {
        let wanted =
            format!("the contact is set aside: a row of the table `{table}` of contact {contact} is damaged");
        assert!(aside.iter().any(|reason| reason.starts_with(&wanted)), "{aside:#?}");
    }
    // Where its run can be read, nothing else moves it on.
    assert!(!unit.runs(contacts[2]).await.unwrap()[0].moves());
    drop(unit);
    place.comes("eve", "bought", [20]).await;
    place.comes("ada", "bought", [20]).await;
    while place.runtime.tick(at(21), 100).await.unwrap().more {}
    assert_eq!((place.outcomes(contacts[2]).await, place.pending_events().await), (vec![None], 0));
}

#[tokio::test]
async fn whoever_much_happens_to_is_moved_piece_by_piece() {
    let journey = JOURNEY.replace("on bought", "on bought where count(bought) >= 1200");
    let place = Place::new("busy", &journey).await;
    let ada = place.comes("ada", "signup", [0]).await;
    place.runtime.tick(at(1), 100).await.unwrap();
    // All of it before the deadline, but looked at long after it.
    place.comes("ada", "bought", 10..1_210).await;
    let ben = place.comes("ben", "signup", [2_000]).await;
    let mut ticks = Vec::new();
    for _ in 0..3 {
        ticks.push(place.runtime.tick(at(90_000), 4_000).await.unwrap());
        let inside = place.outcomes(ada).await == [None];
        assert_eq!(inside, ticks.len() < 3, "the timer waits for what happened before it");
    }
    let events: Vec<(usize, bool)> = ticks.iter().map(|tick| (tick.events, tick.more)).collect();
    assert_eq!(events, [(501, true), (500, true), (200, false)]);
    assert_eq!(place.outcomes(ada).await, [Some("sale".to_owned())]);
    assert_eq!(place.outcomes(ben).await, [None]);
}

const SENDS: &str = "topic news \"News\"
    email hello { topic news from m subject \"Hi\" body \"Hi {{ unsubscribe_url }}\" }
    journey j { enter on signup stage s { send email hello wait 1 day end } }
    journey k { enter on message_skipped where event.reason == \"no_permission\" stage s { end as told } }";

#[tokio::test]
async fn a_message_that_the_gate_stops_is_told_to_journeys() {
    let place = Place::new("gate", SENDS).await;
    place.has_address("ada", "ada@example.org").await;
    let ada = place.comes("ada", "signup", [0]).await;
    place.decides(ada, true, 0).await;
    assert_eq!(place.runtime.tick(at(1), 100).await.unwrap().messages, 1);
    let message = place.runtime.store().read().await.unwrap().messages(ada).await.unwrap().remove(0);
    assert_eq!(message.message.reason, None);
    place.decides(ada, false, 2).await;
    let clock = Arc::new(ManualClock::new(at(3)));
    let (writer, _) = Writer::start(Arc::clone(&place.runtime), clock, Arc::new(Flow::default()));
    for _ in 0..2 {
        let (done, answer) = tokio::sync::oneshot::channel();
        let job = Job::HandOver { messages: vec![(message.key().into(), Moment::MAX)], done };
        writer.give(job).await.unwrap();
        assert_eq!(answer.await.unwrap().goes, [false]);
    }
    place.runtime.tick(at(4), 100).await.unwrap();
    let mut outcomes = place.outcomes(ada).await;
    outcomes.sort();
    assert_eq!(outcomes, [None, Some("told".to_owned())]);
}

#[tokio::test]
async fn a_version_that_another_process_put_into_force_is_looked_for() {
    let place = Place::new("stale", JOURNEY).await;
    let other = place.another();
    place.deploys(&JOURNEY.replace("sale", "won"), 0).await;
    other.reload().await.unwrap();
    let ada = place.comes("ada", "signup", [1]).await;
    other.tick(at(2), 100).await.unwrap();
    place.comes("ada", "bought", [3]).await;
    let tick = place.runtime.tick(at(4), 100).await.unwrap();
    assert_eq!((tick.steps, tick.more, tick.left, place.pending().await), (0, true, 0, 1));
    place.runtime.tick(at(4), 100).await.unwrap();
    assert_eq!((place.outcomes(ada).await, place.pending().await), (vec![Some("won".to_owned())], 0));
}

#[tokio::test]
async fn whoever_no_plan_can_be_read_for_is_left_and_holds_up_nobody() {
    let place = Place::new("unread", JOURNEY).await;
    let (ada, ben) = (place.comes("ada", "signup", [1]).await, place.comes("ben", "signup", [1]).await);
    place.runtime.tick(at(2), 100).await.unwrap();
    let follows = async |version: u32| {
        let ada = ada.0.simple();
        place.sqlite.say(&format!("UPDATE run SET version = {version} WHERE contact = x'{ada}'")).await;
    };
    follows(9).await;
    place.comes("ada", "bought", [3]).await;
    place.comes("ben", "bought", [3]).await;
    for now in [4, 90_000] {
        let tick = place.runtime.tick(at(now), 100).await.unwrap();
        let events = place.runtime.store().read().await.unwrap().events(ada, 9).await.unwrap();
        let waiting = events.iter().filter(|event| event.pending).count();
        assert_eq!((tick.left, waiting, place.outcomes(ada).await), (1, 1, vec![None]));
    }
    assert_eq!(place.outcomes(ben).await, [Some("sale".to_owned())]);
    // Where it can be read again, it goes on with what happened, in its order.
    follows(1).await;
    place.runtime.tick(at(90_001), 100).await.unwrap();
    assert_eq!(place.outcomes(ada).await, [Some("sale".to_owned())]);
}

#[tokio::test]
async fn an_event_leads_into_a_journey_that_another_process_put_into_force() {
    let place = Place::new("outdated", "journey j { enter on bought stage s { end } }").await;
    let old = place.another();
    place
        .deploys(
            "journey j { enter on bought stage s { end } } journey k { enter on signup stage s { end } }",
            5,
        )
        .await;
    let ada = place.comes("ada", "signup", [6]).await;
    while old.tick(at(7), 100).await.unwrap().more {}
    assert_eq!((place.outcomes(ada).await.len(), place.pending_events().await), (1, 0));
    // Where what is in force cannot be read, it waits for somebody who can.
    let old = place.another();
    place.deploys("journey m { enter on signup stage s { end } }", 8).await;
    place.spoil_plans().await;
    place.comes("ada", "signup", [9]).await;
    assert!(old.tick(at(10), 100).await.is_err());
    assert_eq!((place.outcomes(ada).await.len(), place.pending_events().await), (1, 1));
}

/// Whoever is in an earlier version that cannot be read waits with everything that happens to them, however many they
/// are, and all others go on.
#[tokio::test]
async fn a_plan_that_cannot_be_read_stops_only_those_who_are_in_it() {
    let place = Place::new("unreadable", JOURNEY).await;
    let mut first = Vec::new();
    for number in 0..5 {
        first.push(place.comes(&format!("a{number}"), "signup", [0]).await);
    }
    while place.runtime.tick(at(1), 100).await.unwrap().more {}
    place.deploys(&JOURNEY.replace("sale", "won"), 2).await;
    let spoil = async |plan: &str| {
        let sql = format!("UPDATE version SET plan = {plan} WHERE number = 1");
        place.sqlite.say(&sql).await;
        place.runtime.reload().await.unwrap();
    };
    spoil("'!' || plan").await;
    let unreadable: Vec<u32> = place.runtime.plans().unreadable().keys().copied().collect();
    assert_eq!(unreadable, [1]);
    for number in 0..5 {
        place.comes(&format!("a{number}"), "bought", [3]).await;
    }
    let ben = place.comes("ben", "signup", [4]).await;
    place.comes("ben", "bought", [5]).await;
    // Fewer than wait.
    for now in [6, 100_000] {
        while place.runtime.tick(at(now), 2).await.unwrap().more {}
    }
    assert_eq!(place.outcomes(ben).await, [Some("won".to_owned())]);
    for contact in &first {
        assert_eq!(place.outcomes(*contact).await, [None]);
    }
    assert_eq!(place.pending_events().await, 5, "nothing is lost");
    spoil("substr(plan, 2)").await;
    while place.runtime.tick(at(100_001), 2).await.unwrap().more {}
    for contact in &first {
        assert_eq!(place.outcomes(*contact).await, [Some("sale".to_owned())], "as it happened");
    }
    // What leads into a version in force that cannot be read, nobody knows.
    place.sqlite.say("UPDATE version SET plan = '{' WHERE number = 2").await;
    assert!(place.runtime.reload().await.is_err());
}
