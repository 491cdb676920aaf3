use super::length::clock;
use super::{Hover, Leaf, of_word};
use crate::ide::{Analysis, words};
use crate::source::{SourceId, Span};
use crate::time::Date;

/// What a share, a date or a time of day means where it stands, and what the clause around it does with it.
pub(super) fn of_literal(analysis: &Analysis, text: &str, source: SourceId, leaf: &Leaf) -> Option<Hover> {
    let written = text.get(leaf.range.clone())?;
    let span = Span::new(source, leaf.range.start, leaf.range.end);
    let means = match leaf.rule {
        "share" => share(written)?,
        "date" => written.parse::<Date>().ok()?.strftime("%A, %-d %B %Y").to_string(),
        "clock_time" => clock(analysis, span),
        _ => return None,
    };
    // A date in the middle of a condition says nothing of the statement around.
    let around = leaf.around.iter().rev().take(2);
    let clause = around.flat_map(|rule| words::of(rule)).next();
    let clause = clause.map(|word| format!("\n\n{}", of_word(word))).unwrap_or_default();
    Some(Hover { span, markdown: format!("**{written}**, {means}{clause}") })
}

/// How many of those there are.
fn share(written: &str) -> Option<String> {
    let percent: f64 = written.trim_end_matches('%').trim().replace(',', ".").parse().ok()?;
    let each = 100.0 / percent;
    let is_whole = each.fract() == 0.0 && each.is_finite();
    Some(if is_whole { format!("one in {each}") } else { format!("{} of 1,000", percent * 10.0) })
}
