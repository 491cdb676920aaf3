use std::collections::HashMap;
use std::hash::Hasher;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use super::cell::{self, Customs, quoted};
use super::columns::{Column, Schema, Target, columns, find_delimiter, header_names};
use super::encoding::{Encoding, Transcoder, detect};
use super::split::{CELL_BYTES_MAX, Fault, Splitter};
use super::{ContactDraft, FileError, Problem, Row};
use crate::domain::{Address, Value, ValueType};
use crate::finding::words::{counted, did_you_mean};
use crate::time::zone;

/// In how many addresses duplicates are looked for; a table of their hashes is all that is kept of a file.
const ADDRESSES_MAX: usize = 2_000_000;

/// Reads a file of contacts row by row.
///
/// Memory does not grow with the file, but for 16 bytes for each of the first two million addresses, in which
/// duplicates are looked for.
pub struct Reader<R> {
    rows: Splitter<R>,
    schema: Schema,
    encoding: Encoding,
    delimiter: u8,
    columns: Vec<Column>,
    targets: Vec<Option<Target>>,
    /// The names of the schema's fields and topics, shared by all rows.
    field_names: Vec<Arc<str>>,
    topic_names: Vec<Arc<str>>,
    bytes_total: u64,
    /// The line where an address stood first, by the hash of its key.
    addresses: HashMap<u64, u32>,
    ended: bool,
}

impl<R: Read + Seek> Reader<R> {
    /// Opens a file: finds out how it is written and reads its first line. `renames` says of a column (first)
    /// which attribute it is (second), where its name does not say it.
    ///
    /// # Errors
    /// When the file cannot be read, or its first line does not say what the columns are.
    pub fn open(mut input: R, schema: Schema, renames: &[(String, String)]) -> Result<Self, FileError> {
        let bytes_total = input.seek(SeekFrom::End(0))?;
        let encoding = detect(&mut input)?;
        let mut rows = Splitter::new(Transcoder::new(input, encoding), b',');
        let (delimiter, skipped) = find_delimiter(rows.sample()?);
        rows.set_delimiter(delimiter);
        if skipped > 0 {
            rows.skip_first_line(skipped);
        }
        match rows.advance()? {
            Ok(true) => {}
            Ok(false) => return Err(FileError::Empty),
            Err(fault) => return Err(FileError::Header(words(fault, &[]).1)),
        }
        rows.set_columns(rows.len());
        let (columns, targets) = columns(&header_names(&rows), &schema, renames)?;
        let shared = |name: &String| Arc::from(name.as_str());
        Ok(Self {
            field_names: schema.fields.iter().map(|field| shared(&field.name)).collect(),
            topic_names: schema.topics.iter().map(shared).collect(),
            rows,
            schema,
            encoding,
            delimiter,
            columns,
            targets,
            bytes_total,
            addresses: HashMap::new(),
            ended: false,
        })
    }
}

impl<R: Read> Reader<R> {
    /// How the file is written.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What separates its cells.
    pub fn delimiter(&self) -> char {
        char::from(self.delimiter)
    }

    /// Its columns, in their order, with what becomes of them.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How much of the file has been read and how long it is, in bytes, for a progress bar.
    pub fn progress(&self) -> (u64, u64) {
        (self.rows.bytes_read().min(self.bytes_total), self.bytes_total)
    }

    fn next_row(&mut self) -> Result<Option<Result<Row, Problem>>, FileError> {
        loop {
            match self.rows.advance()? {
                Ok(false) => return Ok(None),
                Err(fault) => {
                    let (column, message) = words(fault, &self.columns);
                    return Ok(Some(Err(self.problem(column, message))));
                }
                // Spreadsheets leave rows of nothing but separators at the end.
                Ok(true)
                    if (0..self.rows.len()).all(|index| self.rows.cell(index).trim_ascii().is_empty()) => {}
                Ok(true) => break,
            }
        }
        if let Some(message) = self.wrong_length() {
            let problem = self.problem(None, message);
            if self.rows.spans_lines() {
                // A forgotten quote is likelier than a row of several lines that is wrong as a whole.
                self.rows.back_to_second_line()?;
            }
            return Ok(Some(Err(problem)));
        }
        let draft = match self.draft() {
            Ok(draft) => draft,
            Err((column, message)) => return Ok(Some(Err(self.problem(column, message)))),
        };
        if draft.email.is_none() && draft.external_id.is_none() {
            let message = "this row has neither a mail address nor an id".to_owned();
            return Ok(Some(Err(self.problem(None, message))));
        }
        let line = self.rows.line();
        let repeats = draft.email.as_ref().and_then(|email| self.seen_before(email, line));
        Ok(Some(Ok(Row { line, draft, repeats })))
    }

    fn wrong_length(&self) -> Option<String> {
        let (count, columns) = (self.rows.len(), self.columns.len());
        let surplus_empty = || (columns..count).all(|index| self.rows.cell(index).is_empty());
        if count == columns || (count > columns && surplus_empty()) {
            return None;
        }
        let mut message = format!("this row has {}, and the first line {columns}", counted(count, "cell"));
        if self.rows.spans_lines() {
            message.push_str("; perhaps a quote is not closed");
        }
        Some(message)
    }

