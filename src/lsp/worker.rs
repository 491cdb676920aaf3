use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::desk::{Known, Settled};

/// What the second thread is given.
pub(super) enum Job {
    /// Look at a workspace as a whole.
    Settle(Known),
    /// Let go of what is not needed any more: of a large workspace that takes longer than a keystroke may.
    Drop(Box<Settled>),
}

/// A look at the whole that fell over, by a mistake of ours.
pub(super) struct Fallen {
    pub(super) folder: PathBuf,
    pub(super) revision: u64,
}

/// The thread that looks at whole workspaces, one after the other.
pub(super) struct Worker {
    jobs: Sender<Job>,
    /// What it has looked at.
    pub(super) settled: Receiver<Result<Box<Settled>, Fallen>>,
}

impl Worker {
    /// Starts the thread; it ends when the worker is dropped.
    pub(super) fn start() -> std::io::Result<Self> {
        let (jobs, given) = unbounded();
        let (answer, settled) = bounded(1);
        thread::Builder::new().name("whole".to_owned()).spawn(move || {
            for job in given {
                match job {
                    Job::Settle(known) => {
                        let (folder, revision) = (known.folder.clone(), known.revision);
                        // What falls over once does so again: it is not tried before something changes.
                        let settled = catch_unwind(AssertUnwindSafe(|| Box::new(known.settle())));
                        if answer.send(settled.map_err(|_| Fallen { folder, revision })).is_err() {
                            return;
                        }
                    }
                    Job::Drop(settled) => drop(settled),
                }
            }
        })?;
        Ok(Self { jobs, settled })
    }

    pub(super) fn give(&self, job: Job) {
        // A thread that has ended does nothing more, and whoever types is not to suffer from it.
        let _ = self.jobs.send(job);
    }
}
