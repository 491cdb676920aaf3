//! Which ways into journeys are watched, and since when.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;

use siphasher::sip::SipHasher24;

use crate::language::plan::{Enter, Plan};
use crate::time::Moment;

/// A version of a journey that came into force, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InForce {
    pub(super) at: Moment,
    pub(super) version: Option<u32>,
}

/// A way into a journey in force that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) version: u32,
    /// Which `enter` of the plan it is.
    pub(super) index: usize,
    /// Since when it has been in force without a break: moments before do not count.
    pub(super) since: Moment,
    /// What a contact remembers it by: the same as long as it is in force, another after a break.
    pub(super) key: String,
}

/// The ways of a version in force that are watched. A new version that leaves a way as it is does not interrupt it.
pub(super) fn watched(version: u32, plans: &BTreeMap<u32, Arc<Plan>>, history: &[InForce]) -> Vec<Way> {
    let Some(plan) = plans.get(&version) else { return Vec::new() };
    let mut ways = Vec::new();
    for (index, enter) in plan.enters.iter().enumerate().filter(|(_, enter)| enter.kind.is_watched()) {
        let has = |in_force: &&InForce| {
            let known = in_force.version.and_then(|version| plans.get(&version));
            known.is_some_and(|known| {
                known.timezone == plan.timezone && known.enters.iter().any(|other| other.kind == enter.kind)
            })
        };
        let unbroken = history.iter().rev().take_while(has).last();
        let since = unbroken.map_or(Moment::MIN, |first| first.at);
        ways.push(Way { version, index, since, key: key(plan, enter, since) });
    }
    ways
}

fn key(plan: &Plan, enter: &Enter, since: Moment) -> String {
    let kind = serde_json::to_vec(&(&plan.timezone, &enter.kind)).unwrap_or_default();
    let mut hasher = SipHasher24::new();
    for part in [plan.journey.as_bytes(), &kind, &since.micros().to_be_bytes()] {
        hasher.write(&(part.len() as u64).to_le_bytes());
        hasher.write(part);
    }
    format!("{:016x}", hasher.finish())
}
