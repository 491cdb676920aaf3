use serde::{Deserialize, Serialize};

use super::{Name, Spanned, Text};
use crate::domain::SystemEvent;
use crate::source::Span;
use crate::time::{ClockTime, Date, Length, Unit};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub kind: ExpressionKind,
}

impl Expression {
    /// What the last comparison in it compares, where it ends with one.
    pub fn last_compared(&self) -> Option<&Expression> {
        match &self.kind {
            ExpressionKind::Binary { operator, left, right } => match operator.value {
                Operator::Or | Operator::And => right.last_compared(),
                _ => Some(left),
            },
            _ => None,
        }
    }
}

/// What an expression says.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
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

/// `SCOPE.FIELD`
#[derive(Clone, Debug, PartialEq)]
pub struct FieldName {
    /// `contact`, `entry`, `event` or `reply`.
    pub scope: Spanned<Scope>,
    /// The field.
    pub name: Name,
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
    /// All of them.
    pub const ALL: [ReactionKind; 7] = [
        ReactionKind::Clicked,
        ReactionKind::Opened,
        ReactionKind::Delivered,
        ReactionKind::Bounced,
        ReactionKind::Complained,
        ReactionKind::Replied,
        ReactionKind::Answered,
    ];

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

    /// The event that Lotse records for it.
    pub fn event(self) -> SystemEvent {
        match self {
            ReactionKind::Clicked => SystemEvent::MessageClicked,
            ReactionKind::Opened => SystemEvent::MessageOpened,
            ReactionKind::Delivered => SystemEvent::MessageDelivered,
            ReactionKind::Bounced => SystemEvent::MessageBounced,
            ReactionKind::Complained => SystemEvent::MessageComplained,
            ReactionKind::Answered => SystemEvent::SurveyAnswered,
            ReactionKind::Replied => SystemEvent::MessageReplied,
        }
    }

    /// Reads the word of the language.
    pub fn from_word(word: &str) -> Option<Self> {
        ReactionKind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}
