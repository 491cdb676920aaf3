//! When and whether messages go: by the tests of a workspace in virtual time, and by the runtime over SQLite.

use std::collections::BTreeMap;
use std::sync::Arc;

use lotse::domain::SkipReason;
use lotse::finding::Finding;
use lotse::language::check::{Checked, check};
use lotse::runtime::{Runtime, deploy, load_plans, why};
use lotse::simulate::{plans, run_tests};
use lotse::source::WorkspaceFiles;
use lotse::store::sqlite::SqliteStore;
use lotse::store::{Arrival, ArrivalKind, Identity, ImportRow, StoredMessage, Who, audit};
use lotse::time::{Moment, TimeZone, zone};

const WORKSPACE: &str = r#"
event signup { }
event order_placed { total number }
topic news "News"
topic account "Orders" essential
email hello   { topic news     from m subject "Hi"   body "Hi {{ unsubscribe_url }}" }
email again   { topic news     from m subject "Hi"   body "Hi {{ unsubscribe_url }}" }
email receipt { topic account  from m subject "Paid" body "Thank you" }
email push    { topic news     from m subject "Psst" body "Hi {{ unsubscribe_url }}" }

policy {
  quiet   21:00 to 08:00
  cap     email 1 per 1 day
  holdout 0.000001%
  late    6 hours
}

journey welcome {
  enter on signup
  permission news
  goal order on order_placed within 10 days
  control 10%
  stage first {
    send email hello
    wait 1 hour
    # allow W602: the cap is what is tried here
    send email again
    wait 1 day
    send email again at best time within 8 hours otherwise { end as skipped }
    end
  }
}

journey orders {
  enter on order_placed
  reenter always
  stage paid {
    send email receipt
    send first of { email push  email receipt to "office@example.org" }
    end
  }
}
"#;

const TESTS: &str = r#"
test "quiet hours hold a message, and what comes next waits for it" for welcome {
  contact { email "ada@example.org", timezone "Europe/Berlin", allows news }
  at 2027-03-01 22:00 event signup
  expect no email
  expect stage first
  at 2027-03-02 08:00 nothing
  expect email hello sent at 2027-03-02 08:00
  after 1 day nothing
  # An hour after the first the cap has no room for a day.
  expect email again sent at 2027-03-03 08:00
}

test "the contact reads in the evening" for welcome {
  contact { email "ada@example.org", timezone "Europe/Berlin", allows news }
  at 2027-03-01 10:00 event signup
  expect email hello
  at 2027-03-01 17:10 open hello
  at 2027-03-02 10:00 nothing
  expect email again sent at 2027-03-02 10:00
  at 2027-03-03 20:00 nothing
  expect email again sent at 2027-03-03 17:00
  expect outcome done
}

test "orders are not held by caps, and the second choice goes" for orders {
  contact { email "ada@example.org", timezone "Europe/Berlin", allows news }
  at 2027-03-01 10:00 event signup
  expect email hello
  at 2027-03-01 10:10 event order_placed { total 5 }
  expect email receipt sent at 2027-03-01 10:10
  expect email receipt sent at 2027-03-01 10:10
  allow other messages
}

test "who is held out is only measured" for welcome {
  held out
  contact { email "ada@example.org", allows news }
  at 2027-03-01 10:00 event signup
  expect no email
  after 1 day event order_placed { total 5 }
  expect goal order
  allow other messages
}

test "without permission" for orders {
  contact { email "ada@example.org" }
  at 2027-03-01 10:00 event order_placed { total 5 }
  expect email receipt
  expect email receipt
}
"#;

fn checked(texts: &[&str]) -> (WorkspaceFiles, Checked) {
    let text = texts.concat();
    let files = WorkspaceFiles::from_texts([("a.journey", text.as_str())]);
    let checked = check(&files, None);
    let in_passing = |finding: &&Finding| ["W603", "W605"].contains(&finding.code.name());
    let found: Vec<_> = checked.findings.iter().filter(|finding| !in_passing(finding)).collect();
    assert!(found.is_empty(), "{found:#?}");
    (files, checked)
}

#[test]
fn tests_see_what_the_policy_does() {
    let (files, checked) = checked(&[WORKSPACE, TESTS]);
    let berlin = zone("Europe/Berlin").unwrap();
    let results = run_tests(&checked, &plans(&checked, &files.sources), &berlin, |_| true);
    assert_eq!(results.len(), 5);
    for result in results {
        assert!(result.passed(), "{}: {:#?}\n{:#?}", result.name, result.failures, result.timeline);
    }
}

fn at(text: &str) -> Moment {
    format!("2027-03-{text}[Europe/Berlin]").parse::<jiff::Zoned>().unwrap().timestamp().into()
}

