use crate::ide::NameKind;
use crate::language::check::SKIP_REASONS;
use crate::language::syntax::{Ahead, Around};

/// What a place wants, where it is a name or a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A name of this kind, inside of what it belongs to.
    Name(NameKind, Option<String>),
    /// A way in which runs of this journey end.
    Outcome(Option<String>),
    /// A name that is declared there.
    New(NameKind, Option<String>),
    /// The channel of a message.
    Channel,
    /// A message of this channel, or of any.
    Message(Option<String>),
    /// A field behind `contact.`, `entry.`, `event.` or `reply.`.
    Field(String),
    /// The name of a field, as a key.
    Key(Keys),
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A type of a field.
    Type,
}

/// Whose fields are keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    Contact,
    Event(String),
    Utm,
    /// What the messages of these names ask for.
    Messages(Vec<String>),
    /// What a call or a hand-off hands over.
    HandedOver(String),
}

impl Wanted {
    /// What a name would mean at a place; `None` where a name is made up there, or no name can stand.
    pub(super) fn name(ahead: &Ahead) -> Option<Self> {
        if !matches!(ahead.rule, "name" | "word" | "name_in_expression") {
            return None;
        }
        let around = ahead.within()?;
        let names: Vec<&str> = texts(around, &["name", "word"]).collect();
        let journey = journey(ahead);
        let of_journey = |kind| Some(Self::Name(kind, journey.clone()));
        let plain = |kind| Some(Self::Name(kind, None));
        match (around.rule, names.as_slice()) {
            (rule, []) if declared_by(rule).is_some() => {
                let kind = declared_by(rule)?;
                Some(Self::New(kind, journey.filter(|_| kind == NameKind::Stage)))
            }
            ("send_one" | "choice" | "expect_message" | "expect_no" | "channel", []) => Some(Self::Channel),
            ("send_one" | "choice" | "expect_message" | "expect_no", [channel]) => {
                Some(Self::Message(Some((*channel).to_owned())))
            }
            ("do_click" | "do_open" | "do_bounce" | "do_complain" | "expect_skipped", []) => {
                Some(Self::Message(None))
            }
            ("expect_skipped", [_]) => Some(Self::OneOf(&SKIP_REASONS)),
            ("reaction" | "reaction_of", []) => {
                let answered = texts(around, &["reaction_kind"]).any(|kind| kind == "answered");
                if answered { plain(NameKind::Survey) } else { Some(Self::Message(None)) }
            }
            ("permission_clause" | "allows_topic" | "contact_allows" | "allow" | "refuse", []) => {
                plain(NameKind::Topic)
            }
            ("message_setting", ["topic"]) => plain(NameKind::Topic),
            ("message_setting", ["from"]) => plain(NameKind::Sender),
            ("goal_clause", _) if around.before.iter().any(|(rule, _)| *rule == "k_on") => {
                plain(NameKind::Event)
            }
            (
                "enter_on" | "enter_without" | "leave_on" | "trigger" | "record" | "do_event" | "aggregate",
                [],
            ) => plain(NameKind::Event),
            ("aggregate", [event]) => Some(Self::Name(NameKind::EventField, Some((*event).to_owned()))),
            ("into" | "go_to" | "expect_stage", []) => of_journey(NameKind::Stage),
            ("leave_on_goal" | "expect_goal", []) => of_journey(NameKind::Goal),
            ("end", []) => of_journey(NameKind::Outcome),
            ("expect_outcome", []) => Some(Self::Outcome(journey)),
            ("test_variant", []) => of_journey(NameKind::Experiment),
            ("test_variant", [experiment]) => {
                Some(Self::Name(NameKind::Variant, journey.map(|journey| format!("{journey}.{experiment}"))))
            }
            ("hand_off" | "alert" | "expect_handoff", []) => plain(NameKind::Team),
            ("call" | "expect_call" | "do_reply", []) => plain(NameKind::Webhook),
            ("start" | "test_declaration", []) => plain(NameKind::Journey),
            ("do_answer", []) => plain(NameKind::Survey),
            ("reference", []) => plain(NameKind::Measure),
            ("in_segment", []) => plain(NameKind::Segment),
            ("field_type" | "list_type", []) => Some(Self::Type),
            ("unsure_clause", []) => Some(Self::OneOf(&["hold", "resend"])),
            ("on_change_clause", []) => Some(Self::OneOf(&["move", "finish"])),
            ("cap_clause", []) => Some(Self::Channel),
            ("field", []) => Some(Self::Field(texts(around, &["scope"]).next()?.to_owned())),
            ("key_value", []) => keys(ahead).map(Self::Key),
            _ => None,
        }
    }

