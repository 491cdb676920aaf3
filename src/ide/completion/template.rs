use std::collections::BTreeSet;

use super::names::{entry_fields, handed_over};
use super::{Analysis, Completion, CompletionKind, begun, distinct};
use crate::domain::Contact;
use crate::ide::describe;
use crate::language::model::StatementKind;
use crate::source::{SourceId, Span};
use crate::template::{TemplateKind, vocabulary};

/// What could be written in a template file.
pub(super) fn in_file(
    analysis: &Analysis,
    source: SourceId,
    kind: TemplateKind,
    offset: usize,
) -> Vec<Completion> {
    let file = analysis.files.sources.get(source);
    let messages = analysis.checked.model.messages.iter().filter(|message| {
        let texts = message.languages.iter().map(|(_, text)| text).chain([&message.text]);
        texts.into_iter().any(|text| text.template.as_deref() == Some(file.path.as_str()))
    });
    let messages: Vec<&str> = messages.map(|message| message.name.as_str()).collect();
    let writer = Writer { analysis, source, messages };
    let before = file.text.get(..offset).unwrap_or("");
    match open_tag(before) {
        Some(inside) => writer.inside(inside, offset),
        None if kind == TemplateKind::Mjml => writer.mjml(before, offset),
        None => Vec::new(),
    }
}

/// What could be written in quotes that hold a template; `message` is whose they are.
pub(super) fn in_quotes(
    analysis: &Analysis,
    message: Option<&str>,
    source: SourceId,
    start: usize,
    offset: usize,
) -> Vec<Completion> {
    let text = &analysis.files.sources.get(source).text;
    let inside = text.get(start..offset).and_then(open_tag);
    let writer = Writer { analysis, source, messages: message.into_iter().collect() };
    inside.map_or_else(Vec::new, |inside| writer.inside(inside, offset))
}

/// What stands of a placeholder or a statement that is still open, from its `{{` or `{%` on.
fn open_tag(before: &str) -> Option<&str> {
    let start = before.rfind("{{").max(before.rfind("{%"))?;
    let inside = before.get(start..)?;
    (!inside.contains("}}") && !inside.contains("%}")).then_some(inside)
}

struct Writer<'a> {
    analysis: &'a Analysis,
    source: SourceId,
    /// The messages that have the text; where there are none, any journey may send it.
    messages: Vec<&'a str>,
}

