//! What a journey does beside sending: permissions, events, other journeys.

use super::Checker;
use super::expression::{Around, Typed};
use super::names::NameKind;
use crate::domain::SystemEvent;
use crate::finding::{Code, Finding};
use crate::language::model::{Expr, Field, StatementKind};
use crate::language::syntax::tree::{self, ClauseKind, EnterKind, Journey, Name, Pair};
use crate::source::Span;

impl Checker<'_> {
    /// `allow TOPIC` and `refuse TOPIC`
    pub(super) fn permit(&self, topic: &Name, allowed: bool) -> Option<StatementKind> {
        if !self.topic(topic) {
            return None;
        }
        if let (false, Some(essential)) =
            (allowed, self.names.topics.get(&topic.value).filter(|topic| topic.essential))
        {
            self.report(
                Finding::new(
                    Code::E201,
                    topic.span,
                    format!("`{}` is essential and cannot be refused", topic.value),
                )
                .related(essential.span, "it is declared here")
                .help("take the line away, or `essential` off the topic"),
            );
            return None;
        }
        Some(StatementKind::Permit { topic: topic.value.clone(), allowed })
    }

    /// `record EVENT { … }`
    pub(super) fn record(&self, event: &Name, pairs: &[Pair], around: &Around<'_>) -> Option<StatementKind> {
        let Some(known) = self.event_named(event, Code::E101) else {
            self.pairs(pairs, around);
            return None;
        };
        let with = self.pairs_with(pairs, around, |pair, typed| {
            if let Some(field) = self.event_field(&known, &pair.key) {
                self.must_fit(typed, &field, pair.value.span);
            }
        });
        if SystemEvent::from_name(&known.wire).is_some() {
            self.report(
                Finding::new(Code::E201, event.span, format!("Lotse records `{}` itself", event.value))
                    .help("declare an event of your own, and record that"),
            );
            return None;
        }
        Some(StatementKind::Record { event: known.wire, with })
    }

    /// `start JOURNEY with { … }`: what it hands over is the `entry` of that journey.
    pub(super) fn start(&self, journey: &Name, pairs: &[Pair], around: &Around<'_>) -> Option<StatementKind> {
        let Some(tree) = self.names.journeys.get(&journey.value) else {
            self.unknown(
                Code::E101,
                NameKind::Journey,
                journey,
                self.names.journeys.keys().map(String::as_str),
            );
            self.pairs(pairs, around);
            return None;
        };
        self.used_here(NameKind::Journey, journey, None);
        let (fields, free) = self.entry_fields(tree);
        for pair in pairs {
            self.used_as_entry(&pair.key, self.leading_in(tree));
        }
        let with = self.pairs_with(pairs, around, |pair, typed| {
            match fields.iter().find(|field| field.name == pair.key.value) {
                Some(field) => self.must_fit(typed, field, pair.value.span),
                None if free => {}
                None => {
                    let known = fields.iter().map(|field| field.name.as_str());
                    let owner = format!("what leads into `{}`", journey.value);
                    self.no_field(&pair.key, &owner, known, false);
                }
            }
        });
        Some(StatementKind::Start { journey: journey.value.clone(), with })
    }

    /// The declared events that lead into a journey, with their fields.
    fn leading_in<'t>(&'t self, journey: &'t Journey) -> impl Iterator<Item = (&'t str, &'t [Field])> {
        let enters = journey.clauses.iter().filter_map(|clause| match &clause.kind {
            ClauseKind::Enter(tree::Enter { kind: EnterKind::On { event }, .. }) => Some(event),
            _ => None,
        });
        let events = enters.filter_map(|event| self.names.events.get(&event.value));
        events.map(|event| (event.name.as_str(), event.fields.as_slice()))
    }

    /// The fields that `entry` is known to have in a journey, and whether it may have others.
    fn entry_fields(&self, journey: &Journey) -> (Vec<&Field>, bool) {
        let mut fields = Vec::new();
        let mut free = self.is_broken(journey.span);
        for clause in &journey.clauses {
            let ClauseKind::Enter(enter) = &clause.kind else { continue };
            let event = match &enter.kind {
                EnterKind::On { event } => self.names.events.get(&event.value),
                _ => None,
            };
            free |= event.is_none_or(|event| self.names.broken_events.contains(&event.name));
            fields.extend(event.into_iter().flat_map(|event| &event.fields));
        }
        (fields, free)
    }

    /// Says so where a value does not fit a field, and makes it what the field holds.
    pub(super) fn must_fit(&self, typed: &mut Typed, field: &Field, span: Span) {
        self.must_be(typed, &field.of, span);
        if let (Some(allowed), Expr::Value(constant)) = (&field.one_of, &typed.expr)
            && constant.is_set()
            && !allowed.contains(constant)
        {
            self.outside_one_of(span, constant, &field.name, allowed);
        }
        typed.become_days(&field.of);
    }
}
