//! The template reader: any text is compiled or refused, and what is compiled can be filled in.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use lotse::domain::Attributes;
use lotse::template::{MessageSource, RenderContext, Renderer, TemplateKind, compile};
use lotse::time::TimeZone;
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let kind = [TemplateKind::Mjml, TemplateKind::Html, TemplateKind::Text][*first as usize % 3];
    let subject = text.lines().next();
    let source = MessageSource { subject, body: Some((kind, &text)), ..MessageSource::default() };
    let includes =
        |path: &str| (path == "part.mjml").then(|| "<mj-text>{{ contact.id }}</mj-text>".to_owned());
    let compiled = match compile(&source, &includes) {
        Ok(compiled) => compiled,
        Err(problems) => {
            assert!(!problems.is_empty(), "what is wrong is told");
            return;
        }
    };
    let renderer = Renderer::new(&compiled.message).expect("what is compiled can be rendered");
    let contact = json!({ "id": "1", "first_name": "<b>{{ x }}</b>", "score": 3, "tags": ["a", "b"] });
    // Values may be missing or unfit; that is told, and nothing else happens.
    let _ = renderer.render(&RenderContext {
        contact: &contact,
        entry: &json!({ "total": 20 }),
        with: &Attributes::new(),
        zone: &TimeZone::UTC,
        unsubscribe_url: "https://example.com/u",
        preferences_url: "https://example.com/p",
        view_url: "https://example.com/v",
        survey_url: Arc::new(|name, _| format!("https://example.com/s/{name}")),
        track_link: None,
        open_pixel_url: None,
    });
});
