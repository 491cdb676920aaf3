use std::collections::BTreeMap;
use std::sync::Arc;

use super::expectations::Expected;
use super::failure::{Failure, Instead, Mend};
use super::stage::Stage;
use super::timeline::{TimelineEntry, Told};
use crate::domain::{Arm, Attributes, Learned, Message, Passed, Value};
use crate::engine::{Plans, Scope, evaluate};
use crate::language::check::Checked;
use crate::language::model::{Step, StepTime, Test, Timezone};
use crate::language::plan::Expr;
use crate::source::Span;
use crate::store::{ImportRow, Result};
use crate::time::{Moment, TimeZone, at_clock_time, wall_text, zone};

/// Where a test begins that names no moment: a Monday morning without anything special.
const BEGIN: &str = "2027-03-01T09:00:00Z";
/// What the contact of a test is called outside.
const WHO: &str = "test";

/// What a test found.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// The test's name.
    pub name: String,
    /// The journey it tries.
    pub journey: String,
    /// Where its name stands.
    pub span: Span,
    /// What is not as expected; nothing where it passed.
    pub failures: Vec<Failure>,
    /// What happened, line by line; only where it failed.
    pub timeline: Vec<TimelineEntry>,
    /// The places that runs came to and the ways they took, with how often.
    pub passed: BTreeMap<Passed, u32>,
}

impl TestResult {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs the tests of a workspace that `wanted` picks, each in a world of its own; it is asked when their turn comes.
/// `zone` is that of contacts without one.
pub fn run_tests(
    checked: &Checked,
    plans: &Arc<Plans>,
    zone: &TimeZone,
    wanted: impl Fn(&Test) -> bool,
) -> Vec<TestResult> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return Vec::new() };
    runtime.block_on(async {
        let mut results = Vec::new();
        for test in checked.model.tests.iter().filter(|test| wanted(test)) {
            results.push(run(test, checked, plans, zone).await);
        }
        results
    })
}

async fn run(test: &Test, checked: &Checked, plans: &Arc<Plans>, default_zone: &TimeZone) -> TestResult {
    let mut result = TestResult {
        name: test.name.clone(),
        journey: test.journey.clone(),
        span: test.span,
        failures: Vec::new(),
        timeline: Vec::new(),
        passed: BTreeMap::new(),
    };
    let mut play = Play { test, checked, plans, default_zone, told: None };
    if let Err(error) = play.run(&mut result).await {
        result.failures.push(failure(test, None, error.to_string().into()));
    }
    if !result.passed() {
        // The same once more, told this time; tests that pass need not pay for it.
        let mut again = TestResult { failures: Vec::new(), ..result.clone() };
        play.told = Some(Told::default());
        // A fault of the store is in the result already.
        let _ = play.run(&mut again).await;
        result.timeline = play.told.map(|told| told.entries).unwrap_or_default();
    }
    result
}

/// A test that is played from its beginning to its end.
struct Play<'a> {
    test: &'a Test,
    checked: &'a Checked,
    plans: &'a Arc<Plans>,
    default_zone: &'a TimeZone,
    /// The time line so far, where somebody wants it.
    told: Option<Told>,
}

impl Play<'_> {
    async fn run(&mut self, result: &mut TestResult) -> Result<()> {
        let test = self.test;
        let journey = self.checked.model.journey(&test.journey).map(|journey| &journey.timezone);
        let (row, zone) = contact_of(test, journey, self.default_zone);
        let begin = first_moment(test, &zone);
        let arm = if test.held_out { Arm::Control } else { Arm::Treated };
        let (plans, assign) = (Arc::clone(self.plans), self.checked.assign.clone());
        // The variants that a test names are those that all get; where it names none, the contact has its own.
        let mut learned = Learned { by_test: true, ..Learned::default() };
        learned.picked.insert(test.journey.clone(), test.variants.iter().cloned().collect());
        let world = (arm, learned);
        let mut stage = Stage::new(plans, assign, self.default_zone.clone(), world, row, begin).await?;
        let mut expected = Expected::default();
        for step in &test.steps {
            let (Step::Do { span, .. } | Step::Expect { span, .. }) = step;
            let unmet = self.step(&mut stage, step, &zone, &mut expected).await?;
            let at = wall_text(stage.now, &zone);
            if let Some(told) = &mut self.told {
                stage.tell(told, &test.journey, &zone).await?;
                if let Unmet::Yes(instead) | Unmet::Over(instead) = &unmet {
                    told.unmet(*span, &at, &instead.says);
                }
            }
            let is_over = matches!(unmet, Unmet::Over(_));
            if let Unmet::Yes(instead) | Unmet::Over(instead) = unmet {
                result.failures.push(failure(test, Some((*span, at)), instead));
            }
            if is_over {
                break;
            }
        }
        if !test.allow_other_messages {
            for stored in stage.unexpected(&expected).await? {
                let at = wall_text(stored.message.decided_at, &zone);
                let instead = unexpected(&stored.message, &at, &test.journey);
                result.failures.push(failure(test, None, instead));
            }
        }
        let unwritten = stage.unwritten.iter();
        result.failures.extend(unwritten.map(|why| failure(test, None, why.clone().into())));
        result.passed = stage.passed;
        Ok(())
    }

    /// Does a step of the test, or looks whether what it expects is so.
    async fn step(
        &self,
        stage: &mut Stage,
        step: &Step,
        zone: &TimeZone,
        expected: &mut Expected,
    ) -> Result<Unmet> {
        let journey = &self.test.journey;
        let unmet = match step {
            Step::Do { time, action, .. } => {
                expected.step();
                let moment = match time {
                    Some(StepTime::At(date, time)) => at_clock_time(*date, *time, zone),
                    Some(StepTime::After(length)) => length.after(stage.now, zone),
                    None => stage.now,
                };
                if moment < stage.now {
                    let now = wall_text(stage.now, zone);
                    let says = format!("time does not go back: the step before is at {now}");
                    return Ok(Unmet::Over(says.into()));
                }
                stage.until(moment).await?;
                stage.act(journey, action, zone).await?.err().map(Instead::from)
            }
            Step::Expect { what, .. } => {
                stage.settle().await?;
                stage.expects(journey, what, &self.checked.model, zone, expected).await?
            }
        };
        Ok(unmet.map_or(Unmet::No, Unmet::Yes))
    }
}

