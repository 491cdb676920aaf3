use std::collections::BTreeSet;

use super::Analysis;
use crate::language::check::stands_once;
use crate::language::syntax::tree::{Clause, Declaration};
use crate::source::{SourceId, Span};

/// The words of what can stand once around a place, and stands there already: `owner` in a journey, `topic` in a message,
/// `contact` and `policy` in a workspace.
pub(super) struct Taken(BTreeSet<String>);

impl Taken {
    pub(super) fn around(analysis: &Analysis, source: SourceId, offset: usize) -> Self {
        let touches = |span: Span| {
            let range = span.range();
            span.source == source && range.start <= offset && offset <= range.end
        };
        let mut words = BTreeSet::new();
        for declaration in analysis.trees.iter().flat_map(|tree| &tree.parsed.file.declarations) {
            match declaration {
                Declaration::Contact(fields) if !touches(with_word(analysis, fields.span, "contact")) => {
                    words.insert("contact".to_owned())
                }
                Declaration::Policy(_) if !touches(declaration.span()) => words.insert("policy".to_owned()),
                _ => false,
            };
        }
        // A block that is not closed ends before the blanks in which its author is.
        let declarations = analysis.tree(source).map_or(&[][..], |tree| &tree.parsed.file.declarations);
        let around = declarations.iter().rfind(|declaration| declaration.span().range().start < offset);
        let mut clauses = |clauses: &[Clause]| {
            let others = clauses.iter().filter(|clause| !touches(clause.span));
            words.extend(others.filter_map(|clause| stands_once(&clause.kind)).map(str::to_owned));
        };
        match around {
            Some(Declaration::Journey(journey)) => clauses(&journey.clauses),
            Some(Declaration::Policy(policy)) => clauses(&policy.rules),
            Some(Declaration::Message(message)) => {
                let settings = message.body.settings.iter().filter(|setting| !touches(setting.key.span));
                words.extend(settings.map(|setting| setting.key.value.clone()));
            }
            _ => {}
        }
        Self(words)
    }

    /// For places of which nothing is known.
    pub(super) fn nothing() -> Self {
        Self(BTreeSet::new())
    }

    /// Whether what begins with these words stands there already.
    pub(super) fn has(&self, words: &str) -> bool {
        self.0.contains(words)
    }
}

/// A block with the word before it.
fn with_word(analysis: &Analysis, block: Span, word: &str) -> Span {
    let text = &analysis.files.sources.get(block.source).text;
    let before = text.get(..block.range().start).unwrap_or("").trim_end();
    let start = before.strip_suffix(word).unwrap_or(before).len();
    Span::new(block.source, start, block.range().end)
}
