use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use super::super::App;
use super::super::extract::InPath;
use super::super::problem::Problem;
use crate::domain::{Arm, ContactId, Permission, Run, RunId};
use crate::engine::Plans;
use crate::language::plan::Place;
use crate::runtime::{Story, story};
use crate::time::Moment;

/// How much of the story is told.
const STORY_ITEMS: usize = 100;

/// A contact with what happened to them.
#[derive(Serialize)]
pub(super) struct Shown {
    lotse_id: ContactId,
    contact: Value,
    suppressed: Option<String>,
    permissions: Vec<Permission>,
    journeys: Vec<Inside>,
    story: Story,
}

/// A run, the way people speak of it.
#[derive(Serialize)]
struct Inside {
    run: RunId,
    journey: String,
    version: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    key: String,
    arm: &'static str,
    stage: String,
    entered_at: Moment,
    wake_at: Option<Moment>,
    ended_at: Option<Moment>,
    outcome: Option<String>,
    held: Option<String>,
}

impl Inside {
    fn new(run: Run, plans: &Plans) -> Self {
        let plan = plans.version(run.version);
        Self {
            stage: plan.map(|plan| plan.stage_of(Place(run.place)).to_owned()).unwrap_or_default(),
            run: run.id,
            journey: run.journey,
            version: run.version,
            key: run.key,
            arm: Arm::as_str(run.arm),
            entered_at: run.entered_at,
            wake_at: run.wake_at,
            ended_at: run.ended_at,
            outcome: run.outcome,
            held: run.state.held,
        }
    }
}

/// Shows a contact and their story.
pub(super) async fn show(
    State(app): State<App>,
    InPath(who): InPath<String>,
) -> Result<Json<Shown>, Problem> {
    let mut unit = app.runtime.store().read().await?;
    let contact = super::find(&mut *unit, &who).await?;
    let plans = app.runtime.plans();
    let runs = unit.runs(contact.id).await?;
    Ok(Json(Shown {
        lotse_id: contact.id,
        permissions: unit.permissions(contact.id).await?,
        journeys: runs.into_iter().map(|run| Inside::new(run, &plans)).collect(),
        story: story(&mut *unit, contact.id, STORY_ITEMS).await?,
        contact: contact.to_json(),
        suppressed: contact.suppressed,
    }))
}
