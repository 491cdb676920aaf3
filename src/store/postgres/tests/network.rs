//! What a network between the program and the server can do to a transaction.

#[allow(dead_code, reason = "tests through the program do more with it")]
#[path = "../../../../tests/faults/postgres/proxy.rs"]
mod proxy;

use std::time::Duration;

use super::super::testing::Fresh;
use super::super::{PostgresOptions, PostgresStore};
use crate::store::contract::fixture::{at, person, sent};
use crate::store::{Carrier, Store, StoreError, Wake};
use proxy::{Fault, Proxy};

/// Impatient, so that the test is not slow.
fn options() -> PostgresOptions {
    PostgresOptions {
        connections: 4,
        statement_timeout: Duration::from_millis(300),
        lock_timeout: Duration::from_millis(300),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_late_commit_lets_go_is_taken_back_behind_it() {
    let Some(database) = Fresh::new().await else { return };
    let proxy = Proxy::start(database.socket()).await;
    let store = PostgresStore::open(&proxy.url(database.name()).parse().unwrap(), &options()).await.unwrap();
    let ada = person(&store, "ada").await;
    let key = sent(&store, ada, 0).await;
    let mut unit = store.write().await.unwrap();
    assert!(unit.hand_over(&[key.into()], at(1)).await.unwrap()[0].goes);
    proxy.strike(Fault::HoldCommit);
    let lost = unit.commit().await;
    assert!(
        matches!(&lost, Err(StoreError::Unreachable { why, .. }) if why.contains("no answer")),
        "{lost:?}"
    );

    let take_back = async || {
        let mut unit = store.write().await?;
        unit.take_back(&[key], at(1)).await?;
        unit.commit().await
    };
    // Nobody knows yet what becomes of it.
    assert!(matches!(take_back().await, Err(StoreError::Busy)));
    proxy.let_through();
    while let Err(error) = take_back().await {
        assert!(matches!(error, StoreError::Busy), "{error}");
    }
    let claimed = store.claim_messages(Carrier::Mail, at(2), 9, &[], &[], &[]).await.unwrap();
    assert_eq!(claimed.len(), 1, "it can go again");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_without_a_sign_of_life_takes_nothing_until_it_has_one_again() {
    let Some(database) = Fresh::new().await else { return };
    let proxy = Proxy::start(database.socket()).await;
    let store = PostgresStore::open(&proxy.url(database.name()).parse().unwrap(), &options()).await.unwrap();
    let ada = person(&store, "ada").await;
    sent(&store, ada, 0).await;
    let number = store.worker.number();
    // The server keeps the lock for a connection that is silent, until it is told to end it.
    proxy.silence(true);
    while store.worker.is_alive() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    proxy.silence(false);
    let refused = store.claim_messages(Carrier::Mail, at(2), 9, &[], &[], &[]).await;
    let said = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said.contains("shows it to be alive"), "{said}");
    while !store.worker.is_alive() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.worker.number(), number);
    assert_eq!(store.claim_messages(Carrier::Mail, at(2), 9, &[], &[], &[]).await.unwrap().len(), 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_listens_notices_that_nothing_can_be_heard() {
    let Some(database) = Fresh::new().await else { return };
    let proxy = Proxy::start(database.socket()).await;
    let store = PostgresStore::open(&proxy.url(database.name()).parse().unwrap(), &options()).await.unwrap();
    let other = database.store().await;
    let listening = async { store.told().await };
    let silencing = async {
        // It listens as soon as the server knows of it.
        listening_are(&database, "1").await;
        proxy.silence(true);
    };
    let (told, ()) = tokio::join!(listening, silencing);
    assert!(matches!(told, Err(StoreError::Unreachable { .. })), "{told:?}");
    proxy.silence(false);
    let (told, ()) = tokio::join!(store.told(), async {
        listening_are(&database, "2").await;
        other.tell(Wake::TURNS).await.unwrap();
    });
    assert_eq!(told.unwrap(), Wake::TURNS);
}

/// Waits until so many listen, as far as the server knows.
async fn listening_are(database: &Fresh, count: &str) {
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    while database.ask(sql).trim() != count {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
