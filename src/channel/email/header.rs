use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The preferred length of a line, without its end; RFC 2047 section 2 allows no more on a line that holds
/// an encoded word.
const LINE_MAX: usize = 76;
/// The longest encoded word (RFC 2047 section 2).
const ENCODED_WORD_MAX: usize = 75;
/// What surrounds the payload of an encoded word: `=?utf-8?q?` and `?=`.
const ENCODED_WORD_FRAME: usize = 12;
/// Room for one character of four bytes, each written as `=XX`.
const ENCODED_CHAR_MAX: usize = 12;
/// Words beyond it are encoded, because an encoded word can be cut in two and a word cannot.
const PLAIN_WORD_MAX: usize = 60;

/// The header of a message as it is written, field by field, each folded between its words.
///
/// Takes only text without control characters: whoever calls has refused them.
#[derive(Debug, Default)]
pub(super) struct HeaderBlock {
    text: String,
    column: usize,
}

impl HeaderBlock {
    /// The fields written so far, each with its line end.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Writes a field of words that stand as they are.
    pub(super) fn words<'a>(&mut self, name: &str, words: impl IntoIterator<Item = &'a str>) {
        self.begin(name);
        for word in words {
            self.word(word);
        }
        self.end();
    }

    /// Writes a field of free text (`unstructured`, RFC 5322 section 2.2.1).
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.begin(name);
        if is_plain(text) {
            for word in words_of(text) {
                self.word(word);
            }
        } else {
            self.encoded(text);
        }
        self.end();
    }

    /// Writes a field of a display name and what it names in angle brackets: an address, a list.
    pub(super) fn named(&mut self, name: &str, display: Option<&str>, addr: &str) {
        self.begin(name);
        if let Some(display) = display {
            self.phrase(display);
        }
        self.word(&format!("<{addr}>"));
        self.end();
    }

    /// Writes a `phrase` (RFC 5322 section 3.2.5): plain words, a quoted string, or encoded words.
    fn phrase(&mut self, text: &str) {
        if !is_plain(text) {
            self.encoded(text);
        } else if text.bytes().all(|byte| is_atom(byte) || byte == b' ') {
            for word in words_of(text) {
                self.word(word);
            }
        } else {
            let quoted: Vec<&str> = words_of(text).collect();
            let quoted = quoted.join(" ").replace('\\', "\\\\").replace('"', "\\\"");
            for word in words_of(&format!("\"{quoted}\"")) {
                self.word(word);
            }
        }
    }

    fn begin(&mut self, name: &str) {
        self.text.push_str(name);
        self.text.push(':');
        self.column = name.len() + 1;
    }

    fn end(&mut self) {
        self.text.push_str("\r\n");
    }

    /// Writes a word behind a space, on a line of its own where this one is full.
    fn word(&mut self, word: &str) {
        if self.column + 1 + word.len() > LINE_MAX {
            self.fold();
        } else {
            self.text.push(' ');
            self.column += 1;
        }
        self.text.push_str(word);
        self.column += word.len();
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n ");
        self.column = 1;
    }

    /// Writes encoded words (RFC 2047), none of which cuts a character in two (section 5).
    fn encoded(&mut self, text: &str) {
        let others = text.bytes().filter(|byte| !is_literal(*byte) && *byte != b' ').count();
        // Shorter from a sixth on, but people who read the source of a mail can read the other.
        let base64 = others > text.len() / 3;
        let mut rest = text;
        while !rest.is_empty() {
            let mut room = self.room();
            if room < ENCODED_CHAR_MAX {
                self.fold();
                room = self.room();
            }
            let (chunk, behind) = split_to_fit(rest, room, base64);
            let word = if base64 {
                format!("=?utf-8?b?{}?=", STANDARD.encode(chunk))
            } else {
                format!("=?utf-8?q?{}?=", quoted(chunk))
            };
            self.word(&word);
            rest = behind;
        }
    }

    /// How long the payload of an encoded word can be that still goes on this line.
    fn room(&self) -> usize {
        let line = LINE_MAX.saturating_sub(self.column + 1);
        line.min(ENCODED_WORD_MAX).saturating_sub(ENCODED_WORD_FRAME)
    }
}

