use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{Html, IntoResponse, Response};

use super::super::App;
use super::super::page::{NoPage, private};
use super::super::words::Words;
use crate::runtime::planned;
use crate::store::{ClaimedMessage, MessageKey, Who};
use crate::track::ViewToken;

/// A mail brings its own styles and pictures, runs nothing, and in a sandbox is no page of ours: what it does cannot
/// reach whoever is signed in here.
const POLICY: &str = "sandbox allow-popups allow-top-navigation-by-user-activation; default-src 'none'; img-src * data:; \
    style-src 'unsafe-inline' https:; font-src https: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Shows a message as a web page, as it would be written to the contact today.
pub(super) async fn show(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    match write(&app, &token).await {
        Ok(response) => response,
        Err(no_page) => no_page.say(Words::of(&headers)),
    }
}

async fn write(app: &App, token: &str) -> Result<Response, NoPage> {
    let token: ViewToken = app.outbound.tracker.read(token).ok_or(NoPage::NoLink)?;
    let mut unit = app.runtime.store().read().await?;
    let contact = unit.find(&Who::Id(token.contact)).await?.ok_or(NoPage::NoLink)?;
    let key = MessageKey { contact: contact.id, id: token.message };
    let stored = unit.message(key).await?.ok_or(NoPage::NoLink)?;
    let permissions = unit.decisions(&[contact.id]).await?.remove(&contact.id).unwrap_or_default();
    let run = unit.runs(contact.id).await?.into_iter().find(|run| run.id == stored.message.run);
    drop(unit);
    let claimed = ClaimedMessage {
        attempt: stored.attempts,
        message: stored.message,
        contact,
        permissions,
        entry: run.map(|run| run.state.entry).unwrap_or_default(),
    };
    let message = &claimed.message;
    let plans = app.runtime.plans_with([message.version]).await;
    let rendered = planned(&plans, message.version, &message.message)
        .and_then(|(plan, planned)| app.letters.render(plan, planned, &claimed))
        .map_err(|error| {
            tracing::warn!(message = %message.id, %error, "a message cannot be shown as a web page");
            NoPage::NoLink
        })?;
    let mut response = match rendered.html {
        Some(html) => Html(html).into_response(),
        None => ([(CONTENT_TYPE, "text/plain; charset=utf-8")], rendered.text).into_response(),
    };
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    private(&mut response);
    Ok(response)
}
