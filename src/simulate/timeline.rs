use std::collections::BTreeMap;

use super::stage::Stage;
use crate::domain::{Event, EventKind, RunId, SystemEvent};
use crate::runtime::why;
use crate::source::Span;
use crate::store::Result;
use crate::time::{Moment, TimeZone, wall_text};

/// How many events are looked at for a time line.
const EVENTS_MAX: u32 = 10_000;

/// A line of what happened in a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// When, on the clock of the journey.
    pub at: String,
    /// What, in words.
    pub says: String,
    /// The line of the test that expects something else here.
    pub expected: Option<Span>,
}

/// What has been told of a test so far, so that each step of it tells what it led to and no more.
#[derive(Default)]
pub(super) struct Told {
    pub(super) entries: Vec<TimelineEntry>,
    events: usize,
    refused: usize,
    /// How many steps of each run.
    steps: BTreeMap<RunId, usize>,
}

impl Stage {
    /// Tells what has happened since the last time. Steps of another journey than the test's are told with its name.
    pub(super) async fn tell(&self, told: &mut Told, journey: &str, zone: &TimeZone) -> Result<()> {
        let mut unit = self.read().await?;
        let mut lines: Vec<(Moment, String)> = Vec::new();
        let mut events = unit.events(self.contact, EVENTS_MAX).await?;
        events.reverse();
        let seen = std::mem::replace(&mut told.events, events.len());
        for stored in events.iter().skip(seen) {
            lines.extend(words_for(&stored.event).map(|says| (stored.event.at, says)));
        }
        let why = why(&mut *unit, &self.runtime.plans(), self.contact, None, zone).await?;
        let seen = std::mem::replace(&mut told.refused, why.refused.len());
        lines.extend(why.refused.into_iter().skip(seen).map(|reason| (reason.at, reason.says)));
        for run in why.runs {
            let whose = if run.journey == journey { String::new() } else { format!("{}: ", run.journey) };
            let seen = told.steps.entry(run.run).or_default();
            let seen = std::mem::replace(seen, run.steps.len());
            let new = run.steps.into_iter().skip(seen);
            lines.extend(new.map(|step| (step.at, format!("{whose}{}", step.says))));
        }
        // What happened comes before what it led to.
        lines.sort_by_key(|(at, _)| *at);
        let entry = |(at, says)| TimelineEntry { at: wall_text(at, zone), says, expected: None };
        told.entries.extend(lines.into_iter().map(entry));
        Ok(())
    }
}

impl Told {
    /// Tells that a line of the test expects something else.
    pub(super) fn unmet(&mut self, expected: Span, at: &str, instead: &str) {
        let says = format!("but {instead}");
        self.entries.push(TimelineEntry { at: at.to_owned(), says, expected: Some(expected) });
    }
}

/// An event in words; nothing for those that the steps of the run tell better.
fn words_for(event: &Event) -> Option<String> {
    let text = |name: &str| event.properties.get(name).and_then(serde_json::Value::as_str).unwrap_or("");
    let pairs = || {
        let set = event.properties.iter().filter(|(_, value)| !value.is_null());
        let pairs: Vec<String> = set.map(|(name, value)| format!("{name} {value}")).collect();
        if pairs.is_empty() { String::new() } else { format!(" {{ {} }}", pairs.join(", ")) }
    };
    let message = || format!("`{}`", text("message"));
    match event.kind {
        EventKind::Track => Some(format!("`{}` happened{}", event.name, pairs())),
        EventKind::Identify => Some(format!("the contact changed{}", pairs())),
        EventKind::Answer => Some(format!("the webhook answered{}", pairs())),
        EventKind::Request | EventKind::Machine => None,
        EventKind::System => match SystemEvent::from_name(&event.name) {
            Some(SystemEvent::MessageClicked) if text("link").is_empty() => {
                Some(format!("the contact clicked {}", message()))
            }
            Some(SystemEvent::MessageClicked) => {
                Some(format!("the contact clicked `{}` in {}", text("link"), message()))
            }
            Some(SystemEvent::MessageOpened) => Some(format!("the contact opened {}", message())),
            Some(SystemEvent::MessageBounced) => Some(format!("{} came back", message())),
            Some(SystemEvent::MessageComplained) => Some(format!("the contact called {} spam", message())),
            Some(SystemEvent::Subscribed) => Some(format!("the contact allowed `{}`", text("topic"))),
            Some(SystemEvent::Unsubscribed) => Some(format!("the contact refused `{}`", text("topic"))),
            Some(SystemEvent::LeadAccepted) => Some(format!("`{}` accepted the lead", text("team"))),
            Some(SystemEvent::LeadRejected) => Some(format!("`{}` rejected the lead", text("team"))),
            Some(
                SystemEvent::MessageSent
                | SystemEvent::MessageDelivered
                | SystemEvent::MessageSkipped
                | SystemEvent::GoalReached
                | SystemEvent::JourneyEntered
                | SystemEvent::JourneyLeft,
            ) => None,
            _ => Some(format!("`{}` happened{}", event.name, pairs())),
        },
    }
}
