use aws_lc_rs::digest;

/// A value as every database can have it: ids are bytes, truth is 0 or 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// There is none.
    Null,
    /// A number, a moment, a truth.
    Integer(i64),
    /// An amount.
    Real(f64),
    /// A text.
    Text(String),
    /// An id, a hash.
    Bytes(Vec<u8>),
}

impl Cell {
    /// Writes it so that no two values, and no two rows of them, are written the same.
    fn write(&self, out: &mut Vec<u8>) {
        let (tag, bytes): (u8, &[u8]) = match self {
            Self::Null => (0, &[]),
            Self::Integer(number) => (1, &number.to_be_bytes()),
            // The two zeros are one.
            Self::Real(amount) => (2, &(amount + 0.0).to_bits().to_be_bytes()),
            Self::Text(text) => (3, &as_everywhere(text).into_bytes()),
            Self::Bytes(bytes) => (4, bytes),
        };
        out.push(tag);
        out.extend((bytes.len() as u64).to_be_bytes());
        out.extend(bytes);
    }
}

/// A text as every database can store it: PostgreSQL knows all characters but NUL.
pub(in crate::store) fn as_everywhere(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// What rows are there, whatever order they come in: how many, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// How many.
    pub rows: u64,
    sum: u128,
}

impl Fingerprint {
    /// Adds a row, its values in the order of the names of their columns.
    pub fn add(&mut self, row: &[Cell]) {
        let mut text = Vec::new();
        row.iter().for_each(|cell| cell.write(&mut text));
        let hash = digest::digest(&digest::SHA256, &text);
        let first = hash.as_ref().first_chunk().copied().unwrap_or_default();
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(first));
        self.rows += 1;
    }

    /// The sum as people compare it.
    pub fn text(&self) -> String {
        format!("{:032x}", self.sum)
    }
}
