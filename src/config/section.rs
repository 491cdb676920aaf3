//! Reading a section key by key, so that every mistake in it is found in one go.
//!
//! A key that is asked for is known; what nobody asked for is unknown. So the reader of a section is the
//! only list of its keys.

use std::collections::BTreeMap;

use super::names::{Named, Names, name};
use super::yaml::{Content, Entry, Node};
use crate::finding::words::{did_you_mean, near};
use crate::finding::{Code, Finding};
use crate::source::Span;

/// Why a value is not taken.
#[derive(Debug, PartialEq)]
pub(super) enum Wrong {
    /// It is no such thing at all: what it must be.
    Kind(&'static str),
    /// It would be, without its quotes.
    Quoted(&'static str),
    /// It is no such thing, but clear what was meant: what it must be, and what to write.
    Meant { expected: &'static str, write: &'static str },
    /// It cannot be, and something near it could.
    Near { message: String, near: String },
    /// It is, but cannot be.
    Value { message: String, help: Option<String> },
    /// There is a finding already.
    Known,
}

impl Wrong {
    /// A value that cannot be, and what can.
    pub(super) fn value(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Value { message: message.into(), help: Some(help.into()) }
    }
}

/// One section while it is read.
pub(super) struct Section<'a> {
    /// How messages name it, such as `webhooks.erp`; empty for the file itself.
    path: String,
    /// Where it is named.
    span: Span,
    entries: &'a [Entry],
    asked: Vec<&'static str>,
    /// The keys that were asked for in the sections inside, with the keys that lead there.
    asked_inside: Vec<(String, &'static str)>,
    findings: Vec<Finding>,
}

impl<'a> Section<'a> {
    /// Opens a section; keys that stand twice are found at once, and the first one counts.
    pub(super) fn open(path: String, span: Span, entries: &'a [Entry]) -> Self {
        let findings = twice(entries);
        Self { path, span, entries, asked: Vec::new(), asked_inside: Vec::new(), findings }
    }

    /// The value of a key; nothing where the key is left out or its value is refused.
    pub(super) fn value<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'a Node) -> Result<T, Wrong>,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        match read(&entry.value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                let path = self.path_of(key);
                self.report(&path, &entry.value, wrong);
                None
            }
        }
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'a Node) -> Result<T, Wrong>,
    ) -> Option<T> {
        if self.entry(key).is_none() {
            self.missing(key);
        }
        self.value(key, read)
    }

    /// Reports a key that must be there and is not.
    pub(super) fn missing(&mut self, key: &str) {
        let message = format!("`{}` has no `{key}`", self.path);
        self.findings.push(Finding::new(Code::E103, self.span, message).help(format!("add `{key}: …`")));
    }

    /// Whether a key is there with a value, good or bad.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key && entry.value.content != Content::Nothing)
    }

    /// What a section behind a key says.
    pub(super) fn section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'a>) -> T,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        self.child(self.path_of(key), entry.key_span, &entry.value, read)
    }

    /// What a list of sections behind a key says; sections that are refused leave no gap.
    pub(super) fn sections<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'a>) -> Option<T>,
    ) -> Vec<T> {
        let items = self.items(key);
        let path = self.path_of(key);
        items
            .iter()
            .filter_map(|item| self.child(path.clone(), item.span.at_start(), item, &mut read).flatten())
            .collect()
    }

    /// What a list of values behind a key says; values that are refused leave no gap.
    pub(super) fn values<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&'a Node) -> Result<T, Wrong>,
    ) -> Vec<T> {
        let items = self.items(key);
        let path = self.path_of(key);
        let mut values = Vec::new();
        for item in items {
            match read(item) {
                Ok(value) => values.push(value),
                Err(wrong) => self.report(&path, item, wrong),
            }
        }
        values
    }

    /// A section whose keys are names that the workspace gives; a name stays declared where what it names
    /// is refused.
    pub(super) fn named<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&str, &mut Section<'a>) -> Option<T>,
    ) -> Names<T> {
        let Some(entry) = self.entry(key) else { return Names::default() };
        let entries = match &entry.value.content {
            Content::Section(entries) => entries,
            Content::Broken => return Names::default(),
            content => {
                self.report(key, &entry.value, Wrong::Kind(SECTION));
                // `senders: marketing`
                let named = match content {
                    Content::Text { text, .. } if name(text).is_ok() => Some(text.clone()),
                    _ => None,
                };
                let value = |name| (name, Named { span: entry.value.span, value: None });
                return Names(named.map(value).into_iter().collect());
            }
        };
        self.findings.extend(twice(entries));
        let mut names = BTreeMap::new();
        for Entry { key: given, key_span, value } in entries {
            if given.is_empty() || names.contains_key(given) {
                continue;
            }
            if let Err(wrong) = name(given) {
                self.report(key, &Node { span: *key_span, content: Content::Nothing }, wrong);
            }
            let path = format!("{key}.{given}");
            let value = self.child(path, *key_span, value, |section| read(given, section)).flatten();
            names.insert(given.clone(), Named { span: *key_span, value });
        }
        Names(names)
    }

    /// Adds a finding of the reader's own.
    pub(super) fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// The keys that lead to it, such as `teams.sales`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Where the section is named.
    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// Every key that was asked for, here and inside, with the keys that lead there.
    pub(super) fn all_asked(&mut self) -> Vec<(String, &'static str)> {
        let own = self.asked.iter().map(|key| (self.path.clone(), *key));
        own.chain(self.asked_inside.drain(..)).collect()
    }

    /// Ends the reading: whatever key nobody asked for is one that does not exist.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        for Entry { key, key_span, .. } in self.entries {
            if !key.is_empty() && !self.asked.contains(&key.as_str()) {
                let message = match self.path.as_str() {
                    "" => format!("`lotse.yaml` has no key `{key}`"),
                    path => format!("`{path}` has no key `{key}`"),
                };
                let help = did_you_mean(key, "its keys are", self.asked.iter().copied());
                let mut finding = Finding::new(Code::E103, *key_span, message).maybe_help(help);
                // A key that is there already would stand twice.
                let meant = near(key, self.asked.iter().copied()).filter(|meant| !has(self.entries, meant));
                if let Some(meant) = meant {
                    finding = finding.edit(*key_span, meant);
                }
                self.findings.push(finding);
            }
        }
        self.findings
    }

    fn entry(&mut self, key: &'static str) -> Option<&'a Entry> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (entry.value.content != Content::Nothing).then_some(entry)
    }

    fn items(&mut self, key: &'static str) -> &'a [Node] {
        let list = |node: &'a Node| match &node.content {
            Content::List(items) => Ok(items.as_slice()),
            Content::Broken => Err(Wrong::Known),
            _ => Err(Wrong::Kind("a list")),
        };
        self.value(key, list).unwrap_or_default()
    }

    fn child<T>(
        &mut self,
        path: String,
        span: Span,
        node: &'a Node,
        read: impl FnOnce(&mut Section<'a>) -> T,
    ) -> Option<T> {
        match &node.content {
            Content::Section(entries) => {
                let mut section = Section::open(path, span, entries);
                let value = read(&mut section);
                self.asked_inside.extend(section.all_asked());
                self.findings.extend(section.finish());
                Some(value)
            }
            Content::Broken => None,
            Content::Nothing => {
                self.report(&path, &Node { span, content: Content::Nothing }, Wrong::Kind(SECTION));
                None
            }
            Content::Text { .. } | Content::List(_) => {
                self.report(&path, node, Wrong::Kind(SECTION));
                None
            }
        }
    }

    fn report(&mut self, path: &str, node: &Node, wrong: Wrong) {
        let finding = match wrong {
            Wrong::Known => return,
            Wrong::Value { message, help } => Finding::new(Code::E002, node.span, message).maybe_help(help),
            Wrong::Quoted(expected) => {
                let message = format!("`{path}` is {expected}, and here stands text in quotes");
                let finding = Finding::new(Code::E201, node.span, message).help("leave the quotes out");
                match &node.content {
                    Content::Text { text, .. } => finding.edit(node.span, text.as_str()),
                    _ => finding,
                }
            }
            Wrong::Meant { expected, write } => {
                let message = format!("`{path}` is {expected}, and here stands text");
                let finding = Finding::new(Code::E201, node.span, message);
                finding.help(format!("write `{write}`")).edit(node.span, write)
            }
            Wrong::Near { message, near } => {
                let finding = Finding::new(Code::E002, node.span, message);
                finding.help(format!("did you mean `{near}`?")).edit(node.span, near)
            }
            Wrong::Kind(expected) => {
                let found = match &node.content {
                    Content::Broken => return,
                    Content::Nothing => "nothing",
                    Content::Text { .. } => "text",
                    Content::List(_) => "a list",
                    Content::Section(_) => "a section",
                };
                let message = format!("`{path}` is {expected}, and here stands {found}");
                let finding = Finding::new(Code::E201, node.span, message);
                match path {
                    "smtp" => {
                        finding.help("write below it: `url: smtps://user:password@mail.example.com:465`")
                    }
                    _ => finding,
                }
            }
        };
        self.findings.push(finding);
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// What messages call a section.
pub(super) const SECTION: &str = "a section of `key: value` lines";

fn has(entries: &[Entry], key: &str) -> bool {
    entries.iter().any(|entry| entry.key == key)
}

fn twice(entries: &[Entry]) -> Vec<Finding> {
    let mut first: BTreeMap<&str, Span> = BTreeMap::new();
    let mut findings = Vec::new();
    for Entry { key, key_span, .. } in entries.iter().filter(|entry| !entry.key.is_empty()) {
        if let Some(before) = first.get(key.as_str()) {
            let finding = Finding::new(Code::E102, *key_span, format!("`{key}` stands here twice"))
                .help("keep one of them")
                .related(*before, "the first one");
            findings.push(finding);
        } else {
            first.insert(key, *key_span);
        }
    }
    findings
}
