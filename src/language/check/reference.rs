use super::Checker;
use super::expression::{Around, OnBranch, Typed};
use super::names::NameKind;
use crate::domain::Contact;
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::syntax::tree;
use crate::source::Span;

impl Checker<'_> {
    /// A bare word in an expression: a measure, or most often something that is written otherwise.
    pub(super) fn reference(&self, name: &str, span: Span, around: &Around<'_>) -> Typed {
        if self.names.measures.contains_key(name) {
            self.uses(NameKind::Measure, name);
            self.used_here(NameKind::Measure, &tree::Name::new(name.to_owned(), span), None);
            return self.definition(NameKind::Measure, name, span);
        }
        let measures: Vec<&str> = self.names.measures.keys().map(String::as_str).collect();
        if self.may_guess(measures.len()) && words::near(name, measures.iter().copied()).is_some() {
            let name = tree::Name::new(name.to_owned(), span);
            self.unknown(Code::E101, NameKind::Measure, &name, measures.iter().copied());
            return Typed::unknown();
        }
        let finding = Finding::new(Code::E101, span, format!("nothing is called `{name}`"));
        self.report(match self.written_otherwise(name, around) {
            Some((what, write)) => finding.help(format!("{what} `{write}`")).edit(span, write),
            None => finding.maybe_help(self.meant_by(name)),
        });
        Typed::unknown()
    }

    /// What a word is called in full: what to say of it, and what to write.
    fn written_otherwise(&self, name: &str, around: &Around<'_>) -> Option<(&'static str, String)> {
        match name.to_lowercase().as_str() {
            "true" | "yes" | "ja" | "on" => return Some(("what is so is written", "true".to_owned())),
            "false" | "no" | "nein" | "off" => {
                return Some(("what is not so is written", "false".to_owned()));
            }
            _ => {}
        }
        if let Some((OnBranch::Event(event), _)) =
            around.innermost(|branch| matches!(branch, OnBranch::Event(_)))
            && event.fields.iter().any(|field| field.name == name)
        {
            return Some(("a field of the event is written", format!("event.{name}")));
        }
        let mut fields = self.names.contact.iter().map(|field| field.name.as_str()).chain(Contact::BUILT_IN);
        if fields.any(|field| field == name) {
            return Some(("an attribute of the contact is written", format!("contact.{name}")));
        }
        let entry = around.entry.is_some_and(|entry| {
            entry.events.iter().flat_map(|event| &event.fields).any(|field| field.name == name)
        });
        if entry {
            return Some(("a field of the event that led in is written", format!("entry.{name}")));
        }
        let segment = self.names.segments.contains_key(name);
        segment.then(|| ("whether a contact is in a segment is asked with", format!("in segment {name}")))
    }

    /// What else a word may mean.
    fn meant_by(&self, name: &str) -> Option<String> {
        Some(if ["null", "nil", "none", "empty", "undefined"].contains(&name.to_lowercase().as_str()) {
            "whether a value is there is asked with `is set` and `is not set`".to_owned()
        } else if self.names.events.contains_key(name)
            || crate::domain::SystemEvent::from_name(name).is_some()
        {
            format!("`{name}` is an event, and an event is no condition: it stands behind `on`")
        } else if self.names.messages.contains_key(name) {
            format!("whether somebody clicked a message is asked with `clicked({name})`")
        } else {
            format!("a text stands in quotes: `\"{name}\"`")
        })
    }

    /// Says so where `wait until` stands before a day or an hour by its name; tells whether it did.
    pub(super) fn until_word(&self, value: &tree::Expression, at: Option<crate::time::ClockTime>) -> bool {
        use crate::time::{ClockTime, Weekday};
        let tree::ExpressionKind::Reference(word) = &value.kind else { return false };
        if self.names.measures.contains_key(word) {
            return false;
        }
        let lower = word.to_lowercase();
        let time = at.or(ClockTime::new(9, 0)).unwrap_or(ClockTime::MIDNIGHT);
        let (message, write) = match lower.as_str() {
            "tomorrow" => ("`tomorrow` is written as a sum", format!("today + 1 day at {time}")),
            "noon" | "midday" => ("a time of day is written as on a clock", "12:00".to_owned()),
            "midnight" => ("a time of day is written as on a clock", "00:00".to_owned()),
            _ if Weekday::from_word(&lower).is_some() => {
                ("a day has its time right behind it", format!("{lower} {time}"))
            }
            _ => return false,
        };
        let finding =
            Finding::new(Code::E001, value.span, message).help(format!("write `wait until {write}`"));
        self.report(match at {
            Some(_) => finding,
            None => finding.edit(value.span, write),
        });
        true
    }
}
