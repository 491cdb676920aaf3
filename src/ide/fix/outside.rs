//! What lies outside of the journeys and is named in `lotse.yaml`: senders, channels, webhooks, teams.

use super::{NewFile, Offer, TextChange, label};
use crate::config::Names;
use crate::ide::{Analysis, NameKind};
use crate::source::{SourceId, Span};

/// What the file is called.
const FILE: &str = "lotse.yaml";

impl Analysis {
    /// Adds a name to `lotse.yaml`, which is made where there is none; `None` for what is not declared there.
    pub(super) fn in_settings(&self, kind: NameKind, name: &str) -> Option<Offer> {
        let (section, entry) = self.entry(kind, name)?;
        let Some(file) = self.files.config else {
            let title = format!("Make {FILE}, with the {} `{name}`", kind.noun());
            let text = format!("{section}:\n  {name}:\n    {entry}\n");
            let creates = vec![NewFile { path: FILE.to_owned(), text }];
            return Some(Offer { creates, ..Offer::new(title, []) });
        };
        let title = format!("Add the {} `{name}` to {FILE}", kind.noun());
        Some(Offer::new(title, [self.setting(file, section, self.first_of(kind), name, &entry)]))
    }

    /// The section that has such names, and what a new one says at the least.
    fn entry(&self, kind: NameKind, name: &str) -> Option<(&'static str, String)> {
        let url = || format!("url: https://example.com/{name}");
        let workspace = label(&self.config.workspace);
        Some(match kind {
            NameKind::Sender => ("senders", format!("from: {workspace} <{name}@example.com>")),
            NameKind::Channel => ("channels", url()),
            NameKind::Webhook => ("webhooks", url()),
            NameKind::Team => ("teams", url()),
            _ => return None,
        })
    }

    /// Where the first name of that kind is declared.
    fn first_of(&self, kind: NameKind) -> Option<Span> {
        fn first<T>(names: &Names<T>) -> Option<Span> {
            names.declared().map(|(_, span)| span).min()
        }
        match kind {
            NameKind::Sender => first(&self.config.senders),
            NameKind::Channel => first(&self.config.channels),
            NameKind::Webhook => first(&self.config.webhooks),
            _ => first(&self.config.teams),
        }
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
