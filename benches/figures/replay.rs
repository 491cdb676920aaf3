//! Eighteen months of a real shop, at their own times: the purchases of 23,570 customers (CDNOW 1997/98) come in over
//! HTTP as events under a virtual clock, and run through a thank-you and a second-purchase journey with mail over
//! SMTP. `cargo bench -- replay`; `LOTSE_CDNOW` names the file where it lies elsewhere.
//!
//! What comes out is compared with a plain model of the same purchases.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lotse::store::audit;
use lotse::time::{Clock, Moment, TimeZone};
use serde_json::json;

use lotse::bench::{Place, Scratch, Working, World};

const JOURNEYS: &str = r#"
contact { }
event order_placed "Order Completed" { total number  pieces number }
topic news "News"
email thanks { topic news from shop subject "Thank you" body "Thank you. {{ unsubscribe_url }}" }
email again  { topic news from shop subject "What goes with it" body "Have a look. {{ unsubscribe_url }}" }
email last   { topic news from shop subject "A voucher" body "For you. {{ unsubscribe_url }}" }

journey thank_you "Thank you" {
  owner "crm@example.com"
  enter on order_placed
  reenter always
  permission news
  goal repeat on order_placed where event.total > 0 within 365 days worth event.total
  stage thanks { wait 2 hours  send email thanks  end }
}

journey second_purchase "The second purchase" {
  owner "crm@example.com"
  enter on order_placed
  permission news
  goal second on order_placed within 90 days worth event.total
  leave on goal
  stage settle { wait 30 days  go to recommend }
  stage recommend { send email again  wait up to 30 days { on order_placed { end as bought } otherwise { go to voucher } } }
  stage voucher { send email last  wait 30 days  end as silent }
}
"#;

const DATABASE: &str = "bench.db";
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// The events of one request.
const BATCH: usize = 500;

/// One line of the file.
struct Purchase {
    customer: u32,
    at: i64,
    pieces: u32,
    dollars: f64,
    line: usize,
}

/// The purchases in the order in which they were made; the file knows days, the hours are spread over a shop's day.
fn purchases(text: &str) -> Vec<Purchase> {
    let mut found: Vec<Purchase> = text
        .lines()
        .enumerate()
        .skip(1)
        .map(|(line, text)| {
            let mut fields = text.split_whitespace();
            let mut field = || fields.next().unwrap();
            let customer: u32 = field().parse().unwrap();
            let day: jiff::civil::Date = jiff::civil::Date::strptime("%Y%m%d", field()).unwrap();
            let hour = 9 + 4 * i64::from(customer % 3);
            let at = day.to_zoned(TimeZone::UTC).unwrap().timestamp().as_second() + hour * HOUR;
            let (pieces, dollars) = (field().parse().unwrap(), field().parse().unwrap());
            Purchase { customer, at, pieces, dollars, line }
        })
        .collect();
    found.sort_by_key(|purchase| (purchase.at, purchase.line));
    found
}

/// What a plain walk over the purchases says must come out.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    customers: u64,
    /// People who bought again within 90 days of the first purchase.
    second: u64,
    /// Thanks: one for each purchase, but only one for those within two hours.
    thanks: u64,
    again: u64,
    last: u64,
}

fn expected(purchases: &[Purchase]) -> Expected {
    let mut by_customer: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for purchase in purchases {
        by_customer.entry(purchase.customer).or_default().push(purchase.at);
    }
    let mut expected = Expected { customers: by_customer.len() as u64, ..Expected::default() };
    for times in by_customer.values() {
        let first = times[0];
        // The goal looks at what comes after the entry: of two purchases at one instant the second is the second.
        let second = times.get(1).map(|at| at - first);
        expected.second += u64::from(second.is_some_and(|after| after <= 90 * DAY));
        expected.again += u64::from(second.is_none_or(|after| after > 30 * DAY));
        expected.last += u64::from(second.is_none_or(|after| after > 60 * DAY));
        let mut thanked = i64::MIN;
        for at in times {
            if *at >= thanked {
                expected.thanks += 1;
                thanked = at + 2 * HOUR;
            }
        }
    }
    expected
}

struct Shop {
    world: World,
    working: Working,
    client: reqwest::Client,
}

