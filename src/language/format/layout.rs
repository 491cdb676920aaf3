use super::lines::{Line, width, write};
use super::outline::{Block, Comment, Entry, Part};
use super::wrap::{Atom, join, place};
use super::{WIDTH, flat};
use crate::language::syntax::token::{BlockKind, Entry as EntryKind};

/// What a block indents.
const INDENT: usize = 2;
/// What the further lines of a broken entry are indented, so that they are not taken for its block.
const CONTINUED: usize = 4;

/// The canonical text of a file.
pub(super) fn text(file: &Block<'_>) -> String {
    let mut lines = Vec::new();
    entries(file, 0, &mut lines);
    write(&lines)
}

/// An entry on its lines.
struct Written {
    lines: Vec<Line>,
    /// Where in its only line the part begins that stands in one column with that of its neighbours.
    column: Option<usize>,
}

/// Writes what stands in a block.
fn entries(block: &Block<'_>, indent: usize, lines: &mut Vec<Line>) {
    let key = key_width(block);
    let mut written: Vec<Written> =
        block.entries.iter().map(|entry| one(block.kind, entry, indent, key)).collect();
    line_up(block, &mut written);
    let mut before: Option<(&Entry<'_>, bool)> = None;
    for (index, (entry, mut written)) in block.entries.iter().zip(written).enumerate() {
        let comma = flat::needs_comma(block, index + 1);
        if let Some(line) = written.lines.last_mut().filter(|_| comma) {
            line.text.push(',');
        }
        let short = written.lines.len() == 1;
        let forced = before.is_some_and(|(before, was_short)| match block.kind {
            BlockKind::File => !(short && was_short),
            _ => before.kind == EntryKind::Stage || entry.kind == EntryKind::Stage,
        });
        comments(&entry.above, indent, forced, before.is_none(), lines);
        if let Some(line) = written.lines.first_mut() {
            line.apart = match entry.above.is_empty() {
                true => before.is_some() && (forced || entry.apart),
                false => entry.apart,
            };
        }
        lines.append(&mut written.lines);
        before = Some((entry, short));
    }
    comments(&block.below, indent, false, block.entries.is_empty(), lines);
}

/// Writes comments on lines of their own; before the first, a line is left empty where it is `forced` or the author
/// left one, but not at the start of a block.
fn comments(comments: &[Comment<'_>], indent: usize, forced: bool, at_start: bool, lines: &mut Vec<Line>) {
    for (index, comment) in comments.iter().enumerate() {
        let mut line = Line::new(indent, comment.text);
        line.apart = if index == 0 { !at_start && (forced || comment.apart) } else { comment.apart };
        lines.push(line);
    }
}

/// How wide the column of the words is that the entries of a block begin with.
fn key_width(block: &Block<'_>) -> usize {
    let keys = block.entries.iter().filter_map(|entry| Some(width(&key(entry)?)));
    // Types stand further off from the names of fields, which may be words of the language too.
    keys.max().unwrap_or(0) + usize::from(block.kind == BlockKind::Fields)
}

/// The words that an entry begins with, where what is behind stands in a column.
fn key(entry: &Entry<'_>) -> Option<String> {
    let (EntryKind::Keyed(count), Some(Part::Words(words))) = (entry.kind, entry.parts.first()) else {
        return None;
    };
    let atoms: Vec<Atom> = words.iter().take(count).map(|token| Atom::of(token)).collect();
    Some(join(&atoms))
}

/// One entry, without the comments above it.
fn one(kind: BlockKind, entry: &Entry<'_>, indent: usize, key_width: usize) -> Written {
    let key = key(entry).map(|key| format!("{key:key_width$}"));
    let mut written = flat_entry(kind, entry, indent, key.as_deref()).unwrap_or_else(|| {
        let lines = [true, false].map(|short| Opened { entry, indent, key: key.as_deref(), short }.lines());
        let [short, open] = lines;
        // Pairs stay on the line where the line keeps its width.
        let lines = if short.iter().all(Line::fits) { short } else { open };
        Written { lines, column: None }
    });
    if let Some(line) = written.lines.last_mut() {
        line.comment = line.comment.take().or_else(|| entry.behind.map(str::to_owned));
    }
    written
}

/// The entry on one line, where it belongs there.
fn flat_entry(kind: BlockKind, entry: &Entry<'_>, indent: usize, key: Option<&str>) -> Option<Written> {
    let how = if entry.is_pinned() { flat::How::Whatever } else { flat::How::Short };
    let flat = flat::entry(entry, how, key)?;
    let line = Line::new(indent, flat.text);
    if how == flat::How::Short && !line.fits() {
        return None;
    }
    let column = match kind {
        BlockKind::File | BlockKind::Branches => flat.block.or(flat.sign),
        _ => None,
    };
    Some(Written { lines: vec![line], column })
}

/// Puts the blocks of short entries that follow each other in one column.
fn line_up(block: &Block<'_>, written: &mut [Written]) {
    let mut start = 0;
    while start < written.len() {
        let mut end = start + 1;
        while is_neighbour(block, written, end) {
            end += 1;
        }
        let run = written.get_mut(start..end).unwrap_or_default();
        let widest = run.iter().filter_map(|entry| entry.column).max().unwrap_or(0);
        let missing = |entry: &Written| entry.column.map_or(0, |column| widest - column);
        let room = |entry: &Written| entry.lines.iter().all(|line| line.column() + missing(entry) <= WIDTH);
        if run.iter().all(room) {
            for entry in run {
                let blanks = " ".repeat(missing(entry));
                if let (Some(column), Some(line)) = (entry.column, entry.lines.first_mut()) {
                    let at = line.text.char_indices().nth(column).map_or(line.text.len(), |(at, _)| at);
                    line.text.insert_str(at, &blanks);
                }
            }
        }
        start = end;
    }
}

/// Whether an entry stands in one column with the one before it.
fn is_neighbour(block: &Block<'_>, written: &[Written], index: usize) -> bool {
    let Some(entry) = block.entries.get(index) else { return false };
    let first_word = |index: usize| block.entries.get(index).and_then(|entry| entry.words().next());
    let has_column = |index: usize| written.get(index).is_some_and(|entry| entry.column.is_some());
    let alike = block.kind == BlockKind::Branches || first_word(index - 1) == first_word(index);
    let together = !entry.apart && entry.above.is_empty();
    alike && together && has_column(index - 1) && has_column(index)
}

/// An entry that takes more than a line.
struct Opened<'e, 't> {
    entry: &'e Entry<'t>,
    indent: usize,
    key: Option<&'e str>,
    /// Whether blocks that hold values stay on the line.
    short: bool,
}

impl Opened<'_, '_> {
    fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::new(self.indent, "")];
        let mut atoms: Vec<Atom> = Vec::new();
        for (index, part) in self.entry.parts.iter().enumerate() {
            match part {
                Part::Words(words) => {
                    let skipped = if index == 0 { self.take_key(&mut atoms) } else { 0 };
                    atoms.extend(words.iter().skip(skipped).map(|token| Atom::of(token)));
                }
                Part::Block(block) => self.block(block, &mut atoms, &mut lines),
                Part::Comment { text, alone } => {
                    if self.comma_behind(index)
                        && let Some(last) = atoms.last_mut()
                    {
                        last.text.push(',');
                    }
                    self.comment(text, *alone, &mut atoms, &mut lines);
                }
            }
        }
        self.flush(&mut atoms, &mut lines);
        lines.retain(|line| !line.text.is_empty() || line.comment.is_some());
        lines
    }

    /// Puts the key with its blanks in front, and says how many words it stands for.
    fn take_key(&self, atoms: &mut Vec<Atom>) -> usize {
        let (Some(key), EntryKind::Keyed(count)) = (self.key, self.entry.kind) else { return 0 };
        atoms.push(Atom::solid(key));
        count
    }

    /// Whether a comma stands before the words behind a comment.
    fn comma_behind(&self, comment: usize) -> bool {
        let mut behind = self.entry.parts.iter().skip(comment);
        let words = behind.find_map(|part| match part {
            Part::Words(words) => words.first(),
            _ => None,
        });
        words.is_some_and(|word| word.comma)
    }

    fn block(&self, block: &Block<'_>, atoms: &mut Vec<Atom>, lines: &mut Vec<Line>) {
        let holds_values = matches!(block.kind, BlockKind::Pairs | BlockKind::Choices | BlockKind::Settings);
        let is_branch = self.entry.words().next() == Some("otherwise");
        let otherwise = !is_branch && atoms.last().is_some_and(|last| last.text == "otherwise");
        if otherwise && block.kind == BlockKind::Statements {
            return self.otherwise(block, atoms, lines);
        }
        let flat = flat::block(block, flat::How::Short)
            .filter(|_| block.entries.is_empty() || holds_values && self.short);
        match flat {
            Some(flat) => atoms.push(Atom::solid(flat)),
            None => self.open(block, atoms, lines),
        }
    }

    fn open(&self, block: &Block<'_>, atoms: &mut Vec<Atom>, lines: &mut Vec<Line>) {
        atoms.push(Atom::solid("{"));
        self.flush(atoms, lines);
        if let Some(line) = lines.last_mut() {
            line.comment = block.behind_open.map(str::to_owned);
        }
        entries(block, self.indent + INDENT, lines);
        lines.push(Line::new(self.indent, "}"));
    }

    /// What happens where a message is not sent: behind a `send` of several lines, on a line of its own.
    fn otherwise(&self, block: &Block<'_>, atoms: &mut Vec<Atom>, lines: &mut Vec<Line>) {
        let word = atoms.pop();
        let before = lines.len();
        self.flush(atoms, lines);
        atoms.extend(word);
        let room = |line: &Line| !line.text.is_empty() && line.column() + width(" otherwise {") <= WIDTH;
        if lines.len() > before || !lines.last().is_some_and(room) {
            lines.push(Line::new(self.indent, ""));
            let flat = flat::block(block, flat::How::Short);
            let fits = |flat: &String| self.indent + width("otherwise ") + width(flat) <= WIDTH;
            if let Some(flat) = flat.filter(fits) {
                atoms.push(Atom::solid(flat));
                return;
            }
        }
        self.open(block, atoms, lines);
    }

    fn comment(&self, text: &str, alone: bool, atoms: &mut Vec<Atom>, lines: &mut Vec<Line>) {
        self.flush(atoms, lines);
        let indent = match lines.last() {
            Some(line) if line.text.is_empty() => line.indent,
            Some(line) if line.text == "}" => self.indent,
            _ => self.indent + CONTINUED,
        };
        match lines.last_mut() {
            Some(line) if !alone && line.comment.is_none() => line.comment = Some(text.to_owned()),
            _ => lines.push(Line::new(indent, text)),
        }
        lines.push(Line::new(indent, ""));
    }

    /// Puts what has gathered on lines.
    fn flush(&self, atoms: &mut Vec<Atom>, lines: &mut Vec<Line>) {
        let atoms = std::mem::take(atoms);
        let Some(first) = atoms.first() else { return };
        if let Some(line) = lines.last_mut().filter(|line| !line.text.is_empty()) {
            line.text.push_str(first.before);
        }
        place(&atoms, self.indent + CONTINUED, 0, lines);
    }
}
