use std::collections::BTreeMap;

use super::{
    Attribute, Branch, Change, Choice, Enter, Goal, Leave, Message, Needs, Node, PLAN_FORMAT, Place, Plan,
    Reenter, SendStep, Step, Trigger, Until, Variant, experiment, needs,
};
use crate::language::check::Checked;
use crate::language::model::{self, Block, Expr, Journey, Statement, StatementKind, Timezone, Wait};
use crate::source::Sources;
use crate::time::{Length, Unit};

/// How long a goal without `within` counts.
const GOAL_WITHIN_DEFAULT: Length = Length::new(30, Unit::Day);
/// How many places a plan has at the most.
const PLACES_MAX: usize = u16::MAX as usize;

/// Makes the plan of a journey; `None` where the workspace has errors in it, or where the journey has more than
/// 65,535 places.
pub fn compile(journey: &Journey, checked: &Checked, sources: &Sources) -> Option<Plan> {
    let model = &checked.model;
    let mut compiler = Compiler { journey, sources, nodes: Vec::new() };
    let nodes = compiler.nodes()?;
    let mut plan = Plan {
        format: PLAN_FORMAT,
        journey: journey.name.clone(),
        label: journey.label.clone(),
        owner: journey.owner.clone(),
        timezone: match &journey.timezone {
            Timezone::Contact => None,
            Timezone::Named(name) => Some(name.clone()),
        },
        enters: journey.enters.iter().map(|way| enter(way, sources)).collect(),
        reenter: match journey.reenter {
            model::Reenter::Never => Reenter::Never,
            model::Reenter::Always => Reenter::Always,
            model::Reenter::After(length) => Reenter::After(length),
        },
        starts: journey.starts,
        ends: journey.ends,
        permission: journey
            .permission
            .clone()
            .filter(|topic| model.topic(topic).is_some_and(|topic| !topic.essential)),
        goals: journey.goals.iter().map(goal).collect(),
        leaves: journey.leaves.iter().map(leave).collect(),
        control: journey.control,
        moves: journey.moves,
        policy: model.policy.clone(),
        limits: journey.limits.clone(),
        priority: journey.priority,
        stages: journey.stages.iter().map(|stage| stage.name.clone()).collect(),
        nodes,
        picks: experiment::picks(journey)?,
        messages: BTreeMap::new(),
        surveys: BTreeMap::new(),
        attributes: model.contact.iter().map(attribute).collect(),
    };
    plan.messages = messages(journey, checked, &plan)?;
    let led_to = plan.messages.values().flat_map(Message::surveys);
    plan.surveys =
        led_to.map(|name| Some((name.clone(), model.surveys.get(name)?.clone()))).collect::<Option<_>>()?;
    needs::find(&mut plan);
    Some(plan)
}

fn enter(enter: &model::Enter, sources: &Sources) -> Enter {
    let text = crate::language::picture::headline(sources.text(enter.span));
    Enter {
        text: text.strip_prefix("enter ").map_or(text.clone(), str::to_owned),
        kind: enter.kind.clone(),
        condition: enter.condition.clone(),
        per: enter.per.clone(),
        into: place(enter.into),
    }
}

fn goal(goal: &model::Goal) -> Goal {
    Goal {
        name: goal.name.clone(),
        event: goal.event.clone(),
        condition: goal.condition.clone(),
        within: goal.within.unwrap_or(GOAL_WITHIN_DEFAULT),
        worth: goal.worth.clone(),
    }
}

fn leave(leave: &model::Leave) -> Leave {
    match leave {
        model::Leave::On { event, name, condition } => {
            Leave::On { event: event.clone(), outcome: name.clone(), condition: condition.clone() }
        }
        model::Leave::OnGoal(index) => Leave::OnGoal(index.and_then(|index| u16::try_from(index).ok())),
        model::Leave::When(condition) => Leave::When(condition.clone()),
    }
}

fn attribute(field: &model::Field) -> (String, Attribute) {
    (
        field.name.clone(),
        Attribute { of: field.of.clone(), default: field.default.clone().unwrap_or_default() },
    )
}

