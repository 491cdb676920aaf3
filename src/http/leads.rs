//! What sales says to a lead: programs with a key, people over the signed links in the hand-off.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::App;
use super::access::Caller;
use super::extract::{InBody, InPath};
use super::page::{NoPage, Notice, page};
use super::problem::{Kind, Problem};
use super::words::{Words, with};
use crate::domain::{Attributes, Call, CallId, CallKind, Event, EventId, EventKind, IdHasher, SystemEvent};
use crate::runtime::{Job, event_id};
use crate::store::StoredCall;
use crate::time::Moment;
use crate::track::LeadToken;

/// The event that tells what became of a lead; journeys declare it to reach goals on it.
const RESULT_EVENT: &str = "lead_result";
/// The longest reason or result, in characters.
const WORDS_CHARACTERS_MAX: usize = 1_000;

/// The paths for programs.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/leads/{lead}/accept", post(accept))
        .route("/v1/leads/{lead}/reject", post(reject))
        .route("/v1/leads/{lead}/result", post(result))
}

/// The pages behind the links of a hand-off.
pub(super) fn pages() -> Router<App> {
    Router::new().route("/lead/{token}", get(ask).post(answer_by_link))
}

/// Who answers, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    /// The person who answers; the name of the key where nobody is named.
    by: Option<String>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Answered {
    lead: CallId,
    accepted: bool,
    /// Whether the same was said before.
    repeated: bool,
}

async fn accept(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    InPath(lead): InPath<CallId>,
    InBody(body): InBody<AnswerBody>,
) -> Result<Json<Answered>, Problem> {
    answer_by_program(&app, caller, lead, true, body).await
}

async fn reject(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    InPath(lead): InPath<CallId>,
    InBody(body): InBody<AnswerBody>,
) -> Result<Json<Answered>, Problem> {
    answer_by_program(&app, caller, lead, false, body).await
}

async fn answer_by_program(
    app: &App,
    caller: Caller,
    lead: CallId,
    accepted: bool,
    body: AnswerBody,
) -> Result<Json<Answered>, Problem> {
    let stored = find(app, lead).await?;
    let by = body.by.unwrap_or(caller.0);
    for text in [Some(&by), body.reason.as_ref()].into_iter().flatten() {
        short(text)?;
    }
    match answer(app, &stored, accepted, by, body.reason).await? {
        Some(repeated) => Ok(Json(Answered { lead, accepted, repeated })),
        None => Err(Problem::new(
            Kind::Answered,
            "the team has said otherwise before, and its first answer holds",
        )),
    }
}

/// Records an answer: whether the same was said before, nothing where the opposite was. The store decides which of two
/// that come at once is the first.
async fn answer(
    app: &App,
    stored: &StoredCall,
    accepted: bool,
    by: String,
    reason: Option<String>,
) -> Result<Option<bool>, Problem> {
    if let Some(before) = stored.accepted {
        return Ok((before == accepted).then_some(true));
    }
    let call = &stored.call;
    let name = if accepted { SystemEvent::LeadAccepted } else { SystemEvent::LeadRejected };
    let mut properties = about(call);
    properties.extend(reason.map(|reason| ("reason".to_owned(), reason.into())));
    let id = IdHasher::new("lead answer").part(call.id.bytes()).finish(call.decided_at);
    let event = event(call, EventId(id), (EventKind::System, name.name()), app.stamp(), properties);
    let (contact, call) = (call.contact, call.id);
    let first = app.writer.write(|done| Job::Lead { contact, call, accepted, by, event, done }).await?;
    if first {
        return Ok(Some(false));
    }
    Ok((find(app, call).await?.accepted == Some(accepted)).then_some(true))
}

/// What became of a lead: won, lost, or whatever sales calls it.
#[derive(Deserialize)]
struct ResultBody {
    result: String,
    /// Everything else becomes properties of the event, such as `value`.
    #[serde(flatten)]
    more: Attributes,
}

#[derive(Serialize)]
struct Recorded {
    lead: CallId,
    result: String,
}

