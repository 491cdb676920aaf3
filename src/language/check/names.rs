use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Checker, Tree, declarations};
use crate::domain::SystemEvent;
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::{Event, Field, Topic};
use crate::language::syntax::tree::{self, Declaration};
use crate::source::Span;

/// What a name can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum NameKind {
    Event,
    Topic,
    Segment,
    Measure,
    Message,
    Survey,
    Journey,
    Stage,
    Goal,
    Sender,
    Webhook,
    Team,
    ContactField,
    EventField,
    Channel,
    Template,
    Experiment,
    Variant,
    Outcome,
    /// What a `send` hands over to a message by this name; the message is its owner.
    Value,
    Tag,
}

impl NameKind {
    /// The word for it in messages.
    pub fn noun(self) -> &'static str {
        match self {
            NameKind::Event => "event",
            NameKind::Topic => "topic",
            NameKind::Segment => "segment",
            NameKind::Measure => "measure",
            NameKind::Message => "message",
            NameKind::Survey => "survey",
            NameKind::Journey => "journey",
            NameKind::Stage => "stage",
            NameKind::Goal => "goal",
            NameKind::Sender => "sender",
            NameKind::Webhook => "webhook",
            NameKind::Team => "team",
            NameKind::ContactField | NameKind::EventField => "field",
            NameKind::Channel => "channel",
            NameKind::Template => "template",
            NameKind::Experiment => "experiment",
            NameKind::Variant => "variant",
            NameKind::Outcome => "outcome",
            NameKind::Value => "value",
            NameKind::Tag => "tag",
        }
    }
}

/// Every name the workspace declares.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub(super) contact: Vec<Field>,
    pub(super) events: BTreeMap<String, Event>,
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) segments: BTreeMap<String, &'a tree::Definition>,
    pub(super) measures: BTreeMap<String, &'a tree::Definition>,
    pub(super) messages: BTreeMap<String, &'a tree::Message>,
    pub(super) surveys: BTreeMap<String, &'a tree::Survey>,
    pub(super) journeys: BTreeMap<String, &'a tree::Journey>,
    pub(super) policy: Option<&'a tree::Policy>,
    /// Fields may be missing from the contact because text there could not be read.
    pub(super) contact_is_broken: bool,
    /// Events of which the same is true.
    pub(super) broken_events: BTreeSet<String>,
    /// Words in declarations that could not be read: they may be names.
    maybe: BTreeSet<String>,
}

impl Names<'_> {
    /// Whether this is the journey that its name stands for; a second one of that name is left out.
    pub(super) fn is_journey(&self, journey: &tree::Journey) -> bool {
        self.journeys.get(&journey.name.value).is_some_and(|known| known.span == journey.span)
    }

    /// The same of a message.
    pub(super) fn is_message(&self, message: &tree::Message) -> bool {
        self.messages.get(&message.name.value).is_some_and(|known| known.span == message.span)
    }
}

/// Collects what the files declare, and reports what is declared twice.
pub(super) fn collect<'a>(checker: &Checker<'a>, trees: &'a [Tree]) -> Names<'a> {
    let mut names = Names::default();
    let mut seen: HashMap<(NameKind, &str), Span> = HashMap::new();
    let mut contact: Option<Span> = None;
    let mut first = |kind: NameKind, name: &'a tree::Name| -> bool {
        checker.declared_here(kind, name, None);
        match seen.entry((kind, &name.value)) {
            Entry::Occupied(before) => {
                checker.twice(kind.noun(), &name.value, *before.get(), name.span);
                false
            }
            Entry::Vacant(place) => {
                place.insert(name.span);
                true
            }
        }
    };
    for declaration in declarations(trees) {
        match declaration {
            Declaration::Contact(fields) => {
                let help = "write all attributes into one `contact { … }`";
                checker.only_once("contact", contact, fields.span, help);
                contact.get_or_insert(fields.span);
                let known = checker.fields(fields, "contact");
                names.contact_is_broken |= checker.is_broken(fields.span) || checker.lacks_types(fields);
                names.contact.extend(known);
            }
            Declaration::Policy(policy) => {
                let help = "write all rules into one `policy { … }`: it holds for every journey";
                checker.only_once("policy", names.policy.map(|before| before.span), policy.span, help);
                names.policy.get_or_insert(policy);
            }
            Declaration::Event(event) if first(NameKind::Event, &event.name) => {
                if checker.is_broken(event.span) || checker.lacks_types(&event.fields) {
                    names.broken_events.insert(event.name.value.clone());
                }
                names.events.insert(event.name.value.clone(), checker.event(event));
            }
            Declaration::Topic(topic) if first(NameKind::Topic, &topic.name) => {
                names.topics.insert(topic.name.value.clone(), model_topic(topic));
            }
            Declaration::Measure(measure) if first(NameKind::Measure, &measure.name) => {
                names.measures.insert(measure.name.value.clone(), measure);
            }
            Declaration::Segment(segment) if first(NameKind::Segment, &segment.name) => {
                names.segments.insert(segment.name.value.clone(), segment);
            }
            Declaration::Survey(survey) if first(NameKind::Survey, &survey.name) => {
                names.surveys.insert(survey.name.value.clone(), survey);
            }
            Declaration::Message(message) if first(NameKind::Message, &message.name) => {
                names.messages.insert(message.name.value.clone(), message);
            }
            Declaration::Journey(journey) if first(NameKind::Journey, &journey.name) => {
                names.journeys.insert(journey.name.value.clone(), journey);
            }
            Declaration::Broken(broken) => names.maybe.extend(broken.names.iter().cloned()),
            _ => {}
        }
    }
    checker.wires(&names, trees);
    names
}

