//! The tree of a journey file: what was written, with a span on every node, before any name is resolved.
//!
//! What could not be read is a `Broken` node; a finding about it exists already, and whoever walks the tree
//! passes over it in silence.

use serde::{Deserialize, Serialize};

use crate::source::Span;
use crate::time::{ClockTime, Date, Length, Unit, Weekday};

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts a value and its place together.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A name as it was written.
pub type Name = Spanned<String>;
/// Text with its escapes and indent resolved.
pub type Text = Spanned<String>;

/// One journey file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// In the order of the text.
    pub declarations: Vec<Declaration>,
    /// Comments, each from its `#` to the end of the line.
    pub comments: Vec<Span>,
}

/// What can stand at the top of a file.
#[derive(Clone, Debug)]
pub enum Declaration {
    /// `contact { … }`
    Contact(Fields),
    /// `event NAME "wire name" { … }`
    Event(Event),
    /// `topic NAME "label" essential`
    Topic(Topic),
    /// `measure NAME = …`
    Measure(Definition),
    /// `segment NAME = …`
    Segment(Definition),
    /// `survey NAME "question" { … }`
    Survey(Survey),
    /// `policy { … }`
    Policy(Policy),
    /// `email NAME { … }`, or the same for another channel
    Message(Message),
    /// `journey NAME "label" { … }`
    Journey(Journey),
    /// `test "name" for JOURNEY { … }`
    Test(Test),
    /// Text that is no declaration, with the names it may have meant to declare.
    Broken(Broken),
}

/// Text that could not be read.
#[derive(Clone, Debug)]
pub struct Broken {
    /// All of it.
    pub span: Span,
    /// Words in it that may be names it meant to declare: whoever uses them is not told that they are missing.
    pub names: Vec<String>,
}

/// `contact { … }`, and the fields of an event.
#[derive(Clone, Debug)]
pub struct Fields {
    /// The whole block.
    pub span: Span,
    /// In the order of the text.
    pub fields: Vec<Field>,
}

/// One attribute or property.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: Name,
    /// `text`, `list of number`, … as written.
    pub kind: FieldType,
    /// The values of `one of [...]`.
    pub one_of: Option<Vec<Expression>>,
    /// The value behind `=`.
    pub default: Option<Expression>,
}

/// The type of a field as written.
#[derive(Clone, Debug)]
pub struct FieldType {
    /// Whether `list of` stands before it.
    pub list: bool,
    /// The word of the type.
    pub name: Name,
}

/// `event NAME "wire name" { … }`
#[derive(Clone, Debug)]
pub struct Event {
    /// The whole declaration.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// Its name on the wire, where it differs.
    pub wire: Option<Text>,
    /// Its properties.
    pub fields: Fields,
}

/// `topic NAME "label" essential`
#[derive(Clone, Debug)]
pub struct Topic {
    /// The whole declaration.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// What recipients read.
    pub label: Option<Text>,
    /// Whether it needs no permission.
    pub essential: bool,
}

/// `measure NAME = …` or `segment NAME = …`
#[derive(Clone, Debug)]
pub struct Definition {
    /// The whole declaration.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// What it means.
    pub value: Expression,
}

/// `survey NAME "question" { scale 0 to 10  comment "…" }`
#[derive(Clone, Debug)]
pub struct Survey {
    /// The whole declaration.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// The question.
    pub question: Option<Text>,
    /// The lowest and highest score.
    pub scale: Option<(Spanned<f64>, Spanned<f64>)>,
    /// The question for free text.
    pub comment: Option<Text>,
}

/// `policy { … }`
#[derive(Clone, Debug)]
pub struct Policy {
    /// The whole declaration.
    pub span: Span,
    /// In the order of the text.
    pub rules: Vec<Clause>,
}

/// A message of some channel.
#[derive(Clone, Debug)]
pub struct Message {
    /// The whole declaration.
    pub span: Span,
    /// `email`, or a channel of `lotse.yaml`.
    pub channel: Name,
    /// Its name.
    pub name: Name,
    /// What stands in it.
    pub body: MessageBody,
}

