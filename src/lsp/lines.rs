use gen_lsp_types::{Position, PositionEncodingKind, Range};

use crate::source::{SourceId, Span};

/// How a client counts characters of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16,
}

impl Encoding {
    /// UTF-8 where the client can count that way, else UTF-16, which all can.
    pub(super) fn of(offered: Option<&[PositionEncodingKind]>) -> Self {
        let can = offered.is_some_and(|offered| offered.contains(&PositionEncodingKind::UTF8));
        if can { Encoding::Utf8 } else { Encoding::Utf16 }
    }

    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    fn width(self, text: &str) -> u32 {
        let width = match self {
            Encoding::Utf8 => text.len(),
            Encoding::Utf16 => text.encode_utf16().count(),
        };
        u32::try_from(width).unwrap_or(u32::MAX)
    }
}

/// The lines of a text as the protocol counts them: each ends with `\n`, `\r\n` or `\r`.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, starts, encoding }
    }

    /// A line without its end, and where it begins.
    fn line(&self, number: usize) -> (usize, &'t str) {
        let Some(start) = self.starts.get(number).copied() else { return (self.text.len(), "") };
        let end = self.starts.get(number + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end).unwrap_or("");
        let line = line.strip_suffix('\n').unwrap_or(line);
        (start, line.strip_suffix('\r').unwrap_or(line))
    }

    /// The place of a byte; one that is inside of a character or of the end of a line is the place before it.
    pub(super) fn position(&self, offset: u32) -> Position {
        let offset = (offset as usize).min(self.text.len());
        let number = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let (start, line) = self.line(number);
        let mut within = (offset - start).min(line.len());
        while !line.is_char_boundary(within) {
            within -= 1;
        }
        let before = line.get(..within).unwrap_or("");
        Position::new(u32::try_from(number).unwrap_or(u32::MAX), self.encoding.width(before))
    }

    /// The byte of a place; one behind the end of a line or of the text is that end.
    pub(super) fn offset(&self, position: Position) -> u32 {
        let (start, line) = self.line(position.line as usize);
        let mut width = 0;
        let within = line.char_indices().find(|(_, c)| {
            width += match self.encoding {
                Encoding::Utf8 => c.len_utf8(),
                Encoding::Utf16 => c.len_utf16(),
            };
            width > position.character as usize
        });
        let offset = start + within.map_or(line.len(), |(at, _)| at);
        u32::try_from(offset).unwrap_or(u32::MAX)
    }

    pub(super) fn range(&self, span: Span) -> Range {
        Range::new(self.position(span.start), self.position(span.end))
    }

    pub(super) fn span(&self, source: SourceId, range: Range) -> Span {
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        Span { source, start, end: end.max(start) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ab\r\nü🌼c\rlast\n";

    #[test]
    fn places_are_counted_as_the_client_counts() {
        // The byte, its place in UTF-8 and in UTF-16.
        let table = [
            (0, (0, 0), (0, 0)),
            (2, (0, 2), (0, 2)),
            (4, (1, 0), (1, 0)),
            (6, (1, 2), (1, 1)),
            (10, (1, 6), (1, 3)),
            (11, (1, 7), (1, 4)),
            (12, (2, 0), (2, 0)),
            (17, (3, 0), (3, 0)),
        ];
        for (offset, utf8, utf16) in table {
            for (encoding, (line, character)) in [(Encoding::Utf8, utf8), (Encoding::Utf16, utf16)] {
                let lines = Lines::of(TEXT, encoding);
                let place = Position::new(line, character);
                assert_eq!(lines.position(offset), place, "{offset} {encoding:?}");
                assert_eq!(lines.offset(place), offset, "{place:?} {encoding:?}");
            }
        }
    }

    #[test]
    fn places_that_are_not_there_are_the_next_before_them() {
        let lines = Lines::of(TEXT, Encoding::Utf16);
        assert_eq!(lines.offset(Position::new(0, 9)), 2);
        assert_eq!(lines.offset(Position::new(1, 2)), 6, "inside a pair of surrogates");
        assert_eq!(lines.offset(Position::new(9, 0)), 17);
        assert_eq!(lines.position(3), Position::new(0, 2), "between the two characters that end a line");
        assert_eq!(lines.position(8), Position::new(1, 1), "inside a character");
    }
}
