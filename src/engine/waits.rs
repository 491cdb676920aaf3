use std::sync::Arc;

use super::evaluate::{evaluate, is_reaction, midnight};
use super::turn::{Turn, attributes, is_named};
use crate::domain::{Attributes, Event, EventKind, Reacted, StepKind, SystemEvent, Value};
use crate::language::plan::{Branch, Place, ReactionKind, Step, Trigger, Until};
use crate::time::{
    ClockTime, Length, Moment, TimeZone, after_business_days, at_clock_time, date_of, next_clock_time,
    next_weekday_time,
};

/// What ended a wait.
struct Taken {
    /// The index of the branch.
    branch: usize,
    /// What it was taken for.
    properties: Attributes,
    /// When the reaction happened, where it was one.
    reacted_at: Option<Moment>,
}

impl Turn<'_> {
    /// Begins a wait; `false` where there is nothing to wait for. Whoever comes `again` to the same place in one
    /// turn waits for a time of the day on the next day, or a journey that does something every morning would do
    /// it on and on at that minute.
    pub(super) fn waits_until(&mut self, until: &Until, again: bool) -> bool {
        let now = self.now;
        let zone = &self.zone;
        let from = if again { now.plus_micros(1) } else { now };
        let moment = match until {
            Until::Length(length) => length.after(now, zone),
            Until::BusinessDays(days) => after_business_days(now, *days, zone),
            Until::Time(time) => next_clock_time(from, *time, zone),
            Until::Weekday(day, time) => next_weekday_time(from, *day, *time, zone),
            Until::Window(window) => window.open_at(now, zone),
            Until::Value { value, at } => {
                let value = evaluate(value, &self.scope(None));
                match moment_of(&value, *at, zone) {
                    Some(moment) => moment,
                    None => return false,
                }
            }
        };
        if moment <= now {
            return false;
        }
        self.wait(moment);
        true
    }

    /// Comes to a loop, from before it or from the end of a round: the next place is the beginning of the next
    /// round, or what stands behind the loop.
    pub(super) fn round(&mut self, times: u32, body: Place, next: Place) -> Place {
        let here = self.run.place;
        let rounds = &mut self.run.state.rounds;
        // Places inside and behind this one come later: whatever is counted there was left.
        rounds.retain(|(place, _)| *place <= here);
        let done = match rounds.last() {
            Some((place, round)) if *place == here => *round,
            _ => 0,
        };
        rounds.retain(|(place, _)| *place != here);
        if done >= times {
            return next;
        }
        rounds.push((here, done + 1));
        self.passes(Some(0));
        self.note(StepKind::Took, format!("round {} of {times}", done + 1));
        body
    }

    /// Comes to a `wait up to`: goes on at once where something it waits for has happened already, or where it
    /// has no length.
    pub(super) fn wait_up_to(
        &mut self,
        limit: Length,
        branches: &[Branch],
        otherwise: Place,
    ) -> Option<Place> {
        self.run.state.since = self.cause;
        if let Some(taken) = self.find(branches, None) {
            return Some(self.take(branches, taken));
        }
        let until = limit.after(self.now, &self.zone);
        if until <= self.now {
            self.passes(Some(branches.len()));
            self.note(StepKind::Took, "time is up");
            return Some(otherwise);
        }
        self.wait(until);
        None
    }

    /// An event comes while the run waits.
    pub(super) fn on_trigger(&mut self, event: &Event) {
        let plan = Arc::clone(&self.plan);
        let Some(Step::WaitUpTo { branches, .. }) = plan.node(Place(self.run.place)).map(|node| &node.step)
        else {
            return;
        };
        if let Some(taken) = self.find(branches, Some(event)) {
            let next = self.take(branches, taken);
            self.walk(next);
        }
    }

    /// The wait is over.
    pub(super) fn time_is_up(&mut self) {
        let plan = Arc::clone(&self.plan);
        match plan.node(Place(self.run.place)).map(|node| &node.step) {
            Some(Step::Wait { next, .. }) => self.walk(*next),
            // It was held there, and everything is looked at anew.
            Some(Step::Send(_)) => self.walk(Place(self.run.place)),
            Some(Step::WaitUpTo { branches, otherwise, .. }) => {
                self.passes(Some(branches.len()));
                self.note(StepKind::Took, "time is up");
                self.walk(*otherwise);
            }
            _ => {}
        }
    }

    /// The first branch that holds: for what was remembered, and for the event where one is at hand.
    fn find(&self, branches: &[Branch], event: Option<&Event>) -> Option<Taken> {
        branches.iter().enumerate().find_map(|(index, branch)| {
            let holds = |properties: &Attributes| self.holds(branch.condition.as_ref(), Some(properties));
            if let Trigger::Reaction { kind, message, link } = &branch.trigger {
                let mut reactions = self.reacted(*kind, message, link.as_deref());
                return reactions.find_map(|reacted| {
                    let properties = reaction_properties(reacted);
                    let reacted_at = Some(reacted.at);
                    holds(&properties).then_some(Taken { branch: index, properties, reacted_at })
                });
            }
            let properties = self.event_of(&branch.trigger, event?)?;
            holds(&properties).then_some(Taken { branch: index, properties, reacted_at: None })
        })
    }

    /// What an event says, where it is the one that a branch waits for.
    fn event_of(&self, trigger: &Trigger, event: &Event) -> Option<Attributes> {
        match trigger {
            Trigger::Event(name) => self.event_counts(event, name),
            Trigger::Reply(place) => self.answer(event, *place),
            Trigger::Accepted(place) => self.lead(event, *place, SystemEvent::LeadAccepted),
            Trigger::Rejected(place) => self.lead(event, *place, SystemEvent::LeadRejected),
            Trigger::Reaction { .. } => None,
        }
    }

    /// An event counts from when the wait began.
    fn event_counts(&self, event: &Event, name: &str) -> Option<Attributes> {
        // What the run recorded itself came before it waited.
        let own = event.kind == EventKind::Track && event.run == Some(self.run.id);
        let counts = is_named(event, name) && event.at >= self.run.state.since && !own;
        counts.then(|| event.properties.clone())
    }

    /// A reaction counts from the sending of the message, also when it came before the wait; one that has ended
    /// this wait before does not end it again.
    fn reacted<'s>(
        &'s self,
        kind: ReactionKind,
        message: &'s str,
        link: Option<&'s str>,
    ) -> impl Iterator<Item = &'s Reacted> {
        let state = &self.run.state;
        let taken_at = state.taken.iter().find(|(place, _)| *place == self.run.place).map(|(_, at)| *at);
        state.reactions.iter().filter(move |reacted| {
            let sent = state.sent.iter().find(|sent| sent.message == message_of(reacted));
            is_reaction(reacted, kind, message, link)
                && sent.is_some_and(|sent| reacted.at >= sent.at)
                && taken_at.is_none_or(|taken| reacted.at > taken)
        })
    }

    /// A webhook's answer, where it answers the call made at that place.
    fn answer(&self, event: &Event, place: Place) -> Option<Attributes> {
        let call = self.run.state.calls.iter().find(|(known, _)| *known == place.0)?.1;
        let answers = event.kind == EventKind::Answer
            && event.run == Some(self.run.id)
            && event.name == call.to_string();
        answers.then(|| event.properties.clone())
    }

    /// A team's answer, where it is about the lead handed off at that place.
    fn lead(&self, event: &Event, place: Place, answer: SystemEvent) -> Option<Attributes> {
        let lead = self.run.state.calls.iter().find(|(known, _)| *known == place.0)?.1;
        let about = event.properties.get("lead").and_then(serde_json::Value::as_str);
        let answers = is_named(event, answer.name()) && about == Some(lead.to_string().as_str());
        answers.then(|| event.properties.clone())
    }

    fn take(&mut self, branches: &[Branch], taken: Taken) -> Place {
        let Some(branch) = branches.get(taken.branch) else { return Place(self.run.place) };
        if let Some(at) = taken.reacted_at {
            let place = self.run.place;
            self.run.state.taken.retain(|(known, _)| *known != place);
            self.run.state.taken.push((place, at));
        }
        self.run.state.branches.truncate(usize::from(branch.depth));
        if branch.keep {
            self.run.state.branches.resize_with(usize::from(branch.depth), Attributes::new);
            self.run.state.branches.push(taken.properties);
        }
        self.run.state.wait_until = None;
        self.passes(Some(taken.branch));
        self.note(StepKind::Took, describe(&branch.trigger));
        branch.next
    }
}

