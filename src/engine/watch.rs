//! Ways into journeys that time decides, and those behind a condition that must become true. Whoever is watched has
//! one moment at which to be looked at next; nobody walks over all contacts to see whose moment has come.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use uuid::Uuid;

use super::change::next_change;
use super::entry::{self, Cause};
use super::evaluate::{Scope, evaluate};
use super::turn::clock_of;
use super::waits::moment_of;
use super::ways::Way;
use super::{Input, World, look_at_leave_conditions};
use crate::domain::{
    Attributes, ContactState, Effects, EventId, IdHasher, RefusalReason, Value, Watch, WatchState,
};
use crate::language::plan::{Enter, EnterKind, Expr, Plan};
use crate::time::{ClockTime, Date, Moment, TimeZone, at_clock_time, date_of};

/// How often one thing that happens may make conditions true by turns.
const ROUNDS_MAX: u8 = 16;

/// Looks out for what leads a contact in, while it is moved.
pub(super) struct Lookout<'w> {
    world: &'w World<'w>,
    now: Moment,
    ways: Vec<Watched<'w>>,
    refused: BTreeMap<String, (Moment, RefusalReason)>,
}

/// A way in, and what is known of it for the contact.
struct Watched<'w> {
    way: &'w Way,
    plan: &'w std::sync::Arc<Plan>,
    enter: &'w Enter,
    /// Moments up to here have been looked at, or do not count.
    from: Moment,
    /// Whether its condition held when it was looked at last.
    held: bool,
}

impl<'w> Lookout<'w> {
    /// Begins before anything happens to the contact: what held until then is known from now on.
    pub(super) fn begin(world: &'w World<'w>, state: &ContactState, now: Moment) -> Self {
        let known = state.watch.clone().unwrap_or_default();
        let mut lookout = Self { world, now, ways: Vec::new(), refused: known.state.refused };
        for way in world.plans.watched() {
            let Some((plan, enter)) =
                world.plans.version(way.version).and_then(|plan| Some((plan, plan.enters.get(way.index)?)))
            else {
                continue;
            };
            let zone = clock_of(plan, state, world);
            if !entry::is_open(plan, now, &zone) {
                continue;
            }
            let since = entry::start_of(plan, &zone).map_or(way.since, |start| start.max(way.since));
            let created = state.contact.created_at;
            let mut watched = Watched { way, plan, enter, from: since.max(created), held: false };
            if known.state.seen.contains(&way.key) {
                watched.from = known.looked_at.max(since);
                watched.held = known.state.held.contains(&way.key);
            } else if let EnterKind::When { condition, backfill: false } = &enter.kind
                && created < since
            {
                // Whoever matches already does not enter.
                watched.held = holds(condition, state, &zone, now);
            }
            lookout.ways.push(watched);
        }
        // Of ways that lead in at one moment, that of the journey that matters most goes first.
        lookout.ways.sort_by_key(|watched| Reverse(watched.plan.priority));
        lookout
    }

    /// Leads in for the moments up to one, and tells whether anybody entered; of a recurring one that was missed
    /// several times, the last counts.
    pub(super) fn until(&mut self, to: Moment, state: &mut ContactState, effects: &mut Effects) -> bool {
        let to = to.min(self.now);
        let mut come: Vec<(Moment, usize)> = Vec::new();
        for (index, watched) in self.ways.iter_mut().enumerate() {
            let zone = clock_of(watched.plan, state, self.world);
            if to > watched.from {
                let last = last(&watched.enter.kind, state, &zone, self.now);
                come.extend(last.filter(|at| *at > watched.from && *at <= to).map(|at| (at, index)));
                watched.from = to;
            }
        }
        come.sort_unstable();
        let mut entered = false;
        for (at, index) in come {
            entered |= self.lead_in(index, (Uuid::nil(), 0, 0), at, state, effects);
        }
        entered
    }

    /// Looks at the conditions after something happened, or after time has passed.
    pub(super) fn look(&mut self, input: Option<&Input>, state: &mut ContactState, effects: &mut Effects) {
        let (cause, at) = match input {
            Some(Input::Event(event)) => (event.id.0, event.at.min(self.now)),
            Some(Input::Wake { run, at }) => (run.0, *at),
            None => (Uuid::nil(), self.now),
        };
        let depth = input.map_or(0, Input::depth);
        for round in 0..ROUNDS_MAX {
            let mut entered = false;
            for index in 0..self.ways.len() {
                let Some(watched) = self.ways.get_mut(index) else { break };
                let EnterKind::When { condition, .. } = &watched.enter.kind else { continue };
                let zone = clock_of(watched.plan, state, self.world);
                let before = std::mem::replace(&mut watched.held, holds(condition, state, &zone, self.now));
                if watched.held && !before {
                    self.lead_in(index, (cause, round, depth), at, state, effects);
                    entered = true;
                }
            }
            // Whoever entered may have been changed on the way.
            if !entered {
                break;
            }
        }
    }

    /// Tries a way, and tells whether it led in.
    fn lead_in(
        &mut self,
        index: usize,
        (cause, round, depth): (Uuid, u8, u8),
        at: Moment,
        state: &mut ContactState,
        effects: &mut Effects,
    ) -> bool {
        let Some(Watched { way, plan, enter, .. }) = self.ways.get(index) else { return false };
        let id = IdHasher::new("moment")
            .part(&way.key)
            .part(way.index.to_be_bytes())
            .part(cause.as_bytes())
            .part([round])
            .finish(at);
        let nothing = Attributes::new();
        let cause =
            Cause { id: EventId(id), at, text: &enter.text, properties: &nothing, by_hand: false, depth };
        match entry::try_ways(self.world, state, &cause, (way.version, plan), &[enter], self.now, effects) {
            Ok(()) => {
                self.refused.remove(&plan.journey);
                look_at_leave_conditions(self.world, state, (at, depth), self.now, effects);
                true
            }
            // Most contacts are not meant by most conditions: that is nothing to remember.
            Err(Some(reason)) if reason != RefusalReason::Condition => {
                self.refused.insert(plan.journey.clone(), (at, reason));
                false
            }
            Err(_) => false,
        }
    }

