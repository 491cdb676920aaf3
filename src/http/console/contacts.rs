use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::shown::{self, Piece, pieces, plain, value};
use super::{Console, Frame, Trouble, page};
use crate::domain::{Contact, ContactId, Permission, Run};
use crate::engine::Plans;
use crate::language::plan::Place;
use crate::runtime::{Reason, StoryItem, story, why};
use crate::store::{ReadUnit, Who};

/// How many contacts are listed.
const LISTED: u32 = 50;
/// How far contacts are counted on a database that processes share.
const COUNTED: i64 = 100_000;
/// How much of the story is told.
const STORY_ITEMS: usize = 100;

#[derive(Template)]
#[template(path = "contacts.html")]
struct ContactsPage {
    frame: Frame,
    asked: String,
    /// Whether somebody was looked for and is not there.
    nobody: bool,
    count: String,
    contacts: Vec<Row>,
}

struct Row {
    id: ContactId,
    title: String,
    since: String,
    /// Where they are in which journey.
    places: Vec<String>,
}

/// What is looked for.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    who: String,
}

/// Lists the latest contacts, or leads to the one that is looked for.
pub(super) async fn list(State(console): State<Console>, Query(asked): Query<Asked>) -> Response {
    let frame = console.frame("contacts");
    match listed(&console, asked.who.trim().to_owned(), frame).await {
        Ok(response) => response,
        Err(trouble) => trouble.say(console.frame("contacts")),
    }
}

async fn listed(console: &Console, asked: String, frame: Frame) -> Result<Response, Trouble> {
    let runtime = &console.0.app.runtime;
    let mut unit = runtime.store().read().await?;
    if !asked.is_empty()
        && let Some(contact) = unit.find(&Who::from_text(&asked)).await?
    {
        let location = format!("/contacts/{}", contact.id);
        return Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response());
    }
    let plans = runtime.plans();
    let mut contacts = Vec::new();
    for contact in unit.latest_contacts(LISTED).await? {
        let runs = unit.runs(contact.id).await?;
        contacts.push(Row {
            id: contact.id,
            title: title(&contact),
            since: console.wall(contact.created_at),
            places: runs.iter().map(|run| place(run, &plans)).collect(),
        });
    }
    let count = i64::try_from(unit.contact_count().await?).unwrap_or(i64::MAX);
    let about = if runtime.store().is_shared() && count > COUNTED { "about " } else { "" };
    let count = format!("{about}{}", shown::number(count));
    Ok(page(&ContactsPage { frame, nobody: !asked.is_empty(), asked, count, contacts }))
}

/// What a contact is called: an address or a name that somebody gave, rather than our id.
fn title(contact: &Contact) -> String {
    let names = [&contact.email, &contact.external_id, &contact.phone];
    names.into_iter().flatten().next().cloned().unwrap_or_else(|| contact.id.to_string())
}

fn place(run: &Run, plans: &Plans) -> String {
    let journey = plain(&run.journey);
    if let Some(outcome) = &run.outcome {
        return format!("{journey}: ended, {}", plain(outcome));
    }
    if run.arm.is_measured() {
        return format!("{journey}: only measured");
    }
    let stage = plans.version(run.version).map(|plan| plan.stage_of(Place(run.place)));
    format!("{journey}: {}", stage.map_or("inside".to_owned(), plain))
}

#[derive(Template)]
#[template(path = "contact.html")]
struct ContactPage {
    frame: Frame,
    id: ContactId,
    title: String,
    suppressed: Option<String>,
    facts: Vec<(String, String)>,
    permissions: Vec<Decision>,
    runs: Vec<Inside>,
    refused: Vec<Line>,
    story: Vec<Happened>,
}

struct Decision {
    topic: String,
    allowed: bool,
    at: String,
    source: String,
}

/// A run, and why it is where it is.
struct Inside {
    title: String,
    /// The value of `per`; empty without one.
    key: String,
    version: u32,
    now: Vec<Piece>,
    steps: Vec<Line>,
}

struct Line {
    at: String,
    says: Vec<Piece>,
}

struct Happened {
    at: String,
    class: &'static str,
    says: Vec<Piece>,
    more: Vec<(String, String)>,
}

/// Shows a contact and their story.
pub(super) async fn show(State(console): State<Console>, Path(who): Path<String>) -> Response {
    match contact(&console, &who).await {
        Ok(contact) => page(&contact),
        Err(trouble) => trouble.say(console.frame("contacts")),
    }
}

async fn contact(console: &Console, who: &str) -> Result<ContactPage, Trouble> {
    let runtime = &console.0.app.runtime;
    let mut unit = runtime.store().read().await?;
    let nobody = Trouble::Nothing("No contact has this id, external id or address.");
    let contact = unit.find(&Who::from_text(who)).await?.ok_or(nobody)?;
    let plans = runtime.plans();
    let why = why(&mut *unit, &plans, contact.id, None, runtime.zone()).await?;
    let line = |reason: &Reason| Line { at: console.wall(reason.at), says: pieces(&reason.says) };
    let runs = why.runs.iter().rev().map(|run| Inside {
        title: plans.version(run.version).map_or_else(|| plain(&run.journey), |plan| plan.label.clone()),
        key: run.key.clone(),
        version: run.version,
        now: pieces(&run.now),
        steps: run.steps.iter().rev().map(line).collect(),
    });
    Ok(ContactPage {
        frame: console.frame("contacts"),
        id: contact.id,
        title: title(&contact),
        runs: runs.collect(),
        refused: why.refused.iter().rev().map(line).collect(),
        permissions: decisions(console, unit.permissions(contact.id).await?),
        story: happened(console, &mut *unit, contact.id).await?,
        facts: facts(&contact),
        suppressed: contact.suppressed,
    })
}

/// What is known of a contact beside the address, which stands above.
fn facts(contact: &Contact) -> Vec<(String, String)> {
    let json = contact.to_json();
    let all = json.as_object().into_iter().flatten();
    let told = all.filter(|(name, _)| *name != "email" && *name != "created_at");
    told.filter_map(|(name, json)| Some((plain(name), value(json)?))).collect()
}

fn decisions(console: &Console, permissions: Vec<Permission>) -> Vec<Decision> {
    let latest_first = permissions.into_iter().rev();
    let decision = |permission: Permission| Decision {
        topic: permission.topic,
        allowed: permission.allowed,
        at: console.wall(permission.at),
        source: permission.source,
    };
    latest_first.map(decision).collect()
}

async fn happened(
    console: &Console,
    unit: &mut dyn ReadUnit,
    contact: ContactId,
) -> Result<Vec<Happened>, Trouble> {
    let told = |item: &StoryItem| {
        let (whose, sentence, more) = shown::told(item);
        Happened { at: console.wall(item.at), class: whose.class(), says: pieces(&sentence), more }
    };
    Ok(story(unit, contact, STORY_ITEMS).await?.iter().map(told).collect())
}
