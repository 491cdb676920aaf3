//! Walks over the paths of blocks. Each walk keeps the little it needs to know and no more.

use std::collections::{BTreeMap, BTreeSet};

use crate::language::model::{Block, Journey, Statement, StatementKind, Until};
use crate::source::Span;

/// How a block ends.
pub(super) enum Flow {
    /// On every path it ends or goes on elsewhere.
    Closed,
    /// On these paths it runs out: the last thing on each.
    Open(Vec<Span>),
    /// A statement in it could not be resolved.
    Unknown,
}

/// Follows the paths through a block; `unreached` is told the first statement that nothing reaches.
pub(super) fn follow(block: &Block, unreached: &mut dyn FnMut(Span)) -> Flow {
    let mut flow = Flow::Open(vec![block.span]);
    for statement in &block.statements {
        if matches!(flow, Flow::Closed) {
            unreached(statement.span);
            return Flow::Closed;
        }
        let after = after(statement, unreached);
        flow = match flow {
            Flow::Unknown => Flow::Unknown,
            _ => after,
        };
    }
    flow
}

fn after(statement: &Statement, unreached: &mut dyn FnMut(Span)) -> Flow {
    let on = statement.span;
    match &statement.kind {
        StatementKind::GoTo(_) | StatementKind::End { .. } | StatementKind::Stop => Flow::Closed,
        // The last round leads on behind the loop, and so does a way out of it.
        StatementKind::Repeat { body, .. } => match follow(body, unreached) {
            Flow::Closed if !stops(body) => Flow::Closed,
            Flow::Unknown => Flow::Unknown,
            _ => Flow::Open(vec![on]),
        },
        StatementKind::Unknown => Flow::Unknown,
        StatementKind::If { branches, otherwise } => {
            let missing = otherwise.is_none().then(|| Flow::Open(vec![on]));
            let blocks = branches.iter().map(|(_, block)| block).chain(otherwise);
            join(blocks.map(|block| follow(block, unreached)).chain(missing).collect())
        }
        StatementKind::Send { otherwise, .. } => {
            // A message that went out leads on behind the `otherwise`.
            let skipped = otherwise.iter().map(|block| follow(block, unreached)).collect::<Vec<_>>();
            join(skipped.into_iter().chain([Flow::Open(vec![on])]).collect())
        }
        _ => match statement.wait() {
            Some(wait) if wait.otherwise.is_none() => Flow::Unknown,
            Some(_) => join(statement.blocks().into_iter().map(|block| follow(block, unreached)).collect()),
            None => Flow::Open(vec![on]),
        },
    }
}

/// Whether a block has a way out of the loop around it; those of inner loops are their own.
fn stops(block: &Block) -> bool {
    block.statements.iter().any(|statement| match &statement.kind {
        StatementKind::Stop => true,
        StatementKind::Repeat { .. } => false,
        _ => statement.blocks().into_iter().any(stops),
    })
}

fn join(flows: Vec<Flow>) -> Flow {
    let mut ends = Vec::new();
    let mut unknown = false;
    for flow in flows {
        match flow {
            Flow::Closed => {}
            Flow::Open(more) => ends.extend(more),
            Flow::Unknown => unknown = true,
        }
    }
    match (unknown, ends.is_empty()) {
        (true, _) => Flow::Unknown,
        (false, true) => Flow::Closed,
        (false, false) => Flow::Open(ends),
    }
}

/// The stages that a block goes to without any time passing, and where it says so.
pub(super) fn at_once(block: &Block) -> Vec<(usize, Span)> {
    let mut found = Vec::new();
    at_once_in(block, true, &mut found, &mut false);
    found
}

/// `now` tells whether a path arrives on which no time has passed; the answer tells the same of the end, and
/// `stopped` of the ways out of the loop around.
fn at_once_in(block: &Block, mut now: bool, found: &mut Vec<(usize, Span)>, stopped: &mut bool) -> bool {
    for statement in &block.statements {
        if let (StatementKind::GoTo(target), true) = (&statement.kind, now) {
            found.push((*target, statement.span));
        }
        let waits = match &statement.kind {
            StatementKind::WaitFor(length) => !length.is_zero(),
            StatementKind::WaitUntil(Until::BusinessDays(days)) => *days > 0,
            // Inside the window it goes on at once.
            StatementKind::WaitUntil(Until::Window(_)) => false,
            StatementKind::WaitUntil(_) => true,
            _ => statement.wait().is_some_and(|wait| !wait.limit.is_zero()),
        };
        let mut inner = false;
        let mut out = false;
        for block in statement.blocks() {
            let stopped =
                if matches!(statement.kind, StatementKind::Repeat { .. }) { &mut out } else { &mut *stopped };
            inner |= at_once_in(block, now && !waits, found, stopped);
        }
        let passes = match &statement.kind {
            StatementKind::Stop => {
                *stopped |= now;
                false
            }
            StatementKind::GoTo(_) | StatementKind::End { .. } => false,
            StatementKind::Repeat { .. } => inner || out,
            StatementKind::If { otherwise, .. } => inner || otherwise.is_none() && now,
            _ => now && !waits || inner,
        };
        now = passes;
    }
    now
}

/// Which messages may have been sent before each statement.
pub(super) struct Sent<'a> {
    before: BTreeMap<Span, BTreeSet<&'a str>>,
}

impl<'a> Sent<'a> {
    /// The messages that some path to a statement sends.
    pub(super) fn at(&self, statement: Span) -> BTreeSet<&'a str> {
        self.before.get(&statement).cloned().unwrap_or_default()
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
    let mut sent = Sent { before: BTreeMap::new() };
    let mut arriving: Vec<Option<BTreeSet<&str>>> = vec![None; journey.stages.len()];
    let mut next: Vec<usize> = starts(journey).into_iter().collect();
    for stage in &next {
        if let Some(slot) = arriving.get_mut(*stage) {
            *slot = Some(BTreeSet::new());
        }
    }
    while let Some(index) = next.pop() {
        let Some(stage) = journey.stages.get(index) else { continue };
        let known = arriving.get(index).cloned().flatten().unwrap_or_default();
        let mut leaving = Vec::new();
        sent_in(&stage.body, known, &mut sent, &mut leaving);
        for (target, messages) in leaving {
            let Some(slot) = arriving.get_mut(target) else { continue };
            let before = slot.clone();
            slot.get_or_insert_with(BTreeSet::new).extend(messages);
            if *slot != before {
                next.push(target);
            }
        }
    }
    sent
}

type Leaving<'a> = Vec<(usize, BTreeSet<&'a str>)>;

fn sent_in<'a>(
    block: &'a Block,
    mut known: BTreeSet<&'a str>,
    sent: &mut Sent<'a>,
    leaving: &mut Leaving<'a>,
) -> BTreeSet<&'a str> {
    for statement in &block.statements {
        sent.before.entry(statement.span).or_default().extend(known.iter().copied());
        if let StatementKind::GoTo(target) = statement.kind {
            leaving.push((target, known.clone()));
        }
        let mut after = known.clone();
        for inner in statement.blocks() {
            after.extend(sent_in(inner, known.clone(), sent, leaving));
        }
        if let StatementKind::Repeat { body, .. } = &statement.kind {
            // What one round sends, the next knows.
            sent_in(body, after.clone(), sent, leaving);
        }
        if let StatementKind::Send { message, .. } = &statement.kind {
            after.insert(&message.name);
        }
        known = after;
    }
    known
}
