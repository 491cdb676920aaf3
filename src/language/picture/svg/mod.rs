//! A journey as SVG: no script, no font of its own, light or dark as the reader has it.

mod layout;
mod measure;
mod rank;
#[cfg(test)]
mod tests;

use std::fmt::{Error, Write};

use super::graph::{Arrow, Graph, Node, NodeKind};
use super::outline::Outline;
use crate::finding::words;
use layout::{Layout, Link, Route, Size, layout};
use measure::{width, wrap};

const TITLE_SIZE: f64 = 14.0;
const LINE_SIZE: f64 = 12.0;
const LABEL_SIZE: f64 = 11.0;
const HEAD_SIZE: f64 = 18.0;
/// The height of a line of text, as a share of its size.
const LEADING: f64 = 1.4;
/// How wide the text in a box and beside an arrow is at the most.
const BOX_WIDTH_MAX: f64 = 280.0;
const LABEL_WIDTH_MAX: f64 = 170.0;
const HEAD_WIDTH_MIN: f64 = 460.0;
/// Between text and the edge of its box.
const PADDING: f64 = 10.0;
/// How far a nested line stands in.
const INDENT: f64 = 14.0;
/// Around the whole picture.
const MARGIN: f64 = 20.0;

const STYLE: &str = "\
:root{color-scheme:light dark}\
.lotse{--paper:#fff;--ink:#1d2230;--soft:#555d73;--line:#737c93;--stage:#f5f6fa;--edge:#9aa3b8;--enter:#e3eeff;\
--enter-edge:#3b6fd4;--end:#e5f4e8;--end-edge:#3c8c55}\
@media (prefers-color-scheme:dark){.lotse{--paper:#12151c;--ink:#e8ebf4;--soft:#a9b1c6;--line:#8a94ad;\
--stage:#1e2330;--edge:#56607a;--enter:#172a4a;--enter-edge:#6f9cf0;--end:#17301f;--end-edge:#5fb57b}}\
.lotse{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\
.lotse .paper{fill:var(--paper)}.lotse text{fill:var(--ink)}.lotse .soft{fill:var(--soft)}.lotse .bold{font-weight:600}\
.lotse .stage{fill:var(--stage);stroke:var(--edge)}.lotse .enter{fill:var(--enter);stroke:var(--enter-edge)}\
.lotse .here{stroke:var(--enter-edge);stroke-width:2.5}.lotse .end{fill:var(--end);stroke:var(--end-edge)}.lotse .way{fill:none;stroke:var(--line);stroke-width:1.3}\
.lotse .point{fill:var(--line)}";

/// Draws a journey. What happens in a stage stands in its box, what a way on depends on stands beside its arrow; an
/// ending is drawn at each stage that leads to it, so that no arrow crosses the whole picture.
pub fn svg(outline: &Outline) -> String {
    svg_with_mark(outline, None)
}

/// The same with what stands at a byte of the journey's file marked: the stage, and the statement in it.
pub fn svg_with_mark(outline: &Outline, offset: Option<u32>) -> String {
    let mut out = String::new();
    let mark = offset.and_then(|offset| outline.at(offset));
    let mark =
        mark.map(|(stage, item)| Mark { stage: &stage.name, line: item.map(|item| item.text.as_str()) });
    // Writing into a text does not fail.
    let _ = Picture::new(outline, mark).write(&mut out);
    out
}

/// What is marked: a stage, and what a statement in it says.
#[derive(Clone, Copy)]
struct Mark<'a> {
    stage: &'a str,
    line: Option<&'a str>,
}

struct Picture<'a> {
    outline: &'a Outline,
    head: Vec<String>,
    boxes: Vec<Drawn>,
    labels: Vec<Vec<String>>,
    layout: Layout,
}

/// A line of text in a box, with how far it stands in.
struct Line {
    indent: f64,
    text: String,
    marked: bool,
}

/// A box with its text broken into lines.
struct Drawn {
    kind: NodeKind,
    title: Vec<String>,
    lines: Vec<Line>,
    /// Whether it is the marked stage.
    marked: bool,
    size: Size,
}

