use std::slice;
use std::time::Duration;

use tokio::time::Instant;

use super::job::Job;
use super::{Desk, apply};
use crate::store::StoreError;
use crate::time::Moment;

/// How long it is waited before a job is tried again alone, at first and at the most: somebody must mend something.
const FIRST: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_secs(15 * 60);
/// How many there are at the most, beyond what nobody but us knows of.
const ALONE_MAX: usize = 1_024;

/// Jobs that cannot be written while everything else can be, and must not be lost. Each is tried by itself, less often
/// each time, so that it costs others one transaction now and then.
#[derive(Default)]
pub(super) struct Alone(Vec<One>);

/// A job that is tried alone.
struct One {
    job: Job,
    wait: Duration,
    next: Instant,
    why: String,
}

impl Alone {
    /// A job has just failed, for itself is to blame. Where there are too many, a look at a mail is forgotten.
    fn put(&mut self, job: Job, error: &StoreError) {
        if self.0.len() < ALONE_MAX || !job.can_be_forgotten() {
            let why = error.to_string();
            self.0.push(One { job, wait: FIRST, next: Instant::now() + FIRST, why });
        }
    }

    /// When the next is to be tried.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|one| one.next).min()
    }

    /// The next to be tried.
    fn take(&mut self) -> Option<One> {
        let (index, _) = self.0.iter().enumerate().min_by_key(|(_, one)| one.next)?;
        Some(self.0.remove(index))
    }

    /// It has failed again.
    fn put_back(&mut self, one: One, error: &StoreError) {
        let wait = (one.wait * 2).min(MOST);
        self.0.push(One { wait, next: Instant::now() + wait, why: error.to_string(), ..one });
    }

    /// One of them could be written: what kept the others from it may be gone too.
    fn hurry(&mut self) {
        let soon = Instant::now() + FIRST;
        self.0.iter_mut().for_each(|one| one.next = one.next.min(soon));
    }

    /// What there is, in words; nothing where there is none.
    fn told(&self) -> Option<String> {
        let first = self.0.first()?;
        let more = match self.0.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Some(format!("{}: {}{more}", first.job.what(), first.why))
    }
}

impl Desk {
    /// A job that cannot be written whatever else is done: what nobody else knows of is tried alone from now on, so that
    /// it fails nobody else's writing. Tells whether whoever asked was told that nothing was written.
    pub(super) fn singled_out(&mut self, jobs: Vec<Job>, now: Moment, error: &StoreError) -> bool {
        let (kept, others): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(Job::is_kept);
        for job in kept {
            self.runtime.metrics().commit_failures.add(1);
            let what = job.what();
            tracing::error!(
                what, %error,
                "this cannot be written, and everything else can: it is kept and tried again by itself; look at what the \
                error names with `lotse audit --verify`, and end the program only when it is mended, for it knows this alone"
            );
            self.alone.put(job, error);
        }
        self.flow.pulse.unwritten(self.alone.told());
        let is_refused = !others.is_empty();
        if is_refused {
            self.refused(others, now, error);
        }
        is_refused
    }

    /// Tries what is to be tried alone, the next of it.
    pub(super) async fn try_alone(&mut self) {
        let Some(one) = self.alone.take() else { return };
        let now = self.clock.now();
        match apply(&self.runtime, slice::from_ref(&one.job), &self.recent, now).await {
            Ok(answers) => {
                tracing::info!(what = one.job.what(), "what could not be written is written");
                self.wrote(vec![one.job], answers, now);
                self.alone.hurry();
            }
            Err(error) => {
                self.runtime.metrics().commit_failures.add(1);
                self.alone.put_back(one, &error);
            }
        }
        self.flow.pulse.unwritten(self.alone.told());
    }

    /// Nobody gives anything any more: what is left is tried a last time.
    pub(super) async fn end(&mut self) {
        for one in std::mem::take(&mut self.alone).0 {
            let now = self.clock.now();
            if let Err(error) = apply(&self.runtime, slice::from_ref(&one.job), &self.recent, now).await {
                let what = one.job.what();
                tracing::error!(what, %error, "this is not written down, and the program ends");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ContactId, MessageId};
    use crate::store::MessageKey;

    fn given_back() -> Job {
        Job::GiveBack { message: MessageKey { contact: ContactId::default(), id: MessageId::default() } }
    }

    fn failed(why: &str) -> StoreError {
        StoreError::Failed(why.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_again_less_often_each_time() {
        let begun = Instant::now();
        let mut alone = Alone::default();
        assert_eq!((alone.next(), alone.told()), (None, None));
        alone.put(given_back(), &failed("no"));
        let mut waits = Vec::new();
        for _ in 0..9 {
            let next = alone.next().unwrap();
            waits.push((next - Instant::now()).as_secs());
            tokio::time::sleep_until(next).await;
            let one = alone.take().unwrap();
            assert!(alone.take().is_none());
            alone.put_back(one, &failed("not now"));
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 900, 900]);
        assert!(Instant::now() > begun + MOST);
        assert!(alone.told().unwrap().ends_with(": the database failed: not now"), "{:?}", alone.told());
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_be_written_gives_hope_for_the_rest() {
        let mut alone = Alone::default();
        (0..3).for_each(|_| alone.put(given_back(), &failed("no")));
        assert!(alone.told().unwrap().ends_with(", and 2 more"), "{:?}", alone.told());
        for _ in 0..3 {
            let one = alone.take().unwrap();
            alone.put_back(one, &failed("no"));
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        alone.take().unwrap();
        alone.hurry();
        assert_eq!(alone.next(), Some(Instant::now() + FIRST));
        assert_eq!(alone.0.len(), 2);
    }
}
