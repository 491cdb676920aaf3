use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::super::App;
use super::super::access::Caller;
use super::super::extract::{InBody, InPath};
use super::super::problem::{Kind, Problem};
use super::super::topics::topics;
use crate::domain::{ContactId, Permission};
use crate::finding::words;
use crate::runtime::{Job, TRACKING_TOPIC};

/// The longest source, wording or proof, in characters.
const TEXT_CHARACTERS_MAX: usize = 4_000;

/// What a contact has decided.
#[derive(Serialize)]
pub(super) struct Decided {
    lotse_id: ContactId,
    /// The last decision on each topic: what holds.
    topics: BTreeMap<String, bool>,
    /// Every decision, the earliest first.
    decisions: Vec<Permission>,
}

/// Shows what a contact has decided.
pub(super) async fn show(
    State(app): State<App>,
    InPath(who): InPath<String>,
) -> Result<Json<Decided>, Problem> {
    let mut unit = app.runtime.store().read().await?;
    let contact = super::find(&mut *unit, &who).await?.id;
    let topics = unit.decisions(&[contact]).await?.remove(&contact).unwrap_or_default();
    let decisions = unit.permissions(contact).await?;
    Ok(Json(Decided { lotse_id: contact, topics, decisions }))
}

/// A decision of a person that a program passes on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecideBody {
    topic: String,
    allowed: bool,
    /// Where the person decided; the name of the key where nothing is said.
    source: Option<String>,
    /// The words that were agreed to.
    wording: Option<String>,
    /// What proves it.
    proof: Option<String>,
}

/// Records a decision.
pub(super) async fn decide(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    InPath(who): InPath<String>,
    InBody(body): InBody<DecideBody>,
) -> Result<Json<Permission>, Problem> {
    known_topic(&app, &body.topic)?;
    let source = body.source.unwrap_or(caller.0);
    for text in [Some(&source), body.wording.as_ref(), body.proof.as_ref()].into_iter().flatten() {
        if text.chars().count() > TEXT_CHARACTERS_MAX {
            let detail = format!("a source, wording or proof has at most {TEXT_CHARACTERS_MAX} characters");
            return Err(Problem::new(Kind::Impossible, detail));
        }
    }
    let mut unit = app.runtime.store().read().await?;
    let contact = super::find(&mut *unit, &who).await?.id;
    drop(unit);
    let permission = Permission {
        contact,
        topic: body.topic,
        allowed: body.allowed,
        at: app.stamp(),
        source,
        wording: body.wording,
        proof: body.proof,
    };
    let permissions = vec![permission.clone()];
    app.writer.write(|done| Job::Decide { permissions, done }).await?;
    if !permission.allowed {
        app.runtime.let_out(&[contact]).await;
    }
    Ok(Json(permission))
}

fn known_topic(app: &App, name: &str) -> Result<(), Problem> {
    let topics = topics(&app.runtime.plans());
    match topics.get(name) {
        _ if name == TRACKING_TOPIC => Ok(()),
        Some(topic) if topic.essential => {
            Err(Problem::new(Kind::Impossible, format!("`{name}` is essential: it needs no permission")))
        }
        Some(_) => Ok(()),
        None => {
            let near = words::did_you_mean(name, "topics there are", topics.keys().map(String::as_str));
            let near = near.unwrap_or_default();
            Err(Problem::new(Kind::Impossible, format!("no journey writes about `{name}`; {near}")))
        }
    }
}
