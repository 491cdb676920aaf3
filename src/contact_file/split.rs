use std::io::{self, Read};

use super::encoding::Transcoder;

/// The longest cell, in bytes.
pub const CELL_BYTES_MAX: usize = 8 * 1024;
/// The most columns a file may have.
pub const COLUMNS_MAX: usize = 1_000;
/// The longest row, in bytes: where a quote is left open, no more than this is looked through for its end.
const ROW_BYTES_MAX: usize = 1024 * 1024;
/// How much of the start is looked at to tell what separates the cells, in bytes.
const SAMPLE_BYTES: usize = 64 * 1024;

/// Why a row cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A quote was opened and not closed, or only so far behind that a forgotten quote is likelier.
    OpenQuote,
    /// Text stands behind a closing quote.
    TextBehindQuote,
    /// A cell is too long: which, from 0.
    LongCell(usize),
    /// The row is too long.
    LongRow,
}

/// Takes a file apart into rows and cells (RFC 4180, with any delimiter and any line end).
///
/// A row that cannot be taken apart costs one line: reading goes on with the line below the one where it began,
/// because a forgotten quote must not swallow its neighbours. Memory is bounded by the longest row.
pub(super) struct Splitter<R> {
    input: Transcoder<R>,
    more: bool,
    /// What has been read and not been left behind.
    buffer: Vec<u8>,
    /// Where the current row begins in the buffer.
    row: usize,
    /// Where the next one does.
    next: usize,
    /// The line where the current row begins, from 1.
    row_line: u64,
    /// The line where the next one does.
    next_line: u64,
    delimiter: u8,
    /// How many cells a row should have; 0 where nobody knows yet.
    columns: usize,
    /// The cells of the current row behind each other, quotes and doubled quotes resolved.
    cells: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
}

