//! How many messages the paths of journeys send in a time, beside what the caps let through.

mod graph;

use std::collections::BTreeMap;

use super::Checker;
use crate::finding::{Code, Finding, words};
use crate::language::model::{Cap, EnterKind, Expr, Journey, Model};
use crate::language::syntax::tree;
use crate::source::Span;
use crate::time::{Length, Unit};
use graph::{Graph, Over};

/// A cap, where it stands, and whose it is.
struct Stated<'m> {
    cap: &'m Cap,
    span: Span,
}

impl Checker<'_> {
    /// Reports the paths that send more than the caps let through: of each journey, and of those that one event leads
    /// into together.
    pub(super) fn pace(&self, model: &Model, sound: &[&Journey]) {
        let policy = self.names.policy.map_or(&[][..], |policy| policy.rules.as_slice());
        let of_policy = self.stated(&model.policy.limits.caps, policy);
        let mut graphs: BTreeMap<&str, Graph<'_>> = BTreeMap::new();
        for journey in sound {
            let own = self.names.journeys.get(&journey.name).map_or(&[][..], |tree| tree.clauses.as_slice());
            let own = self.stated(&journey.limits.caps, own);
            let caps: Vec<&Stated<'_>> = of_policy.iter().chain(&own).collect();
            let Some(rounds) = caps.iter().map(|stated| stated.cap.count + 1).max() else { continue };
            let Some(graph) = Graph::of(journey, model, rounds) else { continue };
            for stated in caps {
                if let Some(over) = graph.over(stated.cap, nominal(stated.cap.per)) {
                    self.too_fast(journey, stated, &over);
                }
            }
            graphs.insert(&journey.name, graph);
        }
        for stated in &of_policy {
            self.together(sound, &graphs, stated);
        }
    }

    fn too_fast(&self, journey: &Journey, stated: &Stated<'_>, over: &Over) {
        let stages: Vec<String> = over
            .stages
            .iter()
            .filter_map(|stage| journey.stages.get(*stage))
            .map(|stage| format!("`{}`", stage.name))
            .collect();
        let path = match stages.as_slice() {
            [one] => format!("in the stage {one}"),
            _ => format!("on the path through {}", words::all_of(&stages)),
        };
        let message = format!(
            "{path}, this can be number {} {}, and the cap lets {} through",
            stated.cap.count + 1,
            within(over.seconds),
            stated.cap.count,
        );
        self.report(
            Finding::new(Code::W602, over.span, message)
                .related(stated.span, format!("the cap: `{}`", self.written(stated.span)))
                .help("let more time pass between them, take one out, or change the cap"),
        );
    }

    /// Journeys that one event leads into send to the same contact from the same moment on.
    fn together(&self, sound: &[&Journey], graphs: &BTreeMap<&str, Graph<'_>>, stated: &Stated<'_>) {
        let per = nominal(stated.cap.per);
        for (event, entered) in by_event(sound) {
            let sends: Vec<(&Journey, Span, u32)> = entered
                .iter()
                .filter_map(|(journey, span, stage)| {
                    let count = graphs.get(journey.name.as_str())?.sends_from(*stage, stated.cap, per);
                    (count > 0).then_some((*journey, *span, count))
                })
                .collect();
            let alone = sends.iter().map(|(.., count)| *count).max().unwrap_or(0);
            let sum: u32 = sends.iter().map(|(.., count)| *count).sum();
            let (Some((_, span, _)), true) = (sends.last(), sum > stated.cap.count && alone < sum) else {
                continue;
            };
            // What one journey does alone has been said of it.
            if alone > stated.cap.count {
                continue;
            }
            let names: Vec<String> =
                sends.iter().map(|(journey, ..)| format!("`{}`", journey.name)).collect();
            let message = format!(
                "`{event}` leads into {}, which can send {sum} messages together within {}, and the cap lets {} through",
                words::all_of(&names),
                stated.cap.per,
                stated.cap.count,
            );
            let others = sends.iter().rev().skip(1).take(4);
            let finding = Finding::new(Code::W602, *span, message)
                .related(stated.span, format!("the cap: `{}`", self.written(stated.span)))
                .help("give the journey that matters more a higher `priority`, or let one begin later");
            self.report(others.fold(finding, |finding, (.., span, _)| finding.related(*span, "and here")));
        }
    }

    /// Caps and where they stand; those that could not be taken over are left out.
    fn stated<'m>(&self, caps: &'m [Cap], clauses: &[tree::Clause]) -> Vec<Stated<'m>> {
        let whole = clauses.iter().filter(|clause| self.is_whole_cap(&clause.kind));
        caps.iter().zip(whole).map(|(cap, clause)| Stated { cap, span: clause.span }).collect()
    }

    fn written(&self, span: Span) -> String {
        self.files.sources.text(span).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The journeys that an event leads into for one and the same contact: with the clause, and the stage they begin in.
/// Of several conditions nobody can say whether a contact fulfils more than one.
fn by_event<'m>(journeys: &[&'m Journey]) -> Vec<(&'m str, Vec<(&'m Journey, Span, usize)>)> {
    let mut ways: Vec<(&str, Option<&Expr>, (&Journey, Span, usize))> = Vec::new();
    for journey in journeys {
        for enter in &journey.enters {
            if let EnterKind::On(event) = &enter.kind {
                ways.push((event, enter.condition.as_ref(), (*journey, enter.span, enter.into)));
            }
        }
    }
    let mut groups: Vec<(&str, Vec<(&Journey, Span, usize)>)> = Vec::new();
    let mut seen: Vec<(&str, Option<&Expr>)> = Vec::new();
    for (event, condition, _) in &ways {
        if seen.contains(&(event, *condition)) {
            continue;
        }
        seen.push((event, *condition));
        let mut members: Vec<(&Journey, Span, usize)> = Vec::new();
        for (other, needed, way) in &ways {
            let fits = other == event && (needed.is_none() || needed == condition);
            if fits && !members.iter().any(|(journey, ..)| journey.name == way.0.name) {
                members.push(*way);
            }
        }
        // A group that another has all of adds nothing.
        if members.len() > 1
            && !groups.iter().any(|(known, group)| known == event && group.len() >= members.len())
        {
            groups.push((event, members));
        }
    }
    groups
}

/// Seconds of a length as people compare lengths: a month has 30 days and a year 365.
fn nominal(length: Length) -> i64 {
    const DAY: i64 = 86_400;
    let one = match length.unit {
        Unit::Month => 30 * DAY,
        Unit::Year => 365 * DAY,
        _ => Length::new(1, length.unit).seconds_max(),
    };
    i64::from(length.count).saturating_mul(one)
}

/// A time in words.
fn within(seconds: i64) -> String {
    if seconds == 0 {
        return "at one moment".to_owned();
    }
    let unit = [(86_400, Unit::Day), (3_600, Unit::Hour), (60, Unit::Minute), (1, Unit::Second)];
    let (size, unit) = unit.into_iter().find(|(size, _)| seconds % size == 0).unwrap_or((1, Unit::Second));
    format!("within {}", Length::new(u32::try_from(seconds / size).unwrap_or(u32::MAX), unit))
}
