//! Walks over the paths of blocks. One walker follows them all; each analysis says what it keeps on the way.

use std::collections::{BTreeMap, BTreeSet};

use crate::language::model::{Block, Journey, Shape, Statement};
use crate::source::Span;

/// What is known on the paths that arrive at a place.
trait Known: Clone {
    /// Takes in what is known on other paths to the same place; tells whether another round of a loop could
    /// learn more from it.
    fn join(&mut self, other: Self) -> bool;
}

/// What an analysis keeps on the way.
trait Analysis<'a> {
    type Known: Known;

    /// What is known behind a statement, on the path that goes past the blocks inside it.
    fn behind(&mut self, statement: &'a Statement, known: &Self::Known) -> Self::Known;

    /// What is known where a block inside a statement begins.
    fn block_known(&mut self, statement: &'a Statement, block: &'a Block, known: &Self::Known)
    -> Self::Known;

    /// Whether anybody takes the path past the blocks inside.
    fn goes_past(&self, _statement: &'a Statement) -> bool {
        true
    }

    /// What is known behind a loop, of what is known where paths come out of it.
    fn out_of(&mut self, _loop: &'a Statement, known: Self::Known) -> Self::Known {
        known
    }

    /// A path leaves the stage for another.
    fn leaves(&mut self, _from: &'a Statement, _to: usize, _known: Self::Known) {}

    /// Nothing reaches this statement, and something reaches the block it stands in.
    fn unreached(&mut self, _statement: &'a Statement) {}
}

/// Follows every path through a block; answers what is known where it runs out, `None` where no path gets there.
fn walk<'a, A: Analysis<'a>>(analysis: &mut A, block: &'a Block, known: A::Known) -> Option<A::Known> {
    walk_in(analysis, block, known, &mut None)
}

/// `stopped` takes what is known at each `stop` of the loop around.
fn walk_in<'a, A: Analysis<'a>>(
    analysis: &mut A,
    block: &'a Block,
    known: A::Known,
    stopped: &mut Option<A::Known>,
) -> Option<A::Known> {
    let mut known = Some(known);
    for statement in &block.statements {
        let Some(here) = known else {
            analysis.unreached(statement);
            return None;
        };
        let behind = analysis.behind(statement, &here);
        known = match statement.shape() {
            Shape::Straight | Shape::Unknown => Some(behind),
            Shape::End => None,
            Shape::GoTo(stage) => {
                analysis.leaves(statement, stage, here);
                None
            }
            Shape::Stop => {
                join(stopped, Some(here));
                None
            }
            Shape::Choice { blocks, past } => {
                let mut after = (past && analysis.goes_past(statement)).then_some(behind);
                for inner in blocks {
                    let begin = analysis.block_known(statement, inner, &here);
                    let end = walk_in(analysis, inner, begin, stopped);
                    join(&mut after, end);
                }
                after
            }
            Shape::Loop(body) => {
                let mut begin = analysis.block_known(statement, body, &here);
                let mut out = None;
                loop {
                    let end = walk_in(analysis, body, begin.clone(), &mut out);
                    join(&mut out, end.clone());
                    if !end.is_some_and(|end| begin.join(end)) {
                        break;
                    }
                }
                out.map(|out| analysis.out_of(statement, out))
            }
        };
    }
    known
}

fn join<K: Known>(into: &mut Option<K>, more: Option<K>) {
    match (into.as_mut(), more) {
        (Some(known), Some(more)) => drop(known.join(more)),
        (None, more) => *into = more,
        (Some(_), None) => {}
    }
}

/// Where the paths through a stage run out, and what none of them gets to.
pub(super) struct Ends<'c> {
    /// The last thing on each path that ends nowhere.
    pub(super) open: Vec<Span>,
    /// In each block the first statement that nothing reaches.
    pub(super) unreached: Vec<Span>,
    /// Whether a statement takes everybody into one of its blocks, though it does not say so.
    covers: &'c dyn Fn(&Statement) -> bool,
}

/// The last thing on each path to a place, and whether some of them are unknown.
#[derive(Clone)]
struct Last {
    spans: Vec<Span>,
    unknown: bool,
}

impl Known for Last {
    fn join(&mut self, other: Self) -> bool {
        self.spans.extend(other.spans);
        self.unknown |= other.unknown;
        false
    }
}

impl<'a> Analysis<'a> for Ends<'_> {
    type Known = Last;

    fn behind(&mut self, statement: &'a Statement, known: &Last) -> Last {
        // A wait that does not say what happens when the time is up has been told about.
        let unsaid = statement.wait().is_some_and(|wait| wait.otherwise.is_none());
        let unknown = known.unknown || unsaid || matches!(statement.shape(), Shape::Unknown);
        Last { spans: vec![statement.span], unknown }
    }

    fn block_known(&mut self, _statement: &'a Statement, block: &'a Block, known: &Last) -> Last {
        Last { spans: vec![block.span], unknown: known.unknown }
    }

    fn goes_past(&self, statement: &'a Statement) -> bool {
        !(self.covers)(statement)
    }

    fn out_of(&mut self, repeat: &'a Statement, known: Last) -> Last {
        Last { spans: vec![repeat.span], ..known }
    }

    fn unreached(&mut self, statement: &'a Statement) {
        if !self.unreached.contains(&statement.span) {
            self.unreached.push(statement.span);
        }
    }
}

