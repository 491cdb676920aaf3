//! Moves contacts through journeys. A pure function: what is known of a contact and what happened go in, what it
//! led to comes out. No clock, no chance, no I/O; the present is told, and every id is made from what it names.
//!
//! The same engine serves production, tests in virtual time and answers to "why". A run goes from wait to wait:
//! everything between two waits is one turn.

mod act;
mod aggregate;
mod alert;
mod change;
mod entry;
mod evaluate;
mod experiment;
mod habits;
mod input;
mod plans;
mod record;
mod sending;
mod sequential;
mod share;
mod turn;
mod versions;
mod waits;
mod watch;
mod ways;

pub use evaluate::{Scope, evaluate};
pub use input::Input;
pub use plans::Plans;
pub use sending::{Handing, handing};
pub use sequential::{ERROR_RATE, Outcomes, winner};

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    Arm, Attributes, Contact, ContactState, DueRun, Effects, Event, EventKind, Learned, Run, RunId, Value,
    ValueType,
};
use crate::language::plan::{Expr, Leave, Needs, Place, Plan};
use crate::time::{Moment, TimeZone};
use turn::with_turn;
use watch::Lookout;

/// What a turn needs to know beside the contact.
pub struct World<'a> {
    /// The plans in force and those that runs still follow.
    pub plans: &'a Plans,
    /// The zone of contacts without one.
    pub zone: &'a TimeZone,
    /// For each team, who gets which leads: the first condition that holds.
    pub assign: &'a BTreeMap<String, Vec<(String, Expr)>>,
    /// What contacts have shown together.
    pub learned: &'a Learned,
    /// Which arm every contact falls to; by the share of the journey where nothing is said.
    pub arm: Option<Arm>,
}

/// Applies what happened to one contact, in the order in which it happened.
///
/// An event goes before a timer of the same instant: a purchase wins over the reminder. `now` is when this
/// is done; waits that begin now are counted from it. Moments that lead the contact into journeys and have come since
/// it was looked at last do so in their place; without any input that is all that happens.
pub fn advance(world: &World<'_>, state: &mut ContactState, inputs: Vec<Input>, now: Moment) -> Effects {
    let mut effects = Effects::default();
    let mut inputs = inputs;
    inputs.extend(overdue(state, &inputs, now));
    // Of runs that are looked at in one instant, the one that matters most goes first.
    inputs.sort_by_cached_key(|input| input.order(|run| precedence(world, state, run)));
    let mut lookout = Lookout::begin(world, state, now);
    for input in &inputs {
        // What happens goes before a moment of the same instant.
        lookout.until(input.at().plus_micros(-1), state, &mut effects);
        match input {
            Input::Event(event) => on_event(world, state, event, now, &mut effects),
            Input::Wake { run, at } => {
                if let Some(index) = state.runs.iter().position(|known| known.id == *run) {
                    with_turn(world, state, index, (*at, now), &mut effects, |turn| turn.on_wake());
                }
            }
        }
        look_at_leave_conditions(world, state, (input.at(), input.depth()), now, &mut effects);
        lookout.look(Some(input), state, &mut effects);
    }
    let entered = lookout.until(now, state, &mut effects);
    if entered || inputs.is_empty() {
        lookout.look(None, state, &mut effects);
    }
    lookout.end(state, &mut effects);
    effects
}

/// The timers that nobody looked at before something happened that is looked at now: what comes after a deadline finds
/// it over. A later timer waits, for more may have happened before it that is still to be looked at.
fn overdue(state: &ContactState, inputs: &[Input], now: Moment) -> Vec<Input> {
    let events = inputs.iter().filter(|input| matches!(input, Input::Event(_)));
    let Some(last) = events.map(Input::at).max() else { return Vec::new() };
    let is_known =
        |id: RunId| inputs.iter().any(|input| matches!(input, Input::Wake { run, .. } if *run == id));
    let due =
        |run: &Run| run.wake_at.filter(|at| run.moves() && *at <= now && *at < last && !is_known(run.id));
    state.runs.iter().filter_map(|run| Some(Input::Wake { run: run.id, at: due(run)? })).collect()
}

