//! The words and signs of a file that gives no finding, each with what a formatter has to know about it.
//!
//! In comes text; out go [`Token`]s in the order of the text, comments among them. Commas are left out, and so are
//! brackets around what holds together without them: both follow from the marks of the tokens around them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use pest::iterators::Pair;

use super::canonical::canonical;
use super::node::{Grammar, Rule};
use super::parenthesis;

/// A word, a literal, a sign or a comment.
#[derive(Clone, Debug)]
pub struct Token<'t> {
    /// As it is written best: `09:00` for `9:00`.
    pub text: Cow<'t, str>,
    /// What it does to the layout.
    pub kind: TokenKind,
    /// What begins with it, where it is the first of an entry of a block or of the file.
    pub entry: Option<Entry>,
    /// What stands between it and the token before: nothing, the end of a line, an empty line.
    pub lines: u8,
    /// Whether it stands close to the token before.
    pub close: bool,
    /// Whether a comma stands before it.
    pub comma: bool,
    /// Where a line that is too long may be broken before it: the lowest first, see [`FILL`].
    pub rank: Option<u8>,
}

/// The [`Token::rank`] of the entries of a list: a line is broken only before those that do not fit on it.
pub const FILL: u8 = 9;
/// What brackets add to the rank of what is inside, so that lines are broken outside of them first.
const BRACKET: u8 = 10;

/// What a token does to the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// It stands in its line.
    Word,
    /// A `#` and the line behind it.
    Comment,
    /// The `{` of a block.
    Open(BlockKind),
    /// A `}`.
    Close,
}

/// What stands in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// The declarations of a file.
    File,
    /// `name value` of `with { … }` and its like.
    Pairs,
    /// The fields of a contact or an event.
    Fields,
    /// The settings of a message or a survey.
    Settings,
    /// The clauses and stages of a journey, the rules of the policy.
    Clauses,
    /// The statements of a stage.
    Stage,
    /// The statements of any other block.
    Statements,
    /// The branches of a wait, the variants of an experiment.
    Branches,
    /// The messages of `send first of { … }`.
    Choices,
    /// The lines of a test.
    Steps,
}

/// What an entry of a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A word, or that many of them, and what stands behind in a column of its own.
    Keyed(usize),
    /// A stage.
    Stage,
    /// Anything else.
    Plain,
}

/// The tokens of a text; it is one of which [`parse`](super::parse) finds nothing to say. Brackets that are not
/// needed are left out unless `all_brackets`.
pub fn tokens(text: &str, all_brackets: bool) -> Vec<Token<'_>> {
    let mut walk = Walk { text, at: 0, tokens: Vec::new(), marks: Marks::default() };
    if let Some(file) = Grammar::file(text) {
        walk.container(file, BlockKind::File);
    }
    walk.signs(text.len());
    if all_brackets {
        walk.marks.unneeded.clear();
    }
    finish(walk.tokens, &walk.marks)
}

/// What is known of places before their tokens are there, by where they begin.
#[derive(Default)]
struct Marks {
    entries: BTreeMap<usize, Entry>,
    ranks: BTreeMap<usize, u8>,
    commas: BTreeSet<usize>,
    /// Expressions whose brackets are not needed.
    unneeded: BTreeSet<usize>,
    /// Each `at` between a date and its time.
    ats: BTreeSet<usize>,
}

/// A token with what is forgotten in the end.
struct Raw<'t> {
    token: Token<'t>,
    start: usize,
    rule: Option<Rule>,
}

struct Walk<'t> {
    text: &'t str,
    /// The end of what has become tokens.
    at: usize,
    tokens: Vec<Raw<'t>>,
    marks: Marks,
}

impl<'t> Walk<'t> {
    /// A rule whose children behind its `{` are entries.
    fn container(&mut self, pair: Pair<'t, Rule>, kind: BlockKind) {
        let mut inside = kind == BlockKind::File;
        for child in pair.into_inner() {
            let (start, rule) = (child.as_span().start(), child.as_rule());
            let before = self.tokens.len();
            self.signs(start);
            let signs = self.tokens.get_mut(before..).unwrap_or_default();
            if let Some(open) = signs.iter_mut().find(|sign| !inside && sign.token.text == "{") {
                open.token.kind = TokenKind::Open(kind);
                inside = true;
            }
            if rule == Rule::close {
                inside = false;
            } else if inside {
                self.marks.entries.insert(start, entry(kind, rule));
            }
            self.node(child);
        }
    }

