use std::borrow::Cow;
use std::io::{self, Write};

use super::cell::{FORMULA_SIGNS, guarded};
use super::columns::{Schema, allows_name};
use crate::domain::{Contact, Value};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// Whether a cell that a spreadsheet would take for a formula gets a `'` in front.
    pub guard_formulas: bool,
    /// Whether the file begins with a byte-order mark, by which Excel knows UTF-8.
    pub byte_order_mark: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { guard_formulas: true, byte_order_mark: false }
    }
}

/// Writes a table as CSV (RFC 4180) in UTF-8, with commas.
///
/// What somebody typed into a form may be a formula that runs on the machine of whoever opens the export. So
/// texts that begin with `=`, `+`, `-`, `@`, a tab or a carriage return get a `'` in front, plain numbers apart.
/// Texts that begin like such a guarded one get it always, so that reading a file gives back what was written.
pub struct Writer<W: Write> {
    output: csv::Writer<W>,
    guard_formulas: bool,
}

impl<W: Write> Writer<W> {
    /// Begins a table.
    ///
    /// # Errors
    /// When the output takes no byte-order mark.
    pub fn new(mut output: W, options: WriteOptions) -> io::Result<Self> {
        if options.byte_order_mark {
            output.write_all(b"\xef\xbb\xbf")?;
        }
        let output = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(output);
        Ok(Self { output, guard_formulas: options.guard_formulas })
    }

    /// Writes a row; the first one is the names of the columns.
    ///
    /// # Errors
    /// When the output takes no more, or the row has another number of cells than the first.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) -> io::Result<()> {
        for cell in cells {
            self.output.write_field(self.cell(cell.as_ref()).as_bytes()).map_err(refused)?;
        }
        self.output.write_record(None::<&[u8]>).map_err(refused)
    }

    /// Writes what is still held back, and gives the output back.
    ///
    /// # Errors
    /// When the output takes no more.
    pub fn finish(self) -> io::Result<W> {
        self.output.into_inner().map_err(|error| io::Error::from(error.error().kind()))
    }

    fn cell<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let formula = text.starts_with(FORMULA_SIGNS) && !is_number(text);
        if guarded(text) || (self.guard_formulas && formula) {
            return Cow::Owned(format!("'{text}"));
        }
        Cow::Borrowed(text)
    }
}

/// What the output said, as it said it: a pipe that nobody reads from is told from a full disk.
fn refused(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// Whether a spreadsheet can take it for nothing but a number: a sign, digits, points and commas.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',')
        && digits.chars().any(|c| c.is_ascii_digit())
}

/// The names of the columns of [`contact_row`].
pub fn contact_header(schema: &Schema) -> Vec<String> {
    let built_in = ["id", "email", "phone", "timezone", "language", "tags"].map(str::to_owned);
    let fields = schema.fields.iter().map(|field| field.name.clone());
    built_in.into_iter().chain(fields).chain(schema.topics.iter().map(|topic| allows_name(topic))).collect()
}

/// A contact as a row that can be read in again; what is not set is empty. `allows` gives what the contact has
/// decided on a topic.
pub fn contact_row(
    contact: &Contact,
    schema: &Schema,
    mut allows: impl FnMut(&str) -> Option<bool>,
) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let tags = contact.tags.iter().cloned().map(Value::Text).collect();
    let mut row = vec![
        text(&contact.external_id),
        text(&contact.email),
        text(&contact.phone),
        text(&contact.timezone),
        text(&contact.language),
        list(&Value::List(tags)),
    ];
    row.extend(schema.fields.iter().map(|field| cell_text(&contact.attribute(&field.name, &field.of))));
    row.extend(schema.topics.iter().map(|topic| allows(topic).map_or(String::new(), |yes| yes.to_string())));
    row
}

/// A value as text that reads back as itself.
fn cell_text(value: &Value) -> String {
    match value {
        Value::Unset => String::new(),
        Value::Text(text) => text.clone(),
        Value::List(_) => list(value),
        value => value.to_string(),
    }
}

/// Items with `|` between them, or JSON where that would read as something else.
fn list(value: &Value) -> String {
    let Value::List(items) = value else { return String::new() };
    let texts: Vec<String> = items.iter().map(cell_text).collect();
    let plain = |text: &String| {
        !text.is_empty()
            && text.trim() == text
            && !text.starts_with(['[', '\''])
            && !text.contains(['|', ','])
    };
    if texts.iter().all(plain) { texts.join("|") } else { value.to_json().to_string() }
}
