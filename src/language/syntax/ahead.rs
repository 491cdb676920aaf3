//! What could stand at a place of a text that is being written.
//!
//! The parser tells only which rules failed where a text breaks. What leads an author has to know more: inside which
//! clause that is and what stands in it already. So the text up to the place is read once more, by the same grammar,
//! and whatever is tried where it ends is noted with the rules around it. What stands above and is whole is left out
//! before, so that this takes as long as one clause is.

mod cut;

use std::ops::Range;

use super::rules::{Definition, Kind, Part, RULES, Rules};
use super::scan;
use cut::{innermost, mended};

/// Something that the grammar could take at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// The rule of the word or literal, such as `k_until` or `name`; the sign itself where it is one, such as `{`.
    pub rule: &'static str,
    /// The rules around, the innermost last.
    pub around: Vec<Around>,
    /// Whether it begins an entry of a block or of the file, rather than going on one.
    pub is_entry: bool,
}

/// A rule around a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// Its name in the grammar.
    pub rule: &'static str,
    /// Whether it begins at the place.
    pub begins: bool,
    /// What of it stands before the place: rules and their texts.
    pub before: Vec<(&'static str, String)>,
}

impl Ahead {
    /// The keyword, where it is one.
    pub fn keyword(&self) -> Option<&'static str> {
        self.rule.strip_prefix("k_")
    }

    /// The rule right around.
    pub fn within(&self) -> Option<&Around> {
        self.around.last()
    }

    /// The rules that begin at the place, the outermost first, with the word or literal itself.
    pub fn begins(&self) -> impl Iterator<Item = &'static str> {
        let open = self.around.iter().rposition(|around| !around.begins);
        let begun = self.around.iter().skip(open.map_or(0, |open| open + 1));
        begun.map(|around| around.rule).chain([self.rule])
    }
}

/// Where a place lies, as far as single characters tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lies {
    /// Between words.
    Open,
    /// In the comment of that range.
    Comment(Range<usize>),
    /// In the text in quotes of that range, the quotes with it.
    Text(Range<usize>),
}

/// Where a place lies.
pub fn lies(text: &str, offset: usize) -> Lies {
    let scan = scan::scan(text);
    let inside = |range: &Range<usize>| {
        let written = text.get(range.clone()).unwrap_or("");
        let quotes = if written.starts_with("\"\"\"") { 3 } else { 1 };
        let closed =
            written.len() >= 2 * quotes && written.get(quotes..).is_some_and(|rest| rest.ends_with('"'));
        let end = if closed { range.end - quotes } else { range.end };
        range.start + quotes <= offset && offset <= end
    };
    if let Some(comment) = scan.comments.iter().find(|range| range.start < offset && offset <= range.end) {
        return Lies::Comment(comment.clone());
    }
    match scan.texts.iter().find(|range| inside(range)) {
        Some(range) => Lies::Text(range.clone()),
        None => Lies::Open,
    }
}

/// Whether the grammar has a rule of that name.
pub fn has_rule(name: &str) -> bool {
    RULES.all.iter().any(|rule| rule.name == name)
}

/// What the grammar could take at the end of a text, which is the beginning of a file. Nothing where more brackets
/// are open than can be read.
pub fn ahead(text: &str) -> Vec<Ahead> {
    if scan::scan(text).too_deep.is_some() {
        return Vec::new();
    }
    let text = innermost(text);
    let found = walk(&text);
    let found = match mended(&text).filter(|_| found.is_empty()) {
        Some(mended) => walk(&mended),
        None => found,
    };
    words_of_the_language(found)
}

/// What is left where the last word is one of the language in one reading and a name in another: behind `if allows` a
/// topic is wanted, though a measure could be called so.
fn words_of_the_language(mut found: Vec<Ahead>) -> Vec<Ahead> {
    let last = |ahead: &Ahead| -> Option<(&'static str, String)> {
        ahead.around.iter().rev().find(|around| !around.begins)?.before.last().cloned()
    };
    let is_name = |rule: &str| matches!(rule, "name" | "word" | "reference" | "trigger");
    let words: Vec<String> = found
        .iter()
        .filter_map(last)
        .filter(|(rule, _)| rule.starts_with("k_") || matches!(*rule, "reaction_kind" | "aggregate_kind"))
        .map(|(_, text)| text)
        .collect();
    found.retain(|ahead| last(ahead).is_none_or(|(rule, text)| !(is_name(rule) && words.contains(&text))));
    found
}

fn walk(text: &str) -> Vec<Ahead> {
    let mut walk = Walk::new(text);
    walk.rule(RULES.file);
    walk.found
}

