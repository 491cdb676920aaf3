use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::App;
use super::super::access::Caller;
use super::super::extract::{InPath, InQuery};
use super::super::problem::{Kind, Problem};
use crate::domain::{CallId, ContactId};
use crate::store::{Deed, DeedKind, Deliveries, Delivery, DeliveryKind, ReadUnit, Wake};

/// How many deliveries are listed, where nothing is said and at the most.
const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;
/// Among how many messages that need somebody one is looked for.
const LOOKED_THROUGH: u32 = 10_000;

/// Which deliveries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// All of them, not only those that need somebody.
    #[serde(default)]
    all: bool,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct List {
    deliveries: Vec<Delivery>,
}

/// Lists messages, calls and hand-offs, those that need somebody first.
pub(super) async fn list(
    State(app): State<App>,
    InQuery(asked): InQuery<Asked>,
) -> Result<Json<List>, Problem> {
    let which = if asked.all { Deliveries::All } else { Deliveries::Attention };
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let deliveries = app.runtime.store().read().await?.deliveries(which, limit).await?;
    Ok(Json(List { deliveries }))
}

#[derive(Serialize)]
pub(super) struct Retried {
    id: Uuid,
    kind: DeliveryKind,
}

/// Tries a delivery again at once.
pub(super) async fn retry(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    InPath(id): InPath<Uuid>,
) -> Result<Json<Retried>, Problem> {
    let nothing = || {
        let detail =
            "no delivery with this id can be tried again: dead calls, unsure and refused messages can";
        Problem::new(Kind::NoDelivery, detail)
    };
    let mut unit = app.runtime.store().write().await?;
    let (kind, contact) = find(&mut *unit, id).await?.ok_or_else(nothing)?;
    let now = app.clock.now();
    if !unit.retry(kind, contact, id, now).await? {
        return Err(nothing());
    }
    let detail = format!("{} {id}", kind.words());
    unit.note(Deed { at: now, who: caller.0, what: DeedKind::Retried, detail }).await?;
    unit.commit().await?;
    match kind {
        DeliveryKind::Message => app.flow.due(Wake::MESSAGES),
        DeliveryKind::Call | DeliveryKind::HandOff | DeliveryKind::Alert => app.flow.due(Wake::CALLS),
    }
    Ok(Json(Retried { id, kind }))
}

async fn find(unit: &mut dyn ReadUnit, id: Uuid) -> Result<Option<(DeliveryKind, ContactId)>, Problem> {
    if let Some(stored) = unit.call_by_id(CallId(id)).await? {
        return Ok(Some((stored.call.kind.into(), stored.call.contact)));
    }
    let listed = unit.deliveries(Deliveries::Attention, LOOKED_THROUGH).await?;
    let found = listed.into_iter().find(|delivery| delivery.id == id);
    Ok(found.map(|delivery| (delivery.kind, delivery.contact)))
}
