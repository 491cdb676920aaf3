use std::sync::Arc;

use super::evaluate::{Scope, evaluate};
use super::turn::{Turn, attributes, clock_of};
use super::{World, share};
use crate::domain::{
    Arm, Attributes, ContactState, Effects, Event, EventId, EventKind, IdHasher, RefusalReason, Refused, Run,
    RunId, RunState, StepKind, SystemEvent, Value, ValueType,
};
use crate::language::plan::{Enter, EnterKind, Place, Plan, Reenter};
use crate::time::{ClockTime, Date, Moment, TimeZone, at_clock_time};

/// What leads somebody in.
pub(super) struct Cause<'a> {
    /// What names it, so that one thing leads in once.
    pub(super) id: EventId,
    /// When it happened.
    pub(super) at: Moment,
    /// What it is called in the history of the run.
    pub(super) text: &'a str,
    /// What is known about it.
    pub(super) properties: &'a Attributes,
    /// Whether somebody asked for it: then no condition is looked at.
    pub(super) by_hand: bool,
    /// How many journeys led to it, one after the other.
    pub(super) depth: u8,
}

/// Leads a contact into the journeys that an event points to.
pub(super) fn enter(
    world: &World<'_>,
    state: &mut ContactState,
    event: &Event,
    now: Moment,
    effects: &mut Effects,
) {
    let by_hand = event.kind == EventKind::Request;
    let text = if by_hand { "by request" } else { &event.name };
    let cause = Cause {
        id: event.id,
        at: event.at,
        text,
        properties: &event.properties,
        by_hand,
        depth: event.depth,
    };
    let refused = |journey: &str, reason| Refused { event: event.id, journey: journey.to_owned(), reason };
    match event.kind {
        EventKind::Track | EventKind::System => {
            for (version, plan) in world.plans.entered_by(&event.name) {
                let ways: Vec<&Enter> =
                    plan.enters.iter().filter(|enter| enter.kind.event() == Some(&event.name)).collect();
                let tried = try_ways(world, state, &cause, (version, plan), &ways, now, effects);
                effects.refused.extend(tried.err().flatten().map(|reason| refused(&plan.journey, reason)));
            }
        }
        EventKind::Request => match world.plans.active(&event.name) {
            Some((version, plan)) => {
                // Anybody may be let in by hand: where nothing says so, at the first way in.
                let by_request = plan.enters.iter().find(|enter| enter.kind == EnterKind::ByRequest);
                let ways: Vec<&Enter> = by_request.or(plan.enters.first()).into_iter().collect();
                let tried = try_ways(world, state, &cause, (version, plan), &ways, now, effects);
                effects.refused.extend(tried.err().flatten().map(|reason| refused(&plan.journey, reason)));
            }
            None => effects.refused.push(refused(&event.name, RefusalReason::NoEntry)),
        },
        EventKind::Identify | EventKind::Machine | EventKind::Answer => {}
    }
}

/// Notes that journeys led to an event in a circle: it leads nobody anywhere.
pub(super) fn refuse_circle(world: &World<'_>, event: &Event, effects: &mut Effects) {
    let journeys: Vec<String> = match event.kind {
        EventKind::Request => vec![event.name.clone()],
        _ => world.plans.entered_by(&event.name).map(|(_, plan)| plan.journey.clone()).collect(),
    };
    let reason = RefusalReason::Circle;
    effects.refused.extend(journeys.into_iter().map(|journey| Refused { event: event.id, journey, reason }));
}

/// Tries the ways in that a thing can mean; the first that is open is taken.
///
/// # Errors
/// The first reason where none is open.
pub(super) fn try_ways(
    world: &World<'_>,
    state: &mut ContactState,
    cause: &Cause<'_>,
    (version, plan): (u32, &Arc<Plan>),
    ways: &[&Enter],
    now: Moment,
    effects: &mut Effects,
) -> Result<(), Option<RefusalReason>> {
    let mut refusal = None;
    for way in ways {
        match admitted(world, state, cause, plan, way, now) {
            Ok(key) => {
                let run = begin(state, cause, (version, plan), key, now, world);
                let into = way.into;
                let times = (cause.at, now);
                let run = Turn::over(world, Arc::clone(plan), state, run, times, effects, |turn| {
                    turn.enter(cause, into)
                });
                state.runs.push(run);
                return Ok(());
            }
            Err(reason) => {
                refusal.get_or_insert(reason);
            }
        }
    }
    Err(refusal)
}

