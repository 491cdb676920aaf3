use std::io::Write;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING};
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::super::BODY_BYTES_MAX;
use super::super::access::Role;
use super::super::testing::{Answer, Stand};
use super::event::{Call, Reader};
use crate::store::ArrivalKind;
use crate::time::Moment;

const NOW: &str = "2027-03-01T09:00:00Z";

fn now() -> Moment {
    NOW.parse().unwrap()
}

/// What is taken of a call, as one line: whom it is about, what it is, the properties, what was not taken over.
fn taken(call: Option<Call>, item: &Json) -> String {
    let taken = match (Reader { call, sent_at: None }).read(&item.to_string(), now()) {
        Ok(taken) => taken,
        Err(why) => return format!("no: {why}"),
    };
    let arrival = taken.arrival;
    let who = [
        arrival.who.external_id.as_deref(),
        arrival.who.anonymous_id.as_deref(),
        arrival.who.email.as_ref().map(|email| email.as_str()),
    ];
    let who: Vec<&str> = who.into_iter().map(|name| name.unwrap_or("-")).collect();
    let kind = match &arrival.kind {
        ArrivalKind::Event(kind, name) => format!("{} {name}", kind.as_str()),
        ArrivalKind::Alias => "alias".to_owned(),
    };
    let properties = Json::Object(arrival.properties);
    let notes: Vec<String> = taken
        .notes
        .iter()
        .map(|note| {
            format!(
                "{} {}{}",
                if note.wrong { '!' } else { '?' },
                note.field,
                note.reason.get(..5).unwrap_or("")
            )
        })
        .collect();
    format!("{} {kind} {properties}{}", who.join("/"), notes.concat())
}

#[test]
fn calls_become_events() {
    for (item, expected) in [
        (
            json!({"type": "track", "userId": 7, "event": " Order Completed ", "properties": {"orderId": "a", "order_id": "b"}}),
            r#"7/-/- track Order Completed {"order_id":"b"}"#,
        ),
        (
            json!({"type": "identify", "userId": "u", "anonymousId": "d", "traits": {"email": "A@Example.ORG", "firstName": "Ada", "age": null}}),
            r#"u/d/A@example.org identify identify {"age":null,"email":"A@example.org","first_name":"Ada"}"#,
        ),
        (
            json!({"type": "identify", "traits": {"email": "a@example.org"}}),
            r#"-/-/a@example.org identify identify {"email":"a@example.org"}"#,
        ),
        (
            json!({"type": "identify", "userId": "u", "traits": {"email": "nobody", "timezone": "Mars", "createdAt": NOW, "phone": 5}}),
            r#"u/-/- identify identify {}? created_atis ke! emailis no! phoneis no! timezoneis no"#,
        ),
        (
            json!({"type": "identify", "userId": "u", "traits": {}, "context": {"timezone": "Europe/Vienna", "locale": "de_AT"}}),
            r#"u/-/- identify identify {"language":"de-AT","timezone":"Europe/Vienna"}"#,
        ),
        (
            json!({"type": "page", "anonymousId": "d", "name": "Home", "context": {"page": {"path": "/", "title": "Hi"}}, "properties": {"title": "Yo"}}),
            r#"-/d/- track page_viewed {"name":"Home","path":"/","title":"Yo"}"#,
        ),
        (
            json!({"type": "screen", "anonymousId": "d", "name": "Cart"}),
            r#"-/d/- track screen_viewed {"name":"Cart"}"#,
        ),
        (
            json!({"type": "group", "userId": "u", "groupId": "g", "traits": {"plan": "pro"}}),
            r#"u/-/- track group {"group_id":"g","plan":"pro"}"#,
        ),
        (json!({"type": "alias", "userId": "u", "previousId": "d"}), "u/d/- alias {}"),
    ] {
        assert_eq!(taken(None, &item), expected, "{item}");
    }
}