/// The entries of a message, or of its version in one language.
#[derive(Clone, Debug, Default)]
pub struct MessageBody {
    /// `key value`, such as `subject "…"` or `topic newsletter`.
    pub settings: Vec<Setting>,
    /// The pairs of `utm { … }`.
    pub utm: Vec<Pair>,
    /// `in "de" { … }`
    pub languages: Vec<(Text, MessageBody)>,
}

/// `key value` inside a message.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The word before.
    pub key: Name,
    /// What it is set to.
    pub value: SettingValue,
}

/// What a setting is set to.
#[derive(Clone, Debug)]
pub enum SettingValue {
    /// Text in quotes.
    Text(Text),
    /// A name.
    Name(Name),
}

/// `name value` inside `with { … }`, `utm { … }`, an event of a test.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The name.
    pub key: Name,
    /// The value.
    pub value: Expression,
}

/// `journey NAME "label" { … }`
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub struct Clause {
    /// The whole clause.
    pub span: Span,
    /// What it says.
    pub kind: ClauseKind,
}

/// What a clause says.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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

/// `SCOPE.FIELD`
#[derive(Clone, Debug)]
pub struct FieldName {
    /// `contact`, `entry`, `event` or `reply`.
    pub scope: Spanned<Scope>,
    /// The field.
    pub name: Name,
}

/// Which days `enter every` means.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub struct Stage {
    /// The whole stage.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// What happens in it.
    pub body: Block,
}

/// `{ statements }`
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
    /// All of it, with its blocks.
    pub span: Span,
    /// What it does.
    pub kind: StatementKind,
}

/// What a statement does.
#[derive(Clone, Debug)]
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

/// `send …`
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub struct SendMessage {
    /// The channel.
    pub channel: Name,
    /// The message.
    pub message: Name,
    /// Another address than the contact's.
    pub to: Option<Expression>,
}

/// `wait until …`
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Until {
    Time(Spanned<ClockTime>),
    Weekday(Spanned<Weekday>, Spanned<ClockTime>),
    Date(MomentLiteral),
    Value { value: Expression, at: Option<Spanned<ClockTime>> },
}

/// `wait up to D { … }`, also behind `call` and `hand off`.
#[derive(Clone, Debug)]
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

/// `on TRIGGER [where COND] { … }`
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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

/// What somebody did with a message or a survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ReactionKind {
    Clicked,
    Opened,
    Delivered,
    Bounced,
    Complained,
    Replied,
    Answered,
}

impl ReactionKind {
    /// The word of the language, such as `clicked`.
    pub fn word(self) -> &'static str {
        match self {
            ReactionKind::Clicked => "clicked",
            ReactionKind::Opened => "opened",
            ReactionKind::Delivered => "delivered",
            ReactionKind::Bounced => "bounced",
            ReactionKind::Complained => "complained",
            ReactionKind::Replied => "replied",
            ReactionKind::Answered => "answered",
        }
    }

    /// Reads the word of the language.
    pub fn from_word(word: &str) -> Option<Self> {
        use ReactionKind::{Answered, Bounced, Clicked, Complained, Delivered, Opened, Replied};
        [Clicked, Opened, Delivered, Bounced, Complained, Replied, Answered]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// `variant NAME P% { … }`
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name.
    pub name: Name,
    /// Its share, from 0 to 1.
    pub share: Spanned<f64>,
    /// What happens in it.
    pub body: Block,
}

