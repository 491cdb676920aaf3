use super::graph::{Graph, NodeKind};
use super::outline::Outline;

/// Draws a journey as a Mermaid flowchart (<https://mermaid.js.org/syntax/flowchart.html>): a box for each stage with
/// what happens in it, an arrow for each way on, a circle for each outcome.
pub fn mermaid(outline: &Outline) -> String {
    let graph = Graph::of(outline);
    let mut out = String::from("flowchart TD\n");
    for (index, drawn) in graph.boxes.iter().enumerate() {
        let title = escape(&drawn.title);
        out.push_str(&match drawn.kind {
            NodeKind::Enter => format!("  n{index}([\"{title}\"])\n"),
            NodeKind::Outcome => format!("  n{index}((\"{title}\"))\n"),
            NodeKind::Stage => {
                let indented =
                    |(depth, line): &(usize, String)| "&nbsp;&nbsp;".repeat(*depth) + &escape(line);
                let lines = std::iter::once(format!("<b>{title}</b>"));
                let lines: Vec<String> = lines.chain(drawn.lines.iter().map(indented)).collect();
                format!("  n{index}[\"{}\"]\n", lines.join("<br/>"))
            }
        });
    }
    for arrow in &graph.arrows {
        let labels: Vec<String> = arrow.told().map(escape).collect();
        let label = if labels.is_empty() { String::new() } else { format!("|\"{}\"|", labels.join("<br/>")) };
        out.push_str(&format!("  n{} -->{label} n{}\n", arrow.from, arrow.to));
    }
    out
}

/// What would end a text or mean something in it, as the entities that Mermaid takes; a back-tick at its head would
/// make it Markdown.
fn escape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '"' => "#quot;".to_owned(),
            '#' => "#35;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '`' => "#96;".to_owned(),
            _ => c.to_string(),
        })
        .collect()
}
