use super::Checker;
use super::expression::Typed;
use super::names::{EventFields, NameKind};
use crate::domain::{Address, SystemEvent, Value, ValueType};
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::{
    Action, Expectation, Expr, Field, Journey, Model, Step, StepTime, Test, TestContact,
};
use crate::language::syntax::tree::{self, Action as A, Scope, TestItemKind as T};
use crate::source::Span;
use crate::time::{ClockTime, zone};

/// The reasons for which a message is skipped.
pub const SKIP_REASONS: [&str; 6] =
    ["no_permission", "no_address", "suppressed", "late", "capped", "holdout"];

impl Checker<'_> {
    pub(super) fn test(&self, tree: &tree::Test, model: &Model) -> Option<Test> {
        let Some(journey) = model.journey(&tree.journey.value) else {
            self.unknown(
                Code::E501,
                NameKind::Journey,
                &tree.journey,
                self.names.journeys.keys().map(String::as_str),
            );
            return None;
        };
        self.used_here(NameKind::Journey, &tree.journey, None);
        let mut test = Test {
            name: tree.name.value.clone(),
            span: tree.name.span,
            journey: journey.name.clone(),
            contact: TestContact::default(),
            held_out: false,
            variants: Vec::new(),
            allow_other_messages: false,
            steps: Vec::new(),
        };
        let mut whole = !self.is_broken(tree.span);
        for item in &tree.items {
            let span = item.span;
            match &item.kind {
                T::Contact { attributes, allows } => self.test_contact(attributes, allows, &mut test.contact),
                T::HeldOut => test.held_out = true,
                T::AllowOtherMessages => test.allow_other_messages = true,
                T::Variant { experiment, variant } => {
                    self.test_variant(experiment, variant, journey, &mut test);
                }
                T::Step { time, action } => {
                    let time = time.as_ref().map(step_time);
                    match self.action(action, span) {
                        Some(action) => test.steps.push(Step::Do { span, time, action }),
                        None => whole = false,
                    }
                }
                T::Broken => {}
                _ => match self.expectation(&item.kind, journey) {
                    Some(what) => test.steps.push(Step::Expect { span, what }),
                    None => whole = false,
                },
            }
        }
        // Half a test would fail for the wrong reason.
        whole.then_some(test)
    }

    fn tags_here(&self, tags: &tree::Expression) {
        let tree::ExpressionKind::List(tags) = &tags.kind else { return };
        for tag in tags {
            if let tree::ExpressionKind::Text(value) = &tag.kind {
                self.used_in_text(NameKind::Tag, value, tag.span);
            }
        }
    }

    fn test_contact(&self, attributes: &[tree::Pair], allows: &[tree::Name], contact: &mut TestContact) {
        self.keys_once("field", attributes);
        for pair in attributes {
            if pair.key.value == "tags" {
                self.tags_here(&pair.value);
                let of = ValueType::List(Box::new(ValueType::Text));
                if let Some(Value::List(tags)) = self.constant(&pair.value, Some(&of)) {
                    contact.tags.extend(tags.into_iter().filter_map(|tag| match tag {
                        Value::Text(tag) => Some(tag),
                        _ => None,
                    }));
                }
                continue;
            }
            if pair.key.value == "created_at" {
                let message = "the contact of a test is known from the test's beginning on";
                let help = "let time pass before: `at 2027-01-01 09:00 nothing`, then `after 90 days …`";
                self.report(Finding::new(Code::E501, pair.key.span, message).help(help));
                continue;
            }
            if self.meant_allows(pair) {
                continue;
            }
            let Some(field) = self.contact_field(&pair.key) else { continue };
            if let Some(typed) = self.value_of(&pair.value, &field) {
                if let Expr::Value(Value::Text(text)) = &typed.expr {
                    self.readable(&field.name, text, pair.value.span);
                }
                contact.attributes.push((field.name, typed.expr));
            }
        }
        for topic in allows {
            if self.names.topics.contains_key(&topic.value) {
                self.used_here(NameKind::Topic, topic, None);
                contact.allows.push(topic.value.clone());
            } else {
                self.unknown(
                    Code::E501,
                    NameKind::Topic,
                    topic,
                    self.names.topics.keys().map(String::as_str),
                );
            }
        }
    }

    /// Says so where `allows` is misspelt before a topic.
    fn meant_allows(&self, pair: &tree::Pair) -> bool {
        let tree::ExpressionKind::Reference(topic) = &pair.value.kind else { return false };
        let key = &pair.key;
        let declared = self.names.contact.iter().any(|field| field.name == key.value);
        if declared || !self.names.topics.contains_key(topic) || words::near(&key.value, ["allows"]).is_none()
        {
            return false;
        }
        let message = format!("a contact has no field `{}`", key.value);
        let finding = Finding::new(Code::E103, key.span, message).help("did you mean `allows`?");
        self.report(finding.edit(key.span, "allows"));
        true
    }

    /// Addresses and zones that nothing could be made of would be those of nobody.
    fn readable(&self, field: &str, text: &str, span: Span) {
        let (message, help) = match (field, text.parse::<Address>()) {
            ("email", Err(why)) => (
                format!("`{text}` is no mail address: {why}"),
                "write one such as \"ada@example.org\", or leave `email` out for a contact without an address",
            ),
            ("timezone", _) if zone(text).is_none() => {
                (format!("there is no time zone `{text}`"), "zones have names such as \"Europe/Berlin\"")
            }
            _ => return,
        };
        self.report(Finding::new(Code::E002, span, message).help(help));
    }

    /// A value that a field can have.
    fn value_of(&self, tree: &tree::Expression, field: &Field) -> Option<Typed> {
        let mut typed = self.literal(tree, Some(&field.of))?;
        if let (Some(allowed), Expr::Value(value)) = (&field.one_of, &typed.expr)
            && !allowed.contains(value)
        {
            self.outside_one_of(tree.span, value, &field.name, allowed);
            return None;
        }
        typed.become_days(&field.of);
        Some(typed)
    }

    fn properties(&self, pairs: &[tree::Pair], event: &EventFields) -> Vec<(String, Expr)> {
        self.keys_once("field", pairs);
        let mut properties = Vec::new();
        for pair in pairs {
            if let Some(field) = self.event_field(event, &pair.key)
                && let Some(typed) = self.value_of(&pair.value, &field)
            {
                properties.push((field.name, typed.expr));
            }
        }
        properties
    }

    fn action(&self, action: &A, span: Span) -> Option<Action> {
        let message = |name: &tree::Name| self.test_message(name);
        Some(match action {
            A::Event { event, with } => {
                let event = self.event_named(event, Code::E501)?;
                if SystemEvent::from_name(&event.wire).is_some_and(|event| !by_hand(event)) {
                    self.report(
                        Finding::new(Code::E501, span, format!("Lotse records `{}` itself", event.name))
                            .help("write what the person does: `click MESSAGE`, `open MESSAGE`, `bounce MESSAGE`"),
                    );
                    return None;
                }
                let properties = self.properties(with, &event);
                Action::Event { wire: event.wire, properties }
            }
            A::Click { message: name, link } => {
                Action::Click { message: message(name)?, link: link.as_ref().map(|link| link.value.clone()) }
            }
            A::Open(name) => Action::Open(message(name)?),
            A::Bounce(name) => Action::Bounce(message(name)?),
            A::Complain(name) => Action::Complain(message(name)?),
            A::Reply { hook, with } => {
                self.outside(Code::E501, NameKind::Webhook, hook).then_some(())?;
                Action::Reply { hook: hook.value.clone(), fields: self.literals(with) }
            }
            A::Answer { survey, score } => {
                self.survey_named(survey, Code::E501).then_some(())?;
                let score = self.score(&survey.value, score.value, score.span)?;
                Action::Answer { survey: survey.value.clone(), score }
            }
            A::Accept => Action::Accept,
            A::Reject => Action::Reject,
            A::Set { field, value } => {
                let field = self.writable(field)?;
                let value = self.value_of(value, &field)?.expr;
                Action::Set { field: field.name, value }
            }
            A::Enter { with } => Action::Enter { properties: self.literals(with) },
            A::Nothing => Action::Nothing,
        })
    }

    fn test_message(&self, name: &tree::Name) -> Option<String> {
        if self.names.messages.contains_key(&name.value) {
            self.used_here(NameKind::Message, name, None);
            return Some(name.value.clone());
        }
        self.unknown(Code::E501, NameKind::Message, name, self.names.messages.keys().map(String::as_str));
        None
    }

    fn expectation(&self, item: &T, journey: &Journey) -> Option<Expectation> {
        Some(match item {
            T::ExpectMessage { channel, message, at } => {
                self.message_in_channel(channel, message, Code::E501)?;
                Expectation::Message {
                    channel: channel.value.clone(),
                    message: message.value.clone(),
                    at: at.as_ref().map(|at| (at.date, at.time)),
                }
            }
            T::ExpectNo { channel, message } => {
                match message {
                    Some(message) => self.message_in_channel(channel, message, Code::E501).map(|_| ())?,
                    None => self.some_channel(channel, Code::E501)?,
                }
                let message = message.as_ref().map(|message| message.value.clone());
                Expectation::NoMessage { channel: channel.value.clone(), message }
            }
            T::ExpectStage(stage) => {
                let known = || journey.stages.iter().map(|stage| stage.name.as_str());
                self.must_name(NameKind::Stage, stage, journey, &known().collect::<Vec<_>>())?;
                Expectation::Stage(stage.value.clone())
            }
            T::ExpectGoal { goal, worth } => {
                let known: Vec<&str> = journey.goals.iter().map(|goal| goal.name.as_str()).collect();
                self.must_name(NameKind::Goal, goal, journey, &known)?;
                let worth = match worth {
                    Some(worth) => Some(self.literal(worth, Some(&ValueType::Number))?.expr),
                    None => None,
                };
                Expectation::Goal { goal: goal.value.clone(), worth }
            }
            T::ExpectOutcome(outcome) => self.outcome(outcome, journey)?,
            T::ExpectHandoff { team, with } => {
                self.outside(Code::E501, NameKind::Team, team).then_some(())?;
                self.expected_there(with, &format!("hand off to {}", team.value));
                Expectation::Handoff { team: team.value.clone(), with: self.literals(with) }
            }
            T::ExpectCall { hook, with } => {
                self.outside(Code::E501, NameKind::Webhook, hook).then_some(())?;
                self.expected_there(with, &format!("call {}", hook.value));
                Expectation::Call { hook: hook.value.clone(), with: self.literals(with) }
            }
            T::ExpectContact { field, value } => {
                if field.scope.value != Scope::Contact {
                    self.say(Code::E501, field.scope.span, "only attributes of the contact can be expected");
                    return None;
                }
                let known = self.contact_field(&field.name)?;
                let value = self.value_of(value, &known)?.expr;
                Expectation::Contact { field: known.name, value }
            }
            T::ExpectSkipped { message, reason } => {
                let name = self.test_message(message)?;
                let reason = match reason {
                    Some(reason) => Some(self.skip_reason(reason)?),
                    None => None,
                };
                Expectation::Skipped { message: name, reason }
            }
            _ => return None,
        })
    }

    /// Takes down the names of what is expected to have been handed over.
    fn expected_there(&self, pairs: &[tree::Pair], to: &str) {
        for pair in pairs {
            self.used_here(NameKind::Value, &pair.key, Some(to));
        }
    }

    fn must_name(&self, kind: NameKind, name: &tree::Name, journey: &Journey, known: &[&str]) -> Option<()> {
        if known.contains(&name.value.as_str()) {
            self.used_here(kind, name, Some(&journey.name));
            return Some(());
        }
        self.unknown(Code::E501, kind, name, known.iter().copied());
        None
    }

    /// An outcome is one that the journey can end with.
    fn outcome(&self, outcome: &tree::Name, journey: &Journey) -> Option<Expectation> {
        let known = journey.outcomes();
        if known.contains(&outcome.value.as_str()) {
            self.used_here(NameKind::Outcome, outcome, Some(&journey.name));
            return Some(Expectation::Outcome(outcome.value.clone()));
        }
        if self.names.journeys.get(&journey.name).is_some_and(|tree| self.ends_are_unknown(tree.span)) {
            return None;
        }
        self.missing_here(NameKind::Outcome, outcome, Some(&journey.name));
        let finding = Finding::new(
            Code::E501,
            outcome.span,
            format!("`{}` never ends with the outcome `{}`", journey.name, outcome.value),
        );
        let near = words::near(&outcome.value, known.iter().copied());
        let finding = finding.maybe_help(words::did_you_mean(&outcome.value, "its outcomes are", known));
        self.report(match near {
            Some(near) => finding.edit(outcome.span, near),
            None => finding,
        });
        None
    }

    fn skip_reason(&self, reason: &tree::Name) -> Option<String> {
        if SKIP_REASONS.contains(&reason.value.as_str()) {
            return Some(reason.value.clone());
        }
        let message = format!("no message is skipped because `{}`", reason.value);
        let finding = Finding::new(Code::E501, reason.span, message).maybe_help(words::did_you_mean(
            &reason.value,
            "reasons are",
            SKIP_REASONS,
        ));
        self.report(match words::near(&reason.value, SKIP_REASONS) {
            Some(near) => finding.edit(reason.span, near),
            None => finding,
        });
        None
    }

    /// A channel that messages can go by.
    pub(super) fn some_channel(&self, channel: &tree::Name, code: Code) -> Option<()> {
        if let (Code::E501, false, Some(message)) =
            (code, self.is_channel(&channel.value), self.names.messages.get(&channel.value))
        {
            let write = format!("{} {}", message.channel.value, channel.value);
            self.report(
                Finding::new(
                    Code::E501,
                    channel.span,
                    format!("the channel is missing before `{}`", channel.value),
                )
                .help(format!("write `expect no {write}`"))
                .edit(channel.span, write),
            );
            return None;
        }
        let known = self.deployment.is_none_or(|deployment| deployment.channels.contains_key(&channel.value));
        if channel.value == "email" || known {
            self.used_here(NameKind::Channel, channel, None);
            return Some(());
        }
        self.missing_here(NameKind::Channel, channel, None);
        let channels = self.deployment.iter().flat_map(|deployment| deployment.channels.keys());
        let near = words::near(&channel.value, channels.map(String::as_str).chain(["email"]));
        let finding = Finding::new(code, channel.span, format!("there is no channel `{}`", channel.value));
        self.report(match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")).edit(channel.span, near),
            None => finding.help("write `email`, or a channel of lotse.yaml"),
        });
        None
    }
}

/// Events of Lotse's own that somebody outside can cause, and a test may write.
fn by_hand(event: SystemEvent) -> bool {
    matches!(
        event,
        SystemEvent::PageViewed
            | SystemEvent::Subscribed
            | SystemEvent::Unsubscribed
            | SystemEvent::MessageReplied
    )
}

fn step_time(time: &tree::StepTime) -> StepTime {
    match time {
        tree::StepTime::At(moment) => StepTime::At(moment.date, moment.time.unwrap_or(ClockTime::MIDNIGHT)),
        tree::StepTime::After(length) => StepTime::After(length.value),
    }
}