#[test]
fn what_cannot_be_taken_says_why() {
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let many: serde_json::Map<String, Json> = (0..300).map(|n| (format!("p{n}"), json!(n))).collect();
    for (item, expected) in [
        (json!({"userId": "u", "event": "x"}), "`type` is one of"),
        (json!({"type": "buy", "userId": "u"}), "`type` is one of"),
        (json!({"type": "track", "userId": "u"}), "has its name in `event`"),
        (json!({"type": "track", "userId": "u", "event": ""}), "has its name in `event`"),
        (json!({"type": "track", "event": "x"}), "it says of nobody"),
        (json!({"type": "track", "userId": ["u"], "event": "x"}), "`userId` is a text or a number"),
        (json!({"type": "track", "userId": "a\u{7}", "event": "x"}), "control character"),
        (json!({"type": "track", "userId": "u", "event": "x".repeat(300)}), "at most 255 characters"),
        (json!({"type": "track", "userId": "u", "event": "message_clicked"}), "Lotse records itself"),
        (json!({"type": "track", "userId": "u", "event": "unsubscribed"}), "POST /v1/permissions"),
        (json!({"type": "track", "userId": "u", "event": "x", "properties": [1]}), "it cannot be read"),
        (json!({"type": "track", "userId": "u", "event": "x", "properties": {"a": deep}}), "32 deep"),
        (json!({"type": "track", "userId": "u", "event": "x", "properties": many}), "at most 256 properties"),
        (json!({"type": "track", "userId": "u", "event": "x", "properties": {"a": "\u{0}"}}), "U+0000"),
        (
            json!({"type": "track", "userId": "u", "event": "x", "properties": {"a": "x".repeat(40_000)}}),
            "at most 32 KiB",
        ),
        (json!({"type": "group", "userId": "u"}), "`groupId`"),
        (json!({"type": "alias", "userId": "u"}), "`previousId`"),
        (json!({"type": "alias", "previousId": "d"}), "`userId`"),
        (json!("x"), "it cannot be read"),
    ] {
        let said = taken(None, &item);
        assert!(said.starts_with("no: ") && said.contains(expected), "{said}");
    }
}

#[test]
fn wrong_clocks_are_set_right() {
    // When it was written and sent by the sender's clock; when it happened by ours.
    for (timestamp, sent_at, expected) in [
        ("2027-03-01T08:59:50Z", "2027-03-01T09:00:00Z", "2027-03-01T08:59:50Z"),
        ("2027-03-01T08:59:50Z", "2027-03-01T08:59:58Z", "2027-03-01T08:59:50Z"),
        ("2027-03-01T07:59:00Z", "2027-03-01T08:00:00Z", "2027-03-01T08:59:00Z"),
        ("2030-01-01T00:00:00Z", "2030-01-01T00:01:00Z", "2027-03-01T08:59:00Z"),
        ("2030-01-01T00:00:00Z", "", "2027-03-01T09:00:00Z"),
        ("2027-01-01T12:00:00+02:00", "", "2027-01-01T10:00:00Z"),
        ("2027-01-01T12:00:00.123456", "", "2027-01-01T12:00:00.123456Z"),
        ("yesterday", "", NOW),
    ] {
        let reader = Reader { call: Some(Call::Track), sent_at: super::event::moment(sent_at) };
        let item = json!({"userId": "u", "event": "x", "timestamp": timestamp});
        let arrival = reader.read(&item.to_string(), now()).unwrap().arrival;
        assert_eq!(arrival.at.to_string(), expected, "{timestamp} {sent_at}");
    }
}

#[test]
fn a_repeat_has_the_same_id() {
    let id = |item: Json, seconds: i64| {
        let reader = Reader { call: Some(Call::Track), sent_at: None };
        reader.read(&item.to_string(), now().plus_seconds(seconds)).unwrap().arrival.id
    };
    let item = |name: &str| json!({"userId": "u", "event": "x", "messageId": name, "timestamp": NOW});
    assert_eq!(id(item("m1"), 0), id(item("m1"), 5));
    assert_ne!(id(item("m1"), 0), id(item("m2"), 0));
    let nameless = || json!({"userId": "u", "event": "x"});
    assert_ne!(id(nameless(), 0), id(nameless(), 5));
}

async fn post(stand: &Stand, path: &str, key: Option<String>, body: impl Into<Body>) -> Answer {
    let mut request = Request::builder().method("POST").uri(path);
    if let Some(key) = key {
        request = request.header(AUTHORIZATION, key);
    }
    stand.ask(request.body(body.into()).unwrap()).await
}

fn basic(key: &str) -> Option<String> {
    Some(format!("Basic {}", STANDARD.encode(format!("{key}:"))))
}

