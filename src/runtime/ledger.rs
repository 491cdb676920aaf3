use crate::channel::email::{Outcome as Handed, Refusal};
use crate::channel::webhook::CallOutcome;
use crate::channel::{Retry, next_attempt};
use crate::domain::{
    Attributes, Event, EventId, EventKind, IdHasher, Message, MessageState, SkipReason, SystemEvent,
};
use crate::engine::Plans;
use crate::store::{MessageKey, MessageSettlement, Outcome};
use crate::time::Moment;

/// How long a mail waits that the sender's standing keeps from being taken: somebody has to look first.
const SENDER_FAULT_SECONDS: i64 = 30 * 60;

/// What the outcome of a hand-over means for the ledger.
///
/// `attempt` counts from 1. What was provably not taken is tried again by the timetable for mail and is refused
/// when that ends; what may have been taken is unsure and never tried again by itself.
pub fn settlement_of(message: &Message, attempt: u32, outcome: &Handed, now: Moment) -> MessageSettlement {
    let again = |why: &str| match next_attempt(Retry::Mail, attempt, now, message.id.0) {
        Some(at) => (Outcome::Again(at), why.to_owned()),
        None => (Outcome::State(MessageState::Refused), format!("given up after {attempt} attempts: {why}")),
    };
    let (outcome, answer) = match outcome {
        Handed::Accepted { answer } => (Outcome::State(MessageState::Accepted), answer.clone()),
        Handed::Refused { class: Refusal::Sender, answer } => {
            (Outcome::Again(now.plus_seconds(SENDER_FAULT_SECONDS)), answer.clone())
        }
        Handed::Refused { answer, .. } => (Outcome::State(MessageState::Refused), answer.clone()),
        Handed::Deferred { answer, .. } => again(answer),
        Handed::NotHandedOver { why } => again(why),
        Handed::Unsure { why } => (Outcome::State(MessageState::Unsure), why.clone()),
        // Where the gate let it through before, it was too late; else the gate has recorded why, and this is void. A
        // route that is down says nothing about the mail.
        Handed::Stopped => (Outcome::NotBegun(now), "it waits for the mail server".to_owned()),
        Handed::RouteDown { why } => (Outcome::NotBegun(now), why.clone()),
    };
    let key = MessageKey { contact: message.contact, id: message.id };
    MessageSettlement { key, attempt: Some(attempt), outcome, answer }
}

/// The same for a message that went over HTTP. Whoever takes it knows it again by its id, so that what may have been
/// taken is safely tried again.
pub fn posted(message: &Message, attempt: u32, outcome: CallOutcome, now: Moment) -> MessageSettlement {
    let (outcome, answer) = match outcome {
        CallOutcome::Delivered { status, .. } => {
            (Outcome::State(MessageState::Accepted), format!("answered {status}"))
        }
        CallOutcome::Failed { why, gone: true, .. } => (Outcome::State(MessageState::Refused), why),
        CallOutcome::Failed { why, retry_after_seconds, gone: false, .. } => {
            match next_attempt(Retry::Call, attempt, now, message.id.0) {
                Some(next) => {
                    // Who asks for time gets it.
                    let asked = retry_after_seconds.map(|seconds| now.plus_seconds(i64::from(seconds)));
                    (Outcome::Again(asked.map_or(next, |asked| asked.max(next))), why)
                }
                None => {
                    let why = format!("given up after {attempt} attempts: {why}");
                    (Outcome::State(MessageState::Refused), why)
                }
            }
        }
    };
    let key = MessageKey { contact: message.contact, id: message.id };
    MessageSettlement { key, attempt: Some(attempt), outcome, answer }
}

/// The events that tell journeys what became of a message, where some journey listens to them.
pub fn told(plans: &Plans, message: &Message, settlement: &MessageSettlement, now: Moment) -> Vec<Event> {
    let mut events = Vec::new();
    let mut tell = |event: SystemEvent, more: Attributes| {
        if plans.listen_to(event.name()) {
            events.push(message_event(message, event, more, now));
        }
    };
    match settlement.outcome {
        Outcome::State(MessageState::Accepted) => {
            tell(SystemEvent::MessageSent, Attributes::new());
            // The word of who took it is the last there is, unless a bounce follows.
            tell(SystemEvent::MessageDelivered, Attributes::new());
        }
        Outcome::State(MessageState::Refused) => {
            let reason = [("reason".to_owned(), settlement.answer.as_str().into())];
            tell(SystemEvent::MessageBounced, reason.into_iter().collect());
        }
        Outcome::Skipped(reason) => tell(SystemEvent::MessageSkipped, why(reason)),
        _ => {}
    }
    events
}

