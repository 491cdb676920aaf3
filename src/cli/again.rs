use std::time::Duration;

use crate::runtime::DeployError;
use crate::store::{Store, StoreError};
use crate::time::{Clock, SystemClock};

/// How often a unit of work is done at the most.
const TIMES: u32 = 6;
/// How long it is waited in between at the most, in microseconds: longer each time, and not for all alike.
const WAIT_MICROS: u64 = 50_000;

/// Does a unit of work, and does it again from its beginning where processes at work on the same database were in its
/// way: PostgreSQL sets those going that wait for each other by ending one of them, and nothing is wrong with what that
/// one did. Nothing of it may be lasting before its last step.
///
/// # Errors
/// Those of the work.
pub(super) async fn again<T>(
    store: &dyn Store,
    mut work: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    for time in 1..TIMES {
        match work().await {
            Err(error) if store.is_shared() && was_in_the_way(&error) => {
                let most = WAIT_MICROS * u64::from(time);
                let wait = SystemClock.now().micros().unsigned_abs() % most;
                tokio::time::sleep(Duration::from_micros(wait)).await;
            }
            done => return done,
        }
    }
    work().await
}

/// Whether it failed for what another process did meanwhile.
fn was_in_the_way(error: &anyhow::Error) -> bool {
    let deploying = match error.downcast_ref() {
        Some(DeployError::Store(error)) => Some(error),
        _ => None,
    };
    matches!(deploying.or(error.downcast_ref()), Some(StoreError::Busy | StoreError::Overtaken))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;

    #[test]
    fn only_what_others_did_meanwhile_is_in_the_way() {
        for (error, is_so) in [
            (anyhow::Error::from(StoreError::Busy), true),
            (StoreError::Overtaken.into(), true),
            (DeployError::from(StoreError::Busy).into(), true),
            (DeployError::NoPlan("j".to_owned()).into(), false),
            (StoreError::DiskFull.into(), false),
            (anyhow::anyhow!("there is no contact"), false),
        ] {
            assert_eq!(was_in_the_way(&error), is_so, "{error}");
        }
    }

    #[tokio::test]
    async fn where_nobody_else_is_at_work_it_is_done_once() {
        let mut times = 0;
        let done: anyhow::Result<()> = again(&MemoryStore::new(), async || {
            times += 1;
            Err(StoreError::Busy.into())
        })
        .await;
        assert_eq!((done.is_err(), times), (true, 1));
    }
}
