use serde::{Deserialize, Serialize};

use super::Expr;
use crate::domain::ValueType;
use crate::time::Length;

/// `count(E [in last D] [where COND])` and its like: what past events of the contact come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// What is asked about them.
    pub function: AggregateFunction,
    /// The event, by its name on the wire.
    pub event: String,
    /// The property that is added up or compared, and its type; `None` for functions of the events themselves.
    pub field: Option<(String, ValueType)>,
    /// How long an event counts; for ever where nothing is said.
    pub last: Option<Length>,
    /// Which of them count. Its [`Expr::Event`] without a depth is the event that is counted.
    pub condition: Option<Expr>,
}

/// A function over past events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregateFunction {
    /// How many there are.
    Count,
    /// The sum of a property, 0 where there is none.
    Sum,
    /// The mean of a property.
    Avg,
    /// The smallest value of a property.
    Min,
    /// The largest value of a property.
    Max,
    /// The moment of the first.
    First,
    /// The moment of the last.
    Last,
}

impl AggregateFunction {
    const ALL: [AggregateFunction; 7] = [
        AggregateFunction::Count,
        AggregateFunction::Sum,
        AggregateFunction::Avg,
        AggregateFunction::Min,
        AggregateFunction::Max,
        AggregateFunction::First,
        AggregateFunction::Last,
    ];

    /// The word of the language, such as `count`.
    pub fn word(self) -> &'static str {
        match self {
            AggregateFunction::Count => "count",
            AggregateFunction::Sum => "sum",
            AggregateFunction::Avg => "avg",
            AggregateFunction::Min => "min",
            AggregateFunction::Max => "max",
            AggregateFunction::First => "first",
            AggregateFunction::Last => "last",
        }
    }

    /// Reads the word of the language.
    pub fn from_word(word: &str) -> Option<Self> {
        AggregateFunction::ALL.into_iter().find(|function| function.word() == word)
    }

    /// Whether it is about a property and not about the events themselves.
    pub fn has_field(self) -> bool {
        use AggregateFunction as F;
        matches!(self, F::Sum | F::Avg | F::Min | F::Max)
    }
}
