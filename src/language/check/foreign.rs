use super::Checker;
use super::template::address_meant;
use crate::domain::{Contact, ValueType};
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::source::Span;
use crate::template::{Foreign, Sure, vocabulary};

/// Names that fields have in other tools, letters alone, and what they are called in most workspaces.
const KNOWN: [(&str, &str); 14] = [
    ("fname", "first_name"),
    ("firstname", "first_name"),
    ("givenname", "first_name"),
    ("vorname", "first_name"),
    ("name", "first_name"),
    ("fullname", "first_name"),
    ("lname", "last_name"),
    ("lastname", "last_name"),
    ("surname", "last_name"),
    ("familyname", "last_name"),
    ("nachname", "last_name"),
    ("mail", "email"),
    ("emailaddress", "email"),
    ("mobile", "phone"),
];
/// What is written for a name that is not set.
const FALLBACK: &str = "there";

impl Checker<'_> {
    /// Says of what looks like a placeholder of another tool what to write, where it is sure to be meant as one.
    pub(super) fn foreign(&self, foreign: &Foreign, span: Span) {
        let written = self.files.sources.text(span);
        let message = format!("`{written}` is sent as it stands");
        let finding = Finding::new(Code::W608, span, message);
        let write = self.placeholder_meant(foreign);
        let is_owned = foreign.name.starts_with("contact.") || foreign.name.starts_with("entry.");
        self.report(match (write, wanted(foreign)) {
            (Some(write), _) => finding.help(format!("write `{write}`")).edit(span, write),
            (None, Some(field)) => finding.help(format!(
                "declare `contact {{ {field} text }}` and write `{{{{ contact.{field} }}}}`, which is filled in"
            )),
            (None, None) if is_owned || foreign.sure == Sure::Quite => {
                finding.help("what is filled in stands in two braces, such as `{{ contact.first_name }}`")
            }
            _ => return,
        });
    }

    /// The placeholder that is meant, where what it names is known.
    pub(super) fn placeholder_meant(&self, foreign: &Foreign) -> Option<String> {
        let (owner, name) = foreign.name.rsplit_once('.').unwrap_or(("", &foreign.name));
        if !looks_like_one(foreign) {
            return None;
        }
        let letters = letters(name);
        let words = name.to_lowercase().replace([' ', '-'], "_");
        if let Some(address) =
            address_meant(&words).or_else(|| address_meant(letters.trim_end_matches("link")))
        {
            return Some(format!("{{{{ {address} }}}}"));
        }
        if owner == "entry" {
            return Some(format!("{{{{ {} }}}}", foreign.name));
        }
        let mut declared = self
            .names
            .contact
            .iter()
            .map(|field| (field.name.as_str(), field.of == ValueType::Text && field.default.is_none()));
        let built_in = || Contact::BUILT_IN.into_iter().map(|name| (name, false));
        let called = |wanted: &str| {
            declared.clone().chain(built_in()).find(|(field, _)| self::letters(field) == wanted)
        };
        let known = KNOWN.iter().find(|(known, _)| *known == letters).map(|(_, field)| *field);
        let near = || {
            let names = declared.clone().map(|(name, _)| name).chain(Contact::BUILT_IN);
            words::near(name, names).filter(|_| owner == "contact")
        };
        let found = called(&letters).or_else(|| called(&self::letters(known?)));
        let (field, may_be_missing) = match found {
            Some(found) => found,
            None => {
                let near = near()?;
                declared.find(|(name, _)| *name == near).unwrap_or((near, false))
            }
        };
        let fallback = match &foreign.fallback {
            Some(filter) if is_filter(filter) => format!(" | {filter}"),
            Some(text) if is_plain(text) => format!(" | default('{text}')"),
            _ if may_be_missing && field.contains("name") => format!(" | default('{FALLBACK}')"),
            _ => String::new(),
        };
        Some(format!("{{{{ contact.{field}{fallback} }}}}"))
    }
}

/// Whether brackets hold a name that nobody writes into them: `[FIRST_NAME]`, and not `[VIP]`.
fn looks_like_one(foreign: &Foreign) -> bool {
    let name = &foreign.name;
    let shouts = !name.contains(|c: char| c.is_lowercase());
    let is_one = name.contains('_') || shouts && KNOWN.iter().any(|(known, _)| *known == letters(name));
    foreign.sure > Sure::Hardly || is_one
}

/// The field that other tools mean by such a name.
fn wanted(foreign: &Foreign) -> Option<&'static str> {
    let letters = letters(foreign.name.rsplit('.').next().unwrap_or(""));
    KNOWN.iter().find(|(known, _)| looks_like_one(foreign) && *known == letters).map(|(_, field)| *field)
}

/// A name without its capitals, blanks and signs.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether it is a filter as templates here have them.
fn is_filter(text: &str) -> bool {
    let name = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or("");
    vocabulary::filters().any(|known| known.name == name) && !text.contains('"')
}

/// Whether it can stand in quotes as it is.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || " -.!".contains(c))
}
