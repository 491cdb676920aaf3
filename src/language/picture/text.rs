use super::{clauses, headline, ways};
use crate::language::model::{Block, Journey, StatementKind};
use crate::source::Sources;

/// The way out of a loop.
const STOP: &str = "→ out of the loop";

/// Draws a journey with lines and indents.
pub fn text(journey: &Journey, sources: &Sources) -> String {
    let mut out = format!("{} · {}\n", journey.name, journey.label);
    for clause in clauses(journey, sources) {
        out.push_str(&format!("  {clause}\n"));
    }
    for stage in &journey.stages {
        out.push_str(&format!("\n■ {}\n", stage.name));
        block(&stage.body, journey, sources, "  ", &mut out);
    }
    out
}

fn block(block: &Block, journey: &Journey, sources: &Sources, indent: &str, out: &mut String) {
    for statement in &block.statements {
        let ways = ways(statement, sources);
        match &statement.kind {
            StatementKind::If { .. } => {}
            StatementKind::GoTo(stage) => {
                let name = journey.stages.get(*stage).map_or("", |stage| &stage.name);
                out.push_str(&format!("{indent}→ {name}\n"));
            }
            StatementKind::End { outcome } => out.push_str(&format!("{indent}● {outcome}\n")),
            StatementKind::Stop => out.push_str(&format!("{indent}{STOP}\n")),
            _ => out.push_str(&format!("{indent}{}\n", headline(sources.text(statement.span)))),
        }
        let last = ways.len().saturating_sub(1);
        for (index, way) in ways.iter().enumerate() {
            let (corner, line) = if index == last { ("└─", "   ") } else { ("├─", "│  ") };
            out.push_str(&format!("{indent}{corner} {}", way.label));
            if let Some(target) = only_target(way.block, journey) {
                out.push_str(&format!(" {target}\n"));
                continue;
            }
            out.push('\n');
            self::block(way.block, journey, sources, &format!("{indent}{line}"), out);
        }
    }
}

/// Where a block leads that does nothing else.
fn only_target(block: &Block, journey: &Journey) -> Option<String> {
    match block.statements.as_slice() {
        [] => Some("→ on".to_owned()),
        [only] => match &only.kind {
            StatementKind::GoTo(stage) => Some(format!("→ {}", journey.stages.get(*stage)?.name)),
            StatementKind::End { outcome } => Some(format!("● {outcome}")),
            StatementKind::Stop => Some(STOP.to_owned()),
            _ => None,
        },
        _ => None,
    }
}
