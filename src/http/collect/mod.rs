//! Collecting data in the wire format of Segment's tracking API
//! (<https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/>), so that every SDK of it works
//! with the host set.
//!
//! A request is stored whole before it is answered, or refused whole. What cannot be taken of it (an event without
//! a name, a zone that is none) is put aside, shown, and named in the answer: `400` would make SDKs throw the other
//! events of a batch away. The name of the source and the event's own id make a repeat harmless.

mod event;
mod redact;
mod room;
mod snake_case;
#[cfg(test)]
mod tests;
mod traits;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::CONTENT_ENCODING;
use axum::http::{Method, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::value::RawValue;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use tracing::Instrument as _;

use super::App;
use super::access::{self, Role};
use super::extract::unreadable;
use super::problem::{Kind, Problem};
use crate::runtime::Job;
use crate::store::{Arrival, Intake};
use crate::time::Moment;
pub(super) use room::Room;

use event::{Call, Reader, Taken};
use redact::redacted;

/// The most events of a batch, as with Segment.
const EVENTS_MAX: usize = 2_500;
/// How long browsers need not ask again whether they may send here.
const CORS_SECONDS: u64 = 24 * 60 * 60;

/// The paths: the long ones that servers use, and the short ones of analytics.js and the mobile SDKs.
pub(super) fn routes() -> Router<App> {
    let calls = [
        (Some(Call::Identify), ["/v1/identify", "/v1/i"].as_slice()),
        (Some(Call::Track), &["/v1/track", "/v1/t"]),
        (Some(Call::Page), &["/v1/page", "/v1/p"]),
        (Some(Call::Screen), &["/v1/screen", "/v1/s"]),
        (Some(Call::Group), &["/v1/group", "/v1/g"]),
        (Some(Call::Alias), &["/v1/alias", "/v1/a"]),
        (None, &["/v1/batch", "/v1/b", "/v1/import"]),
    ];
    let mut routes = Router::new();
    for (call, paths) in calls {
        for path in paths {
            let handler = move |State(app): State<App>, request: Request| collect(app, call, request);
            // What browsers ask before they send is answered by the layer around it.
            routes = routes.route(path, post(handler).options(|| async { StatusCode::NO_CONTENT }));
        }
    }
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(std::time::Duration::from_secs(CORS_SECONDS));
    // The limit on bodies lies inside, so that it is what comes out of a packed body that counts.
    routes.layer(RequestDecompressionLayer::new().pass_through_unaccepted(true)).layer(cors)
}

/// What became of a request.
#[derive(Debug, Serialize)]
struct Answer {
    success: bool,
    /// How many events are lasting now, repeats among them.
    accepted: usize,
    /// Events that were put aside.
    quarantined: Vec<Quarantined>,
    /// Parts of accepted events that were not taken over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<Ignored>,
}

#[derive(Debug, Serialize)]
struct Quarantined {
    index: usize,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Ignored {
    index: usize,
    field: String,
    reason: String,
}

/// Takes one call, or a batch of them where the path says nothing.
async fn collect(app: App, call: Option<Call>, request: Request) -> Result<Json<Answer>, Problem> {
    let headers = request.headers();
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Problem::new(Kind::Encoding, "a body is sent as it is, or packed with gzip"));
    }
    let key = access::write_key(headers);
    if key.is_some() {
        access::admit(&app, key.as_deref(), Role::Ingest).await?;
    }
    let _room = app.room.take(headers)?;
    let body = Bytes::from_request(request, &()).await.map_err(unreadable)?;
    // What is no UTF-8 costs the text that it is in, not the batch.
    let text = String::from_utf8_lossy(&body);
    let fields = Fields::read(&text)?;
    if key.is_none() {
        let key: Option<Cow<'_, str>> = fields.value("writeKey");
        access::admit(&app, key.as_deref(), Role::Ingest).await?;
    }
    let items = match call {
        Some(_) => vec![&*text],
        None => fields.batch()?,
    };
    let sent_at: Option<Cow<'_, str>> = fields.value("sentAt");
    let reader = Reader { call, sent_at: sent_at.and_then(|text| event::moment(&text)) };
    let (mut answer, arrivals, quarantine) = read(&reader, &items, &app);
    if arrivals.is_empty() && quarantine.is_empty() {
        return Ok(Json(answer));
    }
    let at = app.stamp();
    let (taken, aside) = (arrivals.len(), quarantine.len());
    let span = tracing::debug_span!("intake", taken, aside);
    let arrive = |done| Job::Arrive { arrivals, quarantine, at, done };
    let taken = app.writer.write(arrive).instrument(span).await?;
    if taken.iter().any(Option::is_none) {
        put_aside(&app, &items, &taken, &mut answer).await?;
    }
    Ok(Json(answer))
}

