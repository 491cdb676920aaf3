//! Conditions in words of other tools and of plain speech.

use super::{Answer, answer};

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
            (format!("`{stray}` cannot stand here"), help.to_owned())
        })
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
        "has" if first == "tag" => answer("a tag is a text", format!("write `has tag \"{second}\"`")),
        "tag" | "tagged" => answer(
            format!("`{condition}` does not ask for a tag"),
            format!("write `has tag {}`", quoted(first)),
        ),
        "segment" => answer("`segment` alone does not ask anything", format!("write `in segment {first}`")),
        "contact in segment" => {
            answer("it is the contact who is asked about", format!("write `in segment {first}`"))
        }
        "contact" if first == "has" => {
            answer("it is the contact who is asked about", format!("write `{stray}`"))
        }
        _ if reaction && stray.starts_with('(') && !stray.contains(')') => {
            answer("this `(` is never closed", format!("write `{condition}{stray})`"))
        }
        _ if reaction && !first.is_empty() => answer(
            "the message stands in brackets behind the reaction",
            format!("write `{condition}({})`", first.trim_matches('"')),
        ),
        _ if scope => {
            let field = stray.trim_start_matches(|c: char| !c.is_alphanumeric());
            let field = field.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("");
            answer(format!("`{condition}{}` is no field", beside(stray)), format!("write `{lower}.{field}`"))
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

fn beside(stray: &str) -> String {
    if stray.starts_with(char::is_alphabetic) { format!(" {stray}") } else { stray.to_owned() }
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", word.trim_matches('"'))
}

/// `then`, `:`, `or == "AT"`: what stands where a condition ends or goes on.
fn joined(condition: &str, first: &str, stray: &str) -> Option<Answer> {
    match first {
        "then" | "do" => answer(format!("`{first}` is not needed: a block begins with `{{`"), "take it away"),
        ":" | ";" | "." => answer(format!("no `{first}` stands here"), "take it away: `{` comes next"),
        ")" => answer("this `)` closes nothing", "take it away, or look for a `(` that is missing before it"),
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

/// Comparisons in other words.
fn compared(condition: &str, first: &str, second: &str, stray: &str) -> Option<Answer> {
    let field = subject(condition);
    let instead = |write: &str| answer(format!("`{first}` does not compare"), format!("write `{write}`"));
    match first {
        "between" => {
            let bound = |index| stray.split_whitespace().nth(index).unwrap_or("…");
            instead(&format!("{field} >= {} and {field} <= {}", bound(1), bound(3)))
        }
        "like" | "matches" | "ilike" => answer(
            format!("`{first}` does not compare"),
            "write `contains`, `starts with` or `ends with`, and a text without `%` or `*`",
        ),
        "includes" | "include" | "contain" | "has" | "have" => instead(&format!("{field} contains …")),
        "exists" | "set" | "isset" | "present" | "exist" => instead(&format!("{field} is set")),
        "empty" | "missing" => instead(&format!("{field} is not set")),
        "greater" | "more" | "higher" | "bigger" | "over" | "above" | "later" | "after" | "exceeds" => {
            instead(&format!("{field} > …"))
        }
        "less" | "lower" | "fewer" | "smaller" | "under" | "below" | "earlier" | "before" => {
            instead(&format!("{field} < …"))
        }
        "older" | "younger" | "newer" | "ago" => instead("days since contact.FIELD > 3"),
        "not" if second.starts_with('=') || second.starts_with('"') => instead(&format!("{field} != …")),
        "in" => answer("a list stands in brackets", format!("write `{field} in [\"DE\", \"AT\"]`")),
        "=" | "==" | "!=" | ">" | ">=" | "<" | "<=" if second.is_empty() => {
            answer(format!("something is missing behind `{first}`"), "write what it is compared with")
        }
        _ => {
            let one_word = first.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let after_field = condition.contains('.') && !condition.contains(' ');
            if one_word && after_field {
                answer(
                    format!("`{condition} {first}` is no field"),
                    format!("a name is one word: `{condition}_{first}`, or compare it: `{condition} == …`"),
                )
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
