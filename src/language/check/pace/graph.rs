use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::nominal;
use crate::language::model::{
    Block, Cap, Journey, Message, Model, SendTo, Shape, Statement, StatementKind, Until,
};
use crate::source::Span;

/// How large a graph may be; of larger journeys nothing is said.
const NODES_MAX: usize = 20_000;
/// How many states a search may have.
const STATES_MAX: usize = 200_000;
const DAY: i64 = 86_400;

/// The statements of a journey, and how much time passes between them at the least.
pub(super) struct Graph<'m> {
    nodes: Vec<Node<'m>>,
}

#[derive(Default)]
struct Node<'m> {
    stage: usize,
    /// The channels by which a marketing message may go out there, and where it is named.
    sends: Vec<(&'m str, Span)>,
    /// Where paths go on, after how many seconds.
    next: Vec<(usize, i64)>,
}

/// A path that sends more than a cap lets through.
pub(super) struct Over {
    /// The message that is too many.
    pub(super) span: Span,
    /// How long after the first.
    pub(super) seconds: i64,
    /// The stages on the way, each once, in order.
    pub(super) stages: Vec<usize>,
}

/// A node, and how many messages were sent on the way there.
type State = (usize, u32);

impl<'m> Graph<'m> {
    /// The graph of a journey; nothing where a part of it is unknown or it is very large. Loops are rolled out, at most
    /// `rounds` times.
    pub(super) fn of(journey: &'m Journey, model: &'m Model, rounds: u32) -> Option<Self> {
        let mut builder = Builder { journey, model, rounds, nodes: Vec::new(), stage: 0 };
        // The stages come first, then the end of all paths.
        builder.nodes.resize_with(journey.stages.len() + 1, Node::default);
        let end = journey.stages.len();
        for (index, stage) in journey.stages.iter().enumerate() {
            builder.stage = index;
            let start = builder.block(&stage.body, end, end)?;
            let node = builder.nodes.get_mut(index)?;
            (node.stage, node.next) = (index, vec![(start, 0)]);
        }
        Some(Self { nodes: builder.nodes })
    }

    /// The fastest path that sends more than a cap lets through in its time.
    pub(super) fn over(&self, cap: &Cap, per: i64) -> Option<Over> {
        let first = self.nodes.iter().enumerate().filter(|(_, node)| node.counts(cap).is_some());
        let starts = first.map(|(index, _)| (index, 1)).collect();
        let search = self.search(starts, cap, per, cap.count + 1)?;
        let (found, seconds) = search.last?;
        let mut path = vec![found];
        while let Some(before) = path.last().and_then(|state| search.from.get(state)) {
            path.push(*before);
        }
        let mut stages: Vec<usize> = Vec::new();
        for node in path.iter().rev().filter_map(|(node, _)| self.nodes.get(*node)) {
            if !stages.contains(&node.stage) {
                stages.push(node.stage);
            }
        }
        Some(Over { span: self.nodes.get(found.0)?.counts(cap)?, seconds, stages })
    }

    /// How many messages that a cap counts can go out in less than a time, from a stage on.
    pub(super) fn sends_from(&self, stage: usize, cap: &Cap, per: i64) -> u32 {
        let most = cap.count + 1;
        self.search(vec![(stage, 0)], cap, per, most).map_or(0, |search| search.most)
    }

    /// Looks for the least time in which paths send so many messages, in less than `per` seconds.
    fn search(&self, starts: Vec<State>, cap: &Cap, per: i64, wanted: u32) -> Option<Search> {
        if self.nodes.len().saturating_mul(wanted as usize + 1) > STATES_MAX {
            return None;
        }
        let mut search = Search::default();
        let mut best: BTreeMap<State, i64> = starts.iter().map(|state| (*state, 0)).collect();
        let mut queue: BinaryHeap<Reverse<(i64, State)>> =
            starts.into_iter().map(|state| Reverse((0, state))).collect();
        while let Some(Reverse((seconds, state))) = queue.pop() {
            if best.get(&state).is_some_and(|known| *known < seconds) {
                continue;
            }
            let (at, sent) = state;
            search.most = search.most.max(sent);
            if sent == wanted {
                search.last = Some((state, seconds));
                break;
            }
            for (next, takes) in self.nodes.get(at).map_or(&[][..], |node| node.next.as_slice()) {
                let counts = self.nodes.get(*next).is_some_and(|node| node.counts(cap).is_some());
                let (then, later) = ((*next, sent + u32::from(counts)), seconds.saturating_add(*takes));
                if later < per && best.get(&then).is_none_or(|known| later < *known) {
                    best.insert(then, later);
                    search.from.insert(then, state);
                    queue.push(Reverse((later, then)));
                }
            }
        }
        Some(search)
    }
}

