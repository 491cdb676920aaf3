use super::WIDTH;
use super::lines::{Line, width};
use crate::language::syntax::token::{FILL, Token};

/// What is not broken, with what stands before it.
#[derive(Clone, Debug)]
pub(super) struct Atom {
    pub(super) text: String,
    /// What parts it from the atom before on the same line.
    pub(super) before: &'static str,
    pub(super) rank: Option<u8>,
}

impl Atom {
    /// Something behind a blank that is not broken.
    pub(super) fn solid(text: impl Into<String>) -> Self {
        Self { text: text.into(), before: " ", rank: None }
    }

    pub(super) fn of(token: &Token<'_>) -> Self {
        let before = match (token.comma, token.close) {
            (true, _) => ", ",
            (false, true) => "",
            (false, false) => " ",
        };
        Self { text: token.text.clone().into_owned(), before, rank: token.rank }
    }
}

/// Atoms on one line.
pub(super) fn join(atoms: &[Atom]) -> String {
    let mut text = String::new();
    for (index, atom) in atoms.iter().enumerate() {
        if index > 0 {
            text.push_str(atom.before);
        }
        text.push_str(&atom.text);
    }
    text
}

/// Puts atoms behind the last line, and on further ones where they are too long for it: broken where their rank is
/// lowest, at all such places. `reserve` is the room that what follows needs.
pub(super) fn place(atoms: &[Atom], indent: usize, reserve: usize, lines: &mut Vec<Line>) {
    let whole = join(atoms);
    let column = lines.last().map_or(indent, Line::column);
    let first_line = whole.lines().next().unwrap_or("");
    let rank = atoms.iter().skip(1).filter_map(|atom| atom.rank).min();
    let (Some(rank), true) = (rank, column + width(first_line) + reserve > WIDTH) else {
        append(&whole, lines);
        return;
    };
    let pieces = pieces(atoms, rank);
    let last = pieces.len() - 1;
    for (index, piece) in pieces.into_iter().enumerate() {
        let reserve = if index == last { reserve } else { 1 };
        let before = piece.first().map_or("", |atom| atom.before);
        let column = lines.last().map_or(0, Line::column);
        let fits = column + width(before) + width(&join(piece)) + reserve <= WIDTH;
        if index > 0 {
            let on_line = rank % 10 == FILL && fits;
            append(if on_line { before } else { before.trim_end() }, lines);
            if !on_line {
                lines.push(Line::new(indent, ""));
            }
        }
        place(piece, indent + 2, reserve, lines);
    }
}

/// Parts atoms before each of that rank.
fn pieces(atoms: &[Atom], rank: u8) -> Vec<&[Atom]> {
    let starts = atoms.iter().enumerate().skip(1).filter(|(_, atom)| atom.rank == Some(rank));
    let mut pieces = Vec::new();
    let mut begun = 0;
    for (start, _) in starts {
        pieces.extend(atoms.get(begun..start));
        begun = start;
    }
    pieces.extend(atoms.get(begun..));
    pieces
}

fn append(text: &str, lines: &mut [Line]) {
    if let Some(line) = lines.last_mut() {
        line.text.push_str(text);
    }
}
