//! How a `lotse.yaml` that is being written is laid out: which keys lead to a place of it.
//!
//! The reader of the settings wants YAML that is whole; the line that somebody is writing mostly is none yet. So this goes
//! by indents and brackets alone, and what it cannot make sense of it passes over.

use std::ops::Range;

/// The keys of a text, and where its author is.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The keys that lead to each section; those of the items of one list are the same.
    sections: Vec<Vec<String>>,
    entries: Vec<Entry>,
    place: Option<Place>,
}

/// A key with what stands behind it.
#[derive(Debug)]
pub(super) struct Entry {
    section: usize,
    pub(super) key: String,
    pub(super) key_range: Range<usize>,
    /// What stands behind it on its line, where that is no section.
    pub(super) value: Range<usize>,
}

/// Where the author is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    section: usize,
    /// The key whose value is being written; `None` where a key is.
    key: Option<String>,
    /// What has been begun, up to the author.
    pub(super) begun: Range<usize>,
    /// Whether the section is one in brackets, on a line.
    pub(super) in_brackets: bool,
}

impl Outline {
    /// Looks at a text whose author is at `offset`.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let mut reader = Reader {
            text,
            offset,
            outline: Outline { sections: vec![Vec::new()], ..Self::default() },
            open: Vec::new(),
            passed: None,
        };
        let mut at = 0;
        while at < text.len() {
            at = reader.line(at);
        }
        if reader.outline.place.is_none() {
            reader.blank(offset);
        }
        reader.outline
    }

    /// Where the author is; `None` in a comment or a text of several lines.
    pub(super) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The keys that lead to the section of the place.
    pub(super) fn path(&self, place: &Place) -> Vec<&str> {
        self.section(place.section)
    }

    /// The key whose value is written at the place; `None` where a key is written.
    pub(super) fn key<'a>(&self, place: &'a Place) -> Option<&'a str> {
        place.key.as_deref()
    }

    /// The keys that stand in the section of the place, but for the one that is there.
    pub(super) fn others<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a str> {
        let other = |entry: &&Entry| {
            let is_here =
                entry.key_range.start == place.begun.start || place.key.as_ref() == Some(&entry.key);
            entry.section == place.section && !is_here
        };
        self.entries.iter().filter(other).map(|entry| entry.key.as_str())
    }

    /// The key that stands at an offset, or whose value does, with the keys that lead to it.
    pub(super) fn entry_at(&self, offset: usize) -> Option<(&Entry, Vec<&str>)> {
        let touches = |range: &Range<usize>| range.start <= offset && offset <= range.end;
        let at =
            |entry: &&Entry| touches(&entry.key_range) || (!entry.value.is_empty() && touches(&entry.value));
        let entry = self.entries.iter().find(at)?;
        Some((entry, self.section(entry.section)))
    }

    fn section(&self, section: usize) -> Vec<&str> {
        self.sections.get(section).map_or_else(Vec::new, |path| path.iter().map(String::as_str).collect())
    }
}

/// A key or a dash behind which more indented lines belong to it.
struct Open {
    column: usize,
    is_item: bool,
    section: usize,
}

/// A bracket that is open.
struct Bracket {
    section: usize,
    is_list: bool,
    /// The key whose value comes, and the section that the value would be.
    key: Option<(String, usize)>,
}

struct Reader<'t> {
    text: &'t str,
    offset: usize,
    outline: Outline,
    open: Vec<Open>,
    /// The column of the key whose text of several lines is passed over.
    passed: Option<usize>,
}

