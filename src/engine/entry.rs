use std::sync::Arc;

use super::evaluate::{Scope, evaluate};
use super::turn::{Turn, attributes, clock_of};
use super::{World, share};
use crate::domain::{
    Arm, Attributes, ContactState, Effects, Event, EventKind, IdHasher, RefusalReason, Refused, Run, RunId,
    RunState, StepKind, SystemEvent, Value, ValueType,
};
use crate::language::plan::{Enter, Place, Plan, Reenter};
use crate::time::{ClockTime, Date, Moment, TimeZone, at_clock_time};

/// Leads a contact into the journeys that an event points to.
pub(super) fn enter(
    world: &World<'_>,
    state: &mut ContactState,
    event: &Event,
    now: Moment,
    effects: &mut Effects,
) {
    match event.kind {
        EventKind::Track | EventKind::System => {
            for (version, plan) in world.plans.entered_by(&event.name) {
                let ways = plan.enters.iter().filter(|enter| enter.event.as_deref() == Some(&event.name));
                try_ways(world, state, event, (version, plan), ways.collect(), now, effects);
            }
        }
        EventKind::Request => match world.plans.active(&event.name) {
            Some((version, plan)) => {
                // Anybody may be let in by hand: where nothing says so, at the first way in.
                let by_request = plan.enters.iter().find(|enter| enter.event.is_none());
                let way = by_request.or(plan.enters.first()).into_iter().collect();
                try_ways(world, state, event, (version, plan), way, now, effects);
            }
            None => effects.refused.push(Refused {
                event: event.id,
                journey: event.name.clone(),
                reason: RefusalReason::NoEntry,
            }),
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

/// Tries the ways in that an event can mean; the first that is open is taken, and where none is, the first
/// reason is kept.
fn try_ways(
    world: &World<'_>,
    state: &mut ContactState,
    event: &Event,
    (version, plan): (u32, &Arc<Plan>),
    ways: Vec<&Enter>,
    now: Moment,
    effects: &mut Effects,
) {
    let mut refusal = None;
    for way in ways {
        match admitted(world, state, event, plan, way, now) {
            Ok(key) => {
                let run = begin(state, event, (version, plan), key, now, world);
                let into = way.into;
                let times = (event.at, now);
                let run = Turn::over(world, Arc::clone(plan), state, run, times, effects, |turn| {
                    turn.enter(event, into)
                });
                state.runs.push(run);
                return;
            }
            Err(reason) => {
                refusal.get_or_insert(reason);
            }
        }
    }
    if let Some(reason) = refusal {
        effects.refused.push(Refused { event: event.id, journey: plan.journey.clone(), reason });
    }
}

/// Whether somebody may enter, and under which key.
fn admitted(
    world: &World<'_>,
    state: &ContactState,
    event: &Event,
    plan: &Plan,
    way: &Enter,
    now: Moment,
) -> Result<String, RefusalReason> {
    let zone = clock_of(plan, state, world);
    let by_hand = event.kind == EventKind::Request;
    if let (Some(condition), false) = (&way.condition, by_hand) {
        let scope = Scope {
            contact: &state.contact,
            permissions: &state.permissions,
            zone: &zone,
            now,
            entry: &event.properties,
            at_hand: Some(&event.properties),
            branches: &[],
            reactions: &[],
            events: &state.events,
        };
        if !evaluate(condition, &scope).is_true() {
            return Err(RefusalReason::Condition);
        }
    }
    let key = match &way.per {
        Some(field) => match event.properties.get(field).map(|json| Value::from_json(json, &ValueType::Text))
        {
            Some(Value::Text(key)) if !key.is_empty() => key,
            _ => return Err(RefusalReason::NoKey),
        },
        None => String::new(),
    };
    let outside = plan.starts.is_some_and(|start| now < start_of(start, &zone))
        || plan.ends.is_some_and(|end| now >= end_of(end, &zone));
    if outside {
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

fn start_of((date, time): (Date, Option<ClockTime>), zone: &TimeZone) -> Moment {
    at_clock_time(date, time.unwrap_or(ClockTime::MIDNIGHT), zone)
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
    event: &Event,
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
        .part(event.id.bytes())
        .finish(event.at);
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
        entered_at: event.at.min(now),
        wake_at: None,
        goal_until: None,
        ended_at: None,
        outcome: None,
        state: RunState { entry: event.properties.clone(), since: event.at, ..RunState::default() },
    }
}

impl Turn<'_> {
    fn enter(&mut self, event: &Event, into: Place) {
        self.depth = event.depth;
        self.run.place = into.0;
        let what: &str = if event.kind == EventKind::Request { "by request" } else { &event.name };
        self.note(StepKind::Entered, what);
        let known: [(&str, serde_json::Value); 1] = [("journey", self.run.journey.as_str().into())];
        let properties: Attributes = attributes(known);
        self.signal(SystemEvent::JourneyEntered, properties);
        if self.run.arm == Arm::Treated && !self.leave_if_conditions_hold() {
            self.walk(into);
        }
    }
}
