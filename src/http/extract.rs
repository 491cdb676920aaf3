//! What handlers take from a request, with problems in place of axum's own answers.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::BODY_BYTES_MAX;
use super::problem::{Kind, Problem};

/// The parameters of a path.
pub(super) struct InPath<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => {
                Err(Problem::new(Kind::NoRoute, "a part of the path is not what stands there elsewhere"))
            }
        }
    }
}

/// The parameters behind the `?`.
pub(super) struct InQuery<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::new(Kind::Unreadable, rejection.body_text())),
        }
    }
}

/// A body in JSON, whatever its content type says; an empty one is an empty object.
pub(super) struct InBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for InBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        let bytes = if bytes.is_empty() { b"{}" } else { &*bytes };
        match serde_json::from_slice(bytes) {
            Ok(value) => Ok(Self(value)),
            Err(error) => {
                Err(Problem::new(Kind::Unreadable, format!("the body is not what is needed: {error}")))
            }
        }
    }
}

/// Why a body could not be taken in.
pub(super) fn unreadable(rejection: BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let limit = BODY_BYTES_MAX / 1024;
        return Problem::new(
            Kind::TooLarge,
            format!("a body has at most {limit} KiB unpacked: send it in parts"),
        );
    }
    Problem::new(Kind::Unreadable, "the body ended too soon, or is not packed as its header says")
}
