use std::collections::BTreeSet;

use super::stage::Stage;
use crate::domain::{Attributes, CallKind, MessageId, MessageState, Run, Value};
use crate::language::model::{Expectation, Model};
use crate::language::plan::Place;
use crate::store::{Result, StoredCall, StoredMessage};
use crate::time::{ClockTime, Date, TimeZone, at_clock_time, wall_text};

/// Why an expectation is not met: what is so instead.
pub(super) type Instead = String;

/// What a test has expected so far.
#[derive(Default)]
pub(super) struct Expected {
    messages: BTreeSet<MessageId>,
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
                self.expects_goal(journey, goal, worth).await?
            }
            Expectation::Outcome(outcome) => self.expects_outcome(journey, outcome).await?,
            Expectation::Handoff { team, with } => {
                let with = self.values(with, zone).await?;
                self.expects_call(CallKind::HandOff, team, &with).await?
            }
            Expectation::Call { hook, with } => {
                let with = self.values(with, zone).await?;
                self.expects_call(CallKind::Call, hook, &with).await?
            }
            Expectation::Contact { field, value } => {
                let wanted = self.value(value, zone).await?;
                self.expects_contact(field, &wanted, model).await?
            }
            Expectation::Skipped { message, reason } => {
                self.expects_skipped(message, reason.as_deref()).await?
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

    async fn expects_outcome(&self, journey: &str, outcome: &str) -> Result<Option<Instead>> {
        let plans = self.runtime.plans();
        let runs = self.runs_in(journey).await?;
        if runs.iter().any(|run| run.outcome.as_deref() == Some(outcome)) {
            return Ok(None);
        }
        Ok(Some(match runs.last() {
            None => "the contact has not entered the journey".to_owned(),
            Some(run) => match &run.outcome {
                Some(other) => format!("it has ended with `{other}`"),
                None => {
                    let at = plans.version(run.version).map_or("", |plan| plan.stage_of(Place(run.place)));
                    format!("the contact is still in the stage `{at}`")
                }
            },
        }))
    }

    async fn expects_goal(&self, journey: &str, goal: &str, worth: Option<Value>) -> Result<Option<Instead>> {
        let reached = self.read().await?.goals(self.contact).await?;
        let mut same = reached.iter().filter(|reached| reached.journey == journey && reached.goal == goal);
        let worth_of = |worth: Option<f64>| worth.map_or(Value::Unset, Value::Number);
        if same.clone().any(|reached| worth.as_ref().is_none_or(|worth| *worth == worth_of(reached.worth))) {
            return Ok(None);
        }
        Ok(Some(match same.next() {
            Some(reached) => format!("it was reached, and is worth {}", worth_of(reached.worth)),
            None => "it was not reached".to_owned(),
        }))
    }

    async fn expects_call(&self, kind: CallKind, target: &str, with: &Attributes) -> Result<Option<Instead>> {
        let calls = self.calls().await?;
        let mut same = calls.iter().filter(|stored| stored.call.kind == kind && stored.call.target == target);
        let holds =
            |stored: &&StoredCall| with.iter().all(|(name, value)| stored.call.with.get(name) == Some(value));
        if same.clone().any(|stored| holds(&stored)) {
            return Ok(None);
        }
        Ok(Some(match same.next_back() {
            Some(stored) => {
                let pairs: Vec<String> =
                    stored.call.with.iter().map(|(name, value)| format!("{name} {value}")).collect();
                format!("it was told {{ {} }}", pairs.join(", "))
            }
            None if kind == CallKind::HandOff => "no lead was handed to it".to_owned(),
            None => "it was not called".to_owned(),
        }))
    }

    async fn expects_contact(&self, field: &str, wanted: &Value, model: &Model) -> Result<Option<Instead>> {
        let contact = self.contact().await?;
        let declared = model.attribute(field);
        let of =
            declared.map(|field| field.of.clone()).or_else(|| crate::domain::Contact::built_in_type(field));
        let of = of.unwrap_or(crate::domain::ValueType::Text);
        let value = contact.attribute(field, &of);
        let default = declared.and_then(|field| field.default.clone()).unwrap_or_default();
        let value = if value.is_set() { value } else { default };
        Ok((value != *wanted).then(|| format!("it is {value}")))
    }

    async fn expects_skipped(&self, name: &str, reason: Option<&str>) -> Result<Option<Instead>> {
        let messages = self.messages().await?;
        let mut same = messages.iter().filter(|stored| stored.message.message == name);
        let why = |stored: &StoredMessage| stored.message.reason.map(|reason| reason.as_str());
        let skipped = |stored: &&StoredMessage| {
            stored.message.state == MessageState::Skipped && (reason.is_none() || why(stored) == reason)
        };
        if same.clone().any(|stored| skipped(&stored)) {
            return Ok(None);
        }
        Ok(Some(match same.next_back() {
            Some(stored) => match why(stored) {
                Some(other) => format!("it was skipped because `{other}`"),
                None => "it was sent".to_owned(),
            },
            None => "no path came to it".to_owned(),
        }))
    }
}
