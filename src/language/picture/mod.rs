//! A journey as a picture: text for a terminal, Mermaid for a page.
//!
//! In comes a checked journey; out goes text. What a picture shows of a statement is what its author wrote, up to
//! the block behind it.

mod mermaid;
mod text;

pub use mermaid::mermaid;
pub use text::text;

use crate::language::model::{Block, Journey, Statement, StatementKind};
use crate::source::{Sources, Span};

/// A statement as people refer to it: its text up to its block, on one line.
pub(super) fn headline(text: &str) -> String {
    const CHARACTERS_MAX: usize = 120;
    let head = text.split_once('{').map_or(text, |(head, _)| head);
    let lines = head.lines().map(|line| line.split('#').next().unwrap_or(""));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let line: String = words.join(" ").chars().take(CHARACTERS_MAX).collect();
    line.strip_suffix(" otherwise").map_or(line.clone(), str::to_owned)
}

/// One way out of a statement: what it depends on, and what happens then.
struct Way<'j> {
    label: String,
    block: &'j Block,
}

/// The ways out of a statement that branches.
fn ways<'j>(statement: &'j Statement, sources: &Sources) -> Vec<Way<'j>> {
    let written = |span: Span| headline(sources.text(span));
    let mut ways = Vec::new();
    if let Some(wait) = statement.wait() {
        for branch in &wait.branches {
            // From the trigger to the block, with the condition between them.
            let head = Span { end: branch.body.span.start.max(branch.span.end), ..branch.span };
            ways.push(Way { label: written(head), block: &branch.body });
        }
        ways.extend(wait.otherwise.iter().map(|block| Way { label: "otherwise".to_owned(), block }));
    }
    match &statement.kind {
        StatementKind::If { branches, otherwise } => {
            let mut from = statement.span;
            for (index, (_, block)) in branches.iter().enumerate() {
                let head = Span { end: block.span.start.max(from.start), ..from };
                let label = written(head);
                let label =
                    if index == 0 { label } else { format!("else {}", label.trim_start_matches("else ")) };
                ways.push(Way { label, block });
                from = Span { start: block.span.end, end: statement.span.end, ..from };
            }
            ways.extend(otherwise.iter().map(|block| Way { label: "else".to_owned(), block }));
        }
        StatementKind::Repeat { body, .. } => ways.push(Way { label: "each time".to_owned(), block: body }),
        StatementKind::Send { otherwise: Some(block), .. } => {
            ways.push(Way { label: "if it is not sent".to_owned(), block });
        }
        _ => {}
    }
    ways
}

/// The clauses at the head, as they were written, each on one line.
fn clauses(journey: &Journey, sources: &Sources) -> Vec<String> {
    let mut lines: Vec<String> =
        journey.enters.iter().map(|enter| headline(sources.text(enter.span))).collect();
    if let Some(topic) = &journey.permission {
        lines.push(format!("permission {topic}"));
    }
    for goal in &journey.goals {
        let within = goal.within.map(|within| format!(" within {within}")).unwrap_or_default();
        lines.push(format!("goal {}{within}", goal.name));
    }
    if journey.control > 0.0 {
        lines.push(format!("control {}%", journey.control * 100.0));
    }
    lines
}

#[cfg(test)]
mod tests;