/// Somebody in a database, and everything that moves them.
struct World {
    _folder: tempfile::TempDir,
    runtime: Runtime,
}

impl World {
    async fn new(workspace: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("lotse.db")).await.unwrap();
        store.migrate().await.unwrap();
        let (files, checked) = checked(&[workspace]);
        deploy(&store, &checked, &files.sources, "tests", at("01T00:00")).await.unwrap();
        let plans = load_plans(&store).await.unwrap();
        let runtime = Runtime::new(Arc::new(store), plans, zone("Europe/Berlin").unwrap(), BTreeMap::new());
        let row = ImportRow {
            external_id: Some("ada".to_owned()),
            email: "ada@example.org".parse().ok(),
            allows: vec![("news".to_owned(), true)],
            source: "test".to_owned(),
            ..ImportRow::default()
        };
        let mut unit = runtime.store().write().await.unwrap();
        unit.import(vec![row], at("01T00:00")).await.unwrap();
        unit.commit().await.unwrap();
        Self { _folder: folder, runtime }
    }

    async fn happens(&self, name: &str, when: &str) {
        let arrival = Arrival {
            id: lotse::runtime::event_id("test", &format!("{name} {when}"), None),
            who: Identity { external_id: Some("ada".to_owned()), ..Identity::default() },
            kind: ArrivalKind::Event(lotse::domain::EventKind::Track, name.to_owned()),
            at: at(when),
            received_at: at(when),
            properties: lotse::domain::Attributes::new(),
        };
        let mut unit = self.runtime.store().write().await.unwrap();
        unit.take_in(vec![arrival]).await.unwrap();
        unit.commit().await.unwrap();
        self.runtime.tick(at(when), 100).await.unwrap();
    }

    async fn messages(&self) -> Vec<StoredMessage> {
        let mut unit = self.runtime.store().read().await.unwrap();
        let ada = unit.find(&Who::External("ada".to_owned())).await.unwrap().unwrap();
        unit.messages(ada.id).await.unwrap()
    }

    async fn why(&self) -> Vec<String> {
        let mut unit = self.runtime.store().read().await.unwrap();
        let ada = unit.find(&Who::External("ada".to_owned())).await.unwrap().unwrap();
        let zone = zone("Europe/Berlin").unwrap();
        let why = why(&mut *unit, &self.runtime.plans(), ada.id, None, &zone).await.unwrap();
        why.runs.into_iter().map(|run| run.now).collect()
    }
}

#[tokio::test]
async fn messages_are_held_over_a_database_and_why_says_so() {
    let world = World::new(WORKSPACE).await;
    world.happens("signup", "01T22:00").await;
    assert!(world.messages().await.is_empty());
    let held = "held at this line until 2027-03-02 08:00, because of quiet hours";
    assert_eq!(world.why().await, [held]);
    world.runtime.tick(at("02T08:00"), 100).await.unwrap();
    assert_eq!(world.messages().await.len(), 1);
    // Still waiting to be handed over, it takes the room that the cap leaves.
    world.runtime.tick(at("02T09:00"), 100).await.unwrap();
    let held = "held at this line until 2027-03-03 09:00, because of a cap that has no room before";
    assert_eq!(world.why().await, [held]);
    let mut unit = world.runtime.store().read().await.unwrap();
    assert_eq!(audit(&mut *unit, &TimeZone::UTC).await.unwrap().broken, []);
}

#[tokio::test]
async fn an_outage_ends_without_a_flood() {
    let world = World::new(WORKSPACE).await;
    world.happens("signup", "01T10:00").await;
    // Nobody looked for a week.
    for when in ["08T10:00", "09T10:00", "10T10:00"] {
        world.runtime.tick(at(when), 100).await.unwrap();
    }
    let messages = world.messages().await;
    let reasons: Vec<_> = messages.iter().map(|stored| stored.message.reason).collect();
    // The first was never handed over and may go any moment.
    assert_eq!(reasons, [None, Some(SkipReason::Late), Some(SkipReason::Capped)]);
}

#[tokio::test]
async fn a_new_policy_holds_for_those_inside() {
    let without = WORKSPACE.replace("cap     email 1 per 1 day", "").replace("quiet   21:00 to 08:00", "");
    let without = without.replace("# allow W602: the cap is what is tried here", "");
    let world = World::new(&without).await;
    world.happens("signup", "01T19:30").await;
    let (files, checked) = checked(&[WORKSPACE]);
    let store = world.runtime.store();
    deploy(&**store, &checked, &files.sources, "tests", at("01T20:00")).await.unwrap();
    world.runtime.set_plans(load_plans(&**store).await.unwrap());
    world.runtime.tick(at("01T20:30"), 100).await.unwrap();
    let held = "held at this line until 2027-03-02 20:30, because of a cap that has no room before";
    assert_eq!(world.why().await, [held]);
}
