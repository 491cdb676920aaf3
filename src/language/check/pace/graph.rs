use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use super::nominal;
use crate::language::check::paths;
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
    /// The stages that contacts begin in.
    starts: BTreeSet<usize>,
    /// How many statements wait for a moment that comes again.
    recurring: usize,
}

#[derive(Default)]
struct Node<'m> {
    stage: usize,
    /// The channels by which a marketing message may go out there, and where it is named.
    sends: Vec<(&'m str, Span)>,
    /// Where paths go on, after how many seconds.
    next: Vec<(usize, i64)>,
    /// The statement, and how many seconds pass from here until a path comes past it again, where it waits for a
    /// moment that comes again. In a loop that is rolled out many nodes stand for one statement.
    recurs: Option<(Span, i64)>,
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

/// A node, how many messages were sent on the way there, and the last statement come past that waits for a moment
/// that comes again.
type State = (usize, u32, Option<Span>);
/// When a path comes to a state, and when it was at the statement that the state remembers, in seconds.
type Times = (i64, i64);

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
        let recurring: BTreeSet<Span> =
            builder.nodes.iter().filter_map(|node| node.recurs).map(|(statement, _)| statement).collect();
        Some(Self { nodes: builder.nodes, starts: paths::starts(journey), recurring: recurring.len() })
    }

    /// The fastest path that sends more than a cap lets through in its time.
    pub(super) fn over(&self, cap: &Cap, per: i64) -> Option<Over> {
        if self.is_too_large(cap.count + 1) {
            return None;
        }
        let counts = |node: usize| self.nodes.get(node).is_some_and(|node| node.counts(cap).is_some());
        let mut starts = self.arrivals();
        starts.retain(|((node, ..), _)| counts(*node));
        starts.iter_mut().for_each(|((_, sent, _), _)| *sent = 1);
        let search = self.search(starts, cap, per, cap.count + 1)?;
        let (found, seconds) = search.last?;
        let mut path = vec![found];
        while let Some(before) = path.last().and_then(|state| search.from.get(state)) {
            path.push(*before);
        }
        let mut stages: Vec<usize> = Vec::new();
        for node in path.iter().rev().filter_map(|(node, ..)| self.nodes.get(*node)) {
            if !stages.contains(&node.stage) {
                stages.push(node.stage);
            }
        }
        Some(Over { span: self.nodes.get(found.0)?.counts(cap)?, seconds, stages })
    }

    /// How many messages that a cap counts can go out in less than a time, from a stage on.
    pub(super) fn sends_from(&self, stage: usize, cap: &Cap, per: i64) -> u32 {
        let most = cap.count + 1;
        self.search(vec![((stage, 0, None), (0, 0))], cap, per, most).map_or(0, |search| search.most)
    }

    /// Whether a search for so many messages may have too many states.
    fn is_too_large(&self, wanted: u32) -> bool {
        let states = self.nodes.len().saturating_mul(wanted as usize + 1).saturating_mul(self.recurring + 1);
        states > STATES_MAX
    }

    /// The states in which paths come to each node, whatever they send. The time is 0 at each; when they were at the
    /// statement that is remembered lies before it.
    fn arrivals(&self) -> Vec<(State, Times)> {
        let mut known: BTreeMap<State, Times> = BTreeMap::new();
        let mut next: VecDeque<(State, Times)> =
            self.starts.iter().map(|stage| ((*stage, 0, None), (0, 0))).collect();
        while let Some((state, times)) = next.pop_front() {
            if known.contains_key(&state) {
                continue;
            }
            for (to, then, (at, was)) in self.steps(state, times) {
                next.push_back(((to, 0, then), (0, was.saturating_sub(at))));
            }
            known.insert(state, times);
        }
        known.into_iter().collect()
    }

    /// The nodes that paths go on to, with what they remember and the times there.
    fn steps(&self, state: State, (now, was): Times) -> impl Iterator<Item = (usize, Option<Span>, Times)> {
        let node = self.nodes.get(state.0);
        let recurs = node.and_then(|node| node.recurs);
        let again = recurs.filter(|(statement, _)| state.2 == Some(*statement));
        let waits = again.map_or(0, |(_, period)| (was.saturating_add(period) - now).max(0));
        let past = now.saturating_add(waits);
        let (last, was) = recurs.map_or((state.2, was), |(statement, _)| (Some(statement), past));
        let next = node.map_or(&[][..], |node| node.next.as_slice());
        next.iter().map(move |(to, takes)| (*to, last, (past.saturating_add(*takes), was)))
    }

    /// Looks for the least time in which paths send so many messages, in less than `per` seconds.
    fn search(&self, starts: Vec<(State, Times)>, cap: &Cap, per: i64, wanted: u32) -> Option<Search> {
        if self.is_too_large(wanted) {
            return None;
        }
        let mut search = Search::default();
        let mut best: BTreeMap<State, Times> = starts.iter().copied().collect();
        let mut queue: BinaryHeap<Reverse<(i64, State)>> =
            starts.into_iter().map(|(state, (seconds, _))| Reverse((seconds, state))).collect();
        while let Some(Reverse((seconds, state))) = queue.pop() {
            let Some(times) = best.get(&state).copied().filter(|(known, _)| *known >= seconds) else {
                continue;
            };
            let (_, sent, _) = state;
            search.most = search.most.max(sent);
            if sent == wanted {
                search.last = Some((state, seconds));
                break;
            }
            for (next, last, (later, was)) in self.steps(state, times) {
                let counts = self.nodes.get(next).is_some_and(|node| node.counts(cap).is_some());
                let then = (next, sent + u32::from(counts), last);
                if later < per && best.get(&then).is_none_or(|(known, _)| later < *known) {
                    best.insert(then, (later, was));
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
        self.nodes.push(Node { stage: self.stage, sends, next, recurs: None });
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
                let index = self.push(sends, vec![(next, takes(statement))])?;
                let node = self.nodes.get_mut(index)?;
                node.recurs = statement.recurs_after().map(|period| (statement.span, nominal(period)));
                Some(index)
            }
            Shape::Loop(body) => {
                let times = match &statement.kind {
                    StatementKind::Repeat { times, .. } => *times,
                    _ => 1,
                };
                let mut start = next;
                for _ in 0..times.min(self.rounds) {
                    // A node for each round, or loops without anything in them would take time and no room.
                    start = self.push(Vec::new(), vec![(start, 0)])?;
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
