//! When and whether a message goes. A run that comes to a `send` sends, is held there until its time has come, or
//! goes on without the message; when it is woken, everything is looked at anew.

use super::evaluate::evaluate;
use super::habits;
use super::turn::{Turn, attributes};
use super::{Plans, share};
use crate::domain::{
    Address, Contact, HeldFor, Holding, Message, MessageId, MessageState, PastMessage, Sent, SkipReason,
    StepKind, SystemEvent, Value, ValueType,
};
use crate::language::plan::{self, Cap, Choice, Limits, Pick, Place, SendStep};
use crate::time::{Moment, TimeZone, Window, zone};

/// The longest address of a channel that is no email, in bytes: the names of devices for push messages are long.
const ADDRESS_BYTES_MAX: usize = 4_096;

/// A choice of a `send` that may go out, and when the caps let it.
struct Candidate<'s> {
    choice: &'s Choice,
    message: plan::Message,
    address: String,
    opens: Moment,
}

impl Turn<'_> {
    /// Comes to a `send`, or is woken there. Says where the run goes on; nowhere where it is held.
    pub(super) fn send(&mut self, step: &SendStep) -> Option<Place> {
        let unknown = |choice: &&Choice| !self.plan.messages.contains_key(&choice.message);
        if let Some(choice) = step.choices.iter().find(unknown) {
            self.hold(format!("its journey has no message `{}`", choice.message));
            return None;
        }
        let held = self.run.state.holding.take();
        let since = held.as_ref().map_or(self.now, |held| held.since);
        let mut found: Option<Candidate<'_>> = None;
        let mut skipped = Vec::new();
        for choice in self.in_order(step) {
            match self.candidate(choice, since) {
                Ok(one) if found.as_ref().is_none_or(|found| one.opens < found.opens) => found = Some(one),
                Ok(_) => {}
                Err(reason) => skipped.push((choice, reason)),
            }
        }
        let Some(found) = found else {
            for (choice, reason) in skipped {
                self.skip(choice, reason, step);
            }
            self.passes(Some(0));
            return Some(step.otherwise.unwrap_or(step.next));
        };
        let best = step.best_time.map(|within| {
            let chosen = held.as_ref().and_then(|held| held.best);
            let until = within.after(since, &self.clock());
            chosen.unwrap_or_else(|| self.best_time(&found.message.channel, found.opens, until))
        });
        let wanted = best.map_or(found.opens, |best| best.max(found.opens));
        let at = self.behind_quiet_hours(wanted);
        if at > self.now {
            let why = match best {
                _ if at > wanted => HeldFor::Quiet,
                Some(best) if best > found.opens => HeldFor::BestTime,
                _ => HeldFor::Cap,
            };
            self.hold_back(at, Holding { since, why, best });
            return None;
        }
        self.hand_out(found, step);
        Some(step.next)
    }

    /// The choices, the one that is wanted most first.
    fn in_order<'s>(&self, step: &'s SendStep) -> Vec<&'s Choice> {
        let mut choices: Vec<&Choice> = step.choices.iter().collect();
        if step.pick == Pick::Best {
            let rate = |choice: &&Choice| {
                let channel = self.plan.messages.get(&choice.message).map_or("", |found| &found.channel);
                habits::answer_rate(&self.state.messages, self.world.learned, channel)
            };
            // Of equals the first that is written stays first.
            choices.sort_by(|left, right| rate(right).total_cmp(&rate(left)));
        }
        choices
    }

    /// Whether a message may go at all, and when the caps have room for it.
    fn candidate<'s>(&self, choice: &'s Choice, since: Moment) -> Result<Candidate<'s>, SkipReason> {
        let message = self.plan.messages.get(&choice.message).cloned().ok_or(SkipReason::NoPermission)?;
        if !message.essential && self.state.permissions.get(&message.topic) != Some(&true) {
            return Err(SkipReason::NoPermission);
        }
        let address = self.address(choice, &message).ok_or(SkipReason::NoAddress)?;
        let is_mail = message.address.is_none();
        if is_mail && self.state.contact.suppressed.is_some() && choice.to.is_none() {
            return Err(SkipReason::Suppressed);
        }
        let policy = self.world.plans.policy(&self.plan);
        let contact = self.run.contact;
        if !message.essential && self.world.arm.is_none() && share::is_held_out(policy, contact) {
            return Err(SkipReason::Holdout);
        }
        if self.limits().any(|limits| is_late(limits, self.cause, self.now, &self.clock())) {
            return Err(SkipReason::Late);
        }
        let opens = if message.essential { self.now } else { self.caps_open(&message.channel, since)? };
        Ok(Candidate { choice, message, address, opens })
    }

    /// Where a message goes: a mail address, or what the system of its channel takes for one.
    fn address(&self, choice: &Choice, message: &plan::Message) -> Option<String> {
        let contact = &self.state.contact;
        let value = match (&choice.to, &message.address) {
            (Some(to), _) => evaluate(to, &self.scope(None)),
            (None, Some(attribute)) => contact.attribute(attribute, &ValueType::Text),
            (None, None) => contact.email.clone().map_or(Value::Unset, Value::Text),
        };
        let Value::Text(text) = value else { return None };
        match message.address {
            None => Some(text.parse::<Address>().ok()?.to_string()),
            Some(_) => {
                let text = text.trim();
                let fits = !text.is_empty() && text.len() <= ADDRESS_BYTES_MAX;
                fits.then(|| text.to_owned())
            }
        }
    }

    /// What keeps messages of this run back: the policy in force, and what the journey says beside it.
    fn limits(&self) -> impl Iterator<Item = &Limits> {
        [&self.world.plans.policy(&self.plan).limits, &self.plan.limits].into_iter()
    }

    /// The clock of the contact, whatever the journey's is.
    fn clock(&self) -> TimeZone {
        clock_of(&self.state.contact, self.world.zone)
    }

    /// When all caps have room; those that have none in time skip the message.
    fn caps_open(&self, channel: &str, since: Moment) -> Result<Moment, SkipReason> {
        let clock = self.clock();
        let mut opens = self.now;
        for cap in self.limits().flat_map(|limits| &limits.caps).filter(|cap| cap.counts(channel)) {
            let at = opens_at(cap, &self.state.messages, self.now, &clock);
            if at > self.now && cap.wait.is_none_or(|wait| at > wait.after(since, &clock)) {
                return Err(SkipReason::Capped);
            }
            opens = opens.max(at);
        }
        Ok(opens)
    }

    /// The first moment, `at` included, that is outside of all quiet hours.
    fn behind_quiet_hours(&self, at: Moment) -> Moment {
        let quiet: Vec<Window> = self.limits().filter_map(|limits| limits.quiet).collect();
        behind(&quiet, at, &self.clock())
    }

    /// The best moment between two, by when this contact and all others open and click.
    fn best_time(&self, channel: &str, from: Moment, until: Moment) -> Moment {
        let clock = self.clock();
        let quiet: Vec<Window> = self.limits().filter_map(|limits| limits.quiet).collect();
        let is_free = |at: Moment| behind(&quiet, at, &clock) == at;
        habits::best_time(&self.state.messages, self.world.learned, channel, (from, until), &clock, is_free)
    }

    /// Keeps the run at this line.
    fn hold_back(&mut self, until: Moment, holding: Holding) {
        self.run.state.wait_until = Some(until);
        self.note(StepKind::Holding, format!("{until} {}", holding.why.as_str()));
        self.run.state.holding = Some(holding);
    }

    fn hand_out(&mut self, found: Candidate<'_>, step: &SendStep) {
        let Candidate { choice, message, address, .. } = found;
        let name = choice.message.as_str();
        self.state.messages.push(PastMessage {
            channel: message.channel.clone(),
            essential: message.essential,
            at: self.now,
            waits: true,
            opened_at: None,
            clicked_at: None,
        });
        let id = self.decide(choice, message, &address, None, step);
        self.run.state.sent.retain(|sent| sent.message != name);
        self.run.state.sent.push(Sent { message: name.to_owned(), id, at: self.now });
        self.note(StepKind::Sent, name);
    }

    fn skip(&mut self, choice: &Choice, reason: SkipReason, step: &SendStep) {
        let name = choice.message.as_str();
        let Some(message) = self.plan.messages.get(name).cloned() else { return };
        let address = self.address(choice, &message).unwrap_or_default();
        self.decide(choice, message, &address, Some(reason), step);
        let known = [("message", name.into()), ("reason", reason.as_str().into())];
        self.signal(SystemEvent::MessageSkipped, attributes(known));
        self.note(StepKind::Skipped, format!("{name} {}", reason.as_str()));
    }

    /// Writes what was decided into the ledger.
    fn decide(
        &mut self,
        choice: &Choice,
        message: plan::Message,
        address: &str,
        reason: Option<SkipReason>,
        step: &SendStep,
    ) -> MessageId {
        let id = MessageId(self.id("message"));
        self.effects.messages.push(Message {
            id,
            contact: self.run.contact,
            run: self.run.id,
            journey: self.run.journey.clone(),
            version: self.run.version,
            place: self.run.place,
            step: self.run.steps,
            channel: message.channel,
            message: choice.message.clone(),
            topic: message.topic,
            essential: message.essential,
            address: address.to_owned(),
            with: self.values(&step.with),
            state: if reason.is_some() { MessageState::Skipped } else { MessageState::Decided },
            reason,
            decided_at: self.now,
            wanted_at: self.cause.min(self.now),
        });
        id
    }
}

