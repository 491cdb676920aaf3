use std::collections::BTreeSet;

use super::{headline, ways};
use crate::language::model::{Block, Journey, StatementKind};
use crate::source::Sources;

/// Draws a journey as a Mermaid flowchart (<https://mermaid.js.org/syntax/flowchart.html>): a box for each stage with
/// what happens in it, an arrow for each way on, a circle for each outcome.
pub fn mermaid(journey: &Journey, sources: &Sources) -> String {
    let mut out = String::from("flowchart TD\n");
    for (index, stage) in journey.stages.iter().enumerate() {
        let mut lines = vec![format!("<b>{}</b>", escape(&stage.name))];
        stage.body.each(&mut |statement| {
            let quiet = matches!(
                statement.kind,
                StatementKind::GoTo(_)
                    | StatementKind::End { .. }
                    | StatementKind::If { .. }
                    | StatementKind::Unknown
            );
            if !quiet {
                lines.push(escape(&headline(sources.text(statement.span))));
            }
        });
        out.push_str(&format!("  s{index}[\"{}\"]\n", lines.join("<br/>")));
    }
    let mut arrows = Arrows { journey, sources, out: &mut out, outcomes: BTreeSet::new() };
    for (index, enter) in journey.enters.iter().enumerate() {
        let label = escape(&headline(sources.text(enter.span)));
        arrows.out.push_str(&format!("  e{index}([\"{label}\"]) --> s{}\n", enter.into));
    }
    for (index, stage) in journey.stages.iter().enumerate() {
        arrows.block(index, &stage.body, &[]);
    }
    for outcome in std::mem::take(&mut arrows.outcomes) {
        out.push_str(&format!("  o_{outcome}((\"{}\"))\n", escape(&outcome)));
    }
    out
}

struct Arrows<'a> {
    journey: &'a Journey,
    sources: &'a Sources,
    out: &'a mut String,
    outcomes: BTreeSet<String>,
}

impl Arrows<'_> {
    /// The ways on from a block; `labels` say what led into it.
    fn block(&mut self, stage: usize, block: &Block, labels: &[String]) {
        for statement in &block.statements {
            match &statement.kind {
                StatementKind::GoTo(target) if *target < self.journey.stages.len() => {
                    self.arrow(stage, &format!("s{target}"), labels);
                }
                StatementKind::End { outcome } => {
                    self.outcomes.insert(outcome.clone());
                    self.arrow(stage, &format!("o_{outcome}"), labels);
                }
                _ => {}
            }
            for way in ways(statement, self.sources) {
                let mut inner = labels.to_vec();
                inner.push(way.label);
                self.block(stage, way.block, &inner);
            }
        }
    }

    fn arrow(&mut self, stage: usize, target: &str, labels: &[String]) {
        let label = escape(&labels.join(", "));
        let label = if label.is_empty() { String::new() } else { format!("|\"{label}\"|") };
        self.out.push_str(&format!("  s{stage} -->{label} {target}\n"));
    }
}

/// Quotes and angle brackets as the entities that Mermaid takes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "#quot;").replace('<', "&lt;").replace('>', "&gt;")
}
