use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::analysis::analyse;
use super::assemble::assemble;
use super::emit::emit;
use super::expression::{Facts, GROUPS, URL_NAMES};
use super::html::{self, Addresses};
use super::lexer::{Form, lex};
use super::limits::{ELEMENT_DEPTH_MAX, HTML_BYTES_MAX, STYLE_MATCHES_MAX};
use super::markup::{Markup, scan};
use super::masked::{Kind, Masked, Piece, PlacedTag, pieces, without_comments};
use super::structure::{Structure, depth};
use super::{
    Compiled, CompiledMessage, Link, MessageSource, Part, Renderer, TemplateKind, TemplateProblem, foreign,
    mjml, text,
};

/// Checks the texts of a message and makes them ready to be rendered.
///
/// `includes` gives the text of a file that MJML includes, by its path from the folder of the body (it may
/// begin with `..`); `None` where there is none.
///
/// # Errors
/// Everything that is wrong with the texts, in their order: tags that do not close, names that mean nothing,
/// links that lead nowhere, and what goes beyond the limits of a template.
pub fn compile(
    source: &MessageSource<'_>,
    includes: &dyn Fn(&str) -> Option<String>,
) -> Result<Compiled, Vec<TemplateProblem>> {
    let mut draft = Draft::default();
    let subject = source.subject.map(|text| draft.plain(text, Part::Subject));
    let preheader = source.preheader.map(|text| draft.plain(text, Part::Preheader));
    let (body, body_text) = match source.body {
        Some((TemplateKind::Text, text)) => (None, Some(draft.plain(text, Part::Body))),
        Some((kind, text)) => (Some((kind, draft.body(kind, text, includes))), None),
        None => (None, None),
    };
    let text = source.text.map(|text| draft.plain(text, Part::Text)).or(body_text);
    let html = match body {
        Some((kind, masked)) => draft.html(kind, &masked),
        None => None,
    };
    draft.checked()?;

    let mut addresses = Addresses {
        tags: &draft.placed,
        utm: source.utm,
        known: Vec::new(),
        texts: Vec::new(),
        links: Vec::new(),
    };
    let html = html.map(|html| (html::with_addresses(&html.html, &mut addresses), html.has_preview));
    let text = match (text, &html) {
        (Some(text), _) => text::with_addresses(&text.text, &mut addresses),
        (None, Some((html, _))) => text::from_html(html, &mut draft.facts.problems),
        (None, None) => String::new(),
    };
    let text = text::without_statement_lines(&text, &draft.placed);
    let preview = preheader.as_ref().map(|masked| masked.text.as_str());
    let html = html.map(|(html, has_preview)| html::with_frame(&html, preview.filter(|_| !has_preview)));

    let tags = &draft.placed;
    let written = |masked: &str, is_html| emit(masked, tags, &addresses.texts, is_html);
    let message = CompiledMessage {
        subject: subject.map(|masked| written(&masked.text, false)),
        preheader: preheader.as_ref().map(|masked| written(&masked.text, false)),
        html: html.map(|html| written(&html, true)),
        text: written(&text, false),
        links: addresses.links,
        addresses: addresses.known,
        utm: source.utm.to_vec(),
        ..draft.facts_read()
    };
    // Whatever the libraries in between have done, what is stored can be rendered.
    if let Err(error) = Renderer::new(&message) {
        draft.facts.problems.push(TemplateProblem::new(&Part::Body, 0..0, error.to_string()));
    }
    draft.checked()?;
    Ok(draft.compiled(message))
}

/// A message while it is being compiled.
#[derive(Default)]
struct Draft {
    /// The tags of all texts. The number of a word is a place in here.
    placed: Vec<PlacedTag>,
    facts: Facts,
}

/// HTML with words in it.
struct MaskedHtml {
    html: String,
    has_preview: bool,
}

impl Draft {
    /// Reads a text without markup.
    fn plain(&mut self, text: &str, part: Part) -> Masked {
        let known = self.facts.problems.len();
        let tags = lex(text, &part, &mut self.facts.problems);
        let masked = Masked::new(text, &part, tags, &mut self.placed);
        self.analyse(&masked, text, known);
        masked
    }