/// The contact's own clock, or the workspace's.
fn clock_of(contact: &Contact, otherwise: &TimeZone) -> TimeZone {
    contact.timezone.as_deref().and_then(zone).unwrap_or_else(|| otherwise.clone())
}

/// Whether what was to go at a moment is too late now.
fn is_late(limits: &Limits, wanted_at: Moment, now: Moment, clock: &TimeZone) -> bool {
    limits.late.is_some_and(|late| late.after(wanted_at, clock) < now)
}

/// The first moment, now included, at which a cap has room for one more. What is still to be handed over counts as
/// if it were now, or when it is tried: it may go any moment.
fn opens_at(cap: &Cap, messages: &[PastMessage], now: Moment, clock: &TimeZone) -> Moment {
    let counted = messages.iter().filter(|message| !message.essential && cap.counts(&message.channel));
    let mut ends: Vec<Moment> = counted
        .map(|message| if message.waits { message.at.max(now) } else { message.at })
        .map(|at| cap.per.after(at, clock))
        .filter(|end| *end > now)
        .collect();
    ends.sort_unstable();
    // So many must have left before there is room.
    let leaving = ends.len().checked_sub(cap.count as usize);
    leaving.and_then(|last| ends.get(last)).copied().unwrap_or(now)
}

/// The first moment, `at` included, that is outside of all these hours.
fn behind(quiet: &[Window], at: Moment, clock: &TimeZone) -> Moment {
    // Hours that follow one another are passed one by one; all day long there are none left.
    const HOURS_MAX: usize = 8;
    let mut at = at;
    for _ in 0..HOURS_MAX {
        match quiet.iter().find(|hours| hours.is_open(at, clock)) {
            Some(hours) => at = Window { from: hours.to, to: hours.from, days: None }.open_at(at, clock),
            None => break,
        }
    }
    at
}

