//! `send welcome`, `expect welcome`: a name that stands where the kind of what it names was left out.

use super::{Offer, TextChange};
use crate::finding::Finding;
use crate::ide::{Analysis, NameKind, Role};
use crate::language::syntax::tree::{Declaration, Test};
use crate::source::Span;

impl Analysis {
    /// The word that is missing before a name, by what the name is declared as.
    pub(super) fn named_alone(&self, finding: &Finding) -> Vec<Offer> {
        let keyword = self.files.sources.text(finding.span);
        if !matches!(keyword, "send" | "expect") || finding.edit.is_some() {
            return Vec::new();
        }
        let text = &self.files.sources.get(finding.span.source).text;
        let line = text.get(finding.span.end as usize..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let mut words = line.split([' ', '\t', '}']).filter(|word| !word.is_empty());
        let Some(name) = words.next().filter(|_| words.next().is_none_or(|next| next.starts_with('#')))
        else {
            return Vec::new();
        };
        let declared = self.occurrences.iter().filter(|other| other.role == Role::Declaration);
        let mut kinds: Vec<&str> = declared
            .filter(|other| other.name == name)
            .filter_map(|other| match (other.kind, keyword) {
                (NameKind::Message, _) => {
                    self.checked.model.message(name).map(|message| message.channel.as_str())
                }
                (NameKind::Stage, "expect") => Some("stage"),
                (NameKind::Goal, "expect") => Some("goal"),
                (NameKind::Outcome, "expect") => Some("outcome"),
                _ => None,
            })
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let only = kinds.len() == 1;
        let offer = |kind: &str| {
            let change = TextChange { span: finding.span.at_end(), text: format!(" {kind}") };
            Offer { preferred: only, ..Offer::new(format!("Write `{keyword} {kind} {name}`"), [change]) }
        };
        kinds.into_iter().map(offer).collect()
    }

    pub(super) fn test_around(&self, place: Span) -> Option<&Test> {
        self.tree(place.source)?.parsed.file.declarations.iter().find_map(|declaration| match declaration {
            Declaration::Test(test) if test.span.contains(place) => Some(test),
            _ => None,
        })
    }
}
