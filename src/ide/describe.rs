//! What a name stands for, in the words of its author, as Markdown.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Analysis, NameKind, Role};
use crate::domain::{Contact, SystemEvent, Value, ValueType};
use crate::finding::words;
use crate::language::check::compile_message;
use crate::language::model::{Field, Message, StatementKind};
use crate::language::syntax::tree::{self, ClauseKind, Declaration, Definition};
use crate::source::Span;
use crate::template::{Compiled, vocabulary};

/// How many lines of a declaration are shown.
const LINES_MAX: usize = 12;

/// Says what a name stands for; `None` where nothing declares it.
pub(super) fn name(analysis: &Analysis, kind: NameKind, owner: Option<&str>, name: &str) -> Option<String> {
    let describe = Describe { analysis };
    match kind {
        NameKind::Event => describe.event(name),
        NameKind::ContactField => describe.contact_field(name),
        NameKind::EventField => describe.event_field(owner?, name),
        NameKind::Topic => describe.topic(name),
        NameKind::Segment | NameKind::Measure => describe.definition(kind, name),
        NameKind::Message => describe.message(name),
        NameKind::Survey => describe.survey(name),
        NameKind::Journey => describe.journey(name),
        NameKind::Stage => describe.stage(owner?, name),
        NameKind::Goal => describe.goal(owner?, name),
        NameKind::Experiment => describe.experiment(owner?, name),
        NameKind::Variant => {
            Some(heading(kind, name, &format!("of the experiment `{}`", owner?.rsplit('.').next()?)))
        }
        NameKind::Outcome => Some(heading(kind, name, &format!("a way to leave the journey `{}`", owner?))),
        NameKind::Sender | NameKind::Webhook | NameKind::Team | NameKind::Channel => {
            describe.outside(kind, name)
        }
        NameKind::Template => describe.template(name),
        NameKind::Value => {
            let to = owner?;
            let to = if to.contains(' ') { format!("in `{to}`") } else { format!("to the message `{to}`") };
            Some(heading(kind, name, &format!("that `with` hands over {to}")))
        }
        NameKind::Tag => Some(describe.tag(name)),
    }
}

/// Says what an event of Lotse knows.
fn system_event(event: SystemEvent) -> String {
    let fields: Vec<String> = event.fields().iter().map(|(name, of)| format!("{name} {of}")).collect();
    let title = heading(NameKind::Event, event.name(), "that Lotse records itself");
    format!("{title}\n\n{}", code(&format!("event {} {{ {} }}", event.name(), fields.join("  "))))
}

/// The type of a field, with its values and what it is where nothing is set, as it is declared.
pub(super) fn field_type(field: &Field) -> String {
    let mut text = field.of.to_string();
    if let Some(values) = &field.one_of {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        let _ = write!(text, " one of [{}]", values.join(", "));
    }
    if let Some(default) = &field.default {
        let _ = write!(text, " = {default}");
    }
    text
}

/// What the texts of a message ask for beside the contact, what led in and the addresses that all have.
pub(super) fn asked_for(analysis: &Analysis, message: &str) -> BTreeSet<String> {
    let variables = compiled(analysis, message).into_iter().flat_map(|compiled| compiled.variables);
    let names = variables.filter_map(|variable| variable.path.into_iter().next());
    let known = |name: &String| {
        !matches!(name.as_str(), "contact" | "entry") && !vocabulary::ADDRESSES.contains(&name.as_str())
    };
    names.filter(known).collect()
}

/// The links of a message whose clicks are counted, by their names.
pub(super) fn links(analysis: &Analysis, message: &str) -> BTreeSet<String> {
    let links = compiled(analysis, message).into_iter().flat_map(|compiled| compiled.links);
    links.map(|link| link.name).collect()
}

fn compiled(analysis: &Analysis, message: &str) -> Option<Compiled> {
    compile_message(&analysis.files, analysis.checked.model.message(message)?)
}

fn heading(kind: NameKind, name: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(", {more}") };
    format!("**{}** `{name}`{more}", kind.noun())
}

fn code(text: &str) -> String {
    format!("```journey\n{text}\n```")
}

