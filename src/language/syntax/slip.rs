//! What people write by habit, from other tools and from plain speech, and what to write instead.

mod condition;
mod test;

pub(super) use condition::stray;

use super::node::Rule;
use crate::finding::words;

/// Words that begin a statement.
pub(super) const STATEMENTS: [&str; 20] = [
    "send",
    "call",
    "hand",
    "alert",
    "wait",
    "if",
    "experiment",
    "repeat",
    "stop",
    "set",
    "clear",
    "add",
    "tag",
    "untag",
    "allow",
    "refuse",
    "record",
    "start",
    "go",
    "end",
];
/// Words that begin a clause at the head of a journey.
pub(super) const CLAUSES: [&str; 14] = [
    "owner",
    "enter",
    "reenter",
    "starts",
    "ends",
    "permission",
    "goal",
    "leave",
    "control",
    "priority",
    "quiet",
    "cap",
    "late",
    "timezone",
];
/// Words that begin a declaration.
pub(super) const DECLARATIONS: [&str; 10] =
    ["contact", "event", "topic", "measure", "segment", "survey", "policy", "journey", "test", "email"];
/// Words that begin a line of a test.
pub(super) const STEPS: [&str; 15] = [
    "contact", "at", "after", "expect", "event", "click", "open", "bounce", "complain", "reply", "answer",
    "accept", "reject", "nothing", "held",
];
/// Words that begin a setting of a message or a survey.
pub(super) const SETTINGS: [&str; 11] =
    ["topic", "from", "subject", "preheader", "template", "body", "text", "utm", "in", "scale", "comment"];
/// Words that go on something, and so may stand misspelt or half where something new was looked for; and how
/// they go on.
pub(super) const CONTINUATIONS: [(&str, &str); 13] = [
    ("with", "`with { reason \"hot lead\" }`"),
    ("otherwise", "`otherwise { … }`"),
    ("else", "`else { … }`"),
    ("and", "`and wait up to 2 days { … }`"),
    ("at", "`at best time within 12 hours`"),
    ("to", "`to`, and where"),
    ("where", "`where event.total >= 20`"),
    ("within", "`within 30 days`"),
    ("worth", "`worth event.total`"),
    ("per", "`per event.order_id`"),
    ("into", "`into STAGE`"),
    ("as", "`end as OUTCOME`"),
    ("because", "`because REASON`"),
];

/// A message and what to write instead.
pub(super) type Answer = (String, String);

fn answer(message: impl Into<String>, help: impl Into<String>) -> Option<Answer> {
    Some((message.into(), help.into()))
}

/// What is said of a word with which nothing can begin where `strict` is wanted; `rest` stands behind it.
pub(super) fn slip(word: &str, rest: &str, strict: Rule) -> Option<Answer> {
    let by_place = match strict {
        Rule::strict_statement => in_stage(word, rest),
        Rule::strict_clause => at_head(word, rest),
        Rule::strict_branch => in_wait(word, rest),
        Rule::strict_step => test::slip(word, rest),
        Rule::strict_experiment => in_experiment(word, rest),
        Rule::strict_survey => in_survey(word, rest),
        _ => None,
    };
    by_place.or_else(|| anywhere(word, rest)).or_else(|| at_wrong_place(word, strict)).or_else(|| {
        let colon = rest.starts_with(':') && word.starts_with(char::is_alphabetic);
        let help = "write the word and what belongs to it with a blank between them";
        if colon { answer(format!("no `:` stands behind `{word}`"), help) } else { None }
    })
}

fn anywhere(word: &str, rest: &str) -> Option<Answer> {
    match word {
        "}" => answer("this `}` closes nothing", "take it away, or look for a `{` that is missing above"),
        "endif" | "end_if" | "endwhile" | "endfor" | "fi" | "done" => {
            answer(format!("`{word}` is not needed: a block ends with `}}`"), "write `}` in its place")
        }
        "then" | "begin" | "do" => {
            answer(format!("`{word}` is not needed: a block begins with `{{`"), "write `{` in its place")
        }
        "//" | "/*" | "<!" => answer("this does not begin a comment", "a comment begins with `#`"),
        "-" if rest.starts_with('-') => answer("this does not begin a comment", "a comment begins with `#`"),
        "{{" => answer(
            "`{{ … }}` belongs into the text of a message, not into a journey",
            "write the field alone, such as `contact.first_name`",
        ),
        "," | ";" | "." => answer(
            format!("no `{word}` stands here"),
            "take it away: each thing has a line of its own and ends with it",
        ),
        _ => None,
    }
}

