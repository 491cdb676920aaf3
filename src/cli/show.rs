use std::path::Path;

use anyhow::bail;

use super::End;
use super::args::{PictureFormat, ShowArgs};
use super::workspace::Workspace;
use crate::finding::words;
use crate::language::picture;

pub(super) fn run(args: &ShowArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load_sound(dir)?;
    let model = &workspace.checked.model;
    let Some(journey) = model.journey(&args.journey) else {
        let known = model.journeys.iter().map(|journey| journey.name.as_str());
        let near = words::did_you_mean(&args.journey, "journeys there are", known).unwrap_or_default();
        bail!("there is no journey `{}`; {near}", args.journey);
    };
    let sources = &workspace.files.sources;
    let drawn = match args.format {
        PictureFormat::Text => picture::text(journey, sources),
        PictureFormat::Mermaid => picture::mermaid(journey, sources),
    };
    anstream::print!("{drawn}");
    Ok(End::Good)
}
