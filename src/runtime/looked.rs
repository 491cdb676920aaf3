use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::{NextDue, StoreError};
use crate::time::Moment;

/// How long it is good for all who look whether anything is due that one of them has looked.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// What was due next when somebody of this process looked last.
///
/// Nothing is locked while the database is asked, so that whoever sets a moment never waits for whoever looks. What was
/// asked before a moment was set is not kept behind it.
#[derive(Debug, Default)]
pub(super) struct Looked(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// How often moments were set.
    generation: u64,
    found: Option<(Instant, NextDue)>,
}

impl Looked {
    /// What is due next: what was found a moment ago, where nothing of it is due yet, else what `ask` finds.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn next_due(
        &self,
        now: Moment,
        ask: impl Future<Output = Result<NextDue, StoreError>>,
    ) -> Result<NextDue, StoreError> {
        let generation = {
            let kept = self.kept();
            if let Some((at, next)) = kept.found
                && at.elapsed() < GOOD_FOR
                && is_later(&next, now)
            {
                return Ok(next);
            }
            kept.generation
        };
        let next = ask.await?;
        let mut kept = self.kept();
        if kept.generation == generation {
            kept.found = Some((Instant::now(), next));
        }
        Ok(next)
    }

    /// Moments were set, and are lasting: whoever asks next looks for themselves.
    pub(super) fn forget(&self) {
        let mut kept = self.kept();
        kept.generation += 1;
        kept.found = None;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nothing is due now.
fn is_later(next: &NextDue, now: Moment) -> bool {
    let NextDue { turns, mails, over_http, calls } = *next;
    [turns, mails, over_http, calls].into_iter().flatten().all(|next| next > now)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn at(second: i64) -> Moment {
        Moment::from_seconds(second)
    }

    fn mails_at(second: i64) -> NextDue {
        NextDue { mails: Some(at(second)), ..NextDue::default() }
    }

    /// What is found at that second where the database would say that, and whether it was asked.
    async fn find(looked: &Looked, now: i64, said: i64) -> (Option<Moment>, bool) {
        let asked = Cell::new(false);
        let ask = async {
            asked.set(true);
            Ok(mails_at(said))
        };
        let found = looked.next_due(at(now), ask).await.unwrap();
        (found.mails, asked.get())
    }

    #[tokio::test(start_paused = true)]
    async fn one_look_is_for_all_until_something_is_due_or_it_is_old() {
        let looked = Looked::default();
        assert_eq!(find(&looked, 0, 9).await, (Some(at(9)), true));
        assert_eq!(find(&looked, 8, 5).await, (Some(at(9)), false));
        assert_eq!(find(&looked, 9, 9).await, (Some(at(9)), true), "it is due");
        tokio::time::advance(GOOD_FOR).await;
        assert_eq!(find(&looked, 0, 7).await, (Some(at(7)), true), "it is old");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_before_a_moment_was_set_is_not_kept_behind_it() {
        let looked = Looked::default();
        find(&looked, 0, 9).await;
        looked.forget();
        assert_eq!(find(&looked, 0, 5).await, (Some(at(5)), true));
        looked.forget();
        // The answer is on its way when another moment is set, which waits for nobody.
        let ask = async {
            looked.forget();
            Ok(mails_at(9))
        };
        assert_eq!(looked.next_due(at(0), ask).await.unwrap(), mails_at(9));
        assert_eq!(find(&looked, 0, 2).await, (Some(at(2)), true));
    }
}
