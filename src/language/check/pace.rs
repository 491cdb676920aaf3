//! How many messages the paths of journeys send in a time, beside what the caps let through.

mod graph;

use std::collections::BTreeMap;

use super::Checker;
use crate::finding::{Code, Finding, words};
use crate::language::model::{Cap, EnterKind, Journey, Model};
use crate::language::syntax::tree;
use crate::source::Span;
use crate::time::{Length, Unit};
use graph::{Graph, Over};

/// How many journeys a finding names.
const NAMED_MAX: usize = 8;

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
}

/// The ways in by one event.
#[derive(Default)]
struct Ways<'m> {
    /// Those without a condition.
    open: Vec<Way<'m>>,
    /// Those with one, by what it says.
    under: BTreeMap<String, Vec<Way<'m>>>,
}

/// How many messages a cap counts that can go out soon after a way in.
#[derive(Clone, Copy)]
struct Sends<'m> {
    way: Way<'m>,
    count: u32,
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
        for (event, ways) in by_event(sound) {
            let open = sends(&ways.open, graphs, stated.cap);
            if open.iter().map(|sends| sends.count).sum::<u32>() > stated.cap.count {
                // Those with a condition come on top of what is too much already.
                self.too_many(event, &open, stated);
                continue;
            }
            for under in ways.under.values() {
                let mut all = sends(under, graphs, stated.cap);
                all.retain(|sends| open.iter().all(|known| known.way.journey.name != sends.way.journey.name));
                all.extend(&open);
                all.sort_by_key(|sends| sends.way.span);
                self.too_many(event, &all, stated);
            }
        }
    }

    /// Reports journeys that send more together than a cap lets through.
    fn too_many(&self, event: &str, sends: &[Sends<'_>], stated: &Stated<'_>) {
        let alone = sends.iter().map(|sends| sends.count).max().unwrap_or(0);
        let sum: u32 = sends.iter().map(|sends| sends.count).sum();
        // What one journey does alone has been said of it.
        let (Some(last), true) = (sends.last(), sum > stated.cap.count && alone <= stated.cap.count) else {
            return;
        };
        let names: Vec<String> = sends.iter().map(|sends| format!("`{}`", sends.way.journey.name)).collect();
        let names = match names.get(..NAMED_MAX) {
            Some(first) if names.len() > NAMED_MAX => {
                format!("{} and {} more journeys", first.join(", "), names.len() - NAMED_MAX)
            }
            _ => words::all_of(&names),
        };
        let message = format!(
            "`{event}` leads into {names}, which can send {sum} messages together within {}, and the cap lets {} through",
            stated.cap.per, stated.cap.count,
        );
        let finding = Finding::new(Code::W602, last.way.span, message)
            .related(stated.span, format!("the cap: `{}`", self.written(stated.span)))
            .help("give the journey that matters more a higher `priority`, or let one begin later");
        let others = sends.iter().rev().skip(1).take(4);
        self.report(others.fold(finding, |finding, sends| finding.related(sends.way.span, "and here")));
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

/// The ways by which events lead one and the same contact into several journeys, a journey once each. Of several
/// conditions nobody can say whether a contact fulfils more than one.
fn by_event<'m>(journeys: &[&'m Journey]) -> BTreeMap<&'m str, Ways<'m>> {
    let mut events: BTreeMap<&str, Ways<'_>> = BTreeMap::new();
    for journey in journeys.iter().copied() {
        for enter in &journey.enters {
            let EnterKind::On(event) = &enter.kind else { continue };
            let ways = events.entry(event).or_default();
            let ways = match &enter.condition {
                None => &mut ways.open,
                Some(condition) => ways.under.entry(format!("{condition:?}")).or_default(),
            };
            if ways.last().is_none_or(|last| last.journey.name != journey.name) {
                ways.push(Way { journey, span: enter.span, stage: enter.into });
            }
        }
    }
    events
}

/// The ways in behind which a cap counts messages soon.
fn sends<'m>(ways: &[Way<'m>], graphs: &BTreeMap<&str, Graph<'_>>, cap: &Cap) -> Vec<Sends<'m>> {
    let count = |way: &Way<'_>| {
        let graph = graphs.get(way.journey.name.as_str());
        graph.map_or(0, |graph| graph.sends_from(way.stage, cap, nominal(cap.per)))
    };
    let sends = ways.iter().map(|way| Sends { way: *way, count: count(way) });
    sends.filter(|sends| sends.count > 0).collect()
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
