use super::{Block, Expr, Trigger};
use crate::source::Span;
use crate::time::Length;

/// `experiment NAME { variant a 50% { … } … [pick by TRIGGER after D] }`
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Its name, unique in its journey.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// In the order of the text.
    pub variants: Vec<Variant>,
    /// What decides which variant all get in the end.
    pub pick: Option<PickBy>,
}

/// `variant NAME P% { … }`
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name, unique in its experiment.
    pub name: String,
    /// Where its name and its share stand.
    pub span: Span,
    /// The share of contacts that fall to it, from 0 to 1.
    pub share: f64,
    /// What happens in it.
    pub body: Block,
}

/// `pick by TRIGGER [where COND] after D`
#[derive(Clone, Debug)]
pub struct PickBy {
    /// Where the trigger stands.
    pub span: Span,
    /// What counts as success: an event, or a reaction to a message of the run.
    pub trigger: Trigger,
    /// The condition.
    pub condition: Option<Expr>,
    /// How long after coming to the experiment it counts.
    pub after: Length,
}
