use std::ops::Range;

/// How deep brackets may lie inside one another. Beyond it a file is refused before it is read, so that reading
/// never runs out of stack.
pub const NESTING_MAX: usize = 64;

/// How many brackets a file may leave open before lines that are not indented: reading stays within the stack of
/// a small thread.
const UNCLOSED_MAX: usize = 200;

/// What one pass over the characters tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Comments, from `#` to before the end of the line.
    pub(super) comments: Vec<Range<usize>>,
    /// Texts, with their quotes.
    pub(super) texts: Vec<Range<usize>>,
    /// The bracket that lies too deep, if one does.
    pub(super) too_deep: Option<usize>,
}

/// Finds comments and texts in quotes, and counts the brackets outside them.
pub(super) fn scan(text: &str) -> Scan {
    let mut scan = Scan::default();
    let mut depth = 0_usize;
    let mut unclosed = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        match rest.as_bytes().first() {
            Some(b'#') => {
                let end = at + rest.find('\n').unwrap_or(rest.len());
                scan.comments.push(at..end);
                at = end;
                continue;
            }
            Some(b'"') if rest.starts_with("\"\"\"") => {
                let end = rest.get(3..).and_then(|inner| inner.find("\"\"\""));
                let length = end.map_or(rest.len(), |end| end + 6);
                scan.texts.push(at..at + length);
                at += length;
                continue;
            }
            Some(b'"') => {
                let length = plain_text_length(rest);
                scan.texts.push(at..at + length);
                at += length;
                continue;
            }
            Some(b'{' | b'(' | b'[') => {
                depth += 1;
                if (depth > NESTING_MAX || depth + unclosed > UNCLOSED_MAX) && scan.too_deep.is_none() {
                    scan.too_deep = Some(at);
                }
            }
            Some(b'}' | b')' | b']') => depth = depth.saturating_sub(1),
            // A line that is not indented begins something new, so that brackets forgotten above do not add up.
            Some(b'\n') if rest.as_bytes().get(1).is_some_and(u8::is_ascii_lowercase) => {
                unclosed += depth;
                depth = 0;
            }
            _ => {}
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    scan
}

/// The length of a text in quotes, with them; one that is not closed ends with its line.
fn plain_text_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' => return at,
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_found_outside_texts_alone() {
        let text =
            "a # one\n\"# not \\\" # here\" # two\n\"\"\"\n# nor here\n\"\"\" # three\n\"open # no\n# four";
        let found: Vec<&str> = scan(text).comments.into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["# one", "# two", "# three", "# four"]);
    }

    #[test]
    fn what_lies_too_deep_is_noticed() {
        assert_eq!(scan(&"{".repeat(NESTING_MAX)).too_deep, None);
        assert_eq!(scan(&"{".repeat(10_000)).too_deep, Some(NESTING_MAX));
        assert_eq!(scan(&"{}".repeat(10_000)).too_deep, None);
        assert_eq!(scan(&format!("\"{}\"", "{".repeat(10_000))).too_deep, None);
        assert!(scan(&"a {\n".repeat(UNCLOSED_MAX + 2)).too_deep.is_some());
    }
}
