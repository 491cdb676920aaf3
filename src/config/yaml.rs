//! The tree of a YAML file with the place of every key and value.
//!
//! Plain scalars keep their text: what type a value has is for the key to say, so that `country: NO` is
//! Norway. What a settings file has no use for (anchors, aliases, tags, keys that are no text, a second
//! document) is a finding. Nesting is bounded, and nothing here recurses.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

use crate::finding::{Code, Finding};
use crate::source::{SourceId, Span};

/// How deep sections and lists nest, at most; the deepest setting there is lies six levels down.
const DEPTH_MAX: usize = 16;

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) content: Content,
}

/// What stands behind a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// No value: the key alone, `~` or `null`.
    Nothing,
    /// Anything that is no list and no section.
    Text {
        /// Escapes and folds resolved.
        text: String,
        /// Whether it stood in quotes or in a block of lines.
        quoted: bool,
    },
    /// `[a, b]` or lines with `-`.
    List(Vec<Node>),
    /// `{ key: value }` or lines of `key: value`.
    Section(Vec<Entry>),
    /// What has its finding already.
    Broken,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Empty where it is no key and has its finding already.
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) value: Node,
}

/// Reads the text of a file; findings about its parts go to `findings`.
///
/// # Errors
/// The finding that ends the reading, where the text is no YAML or nests too deep.
pub(super) fn parse(
    source: SourceId,
    text: &str,
    findings: &mut Vec<Finding>,
) -> Result<Option<Node>, Box<Finding>> {
    if let Some((at, sign)) = text.char_indices().find(|(_, c)| c.is_control() && !"\t\n\r".contains(*c)) {
        let span = Span::new(source, at, at + sign.len_utf8());
        let message = format!("a control character (U+{:04X})", u32::from(sign));
        return Err(Box::new(Finding::new(Code::E001, span, message).help("take it out")));
    }
    let mut builder = Builder {
        offsets: Offsets::of(source, text),
        text,
        open: Vec::new(),
        root: None,
        documents: 0,
        findings,
    };
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| Box::new(builder.not_yaml(&error)))?;
        let span = builder.offsets.span(span);
        if !builder.take(event, span)? {
            break;
        }
    }
    Ok(builder.root)
}

/// Turns the parser's counts of characters into bytes.
struct Offsets {
    source: SourceId,
    length: usize,
    /// The byte where each character begins; none where every character is one byte.
    starts: Option<Vec<usize>>,
}

impl Offsets {
    fn of(source: SourceId, text: &str) -> Self {
        let starts = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Self { source, length: text.len(), starts }
    }

    fn byte(&self, character: usize) -> usize {
        match &self.starts {
            None => character.min(self.length),
            Some(starts) => starts.get(character).copied().unwrap_or(self.length),
        }
    }

    fn span(&self, span: saphyr_parser::Span) -> Span {
        Span::new(self.source, self.byte(span.start.index()), self.byte(span.end.index()))
    }
}

/// A list or section whose end has not come yet.
enum Open {
    List { span: Span, items: Vec<Node> },
    Section { span: Span, entries: Vec<Entry>, key: Option<(String, Span)> },
}

struct Builder<'a> {
    offsets: Offsets,
    text: &'a str,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    findings: &'a mut Vec<Finding>,
}

impl Builder<'_> {
    /// Takes one event in; false where nothing that follows counts.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<bool, Box<Finding>> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.refuse(span, "a second document begins here", "keep everything in one document");
                    return Ok(false);
                }
            }
            Event::Alias(_) => {
                let message = format!("`{}` stands for another place", self.written(span));
                self.refuse(span, message, "write the value out");
                self.put(Node { span, content: Content::Broken });
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.mark(span, anchor > 0, tag.is_some());
                let content = match (style, text.as_ref()) {
                    (ScalarStyle::Plain, "" | "~" | "null") => Content::Nothing,
                    (style, text) => {
                        Content::Text { text: text.to_owned(), quoted: style != ScalarStyle::Plain }
                    }
                };
                self.put(Node { span: self.tight(span), content });
            }
            Event::SequenceStart(anchor, tag) => {
                self.mark(span, anchor > 0, tag.is_some());
                self.enter(Open::List { span, items: Vec::new() })?;
            }
            Event::MappingStart(anchor, tag) => {
                self.mark(span, anchor > 0, tag.is_some());
                self.enter(Open::Section { span, entries: Vec::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(true)
    }

    fn enter(&mut self, open: Open) -> Result<(), Box<Finding>> {
        let (Open::List { span, .. } | Open::Section { span, .. }) = &open;
        if self.open.len() >= DEPTH_MAX {
            return Err(Box::new(
                Finding::new(Code::E001, *span, format!("more than {DEPTH_MAX} levels inside each other"))
                    .help("no setting lies that deep"),
            ));
        }
        self.open.push(open);
        Ok(())
    }

    fn leave(&mut self, end: Span) {
        // The end of an indented block is where the next line begins: its last part says where it ends.
        let node = match self.open.pop() {
            Some(Open::List { span, items }) => {
                let last = items.last().map(|item| item.span);
                Node { span: around(span, last, end), content: Content::List(items) }
            }
            Some(Open::Section { span, entries, .. }) => {
                let last = entries.last().map(|entry| entry.key_span.to(entry.value.span));
                Node { span: around(span, last, end), content: Content::Section(entries) }
            }
            None => return,
        };
        self.put(node);
    }

    /// Puts a finished node where it belongs: as a key, behind its key, into its list, or at the top.
    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Section { entries, key, .. }) => match key.take() {
                Some((key, key_span)) => entries.push(Entry { key, key_span, value: node }),
                None => match node.content {
                    Content::Text { text, .. } if !text.is_empty() => *key = Some((text, node.span)),
                    Content::Broken => *key = Some((String::new(), node.span)),
                    Content::Text { .. } | Content::Nothing | Content::List(_) | Content::Section(_) => {
                        *key = Some((String::new(), node.span));
                        self.refuse(node.span, "a key is a single word", "write `key: value`");
                    }
                },
            },
        }
    }

    fn mark(&mut self, span: Span, anchor: bool, tag: bool) {
        if anchor {
            self.refuse(
                span.at_start(),
                "this value is marked to be repeated elsewhere",
                "leave the `&…` out",
            );
        }
        if tag {
            let help = "leave the `!…` out; secrets are written `env:NAME` or `file:PATH`";
            self.refuse(span.at_start(), "a tag means nothing here", help);
        }
    }

    fn refuse(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.findings.push(Finding::new(Code::E001, span, message).help(help));
    }

    fn written(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("").trim()
    }

    /// The span without the blanks and line ends that the parser counts in behind a value.
    fn tight(&self, span: Span) -> Span {
        let length = self.text.get(span.range()).map_or(0, |text| text.trim_end().len());
        Span::new(span.source, span.range().start, span.range().start + length)
    }
}

