//! Transactions.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::fixture::{decision, person};
use crate::store::Store;

pub(super) async fn what_is_committed_is_there(store: &dyn Store) {
    let ada = person(store, "ada").await;
    change!(store, unit => unit.decide(vec![decision(ada, "offers", true, 0)]));
    assert_eq!(look!(store, unit => unit.permissions(ada)).len(), 2);
}

pub(super) async fn what_is_dropped_is_gone(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let mut unit = store.write().await.unwrap();
    unit.decide(vec![decision(ada, "offers", true, 0)]).await.unwrap();
    assert_eq!(unit.permissions(ada).await.unwrap().len(), 2, "a transaction sees what it did");
    drop(unit);
    assert_eq!(look!(store, unit => unit.permissions(ada)).len(), 1);
    change!(store, unit => unit.decide(vec![decision(ada, "offers", false, 1)]));
    assert_eq!(look!(store, unit => unit.permissions(ada)).len(), 2, "the next one is not disturbed");
}

pub(super) async fn a_reader_sees_one_state(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let mut before = store.read().await.unwrap();
    assert_eq!(before.permissions(ada).await.unwrap().len(), 1);
    let mut unit = store.write().await.unwrap();
    unit.decide(vec![decision(ada, "offers", true, 0)]).await.unwrap();
    assert_eq!(look!(store, unit => unit.permissions(ada)).len(), 1, "what is not committed is not there");
    unit.commit().await.unwrap();
    assert_eq!(before.permissions(ada).await.unwrap().len(), 1, "what comes later is not there");
    assert_eq!(look!(store, unit => unit.permissions(ada)).len(), 2);
}

pub(super) async fn one_writes_at_a_time(store: &dyn Store) {
    let first = store.write().await.unwrap();
    let mut second = pin!(store.write());
    let waits = poll_fn(|context| Poll::Ready(second.as_mut().poll(context).is_pending())).await;
    assert!(waits);
    first.commit().await.unwrap();
    assert!(second.await.is_ok());
}