/// Records a result as the event `lead_result` of the contact. The same result of one lead is one event.
async fn result(
    State(app): State<App>,
    InPath(lead): InPath<CallId>,
    InBody(body): InBody<ResultBody>,
) -> Result<Json<Recorded>, Problem> {
    if body.result.trim().is_empty() {
        return Err(Problem::new(Kind::Impossible, "`result` says what became of the lead, such as `won`"));
    }
    short(&body.result)?;
    let call = find(&app, lead).await?.call;
    let mut properties = body.more;
    properties.extend(about(&call));
    properties.insert("result".to_owned(), body.result.as_str().into());
    let id = event_id(RESULT_EVENT, &format!("{lead} {}", body.result), Some(call.decided_at));
    let event = event(&call, id, (EventKind::Track, RESULT_EVENT), app.stamp(), properties);
    app.writer.write(|done| Job::Events { events: vec![event], done }).await?;
    Ok(Json(Recorded { lead, result: body.result }))
}

fn short(text: &str) -> Result<(), Problem> {
    if text.chars().count() <= WORDS_CHARACTERS_MAX {
        return Ok(());
    }
    let detail = format!("`by`, `reason` and `result` have at most {WORDS_CHARACTERS_MAX} characters");
    Err(Problem::new(Kind::Impossible, detail))
}

async fn find(app: &App, lead: CallId) -> Result<StoredCall, Problem> {
    let found = app.runtime.store().read().await?.call_by_id(lead).await?;
    found.filter(|stored| stored.call.kind == CallKind::HandOff).ok_or_else(|| {
        Problem::new(Kind::NoLead, "no lead has this id: it stands in `data.lead` of the hand-off")
    })
}

fn about(call: &Call) -> Attributes {
    let of = |text: &str| Value::from(text);
    let known = [("lead", of(&call.id.to_string())), ("team", of(&call.target))];
    known.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn event(
    call: &Call,
    id: EventId,
    (kind, name): (EventKind, &str),
    at: Moment,
    properties: Attributes,
) -> Event {
    Event {
        id,
        contact: call.contact,
        kind,
        name: name.to_owned(),
        at,
        received_at: at,
        run: Some(call.run),
        depth: 0,
        properties,
    }
}

/// Asks the team. It changes nothing: scanners follow the links of these mails too.
async fn ask(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::of(&headers);
    let (token, stored) = match linked(&app, &token).await {
        Ok(linked) => linked,
        Err(no_page) => return no_page.say(words),
    };
    if let Some(before) = stored.accepted {
        return page(&said(words, token.accepted, (before == token.accepted).then_some(true)));
    }
    let (title, text) = match token.accepted {
        true => (words.accept, words.accept_text),
        false => (words.reject, words.reject_text),
    };
    let mut notice = Notice::new(words, title, with(text, &stored.call.target));
    notice.button = Some(title);
    page(&notice)
}

async fn answer_by_link(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::of(&headers);
    let answered = async {
        let (token, stored) = linked(&app, &token).await?;
        let by = stored.call.assigned_to.clone().unwrap_or_else(|| "the link in the hand-off".to_owned());
        let answer = answer(&app, &stored, token.accepted, by, None).await.map_err(|_| NoPage::Later)?;
        Ok(said(words, token.accepted, answer))
    };
    match answered.await {
        Ok(notice) => page(&notice),
        Err(no_page) => NoPage::say(&no_page, words),
    }
}

/// The lead of a link. It is looked up by its id alone: the contact may have become another since.
async fn linked(app: &App, token: &str) -> Result<(LeadToken, StoredCall), NoPage> {
    let token: LeadToken = app.outbound.tracker.read(token).ok_or(NoPage::NoLink)?;
    let found = app.runtime.store().read().await?.call_by_id(token.call).await?;
    Ok((token, found.ok_or(NoPage::NoLink)?))
}

fn said(words: &'static Words, accepted: bool, answer: Option<bool>) -> Notice {
    match (answer, accepted) {
        (Some(_), true) => Notice::new(words, words.accepted, words.answered_text),
        (Some(_), false) => Notice::new(words, words.rejected, words.answered_text),
        (None, _) => Notice::new(words, words.answered_before, words.answered_before_text),
    }
}
