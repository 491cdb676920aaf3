use super::Checker;
use super::journey::InJourney;
use super::names::NameKind;
use super::template::{Missing, of_problem};
use crate::domain::Contact;
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::StatementKind;
use crate::language::syntax::{place_in_text, tree};
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
                    let span =
                        if problem.range.is_empty() { text.span } else { place(problem.range.clone()) };
                    self.report(of_problem(&problem, span, |range| place(range.clone())));
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
            if let Some(missing) = self.missing_in_alert(variable, inside) {
                self.missing_variable(variable, span, missing);
            }
        }
        for foreign in &compiled.foreign {
            self.foreign(foreign, place(foreign.range.clone()));
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
    fn missing_in_alert(&self, variable: &Variable, inside: &InJourney<'_>) -> Option<Missing> {
        let path: Vec<&str> = variable.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            [] | ["contact" | "entry"] => None,
            ["contact", field, ..] => self.missing_attribute(field),
            ["entry", field, ..] => missing_property(field, inside),
            [name, ..] => {
                let message = format!("there is no `{name}` in an alert");
                let meant = self.contact_has(name).then(|| format!("contact.{name}"));
                let help = match &meant {
                    Some(meant) => format!("write `{meant}`"),
                    None => "an alert knows `contact.…` and `entry.…`".to_owned(),
                };
                Some(Missing::new(message, Some(help)).meant(meant))
            }
        }
    }

    fn contact_has(&self, name: &str) -> bool {
        Contact::BUILT_IN.contains(&name) || self.names.contact.iter().any(|field| field.name == name)
    }
}

fn missing_property(field: &str, inside: &InJourney<'_>) -> Option<Missing> {
    let entry = &inside.entry;
    let known = || entry.events.iter().flat_map(|event| event.fields.iter().map(|field| field.name.as_str()));
    let open = entry.free || entry.events.iter().any(|event| event.open);
    if open || known().any(|known| known == field) {
        return None;
    }
    let near = words::near(field, known()).map(str::to_owned);
    let help = words::did_you_mean(field, "it knows", known().collect::<Vec<_>>());
    let message = format!("nothing that leads into this journey has a field `{field}`");
    Some(Missing::new(message, help).meant(near))
}
