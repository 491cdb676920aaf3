use super::Checker;
use crate::domain::SystemEvent;
use crate::finding::{Code, Finding};
use crate::language::model::{Expr, Journey, Operator, ReactionKind, StatementKind, Trigger};
use crate::source::Span;

impl Checker<'_> {
    /// Decisions that hang on opens alone: mail programs and gateways open mail on their own.
    pub(super) fn opens(&self, journey: &Journey) {
        journey.each_statement(&mut |_, statement| {
            if let Some(wait) = statement.wait()
                && let Some(first) = wait.branches.first()
                && wait.branches.iter().all(|branch| is_opened(&branch.trigger))
            {
                self.decides_by_opens(
                    first.span,
                    "add what people do on purpose, such as `on clicked …` or an event",
                );
            }
            if let StatementKind::Experiment(experiment) = &statement.kind
                && let Some(pick) = &experiment.pick
                && is_opened(&pick.trigger)
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
                        let span = statement.span.at_start().to(block.span.at_start());
                        self.decides_by_opens(span, "ask what people do on purpose, such as `clicked(…)`");
                    }
                }
            }
        });
    }

    /// A goal or a `leave` that one event decides, by its name on the wire.
    pub(super) fn opened_event(&self, span: Span, wire: &str) {
        if wire == SystemEvent::MessageOpened.name() {
            self.decides_by_opens(span, "take what people do on purpose, such as `message_clicked`");
        }
    }

    /// A `leave when` that asks for nothing else.
    pub(super) fn opened_when(&self, span: Span, condition: &Expr) {
        if by_opens_alone(condition) {
            self.decides_by_opens(span, "ask what people do on purpose, such as `clicked(…)`");
        }
    }

    fn decides_by_opens(&self, span: Span, help: &str) {
        let message = "this decides by opens alone, and mail programs open mail on their own";
        self.report(Finding::new(Code::W601, span, message).help(help));
    }
}

fn is_opened(trigger: &Trigger) -> bool {
    match trigger {
        Trigger::Reaction { kind, .. } => *kind == ReactionKind::Opened,
        Trigger::Event(event) => event == SystemEvent::MessageOpened.name(),
        _ => false,
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
