use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use anyhow::bail;

use super::again::again;
use super::args::{DeliveriesArgs, DeliveriesCommand, DeliveriesListArgs, DeliveriesRetryArgs, Format};
use super::workspace::{Workspace, block_on};
use super::{End, audit, output};
use crate::domain::ContactId;
use crate::store::{DeedKind, Deliveries, Delivery, Hold, ReadUnit, Store, Who};
use crate::time::{Clock, SystemClock, wall_text};

/// How many deliveries are looked through for one that is to be tried again.
const RETRY_LOOKED_THROUGH: u32 = 1_000_000;

pub(super) fn run(args: &DeliveriesArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(dir)?;
    block_on(async {
        let store = workspace.open_store().await?;
        match &args.command {
            DeliveriesCommand::List(args) => list(&*store, args, &workspace).await,
            DeliveriesCommand::Retry(args) => retry(&*store, args).await,
        }
    })
}

async fn list(store: &dyn Store, args: &DeliveriesListArgs, workspace: &Workspace) -> anyhow::Result<End> {
    let which = if args.all { Deliveries::All } else { Deliveries::Attention };
    let mut unit = store.read().await?;
    let deliveries = unit.deliveries(which, args.limit).await?;
    if let Some(Hold { since, why }) = unit.held().await? {
        let since = wall_text(since, &workspace.config.timezone);
        anstream::eprintln!(
            "everything is held since {since}, because \"{why}\": `lotse resume` lets it go on"
        );
    }
    if args.format == Format::Json {
        output::json(&deliveries)?;
        return Ok(End::Good);
    }
    if deliveries.is_empty() {
        let more = if args.all { "" } else { "; `--all` lists the others" };
        anstream::eprintln!("nothing needs anybody{more}");
        return Ok(End::Good);
    }
    let contacts = contacts(&mut *unit, &deliveries).await?;
    let zone = &workspace.config.timezone;
    let row = |delivery: &Delivery| {
        let next = delivery.due_at.map(|due| format!("next {}", wall_text(due, zone)));
        vec![
            delivery.kind.words().to_owned(),
            delivery.state.clone(),
            delivery.name.clone(),
            delivery.journey.clone(),
            contacts.get(&delivery.contact).cloned().unwrap_or_default(),
            wall_text(delivery.decided_at, zone),
            delivery.attempts.to_string(),
            delivery.id.to_string(),
            [delivery.answer.clone(), next].into_iter().flatten().collect::<Vec<_>>().join("; "),
        ]
    };
    let rows: Vec<Vec<String>> = deliveries.iter().map(row).collect();
    output::table(
        &["what", "state", "name", "journey", "contact", "decided", "tries", "id", "answer"],
        &rows,
    );
    Ok(End::Good)
}

/// What the contacts of deliveries are called: the id or the address that other commands take.
async fn contacts(
    unit: &mut dyn ReadUnit,
    deliveries: &[Delivery],
) -> anyhow::Result<BTreeMap<ContactId, String>> {
    let mut contacts = BTreeMap::new();
    for delivery in deliveries {
        if let Entry::Vacant(vacant) = contacts.entry(delivery.contact) {
            let found = unit.find(&Who::Id(delivery.contact)).await?;
            let called = found.and_then(|contact| contact.external_id.or(contact.email));
            vacant.insert(called.unwrap_or_else(|| delivery.contact.to_string()));
        }
    }
    Ok(contacts)
}

/// Tries deliveries again, all that are named or none.
async fn retry(store: &dyn Store, args: &DeliveriesRetryArgs) -> anyhow::Result<End> {
    again(store, async || try_again(store, args).await).await
}

async fn try_again(store: &dyn Store, args: &DeliveriesRetryArgs) -> anyhow::Result<End> {
    let mut unit = store.write().await?;
    let deliveries = unit.deliveries(Deliveries::All, RETRY_LOOKED_THROUGH).await?;
    let mut chosen: Vec<&Delivery> = Vec::new();
    for id in &args.ids {
        let Some(found) = deliveries.iter().find(|delivery| delivery.id == *id) else {
            bail!("there is no delivery {id}: `lotse deliveries list --all` shows those there are");
        };
        chosen.push(found);
    }
    if let Some(state) = args.state {
        chosen.extend(deliveries.iter().filter(|delivery| delivery.state == state.as_str()));
    }
    chosen.sort_by_key(|delivery| delivery.id);
    chosen.dedup_by_key(|delivery| delivery.id);
    let now = SystemClock.now();
    for found in &chosen {
        if !unit.retry(found.kind, found.contact, found.id, now).await? {
            let (kind, id, state) = (found.kind.words(), found.id, &found.state);
            bail!("the {kind} {id} is {state}: there is nothing to try again, and nothing was");
        }
        let detail = format!("{} {} `{}`", found.kind.words(), found.id, found.name);
        unit.note(audit::deed(DeedKind::Retried, detail)).await?;
    }
    unit.commit().await?;
    for found in &chosen {
        anstream::println!("the {} {} `{}` is tried again", found.kind.words(), found.id, found.name);
    }
    if chosen.is_empty() {
        anstream::println!("there is none in that state");
    }
    Ok(End::Good)
}
