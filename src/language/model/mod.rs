//! What a checked workspace is: every name resolved, every expression typed. The plan is made from it, and
//! editors answer from it.
//!
//! A model is whole only where the checker found no error; where it found some, the parts that could not be
//! resolved are left out.

mod aggregate;
mod experiment;
mod expression;
mod journey;
mod message;
mod policy;
mod shape;
mod test;

pub use crate::language::syntax::tree::{Operator, ReactionKind, Scope};
pub use aggregate::{Aggregate, AggregateFunction};
pub use experiment::{Experiment, PickBy, Variant};
pub use expression::Expr;
pub use journey::{
    Block, Branch, Enter, EnterKind, Goal, Journey, Leave, Reenter, SendTo, Stage, Statement, StatementKind,
    Timezone, Trigger, Until, Wait,
};
pub use message::{Message, MessageText};
pub use policy::{Cap, Limits, PRIORITY_DEFAULT, Pick, Policy, Unsure};
pub use shape::Shape;
pub use test::{Action, Expectation, Step, StepTime, Test, TestContact};

use std::collections::BTreeMap;

use crate::domain::{Survey, Value, ValueType};
use crate::source::Span;

/// A checked workspace.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The attributes a contact has, beside the built-in ones.
    pub contact: Vec<Field>,
    /// Events that are declared; Lotse's own are not among them.
    pub events: Vec<Event>,
    /// What messages are about, by name.
    pub topics: Vec<Topic>,
    /// Surveys, by name.
    pub surveys: BTreeMap<String, Survey>,
    /// Messages of every channel, by name.
    pub messages: Vec<Message>,
    /// What holds for the messages of every journey.
    pub policy: Policy,
    /// Journeys, in the order of the files.
    pub journeys: Vec<Journey>,
    /// Tests, in the order of the files.
    pub tests: Vec<Test>,
}

impl Model {
    /// The declared attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Field> {
        self.contact.iter().find(|field| field.name == name)
    }

    /// The journey of that name.
    pub fn journey(&self, name: &str) -> Option<&Journey> {
        self.journeys.iter().find(|journey| journey.name == name)
    }

    /// The message of that name; names are unique across channels.
    pub fn message(&self, name: &str) -> Option<&Message> {
        let index = self.messages.binary_search_by(|message| message.name.as_str().cmp(name)).ok()?;
        self.messages.get(index)
    }

    /// The topic of that name.
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        let index = self.topics.binary_search_by(|topic| topic.name.as_str().cmp(name)).ok()?;
        self.topics.get(index)
    }
}

/// An attribute of contacts or a property of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// Its type.
    pub of: ValueType,
    /// The only values it may have, where there are such.
    pub one_of: Option<Vec<Value>>,
    /// What it is where nothing is set.
    pub default: Option<Value>,
}

/// An event that the customer's systems report.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name in journeys.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// Its name on the wire.
    pub wire: String,
    /// Its properties.
    pub fields: Vec<Field>,
}

/// What messages are about, and what a contact may refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// What recipients read.
    pub label: String,
    /// Whether it needs no permission and cannot be refused.
    pub essential: bool,
}