    fn node(&mut self, pair: Pair<'t, Rule>) {
        let (start, rule) = (pair.as_span().start(), pair.as_rule());
        if let Some(rank) = rank(rule) {
            self.marks.ranks.insert(start, rank);
        }
        if let Some(kind) = block(rule) {
            return self.container(pair, kind);
        }
        match rule {
            Rule::expression => parenthesis::unneeded(&pair, &mut self.marks.unneeded),
            Rule::until_expression => self.marks.ats.extend(superfluous_at(&pair)),
            _ => {}
        }
        let mut children = pair.clone().into_inner().peekable();
        if children.peek().is_none() && rule != Rule::list {
            return self.word(&pair);
        }
        let mut first = true;
        for child in children {
            let start = child.as_span().start();
            let parted = match rule {
                Rule::list => !first,
                Rule::reaction_of => child.as_rule() == Rule::text,
                _ => false,
            };
            if parted {
                self.marks.commas.insert(start);
            }
            if rule == Rule::list {
                self.marks.ranks.insert(start, FILL);
            }
            first = false;
            self.node(child);
        }
    }

    fn word(&mut self, pair: &Pair<'t, Rule>) {
        self.signs(pair.as_span().start());
        let (text, rule) = (pair.as_str(), pair.as_rule());
        if text.is_empty() {
            return;
        }
        let words = self.tokens.iter().rev().filter(|raw| raw.token.kind != TokenKind::Comment);
        let before = words.into_iter().find(|raw| raw.rule != Some(Rule::k_business));
        let count = before.filter(|raw| raw.rule == Some(Rule::digits)).map(|raw| raw.token.text.as_ref());
        let text = canonical(rule, text, count);
        let kind = if rule == Rule::close { TokenKind::Close } else { TokenKind::Word };
        self.push(pair.as_span().start(), pair.as_span().end(), text, kind, Some(rule));
    }

    /// The signs and comments from the last token up to a place.
    fn signs(&mut self, end: usize) {
        let mut at = self.at;
        while let Some(c) = self.text.get(at..end).and_then(|rest| rest.chars().next()) {
            let start = at;
            at += c.len_utf8();
            if c == '#' {
                let rest = self.text.get(start..).unwrap_or("");
                let comment = rest.lines().next().unwrap_or("").trim_end();
                at = start + rest.find('\n').unwrap_or(rest.len());
                self.push(start, at, Cow::Borrowed(comment), TokenKind::Comment, None);
            } else if c.is_ascii_punctuation() && c != ',' {
                let sign = self.text.get(start..at).unwrap_or("");
                let kind = if c == '}' { TokenKind::Close } else { TokenKind::Word };
                self.push(start, at, Cow::Borrowed(sign), kind, None);
            }
        }
    }

    fn push(&mut self, start: usize, end: usize, text: Cow<'t, str>, kind: TokenKind, rule: Option<Rule>) {
        let mut between = self.text.get(self.at..start).unwrap_or("").split('\n');
        between.next();
        let lines = match between.next_back() {
            None => 0,
            // Behind a comma that is left out a line may end that is not empty.
            Some(_) if between.any(|line| line.trim().is_empty()) => 2,
            Some(_) => 1,
        };
        let token = Token { text, kind, entry: None, lines, close: false, comma: false, rank: None };
        self.tokens.push(Raw { token, start, rule });
        self.at = end;
    }
}

