use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{Arm, ContactId, EventKind, HistoryStep, Message, MessageState, Run, RunId, StepKind};
use crate::engine::Plans;
use crate::language::plan::{Place, Plan, Step, Trigger};
use crate::store::{Carrier, Hold, ReadUnit, Result, StoredEvent, StoredMessage};
use crate::time::{Moment, TimeZone, wall_text};

/// How many events of a contact are looked at.
const EVENTS_MAX: u32 = 1_000;

/// Why a contact got what they got: for each step one reason, or what is waited for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Why {
    /// The runs, the earliest first.
    pub runs: Vec<RunReasons>,
    /// Events that pointed to a journey and did not lead into it.
    pub refused: Vec<Reason>,
}

/// What one run did, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReasons {
    /// The run.
    pub run: RunId,
    /// The journey.
    pub journey: String,
    /// Its version.
    pub version: u32,
    /// The value of `per`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// When it began.
    pub entered_at: Moment,
    /// The steps, in order.
    pub steps: Vec<Reason>,
    /// What it waits for and until when, or how it ended.
    pub now: String,
}

/// One thing that happened, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// When.
    pub at: Moment,
    /// Where in the journey.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What and why, in words.
    pub says: String,
}

/// Tells for each step of a contact why it was so. Moments in the words are those of `zone`.
///
/// # Errors
/// When the store fails.
pub async fn why(
    unit: &mut dyn ReadUnit,
    plans: &Plans,
    contact: ContactId,
    journey: Option<&str>,
    zone: &TimeZone,
) -> Result<Why> {
    let mut why = Why::default();
    let events = unit.events(contact, EVENTS_MAX).await?;
    let messages = unit.messages(contact).await?;
    let hold = unit.held().await?;
    let wanted = |name: &str| journey.is_none_or(|journey| journey == name);
    for run in unit.runs(contact).await?.into_iter().filter(|run| wanted(&run.journey)) {
        let history = unit.history(contact, run.id).await?;
        why.runs.push(reasons(&run, &history, &messages, &events, plans, (zone, hold.as_ref())));
    }
    for stored in events.iter().rev() {
        for (journey, reason) in stored.refused.iter().filter(|(journey, _)| wanted(journey)) {
            let says = format!("`{}` did not lead into `{journey}`: {}", stored.event.name, refusal(reason));
            why.refused.push(Reason { at: stored.event.at, place: String::new(), says });
        }
    }
    let refused = unit.watch(contact).await?.map(|watch| watch.state.refused).unwrap_or_default();
    for (journey, (at, reason)) in refused.iter().filter(|(journey, _)| wanted(journey)) {
        // As it is written everywhere.
        let reason = serde_json::to_value(reason).unwrap_or_default();
        let why_not = refusal(reason.as_str().unwrap_or_default());
        let says = format!("its time came for `{journey}` and did not lead in: {why_not}");
        why.refused.push(Reason { at: *at, place: String::new(), says });
    }
    why.refused.sort_by_key(|reason| reason.at);
    Ok(why)
}

fn reasons(
    run: &Run,
    history: &[HistoryStep],
    messages: &[StoredMessage],
    events: &[StoredEvent],
    plans: &Plans,
    (zone, hold): (&TimeZone, Option<&Hold>),
) -> RunReasons {
    let by_step: BTreeMap<u32, &StoredMessage> = messages
        .iter()
        .filter(|stored| stored.message.run == run.id)
        .map(|stored| (stored.message.step, stored))
        .collect();
    let mut steps: Vec<Reason> = Vec::new();
    for step in history {
        let plan = plans.version(step.version);
        let node = plan.and_then(|plan| plan.node(Place(step.place)));
        let says = says(
            step,
            statement(node.map_or("", |node| &node.text)),
            by_step.get(&step.number).copied(),
            (zone, hold),
        );
        let place = node.map_or(String::new(), |node| node.id.clone());
        steps.push(Reason { at: step.at, place, says });
    }
    for stored in events.iter().filter(|stored| stored.event.kind == EventKind::Machine) {
        if stored.event.run == Some(run.id) {
            steps.push(Reason { at: stored.event.at, place: String::new(), says: machine(stored) });
        }
    }
    steps.sort_by_key(|step| step.at);
    let plan = plans.version(run.version);
    RunReasons {
        run: run.id,
        journey: run.journey.clone(),
        version: run.version,
        key: run.key.clone(),
        entered_at: run.entered_at,
        steps,
        now: now(run, plan.map(|plan| &**plan), zone),
    }
}

/// What people call a statement whose first line is this: a block left out leaves `with` behind, and the wait
/// behind a call or a hand-off has no line of its own.
fn statement(line: &str) -> &str {
    match line.strip_suffix(" with").unwrap_or(line) {
        "" => "and wait",
        line => line,
    }
}

