//! The canonical text of a journey file: one text for one meaning.
//!
//! In comes a text that gives no finding; out goes the same with every blank, comma, bracket and escape as they are
//! written best. `outline` puts the tokens into entries and blocks with their comments, `layout` decides what
//! stands on a line, `wrap` breaks those that are too long. What is longer than [`WIDTH`] is broken or opened;
//! otherwise the layout follows from the tokens alone, not from how they stood. Of the author's are the empty lines
//! between entries, one at the most, and the line of each comment.

mod flat;
mod layout;
mod lines;
mod outline;
mod wrap;

use crate::finding::Finding;
use crate::language::syntax::{self, token};
use crate::source::SourceId;

/// The longest line, in characters, comments aside: two of them stand beside each other in a review.
pub const WIDTH: usize = 110;

/// Why a text has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It gives findings.
    #[error("the text has mistakes")]
    Mistakes(Vec<Finding>),
    /// Its canonical form would mean something else, which is a mistake of ours.
    #[error("Lotse cannot format this text without changing what it means: please report it")]
    Meaning,
}

/// Gives a text its canonical form.
///
/// # Errors
/// When the text cannot be read without a finding, or (which must not happen) when the result would not read the same.
pub fn format_text(text: &str) -> Result<String, FormatError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(meaning) = syntax::meaning(text) else {
        return Err(FormatError::Mistakes(syntax::parse(SourceId::default(), text).findings));
    };
    // Should leaving out brackets ever change what is meant, they stay.
    for all_brackets in [false, true] {
        let tokens = token::tokens(text, all_brackets);
        let formatted = layout::text(&outline::file(&tokens));
        let same = || {
            let comments = syntax::comments(&formatted).map(str::trim_end);
            comments.eq(syntax::comments(text).map(str::trim_end))
                && syntax::meaning(&formatted).as_ref() == Some(&meaning)
        };
        if formatted == text || same() {
            return Ok(formatted);
        }
    }
    Err(FormatError::Meaning)
}
