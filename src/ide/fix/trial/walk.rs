use std::cell::Cell;

use super::story::{BEGIN, Story};
use crate::domain::SystemEvent;
use crate::language::model::{
    Branch, EnterKind, Expr, Journey, Model, ReactionKind, Statement, StatementKind, Trigger, Until, Wait,
};
use crate::time::Length;

/// How many statements are walked over before the search is given up.
const STATEMENTS_MAX: usize = 2_000;
/// How often a loop is gone round.
const ROUNDS_MAX: u32 = 3;

/// Looks for ways through a journey to one of its stages, or to its end.
pub(super) struct Walk<'a> {
    model: &'a Model,
    journey: &'a Journey,
    target: Option<usize>,
    left: Cell<usize>,
}

/// What is done with a story that has come somewhere; `None` where another way has to be looked for.
type Then<'t, T> = dyn FnMut(Story) -> Option<T> + 't;

impl<'a> Walk<'a> {
    pub(super) fn of(model: &'a Model, journey: &'a Journey, target: Option<usize>) -> Self {
        Self { model, journey, target, left: Cell::new(STATEMENTS_MAX) }
    }

    /// Hands each way to `take` until it answers.
    pub(super) fn find<T>(&self, take: &mut Then<'_, T>) -> Option<T> {
        for enter in &self.journey.enters {
            let mut story = Story::default();
            story.has("email", "\"ada@example.org\"");
            if let Some((date, _)) = self.journey.starts {
                story.date = date.to_string().max(BEGIN.to_owned());
            }
            let fits = enter.condition.as_ref().is_none_or(|condition| story.wish(condition, true));
            let topic = self.journey.permission.as_deref();
            if !fits || !topic.is_none_or(|topic| self.allowed(topic, &mut story)) {
                continue;
            }
            story.enters_with_event();
            story.enters = match &enter.kind {
                EnterKind::On(wire) => match self.event(wire) {
                    Some(event) => format!("event {event}"),
                    None => continue,
                },
                EnterKind::ByRequest => "enter".to_owned(),
                EnterKind::When { condition, .. } if story.wish(condition, true) => "nothing".to_owned(),
                _ => continue,
            };
            let found = self.arrive(enter.into, story, take);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The name of an event that somebody outside can cause.
    fn event(&self, wire: &str) -> Option<&str> {
        let declared = self.model.events.iter().find(|event| event.wire == wire);
        let page = SystemEvent::PageViewed.name();
        declared.map(|event| event.name.as_str()).or((wire == page).then_some(page))
    }

    fn allowed(&self, topic: &str, story: &mut Story) -> bool {
        self.model.topic(topic).is_some_and(|topic| topic.essential) || story.allows(topic)
    }

    /// A contact comes to a stage.
    fn arrive<T>(&self, stage: usize, mut story: Story, take: &mut Then<'_, T>) -> Option<T> {
        let body = &self.journey.stages.get(stage)?.body.statements;
        if self.target == Some(stage) {
            return self.arrived(stage, body, story, take);
        }
        if story.stages.contains(&stage) {
            return None;
        }
        story.stages.push(stage);
        self.walk(body, story, take, &mut |_, _| None)
    }

    /// What can be expected at once where the way ends.
    fn arrived<T>(
        &self,
        stage: usize,
        body: &[Statement],
        mut story: Story,
        take: &mut Then<'_, T>,
    ) -> Option<T> {
        story.others = true;
        for statement in body {
            match &statement.kind {
                StatementKind::Send { messages, best_time: None, .. } => {
                    if !self.send(&messages.first()?.name, &mut story) {
                        break;
                    }
                }
                StatementKind::End { outcome } => {
                    story.others = false;
                    story.says(format!("expect outcome {outcome}"));
                    break;
                }
                _ if statement.takes_time() => {
                    story.others = false;
                    story.says(format!("expect stage {}", self.journey.stages.get(stage)?.name));
                    break;
                }
                kind if is_silent(kind) => {}
                _ => break,
            }
        }
        take(story)
    }

    /// Goes over statements; `behind` goes on behind them.
    fn walk<T>(
        &self,
        statements: &[Statement],
        mut story: Story,
        take: &mut Then<'_, T>,
        behind: &mut dyn FnMut(Story, &mut Then<'_, T>) -> Option<T>,
    ) -> Option<T> {
        let Some((statement, rest)) = statements.split_first() else { return behind(story, take) };
        self.left.set(self.left.get().checked_sub(1)?);
        let mut on = |story: Story, take: &mut Then<'_, T>| self.walk(rest, story, take, &mut *behind);
        match &statement.kind {
            StatementKind::GoTo(stage) => self.arrive(*stage, story, take),
            StatementKind::End { outcome } => {
                story.says(format!("expect outcome {outcome}"));
                if self.target.is_none() { take(story) } else { None }
            }
            StatementKind::Send { messages, best_time, .. } => {
                if let Some(within) = best_time {
                    story.says(after(*within, "nothing"));
                }
                if self.send(&messages.first()?.name, &mut story) { on(story, take) } else { None }
            }
            StatementKind::WaitFor(length) => {
                story.says(after(*length, "nothing"));
                on(story, take)
            }
            StatementKind::WaitUntil(until) => {
                story.says(until_line(until)?);
                on(story, take)
            }
            StatementKind::WaitUpTo(wait) => self.wait(wait, "", story, take, &mut on),
            StatementKind::Call { hook, wait: Some(wait), .. } => self.wait(wait, hook, story, take, &mut on),
            StatementKind::HandOff { wait: Some(wait), .. } => self.wait(wait, "", story, take, &mut on),
            StatementKind::If { branches, otherwise } => {
                let mut others = story;
                for (condition, block) in branches {
                    let mut this = others.clone();
                    if this.wish(condition, true) {
                        let found = self.walk(&block.statements, this, take, &mut on);
                        if found.is_some() {
                            return found;
                        }
                    }
                    if !others.wish(condition, false) {
                        return None;
                    }
                }
                let block = otherwise.as_ref().map_or(&[][..], |block| &block.statements);
                self.walk(block, others, take, &mut on)
            }
            StatementKind::Experiment(experiment) => experiment.variants.iter().find_map(|variant| {
                let mut story = story.clone();
                story.variant(&experiment.name, &variant.name);
                self.walk(&variant.body.statements, story, take, &mut on)
            }),
            StatementKind::Repeat { times, body } if *times <= ROUNDS_MAX => {
                self.rounds(*times, &body.statements, story, take, &mut on)
            }
            StatementKind::Start { .. } => {
                story.others = true;
                on(story, take)
            }
            kind if is_silent(kind) => on(story, take),
            _ => None,
        }
    }

    fn rounds<T>(
        &self,
        left: u32,
        body: &[Statement],
        story: Story,
        take: &mut Then<'_, T>,
        behind: &mut dyn FnMut(Story, &mut Then<'_, T>) -> Option<T>,
    ) -> Option<T> {
        if left == 0 {
            return behind(story, take);
        }
        self.walk(body, story, take, &mut |story, take| {
            self.rounds(left - 1, body, story, take, &mut *behind)
        })
    }

    /// Each of the things that a wait waits for, and in the end the end of its time.
    fn wait<T>(
        &self,
        wait: &Wait,
        hook: &str,
        story: Story,
        take: &mut Then<'_, T>,
        behind: &mut dyn FnMut(Story, &mut Then<'_, T>) -> Option<T>,
    ) -> Option<T> {
        for branch in &wait.branches {
            let mut story = story.clone();
            if self.triggered(branch, hook, &mut story).is_some() {
                let found = self.walk(&branch.body.statements, story, take, &mut *behind);
                if found.is_some() {
                    return found;
                }
            }
        }
        let mut story = story;
        story.says(after(wait.limit, "nothing"));
        self.walk(&wait.otherwise.as_ref()?.statements, story, take, behind)
    }

    /// What a wait waits for happens.
    fn triggered(&self, branch: &Branch, hook: &str, story: &mut Story) -> Option<()> {
        let condition = branch.condition.as_ref();
        let plain = || condition.is_none();
        let line = match &branch.trigger {
            Trigger::Event(wire) => {
                let event = self.event(wire)?;
                condition.is_none_or(|condition| story.wish(condition, true)).then_some(())?;
                story.happens(&format!("after 1 hour event {event}"));
                return Some(());
            }
            Trigger::Reaction { kind: ReactionKind::Answered, message, .. } => {
                let survey = self.model.surveys.get(message)?;
                let score = (survey.low..=survey.high).rev().find(|score| fits(condition, *score))?;
                format!("answer {message} {score}")
            }
            Trigger::Reaction { kind, message, link } if plain() => {
                let link = link.as_ref().map_or_else(String::new, |link| format!(" {link:?}"));
                let does = match kind {
                    ReactionKind::Clicked => "click",
                    ReactionKind::Opened => "open",
                    ReactionKind::Bounced => "bounce",
                    ReactionKind::Complained => "complain",
                    _ => return None,
                };
                format!("{does} {message}{link}")
            }
            Trigger::Reply if plain() => format!("reply {hook}"),
            Trigger::Accepted if plain() => "accept".to_owned(),
            Trigger::Rejected if plain() => "reject".to_owned(),
            _ => return None,
        };
        story.says(format!("after 1 hour {line}"));
        Some(())
    }

    /// A message comes; tells whether it may.
    fn send(&self, name: &str, story: &mut Story) -> bool {
        let Some(message) = self.model.message(name) else { return false };
        let topic = message.topic.as_deref().or(self.journey.permission.as_deref());
        if let Some(address) = message.address.as_deref().filter(|_| message.channel != "email") {
            story.has(address, "\"+4915112345678\"");
        }
        let may = topic.is_none_or(|topic| self.allowed(topic, story));
        story.says(format!("expect {} {name}", message.channel));
        may
    }
}

/// Whether a score fulfils what is asked of it.
fn fits(condition: Option<&Expr>, score: i16) -> bool {
    use crate::language::model::Operator as O;
    let Some(condition) = condition else { return true };
    let Expr::Binary(operator, left, right) = condition else { return false };
    let (Expr::Event { name, .. }, Expr::Value(crate::domain::Value::Number(number))) = (&**left, &**right)
    else {
        return false;
    };
    let score = f64::from(score);
    name == "score"
        && match operator {
            O::Equal => (score - number).abs() < f64::EPSILON,
            O::Less => score < *number,
            O::LessEqual => score <= *number,
            O::Greater => score > *number,
            O::GreaterEqual => score >= *number,
            _ => false,
        }
}

fn after(length: Length, what: &str) -> String {
    format!("after {length} {what}")
}

/// The step that is surely behind a moment that is waited for.
fn until_line(until: &Until) -> Option<String> {
    Some(match until {
        Until::Time(_) => "after 1 day nothing".to_owned(),
        Until::Weekday(..) | Until::Window(_) => "after 7 days nothing".to_owned(),
        Until::BusinessDays(days) => format!("after {} days nothing", days + 2 * (days / 5 + 1)),
        Until::Value { .. } => return None,
    })
}

/// Whether a statement neither takes time nor leads elsewhere, and sends nothing.
fn is_silent(kind: &StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::Call { wait: None, .. }
            | StatementKind::HandOff { wait: None, .. }
            | StatementKind::Alert { .. }
            | StatementKind::Set { .. }
            | StatementKind::Clear { .. }
            | StatementKind::Add { .. }
            | StatementKind::Tag(_)
            | StatementKind::Untag(_)
            | StatementKind::Permit { .. }
            | StatementKind::Record { .. }
    )
}
