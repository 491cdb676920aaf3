use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Change, Expr, Leave, Limits, Pick, Place, Plan, Step, Until};
use crate::time::{Length, Moment, Unit};

/// What a turn may ask for, so that it can be loaded for a whole batch beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// What the contact allows and refuses.
    pub permissions: bool,
    /// Past events by their names on the wire, and how far back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<String, Reach>,
    /// Past messages, and how far back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Reach>,
    /// What is remembered for ways in that time decides; no plan says so, but whoever moves contacts.
    #[serde(skip)]
    pub watch: bool,
    /// The journeys that the contact has left; asked for where somebody may enter, which no plan says either.
    #[serde(skip)]
    pub left: bool,
}

/// How far back something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// That long.
    Within(Length),
    /// To the beginning.
    Forever,
}

impl Reach {
    /// The longer of two.
    #[must_use]
    pub fn or(self, other: Reach) -> Reach {
        match (self, other) {
            (Reach::Within(left), Reach::Within(right)) if left.seconds_max() >= right.seconds_max() => self,
            (Reach::Within(_), _) => other,
            (Reach::Forever, _) => self,
        }
    }

    /// A moment before which nothing is asked for, whatever the zone.
    pub fn since(self, now: Moment) -> Moment {
        /// Zones differ by less, and so does a calendar from a count of seconds.
        const SLACK_SECONDS: i64 = 2 * 86_400;
        match self {
            Reach::Within(length) => now.plus_seconds(-length.seconds_max()).plus_seconds(-SLACK_SECONDS),
            Reach::Forever => Moment::MIN,
        }
    }
}

impl Needs {
    /// Permissions and nothing else.
    pub const PERMISSIONS: Needs =
        Needs { permissions: true, events: BTreeMap::new(), messages: None, watch: false, left: false };

    /// What either of two turns asks for.
    #[must_use]
    pub fn or(mut self, other: &Needs) -> Needs {
        self.permissions |= other.permissions;
        self.watch |= other.watch;
        self.left |= other.left;
        for (event, reach) in &other.events {
            self.events.entry(event.clone()).and_modify(|known| *known = known.or(*reach)).or_insert(*reach);
        }
        self.messages = self.messages.into_iter().chain(other.messages).reduce(Reach::or);
        self
    }

    /// Past messages as far back as caps count them.
    pub fn of_caps(limits: &Limits) -> Needs {
        let reach = limits.caps.iter().map(|cap| Reach::Within(cap.per)).reduce(Reach::or);
        Needs { messages: reach, ..Needs::default() }
    }

    /// What an expression asks for.
    pub fn of(expression: &Expr) -> Needs {
        let mut needs = Needs::default();
        expression.walk(&mut |expr| match expr {
            Expr::Allows(_) => needs.permissions = true,
            Expr::Aggregate(aggregate) => {
                let reach = aggregate.last.map_or(Reach::Forever, Reach::Within);
                let event = BTreeMap::from([(aggregate.event.clone(), reach)]);
                needs = std::mem::take(&mut needs).or(&Needs { events: event, ..Needs::default() });
            }
            _ => {}
        });
        needs
    }
}

/// How far back the messages of a contact tell when and by which channel to write.
const HABITS: Reach = Reach::Within(Length::new(90, Unit::Day));

/// Notes at each place what a turn that begins there may ask for: everything on all paths up to the next waits,
/// and what the clauses at the head ask at any time. A wait that can be passed at once is none here.
pub(super) fn find(plan: &mut Plan) {
    let head = head(plan);
    let caps = Needs::of_caps(&plan.policy.limits).or(&Needs::of_caps(&plan.limits));
    let own: Vec<Needs> = plan.nodes.iter().map(|node| of_step(&node.step, &caps)).collect();
    let next: Vec<Vec<Place>> = plan.nodes.iter().map(|node| node.step.next()).collect();
    let waits: Vec<bool> = plan
        .nodes
        .iter()
        .map(|node| matches!(&node.step, Step::Wait { until, .. } if until.always_waits()))
        .collect();
    for (node, needs) in plan.nodes.iter_mut().zip(through(&own, &next, &waits)) {
        node.needs = head.clone().or(&needs);
    }
}

/// What is asked for from each node on: at the node, and where paths go on up to the next waits. What is learned of a
/// node is handed back to those before it until nothing is new, so that long stages cost no more than short ones.
fn through(own: &[Needs], next: &[Vec<Place>], waits: &[bool]) -> Vec<Needs> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); own.len()];
    for (index, places) in next.iter().enumerate() {
        for place in places {
            before.get_mut(usize::from(place.0)).into_iter().for_each(|before| before.push(index));
        }
    }
    let mut through = own.to_vec();
    let mut todo: Vec<usize> = (0..own.len()).collect();
    while let Some(at) = todo.pop() {
        let stops = waits.get(at).copied().unwrap_or(false);
        let Some(asked) = (if stops { own.get(at) } else { through.get(at) }).cloned() else { continue };
        for index in before.get(at).into_iter().flatten() {
            let Some(known) = through.get_mut(*index) else { continue };
            let needs = known.clone().or(&asked);
            if needs != *known {
                *known = needs;
                todo.push(*index);
            }
        }
    }
    through
}