    /// The field whose values could stand at a place, as `SCOPE.NAME`: what is compared there, set or handed over.
    pub(super) fn value_of(ahead: &Ahead) -> Option<String> {
        for around in ahead.around.iter().rev() {
            let before = around.before.as_slice();
            match (around.rule, before) {
                ("expression", [.., ("field", field), (operator, _)]) if COMPARISONS.contains(operator) => {
                    return Some(field.clone());
                }
                ("set" | "do_set" | "expect_contact", [.., ("field", field), _]) => {
                    return Some(field.clone());
                }
                ("key_value", [("name", key)]) => {
                    return match keys(ahead)? {
                        Keys::Contact => Some(format!("contact.{key}")),
                        Keys::Event(event) => Some(format!("{event}.{key}")),
                        _ => None,
                    };
                }
                // Inside the brackets of a list what is compared stands before it.
                ("list" | "expression", _) => {}
                (_, []) => {}
                _ => return None,
            }
        }
        None
    }
}

/// What the name of a rule declares.
pub(super) fn declared_by(rule: &str) -> Option<NameKind> {
    Some(match rule {
        "event_declaration" => NameKind::Event,
        "topic_declaration" => NameKind::Topic,
        "segment_declaration" => NameKind::Segment,
        "measure_declaration" => NameKind::Measure,
        "message_declaration" => NameKind::Message,
        "survey_declaration" => NameKind::Survey,
        "journey_declaration" => NameKind::Journey,
        "stage" => NameKind::Stage,
        _ => return None,
    })
}

/// What puts a field in relation to its values.
const COMPARISONS: [&str; 5] = ["equal", "not_equal", "in_list", "not_in", "contains"];

/// The journey around a place, or the one that the test around it plays.
pub(super) fn journey(ahead: &Ahead) -> Option<String> {
    let around = find(ahead, &["journey_declaration", "test_declaration"])?;
    let name = texts(around, &["name"]).next();
    name.map(str::to_owned)
}

/// The innermost rule of these around a place.
pub(super) fn find<'a>(ahead: &'a Ahead, rules: &[&str]) -> Option<&'a Around> {
    ahead.around.iter().rev().find(|around| rules.contains(&around.rule))
}

/// What stands of a rule before the place, of these kinds.
pub(super) fn texts<'a>(around: &'a Around, rules: &'a [&str]) -> impl Iterator<Item = &'a str> {
    around.before.iter().filter(|(rule, _)| rules.contains(rule)).map(|(_, text)| text.as_str())
}

fn keys(ahead: &Ahead) -> Option<Keys> {
    let around = find(
        ahead,
        &[
            "test_contact",
            "record",
            "do_event",
            "message_utm",
            "send_one",
            "send_choice",
            "expect_handoff",
            "expect_call",
            "with",
            "do_enter",
        ],
    )?;
    let handed_over = |how: &str| {
        let to = texts(around, &["name"]).last()?;
        Some(Keys::HandedOver(format!("{how} {to}")))
    };
    match around.rule {
        "expect_handoff" => handed_over("hand off to"),
        "expect_call" => handed_over("call"),
        "test_contact" => Some(Keys::Contact),
        "message_utm" => Some(Keys::Utm),
        "record" | "do_event" => Some(Keys::Event(texts(around, &["name"]).next()?.to_owned())),
        _ => {
            let send = find(ahead, &["send_one", "send_choice"])?;
            let one = texts(send, &["name"]).nth(1).map(str::to_owned);
            let choices = texts(send, &["choice"]).filter_map(|choice| choice.split_whitespace().nth(1));
            Some(Keys::Messages(one.into_iter().chain(choices.map(str::to_owned)).collect()))
        }
    }
}
