use super::{Expression, FieldName, MomentLiteral, Name, Pair, ReactionKind, Spanned, Text};
use crate::source::Span;
use crate::time::{ClockTime, Length, Weekday};

/// `journey NAME "label" { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Journey {
    /// The whole declaration.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// What people call it.
    pub label: Option<Text>,
    /// The clauses at its head, in the order of the text.
    pub clauses: Vec<Clause>,
    /// Its stages, in the order of the text.
    pub stages: Vec<Stage>,
}

/// A clause of a journey or of the policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// The whole clause.
    pub span: Span,
    /// What it says.
    pub kind: ClauseKind,
}

/// What a clause says.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the table of clauses in docs/reference/language.md explains each")]
pub enum ClauseKind {
    Owner(Text),
    Enter(Enter),
    Reenter(Reenter),
    Starts(MomentLiteral),
    Ends(MomentLiteral),
    Permission(Name),
    Goal(Goal),
    LeaveOn { event: Name, condition: Option<Expression> },
    LeaveOnGoal { name: Option<Name> },
    LeaveWhen(Expression),
    Control(Spanned<f64>),
    Priority(Spanned<f64>),
    Quiet { from: Spanned<ClockTime>, to: Spanned<ClockTime> },
    Cap { channel: Name, count: Spanned<u32>, per: Spanned<Length>, then: CapThen },
    Late(Spanned<Length>),
    Timezone(Timezone),
    OnChange(Name),
    Holdout(Spanned<f64>),
    Unsure(Name),
    Broken,
}

/// `enter …`
#[derive(Clone, Debug, PartialEq)]
pub struct Enter {
    /// How one gets in.
    pub kind: EnterKind,
    /// The condition behind `where`.
    pub condition: Option<Expression>,
    /// `per event.FIELD`: the field.
    pub per: Option<Name>,
    /// `into STAGE`
    pub into: Option<Name>,
}

/// How one gets in.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the table of clauses in docs/reference/language.md explains each")]
pub enum EnterKind {
    On { event: Name },
    When { condition: Expression, backfill: bool },
    Every { days: EveryDays, at: Option<Spanned<ClockTime>> },
    Relative { length: Spanned<Length>, before: bool, field: FieldName, at: Option<Spanned<ClockTime>> },
    OnDate { yearly: bool, field: FieldName, at: Option<Spanned<ClockTime>> },
    Without { length: Spanned<Length>, event: Name },
    ByRequest,
}

/// Which days `enter every` means.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum EveryDays {
    Day,
    Weekday(Weekday),
    MonthOn(Spanned<u32>),
    Cron(Text),
}

/// `reenter …`
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Reenter {
    Never,
    Always,
    After(Spanned<Length>),
}

/// `goal NAME on EVENT …`
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// Its name; the grammar lets it be left out, so that the finding can say what is missing.
    pub name: Option<Name>,
    /// The event that is success.
    pub event: Name,
    /// The condition behind `where`.
    pub condition: Option<Expression>,
    /// How long after entry it counts.
    pub within: Option<Spanned<Length>>,
    /// What it is worth.
    pub worth: Option<Expression>,
}

/// What happens to a message over the cap.
#[derive(Clone, Debug, PartialEq)]
pub enum CapThen {
    /// It waits, up to that long where a length stands.
    Wait(Option<Spanned<Length>>),
    /// It is left out.
    Skip,
}

/// `timezone contact` or `timezone "Europe/Berlin"`
#[derive(Clone, Debug, PartialEq)]
pub enum Timezone {
    /// The contact's own.
    Contact,
    /// A zone by its IANA name.
    Named(Text),
}

/// `stage NAME { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The whole stage.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// What happens in it.
    pub body: Block,
}

/// `{ statements }`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// From `{` to `}`.
    pub span: Span,
    /// In the order of the text.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// All of it, with its blocks.
    pub span: Span,
    /// What it does.
    pub kind: StatementKind,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the table of statements in docs/reference/language.md explains each")]
pub enum StatementKind {
    Send(Send),
    Call { hook: Name, with: Vec<Pair>, wait: Option<WaitUpTo> },
    HandOff { team: Name, with: Vec<Pair>, wait: Option<WaitUpTo> },
    Alert { team: Name, text: Text },
    WaitFor(Spanned<Length>),
    WaitBusinessDays(Spanned<u32>),
    WaitUntil(Until),
    WaitWindow { from: Spanned<ClockTime>, to: Spanned<ClockTime>, days: Option<(Weekday, Weekday)> },
    WaitUpTo(WaitUpTo),
    If { branches: Vec<(Expression, Block)>, otherwise: Option<Block> },
    Experiment { name: Name, variants: Vec<Variant>, pick: Option<Pick> },
    Repeat { times: Spanned<u32>, body: Block },
    Stop,
    Set { field: FieldName, value: Expression },
    Clear { field: FieldName },
    Add { amount: Expression, field: FieldName },
    Tag(Text),
    Untag(Text),
    Allow(Name),
    Refuse(Name),
    Record { event: Name, pairs: Vec<Pair> },
    Start { journey: Name, with: Vec<Pair> },
    GoTo(Name),
    End { outcome: Option<Name> },
    Broken,
}

