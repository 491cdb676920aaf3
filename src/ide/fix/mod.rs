//! What can be done about findings: the change that a finding knows itself, what is missing, what is too much, and for
//! warnings the comment that silences them.

mod choose;
mod declare;
#[cfg(feature = "server")]
mod failing;
mod journey;
mod message;
mod names;
mod outside;
mod place;
mod renamed;
mod settings;
#[cfg(test)]
mod tests;
#[cfg(feature = "server")]
mod trial;
mod used_as;

use super::Analysis;
use crate::finding::{Code, Edit, Finding, Lack, Severity};
use crate::language::syntax;
use crate::source::Span;

#[cfg(feature = "server")]
pub use failing::Mending;
pub use settings::Unsaid;

/// A stretch of text and what to write in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextChange {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

/// A file that is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its path below the workspace, with `/` between folders.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// A change that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in a few words.
    pub title: String,
    /// What is written.
    pub changes: Vec<TextChange>,
    /// What is made.
    pub creates: Vec<NewFile>,
    /// What it mends.
    pub finding: Finding,
    /// Whether it is what was most likely meant.
    pub preferred: bool,
}

/// Something that can be done about a finding.
struct Offer {
    title: String,
    changes: Vec<TextChange>,
    creates: Vec<NewFile>,
    preferred: bool,
}

impl Offer {
    fn new(title: impl Into<String>, changes: impl IntoIterator<Item = TextChange>) -> Self {
        let changes = changes.into_iter().collect();
        Self { title: title.into(), changes, creates: Vec::new(), preferred: false }
    }

    /// The same as what was most likely meant.
    fn preferred(self) -> Self {
        Self { preferred: true, ..self }
    }
}

impl Analysis {
    /// What can be done about the findings that a stretch of text touches, the likeliest first; where it touches none,
    /// about those in its lines, and at the head of a stage about the paths through it that end nowhere.
    pub fn fixes(&self, range: Span) -> Vec<Fix> {
        let mut fixes = self.fixes_touched(range);
        if !fixes.is_empty() {
            fixes.sort_by_key(|fix| !fix.preferred);
            return fixes;
        }
        let (first, last) = (self.line(range.at_start()), self.line(range.at_end()));
        let end = self.files.sources.text(last).trim_end().len() + last.start as usize;
        let lines = Span::new(range.source, first.start as usize, end.max(first.start as usize));
        let mut fixes = self.fixes_touched(lines);
        if fixes.is_empty() {
            return self.fixes_of_stage(lines);
        }
        // What is nearest to the place first.
        let far = |found: Span| {
            let (behind, before) =
                (found.start.saturating_sub(range.end), range.start.saturating_sub(found.end));
            behind.max(before)
        };
        fixes.sort_by_key(|fix| (far(fix.finding.span), !fix.preferred));
        fixes
    }

    fn fixes_of_stage(&self, lines: Span) -> Vec<Fix> {
        let Some(journey) = self.journey_around(lines.at_end()) else { return Vec::new() };
        let Some(stage) = journey.stages.iter().find(|stage| lines.contains(stage.name.span)) else {
            return Vec::new();
        };
        let inside = self.findings_in(lines.source).iter();
        let open = inside.filter(|finding| finding.code == Code::E301 && stage.span.contains(finding.span));
        open.flat_map(|finding| self.fixes_of(finding)).collect()
    }

    fn fixes_touched(&self, range: Span) -> Vec<Fix> {
        let touched = self
            .findings_in(range.source)
            .iter()
            .filter(|finding| finding.span.start <= range.end && range.start <= finding.span.end);
        touched.flat_map(|finding| self.fixes_of(finding)).collect()
    }

    fn fixes_of(&self, finding: &Finding) -> Vec<Fix> {
        let mut offers = self.likely(finding);
        let is_known = offers.iter().any(|offer| offer.preferred);
        let edited = finding.edit.as_ref().and_then(|edit| self.edited(finding, edit));
        offers.extend(edited.map(|offer| Offer { preferred: offer.preferred && !is_known, ..offer }));
        for offer in self.offers(finding) {
            if !offers.iter().any(|known| known.changes == offer.changes && known.creates == offer.creates) {
                offers.push(offer);
            }
        }
        if self.files.sources.text(finding.span).starts_with('#') && offers.is_empty() {
            let gone = TextChange { span: self.line(finding.span), text: String::new() };
            offers.push(Offer::new("Take the comment away", [gone]).preferred());
        } else if finding.severity() == Severity::Warning && self.can_be_silenced(finding) {
            let title = format!("Silence {} here, with a reason", finding.code);
            offers.push(Offer::new(title, [self.silence(finding)]));
        }
        let fix = |offer: Offer| {
            let Offer { title, changes, creates, preferred } = offer;
            Fix { title, changes, creates, finding: finding.clone(), preferred }
        };
        offers.into_iter().map(fix).collect()
    }

