use std::sync::Arc;

use super::World;
use crate::domain::{Arm, DueRun, Run};
use crate::language::plan::{Place, Plan};

/// The version in force that a run goes on in, where its journey says `on change move` and still has the place.
fn newer<'w>(world: &'w World<'_>, run: &Run) -> Option<(u32, &'w Arc<Plan>, u16)> {
    if !run.moves() || run.arm != Arm::Treated {
        return None;
    }
    let (version, plan) = world.plans.active(&run.journey)?;
    if version == run.version || !plan.moves {
        return None;
    }
    let old = world.plans.version(run.version)?;
    Some((version, plan, same_place(old, plan, run.place)?))
}

/// Whether a run may have to go on in a newer version when it is looked at.
pub(super) fn may_be_outdated(world: &World<'_>, run: &DueRun) -> bool {
    world.plans.active(&run.journey).is_some_and(|(version, plan)| version != run.version && plan.moves)
}

/// Moves a run to the version in force; gives the one before. A wait in progress keeps its end.
pub(super) fn follow(world: &World<'_>, run: &mut Run) -> Option<u32> {
    let (version, plan, place) = newer(world, run)?;
    let old = world.plans.version(run.version)?;
    let before = std::mem::replace(&mut run.version, version);
    run.place = place;
    let state = &mut run.state;
    let moved = |place: u16| same_place(old, plan, place);
    state.taken = state.taken.iter().filter_map(|(place, at)| Some((moved(*place)?, *at))).collect();
    state.calls = state.calls.iter().filter_map(|(place, call)| Some((moved(*place)?, *call))).collect();
    state.rounds = state.rounds.iter().filter_map(|(place, round)| Some((moved(*place)?, *round))).collect();
    Some(before)
}

/// The place of the same id; of the same kind, so that a wait stays one.
fn same_place(old: &Plan, new: &Plan, place: u16) -> Option<u16> {
    let node = old.node(Place(place))?;
    let kind = std::mem::discriminant(&node.step);
    let same = |known: &crate::language::plan::Node| {
        known.id == node.id && std::mem::discriminant(&known.step) == kind
    };
    u16::try_from(new.nodes.iter().position(same)?).ok()
}
