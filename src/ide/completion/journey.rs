use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::names::Names;
use super::taken::Taken;
use super::wanted::{self, Wanted, declared_by};
use super::{Analysis, Completion, CompletionKind, NameKind, begun, distinct, plain, template};
use crate::finding::{Code, Severity};
use crate::ide::Role;
use crate::ide::hover::of_word;
use crate::ide::words::{self, Word};
use crate::language::check::{EMAIL_SETTINGS, OTHER_SETTINGS};
use crate::language::syntax::{self, Ahead, Lies};
use crate::source::{SourceId, Span};
use crate::time::{Unit, Weekday};

/// What could be written in a journey file.
pub(super) fn completion(analysis: &Analysis, source: SourceId, offset: usize) -> Vec<Completion> {
    let text = &analysis.files.sources.get(source).text;
    match syntax::lies(text, offset) {
        Lies::Comment(comment) => in_comment(text, source, comment.start, offset),
        Lies::Text(quoted) => in_text(analysis, source, quoted, offset),
        Lies::Open => between_words(analysis, source, offset),
    }
}

fn between_words(analysis: &Analysis, source: SourceId, offset: usize) -> Vec<Completion> {
    let text = &analysis.files.sources.get(source).text;
    let word = begun_word(text, offset);
    // What begins with a digit is a number, or a time that is still being written.
    if text.get(word.clone()).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        return Vec::new();
    }
    let before = text.get(..word.start).unwrap_or("");
    let names = Names { analysis, replaces: Span::new(source, word.start, offset) };
    behind(before, &names, &Taken::around(analysis, source, offset))
}

/// What could go on a condition of which `begun` is written, which stands in another file.
pub(super) fn in_condition(analysis: &Analysis, begun: &str, replaces: Span) -> Vec<Completion> {
    let word = begun_word(begun, begun.len());
    let before = format!("segment condition = {}", begun.get(..word.start).unwrap_or(""));
    let start = replaces.range().start + word.start;
    let names = Names { analysis, replaces: Span::new(replaces.source, start, replaces.range().end) };
    behind(&before, &names, &Taken::nothing())
}

fn begun_word(text: &str, offset: usize) -> Range<usize> {
    begun(text, offset, |c| c.is_alphanumeric() || c == '_')
}

/// What could be written behind a text.
fn behind(before: &str, names: &Names<'_>, taken: &Taken) -> Vec<Completion> {
    let aheads = syntax::ahead(before);
    // On a line of its own something new begins; behind other words these go on first.
    let new_line = before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty());
    let mut found: Vec<(Rank, Completion)> = Vec::new();
    let value_of = aheads.iter().find(|ahead| ahead.rule == "scope").and_then(Wanted::value_of);
    if let Some(field) = value_of {
        let values = names.values_of(&field, aheads.first(), true);
        found.extend(values.into_iter().map(|value| (Rank::FIRST, value)));
    }
    // Behind `contact.` stands a name, though a slip could end there.
    let in_path = before.ends_with('.');
    let has_no_block = |ahead: &&Ahead| in_path && ahead.rule == "{";
    let can_stand = |ahead: &&Ahead| !is_unreachable(ahead) && !has_no_block(ahead);
    for ahead in aheads.iter().filter(can_stand) {
        let rank = |group, order| Rank { other: ahead.is_entry != new_line, far: far(ahead), group, order };
        let wanted = Wanted::name(ahead).map_or_else(Vec::new, |wanted| names.of(&wanted, ahead));
        let goes_on = goes_on(ahead, names, !wanted.is_empty());
        found.extend(wanted.into_iter().map(|item| (rank(group(ahead), 0), item)));
        found.extend(goes_on.into_iter().map(|(order, item)| (rank(Group::Clause, order), item)));
        let items = clauses(ahead, names, taken, new_line).into_iter();
        found.extend(items.map(|(order, item)| (rank(Group::Clause, order), item)));
    }
    found.sort_by_key(|(rank, _)| *rank);
    distinct(told_in_full(found.into_iter().map(|(_, item)| item).collect()))
}

/// Whether a statement that begins there would stand behind one that nothing goes on from.
fn is_unreachable(ahead: &Ahead) -> bool {
    let block = ahead.around.iter().rev().find(|around| !around.begins);
    let last = block.and_then(|block| block.before.last());
    ahead.is_entry && last.is_some_and(|(rule, _)| matches!(*rule, "end" | "go_to" | "stop"))
}

