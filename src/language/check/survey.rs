use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use super::names::NameKind;
use super::paths;
use super::template::CompiledTexts;
use crate::domain::Survey;
use crate::finding::{Code, Finding};
use crate::language::model::{Journey, ReactionKind, StatementKind, Trigger};
use crate::language::syntax::tree::{self, Spanned};
use crate::source::Span;

/// What a survey asks for that says nothing of it: how likely somebody is to recommend us.
const SCALE_DEFAULT: (i16, i16) = (0, 10);
/// How far a scale may go in either direction.
const SCORE_MAX: i16 = 1_000;

impl Checker<'_> {
    /// Resolves a survey that is declared; nothing where it cannot be asked as it stands.
    pub(super) fn survey(&self, tree: &tree::Survey) -> Option<Survey> {
        let name = &tree.name;
        let question = tree.question.as_ref().filter(|question| !question.value.trim().is_empty());
        if question.is_none() && !self.is_broken(tree.span) {
            self.report(
                Finding::new(Code::E001, name.span, format!("the survey `{}` asks nothing", name.value))
                    .help(format!(
                        "write the question behind its name: `survey {} \"…\" {{ … }}`",
                        name.value
                    )),
            );
        }
        let (low, high) = match &tree.scale {
            Some((low, high)) => (self.end_of_scale(low)?, self.end_of_scale(high)?),
            None => SCALE_DEFAULT,
        };
        if let Some((from, to)) = tree.scale.as_ref().filter(|_| low >= high) {
            self.report(
                Finding::new(Code::E002, from.span.to(to.span), "this scale has no two scores")
                    .help("write the lowest score first: `scale 0 to 10`"),
            );
            return None;
        }
        let comment = tree.comment.as_ref().map(|comment| comment.value.clone());
        Some(Survey { question: question?.value.clone(), low, high, comment })
    }

    fn end_of_scale(&self, end: &Spanned<f64>) -> Option<i16> {
        let score = whole(end.value).filter(|score| score.unsigned_abs() <= SCORE_MAX.unsigned_abs());
        if score.is_none() {
            self.report(
                Finding::new(Code::E002, end.span, format!("`{}` is no end of a scale", end.value))
                    .help(format!("write a whole number up to {SCORE_MAX}, such as `scale 0 to 10`")),
            );
        }
        score
    }

    /// Whether there is a survey of that name.
    pub(super) fn survey_named(&self, name: &tree::Name, code: Code) -> bool {
        let known = self.names.surveys.contains_key(&name.value);
        if known {
            self.uses(NameKind::Survey, &name.value);
            self.used_here(NameKind::Survey, name, None);
        } else {
            self.unknown(code, NameKind::Survey, name, self.names.surveys.keys().map(String::as_str));
        }
        known
    }

    /// A score that somebody gives must be one of the survey's; nothing where it is not.
    pub(super) fn score(&self, survey: &str, score: f64, span: Span) -> Option<i16> {
        let tree = self.names.surveys.get(survey)?;
        let ends = tree.scale.as_ref().map(|(low, high)| (low.value, high.value));
        let (low, high) = ends.unwrap_or_else(|| (SCALE_DEFAULT.0.into(), SCALE_DEFAULT.1.into()));
        let known = whole(score).filter(|_| (low..=high).contains(&score));
        if known.is_none() {
            let message = format!("`{score}` is no score of `{survey}`");
            self.report(
                Finding::new(Code::E002, span, message)
                    .related(tree.name.span, "its scale is declared here")
                    .help(format!("its scores are the whole numbers from {low} to {high}")),
            );
        }
        known
    }

    /// Waits for the answer to a survey that no message sent before them leads to, and picks by one that no message
    /// of the journey leads to.
    pub(super) fn answers_in_vain<'m>(
        &self,
        journeys: impl Iterator<Item = &'m Journey>,
        texts: &BTreeMap<String, CompiledTexts>,
    ) {
        // A template that could not be read may lead there.
        let leads = |messages: &BTreeSet<&str>, survey: &str| {
            let read: Option<Vec<_>> = messages.iter().map(|name| texts.get(*name)).collect();
            read.is_none_or(|read| read.iter().any(|texts| texts.surveys().any(|led| led == survey)))
        };
        for journey in journeys {
            let sent = paths::sent_before(journey);
            let mut all = BTreeSet::new();
            journey.each_statement(&mut |_, statement| all.extend(statement.sends()));
            journey.each_statement(&mut |_, statement| {
                if let StatementKind::Experiment(experiment) = &statement.kind
                    && let Some(pick) = &experiment.pick
                    && let Some(survey) = answered(&pick.trigger).filter(|survey| !leads(&all, survey))
                {
                    self.answered_in_vain(survey, pick.span, texts);
                }
                let branches = statement.wait().map_or(&[][..], |wait| &wait.branches);
                let Some(before) = sent.at(statement.span) else { return };
                for branch in branches {
                    if let Some(survey) = answered(&branch.trigger).filter(|survey| !leads(before, survey)) {
                        self.answered_in_vain(survey, branch.span, texts);
                    }
                }
            });
        }
    }

    fn answered_in_vain(&self, survey: &str, span: Span, texts: &BTreeMap<String, CompiledTexts>) {
        let mut asking = texts.iter().filter(|(_, texts)| texts.surveys().any(|led| led == survey));
        let help = match asking.next() {
            Some((message, _)) => format!("send `{message}` before it, which leads to `{survey}`"),
            None => {
                format!(
                    "put a link to `{{{{ survey_url(\"{survey}\") }}}}` into a message, and send it before"
                )
            }
        };
        let message = format!(
            "nobody can have answered `{survey}` here: no message that a path before this sends leads to it"
        );
        self.report(Finding::new(Code::E305, span, message).help(help));
    }
}

/// The survey whose answer is waited for.
fn answered(trigger: &Trigger) -> Option<&str> {
    match trigger {
        Trigger::Reaction { kind: ReactionKind::Answered, message: survey, .. } => Some(survey),
        _ => None,
    }
}

fn whole(number: f64) -> Option<i16> {
    #[expect(clippy::cast_possible_truncation, reason = "what does not fit is told by the comparison")]
    let whole = number as i16;
    (f64::from(whole) == number).then_some(whole)
}