/// What a search found.
#[derive(Default)]
struct Search {
    /// Where each state was come from.
    from: BTreeMap<State, State>,
    /// The state with as many messages as were wanted, and when.
    last: Option<(State, i64)>,
    /// The most messages of any state.
    most: u32,
}

impl Node<'_> {
    /// Whether a message may go out here that a cap counts: where it is named.
    fn counts(&self, cap: &Cap) -> Option<Span> {
        self.sends.iter().find(|(channel, _)| cap.counts(channel)).map(|(_, span)| *span)
    }
}

struct Builder<'m> {
    journey: &'m Journey,
    model: &'m Model,
    rounds: u32,
    nodes: Vec<Node<'m>>,
    stage: usize,
}

impl<'m> Builder<'m> {
    fn push(&mut self, sends: Vec<(&'m str, Span)>, next: Vec<(usize, i64)>) -> Option<usize> {
        self.nodes.push(Node { stage: self.stage, sends, next });
        (self.nodes.len() <= NODES_MAX).then(|| self.nodes.len() - 1)
    }

    /// Lays a block out from its end; says where it begins. `out` is where a `stop` leads.
    fn block(&mut self, block: &'m Block, next: usize, out: usize) -> Option<usize> {
        let mut next = next;
        for statement in block.statements.iter().rev() {
            next = self.statement(statement, next, out)?;
        }
        Some(next)
    }

    fn statement(&mut self, statement: &'m Statement, next: usize, out: usize) -> Option<usize> {
        match statement.shape() {
            Shape::Unknown => None,
            Shape::Stop => Some(out),
            Shape::GoTo(stage) => Some(stage),
            Shape::End => Some(self.journey.stages.len()),
            Shape::Straight => {
                let sends = self.sends(statement);
                self.push(sends, vec![(next, takes(statement))])
            }
            Shape::Loop(body) => {
                let times = match &statement.kind {
                    StatementKind::Repeat { times, .. } => *times,
                    _ => 1,
                };
                let mut start = next;
                for _ in 0..times.min(self.rounds) {
                    start = self.block(body, start, next)?;
                }
                Some(start)
            }
            Shape::Choice { blocks, past } => {
                let mut ways = Vec::new();
                for block in blocks {
                    let up = statement.wait().filter(|wait| {
                        wait.otherwise.as_ref().is_some_and(|otherwise| std::ptr::eq(otherwise, block))
                    });
                    let takes = up.map_or(0, |wait| nominal(wait.limit));
                    ways.push((self.block(block, next, out)?, takes));
                }
                if past {
                    let sends = self.sends(statement);
                    ways.push((self.push(sends, vec![(next, takes(statement))])?, 0));
                }
                self.push(Vec::new(), ways)
            }
        }
    }

    /// The marketing messages that may go out at a statement.
    fn sends(&self, statement: &'m Statement) -> Vec<(&'m str, Span)> {
        let StatementKind::Send { messages, .. } = &statement.kind else { return Vec::new() };
        let marketing = |one: &SendTo| {
            let message: &'m Message = self.model.message(&one.name)?;
            let topic = message.topic.as_ref().or(self.journey.permission.as_ref())?;
            let essential = self.model.topic(topic).is_some_and(|topic| topic.essential);
            (!essential).then_some((message.channel.as_str(), one.span))
        };
        messages.iter().filter_map(marketing).collect()
    }
}

/// How many seconds pass at a statement at the least.
fn takes(statement: &Statement) -> i64 {
    match &statement.kind {
        StatementKind::WaitFor(length) => nominal(*length),
        StatementKind::WaitUntil(Until::BusinessDays(days)) => i64::from(*days) * DAY,
        _ => statement.wait().map_or(0, |wait| nominal(wait.limit)),
    }
}
