use super::outline::{Does, Item, Outline, StageOutline};

/// A journey as boxes and arrows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Graph {
    /// The ways in first, then the stages, then the outcomes.
    pub(super) boxes: Vec<Node>,
    /// Each two boxes have one arrow at the most between them in one direction.
    pub(super) arrows: Vec<Arrow>,
}

/// A box of a picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    /// What stands at its head.
    pub(super) title: String,
    /// What happens in it, with how deep it is nested.
    pub(super) lines: Vec<(usize, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// A way in.
    Enter,
    Stage,
    Outcome,
}

/// A way on from one box to another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    /// What it is taken for, each on a line; nothing where it is always taken.
    pub(super) labels: Vec<String>,
}

impl Graph {
    pub(super) fn of(outline: &Outline) -> Self {
        let mut graph = Self { boxes: Vec::new(), arrows: Vec::new() };
        for (text, _) in &outline.enters {
            graph.add(NodeKind::Enter, text, Vec::new());
        }
        let first = graph.boxes.len();
        for stage in &outline.stages {
            graph.add(NodeKind::Stage, &stage.name, lines(stage));
        }
        for (index, (_, into)) in outline.enters.iter().enumerate() {
            graph.arrow(index, first + into, &[]);
        }
        for (index, stage) in outline.stages.iter().enumerate() {
            graph.ways_on(first + index, &stage.items, first, &[]);
        }
        graph
    }

    fn add(&mut self, kind: NodeKind, title: &str, lines: Vec<(usize, String)>) -> usize {
        self.boxes.push(Node { kind, title: title.to_owned(), lines });
        self.boxes.len() - 1
    }

    fn arrow(&mut self, from: usize, to: usize, labels: &[&str]) {
        let label = labels.join(", ");
        let known = self.arrows.iter_mut().find(|arrow| (arrow.from, arrow.to) == (from, to));
        match known {
            Some(arrow) if arrow.labels.contains(&label) => {}
            Some(arrow) => arrow.labels.push(label),
            None => self.arrows.push(Arrow { from, to, labels: vec![label] }),
        }
    }

    /// The arrows from a stage; `labels` say what led so far, `first` is the box of the first stage.
    fn ways_on(&mut self, from: usize, items: &[Item], first: usize, labels: &[&str]) {
        for item in items {
            match item.does {
                Does::GoTo(stage) => self.arrow(from, first + stage, labels),
                Does::End => {
                    let known = |known: &Node| known.kind == NodeKind::Outcome && known.title == item.text;
                    let outcome = self.boxes.iter().position(known);
                    let outcome =
                        outcome.unwrap_or_else(|| self.add(NodeKind::Outcome, &item.text, Vec::new()));
                    self.arrow(from, outcome, labels);
                }
                Does::Something("repeat") => {
                    item.ways.iter().for_each(|way| self.ways_on(from, &way.items, first, labels));
                }
                Does::Something(_) => {
                    for way in &item.ways {
                        let inner: Vec<&str> = labels.iter().copied().chain([way.label.as_str()]).collect();
                        self.ways_on(from, &way.items, first, &inner);
                    }
                }
            }
        }
    }
}

impl Arrow {
    /// What there is to say beside the arrow: nothing where it is the end of the stage alone that leads there.
    pub(super) fn told(&self) -> impl Iterator<Item = &str> {
        let plain = self.labels.len() == 1;
        let said = self.labels.iter().filter(move |label| !(plain && label.is_empty()));
        said.map(|label| if label.is_empty() { "at its end" } else { label.as_str() })
    }
}

/// What happens in a stage. Ways that only lead on are arrows and no lines.
fn lines(stage: &StageOutline) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    collect(&stage.items, 0, &mut lines);
    lines
}

fn collect(items: &[Item], depth: usize, lines: &mut Vec<(usize, String)>) {
    for item in items {
        let Does::Something(what) = item.does else { continue };
        // Of a condition its ways are all there is to say.
        let inside = if what == "if" {
            depth
        } else {
            lines.push((depth, item.text.clone()));
            depth + 1
        };
        for way in item.ways.iter().filter(|way| happens(&way.items)) {
            lines.push((inside, format!("{}:", way.label)));
            collect(&way.items, inside + 1, lines);
        }
    }
}

/// Whether anything happens but going on.
fn happens(items: &[Item]) -> bool {
    items.iter().any(|item| match item.does {
        Does::Something("if") => item.ways.iter().any(|way| happens(&way.items)),
        Does::Something(_) => true,
        Does::GoTo(_) | Does::End => false,
    })
}