fn says(
    step: &HistoryStep,
    text: &str,
    message: Option<&StoredMessage>,
    (zone, hold): (&TimeZone, Option<&Hold>),
) -> String {
    let detail = step.detail.as_str();
    match step.kind {
        StepKind::Entered if detail == "by request" => "entered by request".to_owned(),
        StepKind::Entered => format!("entered: `{detail}` led in"),
        StepKind::Stage => format!("came to the stage `{detail}`"),
        StepKind::Waiting => {
            let until =
                detail.parse::<Moment>().map_or_else(|_| detail.to_owned(), |until| wall_text(until, zone));
            format!("`{text}`: waits until {until}")
        }
        StepKind::Holding => {
            let (until, why) = detail.split_once(' ').unwrap_or((detail, ""));
            let until =
                until.parse::<Moment>().map_or_else(|_| until.to_owned(), |until| wall_text(until, zone));
            format!("`{text}`: held until {until}, because of {}", held_for(why))
        }
        StepKind::Took if detail == "time is up" => format!("`{text}`: the time was up"),
        StepKind::Took if detail == "no condition" => format!("`{text}`: was not true"),
        StepKind::Took if detail.starts_with("condition") => format!("`{text}`: was true ({detail})"),
        StepKind::Took if detail.starts_with("variant ") => format!("`{text}`: {detail}, as before"),
        StepKind::Took if text.starts_with("repeat") => format!("`{text}`: {detail}"),
        StepKind::Took => format!("`{text}` ended: {detail}"),
        StepKind::Variant => variant(text, detail),
        StepKind::Succeeded => {
            let (experiment, variant) = detail.split_once(' ').unwrap_or((detail, ""));
            format!("counts as a success of the variant `{variant}` in `{experiment}`")
        }
        StepKind::Sent => {
            let Some(stored) = message else { return format!("`{text}`: decided") };
            // `send first of` and `send best of` do not say which it was.
            let Message { channel, message: name, .. } = &stored.message;
            let which = if text.ends_with(" of") { format!("{channel} {name}, ") } else { String::new() };
            format!("`{text}`: {which}{}", state(stored, zone, hold))
        }
        StepKind::Skipped => {
            let (name, reason) = detail.split_once(' ').unwrap_or(("", detail));
            let which = if text.ends_with(" of") { format!("{name} ") } else { String::new() };
            format!("`{text}`: {which}skipped, {}", skipped(reason))
        }
        StepKind::Called => format!("`{text}`: called"),
        StepKind::HandedOff => format!("`{text}`: handed off"),
        StepKind::Changed => format!("`{text}`: {detail}"),
        StepKind::Recorded => format!("`{text}`: recorded"),
        StepKind::Alerted => format!("`{text}`: told"),
        StepKind::Started => format!("`{text}`: asked for"),
        StepKind::Moved => format!("went on in a new version of the journey, after {detail}"),
        StepKind::Goal => format!("reached the goal `{detail}`"),
        StepKind::Ended => format!("ended with `{detail}`"),
        StepKind::Held => format!("was stopped: {detail}"),
    }
}

fn variant(text: &str, detail: &str) -> String {
    let variant = detail.split(' ').nth(1).unwrap_or("");
    let why = match detail.split(' ').nth(2) {
        Some("picked") => "which was picked for all",
        Some("named") => "which the test names",
        _ => "by the contact's share",
    };
    format!("`{text}`: variant `{variant}`, {why}")
}

fn state(stored: &StoredMessage, zone: &TimeZone, hold: Option<&Hold>) -> String {
    let answer = stored.answer.as_deref().map(|answer| format!(" ({answer})")).unwrap_or_default();
    let at = |moment: Option<Moment>| {
        moment.map(|moment| format!(" {}", wall_text(moment, zone))).unwrap_or_default()
    };
    match stored.message.state {
        MessageState::Decided => match (stored.due_at, hold) {
            (_, Some(Hold { since, why })) => {
                format!("waits{answer}: everything is held since{}, because \"{why}\"", at(Some(*since)))
            }
            (Some(due), None) if stored.attempts > 0 => {
                format!("not taken yet{answer}, tried again{}", at(Some(due)))
            }
            _ => format!("about to be handed over{answer}"),
        },
        MessageState::HandedOver => format!("being handed over since{}", at(stored.handed_over_at)),
        MessageState::Accepted => {
            let is_mail = Carrier::Mail.carries(&stored.message.channel);
            let by = if is_mail { "the mail server" } else { "who delivers it" };
            format!("taken by {by}{}{answer}", at(stored.settled_at))
        }
        MessageState::Refused => format!("refused{}{answer}", at(stored.settled_at)),
        MessageState::Unsure => format!("nobody knows whether it was taken{answer}"),
        MessageState::Delivered => "delivered".to_owned(),
        MessageState::Bounced => format!("came back{answer}"),
        MessageState::Complained => "was called spam".to_owned(),
        MessageState::Skipped => {
            let reason = stored.message.reason.map_or("", |reason| reason.as_str());
            format!("not handed over, {}", skipped(reason))
        }
    }
}

/// Why a message was not sent, in words.
pub fn skipped(reason: &str) -> &str {
    match reason {
        "no_permission" => "the contact does not allow its topic",
        "no_address" => "the contact has no address",
        "suppressed" => "nothing is sent to the address any more: it bounced, or its owner complained",
        "late" => "it was due too long ago",
        "capped" => "the contact has had as many messages as the caps let through",
        "holdout" => "the contact is one of those that get no marketing",
        other => other,
    }
}