fn in_stage(word: &str, rest: &str) -> Option<Answer> {
    let number_behind = rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
    match word {
        "else" => answer("this `else` belongs to no `if`", "`else` stands right behind the `}` of an `if`"),
        "otherwise" => answer(
            "this `otherwise` belongs to nothing",
            "`otherwise` stands behind a `send`, or as the last branch inside `wait up to … { }`; behind an `if` write `else`",
        ),
        "on" | "when" => answer(
            format!("`{word}` stands inside a wait"),
            "write `wait up to 3 days { on … { } otherwise { } }`",
        ),
        "unless" | "while" | "whenever" => answer(
            format!("there is no `{word}` here"),
            "write `if … { }`, with `not` where it must not be so",
        ),
        "sleep" | "delay" | "pause" => answer(
            format!("`{word}` is called `wait` here"),
            "write `wait 3 days`, or another length of time",
        ),
        "after" | "in" if number_behind => answer(
            format!("`{word}` does not make a contact wait"),
            "write `wait 3 days` on a line of its own, before what happens then",
        ),
        "at" if number_behind => answer(
            "`at` does not make a contact wait",
            "write `wait until 09:00` on a line of its own, before what happens then",
        ),
        "repeat" if number_behind => {
            let times = rest.split_whitespace().next().unwrap_or("3");
            answer("how often stands behind `up to`", format!("write `repeat up to {times} times {{ … }}`"))
        }
        "send" if is_one_word(rest) => match rest.split_whitespace().next().unwrap_or("") {
            channel @ ("email" | "sms" | "push") => answer(
                format!("the name of the message is missing behind `{channel}`"),
                format!("write `send {channel} NAME`"),
            ),
            name => answer(
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
        "then" => answer("`then` is not needed", "give each statement a line of its own"),
        "until" => answer("`until` belongs to `wait`", "write `wait until 09:00` on a line of its own"),
        "email" | "mail" | "send_email" | "sendemail" | "send_mail" | "sendmail" => answer(
            format!("`{word}` does not begin a statement"),
            "to send a message write `send email NAME`",
        ),
        "handover" | "hand_over" | "handoff_to" | "assign" => {
            answer(format!("`{word}` is called `hand off to` here"), "write `hand off to TEAM`")
        }
        "reason" => {
            let value = rest.lines().next().unwrap_or("").split('}').next().unwrap_or("").trim();
            let value = if value.is_empty() { "\"…\"" } else { value };
            answer(
                "`reason` belongs to what goes along with a hand-off, a call or a message",
                format!("write `hand off to TEAM with {{ reason {value} }}`"),
            )
        }
        "notify" | "inform" | "tell" | "slack" => {
            answer(format!("`{word}` is called `alert` here"), "write `alert TEAM \"…\"`")
        }
        "split" | "ab_test" | "abtest" | "ab" => answer(
            format!("`{word}` is called `experiment` here"),
            "write `experiment NAME { variant a 50% { … } variant b 50% { … } }`",
        ),
        text if text.starts_with('"') => answer(
            "this text belongs to no statement",
            format!("what a team or a system is told stands behind `with`: `with {{ reason {text} }}`"),
        ),
        "goto" | "jump" | "next" | "continue" => {
            answer(format!("`{word}` is called `go to` here"), "write `go to STAGE`")
        }
        "-" | "=>" if rest.starts_with('>') || word == "=>" => {
            answer("an arrow leads nowhere here", "write `go to STAGE`")
        }
        "and" => answer(
            "`and` does not join statements",
            "give each a line of its own; to wait for an answer write `and wait up to 2 days { … }` behind a `hand off` or a `call`",
        ),
        "exit" | "return" | "finish" => {
            answer(format!("`{word}` is called `end` here"), "write `end`, or `end as OUTCOME`")
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
    answer(format!("`{word}` is called `{meant}` here"), format!("write {write}"))
}

/// Words that people change a contact with.
fn changing(word: &str, rest: &str) -> Option<Answer> {
    match word {
        "add" if rest.trim_start().starts_with("tag") => {
            answer("a tag is put on with `tag` alone", "write `tag \"customer\"`")
        }
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

/// `on answered happy >= 4`, `on answered happy 5`: a score that is asked about as in plain speech.
fn by_score(line: &str) -> Option<Answer> {
    let mut words = line.split(['{', ' ']).filter(|word| !word.is_empty());
    let survey = words.next().filter(|word| *word == "answered").and_then(|_| words.next())?;
    let asked: Vec<&str> = words.take_while(|word| *word != "{").collect();
    if asked.contains(&"where") {
        return None;
    }
    let is_number = |word: &&&str| word.starts_with(|c: char| c.is_ascii_digit());
    let sign = asked.iter().find(|word| ["==", ">", ">=", "<", "<=", "!="].contains(word)).unwrap_or(&"==");
    let score = asked.iter().find(is_number)?;
    answer(
        "which score counts stands behind `where`",
        format!("write `on answered {survey} where event.score {sign} {score} {{ … }}`"),
    )
}

fn in_experiment(word: &str, rest: &str) -> Option<Answer> {
    let share = rest.split_whitespace().next().filter(|share| share.ends_with('%'))?;
    let named = word.starts_with(char::is_alphabetic) && word != "variant";
    if !named {
        return None;
    }
    answer(format!("`variant` is missing before `{word}`"), format!("write `variant {word} {share} {{ … }}`"))
}

fn in_survey(word: &str, rest: &str) -> Option<Answer> {
    let line = rest.lines().next().unwrap_or("");
    match word {
        "question" | "ask" | "title" | "text" | "subject" => answer(
            "what a survey asks stands behind its name",
            "write `survey NAME \"How likely are you to recommend us?\" { … }`",
        ),
        "scale" if !rest.starts_with(':') => {
            let mut ends = line.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
            let (low, high) = (ends.next().unwrap_or("0"), ends.next().unwrap_or("10"));
            answer("this is no scale", format!("write `scale {low} to {high}`"))
        }
        "comment" if !line.contains('"') => {
            answer("`comment` takes a question", "write `comment \"What could we do better?\"`")
        }
        _ => None,
    }
}

fn at_head(word: &str, rest: &str) -> Option<Answer> {
    let line = rest.lines().next().unwrap_or("").trim();
    match word {
        "enter" if line.starts_with("daily") => {
            answer("`daily` is no way in", line.replacen("daily", "write `enter every day", 1) + "`")
        }
        "reenter" if line.starts_with(|c: char| c.is_ascii_digit()) => {
            answer("`after` is missing before how long", format!("write `reenter after {line}`"))
        }
        "goal" if !line.split_whitespace().any(|word| word == "on") => answer(
            "this goal does not say which event reaches it",
            format!("write `goal {} on EVENT`", line.split_whitespace().next().unwrap_or("NAME")),
        ),
        "in" | "for" => answer(
            format!("`{word}` does not say how long a goal counts"),
            "write `within 30 days` behind the event",
        ),
        "value" => answer("`value` is called `worth` here", "write `worth event.total` behind the goal"),
        "if" | "and" | "or" | "when" | "while" => answer(
            format!("`{word}` cannot stand here"),
            "to say for whom a clause holds write `where` and a condition behind its event",
        ),
        "trigger" | "on" => answer(
            format!("`{word}` does not say how contacts get in"),
            "write `enter on EVENT`, or `leave on EVENT` for what makes them leave",
        ),
        "start" if rest.trim_start().starts_with("on") => {
            answer("`start` does not say how contacts get in", "write `enter on EVENT`")
        }
        "time" => answer("this is one word", "write `timezone \"Europe/Berlin\"`"),
        "description" | "title" | "label" | "name" => answer(
            format!("a journey has no `{word}`"),
            "what people call it stands behind its name: `journey spring_sale \"Spring sale 2027\" {`",
        ),
        _ => None,
    }
}

fn in_wait(word: &str, rest: &str) -> Option<Answer> {
    let line = rest.lines().next().unwrap_or("");
    match word {
        "else" | "other" | "default" | "timeout" | "after" | "finally" => answer(
            format!("`{word}` is no branch of a wait"),
            "what happens when the time is up stands behind `otherwise`: `otherwise { … }`",
        ),
        "when" | "if" | "case" => answer(
            format!("a branch of a wait begins with `on`, not with `{word}`"),
            format!("write `on{line}`").replace(" {`", " { … }`"),
        ),
        "clicked" | "opened" | "delivered" | "bounced" | "complained" | "replied" | "answered" => answer(
            "a branch of a wait begins with `on`",
            format!("write `on {word} {} {{ … }}`", line.split('{').next().unwrap_or("").trim()),
        ),
        "on" => by_score(line),
        _ if STATEMENTS.contains(&word) => answer(
            format!("`{word}` cannot stand right inside a wait"),
            "write it inside `on … { }` or `otherwise { }`, or look for a `}` that is missing above",
        ),
        _ => None,
    }
}

/// Whether nothing but one word stands in a line.
fn is_one_word(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or("");
    let mut words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
    let word = words.next().is_some_and(|word| word.chars().all(|c| c.is_alphanumeric() || c == '_'));
    word && words.next().is_none()
}

/// Words that are right elsewhere.
fn at_wrong_place(word: &str, strict: Rule) -> Option<Answer> {
    let inside_journey = CLAUSES.contains(&word) || word == "stage";
    let statement = STATEMENTS.contains(&word) && word != "start";
    if inside_journey && strict == Rule::strict_statement {
        return answer(
            format!("`{word}` stands at the head of a journey, not inside a stage"),
            "move it above the first stage, or look for a `}` that is missing above",
        );
    }
    if (inside_journey || statement) && strict == Rule::strict_declaration {
        return answer(
            format!("`{word}` stands inside a journey"),
            "look for a `}` too many above: it closes the journey too early",
        );
    }
    if statement && strict == Rule::strict_clause && word != "end" {
        return answer(
            format!("`{word}` stands inside a stage"),
            "write it inside `stage NAME { … }`, or look for a `}` too many above",
        );
    }
    None
}

/// The word that was probably meant, among those that can begin something there and those that go on what stands
/// before; in words of one or two letters every other word is near, so nothing is guessed there.
pub(super) fn meant(word: &str, starts: &[&'static str]) -> Option<&'static str> {
    if word.chars().count() < 3 && !starts.iter().any(|start| start.eq_ignore_ascii_case(word)) {
        return None;
    }
    let goes_on = CONTINUATIONS.iter().map(|(word, _)| *word);
    words::near(word, starts.iter().copied()).or_else(|| words::near(word, goes_on))
}
