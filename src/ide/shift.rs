use std::ops::Range;

use crate::finding::{Edit, Finding};
use crate::source::{SourceId, Span};

/// What a change of a file's text does to the places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    source: SourceId,
    /// The stretch that went.
    gone: Range<usize>,
    /// How many bytes came in its place.
    come: usize,
}

impl Shift {
    /// The change that makes one text of another, as small as it can be told from the two.
    pub(super) fn between(source: SourceId, before: &str, after: &str) -> Self {
        let same = |pair: &(u8, u8)| pair.0 == pair.1;
        let start = before.bytes().zip(after.bytes()).take_while(same).count();
        let rest = before.len().min(after.len()) - start;
        let end = before.bytes().rev().zip(after.bytes().rev()).take(rest).take_while(same).count();
        Self { source, gone: start..before.len() - end, come: after.len() - end - start }
    }

    /// Where a stretch of text stands after the change. One that the change lies inside of grows and shrinks with it;
    /// of one that was changed away, be it in part, nothing is left (`None`). Other files stay as they are.
    pub fn place(&self, span: Span) -> Option<Span> {
        let (range, gone) = (span.range(), &self.gone);
        let moved = |at: usize| at - gone.end + gone.start + self.come;
        if span.source != self.source || range.end <= gone.start {
            Some(span)
        } else if gone.end <= range.start {
            Some(Span::new(span.source, moved(range.start), moved(range.end)))
        } else if range.start <= gone.start && gone.end <= range.end && range != *gone {
            Some(Span::new(span.source, range.start, moved(range.end)))
        } else {
            None
        }
    }

    /// A finding where it stands after the change, with all that it points at; `None` where its own text is gone.
    pub(super) fn finding(&self, mut finding: Finding) -> Option<Finding> {
        finding.span = self.place(finding.span)?;
        let related = finding.related.into_iter();
        finding.related = related.filter_map(|(span, says)| Some((self.place(span)?, says))).collect();
        finding.edit = finding.edit.and_then(|edit| Some(Edit { span: self.place(edit.span)?, ..edit }));
        Some(finding)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(before: &str, after: &str, span: Range<usize>) -> Option<Range<usize>> {
        let source = SourceId::default();
        let shift = Shift::between(source, before, after);
        shift.place(Span::new(source, span.start, span.end)).map(Span::range)
    }

    #[test]
    fn places_move_with_what_is_typed() {
        let table = [
            ("before it", "one two", "# one two", 4..7, Some(6..9)),
            ("right before it", "one two", "one x two", 4..7, Some(6..9)),
            ("behind it", "one two", "one two three", 4..7, Some(4..7)),
            ("right behind it", "one two", "one twos", 4..7, Some(4..7)),
            ("inside of it", "one two", "one tiwo", 4..7, Some(4..8)),
            ("a part of it goes", "one two", "one to", 4..7, Some(4..6)),
            ("before it something goes", "one two", "two", 4..7, Some(0..3)),
            ("it goes", "one two", "one ", 4..7, None),
            ("another comes in its place", "one two", "one six", 4..7, None),
            ("its beginning goes with what was before", "one two", "onwo", 4..7, None),
            ("a line comes before an empty one", "one\ntwo", "zero\none\ntwo", 4..4, Some(9..9)),
            ("a character with bytes in common", "é two", "ũ two", 3..6, Some(3..6)),
        ];
        for (what, before, after, span, moved) in table {
            assert_eq!(of(before, after, span), moved, "{what}");
        }
    }

    proptest! {
        /// Wherever somebody types, a place that is not typed in keeps its text, and every other is one of the text.
        #[test]
        fn places_keep_their_text(
            parts in prop::array::uniform5("[aü🌼\n]{0,4}"),
            come in "[aü🌼\n]{0,4}",
            edited in 0..5_usize,
            asked in 0..5_usize,
        ) {
            // What is between the parts is unlike, so that it can be told in which of them somebody typed.
            let text = |parts: &[String]| (0..).zip(parts).map(|(n, part)| format!("{n}{part}")).collect::<String>();
            let before = text(&parts);
            let mut now = parts.clone();
            now[edited] = come;
            let after = text(&now);
            let start = text(&parts[..asked]).len() + 1;
            match of(&before, &after, start..start + parts[asked].len()) {
                Some(range) if asked != edited => prop_assert_eq!(after.get(range), Some(&*parts[asked])),
                Some(range) => prop_assert!(after.get(range).is_some()),
                None => prop_assert_eq!(asked, edited),
            }
        }
    }
}
