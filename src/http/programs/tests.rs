use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value as Json, json};

use super::super::testing::Stand;
use crate::domain::{CallId, CallState};
use crate::store::{CallSettlement, MessageKey, MessageSettlement, Outcome, StoredCall};
use crate::time::Clock;
use crate::track::LeadToken;

/// The lead that Ada has become, a day after she has signed up.
async fn lead(stand: &Stand) -> StoredCall {
    let (ada, _) = stand.ada().await;
    stand.later(86_400);
    stand.tick().await;
    let mut unit = stand.store.read().await.unwrap();
    unit.calls(ada.id).await.unwrap().remove(0)
}

/// Where Ada is in her journey.
async fn journey(stand: &Stand) -> Json {
    stand.tick().await;
    stand.call("GET", "/v1/contacts/ada", &json!(null)).await.json()["journeys"][0].clone()
}

#[tokio::test]
async fn programs_need_a_key() {
    let stand = Stand::new().await;
    for (method, path) in [
        ("GET", "/v1/journeys"),
        ("GET", "/v1/journeys/welcome"),
        ("POST", "/v1/journeys/welcome/enter"),
        ("GET", "/v1/contacts/ada"),
        ("GET", "/v1/permissions/ada"),
        ("POST", "/v1/permissions/ada"),
        ("GET", "/v1/deliveries"),
        ("POST", "/v1/deliveries/00000000-0000-0000-0000-000000000000/retry"),
        ("POST", "/v1/leads/00000000-0000-0000-0000-000000000000/accept"),
        ("POST", "/v1/leads/00000000-0000-0000-0000-000000000000/reject"),
        ("POST", "/v1/leads/00000000-0000-0000-0000-000000000000/result"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = stand.ask(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"lotse\"");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn a_key_that_is_taken_away_opens_nothing() {
    let stand = Stand::new().await;
    assert_eq!(stand.call("GET", "/v1/journeys", &json!(null)).await.status, StatusCode::OK);
    let id = stand.key.split('_').nth(1).unwrap().to_owned();
    let mut unit = stand.store.write().await.unwrap();
    assert!(unit.revoke_token(&id, stand.clock.now()).await.unwrap());
    unit.commit().await.unwrap();
    stand.later(11);
    assert_eq!(stand.call("GET", "/v1/journeys", &json!(null)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn journeys_are_counted() {
    let stand = Stand::new().await;
    stand.ada().await;
    let list = stand.call("GET", "/v1/journeys", &json!(null)).await.json();
    let welcome = &list["journeys"][0];
    assert_eq!(
        *welcome,
        json!({
            "journey": "welcome", "label": "Welcome", "version": 1, "entered": 1,
            "stages": [{"stage": "first", "contacts": 1}, {"stage": "sales", "contacts": 0}],
            "ended": {}, "goals": {},
        })
    );
    stand.later(86_400);
    stand.tick().await;
    stand.later(6 * 86_400);
    stand.tick().await;
    let shown = stand.call("GET", "/v1/journeys/welcome", &json!(null)).await.json();
    assert_eq!(shown["ended"], json!({"silent": 1}));
    assert_eq!(shown["stages"][1], json!({"stage": "sales", "contacts": 0}));
    let unknown = stand.call("GET", "/v1/journeys/welcom", &json!(null)).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text.contains("did you mean `welcome`?"), "{}", unknown.text);
}

#[tokio::test]
async fn contacts_enter_by_request() {
    let stand = Stand::new().await;
    for user in ["ben", "cleo"] {
        let call = json!({"userId": user, "traits": {"email": format!("{user}@example.org")}});
        assert_eq!(stand.call("POST", "/v1/identify", &call).await.status, StatusCode::OK);
    }
    let body =
        json!({"contacts": ["ben", "cleo@example.org"], "with": {"source": "fair"}, "messageId": "r1"});
    for _ in 0..2 {
        let answer = stand.call("POST", "/v1/journeys/welcome/enter", &body).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::ACCEPTED, json!({"requested": 2})));
    }
    stand.tick().await;
    let ben = stand.call("GET", "/v1/contacts/ben", &json!(null)).await.json();
    assert_eq!(ben["journeys"].as_array().unwrap().len(), 1);
    for (body, status) in [
        (json!({"contacts": ["ben", "nobody"]}), StatusCode::NOT_FOUND),
        (json!({"contacts": []}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"contacts": vec!["ben"; 101]}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"contacts": ["ben"], "with": {"rank": "high"}}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"contacts": ["ben"], "score": 5}), StatusCode::BAD_REQUEST),
        (json!({}), StatusCode::BAD_REQUEST),
    ] {
        let answer = stand.call("POST", "/v1/journeys/welcome/enter", &body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let answer = stand.call("POST", "/v1/journeys/farewell/enter", &json!({"contacts": ["ben"]})).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_contact_has_a_story() {
    let stand = Stand::new().await;
    let (ada, _) = stand.ada().await;
    let by_id = format!("/v1/contacts/{}", ada.id);
    for path in ["/v1/contacts/ada", "/v1/contacts/ada@example.org", by_id.as_str()] {
        let shown = stand.call("GET", path, &json!(null)).await.json();
        assert_eq!(shown["contact"]["email"], "ada@example.org", "{path}");
        assert_eq!(shown["journeys"][0]["stage"], "first");
        assert_eq!(shown["permissions"][0]["topic"], "news");
        let names: Vec<&str> =
            shown["story"].as_array().unwrap().iter().map(|item| item["event"].as_str().unwrap()).collect();
        assert!(names.contains(&"signup"), "{names:?}");
    }
    let unknown = stand.call("GET", "/v1/contacts/somebody@example.org", &json!(null)).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(!unknown.text.contains("somebody@"), "{}", unknown.text);
}

#[tokio::test]
async fn decisions_are_passed_on() {
    let stand = Stand::new().await;
    stand.ada().await;
    let refuse = json!({"topic": "news", "allowed": false, "source": "phone", "proof": "call 17"});
    stand.later(1);
    assert_eq!(stand.call("POST", "/v1/permissions/ada", &refuse).await.status, StatusCode::OK);
    let shown = stand.call("GET", "/v1/permissions/ada", &json!(null)).await.json();
    assert_eq!(shown["topics"], json!({"news": false}));
    assert_eq!(shown["decisions"][1]["source"], "phone");
    assert_eq!(shown["decisions"][1]["proof"], "call 17");
    for (who, body, status) in [
        ("ada", json!({"topic": "tracking", "allowed": false}), StatusCode::OK),
        ("ada", json!({"topic": "account", "allowed": false}), StatusCode::UNPROCESSABLE_ENTITY),
        ("ada", json!({"topic": "newz", "allowed": true}), StatusCode::UNPROCESSABLE_ENTITY),
        ("ada", json!({"topic": "news"}), StatusCode::BAD_REQUEST),
        ("nobody", json!({"topic": "news", "allowed": true}), StatusCode::NOT_FOUND),
    ] {
        let answer = stand.call("POST", &format!("/v1/permissions/{who}"), &body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn teams_answer_leads() {
    let stand = Stand::new().await;
    let lead = lead(&stand).await.call.id;
    assert_eq!(journey(&stand).await["stage"], "sales");
    let path = |word: &str| format!("/v1/leads/{lead}/{word}");
    let first = stand.call("POST", &path("accept"), &json!({"by": "anna"})).await;
    assert_eq!((first.status, &first.json()["repeated"]), (StatusCode::OK, &json!(false)), "{}", first.text);
    let again = stand.call("POST", &path("accept"), &json!({})).await;
    assert_eq!((again.status, &again.json()["repeated"]), (StatusCode::OK, &json!(true)));
    let other = stand.call("POST", &path("reject"), &json!({"reason": "too small"})).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text);
    assert_eq!(journey(&stand).await["outcome"], "won");

    let won = json!({"result": "won", "value": 900});
    for _ in 0..2 {
        assert_eq!(stand.call("POST", &path("result"), &won).await.status, StatusCode::OK);
    }
    let results: Vec<Json> = stand
        .events("ada")
        .await
        .into_iter()
        .filter(|stored| stored.event.name == "lead_result")
        .map(|stored| Json::Object(stored.event.properties))
        .collect();
    assert_eq!(results, [json!({"result": "won", "value": 900, "lead": lead, "team": "crm"})]);

    let nothing = CallId::default();
    for (path, body, status) in [
        (format!("/v1/leads/{nothing}/accept"), json!({}), StatusCode::NOT_FOUND),
        ("/v1/leads/7/accept".to_owned(), json!({}), StatusCode::NOT_FOUND),
        (path("result"), json!({}), StatusCode::BAD_REQUEST),
        (path("result"), json!({"result": " "}), StatusCode::UNPROCESSABLE_ENTITY),
        (path("result"), json!({"result": "x".repeat(2_000)}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = stand.call("POST", &path, &body).await;
        assert_eq!(answer.status, status, "{path} {}", answer.text);
    }
}

#[tokio::test]
async fn people_answer_leads_over_links() {
    let stand = Stand::new().await;
    let call = lead(&stand).await.call;
    let link = |accepted| stand.path(&LeadToken { contact: call.contact, call: call.id, accepted });
    let asked = stand.browse("GET", &link(false), "").await;
    assert!(asked.text.contains("Does crm turn this lead down?") && asked.text.contains("<button>"));
    assert_eq!(journey(&stand).await["outcome"], json!(null));
    let said = stand.browse("POST", &link(false), "").await;
    assert!(said.text.contains("The lead is rejected"), "{}", said.text);
    assert_eq!(journey(&stand).await["outcome"], "lost");
    for (method, accepted, expected) in [
        ("POST", false, "The lead is rejected"),
        ("POST", true, "This lead was answered before"),
        ("GET", true, "This lead was answered before"),
        ("GET", false, "The lead is rejected"),
    ] {
        let answer = stand.browse(method, &link(accepted), "").await;
        assert!(answer.text.contains(expected) && !answer.text.contains("<button>"), "{}", answer.text);
    }
}

#[tokio::test]
async fn deliveries_are_tried_again() {
    let stand = Stand::new().await;
    let call = lead(&stand).await.call;
    let message = stand.messages("ada").await.remove(0).message;
    let now = stand.later(1);
    let key = MessageKey { contact: message.contact, id: message.id };
    let refused = Outcome::State(crate::domain::MessageState::Refused);
    let dead = CallSettlement {
        contact: call.contact,
        id: call.id,
        attempt: 1,
        state: CallState::Dead,
        due_at: None,
        status: Some(500),
        answer: "no".into(),
    };
    let mut unit = stand.store.write().await.unwrap();
    let settlement = MessageSettlement { key, attempt: None, outcome: refused, answer: "550".into() };
    unit.settle_messages(vec![settlement], now).await.unwrap();
    unit.settle_calls(vec![dead], now).await.unwrap();
    unit.commit().await.unwrap();

    let list = async |query: &str| {
        let answer = stand.call("GET", &format!("/v1/deliveries{query}"), &json!(null)).await.json();
        let kinds = answer["deliveries"].as_array().unwrap().iter();
        kinds
            .map(|it| format!("{} {}", it["kind"].as_str().unwrap(), it["state"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ["hand_off dead", "message refused"]);
    assert_eq!(list("?limit=1").await, ["hand_off dead"]);
    assert_eq!(list("?all=true").await.len(), 3);
    assert_eq!(
        stand.call("GET", "/v1/deliveries?all=maybe", &json!(null)).await.status,
        StatusCode::BAD_REQUEST
    );
    for id in [call.id.0, message.id.0] {
        let path = format!("/v1/deliveries/{id}/retry");
        assert_eq!(stand.call("POST", &path, &json!({})).await.status, StatusCode::OK);
        assert_eq!(stand.call("POST", &path, &json!({})).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(list("").await, Vec::<String>::new());
}

#[tokio::test]
async fn machines_see_that_all_is_well() {
    let stand = Stand::new().await;
    let ask = async |path: &str| stand.ask(Request::builder().uri(path).body(Body::empty()).unwrap()).await;
    assert_eq!(ask("/healthz").await.json(), json!({"status": "ok"}));
    let mut ready = ask("/readyz").await.json();
    assert!(ready.as_object_mut().unwrap().remove("log_bytes").is_some_and(|bytes| bytes.is_u64()));
    assert_eq!(ready, json!({"status": "ready", "behind_seconds": 0}));
    assert_eq!(ask("/nowhere").await.status, StatusCode::NOT_FOUND);
    let other = ask("/v1/track").await;
    assert_eq!(
        (other.status, other.headers["allow"].as_bytes()),
        (StatusCode::METHOD_NOT_ALLOWED, &b"POST,OPTIONS"[..])
    );
    stand.store.close().await;
    assert_eq!(ask("/healthz").await.status, StatusCode::OK);
    assert_eq!(ask("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn replies_are_found_by_what_they_answer() {
    let stand = Stand::new().await;
    let (_, message) = stand.ada().await;
    let reply = |more: serde_json::Value| {
        let mut reply = json!({ "from": "Ada@example.org" });
        reply.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        reply
    };
    let ours = format!("<{message}@shop.example>");
    let other = format!("<a@b> {ours}");
    for (body, status, by_person) in [
        (reply(json!({ "in_reply_to": ours, "message_id": "<1@x>" })), 200, json!(true)),
        (reply(json!({ "in_reply_to": ours, "message_id": "<1@x>" })), 200, json!(true)),
        (
            reply(json!({ "in_reply_to": "<a@b>", "references": other, "auto_submitted": "no" })),
            200,
            json!(true),
        ),
        (reply(json!({ "in_reply_to": ours, "auto_submitted": "auto-replied" })), 200, json!(false)),
        (reply(json!({ "in_reply_to": "<a@b>" })), 404, json!(null)),
        (reply(json!({})), 404, json!(null)),
        (json!({ "from": "ben@example.org", "in_reply_to": ours }), 404, json!(null)),
        (json!({ "in_reply_to": ours }), 400, json!(null)),
    ] {
        let answer = stand.call("POST", "/v1/replies", &body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["by_person"]), (status, &by_person), "{body}");
    }
    let events =
        stand.events("ada").await.into_iter().filter(|stored| stored.event.name == "message_replied");
    let kinds: Vec<&str> = events.map(|stored| stored.event.kind.as_str()).collect();
    assert_eq!(kinds, ["machine", "system", "system"], "one that is told twice is one");
}
