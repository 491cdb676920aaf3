use std::collections::BTreeSet;

use super::failure::{Instead, Mend};
use super::stage::Stage;
use super::standing::was_skipped;
use crate::domain::{
    Attributes, CallId, CallKind, Contact, GoalReached, MessageId, MessageState, Run, RunId, Value, ValueType,
};
use crate::language::model::{Expectation, Model};
use crate::language::plan::{Expr, Operator};
use crate::store::{Result, StoredCall, StoredMessage};
use crate::time::{ClockTime, Date, TimeZone, at_clock_time, wall_text};

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
            Expectation::Message { channel, message, at } => {
                self.expects_message(journey, (channel.as_str(), message.as_str()), *at, zone, expected)
                    .await?
            }
            Expectation::NoMessage { channel, message } => {
                let came = self.unexpected(expected).await?;
                let fits = |stored: &&StoredMessage| {
                    stored.message.channel == *channel
                        && message.as_ref().is_none_or(|message| stored.message.message == *message)
                };
                came.iter().find(fits).map(|stored| {
                    let name = &stored.message.message;
                    let at = wall_text(stored.message.decided_at, zone);
                    Instead::from(format!("`{name}` was sent at {at}"))
                        .or(Mend::Write(format!("expect {channel} {name}")))
                })
            }
            Expectation::Stage(stage) => self.expects_stage(journey, stage, zone).await?,
            Expectation::Goal { goal, worth } => {
                let worth = match worth {
                    Some(worth) => Some(self.value(worth, zone).await?),
                    None => None,
                };
                self.expects_goal(journey, goal, worth, zone, expected).await?
            }
            Expectation::Outcome(outcome) => self.expects_outcome(journey, outcome, zone, expected).await?,
            Expectation::Handoff { team, with } => {
                let with = self.values(with, zone).await?;
                self.expects_call(journey, (CallKind::HandOff, team.as_str()), &with, zone, expected).await?
            }
            Expectation::Call { hook, with } => {
                let with = self.values(with, zone).await?;
                self.expects_call(journey, (CallKind::Call, hook.as_str()), &with, zone, expected).await?
            }
            Expectation::Contact { field, value } => self.expects_contact(field, value, model, zone).await?,
            Expectation::Skipped { message, reason } => {
                self.expects_skipped(journey, message, reason.as_deref(), zone, expected).await?
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
        journey: &str,
        (channel, name): (&str, &str),
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
            let at = wall_text(other.message.decided_at, zone);
            let came = Mend::Write(format!("expect {channel} {name} sent at {at}"));
            return Ok(Some(Instead::from(format!("it was sent at {at}")).or(came)));
        }
        let skipped =
            self.messages().await?.into_iter().rfind(|stored| {
                stored.message.message == name && stored.message.state == MessageState::Skipped
            });
        let reason = skipped.as_ref().and_then(|stored| Some((stored, stored.message.reason?)));
        Ok(Some(match (reason, came.first()) {
            (Some((stored, reason)), _) => was_skipped(stored, reason),
            (None, Some(other)) => {
                let came = &other.message;
                Instead::from(format!("`{}` was sent in its place", came.message))
                    .or(Mend::Write(format!("expect {} {}", came.channel, came.message)))
            }
            (None, None) => self.standing(journey, zone).await?.because_of("it was not sent"),
        }))
    }

    pub(super) async fn runs_in(&self, journey: &str) -> Result<Vec<Run>> {
        let mut runs = self.read().await?.runs(self.contact).await?;
        runs.retain(|run| run.journey == journey);
        Ok(runs)
    }

    async fn expects_stage(&self, journey: &str, stage: &str, zone: &TimeZone) -> Result<Option<Instead>> {
        let runs = self.runs_in(journey).await?;
        let is_there = |run: &Run| run.outcome.is_none() && self.stage_of(run) == stage;
        if runs.iter().any(is_there) {
            return Ok(None);
        }
        let came = runs.last().map(|run| self.end_or_stage(run));
        let instead = self.standing(journey, zone).await?;
        Ok(Some(came.into_iter().fold(instead, Instead::or)))
    }

    /// The line that expects what became of a run.
    fn end_or_stage(&self, run: &Run) -> Mend {
        Mend::Write(match &run.outcome {
            Some(outcome) => format!("expect outcome {outcome}"),
            None => format!("expect stage {}", self.stage_of(run)),
        })
    }

    async fn expects_outcome(
        &self,
        journey: &str,
        outcome: &str,
        zone: &TimeZone,
        expected: &mut Expected,
    ) -> Result<Option<Instead>> {
        let runs = self.runs_in(journey).await?;
        let meant = expected.ends.meant(runs.iter(), |run| run.id);
        if let Some(run) = meant.iter().find(|run| run.outcome.as_deref() == Some(outcome)) {
            expected.ends.insert(run.id);
            return Ok(None);
        }
        Ok(Some(match meant.last() {
            None if runs.is_empty() => self.standing(journey, zone).await?,
            None => "it has ended no other time".into(),
            Some(run) => self.standing(journey, zone).await?.or(self.end_or_stage(run)),
        }))
    }

    async fn expects_goal(
        &self,
        journey: &str,
        goal: &str,
        worth: Option<Value>,
        zone: &TimeZone,
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
            Some(reached) => {
                let worth = worth_of(reached.worth);
                let came = match worth {
                    Value::Unset => format!("expect goal {goal}"),
                    _ => format!("expect goal {goal} worth {worth}"),
                };
                Instead::from(format!("it was reached, and is worth {worth}")).or(Mend::Write(came))
            }
            None if reached.is_empty() => self.not_reached(journey, goal, zone).await?,
            None => "it was reached no other time".into(),
        }))
    }

    async fn expects_call(
        &self,
        journey: &str,
        (kind, target): (CallKind, &str),
        with: &Attributes,
        zone: &TimeZone,
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
                format!("it was told {{ {} }}", pairs.join(", ")).into()
            }
            None if !calls.is_empty() => "that happened no other time".into(),
            None => {
                let not =
                    if kind == CallKind::HandOff { "no lead was handed to it" } else { "it was not called" };
                self.standing(journey, zone).await?.because_of(not)
            }
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
        if self.value(&equal, zone).await?.is_true() {
            return Ok(None);
        }
        let instead = Instead::from(format!("it is {value}"));
        // Moments are written in another way than they are told.
        Ok(Some(match value {
            Value::Unset | Value::Moment(_) | Value::List(_) => instead,
            value => instead.or(Mend::Write(format!("expect contact.{field} == {value}"))),
        }))
    }

    async fn expects_skipped(
        &self,
        journey: &str,
        name: &str,
        reason: Option<&str>,
        zone: &TimeZone,
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
            Some(stored) => match stored.message.reason {
                Some(other) => was_skipped(stored, other),
                None => Instead::from("it was sent")
                    .or(Mend::Write(format!("expect {} {name}", stored.message.channel))),
            },
            None if !messages.is_empty() => "it was skipped no other time".into(),
            None => self.standing(journey, zone).await?.because_of("no path came to it"),
        }))
    }
}