impl Reader<'_> {
    fn rest(&self, at: usize) -> &str {
        self.text.get(at..).unwrap_or("")
    }

    /// Reads the line that begins at a place, and further lines where brackets reach over them; where the next begins.
    fn line(&mut self, start: usize) -> usize {
        let end = start + self.rest(start).find('\n').unwrap_or(self.rest(start).len());
        let next = (end + 1).min(self.text.len()).max(end);
        let line = self.text.get(start..end).unwrap_or("");
        let mut column = line.len() - line.trim_start_matches(' ').len();
        let mut content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            if (start..=start + column).contains(&self.offset) && content.is_empty() {
                self.blank(start + column.min(self.offset - start));
            }
            return next;
        }
        if self.passed.is_some_and(|passed| column > passed) {
            return next;
        }
        self.passed = None;
        let mut at = start + column;
        while content == "-" || content.starts_with("- ") {
            self.item(column);
            let blanks = content.get(1..).map_or(0, |rest| rest.len() - rest.trim_start().len());
            column += 1 + blanks;
            at += 1 + blanks;
            content = content.get(1..).unwrap_or("").trim_start();
        }
        if content.is_empty() {
            if self.offset > start && self.offset <= end {
                self.place(self.innermost(column + 1, false), None, self.offset..self.offset, false);
            }
            return next;
        }
        if content.starts_with(['{', '[']) {
            let section = self.innermost(column, false);
            return self.brackets(at, section).max(next.min(self.text.len()));
        }
        match key_in(content) {
            Some((key, length)) => self.entry(column, at, key, length, end),
            None => {
                let section = self.innermost(column, false);
                self.place_in(at..at + content.len(), section, None, false);
                next
            }
        }
    }

    /// Reads `key: value`; where the next line begins.
    fn entry(&mut self, column: usize, at: usize, key: String, length: usize, end: usize) -> usize {
        let next = (end + 1).min(self.text.len()).max(end);
        self.open.retain(|open| open.column < column);
        let section = self.innermost(column, false);
        let inside = self.inside(section, &key);
        self.open.push(Open { column, is_item: false, section: inside });
        let colon = at + length + self.rest(at + length).find(':').unwrap_or(0);
        let behind = self.text.get(colon + 1..end).unwrap_or("");
        let value_at = colon + 1 + (behind.len() - behind.trim_start().len());
        let written = uncommented(behind.trim_start()).trim_end();
        let mut value = value_at..value_at + written.len();
        self.place_in(at..at + length, section, None, false);
        let brackets = written.starts_with(['{', '[']);
        if brackets {
            value = value_at..value_at;
        } else if self.offset > colon && self.offset <= end && self.outline.place.is_none() {
            let begun = quoted(self.text, value.clone()).start.min(self.offset)..self.offset;
            if self.text.get(value.end..self.offset).is_none_or(|behind| !behind.contains('#')) {
                self.place(section, Some(key.clone()), begun, false);
            }
        }
        self.outline.entries.push(Entry { section, key, key_range: at..at + length, value });
        if written.starts_with(['|', '>']) {
            self.passed = Some(column);
        }
        if brackets { self.brackets(value_at, inside).max(next) } else { next }
    }

    /// A dash: the section that it begins is one of the list.
    fn item(&mut self, column: usize) {
        self.open.retain(|open| open.column < column || (open.column == column && !open.is_item));
        let list = self.innermost(column, true);
        let path = self.outline.sections.get(list).cloned().unwrap_or_default();
        self.outline.sections.push(path);
        let section = self.outline.sections.len() - 1;
        self.open.push(Open { column, is_item: true, section });
    }

    /// The section to which something in a column belongs.
    fn innermost(&self, column: usize, is_item: bool) -> usize {
        let around = |open: &&Open| open.column < column || (is_item && open.column == column);
        self.open.iter().rfind(around).map_or(0, |open| open.section)
    }

    /// The section behind a key.
    fn inside(&mut self, section: usize, key: &str) -> usize {
        let mut path = self.outline.sections.get(section).cloned().unwrap_or_default();
        path.push(key.to_owned());
        self.outline.sections.push(path);
        self.outline.sections.len() - 1
    }

    /// The author is where nothing stands yet.
    fn blank(&mut self, at: usize) {
        let line = self.text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or("");
        if line.trim().is_empty() {
            let section = self.innermost(line.len(), false);
            self.place(section, None, at..at, false);
        }
    }

    fn place(&mut self, section: usize, key: Option<String>, begun: Range<usize>, in_brackets: bool) {
        if self.outline.place.is_none() {
            self.outline.place = Some(Place { section, key, begun, in_brackets });
        }
    }

    /// The author is in a word, if so.
    fn place_in(&mut self, word: Range<usize>, section: usize, key: Option<String>, in_brackets: bool) {
        if word.start <= self.offset && self.offset <= word.end {
            let begun = quoted(self.text, word).start.min(self.offset)..self.offset;
            self.place(section, key, begun, in_brackets);
        }
    }

    /// Reads what stands in brackets, which may reach over lines; where the line behind begins. Brackets that are not
    /// closed end before a line that is not indented.
    fn brackets(&mut self, start: usize, section: usize) -> usize {
        let mut open: Vec<Bracket> = Vec::new();
        let mut at = start;
        while let Some(c) = self.rest(at).chars().next() {
            if at == self.offset && at > start {
                self.between(&open, at);
            }
            let length = c.len_utf8();
            match c {
                '{' | '[' => {
                    let section = self.opened(&open, section);
                    open.push(Bracket { section, is_list: c == '[', key: None });
                }
                '}' | ']' => {
                    open.pop();
                    if open.is_empty() {
                        let rest = self.rest(at);
                        return at + rest.find('\n').map_or(rest.len(), |end| end + 1);
                    }
                }
                ',' => {
                    if let Some(inner) = open.last_mut() {
                        inner.key = None;
                    }
                }
                '\n' if self.rest(at + 1).starts_with(|c: char| c.is_ascii_alphabetic()) => return at + 1,
                '#' => at += self.rest(at).find('\n').unwrap_or(self.rest(at).len()) - length,
                c if c.is_whitespace() || c == ':' => {}
                _ => {
                    at = self.word(&mut open, at);
                    continue;
                }
            }
            at += length;
        }
        if at == self.offset {
            self.between(&open, at);
        }
        at
    }

    /// The section that a bracket opens.
    fn opened(&mut self, open: &[Bracket], outermost: usize) -> usize {
        let Some(inner) = open.last() else { return outermost };
        if let Some((_, section)) = &inner.key {
            return *section;
        }
        let path = self.outline.sections.get(inner.section).cloned().unwrap_or_default();
        self.outline.sections.push(path);
        self.outline.sections.len() - 1
    }

    /// The author is between two words in brackets.
    fn between(&mut self, open: &[Bracket], at: usize) {
        if let Some(inner) = open.last() {
            let (section, key) = self.wanted(inner);
            self.place(section, key, at..at, true);
        }
    }

    /// The section that is written in a bracket, and the key whose value comes next; those of a list are of its key.
    fn wanted(&self, inner: &Bracket) -> (usize, Option<String>) {
        if !inner.is_list {
            return (inner.section, inner.key.as_ref().map(|(key, _)| key.clone()));
        }
        let path = self.outline.sections.get(inner.section).map_or(&[][..], Vec::as_slice);
        let around = path.split_last().and_then(|(key, path)| {
            let section = self.outline.sections.iter().position(|known| known == path)?;
            Some((section, Some(key.clone())))
        });
        around.unwrap_or((inner.section, None))
    }

    /// Reads a word in brackets, a key or a value; where it ends.
    fn word(&mut self, open: &mut [Bracket], at: usize) -> usize {
        let end = at + word_length(self.rest(at));
        let Some(inner) = open.last() else { return end.max(at + 1) };
        let is_key = !inner.is_list && inner.key.is_none();
        let (section, key) = self.wanted(inner);
        self.place_in(at..end, section, key.clone(), true);
        let inside = quoted(self.text, at..end);
        let written = self.text.get(inside).unwrap_or("").trim_end_matches(['"', '\'']).to_owned();
        let section = inner.section;
        if is_key && self.rest(end).trim_start_matches(' ').starts_with(':') {
            let child = self.inside(section, &written);
            self.outline.entries.push(Entry {
                section,
                key: written.clone(),
                key_range: at..end,
                value: end..end,
            });
            if let Some(inner) = open.last_mut() {
                inner.key = Some((written, child));
            }
        } else if let Some(entry) =
            self.outline.entries.last_mut().filter(|entry| Some(&entry.key) == key.as_ref())
        {
            entry.value = at..end;
        }
        end.max(at + 1)
    }
}

