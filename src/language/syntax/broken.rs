use std::ops::Range;

use pest::error::{ErrorVariant, InputLocation};

use super::ahead::{Lies, lies};
use super::expected;
use super::node::{Grammar, Node, Reader, Rule, snake_case};
use super::slip::{self, CLAUSES, CONTINUATIONS, DECLARATIONS, SETTINGS, STATEMENTS, STEPS};
use crate::finding::{Code, Finding, Lack};

impl<'t> Reader<'t> {
    /// Says what is wrong with text that no rule could take: what stands there and what could.
    ///
    /// `strict` is the rule for well-formed text at that place, `noun` what such text is called.
    pub(super) fn explain(&self, strict: Rule, range: Range<usize>, noun: &str) {
        let text = self.text.get(range.clone()).unwrap_or("");
        let first = token_at(text, 0);
        let word = text.get(first.clone()).unwrap_or("");
        let rest = text.get(first.end..).unwrap_or("");
        let at = |inner: Range<usize>| self.span_of(range.start + inner.start..range.start + inner.end);
        if let Some(answer) = slip::slip(word, rest, strict) {
            let finding = Finding::new(Code::E001, at(first.clone()), answer.message).help(answer.help);
            let finding = Finding { lack: answer.lack, ..finding };
            self.report(match answer.write {
                Some(write) => finding.edit(at(first.start..first.end + write.behind), write.text),
                None => finding,
            });
            return;
        }
        if strict == Rule::strict_declaration && self.line_before(range.start).starts_with("topic ") {
            let all = text.lines().next().unwrap_or(word).trim_end();
            let write = format!("\"{}\"", all.trim_matches('"'));
            let finding =
                Finding::new(Code::E001, at(0..all.len()), "what people call a topic stands in quotes");
            self.report(finding.help(format!("write `{write}`")).edit(at(0..all.len()), write));
            return;
        }
        let starts = first_words(strict);
        let goes_on = CONTINUATIONS.iter().find(|(known, _)| *known == word && !starts.contains(&word));
        if let Some((_, how)) = goes_on {
            self.explain_continuation(range.start, text, first, how);
            return;
        }
        // What can begin with anything, such as a condition, breaks further on.
        if !starts.is_empty() && !starts.contains(&word) {
            let finding =
                Finding::new(Code::E001, at(first.clone()), format!("`{word}` does not begin {noun}"));
            self.report(match slip::meant(word, &starts) {
                Some(near) => finding.help(format!("did you mean `{near}`?")).edit(at(first), near),
                None => finding.help(format!("what can stand here: {}", expected::list(&[strict]))),
            });
            return;
        }
        let (place, rules) = self.where_it_breaks(strict, text, first.end);
        self.explain_place(range.start, text, place, &rules);
    }

    /// Says what is wrong behind a word that goes on something, at a place of `text`, which begins at `start`; `how` is how
    /// that is written.
    fn explain_continuation(&self, start: usize, text: &str, first: Range<usize>, how: &str) {
        let at = |inner: Range<usize>| self.span_of(start + inner.start..start + inner.end);
        let word = text.get(first.clone()).unwrap_or("");
        let rest = text.get(first.end..).unwrap_or("");
        let message = match rest.lines().next().map(str::trim) {
            None | Some("") => format!("something is missing behind `{word}`"),
            Some(_) => format!("what stands behind `{word}` cannot be read"),
        };
        let finding = Finding::new(Code::E001, at(first.clone()), message);
        let counted = rest.split_whitespace().next().and_then(|next| Some((next, in_digits(next)?)));
        if let Some((number, digits)) = counted {
            let start = first.end + rest.find(number).unwrap_or(0);
            let number = at(start..start + number.len());
            let help = format!("a number stands in digits: `{digits}`");
            self.report(finding.help(help).edit(number, digits));
            return;
        }
        let length = rest.split_whitespace().next().filter(|_| word == "within");
        let length = length.filter(|length| length.chars().all(|c| c.is_ascii_digit()));
        if let Some(length) = length {
            let end = first.end + rest.find(length).unwrap_or(0) + length.len();
            let help = format!("write `within {length} days`, or hours, weeks, months");
            self.report(finding.help(help).edit(at(end..end), " days"));
            return;
        }
        let quoted = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
        self.report(match quoted {
            Some(name) if matches!(word, "as" | "into" | "because") => {
                let behind = rest.find(name).map_or(0, |start| start + name.len() + 1);
                finding
                    .help(format!("names stand without quotes: `{word} {name}`"))
                    .edit(at(first.start..first.end + behind), format!("{word} {}", snake_case(name)))
            }
            _ => finding.help(format!("it is written {how}")),
        });
    }

