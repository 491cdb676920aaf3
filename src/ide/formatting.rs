use super::{Analysis, TextChange};
use crate::language::format::{FormatError, format_text};
use crate::language::syntax::tree::Declaration;
use crate::source::{SourceId, Span};

/// Why a file was left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatTrouble {
    /// It is no journey file.
    #[error("only journey files are formatted")]
    NotAJourney,
    /// Nothing in it could be formatted.
    #[error("what has mistakes is left as it is: mend what is found first")]
    Mistakes,
}

impl Analysis {
    /// What to write so that a file has its canonical text. Where something in it is broken, what is sound is formatted
    /// all the same.
    ///
    /// # Errors
    /// When nothing of it can be formatted.
    pub fn format(&self, source: SourceId) -> Result<Vec<TextChange>, FormatTrouble> {
        let text = self.journey_text(source)?;
        match format_text(text) {
            Ok(formatted) => {
                Ok(self.change(Span::new(source, 0, text.len()), &formatted).into_iter().collect())
            }
            Err(FormatError::Mistakes(_)) => self.format_within(Span::new(source, 0, text.len())),
            Err(FormatError::Meaning) => Err(FormatTrouble::Mistakes),
        }
    }

    /// The same for the declarations that a stretch of text touches.
    ///
    /// # Errors
    /// When none of them can be formatted.
    pub fn format_within(&self, range: Span) -> Result<Vec<TextChange>, FormatTrouble> {
        self.journey_text(range.source)?;
        let tree = self.tree(range.source).ok_or(FormatTrouble::NotAJourney)?;
        let mut changes = Vec::new();
        let (mut touched, mut sound) = (0, 0);
        for declaration in &tree.parsed.file.declarations {
            let span = self.whole(declaration);
            if span.start > range.end || span.end < range.start {
                continue;
            }
            touched += 1;
            if let Ok(formatted) = format_text(self.files.sources.text(span)) {
                sound += 1;
                changes.extend(self.change(span, formatted.trim_end_matches('\n')));
            }
        }
        if touched > 0 && sound == 0 { Err(FormatTrouble::Mistakes) } else { Ok(changes) }
    }

    fn journey_text(&self, source: SourceId) -> Result<&str, FormatTrouble> {
        let known = self.files.journeys.contains(&source);
        known.then(|| &*self.files.sources.get(source).text).ok_or(FormatTrouble::NotAJourney)
    }

    /// All of a declaration without the blanks around it, the word before its block too.
    fn whole(&self, declaration: &Declaration) -> Span {
        let span = declaration.span();
        let text = &self.files.sources.get(span.source).text;
        let before = text.get(..span.start as usize).unwrap_or("").trim_end();
        let start = match declaration {
            Declaration::Contact(_) if before.ends_with("contact") => before.len() - "contact".len(),
            _ => span.start as usize,
        };
        let inside = text.get(start..span.end as usize).unwrap_or("");
        let blanks = inside.len() - inside.trim_start().len();
        Span::new(span.source, start + blanks, start + inside.trim_end().len())
    }

    /// The smallest change of whole lines that turns a stretch of text into another.
    fn change(&self, span: Span, text: &str) -> Option<TextChange> {
        let before = self.files.sources.text(span);
        // The line breaks are the author's.
        let text = if before.contains("\r\n") { text.replace('\n', "\r\n") } else { text.to_owned() };
        if before == text {
            return None;
        }
        let same = |(a, b): &(&str, &str)| a == b;
        let ahead = before.split_inclusive('\n').zip(text.split_inclusive('\n')).take_while(same);
        let start: usize = ahead.map(|(line, _)| line.len()).sum();
        let (rest, new) = (before.get(start..)?, text.get(start..)?);
        let behind = rest.rsplit('\n').zip(new.rsplit('\n')).take_while(same);
        let end: usize = behind.map(|(line, _)| line.len() + 1).sum();
        let end = end.saturating_sub(1).min(rest.len()).min(new.len());
        let place = span.start as usize + start;
        Some(TextChange {
            span: Span::new(span.source, place, place + rest.len() - end),
            text: new.get(..new.len() - end)?.to_owned(),
        })
    }
}