/// The key that a line begins with, and how long it is written; `None` where no `:` stands behind.
fn key_in(content: &str) -> Option<(String, usize)> {
    let length = match content.chars().next()? {
        quote @ ('"' | '\'') => content.get(1..)?.find(quote)? + 2,
        _ => content
            .find(": ")
            .or_else(|| content.find(":\t"))
            .or_else(|| content.find(':').filter(|at| at + 1 == content.len()))?,
    };
    let written = content.get(..length)?.trim_end();
    let behind = content.get(length..)?.trim_start();
    let is_key = behind.starts_with(':') && !written.contains('#');
    is_key.then(|| (written.trim_matches(['"', '\'']).to_owned(), written.len()))
}

/// A value without the comment behind it.
fn uncommented(value: &str) -> &str {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let end = value.get(1..).and_then(|rest| rest.find(quote)).map_or(value.len(), |end| end + 2);
            value.get(..end).unwrap_or(value)
        }
        Some('#') => "",
        _ => value.split(" #").next().unwrap_or(value),
    }
}

/// What stands inside the quotes of a word, where it has any, up to its end.
fn quoted(text: &str, word: Range<usize>) -> Range<usize> {
    let is_quoted = text.get(word.clone()).is_some_and(|word| word.starts_with(['"', '\'']));
    if is_quoted { word.start + 1..word.end } else { word }
}

/// How long a word in brackets is: up to what parts it from the next, or the end of its line.
fn word_length(rest: &str) -> usize {
    let line = rest.lines().next().unwrap_or("");
    if let Some(quote @ ('"' | '\'')) = line.chars().next() {
        let mut escaped = false;
        for (at, c) in line.char_indices().skip(1) {
            match c {
                c if c == quote && !escaped => return at + 1,
                _ => escaped = c == '\\' && !escaped,
            }
        }
        return line.len();
    }
    let mut end = line.find([',', '{', '}', '[', ']']).unwrap_or(line.len());
    for (at, _) in line.match_indices(':').filter(|(at, _)| *at < end) {
        let behind = line.get(at + 1..).unwrap_or("");
        if behind.is_empty() || behind.starts_with([' ', '{', '[', '"']) {
            end = at;
            break;
        }
    }
    let word = line.get(..end).unwrap_or("");
    word.split(" #").next().unwrap_or(word).trim_end().len()
}

#[cfg(test)]
mod tests;
