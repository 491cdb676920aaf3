//! What people write by habit, from other tools and from plain speech, and what to write instead.

mod condition;
mod stage;
mod test;

pub(super) use condition::stray;

use super::node::Rule;
use crate::finding::{Lack, words};

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

/// What is said of a slip.
pub(super) struct Answer {
    pub(super) message: String,
    /// What to write instead.
    pub(super) help: String,
    /// The same to the letter, where it is known.
    pub(super) write: Option<Write>,
    /// What is missing, where who knows all names can say what to write.
    pub(super) lack: Option<Lack>,
}

/// What is written in the place of a word, and of so many bytes behind it.
pub(super) struct Write {
    pub(super) behind: usize,
    pub(super) text: String,
    /// Whether the condition before the word goes as well.
    pub(super) with_condition: bool,
}

fn answer(message: impl Into<String>, help: impl Into<String>) -> Option<Answer> {
    Some(Answer { message: message.into(), help: help.into(), write: None, lack: None })
}

/// An answer that knows what belongs in the place of the word.
fn write(text: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Option<Answer> {
    write_over(0, text, message, help)
}

/// The same where the first bytes behind the word go with it.
fn write_over(
    behind: usize,
    text: impl Into<String>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Option<Answer> {
    let write = Some(Write { behind, text: text.into(), with_condition: false });
    Some(Answer { message: message.into(), help: help.into(), write, lack: None })
}

/// How far the next word reaches with the blanks before it, where it is that one.
fn next_is(rest: &str, word: &str) -> usize {
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let behind = rest.get(blank..).and_then(|rest| rest.strip_prefix(word));
    let ends = behind.is_some_and(|behind| !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
    if ends { blank + word.len() } else { 0 }
}

/// What is said of a word with which nothing can begin where `strict` is wanted; `rest` stands behind it.
pub(super) fn slip(word: &str, rest: &str, strict: Rule) -> Option<Answer> {
    let by_place = match strict {
        Rule::strict_statement => stage::slip(word, rest),
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
        let blank = if rest.starts_with(": ") { "" } else { " " };
        let message = format!("no `:` stands behind `{word}`");
        if colon { write_over(1, format!("{word}{blank}"), message, help) } else { None }
    })
}

fn anywhere(word: &str, rest: &str) -> Option<Answer> {
    match word {
        "}" => write("", "this `}` closes nothing", "take it away, or look for a `{` that is missing above"),
        "endif" | "end_if" | "endwhile" | "endfor" | "fi" => {
            answer(format!("`{word}` is not needed: a block ends with `}}`"), "write `}` in its place")
        }
        "then" | "begin" | "do" => {
            write("{", format!("`{word}` is not needed: a block begins with `{{`"), "write `{` in its place")
        }
        "//" => write("#", "this does not begin a comment", "a comment begins with `#`"),
        "/*" | "<!" => answer("this does not begin a comment", "a comment begins with `#`"),
        "-" if rest.starts_with('-') => {
            write_over(1, "#", "this does not begin a comment", "a comment begins with `#`")
        }
        "{{" => answer(
            "`{{ … }}` belongs into the text of a message, not into a journey",
            "write the field alone, such as `contact.first_name`",
        ),
        "," | ";" | "." => write(
            "",
            format!("no `{word}` stands here"),
            "take it away: each thing has a line of its own and ends with it",
        ),
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
    let meant = format!("on answered {survey} where event.score {sign} {score}");
    let help = format!("write `{meant} {{ … }}`");
    let message = "which score counts stands behind `where`";
    match line.find('{') {
        Some(open) => write_over(open, format!("{meant} "), message, help),
        None => answer(message, help),
    }
}

fn in_experiment(word: &str, rest: &str) -> Option<Answer> {
    let share = rest.split_whitespace().next().filter(|share| share.ends_with('%'))?;
    let named = word.starts_with(char::is_alphabetic) && word != "variant";
    if !named {
        return None;
    }
    write(
        format!("variant {word}"),
        format!("`variant` is missing before `{word}`"),
        format!("write `variant {word} {share} {{ … }}`"),
    )
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
            let meant = format!("scale {low} to {high}");
            let help = format!("write `{meant}`");
            match line.rfind(|c: char| c.is_ascii_digit()) {
                Some(last) => write_over(last + 1, meant, "this is no scale", help),
                None => answer("this is no scale", help),
            }
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
        "enter" if line.starts_with("daily") => write_over(
            next_is(rest, "daily"),
            "enter every day",
            "`daily` is no way in",
            line.replacen("daily", "write `enter every day", 1) + "`",
        ),
        "reenter" if line.starts_with(|c: char| c.is_ascii_digit()) => write(
            "reenter after",
            "`after` is missing before how long",
            format!("write `reenter after {line}`"),
        ),
        "goal" if !line.split_whitespace().any(|word| word == "on") => answer(
            "this goal does not say which event reaches it",
            format!("write `goal {} on EVENT`", line.split_whitespace().next().unwrap_or("NAME")),
        ),
        "in" | "for" => write(
            "within",
            format!("`{word}` does not say how long a goal counts"),
            "write `within 30 days` behind the event",
        ),
        "value" => {
            write("worth", "`value` is called `worth` here", "write `worth event.total` behind the goal")
        }
        "if" | "and" | "or" | "when" | "while" => answer(
            format!("`{word}` cannot stand here"),
            "to say for whom a clause holds write `where` and a condition behind its event",
        ),
        "trigger" | "on" => write_over(
            next_is(rest, "on"),
            "enter on",
            format!("`{word}` does not say how contacts get in"),
            "write `enter on EVENT`, or `leave on EVENT` for what makes them leave",
        ),
        "start" if rest.trim_start().starts_with("on") => {
            write("enter", "`start` does not say how contacts get in", "write `enter on EVENT`")
        }
        "time" => write_over(
            next_is(rest, "zone"),
            "timezone",
            "this is one word",
            "write `timezone \"Europe/Berlin\"`",
        ),
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
        "else" | "other" | "default" | "timeout" | "after" | "finally" => write(
            "otherwise",
            format!("`{word}` is no branch of a wait"),
            "what happens when the time is up stands behind `otherwise`: `otherwise { … }`",
        ),
        "when" | "if" | "case" => write(
            "on",
            format!("a branch of a wait begins with `on`, not with `{word}`"),
            format!("write `on{line}`").replace(" {`", " { … }`"),
        ),
        "clicked" | "opened" | "delivered" | "bounced" | "complained" | "replied" | "answered" => write(
            format!("on {word}"),
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