fn model_topic(topic: &tree::Topic) -> Topic {
    let label = topic.label.as_ref().map_or_else(|| topic.name.value.clone(), |label| label.value.clone());
    Topic { name: topic.name.value.clone(), span: topic.name.span, label, essential: topic.essential }
}

impl Checker<'_> {
    pub(super) fn twice(&self, noun: &str, name: &str, before: Span, again: Span) {
        self.report(
            Finding::new(Code::E102, again, format!("the {noun} `{name}` is declared twice"))
                .related(before, "it is declared here already")
                .help("give one of them another name, or take it away"),
        );
    }

    /// A declaration without a name stands once in a workspace.
    fn only_once(&self, word: &str, before: Option<Span>, again: Span, help: &'static str) {
        let Some(before) = before else { return };
        self.report(
            Finding::new(Code::E102, again.at_start(), format!("`{word}` is declared twice"))
                .related(before.at_start(), "it is declared here already")
                .help(help),
        );
    }

    /// Two events must not have one name on the wire.
    fn wires(&self, names: &Names<'_>, trees: &[Tree]) {
        let mut wires: BTreeMap<&str, &Event> = BTreeMap::new();
        for declaration in declarations(trees) {
            let Declaration::Event(tree) = declaration else { continue };
            let known = names.events.get(&tree.name.value).filter(|event| event.span == tree.name.span);
            if let Some(event) = known
                && let Some(before) = wires.insert(&event.wire, event)
            {
                self.twice("event name on the wire", &event.wire, before.span, event.span);
            }
        }
    }

    /// Notes that something uses a name.
    pub(super) fn uses(&self, kind: NameKind, name: &str) {
        self.used.borrow_mut().insert((kind, name.to_owned()));
    }

    /// Reports a name that nothing declares.
    pub(super) fn unknown<'n>(
        &self,
        code: Code,
        kind: NameKind,
        name: &tree::Name,
        known: impl IntoIterator<Item = &'n str> + Clone,
    ) {
        if self.names.maybe.contains(&name.value) {
            return;
        }
        self.missing_here(kind, name, None);
        let noun = kind.noun();
        let plural = match kind {
            NameKind::Survey => "surveys".to_owned(),
            _ => format!("{noun}s"),
        };
        let finding = Finding::new(code, name.span, format!("there is no {noun} `{}`", name.value));
        if !self.may_guess(known.clone().into_iter().count()) {
            self.report(finding.help(declare(kind, &name.value)));
            return;
        }
        let near = words::near(&name.value, known.clone()).map(str::to_owned);
        let help = words::did_you_mean(&name.value, &format!("{plural} there are"), known)
            .or_else(|| Some(declare(kind, &name.value)));
        let finding = finding.maybe_help(help);
        self.report(match near {
            Some(near) => {
                // What was misspelt is used all the same.
                self.uses(kind, &near);
                // In a template the name stands among other text.
                let word = self.word_within(name.span, &name.value);
                finding.edit(word.map_or(name.span, |word| word.span), near)
            }
            None => finding,
        });
    }

    /// The event of that name: its name on the wire and its properties.
    pub(super) fn event_named(&self, name: &tree::Name, code: Code) -> Option<EventFields> {
        if let Some(event) = self.names.events.get(&name.value) {
            self.uses(NameKind::Event, &name.value);
            self.used_here(NameKind::Event, name, None);
            let open = self.names.broken_events.contains(&name.value);
            return Some(EventFields {
                name: event.name.clone(),
                wire: event.wire.clone(),
                fields: event.fields.clone(),
                open,
            });
        }
        if let Some(system) = SystemEvent::from_name(&name.value) {
            self.used_here(NameKind::Event, name, None);
            return Some(EventFields::system(system));
        }
        let system = SystemEvent::ALL.iter().map(|event| event.name());
        let events = self.names.events.keys().map(String::as_str);
        let declared: Vec<&str> = events.filter(|_| self.may_guess(1)).collect();
        let near_system = words::near(&name.value, declared.iter().copied().chain(system.clone()));
        let known: Vec<&str> =
            if near_system.is_some() { declared.into_iter().chain(system).collect() } else { declared };
        self.unknown(code, NameKind::Event, name, known.iter().copied());
        None
    }

    /// Whether `lotse.yaml` declares a name; without a `lotse.yaml` every name is taken.
    pub(super) fn outside(&self, code: Code, kind: NameKind, name: &tree::Name) -> bool {
        let Some(deployment) = self.deployment else {
            self.used_here(kind, name, None);
            return true;
        };
        let known: Vec<&str> = match kind {
            NameKind::Sender => deployment.senders.iter().map(String::as_str).collect(),
            NameKind::Webhook => deployment.webhooks.iter().map(String::as_str).collect(),
            _ => deployment.teams.keys().map(String::as_str).collect(),
        };
        if known.contains(&name.value.as_str()) {
            self.used_here(kind, name, None);
            return true;
        }
        self.unknown(code, kind, name, known.iter().copied());
        false
    }

    /// Whether `lotse.yaml` has a team of that name that leads can be handed to.
    pub(super) fn takes_leads(&self, team: &tree::Name) -> bool {
        if !self.outside(Code::E101, NameKind::Team, team) {
            return false;
        }
        let deaf = self.deployment.is_some_and(|deployment| deployment.deaf.contains(&team.value));
        if deaf {
            let message = format!("the team `{}` has no `url`, so it cannot be handed a lead", team.value);
            let help =
                format!("write `url` and `secret` below `teams.{}` in lotse.yaml, or `alert` it", team.value);
            self.report(Finding::new(Code::E101, team.span, message).help(help));
        }
        !deaf
    }
}

