use super::{Expression, FieldName, MomentLiteral, Name, Pair, Spanned, Text};
use crate::source::Span;
use crate::time::Length;

/// `test "name" for JOURNEY { … }`
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
pub struct TestItem {
    /// All of it.
    pub span: Span,
    /// What it says.
    pub kind: TestItemKind,
}

/// What a line of a test says.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum StepTime {
    At(MomentLiteral),
    After(Spanned<Length>),
}

/// What happens in a step of a test.
#[derive(Clone, Debug, PartialEq)]
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
