use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Experiment, Expr, Limits, Pick};
use crate::language::syntax::tree::ReactionKind;
use crate::source::Span;
use crate::template::CompiledMessage;
use crate::time::{ClockTime, Date, Length, Recurrence, Weekday, Window};

/// A checked journey.
#[derive(Clone, Debug)]
pub struct Journey {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// What people call it.
    pub label: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The ways in.
    pub enters: Vec<Enter>,
    /// Whether one who has left may come again.
    pub reenter: Reenter,
    /// Nobody enters before.
    pub starts: Option<(Date, Option<ClockTime>)>,
    /// Nobody enters afterwards.
    pub ends: Option<(Date, Option<ClockTime>)>,
    /// The topic for messages that name none.
    pub permission: Option<String>,
    /// What counts as success; the first is the main one.
    pub goals: Vec<Goal>,
    /// What makes contacts leave.
    pub leaves: Vec<Leave>,
    /// The share that is only measured, from 0 to 1.
    pub control: f64,
    /// Whether those who are inside go on in a new version.
    pub moves: bool,
    /// What keeps its messages back, beside the policy.
    pub limits: Limits,
    /// Who gets the slot when a cap leaves room for one, from 1 to 100: the higher.
    pub priority: u8,
    /// Whose clock counts.
    pub timezone: Timezone,
    /// What happens, stage by stage.
    pub stages: Vec<Stage>,
}

/// A way into a journey.
#[derive(Clone, Debug)]
pub struct Enter {
    /// Where the clause stands.
    pub span: Span,
    /// What leads in.
    pub kind: EnterKind,
    /// Who may.
    pub condition: Option<Expr>,
    /// The property of the event of whose values each may have a run of its own.
    pub per: Option<String>,
    /// The stage where one starts.
    pub into: usize,
}

/// What leads into a journey. Plain data, part of a deployed plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnterKind {
    /// An event, by its name on the wire.
    On(String),
    /// Somebody asks for it.
    ByRequest,
    /// A condition about the contact becomes true.
    When {
        /// The condition.
        condition: Expr,
        /// Whether those for whom it is true already enter when the journey comes into force.
        backfill: bool,
    },
    /// A moment of the calendar comes.
    Every(Recurrence),
    /// The moment that a field of the contact names comes.
    Dated {
        /// A date or a moment.
        moment: Expr,
        /// The time on that date; where there is none, its beginning, or the moment itself.
        at: Option<ClockTime>,
    },
    /// The day and month that a field of the contact names come, in any year; 28 February stands for the 29th in
    /// years without one.
    Yearly {
        /// A date or a moment.
        moment: Expr,
        /// The time on that date; its beginning where there is none.
        at: Option<ClockTime>,
    },
    /// The contact has had no such event for that long.
    Without {
        /// How long.
        length: Length,
        /// The event, by its name on the wire.
        event: String,
    },
}

impl EnterKind {
    /// The event that leads in at once, by its name on the wire.
    pub fn event(&self) -> Option<&str> {
        match self {
            EnterKind::On(event) => Some(event),
            _ => None,
        }
    }

    /// Whether time alone can lead in, or what was known of the contact before matters: such ways are watched.
    pub fn is_watched(&self) -> bool {
        !matches!(self, EnterKind::On(_) | EnterKind::ByRequest)
    }
}

/// Whether one who has left may come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Reenter {
    Never,
    Always,
    After(Length),
}

/// What counts as success.
#[derive(Clone, Debug)]
pub struct Goal {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// The event, by its name on the wire.
    pub event: String,
    /// The condition.
    pub condition: Option<Expr>,
    /// How long after entry it counts.
    pub within: Option<Length>,
    /// What it is worth.
    pub worth: Option<Expr>,
}

/// What makes contacts leave.
#[derive(Clone, Debug)]
pub enum Leave {
    /// An event.
    On {
        /// Its name on the wire.
        event: String,
        /// Its name in the journey, which is the outcome.
        name: String,
        /// The condition.
        condition: Option<Expr>,
    },
    /// A goal reached: the one of that index, or any.
    OnGoal(Option<usize>),
    /// A condition that holds.
    When(Expr),
}

/// Whose clock counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timezone {
    /// The contact's own, and the workspace's for those without one.
    Contact,
    /// A zone by its IANA name.
    Named(String),
}

/// A stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// What happens in it.
    pub body: Block,
}

/// Statements that follow one another.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// From `{` to `}`.
    pub span: Span,
    /// In the order of the text.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// All of it.
    pub span: Span,
    /// What it does.
    pub kind: StatementKind,
}

