use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use super::super::testing::Stand;
use crate::domain::{Contact, ContactId, MessageId};
use crate::store::MessageKey;
use crate::track::{
    ClickToken, OpenToken, PreferencesToken, SurveyToken, Tracker, UnsubscribeToken, ViewToken,
};

const SHOP: &str = "https://shop.example/a?b=1&c=2&next=https%3A%2F%2Fx";

fn click(contact: &Contact, message: MessageId, name: &str) -> ClickToken {
    ClickToken { contact: contact.id, message, index: 0, name: name.into(), url: SHOP.into() }
}

fn leave(contact: &Contact, message: MessageId, topic: &str) -> UnsubscribeToken {
    UnsubscribeToken { contact: contact.id, message, topic: topic.into() }
}

/// What Lotse itself has recorded about Ada, the latest first.
async fn recorded(stand: &Stand) -> Vec<String> {
    stand.written().await;
    let events = stand.events("ada").await.into_iter().map(|stored| stored.event);
    let of_messages = events.filter(|event| event.name.starts_with("message_"));
    of_messages
        .map(|event| {
            let link = event.properties.get("link").map_or(String::new(), |link| format!(" {link}"));
            format!("{} {}{link}", event.kind.as_str(), event.name)
        })
        .collect()
}

#[tokio::test]
async fn opening_and_clicking_are_counted() {
    let stand = Stand::new().await;
    let (ada, message) = stand.ada().await;
    stand.later(3_600);
    let image = stand.browse("GET", &stand.path(&OpenToken { contact: ada.id, message }), "").await;
    assert_eq!(
        (image.status, &image.headers["content-type"]),
        (StatusCode::OK, &"image/gif".parse().unwrap())
    );
    assert!(image.text.starts_with("GIF89a"));
    assert_eq!(image.headers["cache-control"], "no-store");
    assert_eq!(recorded(&stand).await, ["system message_opened"]);

    stand.later(60);
    let link = stand.browse("GET", &stand.path(&click(&ada, message, "offer")), "").await;
    assert_eq!((link.status, link.location()), (StatusCode::FOUND, SHOP));
    assert_eq!(link.headers["referrer-policy"], "no-referrer");
    assert_eq!(recorded(&stand).await[0], r#"system message_clicked "offer""#);

    // A scanner looks where the link leads; nothing of it moves a run.
    stand.later(60);
    let head = stand.browse("HEAD", &stand.path(&click(&ada, message, "offer")), "").await;
    assert_eq!((head.status, head.location()), (StatusCode::FOUND, SHOP));
    assert_eq!(recorded(&stand).await[0], r#"machine message_clicked "offer""#);
}

#[tokio::test]
async fn forged_links_lead_nowhere() {
    let stand = Stand::new().await;
    let (ada, message) = stand.ada().await;
    let open = stand.path(&OpenToken { contact: ada.id, message });
    let real = stand.path(&click(&ada, message, ""));
    let token = open.trim_start_matches("/o/").trim_end_matches(".gif");
    let foreign = Tracker::new(b"another secret", "lotse").unwrap();
    let mut flipped = real.clone().into_bytes();
    flipped[20] ^= 1;
    for path in [
        "/o/x.gif".to_owned(),
        "/c/x".to_owned(),
        "/u/x".to_owned(),
        "/p/x".to_owned(),
        "/v/x".to_owned(),
        "/s/x".to_owned(),
        "/lead/x".to_owned(),
        format!("/c/{token}"),
        format!("/u/{token}"),
        format!("/p/{token}"),
        format!("/v/{token}"),
        format!("{real}A"),
        String::from_utf8(flipped).unwrap(),
        foreign.url("", &click(&ada, message, "")).unwrap(),
        format!("/c/{token}?url=https://evil.example"),
    ] {
        let answer = stand.browse("GET", &path, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.headers.contains_key("location"), "{path}");
        if !path.starts_with("/o/") {
            assert!(answer.text.contains("This link leads nowhere"), "{path}: {}", answer.text);
            assert_eq!(answer.headers["cache-control"], "no-store");
        }
    }
    for path in ["/u/x", "/p/x", "/s/x", "/lead/x"] {
        assert_eq!(stand.browse("POST", path, "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(recorded(&stand).await, Vec::<String>::new());
}

#[tokio::test]
async fn looking_changes_nothing() {
    let stand = Stand::new().await;
    let (ada, message) = stand.ada().await;
    for path in [stand.path(&leave(&ada, message, "news")), stand.path(&PreferencesToken { contact: ada.id })]
    {
        for method in ["GET", "HEAD"] {
            assert_eq!(stand.browse(method, &path, "").await.status, StatusCode::OK);
        }
        for method in ["OPTIONS", "PUT", "DELETE"] {
            assert_eq!(stand.browse(method, &path, "").await.status, StatusCode::METHOD_NOT_ALLOWED);
        }
    }
    assert_eq!(stand.decided("ada").await, "+news");
    let page = stand.browse("GET", &stand.path(&leave(&ada, message, "news")), "").await;
    assert!(page.text.contains("News and offers") && page.text.contains("<form method=\"post\">"));
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    assert!(!page.text.contains("ada@example.org"));
}

#[tokio::test]
async fn one_click_unsubscribes() {
    let forms = [
        ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n",
        ),
    ];
    for (of, form) in forms {
        let stand = Stand::new().await;
        let (ada, message) = stand.ada().await;
        let path = stand.path(&leave(&ada, message, "news"));
        // Twice: it says the same and changes nothing more.
        for _ in 0..2 {
            let request = Request::builder().method("POST").uri(&path).header("content-type", of);
            let answer = stand.ask(request.body(Body::from(form)).unwrap()).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("location"));
            assert_eq!(stand.decided("ada").await, "-news");
        }
        let decisions = stand.call("GET", "/v1/permissions/ada", &json!(null)).await.json();
        let sources: Vec<&str> = decisions["decisions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["source"].as_str().unwrap())
            .collect();
        assert_eq!(sources, ["shop", "one-click unsubscribe"]);
        // What waits to be sent does not go any more.
        let mut unit = stand.store.write().await.unwrap();
        let key = MessageKey { contact: ada.id, id: message };
        assert!(!unit.hand_over(&[key.into()], stand.later(1)).await.unwrap()[0].goes);
    }
}

#[tokio::test]
async fn the_button_unsubscribes() {
    let stand = Stand::new().await;
    let (ada, message) = stand.ada().await;
    let answer = stand.browse("POST", &stand.path(&leave(&ada, message, "news")), "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("You are unsubscribed") && answer.text.contains("/p/"), "{}", answer.text);
    assert_eq!(stand.decided("ada").await, "-news");
    // Works after the journey is gone, for topics that nobody knows any more.
    let answer = stand.browse("POST", &stand.path(&leave(&ada, message, "old_news")), "").await;
    assert!(answer.text.contains("old news"), "{}", answer.text);
    assert_eq!(stand.decided("ada").await, "-news -old_news");
    // What belongs to an order cannot be refused.
    let answer = stand.browse("POST", &stand.path(&leave(&ada, message, "account")), "").await;
    assert!(answer.text.contains("You cannot unsubscribe from this"), "{}", answer.text);
    assert_eq!(stand.decided("ada").await, "-news -old_news");
    // Somebody who was forgotten is told the same as everybody.
    let mut nobody = ada.clone();
    nobody.id = ContactId::default();
    let answer = stand.browse("POST", &stand.path(&leave(&nobody, message, "news")), "").await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn preferences_are_chosen() {
    let stand = Stand::new().await;
    let (ada, _) = stand.ada().await;
    let path = stand.path(&PreferencesToken { contact: ada.id });
    let page = stand.browse("GET", &path, "").await;
    assert!(
        page.text.contains(r#"value="news" checked"#) && page.text.contains(r#"value="tracking" checked"#)
    );
    assert!(!page.text.contains("Your orders"), "{}", page.text);
    for (form, decided) in [
        // As it was.
        ("shown=news&topic=news&shown=tracking&topic=tracking", "+news"),
        ("shown=news&shown=tracking&topic=tracking", "-news"),
        ("shown=news&topic=news&shown=tracking", "+news -tracking"),
        // A topic that the page did not show is not refused by leaving it out.
        ("shown=tracking&topic=tracking", "+news +tracking"),
        ("shown=news&topic=news&shown=tracking&topic=tracking&none=1", "-news +tracking"),
        // Nobody gives themselves what is not on the page.
        ("shown=secret&topic=secret&shown=account&topic=account", "-news +tracking"),
    ] {
        let saved = stand.browse("POST", &path, form).await;
        assert_eq!(saved.status, StatusCode::OK);
        assert!(saved.text.contains("Your choice is saved"), "{}", saved.text);
        assert_eq!(stand.decided("ada").await, decided, "{form}");
    }
}

#[tokio::test]
async fn who_refuses_counting_is_not_counted() {
    let stand = Stand::new().await;
    let (ada, message) = stand.ada().await;
    let path = stand.path(&PreferencesToken { contact: ada.id });
    stand.browse("POST", &path, "shown=tracking").await;
    stand.later(3_600);
    let link = stand.browse("GET", &stand.path(&click(&ada, message, "")), "").await;
    assert_eq!(link.location(), SHOP);
    assert_eq!(recorded(&stand).await, Vec::<String>::new());
}

#[tokio::test]
async fn messages_are_shown_in_a_browser() {
    let stand = Stand::new().await;
    let (ada, message) = stand.ada().await;
    let view = stand.browse("GET", &stand.path(&ViewToken { contact: ada.id, message }), "").await;
    assert_eq!(view.status, StatusCode::OK);
    assert!(view.text.contains("Hello"), "{}", view.text);
    let html = view.headers["content-type"].to_str().unwrap().starts_with("text/html");
    assert!(!html || !view.text.contains("<b>DE"), "{}", view.text);
    assert!(view.headers["content-security-policy"].to_str().unwrap().starts_with("sandbox"));
    let other = ViewToken { contact: ada.id, message: MessageId::default() };
    assert_eq!(stand.browse("GET", &stand.path(&other), "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_speak_the_language_of_the_browser() {
    let stand = Stand::new().await;
    let request = Request::builder().uri("/u/x").header("accept-language", "de-AT,en;q=0.5");
    let answer = stand.ask(request.body(Body::empty()).unwrap()).await;
    assert!(answer.text.contains(r#"<html lang="de">"#) && answer.text.contains("nirgendwohin"));
}

/// The path of a survey's page for Ada's last receipt.
fn survey(stand: &Stand, contact: &Contact, message: MessageId, survey: &str, score: Option<i16>) -> String {
    stand.path(&SurveyToken { contact: contact.id, message, survey: survey.into(), score })
}

/// The answers to surveys that are recorded about Ada.
async fn answers(stand: &Stand) -> Vec<serde_json::Value> {
    let events = stand.events("ada").await.into_iter().map(|stored| stored.event);
    let answers = events.filter(|event| event.name == "survey_answered");
    answers.map(|event| serde_json::Value::Object(event.properties)).collect()
}

#[tokio::test]
async fn a_survey_is_shown_with_the_score_of_its_link() {
    let stand = Stand::new().await;
    let (ada, message) = stand.ada().await;
    let page = stand.browse("GET", &survey(&stand, &ada, message, "nps", Some(9)), "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("<h1>How &#60;likely&#62;?</h1>"), "{}", page.text);
    assert!(
        page.text.contains(r#"value="9" required checked>"#) && page.text.contains(r#"value="0" required>"#)
    );
    assert_eq!(page.text.matches("checked").count(), 1);
    assert!(page.text.contains(r#"<label class="comment" for="comment">Why?</label>"#));
    for (score, checked) in [(None, 0), (Some(11), 0), (Some(0), 1)] {
        let page = stand.browse("GET", &survey(&stand, &ada, message, "nps", score), "").await;
        assert_eq!(page.text.matches("checked").count(), checked, "{score:?}");
    }
    let long = stand.browse("GET", &survey(&stand, &ada, message, "share", Some(40)), "").await;
    assert!(long.text.contains(r#"min="0" max="100" step="1" required value="40""#), "{}", long.text);
    assert!(!long.text.contains("textarea"));
    let gone = stand.browse("GET", &survey(&stand, &ada, message, "gone", None), "").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(answers(&stand).await, Vec::<serde_json::Value>::new(), "looking records nothing");
}

#[tokio::test]
async fn the_first_answer_to_a_survey_counts() {
    let stand = Stand::new().await;
    let (ada, message) = stand.ada().await;
    let path = survey(&stand, &ada, message, "nps", Some(9));
    for form in
        ["", "score=", "score=11", "score=-1", "score=7.5", "score=seven", "comment=hello", "score=%F0%9F"]
    {
        let page = stand.browse("POST", &path, form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(page.text.contains(r#"role="alert">Please choose a whole number from 0 to 10."#), "{form}");
    }
    let long = stand.browse("POST", &path, &format!("score=3&comment={}", "x".repeat(2_001))).await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(long.text.contains("at most 2000 characters") && long.text.contains("xxx</textarea>"));
    assert!(long.text.contains(r#"value="3" required checked>"#));
    assert!(answers(&stand).await.is_empty());

    let thanks = stand.browse("POST", &path, "score=7&comment=+a%0D%0Ab%07+").await;
    assert_eq!(thanks.status, StatusCode::OK);
    assert!(thanks.text.contains("Your answer has arrived."), "{}", thanks.text);
    let again = stand.browse("POST", &path, "score=2").await;
    assert!(again.text.contains("You have answered before"), "{}", again.text);
    let expected = json!({ "survey": "nps", "score": 7, "comment": "a\nb", "message": "hello" });
    assert_eq!(answers(&stand).await, [expected]);
}
