use super::{Analysis, Completion, CompletionKind, begun};
use crate::config;
use crate::source::{SourceId, Span};

/// What could be written in `lotse.yaml`: the keys of the section around a place.
pub(super) fn completion(analysis: &Analysis, source: SourceId, offset: usize) -> Vec<Completion> {
    let text = &analysis.files.sources.get(source).text;
    let word = begun(text, offset, |c| c.is_alphanumeric() || c == '_');
    let before = text.get(..word.start).unwrap_or("");
    let line = before.rsplit('\n').next().unwrap_or("");
    if !line.trim_start_matches([' ', '-']).is_empty() {
        return Vec::new();
    }
    let path = path(before);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let replaces = Span::new(source, word.start, offset);
    let known = config::keys(&path).into_iter();
    known
        .map(|key| Completion::new(CompletionKind::Setting, key, replaces).snippet(written(&path, key)))
        .collect()
}

/// A key with what stands behind it: a value, a section, or a section of names.
fn written(path: &[&str], key: &str) -> String {
    let inside = |more: &[&str]| !config::keys(&[path, more].concat()).is_empty();
    if inside(&[key]) {
        format!("{key}:\n  $0")
    } else if inside(&[key, "name"]) {
        format!("{key}:\n  ${{1:name}}:\n    $0")
    } else {
        format!("{key}: $0")
    }
}

/// The keys that lead to the end of a text, told by how far the lines are indented.
fn path(before: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let mut lines = before.rsplit('\n');
    let mut depth = lines.next().map_or(0, indent);
    let mut path = Vec::new();
    for line in lines.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let at = indent(line);
        let Some((key, _)) = line.trim_start_matches([' ', '-']).split_once(':') else { continue };
        if at < depth {
            path.push(key.trim().to_owned());
            depth = line.len() - line.trim_start().len();
        }
        if depth == 0 {
            break;
        }
    }
    path.reverse();
    path
}
