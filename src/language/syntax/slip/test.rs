//! Steps and expectations of a test in other words.

use super::{Answer, answer, is_one_word, next_is, write, write_over};
use crate::time::Unit;

/// Words that say what kind of thing a test expects.
const EXPECTED: [&str; 9] = ["no", "not", "stage", "goal", "outcome", "handoff", "hand", "call", "skipped"];

/// What is said of a word with which no step of a test begins.
pub(super) fn slip(word: &str, rest: &str) -> Option<Answer> {
    let line = rest.lines().next().unwrap_or("");
    match word {
        "assert" | "check" | "verify" | "should" | "then" => {
            write("expect", format!("`{word}` is called `expect` here"), "write `expect email NAME`")
        }
        "wait" => {
            let line = line.trim_end();
            let length = line.trim_start().strip_prefix("for ").unwrap_or(line).trim();
            write_over(
                line.len(),
                format!("after {length} nothing"),
                "a test does not wait: time passes with its steps",
                "write `after 1 day nothing`, or what happens then: `after 1 day click NAME`",
            )
        }
        "sent" => answer(
            "what stands behind `sent` cannot be read",
            "write date and time: `sent at 2027-03-01 09:00`",
        ),
        "send" => answer(
            "a test does not send: the journey does",
            "write what happens to the contact, such as `event NAME`, and `expect email NAME`",
        ),
        "after" | "at" if line.contains(" expect ") => {
            let before = line.find(" expect ").unwrap_or(0);
            write_over(
                before,
                format!("{word}{} nothing\n ", line.get(..before).unwrap_or("")),
                "nothing happens in this step",
                "write `after 1 day nothing`, and `expect …` on a line of its own",
            )
        }
        "after" if is_length(line) => write_over(
            line.trim_end().len(),
            format!("after {} nothing", line.trim()),
            "what happens then is missing",
            "write `after 1 day nothing`, or what happens: `after 1 day click NAME`",
        ),
        "with" => {
            write_over(next_is(rest, ""), "", "no `with` stands here", "write `{ … }` right behind the name")
        }
        "expect" => expected_in_part(line),
        _ => None,
    }
}

/// Whether a length of time is all that a line says.
fn is_length(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_number = |word: &str| word.chars().all(|c| c.is_ascii_digit());
    matches!(words.as_slice(), [number, unit] if is_number(number) && Unit::from_word(unit).is_some())
}

/// What is said of an `expect` that does not say what is expected.
fn expected_in_part(line: &str) -> Option<Answer> {
    let behind = line.trim_end().len();
    let line = line.trim();
    let named = line.strip_prefix("end as ").or_else(|| line.strip_prefix("end ")).map(str::trim);
    match named {
        Some(outcome) => {
            let meant = format!("expect outcome {outcome}");
            let help = format!("write `{meant}`");
            write_over(behind, meant, "how a journey ends is its outcome", help)
        }
        None if is_one_word(line) && !EXPECTED.contains(&line) => answer(
            format!("`{line}` alone does not say what is expected"),
            format!("write `expect email {line}`, or `expect stage {line}`"),
        ),
        None => None,
    }
}
