use std::cell::RefCell;
use std::ops::Range;

use pest::Parser;
use pest::iterators::{Pair, Pairs};

use super::tree::Name;
use super::unended::Gap;
use crate::finding::{Code, Finding};
use crate::source::{SourceId, Span};

mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/journey.pest"]
    pub(in super::super) struct Grammar;
}

pub(super) use grammar::{Grammar, Rule};

impl Grammar {
    pub(super) fn file(text: &str) -> Option<Pair<'_, Rule>> {
        Grammar::parse(Rule::file, text).ok().and_then(|mut pairs| pairs.next())
    }

    pub(super) fn whole_expression(text: &str) -> Option<Pair<'_, Rule>> {
        Grammar::parse(Rule::whole_expression, text).ok()?.next()
    }

    /// Reads text by one rule alone, to learn what it misses.
    pub(super) fn strict(rule: Rule, text: &str) -> Result<Pairs<'_, Rule>, Box<pest::error::Error<Rule>>> {
        Grammar::parse(rule, text).map_err(Box::new)
    }
}

/// A node of pest's, with the questions that reading asks of it.
#[derive(Clone)]
pub(super) struct Node<'t> {
    pair: Pair<'t, Rule>,
}

impl<'t> Node<'t> {
    pub(super) fn new(pair: Pair<'t, Rule>) -> Self {
        Self { pair }
    }

    pub(super) fn rule(&self) -> Rule {
        self.pair.as_rule()
    }

    pub(super) fn text(&self) -> &'t str {
        self.pair.as_str()
    }

    pub(super) fn range(&self) -> Range<usize> {
        let span = self.pair.as_span();
        span.start()..span.end()
    }

    pub(super) fn pairs(&self) -> Pairs<'t, Rule> {
        self.pair.clone().into_inner()
    }

    pub(super) fn children(&self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        self.pairs().map(Node::new)
    }

    /// All children of that rule, in the order of the text.
    pub(super) fn all(&self, rule: Rule) -> impl Iterator<Item = Node<'t>> + use<'t> {
        self.children().filter(move |node| node.rule() == rule)
    }

    pub(super) fn get(&self, rule: Rule) -> Option<Node<'t>> {
        self.all(rule).next()
    }

    pub(super) fn has(&self, rule: Rule) -> bool {
        self.get(rule).is_some()
    }

    /// The child behind the keyword that a clause or statement begins with.
    pub(super) fn behind_keyword(&self) -> Node<'t> {
        self.children().nth(1).unwrap_or_else(|| self.clone())
    }

    /// A child that the grammar promises; were the promise broken, the node itself stands in.
    pub(super) fn need(&self, rule: Rule) -> Node<'t> {
        let found = self.get(rule);
        debug_assert!(found.is_some(), "{:?} has no {rule:?} in {:?}", self.rule(), self.text());
        found.unwrap_or_else(|| self.clone())
    }
}

