use std::collections::BTreeMap;

use super::headline::headline;
use crate::language::model;
use crate::language::syntax::parse;
use crate::language::syntax::tree::{
    Block, ClauseKind, Declaration, Journey, Name, OnBranch, Pick, Send, SendChoice, Statement,
    StatementKind, Variant, WaitUpTo,
};
use crate::source::{SourceId, Sources, Span};

/// A journey as its author wrote it, line by line: what pictures are drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// The journey's name.
    pub name: String,
    /// What people call it; empty where it says nothing.
    pub label: String,
    /// Its file.
    pub path: String,
    /// The clauses at its head, each on one line.
    pub clauses: Vec<String>,
    /// The ways in: the clause, and the index of the stage where one starts.
    pub enters: Vec<(String, usize)>,
    /// Its stages, in the order of the text.
    pub stages: Vec<StageOutline>,
}

/// A stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageOutline {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// The whole stage.
    pub whole: Span,
    /// What happens in it.
    pub items: Vec<Item>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What people call the place: the stage and the numbers of the statements, such as `contact.2`, as in a plan.
    pub id: String,
    /// Where it stands.
    pub span: Span,
    /// What it says, up to its block.
    pub text: String,
    /// What it does.
    pub does: Does,
    /// Where it can go on, beside the next line.
    pub ways: Vec<Way>,
}

/// What a statement does, as far as a picture cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// It does something, by the first words of the language for it.
    Something(&'static str),
    /// It goes to the stage of that index.
    GoTo(usize),
    /// It ends the journey; its text is the outcome.
    End,
}

/// A way on behind a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Its part of the ids of the statements in it.
    pub key: String,
    /// What it depends on.
    pub label: String,
    /// Where what it depends on stands, or its block.
    pub span: Span,
    /// What happens then.
    pub items: Vec<Item>,
}

impl Outline {
    /// The outline of a journey of a checked workspace; `None` where its file does not hold it.
    pub fn of(journey: &model::Journey, sources: &Sources) -> Option<Self> {
        Outlines::new(sources).of(journey)
    }

    /// The stage and the innermost statement at a byte of the journey's file; the stage alone around them.
    pub fn at(&self, offset: u32) -> Option<(&StageOutline, Option<&Item>)> {
        let around = |span: Span| span.start <= offset && offset <= span.end;
        let mut found = None;
        self.each(&mut |stage, item| {
            if around(item.span) {
                found = self.stages.get(stage).map(|stage| (stage, Some(item)));
            }
        });
        found.or_else(|| self.stages.iter().find(|stage| around(stage.whole)).map(|stage| (stage, None)))
    }

    /// Calls `see` with every statement, those in inner blocks included, and the index of its stage.
    pub fn each<'o>(&'o self, see: &mut dyn FnMut(usize, &'o Item)) {
        fn inner<'o>(stage: usize, items: &'o [Item], see: &mut dyn FnMut(usize, &'o Item)) {
            for item in items {
                see(stage, item);
                item.ways.iter().for_each(|way| inner(stage, &way.items, see));
            }
        }
        for (index, stage) in self.stages.iter().enumerate() {
            inner(index, &stage.items, see);
        }
    }
}

/// Outlines of several journeys of a workspace; each file is read once.
pub struct Outlines<'s> {
    sources: &'s Sources,
    /// The journeys of the files that were read, by name.
    files: BTreeMap<SourceId, BTreeMap<String, Journey>>,
}

impl<'s> Outlines<'s> {
    /// Nothing read yet.
    pub fn new(sources: &'s Sources) -> Self {
        Self { sources, files: BTreeMap::new() }
    }

    /// The outline of a journey of a checked workspace; `None` where its file does not hold it.
    pub fn of(&mut self, journey: &model::Journey) -> Option<Outline> {
        let (source, sources) = (journey.span.source, self.sources);
        let journeys = self.files.entry(source).or_insert_with(|| {
            let declarations = parse(source, &sources.get(source).text).file.declarations;
            let journey = |declaration| match declaration {
                Declaration::Journey(journey) => Some((journey.name.value.clone(), journey)),
                _ => None,
            };
            declarations.into_iter().filter_map(journey).collect()
        });
        journeys.get(&journey.name).map(|found| Writer { journey: found, sources }.outline())
    }
}

