//! From model to plan: what the engine runs. A plan is plain data that outlives the program that made it, with
//! the needs of each place where a run can stand.
//!
//! In comes a journey of a model without errors; out goes a [`Plan`], stored under its hash when it is put into
//! force.

mod compile;
mod contact;
mod entry;
mod experiment;
mod needs;

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::language::model::PRIORITY_DEFAULT;
pub use crate::language::model::{
    Aggregate, AggregateFunction, Cap, EnterKind, Expr, Limits, Operator, Pick, Policy, ReactionKind, Unsure,
};
pub use compile::compile;
pub use experiment::{PickBy, Variant};
pub use needs::{Needs, Reach};

use crate::domain::{Survey, Value, ValueType};
use crate::template::CompiledMessage;
use crate::time::{ClockTime, Date, Length, Weekday, Window};

/// The shape of plans that this program writes and reads.
pub const PLAN_FORMAT: u16 = 1;

/// A place in a plan: the index of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Place(pub u16);

/// What the engine runs for one version of one journey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The shape of this plan, [`PLAN_FORMAT`] when it was made.
    pub format: u16,
    /// The journey's name.
    pub journey: String,
    /// What people call it.
    pub label: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The IANA name of the zone whose clock counts; the contact's own where there is none.
    pub timezone: Option<String>,
    /// The ways in.
    pub enters: Vec<Enter>,
    /// Whether one who has left may come again.
    pub reenter: Reenter,
    /// Nobody enters before.
    pub starts: Option<(Date, Option<ClockTime>)>,
    /// Nobody enters afterwards.
    pub ends: Option<(Date, Option<ClockTime>)>,
    /// The marketing topic without whose permission nobody enters.
    pub permission: Option<String>,
    /// What counts as success, the main one first.
    pub goals: Vec<Goal>,
    /// What makes contacts leave, in the order of the text.
    pub leaves: Vec<Leave>,
    /// The share that is only measured, from 0 to 1.
    pub control: f64,
    /// Whether those who are inside an older version go on in this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moves: bool,
    /// What held for every journey when it was made; what holds now, the plans in force say.
    #[serde(default)]
    pub policy: Policy,
    /// What keeps its messages back beside the policy.
    #[serde(default)]
    pub limits: Limits,
    /// Who gets the slot when a cap leaves room for one, from 1 to 100: the higher.
    #[serde(default = "priority_default")]
    pub priority: u8,
    /// The names of the stages; the stage of index N begins at place N.
    pub stages: Vec<String>,
    /// The places, those of the stages first.
    pub nodes: Vec<Node>,
    /// What its experiments are picked by, where they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub picks: BTreeMap<String, PickBy>,
    /// The messages it sends, by name.
    pub messages: BTreeMap<String, Message>,
    /// The surveys that its messages lead to, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub surveys: BTreeMap<String, Survey>,
    /// The attributes that contacts have, for templates.
    pub attributes: BTreeMap<String, Attribute>,
}

/// An attribute of contacts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its type.
    pub of: ValueType,
    /// What it is where nothing is set.
    pub default: Value,
}

/// One place of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// What people call the place: the stage and the numbers of the statements, such as `contact.2`.
    pub id: String,
    /// The index of its stage.
    pub stage: u16,
    /// The line of the journey file; not part of the hash.
    pub line: u32,
    /// What the statement says, up to its block; not part of the hash.
    pub text: String,
    /// What happens there.
    pub step: Step,
    /// What a turn that begins there may ask for.
    pub needs: Needs,
}

/// What happens at a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A stage begins.
    Stage {
        /// Its first statement.
        next: Place,
    },
    /// A message goes out, or is skipped.
    Send(SendStep),
    /// A webhook is called.
    Call {
        /// Which.
        hook: String,
        /// What it is told.
        with: Vec<(String, Expr)>,
        /// Where a run goes on, be it answered or not.
        next: Place,
    },
    /// A lead goes to a sales team.
    HandOff {
        /// Which.
        team: String,
        /// What it is told.
        with: Vec<(String, Expr)>,
        /// Where a run goes on.
        next: Place,
    },
    /// A team is told something.
    Alert {
        /// Which.
        team: String,
        /// What, with its placeholders.
        text: Box<CompiledMessage>,
        /// Where a run goes on.
        next: Place,
    },
    /// A run waits.
    Wait {
        /// Until when.
        until: Until,
        /// Where it goes on.
        next: Place,
    },
    /// A run waits for the first of several things.
    WaitUpTo {
        /// How long at the most.
        limit: Length,
        /// What ends it, the first written first.
        branches: Vec<Branch>,
        /// Where it goes on when the time is up.
        otherwise: Place,
    },
    /// A run branches.
    If {
        /// The first that holds is taken.
        branches: Vec<(Expr, Place)>,
        /// Where it goes on when none does.
        otherwise: Place,
    },
    /// A run falls to one of several variants.
    Experiment {
        /// Which experiment.
        name: String,
        /// In the order of the text, with shares that are 1 together.
        variants: Vec<Variant>,
    },
    /// A run goes round. It comes here before each round.
    Repeat {
        /// How often at the most.
        times: u32,
        /// Where a round begins.
        body: Place,
        /// Where a run goes on behind the last.
        next: Place,
    },
    /// An attribute of the contact changes.
    Change {
        /// How.
        change: Change,
        /// Where a run goes on.
        next: Place,
    },
    /// A permission is recorded.
    Permit {
        /// On what.
        topic: String,
        /// Yes or no.
        allowed: bool,
        /// Where a run goes on.
        next: Place,
    },
    /// An event of this contact is recorded.
    Record {
        /// Which, by its name on the wire.
        event: String,
        /// What is known about it.
        with: Vec<(String, Expr)>,
        /// Where a run goes on.
        next: Place,
    },
    /// The contact is to enter another journey.
    Start {
        /// Which.
        journey: String,
        /// What `entry` is there.
        with: Vec<(String, Expr)>,
        /// Where a run goes on.
        next: Place,
    },
    /// A run ends.
    End {
        /// How.
        outcome: String,
    },
}

