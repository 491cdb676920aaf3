use crate::finding::Finding;
use crate::ide::completion::completion;
use crate::ide::{Analysis, completion::Completion};
use crate::source::WorkspaceFiles;

/// An editor with one file that was empty, as far as completion needs one.
pub(super) struct Editor {
    path: &'static str,
    text: String,
    /// The other files of the workspace.
    others: Vec<(&'static str, String)>,
    at: usize,
    /// The places to be filled in, the next one last; `None` for where one goes on.
    stops: Vec<(usize, usize)>,
}

impl Editor {
    pub(super) fn new(path: &'static str) -> Self {
        Self { path, text: String::new(), others: Vec::new(), at: 0, stops: Vec::new() }
    }

    /// The same beside a file that is written already.
    pub(super) fn beside(mut self, path: &'static str, text: &str) -> Self {
        self.others.push((path, text.to_owned()));
        self
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.analysis().findings
    }

    fn analysis(&self) -> Analysis {
        let others = self.others.iter().map(|(path, text)| (*path, text.as_str()));
        Analysis::of(WorkspaceFiles::from_texts(others.chain([(self.path, self.text.as_str())])))
    }

    /// Takes what is offered under that label, at the next place to be filled in or where the author is.
    pub(super) fn accept(&mut self, label: &str) -> &mut Self {
        if let Some((start, end)) = self.stops.pop() {
            self.replace(start, end, "");
        }
        let analysis = self.analysis();
        let source = analysis.source(self.path).unwrap();
        let items = completion(&analysis, source, self.at);
        let labels: Vec<&str> = items.iter().map(|item| item.label.as_str()).collect();
        let item = items.iter().find(|item| item.label == label);
        let item = item
            .unwrap_or_else(|| panic!("no {label} in {labels:?} at the end of:\n{}", &self.text[..self.at]));
        self.insert(item);
        self
    }

    /// The same, for what is filled in with one name.
    pub(super) fn choose(&mut self, label: &str) -> &mut Self {
        self.accept(label)
    }

    /// Writes over the next place to be filled in.
    pub(super) fn fill(&mut self, text: &str) -> &mut Self {
        let (start, end) = self.stops.pop().unwrap_or_else(|| panic!("nothing to fill in:\n{}", self.text));
        self.replace(start, end, text);
        self
    }

    /// Leaves the next place as it is offered.
    pub(super) fn keep(&mut self) -> &mut Self {
        let (_, end) = self.stops.pop().unwrap();
        self.at = end;
        self
    }

    /// Goes to where one goes on.
    pub(super) fn stop(&mut self) -> &mut Self {
        let (start, _) = self.stops.pop().unwrap();
        self.at = start;
        self
    }

    /// Begins a new line behind all that has been written in it.
    pub(super) fn enter(&mut self) -> &mut Self {
        self.stops.clear();
        let end = self.text[self.at..].find('\n').map_or(self.text.len(), |end| self.at + end);
        self.at = end;
        let indent = self.indent();
        self.replace(end, end, &format!("\n{indent}"));
        self
    }

    /// Begins a new line that is not indented behind all that has been written.
    pub(super) fn enter_at_margin(&mut self) -> &mut Self {
        self.stops.clear();
        let end = self.text.len();
        self.replace(end, end, "\n");
        self
    }

    /// Begins a new line behind the next `}` that stands alone in its line.
    pub(super) fn enter_behind_block(&mut self) -> &mut Self {
        let closes = self.text[self.at..].match_indices('}');
        let alone = closes.map(|(at, _)| self.at + at).find(|at| {
            let line = &self.text[self.text[..*at].rfind('\n').map_or(0, |at| at + 1)..];
            line.lines().next().unwrap().trim() == "}"
        });
        self.at = alone.unwrap_or_else(|| panic!("no block ends behind:\n{}", &self.text[..self.at])) + 1;
        self.enter()
    }

    fn indent(&self) -> String {
        let line = &self.text[self.text[..self.at].rfind('\n').map_or(0, |at| at + 1)..];
        // The dash of a list is indented as far as what stands behind it.
        line.chars().take_while(|c| matches!(c, ' ' | '-')).map(|_| ' ').collect()
    }

    fn replace(&mut self, start: usize, end: usize, text: &str) {
        self.text.replace_range(start..end, text);
        self.at = start + text.len();
        let moved = |at: usize| if at >= end { at + text.len() - (end - start) } else { at };
        for (from, to) in &mut self.stops {
            (*from, *to) = (moved(*from), moved(*to));
        }
    }

    fn insert(&mut self, item: &Completion) {
        let range = item.replaces.range();
        let insert = item.insert.replace('\n', &format!("\n{}", self.indent()));
        if !item.is_snippet {
            return self.replace(range.start, range.end, &insert);
        }
        let (text, stops) = expand(&insert);
        let start = range.start;
        self.replace(range.start, range.end, &text);
        let last = stops.iter().rev().map(|(from, to)| (start + from, start + to));
        self.stops.extend(last);
    }
}

/// The text of a snippet, and its places in their order.
fn expand(snippet: &str) -> (String, Vec<(usize, usize)>) {
    let mut text = String::new();
    let mut stops: Vec<(u32, usize, usize)> = Vec::new();
    let mut rest = snippet;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(inside) = rest.strip_prefix('{') {
            let end = inside.find('}').unwrap();
            let (number, default) = inside[..end].split_once([':', '|']).unwrap();
            let is_choice = inside[..end].ends_with('|');
            let default = if is_choice { default.split([',', '|']).next().unwrap() } else { default };
            stops.push((number.parse().unwrap(), text.len(), text.len() + default.len()));
            text.push_str(default);
            rest = &inside[end + 1..];
        } else {
            let number: u32 = rest[..1].parse().unwrap();
            stops.push((if number == 0 { u32::MAX } else { number }, text.len(), text.len()));
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    stops.sort_unstable();
    (text, stops.into_iter().map(|(_, from, to)| (from, to)).collect())
}
