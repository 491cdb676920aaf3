use super::Checker;
use super::expression::Around;
use super::journey::InJourney;
use crate::finding::{Code, Finding};
use crate::language::model::StatementKind;
use crate::language::syntax::tree::{Block, Spanned};
use crate::source::Span;

/// How often a loop goes round at the most: a journey that wants more wants another stage.
const TIMES_MAX: u32 = 1_000;

impl Checker<'_> {
    /// `repeat up to N times { … }`
    pub(super) fn repeat(
        &self,
        times: &Spanned<u32>,
        body: &Block,
        inside: &InJourney<'_>,
        around: &Around<'_>,
    ) -> StatementKind {
        let wrong = |message: &str, help: &str| {
            self.report(Finding::new(Code::E002, times.span, message).help(help));
        };
        match times.value {
            0 => wrong(
                "a loop of 0 times does nothing",
                "write how often it goes round at the most, or take it away",
            ),
            1..=TIMES_MAX => {}
            _ => wrong("a loop goes round 1000 times at the most", "write a smaller number"),
        }
        let body = self.block(body, inside, &Around { repeats: true, ..around.clone() });
        StatementKind::Repeat { times: times.value, body }
    }

    /// `stop`, which stands inside a `repeat` alone.
    pub(super) fn stop(&self, span: Span, around: &Around<'_>) -> Option<StatementKind> {
        if around.repeats {
            return Some(StatementKind::Stop);
        }
        self.report(
            Finding::new(Code::E306, span, "there is no `repeat` around this to leave")
                .help("write `end` to leave the journey, or `go to STAGE` to go on elsewhere"),
        );
        None
    }
}