/// Of those that write the same, the one that says more: `enter on` rather than `enter`.
fn told_in_full(mut found: Vec<Completion>) -> Vec<Completion> {
    let mut longest: HashMap<String, usize> = HashMap::new();
    for item in &found {
        let length = longest.entry(item.insert.clone()).or_default();
        *length = item.label.len().max(*length);
    }
    found.retain(|item| longest.get(&item.insert) == Some(&item.label.len()));
    found
}

/// What is offered first: what goes on or begins as the line does, what belongs to the innermost clause, what the place
/// is there for, and clauses in the order of their table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    other: bool,
    far: Reverse<usize>,
    group: Group,
    order: usize,
}

impl Rank {
    const FIRST: Self = Self { other: false, far: Reverse(usize::MAX), group: Group::Wanted, order: 0 };
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Wanted,
    Clause,
    Possible,
}

/// How far inside of what has been begun something stands.
fn far(ahead: &Ahead) -> Reverse<usize> {
    Reverse(ahead.around.iter().filter(|around| !around.begins).count())
}

/// Whether a place is there for names, or takes them as well.
fn group(ahead: &Ahead) -> Group {
    match ahead.within().map(|around| around.rule) {
        Some("reference" | "channel" | "trigger" | "expect_message") => Group::Possible,
        _ => Group::Wanted,
    }
}

/// How a clause of the table goes on of which the first words are written. What is names alone is left to those, where
/// `named` says that there are some.
fn goes_on(ahead: &Ahead, names: &Names<'_>, named: bool) -> Vec<(usize, Completion)> {
    let is_literal = |rule: &str| matches!(rule, "text" | "moment" | "duration");
    let around = ahead.around.iter().rev().find(|around| !(around.begins && is_literal(around.rule)));
    let Some(around) = around.filter(|around| !around.begins) else { return Vec::new() };
    let declares = declared_by(around.rule).is_some();
    let rest = |word: &&'static Word| {
        let mut rest = word.snippet;
        for (_, written) in &around.before {
            let ahead = rest.trim_start();
            let filled_in = || if declares { behind_place(ahead) } else { None };
            rest = ahead.strip_prefix(written.as_str()).or_else(filled_in)?;
        }
        let parted = rest.trim_start();
        let has_block = parted.strip_suffix('}').is_some_and(|block| block.ends_with([' ', '\n']));
        if has_block && names.has_block_behind() {
            return None;
        }
        let is_told = words::behind(around.rule).any(|behind| behind.snippet == parted);
        (parted.len() < rest.len() && !parted.is_empty() && !is_told).then_some((*word, parted))
    };
    let rests = words::of(around.rule).iter().filter_map(rest);
    let says_more = |rest: &str| {
        let mut places = rest.split("${").map(|part| part.split_once('}').map_or(part, |(_, behind)| behind));
        places.any(|text| text.contains(char::is_alphabetic))
    };
    rests
        .filter(|(_, rest)| !named || says_more(rest))
        .map(|(word, rest)| {
            let snippet = names.filled(rest, word.rule, ahead);
            let written = plain(&snippet);
            let mut lines = written.lines();
            let first = lines.next().unwrap_or("").to_owned();
            let label = if lines.next().is_some() { format!("{first} … }}") } else { first };
            let item = Completion::new(CompletionKind::Word, label, names.replaces);
            (usize::MAX - 2, item.snippet(snippet).documentation(of_word(word)))
        })
        .collect()
}

/// What stands in a snippet behind the place to be filled in that it begins with, in quotes or not.
fn behind_place(snippet: &str) -> Option<&str> {
    let (place, behind) = snippet.split_once('}')?;
    match place.strip_prefix('"') {
        Some(quoted) if quoted.starts_with("${") => behind.strip_prefix('"'),
        Some(_) => None,
        None => place.starts_with("${").then_some(behind),
    }
}

