use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::super::App;
use super::super::page::{NoPage, private};
use super::super::words::Words;
use crate::domain::{ContactId, MessageId};
use crate::runtime::{Job, MessageHit};
use crate::store::MessageKey;
use crate::track::{ClickToken, Hit, HitKind, OpenToken, PURPOSE_HEADERS};

/// A transparent image of one pixel: GIF89a, the smallest that every mail program draws.
const IMAGE: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
/// How long a person is held up where hits come faster than they can be written; after that they are not counted.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest header that is looked at, in bytes.
const HEADER_BYTES_MAX: usize = 512;

/// The image that tells of an opening. It is there for whatever token: nobody should see a broken image.
pub(super) async fn open(
    State(app): State<App>,
    method: Method,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let status = match app.outbound.tracker.read::<OpenToken>(&token) {
        Some(token) => {
            let hit = hit(&app, HitKind::Open, None, &method, &headers);
            record(&app, (token.contact, token.message), hit, String::new()).await;
            StatusCode::OK
        }
        None => StatusCode::NOT_FOUND,
    };
    // Not to be kept: an image that comes out of a cache tells of no opening.
    (status, [(CONTENT_TYPE, "image/gif"), (CACHE_CONTROL, "no-store")], IMAGE).into_response()
}

/// Leads on to where the link leads. That stands in the signed token, so nobody can lead it elsewhere.
pub(super) async fn click(
    State(app): State<App>,
    method: Method,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let read = app.outbound.tracker.read::<ClickToken>(&token);
    let target = read.and_then(|token| Some((HeaderValue::from_str(&token.url).ok()?, token)));
    let Some((location, token)) = target else { return NoPage::NoLink.say(Words::of(&headers)) };
    let hit = hit(&app, HitKind::Click, Some(token.index), &method, &headers);
    let name = if token.name.is_empty() { token.url } else { token.name };
    record(&app, (token.contact, token.message), hit, name).await;
    let mut response = (StatusCode::FOUND, [(LOCATION, location)]).into_response();
    private(&mut response);
    response
}

fn hit(app: &App, kind: HitKind, link: Option<u16>, method: &Method, headers: &HeaderMap) -> Hit {
    let text = |value: &HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes());
        text.get(..text.floor_char_boundary(HEADER_BYTES_MAX)).unwrap_or_default().to_owned()
    };
    Hit {
        kind,
        at: app.clock.now(),
        method: method.as_str().to_owned(),
        user_agent: headers.get(USER_AGENT).map(text),
        purpose: PURPOSE_HEADERS.iter().find_map(|name| headers.get(*name)).map(text),
        link,
        hidden: false,
    }
}

/// Gives a request to the writer, which keeps it until it is lasting. Nobody who reads mail waits for the disk.
async fn record(app: &App, (contact, id): (ContactId, MessageId), hit: Hit, link: String) {
    let hit = MessageHit { key: MessageKey { contact, id }, hit, link };
    let given = app.writer.give(Job::Hit { hit, done: None });
    if !matches!(tokio::time::timeout(PATIENCE, given).await, Ok(Ok(()))) {
        tracing::warn!(message = %id, "an opening or a click could not be counted");
    }
}
