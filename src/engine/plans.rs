use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ways::{InForce, Way, watched};
use crate::language::plan::{EnterKind, Leave, Needs, Plan, Policy, Reach, Reenter};
use crate::time::Moment;

/// The plans that runs follow, by the number of their version, and which of them are in force.
#[derive(Clone, Debug, Default)]
pub struct Plans {
    versions: BTreeMap<u32, Arc<Plan>>,
    /// The version in force for each journey.
    active: BTreeMap<String, u32>,
    /// The versions in force whose `enter on` names an event.
    entering: BTreeMap<String, Vec<u32>>,
    listened: BTreeSet<String>,
    /// What a turn may ask for, wherever its run stands.
    needs: Needs,
    /// What the `leave when` of any plan ask for.
    leave_needs: Needs,
    /// The policy in force. Every journey is put into force with it, so each of them has it.
    policy: Option<Policy>,
    /// Which versions of a journey came into force when.
    history: BTreeMap<String, Vec<InForce>>,
    /// The ways into journeys in force that are watched, by journey.
    watched: BTreeMap<String, Vec<Way>>,
    /// Versions that are not in force and whose plan cannot be read, in words.
    unreadable: BTreeMap<u32, String>,
}

impl Plans {
    /// Versions of different journeys, all of them in force.
    pub fn in_force(plans: impl IntoIterator<Item = (u32, Plan)>) -> Self {
        let mut all = Self::default();
        plans.into_iter().for_each(|(version, plan)| all.know(version, Arc::new(plan), true));
        all.index();
        all
    }

    /// Adds a version; `active` puts it into force in place of the one before.
    pub fn add(&mut self, version: u32, plan: Arc<Plan>, active: bool) {
        self.know(version, plan, active);
        self.index();
    }

    fn know(&mut self, version: u32, plan: Arc<Plan>, active: bool) {
        self.listened.extend(plan.listens_to().map(str::to_owned));
        let conditions = plan.leaves.iter().filter_map(|leave| match leave {
            Leave::When(condition) => Some(condition),
            _ => None,
        });
        self.leave_needs = conditions
            .fold(std::mem::take(&mut self.leave_needs), |needs, condition| needs.or(&Needs::of(condition)));
        let mut needs = std::mem::take(&mut self.needs).or(&Needs::PERMISSIONS);
        plan.each_expression(&mut |expression| needs = std::mem::take(&mut needs).or(&Needs::of(expression)));
        for enter in &plan.enters {
            if let EnterKind::Without { event, .. } = &enter.kind {
                needs.events.insert(event.clone(), Reach::Forever);
            }
        }
        self.needs = plan.nodes.iter().fold(needs, |needs, node| needs.or(&node.needs));
        let journey = plan.journey.clone();
        self.versions.insert(version, plan);
        if active {
            self.active.insert(journey.clone(), version);
            self.watch(&journey);
        }
    }

    /// Adds a version that is not in force and whose plan cannot be read: runs of it wait.
    pub fn cannot_read(&mut self, version: u32, journey: &str, why: &str) {
        self.unreadable.insert(version, format!("version {version} of `{journey}`: {why}"));
    }

    /// The versions whose plan cannot be read, each in words.
    pub fn unreadable(&self) -> &BTreeMap<u32, String> {
        &self.unreadable
    }

    /// Says which versions of journeys came into force when, in order; `None` is none. A journey of which nothing is
    /// said has been in force for ever.
    pub fn deployed(&mut self, deployments: impl IntoIterator<Item = (String, Moment, Option<u32>)>) {
        for (journey, at, version) in deployments {
            self.history.entry(journey).or_default().push(InForce { at, version });
        }
        let journeys: Vec<String> = self.active.keys().cloned().collect();
        journeys.iter().for_each(|journey| self.watch(journey));
    }

    /// When the last of these plans came into force.
    pub fn deployed_at(&self) -> Moment {
        self.history.values().filter_map(|of| of.last()).map(|last| last.at).max().unwrap_or(Moment::MIN)
    }

