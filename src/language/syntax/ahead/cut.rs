//! What of a text matters for its end, and what stands in for what of it cannot be read.

use std::ops::Range;

use crate::language::syntax::node::{Grammar, Node, Rule};
use crate::language::syntax::{scan, token};

/// A text in which every open block has a head that can be read, told by its first word: so the author is led inside
/// of what is not right yet. `None` where no block is open.
pub(super) fn mended(text: &str) -> Option<String> {
    let scan = scan::scan(text);
    let quoted = |at: usize| scan.texts.iter().chain(&scan.comments).any(|range| range.contains(&at));
    let mut open: Vec<usize> = Vec::new();
    for (at, c) in text.char_indices().filter(|(at, c)| matches!(c, '{' | '}') && !quoted(*at)) {
        match c {
            '{' => open.push(at),
            _ => drop(open.pop()),
        }
    }
    let innermost = *open.last()?;
    let mut mended = String::new();
    let mut in_wait = false;
    for brace in open {
        let head = text.get(..brace)?.rsplit(['\n', '{', '}']).next()?;
        let mut words = head.split_whitespace();
        let first = words.next().unwrap_or("");
        let name =
            words.next().filter(|word| word.chars().all(|c| c.is_alphanumeric() || c == '_')).unwrap_or("a");
        mended.push_str(&match first {
            "" => continue,
            "journey" | "stage" | "event" | "experiment" | "email" => format!("{first} {name} {{"),
            "test" => match head.rsplit_once(" for ") {
                Some((_, journey)) => format!("test \"a\" for {} {{", journey.trim()),
                None => "test \"a\" for a {".to_owned(),
            },
            "contact" | "policy" => format!("{first} {{"),
            "wait" | "call" | "hand" => "wait up to 1 day {".to_owned(),
            "on" | "otherwise" if in_wait => "otherwise {".to_owned(),
            _ => "if contact.id is set {".to_owned(),
        });
        in_wait = matches!(first, "wait" | "call" | "hand");
        mended.push('\n');
    }
    mended.push_str(text.get(innermost + 1..)?);
    Some(mended)
}

/// A text without what stands before its end and is whole: of each block that is open the head and the last entry,
/// and the one before where the last cannot be read, for it may be what goes on that.
pub(super) fn innermost(text: &str) -> String {
    let Some(file) = Grammar::file(text) else { return text.to_owned() };
    let texts = scan::scan(text).texts;
    let mut kept = String::new();
    let mut node = Node::new(file);
    let mut begin = 0;
    loop {
        let entries =
            node.children().filter(|child| child.range().start >= begin && !child.text().is_empty());
        let entries: Vec<_> =
            entries.filter(|child| !matches!(child.rule(), Rule::EOI | Rule::close)).collect();
        let Some(last) = entries.last() else { break };
        let block = open_block(last);
        let open = block.as_ref().and_then(|block| unquoted_brace(text, block.range().start, &texts));
        let Some((block, open)) = block.zip(open) else {
            let holds = matches!(node.rule(), Rule::file | Rule::journey_declaration);
            let is_whole = |entry: &Node<'_>| holds && entry.text().trim_end().ends_with('}');
            let first = first_of(&entries, text);
            let parts = entries.iter().skip(first).find(|entry| !is_whole(entry));
            begin = parts.map_or(last.range().end, |first| first.range().start);
            break;
        };
        kept.push_str(text.get(last.range().start..=open).unwrap_or(""));
        kept.push('\n');
        node = block;
        begin = open + 1;
    }
    let rest = text.get(begin..).unwrap_or("");
    kept + rest
}

/// The entry from which on a text may be one that cannot be read to its end: the last, and where that is broken, or goes
/// on the line of one that is, those before.
fn first_of(entries: &[Node<'_>], text: &str) -> usize {
    let broken = |index: usize| entries.get(index).is_some_and(is_broken);
    let begins_line = |index: usize| {
        let start = entries.get(index).map_or(0, |entry| entry.range().start);
        let line = text.get(..start).and_then(|before| before.rsplit(['\n', '{']).next());
        line.is_none_or(|line| line.trim().is_empty())
    };
    let mut first = entries.len().saturating_sub(1);
    while first > 0 && (broken(first) || (broken(first - 1) && !begins_line(first))) {
        first -= 1;
    }
    first
}

fn is_broken(node: &Node<'_>) -> bool {
    format!("{:?}", node.rule()).starts_with("broken_")
}

/// The first `{` from a place on that stands outside of texts.
fn unquoted_brace(text: &str, from: usize, texts: &[Range<usize>]) -> Option<usize> {
    let braces = text.get(from..)?.match_indices('{').map(|(at, _)| from + at);
    braces.into_iter().find(|at| !texts.iter().any(|text| text.contains(at)))
}

/// The outermost block at the end of an entry whose `}` is still to come.
fn open_block<'t>(entry: &Node<'t>) -> Option<Node<'t>> {
    let mut node = entry.clone();
    loop {
        if token::is_block(node.rule()) && !node.has(Rule::close) {
            return Some(node);
        }
        node = node.children().last()?;
    }
}
