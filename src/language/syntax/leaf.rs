//! The words, literals and signs of a text as it stands, each with the rules of the grammar around it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use pest::iterators::Pair;

use super::node::{Grammar, Rule};
use super::scan;

/// A word, a literal, a sign that has a rule of its own, or a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Where it stands.
    pub range: Range<usize>,
    /// Its rule in the grammar, such as `k_until` or `name`; `COMMENT` for a comment.
    pub rule: &'static str,
    /// The rules around, the innermost last.
    pub around: Vec<&'static str>,
}

impl Leaf {
    /// Whether it stands in text that could not be read.
    pub fn is_broken(&self) -> bool {
        self.around.iter().any(|rule| rule.starts_with("broken_"))
    }
}

static NAMES: LazyLock<HashMap<Rule, String>> =
    LazyLock::new(|| Rule::all_rules().iter().map(|rule| (*rule, format!("{rule:?}"))).collect());

fn name(rule: Rule) -> &'static str {
    NAMES.get(&rule).map_or("", String::as_str)
}

/// The keywords of the language.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    NAMES.values().filter_map(|name| name.strip_prefix("k_"))
}

/// Whether the language has a keyword of that spelling.
pub fn is_keyword(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| keywords().collect());
    WORDS.contains(word)
}

/// The leaves of a text that lie in a range or touch it, in the order of the text. Text that cannot be read has
/// leaves as well; where more brackets lie inside one another than can be read there are only comments.
pub fn leaves(text: &str, within: Range<usize>) -> Vec<Leaf> {
    let scan = scan::scan(text);
    let touches = |range: &Range<usize>| range.start <= within.end && within.start <= range.end;
    let comments = scan.comments.into_iter().filter(touches);
    let mut found: Vec<Leaf> =
        comments.map(|range| Leaf { range, rule: "COMMENT", around: Vec::new() }).collect();
    if let Some(file) = Grammar::file(text).filter(|_| scan.too_deep.is_none()) {
        collect(file, &touches, &mut Vec::new(), &mut found);
    }
    found.sort_by_key(|leaf| leaf.range.start);
    found
}

fn collect(
    pair: Pair<'_, Rule>,
    touches: &dyn Fn(&Range<usize>) -> bool,
    around: &mut Vec<&'static str>,
    found: &mut Vec<Leaf>,
) {
    let range = pair.as_span().start()..pair.as_span().end();
    if !touches(&range) {
        return;
    }
    let rule = name(pair.as_rule());
    let mut inner = pair.into_inner().peekable();
    if inner.peek().is_none() {
        if !range.is_empty() {
            found.push(Leaf { range, rule, around: around.clone() });
        }
        return;
    }
    around.push(rule);
    for child in inner {
        collect(child, touches, around, found);
    }
    around.pop();
}
