//! Which brackets of an expression are not needed: without them the same tree is read.

use std::collections::BTreeSet;

use pest::iterators::Pair;

use super::node::Rule;

/// How tightly a whole value holds together.
const VALUE: u8 = 9;

/// Puts down where the expressions begin that stand in brackets inside `expression` and need none.
pub(super) fn unneeded(expression: &Pair<'_, Rule>, found: &mut BTreeSet<usize>) {
    let parts: Vec<Pair<'_, Rule>> = expression.clone().into_inner().collect();
    for (index, part) in parts.iter().enumerate() {
        let rule_at = |index: Option<usize>| index.and_then(|index| parts.get(index)).map(Pair::as_rule);
        let before = rule_at(index.checked_sub(1));
        match inside(part) {
            Some(inner) if free(&inner, before, rule_at(Some(index + 1))) => {
                found.insert(inner.as_span().start());
            }
            None if part.as_rule() == Rule::span_since => since(part, found),
            _ => {}
        }
    }
}

/// The expression inside brackets.
fn inside<'t>(part: &Pair<'t, Rule>) -> Option<Pair<'t, Rule>> {
    part.clone().into_inner().next().filter(|_| part.as_rule() == Rule::bracketed)
}

/// `days since (X)`
fn since(node: &Pair<'_, Rule>, found: &mut BTreeSet<usize>) {
    let Some(of) = node.clone().into_inner().last().as_ref().and_then(inside) else { return };
    let of_since = of.clone().into_inner().any(|part| part.as_rule() == Rule::span_since);
    if loosest(&of) == VALUE && !of_since {
        found.insert(of.as_span().start());
    }
}

/// Whether an expression needs no brackets between its neighbours.
fn free(expression: &Pair<'_, Rule>, before: Option<Rule>, behind: Option<Rule>) -> bool {
    let loosest = loosest(expression);
    let signs = expression.clone().into_inner().next().is_some_and(|first| is_prefix(first.as_rule()));
    let left = match before {
        None => true,
        Some(rule) if is_prefix(rule) => loosest >= strength(rule) && !signs,
        Some(rule) => loosest > strength(rule),
    };
    // What is of the same strength is read from the left.
    left && behind.is_none_or(|rule| loosest >= strength(rule))
}

/// The strength of what holds an expression together where it holds least.
fn loosest(expression: &Pair<'_, Rule>) -> u8 {
    let parts = expression.clone().into_inner();
    let strengths = parts.map(|part| match inside(&part) {
        Some(inner) => loosest(&inner),
        None => strength(part.as_rule()),
    });
    strengths.min().unwrap_or(VALUE)
}

/// Whether a rule stands for a sign or a word between two values.
pub(super) fn is_operator(rule: Rule) -> bool {
    matches!(strength(rule), 1 | 2 | 4..=6)
}

fn is_prefix(rule: Rule) -> bool {
    matches!(rule, Rule::not | Rule::negate)
}

/// How tightly an operator binds, from `or` to a value that has none.
fn strength(rule: Rule) -> u8 {
    match rule {
        Rule::or => 1,
        Rule::and => 2,
        Rule::not => 3,
        Rule::equal
        | Rule::not_equal
        | Rule::less
        | Rule::less_equal
        | Rule::greater
        | Rule::greater_equal
        | Rule::in_list
        | Rule::not_in
        | Rule::contains
        | Rule::starts_with
        | Rule::ends_with => 4,
        Rule::plus | Rule::minus => 5,
        Rule::times | Rule::divided_by => 6,
        Rule::negate => 7,
        Rule::is_set | Rule::is_not_set => 8,
        _ => VALUE,
    }
}
