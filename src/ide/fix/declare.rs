//! Names that nothing declares: a declaration, or one of the names that there are.

use super::{Offer, TextChange, label};
use crate::finding::{Code, Finding};
use crate::ide::{Analysis, NameKind, Occurrence, Role};
use crate::language::syntax::tree::Declaration;
use crate::source::Span;

/// How many other names are offered in the place of one that is not there.
const OTHERS_MAX: usize = 5;

impl Analysis {
    /// What can be done about a name that nothing declares.
    pub(super) fn missing_names(&self, finding: &Finding) -> Vec<Offer> {
        let at = |name: &&Occurrence| match finding.code {
            Code::E402 => finding.span.contains(name.span),
            _ => finding.span == name.span,
        };
        let missing = self.names_in(finding.span.source).iter().filter(|name| name.role == Role::Missing);
        let missing: Vec<&Occurrence> = missing.filter(at).collect();
        let mut offers: Vec<Offer> = self.quoted(finding).into_iter().collect();
        for name in &missing {
            offers.extend(self.in_settings(name.kind, &name.name).or_else(|| self.declaration(name)));
        }
        if let (None, [name]) = (&finding.edit, missing.as_slice()) {
            offers.extend(self.others(name));
        }
        if finding.code == Code::E402 && finding.edit.is_none() && missing.is_empty() {
            offers.extend(self.field_for_template(finding.span));
        }
        offers
    }

    /// `== Anna`: quotes around a word that a field is compared with.
    fn quoted(&self, finding: &Finding) -> Option<Offer> {
        const SIGNS: [&str; 5] = ["==", "!=", " contains", " starts with", " ends with"];
        let line = self.line(finding.span);
        let before = self.files.sources.text(Span { end: finding.span.start, ..line }).trim_end();
        let is_compared = SIGNS.iter().any(|sign| before.ends_with(sign));
        let asked = finding.code == Code::E101 && finding.edit.is_none() && is_compared;
        let text = format!("\"{}\"", Some(self.files.sources.text(finding.span)).filter(|_| asked)?);
        let title = format!("Write `{text}`");
        Some(Offer::new(title, [TextChange { span: finding.span, text }]).preferred())
    }

    /// The names that could stand in the place of one that is not there, where they are few.
    fn others(&self, missing: &Occurrence) -> Vec<Offer> {
        let owner = self.owner_of(missing);
        let is_other = |name: &&Occurrence| {
            name.kind == missing.kind && name.role == Role::Declaration && name.owner.as_deref() == owner
        };
        let mut names: Vec<&str> =
            self.occurrences.iter().filter(is_other).map(|name| name.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() > OTHERS_MAX {
            return Vec::new();
        }
        let write = |name: &&str| {
            let change = TextChange { span: missing.span, text: (*name).to_owned() };
            Offer::new(format!("Write `{name}`"), [change])
        };
        names.iter().map(write).collect()
    }

    /// `{{ first_name }}` for a field of the contact that nothing declares either.
    fn field_for_template(&self, place: Span) -> Option<Offer> {
        let name = self.files.sources.text(place);
        if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            return None;
        }
        let field = Occurrence {
            span: place,
            kind: NameKind::ContactField,
            name: name.to_owned(),
            owner: None,
            role: Role::Missing,
        };
        let mut offer = self.declaration(&field)?;
        offer.changes.push(TextChange { span: place.at_start(), text: "contact.".to_owned() });
        Some(Offer { title: format!("{}, and write `contact.{name}`", offer.title), ..offer })
    }

    /// The declaration of a name that nothing declares.
    pub(super) fn declaration(&self, missing: &Occurrence) -> Option<Offer> {
        if self.declarations_of(missing).next().is_some() {
            return None;
        }
        let name = &missing.name;
        let here = missing.span;
        let beside = |text: &str| Some(self.beside(here, missing.kind, text));
        let change = match missing.kind {
            NameKind::Event => beside(&format!("event {name} {{ }}")),
            NameKind::Topic => beside(&format!("topic {name} \"{}\"", label(name))),
            NameKind::Segment => beside(&format!("segment {name} = contact.email is set")),
            NameKind::Message => beside(&self.new_email(name)),
            NameKind::Survey => {
                beside(&format!("survey {name} \"How likely are you to recommend us?\" {{ scale 0 to 10 }}"))
            }
            NameKind::Stage => {
                let journey = self.journey_around(here)?;
                self.last_in(journey.span, &format!("stage {name} {{\n    end\n  }}"))
            }
            NameKind::ContactField => {
                let field = format!("{name} {}", self.used_as(missing));
                let contact = self.block_of(|declaration| match declaration {
                    Declaration::Contact(fields) => Some(fields.span),
                    _ => None,
                });
                match contact {
                    Some(block) => self.last_in(block, &field),
                    None => beside(&format!("contact {{ {field} }}")),
                }
            }
            NameKind::EventField => {
                let owner = missing.owner.as_deref()?;
                let event = self.block_of(|declaration| match declaration {
                    Declaration::Event(event) if event.name.value == owner => Some(event.fields.span),
                    _ => None,
                })?;
                self.last_in(event, &format!("{name} {}", self.used_as(missing)))
            }
            _ => None,
        };
        let title = match (&missing.owner, missing.kind) {
            (Some(event), NameKind::EventField) => format!("Declare the field `{name}` of `{event}`"),
            _ => format!("Declare the {} `{name}`", missing.kind.noun()),
        };
        Some(Offer::new(title, [change?]))
    }

    fn new_email(&self, name: &str) -> String {
        let from = self.first_sender();
        format!(
            "email {name} {{\n  from    {from}\n  subject \"{}\"\n  body    \"\"\"\n    Hello!\n\n    {{{{ unsubscribe_url }}}}\n    \"\"\"\n}}",
            label(name)
        )
    }

    /// A declaration that nothing uses goes.
    pub(super) fn unused(&self, finding: &Finding) -> Option<Offer> {
        let declarations = &self.tree(finding.span.source)?.parsed.file.declarations;
        let name = |declaration: &Declaration| match declaration {
            Declaration::Event(event) => Some(event.name.span),
            Declaration::Topic(topic) => Some(topic.name.span),
            Declaration::Measure(definition) | Declaration::Segment(definition) => Some(definition.name.span),
            Declaration::Survey(survey) => Some(survey.name.span),
            Declaration::Message(message) => Some(message.name.span),
            _ => None,
        };
        let declaration = declarations.iter().find(|known| name(known) == Some(finding.span))?;
        // Of two with one name it is not known which is too much.
        let twice = |name: &&Occurrence| self.declarations_of(name).nth(1).is_some();
        if self
            .names_in(finding.span.source)
            .iter()
            .filter(|name| name.span == finding.span)
            .any(|name| twice(&name))
        {
            return None;
        }
        let title = format!("Take `{}` away", self.files.sources.text(finding.span));
        Some(Offer::new(title, [self.gone(declaration.span())]))
    }
}