impl Writer<'_> {
    /// Inside a placeholder or a statement.
    fn inside(&self, inside: &str, offset: usize) -> Vec<Completion> {
        let word = begun(inside, inside.len(), |c| c.is_alphanumeric() || c == '_');
        let replaces = Span::new(self.source, offset - word.len(), offset);
        let before = inside.get(2..word.start).unwrap_or("").trim_end();
        let item = |kind, label: &str| Completion::new(kind, label, replaces);
        if before.ends_with('.') {
            let fields = self.fields(before.trim_end_matches('.'), replaces).into_iter();
            return fields.map(|item| self.closed(item, inside, offset)).collect();
        }
        if before.ends_with('|') {
            let filters = vocabulary::filters().map(|tool| self.tool(tool, replaces));
            return filters.map(|item| self.closed(item, inside, offset)).collect();
        }
        if before.ends_with(['\'', '"']) && before.contains("survey_url(") {
            let surveys = self.analysis.checked.model.surveys.keys();
            return surveys.map(|name| item(CompletionKind::Variable, name)).collect();
        }
        if before.is_empty() && inside.starts_with("{%") {
            return vocabulary::STATEMENTS
                .iter()
                .map(|word| item(CompletionKind::Word, word).snippet(self.statement(word, offset)))
                .collect();
        }
        let groups = ["contact", "entry"].map(|group| {
            item(CompletionKind::Variable, group).detail(match group {
                "contact" => "a field of the contact",
                _ => "a field of the event that led into the journey",
            })
        });
        let own: BTreeSet<String> =
            self.messages.iter().flat_map(|message| handed_over(self.analysis, message)).collect();
        let own = own.iter().map(|name| item(CompletionKind::Variable, name).detail("handed over by `with`"));
        let addresses = vocabulary::ADDRESSES.iter().map(|name| item(CompletionKind::Variable, name));
        let functions = vocabulary::functions().map(|tool| self.tool(tool, replaces));
        let all = own.chain(groups).chain(addresses).chain(functions);
        distinct(all.map(|item| self.closed(item, inside, offset)).collect())
    }

    fn tool(&self, tool: vocabulary::Tool, replaces: Span) -> Completion {
        Completion::new(CompletionKind::Function, tool.name, replaces)
            .insert(tool.example)
            .documentation(tool.what)
    }

    /// What stands behind a place on its line.
    fn rest(&self, offset: usize) -> &str {
        let text = &self.analysis.files.sources.get(self.source).text;
        text.get(offset..).and_then(|rest| rest.lines().next()).unwrap_or("")
    }

    /// The same with what closes the placeholder, where its line does not: one goes on before it.
    fn closed(&self, item: Completion, inside: &str, offset: usize) -> Completion {
        let rest = self.rest(offset);
        let own = rest.split("{{").next().unwrap_or("");
        if !inside.starts_with("{{") || own.contains("}}") || item.is_snippet {
            return item;
        }
        let close = if own.starts_with('}') { " }" } else { " }}" };
        let insert = format!("{}$1{close}$0", item.insert);
        item.snippet(insert)
    }

    /// A statement with what belongs to it, closed where its line does not do that.
    fn statement(&self, word: &str, offset: usize) -> String {
        let rest = self.rest(offset).trim_start();
        let whole = statement(word);
        match rest {
            _ if rest.starts_with("%}") => whole.strip_suffix(" %").unwrap_or(&whole).to_owned(),
            _ if rest.starts_with('}') => whole,
            _ => format!("{whole}}}"),
        }
    }

    fn fields(&self, before: &str, replaces: Span) -> Vec<Completion> {
        let group = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
        let item =
            |name: &str, of: String| Completion::new(CompletionKind::Variable, name, replaces).detail(of);
        match group {
            "contact" => {
                let declared = self.analysis.checked.model.contact.iter();
                let declared = declared.map(|field| item(&field.name, describe::field_type(field)));
                let built_in = Contact::BUILT_IN
                    .iter()
                    .filter_map(|name| Some(item(name, Contact::built_in_type(name)?.to_string())));
                declared.chain(built_in).collect()
            }
            "entry" => {
                let journeys = self.analysis.checked.model.journeys.iter().filter(|journey| {
                    let mut sends = self.messages.is_empty();
                    journey.each_statement(&mut |_, statement| {
                        if let StatementKind::Send { messages, .. } = &statement.kind {
                            sends |= messages.iter().any(|sent| self.messages.contains(&sent.name.as_str()));
                        }
                    });
                    sends
                });
                let fields = journeys.flat_map(|journey| entry_fields(self.analysis, Some(&journey.name)));
                distinct(fields.map(|field| item(&field.name, describe::field_type(&field))).collect())
            }
            _ => Vec::new(),
        }
    }

    /// Tags and attributes of MJML.
    fn mjml(&self, before: &str, offset: usize) -> Vec<Completion> {
        let Some(start) = before.rfind('<') else { return Vec::new() };
        let inside = before.get(start + 1..).unwrap_or("");
        if inside.contains('>') {
            return Vec::new();
        }
        let word = begun(before, offset, |c| c.is_ascii_alphanumeric() || c == '-');
        let replaces = Span::new(self.source, word.start, offset);
        let item = |label: &str| Completion::new(CompletionKind::Tag, label, replaces);
        let open = open_elements(before.get(..start).unwrap_or(""));
        if word.start == start + 1 {
            let tags = vocabulary::mjml_tags(open.last().map(String::as_str));
            return tags
                .map(|tag| match vocabulary::is_empty_tag(tag) {
                    true => item(tag).snippet(format!("{tag} $0/>")),
                    false => item(tag).snippet(format!("{tag}>$0</{tag}>")),
                })
                .collect();
        }
        if inside.starts_with('/') {
            return open.last().map(|tag| item(tag).insert(format!("{tag}>"))).into_iter().collect();
        }
        // Inside the quotes of a value nothing is known.
        if inside.matches('"').count() % 2 == 1 {
            return Vec::new();
        }
        let tag = inside.split_whitespace().next().unwrap_or("");
        vocabulary::mjml_attributes(tag).map(|name| item(name).snippet(format!("{name}=\"$1\""))).collect()
    }
}

/// The elements that are open at the end of a text, the innermost last.
fn open_elements(text: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for tag in text.split('<').skip(1) {
        let Some((inside, _)) = tag.split_once('>') else { continue };
        let name: String = inside
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        if let Some(at) =
            inside.starts_with('/').then(|| open.iter().rposition(|known| *known == name)).flatten()
        {
            open.truncate(at);
        } else if name.starts_with("mj") && !inside.starts_with('/') && !inside.ends_with('/') {
            open.push(name);
        }
    }
    open
}

/// A statement with what belongs to it, as far as the last `}`, which some editors write with the first `{`.
fn statement(word: &str) -> String {
    match word {
        "if" => "if ${1:contact.first_name} %}${2:text}{% endif %".to_owned(),
        "for" => "for ${1:item} in ${2:contact.interests} %}{{ ${1:item} }}{% endfor %".to_owned(),
        "set" => "set ${1:name} = ${2:contact.first_name} %".to_owned(),
        "elif" => "elif ${1:contact.first_name} %".to_owned(),
        word => format!("{word} %"),
    }
}
