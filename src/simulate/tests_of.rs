use std::collections::BTreeSet;

use super::Visited;
use super::expectations::Expected;
use super::stage::Stage;
use crate::domain::{Arm, Attributes, StepKind, Value};
use crate::engine::{Plans, Scope, evaluate};
use crate::language::check::Checked;
use crate::language::model::{Step, StepTime, Test};
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
    pub timeline: Vec<String>,
    /// The stages that were visited.
    pub visited: Visited,
}

/// Something that is not as a test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The line that expects it.
    pub span: Span,
    /// What is so instead.
    pub message: String,
}

impl TestResult {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs the tests of a workspace that `wanted` picks, each in a world of its own. `zone` is that of contacts
/// without one.
pub fn run_tests(
    checked: &Checked,
    plans: &Plans,
    zone: &TimeZone,
    wanted: impl Fn(&Test) -> bool,
) -> Vec<TestResult> {
    let tests: Vec<&Test> = checked.model.tests.iter().filter(|test| wanted(test)).collect();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return Vec::new() };
    runtime.block_on(async {
        let mut results = Vec::new();
        for test in tests {
            results.push(run(test, checked, plans, zone).await);
        }
        results
    })
}

async fn run(test: &Test, checked: &Checked, plans: &Plans, default_zone: &TimeZone) -> TestResult {
    let mut result = TestResult {
        name: test.name.clone(),
        journey: test.journey.clone(),
        span: test.span,
        failures: Vec::new(),
        timeline: Vec::new(),
        visited: Visited::new(),
    };
    if let Err(error) = play(test, checked, plans, default_zone, &mut result).await {
        result.failures.push(Failure { span: test.span, message: error.to_string() });
    }
    result
}

async fn play(
    test: &Test,
    checked: &Checked,
    plans: &Plans,
    default_zone: &TimeZone,
    result: &mut TestResult,
) -> Result<()> {
    let (row, zone) = contact_of(test, default_zone);
    let begin = first_moment(test, &zone);
    let arm = if test.held_out { Arm::Control } else { Arm::Treated };
    let mut stage =
        Stage::new(plans.clone(), checked.assign.clone(), default_zone.clone(), arm, row, begin).await?;
    let mut expected = Expected::default();
    for step in &test.steps {
        match step {
            Step::Do { span, time, action } => {
                let moment = match time {
                    Some(StepTime::At(date, time)) => at_clock_time(*date, *time, &zone),
                    Some(StepTime::After(length)) => length.after(stage.now, &zone),
                    None => stage.now,
                };
                if moment < stage.now {
                    let now = wall_text(stage.now, &zone);
                    let message = format!("time does not go back: the step before is at {now}");
                    result.failures.push(Failure { span: *span, message });
                    break;
                }
                stage.until(moment).await?;
                if let Err(message) = stage.act(&test.journey, action, &zone).await? {
                    result.failures.push(Failure { span: *span, message });
                }
            }
            Step::Expect { span, what } => {
                stage.settle().await?;
                let instead =
                    stage.expects(&test.journey, what, &checked.model, &zone, &mut expected).await?;
                if let Some(message) = instead {
                    result.failures.push(Failure { span: *span, message });
                }
            }
        }
    }
    if !test.allow_other_messages {
        for stored in stage.unexpected(&expected).await? {
            let at = wall_text(stored.message.decided_at, &zone);
            let message = format!(
                "the {} `{}` came at {at}, and no line expects it",
                stored.message.channel, stored.message.message
            );
            result.failures.push(Failure { span: test.span, message });
        }
    }
    result
        .failures
        .extend(stage.unwritten.iter().map(|why| Failure { span: test.span, message: why.clone() }));
    if !result.failures.is_empty() {
        result.timeline = stage.timeline(&zone).await?;
    }
    visited(&stage, result).await
}

/// The stages that runs came to.
async fn visited(stage: &Stage, result: &mut TestResult) -> Result<()> {
    let mut unit = stage.read().await?;
    for run in unit.runs(stage.contact).await? {
        let steps = unit.history(stage.contact, run.id).await?;
        let stages: BTreeSet<String> =
            steps.into_iter().filter(|step| step.kind == StepKind::Stage).map(|step| step.detail).collect();
        result.visited.entry(run.journey).or_default().extend(stages);
    }
    Ok(())
}

/// The moment at which a test begins.
fn first_moment(test: &Test, zone: &TimeZone) -> Moment {
    let first = test.steps.iter().find_map(|step| match step {
        Step::Do { time: Some(StepTime::At(date, time)), .. } => Some(at_clock_time(*date, *time, zone)),
        _ => None,
    });
    first.unwrap_or_else(|| BEGIN.parse().unwrap_or_default())
}

/// The contact that a test describes, and whose clock counts.
fn contact_of(test: &Test, default_zone: &TimeZone) -> (ImportRow, TimeZone) {
    let mut row = ImportRow {
        external_id: Some(WHO.to_owned()),
        tags: test.contact.tags.clone(),
        allows: test.contact.allows.iter().map(|topic| (topic.clone(), true)).collect(),
        source: "test".to_owned(),
        ..ImportRow::default()
    };
    let named = test.contact.attributes.iter().find(|(name, _)| name == "timezone");
    let own = named.and_then(|(_, value)| match value {
        Expr::Value(Value::Text(name)) => zone(name),
        _ => None,
    });
    let clock = own.unwrap_or_else(|| default_zone.clone());
    for (name, expr) in &test.contact.attributes {
        let value = constant(expr, &clock);
        let text = match &value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        match name.as_str() {
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

/// A value that stands in a test, before there is a contact.
fn constant(expr: &Expr, zone: &TimeZone) -> Value {
    let nobody = crate::domain::Contact::new(crate::domain::ContactId::default(), Moment::default());
    let nothing = Attributes::new();
    let scope = Scope {
        contact: &nobody,
        permissions: &std::collections::BTreeMap::new(),
        zone,
        now: Moment::default(),
        entry: &nothing,
        at_hand: None,
        branches: &[],
        reactions: &[],
        events: &std::collections::BTreeMap::new(),
    };
    evaluate(expr, &scope)
}