#[tokio::test]
async fn keys_open_the_door() {
    let stand = Stand::new().await;
    let key = stand.new_key(Role::Ingest).await;
    let viewer = stand.new_key(Role::Viewer).await;
    let (id, _) = key.rsplit_once('_').unwrap();
    let call = json!({"userId": "u", "event": "x"}).to_string();
    for (authorization, status) in [
        (basic(&key), StatusCode::OK),
        (basic(&stand.key), StatusCode::OK),
        (Some(format!("Bearer {key}")), StatusCode::OK),
        (basic(&viewer), StatusCode::FORBIDDEN),
        (basic(&format!("{id}_0000")), StatusCode::UNAUTHORIZED),
        (basic("lotse_0000000000000000_0000"), StatusCode::UNAUTHORIZED),
        (basic(""), StatusCode::UNAUTHORIZED),
        (None, StatusCode::UNAUTHORIZED),
    ] {
        let answer = post(&stand, "/v1/track", authorization.clone(), call.clone()).await;
        assert_eq!(answer.status, status, "{authorization:?} {}", answer.text);
    }
    // The way analytics.js does it.
    let call = json!({"userId": "u", "event": "x", "writeKey": key}).to_string();
    assert_eq!(post(&stand, "/v1/t", None, call).await.status, StatusCode::OK);
    // A key that collects data, which everybody can read in a page, does nothing else.
    let answer = post(&stand, "/v1/leads/x/accept", Some(format!("Bearer {key}")), "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_bad_event_costs_nothing_but_itself() {
    let stand = Stand::new().await;
    let key = basic(&stand.new_key(Role::Ingest).await);
    let batch = r#"{"batch": [
        {"type": "track", "userId": "ada", "event": "a", "messageId": "1"},
        {"type": "track", "userId": "ada", "messageId": "2"},
        {"type": "track", "userId": "ada", "event": "\ud800", "messageId": "3"},
        {"type": "track", "userId": "ada", "event": "b", "messageId": "4", "properties": {"n": 1e999}},
        {"type": "identify", "userId": "ada", "messageId": "5", "traits": {"email": "nobody", "city": "Bonn"}},
        {"type": "track", "userId": "ada", "event": "c", "messageId": "6"}
    ]}"#;
    for _ in 0..2 {
        let answer = post(&stand, "/v1/batch", key.clone(), batch).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let json = answer.json();
        assert_eq!((&json["success"], &json["accepted"]), (&json!(true), &json!(3)));
        let put_aside: Vec<&Json> =
            json["quarantined"].as_array().unwrap().iter().map(|it| &it["index"]).collect();
        assert_eq!(put_aside, [1, 2, 3]);
        assert_eq!(json["ignored"][0]["field"], "email");
    }
    // What is answered for is lasting, and what came again is one.
    let mut names: Vec<String> = stand.events("ada").await.into_iter().map(|it| it.event.name).collect();
    names.sort();
    assert_eq!(names, ["a", "c", "identify"]);
    stand.tick().await;
    assert_eq!(stand.find("ada").await.unwrap().attributes["city"], "Bonn");
}

#[tokio::test]
async fn requests_that_cannot_be_read_are_refused_whole() {
    let stand = Stand::new().await;
    let key = basic(&stand.new_key(Role::Ingest).await);
    let too_many = json!({"batch": vec![0; 2_501]}).to_string();
    for (body, status) in [
        (String::new(), StatusCode::BAD_REQUEST),
        ("[]".to_owned(), StatusCode::BAD_REQUEST),
        ("{".to_owned(), StatusCode::BAD_REQUEST),
        ("{}".to_owned(), StatusCode::BAD_REQUEST),
        ("[".repeat(100_000), StatusCode::BAD_REQUEST),
        (r#"{"batch": 1}"#.to_owned(), StatusCode::BAD_REQUEST),
        (r#"{"batch": []}"#.to_owned(), StatusCode::OK),
        (too_many, StatusCode::PAYLOAD_TOO_LARGE),
        (" ".repeat(BODY_BYTES_MAX + 1), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let start: String = body.chars().take(20).collect();
        let answer = post(&stand, "/v1/batch", key.clone(), body).await;
        assert_eq!(answer.status, status, "{start} {}", answer.text);
        if status != StatusCode::OK {
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            assert_eq!(answer.json()["status"], status.as_u16());
        }
    }
}

#[tokio::test]
async fn bodies_may_be_packed() {
    let stand = Stand::new().await;
    let key = basic(&stand.new_key(Role::Ingest).await).unwrap();
    let send = async |coding: &str, body: Vec<u8>| {
        let request = Request::builder().method("POST").uri("/v1/batch");
        let request = request.header(AUTHORIZATION, &key).header(CONTENT_ENCODING, coding);
        stand.ask(request.body(Body::from(body)).unwrap()).await
    };
    let batch = json!({"batch": [{"type": "track", "userId": "u", "event": "x"}]}).to_string();
    let answer = send("gzip", packed(batch.as_bytes())).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (StatusCode::OK, &json!(1)));
    // It is what comes out that counts.
    let bomb = send("gzip", packed(&vec![b' '; 64 * 1024 * 1024])).await;
    assert_eq!(bomb.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send("gzip", batch.clone().into_bytes()).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(send("br", batch.into_bytes()).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn browsers_may_send_from_any_page() {
    let stand = Stand::new().await;
    let request = Request::builder()
        .method("OPTIONS")
        .uri("/v1/t")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type");
    let answer = stand.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert_eq!(answer.headers["access-control-allow-headers"], "content-type");
}
