use std::path::Path;

use super::again::again;
use super::args::HoldArgs;
use super::workspace::{Workspace, block_on};
use super::{End, audit};
use crate::finding::words::counted;
use crate::runtime::passes_run_out;
use crate::store::DeedKind;
use crate::time::{Clock, SystemClock, wall_text};

pub(super) fn hold(args: &HoldArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(dir)?;
    block_on(async {
        let database = workspace.open_database().await?;
        let (store, name) = (database.store(), database.name());
        let why = args.because.as_deref().unwrap_or("somebody said `lotse hold`");
        let (is_new, held) = again(&*store, async || {
            let mut unit = store.write().await?;
            let is_new = unit.hold(why, SystemClock.now()).await?;
            let held = unit.held().await?;
            if is_new {
                unit.note(audit::deed(DeedKind::Held, why)).await?;
            }
            unit.commit().await?;
            Ok((is_new, held))
        })
        .await?;
        if is_new {
            // What the gate let through before may begin to go until then.
            passes_run_out().await;
            anstream::println!(
                "nothing is handed over from {name} from now on; what is due waits for `lotse resume`"
            );
        } else if let Some(held) = held {
            let since = wall_text(held.since, &workspace.config.timezone);
            anstream::println!("everything in {name} is held already, since {since}: {}", held.why);
        }
        Ok(End::Good)
    })
}

pub(super) fn resume(dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(dir)?;
    block_on(async {
        let database = workspace.open_database().await?;
        let (store, name) = (database.store(), database.name());
        let due = again(&*store, async || {
            let mut unit = store.write().await?;
            if !unit.release().await? {
                return Ok(None);
            }
            unit.note(audit::deed(DeedKind::Released, "")).await?;
            let due = unit.backlog(SystemClock.now()).await?;
            unit.commit().await?;
            Ok(Some(due))
        });
        let Some(due) = due.await? else {
            anstream::println!("nothing was held in {name}");
            return Ok(End::Good);
        };
        let messages = usize::try_from(due.mails + due.over_http).unwrap_or(usize::MAX);
        let calls = usize::try_from(due.calls).unwrap_or(usize::MAX);
        anstream::println!(
            "it goes on in {name}: {} and {} are due; what is too late by `late` of the policy is left out",
            counted(messages, "message"),
            counted(calls, "call")
        );
        Ok(End::Good)
    })
}
