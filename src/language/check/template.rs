use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::Checker;
use super::compilation::{Compilations, Job, beside, compile_all};
use super::message::text_setting;
use super::names::NameKind;
use crate::domain::Contact;
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::{Enter, EnterKind, Field, Journey, Message, Model, StatementKind};
use crate::language::syntax::{place_in_text, tree};
use crate::source::Span;
use crate::template::vocabulary::ADDRESSES;
use crate::template::{Compiled, CompiledMessage, Part, TemplateProblem, Variable};

/// The compiled texts of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct CompiledTexts {
    /// For everybody whose language has no text of its own.
    pub default: Arc<CompiledMessage>,
    /// By language tag.
    pub languages: BTreeMap<String, Arc<CompiledMessage>>,
}

impl CompiledTexts {
    /// The surveys that they lead to.
    pub(super) fn surveys(&self) -> impl Iterator<Item = &String> {
        self.languages.values().chain([&self.default]).flat_map(|text| text.surveys())
    }
}

/// What journeys hand over to a message.
#[derive(Default)]
pub(super) struct Supply<'m> {
    /// The journeys that send it.
    journeys: Vec<&'m Journey>,
    /// The names of `with` of each send, and where it stands.
    with: Vec<(BTreeSet<&'m str>, Span)>,
}

/// What a template asks for in vain.
pub(super) struct Missing {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// What was meant, where that is known.
    pub(super) meant: Option<Meant>,
    /// Where it is not handed over.
    related: Option<(Span, String)>,
}

/// What a variable of a template was meant to be.
#[derive(Clone, Debug)]
pub(super) enum Meant {
    /// Another name in the place of the last one of its path.
    Name(String),
    /// The same with this behind it.
    With(&'static str),
}

impl Missing {
    pub(super) fn new(message: String, help: Option<String>) -> Self {
        Self { message, help, meant: None, related: None }
    }

