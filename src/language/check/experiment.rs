use std::collections::BTreeMap;

use super::Checker;
use super::expression::{Around, OnBranch};
use super::journey::InJourney;
use super::names::NameKind;
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::{
    Experiment, Journey, PickBy, ReactionKind, StatementKind, Test, Trigger, Variant,
};
use crate::language::syntax::tree;
use crate::source::Span;

/// How far from 100 % shares may be together: what sums of such numbers are off by, and nothing more.
const SHARES_OFF_MAX: f64 = 1e-9;

impl Checker<'_> {
    /// `experiment NAME { … }`; `span` is all of it.
    pub(super) fn experiment(
        &self,
        name: &tree::Name,
        variants: &[tree::Variant],
        pick: Option<&tree::Pick>,
        span: Span,
        (inside, around): (&InJourney<'_>, &Around<'_>),
    ) -> StatementKind {
        self.declared_here(NameKind::Experiment, name, Some(inside.journey));
        let owner = format!("{}.{}", inside.journey, name.value);
        let mut known: BTreeMap<&str, Span> = BTreeMap::new();
        for variant in variants {
            self.declared_here(NameKind::Variant, &variant.name, Some(&owner));
            if let Some(before) = known.insert(&variant.name.value, variant.name.span) {
                self.twice("variant", &variant.name.value, before, variant.name.span);
            }
        }
        let together: f64 = variants.iter().fold(0.0, |sum, variant| sum + variant.share.value);
        if (together - 1.0).abs() > SHARES_OFF_MAX && !self.is_broken(span) {
            let percent = (together * 100_000.0).round() / 1_000.0;
            let message = format!("the shares of `{}` are {percent}% together, not 100%", name.value);
            self.report(
                Finding::new(Code::E304, name.span, message)
                    .help("write shares that add up, such as `variant a 50% { … }  variant b 50% { … }`"),
            );
        }
        let variants = variants.iter().map(|variant| Variant {
            name: variant.name.value.clone(),
            span: variant.name.span.to(variant.share.span),
            share: variant.share.value,
            body: self.block(&variant.body, inside, around),
        });
        StatementKind::Experiment(Experiment {
            name: name.value.clone(),
            span: name.span,
            variants: variants.collect(),
            pick: pick.map(|pick| self.pick(pick, inside, around)),
        })
    }

    fn pick(&self, tree: &tree::Pick, inside: &InJourney<'_>, around: &Around<'_>) -> PickBy {
        let span = tree.trigger.span();
        let (trigger, at_hand) = self.trigger(&tree.trigger, &OnBranch::Bare);
        // Which messages lead to a survey is known once their templates are read.
        if let Trigger::Reaction { kind, message, .. } = &trigger
            && *kind != ReactionKind::Answered
            && !inside.sent.contains(message)
        {
            self.in_vain(span, *kind, message);
        }
        let condition =
            tree.condition.as_ref().map(|condition| self.condition(condition, &around.with(at_hand)));
        if tree.after.value.is_zero() {
            self.report(
                Finding::new(
                    Code::W606,
                    tree.after.span,
                    "this leaves no time in which anybody could succeed",
                )
                .help("write how long to wait for it, such as `after 7 days`"),
            );
        }
        PickBy { span, trigger, condition, after: tree.after.value }
    }

    /// Experiments of a journey that have one name.
    pub(super) fn experiments_once(&self, journey: &Journey) {
        let mut known: BTreeMap<&str, Span> = BTreeMap::new();
        for experiment in experiments(journey) {
            if let Some(before) = known.insert(&experiment.name, experiment.span) {
                self.twice("experiment", &experiment.name, before, experiment.span);
            }
        }
    }

    /// `variant EXPERIMENT NAME` in a test.
    pub(super) fn test_variant(
        &self,
        experiment: &tree::Name,
        variant: &tree::Name,
        journey: &Journey,
        test: &mut Test,
    ) {
        let known = experiments(journey);
        let unknown = |name: &tree::Name, message: String, known: Vec<&str>, plural: &str| {
            let near = words::near(&name.value, known.iter().copied()).map(str::to_owned);
            let help = words::did_you_mean(&name.value, plural, known);
            let finding = Finding::new(Code::E501, name.span, message).maybe_help(help);
            self.report(match near {
                Some(near) => finding.edit(name.span, near),
                None => finding,
            });
        };
        let Some(found) = known.iter().find(|known| known.name == experiment.value) else {
            let message = format!("`{}` has no experiment `{}`", journey.name, experiment.value);
            let names = known.iter().map(|known| known.name.as_str()).collect();
            return unknown(experiment, message, names, "its experiments are");
        };
        self.used_here(NameKind::Experiment, experiment, Some(&journey.name));
        if !found.variants.iter().any(|known| known.name == variant.value) {
            let message = format!("the experiment `{}` has no variant `{}`", found.name, variant.value);
            let names = found.variants.iter().map(|known| known.name.as_str()).collect();
            return unknown(variant, message, names, "its variants are");
        }
        let owner = format!("{}.{}", journey.name, found.name);
        self.used_here(NameKind::Variant, variant, Some(&owner));
        if test.variants.iter().any(|(known, _)| *known == experiment.value) {
            let message = format!("the variant of `{}` is named twice in this test", experiment.value);
            return self.say(Code::E501, experiment.span, message);
        }
        test.variants.push((experiment.value.clone(), variant.value.clone()));
    }
}

fn experiments(journey: &Journey) -> Vec<&Experiment> {
    let mut found = Vec::new();
    journey.each_statement(&mut |_, statement| {
        if let StatementKind::Experiment(experiment) = &statement.kind {
            found.push(experiment);
        }
    });
    found
}
