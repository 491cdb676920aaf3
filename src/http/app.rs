use std::ops::Deref;
use std::sync::Arc;

use super::access::Doors;
use super::collect::Room;
use super::metrics::Looked;
use crate::runtime::{Flow, Letters, Outbound, Runtime, Stamps, Writer};
use crate::time::{Clock, Moment};

/// What requests are answered from. Clones share it.
///
/// It holds a [`Writer`], so [`Works::end`](crate::runtime::Works::end) waits until the last clone is dropped.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    pub(super) runtime: Arc<Runtime>,
    pub(super) writer: Writer,
    pub(super) flow: Arc<Flow>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) clock: Arc<dyn Clock>,
    /// Writes mails anew, for those who read them in a browser.
    pub(super) letters: Letters,
    pub(super) doors: Doors,
    pub(super) room: Room,
    pub(super) looked: Looked,
    pub(super) started_at: Moment,
    stamps: Stamps,
}

impl App {
    /// Answers from what the runtime keeps; `outbound` reads the tokens in links.
    pub fn new(
        runtime: Arc<Runtime>,
        writer: Writer,
        flow: Arc<Flow>,
        outbound: Arc<Outbound>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let letters = Letters::new(Arc::clone(&outbound), runtime.zone().clone());
        let started_at = clock.now();
        Self(Arc::new(Parts {
            runtime,
            writer,
            flow,
            outbound,
            clock,
            letters,
            doors: Doors::default(),
            room: Room::default(),
            looked: Looked::default(),
            started_at,
            stamps: Stamps::default(),
        }))
    }

    /// A moment for what comes in now; no two are the same.
    pub(super) fn stamp(&self) -> Moment {
        self.stamps.next(&*self.clock)
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
