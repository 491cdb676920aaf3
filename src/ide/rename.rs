use std::collections::BTreeSet;

use super::{Analysis, NameKind, Occurrence, Role, TextChange};
use crate::domain::{Contact, SystemEvent};
use crate::language::syntax;
use crate::language::syntax::tree::Declaration;
use crate::source::{SourceId, Span};

/// Why a name cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenameTrouble {
    /// No name stands there.
    #[error("there is no name here that could be changed")]
    NoName,
    /// The name is a file's.
    #[error("`{0}` is a file: rename the file, and the messages that name it")]
    File(String),
    /// Lotse brings it along, or nothing declares it.
    #[error("`{0}` is declared nowhere in this workspace, so it cannot be renamed")]
    Undeclared(String),
    /// The new name is a word of the language.
    #[error("`{0}` is a word of the language: choose another name")]
    Keyword(String),
    /// The new name is none.
    #[error("`{0}` is no name: names are small letters a to z, digits and `_`, a letter first")]
    NotAName(String),
    /// Something has the new name already.
    #[error("there is {} {noun} `{name}` already: choose another name", article(noun))]
    Taken {
        /// What it is.
        noun: &'static str,
        /// The new name.
        name: String,
    },
    /// It is written somewhere in another way than by its name.
    #[error("`{0}` is written otherwise in some place, and cannot be renamed there")]
    Otherwise(String),
}

/// Words that steer where a statement could begin: a name that is one of them misleads whoever reads it.
const STEERING: [&str; 4] = ["else", "on", "otherwise", "stage"];

/// What tells one thing with a name from all others.
type Thing<'a> = (NameKind, &'a str, Option<&'a str>);

fn thing(name: &Occurrence) -> Thing<'_> {
    (name.kind, &name.name, name.owner.as_deref())
}

impl Analysis {
    /// The name at a place, if it can be changed.
    ///
    /// # Errors
    /// When there is none, or it is not the workspace's own.
    pub fn renamable(&self, source: SourceId, offset: u32) -> Result<&Occurrence, RenameTrouble> {
        let names = self.names_at(source, offset);
        let first = names.first().ok_or(RenameTrouble::NoName)?;
        if first.kind == NameKind::Template {
            return Err(RenameTrouble::File(first.name.clone()));
        }
        let declared = names.iter().find(|name| self.declarations_of(name).next().is_some());
        declared.ok_or_else(|| RenameTrouble::Undeclared(first.name.clone()))
    }

    /// What to write in every place of the workspace so that what is named at a place has another name.
    ///
    /// An event goes on having the name on the wire that it had.
    ///
    /// # Errors
    /// When it cannot be renamed, or not to this.
    pub fn rename(
        &self,
        source: SourceId,
        offset: u32,
        new_name: &str,
    ) -> Result<Vec<TextChange>, RenameTrouble> {
        let old = self.renamable(source, offset)?;
        let is_tag = old.kind == NameKind::Tag;
        if !is_tag && (syntax::begins_statement(new_name) || STEERING.contains(&new_name)) {
            return Err(RenameTrouble::Keyword(new_name.to_owned()));
        }
        let fits = if is_tag { is_text(new_name) } else { is_name(new_name) };
        if !fits {
            return Err(RenameTrouble::NotAName(new_name.to_owned()));
        }
        if old.name == new_name {
            return Ok(Vec::new());
        }
        let things = self.named_together(old);
        for (kind, _, owner) in &things {
            if self.is_taken(*kind, new_name, *owner) {
                return Err(RenameTrouble::Taken { noun: kind.noun(), name: new_name.to_owned() });
            }
        }
        let mut places: BTreeSet<Span> = BTreeSet::new();
        let mut changes = Vec::new();
        for name in self.occurrences.iter().filter(|name| things.contains(&thing(name))) {
            if self.files.sources.text(name.span) != name.name {
                return Err(RenameTrouble::Otherwise(old.name.clone()));
            }
            if !places.insert(name.span) {
                continue;
            }
            let wire =
                name.role == Role::Declaration && name.kind == NameKind::Event && !self.has_wire(name.span);
            let wire = if wire { format!(" \"{}\"", name.name) } else { String::new() };
            changes.push(TextChange { span: name.span, text: format!("{new_name}{wire}") });
        }
        Ok(changes)
    }

    /// What has to have the same name: fields of different events are read by one word where both lead into a journey.
    fn named_together<'a>(&'a self, name: &'a Occurrence) -> BTreeSet<Thing<'a>> {
        let mut things = BTreeSet::from([thing(name)]);
        loop {
            let before = things.len();
            for chunk in self.occurrences.chunk_by(|a, b| a.span == b.span) {
                if chunk.iter().any(|name| things.contains(&thing(name))) {
                    things.extend(chunk.iter().map(thing));
                }
            }
            if things.len() == before {
                return things;
            }
        }
    }

    fn is_taken(&self, kind: NameKind, name: &str, owner: Option<&str>) -> bool {
        let brought_along = match kind {
            NameKind::Event => SystemEvent::from_name(name).is_some(),
            NameKind::ContactField => Contact::built_in_type(name).is_some(),
            NameKind::Channel => name == "email",
            _ => false,
        };
        let declared =
            |other: &Occurrence| other.role == Role::Declaration && thing(other) == (kind, name, owner);
        brought_along || self.occurrences.iter().any(declared)
    }

    /// Whether the event whose name stands there says what it is called on the wire.
    fn has_wire(&self, name: Span) -> bool {
        let declarations = self.tree(name.source).map_or(&[][..], |tree| &tree.parsed.file.declarations);
        declarations.iter().any(|declaration| match declaration {
            Declaration::Event(event) => event.name.span == name && event.wire.is_some(),
            _ => false,
        })
    }
}

/// Which article a kind of name has.
pub(super) fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Whether a text can stand in quotes as it is.
fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(['"', '\\']) && !text.contains(char::is_control)
}

/// Whether the language takes a text as a name, wherever names stand.
fn is_name(text: &str) -> bool {
    let reads = |around: [&str; 2]| {
        let parsed = syntax::parse(SourceId::default(), &around.join(text));
        parsed.findings.is_empty() && parsed.file.declarations.len() == 1
    };
    let plain = text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    plain && reads(["topic ", " \"x\""]) && reads(["segment x = in segment ", ""])
}

#[cfg(test)]
mod tests {
    use super::RenameTrouble;
    use crate::ide::testing::shop_with;

    #[test]
    fn a_word_of_the_language_is_no_name() {
        let text = "journey more {\n  enter by request\n  stage ¦first { end }\n}\n";
        let (analysis, at) = shop_with("more.journey", text);
        let source = analysis.source("more.journey").unwrap();
        let rename = |name: &str| analysis.rename(source, u32::try_from(at).unwrap(), name);
        for word in ["end", "send", "otherwise"] {
            assert_eq!(rename(word), Err(RenameTrouble::Keyword(word.to_owned())));
        }
        assert_eq!(rename("last_call").unwrap().len(), 1);
        let capital = rename("Last_call").unwrap_err();
        assert_eq!(capital, RenameTrouble::NotAName("Last_call".to_owned()));
        assert!(capital.to_string().contains("small letters"), "{capital}");
        let taken = RenameTrouble::Taken { noun: "event", name: "signup".to_owned() };
        assert_eq!(taken.to_string(), "there is an event `signup` already: choose another name");
    }
}
