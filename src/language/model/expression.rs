use serde::{Deserialize, Serialize};

use super::Aggregate;
use crate::domain::{Value, ValueType};
use crate::language::syntax::tree::{Operator, ReactionKind};
use crate::time::{ClockTime, Date, Unit};

/// An expression with every name resolved. Plain data, part of a deployed plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    /// A value that stands there.
    Value(Value),
    /// A date and a time on the clock of the contact.
    Wall(Date, ClockTime),
    /// A list of values.
    List(Vec<Expr>),
    /// An attribute of the contact, with what it is where nothing is set.
    Contact {
        /// Its name.
        name: String,
        /// Its type.
        of: ValueType,
        /// What it is where nothing is set.
        default: Value,
    },
    /// A property of the event that led into the journey.
    Entry {
        /// Its name.
        name: String,
        /// Its type; `None` where nothing declares it.
        of: Option<ValueType>,
    },
    /// A property of an event: of the one at hand, or of the one that a branch around was taken for.
    Event {
        /// Its name.
        name: String,
        /// Its type.
        of: ValueType,
        /// How many `on` stand around that branch, the outermost being 0; `None` for the event at hand.
        depth: Option<u8>,
    },
    /// A field of a webhook's answer, counted like `Event`.
    Reply {
        /// Its name.
        name: String,
        /// How many `on` stand around the branch; `None` for the answer at hand.
        depth: Option<u8>,
    },
    /// The date on the contact's calendar.
    Today,
    /// The present.
    Now,
    /// Whole units from a moment until now.
    Since(Unit, Box<Expr>),
    /// Whole units from now until a moment.
    Until(Unit, Box<Expr>),
    /// Whether the contact carries a tag.
    HasTag(String),
    /// Whether the contact allows a topic.
    Allows(String),
    /// Whether the contact reacted to a message of this run.
    Reaction {
        /// How.
        kind: ReactionKind,
        /// To which message.
        message: String,
        /// On which link, where it matters.
        link: Option<String>,
    },
    /// What past events of the contact come to.
    Aggregate(Box<Aggregate>),
    /// What is not so.
    Not(Box<Expr>),
    /// The number with the other sign.
    Negate(Box<Expr>),
    /// Two values and what is between them.
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// Whether a value is there.
    IsSet(Box<Expr>),
    /// The date of a moment on the contact's calendar, of each where there are several; what is none stays as it is.
    DayOf(Box<Expr>),
}

impl Expr {
    /// A value that is always true.
    pub const TRUE: Expr = Expr::Value(Value::Boolean(true));

    /// Calls `see` with this and every expression inside.
    pub fn walk<'a>(&'a self, see: &mut dyn FnMut(&'a Expr)) {
        see(self);
        self.each_part(&mut |part| part.walk(see));
    }

    /// Calls `see` with every expression right inside this one.
    pub fn each_part<'a>(&'a self, see: &mut dyn FnMut(&'a Expr)) {
        match self {
            Expr::List(items) => items.iter().for_each(see),
            Expr::Since(_, inner)
            | Expr::Until(_, inner)
            | Expr::Not(inner)
            | Expr::Negate(inner)
            | Expr::IsSet(inner)
            | Expr::DayOf(inner) => see(inner),
            Expr::Aggregate(aggregate) => aggregate.condition.iter().for_each(see),
            Expr::Binary(_, left, right) => {
                see(left);
                see(right);
            }
            Expr::Value(_)
            | Expr::Wall(..)
            | Expr::Contact { .. }
            | Expr::Entry { .. }
            | Expr::Event { .. }
            | Expr::Reply { .. }
            | Expr::Today
            | Expr::Now
            | Expr::HasTag(_)
            | Expr::Allows(_)
            | Expr::Reaction { .. } => {}
        }
    }

    /// Whether any expression inside fits.
    pub fn any(&self, fits: impl Fn(&Expr) -> bool) -> bool {
        let mut found = false;
        self.walk(&mut |expr| found |= fits(expr));
        found
    }
}
