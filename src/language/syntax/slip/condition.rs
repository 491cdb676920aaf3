//! Conditions in words of other tools and of plain speech.

use super::{Answer, answer, next_is, write_over};
use crate::finding::Lack;

/// What is said of text between a condition and its `{`; `condition` is what could be read before it.
pub(in super::super) fn stray(condition: &str, stray: &str) -> Answer {
    let mut behind = stray.split_whitespace();
    let first = behind.next().unwrap_or("");
    let second = behind.next().unwrap_or("");
    asked_with_words(condition, stray, second)
        .or_else(|| joined(condition, first, stray))
        .or_else(|| compared(condition, first, second, stray))
        .unwrap_or_else(|| {
            let help =
                "a condition goes on with `and`, `or` or a comparison such as `>= 50`, and ends before `{`";
            let message = format!("`{stray}` cannot stand here");
            Answer { message, help: help.to_owned(), write: None, lack: None }
        })
}

/// An answer that knows what belongs in the place of the condition and of the first bytes behind it.
fn write_all(behind: usize, text: impl Into<String>, message: impl Into<String>) -> Option<Answer> {
    let text = text.into();
    let mut answer = write_over(behind, text.clone(), message, format!("write `{text}`"))?;
    answer.write = answer.write.map(|write| super::Write { with_condition: true, ..write });
    Some(answer)
}

/// `has tag hot`, `clicked hello`, `segment regulars`, `contact first_name`: questions that are written otherwise.
fn asked_with_words(condition: &str, stray: &str, second: &str) -> Option<Answer> {
    let first = stray.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '"')).next().unwrap_or("");
    let reaction = ["clicked", "opened", "delivered", "bounced", "complained", "replied", "answered"]
        .contains(&condition);
    let lower = condition.to_lowercase();
    let scope = ["contact", "entry", "event", "reply"].contains(&lower.as_str());
    match condition {
        "count" if stray.starts_with('(') => answer(
            "what is counted cannot be read",
            "write an event, and how far back if you like: `count(order_placed in last 30 days)`",
        ),
        "has" if first == "tag" => {
            let behind = stray.find(second).unwrap_or(0) + second.len();
            write_all(behind, format!("has tag {}", quoted(second)), "a tag is a text")
        }
        "tag" | "tagged" => {
            let message = format!("`{condition}` does not ask for a tag");
            write_all(first.len(), format!("has tag {}", quoted(first)), message)
        }
        "segment" => {
            let message = "`segment` alone does not ask anything";
            write_all(first.len(), format!("in segment {first}"), message)
        }
        "contact in segment" => {
            let message = "it is the contact who is asked about";
            write_all(first.len(), format!("in segment {first}"), message)
        }
        "contact" if first == "has" => write_all(stray.len(), stray, "it is the contact who is asked about"),
        _ if reaction && stray.starts_with('(') && !stray.contains(')') => {
            write_all(stray.len(), format!("{condition}{stray})"), "this `(` is never closed")
        }
        _ if reaction && !first.is_empty() => write_all(
            first.len(),
            format!("{condition}({})", first.trim_matches('"')),
            "the message stands in brackets behind the reaction",
        ),
        _ if scope => {
            let named = stray.trim_start_matches(|c: char| !c.is_alphanumeric());
            let field = named.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("");
            let behind = stray.len() - named.len() + field.len();
            if field.is_empty() && stray == "." {
                let mut answer = answer(
                    format!("the field is missing behind `{lower}.`"),
                    format!("name it, such as `{lower}.{}`", example(&lower)),
                )?;
                answer.lack = (lower == "contact").then_some(Lack::Field);
                return Some(answer);
            }
            let message = format!("`{condition}{}` is no field", beside(stray));
            write_all(behind, format!("{lower}.{field}"), message)
        }
        _ if stray.starts_with('.') => {
            let owner = condition.split_whitespace().next_back().unwrap_or("");
            let field = stray.split_whitespace().next().unwrap_or("");
            answer(
                format!("`{owner}{field}` is no field"),
                "a field stands behind `contact`, `entry`, `event` or `reply`, such as `contact.score`",
            )
        }
        "days" | "weeks" | "months" | "hours" => answer(
            format!("`{condition} {first}` does not count time"),
            format!("write `{condition} since …` or `{condition} until …`"),
        ),
        _ => None,
    }
}

fn example(scope: &str) -> &'static str {
    match scope {
        "contact" => "score",
        "entry" => "source",
        "event" => "total",
        _ => "status",
    }
}