impl<'a> Picture<'a> {
    fn new(outline: &'a Outline, mark: Option<Mark<'_>>) -> Self {
        let graph = Graph::of(outline);
        let mut boxes: Vec<Drawn> = graph
            .boxes
            .iter()
            .filter(|known| known.kind != NodeKind::Outcome)
            .map(|known| Drawn::new(known, &graph, mark))
            .collect();
        let mut labels = Vec::new();
        let mut links = Vec::new();
        for arrow in graph.arrows.iter().filter(|arrow| arrow.from != arrow.to) {
            let to = match graph.boxes.get(arrow.to).filter(|to| to.kind == NodeKind::Outcome) {
                Some(outcome) => {
                    boxes.push(Drawn::new(outcome, &graph, None));
                    boxes.len() - 1
                }
                None => arrow.to,
            };
            let lines: Vec<String> =
                arrow.told().flat_map(|label| wrap(label, LABEL_SIZE, LABEL_WIDTH_MAX)).collect();
            links.push(Link { from: arrow.from, to, label: block(lines.iter(), LABEL_SIZE, 4.0) });
            labels.push(lines);
        }
        let sizes: Vec<Size> = boxes.iter().map(|drawn| drawn.size).collect();
        let layout = layout(&sizes, &links);
        let wide = layout.size.width.max(HEAD_WIDTH_MIN);
        let clauses = outline.clauses.iter().filter(|clause| !clause.starts_with("enter"));
        let head = clauses.flat_map(|clause| wrap(clause, LINE_SIZE, wide)).collect();
        Self { outline, head, boxes, labels, layout }
    }

    fn title(&self) -> &str {
        if self.outline.label.is_empty() { &self.outline.name } else { &self.outline.label }
    }

    fn write(&self, out: &mut String) -> Result<(), Error> {
        let title = wrap(self.title(), HEAD_SIZE, self.layout.size.width.max(HEAD_WIDTH_MIN));
        let name = escape(&self.outline.name);
        let head = title.len() as f64 * HEAD_SIZE * LEADING + self.head.len() as f64 * LINE_SIZE * LEADING;
        let head_width = title.iter().map(|line| width(line, HEAD_SIZE) * 1.1);
        let head_width =
            head_width.chain(self.head.iter().map(|line| width(line, LINE_SIZE))).fold(0.0, f64::max);
        let wide = self.layout.size.width.max(head_width);
        let (full_width, full_height) = (wide + 2.0 * MARGIN, head + self.layout.size.height + 3.0 * MARGIN);
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lotse\" role=\"img\" aria-labelledby=\"title-{name} desc-{name}\" \
             viewBox=\"0 0 {full_width:.0} {full_height:.0}\" width=\"{full_width:.0}\" height=\"{full_height:.0}\">"
        )?;
        writeln!(out, "<title id=\"title-{name}\">{}</title>", escape(self.title()))?;
        writeln!(out, "<desc id=\"desc-{name}\">{}</desc>", escape(&described(self.outline)))?;
        writeln!(out, "<style>{STYLE}</style>")?;
        writeln!(out, "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>")?;
        let mut y = MARGIN;
        for line in &title {
            y = text(out, (MARGIN, y), line, HEAD_SIZE, "bold")?;
        }
        for line in &self.head {
            y = text(out, (MARGIN, y), line, LINE_SIZE, "soft")?;
        }
        let left = MARGIN + (wide - self.layout.size.width) / 2.0;
        writeln!(out, "<g transform=\"translate({left:.1} {:.1})\">", head + 2.0 * MARGIN)?;
        for route in &self.layout.routes {
            way(out, route)?;
        }
        for (route, lines) in self.layout.routes.iter().zip(&self.labels) {
            label(out, route, lines)?;
        }
        for (drawn, place) in self.boxes.iter().zip(&self.layout.boxes) {
            drawn.write(out, *place)?;
        }
        out.push_str("</g>\n</svg>\n");
        Ok(())
    }
}

impl Drawn {
    fn new(known: &Node, graph: &Graph, mark: Option<Mark<'_>>) -> Self {
        let mark = mark.filter(|mark| known.kind == NodeKind::Stage && mark.stage == known.title);
        let said = mark.and_then(|mark| mark.line);
        let mut lines: Vec<(usize, String)> = known.lines.clone();
        let own = graph.boxes.iter().position(|other| std::ptr::eq(other, known));
        let again = graph.arrows.iter().filter(|arrow| arrow.from == arrow.to && Some(arrow.from) == own);
        lines.extend(again.map(|arrow: &Arrow| {
            let labels: Vec<&str> = arrow.told().collect();
            (0, format!("↺ {}", if labels.is_empty() { "again".to_owned() } else { labels.join("; ") }))
        }));
        let title = wrap(&known.title, TITLE_SIZE * 1.1, BOX_WIDTH_MAX);
        let lines: Vec<Line> = lines
            .into_iter()
            .flat_map(|(depth, line)| {
                // Deep nesting must leave room for text.
                let indent = (depth as f64 * INDENT).min(BOX_WIDTH_MAX / 2.0);
                let marked = said == Some(line.as_str());
                let broken = wrap(&line, LINE_SIZE, BOX_WIDTH_MAX - indent);
                (0..).zip(broken).map(move |(part, text)| {
                    let indent = if part == 0 { indent } else { indent + INDENT / 2.0 };
                    Line { indent, text, marked }
                })
            })
            .collect();
        let head = block(title.iter(), TITLE_SIZE * 1.1, 0.0);
        let widest =
            lines.iter().map(|line| line.indent + width(&line.text, LINE_SIZE)).fold(head.width, f64::max);
        let height = title.len() as f64 * TITLE_SIZE * LEADING + lines.len() as f64 * LINE_SIZE * LEADING;
        let size = Size { width: widest + 2.0 * PADDING, height: height + 1.6 * PADDING };
        Self { kind: known.kind, title, lines, marked: mark.is_some(), size }
    }

