use std::cell::RefCell;

use super::Checker;
use super::names::NameKind;
use crate::language::syntax::tree;
use crate::source::{SourceId, Span};

/// One place where a name stands that the check resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// The name alone, without quotes or the word before a dot.
    pub span: Span,
    /// What it names.
    pub kind: NameKind,
    /// The name.
    pub name: String,
    /// What it is a name inside of: the journey of a stage, a goal, an experiment or an outcome, the experiment of a
    /// variant (`JOURNEY.EXPERIMENT`), the event of a field, the message of a value that is handed over to it, or `call WEBHOOK` and `hand off to TEAM`.
    /// `None` for
    /// names of the whole workspace.
    pub owner: Option<String>,
    /// Whether it is declared here.
    pub role: Role,
}

impl Occurrence {
    /// Whether both stand for the same thing.
    pub fn is_same(&self, other: &Occurrence) -> bool {
        (self.kind, &self.name, &self.owner) == (other.kind, &other.name, &other.owner)
    }
}

/// What a name does where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It is declared here.
    Declaration,
    /// It is used here.
    Use,
    /// It is used here, and nothing declares it.
    Missing,
}

/// Takes down where names stand, for whoever wants to know it.
#[derive(Default)]
pub(super) struct Register {
    taken: Option<RefCell<Vec<Occurrence>>>,
    /// The only file of which it is done.
    only: Option<SourceId>,
}

impl Register {
    /// One that takes everything down.
    pub(super) fn open() -> Self {
        Self { taken: Some(RefCell::default()), only: None }
    }

    /// One that takes down what stands in a file.
    pub(super) fn of_file(source: SourceId) -> Self {
        Self { only: Some(source), ..Self::open() }
    }

    /// Whether it takes anything down.
    pub(super) fn is_open(&self) -> bool {
        self.taken.is_some()
    }

    /// What was taken down, in the order of the text, each place once.
    pub(super) fn into_occurrences(self) -> Vec<Occurrence> {
        let mut occurrences = self.taken.map(RefCell::into_inner).unwrap_or_default();
        occurrences.sort_unstable();
        occurrences.dedup();
        occurrences
    }
}

impl Checker<'_> {
    fn take_down(&self, span: Span, kind: NameKind, name: &str, owner: Option<&str>, role: Role) {
        let is_wanted = self.register.only.is_none_or(|only| span.source == only);
        if let Some(register) = self.register.taken.as_ref().filter(|_| is_wanted) {
            let (name, owner) = (name.to_owned(), owner.map(str::to_owned));
            register.borrow_mut().push(Occurrence { span, kind, name, owner, role });
        }
    }

    /// Takes down that a name is declared here.
    pub(super) fn declared_here(&self, kind: NameKind, name: &tree::Name, owner: Option<&str>) {
        self.take_down(name.span, kind, &name.value, owner, Role::Declaration);
    }

    /// Takes down that a name is used here.
    pub(super) fn used_here(&self, kind: NameKind, name: &tree::Name, owner: Option<&str>) {
        self.take_down(name.span, kind, &name.value, owner, Role::Use);
    }

    /// Takes down that a name stands here which nothing declares.
    pub(super) fn missing_here(&self, kind: NameKind, name: &tree::Name, owner: Option<&str>) {
        self.take_down(name.span, kind, &name.value, owner, Role::Missing);
    }

    /// A name where it stands last within a stretch of text, as a word of its own.
    pub(super) fn word_within(&self, span: Span, name: &str) -> Option<tree::Name> {
        let text = self.files.sources.text(span);
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        let (at, _) = text.rmatch_indices(name).find(|(at, _)| {
            let (before, behind) = (text.get(..*at), text.get(at + name.len()..));
            !before.is_some_and(|text| text.ends_with(in_word))
                && !behind.is_some_and(|text| text.starts_with(in_word))
        })?;
        let start = span.start as usize + at;
        Some(tree::Name::new(name.to_owned(), Span::new(span.source, start, start + name.len())))
    }

    /// A place with the word before it, where it is that word and one blank is between them.
    pub(super) fn with_word_before(&self, span: Span, word: &str) -> Option<Span> {
        let length = u32::try_from(word.len() + 1).ok()?;
        let both = Span { start: span.start.checked_sub(length)?, ..span };
        let text = self.files.sources.text(both);
        text.strip_prefix(word).is_some_and(|behind| behind.starts_with(' ')).then_some(both)
    }

    /// The same, for a name that stands in quotes; one that is written with escapes is passed over.
    pub(super) fn used_in_text(&self, kind: NameKind, name: &str, text: Span) {
        self.named_in_text(kind, name, text, Role::Use);
    }

    /// Takes down a tag; where it is put on, it is declared.
    pub(super) fn tag_here(&self, tag: &tree::Text, role: Role) {
        self.named_in_text(NameKind::Tag, &tag.value, tag.span, role);
    }

    fn named_in_text(&self, kind: NameKind, name: &str, text: Span, role: Role) {
        let inside =
            Span { start: text.start + 1, end: text.end.saturating_sub(1).max(text.start + 1), ..text };
        if !name.is_empty() && self.files.sources.text(inside) == name {
            self.take_down(inside, kind, name, None, role);
        }
    }
}
