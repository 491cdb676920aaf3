//! A test that nobody has written yet: a way through a journey, the contact that takes it, and what comes of it. It is
//! tried before it is offered, so that what is offered passes.

mod story;
mod walk;

use super::{Offer, TextChange};
use crate::finding::Finding;
use crate::ide::Analysis;
use crate::language::model::Journey;
use crate::language::syntax::tree::Declaration;
use crate::simulate::{Coverage, plans, run_tests};
use crate::source::Span;
use walk::Walk;

/// How many ways through a journey are tried before the author is left alone with it.
const TRIES_MAX: usize = 8;

impl Analysis {
    /// A test that comes to a journey, or to a stage of it, that no test comes to.
    pub(super) fn trial(&self, finding: &Finding) -> Option<Offer> {
        let journeys = &self.checked.model.journeys;
        let (journey, target) = journeys.iter().find_map(|journey| {
            if journey.span == finding.span {
                return Some((journey, None));
            }
            let stage = journey.stages.iter().position(|stage| stage.span == finding.span)?;
            Some((journey, Some(stage)))
        })?;
        let name = self.new_test(journey, target);
        let place = self.tests_of(journey);
        let mut tries = 0;
        let walk = Walk::of(&self.checked.model, journey, target);
        walk.find(&mut |story| {
            tries += 1;
            let change =
                TextChange { span: place, text: format!("\n\n{}", story.test(&name, &journey.name)) };
            if tries > TRIES_MAX || self.comes_to(&change, finding, &name) {
                return Some(Offer::new("Write a test", (tries <= TRIES_MAX).then_some(change)));
            }
            None
        })
        .filter(|offer| !offer.changes.is_empty())
    }

    /// What the test is called: no other of its file has the name.
    fn new_test(&self, journey: &Journey, target: Option<usize>) -> String {
        let stage = target.and_then(|stage| journey.stages.get(stage));
        let says = match stage {
            Some(stage) => format!("a contact gets to {}", stage.name),
            None => format!("a contact goes through {}", journey.name),
        };
        let taken = |name: &str| self.checked.model.tests.iter().any(|test| test.name == name);
        let numbered = (2..).map(|number| format!("{says}, {number}"));
        std::iter::once(says.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(says)
    }

    /// Behind the last test of a journey, or behind the last declaration of its file.
    fn tests_of(&self, journey: &Journey) -> Span {
        let mut tests = self.trees.iter().flat_map(|tree| &tree.parsed.file.declarations).filter(|declaration| {
            matches!(declaration, Declaration::Test(test) if test.journey.value == journey.name)
        });
        let own = self.tree(journey.span.source).map(|tree| &tree.parsed.file.declarations);
        let last = tests.next_back().or_else(|| own.and_then(|declarations| declarations.last()));
        let span = last.map_or(journey.span, Declaration::span);
        let end = span.start as usize + self.files.sources.text(span).trim_end().len();
        Span::new(span.source, end, end)
    }

    /// Whether a test passes and comes to what a finding says that none comes to.
    fn comes_to(&self, test: &TextChange, finding: &Finding, name: &str) -> bool {
        let source = test.span.source;
        let mut text = self.files.sources.get(source).text.to_string();
        text.insert_str(test.span.start as usize, &test.text);
        let mut after = self.clone();
        after.edit(source, &text);
        if after.checked.has_errors() {
            return false;
        }
        let (checked, sources) = (&after.checked, &after.files.sources);
        let plans = plans(checked, sources);
        let results = run_tests(checked, &plans, &after.config.timezone, |test| test.name == name);
        let unvisited = Coverage::of(checked, &plans, sources, &results).unvisited();
        let passed = !results.is_empty() && results.iter().all(|result| result.passed());
        passed && !unvisited.iter().any(|found| found.message == finding.message)
    }
}