    fn write(&self, out: &mut String, (middle, top): (f64, f64)) -> Result<(), Error> {
        let (class, round) = match self.kind {
            NodeKind::Stage if self.marked => ("stage here", 6.0),
            NodeKind::Enter => ("enter", 8.0),
            NodeKind::Stage => ("stage", 6.0),
            NodeKind::Outcome => ("end", self.size.height / 2.0),
        };
        let left = middle - self.size.width / 2.0;
        let Size { width, height } = self.size;
        writeln!(
            out,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"/>"
        )?;
        let mut y = top + 0.8 * PADDING;
        for line in &self.title {
            let weight = if self.kind == NodeKind::Stage { "bold" } else { "" };
            y = text(out, (left + PADDING, y), line, TITLE_SIZE, weight)?;
        }
        for line in &self.lines {
            let class = if line.marked { "bold" } else { "" };
            y = text(out, (left + PADDING + line.indent, y), &line.text, LINE_SIZE, class)?;
        }
        Ok(())
    }
}

/// How much space lines need.
fn block<'a>(lines: impl ExactSizeIterator<Item = &'a String>, size: f64, around: f64) -> Size {
    let height = lines.len() as f64 * size * LEADING;
    if height == 0.0 {
        return Size::default();
    }
    let width = lines.map(|line| width(line, size)).fold(0.0, f64::max);
    Size { width: width + 2.0 * around, height: height + around }
}

/// Writes a line whose upper edge is at `y`; gives the upper edge of the next.
fn text(out: &mut String, (x, y): (f64, f64), line: &str, size: f64, class: &str) -> Result<f64, Error> {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    let base = y + size * 1.05;
    writeln!(out, "<text{class} x=\"{x:.1}\" y=\"{base:.1}\" font-size=\"{size}\">{}</text>", escape(line))?;
    Ok(y + size * LEADING)
}

/// An arrow: straight through each rank, curved between them.
fn way(out: &mut String, route: &Route) -> Result<(), Error> {
    const POINT: f64 = 6.0;
    let mut path = String::new();
    let mut at: Option<(f64, f64)> = None;
    let last = route.stretches.len().saturating_sub(1);
    for (index, (x, top, bottom)) in route.stretches.iter().enumerate() {
        // The line ends where the point begins.
        let top = if index == last && !route.up { top - POINT } else { *top };
        let bottom = if index == 0 && route.up { bottom + POINT } else { *bottom };
        match at {
            None => write!(path, "M{x:.1} {bottom:.1}")?,
            Some((before, y)) => {
                let middle = (y + top) / 2.0;
                write!(path, "C{before:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {top:.1}")?;
                if bottom > top && index != last {
                    write!(path, "V{bottom:.1}")?;
                }
            }
        }
        at = Some((*x, bottom));
    }
    writeln!(out, "<path class=\"way\" d=\"{path}\"/>")?;
    let end = if route.up { route.stretches.first() } else { route.stretches.last() };
    let Some((x, top, bottom)) = end else { return Ok(()) };
    let (tip, back) = if route.up { (*bottom, bottom + POINT + 1.0) } else { (*top, top - POINT - 1.0) };
    writeln!(out, "<path class=\"point\" d=\"M{x:.1} {tip:.1}L{:.1} {back:.1}H{:.1}Z\"/>", x - 4.0, x + 4.0)
}

fn label(out: &mut String, route: &Route, lines: &[String]) -> Result<(), Error> {
    let size = block(lines.iter(), LABEL_SIZE, 4.0);
    if lines.is_empty() {
        return Ok(());
    }
    let (middle, top) = route.label;
    let left = middle - size.width / 2.0;
    writeln!(
        out,
        "<rect class=\"paper\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        size.width, size.height
    )?;
    let mut y = top + 2.0;
    for line in lines {
        y = text(out, (left + 4.0, y), line, LABEL_SIZE, "soft")?;
    }
    Ok(())
}

/// The picture in a sentence, for those who do not see it.
fn described(outline: &Outline) -> String {
    let stages: Vec<&str> = outline.stages.iter().map(|stage| stage.name.as_str()).collect();
    let enters: Vec<&str> = outline.enters.iter().map(|(text, _)| text.as_str()).collect();
    format!(
        "The journey {} with {}: {}. Ways in: {}.",
        outline.name,
        words::counted(stages.len(), "stage"),
        words::all_of(&stages),
        words::all_of(&enters)
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML knows no other control characters (section 2.2).
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
