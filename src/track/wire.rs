//! The bytes inside a token: fixed fields as they are, texts behind their length.

use uuid::Uuid;

use super::link::LinkError;

/// Puts fields behind each other.
#[derive(Debug, Default)]
pub struct FieldWriter(Vec<u8>);

impl FieldWriter {
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// A text of up to 64 KiB.
    pub(super) fn text(&mut self, text: &str) -> Result<(), LinkError> {
        let length = u16::try_from(text.len()).map_err(|_| LinkError::TooLong(text.len()))?;
        self.bytes(&length.to_be_bytes());
        self.bytes(text.as_bytes());
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Takes fields off again; nothing where there are too few bytes or the wrong ones.
#[derive(Debug)]
pub struct FieldReader<'a>(&'a [u8]);

impl<'a> FieldReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    pub(super) fn id(&mut self) -> Option<Uuid> {
        self.array().map(Uuid::from_bytes)
    }

    pub(super) fn number(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let length = self.number()?;
        let (bytes, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        String::from_utf8(bytes.to_vec()).ok()
    }

    /// Whether all has been taken: what is left over was never written.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
