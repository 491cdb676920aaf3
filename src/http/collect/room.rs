use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::BODY_BYTES_MAX;
use super::super::problem::{Kind, Problem};

/// How much is taken in at a time, in KiB: so much lies in memory until it is lasting, and what is read from it a few
/// times that.
const KIB_MAX: usize = 32 * 1024;

/// Room for what is being taken in, so that memory does not grow with what clients send.
pub(in crate::http) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(KIB_MAX)))
    }
}

impl Room {
    /// Takes as much room as a body needs, to be held until it is answered for; as much as a body can need where its
    /// length is not known.
    pub(super) fn take(&self, headers: &HeaderMap) -> Result<OwnedSemaphorePermit, Problem> {
        let length =
            headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let bytes = length.unwrap_or(BODY_BYTES_MAX).min(BODY_BYTES_MAX);
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.0).try_acquire_many_owned(kib);
        room.map_err(|_| Problem::new(Kind::Busy, "too much is being taken in: come back in a moment"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(length: Option<usize>) -> HeaderMap {
        length.map(|length| (CONTENT_LENGTH, length.into())).into_iter().collect()
    }

    #[test]
    fn room_is_limited_and_given_back() {
        let room = Room::default();
        let mut taken = Vec::new();
        while let Ok(some) = room.take(&headers(None)) {
            taken.push(some);
        }
        assert_eq!(taken.len(), KIB_MAX / (BODY_BYTES_MAX / 1024 + 1));
        // What is small fits in between.
        let small: Vec<_> = (0..20).map(|_| room.take(&headers(Some(300)))).collect();
        assert!(small.iter().all(Result::is_ok));
        taken.pop();
        // A length that is a lie takes no more than a body can have.
        assert!(room.take(&headers(Some(usize::MAX))).is_ok());
    }
}