/// How one declares what is missing.
fn declare(kind: NameKind, name: &str) -> String {
    match kind {
        NameKind::Event => format!("declare it: `event {name} {{ }}`"),
        NameKind::Topic => format!("declare it: `topic {name} \"What recipients read\"`"),
        NameKind::Segment => format!("declare it: `segment {name} = …`"),
        NameKind::Measure => format!("declare it: `measure {name} = …`"),
        NameKind::Message => format!("declare it: `email {name} {{ subject \"…\" template \"…\" }}`"),
        NameKind::Survey => format!("declare it: `survey {name} \"…\" {{ scale 0 to 10 }}`"),
        NameKind::Journey => format!("declare it: `journey {name} {{ … }}`"),
        NameKind::Stage => format!("write it: `stage {name} {{ … }}`"),
        NameKind::Goal => format!("write it: `goal {name} on …`"),
        NameKind::Sender => format!("add `{name}` under `senders` in lotse.yaml"),
        NameKind::Webhook => format!("add `{name}` under `webhooks` in lotse.yaml"),
        NameKind::Team => format!("add `{name}` under `teams` in lotse.yaml"),
        NameKind::Channel => format!("add `{name}` under `channels` in lotse.yaml"),
        _ => format!("declare it, or take `{name}` away"),
    }
}

/// What is known of an event where it is at hand.
#[derive(Clone, Debug)]
pub(super) struct EventFields {
    pub(super) name: String,
    pub(super) wire: String,
    pub(super) fields: Vec<Field>,
    /// Fields may be missing because text there could not be read.
    pub(super) open: bool,
}

impl EventFields {
    pub(super) fn system(event: SystemEvent) -> Self {
        let field = |(name, of): &(&str, crate::domain::ValueType)| Field {
            name: (*name).to_owned(),
            span: Span::default(),
            of: of.clone(),
            one_of: None,
            default: None,
        };
        Self {
            name: event.name().to_owned(),
            wire: event.name().to_owned(),
            fields: event.fields().iter().map(field).collect(),
            open: false,
        }
    }
}