enum State {
    Start,
    Plain,
    Quoted,
    /// Behind a quote inside quotes: the end of the cell, or the first half of a doubled quote.
    Closing,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(input: Transcoder<R>, delimiter: u8) -> Self {
        Self {
            input,
            more: true,
            buffer: Vec::new(),
            row: 0,
            next: 0,
            row_line: 1,
            next_line: 1,
            delimiter,
            columns: 0,
            cells: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// The first bytes of the file; only before the first row.
    pub(super) fn sample(&mut self) -> io::Result<&[u8]> {
        while self.buffer.len() < SAMPLE_BYTES && self.fill()? {}
        Ok(self.buffer.get(..SAMPLE_BYTES).unwrap_or(&self.buffer))
    }

    /// Leaves out the first bytes, a whole line of them.
    pub(super) fn skip_first_line(&mut self, bytes: usize) {
        self.next = bytes;
        self.next_line = 2;
    }

    pub(super) fn set_delimiter(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
    }

    /// Says how many cells a row should have.
    pub(super) fn set_columns(&mut self, columns: usize) {
        self.columns = columns;
    }

    /// How many bytes of the file have been read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.input.bytes_read()
    }

    /// The line where the current row begins.
    pub(super) fn line(&self) -> u64 {
        self.row_line
    }

    /// Whether the current row has line breaks inside.
    pub(super) fn spans_lines(&self) -> bool {
        self.next_line > self.row_line + 1
    }

    /// How many cells the current row has.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell of the current row.
    pub(super) fn cell(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(index).and_then(|end| self.cells.get(start..*end)).unwrap_or_default()
    }

    /// Goes to the next row; false at the end of the file. Empty lines are no rows.
    pub(super) fn advance(&mut self) -> io::Result<Result<bool, Fault>> {
        self.leave_behind();
        while let Some(byte @ (b'\r' | b'\n')) = self.byte(self.next)? {
            self.next += 1;
            self.next_line += 1;
            if byte == b'\r' && self.byte(self.next)? == Some(b'\n') {
                self.next += 1;
            }
        }
        self.row = self.next;
        self.row_line = self.next_line;
        if self.byte(self.row)?.is_none() {
            return Ok(Ok(false));
        }
        match self.take_row()? {
            Ok(()) => Ok(Ok(true)),
            // Everything but the length of a cell is right: the row ends where it says.
            Err(fault @ Fault::LongCell(_)) if self.len() == self.columns => Ok(Err(fault)),
            Err(fault) => {
                self.back_to_second_line()?;
                Ok(Err(fault))
            }
        }
    }

    /// Ends the current row with its first line: the next row begins below it.
    pub(super) fn back_to_second_line(&mut self) -> io::Result<()> {
        let mut at = self.row;
        self.next_line = self.row_line + 1;
        loop {
            match self.byte(at)? {
                None => break,
                Some(b'\n') => {
                    at += 1;
                    break;
                }
                Some(b'\r') => {
                    at += if self.byte(at + 1)? == Some(b'\n') { 2 } else { 1 };
                    break;
                }
                Some(_) => at += 1,
            }
            // A line may have no end for gigabytes.
            if at - self.row > ROW_BYTES_MAX {
                self.buffer.drain(..at);
                at = 0;
                self.row = 0;
            }
        }
        self.next = at;
        Ok(())
    }

    fn take_row(&mut self) -> io::Result<Result<(), Fault>> {
        self.cells.clear();
        self.ends.clear();
        let mut state = State::Start;
        let mut long_cell = None;
        let mut lines = 0;
        let mut before = 0;
        let mut at = self.row;
        loop {
            let byte = self.byte(at)?;
            state = match (state, byte) {
                (State::Quoted, None) => return Ok(Err(Fault::OpenQuote)),
                (State::Quoted, Some(b'"')) => State::Closing,
                (State::Quoted, Some(byte)) => {
                    lines += u64::from(byte == b'\r' || (byte == b'\n' && before != b'\r'));
                    self.cells.push(byte);
                    State::Quoted
                }
                (State::Start, Some(b'"')) => State::Quoted,
                (State::Closing, Some(b'"')) => {
                    self.cells.push(b'"');
                    State::Quoted
                }
                (_, Some(byte)) if byte == self.delimiter => {
                    self.end_cell(&mut long_cell);
                    State::Start
                }
                (_, None | Some(b'\r' | b'\n')) => {
                    self.end_cell(&mut long_cell);
                    let crlf = byte == Some(b'\r') && self.byte(at + 1)? == Some(b'\n');
                    self.next = at + usize::from(byte.is_some()) + usize::from(crlf);
                    self.next_line = self.row_line + lines + 1;
                    return Ok(long_cell.map_or(Ok(()), |index| Err(Fault::LongCell(index))));
                }
                (State::Closing, Some(b' ')) => State::Closing,
                (State::Closing, Some(_)) => return Ok(Err(Fault::TextBehindQuote)),
                (State::Start | State::Plain, Some(byte)) => {
                    self.cells.push(byte);
                    State::Plain
                }
            };
            before = byte.unwrap_or(0);
            at += 1;
            if at - self.row > ROW_BYTES_MAX {
                let quoted = matches!(state, State::Quoted | State::Closing);
                return Ok(Err(if quoted { Fault::OpenQuote } else { Fault::LongRow }));
            }
        }
    }

    fn end_cell(&mut self, long_cell: &mut Option<usize>) {
        let start = self.ends.last().copied().unwrap_or(0);
        if self.cells.len() - start > CELL_BYTES_MAX {
            long_cell.get_or_insert(self.ends.len());
        }
        self.ends.push(self.cells.len());
    }

    fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        loop {
            if let Some(byte) = self.buffer.get(at) {
                return Ok(Some(*byte));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads on; false at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        let before = self.buffer.len();
        while self.more && self.buffer.len() == before {
            self.more = self.input.append_to(&mut self.buffer)?;
        }
        Ok(self.buffer.len() > before)
    }

    /// Drops what is behind the current row, not so often that moving the rest would cost more than reading it.
    fn leave_behind(&mut self) {
        if self.next >= SAMPLE_BYTES && self.next >= self.buffer.len() / 2 {
            self.buffer.drain(..self.next.min(self.buffer.len()));
            self.next = 0;
        }
    }
}
