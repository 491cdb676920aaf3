use std::collections::BTreeSet;

use super::names::Names;
use super::{Analysis, Completion, CompletionKind, journey, plain};
use crate::config::{self, Key, KeyValue};
use crate::ide::names::Section;
use crate::ide::outline::Outline;
use crate::source::{SourceId, Span};

/// What could be written in `lotse.yaml`: the keys of the section around a place that are not there yet, and values.
pub(super) fn completion(analysis: &Analysis, source: SourceId, offset: usize) -> Vec<Completion> {
    let text = &analysis.files.sources.get(source).text;
    let outline = Outline::of(text, offset);
    let Some(place) = outline.place() else { return Vec::new() };
    let path = outline.path(place);
    let replaces = Span::new(source, place.begun.start, offset);
    let before = text.get(..place.begun.start).unwrap_or("");
    if let Some(key) = outline.key(place) {
        let Some(key) = config::key(&path, key) else { return Vec::new() };
        let begun = text.get(place.begun.clone()).unwrap_or("");
        let values = values(analysis, key, begun, replaces, before.chars().next_back());
        return values.into_iter().map(|value| behind_colon(value, before)).collect();
    }
    let others: BTreeSet<&str> = outline.others(place).collect();
    let section = path.split_last().and_then(|(name, path)| config::key(path, name));
    if let Some(Key { value: KeyValue::Names(_), what, name: key, .. }) = section {
        let Some(section) = Section::with_key(key) else { return Vec::new() };
        let names = Names { analysis, replaces };
        let detail = match names.missing(section.kind, None).is_empty() {
            true => "a name to begin with",
            false => "a journey names it",
        };
        let names = names.proposed(section.kind, None).into_iter();
        let new = names.filter(|name| !others.contains(name.as_str()));
        let item = |name: String| {
            let inside: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
            let snippet = Writing::new(place.in_brackets).section(&name, &inside);
            setting(&name, replaces, what).snippet(snippet).detail(detail)
        };
        return new.map(item).collect();
    }
    let keys = config::keys(&path).into_iter().filter(|key| !others.contains(key));
    let keys = keys.filter_map(|key| config::key(&path, key));
    let item = |key: &'static Key| {
        let snippet = Writing::new(place.in_brackets).entry(key, &path);
        setting(key.name, replaces, &explained(key, &path)).snippet(snippet)
    };
    keys.map(item).collect()
}

fn setting(label: &str, replaces: Span, what: &str) -> Completion {
    Completion::new(CompletionKind::Setting, label, replaces).documentation(what)
}

/// What a key says and how it is written, as Markdown.
pub(in crate::ide) fn explained(key: &Key, path: &[&str]) -> String {
    let example = plain(&Writing::new(false).entry(key, path));
    format!("{}\n\n```yaml\n{}\n```", key.what, example.trim_end())
}

/// A value right behind the `:` of its key, with the blank that belongs there.
fn behind_colon(value: Completion, before: &str) -> Completion {
    if !before.ends_with(':') {
        return value;
    }
    let insert = format!(" {}", value.insert);
    Completion { insert, ..value }
}

/// The values that a key can have, as far as they can be told.
fn values(
    analysis: &Analysis,
    key: &Key,
    begun: &str,
    replaces: Span,
    before: Option<char>,
) -> Vec<Completion> {
    let names = Names { analysis, replaces };
    let value = |text: &str| Completion::new(CompletionKind::Value, text, replaces);
    match key.value {
        KeyValue::Like(values) | KeyValue::List(values) => {
            let unquoted = values.iter().map(|text| match before {
                Some('"') => text.trim_matches('"'),
                _ => text,
            });
            unquoted.map(|text| value(text).detail("for example")).collect()
        }
        KeyValue::Boolean => ["true", "false"].map(value).to_vec(),
        KeyValue::TimeZone => names.zones(),
        KeyValue::ContactField => names.addresses(),
        KeyValue::Condition => {
            let items = journey::in_condition(analysis, begun, replaces);
            if before == Some('"') { items.into_iter().map(in_double_quotes).collect() } else { items }
        }
        KeyValue::Section | KeyValue::Sections | KeyValue::Names(_) => Vec::new(),
    }
}

/// The same where `"` ends the value.
fn in_double_quotes(item: Completion) -> Completion {
    let quote = if item.is_snippet { "\\\\\"" } else { "\\\"" };
    Completion { insert: item.insert.replace('"', quote), ..item }
}

/// Writes keys with places to be filled in.
struct Writing {
    in_brackets: bool,
    /// The number of the next place to be filled in.
    next: u32,
}

impl Writing {
    fn new(in_brackets: bool) -> Self {
        Self { in_brackets, next: 1 }
    }

    /// A place to be filled in.
    fn fill(&mut self, proposed: &str) -> String {
        let number = self.next;
        self.next += 1;
        format!("${{{number}:{proposed}}}")
    }

    /// A key of a section with what belongs behind it.
    fn entry(&mut self, key: &Key, path: &[&str]) -> String {
        let name = key.name;
        let inside: Vec<&str> = path.iter().copied().chain([name]).collect();
        match key.value {
            KeyValue::Like(values) => format!("{name}: {}", self.fill(values.first().unwrap_or(&""))),
            KeyValue::List(values) => format!("{name}: [{}]", self.fill(values.first().unwrap_or(&""))),
            KeyValue::Boolean => {
                self.next += 1;
                format!("{name}: ${{{}|true,false|}}", self.next - 1)
            }
            KeyValue::TimeZone => format!("{name}: {}", self.fill("Europe/Berlin")),
            KeyValue::ContactField => format!("{name}: {}", self.fill("phone")),
            KeyValue::Condition => format!("{name}: {}", self.fill("contact.country == \"DE\"")),
            KeyValue::Section => self.section(name, &inside),
            KeyValue::Sections if self.in_brackets => {
                format!("{name}: [ {{ {} }} ]", self.needed(&inside).join(", "))
            }
            KeyValue::Sections => format!("{name}:\n  - {}", self.needed(&inside).join("\n    ")),
            KeyValue::Names(example) => {
                let example_name = self.fill(example);
                let inside: Vec<&str> = inside.iter().copied().chain([example]).collect();
                let section = self.section(&example_name, &inside);
                if self.in_brackets {
                    format!("{name}: {{ {section} }}")
                } else {
                    format!("{name}:\n  {}", section.replace('\n', "\n  "))
                }
            }
        }
    }

    /// A section with the keys that it needs.
    fn section(&mut self, name: &str, inside: &[&str]) -> String {
        let needed = self.needed(inside);
        match (self.in_brackets, needed.is_empty()) {
            (true, true) => format!("{name}: {{ $0 }}"),
            (true, false) => format!("{name}: {{ {} }}", needed.join(", ")),
            (false, true) => format!("{name}:\n  $0"),
            (false, false) => format!("{name}:\n  {}", needed.join("\n  ")),
        }
    }

    fn needed(&mut self, path: &[&str]) -> Vec<String> {
        let keys = config::keys(path).into_iter().filter_map(|key| config::key(path, key));
        keys.filter(|key| key.needed).map(|key| self.entry(key, path)).collect()
    }
}