/// What a statement does.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the table of statements in docs/reference/language.md explains each")]
pub enum StatementKind {
    Send {
        /// One, or several of which one goes out.
        messages: Vec<SendTo>,
        pick: Pick,
        with: Vec<(String, Expr)>,
        best_time: Option<Length>,
        otherwise: Option<Block>,
    },
    Call {
        hook: String,
        with: Vec<(String, Expr)>,
        wait: Option<Wait>,
    },
    HandOff {
        team: String,
        with: Vec<(String, Expr)>,
        wait: Option<Wait>,
    },
    Alert {
        team: String,
        text: Box<CompiledMessage>,
    },
    WaitFor(Length),
    WaitUntil(Until),
    WaitUpTo(Wait),
    If {
        branches: Vec<(Expr, Block)>,
        otherwise: Option<Block>,
    },
    Experiment(Experiment),
    Repeat {
        times: u32,
        body: Block,
    },
    /// The way out of the innermost repeat.
    Stop,
    Set {
        field: String,
        value: Expr,
    },
    Clear {
        field: String,
    },
    Add {
        amount: Expr,
        field: String,
        current: Expr,
    },
    Tag(String),
    Untag(String),
    Permit {
        topic: String,
        allowed: bool,
    },
    /// The event by its name on the wire.
    Record {
        event: String,
        with: Vec<(String, Expr)>,
    },
    Start {
        journey: String,
        with: Vec<(String, Expr)>,
    },
    GoTo(usize),
    End {
        outcome: String,
    },
    /// It could not be resolved, or this version does not run it; a finding says so.
    Unknown,
}

/// A message and where it goes.
#[derive(Clone, Debug)]
pub struct SendTo {
    /// The message's name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// Another address than the contact's.
    pub to: Option<Expr>,
}

/// `wait until …`
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Until {
    Time(ClockTime),
    Weekday(Weekday, ClockTime),
    Value { value: Expr, at: Option<ClockTime> },
    BusinessDays(u32),
    Window(Window),
}

/// `wait up to D { … }`
#[derive(Clone, Debug)]
pub struct Wait {
    /// Where it stands.
    pub span: Span,
    /// How long at the most.
    pub limit: Length,
    /// Where the limit stands.
    pub limit_span: Span,
    /// What ends it, in the order of the text.
    pub branches: Vec<Branch>,
    /// What happens when the time is up; `None` where nothing is said, of which there is a finding.
    pub otherwise: Option<Block>,
}

/// `on TRIGGER [where COND] { … }`
#[derive(Clone, Debug)]
pub struct Branch {
    /// Where the trigger stands.
    pub span: Span,
    /// What ends the wait.
    pub trigger: Trigger,
    /// The condition.
    pub condition: Option<Expr>,
    /// What happens then.
    pub body: Block,
}

/// What ends a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The webhook answered.
    Reply,
    /// The team took the lead.
    Accepted,
    /// The team did not.
    Rejected,
    /// It could not be resolved.
    Unknown,
}

impl Journey {
    /// Calls `see` with every statement, those in inner blocks included, and the stage it is in.
    pub fn each_statement<'a>(&'a self, see: &mut dyn FnMut(usize, &'a Statement)) {
        for (index, stage) in self.stages.iter().enumerate() {
            stage.body.each(&mut |statement| see(index, statement));
        }
    }

    /// Every way in which a run can end, each once: first as the stages say, then by what makes contacts leave, and
    /// `control` for the share that is only measured.
    pub fn outcomes(&self) -> Vec<&str> {
        let mut outcomes = Vec::new();
        self.each_statement(&mut |_, statement| {
            if let StatementKind::End { outcome } = &statement.kind {
                outcomes.push(outcome.as_str());
            }
        });
        outcomes.extend(self.leaves.iter().map(|leave| match leave {
            Leave::On { name, .. } => name.as_str(),
            Leave::OnGoal(_) => "goal",
            Leave::When(_) => "left",
        }));
        outcomes.extend((self.control > 0.0).then_some("control"));
        let mut seen = BTreeSet::new();
        outcomes.retain(|outcome| seen.insert(*outcome));
        outcomes
    }
}

impl Block {
    /// Calls `see` with every statement, those in inner blocks included.
    pub fn each<'a>(&'a self, see: &mut dyn FnMut(&'a Statement)) {
        for statement in &self.statements {
            see(statement);
            for block in statement.blocks() {
                block.each(see);
            }
        }
    }
}

impl Statement {
    /// The wait inside, be it behind a call or on its own.
    pub fn wait(&self) -> Option<&Wait> {
        match &self.kind {
            StatementKind::WaitUpTo(wait)
            | StatementKind::Call { wait: Some(wait), .. }
            | StatementKind::HandOff { wait: Some(wait), .. } => Some(wait),
            _ => None,
        }
    }

    /// The expressions of the statement itself, without those in inner blocks.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut found = match &self.kind {
            StatementKind::Send { messages, with, .. } => {
                values(with).into_iter().chain(messages.iter().flat_map(|message| &message.to)).collect()
            }
            StatementKind::Call { with, .. }
            | StatementKind::HandOff { with, .. }
            | StatementKind::Record { with, .. }
            | StatementKind::Start { with, .. } => values(with),
            StatementKind::WaitUntil(Until::Value { value, .. }) | StatementKind::Set { value, .. } => {
                vec![value]
            }
            StatementKind::Add { amount, .. } => vec![amount],
            StatementKind::If { branches, .. } => branches.iter().map(|(condition, _)| condition).collect(),
            StatementKind::Experiment(experiment) => {
                experiment.pick.iter().filter_map(|pick| pick.condition.as_ref()).collect()
            }
            _ => Vec::new(),
        };
        let branches = self.wait().map_or(&[][..], |wait| &wait.branches);
        found.extend(branches.iter().filter_map(|branch| branch.condition.as_ref()));
        found
    }
}

fn values(with: &[(String, Expr)]) -> Vec<&Expr> {
    with.iter().map(|(_, value)| value).collect()
}
