//! Steps and expectations of a test in other words.

use super::{Answer, answer, is_one_word};

/// Words that say what kind of thing a test expects.
const EXPECTED: [&str; 9] = ["no", "not", "stage", "goal", "outcome", "handoff", "hand", "call", "skipped"];

/// What is said of a word with which no step of a test begins.
pub(super) fn slip(word: &str, rest: &str) -> Option<Answer> {
    match word {
        "assert" | "check" | "verify" | "should" | "then" => {
            answer(format!("`{word}` is called `expect` here"), "write `expect email NAME`")
        }
        "wait" => answer(
            "a test does not wait: time passes with its steps",
            "write `after 1 day nothing`, or what happens then: `after 1 day click NAME`",
        ),
        "sent" => answer(
            "what stands behind `sent` cannot be read",
            "write date and time: `sent at 2027-03-01 09:00`",
        ),
        "send" => answer(
            "a test does not send: the journey does",
            "write what happens to the contact, such as `event NAME`, and `expect email NAME`",
        ),
        "after" if rest.contains("expect") => answer(
            "nothing happens in this step",
            "write `after 1 day nothing`, and `expect …` on a line of its own",
        ),
        "with" => answer("no `with` stands here", "write `{ … }` right behind the name"),
        "expect" => expected_in_part(rest.lines().next().unwrap_or("").trim()),
        _ => None,
    }
}

/// What is said of an `expect` that does not say what is expected.
fn expected_in_part(line: &str) -> Option<Answer> {
    let named = line.strip_prefix("end as ").or_else(|| line.strip_prefix("end ")).map(str::trim);
    match named {
        Some(outcome) => {
            answer("how a journey ends is its outcome", format!("write `expect outcome {outcome}`"))
        }
        None if is_one_word(line) && !EXPECTED.contains(&line) => answer(
            format!("`{line}` alone does not say what is expected"),
            format!("write `expect email {line}`, or `expect stage {line}`"),
        ),
        None => None,
    }
}
