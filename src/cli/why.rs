use std::collections::BTreeSet;
use std::path::Path;

use anyhow::bail;

use super::args::{Format, WhyArgs};
use super::workspace::{Workspace, block_on};
use super::{End, output};
use crate::finding::words;
use crate::runtime::{load_plans, why};
use crate::store::{StoredVersion, Who};
use crate::time::wall_text;

pub(super) fn run(args: &WhyArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(dir)?;
    block_on(async {
        let store = workspace.open_store().await?;
        let plans = load_plans(&*store).await?;
        let mut unit = store.read().await?;
        if let Some(journey) = &args.journey {
            known(journey, &unit.versions().await?, &workspace)?;
        }
        let Some(contact) = unit.find(&Who::from_text(&args.who)).await? else {
            bail!("there is no contact `{}`: give an id, an external id or an address", args.who);
        };
        let zone = &workspace.config.timezone;
        let answer = why(&mut *unit, &plans, contact.id, args.journey.as_deref(), zone).await?;
        if args.format == Format::Json {
            output::json(&answer)?;
            return Ok(End::Good);
        }
        if answer.runs.is_empty() && answer.refused.is_empty() {
            let journey = args.journey.as_deref().map_or("a journey".to_owned(), |name| format!("`{name}`"));
            anstream::println!("nothing has pointed this contact to {journey} yet");
        }
        for run in &answer.runs {
            anstream::println!(
                "{}, version {}, since {}",
                output::run_name(&run.journey, &run.key),
                run.version,
                wall_text(run.entered_at, zone)
            );
            for step in &run.steps {
                anstream::println!("  {}  {}", wall_text(step.at, zone), step.says);
            }
            anstream::println!("  now: {}\n", run.now);
        }
        for refused in &answer.refused {
            anstream::println!("{}  {}", wall_text(refused.at, zone), refused.says);
        }
        Ok(End::Good)
    })
}

/// Refuses the name of a journey that there never was.
fn known(journey: &str, versions: &[StoredVersion], workspace: &Workspace) -> anyhow::Result<()> {
    let written = workspace.checked.model.journeys.iter().map(|journey| journey.name.as_str());
    let deployed = versions.iter().map(|version| version.journey.as_str());
    let names: BTreeSet<&str> = written.chain(deployed).collect();
    if names.contains(journey) {
        return Ok(());
    }
    let near = words::did_you_mean(journey, "journeys there are", names).unwrap_or_default();
    bail!("there is no journey `{journey}`; {near}")
}
