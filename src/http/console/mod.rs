//! The console: pages on which people see the journeys with their counts, contacts with their stories, and the inbox
//! where there is one. They show and change nothing.
//!
//! A page is whole without a script; a small one fetches it again every second and puts in what has changed.

mod contacts;
mod door;
mod journeys;
mod mails;
mod shown;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::page::private;
use super::problem::Problem;
use super::{App, layers};
use crate::inbox::Inbox;
use crate::store::StoreError;
use crate::time::{Moment, wall_text};
use door::Door;

/// Nothing from elsewhere, no script or style inside a page, no page of ours inside another's.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the pages are made from, and who may see them. Clones share it.
#[derive(Clone)]
pub struct Console(Arc<Parts>);

struct Parts {
    app: App,
    inbox: Option<Inbox>,
    door: Door,
    note: Option<String>,
}

impl Console {
    /// A console for people who sign in with a token of the role `viewer` or `admin`.
    pub fn new(app: App) -> Self {
        Self(Arc::new(Parts { app, inbox: None, door: Door::Token, note: None }))
    }

    /// A console with an inbox, open to everybody who reaches `address`, which must be one of the loopback
    /// interface: a page elsewhere that gives its own name that address (DNS rebinding) is turned away. `note` stands
    /// above every page, beside what the clock says.
    pub fn open(app: App, inbox: Inbox, address: SocketAddr, note: String) -> Self {
        let door = Door::Open { address };
        Self(Arc::new(Parts { app, inbox: Some(inbox), door, note: Some(note) }))
    }

    fn wall(&self, moment: Moment) -> String {
        wall_text(moment, self.0.app.runtime.zone())
    }

    fn frame(&self, here: &'static str) -> Frame {
        Frame {
            here,
            mails: self.0.inbox.as_ref().map(Inbox::count),
            note: self.0.note.clone(),
            now: self.wall(self.0.app.clock.now()),
            signed_in: matches!(self.0.door, Door::Token),
        }
    }
}

/// The paths.
pub(super) fn routes(console: Console) -> Router {
    let mut pages = Router::new()
        .route("/", get(journeys::show))
        .route("/contacts", get(contacts::list))
        .route("/contacts/{who}", get(contacts::show));
    if console.0.inbox.is_some() {
        pages = pages
            .route("/inbox", get(mails::list))
            .route("/inbox/{id}", get(mails::show))
            .route("/inbox/{id}/html", get(mails::html));
    }
    pages
        .route_layer(from_fn_with_state(console.clone(), door::guard))
        .merge(door::routes(&console))
        .route("/console.css", get(stylesheet))
        .route("/console.js", get(script))
        .layer(from_fn(layers::in_time))
        .layer(layers::trace())
        .with_state(console)
}

/// What stands around every page.
struct Frame {
    /// Which part of the console this is.
    here: &'static str,
    /// How many mails have come, where there is an inbox.
    mails: Option<u64>,
    note: Option<String>,
    /// What the clock says.
    now: String,
    /// Whether there is something to sign out of.
    signed_in: bool,
}

/// Makes an answer of a page.
fn page(template: &impl Template) -> Response {
    let Ok(html) = template.render() else {
        // Templates only put texts together; they fail where there is no memory.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Html(html).into_response();
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    private(&mut response);
    response
}

/// A page that says why there is no other.
#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage {
    frame: Frame,
    title: &'static str,
    text: &'static str,
}

/// Why there is no page.
enum Trouble {
    /// Nobody and nothing of that name.
    Nothing(&'static str),
    /// The store failed.
    Later,
}

impl Trouble {
    fn say(&self, frame: Frame) -> Response {
        let (status, title, text) = match self {
            Trouble::Nothing(text) => (StatusCode::NOT_FOUND, "Nothing is here", *text),
            Trouble::Later => {
                let text = "The database does not answer at the moment. The log of the server says why.";
                (StatusCode::SERVICE_UNAVAILABLE, "Please try again in a moment", text)
            }
        };
        let mut response = page(&TroublePage { frame, title, text });
        *response.status_mut() = status;
        response
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        // It tells the log.
        let _ = Problem::from(error);
        Trouble::Later
    }
}

async fn stylesheet() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css"), (CACHE_CONTROL, "no-cache")], include_str!("console.css"))
}

async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript"), (CACHE_CONTROL, "no-cache")], include_str!("console.js"))
}
