use std::collections::BTreeSet;

use super::stage::Stage;
use crate::domain::{
    Attributes, CallId, CallKind, Contact, GoalReached, MessageId, MessageState, Run, RunId, Value, ValueType,
};
use crate::language::model::{Expectation, Model};
use crate::language::plan::{Expr, Operator, Place};
use crate::store::{Result, StoredCall, StoredMessage};
use crate::time::{ClockTime, Date, TimeZone, at_clock_time, wall_text};

/// Why an expectation is not met: what is so instead.
pub(super) type Instead = String;

/// What a test has expected so far.
#[derive(Default)]
pub(super) struct Expected {
    /// Sent or skipped.
    messages: BTreeSet<MessageId>,
    calls: BTreeSet<CallId>,
    ends: Ever<RunId>,
    goals: Ever<(RunId, String)>,
}

impl Expected {
    /// Begins the lines behind another step.
    pub(super) fn step(&mut self) {
        self.ends.lately.clear();
        self.goals.lately.clear();
    }
}

/// What lines have expected of things that stay so: at any time, and since the last step.
struct Ever<K> {
    before: BTreeSet<K>,
    lately: BTreeSet<K>,
}

impl<K> Default for Ever<K> {
    fn default() -> Self {
        Self { before: BTreeSet::new(), lately: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Ever<K> {
    /// What a line can mean: what is new, or else what was so before the last step and still is.
    fn meant<T>(&self, all: impl Iterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<T> {
        let (new, mut known): (Vec<T>, Vec<T>) = all.partition(|one| !self.before.contains(&key(one)));
        known.retain(|one| !self.lately.contains(&key(one)));
        if new.is_empty() { known } else { new }
    }

    fn insert(&mut self, key: K) {
        self.before.insert(key.clone());
        self.lately.insert(key);
    }
}

impl Stage {
    /// Whether something is as a test expects; where it is not, what is so instead.
    pub(super) async fn expects(
        &self,
        journey: &str,
        what: &Expectation,
        model: &Model,
        zone: &TimeZone,
        expected: &mut Expected,
    ) -> Result<Option<Instead>> {
        Ok(match what {
            Expectation::Message { message, at, .. } => {
                self.expects_message(message, *at, zone, expected).await?
            }
            Expectation::NoMessage { channel, message } => {
                let came = self.unexpected(expected).await?;
                let fits = |stored: &&StoredMessage| {
                    stored.message.channel == *channel
                        && message.as_ref().is_none_or(|message| stored.message.message == *message)
                };
                came.iter().find(fits).map(|stored| {
                    format!(
                        "`{}` was sent at {}",
                        stored.message.message,
                        wall_text(stored.message.decided_at, zone)
                    )
                })
            }
            Expectation::Stage(stage) => self.expects_stage(journey, stage).await?,
            Expectation::Goal { goal, worth } => {
                let worth = match worth {
                    Some(worth) => Some(self.value(worth, zone).await?),
                    None => None,
                };
                self.expects_goal(journey, goal, worth, expected).await?
            }
            Expectation::Outcome(outcome) => self.expects_outcome(journey, outcome, expected).await?,
            Expectation::Handoff { team, with } => {
                let with = self.values(with, zone).await?;
                self.expects_call(CallKind::HandOff, team, &with, expected).await?
            }
            Expectation::Call { hook, with } => {
                let with = self.values(with, zone).await?;
                self.expects_call(CallKind::Call, hook, &with, expected).await?
            }
            Expectation::Contact { field, value } => self.expects_contact(field, value, model, zone).await?,
            Expectation::Skipped { message, reason } => {
                self.expects_skipped(message, reason.as_deref(), expected).await?
            }
        })
    }

    /// Messages that were sent and that no line has expected.
    pub(super) async fn unexpected(&self, expected: &Expected) -> Result<Vec<StoredMessage>> {
        let came = |stored: &StoredMessage| {
            stored.message.state != MessageState::Skipped && !expected.messages.contains(&stored.message.id)
        };
        Ok(self.messages().await?.into_iter().filter(came).collect())
    }

    async fn expects_message(
        &self,
        name: &str,
        at: Option<(Date, Option<ClockTime>)>,
        zone: &TimeZone,
        expected: &mut Expected,
    ) -> Result<Option<Instead>> {
        let came = self.unexpected(expected).await?;
        let mut same_name = came.iter().filter(|stored| stored.message.message == name);
        let fits = |stored: &&StoredMessage| match at {
            None => true,
            Some((date, Some(time))) => {
                let wanted = at_clock_time(date, time, zone);
                // A test writes minutes.
                stored.message.decided_at >= wanted && stored.message.decided_at < wanted.plus_seconds(60)
            }
            Some((date, None)) => crate::time::date_of(stored.message.decided_at, zone) == date,
        };
        if let Some(found) = same_name.clone().find(fits) {
            expected.messages.insert(found.message.id);
            return Ok(None);
        }
        if let Some(other) = same_name.next() {
            return Ok(Some(format!("it was sent at {}", wall_text(other.message.decided_at, zone))));
        }
        let skipped =
            self.messages().await?.into_iter().rfind(|stored| {
                stored.message.message == name && stored.message.state == MessageState::Skipped
            });
        let reason = skipped.and_then(|stored| stored.message.reason);
        Ok(Some(match (reason, came.first()) {
            (Some(reason), _) => format!("it was skipped: {}", reason.as_str()),
            (None, Some(other)) => format!("`{}` was sent in its place", other.message.message),
            (None, None) => "it was not sent".to_owned(),
        }))
    }

    async fn runs_in(&self, journey: &str) -> Result<Vec<Run>> {
        let mut runs = self.read().await?.runs(self.contact).await?;
        runs.retain(|run| run.journey == journey);
        Ok(runs)
    }

    async fn expects_stage(&self, journey: &str, stage: &str) -> Result<Option<Instead>> {
        let plans = self.runtime.plans();
        let runs = self.runs_in(journey).await?;
        let mut elsewhere = None;
        for run in runs.iter().rev() {
            let at = plans.version(run.version).map_or("", |plan| plan.stage_of(Place(run.place)));
            match &run.outcome {
                None if at == stage => return Ok(None),
                None => elsewhere = elsewhere.or(Some(format!("the contact is in the stage `{at}`"))),
                Some(outcome) => {
                    elsewhere = elsewhere.or(Some(format!("the journey has ended with `{outcome}`")))
                }
            }
        }
        Ok(Some(elsewhere.unwrap_or_else(|| "the contact has not entered the journey".to_owned())))
    }

    async fn expects_outcome(
        &self,
        journey: &str,
        outcome: &str,
        expected: &mut Expected,
    ) -> Result<Option<Instead>> {
        let plans = self.runtime.plans();
        let runs = self.runs_in(journey).await?;
        let meant = expected.ends.meant(runs.iter(), |run| run.id);
        if let Some(run) = meant.iter().find(|run| run.outcome.as_deref() == Some(outcome)) {
            expected.ends.insert(run.id);
            return Ok(None);
        }
        Ok(Some(match meant.last() {
            None if runs.is_empty() => "the contact has not entered the journey".to_owned(),
            None => "it has ended no other time".to_owned(),
            Some(run) => match &run.outcome {
                Some(other) => format!("it has ended with `{other}`"),
                None => {
                    let at = plans.version(run.version).map_or("", |plan| plan.stage_of(Place(run.place)));
                    format!("the contact is still in the stage `{at}`")
                }
            },
        }))
    }

    async fn expects_goal(
        &self,
        journey: &str,
        goal: &str,
        worth: Option<Value>,
        expected: &mut Expected,
    ) -> Result<Option<Instead>> {
        let mut reached = self.read().await?.goals(self.contact).await?;
        reached.retain(|reached| reached.journey == journey && reached.goal == goal);
        let key = |reached: &&GoalReached| (reached.run, reached.goal.clone());
        let meant = expected.goals.meant(reached.iter(), key);
        let worth_of = |worth: Option<f64>| worth.map_or(Value::Unset, Value::Number);
        let is_worth =
            |reached: &&&GoalReached| worth.as_ref().is_none_or(|worth| *worth == worth_of(reached.worth));
        if let Some(found) = meant.iter().find(is_worth) {
            expected.goals.insert(key(found));
            return Ok(None);
        }
        Ok(Some(match meant.first() {
            Some(reached) => format!("it was reached, and is worth {}", worth_of(reached.worth)),
            None if reached.is_empty() => "it was not reached".to_owned(),
            None => "it was reached no other time".to_owned(),
        }))
    }

    async fn expects_call(
        &self,
        kind: CallKind,
        target: &str,
        with: &Attributes,
        expected: &mut Expected,
    ) -> Result<Option<Instead>> {
        let mut calls = self.calls().await?;
        calls.retain(|stored| stored.call.kind == kind && stored.call.target == target);
        let new = |stored: &&StoredCall| !expected.calls.contains(&stored.call.id);
        let holds =
            |stored: &&StoredCall| with.iter().all(|(name, value)| stored.call.with.get(name) == Some(value));
        if let Some(found) = calls.iter().filter(new).find(holds) {
            expected.calls.insert(found.call.id);
            return Ok(None);
        }
        Ok(Some(match calls.iter().rfind(new) {
            Some(stored) => {
                let pairs: Vec<String> =
                    stored.call.with.iter().map(|(name, value)| format!("{name} {value}")).collect();
                format!("it was told {{ {} }}", pairs.join(", "))
            }
            None if !calls.is_empty() => "that happened no other time".to_owned(),
            None if kind == CallKind::HandOff => "no lead was handed to it".to_owned(),
            None => "it was not called".to_owned(),
        }))
    }

    /// Compared the way a journey compares: a date beside a moment means its midnight.
    async fn expects_contact(
        &self,
        field: &str,
        wanted: &Expr,
        model: &Model,
        zone: &TimeZone,
    ) -> Result<Option<Instead>> {
        let declared = model.attribute(field);
        let of = declared.map(|field| field.of.clone()).or_else(|| Contact::built_in_type(field));
        let of = of.unwrap_or(ValueType::Text);
        let default = declared.and_then(|field| field.default.clone()).unwrap_or_default();
        let is = Expr::Contact { name: field.to_owned(), of, default };
        let value = self.value(&is, zone).await?;
        let equal = Expr::Binary(Operator::Equal, Box::new(is), Box::new(wanted.clone()));
        Ok((!self.value(&equal, zone).await?.is_true()).then(|| format!("it is {value}")))
    }

    async fn expects_skipped(
        &self,
        name: &str,
        reason: Option<&str>,
        expected: &mut Expected,
    ) -> Result<Option<Instead>> {
        let mut messages = self.messages().await?;
        messages.retain(|stored| stored.message.message == name);
        let why = |stored: &StoredMessage| stored.message.reason.map(|reason| reason.as_str());
        let new = |stored: &&StoredMessage| !expected.messages.contains(&stored.message.id);
        let skipped = |stored: &&StoredMessage| {
            stored.message.state == MessageState::Skipped && (reason.is_none() || why(stored) == reason)
        };
        if let Some(found) = messages.iter().filter(new).find(skipped) {
            expected.messages.insert(found.message.id);
            return Ok(None);
        }
        Ok(Some(match messages.iter().rfind(new) {
            Some(stored) => match why(stored) {
                Some(other) => format!("it was skipped because `{other}`"),
                None => "it was sent".to_owned(),
            },
            None if !messages.is_empty() => "it was skipped no other time".to_owned(),
            None => "no path came to it".to_owned(),
        }))
    }
}
