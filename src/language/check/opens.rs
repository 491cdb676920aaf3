use super::Checker;
use crate::finding::{Code, Finding};
use crate::language::model::{Expr, Journey, Operator, ReactionKind, StatementKind, Trigger};

impl Checker<'_> {
    /// Decisions that hang on opens alone: mail programs and gateways open mail on their own.
    pub(super) fn opens(&self, journey: &Journey) {
        journey.each_statement(&mut |_, statement| {
            if let Some(wait) = statement.wait() {
                let opened = |trigger: &Trigger| {
                    matches!(trigger, Trigger::Reaction { kind: ReactionKind::Opened, .. })
                };
                if let Some(first) = wait.branches.first()
                    && wait.branches.iter().all(|branch| opened(&branch.trigger))
                {
                    self.report(
                        Finding::new(
                            Code::W601,
                            first.span,
                            "this decides by opens alone, and mail programs open mail on their own",
                        )
                        .help("add what people do on purpose, such as `on clicked …` or an event"),
                    );
                }
            }
            if let StatementKind::Experiment(experiment) = &statement.kind
                && let Some(pick) = &experiment.pick
                && matches!(pick.trigger, Trigger::Reaction { kind: ReactionKind::Opened, .. })
            {
                self.report(
                    Finding::new(
                        Code::W601,
                        pick.span,
                        "this picks by opens alone, and mail programs open mail on their own",
                    )
                    .help("pick by what people do on purpose, such as `clicked …` or an event"),
                );
            }
            if let StatementKind::If { branches, .. } = &statement.kind {
                for (condition, block) in branches {
                    if by_opens_alone(condition) {
                        self.report(
                            Finding::new(
                                Code::W601,
                                statement.span.at_start().to(block.span.at_start()),
                                "this decides by opens alone, and mail programs open mail on their own",
                            )
                            .help("ask what people do on purpose, such as `clicked(…)`"),
                        );
                    }
                }
            }
        });
    }
}

fn by_opens_alone(condition: &Expr) -> bool {
    match condition {
        Expr::Reaction { kind, .. } => *kind == ReactionKind::Opened,
        Expr::Not(inner) => by_opens_alone(inner),
        Expr::Binary(Operator::And | Operator::Or, left, right) => {
            by_opens_alone(left) && by_opens_alone(right)
        }
        _ => false,
    }
}
