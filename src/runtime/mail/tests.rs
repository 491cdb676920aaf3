use async_trait::async_trait;

use super::*;
use crate::channel::email::MailLease;
use crate::config::Config;
use crate::engine::Plans;
use crate::runtime::Outbound;
use crate::runtime::testing::{Place, at};
use crate::time::{ManualClock, TimeZone};

const SENDS: &str = "topic news \"News\"
    email hello { topic news from m subject \"Hi\" body \"Hi {{ unsubscribe_url }}\" }
    journey j { enter on signup stage s { send email hello end } }";

/// A way nobody goes.
struct NoWay;

#[async_trait]
impl MailRoute for NoWay {
    async fn checkout(&self) -> Box<dyn MailLease> {
        std::future::pending().await
    }

    fn connections(&self) -> (usize, usize) {
        (0, 0)
    }
}

/// A mail room that has no plan at hand.
fn room(place: &Place) -> Arc<MailRoom> {
    let store = Arc::clone(place.runtime.store());
    let runtime = Arc::new(Runtime::new(store, Plans::default(), TimeZone::UTC, [].into()));
    let (clock, flow) = (Arc::new(ManualClock::new(at(9))), Arc::new(Flow::default()));
    let (writer, _) =
        Writer::start(Arc::clone(&runtime), Arc::<ManualClock>::clone(&clock), Arc::clone(&flow));
    let outbound = Arc::new(Outbound::for_preview(&Config::default()).unwrap());
    let letters = Arc::new(Letters::new(outbound, TimeZone::UTC));
    MailRoom::new(runtime, letters, Arc::new(NoWay), writer, flow, clock, 1)
}

/// How many messages a mail room takes that has no plan at hand, how many plans it has then, and why it stands.
async fn taken(place: &Place) -> (usize, usize, Option<String>) {
    let room = room(place);
    let (sender, mut receiver) = mpsc::channel(9);
    room.claim(&sender).await.unwrap();
    let taken = std::iter::from_fn(|| receiver.try_recv().ok()).count();
    assert_eq!(taken, room.flow.messages().len());
    (taken, room.runtime.plans().versions().count(), room.flow.pulse.why_stuck(Work::Mails))
}

#[tokio::test]
async fn mail_whose_plan_is_not_known_waits_until_it_is() {
    let place = Place::new("mail", SENDS).await;
    place.has_address("ada", "ada@example.org").await;
    let ada = place.comes("ada", "signup", [0]).await;
    place.decides(ada, true, 0).await;
    assert_eq!(place.runtime.tick(at(1), 100).await.unwrap().messages, 1);
    assert_eq!(taken(&place).await, (1, 1, None), "the plans are read anew");
    place.spoil_plans().await;
    assert_eq!(taken(&place).await, (0, 0, Some(WITHOUT_JOURNEY.to_owned())));
}

/// More than are taken at once, all due before one that can be sent.
#[tokio::test]
async fn mails_whose_plan_cannot_be_read_take_nobodys_place() {
    let place = Place::new("mail-left", SENDS).await;
    let send = async |who: &str, second: i64| {
        place.has_address(who, &format!("{who}@example.org")).await;
        let contact = place.comes(who, "signup", [second]).await;
        place.decides(contact, true, second).await;
        assert_eq!(place.runtime.tick(at(second + 1), 100).await.unwrap().messages, 1);
    };
    send("ada", 0).await;
    let columns =
        "slot, contact, run, journey, version, place, step, channel, message, topic, essential, address,
        with_values, state, decided_at, wanted_at, attempts, due_at";
    let more = format!(
        "INSERT INTO message (id, {columns}) SELECT randomblob(16), {columns} FROM message,
        (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {CLAIM}) SELECT i FROM n)"
    );
    place.sqlite.say(&more).await;
    place.deploys(&SENDS.replace("\"Hi\"", "\"Hello\""), 2).await;
    place.runtime.reload().await.unwrap();
    send("ben", 4).await;
    place.sqlite.say("UPDATE version SET plan = '!' || plan WHERE number = 1").await;
    let room = room(&place);
    let claim = async || {
        let (sender, mut receiver) = mpsc::channel(9);
        let wait = room.claim(&sender).await.unwrap();
        (std::iter::from_fn(|| receiver.try_recv().ok()).count(), wait)
    };
    assert_eq!(claim().await, (0, WITHOUT_PLAN), "nobody knew");
    assert_eq!(claim().await.0, 1);
    assert_eq!(claim().await, (0, WITHOUT_PLAN), "what waits hides what is due next");
    place.sqlite.say("UPDATE version SET plan = substr(plan, 2) WHERE number = 1").await;
    room.runtime.reload().await.unwrap();
    assert!(room.runtime.unreadable().is_empty());
}

#[tokio::test]
async fn a_mail_room_that_cannot_look_for_mail_says_so() {
    let place = Place::new("mail-gone", SENDS).await;
    let room = room(&place);
    let pulse = &room.flow.pulse;
    pulse.begin(Work::Mails, at(0));
    room.claim(&mpsc::channel(1).0).await.unwrap();
    assert_eq!((pulse.moved_at(Work::Mails), pulse.why_stuck(Work::Mails)), (Some(at(9)), None));
    place.runtime.store().close().await;
    let (end, ending) = watch::channel(false);
    let feeding = tokio::spawn(Arc::clone(&room).feed(mpsc::channel(1).0, ending));
    while pulse.why_stuck(Work::Mails).is_none() {
        tokio::task::yield_now().await;
    }
    end.send(true).unwrap();
    feeding.await.unwrap();
}
