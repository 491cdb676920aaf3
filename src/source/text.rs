use std::sync::Arc;

use super::{SourceId, Span};

/// One file: its path below the workspace, with `/` between folders, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    /// What messages call it, such as `emails/welcome.mjml`.
    pub path: String,
    /// The text, without a byte-order mark.
    pub text: Arc<str>,
    line_starts: Vec<u32>,
    /// How many characters stand before each [`BLOCK_BYTES`] of the text, so that long lines are not counted anew for
    /// each place in them.
    characters: Vec<u32>,
}

const BLOCK_BYTES: usize = 1024;

/// A place for people: line and column count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
}

impl Source {
    fn new(path: String, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts =
            std::iter::once(0).chain(ends.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX))).collect();
        let mut characters = vec![0];
        let mut count = 0;
        for block in text.as_bytes().chunks(BLOCK_BYTES) {
            count += count_characters(block);
            characters.push(count);
        }
        Self { path, text: Arc::from(text), line_starts, characters }
    }

    /// The place of a byte; one past the text is the place behind its last character.
    pub fn position(&self, offset: u32) -> Position {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.characters_before(offset).saturating_sub(self.characters_before(start));
        Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: column + 1 }
    }

    fn characters_before(&self, offset: u32) -> u32 {
        let end = (offset as usize).min(self.text.len());
        let block = end / BLOCK_BYTES;
        let rest = self.text.as_bytes().get(block * BLOCK_BYTES..end).unwrap_or_default();
        self.characters.get(block).copied().unwrap_or(0) + count_characters(rest)
    }

    /// How many lines it has; an empty file has one.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }
}

/// How many characters begin in a stretch of UTF-8.
fn count_characters(bytes: &[u8]) -> u32 {
    let begin = bytes.iter().filter(|byte| !matches!(byte, 0x80..=0xBF)).count();
    u32::try_from(begin).unwrap_or(u32::MAX)
}

/// The files of one workspace by their ids.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Arc<Source>>,
}

impl Sources {
    /// Takes a file in and names it.
    pub fn add(&mut self, path: impl Into<String>, text: &str) -> SourceId {
        let id = SourceId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Arc::new(Source::new(path.into(), text)));
        id
    }

    /// Puts another text in the place of a file's, which keeps its id and its path.
    pub fn replace(&mut self, id: SourceId, text: &str) {
        if let Some(file) = self.files.get_mut(id.0 as usize) {
            *file = Arc::new(Source::new(file.path.clone(), text));
        }
    }

    /// Puts another file in the place of one that is there no more, under the same id.
    pub(super) fn reuse(&mut self, id: SourceId, path: &str, text: &str) {
        if let Some(file) = self.files.get_mut(id.0 as usize) {
            *file = Arc::new(Source::new(path.to_owned(), text));
        }
    }

    /// The file of that id; ids of another [`Sources`] give an empty file or a wrong one.
    pub fn get(&self, id: SourceId) -> &Source {
        static NONE: std::sync::LazyLock<Source> =
            std::sync::LazyLock::new(|| Source::new(String::new(), ""));
        self.files.get(id.0 as usize).map_or(&*NONE, |file| file)
    }

    /// All files with their ids, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0..).map(SourceId).zip(self.files.iter().map(|file| &**file))
    }

    /// The text under a span.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).text.get(span.range()).unwrap_or("")
    }

    /// The path, line and column where a span begins.
    pub fn place(&self, span: Span) -> (&str, Position) {
        let source = self.get(span.source);
        (&source.path, source.position(span.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let mut sources = Sources::default();
        let id = sources.add("a.journey", "\u{feff}ab\nü🌼c\n");
        let source = sources.get(id);
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(2), Position { line: 1, column: 3 });
        assert_eq!(source.position(3), Position { line: 2, column: 1 });
        assert_eq!(source.position(9), Position { line: 2, column: 3 });
        assert_eq!(source.position(11), Position { line: 3, column: 1 });
        assert_eq!(source.position(999).line, 3);
        assert_eq!(source.line_count(), 3);
    }

    #[test]
    fn columns_count_far_into_a_line() {
        let mut sources = Sources::default();
        let id = sources.add("a.journey", &format!("a\n{}x", "ü🌼".repeat(1_000)));
        let source = sources.get(id);
        for (offset, column) in [(2, 1), (4, 2), (8, 3), (2 + 6 * 999, 1_999), (6_002, 2_001), (9_999, 2_002)]
        {
            assert_eq!(source.position(offset), Position { line: 2, column }, "{offset}");
        }
    }
}