/// Whether somebody may enter, and under which key.
fn admitted(
    world: &World<'_>,
    state: &ContactState,
    cause: &Cause<'_>,
    plan: &Plan,
    way: &Enter,
    now: Moment,
) -> Result<String, RefusalReason> {
    let zone = clock_of(plan, state, world);
    if let (Some(condition), false) = (&way.condition, cause.by_hand) {
        let scope = Scope {
            contact: &state.contact,
            permissions: &state.permissions,
            zone: &zone,
            now,
            entry: cause.properties,
            at_hand: Some(cause.properties),
            branches: &[],
            reactions: &[],
            events: &state.events,
        };
        if !evaluate(condition, &scope).is_true() {
            return Err(RefusalReason::Condition);
        }
    }
    let key = match &way.per {
        Some(field) => match cause.properties.get(field).map(|json| Value::from_json(json, &ValueType::Text))
        {
            Some(Value::Text(key)) if !key.is_empty() => key,
            _ => return Err(RefusalReason::NoKey),
        },
        None => String::new(),
    };
    if !is_open(plan, now, &zone) {
        return Err(RefusalReason::Closed);
    }
    let same = |journey: &str, known: &str| journey == plan.journey && known == key;
    if state.runs.iter().any(|run| run.is_live() && same(&run.journey, &run.key)) {
        return Err(RefusalReason::Inside);
    }
    let ended = state.runs.iter().filter(|run| same(&run.journey, &run.key)).filter_map(|run| run.ended_at);
    let past = state.past.iter().filter(|past| same(&past.journey, &past.key)).map(|past| past.left_at);
    match (plan.reenter, ended.chain(past).max()) {
        (Reenter::Never, Some(_)) => return Err(RefusalReason::WasInside),
        (Reenter::After(length), Some(left)) if length.after(left, &zone) > now => {
            return Err(RefusalReason::TooSoon);
        }
        _ => {}
    }
    match &plan.permission {
        Some(topic) if state.permissions.get(topic) != Some(&true) => Err(RefusalReason::NoPermission),
        _ => Ok(key),
    }
}

/// Whether the journey has started and not ended.
pub(super) fn is_open(plan: &Plan, now: Moment, zone: &TimeZone) -> bool {
    start_of(plan, zone).is_none_or(|start| now >= start)
        && plan.ends.is_none_or(|end| now < end_of(end, zone))
}

/// When the journey starts, where it says so.
pub(super) fn start_of(plan: &Plan, zone: &TimeZone) -> Option<Moment> {
    plan.starts.map(|(date, time)| at_clock_time(date, time.unwrap_or(ClockTime::MIDNIGHT), zone))
}

/// A date alone is open until it is over.
fn end_of((date, time): (Date, Option<ClockTime>), zone: &TimeZone) -> Moment {
    match time {
        Some(time) => at_clock_time(date, time, zone),
        None => at_clock_time(date.tomorrow().unwrap_or(date), ClockTime::MIDNIGHT, zone),
    }
}

fn begin(
    state: &ContactState,
    cause: &Cause<'_>,
    (version, plan): (u32, &Arc<Plan>),
    key: String,
    now: Moment,
    world: &World<'_>,
) -> Run {
    let contact = state.contact.id;
    let id = IdHasher::new("run")
        .part(contact.bytes())
        .part(&plan.journey)
        .part(&key)
        .part(cause.id.bytes())
        .finish(cause.at);
    let by_share = || {
        if plan.permission.is_some() && share::is_held_out(world.plans.policy(plan), contact) {
            Arm::Holdout
        } else if share::of("control", &plan.journey, contact) < plan.control {
            Arm::Control
        } else {
            Arm::Treated
        }
    };
    Run {
        id: RunId(id),
        contact,
        journey: plan.journey.clone(),
        version,
        key,
        arm: world.arm.unwrap_or_else(by_share),
        place: 0,
        turn: 0,
        steps: 0,
        // What happened before somebody entered reaches no goal, even where it is heard of later.
        entered_at: cause.at.min(now),
        wake_at: None,
        goal_until: None,
        ended_at: None,
        outcome: None,
        state: RunState { entry: cause.properties.clone(), since: cause.at, ..RunState::default() },
    }
}

impl Turn<'_> {
    fn enter(&mut self, cause: &Cause<'_>, into: Place) {
        self.depth = cause.depth;
        self.run.place = into.0;
        self.note(StepKind::Entered, cause.text);
        let known: [(&str, serde_json::Value); 1] = [("journey", self.run.journey.as_str().into())];
        let properties: Attributes = attributes(known);
        self.signal(SystemEvent::JourneyEntered, properties);
        if self.run.arm == Arm::Treated && !self.leave_if_conditions_hold() {
            self.walk(into);
        }
    }
}
