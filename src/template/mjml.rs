//! Turns MJML into HTML.
//!
//! The library that does so passes over tags and attributes it does not know without a word, and is strict
//! about HTML inside them. So MJML is checked here first, and handed on as a skeleton: only the tags of MJML,
//! with a word in the place of each piece of HTML or style, which comes back in afterwards.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use mrml::prelude::render::RenderOptions;

use super::markup::{Markup, OpenTag, VOID, scan};
use super::masked::{Kind, Masked, Piece, PlacedTag, has_words, map_words, pieces, without_comments};
use super::mjml_tags::{Content, TAGS, is_attribute, mjml_tag};
use super::structure::Structure;
use super::{Part, TemplateProblem};
use crate::finding::words;

/// HTML that MJML has become.
pub(super) struct FromMjml {
    pub html: String,
    /// The style sheets that are to be written into the tags.
    pub inline_css: String,
    /// Whether the author has written a preview text there.
    pub has_preview: bool,
}

/// Checks a masked MJML document and turns it into HTML; `None` when there is something wrong with it.
pub(super) fn to_html(
    masked: &Masked,
    tags: &[PlacedTag],
    problems: &mut Vec<TemplateProblem>,
) -> Option<FromMjml> {
    let before = problems.len();
    let mut skeleton = Skeleton {
        structure: Structure::new(masked, tags, problems),
        out: String::with_capacity(masked.text.len()),
        contents: Vec::new(),
        html: None,
        inline_css: String::new(),
        is_inline: false,
        seen: BTreeSet::new(),
    };
    for markup in scan(&masked.text) {
        skeleton.markup(&markup);
    }
    let Skeleton { mut structure, out, contents, inline_css, seen, .. } = skeleton;
    structure.finish();
    if let Some(missing) = ["mjml", "mj-body"].into_iter().find(|name| !seen.contains(name)) {
        let problem = TemplateProblem::new(&Part::Body, 0..0, format!("there is no `<{missing}>`"));
        problems.push(problem.help("write the mail into `<mjml><mj-body> … </mj-body></mjml>`"));
    }
    if problems.len() > before {
        return None;
    }
    match rendered(&out) {
        Ok(html) => Some(FromMjml {
            html: with_contents(&html, &contents),
            inline_css,
            has_preview: seen.contains("mj-preview"),
        }),
        Err(error) => {
            let message = format!("this MJML cannot be read: {error}");
            problems.push(TemplateProblem::new(&Part::Body, 0..0, message));
            None
        }
    }
}

fn rendered(skeleton: &str) -> Result<String, String> {
    let parsed = mrml::parse(skeleton).map_err(|error| error.to_string())?;
    // Fonts of its own accord would be fetched from a third party by everybody who opens the mail, which tells that party
    // who reads; a template that wants one says so with `mj-font`.
    let options = RenderOptions { fonts: HashMap::new(), ..RenderOptions::default() };
    parsed.element.render(&options).map_err(|error| error.to_string())
}

/// Puts the contents back, and takes statements out of comments where they stand in a comment for Outlook,
/// which their own would end too early.
fn with_contents(html: &str, contents: &[String]) -> String {
    let whole = map_words(html, |kind, number, out| match contents.get(number) {
        Some(content) if kind == Kind::Content => out.push_str(content),
        _ => out.push_str(&kind.word(number)),
    });
    let mut out = String::with_capacity(whole.len());
    let mut is_hidden = false;
    for markup in scan(&whole) {
        let written = whole.get(markup.range()).unwrap_or_default();
        match markup {
            Markup::Comment(_) if is_hidden => out.push_str(&without_comments(written)),
            Markup::Conditional { hides, .. } => {
                is_hidden = hides;
                out.push_str(written);
            }
            _ => out.push_str(written),
        }
    }
    out
}

/// MJML on its way to the library.
struct Skeleton<'a> {
    structure: Structure<'a>,
    out: String,
    /// The pieces of HTML and style, by the number of their word.
    contents: Vec<String>,
    /// The piece of HTML that is being read, and the tag that holds it.
    html: Option<(&'static str, String)>,
    inline_css: String,
    /// Whether the style sheet that is being read goes into the tags.
    is_inline: bool,
    /// The tags that there have been.
    seen: BTreeSet<&'static str>,
}