/// `pick by TRIGGER after D`
#[derive(Clone, Debug)]
pub struct Pick {
    /// What counts as success.
    pub trigger: Trigger,
    /// The condition behind `where`.
    pub condition: Option<Expression>,
    /// How long one waits for it.
    pub after: Spanned<Length>,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expression {
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub kind: ExpressionKind,
}

/// What an expression says.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the section on expressions in docs/reference/language.md explains each")]
pub enum ExpressionKind {
    Text(String),
    Number(f64),
    Boolean(bool),
    Share(f64),
    Length(Length),
    ClockTime(ClockTime),
    Moment(MomentLiteral),
    List(Vec<Expression>),
    Field(FieldName),
    Reference(String),
    Today,
    Now,
    Since { unit: Unit, of: Box<Expression> },
    Until { unit: Unit, of: Box<Expression> },
    InSegment(Name),
    HasTag(Text),
    Allows(Name),
    Reaction { kind: ReactionKind, of: Name, link: Option<Text> },
    Aggregate(Box<Aggregate>),
    Not(Box<Expression>),
    Negate(Box<Expression>),
    Binary { operator: Spanned<Operator>, left: Box<Expression>, right: Box<Expression> },
    IsSet { of: Box<Expression>, negated: bool },
    Broken,
}

/// `count(E [in last D] [where COND])` and its like.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// The word before the bracket.
    pub function: Spanned<String>,
    /// The event.
    pub event: Name,
    /// The property behind the dot.
    pub field: Option<Name>,
    /// `in last D`
    pub last: Option<Spanned<Length>>,
    /// The condition behind `where`.
    pub condition: Option<Expression>,
}

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    Contains,
    StartsWith,
    EndsWith,
    Plus,
    Minus,
    Times,
    DividedBy,
}

/// Where a field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Scope {
    Contact,
    Entry,
    Event,
    Reply,
}

impl Scope {
    /// The word before the dot.
    pub fn word(self) -> &'static str {
        match self {
            Scope::Contact => "contact",
            Scope::Entry => "entry",
            Scope::Event => "event",
            Scope::Reply => "reply",
        }
    }
}

/// A date, with a time of day where one stands.
#[derive(Clone, Debug, PartialEq)]
pub struct MomentLiteral {
    /// Where it stands.
    pub span: Span,
    /// The date.
    pub date: Date,
    /// The time of day.
    pub time: Option<ClockTime>,
}

/// `test "name" for JOURNEY { … }`
#[derive(Clone, Debug)]
pub struct Test {
    /// The whole test.
    pub span: Span,
    /// What it is about.
    pub name: Text,
    /// The journey it tries.
    pub journey: Name,
    /// In the order of the text.
    pub items: Vec<TestItem>,
}

/// One line of a test.
#[derive(Clone, Debug)]
pub struct TestItem {
    /// All of it.
    pub span: Span,
    /// What it says.
    pub kind: TestItemKind,
}

/// What a line of a test says.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the section on tests in docs/reference/language.md explains each")]
pub enum TestItemKind {
    Contact { attributes: Vec<Pair>, allows: Vec<Name> },
    HeldOut,
    Variant { experiment: Name, variant: Name },
    AllowOtherMessages,
    Step { time: Option<StepTime>, action: Action },
    ExpectMessage { channel: Name, message: Name, at: Option<MomentLiteral> },
    ExpectNo { channel: Name, message: Option<Name> },
    ExpectStage(Name),
    ExpectGoal { goal: Name, worth: Option<Expression> },
    ExpectOutcome(Name),
    ExpectHandoff { team: Name, with: Vec<Pair> },
    ExpectCall { hook: Name, with: Vec<Pair> },
    ExpectContact { field: FieldName, value: Expression },
    ExpectSkipped { message: Name, reason: Option<Name> },
    Broken,
}

/// When a step of a test happens.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum StepTime {
    At(MomentLiteral),
    After(Spanned<Length>),
}

/// What happens in a step of a test.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the section on tests in docs/reference/language.md explains each")]
pub enum Action {
    Event { event: Name, with: Vec<Pair> },
    Click { message: Name, link: Option<Text> },
    Open(Name),
    Bounce(Name),
    Complain(Name),
    Reply { hook: Name, with: Vec<Pair> },
    Answer { survey: Name, score: Spanned<f64> },
    Accept,
    Reject,
    Set { field: FieldName, value: Expression },
    Enter { with: Vec<Pair> },
    Nothing,
}
