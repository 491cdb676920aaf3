//! What lies outside of Lotse, stood in for: the shop that links lead to, and the sales team that takes leads.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Html;
use axum::routing::{get, post};
use serde_json::Value;

use super::chance::Chance;
use super::summary::Deeds;
use super::web::Web;
use crate::channel::webhook::Secret;
use crate::time::Clock;

/// Of a hundred leads that many are taken.
const TAKEN: f64 = 0.8;

/// The world outside.
#[derive(Clone)]
pub(super) struct Outside(Arc<Parts>);

struct Parts {
    secret: Secret,
    web: Web,
    deeds: Arc<Deeds>,
    clock: Arc<dyn Clock>,
}

impl Outside {
    /// `secret` is what the team verifies hand-offs with.
    pub(super) fn new(secret: Secret, web: Web, deeds: Arc<Deeds>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Parts { secret, web, deeds, clock }))
    }

    /// Its paths; the shop leads back to the page at `url`.
    pub(super) fn router(self, url: &str) -> Router {
        let shop = include_str!("shop.html").replace("{url}", url);
        let page = move || std::future::ready(Html(shop.clone()));
        Router::new()
            .route("/shop", get(page.clone()))
            .route("/shop/{*path}", get(page))
            .route("/crm/leads", post(lead))
            .with_state(self)
    }
}

/// Takes a hand-off whose signature is right, and has somebody answer it some hours later.
///
/// How old it may be is not looked at: the five minutes that Standard Webhooks recommends pass here in a moment.
async fn lead(State(outside): State<Outside>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, timestamp) = (text("webhook-id"), text("webhook-timestamp"));
    if !outside.0.secret.verifies(id, timestamp, &body, text("webhook-signature")) {
        outside.0.deeds.forged.add();
        return StatusCode::UNAUTHORIZED;
    }
    outside.0.deeds.leads.add();
    let lead: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut chance = Chance::of(0, id);
    let answer = if chance.happens(TAKEN) { "/data/accept_url" } else { "/data/reject_url" };
    let url = lead.pointer(answer).and_then(Value::as_str).map(str::to_owned);
    let Some(url) = url else { return StatusCode::UNPROCESSABLE_ENTITY };
    tokio::spawn(async move {
        let Parts { clock, web, deeds, .. } = &*outside.0;
        let at = clock.now().plus_micros(chance.hours(1.0, 8.0));
        tokio::time::sleep(Duration::from_micros(clock.micros_until(at))).await;
        if web.press(&url, "").await {
            deeds.answers.add();
        }
    });
    StatusCode::NO_CONTENT
}
