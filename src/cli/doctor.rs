use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::args::{DoctorArgs, Format};
use super::database::Database;
use super::workspace::{Workspace, block_on};
use super::{End, output};
use crate::channel::email::Signer;
use crate::config::{self, Environment};
use crate::finding::{Severity, words};
use crate::runtime::{Outbound, OutboundError};
use crate::time::{Clock, SystemClock};
use crate::track::Tracker;

/// How one entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    Good,
    Weak,
    Bad,
}

/// What was tried and how it went.
#[derive(Debug, Serialize)]
struct Diagnosis {
    entry: String,
    health: Health,
    says: String,
}

fn diagnosis(entry: impl Into<String>, health: Health, says: impl Into<String>) -> Diagnosis {
    Diagnosis { entry: entry.into(), health, says: says.into() }
}

pub(super) fn run(args: &DoctorArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(args.workspace.or(dir))?;
    let mut found = vec![journeys(&workspace), secret(&workspace), public_url(&workspace)];
    found.extend(signatures(&workspace));
    found.extend(deaf_teams(&workspace));
    found.extend(block_on(async { Ok(outside(&workspace).await) })?);
    let bad = found.iter().any(|diagnosis| diagnosis.health == Health::Bad);
    if args.format == Format::Json {
        output::json(&found)?;
    } else {
        for diagnosis in &found {
            let mark = match diagnosis.health {
                Health::Good => "ok  ",
                Health::Weak => "weak",
                Health::Bad => "BAD ",
            };
            anstream::println!("{mark}  {:<24} {}", diagnosis.entry, diagnosis.says);
        }
    }
    Ok(if bad { End::Findings } else { End::Good })
}

fn journeys(workspace: &Workspace) -> Diagnosis {
    let errors = workspace.findings.iter().filter(|finding| finding.severity() == Severity::Error).count();
    let count = workspace.checked.model.journeys.len();
    match errors {
        0 => diagnosis("journeys", Health::Good, format!("{count} checked")),
        _ => {
            let errors = words::counted(errors, "error");
            diagnosis("journeys", Health::Bad, format!("{errors}: see `lotse check`"))
        }
    }
}

fn secret(workspace: &Workspace) -> Diagnosis {
    let Some(secret) = &workspace.config.secret else {
        return diagnosis(
            "secret",
            Health::Bad,
            "missing: write `secret: env:LOTSE_SECRET`, a long random text",
        );
    };
    match secret.resolve(&workspace.environment()) {
        Err(error) => diagnosis("secret", Health::Bad, error.to_string()),
        Ok(secret) if Tracker::is_weak(secret.as_bytes()) => diagnosis(
            "secret",
            Health::Weak,
            "short: who has one link could find it out; use 32 random characters",
        ),
        Ok(_) => diagnosis("secret", Health::Good, "links are signed with it"),
    }
}

fn public_url(workspace: &Workspace) -> Diagnosis {
    match &workspace.config.public_url {
        None => diagnosis(
            "public_url",
            Health::Weak,
            format!("missing: links lead to {}", workspace.config.base_url()),
        ),
        Some(url) if url.scheme() != "https" => diagnosis(
            "public_url",
            Health::Weak,
            format!("{url} is not https: mail programs offer no one-click unsubscribe"),
        ),
        Some(url) => diagnosis("public_url", Health::Good, format!("links lead to {url}")),
    }
}

/// What must stand in the DNS for mails to be believed.
fn signatures(workspace: &Workspace) -> Vec<Diagnosis> {
    let environment = workspace.environment();
    let one = |dkim: &config::Dkim, environment: &dyn Environment| {
        let key = dkim.key.resolve(environment).map_err(|error| error.to_string())?;
        let signer = Signer::new(&dkim.domain, &dkim.selector, &key).map_err(|error| error.to_string())?;
        let record = signer.dns_record().map_err(|error| error.to_string())?;
        let name = signer.dns_name();
        Ok::<_, String>(format!("signs; the DNS needs the TXT record {name} with {record}"))
    };
    let mut found = Vec::new();
    for (name, sender) in workspace.config.senders.iter() {
        let entry = format!("senders.{name}");
        found.push(match &sender.dkim {
            None => diagnosis(
                entry,
                Health::Weak,
                "has no `dkim`: large mail providers refuse unsigned mail in bulk",
            ),
            Some(dkim) => match one(dkim, &environment) {
                Ok(says) => diagnosis(entry, Health::Good, says),
                Err(why) => diagnosis(entry, Health::Bad, why),
            },
        });
        if sender.address.is_none() {
            let says = "has no postal `address`, which the law of many countries wants below marketing mail";
            found.push(diagnosis(format!("senders.{name}"), Health::Weak, says));
        }
    }
    found
}

