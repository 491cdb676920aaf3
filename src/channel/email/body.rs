use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest line of an encoded body (RFC 2045 sections 6.7 and 6.8).
const LINE_MAX: usize = 76;
/// The longest part of a line before the `=` of a soft line break.
const SOFT_LINE_MAX: usize = LINE_MAX - 1;
/// Bytes that become one line of Base64.
const BASE64_LINE_BYTES: usize = LINE_MAX / 4 * 3;

/// Writes a text part: its fields, an empty line, the text in the shorter of the two encodings.
///
/// Line ends of any kind become CRLF. Every control character, a dot at the start of a line (which SMTP would
/// double) and `From ` there (before which old programs put a `>`) are encoded, so that nothing on the way
/// has a reason to change a byte that is signed.
pub(super) fn write_part(out: &mut String, subtype: &str, text: &str) {
    let text = if text.as_bytes().contains(&b'\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    };
    out.reserve(text.len() + text.len() / 16);
    let base64 = others(text.as_bytes()) > text.len() / 6;
    let encoding = if base64 { "base64" } else { "quoted-printable" };
    out.push_str("Content-Type: text/");
    out.push_str(subtype);
    out.push_str("; charset=utf-8\r\nContent-Transfer-Encoding: ");
    out.push_str(encoding);
    out.push_str("\r\n\r\n");
    if base64 {
        for line in text.replace('\n', "\r\n").as_bytes().chunks(BASE64_LINE_BYTES) {
            STANDARD.encode_string(line, out);
            out.push_str("\r\n");
        }
    } else {
        for line in text.lines() {
            quoted_printable_line(out, line);
            out.push_str("\r\n");
        }
    }
}

/// What stands for itself in quoted-printable (RFC 2045 section 6.7), and the ends of lines.
fn is_literal(byte: u8) -> bool {
    matches!(byte, b' '..=b'<' | b'>'..=b'~' | b'\t' | b'\n')
}

/// How many bytes do not stand for themselves. The inner sum is one that a processor does for many bytes at once.
fn others(text: &[u8]) -> usize {
    let in_some = |some: &[u8]| some.iter().fold(0_u8, |sum, byte| sum + u8::from(!is_literal(*byte)));
    text.chunks(128).map(|some| usize::from(in_some(some))).sum()
}

/// Writes one line: runs of what stands for itself, and characters that do not, none cut by a soft break.
fn quoted_printable_line(out: &mut String, line: &str) {
    let hex = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase();
    let mut room = SOFT_LINE_MAX;
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let starts_line = room == SOFT_LINE_MAX && (first == '.' || rest.starts_with("From "));
        let run = if starts_line { 0 } else { literal_run(rest, room) };
        let width = if run > 0 { run } else { 3 * first.len_utf8() };
        if width > room {
            out.push_str("=\r\n");
            room = SOFT_LINE_MAX;
            continue;
        }
        let (piece, behind) = rest.split_at(if run > 0 { run } else { first.len_utf8() });
        if run > 0 {
            out.push_str(piece);
        } else {
            for byte in piece.bytes() {
                out.extend(['=', hex(byte >> 4), hex(byte & 15)]);
            }
        }
        room -= width;
        rest = behind;
    }
}

/// How many bytes at the start of a line's rest stand for themselves, at most `room`; a space or tab at the
/// end of the line does not.
fn literal_run(rest: &str, room: usize) -> usize {
    let some = rest.as_bytes().get(..room).unwrap_or(rest.as_bytes());
    let run = match others(some) {
        0 => some.len(),
        _ => some.iter().take_while(|byte| is_literal(**byte)).count(),
    };
    let ends_in_space = run == rest.len() && rest.ends_with([' ', '\t']);
    run - usize::from(ends_in_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> String {
        let mut out = String::new();
        write_part(&mut out, "plain", text);
        out.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap()
    }

    #[test]
    fn bodies_are_quoted_where_they_must_be() {
        for (text, written) in [
            ("Hello", "Hello\r\n"),
            ("a\nb\r\nc\rd\n", "a\r\nb\r\nc\r\nd\r\n"),
            ("", ""),
            ("\n\n", "\r\n\r\n"),
            ("1 = 1 and some more text here", "1 =3D 1 and some more text here\r\n"),
            ("ends with a space \nand a tab\t", "ends with a space=20\r\nand a tab=09\r\n"),
            ("a line\n.\nMAIL FROM:<x>\n..", "a line\r\n=2E\r\nMAIL FROM:<x>\r\n=2E.\r\n"),
            ("From here to there", "=46rom here to there\r\n"),
            ("für heute und morgen", "f=C3=BCr heute und morgen\r\n"),
            ("a bell \u{7} and a NUL \0 in text", "a bell =07 and a NUL =00 in text\r\n"),
        ] {
            assert_eq!(part(text), written, "{text:?}");
        }
    }

    #[test]
    fn long_lines_are_broken_softly() {
        let full = "x".repeat(75);
        assert_eq!(part(&full), format!("{full}\r\n"));
        assert_eq!(part(&format!("{full}xx")), format!("{full}=\r\nxx\r\n"));
        // A dot that a soft break brings to the start of a line is encoded too.
        assert_eq!(part(&format!("{full}.x")), format!("{full}=\r\n=2Ex\r\n"));
        assert_eq!(part(&format!("{full} ")), format!("{full}=\r\n=20\r\n"));
        let shorter = "x".repeat(70);
        assert_eq!(part(&format!("{shorter}ü")), format!("{shorter}=\r\n=C3=BC\r\n"));
        assert_eq!(part(&format!("{shorter}=y ")), format!("{shorter}=3Dy=\r\n=20\r\n"));
    }

    #[test]
    fn far_alphabets_are_base64() {
        let body = part(&"日本語の文章。\n".repeat(30));
        assert!(body.lines().all(|line| line.len() <= 76));
        let bytes = STANDARD.decode(body.replace("\r\n", "")).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "日本語の文章。\r\n".repeat(30));
    }
}