/// Puts events aside that could not be taken, for what is stored of whom they name cannot be read.
async fn put_aside(
    app: &App,
    items: &[&str],
    taken: &[Option<Intake>],
    answer: &mut Answer,
) -> Result<(), Problem> {
    let unread: BTreeSet<usize> = answer.quarantined.iter().map(|aside| aside.index).collect();
    let arrived = items.iter().enumerate().filter(|(index, _)| !unread.contains(index));
    let mut quarantine = Vec::new();
    for ((index, item), _) in arrived.zip(taken).filter(|(_, taken)| taken.is_none()) {
        let reason =
            "what is stored of whom it names cannot be read: `lotse audit --verify` tells more".to_owned();
        quarantine.push((reason.clone(), redacted(item)));
        answer.quarantined.push(Quarantined { index, reason });
    }
    answer.accepted -= quarantine.len();
    answer.quarantined.sort_by_key(|aside| aside.index);
    let at = app.stamp();
    app.writer.write(|done| Job::Arrive { arrivals: Vec::new(), quarantine, at, done }).await?;
    Ok(())
}

type Quarantine = Vec<(String, String)>;

/// Reads the events of a request, each for itself.
fn read(reader: &Reader, items: &[&str], app: &App) -> (Answer, Vec<Arrival>, Quarantine) {
    let mut answer = Answer { success: true, accepted: 0, quarantined: Vec::new(), ignored: Vec::new() };
    let (mut arrivals, mut quarantine) = (Vec::with_capacity(items.len()), Vec::new());
    for (index, item) in items.iter().enumerate() {
        let received_at: Moment = app.stamp();
        match reader.read(item, received_at) {
            Ok(Taken { arrival, notes }) => {
                arrivals.push(arrival);
                for note in notes {
                    if note.wrong {
                        quarantine.push((format!("`{}` {}", note.field, note.reason), redacted(item)));
                    }
                    answer.ignored.push(Ignored { index, field: note.field, reason: note.reason });
                }
            }
            Err(reason) => {
                quarantine.push((reason.clone(), redacted(item)));
                answer.quarantined.push(Quarantined { index, reason });
            }
        }
    }
    answer.accepted = arrivals.len();
    (answer, arrivals, quarantine)
}

/// The members of a body, unread as yet: what is wrong inside one of them is no matter of the others.
struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    fn read(text: &'a str) -> Result<Self, Problem> {
        match serde_json::from_str(text) {
            Ok(fields) => Ok(Self(fields)),
            Err(error) => Err(Problem::new(Kind::Unreadable, format!("the body is no JSON object: {error}"))),
        }
    }

    /// A member, where it is there and what it should be.
    fn value<T: serde::Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    fn batch(&self) -> Result<Vec<&'a str>, Problem> {
        let items: Option<Vec<&'a RawValue>> = self.value("batch");
        let items = items
            .ok_or_else(|| Problem::new(Kind::Unreadable, "a batch has its events in the list `batch`"))?;
        if items.len() > EVENTS_MAX {
            let detail = format!("a batch has at most {EVENTS_MAX} events, and this one has {}", items.len());
            return Err(Problem::new(Kind::TooLarge, detail));
        }
        Ok(items.into_iter().map(RawValue::get).collect())
    }
}