fn around(start: Span, last: Option<Span>, end: Span) -> Span {
    match last {
        Some(last) if end.range().is_empty() => start.at_start().to(last),
        _ => start.to(end),
    }
}

/// How the parser speaks of tabs.
const TAB: &str = "tab";
/// How it begins to speak of brackets that do not close.
const COMMA: &str = "expected ',' or";
/// The mistakes that people make in YAML: what the parser calls them, what they are, what to do.
const MISTAKES: &[(&str, &str, &str)] = &[
    (TAB, "a tab stands where YAML takes spaces alone", "indent with spaces"),
    (
        "expected ',' or '}'",
        "a `{` without its `}`, or a comma missing",
        "write `{ key: value, key: value }`",
    ),
    ("expected ',' or ']'", "a `[` without its `]`, or a comma missing", "write `[a, b]`"),
    ("misplaced bracket", "a bracket that nothing opened", "leave it out, or put the value in quotes"),
    ("unexpected end of stream", "a quote that is never closed", "close it with the sign it began with"),
    ("indentation in quoted", "a quote that is never closed", "close it with the sign it began with"),
    (
        "invalid trailing content",
        "text behind a closing quote",
        "put the whole value in the other kind of quotes",
    ),
    ("mapping values are not allowed", "a second `:` in one value", "put the value in quotes"),
    ("unexpected character", "a sign that no value begins with", "put the value in quotes"),
    ("unknown anchor", "a `*` that no value begins with", "put the value in quotes"),
    ("unknown escape", "a `\\` that YAML does not know", "write `\\\\`, or put the value in single quotes"),
    ("expect ':'", "a line without `key: value`", "write `key: value`, with a space behind the `:`"),
    (
        "did not find expected key",
        "a line indented differently from its neighbours",
        "give all keys of a section the same indent",
    ),
];

impl Builder<'_> {
    /// What ends the reading, in the words of people who do not write parsers.
    fn not_yaml(&self, error: &ScanError) -> Finding {
        let mistake = MISTAKES.iter().find(|(sign, ..)| error.info().contains(sign));
        let span = self.place(error, mistake.is_some_and(|(sign, ..)| *sign == TAB));
        let Some((sign, message, help)) = mistake else {
            return Finding::new(Code::E001, span, format!("this is not YAML: {}", error.info()));
        };
        let finding = Finding::new(Code::E001, span, *message).help(*help);
        match self.open.last() {
            Some(Open::List { span, .. } | Open::Section { span, .. }) if sign.starts_with(COMMA) => {
                finding.related(*span, "it begins here")
            }
            _ => finding,
        }
    }

    /// The character that is wrong. The parser notices some mistakes a line late and tabs a line early.
    fn place(&self, error: &ScanError, tab: bool) -> Span {
        let noticed = self.offsets.byte(error.marker().index());
        let (before, behind) = self.text.split_at_checked(noticed).unwrap_or((self.text, ""));
        let at = match behind.find('\t') {
            Some(ahead) if tab => noticed + ahead,
            _ if before.ends_with('\n') => before.trim_end().len(),
            _ => noticed,
        };
        let wrong = self.text.get(at..).and_then(|text| text.chars().next()).filter(|c| !"\r\n".contains(*c));
        Span::new(self.offsets.source, at, at + wrong.map_or(0, char::len_utf8))
    }
}