/// How many rules are tried before the search is given up.
const STEPS_MAX: usize = 400_000;

/// Reads a text by the grammar, as the parser does, and notes what is tried at its end.
struct Walk<'t> {
    rules: &'static Rules,
    text: &'t str,
    /// The end of what is not blank.
    written: usize,
    at: usize,
    frames: Vec<Frame>,
    /// Whether blanks mean something.
    close: bool,
    /// How many lookaheads are open, and how many of them ask for what must not come.
    looking: usize,
    forbidding: usize,
    /// Where the innermost of those began, and the end of the last word that fitted in it.
    forbidden_from: usize,
    forbidden_word: usize,
    /// Whether the grammar has taken the end of the text for the end of the file.
    ended: bool,
    /// The end of the last text that could not be read.
    broken: Option<usize>,
    steps: usize,
    found: Vec<Ahead>,
}

/// A rule that is being read.
struct Frame {
    rule: usize,
    start: usize,
    before: Vec<(usize, Range<usize>)>,
}

/// What is taken back when a part does not fit.
struct Mark {
    at: usize,
    before: usize,
    ended: bool,
    broken: Option<usize>,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            rules: &RULES,
            text,
            written: text.trim_end().len(),
            at: 0,
            frames: Vec::new(),
            close: false,
            looking: 0,
            forbidding: 0,
            forbidden_from: 0,
            forbidden_word: 0,
            ended: false,
            broken: None,
            steps: 0,
            found: Vec::new(),
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn mark(&self) -> Mark {
        let before = self.frames.last().map_or(0, |frame| frame.before.len());
        Mark { at: self.at, before, ended: self.ended, broken: self.broken }
    }

    fn back(&mut self, mark: &Mark) {
        self.at = mark.at;
        self.ended = mark.ended;
        self.broken = mark.broken;
        if let Some(frame) = self.frames.last_mut() {
            frame.before.truncate(mark.before);
        }
    }

    fn rule(&mut self, index: usize) -> bool {
        let rules = self.rules;
        self.steps += 1;
        let Some(rule) = rules.all.get(index).filter(|_| self.steps < STEPS_MAX) else { return false };
        match rule.kind {
            Kind::Silent => self.part(&rule.body),
            Kind::Word => self.word(index, rule),
            Kind::Plain => self.framed(index, rule, self.close),
            Kind::Close => self.framed(index, rule, true),
            Kind::Loose => self.framed(index, rule, false),
        }
    }

    /// A word or literal: noted where the text ends, for what is inside it has no meaning of its own.
    fn word(&mut self, index: usize, rule: &'static Definition) -> bool {
        if self.at_end() {
            self.note(&rule.name);
            // What begins the next thing and is not whole yet does begin it: `expect` is no message of `expect no email`.
            // Of a literal that is still to come that cannot be said.
            let is_word = rule.name.starts_with("k_") || matches!(rule.name.as_str(), "name" | "word");
            return is_word
                && self.forbidding > 0
                && self.forbidden_from < self.forbidden_word
                && self.forbidden_word == self.written;
        }
        let start = self.at;
        let (frames, close) = (std::mem::take(&mut self.frames), std::mem::replace(&mut self.close, true));
        self.looking += 1;
        let fits = self.part(&rule.body);
        self.looking -= 1;
        self.frames = frames;
        self.close = close;
        if fits {
            self.took(index, start);
            self.forbidden_word = if self.forbidding > 0 { self.at } else { self.forbidden_word };
        }
        fits
    }

    fn framed(&mut self, index: usize, rule: &'static Definition, close: bool) -> bool {
        let start = self.at;
        let outer = std::mem::replace(&mut self.close, close);
        self.frames.push(Frame { rule: index, start, before: Vec::new() });
        let fits = self.part(&rule.body);
        self.frames.pop();
        self.close = outer;
        if fits {
            self.took(index, start);
            if rule.name.starts_with("broken_") {
                let length = self.text.get(start..self.at).map_or(0, |text| text.trim_end().len());
                self.broken = Some(start + length);
            }
        }
        fits
    }

    fn took(&mut self, index: usize, start: usize) {
        let range = start..self.at;
        if let Some(frame) = self.frames.last_mut() {
            frame.before.push((index, range));
        }
    }

