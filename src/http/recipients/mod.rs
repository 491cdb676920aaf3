//! What recipients do over the links in their messages. Nobody signs in: who has the link is who it was sent to, and
//! the token in it names the contact and what may be done, nothing else.

mod hits;
mod preferences;
mod survey;
#[cfg(test)]
mod tests;
mod unsubscribe;
mod view;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;

use super::App;
use super::page;

/// The largest form, in bytes.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// The image and the links of messages: asked for by everybody who reads mail.
pub(super) fn hits() -> Router<App> {
    Router::new().route("/o/{token}", get(hits::open)).route("/c/{token}", get(hits::click))
}

/// The pages.
pub(super) fn pages() -> Router<App> {
    Router::new()
        .route("/u/{token}", get(unsubscribe::ask).post(unsubscribe::refuse))
        .route("/p/{token}", get(preferences::show).post(preferences::save))
        .route("/s/{token}", get(survey::ask).post(survey::answer))
        .route("/v/{token}", get(view::show))
        .route("/page.css", get(page::stylesheet))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
}
