use serde_json::{Map, Value, json};

use super::{Finding, Severity};
use crate::source::{Sources, Span};

/// All findings as one JSON object: `{"findings": […], "errors": N, "warnings": N}`.
///
/// Lines and columns count from 1, columns in characters; `start` and `end` are byte offsets in the file.
pub fn render_json(findings: &[Finding], sources: &Sources) -> Value {
    let count = |severity| findings.iter().filter(|finding| finding.severity() == severity).count();
    json!({
        "findings": findings.iter().map(|finding| one(finding, sources)).collect::<Vec<_>>(),
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
    })
}

fn one(finding: &Finding, sources: &Sources) -> Value {
    let related: Vec<Value> = finding
        .related
        .iter()
        .map(|(span, what)| with(place(*span, sources), [("message", what.as_str().into())]))
        .collect();
    let edit = finding.edit.as_ref().map_or(Value::Null, |edit| {
        with(place(edit.span, sources), [("replacement", edit.replacement.as_str().into())])
    });
    with(
        place(finding.span, sources),
        [
            ("code", finding.code.name().into()),
            ("severity", finding.severity().to_string().into()),
            ("message", finding.message.as_str().into()),
            ("help", finding.help.as_deref().map_or(Value::Null, Value::from)),
            ("related", related.into()),
            ("edit", edit),
        ],
    )
}

fn with<const N: usize>(mut object: Map<String, Value>, entries: [(&str, Value); N]) -> Value {
    object.extend(entries.into_iter().map(|(key, value)| (key.to_owned(), value)));
    Value::Object(object)
}

fn place(span: Span, sources: &Sources) -> Map<String, Value> {
    let source = sources.get(span.source);
    let (start, end) = (source.position(span.start), source.position(span.end));
    [
        ("path", source.path.as_str().into()),
        ("line", start.line.into()),
        ("column", start.column.into()),
        ("end_line", end.line.into()),
        ("end_column", end.column.into()),
        ("start", span.start.into()),
        ("end", span.end.into()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}
