use std::path::Path;

use anyhow::bail;

use super::args::{Format, WhyArgs};
use super::workspace::{Workspace, block_on};
use super::{End, output};
use crate::runtime::{load_plans, why};
use crate::store::Who;
use crate::time::wall_text;

pub(super) fn run(args: &WhyArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(dir)?;
    block_on(async {
        let store = workspace.open_store().await?;
        let plans = load_plans(&*store).await?;
        let mut unit = store.read().await?;
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
