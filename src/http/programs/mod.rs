//! What programs ask and say, with `Authorization: Bearer` and a key of the role `api`.

mod contacts;
mod deliveries;
mod journeys;
mod permissions;
mod replies;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::App;
use super::access::programs_only;
use super::leads;
use super::problem::Problem;
use crate::domain::Contact;
use crate::store::{ReadUnit, Who};

/// The paths.
pub(super) fn routes(app: &App) -> Router<App> {
    Router::new()
        .route("/v1/journeys", get(journeys::list))
        .route("/v1/journeys/{journey}", get(journeys::show))
        .route("/v1/journeys/{journey}/enter", post(journeys::enter))
        .route("/v1/contacts/{who}", get(contacts::show))
        .route("/v1/permissions/{who}", get(permissions::show).post(permissions::decide))
        .route("/v1/deliveries", get(deliveries::list))
        .route("/v1/deliveries/{id}/retry", post(deliveries::retry))
        .route("/v1/replies", post(replies::record))
        .merge(leads::routes())
        .route_layer(from_fn_with_state(app.clone(), programs_only))
}

/// The contact that a program means by an id of ours or theirs, or an address.
async fn find(unit: &mut dyn ReadUnit, who: &str) -> Result<Contact, Problem> {
    unit.find(&Who::from_text(who)).await?.ok_or_else(Problem::no_contact)
}
