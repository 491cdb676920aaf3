use std::collections::BTreeSet;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::super::App;
use super::super::page::{NoPage, page};
use super::super::topics::topics;
use super::super::words::Words;
use crate::domain::{ContactId, Permission};
use crate::runtime::{Job, TRACKING_TOPIC};
use crate::store::Who;
use crate::track::PreferencesToken;

/// The page on which somebody says what may be written to them.
#[derive(Template)]
#[template(path = "preferences.html")]
struct Preferences {
    words: &'static Words,
    title: &'static str,
    choices: Vec<Choice>,
    saved: bool,
}

/// A topic, and what was said about it.
struct Choice {
    topic: String,
    label: String,
    allowed: bool,
}

/// What a form says: the names and values of its fields.
type Fields = Vec<(String, String)>;

/// Shows the choices.
pub(super) async fn show(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::of(&headers);
    match choices(&app, &token, words).await {
        Ok((_, choices)) => page(&Preferences { words, title: words.preferences, choices, saved: false }),
        Err(no_page) => no_page.say(words),
    }
}

/// Takes the choices over.
pub(super) async fn save(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let words = Words::of(&headers);
    match decide(&app, &token, words, &fields).await {
        Ok(choices) => page(&Preferences { words, title: words.preferences, choices, saved: true }),
        Err(no_page) => no_page.say(words),
    }
}

/// What a contact can choose: topics of journeys in force, those that were decided on, and whether openings and
/// clicks are counted, which is so until it is refused.
async fn choices(app: &App, token: &str, words: &Words) -> Result<(ContactId, Vec<Choice>), NoPage> {
    let token: PreferencesToken = app.outbound.tracker.read(token).ok_or(NoPage::NoLink)?;
    let mut unit = app.runtime.store().read().await?;
    let contact = unit.find(&Who::Id(token.contact)).await?.ok_or(NoPage::NoLink)?.id;
    let decided = unit.decisions(&[contact]).await?.remove(&contact).unwrap_or_default();
    let mut choices: Vec<Choice> = topics(&app.runtime.plans())
        .into_iter()
        .filter(|(name, topic)| !topic.essential && (topic.in_force || decided.contains_key(name)))
        .map(|(name, topic)| {
            let allowed = decided.get(&name) == Some(&true);
            Choice { topic: name, label: topic.label, allowed }
        })
        .collect();
    choices.push(Choice {
        topic: TRACKING_TOPIC.to_owned(),
        label: words.counting.to_owned(),
        allowed: decided.get(TRACKING_TOPIC) != Some(&false),
    });
    Ok((contact, choices))
}

/// Records what is chosen otherwise than before, of what the page has shown: a topic that has come since then was not
/// refused by leaving its box empty.
async fn decide(app: &App, token: &str, words: &Words, fields: &Fields) -> Result<Vec<Choice>, NoPage> {
    let (contact, mut choices) = choices(app, token, words).await?;
    let values = |wanted: &str| -> BTreeSet<&str> {
        fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).collect()
    };
    let (shown, ticked) = (values("shown"), values("topic"));
    let none = !values("none").is_empty();
    let mut permissions = Vec::new();
    for choice in &mut choices {
        let name = choice.topic.as_str();
        let allowed = match (none, name == TRACKING_TOPIC) {
            // Messages are what nobody wants any more, and whatever the box for counting says is kept.
            (true, false) => false,
            (true, true) => choice.allowed,
            (false, _) if !shown.contains(name) => choice.allowed,
            (false, _) => ticked.contains(name),
        };
        if allowed != choice.allowed {
            choice.allowed = allowed;
            permissions.push(permission(app, contact, choice));
        }
    }
    if !permissions.is_empty() {
        app.writer.write(|done| Job::Decide { permissions, done }).await?;
    }
    // Also where all was refused before: whoever asks twice at once is told the same at the same time.
    app.runtime.let_out(&[contact]).await;
    Ok(choices)
}

fn permission(app: &App, contact: ContactId, choice: &Choice) -> Permission {
    Permission {
        contact,
        topic: choice.topic.clone(),
        allowed: choice.allowed,
        at: app.stamp(),
        source: "preferences page".to_owned(),
        wording: Some(choice.label.clone()),
        proof: None,
    }
}
