//! From an event to a mail, and back by what people do with it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::postgres::server;
use super::sink::{Mail, Sink};
use super::{Workspace, wait_for, write};

/// `whsec_` and the Base64 of 32 bytes, as Standard Webhooks writes secrets.
const SALES_KEY: &[u8; 32] = b"the key of the sales endpoint ..";

const JOURNEYS: &str = r#"
contact { score number = 0 }
event signed_up { }
event order_placed "Order Completed" { total number }
topic news "News"
email hello { topic news from shop subject "Hello" body "Look: https://shop.example/spring Bye: {{ unsubscribe_url }}" }
email more  { topic news from shop subject "More"  body "More. {{ unsubscribe_url }}" }
journey spring "Spring" {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal purchase on order_placed within 30 days worth event.total
  stage contact {
    send email hello
    wait up to 3 days {
      on order_placed { end as bought }
      on clicked hello { go to interest }
      otherwise { end as silent }
    }
  }
  stage interest {
    hand off to sales with { reason "clicked" }
    alert support "{{ contact.email }} clicked"
    alert sales "look at {{ contact.email }}"
    send email more
    wait up to 2 days {
      on order_placed { end as bought }
      otherwise { end as no_reaction }
    }
  }
}
"#;

struct Call {
    id: String,
    body: serde_json::Value,
}

#[derive(Clone, Default)]
struct Sales(Arc<Mutex<Vec<Call>>>);

/// What a receiver does by the Standard Webhooks specification: checks the signature over id, moment and body.
async fn take_lead(State(sales): State<Sales>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, moment, signatures) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let signed =
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SALES_KEY), format!("{id}.{moment}.{body}").as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(signed));
    if !signatures.split(' ').any(|signature| signature == expected) {
        return StatusCode::UNAUTHORIZED;
    }
    let mut calls = sales.0.lock().unwrap();
    calls.push(Call { id, body: serde_json::from_str(&body).unwrap() });
    // The first try fails, so that there must be another with the same id.
    let leads = calls.iter().filter(|call| call.body["type"] == "lead.handed_off").count();
    if leads == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
}

async fn sales() -> (Sales, u16) {
    let sales = Sales::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/leads", post(take_lead)).with_state(sales.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (sales, port)
}

/// Waits for a mail of that subject to somebody.
fn mail(sink: &Sink, to: &str, subject: &str) -> Mail {
    tokio::task::block_in_place(|| {
        wait_for(&format!("the mail `{subject}` to {to}"), || {
            sink.mails().into_iter().find(|mail| mail.to == to && mail.header("Subject") == subject)
        })
    })
}

