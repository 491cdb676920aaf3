use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use super::World;
use super::change::next_change;
use super::evaluate::{Scope, evaluate};
use crate::domain::{
    Attributes, CallKind, ContactState, Effects, Event, EventId, EventKind, GoalReached, HistoryStep,
    IdHasher, Passed, Reacted, Run, StageMove, StepKind, SystemEvent, Value,
};
use crate::language::plan::{Expr, Leave, Place, Plan, Step};
use crate::time::{Length, Moment, TimeZone, zone};

/// How many places a run passes in one turn at the most; beyond it something goes round in a circle. Loops without
/// a wait are the longest ways that are none.
const PLACES_PER_TURN_MAX: usize = 10_000;

/// One run while it is moved. What changes is put back by [`with_turn`].
pub(super) struct Turn<'w> {
    pub(super) world: &'w World<'w>,
    pub(super) plan: Arc<Plan>,
    pub(super) zone: TimeZone,
    pub(super) state: &'w mut ContactState,
    pub(super) run: Run,
    /// When that happened which moves the run.
    pub(super) cause: Moment,
    pub(super) now: Moment,
    pub(super) effects: &'w mut Effects,
    /// How many turns led to this one with no time between them.
    pub(super) depth: u8,
    /// Whether anything about the run has changed.
    touched: bool,
}

/// How much a turn had led to at some point of it.
#[derive(Clone, Copy)]
struct Pending {
    messages: usize,
    past: usize,
    calls: usize,
    events: usize,
}