    /// The token that the strict rule could not take, and the rules that could stand there.
    fn where_it_breaks(&self, strict: Rule, text: &str, behind_first: usize) -> (Range<usize>, Vec<Rule>) {
        match Grammar::strict(strict, text) {
            Ok(mut pairs) => {
                // It is well-formed and stands at the wrong place: an `otherwise` too many, an `else` alone.
                let end = pairs.next().map_or(behind_first, |pair| pair.as_span().end());
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
        }
    }

    /// Says what stands at a place of `text`, which begins at `start`, and which of `rules` could.
    fn explain_place(&self, start: usize, text: &str, place: Range<usize>, rules: &[Rule]) {
        let at = |inner: Range<usize>| self.span_of(start + inner.start..start + inner.end);
        let before = text.get(..place.start).unwrap_or("");
        let found = text.get(place.clone()).unwrap_or("");
        if let (true, Some(bracket)) = (found == "{" || found.is_empty(), unclosed_bracket(before)) {
            let end = before.trim_end().len();
            let finding = Finding::new(Code::E001, at(bracket..bracket + 1), "this `(` is never closed");
            self.report(finding.help("write `)` where it ends").edit(at(end..end), ")"));
            return;
        }
        let number = last_token(before);
        let counts = number.chars().all(|c| c.is_ascii_digit()) && !number.is_empty();
        if counts && rules.contains(&Rule::unit) && !rules.contains(&Rule::k_contains) {
            let finding = Finding::new(
                Code::E001,
                at(behind_last(text, place.start)),
                format!("`{number}` does not say how long: its unit is missing"),
            );
            let help = format!("write `{number} days`, or hours, weeks, months");
            let end = behind_last(text, place.start).end;
            self.report(finding.help(help).edit(at(end..end), " days"));
            return;
        }
        if found.is_empty() {
            let message = format!("something is missing behind `{}`", last_token(before));
            let finding = Finding::new(Code::E001, at(behind_last(text, place.start)), message);
            let is_way = before.split_whitespace().rev().take(2).eq(["to", "go"]);
            self.report(match is_way {
                true => finding.help("name the stage: `go to STAGE`").lacks(Lack::Destination),
                false => finding.maybe_help(expected::help(found, rules)),
            });
            return;
        }
        if let (Some(digits), true) = (in_digits(found), expected::wants_number(rules)) {
            let finding =
                Finding::new(Code::E001, at(place.clone()), format!("`{found}` is written in digits"));
            self.report(finding.help(format!("write `{digits}`")).edit(at(place), digits));
            return;
        }
        if matches!(found, "then" | "do" | ":") && (expected::wants_block(rules) || found == ":") {
            let finding = Finding::new(Code::E001, at(place.clone()), format!("no `{found}` stands here"));
            self.report(finding.help("take it away").edit(at(place), ""));
            return;
        }
        let finding = Finding::new(Code::E001, at(place.clone()), format!("`{found}` cannot stand here"));
        let previous = behind_last(text, place.start);
        let two_words = text.get(previous.start..place.end).unwrap_or("");
        let is_word = found.starts_with(|c: char| c.is_alphabetic());
        let text_wanted = rules.contains(&Rule::text) && !rules.contains(&Rule::name);
        let all = place.start..place.start + word_length(text.get(place.start..).unwrap_or(""));
        let whole = text.get(all.clone()).unwrap_or(found);
        let title = place.start..place.start + title_length(text.get(place.start..).unwrap_or(""));
        let title_words = text.get(title.clone()).unwrap_or("");
        self.report(if let Some(near) = expected::near(found, rules) {
            finding.help(format!("did you mean `{near}`?")).edit(at(place), near)
        } else if let (Some(word), true) = (expected::missing_word(found, rules), is_word) {
            let write = format!("{word} {whole}");
            finding.help(format!("write `{write}`")).edit(at(all), write)
        } else if let (true, Some(name)) =
            (rules.contains(&Rule::stage_body), one_word(two_words, title_words))
        {
            let span = at(previous.start..title.end);
            finding.help(format!("a name is one word: `{name}`")).edit(span, name)
        } else if expected::wants_block(rules) && STATEMENTS.contains(&found) {
            let line = text.get(place.start..).and_then(|rest| rest.lines().next()).unwrap_or(found);
            let happens = line.get(..outer_close(line)).unwrap_or(line).trim_end();
            let write = format!("{{ {happens} }}");
            let span = at(place.start..place.start + happens.len());
            finding.help(format!("what happens stands in braces: `{write}`")).edit(span, write)
        } else if text_wanted && is_name(text.get(previous.clone()).unwrap_or("")) && is_title(title_words) {
            let write = format!("\"{title_words}\"");
            finding.help(format!("a title stands in quotes: `{write}`")).edit(at(title), write)
        } else if is_name(found)
            && is_name(text.get(previous.clone()).unwrap_or(""))
            && two_words.lines().count() == 1
        {
            let joined = two_words.split_whitespace().collect::<Vec<_>>().join("_").to_lowercase();
            let span = at(previous.start..place.end);
            finding.help(format!("a name is one word: `{joined}`")).edit(span, joined)
        } else if is_word && text_wanted && (is_name(found) || whole != found) {
            let write = format!("\"{}\"", whole.trim_matches('"'));
            finding.help(format!("a text stands in quotes: `{write}`")).edit(at(all), write)
        } else if let Some((help, write)) = expected::unquoted(found, rules) {
            finding.help(help).edit(at(place), write)
        } else {
            finding.maybe_help(expected::help(found, rules))
        });
    }

    /// Says which `{` is never closed.
    ///
    /// The block that runs into something it cannot hold is often not the one that misses its `}`: an inner block
    /// took the `}` of the outer one. The indent tells: it is the inner block whose `}` stands below the line
    /// that opened the outer one.
    pub(super) fn never_closed(&self, node: &Node<'t>) {
        let mut culprit = node.clone();
        while let Some(inner) = self.taker_of(&culprit) {
            culprit = inner;
        }
        let open = culprit.text().find('{').unwrap_or(0) + culprit.range().start;
        let line = self.text.get(..open).map_or(0, |before| before.matches('\n').count()) + 1;
        let finding = Finding::new(Code::E001, self.span_of(open..open + 1), "this `{` is never closed")
            .help(format!("write the `}}` that belongs to the `{{` of line {line}"));
        let (at, brace) = self.missing_brace(&culprit, open);
        // In a text that is not closed either, a brace would be part of it.
        let is_code = lies(self.text, at) == Lies::Open;
        self.report(if is_code { finding.edit(self.span_of(at..at), brace) } else { finding });
    }

    /// Where the `}` of the block that begins at `open` is missing: behind its last entry, on a line of its own where the
    /// block has several.
    fn missing_brace(&self, block: &Node<'t>, open: usize) -> (usize, String) {
        let column = self.column_of_line(open);
        let line_of_open = open - self.line_before(open).len();
        let is_entry = |entry: &Node<'t>| {
            entry.range().start > open && !entry.text().trim().is_empty() && entry.rule() != Rule::close
        };
        let last = block.children().filter(is_entry).last();
        let end = last.map_or(open + 1, |entry| self.trimmed(entry.range()).end);
        let one_line = !self.text.get(open..end).is_some_and(|block| block.contains('\n'));
        if one_line {
            return (end, " }".to_owned());
        }
        // A comment behind the last entry belongs to it.
        let rest = self.text.get(end..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let is_comment = rest.trim_start().starts_with('#');
        let end = if is_comment { end + rest.trim_end().len() } else { end };
        let indent = self.text.get(line_of_open..line_of_open + column).unwrap_or("");
        (end, format!("\n{indent}}}"))
    }

    /// The block inside whose `}` stands in the column of the outer block's line.
    fn taker_of(&self, node: &Node<'t>) -> Option<Node<'t>> {
        let column = self.column_of_line(node.range().start);
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
        Rule::strict_statement => &STATEMENTS,
        Rule::strict_clause => return [&CLAUSES[..], &["stage", "on"]].concat(),
        Rule::strict_declaration => &DECLARATIONS,
        Rule::strict_message => &["email"],
        Rule::strict_step => return [&STEPS[..], &["set", "variant", "allow", "enter"]].concat(),
        Rule::strict_policy_clause => &["quiet", "cap", "holdout", "late", "unsure"],
        Rule::strict_branch => &["on", "otherwise"],
        Rule::strict_experiment => &["variant", "pick"],
        Rule::strict_setting => &SETTINGS,
        Rule::strict_survey => &["scale", "comment"],
        _ => &[],
    };
    more.to_vec()
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

/// How far a word goes that may be a mail address or a path.
fn word_length(rest: &str) -> usize {
    rest.find(|c: char| c.is_whitespace() || "{}()[],;#".contains(c)).unwrap_or(rest.len())
}

/// How far the words of a line go before its `{`.
fn title_length(rest: &str) -> usize {
    let line = rest.lines().next().unwrap_or("");
    line.find(['{', '#', '"']).map_or("", |end| line.get(..end).unwrap_or("")).trim_end().len()
}

/// The words of a line from a name to its `{`, in one: `the end` is `the_end`. `both` are the name and the word behind it,
/// `rest` is that word with all that follows it.
fn one_word(both: &str, rest: &str) -> Option<String> {
    let name = both.split_whitespace().next().filter(|_| both.lines().count() == 1)?;
    let words = rest.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ' ');
    let small = !rest.is_empty() && !rest.chars().any(char::is_uppercase);
    (words && small && rest.split_whitespace().count() < 3).then(|| snake_case(&format!("{name} {rest}")))
}

/// A number that is written as a word.
fn in_digits(word: &str) -> Option<String> {
    const WORDS: [&str; 15] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen",
    ];
    let lower = word.to_lowercase();
    let at = WORDS.iter().position(|known| *known == lower)?;
    Some((at + 1).to_string())
}

/// Whether words are a title and not the other half of a name.
fn is_title(words: &str) -> bool {
    words.contains(' ') || words.starts_with(char::is_uppercase)
}

/// Where a line closes a brace that was opened before it; its end where it does not.
fn outer_close(line: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in line.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    line.len()
}

/// The last `(` that nothing closes.
fn unclosed_bracket(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    let mut in_text = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => in_text = !in_text,
            '(' if !in_text => open.push(at),
            ')' if !in_text => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

/// Whether a word was meant as a name, because it has no other meaning.
fn is_name(word: &str) -> bool {
    const OTHERS: [&str; 32] = [
        "stage", "on", "to", "off", "up", "for", "as", "by", "when", "where", "until", "within", "worth",
        "with", "not", "and", "or", "is", "in", "of", "at", "clicked", "opened", "because", "then", "into",
        "per", "days", "hours", "weeks", "minutes", "else",
    ];
    let lists = [&STATEMENTS[..], &CLAUSES, &DECLARATIONS, &STEPS, &SETTINGS, &OTHERS];
    word.starts_with(|c: char| c.is_alphabetic())
        && word.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !lists.iter().any(|list| list.contains(&word))
}
