//! What a journey misses, and what of it is too much.

use super::{Offer, TextChange};
use crate::finding::Finding;
use crate::ide::names::is_success;
use crate::ide::{Analysis, NameKind, Role};
use crate::language::syntax::tree::{
    Block, ClauseKind, Declaration, EnterKind, Journey, Statement, StatementKind, Trigger, WaitUpTo,
};
use crate::source::Span;

impl Analysis {
    /// `otherwise` for a wait that says nothing for when the time is up; for a path that ends nowhere `go to` the next
    /// stage, which is likely meant where nothing else leads there, or `end`.
    pub(super) fn missing_end(&self, finding: &Finding) -> Vec<Offer> {
        let Some(journey) = self.journey_around(finding.span) else { return Vec::new() };
        let wait = waits(journey).into_iter().find(|wait| wait.span.at_start() == finding.span);
        if let Some(wait) = wait {
            let change = self.last_in(wait.span, "otherwise { end }");
            return change
                .map(|change| Offer::new("Add `otherwise { end }`", [change]))
                .into_iter()
                .collect();
        }
        let places: Vec<Span> =
            std::iter::once(finding.span).chain(finding.related.iter().map(|(span, _)| *span)).collect();
        let write = |title: &str, text: &str| {
            let end = |place: &Span| match self.files.sources.text(*place).starts_with('{') {
                true => self.last_in(*place, text),
                false => Some(self.behind(*place, text)),
            };
            Some(Offer::new(title, places.iter().map(end).collect::<Option<Vec<_>>>()?))
        };
        let next = journey.stages.iter().find(|stage| stage.span.start > finding.span.start);
        let goes_on = next.and_then(|stage| {
            let name = &stage.name.value;
            let offer = write(&format!("Go on to `{name}`"), &format!("go to {name}"))?;
            let led_to = self.names_in(stage.span.source).iter().any(|other| {
                other.role == Role::Use
                    && other.kind == NameKind::Stage
                    && other.name == *name
                    && journey.span.contains(other.span)
            });
            Some(if led_to { offer } else { offer.preferred() })
        });
        let ends = write("End the journey here", "end");
        let (first, second) = if goes_on.as_ref().is_some_and(|offer| offer.preferred) {
            (goes_on, ends)
        } else {
            (ends, goes_on)
        };
        first.into_iter().chain(second).collect()
    }

    /// A way in.
    pub(super) fn missing_enter(&self, finding: &Finding) -> Option<Offer> {
        let change = self.at_head(self.journey_around(finding.span)?, "enter by request")?;
        Some(Offer::new("Add `enter by request`", [change]))
    }

    /// A stage.
    pub(super) fn missing_stage(&self, finding: &Finding) -> Option<Offer> {
        let journey = self.journey_around(finding.span)?;
        let change = self.last_in(journey.span, "stage first {\n    end\n  }")?;
        Some(Offer::new("Add a stage", [change]))
    }

    /// A goal, or a control group beside one.
    pub(super) fn missing_goal(&self, finding: &Finding) -> Option<Offer> {
        let journey = self.journey_around(finding.span)?;
        if journey.name.span != finding.span {
            return Some(Offer::new("Add a control group", [self.behind(finding.span, "control 10%")]));
        }
        // What leads in, and what makes contacts leave, is no success.
        let clauses = journey.clauses.iter().filter_map(|clause| match &clause.kind {
            ClauseKind::Enter(enter) => match &enter.kind {
                EnterKind::On { event } | EnterKind::Without { event, .. } => Some(event.value.as_str()),
                _ => None,
            },
            ClauseKind::LeaveOn { event, .. } => Some(event.value.as_str()),
            _ => None,
        });
        let taken: Vec<&str> = clauses.collect();
        let events = self.checked.model.events.iter().map(|event| event.name.as_str());
        let mut events: Vec<&str> = events.filter(|event| !taken.contains(event)).collect();
        events.sort_by_key(|event| !is_success(event));
        if let Some(event) = events.first() {
            let change = self.at_head(journey, &format!("goal {event} on {event} within 30 days"))?;
            return Some(Offer::new(format!("Add a goal: `{event}`"), [change]));
        }
        let name = ["purchase", "success"].into_iter().find(|name| !taken.contains(name))?;
        let goal = self.at_head(journey, &format!("goal {name} on {name} within 30 days"))?;
        let event = self.beside(finding.span, NameKind::Event, &format!("event {name} {{ }}"));
        Some(Offer::new(format!("Add a goal, and declare its event `{name}`"), [goal, event]))
    }

