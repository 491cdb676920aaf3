use std::path::Path;

use anyhow::bail;

use super::again::again;
use super::args::EnterArgs;
use super::workspace::{Workspace, block_on};
use super::{End, audit};
use crate::domain::{Attributes, Event, EventKind};
use crate::finding::words;
use crate::language::plan::compile;
use crate::runtime::{event_id, load_plans};
use crate::store::{DeedKind, Store, Who};
use crate::time::{Clock, Moment, SystemClock};

pub(super) fn run(args: &EnterArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(dir)?;
    let model = &workspace.checked.model;
    let Some(journey) = model.journey(&args.journey) else {
        let known = model.journeys.iter().map(|journey| journey.name.as_str());
        let near = words::did_you_mean(&args.journey, "journeys there are", known).unwrap_or_default();
        bail!("there is no journey `{}`; {near}", args.journey);
    };
    let properties = properties(&args.with)?;
    block_on(async {
        let store = workspace.open_store().await?;
        let plans = load_plans(&*store).await?;
        // What is not in force yet comes into force with the next `lotse run`.
        let misfit = match plans.active(&args.journey) {
            Some((_, plan)) => plan.misfit(&properties),
            None => compile(journey, &workspace.checked, &workspace.files.sources)
                .and_then(|plan| plan.misfit(&properties)),
        };
        if let Some(misfit) = misfit {
            bail!("`--with` does not fit: {misfit}");
        }
        let now = SystemClock.now();
        let count = again(&*store, async || request(&*store, args, &properties, now).await).await?;
        anstream::println!(
            "{} to enter `{}`; `lotse why WHO {}` tells what came of it",
            words::counted(count, "contact"),
            args.journey,
            args.journey
        );
        Ok(End::Good)
    })
}

/// Has contacts enter, all of them or none; how many they are.
async fn request(
    store: &dyn Store,
    args: &EnterArgs,
    properties: &Attributes,
    now: Moment,
) -> anyhow::Result<usize> {
    let mut unit = store.write().await?;
    let mut events = Vec::new();
    let mut missing = Vec::new();
    for (number, who) in (0_i64..).zip(&args.who) {
        match unit.find(&Who::from_text(who)).await? {
            Some(contact) => events.push(Event {
                id: event_id("request", &format!("{} {}", args.journey, contact.id), Some(now)),
                contact: contact.id,
                kind: EventKind::Request,
                name: args.journey.clone(),
                at: now,
                received_at: now.plus_micros(number),
                run: None,
                depth: 0,
                properties: properties.clone(),
            }),
            None => missing.push(who.as_str()),
        }
    }
    if !missing.is_empty() {
        bail!("there is no contact {}: nobody was entered", words::one_of_ticked(&missing));
    }
    let count = events.len();
    unit.add_events(events).await?;
    let detail = format!("{} into `{}`", words::counted(count, "contact"), args.journey);
    unit.note(audit::deed(DeedKind::Entered, detail)).await?;
    unit.commit().await?;
    Ok(count)
}

/// `NAME=VALUE`, the value as JSON where it is some, else as text.
fn properties(with: &[String]) -> anyhow::Result<Attributes> {
    let mut properties = Attributes::new();
    for pair in with {
        let Some((name, value)) = pair.split_once('=') else {
            bail!("`{pair}` is not NAME=VALUE");
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        properties.insert(name.trim().to_owned(), value);
    }
    Ok(properties)
}
