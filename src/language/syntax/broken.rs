use std::ops::Range;

use pest::error::{ErrorVariant, InputLocation};

use super::expected;
use super::node::{Grammar, Node, Reader, Rule};
use crate::finding::words;
use crate::finding::{Code, Finding};

/// Words that begin a statement.
const STATEMENTS: [&str; 19] = [
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
];
/// Words that begin a clause at the head of a journey.
const CLAUSES: [&str; 14] = [
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
const DECLARATIONS: [&str; 10] =
    ["contact", "event", "topic", "measure", "segment", "survey", "policy", "journey", "test", "email"];
/// Words that begin a line of a test.
const STEPS: [&str; 15] = [
    "contact", "at", "after", "expect", "event", "click", "open", "bounce", "complain", "reply", "answer",
    "accept", "reject", "nothing", "held",
];
/// Words that go on something, and so may stand misspelt or half where something new was looked for; and how
/// they go on.
const CONTINUATIONS: [(&str, &str); 13] = [
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

impl<'t> Reader<'t> {
    /// Says what is wrong with text that no rule could take: what stands there and what could.
    ///
    /// `strict` is the rule for well-formed text at that place, `noun` what such text is called.
    pub(super) fn explain(&self, strict: Rule, range: Range<usize>, noun: &str) {
        let text = self.text.get(range.clone()).unwrap_or("");
        let first = token_at(text, 0);
        let word = text.get(first.clone()).unwrap_or("");
        let at = |inner: Range<usize>| self.span_of(range.start + inner.start..range.start + inner.end);
        if let Some((message, help)) = slip(word, text.get(first.end..).unwrap_or(""), strict) {
            self.say(at(first), message, help);
            return;
        }
        let starts = first_words(strict);
        if let Some((_, how)) =
            CONTINUATIONS.iter().find(|(known, _)| *known == word && !starts.contains(&word))
        {
            self.say(at(first), format!("`{word}` does not go on from here"), format!("it is written {how}"));
            return;
        }
        if !starts.contains(&word) {
            let goes_on = CONTINUATIONS.iter().map(|(word, _)| *word);
            let near = words::near(word, starts.iter().copied().chain(goes_on));
            let finding =
                Finding::new(Code::E001, at(first.clone()), format!("`{word}` does not begin {noun}"));
            self.report(match near {
                Some(near) => finding.help(format!("did you mean `{near}`?")).edit(at(first), near),
                None => finding.help(format!("what can stand here: {}", expected::list(&[strict]))),
            });
            return;
        }
        let (place, rules) = match Grammar::strict(strict, text) {
            Ok(mut pairs) => {
                // It is well-formed and stands at the wrong place: an `otherwise` too many, an `else` alone.
                let end = pairs.next().map_or(first.end, |pair| pair.as_span().end());
                (token_at(text, end), Vec::new())
            }
            Err(error) => {
                let offset = match error.location {
                    InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
                };
                let rules = match error.variant {
                    ErrorVariant::ParsingError { positives, .. } => positives,
                    ErrorVariant::CustomError { .. } => Vec::new(),
                };
                (token_at(text, offset), rules)
            }
        };
        let found = text.get(place.clone()).unwrap_or("");
        let message = if found.is_empty() {
            format!("something is missing behind `{}`", last_token(text.get(..place.start).unwrap_or("")))
        } else {
            format!("`{found}` cannot stand here")
        };
        let place = if found.is_empty() { behind_last(text, place.start) } else { place };
        let finding = Finding::new(Code::E001, at(place.clone()), message);
        self.report(match expected::near(found, &rules) {
            Some(near) => finding.help(format!("did you mean `{near}`?")).edit(at(place), near),
            None => finding.maybe_help(expected::help(found, &rules)),
        });
    }

    /// Says which `{` is never closed.
    ///
    /// The block that runs into something it cannot hold is often not the one that misses its `}`: an inner block
    /// took the `}` of the outer one. The indent tells: it is the inner block whose `}` stands below the line
    /// that opened the outer one.
    pub(super) fn never_closed(&self, node: &Node<'t>) {
        let column = self.column_of_line(node.range().start);
        let culprit = self.taker_of(node, column).unwrap_or_else(|| node.clone());
        let open = culprit.text().find('{').unwrap_or(0) + culprit.range().start;
        let line = self.text.get(..open).map_or(0, |before| before.matches('\n').count()) + 1;
        let finding = Finding::new(Code::E001, self.span_of(open..open + 1), "this `{` is never closed")
            .help(format!("write the `}}` that belongs to the `{{` of line {line}"));
        self.report(finding);
    }

    /// The innermost block inside whose `}` stands in the column of the outer block's line.
    fn taker_of(&self, node: &Node<'t>, column: usize) -> Option<Node<'t>> {
        let mut found = None;
        let mut inner: Vec<Node<'t>> = node.children().collect();
        while let Some(child) = inner.pop() {
            if let Some(close) = child.get(Rule::close) {
                let at = close.range().start;
                let alone = self.line_before(at).trim().is_empty();
                let deeper = self.column_of_line(child.range().start) > column;
                if alone && deeper && self.line_before(at).chars().count() == column {
                    found = Some(child.clone());
                }
            }
            inner.extend(child.children());
        }
        found
    }

    fn line_before(&self, at: usize) -> &'t str {
        let before = self.text.get(..at).unwrap_or("");
        before.rsplit('\n').next().unwrap_or("")
    }

    /// How far the line of a place is indented.
    fn column_of_line(&self, at: usize) -> usize {
        let start = at - self.line_before(at).len();
        let line = self.text.get(start..).unwrap_or("");
        line.chars().take_while(|c| *c == ' ' || *c == '\t').count()
    }
}

/// The words that can begin the text of a strict rule.
fn first_words(strict: Rule) -> Vec<&'static str> {
    let more: &[&str] = match strict {
        Rule::strict_statement => return [&STATEMENTS[..], &["end"]].concat(),
        Rule::strict_clause => return [&CLAUSES[..], &["stage", "on"]].concat(),
        Rule::strict_declaration => return DECLARATIONS.to_vec(),
        Rule::strict_step => return [&STEPS[..], &["set", "variant", "allow", "enter"]].concat(),
        Rule::strict_policy_clause => &["quiet", "cap", "holdout", "late", "unsure"],
        Rule::strict_branch => &["on", "otherwise"],
        Rule::strict_experiment => &["variant", "pick"],
        Rule::strict_setting => &[
            "topic",
            "from",
            "subject",
            "preheader",
            "template",
            "body",
            "text",
            "utm",
            "in",
            "scale",
            "comment",
        ],
        _ => &[],
    };
    more.to_vec()
}

/// What people write by habit, and what to write instead.
fn slip(word: &str, rest: &str, strict: Rule) -> Option<(String, String)> {
    let answer = |message: String, help: &str| Some((message, help.to_owned()));
    let inside_journey = CLAUSES.contains(&word) || word == "stage";
    let statement = STATEMENTS.contains(&word) && word != "start";
    match word {
        "}" => answer(
            "this `}` closes nothing".to_owned(),
            "take it away, or look for a `{` that is missing above",
        ),
        "endif" | "end_if" | "endwhile" | "endfor" | "fi" | "done" => {
            answer(format!("`{word}` is not needed: a block ends with `}}`"), "write `}` in its place")
        }
        "then" | "begin" | "do" => {
            answer(format!("`{word}` is not needed: a block begins with `{{`"), "write `{` in its place")
        }
        "//" | "/*" => answer("this does not begin a comment".to_owned(), "a comment begins with `#`"),
        "{{" => answer(
            "`{{ … }}` belongs into the text of a message, not into a journey".to_owned(),
            "write the field alone, such as `contact.first_name`",
        ),
        "else" if strict == Rule::strict_statement => answer(
            "this `else` belongs to no `if`".to_owned(),
            "`else` stands right behind the `}` of an `if`",
        ),
        "otherwise" if strict == Rule::strict_statement => answer(
            "this `otherwise` belongs to nothing".to_owned(),
            "`otherwise` stands behind a `send`, or as the last branch inside `wait up to … { }`",
        ),
        "on" if strict == Rule::strict_statement => answer(
            "`on` stands inside a wait".to_owned(),
            "write `wait up to 3 days { on … { } otherwise { } }`",
        ),
        "sleep" | "delay" | "pause" => answer(
            format!("`{word}` is called `wait` here"),
            "write `wait 3 days`, or another length of time",
        ),
        "email" | "mail" if strict == Rule::strict_statement => answer(
            format!("`{word}` does not begin a statement"),
            "to send a message write `send email NAME`",
        ),
        "goto" | "jump" => answer(format!("`{word}` is called `go to` here"), "write `go to STAGE`"),
        "exit" | "return" | "finish" if strict == Rule::strict_statement => {
            answer(format!("`{word}` is called `end` here"), "write `end`, or `end as OUTCOME`")
        }
        _ if inside_journey && strict == Rule::strict_statement => answer(
            format!("`{word}` stands at the head of a journey, not inside a stage"),
            "move it above the first stage, or look for a `}` that is missing above",
        ),
        _ if (inside_journey || statement) && strict == Rule::strict_declaration => answer(
            format!("`{word}` stands inside a journey"),
            "look for a `}` too many above: it closes the journey too early",
        ),
        _ if statement && strict == Rule::strict_clause => answer(
            format!("`{word}` stands inside a stage"),
            "write it inside `stage NAME { … }`, or look for a `}` too many above",
        ),
        _ if rest.starts_with(':') && word.starts_with(char::is_alphabetic) => answer(
            format!("no `:` stands behind `{word}`"),
            "write the word and what belongs to it with a blank between them",
        ),
        _ => None,
    }
}

/// The token at or behind an offset: a word, a number, a text, or one sign; empty at the end.
fn token_at(text: &str, offset: usize) -> Range<usize> {
    let mut at = offset.min(text.len());
    while let Some(rest) = text.get(at..) {
        let blank = rest.len() - rest.trim_start().len();
        at += blank;
        let rest = rest.get(blank..).unwrap_or("");
        if !rest.starts_with('#') {
            return at..at + token_length(rest);
        }
        at += rest.find('\n').unwrap_or(rest.len());
    }
    text.len()..text.len()
}

fn token_length(rest: &str) -> usize {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let run = |fits: &dyn Fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
    match rest.chars().next() {
        None => 0,
        Some(c) if word(c) => run(&|c| word(c) || c == '-'),
        Some('"') => {
            let line = rest.lines().next().unwrap_or("");
            line.get(1..).and_then(|inner| inner.find('"')).map_or(line.trim_end().len(), |end| end + 2)
        }
        Some('/') if rest.starts_with("//") || rest.starts_with("/*") => 2,
        Some('{') if rest.starts_with("{{") => 2,
        Some(c) if "=!<>&|".contains(c) => run(&|c| "=!<>&|".contains(c)),
        Some(c) => c.len_utf8(),
    }
}

/// The last token before an offset, for "behind …".
fn last_token(before: &str) -> &str {
    before.split_whitespace().next_back().unwrap_or("")
}

/// The empty place behind the last thing that stands before an offset.
fn behind_last(text: &str, offset: usize) -> Range<usize> {
    let end = text.get(..offset).unwrap_or("").trim_end().len();
    let start = end - last_token(text.get(..end).unwrap_or("")).len();
    start..end
}
