use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::super::App;
use super::super::extract::{InBody, InPath};
use super::super::problem::{Kind, Problem};
use crate::domain::{Attributes, ContactId, Event, EventKind};
use crate::finding::words;
use crate::language::plan::Plan;
use crate::runtime::{Job, event_id};
use crate::store::TallyRow;

/// How many contacts enter with one request: each is looked up by itself.
const ENTER_MAX: usize = 100;

/// A journey in force, with its counts over all versions and both arms.
#[derive(Serialize)]
pub(super) struct Counted {
    journey: String,
    label: String,
    version: u32,
    entered: i64,
    /// How many are in each stage now, in the order of the journey; stages of earlier versions come last.
    stages: Vec<Stage>,
    /// How many have ended, by outcome.
    ended: BTreeMap<String, i64>,
    goals: BTreeMap<String, Goal>,
}

#[derive(Serialize)]
struct Stage {
    stage: String,
    contacts: i64,
}

#[derive(Default, Serialize)]
struct Goal {
    reached: i64,
    worth: f64,
}

impl Counted {
    fn new(version: u32, plan: &Plan, rows: &[TallyRow]) -> Self {
        let of = |what: &'static str| {
            rows.iter().filter(move |row| row.journey == plan.journey && row.what == what)
        };
        let sums = |what| {
            let mut sums: BTreeMap<String, i64> = BTreeMap::new();
            for row in of(what) {
                *sums.entry(row.detail.clone()).or_default() += row.count;
            }
            sums
        };
        let mut inside = sums("in_stage");
        let mut stages: Vec<Stage> = plan
            .stages
            .iter()
            .map(|stage| Stage { stage: stage.clone(), contacts: inside.remove(stage).unwrap_or(0) })
            .collect();
        let earlier = inside.into_iter().filter(|(_, contacts)| *contacts != 0);
        stages.extend(earlier.map(|(stage, contacts)| Stage { stage, contacts }));
        let mut goals: BTreeMap<String, Goal> = BTreeMap::new();
        for row in of("goal") {
            let goal = goals.entry(row.detail.clone()).or_default();
            goal.reached += row.count;
            goal.worth += row.worth;
        }
        Self {
            journey: plan.journey.clone(),
            label: plan.label.clone(),
            version,
            entered: of("entered").map(|row| row.count).sum(),
            stages,
            ended: sums("ended"),
            goals,
        }
    }
}

#[derive(Serialize)]
pub(super) struct List {
    journeys: Vec<Counted>,
}

/// Lists the journeys in force.
pub(super) async fn list(State(app): State<App>) -> Result<Json<List>, Problem> {
    let rows = app.runtime.store().read().await?.totals(None).await?;
    let plans = app.runtime.plans();
    let journeys = plans.all_active().map(|(version, plan)| Counted::new(version, plan, &rows)).collect();
    Ok(Json(List { journeys }))
}

/// Shows one journey in force.
pub(super) async fn show(
    State(app): State<App>,
    InPath(journey): InPath<String>,
) -> Result<Json<Counted>, Problem> {
    let plans = app.runtime.plans();
    let (version, plan) = plans.active(&journey).ok_or_else(|| no_journey(&app, &journey))?;
    let rows = app.runtime.store().read().await?.totals(Some(&journey)).await?;
    Ok(Json(Counted::new(version, plan, &rows)))
}

fn no_journey(app: &App, journey: &str) -> Problem {
    let plans = app.runtime.plans();
    let known: Vec<&str> = plans.all_active().map(|(_, plan)| plan.journey.as_str()).collect();
    let near = words::did_you_mean(journey, "journeys in force", known).unwrap_or_default();
    Problem::new(Kind::NoJourney, format!("no journey in force has this name; {near}"))
}

/// Who enters, and with what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnterBody {
    /// Ids of ours or theirs, or addresses.
    contacts: Vec<String>,
    /// What templates see as `entry`.
    #[serde(default)]
    with: Attributes,
    /// Names the request, so that a repeat enters nobody twice.
    #[serde(rename = "messageId")]
    message_id: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Requested {
    /// How many ask to enter; whether they may is up to the journey, and stands in their story.
    requested: usize,
}

/// Asks that contacts enter a journey, all or none of them.
pub(super) async fn enter(
    State(app): State<App>,
    InPath(journey): InPath<String>,
    InBody(body): InBody<EnterBody>,
) -> Result<(StatusCode, Json<Requested>), Problem> {
    let plans = app.runtime.plans();
    let (_, plan) = plans.active(&journey).ok_or_else(|| no_journey(&app, &journey))?;
    if let Some(misfit) = plan.misfit(&body.with) {
        return Err(Problem::new(Kind::Impossible, format!("`with` does not fit: {misfit}")));
    }
    if body.contacts.is_empty() || body.contacts.len() > ENTER_MAX {
        let detail =
            format!("`contacts` has 1 to {ENTER_MAX} contacts, and here it has {}", body.contacts.len());
        return Err(Problem::new(Kind::Impossible, detail));
    }
    let mut contacts: BTreeSet<ContactId> = BTreeSet::new();
    let mut unit = app.runtime.store().read().await?;
    for who in &body.contacts {
        contacts.insert(super::find(&mut *unit, who).await?.id);
    }
    drop(unit);
    let events: Vec<Event> = contacts
        .into_iter()
        .map(|contact| {
            let at = app.stamp();
            // What has a name is the same whenever it comes again.
            let (name, moment) = match &body.message_id {
                Some(name) => (format!("{journey} {contact} {name}"), None),
                None => (format!("{journey} {contact}"), Some(at)),
            };
            Event {
                id: event_id("request", &name, moment),
                contact,
                kind: EventKind::Request,
                name: journey.clone(),
                at,
                received_at: at,
                run: None,
                depth: 0,
                properties: body.with.clone(),
            }
        })
        .collect();
    let requested = events.len();
    app.writer.write(|done| Job::Events { events, done }).await?;
    Ok((StatusCode::ACCEPTED, Json(Requested { requested })))
}