/// Reads one text: holds what is shared while a tree is built.
pub(super) struct Reader<'t> {
    pub(super) source: SourceId,
    pub(super) text: &'t str,
    /// Where the text begins in its file.
    base: usize,
    /// What the text has more than its file.
    gap: Gap,
    /// Whether what is read says where it stands.
    places: bool,
    pub(super) findings: RefCell<Vec<Finding>>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(source: SourceId, text: &'t str, base: usize) -> Self {
        Self { source, text, base, gap: Gap::default(), places: true, findings: RefCell::default() }
    }

    /// Reads a text that has more than its file, and says where things stand in the file.
    pub(super) fn with_gap(self, gap: Gap) -> Self {
        Self { gap, ..self }
    }

    /// Reads so that all places are the same.
    pub(super) fn without_places(text: &'t str) -> Self {
        Self { places: false, ..Self::new(SourceId::default(), text, 0) }
    }

    pub(super) fn span(&self, node: &Node<'_>) -> Span {
        self.span_of(self.trimmed(node.range()))
    }

    pub(super) fn span_of(&self, range: Range<usize>) -> Span {
        if !self.places {
            return Span::default();
        }
        let in_file = |at| self.base + self.gap.in_file(at);
        Span::new(self.source, in_file(range.start), in_file(range.end))
    }

    /// Without blanks and comments at the end, which pest counts to a rule whose last part is missing.
    pub(super) fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = self.text.get(range.clone()).unwrap_or("");
        let mut end = text.len();
        loop {
            let kept = text.get(..end).unwrap_or("").trim_end();
            let line = kept.rfind('\n').map_or(0, |at| at + 1);
            let comment = kept.get(line..).is_some_and(|line| line.trim_start().starts_with('#'));
            if !comment || line == 0 {
                return range.start..range.start + kept.len();
            }
            end = line;
        }
    }

    pub(super) fn report(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    /// Reports the second of two children of a rule of which one can stand there: `what` is how people call it.
    pub(super) fn once(&self, node: &Node<'_>, rule: Rule, what: &str, place: &str) {
        let mut all = node.all(rule);
        let (Some(first), Some(again)) = (all.next(), all.next()) else { return };
        let message = format!("`{what}` stands twice in this {place}");
        self.report(
            Finding::new(Code::E307, self.span(&again), message)
                .related(self.span(&first), "it stands here already")
                .help("take one of them away"),
        );
    }

    /// Reports text that is not the language.
    pub(super) fn say(&self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.report(Finding::new(Code::E001, span, message).help(help));
    }

    /// Reports text that is not the language where what to write instead is known to the letter.
    pub(super) fn say_write(&self, span: Span, message: impl Into<String>, write: &str) {
        self.report(
            Finding::new(Code::E001, span, message).help(format!("write `{write}`")).edit(span, write),
        );
    }

    /// Reports a word that people say and the language does not.
    pub(super) fn superfluous(&self, node: &Node<'_>) {
        let finding =
            Finding::new(Code::E001, self.span(node), format!("no `{}` stands here", node.text().trim()));
        self.report(finding.help("take it away").edit(self.span_of(node.range()), ""));
    }

    /// The text of a node as it was written.
    pub(super) fn written(&self, node: &Node<'_>) -> &'t str {
        self.text.get(self.trimmed(node.range())).unwrap_or("")
    }

    /// Reports a sign between two things where none belongs.
    pub(super) fn separator(&self, node: &Node<'_>) {
        let finding = Finding::new(Code::E001, self.span(node), format!("no `{}` stands here", node.text()));
        self.report(
            finding.help("take it away: each thing ends where the next begins").edit(self.span(node), ""),
        );
    }

    pub(super) fn too_deep(&self, offset: usize) {
        self.say(
            self.span_of(offset..offset + 1),
            format!("more than {} brackets lie inside one another here", super::NESTING_MAX),
            "split what is inside into stages of their own",
        );
    }

    /// The name a node holds, in snake_case whatever was written, so that one slip is told once.
    pub(super) fn name(&self, node: &Node<'_>) -> Name {
        let text = node.text();
        let span = self.span(node);
        let good = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if good {
            return Name::new(text.to_owned(), span);
        }
        let better = snake_case(text);
        self.say_write(
            span,
            format!("`{text}` is no name: names are small letters a to z, digits and `_`"),
            &better,
        );
        Name::new(better, span)
    }

    /// The name in the child of that rule.
    pub(super) fn name_in(&self, node: &Node<'_>, rule: Rule) -> Name {
        self.name(&node.need(rule))
    }
}

/// `springSale`, `Spring-Sale` and `spring_Größe` as names of the language.
pub(super) fn snake_case(text: &str) -> String {
    let mut name = String::new();
    let mut before = '_';
    for c in text.chars() {
        let plain = match c {
            'ä' | 'Ä' => "ae".to_owned(),
            'ö' | 'Ö' => "oe".to_owned(),
            'ü' | 'Ü' => "ue".to_owned(),
            'ß' => "ss".to_owned(),
            c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase().to_string(),
            _ => "_".to_owned(),
        };
        if c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            name.push('_');
        }
        name.push_str(&plain);
        before = c;
    }
    let name = name.trim_matches('_').to_owned();
    if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("n_{name}") }
}