/// What became of a step of a test.
enum Unmet {
    /// It was done, or it is as expected.
    No,
    /// It is not: why, or what is so instead.
    Yes(Instead),
    /// Nothing behind it makes sense.
    Over(Instead),
}

/// The moment at which a test begins.
fn first_moment(test: &Test, zone: &TimeZone) -> Moment {
    let first = test.steps.iter().find_map(|step| match step {
        Step::Do { time: Some(StepTime::At(date, time)), .. } => Some(at_clock_time(*date, *time, zone)),
        _ => None,
    });
    first.unwrap_or_else(|| BEGIN.parse().unwrap_or_default())
}

/// The contact that a test describes, and whose clock counts: that of the journey, or else the contact's.
fn contact_of(test: &Test, journey: Option<&Timezone>, default_zone: &TimeZone) -> (ImportRow, TimeZone) {
    let mut row = ImportRow {
        external_id: Some(WHO.to_owned()),
        tags: test.contact.tags.clone(),
        allows: test.contact.allows.iter().map(|topic| (topic.clone(), true)).collect(),
        source: "test".to_owned(),
        ..ImportRow::default()
    };
    let named = test.contact.attributes.iter().find(|(name, _)| name == "timezone");
    let own = || match named {
        Some((_, Expr::Value(Value::Text(name)))) => zone(name),
        _ => None,
    };
    let of_journey = match journey {
        Some(Timezone::Named(name)) => zone(name),
        _ => None,
    };
    let clock = of_journey.or_else(own).unwrap_or_else(|| default_zone.clone());
    for (name, expr) in &test.contact.attributes {
        let value = constant(expr, &clock);
        let text = match &value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        match name.as_str() {
            "id" => row.external_id = text.or(row.external_id),
            "email" => row.email = text.and_then(|text| text.parse().ok()),
            "phone" => row.phone = text,
            "timezone" => row.timezone = text,
            "language" => row.language = text,
            _ => {
                row.attributes.insert(name.clone(), value.to_json());
            }
        }
    }
    (row, clock)
}

/// A failure of a test, at a line of it and a moment or at its name.
fn failure(test: &Test, line: Option<(Span, String)>, instead: Instead) -> Failure {
    let (span, at) = line.map_or((test.span, None), |(span, at)| (span, Some(at)));
    let Instead { says, help, mends } = instead;
    Failure { test: test.name.clone(), span, at, message: says, help, mends }
}

/// What is said of a message that no line expects.
fn unexpected(message: &Message, at: &str, journey: &str) -> Instead {
    let what = format!("the {} `{}`", message.channel, message.message);
    let expected = Mend::Add(format!("expect {} {}", message.channel, message.message));
    let others = Mend::Add("allow other messages".to_owned());
    if message.journey == journey {
        return Instead::from(format!("{what} came at {at}, and no line expects it")).or(expected).or(others);
    }
    let says = format!("{what} of the journey `{}` came at {at}, and no line expects it", message.journey);
    let help = "a test that leaves other journeys aside says `allow other messages`";
    Instead::from(says).help(help).or(others).or(expected)
}

/// A value that stands in a test, before there is a contact.
fn constant(expr: &Expr, zone: &TimeZone) -> Value {
    let nobody = crate::domain::Contact::new(crate::domain::ContactId::default(), Moment::default());
    let nothing = Attributes::new();
    let scope = Scope {
        contact: &nobody,
        permissions: &BTreeMap::new(),
        zone,
        now: Moment::default(),
        entry: &nothing,
        at_hand: None,
        branches: &[],
        reactions: &[],
        events: &BTreeMap::new(),
    };
    evaluate(expr, &scope)
}
