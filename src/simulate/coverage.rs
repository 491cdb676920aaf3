use std::collections::BTreeMap;

use super::TestResult;
use crate::domain::Passed;
use crate::engine::Plans;
use crate::finding::{Code, Finding};
use crate::language::check::Checked;
use crate::language::picture::{Does, Item, Outlines, StageOutline};
use crate::language::plan::Plan;
use crate::source::{Sources, Span};

/// How often the tests of a workspace came to what stands in its journeys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Each journey, in the order of the files.
    pub journeys: Vec<JourneyCoverage>,
}

/// How often tests came to the parts of a journey.
#[derive(Clone, Debug, PartialEq)]
pub struct JourneyCoverage {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// Where its name stands.
    pub span: Span,
    /// How many tests there are of it.
    pub tests: usize,
    /// Its stages.
    pub stages: Vec<StageCoverage>,
}

/// How often tests came to a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageCoverage {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// The line of its name.
    pub line: u32,
    /// How often it was come to.
    pub visits: u32,
    /// Its statements: the line, and how often it was come to.
    pub statements: Vec<(u32, u32)>,
    /// The ways on behind its statements.
    pub ways: Vec<WayCoverage>,
}

/// How often tests took a way.
#[derive(Clone, Debug, PartialEq)]
pub struct WayCoverage {
    /// The place of the statement, such as `contact.2`.
    pub place: String,
    /// What the statement says, up to its block.
    pub statement: String,
    /// How often the statement was come to.
    pub visits: u32,
    /// What the way depends on.
    pub label: String,
    /// The line where that stands.
    pub line: u32,
    /// How often it was taken.
    pub taken: u32,
}

impl Coverage {
    /// What tests came to, of all journeys of a workspace.
    pub fn of(checked: &Checked, plans: &Plans, sources: &Sources, results: &[TestResult]) -> Self {
        let mut counts: BTreeMap<Passed, u32> = BTreeMap::new();
        for (passed, count) in results.iter().flat_map(|result| &result.passed) {
            *counts.entry(*passed).or_default() += count;
        }
        let mut outlines = Outlines::new(sources);
        let mut tests: BTreeMap<&str, usize> = BTreeMap::new();
        results.iter().for_each(|result| *tests.entry(&result.journey).or_default() += 1);
        let journeys = checked.model.journeys.iter().filter_map(|journey| {
            let (version, plan) = plans.active(&journey.name)?;
            let outline = outlines.of(journey)?;
            let counter = Counter { version, plan, counts: &counts, sources };
            let tests = tests.get(journey.name.as_str()).copied().unwrap_or(0);
            Some(JourneyCoverage {
                name: journey.name.clone(),
                path: outline.path.clone(),
                span: journey.span,
                tests,
                stages: outline.stages.iter().map(|stage| counter.stage(stage)).collect(),
            })
        });
        Self { journeys: journeys.collect() }
    }

    /// Stages that no test visits (W604).
    pub fn unvisited(&self) -> Vec<Finding> {
        self.journeys.iter().flat_map(JourneyCoverage::unvisited).collect()
    }
}

impl JourneyCoverage {
    fn unvisited(&self) -> Vec<Finding> {
        if self.tests == 0 {
            let says = format!("no test tries the journey `{}`", self.name);
            let help = format!("write one: `test \"…\" for {} {{ … }}`", self.name);
            return vec![Finding::new(Code::W604, self.span, says).help(help)];
        }
        let unvisited = self.stages.iter().filter(|stage| stage.visits == 0);
        let finding = |stage: &StageCoverage| {
            Finding::new(Code::W604, stage.span, format!("no test visits the stage `{}`", stage.name))
                .help("write a test in which a contact gets here")
        };
        unvisited.map(finding).collect()
    }
}

/// Counts for the journey of one plan.
struct Counter<'a> {
    version: u32,
    plan: &'a Plan,
    counts: &'a BTreeMap<Passed, u32>,
    sources: &'a Sources,
}

impl Counter<'_> {
    fn stage(&self, stage: &StageOutline) -> StageCoverage {
        let mut covered = StageCoverage {
            name: stage.name.clone(),
            span: stage.span,
            line: self.line(stage.span),
            visits: self.visits(&stage.name),
            statements: Vec::new(),
            ways: Vec::new(),
        };
        self.items(&stage.items, &mut covered);
        covered
    }

    fn items(&self, items: &[Item], covered: &mut StageCoverage) {
        for item in items {
            let visits = self.visits(&item.id);
            // Going on to a stage is no place of its own.
            if !matches!(item.does, Does::GoTo(_)) {
                covered.statements.push((self.line(item.span), visits));
            }
            for (number, way) in (0..).zip(&item.ways) {
                let line = self.line(way.span);
                let taken = self.taken(&item.id, number);
                covered.statements.push((line, taken));
                covered.ways.push(WayCoverage {
                    place: item.id.clone(),
                    statement: item.text.clone(),
                    visits,
                    label: way.label.clone(),
                    line,
                    taken,
                });
            }
            item.ways.iter().for_each(|way| self.items(&way.items, covered));
        }
    }

    fn line(&self, span: Span) -> u32 {
        self.sources.place(span).1.line
    }

    /// The place of that id in the plan.
    fn place(&self, id: &str) -> Option<u16> {
        let index = self.plan.nodes.iter().position(|node| node.id == id)?;
        u16::try_from(index).ok()
    }

    fn count(&self, place: u16, way: Option<u16>) -> u32 {
        self.counts.get(&Passed { version: self.version, place, way }).copied().unwrap_or(0)
    }

    fn visits(&self, id: &str) -> u32 {
        self.place(id).map_or(0, |place| self.count(place, None))
    }

    fn taken(&self, id: &str, way: u16) -> u32 {
        // The wait behind a call is a place of its own.
        let waits = self.place(&format!("{id}.wait")).or_else(|| self.place(id));
        waits.map_or(0, |place| self.count(place, Some(way)))
    }
}
