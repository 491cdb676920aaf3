use super::Checker;
use super::journey::InJourney;
use super::names::NameKind;
use crate::domain::Contact;
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::StatementKind;
use crate::language::syntax::{place_in_text, tree};
use crate::source::Span;
use crate::template::{CompiledMessage, MessageSource, Variable, compile};

impl Checker<'_> {
    /// `alert TEAM "text"`: the team is one of `lotse.yaml`, and the text asks for nothing that is not there.
    pub(super) fn alert(
        &self,
        team: &tree::Name,
        text: &tree::Text,
        inside: &InJourney<'_>,
    ) -> Option<StatementKind> {
        let known = self.outside(Code::E101, NameKind::Team, team);
        let text = self.alert_text(text, inside)?;
        known.then(|| StatementKind::Alert { team: team.value.clone(), text: Box::new(text) })
    }

    fn alert_text(&self, text: &tree::Text, inside: &InJourney<'_>) -> Option<CompiledMessage> {
        if text.value.trim().is_empty() {
            self.report(
                Finding::new(Code::E401, text.span, "this alert says nothing")
                    .help("write what the team should know"),
            );
            return None;
        }
        let place = |range| place_in_text(self.files.sources.text(text.span), text.span, range);
        let source = MessageSource { text: Some(&text.value), ..MessageSource::default() };
        let compiled = match compile(&source, &|_| None) {
            Ok(compiled) => compiled,
            Err(problems) => {
                for problem in problems {
                    let span = if problem.range.is_empty() { text.span } else { place(problem.range) };
                    self.report(Finding::new(Code::E401, span, problem.message).maybe_help(problem.help));
                }
                return None;
            }
        };
        for variable in &compiled.variables {
            let span = place(variable.range.clone());
            if self.register.is_open() {
                let events = inside.entry.events.iter();
                let events = events.map(|event| (event.name.as_str(), event.fields.as_slice()));
                self.variable_here(variable, span, events);
            }
            self.alert_asks_for(variable, span, inside);
        }
        for survey in &compiled.surveys {
            self.report(
                Finding::new(Code::E402, place(survey.range.clone()), "an alert has no link to a survey")
                    .help("such a link is for the contact: put it into a message"),
            );
        }
        Some((*compiled.message).clone())
    }

    /// A team is told of the contact and of what led in, and of nothing else.
    fn alert_asks_for(&self, variable: &Variable, span: Span, inside: &InJourney<'_>) {
        let path: Vec<&str> = variable.path.iter().map(String::as_str).collect();
        let missing = match path.as_slice() {
            [] | ["contact" | "entry"] => None,
            ["contact", field, ..] => {
                self.missing_attribute(field).map(|missing| (missing.message, missing.help))
            }
            ["entry", field, ..] => missing_property(field, inside),
            [name, ..] => Some((
                format!("there is no `{name}` in an alert"),
                Some(match self.contact_has(name) {
                    true => format!("write `contact.{name}`"),
                    false => "an alert knows `contact.…` and `entry.…`".to_owned(),
                }),
            )),
        };
        if let Some((message, help)) = missing {
            self.report(Finding::new(Code::E402, span, message).maybe_help(help));
        }
    }

    fn contact_has(&self, name: &str) -> bool {
        Contact::BUILT_IN.contains(&name) || self.names.contact.iter().any(|field| field.name == name)
    }
}

fn missing_property(field: &str, inside: &InJourney<'_>) -> Option<(String, Option<String>)> {
    let entry = &inside.entry;
    let known = || entry.events.iter().flat_map(|event| event.fields.iter().map(|field| field.name.as_str()));
    let open = entry.free || entry.events.iter().any(|event| event.open);
    if open || known().any(|known| known == field) {
        return None;
    }
    let help = words::did_you_mean(field, "it knows", known().collect::<Vec<_>>());
    Some((format!("nothing that leads into this journey has a field `{field}`"), help))
}
