use std::path::Path;

use super::args::{AuditArgs, Format};
use super::workspace::{Workspace, block_on};
use super::{End, output};
use crate::finding::words::counted;
use crate::store::{Audit, Deed, DeedKind, audit};
use crate::time::{Clock, SystemClock, wall_text};

pub(super) fn run(args: &AuditArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(dir)?;
    if args.verify { verify(args, &workspace) } else { list(args, &workspace) }
}

/// A deed of whoever uses the command line: the account, as the system names it.
pub(super) fn deed(what: DeedKind, detail: impl Into<String>) -> Deed {
    Deed { at: SystemClock.now(), who: account(), what, detail: detail.into() }
}

/// The account, as the system names it.
pub(super) fn account() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "command line".to_owned())
}

fn list(args: &AuditArgs, workspace: &Workspace) -> anyhow::Result<End> {
    let (deeds, name) = block_on(async {
        let database = workspace.open_database().await?;
        Ok((database.store().read().await?.deeds(args.limit).await?, database.name()))
    })?;
    if args.format == Format::Json {
        output::json(&deeds)?;
        return Ok(End::Good);
    }
    if deeds.is_empty() {
        anstream::eprintln!(
            "nobody has done anything in {name} yet; `--verify` proves that the books balance"
        );
        return Ok(End::Good);
    }
    let zone = &workspace.config.timezone;
    let row = |deed: &Deed| {
        vec![wall_text(deed.at, zone), deed.who.clone(), words(deed.what).to_owned(), deed.detail.clone()]
    };
    let rows: Vec<Vec<String>> = deeds.iter().map(row).collect();
    output::table(&["when", "who", "did", "what"], &rows);
    Ok(End::Good)
}

fn words(what: DeedKind) -> &'static str {
    match what {
        DeedKind::Deployed => "put into force",
        DeedKind::Retired => "took out of force",
        DeedKind::Imported => "imported",
        DeedKind::Entered => "entered",
        DeedKind::Retried => "tried again",
        DeedKind::Held => "held everything",
        DeedKind::Released => "let everything go on",
        DeedKind::TokenCreated => "gave access",
        DeedKind::TokenRevoked => "took access away",
    }
}

fn verify(args: &AuditArgs, workspace: &Workspace) -> anyhow::Result<End> {
    let (found, name) = block_on(async {
        let database = workspace.open_database().await?;
        let found = audit(&mut *database.store().read().await?, &workspace.config.timezone).await?;
        Ok((found, database.name()))
    })?;
    if args.format == Format::Json {
        output::json(&found)?;
    } else {
        tell(&found, &name);
    }
    Ok(if found.broken.is_empty() { End::Good } else { End::Findings })
}

fn tell(found: &Audit, database: &str) {
    let states = |of: &std::collections::BTreeMap<String, u64>| {
        let each: Vec<String> = of.iter().map(|(state, count)| format!("{count} {state}")).collect();
        if each.is_empty() { "none".to_owned() } else { each.join(", ") }
    };
    anstream::println!("database  {database}");
    anstream::println!("contacts  {}", found.contacts);
    anstream::println!(
        "runs      {} entered = {} inside + {} ended",
        found.entered,
        found.inside,
        found.ended
    );
    anstream::println!("messages  {}", states(&found.messages));
    anstream::println!("calls     {}", states(&found.calls));
    anstream::println!("events    {} to be looked at", found.pending_events);
    if found.broken.is_empty() {
        anstream::println!("the books balance: nothing is lost, nothing is there twice");
        return;
    }
    anstream::println!("the books do not balance, in {}:", counted(found.broken.len(), "place"));
    for breach in &found.broken {
        anstream::println!("  {breach}\n    that means: {}", breach.means);
    }
}
