use std::sync::Arc;

use crate::engine::Plans;
use crate::language::check::Checked;
use crate::language::plan::compile;
use crate::source::Sources;
use crate::store::{Deed, DeedKind, Store, StoreError, StoredVersion, WriteUnit};
use crate::time::Moment;

/// What putting a workspace into force changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployed {
    /// Journeys with a new version, and its number.
    pub new: Vec<(String, u32)>,
    /// Journeys that nobody enters any more, for the workspace does not have them.
    pub retired: Vec<String>,
}

/// Why a workspace was not put into force.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A journey cannot be run.
    #[error("the journey `{0}` cannot be run: see `lotse check`")]
    NoPlan(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts the journeys of a workspace without errors into force, all or none. Whoever is inside a journey goes on
/// in the version they entered, or in the new one where it says `on change move`. `who` does it, for the audit.
///
/// # Errors
/// When a journey has no plan, or the store fails; nothing has changed then.
pub async fn deploy(
    store: &dyn Store,
    checked: &Checked,
    sources: &Sources,
    who: &str,
    now: Moment,
) -> Result<Deployed, DeployError> {
    let mut deployed = Deployed::default();
    let mut unit = store.write().await?;
    let now = unit.deploying(now).await?;
    let before = unit.versions().await?;
    for journey in &checked.model.journeys {
        let plan =
            compile(journey, checked, sources).ok_or_else(|| DeployError::NoPlan(journey.name.clone()))?;
        let number = unit.add_version(&plan, now).await?;
        let in_force = before.iter().any(|version| version.active && version.number == number);
        if !in_force {
            unit.deploy(&journey.name, Some(number), now).await?;
            if plan.moves {
                unit.begin_move(&journey.name, number, now).await?;
            }
            note(&mut *unit, who, DeedKind::Deployed, format!("`{}` version {number}", journey.name), now)
                .await?;
            deployed.new.push((journey.name.clone(), number));
        }
    }
    for version in before.iter().filter(|version| version.active) {
        let name = &version.journey;
        if checked.model.journey(name).is_none() {
            unit.deploy(name, None, now).await?;
            note(&mut *unit, who, DeedKind::Retired, format!("`{name}`"), now).await?;
            deployed.retired.push(name.clone());
        }
    }
    watch(&mut *unit, &deployed, now).await?;
    unit.commit().await?;
    Ok(deployed)
}

async fn note(
    unit: &mut dyn WriteUnit,
    who: &str,
    what: DeedKind,
    detail: String,
    at: Moment,
) -> Result<(), StoreError> {
    unit.note(Deed { at, who: who.to_owned(), what, detail }).await
}

/// Begins to watch contacts where a version that came into force wants that, and ends where none does any more.
async fn watch(unit: &mut dyn WriteUnit, deployed: &Deployed, now: Moment) -> Result<(), StoreError> {
    let versions = unit.versions().await?;
    let watched = |version: &&StoredVersion| {
        let plan = version.plan.iter().find(|_| version.active);
        plan.is_some_and(|plan| plan.enters.iter().any(|enter| enter.kind.is_watched()))
    };
    let mut numbers = versions.iter().filter(watched).map(|version| version.number).peekable();
    if numbers.peek().is_none() {
        return unit.end_watch().await;
    }
    let is_new = |number: u32| deployed.new.iter().any(|(_, new)| *new == number);
    if numbers.any(is_new) { unit.begin_watch(now).await } else { Ok(()) }
}

/// The plans that the store holds. Runs of a version that this program cannot read wait until it can be read, and all
/// others go on; where it is in force, nobody knows what leads into it, and nothing is looked at.
///
/// # Errors
/// When the store fails, or a plan in force cannot be read.
pub async fn load_plans(store: &dyn Store) -> Result<Plans, StoreError> {
    let mut plans = Plans::default();
    let mut unit = store.read().await?;
    for version in unit.versions().await? {
        match version.plan {
            Ok(plan) => plans.add(version.number, Arc::new(plan), version.active),
            Err(why) if version.active => {
                let what = format!("version {} of `{}` is in force: {why}", version.number, version.journey);
                return Err(StoreError::Damaged { table: "version", contact: None, what });
            }
            Err(why) => plans.cannot_read(version.number, &version.journey, &why),
        }
    }
    let deployments = unit.deployments().await?;
    plans.deployed(deployments.into_iter().map(|deployed| (deployed.journey, deployed.at, deployed.version)));
    Ok(plans)
}
