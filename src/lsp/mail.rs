use std::sync::Arc;

use serde_json::{Value, json};

use super::desk::Desk;
use super::documents::Place;
use super::lens::At;
use super::requests::{Answer, Trouble, at, read};
use super::server::Server;
use crate::ide::NameKind;
use crate::language::model::StatementKind;
use crate::language::plan::{self, Plan};
use crate::language::syntax::tree::Declaration;
use crate::runtime::{Letters, Outbound, made_up};
use crate::time::{Clock, SystemClock};

impl Server {
    /// `lotse/mail`: the message at a place as `lotse preview` shows it, to somebody made up.
    pub(super) fn mail(&self, params: Value) -> Answer<Value> {
        let place = read::<At>(params)?.params();
        let Some((desk, place, offset)) = at(&self.documents, &place) else { return Ok(Value::Null) };
        let Some(message) = message_at(desk, place, offset) else { return Ok(Value::Null) };
        let Some((version, plan)) = plan_with(desk, &message) else {
            let message = format!("`{message}` cannot be shown: no journey without errors sends it");
            return Err(Trouble::refused(message));
        };
        let Some(planned) = plan.messages.get(&message) else { return Ok(Value::Null) };
        let (config, now) = (&desk.analysis.config, SystemClock.now());
        let mut claimed = made_up::claimed(&message, version, &plan, now);
        made_up::fill_in(&mut claimed, &plan, &desk.analysis.checked.model, &config.timezone);
        let outbound = Outbound::for_preview(config).map_err(Trouble::refused)?;
        let letters = Letters::new(Arc::new(outbound), config.timezone.clone());
        claimed.message.topic.clone_from(&planned.topic);
        let rendered = letters.render(&plan, planned, &claimed).map_err(Trouble::refused)?;
        let html = rendered.html.unwrap_or_default();
        Ok(json!({ "message": message, "subject": rendered.subject, "html": html, "text": rendered.text }))
    }
}

/// The message that is named at a place, that is declared around it, or whose template the file is.
fn message_at(desk: &Desk, place: Place, offset: u32) -> Option<String> {
    let analysis = &desk.analysis;
    let names = analysis.names_at(place.source, offset);
    if let Some(name) = names.iter().find(|name| name.kind == NameKind::Message) {
        return Some(name.name.clone());
    }
    let declarations = analysis.tree(place.source).map(|tree| &tree.parsed.file.declarations);
    let around = declarations.into_iter().flatten().find_map(|declaration| match declaration {
        Declaration::Message(message) if message.span.start <= offset && offset <= message.span.end => {
            Some(message.name.value.clone())
        }
        _ => None,
    });
    around.or_else(|| {
        let path = desk.path(place.source);
        let mut messages = analysis.checked.model.messages.iter();
        let shown = messages.find(|message| message.text_files().any(|file| file == path))?;
        Some(shown.name.clone())
    })
}

/// The plan of a journey that sends a message, and its number.
fn plan_with(desk: &Desk, message: &str) -> Option<(u32, Plan)> {
    let analysis = &desk.analysis;
    (1..).zip(&analysis.checked.model.journeys).find_map(|(version, journey)| {
        let mut sends = false;
        journey.each_statement(&mut |_, statement| {
            if let StatementKind::Send { messages, .. } = &statement.kind {
                sends |= messages.iter().any(|sent| sent.name == message);
            }
        });
        let plan = sends.then(|| plan::compile(journey, &analysis.checked, &analysis.files.sources));
        Some((version, plan.flatten()?))
    })
}