fn beside(stray: &str) -> String {
    if stray.starts_with(char::is_alphabetic) { format!(" {stray}") } else { stray.to_owned() }
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", word.trim_matches('"'))
}

/// `then`, `:`, `or == "AT"`: what stands where a condition ends or goes on.
fn joined(condition: &str, first: &str, stray: &str) -> Option<Answer> {
    match first {
        "then" | "do" => take_away(first, format!("`{first}` is not needed: a block begins with `{{`"), ""),
        ":" | ";" | "." => take_away(first, format!("no `{first}` stands here"), ": `{` comes next"),
        ")" => take_away(first, "this `)` closes nothing", ", or look for a `(` that is missing before it"),
        "and" | "or" | "not" if stray == first || stray == "and not" || stray == "or not" => {
            answer(format!("something is missing behind `{stray}`"), "write the other condition")
        }
        "and" | "or" => answer(
            format!("`{first}` joins whole conditions"),
            format!("write what is compared once more: `{first} {} …`", subject(condition)),
        ),
        _ if first.starts_with(',') => answer(
            "no `,` stands in a condition",
            "join conditions with `and` or `or`, and put values in `[ ]`",
        ),
        _ => None,
    }
}

fn take_away(first: &str, message: impl Into<String>, why: &str) -> Option<Answer> {
    write_over(first.len(), "", message, format!("take it away{why}"))
}

/// Comparisons in other words.
fn compared(condition: &str, first: &str, second: &str, stray: &str) -> Option<Answer> {
    let field = subject(condition);
    // The sign takes the place of the first word, and of a `than` behind it.
    let instead = |sign: &str, than: &str| {
        let than = if than.is_empty() { 0 } else { next_is(stray.get(first.len()..).unwrap_or(""), than) };
        let behind = first.len() + than;
        let help = format!("write `{field} {sign}`");
        write_over(behind, sign.trim_end_matches(" …"), format!("`{first}` does not compare"), help)
    };
    match first {
        "between" => {
            let bound = |index| stray.split_whitespace().nth(index);
            let (low, high) = (bound(1).unwrap_or("…"), bound(3).unwrap_or("…"));
            let meant = format!(">= {low} and {field} <= {high}");
            let (message, help) = ("`between` does not compare", format!("write `{field} {meant}`"));
            match bound(4) {
                None if high != "…" => write_over(stray.len(), meant, message, help),
                _ => answer(message, help),
            }
        }
        "like" | "matches" | "ilike" => answer(
            format!("`{first}` does not compare"),
            "write `contains`, `starts with` or `ends with`, and a text without `%` or `*`",
        ),
        "includes" | "include" | "contain" | "has" | "have" => instead("contains …", ""),
        "exists" | "set" | "isset" | "present" | "exist" => instead("is set", ""),
        "empty" | "missing" => instead("is not set", ""),
        "greater" | "more" | "higher" | "bigger" | "over" | "above" | "later" | "after" | "exceeds" => {
            instead("> …", "than")
        }
        "less" | "lower" | "fewer" | "smaller" | "under" | "below" | "earlier" | "before" => {
            instead("< …", "than")
        }
        "older" | "younger" | "newer" | "ago" => {
            answer(format!("`{first}` does not compare"), "write `days since contact.FIELD > 3`")
        }
        "not" if second.starts_with('"') => instead("!= …", ""),
        "not" if second.starts_with('=') => instead("!= …", second),
        "in" => answer("a list stands in brackets", format!("write `{field} in [\"DE\", \"AT\"]`")),
        "=" | "==" | "!=" | ">" | ">=" | "<" | "<=" if second.is_empty() => {
            answer(format!("something is missing behind `{first}`"), "write what it is compared with")
        }
        _ => {
            let one_word = first.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let after_field = condition.contains('.') && !condition.contains(' ');
            if one_word && after_field {
                let meant = format!("{condition}_{first}");
                let mut answer = write_all(first.len(), meant, format!("`{condition} {first}` is no field"))?;
                answer.help =
                    format!("a name is one word: `{condition}_{first}`, or compare it: `{condition} == …`");
                Some(answer)
            } else {
                None
            }
        }
    }
}

/// What a condition compares: its last field.
fn subject(condition: &str) -> &str {
    let dotted = |word: &&str| word.contains('.') && word.starts_with(|c: char| c.is_ascii_lowercase());
    condition.split_whitespace().rev().find(dotted).unwrap_or("contact.FIELD")
}