impl Skeleton<'_> {
    fn markup(&mut self, markup: &Markup) {
        if self.html.is_some() {
            self.inside_html(markup);
            return;
        }
        match markup {
            Markup::Text(range) => self.text(range),
            Markup::Open(tag) => self.open(tag),
            Markup::Close { name, .. } => {
                self.structure.close(name);
                self.end(self.structure.text(name));
            }
            // Comments are for colleagues, not for the mail.
            Markup::Comment(range) => self.structure.balanced(range),
            Markup::Declaration(_) => {}
            Markup::Conditional { range, .. } => {
                self.structure.problem(
                    range,
                    "a comment for Outlook between MJML tags",
                    "put it into an `mj-raw`",
                );
            }
            Markup::Unfinished(_) => self.structure.html(markup, &mut String::new()),
        }
    }

    /// Reads what stands in `mj-text` and the like.
    fn inside_html(&mut self, markup: &Markup) {
        let Some((holder, mut content)) = self.html.take() else { return };
        let is_raw = holder == "mj-raw";
        match markup {
            Markup::Close { name, .. } if self.structure.text(name) == holder => {
                if is_raw {
                    self.structure.is_lenient = false;
                } else {
                    self.structure.close(name);
                }
                self.content(content);
                self.end(holder);
                return;
            }
            Markup::Open(tag) if self.structure.text(&tag.name).starts_with("mj-") => {
                let inner = self.structure.text(&tag.name);
                let message = format!("`{inner}` cannot stand in `{holder}`");
                self.structure.problem(&tag.name, message, format!("close the `{holder}` before it"));
            }
            Markup::Close { name, .. } if self.structure.text(name).starts_with("mj-") => {
                let inner = self.structure.text(name);
                let message = format!("`</{inner}>` before the end of `{holder}`");
                self.structure.problem(name, message, format!("write `</{holder}>` before it"));
                // The holder was forgotten: go on as if it were closed here.
                self.structure.is_lenient = false;
                self.structure.forget(holder);
                self.markup(markup);
                return;
            }
            _ => self.structure.html(markup, &mut content),
        }
        self.html = Some((holder, content));
    }

    /// Hands a piece of HTML or style over as a word.
    fn content(&mut self, content: String) {
        self.out.push_str(&Kind::Content.word(self.contents.len()));
        self.contents.push(content);
    }

    fn end(&mut self, name: &str) {
        if name == "mj-style" && std::mem::take(&mut self.is_inline) {
            return;
        }
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn text(&mut self, range: &Range<usize>) {
        let written = self.structure.text(range);
        let parent = self.structure.parent().unwrap_or_default().to_owned();
        match mjml_tag(&parent).map(|tag| tag.content) {
            Some(Content::Text) => {
                self.structure.raw_text(range, &parent);
                // A title comes back inside quotation marks too.
                self.content(written.replace('<', "&lt;").replace('"', "&quot;"));
                return;
            }
            Some(Content::Style) => {
                self.structure.raw_text(range, &parent);
                if self.is_inline {
                    self.inline_css.push_str(written);
                    self.inline_css.push('\n');
                } else {
                    self.content(written.to_owned());
                }
                return;
            }
            _ => {}
        }
        let mut at = range.start;
        for piece in pieces(written) {
            match piece {
                Piece::Text(text) => {
                    // What stands in a tag that is wrong itself is left in peace.
                    if parent.is_empty() || mjml_tag(&parent).is_some() {
                        self.bare(text, at);
                    }
                    at += text.len();
                }
                Piece::Word(kind, number) => {
                    let length = kind.word(number).len();
                    self.bare_word(kind, number, &(at..at + length), &parent);
                    at += length;
                }
            }
        }
    }

    fn bare(&mut self, text: &str, at: usize) {
        let trimmed = text.trim();
        if !trimmed.is_empty() {
            let start = at + text.len() - text.trim_start().len();
            let range = start..start + trimmed.len();
            self.structure.problem(&range, "text outside of `mj-text`", "put it into `<mj-text>`");
        }
    }

    fn bare_word(&mut self, kind: Kind, number: usize, range: &Range<usize>, parent: &str) {
        let is_output = self.structure.tags.get(number).is_some_and(|tag| tag.tag.form.is_output());
        let is_wrong = !parent.is_empty() && mjml_tag(parent).is_none();
        if is_output && !is_wrong {
            self.structure.problem(range, "text outside of `mj-text`", "put it into `<mj-text>`");
        }
        if is_output || is_wrong {
            return;
        }
        let word = self.structure.word(kind, number);
        if mjml_tag(parent).is_some_and(|tag| tag.takes_statements) {
            self.out.push_str(&word);
        } else {
            let place =
                if parent.is_empty() { "outside of `mj-body`".to_owned() } else { format!("in `{parent}`") };
            let message = format!("a condition, a loop or a `set` {place}");
            self.structure.problem(
                range,
                message,
                "put it into `mj-body`, around whole sections, columns or texts",
            );
        }
    }

    fn open(&mut self, tag: &OpenTag) {
        let name = self.structure.text(&tag.name);
        let parent = self.structure.parent().unwrap_or_default().to_owned();
        let Some(known) = mjml_tag(name) else {
            self.unknown(tag, name);
            return;
        };
        let is_default = parent == "mj-attributes" && !known.parents.contains(&"mj-head");
        let is_in_place = match parent.as_str() {
            "" => known.parents.is_empty(),
            parent => is_default || known.parents.contains(&parent),
        };
        // What stands in a tag that is wrong itself is left in peace.
        if !is_in_place && (parent.is_empty() || mjml_tag(&parent).is_some()) {
            self.misplaced(tag, name, known.parents);
        }
        self.attributes(tag, name, known.attributes());
        self.seen.insert(known.name);
        if known.content == Content::Style
            && tag.attribute(&self.structure.masked.text, "inline") == Some("inline")
        {
            self.is_inline = !tag.is_closed;
        } else {
            self.write_open(tag, name);
        }
        if tag.is_closed {
            return;
        }
        match known.content {
            _ if is_default => self.structure.open(name, &tag.name),
            Content::RawHtml => {
                // What it holds may begin here and end in another one.
                self.structure.is_lenient = true;
                self.html = Some((known.name, String::new()));
            }
            Content::Html => {
                self.structure.open(name, &tag.name);
                self.html = Some((known.name, String::new()));
            }
            _ => self.structure.open(name, &tag.name),
        }
    }

    fn write_open(&mut self, tag: &OpenTag, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
        for attribute in &tag.attributes {
            let value = attribute.value.as_ref().map_or("", |range| self.structure.text(range));
            self.out.push(' ');
            self.out.push_str(self.structure.text(&attribute.name));
            self.out.push_str("=\"");
            let value = value.replace('"', "&quot;").replace('<', "&lt;");
            // The library writes values the way Rust does: it would double `\` and spell out joined emoji.
            if format!("{value:?}") == format!("\"{value}\"") {
                self.out.push_str(&value);
            } else {
                self.content(value);
            }
            self.out.push('"');
        }
        self.out.push_str(if tag.is_closed { "/>" } else { ">" });
    }

    fn unknown(&mut self, tag: &OpenTag, name: &str) {
        if name.starts_with("mj") {
            let help = words::near(name, TAGS.iter().map(|tag| tag.name));
            let help = help.map_or_else(
                || "see <https://documentation.mjml.io>".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
            self.structure.problem(&tag.name, format!("`{name}` is not a tag of MJML"), help);
        } else {
            let message = format!("`<{name}>` outside of `mj-text`");
            self.structure.problem(&tag.name, message, "put HTML into `mj-text`, `mj-table` or `mj-raw`");
        }
        if !tag.is_closed && !VOID.contains(&name) {
            self.structure.open(name, &tag.name);
        }
    }

    fn misplaced(&mut self, tag: &OpenTag, name: &str, parents: &[&str]) {
        let help = match parents {
            [] => "the document begins with it".to_owned(),
            parents => format!("it stands in {}", words::one_of_ticked(parents)),
        };
        let parent = self
            .structure
            .parent()
            .map_or_else(|| "outside of everything".to_owned(), |parent| format!("in `{parent}`"));
        self.structure.problem(&tag.name, format!("`{name}` cannot stand {parent}"), help);
    }

    fn attributes(&mut self, tag: &OpenTag, name: &str, known: impl Iterator<Item = &'static str> + Clone) {
        self.structure.attributes(tag);
        let takes_any = matches!(name, "mj-all" | "mj-class");
        for attribute in &tag.attributes {
            let written = self.structure.text(&attribute.name);
            let is_known =
                known.clone().any(|known| known == written) || (takes_any && is_attribute(written));
            if !is_known && !has_words(written) {
                let help = words::did_you_mean(written, &format!("`{name}` takes"), known.clone());
                let message = format!("`{name}` has no attribute `{written}`");
                self.structure.problem(&attribute.name, message, help.unwrap_or_default());
            }
        }
    }
}