    pub(super) fn meant(mut self, name: Option<String>) -> Self {
        self.meant = name.map(Meant::Name);
        self
    }
}

impl Checker<'_> {
    /// Compiles messages and checks what their templates ask for.
    pub(super) fn templates<'m>(
        &self,
        messages: impl Iterator<Item = &'m Message>,
        model: &'m Model,
        compiled: Option<(&mut Compilations, bool)>,
    ) -> BTreeMap<String, CompiledTexts> {
        let jobs: Vec<Job<'_>> = messages
            .flat_map(|message| {
                let own =
                    message.languages.iter().map(|(tag, text)| Job { message, language: Some(tag), text });
                std::iter::once(Job { message, language: None, text: &message.text }).chain(own)
            })
            .filter(|job| job.text.template.is_some() || job.text.body.is_some())
            .collect();
        let wanted = jobs.iter().map(|job| job.message.name.as_str()).collect();
        let supplies = Supply::of_messages(&wanted, model);
        let unsent = Supply::default();
        let mut texts: BTreeMap<String, CompiledTexts> = BTreeMap::new();
        let compilations = match compiled {
            Some((known, only)) => known.of_all(self.files, &jobs, only),
            None => compile_all(self.files, &jobs.iter().collect::<Vec<_>>()),
        };
        for (job, compilation) in jobs.iter().zip(compilations) {
            match &compilation.result {
                Ok(compiled) => {
                    let name = &job.message.name;
                    let supply = supplies.get(name.as_str()).unwrap_or(&unsent);
                    self.asks_for(job, compiled, supply, model);
                    match (job.language, texts.get_mut(name)) {
                        (Some(tag), Some(known)) => {
                            known.languages.insert(tag.to_owned(), compiled.message.clone());
                        }
                        _ => {
                            let default = compiled.message.clone();
                            texts.insert(name.clone(), CompiledTexts { default, languages: BTreeMap::new() });
                        }
                    }
                }
                Err(problems) => {
                    for problem in problems {
                        self.template_problem(job, problem);
                    }
                }
            }
        }
        texts
    }

    fn template_problem(&self, job: &Job<'_>, problem: &TemplateProblem) {
        let place = |range: &Range<usize>| self.place(job, &problem.part, range.clone());
        self.report(of_problem(problem, place(&problem.range), place));
    }

    /// Where a stretch of a message's text stands in its file.
    pub(super) fn place(&self, job: &Job<'_>, part: &Part, range: Range<usize>) -> Span {
        let sources = &self.files.sources;
        let setting = |key: &str| {
            let tree = self.names.messages.get(&job.message.name)?;
            let of_language = |tag: &str| tree.body.languages.iter().find(|(known, _)| known.value == tag);
            let own = job.language.and_then(of_language).and_then(|(_, body)| text_setting(body, key));
            own.or_else(|| text_setting(&tree.body, key))
        };
        let in_setting = |text: Option<&tree::Text>| match text {
            Some(text) if range.is_empty() && range.start == 0 => text.span,
            Some(text) => place_in_text(sources.text(text.span), text.span, range.clone()),
            None => job.message.span,
        };
        let in_file = |path: &str| {
            let id = self.files.templates.get(path)?;
            let length = sources.get(*id).text.len();
            Some(Span::new(*id, range.start.min(length), range.end.min(length)))
        };
        match part {
            Part::Subject => in_setting(setting("subject").or_else(|| setting("title"))),
            Part::Preheader => in_setting(setting("preheader")),
            Part::Text => in_setting(setting("body").or_else(|| setting("text"))),
            Part::Body => job.text.template.as_deref().and_then(in_file).unwrap_or(job.message.span),
            Part::Include(path) => {
                let folder = job.text.template.as_deref().unwrap_or("");
                in_file(&beside(folder, path)).unwrap_or(job.message.span)
            }
        }
    }

    /// What a text asks for must be there for everybody it is sent to.
    fn asks_for(&self, job: &Job<'_>, compiled: &Compiled, supply: &Supply<'_>, model: &Model) {
        for variable in &compiled.variables {
            self.names_in_variable(job, variable, supply);
            if let Some(missing) = self.missing(variable, supply) {
                let span = self.place(job, &variable.part, variable.range.clone());
                self.missing_variable(variable, span, missing);
            }
        }
        for survey in &compiled.surveys {
            let span = self.place(job, &survey.part, survey.range.clone());
            let name = tree::Name::new(survey.name.clone(), span);
            if let (true, Some(score)) = (self.survey_linked(&name), survey.score) {
                // No scale is so long that a number loses its last digits here.
                #[expect(clippy::cast_precision_loss, reason = "only whether it is on the scale matters")]
                self.score(&survey.name, score as f64, span);
            }
        }
        let way_out = self.way_out(job, compiled, supply, model);
        for foreign in &compiled.foreign {
            let span = self.place(job, &foreign.part, foreign.range.clone());
            if way_out != Some(foreign) {
                self.foreign(foreign, span);
            }
        }
    }

    /// Reports a variable that is not there, and what to write in its place.
    pub(super) fn missing_variable(&self, variable: &Variable, span: Span, missing: Missing) {
        let last = variable.path.get(1).or(variable.path.first());
        let word = last.and_then(|last| self.word_within(span, last));
        let mut finding = Finding::new(Code::E402, span, missing.message).maybe_help(missing.help);
        if let Some((place, says)) = missing.related {
            finding = finding.related(place, says);
        }
        self.report(match (missing.meant, word) {
            (Some(Meant::Name(name)), Some(word)) => finding.edit(word.span, name),
            (Some(Meant::With(text)), _) if self.is_alone(span) => finding.edit(span.at_end(), text),
            _ => finding,
        });
    }

    /// Whether nothing stands behind a variable in its placeholder.
    fn is_alone(&self, span: Span) -> bool {
        let text = &self.files.sources.get(span.source).text;
        text.get(span.end as usize..).is_some_and(|behind| behind.trim_start().starts_with("}}"))
    }

    /// Takes down the fields that a variable of a message names.
    fn names_in_variable(&self, job: &Job<'_>, variable: &Variable, supply: &Supply<'_>) {
        if !self.register.is_open() {
            return;
        }
        let enters = supply.journeys.iter().flat_map(|journey| &journey.enters);
        let wires = enters.filter_map(|enter| match &enter.kind {
            EnterKind::On(wire) => Some(wire),
            _ => None,
        });
        let events = wires.filter_map(|wire| self.names.events.values().find(|event| event.wire == *wire));
        let events = events.map(|event| (event.name.as_str(), event.fields.as_slice()));
        let place = self.place(job, &variable.part, variable.range.clone());
        if let Some(name) = variable.path.first()
            && supply.with.iter().any(|(with, _)| with.contains(name.as_str()))
            && let Some(name) = self.word_within(place, name)
        {
            self.used_here(NameKind::Value, &name, Some(&job.message.name));
        }
        self.variable_here(variable, place, events);
    }

    /// Takes down the field that a variable names at a place; `entry` are the events that lead in.
    pub(super) fn variable_here<'e>(
        &self,
        variable: &Variable,
        place: Span,
        entry: impl Iterator<Item = (&'e str, &'e [Field])>,
    ) {
        let [group, field, ..] = variable.path.as_slice() else { return };
        let Some(field) = self.word_within(place, field) else { return };
        match group.as_str() {
            "contact" if self.missing_attribute(&field.value).is_none() => {
                self.used_here(NameKind::ContactField, &field, None);
            }
            "contact" => self.missing_here(NameKind::ContactField, &field, None),
            "entry" => {
                let entry: Vec<(&str, &[Field])> = entry.collect();
                let known =
                    |(_, fields): &(&str, &[Field])| fields.iter().any(|known| known.name == field.value);
                if !entry.iter().any(known) {
                    for (event, _) in &entry {
                        self.missing_here(NameKind::EventField, &field, Some(event));
                    }
                }
                self.used_as_entry(&field, entry.into_iter());
            }
            _ => {}
        }
    }

    /// A link to the page of a survey; tells whether there is one of that name.
    fn survey_linked(&self, call: &tree::Name) -> bool {
        if !self.names.surveys.contains_key(&call.value) {
            return self.survey_named(call, Code::E101);
        }
        self.uses(NameKind::Survey, &call.value);
        if let Some(name) = self.word_within(call.span, &call.value) {
            self.used_here(NameKind::Survey, &name, None);
        }
        true
    }

    /// Why a variable is not there, and what to write instead.
    pub(super) fn missing(&self, variable: &Variable, supply: &Supply<'_>) -> Option<Missing> {
        let path: Vec<&str> = variable.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["contact"] | ["entry"] => None,
            ["contact", field, ..] => self.missing_attribute(field),
            ["entry", field, ..] => self.missing_entry(field, variable.guarded, supply),
            [name] | [name, ..] if ADDRESSES.contains(name) => None,
            [name, ..]
                if supply.with.iter().all(|(with, _)| with.contains(name)) && !supply.with.is_empty() =>
            {
                None
            }
            [name, ..] => self.missing_value(name, variable.guarded, supply),
            [] => None,
        }
    }

    /// Why a message gets no such value, and what to write instead. Where a template says what stands in its place, it
    /// is missing only if something else was meant, such as a field of the contact.
    fn missing_value(&self, name: &str, guarded: bool, supply: &Supply<'_>) -> Option<Missing> {
        if supply.with.iter().any(|(with, _)| with.contains(name)) {
            let (_, span) = supply.with.iter().find(|(with, _)| !guarded && !with.contains(name))?;
            let message = format!("not every `send` of this message hands over `{name}`");
            let help = format!(
                "add `{name}` to the `with` of every `send` of this message, or write `{{{{ {name} | default('…') }}}}`"
            );
            let related = Some((*span, format!("this hands over no `{name}`")));
            return Some(Missing {
                message,
                help: Some(help),
                meant: Some(Meant::With(" | default('')")),
                related,
            });
        }
        let declared = self.names.contact.iter().map(|field| field.name.as_str());
        let fields: Vec<&str> = declared.chain(Contact::BUILT_IN).collect();
        let of_contact = |field: &str| format!("contact.{field}");
        let (help, meant) = if fields.contains(&name) {
            (format!("write `contact.{name}`"), Some(of_contact(name)))
        } else if let Some(address) = address_meant(name) {
            (format!("did you mean `{address}`?"), Some(address.to_owned()))
        } else if let Some(near) = words::near(name, fields.iter().copied()) {
            (format!("did you mean `contact.{near}`?"), Some(of_contact(near)))
        } else if guarded {
            return None;
        } else {
            let help = format!(
                "for a field of the contact declare `contact {{ {name} text }}` and write `contact.{name}`; or hand it over where the message is sent: `with {{ {name} … }}`"
            );
            (help, None)
        };
        let message = format!("there is no `{name}` for this template");
        Some(Missing::new(message, Some(help)).meant(meant))
    }

    /// Why there is no such attribute, and what to write instead.
    pub(super) fn missing_attribute(&self, field: &str) -> Option<Missing> {
        let declared = self.names.contact.iter().map(|field| field.name.as_str());
        let known = declared.chain(Contact::BUILT_IN);
        if self.names.contact_is_broken || known.clone().any(|known| known == field) {
            return None;
        }
        let near = words::near(field, known).map(str::to_owned);
        let help = match &near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it: `contact {{ {field} text }}`"),
        };
        Some(Missing::new(format!("a contact has no field `{field}`"), Some(help)).meant(near))
    }

    /// A property of what led in must be there on every way into every journey that sends the message. What comes
    /// with a request is known to whoever asks alone.
    fn missing_entry(&self, field: &str, guarded: bool, supply: &Supply<'_>) -> Option<Missing> {
        for journey in &supply.journeys {
            let ways = journey.enters.iter().filter_map(|enter| match &enter.kind {
                EnterKind::ByRequest => None,
                EnterKind::On(wire) => Some((enter, self.fields_of_wire(wire)?)),
                // Time has no fields.
                _ => Some((enter, Vec::new())),
            });
            let ways: Vec<(&Enter, Vec<String>)> = ways.collect();
            let all_known = ways.len() == journey.enters.len();
            let knows = |fields: &[String]| fields.iter().any(|known| known == field);
            if all_known && !ways.iter().any(|(_, fields)| knows(fields)) {
                let known = ways.iter().flat_map(|(_, fields)| fields).map(String::as_str);
                let near = words::near(field, known.clone()).map(str::to_owned);
                let help = words::did_you_mean(field, "it knows", known);
                let message = format!("nothing that leads into `{}` has a field `{field}`", journey.name);
                return Some(Missing::new(message, help).meant(near));
            }
            let without = ways.iter().find(|(_, fields)| !guarded && !knows(fields));
            if let Some((enter, _)) = without {
                let message =
                    format!("not everything that leads into `{}` has a field `{field}`", journey.name);
                let help = format!(
                    "write `{{{{ entry.{field} | default('…') }}}}`, or `{{% if entry.{field} %}}` around it"
                );
                let related = Some((enter.span, format!("who comes in this way has no `{field}`")));
                let meant = Some(Meant::With(" | default('')"));
                return Some(Missing { message, help: Some(help), meant, related });
            }
        }
        None
    }

    /// The fields of an event by its name on the wire; `None` where text of it could not be read.
    fn fields_of_wire(&self, wire: &str) -> Option<Vec<String>> {
        if let Some(event) = self.names.events.values().find(|event| event.wire == wire) {
            let broken = self.names.broken_events.contains(&event.name);
            return (!broken).then(|| event.fields.iter().map(|field| field.name.clone()).collect());
        }
        let system = crate::domain::SystemEvent::from_name(wire)?;
        Some(system.fields().iter().map(|(name, _)| (*name).to_owned()).collect())
    }
}

