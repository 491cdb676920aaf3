use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use super::{Finding, Severity};
use crate::source::{Source, Sources, Span};

/// How findings are drawn for people.
#[derive(Clone, Copy, Debug)]
pub struct HumanStyle {
    /// Whether colour may be used; it never carries meaning alone.
    pub colour: bool,
    /// The width of the terminal, in columns.
    pub width: usize,
}

/// Source lines shown around the one that is marked.
const LINES_AROUND: usize = 1;
/// Longest stretch of text shown under a mark, in bytes; a file on one line is cut.
const WINDOW_BYTES_MAX: usize = 4_000;

/// Draws one finding with its source lines, marks, help and change.
pub fn render_human(finding: &Finding, sources: &Sources, style: HumanStyle) -> String {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group: Group<'_> = level
        .primary_title(clean(&finding.message))
        .id(finding.code.name())
        .element(snippet(sources, finding.span, AnnotationKind::Primary, None));
    for (span, what) in &finding.related {
        group = group.element(snippet(sources, *span, AnnotationKind::Context, Some(what)));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    let mut report = vec![group];
    if let Some(edit) = &finding.edit {
        let window = Window::around(sources.get(edit.span.source), edit.span);
        let patch = Patch::new(window.inside(edit.span), edit.replacement.as_str());
        let change = Snippet::source(window.text)
            .line_start(window.line)
            .path(sources.get(edit.span.source).path.as_str())
            .patch(patch);
        report.push(Level::HELP.secondary_title("write instead").element(change));
    }
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let decor = if style.colour { DecorStyle::Unicode } else { DecorStyle::Ascii };
    renderer.term_width(style.width).decor_style(decor).render(&report)
}

fn snippet<'a>(
    sources: &'a Sources,
    span: Span,
    kind: AnnotationKind,
    label: Option<&'a str>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let source = sources.get(span.source);
    let window = Window::around(source, span);
    let mark = kind.span(window.inside(span)).label(label);
    Snippet::source(window.text).line_start(window.line).path(source.path.as_str()).annotation(mark)
}

/// The lines around a span: drawing costs the same in a file of ten megabytes as in one of ten lines.
struct Window<'a> {
    text: &'a str,
    start: usize,
    line: usize,
}

impl<'a> Window<'a> {
    fn around(source: &'a Source, span: Span) -> Self {
        let text: &str = &source.text;
        let range = span.range();
        let back = text.get(..range.start).unwrap_or(text);
        let start = back.rmatch_indices('\n').nth(LINES_AROUND).map_or(0, |(at, _)| at + 1);
        let start = floor(text, start.max(range.start.saturating_sub(WINDOW_BYTES_MAX)));
        let first_end = range.end.min(range.start + WINDOW_BYTES_MAX);
        let first_end = floor(text, first_end);
        let ahead = text.get(first_end..).unwrap_or("");
        let end = ahead.match_indices('\n').nth(LINES_AROUND).map_or(text.len(), |(at, _)| first_end + at);
        let end = floor(text, end.min(first_end + WINDOW_BYTES_MAX));
        let line = source.position(u32::try_from(start).unwrap_or(0)).line as usize;
        Self { text: text.get(start..end).unwrap_or(""), start, line }
    }

    fn inside(&self, span: Span) -> Range<usize> {
        let range = span.range();
        let cut = |at: usize| floor(self.text, at.saturating_sub(self.start).min(self.text.len()));
        cut(range.start)..cut(range.end)
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Keeps what an author wrote from steering the terminal.
fn clean(text: &str) -> String {
    annotate_snippets::normalize_untrusted_str(text)
}
