use std::collections::BTreeMap;

use super::messages::name;
use super::{Auditor, Book, Rule};
use crate::domain::MessageState;
use crate::language::plan::{Cap, Limits, Plan, Policy};
use crate::store::{Deployment, StoredMessage, StoredVersion};
use crate::time::{Moment, TimeZone, zone};

/// How long after a deployment a process may still work by the one before.
const NOTICED_WITHIN_SECONDS: i64 = 60;

/// What held when: plans by their version, and the policy in force since each deployment.
pub(super) struct Pace<'a> {
    plans: BTreeMap<u32, Plan>,
    /// Whether all of them could be read.
    has_plans: bool,
    /// Since when which version's policy is in force, in order.
    policies: Vec<(Moment, Option<u32>)>,
    zone: &'a TimeZone,
}

impl<'a> Pace<'a> {
    /// Without versions where those cannot be read: then nothing is said of what follows any of them.
    pub(super) fn new(
        versions: Option<Vec<StoredVersion>>,
        deployments: Vec<Deployment>,
        zone: &'a TimeZone,
    ) -> Self {
        let has_plans =
            versions.as_ref().is_some_and(|versions| versions.iter().all(|version| version.plan.is_ok()));
        let readable = |version: StoredVersion| Some((version.number, version.plan.ok()?));
        let plans: BTreeMap<u32, Plan> = versions.into_iter().flatten().filter_map(readable).collect();
        let mut active: BTreeMap<String, u32> = BTreeMap::new();
        let mut policies = Vec::new();
        for deployment in deployments {
            match deployment.version {
                Some(version) => drop(active.insert(deployment.journey, version)),
                None => drop(active.remove(&deployment.journey)),
            }
            // Journeys are put into force together, each with the policy of all.
            policies.push((deployment.at, active.values().next().copied()));
        }
        Self { plans, has_plans, policies, zone }
    }

    pub(super) fn has_plans(&self) -> bool {
        self.has_plans
    }

    pub(super) fn plan(&self, version: u32) -> Option<&Plan> {
        self.plans.get(&version)
    }

    fn policy_at(&self, at: Moment) -> Option<&Policy> {
        let known = self.policies.iter().take_while(|(since, _)| *since <= at).last()?;
        known.1.and_then(|version| self.plan(version)).map(|plan| &plan.policy)
    }

    /// The limits that held for a message at a moment, and a minute before.
    fn limits(&self, stored: &StoredMessage, at: Moment) -> Vec<&Limits> {
        let Some(plan) = self.plan(stored.message.version) else { return Vec::new() };
        let before = self.policy_at(at.plus_seconds(-NOTICED_WITHIN_SECONDS));
        let policy =
            self.policy_at(at).filter(|policy| before.is_some_and(|before| before.limits == policy.limits));
        policy.map(|policy| &policy.limits).into_iter().chain([&plan.limits]).collect()
    }
}

impl Auditor {
    /// Of messages whose hand-overs lie within the time of a cap, whoever decided on the last knew of all others.
    pub(super) fn caps(&mut self, book: &Book, pace: &Pace<'_>) {
        let clock = clock_of(book, pace);
        let mut counted: Vec<(&StoredMessage, Moment)> =
            book.messages.iter().filter_map(|stored| Some((stored, counts(stored)?))).collect();
        counted
            .sort_by_key(|(stored, _)| (stored.message.decided_at, stored.message.step, stored.message.id));
        for (index, (last, at)) in counted.iter().enumerate() {
            let earlier = counted.get(..index).unwrap_or_default();
            let is_over = |cap: &&Cap| {
                let near = earlier.iter().filter(|(other, handed_over_at)| {
                    cap.counts(&other.message.channel)
                        && handed_over_at <= at
                        && cap.per.after(*handed_over_at, &clock) > *at
                });
                cap.counts(&last.message.channel) && near.count() >= cap.count as usize
            };
            let limits = pace.limits(last, last.message.decided_at);
            if limits.iter().flat_map(|limits| &limits.caps).any(|cap| is_over(&cap)) {
                self.note(Rule::CapsHold, Some(book.contact.id), name(last));
            }
        }
    }

    /// On the clock that the contact had when a message went.
    pub(super) fn quiet_hours(&mut self, book: &Book, pace: &Pace<'_>) {
        for stored in &book.messages {
            let Some(at) = stored.handed_over_at else { continue };
            let own = stored.timezone.as_deref().and_then(zone);
            let clock = own.as_ref().unwrap_or(pace.zone);
            let limits = pace.limits(stored, at);
            let mut quiet = limits.iter().filter_map(|limits| limits.quiet);
            if quiet.any(|hours| hours.is_open(at, clock)) {
                self.note(Rule::QuietHoursHold, Some(book.contact.id), name(stored));
            }
        }
    }
}

/// When a message was handed over that caps count. What went more than once, or by hand, is left out: no cap was
/// asked for it again.
fn counts(stored: &StoredMessage) -> Option<Moment> {
    let is_none = matches!(stored.message.state, MessageState::Skipped | MessageState::Refused);
    let once = stored.attempts == 1 && stored.resent_at.is_none();
    stored.handed_over_at.filter(|_| !is_none && once && !stored.message.essential)
}

fn clock_of(book: &Book, pace: &Pace<'_>) -> TimeZone {
    book.contact.timezone.as_deref().and_then(zone).unwrap_or_else(|| pace.zone.clone())
}