struct Describe<'a> {
    analysis: &'a Analysis,
}

impl<'a> Describe<'a> {
    fn text(&self, span: Span) -> &'a str {
        self.analysis.files.sources.text(span)
    }

    fn declarations(&self) -> impl Iterator<Item = &'a Declaration> {
        self.analysis.trees.iter().flat_map(|tree| &tree.parsed.file.declarations)
    }

    /// The beginning of what is written there, with the indent of its first line taken away from all.
    fn excerpt(&self, span: Span) -> String {
        let source = self.analysis.files.sources.get(span.source);
        let before = source.text.get(..span.range().start).unwrap_or("");
        let indent = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let mut lines = self.text(span).lines();
        let mut shown: Vec<&str> = lines
            .by_ref()
            .take(LINES_MAX)
            .map(|line| line.get(line.len().min(indent)..).filter(|_| line.starts_with(' ')).unwrap_or(line))
            .collect();
        if lines.next().is_some() {
            shown.push("…");
        }
        code(&shown.join("\n"))
    }

    fn place(&self, span: Span) -> String {
        let (path, position) = self.analysis.files.sources.place(span);
        format!("Declared in {path}, line {}.", position.line)
    }

    fn event(&self, name: &str) -> Option<String> {
        let declared = self.declarations().find_map(|declaration| match declaration {
            Declaration::Event(event) if event.name.value == name => Some(event),
            _ => None,
        });
        match declared {
            Some(event) => Some(format!(
                "{}\n\n{}\n\n{}",
                heading(NameKind::Event, name, ""),
                self.excerpt(event.span),
                self.place(event.name.span)
            )),
            None => SystemEvent::from_name(name).map(system_event),
        }
    }

    fn contact_field(&self, name: &str) -> Option<String> {
        if let Some(of) = Contact::built_in_type(name) {
            return Some(format!("`contact.{name}`: {of}\n\nEvery contact has it."));
        }
        let field = self.analysis.checked.model.attribute(name)?;
        Some(format!("`contact.{name}`: {}\n\n{}", field_type(field), self.place(field.span)))
    }

    fn event_field(&self, event: &str, name: &str) -> Option<String> {
        if let Some(declared) = self.analysis.checked.model.events.iter().find(|known| known.name == event) {
            let field = declared.fields.iter().find(|field| field.name == name)?;
            let of = field_type(field);
            return Some(format!("`{name}` of the event `{event}`: {of}\n\n{}", self.place(field.span)));
        }
        let fields = SystemEvent::from_name(event)?.fields();
        let of: &ValueType = fields.iter().find(|(known, _)| *known == name).map(|(_, of)| of)?;
        Some(format!("`{name}` of the event `{event}`: {of}"))
    }

    fn topic(&self, name: &str) -> Option<String> {
        let topic = self.analysis.checked.model.topic(name)?;
        let what = if topic.essential {
            "Essential: it needs no permission and cannot be refused."
        } else {
            "Only contacts who have allowed it get its messages."
        };
        Some(format!(
            "{}\n\n“{}”\n\n{what} {}",
            heading(NameKind::Topic, name, ""),
            topic.label,
            self.place(topic.span)
        ))
    }

    fn definition(&self, kind: NameKind, name: &str) -> Option<String> {
        let definition: &Definition =
            self.declarations().find_map(|declaration| match (kind, declaration) {
                (NameKind::Segment, Declaration::Segment(known)) if known.name.value == name => Some(known),
                (NameKind::Measure, Declaration::Measure(known)) if known.name.value == name => Some(known),
                _ => None,
            })?;
        Some(format!(
            "{}\n\n{}\n\n{}",
            heading(kind, name, ""),
            self.excerpt(definition.span),
            self.place(definition.name.span)
        ))
    }

    fn message(&self, name: &str) -> Option<String> {
        let message = self.analysis.checked.model.message(name)?;
        let mut text = format!("**{}** `{name}`\n", message.channel);
        let mut line = |what: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(text, "\n- {what}: {value}");
            }
        };
        line("subject", message.text.subject.as_ref().map(|subject| format!("“{subject}”")));
        line("preheader", message.text.preheader.as_ref().map(|preheader| format!("“{preheader}”")));
        line("topic", message.topic.as_ref().map(|topic| self.topic_in_short(topic)));
        line("from", message.sender.as_ref().map(|sender| self.sender(sender)));
        line("template", message.text.template.as_ref().map(|path| format!("`{path}`")));
        let languages: Vec<&str> = message.languages.iter().map(|(tag, _)| tag.as_str()).collect();
        line("also in", (!languages.is_empty()).then(|| words::all_of_ticked(&languages)));
        line("journeys", self.journeys_with(message));
        if let Some(body) = &message.text.body {
            let lines: Vec<&str> = body.lines().take(LINES_MAX).collect();
            let _ = write!(text, "\n\n```\n{}\n```", lines.join("\n"));
        }
        let _ = write!(text, "\n\n{}", self.place(message.span));
        Some(text)
    }

    fn topic_in_short(&self, name: &str) -> String {
        match self.analysis.checked.model.topic(name) {
            Some(topic) if topic.essential => format!("`{name}`, which needs no permission"),
            Some(topic) => format!("`{name}` (“{}”)", topic.label),
            None => format!("`{name}`"),
        }
    }

    fn sender(&self, name: &str) -> String {
        match self.analysis.config.senders.get(name) {
            Some(sender) => format!("`{name}`, {}", sender.from),
            None => format!("`{name}`"),
        }
    }

    /// The journeys that name a message.
    fn journeys_with(&self, message: &Message) -> Option<String> {
        let names = self.analysis.occurrences.iter();
        let uses = names.filter(|name| name.kind == NameKind::Message && name.name == message.name);
        let around = uses.filter_map(|name| self.journey_around(name.span));
        let journeys: Vec<&str> = around.collect::<BTreeSet<&str>>().into_iter().collect();
        (!journeys.is_empty()).then(|| words::all_of_ticked(&journeys))
    }

    fn survey(&self, name: &str) -> Option<String> {
        let survey = self.analysis.checked.model.surveys.get(name)?;
        let comment =
            survey.comment.as_ref().map_or_else(String::new, |comment| format!("\n- asks: “{comment}”"));
        Some(format!(
            "{}\n\n“{}”\n\n- scores: {} to {}{comment}",
            heading(NameKind::Survey, name, ""),
            survey.question,
            survey.low,
            survey.high
        ))
    }

    fn journey_tree(&self, name: &str) -> Option<&'a tree::Journey> {
        self.declarations().find_map(|declaration| match declaration {
            Declaration::Journey(journey) if journey.name.value == name => Some(journey),
            _ => None,
        })
    }

    fn journey(&self, name: &str) -> Option<String> {
        let journey = self.journey_tree(name)?;
        let label = journey.label.as_ref().map_or_else(String::new, |label| format!("“{}”", label.value));
        let shown = |kind: &ClauseKind| {
            matches!(
                kind,
                ClauseKind::Enter(_)
                    | ClauseKind::Goal(_)
                    | ClauseKind::LeaveOn { .. }
                    | ClauseKind::LeaveWhen(_)
                    | ClauseKind::Permission(_)
                    | ClauseKind::Control(_)
            )
        };
        let clauses = journey.clauses.iter().filter(|clause| shown(&clause.kind));
        let clauses: Vec<&str> = clauses.map(|clause| self.text(clause.span)).collect();
        let stages: Vec<&str> = journey.stages.iter().map(|stage| stage.name.value.as_str()).collect();
        Some(format!(
            "{} {label}\n\n{}\n\nStages: {}. {}",
            heading(NameKind::Journey, name, ""),
            code(&clauses.join("\n")),
            words::all_of_ticked(&stages),
            self.place(journey.name.span)
        ))
    }

    fn stage(&self, journey: &str, name: &str) -> Option<String> {
        let tree = self.journey_tree(journey)?;
        let stage = tree.stages.iter().find(|stage| stage.name.value == name)?;
        let title = heading(NameKind::Stage, name, &format!("of the journey `{journey}`"));
        Some(format!("{title}\n\n{}", self.excerpt(stage.span)))
    }

    fn goal(&self, journey: &str, name: &str) -> Option<String> {
        let clause = self.journey_tree(journey)?.clauses.iter().find(|clause| match &clause.kind {
            ClauseKind::Goal(goal) => goal.name.as_ref().is_some_and(|known| known.value == name),
            _ => false,
        })?;
        let title = heading(NameKind::Goal, name, &format!("of the journey `{journey}`"));
        Some(format!("{title}\n\n{}", self.excerpt(clause.span)))
    }

    fn experiment(&self, journey: &str, name: &str) -> Option<String> {
        let mut place = None;
        self.analysis.checked.model.journey(journey)?.each_statement(&mut |_, statement| {
            if let StatementKind::Experiment(known) = &statement.kind
                && known.name == name
            {
                place = Some(statement.span);
            }
        });
        let title = heading(NameKind::Experiment, name, &format!("of the journey `{journey}`"));
        Some(format!("{title}\n\n{}", self.excerpt(place?)))
    }

    fn outside(&self, kind: NameKind, name: &str) -> Option<String> {
        let config = &self.analysis.config;
        let what = match kind {
            NameKind::Sender => config.senders.get(name).map(|sender| sender.from.to_string()),
            NameKind::Channel => config
                .channels
                .get(name)
                .map(|channel| format!("messages go to `contact.{}`", channel.address)),
            NameKind::Team => config.teams.get(name).map(|team| match (&team.endpoint, &team.email) {
                (Some(_), Some(email)) => format!("takes leads and alerts; alerts go to {email}, too"),
                (Some(_), None) => "takes leads and alerts".to_owned(),
                (None, Some(email)) => format!("takes alerts at {email}"),
                (None, None) => String::new(),
            }),
            _ => config.webhooks.get(name).map(|_| "a system that journeys call".to_owned()),
        };
        if name == "email" && kind == NameKind::Channel {
            return Some(heading(kind, name, "built in"));
        }
        let span = match kind {
            NameKind::Sender => config.senders.span(name),
            NameKind::Channel => config.channels.span(name),
            NameKind::Team => config.teams.span(name),
            _ => config.webhooks.span(name),
        }?;
        let title = heading(kind, name, what.as_deref().unwrap_or(""));
        Some(format!("{title}\n\n{}", self.place(span)))
    }

    fn tag(&self, name: &str) -> String {
        let put_on = self.analysis.occurrences.iter().filter(|other| {
            other.kind == NameKind::Tag && other.name == name && other.role == Role::Declaration
        });
        let journeys: BTreeSet<&str> = put_on.filter_map(|tag| self.journey_around(tag.span)).collect();
        let journeys: Vec<&str> = journeys.into_iter().collect();
        let put_on = match journeys.is_empty() {
            true => "No journey of this workspace puts it on".to_owned(),
            false => format!("Put on by {}", words::all_of_ticked(&journeys)),
        };
        format!("{}\n\n{put_on}.", heading(NameKind::Tag, name, ""))
    }

    /// The journey that a place lies in.
    fn journey_around(&self, place: Span) -> Option<&'a str> {
        let declared = &self.analysis.tree(place.source)?.parsed.file.declarations;
        declared.iter().find_map(|declaration| match declaration {
            Declaration::Journey(journey) if journey.span.contains(place) => {
                Some(journey.name.value.as_str())
            }
            _ => None,
        })
    }

    fn template(&self, path: &str) -> Option<String> {
        self.analysis.files.templates.get(path)?;
        let uses = |message: &&Message| {
            let texts = message.languages.iter().map(|(_, text)| text).chain([&message.text]);
            texts.into_iter().any(|text| text.template.as_deref() == Some(path))
        };
        let messages = self.analysis.checked.model.messages.iter().filter(uses);
        let names: Vec<&str> = messages.map(|message| message.name.as_str()).collect();
        let used = if names.is_empty() { "no message".to_owned() } else { words::all_of_ticked(&names) };
        Some(format!("{}\n\nUsed by {used}.", heading(NameKind::Template, path, "")))
    }
}
