use std::collections::BTreeSet;

use super::journey::declared;
use super::wanted::{self, Keys, Wanted};
use super::{Analysis, Completion, CompletionKind, NameKind};
use crate::domain::{Contact, SystemEvent, Value, ValueType};
use crate::ide::describe;
use crate::ide::rename::article;
use crate::language::model::{Field, Journey, StatementKind};
use crate::language::syntax::Ahead;
use crate::language::syntax::tree::{self, ClauseKind, Declaration, EnterKind, ReactionKind};
use crate::source::Span;
use crate::time::zone_names;

/// How the names of zones begin, the likelier ones first; what begins otherwise are former names of others.
const ZONES_LIKELY: [&str; 6] = ["UTC", "Europe/", "America/", "Asia/", "Australia/", "Africa/"];

/// The names of a workspace, for one place.
pub(super) struct Names<'a> {
    pub(super) analysis: &'a Analysis,
    pub(super) replaces: Span,
}

impl Names<'_> {
    /// What a place wants.
    pub(super) fn of(&self, wanted: &Wanted, ahead: &Ahead) -> Vec<Completion> {
        match wanted {
            Wanted::Name(NameKind::Event, _) => self.events(),
            Wanted::Name(NameKind::EventField, Some(event)) => {
                self.fields(&event_fields(self.analysis, event))
            }
            Wanted::Name(NameKind::Stage, journey) => self.stages(journey.as_deref(), ahead),
            Wanted::Name(kind, owner) => self.declared(*kind, owner.as_deref()),
            Wanted::Outcome(journey) => {
                let known = self.expected(journey.as_deref());
                self.listed(NameKind::Outcome, journey.as_deref(), known)
            }
            Wanted::New(kind, owner) => {
                let names = self.missing(*kind, owner.as_deref()).into_iter();
                names
                    .map(|name| self.name(*kind, &name).detail("named elsewhere, and not declared"))
                    .collect()
            }
            Wanted::Channel => self.channels(ahead),
            Wanted::Message(channel) => self.messages(channel.as_deref(), ahead),
            Wanted::Field(scope) => self.fields(&self.of_type(self.scope(scope, ahead), ahead)),
            Wanted::Key(Keys::Contact) => self
                .keys(self.contact_fields().iter().map(|field| (field.name.as_str(), field.of.to_string()))),
            Wanted::Key(Keys::Event(event)) => {
                let fields = event_fields(self.analysis, event);
                self.keys(fields.iter().map(|field| (field.name.as_str(), field.of.to_string())))
            }
            Wanted::Key(Keys::Utm) => {
                self.keys(["source", "medium", "campaign", "term", "content"].map(|key| (key, String::new())))
            }
            Wanted::Key(Keys::Messages(messages)) => self.asked_for(messages),
            Wanted::Key(Keys::HandedOver(by)) => self.values_handed(by),
            Wanted::OneOf(words) => words
                .iter()
                .map(|word| Completion::new(CompletionKind::Value, *word, self.replaces))
                .collect(),
            Wanted::Type => crate::ide::words::of("field_type")
                .iter()
                .map(|word| super::journey::clause(word, None, self, ahead))
                .collect(),
        }
    }

    fn name(&self, kind: NameKind, name: &str) -> Completion {
        Completion::new(CompletionKind::Name(kind), name, self.replaces)
    }

    fn declared(&self, kind: NameKind, owner: Option<&str>) -> Vec<Completion> {
        self.listed(kind, owner, self.known(kind, owner))
    }

    fn listed<'n>(
        &self,
        kind: NameKind,
        owner: Option<&str>,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Vec<Completion> {
        let items: Vec<Completion> = names.into_iter().map(|name| self.named(kind, owner, name)).collect();
        if items.is_empty() { self.to_declare(kind, owner) } else { items }
    }

    /// The names of a kind that there are.
    pub(super) fn known(&self, kind: NameKind, owner: Option<&str>) -> BTreeSet<&str> {
        match kind {
            NameKind::Outcome => self.outcomes(owner),
            _ => declared(self.analysis, kind, owner).collect(),
        }
    }

    /// The stages of a journey, the one around last: hardly anybody goes where they are.
    fn stages(&self, journey: Option<&str>, ahead: &Ahead) -> Vec<Completion> {
        let here = wanted::find(ahead, &["stage"]).and_then(|stage| wanted::texts(stage, &["name"]).next());
        let names = self.known(NameKind::Stage, journey);
        let (around, others): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|name| Some(*name) == here);
        let items = |names: Vec<&str>| -> Vec<Completion> {
            names.into_iter().map(|name| self.named(NameKind::Stage, journey, name)).collect()
        };
        let first = match others.is_empty() {
            true => self.to_declare(NameKind::Stage, journey),
            false => items(others),
        };
        first.into_iter().chain(items(around)).collect()
    }

    /// A name to begin with where there is none of a kind.
    fn to_declare(&self, kind: NameKind, owner: Option<&str>) -> Vec<Completion> {
        let names = self.proposed(kind, owner).into_iter();
        names
            .map(|name| {
                let noun = kind.noun();
                let detail = format!("{} {noun} that is still to be declared", article(noun));
                self.name(kind, &name).detail(detail)
            })
            .collect()
    }

    fn named(&self, kind: NameKind, owner: Option<&str>, name: &str) -> Completion {
        Completion { owner: owner.map(str::to_owned), ..self.name(kind, name).detail(kind.noun()) }
    }

    /// How a journey can be left, as far as it says so.
    fn outcomes(&self, journey: Option<&str>) -> BTreeSet<&str> {
        let occurrences = self.analysis.occurrences.iter();
        let own =
            occurrences.filter(|name| name.kind == NameKind::Outcome && name.owner.as_deref() == journey);
        own.map(|name| name.name.as_str()).collect()
    }

    /// The outcomes that a test of a journey can expect; what the journey names where it cannot be checked.
    pub(super) fn expected(&self, journey: Option<&str>) -> Vec<&str> {
        let mut journeys = self.analysis.checked.model.journeys.iter();
        let model = journeys.find(|model| Some(model.name.as_str()) == journey);
        model.map_or_else(|| self.outcomes(journey).into_iter().collect(), Journey::outcomes)
    }

    fn events(&self) -> Vec<Completion> {
        let own = self.declared(NameKind::Event, None);
        let system = SystemEvent::ALL
            .iter()
            .map(|event| self.name(NameKind::Event, event.name()).detail("event of Lotse"));
        own.into_iter().chain(system).collect()
    }

    fn channels(&self, ahead: &Ahead) -> Vec<Completion> {
        let declares = ahead.within().is_some_and(|around| around.rule == "channel");
        let caps = ahead.within().is_some_and(|around| around.rule == "cap_clause");
        let first = if caps { ["email", "any"].as_slice() } else { ["email"].as_slice() };
        // `email` at the top of a file is a whole clause, which the table of words has.
        let first = first.iter().filter(|_| !declares).map(|name| self.name(NameKind::Channel, name));
        let channels = declared(self.analysis, NameKind::Channel, None).map(|name| {
            let item = self.name(NameKind::Channel, name).detail("channel");
            if !declares {
                return item;
            }
            item.snippet(format!("{name} ${{1:name}} {{\n  topic ${{2:topic}}\n  text  \"${{3:Text}}\"\n}}"))
        });
        first.chain(channels).collect()
    }

    /// Whether the author is in a name.
    pub(super) fn is_here(&self, name: Span) -> bool {
        name.source == self.replaces.source
            && name.start <= self.replaces.end
            && self.replaces.start <= name.end
    }

    /// Whether a block begins right behind the place.
    pub(super) fn has_block_behind(&self) -> bool {
        let text = &self.analysis.files.sources.get(self.replaces.source).text;
        text.get(self.replaces.range().end..).is_some_and(|rest| rest.trim_start().starts_with('{'))
    }

    /// Messages of a channel; where a reaction is meant, those first that the journey sends.
    fn messages(&self, channel: Option<&str>, ahead: &Ahead) -> Vec<Completion> {
        let names = self.messages_of(channel, ahead);
        if names.is_empty() {
            return self.to_declare(NameKind::Message, None);
        }
        names.into_iter().map(|name| self.named(NameKind::Message, None, name)).collect()
    }

    /// The names of the messages of a channel, those first that the journey sends.
    pub(super) fn messages_of(&self, channel: Option<&str>, ahead: &Ahead) -> Vec<&str> {
        let journey = wanted::journey(ahead);
        let mut sent = BTreeSet::new();
        for model in &self.analysis.checked.model.journeys {
            if Some(&model.name) == journey.as_ref() {
                model.each_statement(&mut |_, statement| {
                    sent.extend(statement.sends().into_iter().map(str::to_owned));
                });
            }
        }
        let of_channel = |name: &&str| match channel {
            Some(channel) => {
                self.analysis.checked.model.message(name).is_none_or(|message| message.channel == channel)
            }
            None => true,
        };
        let names: BTreeSet<&str> =
            declared(self.analysis, NameKind::Message, None).filter(of_channel).collect();
        let (of_journey, others): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|name| sent.contains(*name));
        of_journey.into_iter().chain(others).collect()
    }

    fn contact_fields(&self) -> Vec<Field> {
        let built_in = Contact::BUILT_IN.iter().filter_map(|name| {
            let of = Contact::built_in_type(name)?;
            Some(Field { name: (*name).to_owned(), span: Span::default(), of, one_of: None, default: None })
        });
        self.analysis.checked.model.contact.iter().cloned().chain(built_in).collect()
    }

    fn fields(&self, fields: &[Field]) -> Vec<Completion> {
        let item =
            |field: &Field| self.name(NameKind::EventField, &field.name).detail(describe::field_type(field));
        fields.iter().map(item).collect()
    }

    /// The fields behind `contact.`, `entry.` and `event.` at a place.
    fn scope(&self, scope: &str, ahead: &Ahead) -> Vec<Field> {
        match scope {
            "contact" => self.contact_fields(),
            "entry" => entry_fields(self.analysis, wanted::journey(ahead).as_deref()),
            "event" => {
                event_at_hand(ahead).map_or_else(Vec::new, |event| event_fields(self.analysis, &event))
            }
            _ => Vec::new(),
        }
    }

    fn keys<'k>(&self, keys: impl IntoIterator<Item = (&'k str, String)>) -> Vec<Completion> {
        let key = |(name, of): (&str, String)| {
            let value = if matches!(of.as_str(), "number" | "boolean" | "date" | "datetime") {
                "$1"
            } else {
                "\"$1\""
            };
            let item = self.name(NameKind::EventField, name).snippet(format!("{name} {value}"));
            if of.is_empty() { item } else { item.detail(of) }
        };
        keys.into_iter().map(key).collect()
    }

    /// The values that calls or hand-offs of one place hand over.
    fn values_handed(&self, by: &str) -> Vec<Completion> {
        let names = self.known(NameKind::Value, Some(by)).into_iter();
        names.map(|name| self.name(NameKind::Value, name).snippet(format!("{name} $1"))).collect()
    }

    /// What the templates of messages ask for beside the contact and what led in.
    fn asked_for(&self, messages: &[String]) -> Vec<Completion> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        for name in messages {
            names.extend(describe::asked_for(self.analysis, name));
        }
        names.iter().map(|name| self.name(NameKind::EventField, name).snippet(format!("{name} $1"))).collect()
    }

    /// A field as it is written: `contact.score`, `event.total`, or with the name of its event.
    pub(super) fn field(&self, path: &str, ahead: Option<&Ahead>) -> Option<Field> {
        let (scope, name) = path.split_once('.')?;
        let fields = match (scope, ahead) {
            ("contact", _) => self.contact_fields(),
            ("entry" | "event", Some(ahead)) => self.scope(scope, ahead),
            ("entry" | "event" | "reply", None) => Vec::new(),
            (event, _) => event_fields(self.analysis, event),
        };
        fields.into_iter().find(|field| field.name == name)
    }

    /// The values that a field can have, where they are known; with quotes around texts where there are none yet.
    pub(super) fn values_of(&self, field: &str, ahead: Option<&Ahead>, quotes: bool) -> Vec<Completion> {
        let values = self.values_known(field, ahead);
        let value = |value: Value| match &value {
            Value::Text(text) if !quotes => {
                Completion::new(CompletionKind::Value, text.clone(), self.replaces)
            }
            _ => Completion::new(CompletionKind::Value, value.to_string(), self.replaces),
        };
        values.into_iter().map(value).collect()
    }

    /// Texts that are names: `event.topic == "newsletter"`.
    pub(super) fn texts_of(&self, field: &str) -> Vec<Value> {
        let kind = match field {
            "topic" => NameKind::Topic,
            "message" => NameKind::Message,
            "journey" => NameKind::Journey,
            "survey" => NameKind::Survey,
            "team" => NameKind::Team,
            _ => return Vec::new(),
        };
        declared(self.analysis, kind, None).map(|name| Value::Text(name.to_owned())).collect()
    }

    /// The zones whose clock can count, that of the workspace and then the likelier ones first.
    pub(super) fn zones(&self) -> Vec<Completion> {
        let own = self.analysis.config.timezone.iana_name();
        let mut names: Vec<String> = zone_names().collect();
        names.sort_by_key(|name| {
            let likely = ZONES_LIKELY.iter().position(|begin| name.starts_with(begin));
            (Some(name.as_str()) != own, likely.unwrap_or(ZONES_LIKELY.len()))
        });
        names.into_iter().map(|name| Completion::new(CompletionKind::Value, name, self.replaces)).collect()
    }

    /// The fields that can say where a contact is reached.
    pub(super) fn addresses(&self) -> Vec<Completion> {
        let texts = self.contact_fields().into_iter().filter(|field| field.of == ValueType::Text);
        texts.map(|field| self.name(NameKind::ContactField, &field.name)).collect()
    }

    /// The links of a message by their names.
    pub(super) fn links(&self, message: &str) -> Vec<Completion> {
        let names = describe::links(self.analysis, message);
        names.into_iter().map(|name| Completion::new(CompletionKind::Value, name, self.replaces)).collect()
    }

    /// The templates of the workspace.
    pub(super) fn files(&self) -> Vec<Completion> {
        let paths = self.analysis.files.templates.keys();
        paths.map(|path| Completion::new(CompletionKind::File, path, self.replaces)).collect()
    }
}