/// The finding for a fault of a template, with the places of what to write in its stead.
pub(super) fn of_problem(
    problem: &TemplateProblem,
    span: Span,
    place: impl Fn(&Range<usize>) -> Span,
) -> Finding {
    let finding = Finding::new(Code::E401, span, problem.message.clone()).maybe_help(problem.help.clone());
    let finding = Finding { lack: problem.lack, ..finding };
    match &problem.edit {
        Some((range, text)) => finding.edit(place(range), text.clone()),
        None => finding,
    }
}

/// The address that a word means: `unsubscribe` is `unsubscribe_url`.
pub(super) fn address_meant(word: &str) -> Option<&'static str> {
    let lower = word.to_lowercase();
    let begins = |address: &&str| lower.len() > 3 && address.starts_with(lower.trim_end_matches("_link"));
    ADDRESSES.into_iter().find(begins).or_else(|| words::near(word, ADDRESSES))
}

impl<'m> Supply<'m> {
    /// What all journeys hand over to messages, by their names.
    fn of_messages(wanted: &BTreeSet<&str>, model: &'m Model) -> BTreeMap<&'m str, Self> {
        let mut supplies: BTreeMap<&str, Self> = BTreeMap::new();
        for journey in model.journeys.iter().filter(|_| !wanted.is_empty()) {
            journey.each_statement(&mut |_, statement| {
                let StatementKind::Send { messages, with, .. } = &statement.kind else { return };
                for message in messages.iter().filter(|message| wanted.contains(message.name.as_str())) {
                    let supply = supplies.entry(&message.name).or_default();
                    supply.with.push((with.iter().map(|(name, _)| name.as_str()).collect(), message.span));
                    if supply.journeys.last().is_none_or(|last| last.name != journey.name) {
                        supply.journeys.push(journey);
                    }
                }
            });
        }
        supplies
    }

    /// Whether it is sent for a topic that needs the contact's permission.
    pub(super) fn is_marketing(&self, message: &Message, model: &Model) -> bool {
        let marketing = |topic: &Option<String>| {
            topic.as_ref().and_then(|topic| model.topic(topic)).is_some_and(|topic| !topic.essential)
        };
        match &message.topic {
            Some(_) => marketing(&message.topic),
            None => self.journeys.iter().any(|journey| marketing(&journey.permission)),
        }
    }
}
