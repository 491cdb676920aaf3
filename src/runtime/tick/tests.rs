use std::sync::Arc;

use super::*;
use crate::domain::{Attributes, EventKind, Permission};
use crate::language::check::check;
use crate::language::plan::Needs;
use crate::runtime::{Flow, Job, Writer, deploy, event_id, load_plans};
use crate::source::WorkspaceFiles;
use crate::store::sqlite::SqliteStore;
use crate::store::{Arrival, ArrivalKind, Identity, ImportRow, Store, Who, audit};
use crate::time::{ManualClock, TimeZone};

const SECOND: i64 = 1_800_000_000;

fn at(second: i64) -> Moment {
    Moment::from_seconds(SECOND + second)
}

/// A runtime over a database of its own, with one journey in force.
struct Place {
    runtime: Arc<Runtime>,
    sqlite: Arc<SqliteStore>,
    folder: std::path::PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Place {
    async fn new(name: &str, journey: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lotse-tick-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let sqlite = SqliteStore::open(&folder.join("lotse.db")).await.unwrap();
        sqlite.migrate().await.unwrap();
        let sqlite = Arc::new(sqlite);
        let store: Arc<dyn Store> = Arc::clone(&sqlite) as _;
        let text = format!("event signup {{ order_id text }}\nevent bought {{ }}\n{journey}");
        let files = WorkspaceFiles::from_texts([("a.journey", text.as_str())]);
        let checked = check(&files, None);
        assert!(!checked.has_errors(), "{:#?}", checked.findings);
        deploy(&*store, &checked, &files.sources, "tests", at(-1)).await.unwrap();
        let plans = load_plans(&*store).await.unwrap();
        Self { runtime: Arc::new(Runtime::new(store, plans, TimeZone::UTC, BTreeMap::new())), sqlite, folder }
    }

    async fn comes(&self, who: &str, event: &str, seconds: impl IntoIterator<Item = i64>) -> ContactId {
        let arrivals = seconds.into_iter().map(|second| Arrival {
            id: event_id("shop", &format!("{who} {event} {second}"), None),
            who: Identity { external_id: Some(who.to_owned()), ..Identity::default() },
            kind: ArrivalKind::Event(EventKind::Track, event.to_owned()),
            at: at(second),
            received_at: at(second),
            properties: Attributes::new(),
        });
        let arrivals: Vec<Arrival> = arrivals.collect();
        let mut unit = self.runtime.store().write().await.unwrap();
        unit.take_in(arrivals).await.unwrap();
        let found = unit.find(&Who::External(who.to_owned())).await.unwrap();
        unit.commit().await.unwrap();
        found.unwrap().id
    }

    async fn decides(&self, contact: ContactId, allowed: bool, second: i64) {
        let decision = Permission {
            contact,
            topic: "news".to_owned(),
            allowed,
            at: at(second),
            source: "a test".to_owned(),
            wording: None,
            proof: None,
        };
        let mut unit = self.runtime.store().write().await.unwrap();
        unit.decide(vec![decision]).await.unwrap();
        unit.commit().await.unwrap();
    }

    async fn outcomes(&self, contact: ContactId) -> Vec<Option<String>> {
        let mut unit = self.runtime.store().read().await.unwrap();
        unit.runs(contact).await.unwrap().into_iter().map(|run| run.outcome).collect()
    }

    /// Without a look at what cannot be read.
    async fn pending_events(&self) -> usize {
        let mut unit = self.runtime.store().write().await.unwrap();
        unit.claim(Moment::MIN, 1_000).await.unwrap().events.len()
    }

    async fn pending(&self) -> u64 {
        let mut unit = self.runtime.store().read().await.unwrap();
        audit(&mut *unit, &TimeZone::UTC).await.unwrap().pending_events
    }
}

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
    let row = ImportRow {
        external_id: Some("ada".to_owned()),
        email: "ada@example.org".parse().ok(),
        ..ImportRow::default()
    };
    let mut unit = place.runtime.store().write().await.unwrap();
    unit.import(vec![row], at(0)).await.unwrap();
    unit.commit().await.unwrap();
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
        let job = Job::HandOver { messages: vec![(message.key(), Moment::MAX)], done };
        writer.give(job).await.unwrap();
        assert_eq!(answer.await.unwrap().goes, [false]);
    }
    place.runtime.tick(at(4), 100).await.unwrap();
    let mut outcomes = place.outcomes(ada).await;
    outcomes.sort();
    assert_eq!(outcomes, [None, Some("told".to_owned())]);
}