fn head(plan: &Plan) -> Needs {
    let mut needs = Needs::default();
    let goals = plan.goals.iter().flat_map(|goal| goal.condition.iter().chain(&goal.worth));
    let leaves = plan.leaves.iter().filter_map(|leave| match leave {
        Leave::On { condition, .. } => condition.as_ref(),
        Leave::When(condition) => Some(condition),
        Leave::OnGoal(_) => None,
    });
    for expression in goals.chain(leaves) {
        needs = needs.or(&Needs::of(expression));
    }
    needs
}

/// `caps` is what the caps ask for.
fn of_step(step: &Step, caps: &Needs) -> Needs {
    let mut needs = Needs::default();
    step.each_expression(&mut |expression| {
        needs = std::mem::take(&mut needs).or(&Needs::of(expression));
    });
    if let Step::Send(send) = step {
        let asks_habits = send.pick == Pick::Best || send.best_time.is_some();
        let habits = Needs { messages: asks_habits.then_some(HABITS), ..Needs::PERMISSIONS };
        needs = needs.or(caps).or(&habits);
    }
    needs
}

impl Until {
    /// Whether time passes whenever a run comes here.
    fn always_waits(&self) -> bool {
        match self {
            Until::Length(length) => !length.is_zero(),
            Until::BusinessDays(days) => *days > 0,
            Until::Time(_) | Until::Weekday(..) | Until::Value { .. } | Until::Window(_) => false,
        }
    }
}

impl Step {
    /// The places a run can go on at.
    pub fn next(&self) -> Vec<Place> {
        let mut places = Vec::new();
        self.clone().each_next(&mut |place| places.push(*place));
        places
    }

    /// Calls `change` with every place that leads on.
    fn each_next(&mut self, change: &mut dyn FnMut(&mut Place)) {
        match self {
            Step::Stage { next }
            | Step::Call { next, .. }
            | Step::HandOff { next, .. }
            | Step::Alert { next, .. }
            | Step::Wait { next, .. }
            | Step::Permit { next, .. }
            | Step::Record { next, .. }
            | Step::Start { next, .. }
            | Step::Change { next, .. } => change(next),
            Step::Repeat { body, next, .. } => {
                change(body);
                change(next);
            }
            Step::Send(send) => {
                change(&mut send.next);
                send.otherwise.iter_mut().for_each(change);
            }
            Step::WaitUpTo { branches, otherwise, .. } => {
                branches.iter_mut().for_each(|branch| change(&mut branch.next));
                change(otherwise);
            }
            Step::Experiment { variants, .. } => {
                variants.iter_mut().for_each(|variant| change(&mut variant.next));
            }
            Step::If { branches, otherwise } => {
                branches.iter_mut().for_each(|(_, place)| change(place));
                change(otherwise);
            }
            Step::End { .. } => {}
        }
    }

    /// Calls `change` with every place named anywhere, those of calls that may be answered included.
    pub(super) fn each_place(&mut self, change: &mut dyn FnMut(&mut Place)) {
        use super::Trigger;
        self.each_next(change);
        if let Step::WaitUpTo { branches, .. } = self {
            for branch in branches {
                if let Trigger::Reply(place) | Trigger::Accepted(place) | Trigger::Rejected(place) =
                    &mut branch.trigger
                {
                    change(place);
                }
            }
        }
    }

    /// Calls `see` with every expression of the step.
    pub fn each_expression<'a>(&'a self, see: &mut dyn FnMut(&'a Expr)) {
        match self {
            Step::Send(send) => {
                send.choices.iter().filter_map(|choice| choice.to.as_ref()).for_each(&mut *see);
                send.with.iter().for_each(|(_, value)| see(value));
            }
            Step::Call { with, .. }
            | Step::HandOff { with, .. }
            | Step::Record { with, .. }
            | Step::Start { with, .. } => with.iter().for_each(|(_, value)| see(value)),
            Step::Wait { until: Until::Value { value, .. }, .. } => see(value),
            Step::WaitUpTo { branches, .. } => {
                branches.iter().filter_map(|branch| branch.condition.as_ref()).for_each(see);
            }
            Step::If { branches, .. } => branches.iter().for_each(|(condition, _)| see(condition)),
            Step::Change { change: Change::Set { value, .. }, .. } => see(value),
            Step::Change { change: Change::Add { amount, current, .. }, .. } => {
                see(amount);
                see(current);
            }
            _ => {}
        }
    }
}
