use super::Checker;
use super::expression::{Around, Entry, OnBranch};
use super::names::NameKind;
use super::truth;
use crate::domain::Value;
use crate::finding::{Code, Finding};
use crate::language::model::{Expr, Operator};
use crate::language::syntax::tree::{self, ExpressionKind};

impl Checker<'_> {
    /// Says so where a condition of which nothing else was said, or a part of it, is the same for everybody.
    pub(super) fn same_for_everybody(&self, tree: &tree::Expression, expr: &Expr, around: &Around<'_>) {
        let allowed = |expr: &Expr| self.allowed(expr, around);
        if self.asks_a_settled_segment(expr, &allowed) {
            return;
        }
        self.settled(tree, expr, &allowed);
    }

    /// Looks at the whole first: of a whole that is settled its parts are not told.
    fn settled(&self, tree: &tree::Expression, expr: &Expr, allowed: truth::Allowed<'_>) {
        if let Some(always) = truth::verdict(expr, allowed) {
            let word = if always { "always" } else { "never" };
            self.report(
                Finding::new(Code::W607, tree.span, format!("this is {word} true"))
                    .help("write what it depends on, or take the condition away"),
            );
            return;
        }
        self.parts_settled(tree, expr, allowed);
    }

    fn parts_settled(&self, tree: &tree::Expression, expr: &Expr, allowed: truth::Allowed<'_>) {
        match (&tree.kind, expr) {
            (ExpressionKind::Not(tree), Expr::Not(expr)) => self.parts_settled(tree, expr, allowed),
            (ExpressionKind::Binary { operator, left, right }, Expr::Binary(_, l, r))
                if matches!(operator.value, Operator::And | Operator::Or) =>
            {
                for (tree, expr) in [(left, l), (right, r)] {
                    // A part of a chain is settled only where one of its links is, or the whole.
                    let link = !matches!(&tree.kind, ExpressionKind::Binary { operator: inner, .. } if inner.value == operator.value);
                    if link {
                        self.settled(tree, expr, allowed);
                    } else {
                        self.parts_settled(tree, expr, allowed);
                    }
                }
            }
            _ => {}
        }
    }

    /// A segment that is the same for everybody is told about where it is declared.
    fn asks_a_settled_segment(&self, expr: &Expr, allowed: truth::Allowed<'_>) -> bool {
        self.defined.borrow().iter().any(|((kind, _), segment)| {
            *kind == NameKind::Segment
                && expr.any(|inner| *inner == segment.expr)
                && truth::verdict(&segment.expr, allowed).is_some()
        })
    }

    /// The values of the `one of` of a field.
    fn allowed<'s>(&'s self, expr: &Expr, around: &'s Around<'_>) -> Option<&'s [Value]> {
        let event = |branch: Option<&'s OnBranch>| match branch {
            Some(OnBranch::Event(event)) => Some(event),
            _ => None,
        };
        let (fields, name) = match expr {
            Expr::Contact { .. } => return self.allowed_of_contact(expr),
            Expr::Event { name, depth: None, .. } => (&event(around.at_hand.as_ref())?.fields, name),
            Expr::Event { name, depth: Some(depth), .. } => {
                (&event(around.branches.get(usize::from(*depth)))?.fields, name)
            }
            // Of several events that lead in, another may have another list.
            Expr::Entry { name, .. } => match around.entry {
                Some(Entry { events, free: false }) if events.len() == 1 => (&events.first()?.fields, name),
                _ => return None,
            },
            _ => return None,
        };
        fields.iter().find(|field| field.name == *name)?.one_of.as_deref()
    }

    /// The same, where only the contact is known.
    pub(super) fn allowed_of_contact(&self, expr: &Expr) -> Option<&[Value]> {
        let Expr::Contact { name, .. } = expr else { return None };
        self.names.contact.iter().find(|field| field.name == *name)?.one_of.as_deref()
    }
}
