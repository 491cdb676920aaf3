use super::Expr;
use crate::source::Span;
use crate::time::{ClockTime, Date, Length};

/// A checked test.
#[derive(Clone, Debug)]
pub struct Test {
    /// What it is about.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// The journey it tries.
    pub journey: String,
    /// The contact it begins with.
    pub contact: TestContact,
    /// Whether the contact is in the control group.
    pub held_out: bool,
    /// The variants it names, by experiment; the contact's own elsewhere.
    pub variants: Vec<(String, String)>,
    /// Whether messages that no line expects are no failure.
    pub allow_other_messages: bool,
    /// In the order of the text.
    pub steps: Vec<Step>,
}

/// The contact a test begins with.
#[derive(Clone, Debug, Default)]
pub struct TestContact {
    /// Attributes, built-in ones among them.
    pub attributes: Vec<(String, Expr)>,
    /// Tags.
    pub tags: Vec<String>,
    /// Topics that the contact allows.
    pub allows: Vec<String>,
}

/// A line of a test.
#[derive(Clone, Debug)]
pub enum Step {
    /// Something happens.
    Do {
        /// The line.
        span: Span,
        /// When; at the moment of the step before where nothing is said.
        time: Option<StepTime>,
        /// What.
        action: Action,
    },
    /// Something must be so.
    Expect {
        /// The line.
        span: Span,
        /// What.
        what: Expectation,
    },
}

/// When a step happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepTime {
    /// At a date and time on the contact's clock.
    At(Date, ClockTime),
    /// That long after the step before.
    After(Length),
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the section on tests in docs/reference/language.md explains each")]
pub enum Action {
    /// An event, by its name on the wire.
    Event {
        wire: String,
        properties: Vec<(String, Expr)>,
    },
    Click {
        message: String,
        link: Option<String>,
    },
    Open(String),
    Bounce(String),
    Complain(String),
    Answer {
        survey: String,
        score: i16,
    },
    Reply {
        hook: String,
        fields: Vec<(String, Expr)>,
    },
    Accept,
    Reject,
    Set {
        field: String,
        value: Expr,
    },
    Enter {
        properties: Vec<(String, Expr)>,
    },
    Nothing,
}

/// What must be so.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the section on tests in docs/reference/language.md explains each")]
pub enum Expectation {
    Message { channel: String, message: String, at: Option<(Date, Option<ClockTime>)> },
    NoMessage { channel: String, message: Option<String> },
    Stage(String),
    Goal { goal: String, worth: Option<Expr> },
    Outcome(String),
    Handoff { team: String, with: Vec<(String, Expr)> },
    Call { hook: String, with: Vec<(String, Expr)> },
    Contact { field: String, value: Expr },
    Skipped { message: String, reason: Option<String> },
}