    /// Reads a body with all that it includes.
    fn body(&mut self, kind: TemplateKind, text: &str, includes: &dyn Fn(&str) -> Option<String>) -> Masked {
        let known = self.facts.problems.len();
        let problems = &mut self.facts.problems;
        let masked = if kind == TemplateKind::Mjml {
            assemble(text, includes, &mut self.placed, problems)
        } else {
            let tags = lex(text, &Part::Body, problems);
            Masked::new(text, &Part::Body, tags, &mut self.placed)
        };
        self.analyse(&masked, text, known);
        masked
    }

    /// Checks the tags of a text in the order in which they stand in it. Where a statement could not be read, which of the
    /// others belong together cannot be told; `known` problems were found before.
    fn analyse(&mut self, masked: &Masked, text: &str, known: usize) {
        let found = self.facts.problems.get(known..).unwrap_or_default();
        let begins = |at: usize| text.get(at..).is_some_and(|rest| rest.starts_with("{%"));
        if found
            .iter()
            .any(|problem| begins(problem.range.start) && !matches!(problem.part, Part::Include(_)))
        {
            return;
        }
        analyse(words(&masked.text).filter_map(|number| self.placed.get(number)), &mut self.facts);
        self.facts.foreign.extend(foreign::find(masked));
    }

    /// Turns a body into HTML with its styles in the tags; `None` where something is wrong with it.
    fn html(&mut self, kind: TemplateKind, masked: &Masked) -> Option<MaskedHtml> {
        let problems = &mut self.facts.problems;
        let (html, inline_css, has_preview) = if kind == TemplateKind::Mjml {
            let made = mjml::to_html(masked, &self.placed, problems)?;
            (made.html, Some(made.inline_css), made.has_preview)
        } else {
            (checked_html(masked, &self.placed, problems), None, false)
        };
        // What is wrong with tags would only confuse what follows.
        if !problems.is_empty() {
            return None;
        }
        let inlined = within_bounds(&html).and_then(|()| inlined(&html, inline_css.as_deref()));
        let inlined = match inlined {
            Ok(inlined) => inlined,
            Err(message) => {
                let problem = TemplateProblem::new(&Part::Body, 0..0, message);
                problems.push(problem.help("use fewer tags and simpler styles"));
                return None;
            }
        };
        let (finished, torn) = match inlined {
            Some(inlined) => html::with_mended_tables(&inlined, &self.placed),
            None => (html.clone(), Vec::new()),
        };
        self.lost(&html, &finished, torn);
        let html = without_comments(&finished);
        Some(MaskedHtml { html, has_preview })
    }

    /// Reports statements that did not come through, or not where they were.
    fn lost(&mut self, before: &str, after: &str, torn: Vec<usize>) {
        let kept: BTreeSet<usize> = words(after).collect();
        let is_statement = |tag: &PlacedTag| !matches!(tag.tag.form, Form::Output(_));
        let lost = words(before).filter(|number| !kept.contains(number));
        for number in lost.chain(torn) {
            let Some(tag) = self.placed.get(number).filter(|tag| is_statement(tag)) else { continue };
            let message = format!("`{}` cannot stand here", tag.text());
            let problem = TemplateProblem::new(&tag.part, tag.tag.range.clone(), message);
            self.facts.problems.push(problem.help("put it around whole paragraphs, rows or sections"));
        }
    }

    /// What is read, in the form in which it is stored.
    fn facts_read(&self) -> CompiledMessage {
        let variables = &self.facts.variables;
        let reads: BTreeSet<_> = variables.iter().map(|variable| variable.path.clone()).collect();
        let is_handed = |name: &str| !GROUPS.contains(&name) && !URL_NAMES.contains(&name);
        let unguarded = variables.iter().filter(|variable| !variable.guarded);
        let needs: BTreeSet<_> = unguarded
            .filter_map(|variable| variable.path.first())
            .filter(|name| is_handed(name))
            .cloned()
            .collect();
        let surveys: BTreeSet<_> = self.facts.surveys.iter().map(|survey| survey.name.clone()).collect();
        CompiledMessage {
            reads: reads.into_iter().collect(),
            needs: needs.into_iter().collect(),
            surveys: surveys.into_iter().collect(),
            ..CompiledMessage::default()
        }
    }

    fn checked(&mut self) -> Result<(), Vec<TemplateProblem>> {
        let problems = &mut self.facts.problems;
        // A file that is included twice is wrong once.
        in_order(problems, |problem| (&problem.part, &problem.range, &problem.message));
        if problems.is_empty() { Ok(()) } else { Err(std::mem::take(problems)) }
    }

