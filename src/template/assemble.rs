//! Brings a body together with the files it includes.

use super::lexer::lex;
use super::limits::{ASSEMBLED_BYTES_MAX, INCLUDE_COUNT_MAX, INCLUDE_DEPTH_MAX};
use super::markup::{Markup, OpenTag, scan};
use super::masked::{Masked, PlacedTag, has_words};
use super::{Part, TemplateProblem};

/// Reads MJML and all that it includes, at any depth, into one masked text.
pub(super) fn assemble(
    text: &str,
    includes: &dyn Fn(&str) -> Option<String>,
    placed: &mut Vec<PlacedTag>,
    problems: &mut Vec<TemplateProblem>,
) -> Masked {
    let mut assembly = Assembly { includes, placed, problems, heads: Masked::default(), count: 0, bytes: 0 };
    let body = assembly.read(text, &Part::Body, &mut Vec::new());
    let heads = assembly.heads;
    if heads.text.is_empty() { body } else { with_heads(&body, &heads) }
}

struct Assembly<'a> {
    includes: &'a dyn Fn(&str) -> Option<String>,
    placed: &'a mut Vec<PlacedTag>,
    problems: &'a mut Vec<TemplateProblem>,
    /// What included documents have in their own heads.
    heads: Masked,
    count: usize,
    bytes: usize,
}

impl Assembly<'_> {
    /// Reads one file; `above` are the files that it is included from.
    fn read(&mut self, text: &str, part: &Part, above: &mut Vec<String>) -> Masked {
        self.bytes += text.len();
        let tags = lex(text, part, self.problems);
        let masked = Masked::new(text, part, tags, self.placed);
        let mut out = Masked::default();
        let mut at = 0;
        let mut is_in_head = false;
        for markup in scan(&masked.text) {
            let (name, range) = match &markup {
                Markup::Open(tag) => (tag.name.clone(), tag.range.clone()),
                Markup::Close { name, range } => (name.clone(), range.clone()),
                _ => continue,
            };
            let is_open = matches!(markup, Markup::Open(_));
            match masked.text.get(name) {
                Some("mj-head") => is_in_head = is_open,
                Some("mj-include") => {
                    out.push_from(&masked, at..range.start);
                    at = range.end;
                    if let Markup::Open(tag) = markup {
                        self.include(&tag, &masked, is_in_head, above, &mut out);
                    }
                }
                _ => {}
            }
        }
        out.push_from(&masked, at..masked.text.len());
        out
    }

    /// Puts an included file where its `mj-include` stands.
    fn include(
        &mut self,
        tag: &OpenTag,
        from: &Masked,
        is_in_head: bool,
        above: &mut Vec<String>,
        out: &mut Masked,
    ) {
        let Some(path) = tag.attribute(&from.text, "path").filter(|path| !path.trim().is_empty()) else {
            self.problem(tag, from, "an `mj-include` without a path", "add `path=\"footer.mjml\"`");
            return;
        };
        if has_words(path) {
            self.problem(tag, from, "a placeholder in the path of an `mj-include`", "write the path itself");
            return;
        }
        let path = joined(above.last().map_or("", String::as_str), path);
        if above.contains(&path) {
            self.problem(tag, from, format!("`{path}` includes itself"), "take one of the two out");
            return;
        }
        self.count += 1;
        if above.len() >= INCLUDE_DEPTH_MAX
            || self.count > INCLUDE_COUNT_MAX
            || self.bytes > ASSEMBLED_BYTES_MAX
        {
            let help = "include fewer and smaller files";
            self.problem(tag, from, "more included than a mail can hold", help);
            return;
        }
        let Some(text) = (self.includes)(&path) else {
            let help = "a path begins at the folder of the file that names it";
            self.problem(tag, from, format!("there is no file `{path}`"), help);
            return;
        };
        above.push(path.clone());
        let included = self.read(&text, &Part::Include(path), above);
        above.pop();
        let whole = 0..included.text.len();
        match tag.attribute(&from.text, "type").unwrap_or("mjml") {
            "css" => {
                let is_inline = tag.attribute(&from.text, "css-inline") == Some("inline");
                let target = if is_in_head { out } else { &mut self.heads };
                target.push_str(if is_inline { "<mj-style inline=\"inline\">" } else { "<mj-style>" });
                target.push_from(&included, whole);
                target.push_str("</mj-style>");
            }
            "html" => {
                out.push_str("<mj-raw>");
                out.push_from(&included, whole);
                out.push_str("</mj-raw>");
            }
            "mjml" => self.splice(&included, is_in_head, out),
            _ => self.problem(tag, from, "an unknown type of `mj-include`", "write `mjml`, `html` or `css`"),
        }
    }

    /// Takes in a fragment as it is, a whole document without what is around its head and its body.
    fn splice(&mut self, included: &Masked, is_in_head: bool, out: &mut Masked) {
        let head = inner(included, "mj-head");
        let body = inner(included, "mj-body");
        match (head, body) {
            (None, None) => out.push_from(included, 0..included.text.len()),
            (head, body) => {
                if let Some(head) = head {
                    let target = if is_in_head { &mut *out } else { &mut self.heads };
                    target.push_from(included, head);
                }
                if let Some(body) = body.filter(|_| !is_in_head) {
                    out.push_from(included, body);
                }
            }
        }
    }

    fn problem(&mut self, tag: &OpenTag, from: &Masked, message: impl Into<String>, help: &str) {
        let (part, range) = from.locate(&tag.range);
        self.problems.push(TemplateProblem::new(&part, range, message).help(help));
    }
}