fn messages(journey: &Journey, checked: &Checked, plan: &Plan) -> Option<BTreeMap<String, Message>> {
    let mut messages = BTreeMap::new();
    for node in &plan.nodes {
        let Step::Send(send) = &node.step else { continue };
        for Choice { message: name, .. } in &send.choices {
            messages.insert(name.clone(), message(name, journey, checked)?);
        }
    }
    Some(messages)
}

fn message(name: &str, journey: &Journey, checked: &Checked) -> Option<Message> {
    let model = &checked.model;
    let message = model.message(name)?;
    let texts = checked.texts.get(name)?;
    let topic = model.topic(message.topic.as_ref().or(journey.permission.as_ref())?)?;
    Some(Message {
        channel: message.channel.clone(),
        topic: topic.name.clone(),
        topic_label: topic.label.clone(),
        essential: topic.essential,
        sender: match message.address {
            None => message.sender.clone()?,
            Some(_) => String::new(),
        },
        address: message.address.clone(),
        text: (*texts.default).clone(),
        languages: texts.languages.iter().map(|(tag, text)| (tag.clone(), (**text).clone())).collect(),
    })
}

fn place(index: usize) -> Place {
    Place(u16::try_from(index).unwrap_or(u16::MAX))
}

/// Lays the statements of a journey out as nodes. A block is laid out from its end to its beginning, so that
/// each statement knows where a run goes on behind it.
struct Compiler<'a> {
    journey: &'a Journey,
    sources: &'a Sources,
    nodes: Vec<Node>,
}

/// Where a statement stands: its stage and the numbers that lead to it.
struct At {
    stage: usize,
    id: String,
    /// How many `on` stand around.
    depth: u8,
    /// Where a run goes on behind the innermost `repeat` around.
    out: Option<Place>,
}

