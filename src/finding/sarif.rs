use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Code, Edit, Finding, Severity};
use crate::source::{Sources, Span};

/// The name under which relative places are resolved; code scanners know it.
const BASE: &str = "%SRCROOT%";
/// What stands unescaped in the path of a URI (RFC 3986, section 3.3).
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b'@');

/// Where the files of a workspace lie, for places that other programs look up.
#[derive(Clone, Debug, Default)]
pub struct Base {
    /// The workspace as seen from the folder that is `root`, with a `/` at its end, or empty.
    pub folder: String,
    /// The `file:` URI of that folder, with a `/` at its end.
    pub root: Option<String>,
}

/// All findings as a log of SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>), with a rule for every
/// code there is, so that a rule's index never depends on what was found.
///
/// Columns are counted in characters, which `columnKind` says.
pub fn render_sarif(findings: &[Finding], sources: &Sources, base: &Base) -> Value {
    let mut root = json!({ "description": { "text": "the folder that the check was run in" } });
    if let (Some(uri), Some(root)) = (&base.root, root.as_object_mut()) {
        root.insert("uri".to_owned(), uri.as_str().into());
    }
    let log = Log { sources, base };
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Lotse",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { BASE: root },
            "results": findings.iter().map(|finding| log.result(finding)).collect::<Vec<_>>(),
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn rule(code: Code) -> Value {
    let page = code.page();
    let what = page.split("**What it is.** ").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or("");
    json!({
        "id": code.name(),
        "shortDescription": { "text": code.title() },
        "fullDescription": { "text": what.replace('\n', " ") },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

struct Log<'a> {
    sources: &'a Sources,
    base: &'a Base,
}

impl Log<'_> {
    fn result(&self, finding: &Finding) -> Value {
        let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
        let mut result = json!({
            "ruleId": finding.code.name(),
            "ruleIndex": Code::ALL.iter().position(|code| *code == finding.code),
            "level": level(finding.severity()),
            "message": { "text": format!("{}{help}", finding.message) },
            "locations": [{ "physicalLocation": self.place(finding.span) }],
        });
        let related: Vec<Value> = (1..)
            .zip(&finding.related)
            .map(|(id, (span, what))| {
                let place = self.place(*span);
                json!({ "id": id, "physicalLocation": place, "message": { "text": what } })
            })
            .collect();
        let parts = [
            ("relatedLocations", (!related.is_empty()).then_some(related)),
            ("fixes", finding.edit.as_ref().map(|edit| vec![self.fix(finding, edit)])),
        ];
        if let Some(result) = result.as_object_mut() {
            result.extend(parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?.into()))));
        }
        result
    }

    fn fix(&self, finding: &Finding, edit: &Edit) -> Value {
        json!({
            "description": { "text": finding.help.as_deref().unwrap_or("write this instead") },
            "artifactChanges": [{
                "artifactLocation": self.file(edit.span),
                "replacements": [{
                    "deletedRegion": self.region(edit.span),
                    "insertedContent": { "text": edit.replacement },
                }],
            }],
        })
    }

    fn place(&self, span: Span) -> Value {
        json!({ "artifactLocation": self.file(span), "region": self.region(span) })
    }

    fn file(&self, span: Span) -> Value {
        let path = format!("{}{}", self.base.folder, self.sources.get(span.source).path);
        json!({ "uri": utf8_percent_encode(&path, PATH).to_string(), "uriBaseId": BASE })
    }

    /// The end is behind the last character, as SARIF counts it (section 3.30).
    fn region(&self, span: Span) -> Value {
        let source = self.sources.get(span.source);
        let (start, end) = (source.position(span.start), source.position(span.end));
        json!({
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        })
    }
}