/// Follows the paths through a stage to their ends.
pub(super) fn ends<'c>(body: &Block, covers: &'c dyn Fn(&Statement) -> bool) -> Ends<'c> {
    let mut ends = Ends { open: Vec::new(), unreached: Vec::new(), covers };
    let last = walk(&mut ends, body, Last { spans: vec![body.span], unknown: false });
    ends.open = last.filter(|last| !last.unknown).map_or_else(Vec::new, |last| last.spans);
    ends
}

/// The stages that a block goes to without any time passing, and where it says so.
pub(super) fn at_once(body: &Block) -> Vec<(usize, Span)> {
    let mut found = AtOnce(Vec::new());
    let _ = walk(&mut found, body, true);
    found.0
}

struct AtOnce(Vec<(usize, Span)>);

/// Whether a path gets there on which no time has passed.
impl Known for bool {
    fn join(&mut self, other: Self) -> bool {
        *self |= other;
        false
    }
}

impl<'a> Analysis<'a> for AtOnce {
    type Known = bool;

    fn behind(&mut self, statement: &'a Statement, now: &bool) -> bool {
        *now && !statement.takes_time()
    }

    fn block_known(&mut self, statement: &'a Statement, _block: &'a Block, now: &bool) -> bool {
        *now && !statement.takes_time()
    }

    fn leaves(&mut self, from: &'a Statement, to: usize, now: bool) {
        if now {
            self.0.push((to, from.span));
        }
    }
}

/// Which messages may have been sent before each statement.
#[derive(Default)]
pub(super) struct Sent<'a> {
    before: BTreeMap<Span, Messages<'a>>,
    leaving: Vec<(usize, Messages<'a>)>,
}

type Messages<'a> = BTreeSet<&'a str>;

impl Known for Messages<'_> {
    fn join(&mut self, other: Self) -> bool {
        let before = self.len();
        self.extend(other);
        self.len() > before
    }
}

impl<'a> Analysis<'a> for Sent<'a> {
    type Known = Messages<'a>;

    fn behind(&mut self, statement: &'a Statement, known: &Messages<'a>) -> Messages<'a> {
        self.before.entry(statement.span).or_default().extend(known);
        known.iter().copied().chain(statement.sends()).collect()
    }

    fn block_known(&mut self, _: &'a Statement, _: &'a Block, known: &Messages<'a>) -> Messages<'a> {
        known.clone()
    }

    fn leaves(&mut self, _from: &'a Statement, to: usize, known: Messages<'a>) {
        self.leaving.push((to, known));
    }
}

impl<'a> Sent<'a> {
    /// The messages that some path to a place sends; `None` where no path gets there.
    pub(super) fn at(&self, place: Span) -> Option<&Messages<'a>> {
        // Of the statements around a place the innermost begins last.
        let begun = self.before.range(..=Span { end: u32::MAX, ..place });
        begun.rev().find(|(statement, _)| statement.contains(place)).map(|(_, messages)| messages)
    }
}

/// The stages that contacts begin in. Where no `enter` could be understood it is the first, so that nothing is said
/// of what follows from that.
pub(super) fn starts(journey: &Journey) -> BTreeSet<usize> {
    let known: BTreeSet<usize> = journey.enters.iter().map(|enter| enter.into).collect();
    if known.is_empty() { BTreeSet::from([0]) } else { known }
}

/// Follows all paths until nothing new is learnt.
pub(super) fn sent_before(journey: &Journey) -> Sent<'_> {
    let mut sent = Sent::default();
    let mut arriving: BTreeMap<usize, Messages<'_>> =
        starts(journey).into_iter().map(|stage| (stage, BTreeSet::new())).collect();
    let mut next: Vec<usize> = arriving.keys().copied().collect();
    while let Some(index) = next.pop() {
        let Some(stage) = journey.stages.get(index) else { continue };
        let _ = walk(&mut sent, &stage.body, arriving.get(&index).cloned().unwrap_or_default());
        for (target, messages) in std::mem::take(&mut sent.leaving) {
            let news = match arriving.get_mut(&target) {
                Some(known) => known.join(messages),
                None => arriving.insert(target, messages).is_none(),
            };
            if news {
                next.push(target);
            }
        }
    }
    sent
}