impl Shop {
    /// Moves the clock from one due moment to the next while they lie before `until`, and then there: what is due at
    /// that very moment waits for what comes in then, for a purchase at the instant of a reminder wins.
    async fn move_to(&self, until: Moment) {
        loop {
            let due = self.world.store.read().await.unwrap().next_due().await.unwrap();
            let next = [due.turns, due.mails, due.calls].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next < until) else { break };
            if next > self.world.clock.now() {
                self.world.clock.set(next);
                self.working.works.flow.turns.notify_one();
                self.working.works.flow.mail.notify_one();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if until > self.world.clock.now() {
            self.world.clock.set(until);
        }
    }

    async fn send(&self, purchases: &[Purchase]) {
        for some in purchases.chunks(BATCH) {
            let event = |purchase: &Purchase| {
                json!({
                    "type": "track", "event": "Order Completed", "userId": purchase.customer.to_string(),
                    "messageId": format!("line {}", purchase.line),
                    "timestamp": Moment::from_seconds(purchase.at).to_string(),
                    "properties": { "total": purchase.dollars, "pieces": purchase.pieces },
                })
            };
            let body = json!({ "batch": some.iter().map(event).collect::<Vec<_>>() }).to_string();
            let request = self
                .client
                .post(format!("{}/v1/batch", self.working.url))
                .basic_auth(&self.working.key, Some(""));
            let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let answer: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            assert_eq!(answer["accepted"], some.len(), "{answer}");
        }
    }
}

fn file() -> Option<String> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/cdnow_master.txt.gz");
    let path = std::env::var_os("LOTSE_CDNOW").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let packed = std::fs::read(path).ok()?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    Some(text)
}

pub async fn run() {
    let Some(text) = file() else {
        println!("the purchases are not there: LOTSE_CDNOW names cdnow_master.txt.gz; nothing was measured");
        return;
    };
    let purchases = purchases(&text);
    let expected = expected(&purchases);
    let folder = tempfile::tempdir().unwrap();
    let start = Moment::from_seconds(purchases[0].at - DAY);
    let scratch = Scratch::new(Place::Sqlite(folder.path().join(DATABASE))).await.unwrap();
    let world = World::new(&scratch, JOURNEYS, start).await.unwrap();
    // They are numbered without a gap.
    let customers = 1 + purchases.iter().map(|purchase| purchase.customer).max().unwrap();
    world.import(customers).await.unwrap();
    let working = world.work().await.unwrap();
    let shop = Shop { world, working, client: reqwest::Client::new() };

    let begun = Instant::now();
    let mut sending = Duration::ZERO;
    let mut requests = 0_usize;
    for hour in purchases.chunk_by(|a, b| a.at == b.at) {
        shop.move_to(Moment::from_seconds(hour[0].at)).await;
        let sent = Instant::now();
        shop.send(hour).await;
        sending += sent.elapsed();
        requests += hour.len().div_ceil(BATCH);
    }
    shop.move_to(Moment::from_seconds(purchases[purchases.len() - 1].at + 400 * DAY)).await;
    let took = begun.elapsed();

    let Shop { world: World { inbox, store, .. }, working, .. } = shop;
    working.end().await;
    let mut unit = store.read().await.unwrap();
    let audit = audit(&mut *unit, &TimeZone::UTC).await.unwrap();
    let tallies = unit.tallies(None).await.unwrap();
    drop(unit);
    let sum = |journey: &str, what: &str, detail: &str| {
        let rows =
            tallies.iter().filter(|row| row.journey == journey && row.what == what && row.detail == detail);
        rows.map(|row| row.count).sum::<i64>() as u64
    };
    let found = Expected {
        customers: sum("second_purchase", "entered", ""),
        second: sum("second_purchase", "goal", "second"),
        thanks: sum("thank_you", "sent", "thanks"),
        again: sum("second_purchase", "sent", "again"),
        last: sum("second_purchase", "sent", "last"),
    };
    let steps = count_steps(folder.path()).await;
    store.close().await;

    let per_second = |count: usize, time: Duration| count as f64 / time.as_secs_f64();
    println!("{} purchases of {} customers in {requests} requests", purchases.len(), expected.customers);
    println!(
        "through everything       {:>10.0} events/s   ({:.1} s)",
        per_second(purchases.len(), took),
        took.as_secs_f64()
    );
    println!("made durable over HTTP   {:>10.0} events/s", per_second(purchases.len(), sending));
    println!("steps                    {:>10.0} steps/s    ({steps})", per_second(steps, took));
    println!(
        "messages                 {:>10}            ({} came over SMTP)",
        audit.messages.values().sum::<u64>(),
        inbox.count()
    );
    println!(
        "books                    {:?} entered {} inside {} ended {}",
        audit.messages, audit.entered, audit.inside, audit.ended
    );
    println!("the model says           {expected:?}");
    println!("the journeys say         {found:?}");
    assert!(audit.broken.is_empty(), "{:?}", audit.broken);
    assert_eq!(audit.pending_events, 0);
    assert_eq!(audit.entered, audit.inside + audit.ended);
    assert_eq!(
        audit.messages.get("accepted").copied(),
        Some(inbox.count()),
        "what is accepted has come, once"
    );
    assert_eq!(audit.messages.len(), 1, "nothing is left over: {:?}", audit.messages);
    assert_eq!(found, expected);
}

/// The steps that all runs took.
async fn count_steps(folder: &std::path::Path) -> usize {
    use sqlx::{ConnectOptions, Row};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join(DATABASE));
    let mut connection = options.connect().await.unwrap();
    let row = sqlx::query("SELECT count(*) FROM history").fetch_one(&mut connection).await.unwrap();
    usize::try_from(row.get::<i64, _>(0)).unwrap()
}