/// What a batch asks for beside the contacts themselves. Runs that are due move from where they stand; which runs
/// an event moves, and whom it leads in, is known only when they are there. After either, the `leave when` of
/// every run of the contact are looked at, and where contacts are watched, whom that leads in.
pub fn needs<'a>(world: &World<'_>, due: impl IntoIterator<Item = &'a DueRun>, events: bool) -> Needs {
    let watch = world.plans.are_watching();
    let mut needs =
        if events || watch { world.plans.needs().clone() } else { world.plans.leave_needs().clone() };
    needs.watch = watch;
    needs.left = events || watch;
    // Many stand at one place, which asks for the same each time.
    let mut places = BTreeSet::new();
    for run in due {
        if !places.insert((&run.journey, run.version, run.place)) {
            continue;
        }
        if versions::may_be_outdated(world, run) {
            needs = needs.or(world.plans.needs());
        }
        if let Some(node) = world.plans.version(run.version).and_then(|plan| plan.node(Place(run.place))) {
            needs = needs.or(&node.needs);
        }
    }
    for (_, condition) in world.assign.values().flatten() {
        needs = needs.or(&Needs::of(condition));
    }
    // The caps in force may count further back than those of the plan. Without permissions nothing is sent.
    if let (true, Some(policy)) = (needs.permissions, world.plans.policy_in_force()) {
        needs = needs.or(&Needs::of_caps(&policy.limits));
    }
    needs
}

/// What is sorted by this has the runs first that get the slot when a cap leaves room for one: by the priority of
/// their journeys, then those that entered earlier.
fn precedence(world: &World<'_>, state: &ContactState, run: RunId) -> (Reverse<u8>, usize) {
    let index = state.runs.iter().position(|known| known.id == run).unwrap_or(usize::MAX);
    let plan = state.runs.get(index).and_then(|run| world.plans.version(run.version));
    (Reverse(plan.map_or(0, |plan| plan.priority)), index)
}

fn on_event(world: &World<'_>, state: &mut ContactState, event: &Event, now: Moment, effects: &mut Effects) {
    match event.kind {
        // A machine's doing is kept as evidence and moves nobody.
        EventKind::Machine => return,
        EventKind::Identify => {
            state.changed |= identify(&mut state.contact, &event.properties);
            return;
        }
        EventKind::Track | EventKind::System => state.happen(event),
        EventKind::Answer | EventKind::Request => {}
    }
    if event.depth > record::DEPTH_MAX {
        entry::refuse_circle(world, event, effects);
        return;
    }
    let mut order: Vec<usize> = (0..state.runs.len()).collect();
    order.sort_by_cached_key(|index| state.runs.get(*index).map(|run| precedence(world, state, run.id)));
    for index in order {
        with_turn(world, state, index, (event.at, now), effects, |turn| turn.on_event(event));
    }
    entry::enter(world, state, event, now, effects);
}

/// Whoever a `leave when` has become true for leaves at once, whatever made it true.
fn look_at_leave_conditions(
    world: &World<'_>,
    state: &mut ContactState,
    (at, depth): (Moment, u8),
    now: Moment,
    effects: &mut Effects,
) {
    for index in 0..state.runs.len() {
        let asks = |plan: &Plan| plan.leaves.iter().any(|leave| matches!(leave, Leave::When(_)));
        let version = state.runs.get(index).filter(|run| run.moves()).map(|run| run.version);
        if version.and_then(|version| world.plans.version(version)).is_some_and(|plan| asks(plan)) {
            with_turn(world, state, index, (at, now), effects, |turn| turn.look_again(depth));
        }
    }
}

/// Takes attributes over from an `identify`; tells whether anything changed.
fn identify(contact: &mut Contact, traits: &Attributes) -> bool {
    let before = contact.clone();
    for (name, json) in traits {
        let of = Contact::built_in_type(name);
        if let Some(of) = of {
            contact.set(name, &Value::from_json(json, &of));
        } else if json.is_null() {
            contact.attributes.remove(name);
        } else {
            contact.keep(name, json.clone());
        }
    }
    *contact != before
}

/// The type as which an attribute without a declaration is read.
const UNDECLARED: ValueType = ValueType::Text;

#[cfg(test)]
mod tests;