/// The clauses that begin with what could stand at a place, each with its number in the table.
fn clauses(ahead: &Ahead, names: &Names<'_>, taken: &Taken, new_line: bool) -> Vec<(usize, Completion)> {
    let replaces = names.replaces;
    let told = |word: &Word, behind| (words::number(word), clause(word, behind, names, ahead));
    let entries = |rule: &str| -> Vec<(usize, Completion)> {
        let fits = |word: &&&Word| fits(word, ahead, taken) && names.has_type(word, ahead);
        let fitting = words::of(rule).iter().filter(fits);
        let own = fitting.map(|word| told(word, None));
        let behind = words::behind(rule).filter_map(|word| Some(told(word, Some(word.behind?.1))));
        own.chain(behind).collect()
    };
    let known =
        ahead.begins().find(|rule| !words::of(rule).is_empty() || words::behind(rule).next().is_some());
    if let Some(rule) = known {
        return entries(rule);
    }
    if let Some(word) = ahead.keyword() {
        return vec![(usize::MAX, Completion::new(CompletionKind::Word, word, replaces))];
    }
    if ahead.rule == "{" && !new_line {
        if names.has_block_behind() {
            return Vec::new();
        }
        let block = Completion::new(CompletionKind::Word, "{ … }", replaces).snippet("{\n  $0\n}");
        return vec![(usize::MAX, block)];
    }
    let within = ahead.within().map_or("", |around| around.rule);
    let in_quotes = match (ahead.rule, within) {
        ("plain_text", "tag" | "untag" | "has_tag") => tags(names),
        _ => Vec::new(),
    };
    let in_quotes = in_quotes.into_iter().map(|tag| {
        let insert = format!("\"{}\"", tag.insert);
        (usize::MAX - 1, tag.insert(insert))
    });
    in_quotes.chain(literals(ahead, replaces).into_iter().map(|item| (usize::MAX, item))).collect()
}

/// Values to begin with where a literal is wanted, so that nobody has to guess how one is written.
fn literals(ahead: &Ahead, replaces: Span) -> Vec<Completion> {
    let value = |text: &str| Completion::new(CompletionKind::Value, text, replaces);
    let values = |texts: &[&str]| texts.iter().map(|text| value(text)).collect();
    let within = ahead.within().map_or("", |around| around.rule);
    let in_expression = wanted::find(ahead, &["expression"]).is_some();
    match (ahead.rule, within) {
        ("=", _) => values(&["="]),
        ("weekday", _) => Weekday::ALL.iter().map(|day| value(day.word())).collect(),
        ("unit", _) => Unit::ALL.iter().skip(1).map(|unit| value(&format!("{}s", unit.word()))).collect(),
        ("digits", "duration") => values(&["1 hour", "1 day", "3 days", "7 days", "30 days"]),
        ("share", "variant") => values(&["50%"]),
        _ if in_expression => Vec::new(),
        ("share", _) => values(&["10%"]),
        ("clock_time", _) => values(&["09:00", "18:00"]),
        ("date", "moment") if wanted::find(ahead, &["at_moment", "sent_at"]).is_some() => {
            values(&["2027-03-01 10:00"])
        }
        ("date", "moment") => values(&["2027-03-01"]),
        ("digits", "every_month") => values(&["1", "15"]),
        ("number", "priority_clause") => values(&["50"]),
        ("digits", "repeat" | "cap_clause") => values(&["3"]),
        ("number", "signed_number") | ("signed_number", _) => values(&["0", "10"]),
        ("plain_text", _) => vec![value("\"…\"").snippet("\"$1\"")],
        _ => Vec::new(),
    }
}

/// Whether a clause can be meant at a place: the grammar does not know what an email is, and where an event is at hand.
fn fits(word: &Word, ahead: &Ahead, taken: &Taken) -> bool {
    let is_in = |rules: &[&str]| wanted::find(ahead, rules).is_some();
    match (word.rule, word.label) {
        ("message_setting", label) => {
            let message = wanted::find(ahead, &["message_declaration"]);
            let email = message.is_some_and(|message| message.before.iter().any(|(_, text)| text == "email"));
            let texts_only = is_in(&["message_language"]) && matches!(label, "topic" | "from");
            let known: &[&str] = if email { &EMAIL_SETTINGS } else { &OTHER_SETTINGS };
            let stands_there = taken.has(label) && !is_in(&["message_language"]);
            known.contains(&label) && !texts_only && !stands_there
        }
        (rule, label) if rule.ends_with("_clause") || rule.ends_with("_declaration") => !taken.has(label),
        ("stop", _) => is_in(&["repeat"]),
        ("field", "contact") => true,
        ("field", _) if is_in(&["set", "clear", "do_set", "expect_contact"]) && assigns(ahead) => false,
        ("field", "entry") | ("reaction_of", _) => is_in(&["journey_declaration"]),
        ("field", "event") => {
            is_in(&["enter_on", "goal_clause", "leave_on", "aggregate", "on_branch", "pick"])
        }
        ("field", "reply") => is_in(&["on_branch"]),
        _ => true,
    }
}

/// Whether the place is the field that a statement changes, and no value.
fn assigns(ahead: &Ahead) -> bool {
    !ahead.around.iter().any(|around| around.rule == "expression")
}