impl StatementKind {
    /// The blocks inside, in the order of the text.
    pub fn blocks(&self) -> Vec<&Block> {
        match self {
            StatementKind::Send(send) => send.otherwise.iter().collect(),
            StatementKind::WaitUpTo(wait)
            | StatementKind::Call { wait: Some(wait), .. }
            | StatementKind::HandOff { wait: Some(wait), .. } => wait.blocks().collect(),
            StatementKind::If { branches, otherwise } => {
                branches.iter().map(|(_, body)| body).chain(otherwise).collect()
            }
            StatementKind::Experiment { variants, .. } => {
                variants.iter().map(|variant| &variant.body).collect()
            }
            StatementKind::Repeat { body, .. } => vec![body],
            _ => Vec::new(),
        }
    }

    /// The wait in it, where it waits for something.
    pub fn wait(&self) -> Option<&WaitUpTo> {
        match self {
            StatementKind::WaitUpTo(wait)
            | StatementKind::Call { wait: Some(wait), .. }
            | StatementKind::HandOff { wait: Some(wait), .. } => Some(wait),
            _ => None,
        }
    }
}

impl Block {
    /// Calls `see` for each statement in it and in the blocks inside, those around before those inside.
    pub fn each<'t>(&'t self, see: &mut dyn FnMut(&'t Statement)) {
        for statement in &self.statements {
            see(statement);
            statement.kind.blocks().into_iter().for_each(|block| block.each(see));
        }
    }
}

/// `send …`
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// One message, or several of which one goes out.
    pub choice: SendChoice,
    /// The messages, at least one.
    pub messages: Vec<SendMessage>,
    /// The pairs of `with { … }`.
    pub with: Vec<Pair>,
    /// `at best time within D`
    pub best_time: Option<Spanned<Length>>,
    /// What happens where it is not sent.
    pub otherwise: Option<Block>,
}

/// Which of several messages goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SendChoice {
    One,
    FirstOf,
    BestOf,
}

/// `CHANNEL NAME [to EXPR]`
#[derive(Clone, Debug, PartialEq)]
pub struct SendMessage {
    /// The channel.
    pub channel: Name,
    /// The message.
    pub message: Name,
    /// Another address than the contact's.
    pub to: Option<Expression>,
}

/// `wait until …`
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Until {
    Time(Spanned<ClockTime>),
    Weekday(Spanned<Weekday>, Spanned<ClockTime>),
    Date(MomentLiteral),
    Value { value: Expression, at: Option<Spanned<ClockTime>> },
}

/// `wait up to D { … }`, also behind `call` and `hand off`.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitUpTo {
    /// `up to D`
    pub limit: Spanned<Length>,
    /// `on TRIGGER … { … }`, in the order of the text.
    pub branches: Vec<OnBranch>,
    /// `otherwise { … }`
    pub otherwise: Option<Block>,
    /// More than one `otherwise`: where the others stand.
    pub otherwise_again: Vec<Span>,
    /// Whether a part of it could not be read.
    pub broken: bool,
    /// The block alone.
    pub span: Span,
}

impl WaitUpTo {
    /// The blocks of its branches.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.branches.iter().map(|branch| &branch.body).chain(&self.otherwise)
    }
}

/// `on TRIGGER [where COND] { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct OnBranch {
    /// From `on` to `}`.
    pub span: Span,
    /// What it waits for.
    pub trigger: Trigger,
    /// The condition behind `where`.
    pub condition: Option<Expression>,
    /// What happens then.
    pub body: Block,
}

/// What a wait waits for.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Trigger {
    Event(Name),
    Reaction { kind: Spanned<ReactionKind>, of: Name, link: Option<Text> },
    Reply(Span),
    Accepted(Span),
    Rejected(Span),
}

impl Trigger {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Trigger::Event(name) => name.span,
            Trigger::Reaction { kind, of, link } => {
                kind.span.to(link.as_ref().map_or(of.span, |link| link.span))
            }
            Trigger::Reply(span) | Trigger::Accepted(span) | Trigger::Rejected(span) => *span,
        }
    }
}

/// `variant NAME P% { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name.
    pub name: Name,
    /// Its share, from 0 to 1.
    pub share: Spanned<f64>,
    /// What happens in it.
    pub body: Block,
}

/// `pick by TRIGGER after D`
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// What counts as success.
    pub trigger: Trigger,
    /// The condition behind `where`.
    pub condition: Option<Expression>,
    /// How long one waits for it.
    pub after: Spanned<Length>,
}
