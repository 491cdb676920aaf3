use std::path::Path;

use anyhow::bail;
use serde_json::json;

use super::super::args::{ContactArgs, Format};
use super::super::workspace::{Workspace, block_on};
use super::super::{End, output};
use crate::domain::{Arm, Contact, Permission, Run};
use crate::runtime::{StoryItem, load_plans, story};
use crate::store::Who;
use crate::time::{TimeZone, wall_text};

/// How much of the story is shown.
const STORY_ITEMS: usize = 100;

pub(in super::super) fn run(args: &ContactArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(dir)?;
    block_on(async {
        let store = workspace.open_store().await?;
        let plans = load_plans(&*store).await?;
        let mut unit = store.read().await?;
        let Some(contact) = unit.find(&Who::from_text(&args.who)).await? else {
            bail!("there is no contact `{}`: give an id, an external id or an address", args.who);
        };
        let permissions = unit.permissions(contact.id).await?;
        let runs = unit.runs(contact.id).await?;
        let story = story(&mut *unit, contact.id, STORY_ITEMS).await?;
        let stage_of = |run: &Run| {
            let plan = plans.version(run.version);
            plan.map_or(String::new(), |plan| {
                plan.stage_of(crate::language::plan::Place(run.place)).to_owned()
            })
        };
        if args.format == Format::Json {
            let runs: Vec<serde_json::Value> = runs
                .iter()
                .map(|run| {
                    json!({ "id": run.id, "journey": run.journey, "version": run.version, "key": run.key,
                        "arm": run.arm, "stage": stage_of(run), "entered_at": run.entered_at,
                        "wake_at": run.wake_at, "ended_at": run.ended_at, "outcome": run.outcome })
                })
                .collect();
            output::json(
                &json!({ "contact": contact.to_json(), "lotse_id": contact.id, "permissions": permissions,
                "suppressed": contact.suppressed, "journeys": runs, "story": story }),
            )?;
            return Ok(End::Good);
        }
        human(&contact, &permissions, &runs, &story, &workspace.config.timezone, &stage_of);
        Ok(End::Good)
    })
}

fn human(
    contact: &Contact,
    permissions: &[Permission],
    runs: &[Run],
    story: &[StoryItem],
    zone: &TimeZone,
    stage_of: &dyn Fn(&Run) -> String,
) {
    anstream::println!("{}", contact.email.as_deref().unwrap_or("(no address)"));
    anstream::println!("  {:<14} {}", "lotse id", contact.id);
    if let serde_json::Value::Object(all) = contact.to_json() {
        for (name, value) in all.iter().filter(|(name, value)| !value.is_null() && *name != "email") {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            anstream::println!("  {name:<14} {text}");
        }
    }
    if let Some(why) = &contact.suppressed {
        anstream::println!("  nothing is sent to the address: {why}");
    }
    if !permissions.is_empty() {
        anstream::println!("\npermissions");
    }
    for permission in permissions {
        let decided = if permission.allowed { "allowed" } else { "refused" };
        anstream::println!(
            "  {}  {decided} {}  ({})",
            wall_text(permission.at, zone),
            permission.topic,
            permission.source
        );
    }
    if !runs.is_empty() {
        anstream::println!("\njourneys");
    }
    for run in runs {
        let state = match (&run.outcome, run.wake_at) {
            (Some(outcome), _) => format!("ended: {outcome}"),
            _ if run.arm == Arm::Control => "in the control group: only measured".to_owned(),
            _ if run.arm == Arm::Holdout => "held out of all marketing: only measured".to_owned(),
            (None, Some(wake)) => format!("in `{}`, looked at {}", stage_of(run), wall_text(wake, zone)),
            (None, None) => format!("in `{}`", stage_of(run)),
        };
        let name = output::run_name(&run.journey, &run.key);
        anstream::println!("  {}  {name} {state}", wall_text(run.entered_at, zone));
    }
    anstream::println!("\nstory, the newest first");
    for item in story {
        let mut line = item.event.replace('_', " ");
        for (name, value) in item.properties.iter().filter(|(_, value)| !value.is_null()) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            line.push_str(&format!("  {name}: {text}"));
        }
        anstream::println!("  {}  {line}", wall_text(item.at, zone));
    }
}
