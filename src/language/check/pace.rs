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

/// A way into a journey.
#[derive(Clone, Copy)]
struct Way<'m> {
    journey: &'m Journey,
    /// The clause.
    span: Span,
    /// The stage where one starts.
    stage: usize,
    condition: Option<&'m Expr>,
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
        for (event, ways) in by_event(sound) {
            let count = |way: &Way<'_>| {
                let graph = graphs.get(way.journey.name.as_str());
                graph.map_or(0, |graph| graph.sends_from(way.stage, stated.cap, per))
            };
            let sends: Vec<(Way<'_>, u32)> =
                ways.iter().map(|way| (*way, count(way))).filter(|(_, count)| *count > 0).collect();
            let alone = sends.iter().map(|(_, count)| *count).max().unwrap_or(0);
            let sum: u32 = sends.iter().map(|(_, count)| *count).sum();
            // What one journey does alone has been said of it.
            let (Some((last, _)), true) = (sends.last(), sum > stated.cap.count && alone <= stated.cap.count)
            else {
                continue;
            };
            let names: Vec<String> = sends.iter().map(|(way, _)| format!("`{}`", way.journey.name)).collect();
            let message = format!(
                "`{event}` leads into {}, which can send {sum} messages together within {}, and the cap lets {} through",
                words::all_of(&names),
                stated.cap.per,
                stated.cap.count,
            );
            let finding = Finding::new(Code::W602, last.span, message)
                .related(stated.span, format!("the cap: `{}`", self.written(stated.span)))
                .help("give the journey that matters more a higher `priority`, or let one begin later");
            let others = sends.iter().rev().skip(1).take(4);
            self.report(others.fold(finding, |finding, (way, _)| finding.related(way.span, "and here")));
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

/// The ways by which an event leads one and the same contact into several journeys. Of several conditions nobody can
/// say whether a contact fulfils more than one.
fn by_event<'m>(journeys: &[&'m Journey]) -> Vec<(&'m str, Vec<Way<'m>>)> {
    let mut ways: Vec<(&str, Way<'_>)> = Vec::new();
    for journey in journeys.iter().copied() {
        for enter in &journey.enters {
            if let EnterKind::On(event) = &enter.kind {
                let condition = enter.condition.as_ref();
                ways.push((event, Way { journey, span: enter.span, stage: enter.into, condition }));
            }
        }
    }
    let mut groups: Vec<(&str, Vec<Way<'_>>)> = Vec::new();
    for (event, way) in &ways {
        let mut members: Vec<Way<'_>> = Vec::new();
        for (other, near) in &ways {
            let fits = other == event && (near.condition.is_none() || near.condition == way.condition);
            if fits && !members.iter().any(|known| known.journey.name == near.journey.name) {
                members.push(*near);
            }
        }
        // A group that another has all of adds nothing.
        let adds = |(known, group): &(&str, Vec<Way<'_>>)| known != event || group.len() < members.len();
        if members.len() > 1 && groups.iter().all(adds) {
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
