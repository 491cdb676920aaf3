//! Statements in words of other tools and of plain speech.

use super::{Answer, answer, is_one_word, next_is, write, write_over};

/// What is said of a word with which no statement begins.
pub(super) fn slip(word: &str, rest: &str) -> Option<Answer> {
    let number_behind = rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
    match word {
        "else" => answer("this `else` belongs to no `if`", "`else` stands right behind the `}` of an `if`"),
        "otherwise" => {
            let message = "this `otherwise` belongs to nothing";
            let help = "`otherwise` stands behind a `send`, or as the last branch inside `wait up to … { }`; behind an `if` write `else`";
            if rest.trim_start().starts_with('{') {
                write("else", message, help)
            } else {
                answer(message, help)
            }
        }
        "on" | "when" => answer(
            format!("`{word}` stands inside a wait"),
            "write `wait up to 3 days { on … { } otherwise { } }`",
        ),
        "unless" | "while" | "whenever" => answer(
            format!("there is no `{word}` here"),
            "write `if … { }`, with `not` where it must not be so",
        ),
        "sleep" | "delay" | "pause" => write(
            "wait",
            format!("`{word}` is called `wait` here"),
            "write `wait 3 days`, or another length of time",
        ),
        "after" | "in" if number_behind => write(
            "wait",
            format!("`{word}` does not make a contact wait"),
            "write `wait 3 days` on a line of its own, before what happens then",
        ),
        "at" if number_behind => write(
            "wait until",
            "`at` does not make a contact wait",
            "write `wait until 09:00` on a line of its own, before what happens then",
        ),
        "repeat" if number_behind => {
            let times = rest.split_whitespace().next().unwrap_or("3");
            let behind = next_is(rest, times);
            let counted = next_is(rest.get(behind..).unwrap_or(""), "times");
            write_over(
                behind + counted,
                format!("repeat up to {times} times"),
                "how often stands behind `up to`",
                format!("write `repeat up to {times} times {{ … }}`"),
            )
        }
        "send" if is_one_word(rest) => match rest.split_whitespace().next().unwrap_or("") {
            channel @ ("email" | "sms" | "push") => answer(
                format!("the name of the message is missing behind `{channel}`"),
                format!("write `send {channel} NAME`"),
            ),
            name => write_over(
                next_is(rest, name),
                format!("send email {name}"),
                format!("the channel is missing before `{name}`"),
                format!("write `send email {name}`, or another channel"),
            ),
        },
        "wait" if wait_for_something(rest) => answer(
            "`wait for` takes a length of time",
            "to wait for something to happen write `wait up to 3 days { on … { … } otherwise { … } }`",
        ),
        "alert" if rest.trim_start().starts_with('"') => {
            let text = rest.lines().next().unwrap_or("").split('"').nth(1).unwrap_or("…");
            answer("nobody is named who is told", format!("write `alert TEAM \"{text}\"`"))
        }
        "alert" if !rest.lines().next().unwrap_or("").contains('"') => {
            let team = rest.split_whitespace().next().unwrap_or("TEAM");
            answer("what a team is told stands in quotes", format!("write `alert {team} \"…\"`"))
        }
        "or" => answer(
            "`or` does not join statements",
            "to wait for the first of several things write `wait up to 3 days { on … { … } otherwise { … } }`",
        ),
        "then" => write("", "`then` is not needed", "give each statement a line of its own"),
        "until" => {
            write("wait until", "`until` belongs to `wait`", "write `wait until 09:00` on a line of its own")
        }
        "email" | "mail" | "send_email" | "sendemail" | "send_mail" | "sendmail" => write(
            "send email",
            format!("`{word}` does not begin a statement"),
            "to send a message write `send email NAME`",
        ),
        "handover" | "hand_over" | "handoff_to" | "assign" => write_over(
            next_is(rest, "to"),
            "hand off to",
            format!("`{word}` is called `hand off to` here"),
            "write `hand off to TEAM`",
        ),
        "reason" => {
            let value = rest.lines().next().unwrap_or("").split('}').next().unwrap_or("").trim();
            let value = if value.is_empty() { "\"…\"" } else { value };
            answer(
                "`reason` belongs to what goes along with a hand-off, a call or a message",
                format!("write `hand off to TEAM with {{ reason {value} }}`"),
            )
        }
        "notify" | "inform" | "tell" | "slack" => {
            write("alert", format!("`{word}` is called `alert` here"), "write `alert TEAM \"…\"`")
        }
        "split" | "ab_test" | "abtest" | "ab" => {
            let message = format!("`{word}` is called `experiment` here");
            let help = "write `experiment NAME { variant a 50% { … } variant b 50% { … } }`";
            let named = rest.trim_start().starts_with(char::is_alphabetic);
            if named { write("experiment", message, help) } else { answer(message, help) }
        }
        text if text.starts_with('"') => answer(
            "this text belongs to no statement",
            format!("what a team or a system is told stands behind `with`: `with {{ reason {text} }}`"),
        ),
        "goto" | "jump" | "next" | "continue" => write_over(
            next_is(rest, "to"),
            "go to",
            format!("`{word}` is called `go to` here"),
            "write `go to STAGE`",
        ),
        "-" | "=>" if rest.starts_with('>') || word == "=>" => {
            let behind = usize::from(word == "-");
            write_over(behind, "go to", "an arrow leads nowhere here", "write `go to STAGE`")
        }
        "and" => answer(
            "`and` does not join statements",
            "give each a line of its own; to wait for an answer write `and wait up to 2 days { … }` behind a `hand off` or a `call`",
        ),
        "exit" | "return" | "finish" | "done" => {
            write("end", format!("`{word}` is called `end` here"), "write `end`, or `end as OUTCOME`")
        }
        _ => in_german(word).or_else(|| changing(word, rest)),
    }
}

