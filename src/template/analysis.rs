//! Walks the tags of one text in order: blocks that must close, names that come and go, what is sure to be set.

use std::collections::BTreeMap;
use std::ops::Range;

use super::TemplateProblem;
use super::expression::{Checker, Facts, GROUPS, Scopes, Shape, URL_NAMES};
use super::filters::FUNCTIONS;
use super::lexer::Form;
use super::limits::BLOCK_DEPTH_MAX;
use super::masked::PlacedTag;
use super::paths::Path;

/// Names that no `{% set %}` and no `{% for %}` may take.
const TAKEN: [&str; 10] = ["loop", "self", "true", "false", "none", "and", "or", "not", "in", "is"];

/// A block that is open.
struct Block<'a> {
    opener: &'a PlacedTag,
    is_loop: bool,
    /// How many guards there were before it.
    guards_before: usize,
    /// What is sure to be set once none of its conditions held so far.
    otherwise: Vec<Path>,
    /// How deep it and its `elif`s stand.
    depth: usize,
    has_else: bool,
}

/// Checks the tags of one text, in the order in which they stand there.
pub(super) fn analyse<'a>(tags: impl Iterator<Item = &'a PlacedTag>, facts: &mut Facts) {
    let mut walk = Walk { blocks: Vec::new(), scopes: vec![BTreeMap::new()], guards: Vec::new(), facts };
    for tag in tags {
        walk.tag(tag);
    }
    for block in walk.blocks {
        let (statement, end) = if block.is_loop { ("for", "endfor") } else { ("if", "endif") };
        let message = format!("`{{% {statement} %}}` without `{{% {end} %}}`");
        let problem = TemplateProblem::new(&block.opener.part, block.opener.tag.range.clone(), message);
        walk.facts.problems.push(problem.help(format!("close it with `{{% {end} %}}`")));
    }
}

struct Walk<'a> {
    blocks: Vec<Block<'a>>,
    scopes: Scopes,
    guards: Vec<Path>,
    facts: &'a mut Facts,
}

impl<'a> Walk<'a> {
    fn tag(&mut self, tag: &'a PlacedTag) {
        match &tag.tag.form {
            Form::Comment => {}
            Form::Output(range) => {
                self.checker(tag).value(range);
            }
            Form::Set { name, value } => {
                let shape = self.checker(tag).value(value);
                let name = tag.slice(name);
                self.check_name(tag, name);
                // Another branch may have set it to something longer.
                let known = self.scopes.last().and_then(|scope| scope.get(name)).copied();
                self.declare(name, known.map_or(shape, |known| known.or(shape)));
            }
            Form::If(condition) => {
                let sure = self.checker(tag).condition(condition);
                self.open(tag, false);
                self.guards.extend(sure.when_true);
                if let Some(block) = self.blocks.last_mut() {
                    block.otherwise = sure.when_false;
                }
            }
            Form::For { name, list } => {
                let shape = self.checker(tag).list(list);
                let name = tag.slice(name);
                self.check_name(tag, name);
                self.open(tag, true);
                self.scopes.push(BTreeMap::from([("loop".to_owned(), Shape::default())]));
                self.declare(name, shape);
            }
            Form::Elif(condition) => self.elif(tag, condition),
            Form::Else => self.r#else(tag),
            Form::EndIf => self.close(tag, false),
            Form::EndFor => self.close(tag, true),
        }
    }

    fn checker<'b>(&'b mut self, tag: &'b PlacedTag) -> Checker<'b> {
        Checker::new(tag, &self.scopes, &self.guards, self.facts)
    }

    fn problem(&mut self, tag: &PlacedTag, message: impl Into<String>, help: &str) {
        let problem = TemplateProblem::new(&tag.part, tag.tag.range.clone(), message);
        self.facts.problems.push(problem.help(help));
    }

    fn declare(&mut self, name: &str, shape: Shape) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), shape);
        }
    }

    fn check_name(&mut self, tag: &PlacedTag, name: &str) {
        let is_taken = TAKEN.contains(&name)
            || GROUPS.contains(&name)
            || URL_NAMES.contains(&name)
            || FUNCTIONS.iter().any(|rule| rule.name == name);
        if is_taken || name.starts_with('_') {
            self.problem(tag, format!("`{name}` has a meaning already"), "take another name");
        }
    }

    fn open(&mut self, tag: &'a PlacedTag, is_loop: bool) {
        let depth = self.blocks.last().map_or(0, |block| block.depth) + 1;
        self.check_depth(tag, depth);
        let guards_before = self.guards.len();
        let otherwise = Vec::new();
        self.blocks.push(Block { opener: tag, is_loop, guards_before, otherwise, depth, has_else: false });
    }

    fn check_depth(&mut self, tag: &PlacedTag, depth: usize) {
        // Said once, where it begins to be too deep.
        if depth == BLOCK_DEPTH_MAX + 1 {
            let message = format!("conditions and loops more than {BLOCK_DEPTH_MAX} deep");
            self.problem(tag, message, "each `elif` counts too: split the mail into several messages");
        }
    }

    fn elif(&mut self, tag: &'a PlacedTag, condition: &Range<usize>) {
        let Some(block) = self.blocks.last_mut().filter(|block| !block.is_loop && !block.has_else) else {
            self.problem(tag, "`{% elif %}` without an `{% if %}` before it", "open it with `{% if … %}`");
            return;
        };
        block.depth += 1;
        let (depth, before, otherwise) = (block.depth, block.guards_before, block.otherwise.clone());
        self.check_depth(tag, depth);
        self.guards.truncate(before);
        self.guards.extend(otherwise);
        let sure = self.checker(tag).condition(condition);
        self.guards.extend(sure.when_true);
        if let Some(block) = self.blocks.last_mut() {
            block.otherwise.extend(sure.when_false);
        }
    }

    fn r#else(&mut self, tag: &'a PlacedTag) {
        let Some(block) = self.blocks.last_mut().filter(|block| !block.has_else) else {
            self.problem(tag, "`{% else %}` without an `{% if %}` before it", "open it with `{% if … %}`");
            return;
        };
        block.has_else = true;
        self.guards.truncate(block.guards_before);
        self.guards.extend(block.otherwise.iter().cloned());
        if block.is_loop {
            // Here the list was empty, so the loop's names mean nothing.
            self.scopes.pop();
            self.scopes.push(BTreeMap::new());
        }
    }

    fn close(&mut self, tag: &'a PlacedTag, is_loop: bool) {
        let (open, close) = if is_loop { ("for", "endfor") } else { ("if", "endif") };
        match self.blocks.pop_if(|block| block.is_loop == is_loop) {
            Some(block) => {
                self.guards.truncate(block.guards_before);
                if block.is_loop {
                    self.scopes.pop();
                }
            }
            None => {
                let message = format!("`{{% {close} %}}` closes no `{{% {open} %}}`");
                self.problem(tag, message, "take it out, or close first what stands open inside");
            }
        }
    }
}
