use super::*;
use crate::config::Config;
use crate::engine::Plans;
use crate::runtime::testing::{Place, at};
use crate::time::{ManualClock, TimeZone};

const CALLS: &str = "contact { score number = 10 }
    journey j { enter on signup stage s { call erp with { score contact.score } end } }";

/// A call center that works with no plan at hand.
fn unknowing(place: &Place) -> Arc<CallCenter> {
    let store = Arc::clone(place.runtime.store());
    let runtime = Arc::new(Runtime::new(store, Plans::default(), TimeZone::UTC, BTreeMap::new()));
    let (clock, flow) = (Arc::new(ManualClock::new(at(9))), Arc::new(Flow::default()));
    let (writer, _) =
        Writer::start(Arc::clone(&runtime), Arc::<ManualClock>::clone(&clock), Arc::clone(&flow));
    let outbound = Arc::new(Outbound::for_preview(&Config::default()).unwrap());
    CallCenter::new(runtime, outbound, writer, flow, clock)
}

async fn kept(place: &Place) -> Option<String> {
    place.runtime.store().claim_calls(at(9), 9, &[], &[], &[]).await.unwrap().remove(0).body
}

#[tokio::test]
async fn a_call_says_who_it_is_about_whatever_plans_are_at_hand() {
    let place = Place::new("call", CALLS).await;
    place.comes("ada", "signup", [0]).await;
    assert_eq!(place.runtime.tick(at(1), 100).await.unwrap().calls, 1);
    let mut calls = JoinSet::new();
    unknowing(&place).claim(&mut calls).await.unwrap();
    // Nobody is called: that would settle it.
    drop(calls);
    let body = kept(&place).await.unwrap();
    assert!(body.contains("\"id\":\"ada\""), "{body}");
}

#[tokio::test]
async fn a_call_whose_plan_cannot_be_read_waits() {
    let place = Place::new("call-unread", CALLS).await;
    place.comes("ada", "signup", [0]).await;
    place.runtime.tick(at(1), 100).await.unwrap();
    place.spoil_plans().await;
    let mut calls = JoinSet::new();
    let center = unknowing(&place);
    center.claim(&mut calls).await.unwrap();
    let kept = kept(&place).await;
    assert_eq!((calls.len(), center.flow.calls_under_way().len(), kept), (0, 0, None));
}
