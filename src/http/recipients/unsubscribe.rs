use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::response::Response;

use super::super::App;
use super::super::page::{NoPage, Notice, page};
use super::super::topics::{Topic, topic};
use super::super::words::{Words, with};
use crate::domain::Permission;
use crate::runtime::Job;
use crate::store::Who;
use crate::track::{PreferencesToken, UnsubscribeToken};

/// How much of what a browser calls itself is kept, in characters.
const USER_AGENT_CHARACTERS_MAX: usize = 200;

/// Asks whether somebody wants to unsubscribe. It changes nothing: scanners follow every link.
pub(super) async fn ask(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::of(&headers);
    let Some(token) = app.outbound.tracker.read::<UnsubscribeToken>(&token) else {
        return NoPage::NoLink.say(words);
    };
    let topic = topic(&app.runtime.plans(), &token.topic);
    if topic.essential {
        return page(&essential(words, &topic));
    }
    let mut notice = Notice::new(words, words.unsubscribe, with(words.unsubscribe_text, &topic.label));
    notice.button = Some(words.unsubscribe);
    notice.link = preferences(&app, &token, words);
    page(&notice)
}

/// Unsubscribes: for the button of the page, and for mail programs that do it at one click (RFC 8058), whose form may
/// come in either encoding and is answered without a redirect. It is answered once nothing more can go out.
pub(super) async fn refuse(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let words = Words::of(&headers);
    let Some(token) = app.outbound.tracker.read::<UnsubscribeToken>(&token) else {
        return NoPage::NoLink.say(words);
    };
    let topic = topic(&app.runtime.plans(), &token.topic);
    if topic.essential {
        return page(&essential(words, &topic));
    }
    let one_click = String::from_utf8_lossy(&body).contains("One-Click");
    let source = if one_click { "one-click unsubscribe" } else { "unsubscribe page" };
    if let Err(no_page) = unsubscribe(&app, &token, source, proof(&token, &headers)).await {
        return no_page.say(words);
    }
    let text = with(words.unsubscribed_text, &topic.label);
    let mut notice = Notice::new(words, words.unsubscribed, text);
    notice.link = preferences(&app, &token, words);
    page(&notice)
}

/// Records the refusal, unless it is there already: who asks often fills no table.
async fn unsubscribe(app: &App, token: &UnsubscribeToken, source: &str, proof: String) -> Result<(), NoPage> {
    let mut unit = app.runtime.store().read().await?;
    // Nobody writes any more to who was forgotten.
    let Some(contact) = unit.find(&Who::Id(token.contact)).await? else { return Ok(()) };
    let decisions = unit.decisions(&[contact.id]).await?;
    drop(unit);
    let decided = decisions.get(&contact.id).and_then(|topics| topics.get(&token.topic));
    if decided == Some(&false) {
        // Whoever asks twice at once is told the same at the same time.
        app.runtime.let_out(&[contact.id]).await;
        return Ok(());
    }
    let permission = Permission {
        contact: contact.id,
        topic: token.topic.clone(),
        allowed: false,
        at: app.stamp(),
        source: source.to_owned(),
        wording: None,
        proof: Some(proof),
    };
    app.writer.write(|done| Job::Decide { permissions: vec![permission], done }).await?;
    app.runtime.let_out(&[contact.id]).await;
    Ok(())
}

fn proof(token: &UnsubscribeToken, headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("no name");
    let agent: String = agent.chars().take(USER_AGENT_CHARACTERS_MAX).collect();
    format!("the link in message {}, followed by {agent}", token.message)
}

fn essential(words: &'static Words, topic: &Topic) -> Notice {
    Notice::new(words, words.essential, with(words.essential_text, &topic.label))
}

fn preferences(app: &App, token: &UnsubscribeToken, words: &Words) -> Option<(String, &'static str)> {
    let url = app.outbound.tracker.url(&app.outbound.base_url, &PreferencesToken { contact: token.contact });
    Some((url.ok()?, words.preferences))
}
