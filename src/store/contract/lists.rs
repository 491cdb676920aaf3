//! Lists, versions, access, and the books.

use super::fixture::{
    at, broken, calling, decision, ending, entering, event, person, plan, record, row, sending, sent,
};
use crate::domain::{CallKind, CallState, MessageState, Picked};
use crate::store::audit::Steps;
use crate::store::{
    Access, CallSettlement, Deed, DeedKind, Deliveries, DeliveryKind, MessageSettlement, NextDue, Outcome,
    Store, Token, audit,
};
use crate::time::TimeZone;

async fn settle(store: &dyn Store, key: crate::store::MessageKey, state: MessageState) {
    change!(store, unit => unit.hand_over(&[key.into()], at(50)));
    let settled =
        MessageSettlement { key, attempt: None, outcome: Outcome::State(state), answer: "so".to_owned() };
    change!(store, unit => unit.settle_messages(vec![settled], at(51)));
}

pub(super) async fn deliveries_that_need_somebody_come_first(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let (refused, unsure) = (sent(store, ada, 30).await, sent(store, ada, 10).await);
    let (newer, fine, waiting) =
        (sent(store, ada, 20).await, sent(store, ada, 40).await, sent(store, ada, 45).await);
    settle(store, refused, MessageState::Refused).await;
    settle(store, unsure, MessageState::Unsure).await;
    settle(store, newer, MessageState::Unsure).await;
    settle(store, fine, MessageState::Accepted).await;
    let (mut run, mut effects) = entering(ada, "calls", 0);
    let dead = calling(&mut run, &mut effects, (CallKind::HandOff, "sales"), 5);
    let pending = calling(&mut run, &mut effects, (CallKind::Call, "erp"), 42);
    record(store, &run, effects, 5).await;
    let state = CallState::Dead;
    let settled = CallSettlement {
        contact: ada,
        id: dead,
        attempt: 1,
        state,
        due_at: None,
        status: None,
        answer: "no".to_owned(),
    };
    change!(store, unit => unit.settle_calls(vec![settled], at(6)));

    let attention = [dead.0, newer.id.0, unsure.id.0, refused.id.0];
    let all: Vec<_> = attention.iter().copied().chain([waiting.id.0, pending.0, fine.id.0]).collect();
    for limit in [1, 2, 3, 4, 6, 99] {
        let ids = |found: Vec<crate::store::Delivery>| found.iter().map(|found| found.id).collect::<Vec<_>>();
        let found = ids(look!(store, unit => unit.deliveries(Deliveries::Attention, limit)));
        assert_eq!(found, attention.iter().copied().take(limit as usize).collect::<Vec<_>>());
        let found = ids(look!(store, unit => unit.deliveries(Deliveries::All, limit)));
        assert_eq!(found, all.iter().copied().take(limit as usize).collect::<Vec<_>>());
    }
    let first = look!(store, unit => unit.deliveries(Deliveries::All, 1)).remove(0);
    assert_eq!(
        (first.kind, first.name.as_str(), first.state.as_str()),
        (DeliveryKind::HandOff, "sales", "dead")
    );
    assert_eq!((first.contact, first.attempts, first.decided_at), (ada, 1, at(5)));
    assert_eq!((first.due_at, first.answer.as_deref()), (None, Some("no")));
}

pub(super) async fn contacts_come_in_pages(store: &dyn Store) {
    let rows = (0..20).map(|number| row(&format!("u{number}"), "")).collect();
    change!(store, unit => unit.import(rows, at(0)));
    let ada = person(store, "ada").await;
    let mut unit = store.read().await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = unit.contacts_after(after, 6).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page);
    }
    let ids: Vec<_> = seen.iter().map(|(contact, _)| (contact.id.slot(), contact.id)).collect();
    assert!(ids.is_sorted(), "in the order of their keys");
    assert_eq!(ids.len() as u64, unit.contact_count().await.unwrap());
    let decided = |id| seen.iter().find(|(contact, _)| contact.id == id).map(|(_, decided)| decided.clone());
    assert_eq!(decided(ada), Some([("news".to_owned(), true)].into()));
    assert_eq!(seen.iter().filter(|(_, decided)| decided.is_empty()).count(), 20);
}

