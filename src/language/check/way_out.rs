use super::Checker;
use super::compilation::Job;
use super::template::{Meant, Supply};
use crate::finding::{Code, Finding};
use crate::language::model::Model;
use crate::template::{Compiled, Foreign, Part};

/// The addresses at which readers can refuse to get more.
const WAYS_OUT: [&str; 2] = ["unsubscribe_url", "preferences_url"];

impl Checker<'_> {
    /// Says so where a marketing email has no way to unsubscribe; gives the placeholder of another tool that was to be one.
    pub(super) fn way_out<'c>(
        &self,
        job: &Job<'_>,
        compiled: &'c Compiled,
        supply: &Supply<'_>,
        model: &Model,
    ) -> Option<&'c Foreign> {
        let is_mail = job.message.channel == "email";
        if !is_mail || compiled.has_unsubscribe || !supply.is_marketing(job.message, model) {
            return None;
        }
        // What is misspelt is not missing as well.
        let leads_out = |meant: &str| WAYS_OUT.iter().any(|address| meant.contains(address));
        let misspelt =
            compiled.variables.iter().filter(|variable| is_in_body(&variable.part)).any(|variable| {
                let meant = self.missing(variable, supply).and_then(|missing| missing.meant);
                matches!(meant, Some(Meant::Name(name)) if leads_out(&name))
            });
        if misspelt {
            return None;
        }
        let message =
            format!("the marketing email `{}` gives its readers no way to unsubscribe", job.message.name);
        let foreign = compiled.foreign.iter().filter(|foreign| is_in_body(&foreign.part));
        let mut meant = foreign.filter_map(|foreign| Some((foreign, self.placeholder_meant(foreign)?)));
        if let Some((foreign, write)) = meant.find(|(_, write)| leads_out(write)) {
            let span = self.place(job, &foreign.part, foreign.range.clone());
            let finding = Finding::new(Code::E404, span, message)
                .related(job.message.span, "the message is declared here");
            self.report(
                finding.help(format!("write `{write}`: this is sent as it stands")).edit(span, write),
            );
            return Some(foreign);
        }
        let span = self.place(job, if job.text.template.is_some() { &Part::Body } else { &Part::Text }, 0..0);
        let place = match &job.text.template {
            Some(_) => span.at_start(),
            None => span,
        };
        self.report(
            Finding::new(Code::E404, place, message)
                .related(job.message.span, "the message is declared here")
                .help("put a link to `{{ unsubscribe_url }}` or `{{ preferences_url }}` into it"),
        );
        None
    }
}

/// Whether a text of a message is what its readers open.
fn is_in_body(part: &Part) -> bool {
    !matches!(part, Part::Subject | Part::Preheader)
}