impl Compiler<'_> {
    fn nodes(&mut self) -> Option<Vec<Node>> {
        for (stage, body) in self.journey.stages.iter().enumerate() {
            let line = self.sources.place(body.span).1.line;
            self.push(Node {
                id: body.name.clone(),
                stage: u16::try_from(stage).ok()?,
                line,
                text: format!("stage {}", body.name),
                step: Step::Stage { next: Place(0) },
                needs: Needs::default(),
            });
        }
        for (stage, body) in self.journey.stages.iter().enumerate() {
            let at = At { stage, id: body.name.clone(), depth: 0, out: None };
            // No path runs out of a stage that was checked; were one to, it would end here.
            let end = self.node(&at, "end", body.span, Step::End { outcome: "done".to_owned() });
            let next = self.block(&body.body, &at, end)?;
            self.nodes.get_mut(stage)?.step = Step::Stage { next };
        }
        (self.nodes.len() <= PLACES_MAX).then(|| self.in_order())
    }

    fn push(&mut self, node: Node) -> Place {
        self.nodes.push(node);
        place(self.nodes.len() - 1)
    }

    fn node(&mut self, at: &At, number: &str, span: crate::source::Span, step: Step) -> Place {
        let line = self.sources.place(span).1.line;
        let stage = u16::try_from(at.stage).unwrap_or(u16::MAX);
        let text = crate::language::picture::headline(self.sources.text(span));
        self.push(Node {
            id: format!("{}.{number}", at.id),
            stage,
            line,
            text,
            step,
            needs: Needs::default(),
        })
    }

    /// Lays a block out and says where it begins.
    fn block(&mut self, block: &Block, at: &At, next: Place) -> Option<Place> {
        let mut next = next;
        for (index, statement) in block.statements.iter().enumerate().rev() {
            next = self.statement(statement, at, index + 1, next)?;
        }
        Some(next)
    }

    /// The block of a branch: its statements are numbered below the statement it belongs to.
    fn branch(&mut self, block: &Block, at: &At, number: usize, branch: &str, next: Place) -> Option<Place> {
        let id = format!("{}.{number}.{branch}", at.id);
        let at = At { stage: at.stage, id, depth: at.depth, out: at.out };
        self.block(block, &at, next)
    }

    fn statement(&mut self, statement: &Statement, at: &At, number: usize, next: Place) -> Option<Place> {
        let change = |change| Step::Change { change, next };
        let step = match &statement.kind {
            StatementKind::Send { messages, pick, with, best_time, otherwise } => {
                let otherwise = match otherwise {
                    Some(block) => Some(self.branch(block, at, number, "otherwise", next)?),
                    None => None,
                };
                let choice = |one: &model::SendTo| Choice { message: one.name.clone(), to: one.to.clone() };
                let choices = messages.iter().map(choice).collect();
                let (with, best_time) = (with.clone(), *best_time);
                Step::Send(SendStep { choices, pick: *pick, with, best_time, next, otherwise })
            }
            StatementKind::Call { wait, .. } | StatementKind::HandOff { wait, .. } => {
                return self.call(statement, wait.as_ref(), at, number, next);
            }
            StatementKind::Alert { team, text } => {
                Step::Alert { team: team.clone(), text: text.clone(), next }
            }
            StatementKind::WaitFor(length) => Step::Wait { until: Until::Length(*length), next },
            StatementKind::WaitUntil(until) => Step::Wait { until: self::until(until), next },
            StatementKind::WaitUpTo(wait) => self.wait(wait, at, number, next, Place(0))?,
            StatementKind::If { branches, otherwise } => {
                let mut laid = Vec::new();
                for (index, (condition, block)) in branches.iter().enumerate() {
                    let start = self.branch(block, at, number, &(index + 1).to_string(), next)?;
                    laid.push((condition.clone(), start));
                }
                let otherwise = match otherwise {
                    Some(block) => self.branch(block, at, number, "else", next)?,
                    None => next,
                };
                Step::If { branches: laid, otherwise }
            }
            StatementKind::Experiment(experiment) => {
                let mut variants = Vec::new();
                for variant in &experiment.variants {
                    let next = self.branch(&variant.body, at, number, &variant.name, next)?;
                    variants.push(Variant { name: variant.name.clone(), share: variant.share, next });
                }
                Step::Experiment { name: experiment.name.clone(), variants }
            }
            StatementKind::Repeat { times, body } => {
                return self.repeat(statement, *times, body, at, number, next);
            }
            StatementKind::Stop => return at.out,
            StatementKind::Set { field, value } => {
                change(Change::Set { field: field.clone(), value: value.clone() })
            }
            StatementKind::Clear { field } => change(Change::Clear { field: field.clone() }),
            StatementKind::Add { amount, field, current } => {
                let (field, amount, current) = (field.clone(), amount.clone(), current.clone());
                change(Change::Add { field, amount, current })
            }
            StatementKind::Tag(tag) => change(Change::Tag(tag.clone())),
            StatementKind::Untag(tag) => change(Change::Untag(tag.clone())),
            StatementKind::Permit { topic, allowed } => {
                Step::Permit { topic: topic.clone(), allowed: *allowed, next }
            }
            StatementKind::Record { event, with } => {
                Step::Record { event: event.clone(), with: with.clone(), next }
            }
            StatementKind::Start { journey, with } => {
                Step::Start { journey: journey.clone(), with: with.clone(), next }
            }
            StatementKind::GoTo(stage) => return Some(place(*stage)),
            StatementKind::End { outcome } => Step::End { outcome: outcome.clone() },
            StatementKind::Unknown => return None,
        };
        Some(self.node(at, &number.to_string(), statement.span, step))
    }

    /// A `repeat`: the end of a round leads back to where it is counted.
    fn repeat(
        &mut self,
        statement: &Statement,
        times: u32,
        body: &Block,
        at: &At,
        number: usize,
        next: Place,
    ) -> Option<Place> {
        let here = self.node(at, &number.to_string(), statement.span, Step::Stage { next });
        let id = format!("{}.{number}.repeat", at.id);
        let inside = At { stage: at.stage, id, depth: at.depth, out: Some(next) };
        let body = self.block(body, &inside, here)?;
        self.nodes.get_mut(usize::from(here.0))?.step = Step::Repeat { times, body, next };
        Some(here)
    }

    /// A call or a hand-off, and the wait for its answer as a place of its own behind it.
    fn call(
        &mut self,
        statement: &Statement,
        wait: Option<&Wait>,
        at: &At,
        number: usize,
        next: Place,
    ) -> Option<Place> {
        let here = self.node(at, &number.to_string(), statement.span, Step::Stage { next });
        let next = match wait {
            Some(wait) => {
                let step = self.wait(wait, at, number, next, here)?;
                self.node(at, &format!("{number}.wait"), wait.span, step)
            }
            None => next,
        };
        let step = match &statement.kind {
            StatementKind::Call { hook, with, .. } => {
                Step::Call { hook: hook.clone(), with: with.clone(), next }
            }
            StatementKind::HandOff { team, with, .. } => {
                Step::HandOff { team: team.clone(), with: with.clone(), next }
            }
            _ => return None,
        };
        self.nodes.get_mut(usize::from(here.0))?.step = step;
        Some(here)
    }

    /// A wait for the first of several things; `answer` is the place of the call that may be answered.
    fn wait(&mut self, wait: &Wait, at: &At, number: usize, next: Place, answer: Place) -> Option<Step> {
        let mut branches = Vec::new();
        for (index, branch) in wait.branches.iter().enumerate() {
            let trigger = match &branch.trigger {
                model::Trigger::Event(event) => Trigger::Event(event.clone()),
                model::Trigger::Reaction { kind, message, link } => {
                    Trigger::Reaction { kind: *kind, message: message.clone(), link: link.clone() }
                }
                model::Trigger::Reply => Trigger::Reply(answer),
                model::Trigger::Accepted => Trigger::Accepted(answer),
                model::Trigger::Rejected => Trigger::Rejected(answer),
                model::Trigger::Unknown => return None,
            };
            let inside = At {
                stage: at.stage,
                id: format!("{}.{number}.{}", at.id, index + 1),
                depth: at.depth.checked_add(1)?,
                out: at.out,
            };
            branches.push(Branch {
                trigger,
                condition: branch.condition.clone(),
                next: self.block(&branch.body, &inside, next)?,
                depth: at.depth,
                keep: asks_about(&branch.body, at.depth),
            });
        }
        let otherwise = self.branch(wait.otherwise.as_ref()?, at, number, "otherwise", next)?;
        Some(Step::WaitUpTo { limit: wait.limit, branches, otherwise })
    }

    /// The nodes in the order of the text, those of the stages first, with all places moved along.
    fn in_order(&self) -> Vec<Node> {
        let stages = self.journey.stages.len();
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by_key(|index| {
            let node = self.nodes.get(*index);
            let number = node.map(|node| natural(&node.id));
            (usize::from(*index >= stages), node.map(|node| node.stage), number)
        });
        let mut moved = vec![Place(0); self.nodes.len()];
        for (new, old) in order.iter().enumerate() {
            if let Some(slot) = moved.get_mut(*old) {
                *slot = place(new);
            }
        }
        let mut nodes: Vec<Node> = order.iter().filter_map(|old| self.nodes.get(*old).cloned()).collect();
        for node in &mut nodes {
            node.step.each_place(&mut |place| {
                *place = moved.get(usize::from(place.0)).copied().unwrap_or(*place);
            });
        }
        nodes
    }
}