    /// What no path reaches goes: the rest of its block, or the stage.
    pub(super) fn unreached(&self, finding: &Finding) -> Option<Offer> {
        let journey = self.journey_around(finding.span)?;
        if let Some(stage) = journey.stages.iter().find(|stage| stage.name.span == finding.span) {
            let title = format!("Take the stage `{}` away", stage.name.value);
            return Some(Offer::new(title, [self.gone(stage.span)]));
        }
        let (block, at) = statement_of(journey, |statement| statement.span == finding.span)?;
        let last = block.statements.last().filter(|_| at > 0)?;
        Some(Offer::new("Take this away", [self.gone(finding.span.to(last.span))]))
    }

    /// Time passes in a circle.
    pub(super) fn circle(&self, finding: &Finding) -> Option<Offer> {
        let journey = self.journey_around(finding.span)?;
        let is_this = |statement: &Statement| {
            matches!(statement.kind, StatementKind::GoTo(_)) && statement.span == finding.span
        };
        statement_of(journey, is_this)?;
        Some(Offer::new("Wait a day before", [self.before(finding.span, "wait 1 day")]))
    }

    /// The variants of an experiment share alike.
    pub(super) fn shares(&self, finding: &Finding) -> Option<Offer> {
        let journey = self.journey_around(finding.span)?;
        let is_this = |statement: &Statement| matches!(&statement.kind, StatementKind::Experiment { name, .. } if name.span == finding.span);
        let (block, at) = statement_of(journey, is_this)?;
        let StatementKind::Experiment { variants, .. } = &block.statements.get(at)?.kind else { return None };
        let each = 100_usize.checked_div(variants.len()).filter(|each| *each > 0)?;
        let rest = 100 - each * variants.len();
        let share = |(index, span): (usize, Span)| {
            let share = each + usize::from(index < rest);
            TextChange { span, text: format!("{share}%") }
        };
        let changes = variants.iter().map(|variant| variant.share.span).enumerate().map(share);
        Some(Offer::new("Share alike", changes))
    }

    /// The message whose reaction is waited for is sent before.
    pub(super) fn not_sent(&self, finding: &Finding) -> Option<Offer> {
        let journey = self.journey_around(finding.span)?;
        let branches = |statement: &Statement| {
            let branches = statement.kind.wait().map_or(&[][..], |wait| &wait.branches);
            branches.iter().any(|branch| branch.trigger.span() == finding.span)
        };
        let (block, at) = statement_of(journey, branches)?;
        let statement = block.statements.get(at)?;
        let StatementKind::WaitUpTo(wait) = &statement.kind else { return None };
        let branch = wait.branches.iter().find(|branch| branch.trigger.span() == finding.span)?;
        let Trigger::Reaction { of, .. } = &branch.trigger else { return None };
        let channel = &self.checked.model.message(&of.value)?.channel;
        let send = format!("send {channel} {}", of.value);
        Some(Offer::new(format!("Add `{send}` before"), [self.before(statement.span, &send)]))
    }

    /// A clause or a setting that stands there already goes.
    pub(super) fn twice(&self, finding: &Finding) -> Option<Offer> {
        finding.related.first()?;
        let again = self.clause_at(finding.span).or_else(|| self.setting_at(finding.span))?;
        Some(Offer::new("Take this one away", [self.gone(again)]))
    }

    /// A clause that loosens the policy goes.
    pub(super) fn looser(&self, finding: &Finding) -> Option<Offer> {
        let clause = self.clause_at(finding.span)?;
        let title = format!("Take `{}` away", super::short(self.files.sources.text(clause)));
        Some(Offer::new(title, [self.gone(clause)]).preferred())
    }

    fn clause_at(&self, place: Span) -> Option<Span> {
        let declarations = &self.tree(place.source)?.parsed.file.declarations;
        let clauses = declarations.iter().flat_map(|declaration| match declaration {
            Declaration::Journey(journey) => &journey.clauses[..],
            Declaration::Policy(policy) => &policy.rules,
            _ => &[],
        });
        clauses.map(|clause| clause.span).find(|span| *span == place)
    }
}

/// The block that a statement of a journey stands in, and its index there.
fn statement_of(journey: &Journey, is_it: impl Fn(&Statement) -> bool) -> Option<(&Block, usize)> {
    let mut blocks: Vec<&Block> = journey.stages.iter().map(|stage| &stage.body).collect();
    while let Some(block) = blocks.pop() {
        if let Some(at) = block.statements.iter().position(&is_it) {
            return Some((block, at));
        }
        blocks.extend(block.statements.iter().flat_map(|statement| statement.kind.blocks()));
    }
    None
}

fn waits(journey: &Journey) -> Vec<&WaitUpTo> {
    let mut waits = Vec::new();
    for stage in &journey.stages {
        stage.body.each(&mut |statement| waits.extend(statement.kind.wait()));
    }
    waits
}