/// The fields of an event, declared or of Lotse.
pub(super) fn event_fields(analysis: &Analysis, name: &str) -> Vec<Field> {
    if let Some(event) = analysis.checked.model.events.iter().find(|event| event.name == name) {
        return event.fields.clone();
    }
    let fields = SystemEvent::from_name(name).map_or(&[][..], SystemEvent::fields);
    let field = |(name, of): &(&str, ValueType)| Field {
        name: (*name).to_owned(),
        span: Span::default(),
        of: of.clone(),
        one_of: None,
        default: None,
    };
    fields.iter().map(field).collect()
}

/// The fields of what leads into a journey.
pub(super) fn entry_fields(analysis: &Analysis, journey: Option<&str>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for journey in
        analysis.trees.iter().flat_map(|tree| &tree.parsed.file.declarations).filter_map(|declared| {
            match declared {
                Declaration::Journey(known) if Some(known.name.value.as_str()) == journey => Some(known),
                _ => None,
            }
        })
    {
        for clause in &journey.clauses {
            if let ClauseKind::Enter(tree::Enter { kind: EnterKind::On { event }, .. }) = &clause.kind {
                for field in event_fields(analysis, &event.value) {
                    if fields.iter().all(|known| known.name != field.name) {
                        fields.push(field);
                    }
                }
            }
        }
    }
    fields
}

/// The event that can be asked about at a place.
fn event_at_hand(ahead: &Ahead) -> Option<String> {
    let around =
        wanted::find(ahead, &["enter_on", "goal_clause", "leave_on", "aggregate", "on_branch", "pick"])?;
    let event = match around.rule {
        "aggregate" => wanted::texts(around, &["word"]).next(),
        "on_branch" | "pick" => wanted::texts(around, &["trigger"]).next(),
        _ => wanted::texts(around, &["name"]).last(),
    }?;
    let word = event.split_whitespace().next()?;
    Some(ReactionKind::from_word(word).map_or(word, |kind| kind.event().name()).to_owned())
}

/// What the journeys that send a message hand over to it.
pub(super) fn handed_over(analysis: &Analysis, message: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for journey in &analysis.checked.model.journeys {
        journey.each_statement(&mut |_, statement| {
            if let StatementKind::Send { messages, with, .. } = &statement.kind
                && messages.iter().any(|sent| sent.name == message)
            {
                names.extend(with.iter().map(|(name, _)| name.clone()));
            }
        });
    }
    names
}
