//! The tree of a journey file: what was written, with a span on every node, before any name is resolved.
//!
//! What could not be read is a `Broken` node; a finding about it exists already, and whoever walks the tree
//! passes over it in silence.

use crate::source::Span;

mod expression;
mod journey;
mod test;

pub use expression::{
    Aggregate, Expression, ExpressionKind, FieldName, MomentLiteral, Operator, ReactionKind, Scope,
};
pub use journey::{
    Block, CapThen, Clause, ClauseKind, Enter, EnterKind, EveryDays, Goal, Journey, OnBranch, Pick, Reenter,
    Send, SendChoice, SendMessage, Stage, Statement, StatementKind, Timezone, Trigger, Until, Variant,
    WaitUpTo,
};
pub use test::{Action, StepTime, Test, TestItem, TestItemKind};

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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// In the order of the text.
    pub declarations: Vec<Declaration>,
    /// Comments, each from its `#` to the end of the line.
    pub comments: Vec<Span>,
}

/// What can stand at the top of a file.
#[derive(Clone, Debug, PartialEq)]
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

impl Declaration {
    /// Where it stands; of `contact` the block alone.
    pub fn span(&self) -> Span {
        match self {
            Declaration::Contact(fields) => fields.span,
            Declaration::Event(event) => event.span,
            Declaration::Topic(topic) => topic.span,
            Declaration::Measure(definition) | Declaration::Segment(definition) => definition.span,
            Declaration::Survey(survey) => survey.span,
            Declaration::Policy(policy) => policy.span,
            Declaration::Message(message) => message.span,
            Declaration::Journey(journey) => journey.span,
            Declaration::Test(test) => test.span,
            Declaration::Broken(broken) => broken.span,
        }
    }
}

/// Text that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// All of it.
    pub span: Span,
    /// Words in it that may be names it meant to declare: whoever uses them is not told that they are missing.
    pub names: Vec<String>,
}

/// `contact { … }`, and the fields of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields {
    /// The whole block.
    pub span: Span,
    /// In the order of the text.
    pub fields: Vec<Field>,
}

/// One attribute or property.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
pub struct FieldType {
    /// Whether `list of` stands before it.
    pub list: bool,
    /// The word of the type.
    pub name: Name,
}

/// `event NAME "wire name" { … }`
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The whole declaration.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// What it means.
    pub value: Expression,
}

/// `survey NAME "question" { scale 0 to 10  comment "…" }`
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The whole declaration.
    pub span: Span,
    /// In the order of the text.
    pub rules: Vec<Clause>,
}

/// A message of some channel.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageBody {
    /// `key value`, such as `subject "…"` or `topic newsletter`.
    pub settings: Vec<Setting>,
    /// The pairs of `utm { … }`.
    pub utm: Vec<Pair>,
    /// `in "de" { … }`
    pub languages: Vec<(Text, MessageBody)>,
}

/// `key value` inside a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The word before.
    pub key: Name,
    /// What it is set to.
    pub value: SettingValue,
}

/// What a setting is set to.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// Text in quotes.
    Text(Text),
    /// A name.
    Name(Name),
}

/// `name value` inside `with { … }`, `utm { … }`, an event of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The name.
    pub key: Name,
    /// The value.
    pub value: Expression,
}