/// A message goes out, or is skipped. A run may be held there until its time has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendStep {
    /// The messages of which one goes out, in the order of the text.
    pub choices: Vec<Choice>,
    /// Which of them.
    #[serde(default)]
    pub pick: Pick,
    /// Values for its template.
    pub with: Vec<(String, Expr)>,
    /// How long it may wait for a better time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_time: Option<Length>,
    /// Where a run goes on.
    pub next: Place,
    /// Where it goes on when nothing is sent, where that differs.
    pub otherwise: Option<Place>,
}

/// A message that may go out at a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Which.
    pub message: String,
    /// Another address than the contact's.
    pub to: Option<Expr>,
}

/// How the contact changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the statements of the language")]
pub enum Change {
    Set { field: String, value: Expr },
    Clear { field: String },
    Add { field: String, amount: Expr, current: Expr },
    Tag(String),
    Untag(String),
}

/// Until when a run waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the forms of `wait` of the language")]
pub enum Until {
    Length(Length),
    Time(ClockTime),
    Weekday(Weekday, ClockTime),
    Value {
        value: Expr,
        at: Option<ClockTime>,
    },
    /// Monday to Friday, at the same clock time.
    BusinessDays(u32),
    /// When it is open.
    Window(Window),
}

/// What ends a wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// What happens.
    pub trigger: Trigger,
    /// The condition.
    pub condition: Option<Expr>,
    /// Where a run goes on.
    pub next: Place,
    /// How many `on` stand around it; under that number what happened is kept for its statements.
    pub depth: u8,
    /// Whether any of its statements asks about what happened.
    pub keep: bool,
}

/// What happens for a wait to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// An event, by its name on the wire.
    Event(String),
    /// A reaction to a message of this run.
    Reaction {
        /// How.
        kind: ReactionKind,
        /// To which message.
        message: String,
        /// On which link, where it matters.
        link: Option<String>,
    },
    /// The webhook called at that place answered.
    Reply(Place),
    /// The team took the lead handed off at that place.
    Accepted(Place),
    /// The team did not.
    Rejected(Place),
}

/// A way in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enter {
    /// What the clause says behind `enter`; not part of the hash.
    pub text: String,
    /// What leads in.
    pub kind: EnterKind,
    /// Who may.
    pub condition: Option<Expr>,
    /// The property of whose values each may have a run of its own.
    pub per: Option<String>,
    /// Where one starts.
    pub into: Place,
}

/// Whether one who has left may come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Reenter {
    Never,
    Always,
    After(Length),
}

/// What counts as success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// Its name.
    pub name: String,
    /// The event, by its name on the wire.
    pub event: String,
    /// The condition.
    pub condition: Option<Expr>,
    /// How long after entry it counts.
    pub within: Length,
    /// What it is worth.
    pub worth: Option<Expr>,
}

/// What makes contacts leave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the clauses of the language")]
pub enum Leave {
    /// `event` is the name on the wire, `outcome` the name in the journey.
    On {
        event: String,
        outcome: String,
        condition: Option<Expr>,
    },
    /// The goal of that index, or any.
    OnGoal(Option<u16>),
    When(Expr),
}

fn priority_default() -> u8 {
    PRIORITY_DEFAULT
}

/// A message that the journey sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The channel.
    pub channel: String,
    /// What it is about.
    pub topic: String,
    /// What recipients read of the topic.
    pub topic_label: String,
    /// Whether it needs no permission.
    pub essential: bool,
    /// The sender in `lotse.yaml`; empty for other channels than email.
    pub sender: String,
    /// The attribute of the contact that says where to, for other channels than email.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Its texts for everybody whose language has none of its own.
    pub text: CompiledMessage,
    /// Its texts by language tag.
    pub languages: BTreeMap<String, CompiledMessage>,
}