    fn watch(&mut self, journey: &str) {
        self.watched.remove(journey);
        let Some(version) = self.active.get(journey) else { return };
        let history = self.history.get(journey).map_or(&[][..], Vec::as_slice);
        let ways = watched(*version, &self.versions, history);
        if !ways.is_empty() {
            self.watched.insert(journey.to_owned(), ways);
        }
    }

    /// The ways in that are watched.
    pub(super) fn watched(&self) -> impl Iterator<Item = &Way> {
        self.watched.values().flatten()
    }

    /// Whether contacts must be watched: time, or what was before, decides about some way into a journey in force.
    pub fn are_watching(&self) -> bool {
        !self.watched.is_empty()
    }

    /// Whether some version in force takes those over who are inside others.
    pub fn are_moving(&self) -> bool {
        self.all_active().any(|(_, plan)| plan.moves)
    }

    /// Takes a journey out of force: nobody enters any more, and whoever is inside goes on.
    pub fn retire(&mut self, journey: &str) {
        self.active.remove(journey);
        self.watch(journey);
        self.index();
    }

    fn index(&mut self) {
        self.entering.clear();
        let in_force = self.active.values().next().and_then(|version| self.versions.get(version));
        self.policy = in_force.map(|plan| plan.policy.clone());
        for version in self.active.values() {
            let Some(plan) = self.versions.get(version) else { continue };
            for event in plan.enters.iter().filter_map(|enter| enter.kind.event().map(str::to_owned)) {
                let versions = self.entering.entry(event).or_default();
                // Several ways into one plan follow each other.
                if versions.last() != Some(version) {
                    versions.push(*version);
                }
            }
        }
        // Of journeys that one event leads into, the one that matters most goes first.
        let priority = |version: &u32| self.versions.get(version).map_or(0, |plan| plan.priority);
        for versions in self.entering.values_mut() {
            versions.sort_by_key(|version| Reverse(priority(version)));
        }
    }

    /// The plan of a version.
    pub fn version(&self, version: u32) -> Option<&Arc<Plan>> {
        self.versions.get(&version)
    }

    /// The versions known, in order.
    pub fn versions(&self) -> impl Iterator<Item = (u32, &Arc<Plan>)> {
        self.versions.iter().map(|(version, plan)| (*version, plan))
    }

    /// The version of a journey that is in force.
    pub fn active(&self, journey: &str) -> Option<(u32, &Arc<Plan>)> {
        let version = *self.active.get(journey)?;
        Some((version, self.versions.get(&version)?))
    }

    /// All versions in force, by journey.
    pub fn all_active(&self) -> impl Iterator<Item = (u32, &Arc<Plan>)> {
        self.active.keys().filter_map(|journey| self.active(journey))
    }

    /// The versions in force into which an event may lead.
    pub fn entered_by(&self, event: &str) -> impl Iterator<Item = (u32, &Arc<Plan>)> {
        let versions = self.entering.get(event).map_or(&[][..], Vec::as_slice);
        versions.iter().filter_map(|version| Some((*version, self.versions.get(version)?)))
    }

    /// Whether an event of Lotse's own means something to any plan, so that it must be recorded as one.
    pub fn listen_to(&self, event: &str) -> bool {
        self.listened.contains(event)
    }

    /// What a turn of any run may ask for, those who enter included.
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// What the `leave when` of any run ask for.
    pub fn leave_needs(&self) -> &Needs {
        &self.leave_needs
    }

    /// The policy that holds for the messages of a plan: the one in force, whatever it was when the plan was made.
    pub fn policy<'p>(&'p self, plan: &'p Plan) -> &'p Policy {
        self.policy.as_ref().unwrap_or(&plan.policy)
    }

    /// The policy in force, where any journey is.
    pub fn policy_in_force(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// Whether those who have left may matter: some journey in force lets them come again under conditions.
    pub fn reenter_matters(&self, journey: &str) -> bool {
        self.active(journey).is_some_and(|(_, plan)| plan.reenter != Reenter::Always)
    }
}
