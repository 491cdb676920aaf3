//! Clocks that are set: forwards, back, by years, and two workers that do not agree on the time. Timers fire once and
//! never early, and what comes too late is left out.

use std::sync::Arc;

use lotse::domain::{Attributes, MessageState, SkipReason};
use lotse::store::Store;
use lotse::store::audit::Rule;
use lotse::store::postgres::{PostgresOptions, PostgresStore};
use lotse::time::Clock;

use super::house::{House, clock, eventually};
use super::mail::way;
use super::post::{Act, At, Post};
use crate::program::postgres::server;

const HOUR: i64 = 3_600;
const YEAR: i64 = 365 * 24 * HOUR;
const LIMIT: std::time::Duration = std::time::Duration::from_secs(5);

const JOURNEY: &str = r#"
event hit { }
event purchase { }
topic news "News"
policy { late 6 hours }
email one { topic news from shop subject "One" body "One {{ unsubscribe_url }}" }
email two { topic news from shop subject "Two" body "Two {{ unsubscribe_url }}" }
journey pair {
  enter on hit
  permission news
  goal buy on purchase within 1 day
  stage first { send email one  wait 30 minutes  send email two  end }
}
"#;

impl House {
    /// Has people enter, and waits until each has the first mail: whatever the clock did, the works go on.
    async fn enter(&self, names: &[String]) {
        self.happens("hit", names, &Attributes::new()).await;
        eventually("the first mails", async || {
            self.have(names, 1, MessageState::Accepted).await.then_some(())
        })
        .await;
    }

    /// Whether each of them has that many messages, all in a state.
    async fn have(&self, names: &[String], count: usize, state: MessageState) -> bool {
        for name in names {
            let messages = self.messages(name).await;
            if messages.len() != count || messages.iter().any(|stored| stored.message.state != state) {
                return false;
            }
        }
        true
    }
}

/// Where a clock went back, nobody can tell by moments any more what came before what.
async fn balances(house: &House) {
    let by_moments = [Rule::EventsAreLookedAt, Rule::DueIsDone, Rule::HandOversEnd];
    let found = house.audit().await;
    let broken: Vec<_> = found.broken.iter().filter(|breach| !by_moments.contains(&breach.rule)).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[tokio::test]
async fn timers_fire_once_and_never_early_however_the_clock_is_set() {
    let (post, clock) = (Post::start(true).await, clock());
    let (_, out) = way(&post, LIMIT, 2, &clock);
    let house = House::open(JOURNEY, out, clock).await;
    let names: Vec<String> = (0..50).map(|number| format!("p{number}")).collect();
    let group = |number: usize| &names[number * 10..(number + 1) * 10];
    house.people(&names).await;
    house.enter(group(0)).await;
    for (back, others) in [(-HOUR, 1), (HOUR - 60, 2)] {
        house.pass(back);
        house.enter(group(others)).await;
        assert!(house.have(group(0), 1, MessageState::Accepted).await, "a timer fired early, at {back}");
    }
    // Half an hour is over for the first two, and a minute later for all three.
    house.pass(31 * 60);
    let all_have_both = async || house.have(&names[..30], 2, MessageState::Accepted).await.then_some(());
    eventually("the second mails", all_have_both).await;
    // The clock goes over the same moments once more.
    house.pass(-2 * HOUR);
    house.enter(group(3)).await;
    house.pass(HOUR);
    let has_both = async || house.have(group(3), 2, MessageState::Accepted).await.then_some(());
    eventually("the second mails of those who came meanwhile", has_both).await;
    assert!(house.have(&names[..40], 2, MessageState::Accepted).await, "a timer fired twice");

    house.enter(group(4)).await;
    house.pass(10 * YEAR);
    let is_late = async || {
        let messages = house.messages(&group(4)[0]).await;
        (messages.get(1)?.message.reason == Some(SkipReason::Late)).then_some(())
    };
    eventually("what is ten years late is left out", is_late).await;
    house.pass(-20 * YEAR);
    let more = ["q".to_owned()];
    house.people(&more).await;
    house.enter(&more).await;
    assert!(post.accepted().values().all(|times| *times == 1));
    assert_eq!(post.accepted().len(), 40 * 2 + 10 + 1);
    balances(&house).await;
    house.end().await;
}

#[tokio::test]
async fn workers_whose_clocks_differ_do_everything_once() {
    let Some(server) = server() else { return };
    let name = server.create(None);
    let url = server.url(&name).parse().unwrap();
    let post = Post::start(true).await;
    let (early, late) = (clock(), clock());
    late.set(late.now().plus_seconds(5 * 60));
    let mut houses = Vec::new();
    for clock in [early, late] {
        let store = PostgresStore::open(&url, &PostgresOptions::default()).await.unwrap();
        store.migrate().await.unwrap();
        let (_, out) = way(&post, LIMIT, 2, &clock);
        houses.push(House::over(Arc::new(store) as Arc<dyn Store>, JOURNEY, out, clock).await);
    }
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    houses[0].people(&names).await;
    houses[0].enter(&names[..20]).await;
    houses[1].enter(&names[20..]).await;
    // One of them is there after 24 minutes, the other would be after 29.
    houses.iter().for_each(|house| house.pass(24 * 60));
    let more: Vec<String> = (0..4).map(|number| format!("q{number}")).collect();
    houses[0].people(&more).await;
    houses[0].enter(&more[..2]).await;
    houses[1].enter(&more[2..]).await;
    assert!(
        houses[0].have(&names[..20], 1, MessageState::Accepted).await,
        "a timer fired early by both clocks"
    );
    houses.iter().for_each(|house| house.pass(HOUR));
    let all = [names, more].concat();
    let done = async || houses[0].have(&all, 2, MessageState::Accepted).await.then_some(());
    eventually("all mails", done).await;
    assert!(post.accepted().values().all(|times| *times == 1));
    assert_eq!(post.accepted().len(), 2 * all.len());
    houses[0].audited().await;
    for house in houses {
        house.end().await;
    }
    server.drop(&name);
}

#[tokio::test]
async fn a_pause_ends_though_the_clock_is_set_back() {
    let (post, clock) = (Post::start(true).await, clock());
    let (_, out) = way(&post, LIMIT, 1, &clock);
    let house = House::open(JOURNEY, out, clock).await;
    let names: Vec<String> = (0..2).map(|number| format!("p{number}")).collect();
    house.people(&names).await;
    post.arm(At::Greeting, Act::Say(b"421 later\r\n".to_vec()));
    house.happens("hit", &names[..1], &Attributes::new()).await;
    eventually("the refusal", async || (post.hits() == 1).then_some(())).await;
    house.pass(-YEAR);
    house.happens("hit", &names[1..], &Attributes::new()).await;
    let goes = async || {
        house.pass(1);
        house.have(&names[1..], 1, MessageState::Accepted).await.then_some(())
    };
    eventually("a mail behind the pause", goes).await;
    balances(&house).await;
    house.end().await;
}
