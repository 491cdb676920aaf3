use super::WIDTH;

/// Blanks before a comment behind a line, at the least.
const BEFORE_COMMENT: usize = 2;
/// The comment behind a line beyond this column stands by itself, so that one long line does not move all the others.
const COMMENT_COLUMN_MAX: usize = 60;

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

/// Writes lines; the comments behind lines that go on in one indent stand in one column.
pub(super) fn write(lines: &[Line]) -> String {
    let mut text = String::new();
    let mut column = 0;
    let mut indent = None;
    for (index, line) in lines.iter().enumerate() {
        if line.apart {
            text.push('\n');
        }
        if line.apart || indent != Some(line.indent) {
            column = comment_column(lines.get(index..).unwrap_or_default());
        }
        indent = Some(line.indent);
        if !line.text.is_empty() {
            text.extend(std::iter::repeat_n(' ', line.indent));
            text.push_str(&line.text);
        }
        if let Some(comment) = &line.comment {
            let blanks = column.saturating_sub(line.column()).max(BEFORE_COMMENT);
            text.extend(std::iter::repeat_n(' ', blanks));
            text.push_str(comment);
        }
        text.push('\n');
    }
    text
}

/// The column of the comments behind the first line and those that go on in its indent.
fn comment_column(lines: &[Line]) -> usize {
    let indent = lines.first().map(|line| line.indent);
    let goes_on = |(index, line): &(usize, &Line)| *index == 0 || !line.apart && Some(line.indent) == indent;
    let together = lines.iter().enumerate().take_while(goes_on);
    let columns = together.filter(|(_, line)| line.comment.is_some()).map(|(_, line)| line.column());
    columns.filter(|column| *column <= COMMENT_COLUMN_MAX).max().unwrap_or(0) + BEFORE_COMMENT
}
