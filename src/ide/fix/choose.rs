//! What can be chosen where something is missing that only the workspace knows: a stage, a field.

use super::{Offer, TextChange};
use crate::domain::ValueType;
use crate::finding::Finding;
use crate::ide::{Analysis, Occurrence, Role};
use crate::language::model::Field;

/// How much there is to choose from at the most.
const CHOICES_MAX: usize = 6;

impl Analysis {
    /// `go to` before the name of a stage that stands alone in its line.
    pub(super) fn stage_alone(&self, finding: &Finding) -> Option<Offer> {
        let name = self.files.sources.text(finding.span);
        let journey = self.journey_around(finding.span)?;
        journey.stages.iter().find(|stage| stage.name.value == name)?;
        let line = self.files.sources.text(self.line(finding.span));
        let at = (finding.span.start - self.line(finding.span).start) as usize;
        let (before, behind) = (line.get(..at)?, line.get(at + name.len()..)?);
        let begins = before.trim().is_empty() || before.trim_end().ends_with('{');
        if !begins || !(behind.trim().is_empty() || behind.trim_start().starts_with(['}', '#'])) {
            return None;
        }
        let change = TextChange { span: finding.span.at_start(), text: "go to ".to_owned() };
        Some(Offer::new(format!("Write `go to {name}`"), [change]).preferred())
    }

    /// The stages that a `go to` can lead to, those behind it first.
    pub(super) fn choose_stage(&self, finding: &Finding) -> Vec<Offer> {
        let Some(journey) = self.journey_around(finding.span) else { return Vec::new() };
        let others = journey.stages.iter().filter(|stage| !stage.span.contains(finding.span));
        let (before, behind): (Vec<_>, Vec<_>) =
            others.partition(|stage| stage.span.end <= finding.span.start);
        let stages: Vec<&str> = behind
            .into_iter()
            .chain(before)
            .map(|stage| stage.name.value.as_str())
            .take(CHOICES_MAX)
            .collect();
        let only = stages.len() == 1;
        let offer = |name: &&str| {
            let change = TextChange { span: finding.span.at_end(), text: format!(" {name}") };
            Offer { preferred: only, ..Offer::new(format!("Write `go to {name}`"), [change]) }
        };
        stages.iter().map(offer).collect()
    }

    /// The fields of the contact behind a `contact.`; where a condition begins, those first that are one by themselves.
    pub(super) fn choose_field(&self, finding: &Finding) -> Vec<Offer> {
        let line = self.files.sources.text(self.line(finding.span));
        let head = line.trim_start_matches(['}', ' ', '\t']);
        let is_condition = head.starts_with("if ") || head.starts_with("else if ");
        let mut fields: Vec<&Field> = self.checked.model.contact.iter().collect();
        fields.sort_by_key(|field| is_condition && field.of != ValueType::Boolean);
        let only = fields.len() == 1;
        let offer = |field: &&Field| {
            let change = TextChange { span: finding.span.at_end(), text: field.name.clone() };
            Offer { preferred: only, ..Offer::new(format!("Write `contact.{}`", field.name), [change]) }
        };
        fields.iter().take(CHOICES_MAX).map(offer).collect()
    }

    /// Another name for what is declared a second time.
    pub(super) fn other_name(&self, finding: &Finding) -> Option<Offer> {
        let mut here = self.names_in(finding.span.source).iter().filter(|name| name.span == finding.span);
        let name = here.find(|name| name.role == Role::Declaration)?;
        // Two events may be called the same by the systems that send them, and otherwise here.
        let (before, _) = finding.related.first()?;
        Some(*before).filter(|before| self.files.sources.text(*before) == name.name)?;
        let is_taken = |free: &str| {
            let same = |other: &Occurrence| {
                (other.kind, other.name.as_str(), &other.owner) == (name.kind, free, &name.owner)
            };
            self.occurrences.iter().any(same)
        };
        let mut numbered = (2..=99).map(|number| format!("{}_{number}", name.name));
        let free = numbered.find(|free| !is_taken(free))?;
        let title = format!("Call this one `{free}`");
        Some(Offer::new(title, [TextChange { span: finding.span, text: free }]))
    }
}
