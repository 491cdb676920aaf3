use super::graph::{Graph, NodeKind};
use super::outline::Outline;

/// Draws a journey in the language of Graphviz (<https://graphviz.org/doc/info/lang.html>).
pub fn dot(outline: &Outline) -> String {
    let graph = Graph::of(outline);
    let mut out = format!("digraph {} {{\n", quoted(&outline.name));
    out.push_str("  graph [rankdir=TB, fontname=\"sans-serif\"]\n");
    out.push_str("  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=11]\n");
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=10]\n");
    for (index, drawn) in graph.boxes.iter().enumerate() {
        let title = quoted(&drawn.title);
        out.push_str(&match drawn.kind {
            NodeKind::Enter => format!("  n{index} [shape=cds, style=solid, label={title}]\n"),
            NodeKind::Outcome => format!("  n{index} [shape=oval, style=solid, label={title}]\n"),
            NodeKind::Stage => {
                // `\l` ends a line that begins at the left.
                let line = |(depth, line): &(usize, String)| format!("{}{line}", "  ".repeat(*depth));
                let lines = std::iter::once(drawn.title.clone()).chain(drawn.lines.iter().map(line));
                let lines: String = lines.map(|line| escape(&line) + "\\l").collect();
                format!("  n{index} [label=\"{lines}\"]\n")
            }
        });
    }
    for arrow in &graph.arrows {
        let labels: Vec<&str> = arrow.told().collect();
        let label = if labels.is_empty() {
            String::new()
        } else {
            let lines: String = labels.iter().map(|label| escape(label) + "\\l").collect();
            format!(" [label=\"{lines}\"]")
        };
        out.push_str(&format!("  n{} -> n{}{label}\n", arrow.from, arrow.to));
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// A backslash would begin an escape of Graphviz's own.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
