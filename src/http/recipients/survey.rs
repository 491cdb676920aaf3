use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::super::App;
use super::super::page::{NoPage, Notice, page};
use super::super::words::{Words, with};
use crate::domain::{Message, Survey};
use crate::runtime::{Job, answer_event};
use crate::store::MessageKey;
use crate::track::SurveyToken;

/// The longest answer in words, in characters.
const COMMENT_CHARACTERS_MAX: usize = 2_000;

/// The page on which somebody answers.
#[derive(Template)]
#[template(path = "survey.html")]
struct SurveyPage {
    words: &'static Words,
    /// The question.
    title: String,
    survey: Survey,
    /// The lowest and the highest score, in words.
    range: String,
    /// Empty where there are too many.
    scores: Vec<i16>,
    chosen: Option<i16>,
    comment: String,
    comment_max: usize,
    /// Why what was sent is no answer.
    wrong: Option<String>,
}

impl SurveyPage {
    fn new(words: &'static Words, survey: Survey) -> Self {
        Self {
            words,
            title: survey.question.clone(),
            range: with(words.score, &scale(words, &survey)),
            scores: survey.scores(),
            survey,
            chosen: None,
            comment: String::new(),
            comment_max: COMMENT_CHARACTERS_MAX,
            wrong: None,
        }
    }
}

/// What a form says. A score that is missing is one that is no number.
#[derive(Deserialize)]
pub(super) struct Fields {
    #[serde(default)]
    score: String,
    #[serde(default)]
    comment: String,
}

/// Shows the question. It records nothing, whatever score the link stands for: scanners follow every link.
pub(super) async fn ask(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::of(&headers);
    match asked(&app, &token).await {
        Ok((token, _, survey)) => {
            let chosen = token.score.filter(|score| survey.takes(*score));
            page(&SurveyPage { chosen, ..SurveyPage::new(words, survey) })
        }
        Err(no_page) => no_page.say(words),
    }
}

/// Records an answer, and says so once it is lasting. Of two answers over one message the first counts: the journey
/// has gone on with it.
pub(super) async fn answer(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let words = Words::of(&headers);
    let (token, message, survey) = match asked(&app, &token).await {
        Ok(asked) => asked,
        Err(no_page) => return no_page.say(words),
    };
    let comment = written(&fields.comment);
    let score = survey.score(&fields.score);
    let wrong = if comment.chars().count() > COMMENT_CHARACTERS_MAX {
        Some(with(words.long_comment, &COMMENT_CHARACTERS_MAX.to_string()))
    } else if score.is_none() {
        Some(with(words.no_score, &scale(words, &survey)))
    } else {
        None
    };
    let (Some(score), None) = (score, &wrong) else {
        let mut again = page(&SurveyPage { chosen: score, comment, wrong, ..SurveyPage::new(words, survey) });
        *again.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return again;
    };
    let comment = Some(comment).filter(|comment| survey.comment.is_some() && !comment.is_empty());
    let event = answer_event(&message, &token.survey, score, comment, app.stamp());
    match app.writer.write(|done| Job::Answer { event, done }).await {
        Ok(first) => {
            let text = if first { words.thanks_text } else { words.thanks_before_text };
            page(&Notice::new(words, words.thanks, text))
        }
        Err(error) => NoPage::from(error).say(words),
    }
}

/// What a link leads to: the survey as it was when the message was sent.
async fn asked(app: &App, token: &str) -> Result<(SurveyToken, Message, Survey), NoPage> {
    let token: SurveyToken = app.outbound.tracker.read(token).ok_or(NoPage::NoLink)?;
    let key = MessageKey { contact: token.contact, id: token.message };
    let stored = app.runtime.store().read().await?.message(key).await?.ok_or(NoPage::NoLink)?;
    let plans = app.runtime.plans_with([stored.message.version]).await;
    let plan = plans.version(stored.message.version).ok_or(NoPage::NoLink)?;
    let survey = plan.surveys.get(&token.survey).cloned().ok_or(NoPage::NoLink)?;
    Ok((token, stored.message, survey))
}

/// What somebody wrote, without control characters but the ends of its lines.
fn written(comment: &str) -> String {
    let lines = comment.trim().replace("\r\n", "\n");
    lines.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

fn scale(words: &Words, survey: &Survey) -> String {
    format!("{} {} {}", survey.low, words.to, survey.high)
}
