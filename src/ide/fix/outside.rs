//! What lies outside of the journeys and is named in `lotse.yaml`: senders, channels, webhooks, teams.

use super::{NewFile, Offer, TextChange, label};
use crate::finding::Finding;
use crate::ide::names::Section;
use crate::ide::{Analysis, NameKind};
use crate::source::{CONFIG_FILE, SourceId, Span};

impl Analysis {
    /// Adds a name to `lotse.yaml`, which is made where there is none; `None` for what is not declared there.
    pub(super) fn in_settings(&self, kind: NameKind, name: &str) -> Option<Offer> {
        let section = Section::of(kind)?;
        let entry = self.entry_of(kind, name);
        let Some(file) = self.files.config else {
            let title = format!("Make {CONFIG_FILE}, with the {} `{name}`", kind.noun());
            let text = format!("{}:\n  {name}:\n    {entry}\n", section.key);
            let creates = vec![NewFile { path: CONFIG_FILE.to_owned(), text }];
            return Some(Offer { creates, ..Offer::new(title, []) });
        };
        let title = format!("Add the {} `{name}` to {CONFIG_FILE}", kind.noun());
        let first = (section.declared)(&self.config).into_iter().map(|(_, span)| span).min();
        Some(Offer::new(title, [self.setting(file, section.key, first, name, &entry)]))
    }

    /// `senders: marketing`: a name where a section with it belongs.
    pub(super) fn section_of_text(&self, finding: &Finding) -> Option<Offer> {
        self.files.config.filter(|config| *config == finding.span.source)?;
        let line = self.line(finding.span);
        let (key, _) = self.files.sources.text(line).split_once(':')?;
        let kind = Section::with_key(key)?.kind;
        let text = self.files.sources.text(finding.span).trim_matches(['"', '\'']);
        let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !text.is_empty();
        let (name, entry) = match kind {
            NameKind::Sender if text.contains('@') => (self.first_sender(), format!("from: {text}")),
            _ if text.starts_with("http") => (kind.noun(), format!("url: {text}")),
            _ => (Some(text).filter(|_| is_name)?, self.entry_of(kind, text)),
        };
        let key_end = line.start as usize + key.len() + 1;
        let change = TextChange {
            span: Span::new(finding.span.source, key_end, finding.span.end as usize),
            text: format!("\n  {name}:\n    {entry}"),
        };
        Some(Offer::new(format!("Make `{name}` a {} of its own", kind.noun()), [change]).preferred())
    }

    /// What a name in `lotse.yaml` says at the least.
    pub(super) fn entry_of(&self, kind: NameKind, name: &str) -> String {
        match kind {
            NameKind::Sender => format!("from: {} <{name}@example.com>", label(&self.config.workspace)),
            _ => format!("url: https://example.com/{name}"),
        }
    }

    /// Who writes a message of which nobody has said it: the first sender there is, or one to begin with.
    pub(super) fn first_sender(&self) -> &str {
        let known = self.config.senders.declared().next().map(|(sender, _)| sender);
        known.or_else(|| Section::of(NameKind::Sender)?.example()).unwrap_or_default()
    }

    fn setting(
        &self,
        file: SourceId,
        section: &str,
        first: Option<Span>,
        name: &str,
        entry: &str,
    ) -> TextChange {
        if let Some(first) = first {
            let indent = self.indent(first);
            let begins = self.line(first).start as usize + indent.len() == first.start as usize;
            let text = if begins && !indent.is_empty() {
                format!("{name}:\n{indent}  {entry}\n{indent}")
            } else {
                format!("{name}: {{ {entry} }}, ")
            };
            return TextChange { span: first.at_start(), text };
        }
        let text = &self.files.sources.get(file).text;
        let below = format!("\n  {name}:\n    {entry}");
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            // `senders:` with nothing behind it, or `senders: {}`.
            let empty = line.strip_prefix(section).and_then(|line| line.strip_prefix(':'));
            let empty = empty.map(|rest| rest.split('#').next().unwrap_or("").trim());
            if matches!(empty, Some("" | "{}" | "{ }")) {
                let key = start + section.len() + 1;
                return TextChange { span: Span::new(file, key, start + line.trim_end().len()), text: below };
            }
            start += line.len();
        }
        let end = text.trim_end().len();
        let gap = if end == 0 { "" } else { "\n" };
        TextChange { span: Span::new(file, end, text.len()), text: format!("{gap}{section}:{below}\n") }
    }
}
