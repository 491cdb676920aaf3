use super::failure::{Instead, Mend};
use super::stage::Stage;
use crate::domain::{RefusalReason, Run, SkipReason};
use crate::finding::words;
use crate::language::plan::Place;
use crate::runtime::{skipped, why};
use crate::store::{Result, StoredMessage};
use crate::time::TimeZone;

/// How many events are looked at for what did not lead in.
const EVENTS_MAX: u32 = 1_000;

impl Stage {
    /// Where the contact stands in a journey, or why it is not inside.
    pub(super) async fn standing(&self, journey: &str, zone: &TimeZone) -> Result<Instead> {
        let Some(run) = self.runs_in(journey).await?.pop() else {
            return self.not_entered(journey, zone).await;
        };
        if let Some(outcome) = &run.outcome {
            return Ok(Instead::from(format!("the journey has ended with `{outcome}`")));
        }
        let mut unit = self.read().await?;
        let why = why(&mut *unit, &self.runtime.plans(), self.contact, Some(journey), zone).await?;
        let now = why.runs.last().map(|run| format!(", {}", run.now)).unwrap_or_default();
        Ok(Instead::from(format!("the contact is in the stage `{}`{now}", self.stage_of(&run))))
    }

    /// The stage that a run is in.
    pub(super) fn stage_of(&self, run: &Run) -> String {
        let plans = self.runtime.plans();
        plans.version(run.version).map_or("", |plan| plan.stage_of(Place(run.place))).to_owned()
    }

    /// Why a goal of a journey was not reached.
    pub(super) async fn not_reached(&self, journey: &str, goal: &str, zone: &TimeZone) -> Result<Instead> {
        const WHAT: &str = "it was not reached";
        let runs = self.runs_in(journey).await?;
        let Some(since) = runs.last().map(|run| run.entered_at) else {
            return Ok(self.not_entered(journey, zone).await?.because_of(WHAT));
        };
        let plans = self.runtime.plans();
        let goals = plans.active(journey).map_or(&[][..], |(_, plan)| &plan.goals);
        let Some(goal) = goals.iter().find(|known| known.name == goal) else { return Ok(WHAT.into()) };
        let events = self.read().await?.events(self.contact, EVENTS_MAX).await?;
        let came = events.iter().any(|stored| stored.event.name == goal.event && stored.event.at >= since);
        Ok(match (came, &goal.condition) {
            (false, _) => format!("{WHAT}: no `{}` has happened since the contact entered", goal.event),
            (true, Some(_)) => {
                format!("{WHAT}: `{}` has happened, and the condition behind `where` was false", goal.event)
            }
            (true, None) => format!("{WHAT}: `{}` has happened too late", goal.event),
        }
        .into())
    }

    async fn not_entered(&self, journey: &str, zone: &TimeZone) -> Result<Instead> {
        const WHAT: &str = "the contact has not entered the journey";
        let plans = self.runtime.plans();
        let mut unit = self.read().await?;
        let events = unit.events(self.contact, EVENTS_MAX).await?;
        // As it is written everywhere.
        let read = |reason: &String| serde_json::from_value::<RefusalReason>(reason.as_str().into()).ok();
        let by_event = events.iter().find_map(|stored| stored.refused.get(journey)).and_then(read);
        let watched = unit.watch(self.contact).await?.map(|watch| watch.state.refused).unwrap_or_default();
        let by_time = watched.get(journey).map(|(_, reason)| *reason);
        let is_forbidden = by_event.or(by_time) == Some(RefusalReason::NoPermission);
        let plan = plans.active(journey).map(|(_, plan)| plan);
        if let Some(topic) = plan.and_then(|plan| plan.permission.as_deref()).filter(|_| is_forbidden) {
            let says = format!("{WHAT}: it does not allow `{topic}`, the topic of the journey");
            return Ok(allowing(Instead::from(says), topic));
        }
        let why = why(&mut *unit, &plans, self.contact, Some(journey), zone).await?;
        if let Some(refused) = why.refused.last() {
            return Ok(Instead::from(format!("{WHAT}: {}", refused.says)));
        }
        let ways = plan.map_or(&[][..], |plan| &plan.enters);
        let ways: Vec<String> = ways.iter().map(|way| format!("enter {}", way.text)).collect();
        Ok(Instead::from(format!("{WHAT}: nothing that leads in has happened")).help(format!(
            "the way in is {}: a step before this line makes it happen",
            words::one_of_ticked(&ways)
        )))
    }
}

/// What is so where a message was skipped.
pub(super) fn was_skipped(stored: &StoredMessage, reason: SkipReason) -> Instead {
    let message = &stored.message;
    let code = reason.as_str();
    let expected = Mend::Write(format!("expect skipped {} because {code}", message.message));
    let instead = Instead::from(format!("it was skipped because `{code}`: {}", skipped(code)));
    match reason {
        SkipReason::NoPermission => allowing(instead, &message.topic),
        SkipReason::NoAddress if message.channel == "email" => {
            let address = "email \"ada@example.org\"";
            instead
                .help(format!("write `{address}` in the `contact {{ … }}` of the test"))
                .or(Mend::Give(address.to_owned()))
        }
        _ => instead,
    }
    .or(expected)
}

fn allowing(instead: Instead, topic: &str) -> Instead {
    instead
        .help(format!("write `allows {topic}` in the `contact {{ … }}` of the test"))
        .or(Mend::Allow(topic.to_owned()))
}
