use super::Analysis;
use crate::language::syntax::tree::{Declaration, Journey, MessageBody, SettingValue, Statement};
use crate::source::{SourceId, Span};

/// A stretch of text that can be folded away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// From the first line, which stays, to the end.
    pub span: Span,
    /// What it is.
    pub kind: FoldKind,
}

/// What is folded away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldKind {
    /// What stands between braces, or a long text.
    Block,
    /// Comments on lines of their own.
    Comment,
}

impl Analysis {
    /// What can be folded in a journey file: blocks, long texts and comments of more than one line.
    pub fn folds(&self, source: SourceId) -> Vec<Fold> {
        let Some(tree) = self.tree(source) else { return Vec::new() };
        let mut spans = Vec::new();
        for declaration in &tree.parsed.file.declarations {
            spans.push(declaration.span());
            match declaration {
                Declaration::Journey(journey) => in_journey(journey, &mut spans),
                Declaration::Message(message) => in_message(&message.body, &mut spans),
                _ => {}
            }
        }
        let text = self.files.sources.get(source);
        let line = |offset: u32| text.position(offset).line;
        let mut folds: Vec<Fold> = spans
            .into_iter()
            .filter(|span| line(span.start) < line(span.end))
            .map(|span| Fold { span, kind: FoldKind::Block })
            .collect();
        let comments = &tree.parsed.file.comments;
        let behind =
            |a: &Span, b: &Span| line(a.end) + 1 == line(b.start) && self.alone(*a) && self.alone(*b);
        for run in comments.chunk_by(behind) {
            if let [first, .., last] = run {
                folds.push(Fold { span: first.to(*last), kind: FoldKind::Comment });
            }
        }
        folds.sort_by_key(|fold| fold.span);
        folds.dedup();
        folds
    }

    /// Whether nothing stands before it on its line.
    fn alone(&self, span: Span) -> bool {
        let text = &self.files.sources.get(span.source).text;
        let before = text.get(..span.start as usize).unwrap_or("");
        before.rsplit('\n').next().unwrap_or("").trim().is_empty()
    }
}

fn in_journey(journey: &Journey, spans: &mut Vec<Span>) {
    for stage in &journey.stages {
        spans.push(stage.span);
        stage.body.each(&mut |statement: &Statement| {
            spans.extend(statement.kind.wait().map(|wait| wait.span));
            spans.extend(statement.kind.blocks().iter().map(|block| block.span));
        });
    }
}

fn in_message(body: &MessageBody, spans: &mut Vec<Span>) {
    for setting in &body.settings {
        if let SettingValue::Text(text) = &setting.value {
            spans.push(setting.key.span.to(text.span));
        }
    }
    for (tag, inner) in &body.languages {
        if let (Some(first), Some(last)) = (inner.settings.first(), inner.settings.last()) {
            let end = match &last.value {
                SettingValue::Text(text) => text.span,
                SettingValue::Name(name) => name.span,
            };
            spans.push(tag.span.to(first.key.span).to(end));
        }
        in_message(inner, spans);
    }
}
