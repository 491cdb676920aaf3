use std::sync::Arc;

use serde_json::Value as Json;

use super::turn::{Turn, attributes};
use crate::domain::{Attributes, CallKind, StepKind};
use crate::template::{CompiledMessage, RenderContext, RenderError, Renderer};

/// How long the text of an alert can be, in bytes: a team reads it at a glance.
const TEXT_BYTES_MAX: usize = 4_096;

impl Turn<'_> {
    /// Tells a team something. The text is what holds now, however late it arrives.
    pub(super) fn alert(&mut self, team: &str, text: &CompiledMessage) {
        let mut said = match self.filled_in(text) {
            Ok(said) => said,
            // The team hears of the contact all the same.
            Err(error) => format!("an alert whose text could not be filled in: {error}"),
        };
        if said.len() > TEXT_BYTES_MAX {
            said.truncate(said.floor_char_boundary(TEXT_BYTES_MAX));
            said.push('…');
        }
        self.add_call(CallKind::Alert, team, attributes([("text", said.into())]), None);
        self.note(StepKind::Alerted, team);
    }

    fn filled_in(&self, text: &CompiledMessage) -> Result<String, RenderError> {
        let context = RenderContext {
            contact: &self.plan.contact_json(&self.state.contact),
            entry: &Json::Object(self.run.state.entry.clone()),
            with: &Attributes::new(),
            zone: &self.zone,
            unsubscribe_url: "",
            preferences_url: "",
            view_url: "",
            survey_url: Arc::new(|_, _| String::new()),
            track_link: None,
            open_pixel_url: None,
        };
        Ok(Renderer::new(text)?.render(&context)?.text.trim_end().to_owned())
    }
}