/// Teams that leads cannot be handed to.
fn deaf_teams(workspace: &Workspace) -> impl Iterator<Item = Diagnosis> {
    let deaf = workspace.config.teams.iter().filter(|(_, team)| team.endpoint.is_none());
    deaf.map(|(name, _)| {
        let says = "has no `url`: leads that are handed to it wait, and in the end are given up";
        diagnosis(format!("teams.{name}"), Health::Weak, says)
    })
}

/// What lies outside the program.
async fn outside(workspace: &Workspace) -> Vec<Diagnosis> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut found = vec![database(workspace).await, smtp(workspace, &clock).await];
    match Outbound::new(&workspace.config, &workspace.environment(), &clock) {
        Ok(outbound) => {
            for name in outbound.webhooks.keys() {
                found.push(diagnosis(
                    format!("webhooks.{name}"),
                    Health::Good,
                    "may be called; not called now",
                ));
            }
            for name in outbound.channels.keys() {
                let says = "may be called; not called now";
                found.push(diagnosis(format!("channels.{name}"), Health::Good, says));
            }
            for name in outbound.teams.keys() {
                found.push(diagnosis(format!("teams.{name}"), Health::Good, "may be called; not called now"));
            }
        }
        Err(errors) => found.extend(
            errors
                .iter()
                .filter(told_elsewhere)
                .map(|error| diagnosis("lotse.yaml", Health::Bad, error.to_string())),
        ),
    }
    found
}

/// Whether mail can go, whatever else is amiss.
async fn smtp(workspace: &Workspace, clock: &Arc<dyn Clock>) -> Diagnosis {
    let route = match Outbound::route(&workspace.config, &workspace.environment(), clock) {
        Ok(Some(route)) => route,
        Ok(None) => return diagnosis("smtp", Health::Weak, "missing: no mail leaves the house"),
        Err(error) => return diagnosis("smtp", Health::Bad, error.to_string()),
    };
    match route.probe().await {
        Ok(()) => diagnosis("smtp", Health::Good, "the mail server answers"),
        Err(why) => diagnosis("smtp", Health::Bad, why),
    }
}

/// The secret, the mail server and DKIM have lines of their own.
fn told_elsewhere(error: &&OutboundError) -> bool {
    let text = error.to_string();
    !(text.starts_with("`secret`")
        || text.starts_with("`smtp")
        || text.contains("no `secret`: write")
        || matches!(error, OutboundError::Dkim(..)))
}

async fn database(workspace: &Workspace) -> Diagnosis {
    // To look must not make a database: it would stand where nobody wanted one.
    if let Ok(config::Database::Sqlite(path)) = Database::place(workspace) {
        let path = workspace.dir.join(path);
        if !path.exists() && path.parent().is_some_and(Path::is_dir) {
            let says = format!("{} is not there yet: `lotse run` makes it", path.display());
            return diagnosis("database", Health::Good, says);
        }
    }
    let opened = async {
        let database = Database::open(workspace).await?;
        let pending = database.store().pending_migrations().await?;
        database.store().close().await;
        anyhow::Ok((database.name(), pending))
    };
    match opened.await {
        Ok((path, 0)) => diagnosis("database", Health::Good, format!("{path} is up to date")),
        Ok((path, _)) => diagnosis(
            "database",
            Health::Weak,
            format!("{path} is behind: `lotse migrate` brings it up to date"),
        ),
        Err(error) => diagnosis("database", Health::Bad, format!("{error:#}")),
    }
}