/// Whether a message that was decided on may be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handing {
    /// It may, before that moment: then quiet hours begin, or it is too late.
    Before(Moment),
    /// It may not before that moment: these are quiet hours.
    From(Moment),
    /// It was to go too long ago.
    TooLate,
}

/// Looks once more before a hand-over, which may come long after a message was decided on: after an outage, a pause,
/// or many attempts. `otherwise` is the zone of contacts without one.
pub fn handing(
    plans: &Plans,
    otherwise: &TimeZone,
    contact: &Contact,
    message: &Message,
    now: Moment,
) -> Handing {
    let clock = clock_of(contact, otherwise);
    let plan = plans.version(message.version);
    let policy = plan.map(|plan| plans.policy(plan)).or(plans.policy_in_force());
    let limits = || policy.map(|policy| &policy.limits).into_iter().chain(plan.map(|plan| &plan.limits));
    if limits().any(|limits| is_late(limits, message.wanted_at, now, &clock)) {
        return Handing::TooLate;
    }
    let quiet: Vec<Window> = limits().filter_map(|limits| limits.quiet).collect();
    let free = behind(&quiet, now, &clock);
    if free > now {
        return Handing::From(free);
    }
    let ends = quiet.iter().map(|hours| hours.open_at(now, &clock));
    let late = limits().filter_map(|limits| limits.late).map(|late| late.after(message.wanted_at, &clock));
    // What is late ends with an instant that is still in time.
    Handing::Before(ends.chain(late.map(|last| last.plus_micros(1))).min().unwrap_or(Moment::MAX))
}

#[cfg(test)]
mod tests;