    fn part(&mut self, part: &'static Part) -> bool {
        match part {
            Part::Text(text) => self.text_here(text),
            Part::AnyCase(text) => {
                let here = self.rest().get(..text.len()).is_some_and(|here| here.eq_ignore_ascii_case(text));
                if here {
                    self.at += text.len();
                }
                here
            }
            Part::Range(from, to) => self.letter(|c| (*from..=*to).contains(&c)),
            Part::Any => self.letter(|_| true),
            Part::Start => self.at == 0,
            Part::End => {
                self.ended |= self.at_end() && self.forbidding == 0;
                self.at_end()
            }
            Part::Rule(index) => self.rule(*index),
            Part::Ahead(part) => self.lookahead(part, false),
            Part::NotAhead(part) => !self.lookahead(part, true),
            Part::Sequence(parts) => self.sequence(parts),
            Part::Choice(parts) => {
                let mark = self.mark();
                parts.iter().any(|part| {
                    let fits = self.part(part);
                    if !fits {
                        self.back(&mark);
                    }
                    fits
                })
            }
            Part::Repeat(part, least, most) => self.repeat(part, *least, *most),
            Part::Never => false,
        }
    }

    fn text_here(&mut self, text: &'static str) -> bool {
        if self.at_end() {
            self.note(text);
        }
        let here = self.rest().starts_with(text);
        if here {
            self.at += text.len();
        }
        here
    }

    fn letter(&mut self, fits: impl Fn(char) -> bool) -> bool {
        let letter = self.rest().chars().next().filter(|c| fits(*c));
        self.at += letter.map_or(0, char::len_utf8);
        letter.is_some()
    }

    fn sequence(&mut self, parts: &'static [Part]) -> bool {
        let mark = self.mark();
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.blanks();
            }
            if !self.part(part) {
                self.back(&mark);
                return false;
            }
        }
        true
    }

    fn repeat(&mut self, part: &'static Part, least: usize, most: usize) -> bool {
        let start = self.mark();
        let mut times = 0;
        while times < most {
            let mark = self.mark();
            if times > 0 {
                self.blanks();
            }
            let fits = self.part(part);
            if !fits || (self.at == mark.at && times >= least) {
                self.back(&mark);
                break;
            }
            times += 1;
        }
        if times < least {
            self.back(&start);
        }
        times >= least
    }

    fn lookahead(&mut self, part: &'static Part, forbidding: bool) -> bool {
        // The letter that a name begins with is still to come.
        if !forbidding && self.at_end() && self.forbidding == 0 && matches!(part, Part::Range(..)) {
            return true;
        }
        let mark = self.mark();
        let from = self.forbidden_from;
        self.forbidden_from = if forbidding { self.at } else { from };
        self.looking += 1;
        self.forbidding += usize::from(forbidding);
        let fits = self.part(part);
        self.forbidden_from = from;
        self.looking -= 1;
        self.forbidding -= usize::from(forbidding);
        let ended = self.ended;
        self.back(&mark);
        self.ended |= ended && fits;
        fits
    }

    fn blanks(&mut self) {
        if self.close {
            return;
        }
        let frames = std::mem::take(&mut self.frames);
        self.looking += 1;
        self.close = true;
        while self.rule(self.rules.whitespace) || self.rule(self.rules.comment) {}
        self.close = false;
        self.looking -= 1;
        self.frames = frames;
    }

    /// Notes that the grammar would take something at the end of the text. What is there to name a slip, what
    /// stands behind text that cannot be read, and what would come behind the end of a block is nothing to write.
    fn note(&mut self, rule: &'static str) {
        let name = |index: usize| self.rules.all.get(index).map_or("", |rule| rule.name.as_str());
        let slip = |name: &str| name.starts_with("wrong_") || name.starts_with("broken_");
        let line_goes_on = !self.text.get(self.written..).unwrap_or("").contains('\n');
        let behind_broken = self.broken == Some(self.written) && line_goes_on;
        if self.looking > 0
            || self.ended
            || behind_broken
            || slip(rule)
            || self.frames.iter().any(|frame| slip(name(frame.rule)))
        {
            return;
        }
        let written = |range: &Range<usize>| self.text.get(range.clone()).unwrap_or("").trim_end().to_owned();
        let around = self.frames.iter().map(|frame| Around {
            rule: name(frame.rule),
            begins: frame.start == self.text.len(),
            before: frame.before.iter().map(|(rule, range)| (name(*rule), written(range))).collect(),
        });
        let begun = self.frames.iter().rev().find(|frame| frame.start < self.text.len());
        let is_entry =
            begun.and_then(|frame| self.rules.all.get(frame.rule)).is_none_or(|rule| rule.is_block);
        let found = Ahead { rule, around: around.collect(), is_entry };
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }
}

#[cfg(test)]
mod tests;