/// A clause of the table, behind the words that stand before it, with the names that could be meant in it.
pub(super) fn clause(word: &Word, behind: Option<&str>, names: &Names<'_>, ahead: &Ahead) -> Completion {
    let whole = |text: &str| {
        behind.map_or_else(|| text.to_owned(), |words| format!("{words} {text}").trim_start().to_owned())
    };
    let snippet =
        names.comparison(word, ahead).unwrap_or_else(|| names.filled(word.snippet, word.rule, ahead));
    Completion::new(CompletionKind::Word, whole(word.label), names.replaces)
        .snippet(whole(&snippet))
        .documentation(of_word(word))
}

/// Codes of findings in a comment that silences them.
fn in_comment(text: &str, source: SourceId, start: usize, offset: usize) -> Vec<Completion> {
    let before = text.get(start..offset).unwrap_or("");
    let silences = before.trim_start_matches('#').trim_start();
    let Some(codes) = silences.strip_prefix("allow ").filter(|codes| !codes.contains(':')) else {
        let word = begun(text, offset, char::is_alphanumeric);
        let begins = before.get(..before.len() - word.len()).is_some_and(|before| before.trim_end() == "#");
        let allow = Completion::new(CompletionKind::Word, "allow", Span::new(source, word.start, offset))
            .detail("silence a warning of the next line")
            .snippet("allow ${1:W601}: ${2:why}");
        return if begins { vec![allow] } else { Vec::new() };
    };
    let begun = codes.rsplit([',', ' ']).next().unwrap_or("");
    let replaces = Span::new(source, offset - begun.len(), offset);
    let warnings = Code::ALL.iter().filter(|code| code.severity() == Severity::Warning);
    warnings
        .map(|code| Completion::new(CompletionKind::Value, code.name(), replaces).detail(code.title()))
        .collect()
}

/// What could stand in quotes.
fn in_text(analysis: &Analysis, source: SourceId, quoted: Range<usize>, offset: usize) -> Vec<Completion> {
    let text = &analysis.files.sources.get(source).text;
    let quotes = if text.get(quoted.clone()).is_some_and(|text| text.starts_with("\"\"\"")) { 3 } else { 1 };
    let inside = quoted.start + quotes;
    let aheads = syntax::ahead(text.get(..quoted.start).unwrap_or(""));
    let Some(ahead) = aheads.iter().find(|ahead| matches!(ahead.rule, "plain_text" | "unquoted_text")) else {
        return Vec::new();
    };
    let names = Names { analysis, replaces: Span::new(source, inside, offset) };
    let of = |rule: &str| ahead.around.iter().rev().take(2).any(|around| around.rule == rule);
    let setting = wanted::find(ahead, &["message_setting"]).and_then(|setting| setting.before.first());
    match setting.map(|(_, key)| key.as_str()) {
        Some("template") => return names.files(),
        Some(_) => {
            let message = wanted::find(ahead, &["message_declaration"]);
            let name = message.and_then(|message| wanted::texts(message, &["name"]).next());
            return template::in_quotes(analysis, name, source, inside, offset);
        }
        None => {}
    }
    if of("alert") {
        return template::in_quotes(analysis, None, source, inside, offset);
    }
    if of("tag") || of("untag") || of("has_tag") {
        return tags(&names);
    }
    if of("timezone_clause") {
        return names.zones();
    }
    if let Some(clicked) =
        wanted::find(ahead, &["reaction", "reaction_of", "do_click"]).filter(|_| !of("expression"))
    {
        let message = wanted::texts(clicked, &["name"]).next().unwrap_or("");
        return names.links(message);
    }
    match Wanted::value_of(ahead) {
        Some(field) => names.values_of(&field, Some(ahead), false),
        None => Vec::new(),
    }
}

/// The tags that journeys put on contacts and ask about.
fn tags(names: &Names<'_>) -> Vec<Completion> {
    let tags = names.analysis.occurrences.iter().filter(|name| name.kind == NameKind::Tag);
    let others: BTreeSet<&str> =
        tags.filter(|name| !names.is_here(name.span)).map(|name| name.name.as_str()).collect();
    let item = |tag| Completion::new(CompletionKind::Name(NameKind::Tag), tag, names.replaces);
    others.into_iter().map(item).collect()
}

/// The names of a kind that are declared, of the workspace or inside of what they belong to.
pub(super) fn declared<'a, 'o>(
    analysis: &'a Analysis,
    kind: NameKind,
    owner: Option<&'o str>,
) -> impl Iterator<Item = &'a str> + use<'a, 'o> {
    let declared = analysis.occurrences.iter().filter(move |name| {
        name.kind == kind && name.role == Role::Declaration && name.owner.as_deref() == owner
    });
    declared.map(|name| name.name.as_str())
}
