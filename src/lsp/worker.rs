use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::desk::{Known, Read, Reading, Settled};

/// What the second thread is given.
pub(super) enum Job {
    /// Read a workspace from the disk.
    Read(Reading),
    /// Look at a workspace as a whole.
    Settle(Known),
    /// Let go of what is not needed any more: of a large workspace that takes longer than a keystroke may.
    Drop(Box<dyn Send>),
}

/// What the second thread has done.
pub(super) enum Done {
    Read(Box<Read>),
    Settled(Box<Settled>),
    /// Somebody went on typing while a workspace was looked at.
    Overtaken,
    /// A look at a workspace at a revision of it fell over, by a mistake of ours.
    Fallen {
        desk: usize,
        revision: u64,
    },
}

/// The thread that reads workspaces and looks at them as a whole, one after the other.
pub(super) struct Worker {
    jobs: Sender<Job>,
    pub(super) done: Receiver<Done>,
}

impl Worker {
    /// Starts the thread; it ends when the worker is dropped.
    pub(super) fn start() -> std::io::Result<Self> {
        let (jobs, given) = unbounded();
        let (answer, done) = bounded(1);
        thread::Builder::new().name("whole".to_owned()).spawn(move || {
            // When nobody hears what was done, nothing more has to be.
            let _ = given.into_iter().filter_map(Job::done).try_for_each(|done| answer.send(done));
        })?;
        Ok(Self { jobs, done })
    }

    pub(super) fn give(&self, job: Job) {
        // A thread that has ended does nothing more, and whoever types is not to suffer from it.
        let _ = self.jobs.send(job);
    }
}

impl Job {
    /// Does it. What falls over once would do so again: it is not tried before something changes.
    fn done(self) -> Option<Done> {
        match self {
            Job::Read(reading) => {
                let nothing = Read::nothing(reading.desk);
                let read = catch_unwind(AssertUnwindSafe(|| reading.read()));
                Some(Done::Read(Box::new(read.unwrap_or(nothing))))
            }
            Job::Settle(known) => {
                let (desk, revision) = (known.desk, known.revision);
                match catch_unwind(AssertUnwindSafe(|| known.settle())) {
                    Ok(Some(settled)) => Some(Done::Settled(Box::new(settled))),
                    Ok(None) => Some(Done::Overtaken),
                    Err(_) => Some(Done::Fallen { desk, revision }),
                }
            }
            Job::Drop(what) => {
                drop(what);
                None
            }
        }
    }
}
