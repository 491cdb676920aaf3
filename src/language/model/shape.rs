use super::{Block, Expr, Statement, StatementKind, Until};
use crate::domain::Value;
use crate::language::syntax::tree::Operator;
use crate::time::{Length, Unit};

/// How paths go on from a statement: all that an analysis of the flow must know of it.
#[derive(Clone, Debug)]
pub enum Shape<'a> {
    /// To the next statement.
    Straight,
    /// Through one of these blocks and on behind it.
    Choice {
        /// In the order of the text.
        blocks: Vec<&'a Block>,
        /// Whether there is a way past all of them.
        past: bool,
    },
    /// Through a block, at least once, and on behind it.
    Loop(&'a Block),
    /// Out of the loop around it.
    Stop,
    /// To the stage of that index.
    GoTo(usize),
    /// Nowhere: the journey is over.
    End,
    /// Nobody knows: it could not be resolved.
    Unknown,
}

impl Statement {
    /// How paths go on from here.
    pub fn shape(&self) -> Shape<'_> {
        match &self.kind {
            StatementKind::Send { otherwise: Some(skipped), .. } => {
                Shape::Choice { blocks: vec![skipped], past: true }
            }
            StatementKind::If { branches, otherwise } => Shape::Choice {
                blocks: branches.iter().map(|(_, block)| block).chain(otherwise).collect(),
                past: otherwise.is_none(),
            },
            StatementKind::Experiment(experiment) => Shape::Choice {
                blocks: experiment.variants.iter().map(|variant| &variant.body).collect(),
                past: experiment.variants.is_empty(),
            },
            StatementKind::WaitUpTo(wait)
            | StatementKind::Call { wait: Some(wait), .. }
            | StatementKind::HandOff { wait: Some(wait), .. } => Shape::Choice {
                blocks: wait.branches.iter().map(|branch| &branch.body).chain(&wait.otherwise).collect(),
                past: wait.otherwise.is_none(),
            },
            StatementKind::Repeat { body, .. } => Shape::Loop(body),
            StatementKind::Stop => Shape::Stop,
            StatementKind::GoTo(stage) => Shape::GoTo(*stage),
            StatementKind::End { .. } => Shape::End,
            StatementKind::Unknown => Shape::Unknown,
            StatementKind::Send { otherwise: None, .. }
            | StatementKind::Call { wait: None, .. }
            | StatementKind::HandOff { wait: None, .. }
            | StatementKind::Alert { .. }
            | StatementKind::WaitFor(_)
            | StatementKind::WaitUntil(_)
            | StatementKind::Set { .. }
            | StatementKind::Clear { .. }
            | StatementKind::Add { .. }
            | StatementKind::Tag(_)
            | StatementKind::Untag(_)
            | StatementKind::Permit { .. }
            | StatementKind::Record { .. }
            | StatementKind::Start { .. } => Shape::Straight,
        }
    }

    /// The blocks inside, in the order of the text.
    pub fn blocks(&self) -> Vec<&Block> {
        match self.shape() {
            Shape::Choice { blocks, .. } => blocks,
            Shape::Loop(body) => vec![body],
            _ => Vec::new(),
        }
    }

    /// Whether time passes here each time. A moment that has passed does not wait, so only one that lies ahead
    /// whenever it is asked for does.
    pub fn takes_time(&self) -> bool {
        match &self.kind {
            StatementKind::WaitFor(length) => !length.is_zero(),
            StatementKind::WaitUntil(Until::Value { value, at }) => lies_ahead(value, at.is_some()).is_some(),
            StatementKind::WaitUntil(Until::Time(_) | Until::Weekday(..)) => true,
            StatementKind::WaitUntil(Until::BusinessDays(days)) => *days > 0,
            // Inside the window it goes on at once.
            StatementKind::WaitUntil(Until::Window(_)) => false,
            _ => self.wait().is_some_and(|wait| !wait.limit.is_zero()),
        }
    }

    /// How much time passes at the least from here until a path comes past here again, by what this statement waits
    /// for: whoever was here at nine waits for nine of the next day.
    pub fn recurs_after(&self) -> Option<Length> {
        match &self.kind {
            StatementKind::WaitUntil(Until::Time(_)) => Some(Length::new(1, Unit::Day)),
            StatementKind::WaitUntil(Until::Weekday(..)) => Some(Length::new(1, Unit::Week)),
            StatementKind::WaitUntil(Until::Value { value, at }) => lies_ahead(value, at.is_some()),
            _ => None,
        }
    }

    /// The messages that may go out here.
    pub fn sends(&self) -> Vec<&str> {
        match &self.kind {
            StatementKind::Send { messages, .. } => {
                messages.iter().map(|message| message.name.as_str()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// How far a moment lies ahead at the least, whenever it is asked for: a length after the present, and, where midnight
/// or another time of that day is meant, one of a day or more. `None` where it may have passed.
fn lies_ahead(value: &Expr, at_a_time: bool) -> Option<Length> {
    let Expr::Binary(Operator::Plus, left, right) = value else { return None };
    let (from, length) = match (left.as_ref(), right.as_ref()) {
        (from, Expr::Value(Value::Length(length))) | (Expr::Value(Value::Length(length)), from) => {
            (from, length)
        }
        _ => return None,
    };
    let counts = match from {
        Expr::Now => !at_a_time || length.unit >= Unit::Day,
        Expr::Today => length.unit >= Unit::Day,
        _ => false,
    };
    (counts && !length.is_zero()).then_some(*length)
}
