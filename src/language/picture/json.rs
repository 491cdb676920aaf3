use serde_json::{Value, json};

use super::graph::{Graph, NodeKind};
use super::outline::{Does, Item, Outline};
use crate::source::Sources;

/// A journey as data: stages, places and the ways between them. `docs/reference/formats.md` describes the shape.
pub fn json(outline: &Outline, sources: &Sources) -> Value {
    let graph = Graph::of(outline);
    let mut places = Vec::new();
    outline.each(&mut |stage, item| places.push(place(outline, stage, item, sources)));
    let stages = outline.stages.iter().map(|stage| {
        let at = sources.place(stage.span).1;
        json!({ "name": stage.name, "line": at.line })
    });
    let enters = outline.enters.iter().map(|(text, into)| {
        json!({ "text": text, "into": outline.stages.get(*into).map(|stage| stage.name.as_str()) })
    });
    let name = |index: usize| graph.boxes.get(index).map(|known| (known.kind, known.title.as_str()));
    let edges = graph.arrows.iter().filter_map(|arrow| {
        let ((NodeKind::Stage, from), (kind, to)) = (name(arrow.from)?, name(arrow.to)?) else { return None };
        let target = if kind == NodeKind::Outcome { "outcome" } else { "stage" };
        Some(json!({ "from": from, "to": { target: to }, "when": arrow.labels }))
    });
    json!({
        "journey": outline.name,
        "label": outline.label,
        "path": outline.path,
        "clauses": outline.clauses,
        "enters": enters.collect::<Vec<_>>(),
        "stages": stages.collect::<Vec<_>>(),
        "outcomes": graph.boxes.iter().filter(|known| known.kind == NodeKind::Outcome)
            .map(|known| known.title.as_str()).collect::<Vec<_>>(),
        "places": places,
        "edges": edges.collect::<Vec<_>>(),
    })
}

fn place(outline: &Outline, stage: usize, item: &Item, sources: &Sources) -> Value {
    let at = sources.place(item.span).1;
    let kind = match item.does {
        Does::Something(kind) => kind,
        Does::GoTo(_) => "go_to",
        Does::End => "end",
    };
    let ways = item.ways.iter().map(|way| {
        let first = way.items.first().map(|first| first.id.as_str());
        json!({ "label": way.label, "first": first })
    });
    json!({
        "id": item.id,
        "stage": outline.stages.get(stage).map(|stage| stage.name.as_str()),
        "line": at.line,
        "column": at.column,
        "kind": kind,
        "text": item.text,
        "ways": ways.collect::<Vec<_>>(),
    })
}