/// What stands between the begin and the end of an element.
fn inner(masked: &Masked, element: &str) -> Option<std::ops::Range<usize>> {
    let mut start = None;
    for markup in scan(&masked.text) {
        match markup {
            Markup::Open(tag) if masked.text.get(tag.name.clone()) == Some(element) => {
                start = Some(tag.range.end)
            }
            Markup::Close { name, range } if masked.text.get(name.clone()) == Some(element) => {
                return Some(start?..range.start);
            }
            _ => {}
        }
    }
    None
}

/// Adds to the head of a document, which gets one where it has none.
fn with_heads(body: &Masked, heads: &Masked) -> Masked {
    let mut has_head = false;
    let place = scan(&body.text).find_map(|markup| match markup {
        Markup::Close { name, range } if body.text.get(name.clone()) == Some("mj-head") => {
            has_head = true;
            Some(range.start)
        }
        Markup::Open(tag) if body.text.get(tag.name.clone()) == Some("mj-body") => Some(tag.range.start),
        _ => None,
    });
    let place = place.unwrap_or(0);
    let mut out = Masked::default();
    out.push_from(body, 0..place);
    out.push_str(if has_head { "" } else { "<mj-head>" });
    out.push_from(heads, 0..heads.text.len());
    out.push_str(if has_head { "" } else { "</mj-head>" });
    out.push_from(body, place..body.text.len());
    out
}

/// The path of a file that another one names, both from the folder of the body.
fn joined(from: &str, path: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut steps: Vec<&str> = Vec::new();
    for step in folder.split('/').chain(path.trim().split('/')) {
        match step {
            "" | "." => {}
            ".." if steps.last().is_some_and(|last| *last != "..") => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_the_file_that_names_them() {
        let table = [
            ("", "footer.mjml", "footer.mjml"),
            ("", "./parts/footer.mjml", "parts/footer.mjml"),
            ("parts/footer.mjml", "logo.mjml", "parts/logo.mjml"),
            ("parts/footer.mjml", "../logo.mjml", "logo.mjml"),
            ("", "../parts/logo.mjml", "../parts/logo.mjml"),
            ("../parts/a.mjml", "../b.mjml", "../b.mjml"),
            ("", "../../b.mjml", "../../b.mjml"),
        ];
        for (from, path, expected) in table {
            assert_eq!(joined(from, path), expected);
        }
    }
}
