use std::collections::BTreeSet;

use super::Checker;
use super::paths;
use crate::domain::Value;
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::{Expr, Journey, ReactionKind, Stage, Statement, StatementKind, Trigger, Until};
use crate::source::Span;

/// A question about a reaction in an expression.
pub(super) struct Asked {
    pub(super) span: Span,
    pub(super) kind: ReactionKind,
    pub(super) message: String,
    /// Whether the journey sends the message anywhere.
    pub(super) sent: bool,
}

impl Checker<'_> {
    /// Follows every path of a journey: where it ends, what nothing reaches, where it turns in a circle, what
    /// it waits for in vain.
    pub(super) fn flow(&self, journey: &Journey) {
        let mut unknown = false;
        journey
            .each_statement(&mut |_, statement| unknown |= matches!(statement.kind, StatementKind::Unknown));
        let covers = |statement: &Statement| self.covers_everybody(statement);
        for stage in &journey.stages {
            let ends = paths::ends(&stage.body, &covers);
            for span in ends.unreached {
                self.report(
                    Finding::new(
                        Code::E302,
                        span,
                        "nothing can reach this: every path before it has ended or gone on",
                    )
                    .help("take it away, or move it before the `end` or `go to` above"),
                );
            }
            self.open_ends(&stage.name, &ends.open);
        }
        self.shadows(journey);
        self.circles(journey);
        // A `go to` that could not be resolved may lead anywhere.
        if !unknown {
            self.unreached_stages(journey);
            self.waits_in_vain(journey);
        }
        self.waits_past_the_end(journey);
    }

    fn open_ends(&self, stage: &str, ends: &[Span]) {
        let Some(first) = ends.first() else { return };
        let mut finding =
            Finding::new(Code::E301, *first, format!("this path through the stage `{stage}` ends nowhere"))
                .help("write `go to STAGE` or `end` behind it");
        for end in ends.iter().skip(1).take(4) {
            finding = finding.related(*end, "and this one");
        }
        self.report(finding);
    }

    fn unreached_stages(&self, journey: &Journey) {
        let mut reached: BTreeSet<usize> = BTreeSet::new();
        let mut next: Vec<usize> = paths::starts(journey).into_iter().collect();
        while let Some(stage) = next.pop() {
            if reached.insert(stage)
                && let Some(stage) = journey.stages.get(stage)
            {
                stage.body.each(&mut |statement| {
                    if let StatementKind::GoTo(target) = statement.kind {
                        next.push(target);
                    }
                });
            }
        }
        for (index, stage) in journey.stages.iter().enumerate() {
            let known = |earlier: &Stage| earlier.name == stage.name;
            // Of two stages with one name the second has been told about.
            let again = journey.stages.iter().take(index).any(known);
            if !reached.contains(&index) && !again {
                self.report(
                    Finding::new(
                        Code::E302,
                        stage.span,
                        format!("nothing leads to the stage `{}`", stage.name),
                    )
                    .help(format!(
                        "write `go to {}` where contacts should get here, or take the stage away",
                        stage.name
                    )),
                );
            }
        }
    }

    /// Circles through stages in which no time passes.
    fn circles(&self, journey: &Journey) {
        let edges: Vec<Vec<(usize, Span)>> =
            journey.stages.iter().map(|stage| paths::at_once(&stage.body)).collect();
        let mut told: BTreeSet<Vec<usize>> = BTreeSet::new();
        for start in 0..journey.stages.len() {
            let Some((circle, span)) = circle_from(start, &edges) else { continue };
            let mut members = circle.clone();
            members.sort_unstable();
            if !told.insert(members) {
                continue;
            }
            let names: Vec<String> = circle
                .iter()
                .filter_map(|stage| journey.stages.get(*stage))
                .map(|stage| format!("`{}`", stage.name))
                .collect();
            let message =
                format!("this goes round in a circle through {} with no wait in it", words::all_of(&names));
            let mut passes = false;
            journey.each_statement(&mut |stage, statement| {
                let is_until = matches!(statement.kind, StatementKind::WaitUntil(_));
                passes |= is_until && !statement.takes_time() && circle.contains(&stage);
            });
            let help = if passes {
                "a `wait until` whose moment has passed does not wait: put a wait of a length into the circle, such as `wait 1 day`, or end it"
            } else {
                "put a `wait` into the circle, or end it"
            };
            self.report(Finding::new(Code::E303, span, message).help(help));
        }
    }

    /// Waits for a reaction, and questions about one, to a message that no path before them sends.
    fn waits_in_vain(&self, journey: &Journey) {
        let sent = paths::sent_before(journey);
        journey.each_statement(&mut |_, statement| {
            let Some(wait) = statement.wait() else { return };
            let Some(before) = sent.at(statement.span) else { return };
            for branch in &wait.branches {
                // Which messages lead to a survey is known once their templates are read.
                if let Trigger::Reaction { kind, message, .. } = &branch.trigger
                    && *kind != ReactionKind::Answered
                    && !before.contains(message.as_str())
                {
                    self.in_vain(branch.span, *kind, message);
                }
            }
        });
        self.asked.borrow_mut().retain(|asked| {
            let Some(before) = sent.at(asked.span) else { return true };
            if !before.contains(asked.message.as_str()) {
                self.in_vain(asked.span, asked.kind, &asked.message);
            }
            false
        });
    }

    pub(super) fn in_vain(&self, span: Span, kind: ReactionKind, message: &str) {
        let words = kind.word();
        self.report(
            Finding::new(
                Code::E305,
                span,
                format!("nobody can have {words} `{message}` here: no path before this sends it"),
            )
            .help(format!("write `send email {message}` before it, or name a message that was sent")),
        );
    }

    /// Questions about reactions that stand outside of statements, to messages that are sent nowhere.
    pub(super) fn asked_in_vain(&self) {
        for asked in self.asked.take().iter().filter(|asked| !asked.sent) {
            let message = format!("this is never true: no path of this journey sends `{}`", asked.message);
            self.say(Code::W607, asked.span, message);
        }
    }

    fn waits_past_the_end(&self, journey: &Journey) {
        journey.each_statement(&mut |_, statement| {
            let StatementKind::WaitUntil(Until::Value { value, .. }) = &statement.kind else { return };
            let date = match value {
                Expr::Value(Value::Date(date)) | Expr::Wall(date, _) => *date,
                _ => return,
            };
            if journey.ends.is_some_and(|(end, _)| date > end) {
                let message = "this waits until after the journey has ended";
                self.report(
                    Finding::new(Code::W606, statement.span, message)
                        .help("choose an earlier date, or a later `ends`"),
                );
            } else if journey.starts.is_some_and(|(start, _)| date < start) {
                let message = "this does not wait: the date is before the journey starts";
                self.report(Finding::new(Code::W606, statement.span, message).help("choose a later date"));
            }
        });
    }
}

/// A circle that leads from a stage back to it, and the `go to` that closes it.
fn circle_from(start: usize, edges: &[Vec<(usize, Span)>]) -> Option<(Vec<usize>, Span)> {
    let mut seen = BTreeSet::new();
    let mut path = vec![(start, 0_usize)];
    while let Some((stage, next)) = path.last_mut() {
        let Some((target, span)) = edges.get(*stage).and_then(|edges| edges.get(*next)) else {
            path.pop();
            continue;
        };
        *next += 1;
        if *target == start {
            return Some((path.iter().map(|(stage, _)| *stage).collect(), *span));
        }
        if seen.insert(*target) {
            path.push((*target, 0));
        }
    }
    None
}