/// Waits until somebody's journey is where it should be.
fn until_why(workspace: &Workspace, who: &str, words: &str) {
    let look = || workspace.ask(&["why", who, "spring"]).contains(words).then_some(());
    tokio::task::block_in_place(|| wait_for(&format!("`{words}` of {who}"), look));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_a_purchase_and_a_goodbye_come_back() {
    round_trip("sqlite://lotse.db").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_come_back_on_postgres() {
    let Some(server) = server() else { return };
    round_trip(&server.url(&server.create(None))).await;
}

async fn round_trip(database: &str) {
    let (sink, smtp) = Sink::start();
    let (sales, port) = sales().await;
    let more = format!(
        "teams:\n  sales: {{ url: \"http://127.0.0.1:{port}/leads\", secret: \"whsec_{}\" }}\n  \
        support: {{ email: support@example.com }}\nallow_addresses: [ \"127.0.0.1:{port}\" ]\n",
        STANDARD.encode(SALES_KEY)
    );
    let workspace = Workspace::on(database, JOURNEYS, smtp, &more);
    write(
        &workspace.path("people.csv"),
        "external_id,email\nada,ada@example.org\nben,ben@example.org\ncleo,cleo@example.org\n",
    );
    workspace.ask(&["contacts", "import", "people.csv", "--allow", "news"]);
    let key = workspace.ask(&["token", "create", "shop", "--role", "ingest"]).trim().to_owned();
    let running = workspace.run();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let track = async |body: &str| {
        let request =
            client.post(workspace.url("/v1/track")).basic_auth(&key, Some("")).body(body.to_owned());
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    };
    for person in ["ada", "ben", "cleo"] {
        track(&format!(r#"{{"event":"signed_up","userId":"{person}","messageId":"s-{person}"}}"#)).await;
    }

    let hello = mail(&sink, "ada@example.org", "Hello");
    // Who clicks at once is a scanner, and leads nobody on; who clicks again a little later is a person.
    while !sink.mails().iter().any(|mail| mail.to == "ada@example.org" && mail.header("Subject") == "More") {
        let clicked = client.get(hello.link("/c/")).header("user-agent", BROWSER).send().await.unwrap();
        assert_eq!(clicked.headers()["location"], "https://shop.example/spring");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let handed = tokio::task::block_in_place(|| {
        wait_for("the second try of the hand-off", || {
            let calls = sales.0.lock().unwrap();
            let leads = || calls.iter().filter(|call| call.body["type"] == "lead.handed_off");
            let again = leads().nth(1)?;
            Some((leads().next()?.id.clone(), again.id.clone(), again.body.clone()))
        })
    });
    assert_eq!(handed.0, handed.1, "a retry has the id of the first try");
    assert_eq!(handed.2["type"], "lead.handed_off");
    let timestamp = handed.2["timestamp"].as_str().unwrap();
    assert!(timestamp.starts_with("20") && timestamp.ends_with('Z'), "{timestamp} is no RFC 3339");
    assert_eq!(handed.2["data"]["contact"]["email"], "ada@example.org");
    let alert = tokio::task::block_in_place(|| {
        wait_for("the alert of sales", || {
            let calls = sales.0.lock().unwrap();
            calls.iter().find(|call| call.body["type"] == "alert").map(|call| call.body["data"].clone())
        })
    });
    assert_eq!((&alert["text"], &alert["team"]), (&"look at ada@example.org".into(), &"sales".into()));
    let alert = mail(&sink, "support@example.com", "ada@example.org clicked");
    assert!(alert.raw.contains("Journey: spring, stage interest"), "{}", alert.raw);
    assert!(alert.header("From").contains("hello@example.com"), "it comes from the first sender");
    track(r#"{"event":"Order Completed","userId":"ada","messageId":"o-1","properties":{"total":25}}"#).await;
    until_why(&workspace, "ada@example.org", "bought");

    let hello = mail(&sink, "ben@example.org", "Hello");
    let unsubscribe = hello.link("/u/");
    let shown = client.get(&unsubscribe).send().await.unwrap();
    assert_eq!(shown.status(), 200);
    until_why(&workspace, "ben@example.org", "waits until");
    let answer = client
        .post(&unsubscribe)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("List-Unsubscribe=One-Click")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let refused =
        || workspace.ask(&["contacts", "show", "ben@example.org"]).contains("refused news").then_some(());
    tokio::task::block_in_place(|| wait_for("the refusal", refused));
    let clicked = client.get(hello.link("/c/")).header("user-agent", BROWSER).send().await.unwrap();
    assert_eq!(clicked.status(), 302, "a link goes on leading where it led");

    // What cannot be taken costs nothing else, and is shown with its reason.
    track(r#"{"userId":"cleo","messageId":"no name"}"#).await;
    let aside = workspace.ask_json(&["quarantine", "--format", "json"]);
    assert!(aside[0]["reason"].as_str().unwrap().contains("name"), "{aside}");

    // A forged link says so and changes nothing.
    let forged = format!("{}x", mail(&sink, "cleo@example.org", "Hello").link("/u/"));
    assert_eq!(client.post(&forged).send().await.unwrap().status(), 404);
    running.end();
    let show = workspace.ask(&["contacts", "show", "cleo@example.org"]);
    assert!(show.contains("allowed news"), "{show}");
    assert!(
        !sink.mails().iter().any(|mail| mail.to == "ben@example.org" && mail.header("Subject") == "More")
    );
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