    /// Says when the contact must be looked at next, where that or anything else has changed.
    pub(super) fn end(self, state: &mut ContactState, effects: &mut Effects) {
        let mut watch = Watch { looked_at: self.now, ..Watch::default() };
        let WatchState { seen, held, .. } = &mut watch.state;
        for watched in &self.ways {
            seen.insert(watched.way.key.clone());
            if watched.held {
                held.insert(watched.way.key.clone());
            }
        }
        watch.state.refused = self.refused;
        watch.state.refused.retain(|journey, _| self.world.plans.active(journey).is_some());
        watch.due_at = due(self.world, state, self.now);
        let changes = match &state.watch {
            // Nothing was to be looked at in between: the moment of the last look is as good as this one.
            Some(known) => {
                known.due_at != watch.due_at
                    || known.state != watch.state
                    || known.due_at.is_some_and(|due| due <= self.now)
            }
            None => watch.due_at.is_some() || watch.state != WatchState::default(),
        };
        if changes {
            effects.watch = Some(watch.clone());
            state.watch = Some(watch);
        }
    }
}

/// When a contact must be looked at next: the first moment after now at which any way in may lead it in by time alone.
fn due(world: &World<'_>, state: &ContactState, now: Moment) -> Option<Moment> {
    let next = |way: &Way| {
        let plan = world.plans.version(way.version)?;
        let zone = clock_of(plan, state, world);
        match entry::start_of(plan, &zone).filter(|start| *start > now) {
            Some(start) => Some(start),
            None if entry::is_open(plan, now, &zone) => {
                next(&plan.enters.get(way.index)?.kind, state, &zone, now)
            }
            None => None,
        }
    };
    world.plans.watched().filter_map(next).min().filter(|due| *due < Moment::MAX)
}

/// The last moment up to now at which a way leads in.
fn last(kind: &EnterKind, state: &ContactState, zone: &TimeZone, now: Moment) -> Option<Moment> {
    match kind {
        EnterKind::Every(recurrence) => recurrence.last(now, zone),
        EnterKind::Yearly { moment, at } => {
            anniversaries(moment, *at, state, zone, now).into_iter().rfind(|at| *at <= now)
        }
        _ => named(kind, state, zone, now).filter(|at| *at <= now),
    }
}

/// The first moment after now at which a way leads in, or may do so.
fn next(kind: &EnterKind, state: &ContactState, zone: &TimeZone, now: Moment) -> Option<Moment> {
    match kind {
        EnterKind::Every(recurrence) => recurrence.next(now, zone),
        EnterKind::Yearly { moment, at } => {
            anniversaries(moment, *at, state, zone, now).into_iter().find(|at| *at > now)
        }
        EnterKind::When { condition, .. } => {
            with_scope(state, zone, now, |scope| next_change(condition, scope))
        }
        _ => named(kind, state, zone, now).filter(|at| *at > now),
    }
}

/// The one moment at which a way leads in, as far as the contact is known now.
fn named(kind: &EnterKind, state: &ContactState, zone: &TimeZone, now: Moment) -> Option<Moment> {
    match kind {
        EnterKind::Dated { moment, at } => moment_of(&value(moment, state, zone, now), *at, zone),
        EnterKind::Without { length, event } => {
            let last = state.events.get(event).and_then(|events| events.last()).map(|event| event.at);
            Some(length.after(last.unwrap_or(state.contact.created_at), zone))
        }
        _ => None,
    }
}

/// The day and month of a date in the years around now, in order.
fn anniversaries(
    moment: &Expr,
    at: Option<ClockTime>,
    state: &ContactState,
    zone: &TimeZone,
    now: Moment,
) -> Vec<Moment> {
    let date = match value(moment, state, zone, now) {
        Value::Date(date) => date,
        Value::Moment(moment) => date_of(moment, zone),
        _ => return Vec::new(),
    };
    let year = date_of(now, zone).year();
    // 29 February is the 28th where there is none.
    let in_year = |year| {
        let first = Date::new(year, date.month(), 1).ok()?;
        Date::new(year, date.month(), date.day().min(first.days_in_month())).ok()
    };
    let dates = (year.saturating_sub(1)..=year.saturating_add(1)).filter_map(in_year);
    dates.map(|date| at_clock_time(date, at.unwrap_or(ClockTime::MIDNIGHT), zone)).collect()
}

fn value(expr: &Expr, state: &ContactState, zone: &TimeZone, now: Moment) -> Value {
    with_scope(state, zone, now, |scope| evaluate(expr, scope))
}

fn holds(condition: &Expr, state: &ContactState, zone: &TimeZone, now: Moment) -> bool {
    value(condition, state, zone, now).is_true()
}

/// What can be asked about a contact where nothing has happened.
fn with_scope<T>(state: &ContactState, zone: &TimeZone, now: Moment, ask: impl FnOnce(&Scope<'_>) -> T) -> T {
    let nothing = Attributes::new();
    ask(&Scope {
        contact: &state.contact,
        permissions: &state.permissions,
        zone,
        now,
        entry: &nothing,
        at_hand: None,
        branches: &[],
        reactions: &[],
        events: &state.events,
    })
}
