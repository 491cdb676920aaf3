//! What the columns of a file mean: which separator stands between them, and which attribute each one is.

use super::FileError;
use super::cell::{header, name_key};
use super::encoding::Transcoder;
use super::split::{COLUMNS_MAX, Splitter};
use crate::domain::{Address, Value, ValueType};
use crate::finding::words::near;
use crate::time::TimeZone;

/// What contacts of the workspace can have.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The declared attributes.
    pub fields: Vec<Field>,
    /// The names of the topics that a contact can allow.
    pub topics: Vec<String>,
    /// Whose clock dates with a time and without an offset mean.
    pub zone: TimeZone,
}

/// A declared attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub of: ValueType,
    /// The values it can have, where they are counted.
    pub one_of: Option<Vec<Value>>,
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What the first line calls it; its number where it has no name there.
    pub name: String,
    /// What becomes of it: `email`, `first_name`, `allows_newsletter`; nothing where it is skipped.
    pub becomes: Option<String>,
}

/// What a cell is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Id,
    Email,
    Phone,
    Timezone,
    Language,
    Tags,
    /// A declared attribute, by its place in the schema.
    Field(usize),
    /// The permission for a topic, by its place in the schema.
    Allows(usize),
}

/// The attributes that every contact has, and what else people call them, in the spelling of [`name_key`].
const BUILT_IN: [(Target, &str, &[&str]); 6] = [
    (
        Target::Id,
        "id",
        &["externalid", "contactid", "userid", "customerid", "customernumber", "kundennummer", "kundennr"],
    ),
    (Target::Email, "email", &["mail", "emailaddress", "mailaddress", "emailadresse", "mailadresse"]),
    (
        Target::Phone,
        "phone",
        &["phonenumber", "telephone", "tel", "mobile", "mobilephone", "telefon", "telefonnummer"],
    ),
    (Target::Timezone, "timezone", &["tz", "zeitzone"]),
    (Target::Language, "language", &["locale", "sprache"]),
    (Target::Tags, "tags", &["tag", "labels", "schlagworte"]),
];

/// How like a column's name and an attribute's are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Likeness {
    /// The same.
    Same,
    /// The same but for capitals, blanks and the like.
    Alike,
    /// Another word for it.
    OtherWord,
}

/// What separates cells in files of this world.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How many rows are looked at to tell which.
const SAMPLE_ROWS: usize = 50;

/// What separates the cells: what a first line `sep=…` says, else what takes the first rows apart into the same
/// number of cells most often, and into the most.
pub(super) fn find_delimiter(sample: &[u8]) -> (u8, usize) {
    let line_end = sample.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let first = sample.get(..line_end).unwrap_or_default().trim_ascii_end();
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] = first {
        return (*delimiter, line_end);
    }
    let score = |delimiter: u8| {
        let mut rows = Splitter::new(Transcoder::new(sample, super::Encoding::Utf8), delimiter);
        let mut counts = Vec::new();
        while counts.len() < SAMPLE_ROWS {
            match rows.advance() {
                Ok(Ok(true)) => counts.push(rows.len()),
                Ok(Err(_)) => counts.push(0),
                Ok(Ok(false)) | Err(_) => break,
            }
        }
        let columns = counts.first().copied().unwrap_or(0);
        let alike = counts.iter().filter(|count| **count == columns).count();
        if columns < 2 { (0, 0) } else { (alike, columns) }
    };
    // The last of several maxima wins, and the first delimiter is the likeliest.
    let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| score(*delimiter));
    (best.unwrap_or(b','), 0)
}

/// Reads the first line. `renames` says of a column (first) which attribute it is (second), whatever its name.
pub(super) fn columns(
    names: &[String],
    schema: &Schema,
    renames: &[(String, String)],
) -> Result<(Vec<Column>, Vec<Option<Target>>), FileError> {
    if names.len() > COLUMNS_MAX {
        return Err(FileError::TooManyColumns(names.len()));
    }
    if names.iter().any(|name| name.parse::<Address>().is_ok()) {
        return Err(FileError::NoHeader);
    }
    let mut targets: Vec<Option<Target>> = vec![None; names.len()];
    for (column, attribute) in renames {
        let position = names.iter().position(|name| name_key(name) == name_key(column));
        let target = target(attribute, schema, Likeness::Alike);
        match position.and_then(|position| targets.get_mut(position)) {
            Some(slot) if target.is_some() => *slot = target,
            Some(_) => {
                let known: Vec<String> = attributes(schema).map(|(_, name)| name).collect();
                let near = near(attribute, known.iter().map(String::as_str)).map(str::to_owned);
                return Err(FileError::NoAttribute { attribute: attribute.clone(), near });
            }
            None => {
                let near = near(column, names.iter().map(String::as_str)).map(str::to_owned);
                return Err(FileError::NoColumn { column: column.clone(), near });
            }
        }
    }
    // The likest column gets the attribute, and each attribute goes to one column.
    for likeness in [Likeness::Same, Likeness::Alike, Likeness::OtherWord] {
        for (index, name) in names.iter().enumerate() {
            let found = target(name, schema, likeness).filter(|target| !targets.contains(&Some(*target)));
            if let Some(slot @ None) = targets.get_mut(index) {
                *slot = found;
            }
        }
    }
    if !targets.iter().flatten().any(|target| matches!(target, Target::Id | Target::Email)) {
        return Err(FileError::NoIdentity(names.to_vec()));
    }
    let columns = names.iter().zip(&targets).map(|(name, target)| Column {
        name: name.clone(),
        becomes: target
            .and_then(|target| attributes(schema).find(|(of, _)| *of == target))
            .map(|(_, name)| name),
    });
    Ok((columns.collect(), targets))
}

/// The names in the first line, those that are missing made up.
pub(super) fn header_names<R: std::io::Read>(row: &Splitter<R>) -> Vec<String> {
    let name = |index| match header(row.cell(index)) {
        name if name.is_empty() => format!("column {}", index + 1),
        name => name,
    };
    (0..row.len()).map(name).collect()
}

/// Whatever a column can become, with its name.
fn attributes(schema: &Schema) -> impl Iterator<Item = (Target, String)> {
    let built_in = BUILT_IN.iter().map(|(target, name, _)| (*target, (*name).to_owned()));
    let fields = schema.fields.iter().enumerate().filter(|(_, field)| field.of != ValueType::Length);
    let fields = fields.map(|(index, field)| (Target::Field(index), field.name.clone()));
    let topics = schema.topics.iter().enumerate();
    let allows = topics.map(|(index, topic)| (Target::Allows(index), allows_name(topic)));
    built_in.chain(fields).chain(allows)
}

/// What the column with the permissions for a topic is called.
pub(super) fn allows_name(topic: &str) -> String {
    format!("allows_{topic}")
}

fn target(name: &str, schema: &Schema, likeness: Likeness) -> Option<Target> {
    let key = name_key(name);
    if likeness == Likeness::OtherWord {
        let mut built_in = BUILT_IN.iter();
        return built_in.find(|(.., words)| words.contains(&key.as_str())).map(|(target, ..)| *target);
    }
    let same = |own: &str| if likeness == Likeness::Same { own == name } else { name_key(own) == key };
    attributes(schema).find(|(_, own)| same(own)).map(|(target, _)| target)
}
