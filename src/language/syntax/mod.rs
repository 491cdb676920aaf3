//! From text to tree: the pest grammar of `grammar/journey.pest`, and what is said about text that it cannot
//! read.
//!
//! In comes the text of one file; out go a [`tree::File`] and findings, always both: what cannot be read
//! becomes a `Broken` node, and reading goes on behind it. Names are not resolved here. Nothing of pest leaves
//! this module.

mod ahead;
mod braces;
mod broken;
mod canonical;
mod declaration;
mod expected;
mod expression;
mod journey;
mod leaf;
mod literal;
mod nested;
mod node;
mod parenthesis;
mod rules;
mod scan;
mod slip;
mod statement;
mod test;
mod text;
pub mod token;
pub mod tree;
mod unclosed;
mod unended;

pub use ahead::{Ahead, Around, Lies, ahead, has_rule, lies};
pub use leaf::{Leaf, is_keyword, keywords, leaves};
pub use scan::NESTING_MAX;
pub use text::place_in_text;

use std::ops::Range;

use crate::finding::Finding;
use crate::source::{SourceId, Span};
use braces::Missing;
use node::{Grammar, Node, Reader, Rule};
use unended::Gap;

/// What reading a file gives.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The tree.
    pub file: tree::File,
    /// What could not be read (E001, E002).
    pub findings: Vec<Finding>,
}

/// Reads the text of a file.
pub fn parse(source: SourceId, text: &str) -> Parsed {
    let scan = scan::scan(text);
    match unended::unended(source, text, &scan) {
        Some(ended) => {
            let mut parsed = parse_with(source, &ended.text, &scan::scan(&ended.text), ended.gap);
            parsed.findings.push(ended.finding);
            parsed
        }
        None => parse_with(source, text, &scan, Gap::default()),
    }
}

/// Reads a text that holds more than its file at a gap.
fn parse_with(source: SourceId, text: &str, scan: &scan::Scan, gap: Gap) -> Parsed {
    let place = |range: &Range<usize>| Span::new(source, gap.in_file(range.start), gap.in_file(range.end));
    let comments = scan.comments.iter().map(place).collect();
    let (declarations, findings) = match scan.too_deep {
        Some(offset) => {
            let reader = Reader::new(source, text, 0).with_gap(gap);
            reader.too_deep(offset);
            (Vec::new(), reader.findings.into_inner())
        }
        None => read(source, text, scan, gap),
    };
    Parsed { file: tree::File { declarations, comments }, findings }
}

/// What is read, and what of it could not be.
type Read = (Vec<tree::Declaration>, Vec<Finding>);

/// How many mistakes a reading has, and of how many of them it does not know the remedy.
fn cost(read: &Read) -> (usize, usize) {
    (read.1.len(), read.1.iter().filter(|finding| finding.edit.is_none()).count())
}

/// Reads the declarations of a file, with the braces put in whose absence would make all behind them look wrong.
fn read(source: SourceId, text: &str, scan: &scan::Scan, gap: Gap) -> Read {
    let read = |text: &str, missing: &[Missing]| {
        let reader = Reader::new(source, text, 0).with_gap(gap);
        let declarations = reader.file();
        let mut findings = reader.findings.into_inner();
        findings.retain(|finding| !missing.iter().any(|missing| missing.hides(finding, gap)));
        (declarations, findings)
    };
    let mut best = read(text, &[]);
    if best.1.is_empty() {
        return best;
    }
    let mut mended = text.to_owned();
    let mut missing: Vec<Missing> = Vec::new();
    let nested = nested::nested(source, text, scan).into_iter().map(|stage| vec![stage]);
    for braces in braces::missing(source, text, scan).into_iter().chain(nested) {
        let mut least = None;
        for brace in braces {
            let text = brace.put_into(&mended);
            missing.push(brace);
            let tried = read(&text, &missing);
            let brace = missing.pop();
            let most = least.as_ref().map_or(cost(&best), |(best, ..): &(Read, _, _)| cost(best));
            // A condition that had to end there may have more mistakes, which can be told now.
            let is_condition = brace.as_ref().is_some_and(|brace| brace.is_behind_condition(&mended));
            if tried.1.len() < most.0 || is_condition && cost(&tried) < most {
                least = Some((tried, text, brace));
            }
        }
        if let Some((tried, text, brace)) = least {
            best = tried;
            mended = text;
            missing.extend(brace);
        }
    }
    let (mut lacking, braces) = unclosed::unclosed(source, text, scan);
    for brace in braces {
        if lacking == 0 {
            break;
        }
        let tried_text = brace.put_into(&mended);
        let tried = read(&tried_text, &missing);
        // A finding of the grammar that the block is never closed goes, and that of its place comes.
        if tried.1.len() < best.1.len() {
            best = tried;
            mended = tried_text;
            missing.push(brace);
            lacking -= 1;
        }
    }
    best.1.extend(missing.into_iter().map(|brace| brace.finding(gap)));
    best
}

/// Reads a text that gives no finding, without the places: two texts whose trees are equal then mean the same. `None`
/// where something is found.
pub fn meaning(text: &str) -> Option<Vec<tree::Declaration>> {
    if scan::scan(text).too_deep.is_some() {
        return None;
    }
    let reader = Reader::without_places(text);
    let declarations = reader.file();
    reader.findings.into_inner().is_empty().then_some(declarations)
}

/// The comments of a text, in order.
pub fn comments(text: &str) -> impl Iterator<Item = &str> {
    scan::scan(text).comments.into_iter().filter_map(|place| text.get(place))
}

/// Reads one expression that stands in another file, such as the `when` of `lotse.yaml`; `offset` is where
/// `text` begins there.
pub fn parse_expression(source: SourceId, text: &str, offset: usize) -> (tree::Expression, Vec<Finding>) {
    let reader = Reader::new(source, text, offset);
    let whole = 0..text.len();
    let expression = if let Some(at) = scan::scan(text).too_deep {
        reader.too_deep(at);
        reader.broken_expression(whole)
    } else if let Some(pair) = Grammar::whole_expression(text) {
        reader.expression(&Node::new(pair))
    } else {
        reader.explain(Rule::whole_expression, whole.clone(), "a condition");
        reader.broken_expression(whole)
    };
    (expression, reader.findings.into_inner())
}

/// Whether a statement can begin with a word, so that it was hardly meant as a name.
pub fn begins_statement(word: &str) -> bool {
    slip::STATEMENTS.contains(&word)
}

impl Reader<'_> {
    fn file(&self) -> Vec<tree::Declaration> {
        let Some(file) = Grammar::file(self.text) else {
            // The grammar takes any text; only pest's own limit on calls could lead here.
            self.say(self.span_of(0..0), "this file could not be read", "split it into several files");
            return Vec::new();
        };
        Node::new(file)
            .children()
            .filter(|node| node.rule() != Rule::EOI)
            .map(|node| self.declaration(&node))
            .collect()
    }
}

#[cfg(test)]
mod tests;