/// Moves the run of that index; a run whose plan is unknown stays as it is.
pub(super) fn with_turn(
    world: &World<'_>,
    state: &mut ContactState,
    index: usize,
    times: (Moment, Moment),
    effects: &mut Effects,
    act: impl FnOnce(&mut Turn<'_>),
) {
    let Some(run) = state.runs.get_mut(index) else { return };
    let before = super::versions::follow(world, run);
    let Some(plan) = world.plans.version(run.version).cloned() else { return };
    let run = state.runs.remove(index);
    let run = Turn::over(world, plan, state, run, times, effects, |turn| {
        if let Some(before) = before {
            turn.note(StepKind::Moved, format!("version {before}"));
            // The new version may ask for goals that the one before did not.
            turn.run.goal_until = turn.goal_until();
        }
        act(turn);
    });
    state.runs.insert(index, run);
}

impl<'w> Turn<'w> {
    /// Moves a run that is in no list yet, or was taken out of one.
    pub(super) fn over(
        world: &World<'_>,
        plan: Arc<Plan>,
        state: &mut ContactState,
        run: Run,
        (cause, now): (Moment, Moment),
        effects: &mut Effects,
        act: impl FnOnce(&mut Turn<'_>),
    ) -> Run {
        let zone = clock_of(&plan, state, world);
        let mut turn = Turn { world, plan, zone, state, run, cause, now, effects, depth: 0, touched: false };
        act(&mut turn);
        turn.settle();
        turn.run
    }

    /// What an expression can ask about here.
    pub(super) fn scope<'s>(&'s self, at_hand: Option<&'s Attributes>) -> Scope<'s> {
        Scope {
            contact: &self.state.contact,
            permissions: &self.state.permissions,
            zone: &self.zone,
            now: self.now,
            entry: &self.run.state.entry,
            at_hand,
            branches: &self.run.state.branches,
            reactions: &self.run.state.reactions,
            events: &self.state.events,
        }
    }

    pub(super) fn holds(&self, condition: Option<&Expr>, at_hand: Option<&Attributes>) -> bool {
        condition.is_none_or(|condition| evaluate(condition, &self.scope(at_hand)).is_true())
    }

    /// Notes that the run changes: this turn is committed onto the one before it.
    pub(super) fn touch(&mut self) {
        if !self.touched {
            self.touched = true;
            self.effects.touched.entry(self.run.id).or_insert(self.run.turn);
            self.run.turn += 1;
        }
    }

    pub(super) fn note(&mut self, kind: StepKind, detail: impl Into<String>) {
        self.touch();
        self.effects.history.push(HistoryStep {
            run: self.run.id,
            contact: self.run.contact,
            number: self.run.steps,
            at: self.now,
            version: self.run.version,
            place: self.run.place,
            kind,
            detail: detail.into(),
        });
        self.run.steps += 1;
    }

    /// Records an event of Lotse's own, where some journey listens to it.
    pub(super) fn signal(&mut self, event: SystemEvent, properties: Attributes) {
        if !self.world.plans.listen_to(event.name()) {
            return;
        }
        let id = IdHasher::new("event")
            .part(event.name())
            .part(self.run.id.bytes())
            .part(self.run.steps.to_be_bytes())
            .finish(self.cause);
        self.effects.events.push(Event {
            id: EventId(id),
            depth: self.depth.saturating_add(1),
            contact: self.run.contact,
            kind: EventKind::System,
            name: event.name().to_owned(),
            at: self.now,
            received_at: self.now,
            run: Some(self.run.id),
            properties,
        });
    }

    /// An event comes to the run, which may be at its end and only count goals.
    pub(super) fn on_event(&mut self, event: &Event) {
        self.depth = event.depth;
        self.remember(event);
        let reached = self.reach_goals(event);
        self.succeed(event);
        if !self.run.moves() || self.run.arm.is_measured() {
            return;
        }
        if let Some(outcome) = self.leaves_on(event, &reached) {
            self.end(outcome);
            return;
        }
        self.on_trigger(event);
    }

    /// The moment has come at which the run wanted to be looked at.
    pub(super) fn on_wake(&mut self) {
        if !self.run.moves() || self.run.wake_at.is_none_or(|wake| wake > self.now) {
            return;
        }
        // Whatever comes of it, the run has been looked at, and says anew when it wants to be.
        self.touch();
        if self.run.arm.is_measured() {
            self.end(self.run.arm.as_str().to_owned());
        } else if !self.leave_if_conditions_hold()
            && self.run.state.wait_until.is_some_and(|until| until <= self.now)
        {
            self.time_is_up();
        }
    }

    /// Leaves where a `leave when` holds; tells whether it did.
    pub(super) fn leave_if_conditions_hold(&mut self) -> bool {
        if !self.run.moves() || self.run.arm.is_measured() {
            return false;
        }
        let plan = Arc::clone(&self.plan);
        let holds = plan.leaves.iter().any(|leave| match leave {
            Leave::When(condition) => self.holds(Some(condition), None),
            _ => false,
        });
        if holds {
            self.end("left".to_owned());
        }
        holds
    }

    /// Looks at the `leave when` conditions after something happened; where time alone can change one, the run
    /// says anew when it wants to be looked at.
    pub(super) fn look_again(&mut self, depth: u8) {
        self.depth = depth;
        if self.leave_if_conditions_hold() || self.touched {
            return;
        }
        if self.next_wake() != self.run.wake_at {
            self.touch();
        }
    }

    fn leaves_on(&self, event: &Event, reached: &[u16]) -> Option<String> {
        self.plan.leaves.iter().find_map(|leave| match leave {
            Leave::OnGoal(None) if !reached.is_empty() => Some("goal".to_owned()),
            Leave::OnGoal(Some(goal)) if reached.contains(goal) => Some("goal".to_owned()),
            Leave::On { event: name, outcome, condition }
                if is_named(event, name)
                    && event.at >= self.run.entered_at
                    && self.holds(condition.as_ref(), Some(&event.properties)) =>
            {
                Some(outcome.clone())
            }
            _ => None,
        })
    }

    /// Counts the goals that an event reaches, and says which.
    fn reach_goals(&mut self, event: &Event) -> Vec<u16> {
        if self.run.goal_until.is_none_or(|until| event.at > until) || event.at < self.run.entered_at {
            return Vec::new();
        }
        let plan = Arc::clone(&self.plan);
        let mut reached = Vec::new();
        for (index, goal) in (0_u16..).zip(&plan.goals) {
            let open = !self.run.state.goals.contains(&goal.name)
                && is_named(event, &goal.event)
                && event.at <= goal.within.after(self.run.entered_at, &self.zone)
                && self.holds(goal.condition.as_ref(), Some(&event.properties));
            if !open {
                continue;
            }
            let worth =
                goal.worth.as_ref().map(|worth| evaluate(worth, &self.scope(Some(&event.properties))));
            let worth = match worth {
                Some(Value::Number(number)) => Some(number),
                _ => None,
            };
            self.note(StepKind::Goal, goal.name.as_str());
            self.run.state.goals.push(goal.name.clone());
            self.effects.goals.push(GoalReached {
                run: self.run.id,
                contact: self.run.contact,
                journey: self.run.journey.clone(),
                version: self.run.version,
                arm: self.run.arm,
                goal: goal.name.clone(),
                at: event.at,
                worth,
                event: event.id,
            });
            let value = worth.map_or(Json::Null, |worth| Value::Number(worth).to_json());
            let known = [
                ("journey", self.run.journey.as_str().into()),
                ("goal", goal.name.as_str().into()),
                ("value", value),
            ];
            self.signal(SystemEvent::GoalReached, attributes(known));
            reached.push(index);
        }
        reached
    }

    /// Until when some goal can still be reached; `None` where all are, or there is none.
    fn goals_open_until(&self) -> Option<Moment> {
        let open = self.plan.goals.iter().filter(|goal| !self.run.state.goals.contains(&goal.name));
        open.map(|goal| goal.within.after(self.run.entered_at, &self.zone)).max()
    }

    /// Until when an event may still reach a goal or be a success.
    fn goal_until(&self) -> Option<Moment> {
        self.goals_open_until().max(self.successes_open_until())
    }

    /// Says when the run wants to be looked at next.
    fn settle(&mut self) {
        if !self.touched {
            return;
        }
        self.run.goal_until = self.goal_until();
        self.run.wake_at = self.next_wake();
    }

    fn next_wake(&self) -> Option<Moment> {
        if !self.run.moves() {
            return None;
        }
        if self.run.arm.is_measured() {
            return Some(self.measured_until());
        }
        let conditions = self.plan.leaves.iter().filter_map(|leave| match leave {
            Leave::When(condition) => next_change(condition, &self.scope(None)),
            _ => None,
        });
        conditions.chain(self.run.state.wait_until).min()
    }

    /// Whoever is only measured leaves when the longest goal's time is over.
    fn measured_until(&self) -> Moment {
        const WITHOUT_GOALS: Length = Length::new(30, crate::time::Unit::Day);
        let longest =
            self.plan.goals.iter().map(|goal| goal.within.after(self.run.entered_at, &self.zone)).max();
        longest.unwrap_or_else(|| WITHOUT_GOALS.after(self.run.entered_at, &self.zone))
    }

    /// Goes from a place to the next wait or the end.
    pub(super) fn walk(&mut self, mut place: Place) {
        let plan = Arc::clone(&self.plan);
        self.run.state.wait_until = None;
        self.touch();
        let begun = self.pending();
        // The place that the run has waited at is one it has passed.
        let mut passed = BTreeSet::from([Place(self.run.place)]);
        for _ in 0..PLACES_PER_TURN_MAX {
            let Some(node) = plan.node(place) else {
                return self.hold(format!("its journey has no place {}", place.0));
            };
            let before = Place(self.run.place);
            self.run.place = place.0;
            self.passes(None);
            let next = match &node.step {
                Step::Stage { next } => {
                    // The first stage is come to from outside.
                    let from = self.run.state.inside.then(|| plan.stage_of(before).to_owned());
                    self.run.state.inside = true;
                    // Whoever comes to a stage has left every loop.
                    self.run.state.rounds.clear();
                    self.moved(from, Some(plan.stage_of(place).to_owned()));
                    self.note(StepKind::Stage, plan.stage_of(place));
                    Some(*next)
                }
                Step::Send(step) => self.send(step),
                Step::Call { hook, with, next } => {
                    self.call(CallKind::Call, hook, with);
                    Some(*next)
                }
                Step::HandOff { team, with, next } => {
                    self.call(CallKind::HandOff, team, with);
                    Some(*next)
                }
                Step::Alert { team, text, next } => {
                    self.alert(team, text);
                    Some(*next)
                }
                Step::Wait { until, next } => {
                    let again = !passed.insert(place);
                    (!self.waits_until(until, again)).then_some(*next)
                }
                Step::Experiment { name, variants } => self.experiment(name, variants),
                Step::Repeat { times, body, next } => Some(self.round(*times, *body, *next)),
                Step::WaitUpTo { limit, branches, otherwise } => {
                    self.wait_up_to(*limit, branches, *otherwise)
                }
                Step::If { branches, otherwise } => Some(self.branch(branches, *otherwise)),
                Step::Change { change, next } => {
                    self.change(change);
                    Some(*next)
                }
                Step::Permit { topic, allowed, next } => {
                    self.permit(topic, *allowed);
                    Some(*next)
                }
                Step::Record { event, with, next } => {
                    self.record(event, with);
                    Some(*next)
                }
                Step::Start { journey, with, next } => {
                    self.start(journey, with);
                    Some(*next)
                }
                Step::End { outcome } => {
                    self.end(outcome.clone());
                    None
                }
            };
            match next {
                Some(next) => place = next,
                None => return,
            }
        }
        self.take_back(begun);
        self.hold("it goes round in a circle without a wait: nothing of this turn was sent".to_owned());
    }

    /// How much the turn has led to that leaves Lotse, or leads to other turns.
    fn pending(&self) -> Pending {
        let effects = &self.effects;
        Pending {
            messages: effects.messages.len(),
            past: self.state.messages.len(),
            calls: effects.calls.len(),
            events: effects.events.len(),
        }
    }

    /// Takes back what was decided since then.
    fn take_back(&mut self, pending: Pending) {
        self.effects.messages.truncate(pending.messages);
        self.state.messages.truncate(pending.past);
        self.effects.calls.truncate(pending.calls);
        self.effects.events.truncate(pending.events);
    }

    pub(super) fn wait(&mut self, until: Moment) {
        self.run.state.wait_until = Some(until);
        self.run.state.since = self.cause;
        self.note(StepKind::Waiting, until.to_string());
    }

    /// Notes that the run came to the present place, or which way it takes from there.
    pub(super) fn passes(&mut self, way: Option<usize>) {
        let way = way.and_then(|way| u16::try_from(way).ok());
        let (version, place) = (self.run.version, self.run.place);
        self.effects.passed.push(Passed { version, place, way });
    }

    fn branch(&mut self, branches: &[(Expr, Place)], otherwise: Place) -> Place {
        let found = branches.iter().position(|(condition, _)| self.holds(Some(condition), None));
        match found.and_then(|index| Some((index, branches.get(index)?.1))) {
            Some((index, place)) => {
                self.passes(Some(index));
                self.note(StepKind::Took, format!("condition {}", index + 1));
                place
            }
            None => {
                self.passes(Some(branches.len()));
                self.note(StepKind::Took, "no condition");
                otherwise
            }
        }
    }

    pub(super) fn end(&mut self, outcome: String) {
        let from = self.run.state.inside.then(|| self.plan.stage_of(Place(self.run.place)).to_owned());
        self.moved(from, None);
        self.run.ended_at = Some(self.now);
        self.run.state.wait_until = None;
        self.run.outcome = Some(outcome.clone());
        let known = [("journey", self.run.journey.as_str().into()), ("outcome", outcome.as_str().into())];
        self.signal(SystemEvent::JourneyLeft, attributes(known));
        self.note(StepKind::Ended, outcome);
    }

    /// Stops a run that cannot go on, for somebody to look at it.
    pub(super) fn hold(&mut self, why: String) {
        self.note(StepKind::Held, why.as_str());
        self.run.state.held = Some(why);
    }

    fn moved(&mut self, from: Option<String>, to: Option<String>) {
        self.touch();
        self.effects.moves.push(StageMove { run: self.run.id, from, to });
    }

    /// What an event says the contact did with a message of this run, or with a survey in one.
    pub(super) fn reaction(&self, event: &Event) -> Option<Reacted> {
        let is_answer = event.name == SystemEvent::SurveyAnswered.name();
        let is_reaction =
            event.kind == EventKind::System && (is_answer || event.name.starts_with("message_"));
        if event.run != Some(self.run.id) || !is_reaction {
            return None;
        }
        let text = |name: &str| event.properties.get(name).and_then(Json::as_str).map(str::to_owned);
        let message = text(if is_answer { "survey" } else { "message" })?;
        let answer = if is_answer { event.properties.clone() } else { Attributes::new() };
        Some(Reacted { event: event.name.clone(), message, link: text("link"), answer, at: event.at })
    }

    /// Remembers what the contact did with a message of this run.
    fn remember(&mut self, event: &Event) {
        let Some(reacted) = self.reaction(event).filter(|_| self.run.is_live()) else { return };
        self.touch();
        let reactions = &mut self.run.state.reactions;
        reactions.retain(|known| {
            (&known.event, &known.message, &known.link) != (&reacted.event, &reacted.message, &reacted.link)
        });
        // The oldest is forgotten first; no journey asks about so many links.
        const REACTIONS_MAX: usize = 64;
        if reactions.len() >= REACTIONS_MAX {
            reactions.remove(0);
        }
        reactions.push(reacted);
    }
}

/// Whose clock counts: the journey's, the contact's, the workspace's.
pub(super) fn clock_of(plan: &Plan, state: &ContactState, world: &World<'_>) -> TimeZone {
    let named = plan.timezone.as_deref().or(state.contact.timezone.as_deref());
    named.and_then(zone).unwrap_or_else(|| world.zone.clone())
}

/// Whether an event is the one that a plan names: of the customer's systems, or Lotse's own.
pub(super) fn is_named(event: &Event, name: &str) -> bool {
    event.name == name && event.kind.counts()
}

pub(super) fn attributes<const N: usize>(known: [(&str, Json); N]) -> Attributes {
    known.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
