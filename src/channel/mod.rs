//! How messages and calls leave the house: mail over SMTP, calls over HTTP.
//!
//! In comes what the engine decided, already rendered; out goes an outcome that says what is known about it,
//! and never more than that. Nothing here keeps anything: what was tried, when it is tried again and what an
//! outcome means for a contact is decided by whoever calls.

mod backoff;
pub mod email;
mod rate;
pub mod webhook;

pub use backoff::{Retry, next_attempt};
pub use rate::RateLimit;

/// The longest answer of another machine that is kept, in characters.
const ANSWER_CHARS_MAX: usize = 512;

/// Makes words of another machine fit to be stored and shown: one line, no control characters, at most
/// [`ANSWER_CHARS_MAX`] characters.
fn clean_answer(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut clean = String::new();
    let mut count = 0;
    for c in printable {
        if count == ANSWER_CHARS_MAX {
            break;
        }
        if c == ' ' && (clean.is_empty() || clean.ends_with(' ')) {
            continue;
        }
        clean.push(c);
        count += 1;
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// Words of another machine without the mail addresses in them, fit for a log.
pub fn without_addresses(text: &str) -> String {
    let is_mark = |c: char| c.is_whitespace() || "<>()[]{},;:'\"`=".contains(c);
    let mut clean = String::with_capacity(text.len());
    for word in text.split_inclusive(is_mark) {
        let mark = word.chars().next_back().filter(|c| is_mark(*c));
        if word.contains('@') {
            clean.push('…');
            clean.extend(mark);
        } else {
            clean.push_str(word);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_out() {
        let said = "421 4.7.0 <ada@example.org>: to=ben+x@example.org, wait; @ no";
        assert_eq!(without_addresses(said), "421 4.7.0 <…>: to=…, wait; … no");
        assert_eq!(without_addresses("`mail.example.org:25` is gone"), "`mail.example.org:25` is gone");
    }

    #[test]
    fn answers_are_one_clean_line() {
        assert_eq!(clean_answer(" 550\u{1b}[31m no\r\n\r\n such\0user \n"), "550 [31m no such user");
        assert_eq!(clean_answer(&"ü".repeat(1_000)).chars().count(), ANSWER_CHARS_MAX);
        assert_eq!(clean_answer("\r\n"), "");
    }
}
