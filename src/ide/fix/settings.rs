//! What journeys name and a `lotse.yaml` would declare, where there is none yet.

use std::collections::BTreeSet;

use super::NewFile;
use crate::finding::words;
use crate::ide::names::Section;
use crate::ide::{Analysis, NameKind, Occurrence};
use crate::source::{CONFIG_FILE, SourceId, Span};

/// What is left unsaid of a file, because there is no `lotse.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsaid {
    /// The name of its first journey, or where it has none, the first name that is meant.
    pub span: Span,
    /// What is unsaid.
    pub message: String,
}

impl Analysis {
    /// What nobody can say of a file of journeys before there is a `lotse.yaml`: whether the senders, webhooks, teams and
    /// channels are there that it names. It is no finding: who has journeys alone has made no mistake yet.
    pub fn unsaid(&self, source: SourceId) -> Option<Unsaid> {
        if self.files.config.is_some() {
            return None;
        }
        let own = outside(self.names_in(source));
        let first = self.names_in(source).iter().find(|name| is_outside(name.kind, &name.name))?;
        let journey =
            self.symbols(source).into_iter().find(|symbol| symbol.kind == crate::ide::SymbolKind::Journey);
        Some(Unsaid {
            span: journey.map_or(first.span, |journey| journey.name_span),
            message: format!(
                "there is no {CONFIG_FILE} in this folder: it would say who or what is meant by {}",
                all_of(&own)
            ),
        })
    }

    /// The `lotse.yaml` with all that the journeys of the workspace name, and what making it does, in a few words.
    pub fn settings_to_make(&self) -> (String, NewFile) {
        let all = outside(&self.occurrences);
        let mut text = String::new();
        let mut last = None;
        for (kind, name) in &all {
            let Some(section) = Section::of(*kind) else { continue };
            if last.replace(*kind) != Some(*kind) {
                text.push_str(&format!("{}:\n", section.key));
            }
            text.push_str(&format!("  {name}:\n    {}\n", self.entry_of(*kind, name)));
        }
        (format!("Make {CONFIG_FILE}, with {}", all_of(&all)), NewFile { path: CONFIG_FILE.to_owned(), text })
    }
}

/// What names mean that `lotse.yaml` declares, section by section.
fn outside(names: &[Occurrence]) -> BTreeSet<(NameKind, &str)> {
    let outside = names.iter().filter(|name| is_outside(name.kind, &name.name));
    outside.map(|name| (name.kind, name.name.as_str())).collect()
}

fn all_of(names: &BTreeSet<(NameKind, &str)>) -> String {
    let names: Vec<&str> = names.iter().map(|(_, name)| *name).collect();
    words::all_of_ticked(&names)
}

fn is_outside(kind: NameKind, name: &str) -> bool {
    Section::of(kind).is_some() && !(kind == NameKind::Channel && name == "email")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::testing::{RECEIPT, SHOP};
    use crate::source::WorkspaceFiles;

    #[test]
    fn what_journeys_name_is_declared_in_the_file_that_is_made() {
        let texts = [("emails/receipt.mjml", RECEIPT), ("shop.journey", SHOP)];
        let analysis = Analysis::of(WorkspaceFiles::from_texts(texts));
        let source = analysis.source("shop.journey").unwrap();
        let before = analysis.findings.clone();
        let unsaid = analysis.unsaid(source).unwrap();
        assert_eq!(analysis.files.sources.text(unsaid.span), "greeting");
        assert_eq!(
            unsaid.message,
            "there is no lotse.yaml in this folder: it would say who or what is meant by `marketing` and `sms`"
        );
        let (title, made) = analysis.settings_to_make();
        assert_eq!(title, "Make lotse.yaml, with `marketing` and `sms`");
        let texts = texts.into_iter().chain([(CONFIG_FILE, made.text.as_str())]);
        let after = Analysis::of(WorkspaceFiles::from_texts(texts));
        let told = |analysis: &Analysis| -> Vec<String> {
            analysis.findings.iter().map(|finding| finding.message.clone()).collect()
        };
        let before: Vec<String> = before.into_iter().map(|finding| finding.message).collect();
        assert_eq!(told(&after), before, "{}", made.text);
        assert_eq!(after.unsaid(after.source("shop.journey").unwrap()), None);
    }
}