    fn draft(&self) -> Result<ContactDraft, (Option<String>, String)> {
        let mut draft = ContactDraft::default();
        for (index, target) in self.targets.iter().enumerate() {
            let Some(target) = *target else { continue };
            let cell = self.rows.cell(index);
            if !cell.is_empty() {
                let name = || self.columns.get(index).map(|column| column.name.clone());
                self.put(&mut draft, target, cell).map_err(|message| (name(), message))?;
            }
        }
        Ok(draft)
    }

    fn put(&self, draft: &mut ContactDraft, target: Target, cell: &[u8]) -> Result<(), String> {
        let text = cell::text(cell)?;
        if text.is_empty() {
            return Ok(());
        }
        match target {
            Target::Id => draft.external_id = Some(text.into_owned()),
            Target::Email => {
                let address: Result<Address, _> = text.parse();
                draft.email = Some(address.map_err(|error| format!("{}: {error}", quoted(&text)))?);
            }
            Target::Phone => draft.phone = Some(phone(&text)?),
            Target::Timezone => {
                let zone = zone(&text).ok_or_else(|| {
                    format!("{} is no time zone: zones have names such as `Europe/Berlin`", quoted(&text))
                })?;
                draft.timezone = Some(zone.iana_name().unwrap_or(&text).to_owned());
            }
            Target::Language => draft.language = Some(language(&text)?),
            Target::Tags => {
                if let Value::List(tags) = self.value(&text, &ValueType::List(Box::new(ValueType::Text)))? {
                    let text = |tag| if let Value::Text(tag) = tag { Some(tag) } else { None };
                    draft.tags = tags.into_iter().filter_map(text).collect();
                }
            }
            Target::Field(index) => {
                let (Some(field), Some(name)) = (self.schema.fields.get(index), self.field_names.get(index))
                else {
                    return Ok(());
                };
                let value = self.value(&text, &field.of)?;
                let value =
                    field.one_of.as_deref().map_or(Ok(value.clone()), |allowed| one_of(value, allowed))?;
                draft.attributes.push((Arc::clone(name), value));
            }
            Target::Allows(index) => {
                if let Some(topic) = self.topic_names.get(index) {
                    draft.allows.push((Arc::clone(topic), cell::boolean(&text)?));
                }
            }
        }
        Ok(())
    }

    fn value(&self, text: &str, of: &ValueType) -> Result<Value, String> {
        let customs = Customs { point_is_doubtful: self.delimiter != b',', zone: &self.schema.zone };
        cell::value(text, of, &customs)
    }

    fn seen_before(&mut self, email: &Address, line: u64) -> Option<u64> {
        let mut hasher = SipHasher13::new();
        hasher.write(email.key().as_bytes());
        let key = hasher.finish();
        if let Some(first) = self.addresses.get(&key) {
            return Some(u64::from(*first));
        }
        if self.addresses.len() < ADDRESSES_MAX {
            self.addresses.insert(key, u32::try_from(line).unwrap_or(u32::MAX));
        }
        None
    }

    fn problem(&self, column: Option<String>, message: String) -> Problem {
        Problem { line: self.rows.line(), column, message }
    }
}

/// Row by row; an error ends it.
impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Result<Row, Problem>, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_row().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// The column and the words for a row that cannot be taken apart.
fn words(fault: Fault, columns: &[Column]) -> (Option<String>, String) {
    let kib = CELL_BYTES_MAX / 1024;
    match fault {
        Fault::OpenQuote => (None, "a quote that opens in this row is never closed".to_owned()),
        Fault::TextBehindQuote => {
            let message =
                "text stands behind a closing quote: a quote inside quotes is written twice, `\"\"`";
            (None, message.to_owned())
        }
        Fault::LongCell(index) => {
            let column = columns.get(index).map(|column| column.name.clone());
            (column, format!("this cell is longer than {kib} KiB"))
        }
        Fault::LongRow => (None, "this row is too long".to_owned()),
    }
}

/// A number as people write it: digits, and the signs that stand between them.
fn phone(text: &str) -> Result<String, String> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let good = text.chars().all(|c| c.is_ascii_digit() || "+ ()-./\u{a0}".contains(c));
    if good && (3..=20).contains(&digits) {
        return Ok(text.to_owned());
    }
    Err(format!("{} is no phone number", quoted(text)))
}

/// A language tag (RFC 5646) by its shape, with `_` as some systems write it.
fn language(text: &str) -> Result<String, String> {
    let tag = text.replace('_', "-");
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or("");
    let named = (2..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if named && parts.all(part) {
        return Ok(tag);
    }
    Err(format!("{} is no language: write a tag such as `de` or `en-GB`", quoted(text)))
}

/// The declared value that is meant: the same, or the same but for capitals.
fn one_of(value: Value, allowed: &[Value]) -> Result<Value, String> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    let Value::Text(text) = &value else {
        return Err(format!("`{value}` is none of the values that are declared"));
    };
    let names = allowed
        .iter()
        .filter_map(|value| if let Value::Text(text) = value { Some(text.as_str()) } else { None });
    if let Some(same) = names.clone().find(|name| name.to_lowercase() == text.to_lowercase()) {
        return Ok(Value::Text(same.to_owned()));
    }
    let help = did_you_mean(text, "there are", names).map_or(String::new(), |help| format!(": {help}"));
    Err(format!("{} is none of the values that are declared{help}", quoted(text)))
}