impl Message {
    /// The language of its texts for somebody: the very tag, else the language without the region (`de` for `de-AT`).
    pub fn best_language(&self, language: &str) -> Option<&str> {
        let find = |wanted: &str| {
            self.languages.keys().find(|tag| tag.eq_ignore_ascii_case(wanted)).map(String::as_str)
        };
        find(language).or_else(|| find(language.split(['-', '_']).next()?))
    }

    /// The surveys that it leads to, in whatever language.
    pub fn surveys(&self) -> impl Iterator<Item = &String> {
        self.languages.values().chain([&self.text]).flat_map(CompiledMessage::surveys)
    }
}

impl Plan {
    /// The node of a place; a place of another plan gives `None`.
    pub fn node(&self, place: Place) -> Option<&Node> {
        self.nodes.get(usize::from(place.0))
    }

    /// The name of the stage that a place is in.
    pub fn stage_of(&self, place: Place) -> &str {
        let stage = self.node(place).map_or(0, |node| node.stage);
        self.stages.get(usize::from(stage)).map_or("", String::as_str)
    }

    /// The events, by their names on the wire, that can mean something to somebody inside or to those who may
    /// come in.
    pub fn listens_to(&self) -> impl Iterator<Item = &str> {
        let enters = self.enters.iter().filter_map(|enter| match &enter.kind {
            EnterKind::On(event) | EnterKind::Without { event, .. } => Some(event.as_str()),
            _ => None,
        });
        let goals = self.goals.iter().map(|goal| goal.event.as_str());
        let leaves = self.leaves.iter().filter_map(|leave| match leave {
            Leave::On { event, .. } => Some(event.as_str()),
            _ => None,
        });
        let waits = self.nodes.iter().flat_map(|node| match &node.step {
            Step::WaitUpTo { branches, .. } => branches.as_slice(),
            _ => &[],
        });
        let triggers =
            waits.map(|branch| &branch.trigger).chain(self.picks.values().map(|pick| &pick.trigger));
        let triggers = triggers.filter_map(|trigger| match trigger {
            Trigger::Event(event) => Some(event.as_str()),
            Trigger::Reaction { kind, .. } => Some(kind.event().name()),
            Trigger::Reply(_) | Trigger::Accepted(_) | Trigger::Rejected(_) => None,
        });
        enters.chain(goals).chain(leaves).chain(triggers).chain(self.asked_about())
    }

    /// The events that expressions ask about: those of reactions, and those that are counted.
    fn asked_about(&self) -> Vec<&str> {
        let mut asked = Vec::new();
        self.each_expression(&mut |expression| {
            expression.walk(&mut |expr| match expr {
                Expr::Reaction { kind, .. } => asked.push(kind.event().name()),
                Expr::Aggregate(aggregate) => asked.push(aggregate.event.as_str()),
                _ => {}
            });
        });
        asked
    }

    /// Calls `see` with every expression: of the clauses at the head, and of the statements.
    pub fn each_expression<'a>(&'a self, see: &mut dyn FnMut(&'a Expr)) {
        for enter in &self.enters {
            match &enter.kind {
                EnterKind::When { condition: asked, .. }
                | EnterKind::Dated { moment: asked, .. }
                | EnterKind::Yearly { moment: asked, .. } => see(asked),
                EnterKind::On(_) | EnterKind::ByRequest | EnterKind::Every(_) | EnterKind::Without { .. } => {
                }
            }
            enter.condition.iter().for_each(&mut *see);
        }
        for goal in &self.goals {
            goal.condition.iter().chain(&goal.worth).for_each(&mut *see);
        }
        for leave in &self.leaves {
            match leave {
                Leave::On { condition, .. } => condition.iter().for_each(&mut *see),
                Leave::When(condition) => see(condition),
                Leave::OnGoal(_) => {}
            }
        }
        for pick in self.picks.values() {
            pick.condition.iter().for_each(&mut *see);
        }
        for node in &self.nodes {
            node.step.each_expression(see);
        }
    }

    /// SHA-256 of what the plan does: two plans of one hash do the same. Where its statements stand in their
    /// file is left out.
    pub fn hash(&self) -> [u8; 32] {
        let mut plan = self.clone();
        for node in &mut plan.nodes {
            node.line = 0;
            node.text.clear();
        }
        for enter in &mut plan.enters {
            enter.text.clear();
        }
        // Struct fields are written in the order of their declaration and maps by key, so the bytes are
        // the same everywhere.
        let bytes = serde_json::to_vec(&plan).unwrap_or_default();
        let digest = digest::digest(&digest::SHA256, &bytes);
        digest.as_ref().try_into().unwrap_or([0; 32])
    }
}

#[cfg(test)]
mod tests;
