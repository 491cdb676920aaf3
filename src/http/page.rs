//! Pages for people who follow a link: recipients and sales teams.

use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::words::Words;
use crate::runtime::WriterError;
use crate::store::StoreError;

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
/// Nothing but our own stylesheet, and forms that come back to where they are from.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page that says one thing and asks at most one.
#[derive(Template)]
#[template(path = "notice.html")]
pub(super) struct Notice {
    pub(super) words: &'static Words,
    pub(super) title: &'static str,
    pub(super) text: String,
    /// What is done by a `POST` to where the page is.
    pub(super) button: Option<&'static str>,
    /// Where one can go on: a URL, and what it is called.
    pub(super) link: Option<(String, &'static str)>,
}

impl Notice {
    /// A page that says something and asks nothing.
    pub(super) fn new(words: &'static Words, title: &'static str, text: impl Into<String>) -> Self {
        Self { words, title, text: text.into(), button: None, link: None }
    }
}

/// Makes an answer of a page.
pub(super) fn page(template: &impl Template) -> Response {
    let Ok(html) = template.render() else {
        // Templates only put texts together; they fail where there is no memory.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Html(html).into_response();
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    private(&mut response);
    response
}

/// Says that an answer is for one person: nobody keeps it, and no other page hears of the token in its address.
pub(super) fn private(response: &mut Response) {
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (ROBOTS, "noindex"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}

/// The stylesheet of the pages.
pub(super) async fn stylesheet() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/css"), (CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("pages/page.css"))
}

/// Why there is no page, before it is known in which language to say so.
#[derive(Debug)]
pub(super) enum NoPage {
    /// The token was not signed here, or what it names is gone.
    NoLink,
    /// It cannot be done now.
    Later,
}

impl NoPage {
    /// The page that says so.
    pub(super) fn say(&self, words: &'static Words) -> Response {
        match self {
            NoPage::NoLink => {
                let mut response = page(&Notice::new(words, words.no_link, words.no_link_text));
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
            NoPage::Later => {
                let mut response = page(&Notice::new(words, words.later, words.later_text));
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
        }
    }
}

impl From<StoreError> for NoPage {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a page could not be shown");
        NoPage::Later
    }
}

impl From<WriterError> for NoPage {
    fn from(_: WriterError) -> Self {
        NoPage::Later
    }
}