/// A trigger the way people write it.
fn describe(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Event(event) => event.clone(),
        Trigger::Reaction { kind, message, link: None } => format!("{} {message}", kind.word()),
        Trigger::Reaction { kind, message, link: Some(link) } => {
            format!("{} {message} {link:?}", kind.word())
        }
        Trigger::Reply(_) => "reply".to_owned(),
        Trigger::Accepted(_) => "accepted".to_owned(),
        Trigger::Rejected(_) => "rejected".to_owned(),
    }
}

/// The message that somebody reacted to; for an answer the one whose link led to the survey.
fn message_of(reacted: &Reacted) -> &str {
    reacted.answer.get("message").and_then(serde_json::Value::as_str).unwrap_or(&reacted.message)
}

/// What `event.FIELD` sees of a remembered reaction.
fn reaction_properties(reacted: &Reacted) -> Attributes {
    if !reacted.answer.is_empty() {
        return reacted.answer.clone();
    }
    let mut properties = attributes([("message", reacted.message.as_str().into())]);
    if let Some(link) = &reacted.link {
        properties.insert("link".to_owned(), link.as_str().into());
    }
    properties
}

/// The moment that `wait until EXPR [at T]` means; `None` where there is no value.
pub(super) fn moment_of(value: &Value, at: Option<ClockTime>, zone: &TimeZone) -> Option<Moment> {
    let date = match value.or_time() {
        Value::Moment(moment) if at.is_none() => return Some(moment),
        Value::Moment(moment) => date_of(moment, zone),
        Value::Date(date) if at.is_none() => return Some(midnight(date, zone)),
        Value::Date(date) => date,
        _ => return None,
    };
    Some(at_clock_time(date, at.unwrap_or(ClockTime::MIDNIGHT), zone))
}