    /// The change that a finding knows itself. Of text that cannot be read it is held against the whole file, for what
    /// a mistake hides is not known where it is told.
    fn edited(&self, finding: &Finding, edit: &Edit) -> Option<Offer> {
        let title = match (edit.span.range().is_empty(), edit.replacement.as_str()) {
            (_, "") => format!("Take `{}` away", short(self.files.sources.text(edit.span))),
            (true, text) => format!("Add `{}`", short(text)),
            (false, text) => format!("Write `{}`", short(text)),
        };
        let span = if edit.replacement.is_empty() { self.with_gap(edit.span) } else { edit.span };
        let offer = Offer::new(title, [TextChange { span, text: edit.replacement.clone() }]);
        let source = edit.span.source;
        let Some(tree) = self.tree(source).filter(|tree| tree.parsed.findings.contains(finding)) else {
            return Some(offer.preferred());
        };
        let text = &self.files.sources.get(source).text;
        let (before, behind) = (text.get(..edit.span.start as usize)?, text.get(edit.span.end as usize..)?);
        let after = syntax::parse(source, &[before, &edit.replacement, behind].concat());
        let is_same = |other: &Finding| {
            (other.code, &other.message, other.span.start)
                == (finding.code, &finding.message, finding.span.start)
        };
        if after.findings.iter().any(is_same) {
            return None;
        }
        match after.findings.len().cmp(&tree.parsed.findings.len()) {
            std::cmp::Ordering::Less => Some(offer.preferred()),
            std::cmp::Ordering::Equal => Some(offer),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// What is more likely than the change that a finding knows itself, for it takes the names of the workspace to see it.
    fn likely(&self, finding: &Finding) -> Vec<Offer> {
        match finding.code {
            Code::E001 => self.stage_alone(finding).into_iter().collect(),
            Code::E101 | Code::E103 | Code::E501 => self.renamed_since(finding).into_iter().collect(),
            Code::E302 | Code::W605 => self.renamed_before(finding).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// What a finding misses and where it would stand, or what is too much.
    fn offers(&self, finding: &Finding) -> Vec<Offer> {
        if let Some(lack) = finding.lack {
            return self.lacking(finding, lack);
        }
        match finding.code {
            Code::E001 => self.named_alone(finding),
            Code::E101 | Code::E103 | Code::E402 | Code::E501 => self.missing_names(finding),
            Code::E102 => self.other_name(finding).into_iter().collect(),
            Code::E201 => self.section_of_text(finding).into_iter().collect(),
            Code::E301 => self.missing_end(finding),
            Code::E302 => self.unreached(finding).into_iter().collect(),
            Code::E303 => self.circle(finding).into_iter().collect(),
            Code::E304 => self.shares(finding).into_iter().collect(),
            Code::E305 => self.not_sent(finding).into_iter().collect(),
            Code::E307 => self.twice(finding).into_iter().collect(),
            Code::E401 => self.missing_template(finding).into_iter().collect(),
            Code::E403 => self.missing_topic(finding),
            Code::E404 => self.unsubscribe(finding).into_iter().collect(),
            Code::E405 => self.looser(finding).into_iter().collect(),
            Code::W603 => self.missing_goal(finding).into_iter().collect(),
            #[cfg(feature = "server")]
            Code::W604 => self.trial(finding).into_iter().collect(),
            Code::W605 => self.unused(finding).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// What to write where a finding says what is missing.
    fn lacking(&self, finding: &Finding, lack: Lack) -> Vec<Offer> {
        let one = |offer: Option<Offer>| offer.into_iter().collect();
        match lack {
            Lack::Sender | Lack::Topic if finding.code == Code::E001 => self.choose_setting(finding, lack),
            Lack::Sender => one(self.missing_sender(finding)),
            Lack::Subject => one(self.missing_subject(finding)),
            Lack::Text => one(self.missing_text(finding)),
            Lack::Enter => one(self.missing_enter(finding)),
            Lack::Stage => one(self.missing_stage(finding)),
            Lack::Destination => self.choose_stage(finding),
            Lack::Field => self.choose_field(finding),
            Lack::Topic => Vec::new(),
        }
    }

    /// Whether a comment can stand above a finding: not in a template, nor inside of a text over several lines.
    fn can_be_silenced(&self, finding: &Finding) -> bool {
        let source = finding.span.source;
        let text = &self.files.sources.get(source).text;
        let line = self.line(finding.span).start as usize;
        self.files.journeys.contains(&source) && syntax::lies(text, line) == syntax::Lies::Open
    }

    /// The comment that silences a finding, above its line.
    fn silence(&self, finding: &Finding) -> TextChange {
        let start = self.line(finding.span).at_start();
        let indent = self.indent(finding.span);
        let comment = format!("{indent}# allow {}: this is meant so\n", finding.code);
        TextChange { span: start, text: comment }
    }
}

/// A name as people would say it: `order_placed` is "Order placed".
fn label(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut rest = words.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// A text on one line, cut where it is long.
fn short(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    if line.chars().count() > 40 { line.chars().take(39).chain(['…']).collect() } else { line }
}
