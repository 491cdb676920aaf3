use super::Checker;
use super::truth::{self, Claim};
use crate::finding::{Code, Finding};
use crate::language::model::{Block, Branch, Expr, Journey, Statement, StatementKind, Trigger};
use crate::source::Span;

/// How many branches are held against those above; of more nothing is said.
const BRANCHES_MAX: usize = 100;

impl Checker<'_> {
    /// Branches that are never taken, because those above take everybody.
    pub(super) fn shadows(&self, journey: &Journey) {
        journey.each_statement(&mut |_, statement| {
            if let StatementKind::If { branches, otherwise } = &statement.kind {
                self.shadowed_conditions(branches, otherwise.as_ref());
            }
            if let Some(wait) = statement.wait() {
                self.shadowed_triggers(&wait.branches);
            }
        });
    }

    /// Whether an `if` without an `else` goes through one of its blocks for everybody.
    pub(super) fn covers_everybody(&self, statement: &Statement) -> bool {
        match &statement.kind {
            StatementKind::If { branches, otherwise: None } => self.is_never(&not_taken(branches)),
            _ => false,
        }
    }

    fn shadowed_conditions(&self, branches: &[(Expr, Block)], otherwise: Option<&Block>) {
        for (index, (condition, block)) in branches.iter().enumerate().take(BRANCHES_MAX).skip(1) {
            let mut claims = not_taken(branches.get(..index).unwrap_or_default());
            // A condition that is the same for everybody has been told about.
            let told = self.is_never(&[(condition, true)]) || self.is_never(&claims);
            claims.push((condition, true));
            if !told && self.is_never(&claims) {
                self.shadowed(first(block), "whoever this is for, a condition above has taken");
            }
        }
        let Some(block) = otherwise.filter(|block| !block.statements.is_empty()) else { return };
        let always = |(condition, _): &(Expr, Block)| self.is_never(&[(condition, false)]);
        if self.is_never(&not_taken(branches)) && !branches.iter().any(always) {
            self.shadowed(first(block), "the conditions above take everybody");
        }
    }

    fn shadowed_triggers(&self, branches: &[Branch]) {
        for (index, branch) in branches.iter().enumerate().take(BRANCHES_MAX).skip(1) {
            let above = branches.iter().take(index).filter(|above| covers(&above.trigger, &branch.trigger));
            let mut claims = Vec::new();
            let mut all = false;
            for above in above {
                match &above.condition {
                    Some(condition) => claims.push((condition, false)),
                    None => all = true,
                }
            }
            let own: Vec<Claim<'_>> = branch.condition.iter().map(|condition| (condition, true)).collect();
            let told = !own.is_empty() && self.is_never(&own);
            claims.extend(own);
            if !told && (all || !claims.is_empty() && self.is_never(&claims)) {
                self.shadowed(branch.span, "an `on` above takes all of this");
            }
        }
    }

    fn is_never(&self, claims: &[Claim<'_>]) -> bool {
        truth::never(claims, &|expr| self.allowed_of_contact(expr))
    }

    fn shadowed(&self, span: Span, why: &str) {
        self.report(
            Finding::new(Code::E302, span, format!("nothing can reach this: {why}"))
                .help("the first that fits is taken: put this above it, or take it away"),
        );
    }
}

fn not_taken(branches: &[(Expr, Block)]) -> Vec<Claim<'_>> {
    branches.iter().map(|(condition, _)| (condition, false)).collect()
}

/// Where a block begins to do something.
fn first(block: &Block) -> Span {
    block.statements.first().map_or(block.span, |statement| statement.span)
}

/// Whether all that one trigger waits for ends the wait by the other as well.
fn covers(above: &Trigger, below: &Trigger) -> bool {
    match (above, below) {
        (
            Trigger::Reaction { kind, message, link },
            Trigger::Reaction { kind: same_kind, message: same_message, link: inner },
        ) => kind == same_kind && message == same_message && (link.is_none() || link == inner),
        (Trigger::Unknown, _) | (_, Trigger::Unknown) => false,
        _ => above == below,
    }
}