/// Puts the marks on the tokens, and leaves brackets out that are not needed.
fn finish<'t>(raws: Vec<Raw<'t>>, marks: &Marks) -> Vec<Token<'t>> {
    let dropped = brackets(&raws, marks);
    let mut tokens: Vec<Token<'t>> = Vec::with_capacity(raws.len());
    let mut before: Option<(Option<Rule>, Cow<'t, str>)> = None;
    let mut depth = 0_u8;
    let mut lines = 0;
    // What begins with a bracket that is left out begins behind it.
    let (mut entry, mut rank, mut comma) = (None, None, false);
    for (index, Raw { mut token, start, rule }) in raws.into_iter().enumerate() {
        lines = token.lines.max(lines);
        let own = marks.ranks.get(&start).map(|rank| rank + depth * BRACKET);
        rank = [rank, own].into_iter().flatten().min();
        entry = entry.or(marks.entries.get(&start).copied());
        comma |= marks.commas.contains(&start);
        if dropped.contains(&index) {
            continue;
        }
        token.lines = std::mem::take(&mut lines);
        if token.kind != TokenKind::Comment {
            token.entry = entry.take();
            token.rank = rank.take();
            token.comma = std::mem::take(&mut comma);
            token.close = before.as_ref().is_some_and(|(rule, text)| close(*rule, text, &token.text));
            match token.text.as_ref() {
                "(" | "[" => depth = depth.saturating_add(1).min(u8::MAX / BRACKET - 1),
                ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            before = Some((rule, token.text.clone()));
        }
        tokens.push(token);
    }
    tokens
}

/// Which tokens are brackets that are not needed.
fn brackets(raws: &[Raw<'_>], marks: &Marks) -> BTreeSet<usize> {
    let mut dropped = BTreeSet::new();
    let mut open = Vec::new();
    let words = raws.iter().enumerate().filter(|(_, raw)| raw.token.kind != TokenKind::Comment);
    let mut words = words.peekable();
    let mut before = None;
    while let Some((index, raw)) = words.next() {
        match raw.token.text.as_ref() {
            "(" => {
                let (inner, next) =
                    words.peek().map_or((raw.start, ""), |(_, next)| (next.start, next.token.text.as_ref()));
                let empty = next == ")" && matches!(before, Some(Rule::k_today | Rule::k_now));
                let unneeded = empty || marks.unneeded.contains(&inner);
                open.push((index, unneeded));
            }
            ")" => {
                if let Some((start, true)) = open.pop() {
                    dropped.extend([start, index]);
                }
            }
            "at" if marks.ats.contains(&raw.start) => dropped.extend([index]),
            _ => {}
        }
        before = raw.rule;
    }
    dropped
}

/// Where the `at` of `2027-03-01 at 09:00` stands, which says no more than `2027-03-01 09:00`.
fn superfluous_at(until: &Pair<'_, Rule>) -> Option<usize> {
    let mut parts = until.clone().into_inner();
    let (value, at) = (parts.next()?, parts.next()?);
    let mut value = value.into_inner();
    let date = value.next().filter(|first| first.as_rule() == Rule::moment && value.next().is_none())?;
    (at.as_rule() == Rule::at_time && date.into_inner().count() == 1).then(|| at.as_span().start())
}

/// Whether no blank stands between two tokens.
fn close(rule: Option<Rule>, before: &str, text: &str) -> bool {
    let function = matches!(rule, Some(Rule::aggregate_kind | Rule::reaction_kind)) && text == "(";
    let sign = rule == Some(Rule::negate);
    function || sign || matches!(before, "(" | "[" | ".") || matches!(text, ")" | "]" | ".")
}

/// Whether a rule brings a block.
pub(super) fn is_block(rule: Rule) -> bool {
    block(rule).is_some()
}

/// What stands in the block that a rule brings.
fn block(rule: Rule) -> Option<BlockKind> {
    Some(match rule {
        Rule::pairs | Rule::test_contact => BlockKind::Pairs,
        Rule::fields => BlockKind::Fields,
        Rule::message_body | Rule::survey_declaration => BlockKind::Settings,
        Rule::journey_declaration | Rule::policy_declaration => BlockKind::Clauses,
        Rule::stage_body => BlockKind::Stage,
        Rule::block | Rule::if_block | Rule::branch_block => BlockKind::Statements,
        Rule::wait_block | Rule::experiment => BlockKind::Branches,
        Rule::send_choice => BlockKind::Choices,
        Rule::test_declaration => BlockKind::Steps,
        _ => return None,
    })
}

/// What a child of a block is as an entry.
fn entry(kind: BlockKind, rule: Rule) -> Entry {
    match (kind, rule) {
        (_, Rule::stage) => Entry::Stage,
        (_, Rule::on_change_clause | Rule::message_language) => Entry::Keyed(2),
        (BlockKind::Pairs | BlockKind::Fields | BlockKind::Settings | BlockKind::Clauses, _) => {
            Entry::Keyed(1)
        }
        _ => Entry::Plain,
    }
}

/// Where a line may be broken before what a rule brings.
fn rank(rule: Rule) -> Option<u8> {
    Some(match rule {
        Rule::where_part
        | Rule::k_where
        | Rule::within
        | Rule::worth
        | Rule::per
        | Rule::into
        | Rule::with
        | Rule::best_time
        | Rule::and_wait
        | Rule::one_of
        | Rule::default => 1,
        Rule::or => 2,
        Rule::and => 3,
        Rule::equal
        | Rule::not_equal
        | Rule::less
        | Rule::less_equal
        | Rule::greater
        | Rule::greater_equal
        | Rule::contains
        | Rule::starts_with
        | Rule::ends_with => 4,
        Rule::plus | Rule::minus => 5,
        Rule::times | Rule::divided_by => 6,
        _ => return None,
    })
}