struct Writer<'a> {
    journey: &'a Journey,
    sources: &'a Sources,
}

impl Writer<'_> {
    fn outline(&self) -> Outline {
        let clauses = &self.journey.clauses;
        let enters = clauses.iter().filter_map(|clause| match &clause.kind {
            ClauseKind::Enter(enter) => {
                let into = enter.into.as_ref().map_or(0, |into| self.stage(into));
                Some((self.line(clause.span), into))
            }
            _ => None,
        });
        let stages = self.journey.stages.iter().map(|stage| StageOutline {
            name: stage.name.value.clone(),
            span: stage.name.span,
            whole: stage.span,
            items: self.block(&stage.body, &stage.name.value),
        });
        Outline {
            name: self.journey.name.value.clone(),
            label: self.journey.label.as_ref().map(|label| label.value.clone()).unwrap_or_default(),
            path: self.sources.get(self.journey.span.source).path.clone(),
            clauses: clauses.iter().map(|clause| self.line(clause.span)).collect(),
            enters: enters.collect(),
            stages: stages.collect(),
        }
    }

    fn line(&self, span: Span) -> String {
        headline(self.sources.text(span))
    }

    fn stage(&self, name: &Name) -> usize {
        let found = self.journey.stages.iter().position(|stage| stage.name.value == name.value);
        found.unwrap_or_default()
    }

    fn block(&self, block: &Block, id: &str) -> Vec<Item> {
        let items = (1..).zip(&block.statements);
        items.map(|(number, statement)| self.item(statement, format!("{id}.{number}"))).collect()
    }

    fn item(&self, statement: &Statement, id: String) -> Item {
        use StatementKind as Kind;
        let something = Does::Something;
        let line = || self.line(statement.span);
        let (does, text, ways) = match &statement.kind {
            Kind::Send(send) => {
                let not_sent = send.otherwise.as_ref();
                let ways =
                    not_sent.map(|block| self.way("otherwise", "if it is not sent", block.span, block, &id));
                (something("send"), self.send(send), ways.into_iter().collect())
            }
            Kind::Call { hook, wait, .. } => (
                something("call"),
                self.asks(&format!("call {}", hook.value), wait.as_ref()),
                self.waits(wait.as_ref(), &id),
            ),
            Kind::HandOff { team, wait, .. } => {
                let head = format!("hand off to {}", team.value);
                (something("hand_off"), self.asks(&head, wait.as_ref()), self.waits(wait.as_ref(), &id))
            }
            Kind::Alert { .. } => (something("alert"), line(), Vec::new()),
            Kind::WaitFor(_) | Kind::WaitBusinessDays(_) | Kind::WaitUntil(_) | Kind::WaitWindow { .. } => {
                (something("wait"), line(), Vec::new())
            }
            Kind::WaitUpTo(wait) => (something("wait"), line(), self.waits(Some(wait), &id)),
            Kind::If { branches, otherwise } => {
                let blocks: Vec<&Block> = branches.iter().map(|(_, block)| block).collect();
                (something("if"), line(), self.conditions(statement.span, &blocks, otherwise.as_ref(), &id))
            }
            Kind::Experiment { name, variants, pick } => {
                (something("experiment"), self.experiment(name, pick.as_ref()), self.variants(variants, &id))
            }
            Kind::Repeat { body, .. } => {
                (something("repeat"), line(), vec![self.way("repeat", "each time", body.span, body, &id)])
            }
            Kind::Stop => (something("stop"), line(), Vec::new()),
            Kind::Set { .. } => (something("set"), line(), Vec::new()),
            Kind::Clear { .. } => (something("clear"), line(), Vec::new()),
            Kind::Add { .. } => (something("add"), line(), Vec::new()),
            Kind::Tag(_) => (something("tag"), line(), Vec::new()),
            Kind::Untag(_) => (something("untag"), line(), Vec::new()),
            Kind::Allow(_) => (something("allow"), line(), Vec::new()),
            Kind::Refuse(_) => (something("refuse"), line(), Vec::new()),
            Kind::Record { .. } => (something("record"), line(), Vec::new()),
            Kind::Start { .. } => (something("start"), line(), Vec::new()),
            Kind::GoTo(stage) => (Does::GoTo(self.stage(stage)), line(), Vec::new()),
            Kind::End { outcome } => {
                let outcome = outcome.as_ref().map_or("done", |outcome| &outcome.value);
                (Does::End, outcome.to_owned(), Vec::new())
            }
            Kind::Broken => (something("broken"), line(), Vec::new()),
        };
        Item { id, span: statement.span, text, does, ways }
    }

    fn way(&self, key: &str, label: &str, span: Span, block: &Block, id: &str) -> Way {
        let items = self.block(block, &format!("{id}.{key}"));
        Way { key: key.to_owned(), label: label.to_owned(), span, items }
    }

    /// `send` with its messages, which stand in a block where there are several.
    fn send(&self, send: &Send) -> String {
        let messages = send.messages.iter().map(|message| {
            let end = message.to.as_ref().map_or(message.message.span, |to| to.span);
            self.line(message.channel.span.to(end))
        });
        let messages: Vec<String> = messages.collect();
        let choice = match send.choice {
            SendChoice::One => "",
            SendChoice::FirstOf => "first of ",
            SendChoice::BestOf => "best of ",
        };
        let best = send.best_time.as_ref();
        let best = best.map(|within| format!(" at best time within {}", within.value)).unwrap_or_default();
        format!("send {choice}{}{best}", messages.join(", "))
    }

    fn asks(&self, head: &str, wait: Option<&WaitUpTo>) -> String {
        wait.map_or_else(|| head.to_owned(), |wait| format!("{head} and wait up to {}", wait.limit.value))
    }

    fn waits(&self, wait: Option<&WaitUpTo>, id: &str) -> Vec<Way> {
        let Some(wait) = wait else { return Vec::new() };
        let branch = |(number, branch): (usize, &OnBranch)| {
            let span = branch.trigger.span();
            let span = branch.condition.as_ref().map_or(span, |condition| span.to(condition.span));
            self.way(&number.to_string(), &self.line(span), span, &branch.body, id)
        };
        let otherwise =
            wait.otherwise.iter().map(|block| self.way("otherwise", "otherwise", block.span, block, id));
        (1..).zip(&wait.branches).map(branch).chain(otherwise).collect()
    }

    fn conditions(&self, whole: Span, blocks: &[&Block], otherwise: Option<&Block>, id: &str) -> Vec<Way> {
        let mut ways = Vec::new();
        let mut from = whole.at_start();
        for (number, block) in (1..).zip(blocks) {
            // From `if`, or from `else if` behind the block before, to the block.
            let head = from.to(block.span.at_start());
            ways.push(self.way(&format!("{number}"), &self.line(head), head, block, id));
            from = block.span.at_end();
        }
        ways.extend(otherwise.map(|block| self.way("else", "else", block.span, block, id)));
        ways
    }

    fn experiment(&self, name: &Name, pick: Option<&Pick>) -> String {
        let pick = pick.map(|pick| {
            let span = pick.trigger.span().to(pick.after.span);
            format!(", pick by {}", self.line(span))
        });
        format!("experiment {}{}", name.value, pick.unwrap_or_default())
    }

    fn variants(&self, variants: &[Variant], id: &str) -> Vec<Way> {
        let variant = |variant: &Variant| {
            let span = variant.name.span.to(variant.share.span);
            let label = format!("variant {}", self.line(span));
            self.way(&variant.name.value, &label, span, &variant.body, id)
        };
        variants.iter().map(variant).collect()
    }
}
