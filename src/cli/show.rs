use std::path::Path;

use anyhow::bail;

use super::args::{PictureFormat, ShowArgs};
use super::workspace::Workspace;
use super::{End, output};
use crate::finding::words;
use crate::language::picture::{self, Outline};

pub(super) fn run(args: &ShowArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load_sound(dir)?;
    let model = &workspace.checked.model;
    let Some(journey) = model.journey(&args.journey) else {
        let known = model.journeys.iter().map(|journey| journey.name.as_str());
        let near = words::did_you_mean(&args.journey, "journeys there are", known).unwrap_or_default();
        bail!("there is no journey `{}`; {near}", args.journey);
    };
    let sources = &workspace.files.sources;
    let Some(outline) = Outline::of(journey, sources) else {
        bail!("the file of the journey `{}` cannot be read again", args.journey);
    };
    let drawn = match args.format {
        PictureFormat::Text => picture::text(&outline),
        PictureFormat::Mermaid => picture::mermaid(&outline),
        PictureFormat::Dot => picture::dot(&outline),
        PictureFormat::Svg => picture::svg(&outline),
        PictureFormat::Json => {
            output::json(&picture::json(&outline, sources))?;
            return Ok(End::Good);
        }
    };
    anstream::print!("{drawn}");
    Ok(End::Good)
}