/// The event that tells journeys that a message which was decided on is not sent after all, where some journey listens
/// to it.
pub fn skipped_event(plans: &Plans, message: &Message, reason: SkipReason, now: Moment) -> Option<Event> {
    let event = SystemEvent::MessageSkipped;
    plans.listen_to(event.name()).then(|| message_event(message, event, why(reason), now))
}

fn why(reason: SkipReason) -> Attributes {
    [("reason".to_owned(), reason.as_str().into())].into_iter().collect()
}

/// What counts call an outcome.
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::State(state) => state.as_str(),
        Outcome::Again(_) => "again",
        Outcome::NotBefore(_) => "held",
        Outcome::NotBegun(_) => "not_begun",
        Outcome::Skipped(_) => MessageState::Skipped.as_str(),
    }
}

/// Whether an outcome means that the address is dead.
pub fn bounced(outcome: &Handed) -> bool {
    matches!(outcome, Handed::Refused { class: Refusal::Address, .. })
}

/// The event of a survey that somebody answered over the link in a message. The first answer counts, whenever
/// another follows: its id depends on the message and the survey alone.
pub fn answer_event(
    message: &Message,
    survey: &str,
    score: i16,
    comment: Option<String>,
    at: Moment,
) -> Event {
    let event = SystemEvent::SurveyAnswered;
    let id = IdHasher::new("event").part(event.name()).part(message.id.bytes()).part(survey);
    let mut properties = Attributes::new();
    properties.insert("survey".to_owned(), survey.into());
    properties.insert("score".to_owned(), score.into());
    properties.extend(comment.map(|comment| ("comment".to_owned(), comment.into())));
    properties.insert("message".to_owned(), message.message.as_str().into());
    Event {
        id: EventId(id.finish(message.decided_at)),
        contact: message.contact,
        kind: EventKind::System,
        name: event.name().to_owned(),
        at,
        received_at: at,
        run: Some(message.run),
        depth: 0,
        properties,
    }
}

/// An event about a message, for the run that sent it. What happens again within a minute is the same event: mail
/// programs ask for one thing several times.
pub fn message_event(message: &Message, event: SystemEvent, more: Attributes, at: Moment) -> Event {
    const MINUTE: i64 = 60_000_000;
    let minute = Moment::from_micros(at.micros().div_euclid(MINUTE) * MINUTE);
    let mut properties = more;
    properties.insert("message".to_owned(), message.message.as_str().into());
    let text = |name: &str| properties.get(name).map(ToString::to_string).unwrap_or_default();
    let (link, machine) = (text("link"), text("evidence"));
    let id = IdHasher::new("event")
        .part(event.name())
        .part(message.id.bytes())
        .part(link)
        .part(machine)
        .part(minute.micros().to_be_bytes())
        .finish(minute);
    if matches!(event, SystemEvent::MessageSent | SystemEvent::MessageDelivered) {
        properties.insert("channel".to_owned(), message.channel.as_str().into());
    }
    Event {
        id: EventId(id),
        contact: message.contact,
        kind: EventKind::System,
        name: event.name().to_owned(),
        at,
        received_at: at,
        run: Some(message.run),
        depth: 0,
        properties,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ContactId, MessageId, RunId};

    #[test]
    fn what_happens_again_within_a_minute_is_the_same_event() {
        let message = Message {
            id: MessageId::default(),
            contact: ContactId::default(),
            run: RunId::default(),
            journey: "j".to_owned(),
            version: 1,
            place: 0,
            step: 0,
            channel: "email".to_owned(),
            message: "hello".to_owned(),
            topic: "news".to_owned(),
            essential: false,
            address: String::new(),
            with: Attributes::new(),
            state: MessageState::Accepted,
            reason: None,
            decided_at: Moment::from_seconds(0),
            wanted_at: Moment::from_seconds(0),
        };
        let id = |second: i64, link: &str| {
            let link = [("link".to_owned(), link.into())].into_iter().collect();
            message_event(&message, SystemEvent::MessageClicked, link, Moment::from_seconds(second)).id
        };
        assert_eq!(id(60, "shop"), id(119, "shop"));
        assert_ne!(id(60, "shop"), id(120, "shop"));
        assert_ne!(id(60, "shop"), id(61, "about"));
        assert!(id(60, "shop") < id(120, "shop"), "they lie in the order of their minutes");
    }
}
