use std::borrow::Cow;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::runtime::WriterError;
use crate::store::StoreError;

/// When somebody may come again who was turned away only for a moment, in seconds.
const AGAIN_SECONDS: u32 = 1;

/// Declares the kinds of problems: status, `type` and `title` on the wire. Types never change.
macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $status:ident $uri:literal $title:literal)*) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            fn status(self) -> StatusCode {
                match self { $(Kind::$variant => StatusCode::$status,)* }
            }

            fn uri(self) -> &'static str {
                match self { $(Kind::$variant => $uri,)* }
            }

            fn title(self) -> &'static str {
                match self { $(Kind::$variant => $title,)* }
            }
        }
    };
}

kinds! {
    /// No path of ours.
    NoRoute NOT_FOUND "about:blank" "Not Found"
    /// A path of ours, with another method.
    NoMethod METHOD_NOT_ALLOWED "about:blank" "Method Not Allowed"
    /// No key, or none that is known.
    NoAccess UNAUTHORIZED "/problems/no-access" "No access"
    /// A key for something else.
    WrongRole FORBIDDEN "/problems/wrong-role" "The key may not do this"
    /// No JSON, or none of the right shape.
    Unreadable BAD_REQUEST "/problems/unreadable" "The request cannot be read"
    /// Packed in another way than gzip.
    Encoding UNSUPPORTED_MEDIA_TYPE "/problems/encoding" "The body is packed in an unknown way"
    /// Over a limit.
    TooLarge PAYLOAD_TOO_LARGE "/problems/too-large" "The request is too large"
    /// Readable, and impossible.
    Impossible UNPROCESSABLE_ENTITY "/problems/impossible" "What is asked for cannot be"
    /// Nobody of that name.
    NoContact NOT_FOUND "/problems/unknown-contact" "Unknown contact"
    /// No journey of that name in force.
    NoJourney NOT_FOUND "/problems/unknown-journey" "Unknown journey"
    /// No lead of that id.
    NoLead NOT_FOUND "/problems/unknown-lead" "Unknown lead"
    /// No message that is meant.
    NoMessage NOT_FOUND "/problems/unknown-message" "Unknown message"
    /// Nothing that could be delivered again.
    NoDelivery NOT_FOUND "/problems/nothing-to-retry" "Nothing to try again"
    /// The team has said otherwise before.
    Answered CONFLICT "/problems/answered" "The lead was answered before"
    /// Too much at once.
    Busy TOO_MANY_REQUESTS "/problems/busy" "Too much at once"
    /// It cannot be done now.
    Unavailable SERVICE_UNAVAILABLE "/problems/unavailable" "Not available at the moment"
    /// A fault of ours.
    Fault INTERNAL_SERVER_ERROR "/problems/fault" "A fault inside Lotse"
}

/// Why a request was not done, as `application/problem+json` (RFC 9457).
///
/// What is told is what the client can do something about. The cause of a fault of ours goes to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
}

/// The members of RFC 9457 section 3.1.
#[derive(Serialize)]
struct Members<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
}

impl Problem {
    /// A problem; `detail` says what is wrong and what to do about it.
    pub(super) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// Somebody unknown. What was asked for is not repeated: it may be an address.
    pub(super) fn no_contact() -> Self {
        Self::new(
            Kind::NoContact,
            "no contact has this id, external id or address: send an identify call or import it first",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let members = Members {
            r#type: self.kind.uri(),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: &self.detail,
        };
        let mut response = (status, Json(members)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.kind {
            Kind::Busy | Kind::Unavailable => drop(headers.insert(RETRY_AFTER, AGAIN_SECONDS.into())),
            // `Basic` would let browsers ask their users for a password.
            Kind::NoAccess => {
                drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lotse\"")));
            }
            _ => {}
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request could not be answered");
        if error.is_passing() {
            Self::new(Kind::Unavailable, "the database does not answer: come back in a moment")
        } else {
            Self::new(Kind::Fault, "the database failed: the log of the server says why")
        }
    }
}

impl From<WriterError> for Problem {
    fn from(error: WriterError) -> Self {
        match error {
            WriterError::Full => {
                Self::new(Kind::Busy, "too much is waiting to be written: come back in a moment")
            }
            // The writer has said why in the log.
            WriterError::Failed(_) => Self::new(
                Kind::Unavailable,
                "it could not be written, and nothing was: come back in a moment",
            ),
            WriterError::Ending => {
                Self::new(Kind::Unavailable, "the server is ending: come back in a moment")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_not_told() {
        let failed = Problem::from(WriterError::Failed("the disk of /var/lib/lotse is full".into()));
        assert_eq!(failed.kind, Kind::Unavailable);
        assert!(!failed.detail.contains("/var"), "{failed:?}");
        let failed = Problem::from(StoreError::Failed("no such table: contact".into()));
        assert_eq!(failed.kind, Kind::Fault);
        assert!(!failed.detail.contains("table"), "{failed:?}");
    }

    #[test]
    fn who_may_come_again_is_told_when() {
        for (error, status) in [
            (WriterError::Full, StatusCode::TOO_MANY_REQUESTS),
            (WriterError::Failed(String::new()), StatusCode::SERVICE_UNAVAILABLE),
            (WriterError::Ending, StatusCode::SERVICE_UNAVAILABLE),
        ] {
            let response = Problem::from(error).into_response();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[RETRY_AFTER], "1");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        }
    }
}