/// `wait for an answer`: what is waited for is no length of time.
fn wait_for_something(rest: &str) -> bool {
    let mut words = rest.split_whitespace();
    words.next() == Some("for") && words.next().is_some_and(|word| word.starts_with(char::is_alphabetic))
}

/// The words of the language are English, and many who write it think in German.
fn in_german(word: &str) -> Option<Answer> {
    let (meant, write) = match word {
        "warte" | "warten" => ("wait", "`wait 3 days`"),
        "sende" | "senden" | "schicke" => ("send", "`send email NAME`"),
        "wenn" | "falls" => ("if", "`if contact.country == \"DE\" { … }`"),
        "gehe" | "weiter" => ("go to", "`go to STAGE`"),
        "ende" | "beende" => ("end", "`end`, or `end as OUTCOME`"),
        "setze" => ("set", "`set contact.FIELD = VALUE`"),
        "sonst" => ("else", "`else { … }` right behind the `}` of an `if`"),
        _ => return None,
    };
    let (message, help) = (format!("`{word}` is called `{meant}` here"), format!("write {write}"));
    // A length of time is in German as well.
    if meant == "wait" { answer(message, help) } else { super::write(meant, message, help) }
}

/// Words that people change a contact with.
fn changing(word: &str, rest: &str) -> Option<Answer> {
    match word {
        "add" if rest.trim_start().starts_with("tag") => write_over(
            next_is(rest, "tag"),
            "tag",
            "a tag is put on with `tag` alone",
            "write `tag \"customer\"`",
        ),
        "add" if rest.trim().is_empty() => answer(
            "`add` counts a number up",
            "write `add 10 to contact.score`; a tag is put on with `tag` alone",
        ),
        "remove" | "delete" | "unset" => answer(
            format!("there is no `{word}` here"),
            "write `untag \"customer\"` to take a tag off, `clear contact.FIELD` to empty a field",
        ),
        "subtract" | "increase" | "decrease" | "increment" | "decrement" => answer(
            format!("`{word}` is called `add` here"),
            "write `add 5 to contact.score`, or `add -5 to contact.score` to count down",
        ),
        "update" | "change" | "contact" => {
            answer("a field of the contact is changed with `set`", "write `set contact.FIELD = VALUE`")
        }
        _ => None,
    }
}