/// What keeps a run at a message, in words.
fn held_for(why: &str) -> &str {
    match why {
        "quiet" => "quiet hours",
        "cap" => "a cap that has no room before",
        "best_time" => "a better time",
        other => other,
    }
}

/// Why somebody did not enter, in words.
fn refusal(reason: &str) -> &str {
    match reason {
        "condition" => "the condition behind `where` was false",
        "no_key" => "the event lacks the field of `per`",
        "closed" => "the journey has not started, or nobody enters any more",
        "inside" => "the contact was inside already",
        "was_inside" => "the contact has been inside before, and `reenter` says never",
        "too_soon" => "the contact has left too recently for `reenter after`",
        "no_permission" => "the contact does not allow the topic of `permission`",
        "no_entry" => "no such journey is in force",
        "circle" => "journeys have led into each other again and again with no time between them",
        other => other,
    }
}

fn machine(stored: &StoredEvent) -> String {
    let deed = if stored.event.name == "message_clicked" { "a click" } else { "an open" };
    let text =
        |name: &str| stored.event.properties.get(name).and_then(serde_json::Value::as_str).unwrap_or("");
    let evidence = stored.event.properties.get("evidence").map(ToString::to_string).unwrap_or_default();
    format!("{deed} on `{}` was a machine's and moves nobody: {evidence}", text("message"))
}

fn now(run: &Run, plan: Option<&Plan>, zone: &TimeZone) -> String {
    if let Some(outcome) = &run.outcome {
        return format!("ended with `{outcome}`");
    }
    if let Some(why) = &run.state.held {
        return format!("stopped: {why}");
    }
    let at = |moment: Moment| wall_text(moment, zone);
    if run.arm.is_measured() {
        let until = run.wake_at.map(at).unwrap_or_default();
        let group =
            if run.arm == Arm::Holdout { "held out of all marketing" } else { "in the control group" };
        return format!("{group}: only measured, until {until}");
    }
    let until = run.state.wait_until.map(at).unwrap_or_default();
    if let Some(holding) = &run.state.holding {
        return format!("held at this line until {until}, because of {}", held_for(holding.why.as_str()));
    }
    match plan.and_then(|plan| plan.node(Place(run.place))).map(|node| &node.step) {
        Some(Step::WaitUpTo { branches, .. }) => {
            let triggers = branches.iter().map(|branch| describe(&branch.trigger));
            format!("waits until {until} for {}", any_of(triggers))
        }
        _ => format!("waits until {until}"),
    }
}

/// Each thing once: several branches may wait for one, each with its own condition.
fn any_of(triggers: impl Iterator<Item = String>) -> String {
    let mut different: Vec<String> = Vec::new();
    for trigger in triggers {
        if !different.contains(&trigger) {
            different.push(trigger);
        }
    }
    crate::finding::words::one_of(&different)
}

fn describe(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Event(event) => format!("`{event}`"),
        Trigger::Reaction { kind, message, link } => {
            let link = link.as_ref().map(|link| format!(" {link:?}")).unwrap_or_default();
            format!("`{} {message}{link}`", kind.word())
        }
        Trigger::Reply(_) => "an answer".to_owned(),
        Trigger::Accepted(_) => "the team to take the lead".to_owned(),
        Trigger::Rejected(_) => "the team to refuse the lead".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_called_by_their_first_line() {
        for (line, called) in [
            ("send email hello", "send email hello"),
            ("hand off to sales with", "hand off to sales"),
            ("", "and wait"),
        ] {
            assert_eq!(statement(line), called);
        }
    }

    #[test]
    fn a_message_that_is_one_of_several_is_named() {
        let step = |detail: &str| HistoryStep {
            run: RunId::default(),
            contact: ContactId::default(),
            number: 0,
            at: Moment::default(),
            version: 1,
            place: 0,
            kind: StepKind::Skipped,
            detail: detail.to_owned(),
        };
        for (text, told) in [
            ("send email hello", "`send email hello`: skipped, the contact has no address"),
            ("send first of", "`send first of`: hello skipped, the contact has no address"),
        ] {
            assert_eq!(says(&step("hello no_address"), text, None, (&TimeZone::UTC, None)), told);
        }
    }

    #[test]
    fn why_it_was_this_variant() {
        for (detail, why) in [
            ("tone short", "by the contact's share"),
            ("tone short picked", "which was picked for all"),
            ("tone short named", "which the test names"),
        ] {
            assert_eq!(
                variant("experiment tone", detail),
                format!("`experiment tone`: variant `short`, {why}")
            );
        }
    }

    #[test]
    fn what_is_waited_for_is_told_once() {
        let told = |triggers: &[&str]| any_of(triggers.iter().map(|trigger| (*trigger).to_owned()));
        assert_eq!(told(&["an answer", "an answer"]), "an answer");
        assert_eq!(told(&["`a`", "`b`", "`a`"]), "`a` or `b`");
    }
}
