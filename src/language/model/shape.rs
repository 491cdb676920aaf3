use super::{Block, Expr, Statement, StatementKind, Until};

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

    /// Whether time passes here each time. A moment that has passed does not wait, so only one that is counted
    /// from the present does.
    pub fn takes_time(&self) -> bool {
        match &self.kind {
            StatementKind::WaitFor(length) => !length.is_zero(),
            StatementKind::WaitUntil(Until::Value { value, .. }) => {
                value.any(|expr| matches!(expr, Expr::Today | Expr::Now))
            }
            StatementKind::WaitUntil(Until::Time(_) | Until::Weekday(..)) => true,
            StatementKind::WaitUntil(Until::BusinessDays(days)) => *days > 0,
            // Inside the window it goes on at once.
            StatementKind::WaitUntil(Until::Window(_)) => false,
            _ => self.wait().is_some_and(|wait| !wait.limit.is_zero()),
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
