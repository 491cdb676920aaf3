use std::collections::BTreeSet;
use std::ops::Range;

use super::names::Names;
use super::wanted::{self, Wanted};
use super::{Analysis, Completion, CompletionKind, NameKind, begun, distinct, template};
use crate::finding::{Code, Severity};
use crate::ide::Role;
use crate::ide::hover::of_word;
use crate::ide::words::{self, Word};
use crate::language::check::{EMAIL_SETTINGS, OTHER_SETTINGS};
use crate::language::model::StatementKind;
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
    let word = begun(text, offset, |c| c.is_alphanumeric() || c == '_');
    // What begins with a digit is a number, or a time that is still being written.
    if text.get(word.clone()).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        return Vec::new();
    }
    let before = text.get(..word.start).unwrap_or("");
    let replaces = Span::new(source, word.start, offset);
    let names = Names { analysis, replaces };
    let aheads = syntax::ahead(before);
    // On a line of its own something new begins; behind other words these go on first.
    let new_line = before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty());
    let mut found: Vec<(Rank, Completion)> = Vec::new();
    let value_of = aheads.iter().find(|ahead| ahead.rule == "scope").and_then(Wanted::value_of);
    if let Some(field) = value_of {
        let values = names.values_of(&field, aheads.first(), true);
        found.extend(values.into_iter().map(|value| ((false, Group::Wanted, 0), value)));
    }
    for ahead in &aheads {
        let other = ahead.is_entry != new_line;
        if let Some(wanted) = Wanted::name(ahead) {
            let items = names.of(&wanted, ahead).into_iter();
            found.extend(items.map(|item| ((other, group(ahead), 0), item)));
        }
        let items = clauses(ahead, replaces, new_line).into_iter();
        found.extend(items.map(|(order, item)| ((other, Group::Clause, order), item)));
    }
    found.sort_by_key(|(rank, _)| *rank);
    distinct(found.into_iter().map(|(_, item)| item).collect())
}

/// What is offered first: what goes on or begins as the line does, what the place is there for, and clauses in the
/// order of their table.
type Rank = (bool, Group, usize);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Wanted,
    Clause,
    Possible,
}

/// Whether a place is there for names, or takes them as well.
fn group(ahead: &Ahead) -> Group {
    match ahead.within().map(|around| around.rule) {
        Some("reference" | "channel" | "trigger" | "expect_message") => Group::Possible,
        _ => Group::Wanted,
    }
}

/// The clauses that begin with what could stand at a place, each with its number in the table.
fn clauses(ahead: &Ahead, replaces: Span, new_line: bool) -> Vec<(usize, Completion)> {
    let entries = |rule: &str| -> Vec<(usize, Completion)> {
        let fitting = words::of(rule).iter().filter(|word| fits(word, ahead));
        let own = fitting.map(|word| (words::number(word), clause(word, None, replaces)));
        let behind = words::behind(rule)
            .filter_map(|word| Some((words::number(word), clause(word, Some(word.behind?.1), replaces))));
        own.chain(behind).collect()
    };
    if let Some(found) = ahead.begins().map(entries).find(|found| !found.is_empty()) {
        return found;
    }
    let within = ahead.within().map_or("", |around| around.rule);
    let value = |text: &str| (usize::MAX, Completion::new(CompletionKind::Value, text, replaces));
    if let Some(word) = ahead.keyword() {
        return vec![(usize::MAX, Completion::new(CompletionKind::Word, word, replaces))];
    }
    match ahead.rule {
        "{" if !new_line => {
            let block = Completion::new(CompletionKind::Word, "{ … }", replaces).snippet("{\n  $0\n}");
            vec![(usize::MAX, block)]
        }
        "=" => vec![value("=")],
        "weekday" => Weekday::ALL.iter().map(|day| value(day.word())).collect(),
        "unit" => Unit::ALL.iter().skip(1).map(|unit| value(&format!("{}s", unit.word()))).collect(),
        "digits" if within == "duration" => {
            ["1 hour", "1 day", "3 days", "7 days", "30 days"].map(value).to_vec()
        }
        "share" if within == "variant" => vec![value("50%")],
        "share" if within != "expression" => vec![value("10%")],
        _ => Vec::new(),
    }
}

/// Whether a clause can be meant at a place: the grammar does not know what an email is, and where an event is at hand.
fn fits(word: &Word, ahead: &Ahead) -> bool {
    let is_in = |rules: &[&str]| wanted::find(ahead, rules).is_some();
    match (word.rule, word.label) {
        ("message_setting", label) => {
            let message = wanted::find(ahead, &["message_declaration"]);
            let email = message.is_some_and(|message| message.before.iter().any(|(_, text)| text == "email"));
            let texts_only = is_in(&["message_language"]) && matches!(label, "topic" | "from");
            let known: &[&str] = if email { &EMAIL_SETTINGS } else { &OTHER_SETTINGS };
            known.contains(&label) && !texts_only
        }
        ("field", "contact.") => true,
        ("field", _) if is_in(&["set", "clear", "do_set", "expect_contact"]) && assigns(ahead) => false,
        ("field", "entry.") | ("reaction_of", _) => is_in(&["journey_declaration"]),
        ("field", "event.") => {
            is_in(&["enter_on", "goal_clause", "leave_on", "aggregate", "on_branch", "pick"])
        }
        ("field", "reply.") => is_in(&["on_branch"]),
        _ => true,
    }
}

/// Whether the place is the field that a statement changes, and no value.
fn assigns(ahead: &Ahead) -> bool {
    !ahead.around.iter().any(|around| around.rule == "expression")
}

/// A clause of the table, behind the words that stand before it.
pub(super) fn clause(word: &Word, behind: Option<&str>, replaces: Span) -> Completion {
    let whole = |text: &str| {
        behind.map_or_else(|| text.to_owned(), |words| format!("{words} {text}").trim_start().to_owned())
    };
    Completion::new(CompletionKind::Word, whole(word.label), replaces)
        .snippet(whole(word.snippet))
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
        return tags(analysis, names.replaces);
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

/// The tags that journeys put on contacts.
fn tags(analysis: &Analysis, replaces: Span) -> Vec<Completion> {
    let mut tags = BTreeSet::new();
    for journey in &analysis.checked.model.journeys {
        journey.each_statement(&mut |_, statement| {
            if let StatementKind::Tag(tag) | StatementKind::Untag(tag) = &statement.kind {
                tags.insert(tag.clone());
            }
        });
    }
    // The one that is being written is still empty.
    tags.remove("");
    tags.into_iter().map(|tag| Completion::new(CompletionKind::Value, tag, replaces)).collect()
}

/// The names of a kind that are declared, of the workspace or inside of what they belong to.
pub(super) fn declared<'a>(
    analysis: &'a Analysis,
    kind: NameKind,
    owner: Option<&'a str>,
) -> impl Iterator<Item = &'a str> {
    let declared = analysis.occurrences.iter().filter(move |name| {
        name.kind == kind && name.role == Role::Declaration && name.owner.as_deref() == owner
    });
    declared.map(|name| name.name.as_str())
}