pub(super) async fn the_latest_contacts_come_first(store: &dyn Store) {
    for second in [10, 30, 20] {
        let row = row(&format!("at {second}"), "");
        change!(store, unit => unit.import(vec![row], at(second)));
    }
    let latest = look!(store, unit => unit.latest_contacts(2));
    let names: Vec<_> = latest.iter().filter_map(|contact| contact.external_id.as_deref()).collect();
    assert_eq!(names, ["at 30", "at 20"]);
}

pub(super) async fn the_last_events_come_first(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let mut late = event(ada, "late", 30);
    late.at = at(5);
    change!(store, unit => unit.add_events(vec![event(ada, "a", 10), late, event(ada, "b", 20)]));
    let names = |events: Vec<crate::store::StoredEvent>| {
        events.into_iter().map(|event| event.event.name).collect::<Vec<_>>()
    };
    assert_eq!(names(look!(store, unit => unit.events(ada, 9))), ["b", "a", "late"]);
    assert_eq!(names(look!(store, unit => unit.events(ada, 1))), ["b"]);
}

pub(super) async fn what_was_picked_stays(store: &dyn Store) {
    let picked = |journey: &str, experiment: &str, variant: &str, second| Picked {
        journey: journey.to_owned(),
        experiment: experiment.to_owned(),
        variant: variant.to_owned(),
        at: at(second),
    };
    assert_eq!(look!(store, unit => unit.picked()), []);
    change!(store, unit => unit.pick(vec![picked("welcome", "subject", "b", 2), picked("spring", "subject", "a", 1)]));
    change!(store, unit => unit.pick(vec![picked("welcome", "subject", "a", 3), picked("welcome", "pause", "a", 3)]));
    let known = [("spring", "subject", "a", 1), ("welcome", "pause", "a", 3), ("welcome", "subject", "b", 2)];
    let known =
        known.map(|(journey, experiment, variant, second)| picked(journey, experiment, variant, second));
    assert_eq!(look!(store, unit => unit.picked()), known);
}

