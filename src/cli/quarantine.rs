use std::path::Path;

use super::args::{Format, QuarantineArgs};
use super::workspace::{Workspace, block_on};
use super::{End, output};
use crate::time::wall_text;

pub(super) fn run(args: &QuarantineArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(dir)?;
    let found = block_on(async {
        let store = workspace.open_store().await?;
        Ok(store.read().await?.quarantined(args.limit).await?)
    })?;
    if args.format == Format::Json {
        output::json(&found)?;
        return Ok(End::Good);
    }
    if found.is_empty() {
        anstream::eprintln!("everything that came in was taken");
    }
    for one in &found {
        let came = wall_text(one.received_at, &workspace.config.timezone);
        anstream::println!("{came}  {}\n  {}", one.reason, one.body);
    }
    Ok(End::Good)
}
