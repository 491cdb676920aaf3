//! Whole messages, from source to mail.

mod hostile;
mod links;
mod mail;
mod problems;
mod reading;
mod rendering;
mod variables;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::*;
use crate::domain::Attributes;
use crate::time::zone;

/// No file is there to be included.
fn nothing(_: &str) -> Option<String> {
    None
}

/// A message of a plain text alone.
fn text_message(text: &str) -> Result<Compiled, Vec<TemplateProblem>> {
    compile(&MessageSource { text: Some(text), ..MessageSource::default() }, &nothing)
}

/// A message of an HTML body alone.
fn html_message(html: &str) -> Result<Compiled, Vec<TemplateProblem>> {
    body_message(TemplateKind::Html, html)
}

fn body_message(kind: TemplateKind, body: &str) -> Result<Compiled, Vec<TemplateProblem>> {
    compile(&MessageSource { body: Some((kind, body)), ..MessageSource::default() }, &nothing)
}

/// MJML with that in its one column.
fn column(content: &str) -> String {
    format!("<mjml><mj-body><mj-section><mj-column>{content}</mj-column></mj-section></mj-body></mjml>")
}

/// A contact about whom something of every kind is known.
fn ada() -> Json {
    json!({
        "first_name": "Ada",
        "last_name": null,
        "empty": "  ",
        "markup": "<b>\"A\" & 'B'</b>",
        "template": "{{7*7}} {% include 'x' %} ${{env}}",
        "control": "a\u{1}0\u{2}b\u{3}\r\nBcc: c",
        "vip": true,
        "score": 49.9,
        "points": 1_234_567,
        "interests": ["shoes", "hats & caps"],
        "birthday": "1815-12-10",
        "created_at": "2027-03-01T23:30:00Z",
        "site": "https://ada.test/?a=1&b=2",
        "evil": "javascript:alert(1)",
        "colour": "#ff0000",
    })
}

/// How messages of these tests are rendered, with names that are easy to see.
struct Fill {
    contact: Json,
    entry: Json,
    with: Attributes,
    is_tracked: bool,
    pixel: Option<&'static str>,
}

impl Default for Fill {
    fn default() -> Self {
        let entry = json!({ "source": "ad a/b&c", "total": 49 });
        Self { contact: ada(), entry, with: Attributes::new(), is_tracked: false, pixel: None }
    }
}

impl Fill {
    fn tracked() -> Self {
        Self { is_tracked: true, ..Self::default() }
    }

    fn with(name: &str, value: Json) -> Self {
        let mut fill = Self::default();
        fill.with.insert(name.to_owned(), value);
        fill
    }

    fn render(&self, message: &CompiledMessage) -> Result<Rendered, RenderError> {
        let zone = zone("Europe/Berlin").unwrap();
        let survey_url = |name: &str, score: Option<i16>| {
            let score = score.map(|score| format!("/{score}")).unwrap_or_default();
            format!("https://go.test/s/{name}{score}")
        };
        let track_link = |link: &TrackedLink<'_>| {
            format!("https://go.test/c?i={}&n={}&u={}", link.index, link.name, link.url)
        };
        Renderer::new(message)?.render(&RenderContext {
            contact: &self.contact,
            entry: &self.entry,
            with: &self.with,
            zone: &zone,
            unsubscribe_url: "https://go.test/u/1",
            preferences_url: "https://go.test/p/1",
            view_url: "https://go.test/v/1",
            survey_url: Arc::new(survey_url),
            track_link: self.is_tracked.then_some(&track_link),
            open_pixel_url: self.pixel,
        })
    }

    /// The text of a message that is nothing but text, without its last line end.
    fn text(&self, text: &str) -> String {
        let compiled = text_message(text).unwrap_or_else(|problems| panic!("{text}: {problems:#?}"));
        let rendered = self.render(&compiled.message).unwrap_or_else(|error| panic!("{text}: {error}"));
        rendered.text.trim_end_matches('\n').to_owned()
    }

    /// The HTML of a message that is nothing but HTML.
    fn html(&self, html: &str) -> String {
        let compiled = html_message(html).unwrap_or_else(|problems| panic!("{html}: {problems:#?}"));
        self.render(&compiled.message).unwrap_or_else(|error| panic!("{html}: {error}")).html.unwrap()
    }
}

/// The text under a range.
fn under(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap()
}

/// The text under each problem, with what is said about it.
fn said(problems: &[TemplateProblem], source: &str) -> Vec<(String, String)> {
    problems
        .iter()
        .map(|problem| (under(source, problem.range.clone()).to_owned(), problem.message.clone()))
        .collect()
}