    fn compiled(self, message: CompiledMessage) -> Compiled {
        let Facts { mut variables, mut surveys, mut foreign, .. } = self.facts;
        in_order(&mut variables, |variable| (&variable.part, &variable.range, ""));
        in_order(&mut surveys, |survey| (&survey.part, &survey.range, &survey.name));
        in_order(&mut foreign, |foreign| (&foreign.part, &foreign.range, ""));
        let is_way_out = |name: &String| matches!(name.as_str(), "unsubscribe_url" | "preferences_url");
        let has_unsubscribe = variables
            .iter()
            .filter(|variable| !matches!(variable.part, Part::Subject | Part::Preheader))
            .any(|variable| variable.path.first().is_some_and(is_way_out));
        let links = message.links.iter();
        let links =
            links.map(|link| Link { name: link.name.clone(), url_source: link.url.clone() }).collect();
        Compiled { message: Arc::new(message), variables, surveys, has_unsubscribe, links, foreign }
    }
}

/// Puts what was found in the order of the texts, once each.
fn in_order<T: PartialEq>(found: &mut Vec<T>, place: impl Fn(&T) -> (&Part, &Range<usize>, &str)) {
    found.sort_by(|a, b| {
        let ((part, range, what), (other_part, other, other_what)) = (place(a), place(b));
        (part, range.start, range.end, what).cmp(&(other_part, other.start, other.end, other_what))
    });
    found.dedup();
}

/// The numbers of the tags of a text, in order.
fn words(masked: &str) -> impl Iterator<Item = usize> {
    pieces(masked).filter_map(|piece| match piece {
        Piece::Word(Kind::Tag, number) => Some(number),
        _ => None,
    })
}

fn checked_html(masked: &Masked, tags: &[PlacedTag], problems: &mut Vec<TemplateProblem>) -> String {
    let mut structure = Structure::new(masked, tags, problems);
    let mut html = String::with_capacity(masked.text.len());
    for markup in scan(&masked.text) {
        structure.html(&markup, &mut html);
    }
    structure.finish();
    html
}

/// Sees to it that HTML is not larger or deeper than the libraries can bear.
fn within_bounds(html: &str) -> Result<(), String> {
    if html.len() > HTML_BYTES_MAX {
        return Err(format!("a mail of more than {} KiB", HTML_BYTES_MAX / 1024));
    }
    // MJML puts some tags of its own around those that have been counted.
    if depth(html) > ELEMENT_DEPTH_MAX * 2 {
        return Err(format!("tags more than {} deep", ELEMENT_DEPTH_MAX * 2));
    }
    Ok(())
}

/// The style sheets that stand in HTML.
fn styles(html: &str) -> impl Iterator<Item = &str> {
    let is_style =
        |name: &Range<usize>| html.get(name.clone()).is_some_and(|name| name.eq_ignore_ascii_case("style"));
    let mut is_inside = false;
    scan(html).filter_map(move |markup| match markup {
        Markup::Open(tag) => {
            is_inside = is_style(&tag.name);
            None
        }
        Markup::Text(range) if is_inside => html.get(range),
        _ => None,
    })
}

/// Writes style sheets into the tags: those of the document, or `css` alone. `None` where there are none.
fn inlined(html: &str, css: Option<&str>) -> Result<Option<String>, String> {
    let is_needed = css.map_or_else(|| html.contains("<style"), |css| !css.trim().is_empty());
    if !is_needed {
        return Ok(None);
    }
    // Each selector is held against each tag.
    let count = |css: &str| css.matches(['{', ',']).count();
    let rules = css.map_or_else(|| styles(html).map(count).sum(), count);
    if rules.saturating_mul(html.matches('<').count()) > STYLE_MATCHES_MAX {
        return Err("too many styles for so many tags".to_owned());
    }
    let options = css_inline::CSSInliner::options()
        .load_remote_stylesheets(false)
        .keep_link_tags(true)
        .keep_style_tags(true)
        .keep_at_rules(css.is_none())
        .remove_inlined_selectors(true)
        .inline_style_tags(css.is_none())
        .extra_css(css.map(std::borrow::Cow::Borrowed));
    let inlined =
        options.build().inline(html).map_err(|error| format!("the styles cannot be read: {error}"))?;
    within_bounds(&inlined)?;
    Ok(Some(inlined))
}
