use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use serde::Serialize;

use super::args::{DoctorArgs, Format};
use super::database::{Database, obstacle};
use super::run::{NAMELESS, of_another};
use super::workspace::{Workspace, block_on};
use super::{End, output};
use crate::channel::email::Signer;
use crate::config::{self, Environment};
use crate::finding::{Finding, words};
use crate::runtime::{Outbound, OutboundError};
use crate::source::CONFIG_FILE;
use crate::store::Hold;
use crate::time::{Clock, SystemClock, wall_text};
use crate::track::Tracker;

/// How long the mail server may take to greet and to let us in.
const PROBE: Duration = Duration::from_secs(15);

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
    let mut found = vec![journeys(&workspace)];
    let unsound = unsound(&workspace);
    if unsound.is_empty() {
        found.extend([secret(&workspace), public_url(&workspace)]);
        found.extend(signatures(&workspace));
        found.extend(deaf_teams(&workspace));
        found.extend(block_on(async { Ok(outside(&workspace).await) })?);
    }
    found.extend(unsound);
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

/// What keeps lotse.yaml from being gone by: what it does not say would be tried as if it were left out.
fn unsound(workspace: &Workspace) -> Vec<Diagnosis> {
    let bad = |says: String| diagnosis(CONFIG_FILE, Health::Bad, says);
    if workspace.files.config.is_none() {
        return vec![bad("missing: every command that needs the database refuses".to_owned())];
    }
    let says = |finding: &Finding| {
        let line = workspace.files.sources.place(finding.span).1.line;
        let help = finding.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
        format!("line {line}: {}{help}; nothing else is tried", finding.message)
    };
    workspace.errors_of_settings().map(|finding| bad(says(finding))).collect()
}

fn journeys(workspace: &Workspace) -> Diagnosis {
    let errors = workspace.errors().count() - workspace.errors_of_settings().count();
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
    let mut found = database(workspace).await;
    found.push(smtp(workspace, &clock).await);
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
                .map(|error| diagnosis(CONFIG_FILE, Health::Bad, error.to_string())),
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
    match route.probe(PROBE).await {
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

async fn database(workspace: &Workspace) -> Vec<Diagnosis> {
    // To look must not make a database: it would stand where nobody wanted one.
    if let Ok(config::Database::Sqlite(path)) = Database::place(workspace) {
        let path = workspace.dir.join(path);
        if let Some(obstacle) = obstacle(&path) {
            let says = format!("{} cannot be used: {obstacle}", path.display());
            return vec![diagnosis("database", Health::Bad, says)];
        }
        if !path.exists() {
            let says = format!("{} is not there yet: `lotse run` makes it", path.display());
            return vec![diagnosis("database", Health::Good, says)];
        }
    }
    let opened = async {
        let database = Database::open(workspace).await?;
        let store = database.store();
        let pending = store.pending_migrations().await?;
        let (mut held, mut owner) = (None, None);
        if pending == 0 {
            let mut unit = store.read().await?;
            (held, owner) = (unit.held().await?, unit.workspace().await?);
        }
        let is_shared = store.is_shared();
        store.close().await;
        if is_shared && !workspace.config.is_named {
            bail!(NAMELESS);
        }
        if let Some(owner) = owner.filter(|owner| *owner != workspace.config.workspace) {
            bail!("{}", of_another(&database.name(), &owner, &workspace.config.workspace));
        }
        anyhow::Ok((database.name(), pending, held))
    };
    let (found, held) = match opened.await {
        Ok((path, 0, held)) => (diagnosis("database", Health::Good, format!("{path} is up to date")), held),
        Ok((path, ..)) => {
            let says = format!("{path} is behind: `lotse migrate` brings it up to date");
            (diagnosis("database", Health::Weak, says), None)
        }
        Err(error) => (diagnosis("database", Health::Bad, format!("{error:#}")), None),
    };
    let held = held.map(|Hold { since, why }| {
        let since = wall_text(since, &workspace.config.timezone);
        let says = format!("held since {since}, because \"{why}\": `lotse resume` lets it go on");
        diagnosis("sending", Health::Weak, says)
    });
    [found].into_iter().chain(held).collect()
}
