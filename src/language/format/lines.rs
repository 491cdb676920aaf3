use super::WIDTH;

/// Blanks before a comment behind a line, at the least.
const BEFORE_COMMENT: usize = 2;

/// A line of the canonical text; a long text makes it several.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Whether a line is left empty before it.
    pub(super) apart: bool,
    pub(super) indent: usize,
    pub(super) text: String,
    pub(super) comment: Option<String>,
}

impl Line {
    pub(super) fn new(indent: usize, text: impl Into<String>) -> Self {
        Self { apart: false, indent, text: text.into(), comment: None }
    }

    /// The column behind its last character.
    pub(super) fn column(&self) -> usize {
        match self.text.rsplit_once('\n') {
            Some((_, last)) => width(last),
            None => self.indent + width(&self.text),
        }
    }

    /// Whether it stays within the width, long texts aside.
    pub(super) fn fits(&self) -> bool {
        self.indent + width(self.text.lines().next().unwrap_or("")) <= WIDTH
    }
}

/// How wide a text is, in characters.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Writes lines, the comments behind those that follow each other in one column.
pub(super) fn write(lines: &[Line]) -> String {
    let mut text = String::new();
    let mut column = 0;
    for (index, line) in lines.iter().enumerate() {
        if line.apart {
            text.push('\n');
        }
        if !line.text.is_empty() {
            text.extend(std::iter::repeat_n(' ', line.indent));
            text.push_str(&line.text);
        }
        if let Some(comment) = &line.comment {
            let goes_on = index.checked_sub(1).is_some_and(|before| follows(lines, before));
            if !goes_on {
                column = comment_column(lines.get(index..).unwrap_or_default());
            }
            text.extend(std::iter::repeat_n(' ', column.saturating_sub(line.column())));
            text.push_str(comment);
        }
        text.push('\n');
    }
    text
}

/// Whether the comments of a line and of the one below stand in one column.
fn follows(lines: &[Line], index: usize) -> bool {
    let has_comment = |index| lines.get(index).is_some_and(|line: &Line| line.comment.is_some());
    has_comment(index) && has_comment(index + 1) && lines.get(index + 1).is_some_and(|below| !below.apart)
}

/// The column of the comments of the first line and those that follow.
fn comment_column(lines: &[Line]) -> usize {
    let following = (0..).take_while(|index| follows(lines, *index)).count();
    let columns = lines.iter().take(following + 1).map(Line::column);
    columns.max().unwrap_or(0) + BEFORE_COMMENT
}