/// Whether text can stand in a header as it is: printable ASCII, no word too long, nothing that would be
/// taken for an encoded word.
fn is_plain(text: &str) -> bool {
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    printable && !text.contains("=?") && words_of(text).all(|word| word.len() <= PLAIN_WORD_MAX)
}

/// The words of a text; several spaces count as one, since a line with nothing but spaces is not allowed.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// `atext` of RFC 5322 section 3.2.3.
fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// What stands for itself in an encoded word, also inside a phrase (RFC 2047 section 5, rule 3).
fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!*+-/".contains(&byte)
}

fn quoted(chunk: &str) -> String {
    let mut quoted = String::with_capacity(chunk.len() * 2);
    for byte in chunk.bytes() {
        match byte {
            b' ' => quoted.push('_'),
            _ if is_literal(byte) => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("={byte:02X}")),
        }
    }
    quoted
}

/// Splits off as many whole characters as fit into `room` once they are encoded.
fn split_to_fit(text: &str, room: usize, base64: bool) -> (&str, &str) {
    let mut used = 0;
    for (index, c) in text.char_indices() {
        let cost = match (base64, c) {
            (true, _) => c.len_utf8(),
            (false, ' ') => 1,
            (false, _) if c.is_ascii() && is_literal(c as u8) => 1,
            (false, _) => 3 * c.len_utf8(),
        };
        let limit = if base64 { room / 4 * 3 } else { room };
        if used + cost > limit {
            return text.split_at(index);
        }
        used += cost;
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> String {
        let mut block = HeaderBlock::default();
        block.text("Subject", text);
        block.into_text()
    }

    fn from(name: &str) -> String {
        let mut block = HeaderBlock::default();
        block.named("From", Some(name), "a@example.org");
        block.into_text()
    }

    #[test]
    fn what_is_plain_stays_plain() {
        assert_eq!(subject("Your order, 50 % off!"), "Subject: Your order, 50 % off!\r\n");
        assert_eq!(subject("  two   spaces "), "Subject: two spaces\r\n");
        assert_eq!(from("Ada Lovelace"), "From: Ada Lovelace <a@example.org>\r\n");
        assert_eq!(from("O'Brien & Sons"), "From: O'Brien & Sons <a@example.org>\r\n");
    }

    #[test]
    fn names_with_specials_are_quoted() {
        assert_eq!(from("Lovelace, Ada"), "From: \"Lovelace, Ada\" <a@example.org>\r\n");
        assert_eq!(from(r#"Ada "A\" L."#), "From: \"Ada \\\"A\\\\\\\" L.\" <a@example.org>\r\n");
        assert_eq!(from("Ada <b@example.org>"), "From: \"Ada <b@example.org>\" <a@example.org>\r\n");
    }

    #[test]
    fn other_letters_are_encoded() {
        assert_eq!(subject("Grüße"), "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n");
        assert_eq!(
            subject("Deine Bestellung für heute ist da"),
            "Subject: =?utf-8?q?Deine_Bestellung_f=C3=BCr_heute_ist_da?=\r\n"
        );
        assert_eq!(
            from("Buch & Köln, Inc."),
            "From: =?utf-8?q?Buch_=26_K=C3=B6ln=2C_Inc=2E?= <a@example.org>\r\n"
        );
        assert_eq!(subject("=?utf-8?q?forged?="), "Subject: =?utf-8?q?=3D=3Futf-8=3Fq=3Fforged=3F=3D?=\r\n");
    }

    #[test]
    fn no_line_is_too_long_and_no_character_is_cut() {
        let texts = [
            "x".repeat(1_200),
            "🌼".repeat(300),
            "üx ".repeat(300) + "end",
            "word ".repeat(300) + "end",
            "日本".repeat(99),
        ];
        for text in texts {
            for field in [subject(&text), from(&text)] {
                let lines: Vec<&str> = field.trim_end().split("\r\n").collect();
                assert!(lines.len() > 1);
                for line in &lines {
                    assert!(line.len() <= 78 && line.is_ascii() && !line.trim().is_empty(), "{line}");
                }
                assert!(lines[1..].iter().all(|line| line.starts_with(' ')), "{field}");
            }
            let parsed = mail_parser::MessageParser::default();
            let message = format!("{}\r\nx\r\n", subject(&text));
            let message = parsed.parse(message.as_bytes()).unwrap();
            assert_eq!(message.subject(), Some(text.as_str()), "{text}");
        }
    }
}