pub(super) async fn a_plan_has_one_number(store: &dyn Store) {
    let (first, second) = (plan("welcome", 5), plan("welcome", 6));
    assert_eq!(change!(store, unit => unit.add_version(&first, at(0))), 1);
    assert_eq!(change!(store, unit => unit.add_version(&second, at(1))), 2);
    let mut moved = first.clone();
    moved.nodes.iter_mut().for_each(|node| node.line += 1);
    assert_eq!(change!(store, unit => unit.add_version(&moved, at(2))), 1, "what it does is the same");
    assert_eq!(change!(store, unit => unit.add_version(&plan("other", 5), at(3))), 3);
    let versions = look!(store, unit => unit.versions());
    assert_eq!(versions.iter().map(|version| version.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((versions[0].journey.as_str(), &versions[0].plan), ("welcome", &Ok(first)));
    assert!(versions.iter().all(|version| !version.active));
}

pub(super) async fn the_latest_deployment_holds(store: &dyn Store) {
    for (journey, minutes) in [("welcome", 5), ("welcome", 6), ("other", 5)] {
        change!(store, unit => unit.add_version(&plan(journey, minutes), at(0)));
    }
    for (second, journey, version, active) in [
        (1, "welcome", Some(1), vec![1]),
        (2, "other", Some(3), vec![1, 3]),
        (3, "welcome", Some(2), vec![2, 3]),
        (4, "welcome", Some(1), vec![1, 3]),
        (5, "welcome", None, vec![3]),
        (5, "welcome", Some(2), vec![2, 3]),
    ] {
        change!(store, unit => unit.deploy(journey, version, at(second)));
        let versions = look!(store, unit => unit.versions());
        let found: Vec<_> =
            versions.iter().filter(|version| version.active).map(|version| version.number).collect();
        assert_eq!(found, active, "{second} {version:?}");
    }
}

/// A version is taken back by a process whose clock is behind that of the one that put it into force.
pub(super) async fn a_deployment_comes_behind_those_before_it(store: &dyn Store) {
    assert_eq!(change!(store, unit => unit.deploying(at(5))), at(5));
    for minutes in [5, 6] {
        change!(store, unit => unit.add_version(&plan("welcome", minutes), at(0)));
    }
    change!(store, unit => unit.deploy("welcome", Some(2), at(60)));
    let mut unit = store.write().await.unwrap();
    let now = unit.deploying(at(20)).await.unwrap();
    assert_eq!(now, at(60).plus_micros(1));
    unit.deploy("welcome", Some(1), now).await.unwrap();
    unit.commit().await.unwrap();
    let versions = look!(store, unit => unit.versions());
    assert_eq!(versions.iter().map(|version| version.active).collect::<Vec<_>>(), [true, false]);
    assert_eq!(change!(store, unit => unit.deploying(at(61))), at(61));
}

pub(super) async fn access_is_given_and_taken(store: &dyn Store) {
    let access = |id: &str, second| Access {
        token: Token {
            id: id.to_owned(),
            name: "shop".to_owned(),
            role: "write".to_owned(),
            created_at: at(second),
            revoked_at: None,
        },
        hash: [7; 32],
    };
    change!(store, unit => unit.add_token(access("b", 0)));
    change!(store, unit => unit.add_token(access("a", 1)));
    let mut unit = store.write().await.unwrap();
    assert!(unit.add_token(access("a", 2)).await.is_err(), "an id is given once");
    drop(unit);
    assert!(look!(store, unit => unit.access("a")) == Some(access("a", 1)));
    assert!(look!(store, unit => unit.access("c")).is_none());
    assert!(change!(store, unit => unit.revoke_token("a", at(5))));
    assert!(!change!(store, unit => unit.revoke_token("a", at(6))));
    assert!(!change!(store, unit => unit.revoke_token("c", at(6))));
    let tokens = look!(store, unit => unit.tokens());
    let seen: Vec<_> = tokens.iter().map(|token| (token.id.as_str(), token.revoked_at)).collect();
    assert_eq!(seen, [("b", None), ("a", Some(at(5)))]);
}

pub(super) async fn what_is_due_next(store: &dyn Store) {
    assert_eq!(look!(store, unit => unit.next_due()), NextDue::default());
    let ada = person(store, "ada").await;
    let (mut run, mut effects) = entering(ada, "welcome", 0);
    let key = sending(&mut run, &mut effects, "ada@example.org", 30);
    calling(&mut run, &mut effects, (CallKind::Call, "erp"), 40);
    record(store, &run, effects, 0).await;
    let due = NextDue { turns: Some(at(60)), mails: Some(at(30)), over_http: None, calls: Some(at(40)) };
    assert_eq!(look!(store, unit => unit.next_due()), due);
    change!(store, unit => unit.add_events(vec![event(ada, "late", 50), event(ada, "signup", 20)]));
    change!(store, unit => unit.hand_over(&[key.into()], at(30)));
    let due = NextDue { turns: Some(at(20)), mails: None, over_http: None, calls: Some(at(40)) };
    assert_eq!(look!(store, unit => unit.next_due()), due);
}

pub(super) async fn the_books_of_a_lived_in_store_balance(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let key = sent(store, ada, 0).await;
    let stopped = sent(store, ada, 1).await;
    let (mut run, mut effects) = entering(ada, "calls", 2);
    calling(&mut run, &mut effects, (CallKind::Call, "erp"), 2);
    record(store, &run, effects, 2).await;
    let effects = ending(&mut run, 3);
    record(store, &run, effects, 3).await;
    settle(store, key, MessageState::Accepted).await;
    change!(store, unit => unit.decide(vec![decision(ada, "news", false, 60)]));
    change!(store, unit => unit.hand_over(&[stopped.into()], at(61)));
    let audit = look!(store, unit => audit(&mut *unit, &TimeZone::UTC));
    assert_eq!((audit.entered, audit.inside, audit.ended), (3, 2, 1));
    assert_eq!(audit.messages, [("accepted".to_owned(), 1), ("skipped".to_owned(), 1)].into());
    assert_eq!(audit.calls, [("pending".to_owned(), 1)].into());
    assert_eq!((audit.contacts, audit.pending_events), (1, 1));
    assert_eq!(broken(store).await, [""; 0]);
}

pub(super) async fn tallies_are_of_a_journey_or_of_all(store: &dyn Store) {
    let (ada, ben) = (person(store, "ada").await, person(store, "ben").await);
    for (contact, journey, second) in [(ada, "b", 0), (ben, "b", 0), (ada, "a", 0), (ben, "a", 86_400)] {
        let (run, effects) = entering(contact, journey, second);
        record(store, &run, effects, second).await;
    }
    let entered = |rows: Vec<crate::store::TallyRow>| {
        let rows = rows.into_iter().filter(|row| row.what == "entered");
        rows.map(|row| (row.journey, row.day, row.count)).collect::<Vec<_>>()
    };
    let of = |journey: &str, day, count| (journey.to_owned(), day, count);
    let (first, second, b) = (of("a", 20_833, 1), of("a", 20_834, 1), of("b", 20_833, 2));
    assert_eq!(entered(look!(store, unit => unit.tallies(None))), [first, second, b.clone()]);
    assert_eq!(entered(look!(store, unit => unit.tallies(Some("b")))), [b]);
    assert_eq!(entered(look!(store, unit => unit.totals(None))), [of("a", 0, 2), of("b", 0, 2)]);
    assert_eq!(entered(look!(store, unit => unit.totals(Some("a")))), [of("a", 0, 2)]);
}

pub(super) async fn deeds_are_kept_the_latest_first(store: &dyn Store) {
    let deed = |second, who: &str, what, detail: &str| Deed {
        at: at(second),
        who: who.to_owned(),
        what,
        detail: detail.to_owned(),
    };
    let first = deed(1, "ada", DeedKind::Deployed, "`welcome` version 1");
    let second = deed(2, "ben", DeedKind::Retried, "a call");
    let beside = deed(2, "ben", DeedKind::TokenRevoked, "shop");
    change!(store, unit => unit.note(second.clone()));
    for deed in [&first, &beside, &first] {
        change!(store, unit => unit.note(deed.clone()));
    }
    assert_eq!(look!(store, unit => unit.deeds(9)), [second.clone(), beside, first]);
    assert_eq!(look!(store, unit => unit.deeds(1)), [second]);
}

pub(super) async fn books_hold_everything_of_a_page(store: &dyn Store) {
    let ada = person(store, "ada").await;
    let message = sent(store, ada, 0).await;
    let (mut run, mut effects) = entering(ada, "calls", 2);
    let lead = calling(&mut run, &mut effects, (CallKind::HandOff, "sales"), 2);
    record(store, &run, effects, 2).await;
    change!(store, unit => unit.answer_lead(ada, lead, true, "eve", at(3)));
    change!(store, unit => unit.add_events(vec![event(ada, "visit", 4)]));
    change!(store, unit => unit.suppress(vec![(ada, "Ada@example.org".to_owned(), "bounced".to_owned())], at(5)));
    for name in ["ben", "cleo", "dan"] {
        sent(store, person(store, name).await, 10).await;
    }
    let mut unit = store.read().await.unwrap();
    let (mut books, mut after) = (Vec::new(), None);
    loop {
        let page = unit.books(after, 3).await.unwrap();
        assert_eq!((page.strays, page.damaged), (vec![], vec![]));
        let Some(last) = page.books.last() else { break };
        after = Some(last.contact.id);
        books.extend(page.books);
    }
    assert!(
        books.is_sorted_by_key(|book| (book.contact.id.slot(), book.contact.id)),
        "in the order of their keys"
    );
    assert!(
        books.iter().all(|book| book.messages.iter().all(|stored| stored.message.contact == book.contact.id))
    );
    assert_eq!(books.iter().map(|book| book.messages.len()).collect::<Vec<_>>(), [1; 4]);
    let book = books.into_iter().find(|book| book.contact.id == ada).unwrap();
    assert_eq!(book.permissions, unit.permissions(ada).await.unwrap());
    assert_eq!(book.pending, [event(ada, "visit", 4)]);
    assert_eq!(book.runs, unit.runs(ada).await.unwrap());
    assert_eq!(book.steps[&run.id], Steps { count: 3, first: 0, last: 2, latest: at(2) });
    assert_eq!(book.messages, [unit.message(message).await.unwrap().unwrap()]);
    assert_eq!((book.calls.len(), book.calls[0].accepted), (1, Some(true)));
    assert_eq!(book.suppressed, [("ada@example.org".to_owned(), at(5))].into());
    assert_eq!(unit.merged().await.unwrap(), [].into());
}
