use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{CoderResult, Decoder, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How the bytes of a file are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// With a byte-order mark or without.
    Utf8,
    /// With a byte-order mark, little end first: what spreadsheets call "Unicode text".
    Utf16LittleEndian,
    /// With a byte-order mark, big end first.
    Utf16BigEndian,
    /// What Windows programs of the West write where nobody asks them for more.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16LittleEndian | Encoding::Utf16BigEndian => "UTF-16",
            Encoding::Windows1252 => "Windows-1252",
        })
    }
}

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// Looks the whole file through and goes back to its start.
///
/// A byte-order mark decides. Without one, a file is UTF-8 where it has no byte that UTF-8 cannot have, or where
/// more of its characters beyond ASCII are good UTF-8 than bytes are not: then a row was damaged, and the
/// umlauts of all the others are right. Everything else is Windows-1252.
pub(super) fn detect(input: &mut (impl Read + Seek)) -> io::Result<Encoding> {
    input.seek(SeekFrom::Start(0))?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut kept = 0;
    let (mut good, mut bad) = (0_u64, 0_u64);
    let mut first = true;
    loop {
        let count = read_full(input, chunk.get_mut(kept..).unwrap_or_default())?;
        let filled = kept + count;
        let bytes = chunk.get(..filled).unwrap_or_default();
        if std::mem::take(&mut first)
            && let Some(encoding) = by_mark(bytes)
        {
            input.seek(SeekFrom::Start(0))?;
            return Ok(encoding);
        }
        let last = filled < CHUNK_BYTES;
        let mut cut = 0;
        let mut utf8_chunks = bytes.utf8_chunks().peekable();
        while let Some(part) = utf8_chunks.next() {
            good += part.valid().bytes().filter(|byte| *byte >= 0xc0).count() as u64;
            let invalid = part.invalid();
            // A character may be cut by the end of the chunk: it is looked at again with the next one.
            if utf8_chunks.peek().is_none() && !last && !invalid.is_empty() && invalid.len() < 4 {
                cut = invalid.len();
            } else if !invalid.is_empty() {
                bad += 1;
            }
        }
        if last {
            break;
        }
        chunk.copy_within(filled - cut.., 0);
        kept = cut;
    }
    input.seek(SeekFrom::Start(0))?;
    Ok(if bad == 0 || good > bad { Encoding::Utf8 } else { Encoding::Windows1252 })
}

fn by_mark(bytes: &[u8]) -> Option<Encoding> {
    match encoding_rs::Encoding::for_bom(bytes)? {
        (encoding, _) if encoding == UTF_16LE => Some(Encoding::Utf16LittleEndian),
        (encoding, _) if encoding == UTF_16BE => Some(Encoding::Utf16BigEndian),
        (encoding, _) if encoding == UTF_8 => Some(Encoding::Utf8),
        _ => None,
    }
}

/// Fills the slice as far as the input goes.
fn read_full(input: &mut impl Read, mut slice: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while !slice.is_empty() {
        match input.read(slice) {
            Ok(0) => break,
            Ok(read) => {
                count += read;
                slice = slice.get_mut(read..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// A file as UTF-8 without its byte-order mark, piece by piece.
///
/// A file that says it is UTF-8 is handed on as it is, so that a bad byte is found in its own row.
pub(super) struct Transcoder<R> {
    input: R,
    /// Nothing where the file is UTF-8 already.
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    bytes_read: u64,
}

impl<R: Read> Transcoder<R> {
    /// `input` stands at its start.
    pub(super) fn new(input: R, encoding: Encoding) -> Self {
        let decoder = match encoding {
            Encoding::Utf8 => None,
            Encoding::Utf16LittleEndian => Some(UTF_16LE.new_decoder_with_bom_removal()),
            Encoding::Utf16BigEndian => Some(UTF_16BE.new_decoder_with_bom_removal()),
            Encoding::Windows1252 => Some(WINDOWS_1252.new_decoder_without_bom_handling()),
        };
        Self { input, decoder, raw: vec![0; CHUNK_BYTES], bytes_read: 0 }
    }

    /// How many bytes of the file have been read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Puts the next piece at the end of `output`; false at the end of the file.
    pub(super) fn append_to(&mut self, output: &mut Vec<u8>) -> io::Result<bool> {
        let count = read_full(&mut self.input, &mut self.raw)?;
        let bytes = self.raw.get(..count).unwrap_or_default();
        let first = self.bytes_read == 0;
        self.bytes_read += count as u64;
        let last = count < CHUNK_BYTES;
        let Some(decoder) = &mut self.decoder else {
            let mark = if first && bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            output.extend_from_slice(bytes.get(mark..).unwrap_or_default());
            return Ok(!last);
        };
        // A byte becomes three at most, and the end of the file one replacement character more.
        let mut text = String::with_capacity(count.saturating_mul(3).saturating_add(16));
        let (result, ..) = decoder.decode_to_string(bytes, &mut text, last);
        debug_assert_eq!(result, CoderResult::InputEmpty, "there is room for all");
        output.extend_from_slice(text.as_bytes());
        Ok(!last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(bytes: &[u8]) -> (Encoding, String) {
        let mut input = Cursor::new(bytes);
        let encoding = detect(&mut input).unwrap();
        let mut transcoder = Transcoder::new(input, encoding);
        let mut output = Vec::new();
        while transcoder.append_to(&mut output).unwrap() {}
        assert_eq!(transcoder.bytes_read(), bytes.len() as u64);
        (encoding, String::from_utf8_lossy(&output).into_owned())
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn encodings_are_told_apart() {
        let text = "name\nJörg 🌼\n";
        for (bytes, encoding, read_as) in [
            (text.as_bytes().to_vec(), Encoding::Utf8, text),
            (format!("\u{feff}{text}").into_bytes(), Encoding::Utf8, text),
            (utf16(&format!("\u{feff}{text}"), u16::to_le_bytes), Encoding::Utf16LittleEndian, text),
            (utf16(&format!("\u{feff}{text}"), u16::to_be_bytes), Encoding::Utf16BigEndian, text),
            (b"name\nJ\xf6rg \x80\n".to_vec(), Encoding::Windows1252, "name\nJörg €\n"),
            (b"name\nAda\n".to_vec(), Encoding::Utf8, "name\nAda\n"),
            (Vec::new(), Encoding::Utf8, ""),
        ] {
            assert_eq!(read(&bytes), (encoding, read_as.to_owned()), "{bytes:?}");
        }
    }

    #[test]
    fn one_damaged_row_does_not_make_a_file_of_umlauts_windows_1252() {
        let mut bytes = "Jörg\n".repeat(100).into_bytes();
        bytes.extend_from_slice(b"J\xf6rg\n");
        assert_eq!(read(&bytes).0, Encoding::Utf8);
    }

    #[test]
    fn characters_on_the_edge_of_a_chunk_stay_whole() {
        for shift in 0..4 {
            let text = format!("{}{}", "a".repeat(CHUNK_BYTES - shift), "🌼ü".repeat(40_000));
            assert_eq!(read(text.as_bytes()), (Encoding::Utf8, text.clone()), "{shift}");
            let (encoding, read) = read(&utf16(&format!("\u{feff}{text}"), u16::to_le_bytes));
            assert_eq!((encoding, read == text), (Encoding::Utf16LittleEndian, true), "{shift}");
        }
    }
}