/// Sorts `a.10` behind `a.2`, and the end of a stage behind all else.
fn natural(id: &str) -> Vec<(u8, u32, String)> {
    id.split('.')
        .skip(1)
        .map(|part| match (part, part.parse::<u32>()) {
            (_, Ok(number)) => (0, number, String::new()),
            ("wait", _) => (0, 0, String::new()),
            ("end", _) => (2, 0, String::new()),
            _ => (1, 0, part.to_owned()),
        })
        .collect()
}

fn until(until: &model::Until) -> Until {
    match until {
        model::Until::Time(time) => Until::Time(*time),
        model::Until::Weekday(day, time) => Until::Weekday(*day, *time),
        model::Until::Value { value, at } => Until::Value { value: value.clone(), at: *at },
        model::Until::BusinessDays(days) => Until::BusinessDays(*days),
        model::Until::Window(window) => Until::Window(*window),
    }
}

/// Whether a statement inside asks about what the branch of that depth was taken for.
fn asks_about(block: &Block, depth: u8) -> bool {
    let mut found = false;
    block.each(&mut |statement| {
        for expression in statement.expressions() {
            found |= expression.any(|expr| match expr {
                Expr::Event { depth: Some(of), .. } | Expr::Reply { depth: Some(of), .. } => *of == depth,
                _ => false,
            });
        }
    });
    found
}
