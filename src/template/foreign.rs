//! Placeholders as other tools write them. Here they are text, so recipients would read them as they stand.

use std::ops::Range;

use super::Part;
use super::masked::Masked;

/// What looks like a placeholder of another tool, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The text that it is in.
    pub part: Part,
    /// The bytes of that text.
    pub range: Range<usize>,
    /// The name that stands between its signs: `contact.first_name`, `FNAME`.
    pub name: String,
    /// What stands behind the name and a `|`.
    pub fallback: Option<String>,
    /// How sure it is that it is one.
    pub sure: Sure,
}

/// How sure it is that something is a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sure {
    /// Texts have such brackets, so it is one only if its name looks like one: `[FIRST_NAME]`.
    Hardly,
    /// It is one if it names something that there is: `{first_name}`.
    Nearly,
    /// Nobody writes so in a text: `*|FNAME|*`.
    Quite,
}

/// How placeholders begin and end, longer signs first.
const SIGNS: [(&str, &str, Sure); 9] = [
    ("*|", "|*", Sure::Quite),
    ("%%", "%%", Sure::Quite),
    ("${", "}", Sure::Nearly),
    ("#{", "}", Sure::Nearly),
    ("%{", "}", Sure::Nearly),
    ("[[", "]]", Sure::Nearly),
    ("{", "}", Sure::Nearly),
    ("%", "%", Sure::Nearly),
    ("[", "]", Sure::Hardly),
];
/// Elements whose text nobody reads.
const UNREAD: [&str; 3] = ["style", "mj-style", "script"];
/// The longest placeholder that is looked for, in bytes.
const BYTES_MAX: usize = 80;

/// Finds what looks like a placeholder in the text between those that are some.
pub(super) fn find(masked: &Masked) -> Vec<Foreign> {
    let text = masked.text.as_str();
    let mut found: Vec<Foreign> = Vec::new();
    let (mut behind, mut unread) = (0, false);
    for (at, _) in text.match_indices(['<', '*', '%', '$', '#', '{', '[']) {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(tag) = rest.strip_prefix('<') {
            let name = tag.trim_start_matches('/');
            let is = |unread: &&str| {
                name.get(..unread.len()).is_some_and(|name| name.eq_ignore_ascii_case(unread))
            };
            if UNREAD.iter().any(is) {
                unread = !tag.starts_with('/');
            }
        }
        if unread || at < behind {
            continue;
        }
        if let Some((length, foreign)) = SIGNS.iter().find_map(|sign| read(rest, *sign)) {
            behind = at + length;
            let (part, range) = masked.locate(&(at..behind));
            found.push(Foreign { part, range, ..foreign });
        }
    }
    found
}

/// Reads a placeholder that begins there: its length, and what it is.
fn read(rest: &str, (open, close, sure): (&str, &str, Sure)) -> Option<(usize, Foreign)> {
    let inside = rest.strip_prefix(open)?;
    let reach = (0..=inside.len().min(BYTES_MAX)).rev().find(|end| inside.is_char_boundary(*end))?;
    let inside = inside.get(..reach)?;
    let inside = inside.get(..inside.find(close)?)?;
    let (name, fallback) = match inside.split_once('|') {
        Some((name, fallback)) => (name, Some(fallback.trim().to_owned())),
        None => (inside, None),
    };
    // Between two `%` there is no blank: `10% off and 20%`.
    let has_blanks = open == "%" && name.contains(char::is_whitespace);
    if has_blanks || !(is_name(name.trim()) || sure == Sure::Quite && !name.contains(['\n', '<'])) {
        return None;
    }
    let foreign = Foreign { part: Part::Body, range: 0..0, name: name.trim().to_owned(), fallback, sure };
    Some((open.len() + inside.len() + close.len(), foreign))
}

/// Whether something could be the name of a field: up to three words, with steps.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.- ".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(fits)
        && name.matches(' ').count() < 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{MessageSource, TemplateKind, compile};

    fn names(kind: Option<TemplateKind>, text: &str) -> Vec<(String, String)> {
        let body = kind.map(|kind| (kind, text));
        let source =
            MessageSource { body, text: Some(text).filter(|_| kind.is_none()), ..MessageSource::default() };
        let compiled = compile(&source, &|_| None).expect(text);
        let told = |foreign: &Foreign| (text[foreign.range.clone()].to_owned(), foreign.name.clone());
        compiled.foreign.iter().map(told).collect()
    }

    #[test]
    fn placeholders_of_other_tools_are_seen() {
        for (text, name) in [
            ("{ contact.first_name }", "contact.first_name"),
            ("{first_name}", "first_name"),
            ("{first_name|there}", "first_name"),
            ("${contact.first_name}", "contact.first_name"),
            ("%first_name%", "first_name"),
            ("%%FirstName%%", "FirstName"),
            ("*|FNAME|*", "FNAME"),
            ("*|IF:FNAME|*", "IF:FNAME"),
            ("[FIRST_NAME]", "FIRST_NAME"),
            ("[[First Name]]", "First Name"),
        ] {
            let whole = format!("Grüße {{{{ contact.a }}}} {text}, and {{{{ contact.b }}}}");
            assert_eq!(names(None, &whole), [(text.to_owned(), name.to_owned())]);
        }
    }

    #[test]
    fn what_is_no_placeholder_is_left_alone() {
        for text in [
            "10% off and 20% more",
            "{}",
            "{ 'a': 1 }",
            "{\"id\": 7}",
            "p { color: red; }",
            "[1]",
            "100 %",
            "5 * |x|",
            "{{ contact.a | default('{b}') }}",
            "[see our long list of all terms]",
        ] {
            assert_eq!(names(None, text), [], "{text}");
        }
        let styled = "<style>p { color: red } a{email}</style><p style=\"width:100%\">{email}</p>";
        assert_eq!(names(Some(TemplateKind::Html), styled), [("{email}".to_owned(), "email".to_owned())]);
    }
}
