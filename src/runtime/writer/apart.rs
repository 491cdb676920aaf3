use std::collections::BTreeSet;

use tokio::sync::oneshot;

use super::super::Runtime;
use super::{Done, Job, WriterError};
use crate::store::{Arrival, Intake, StoreError};

/// Takes jobs apart that cannot be written together, for something in them can never be: in two halves, and of what came
/// in together that which can be taken.
///
/// # Errors
/// The job itself, where nothing is left to be taken apart.
pub(super) async fn take(runtime: &Runtime, mut jobs: Vec<Job>) -> Result<Vec<Vec<Job>>, Vec<Job>> {
    if jobs.len() > 1 {
        let behind = jobs.split_off(jobs.len() / 2);
        return Ok(vec![jobs, behind]);
    }
    let Some(Job::Arrive { mut arrivals, quarantine, at, done }) = jobs.pop_if(is_arrival) else {
        return Err(jobs);
    };
    let aside = unreadable(runtime, &arrivals).await;
    if aside.is_empty() {
        return Err(vec![Job::Arrive { arrivals, quarantine, at, done }]);
    }
    let done = with_gaps(arrivals.len(), aside.clone(), done);
    let mut index = 0..;
    arrivals.retain(|_| index.next().is_none_or(|index| !aside.contains(&index)));
    Ok(vec![vec![Job::Arrive { arrivals, quarantine, at, done }]])
}

fn is_arrival(job: &mut Job) -> bool {
    matches!(job, Job::Arrive { .. })
}

/// Which arrivals name somebody of whom what is stored cannot be read. Nothing is changed.
async fn unreadable(runtime: &Runtime, arrivals: &[Arrival]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut parts = vec![(0, arrivals.len())];
    while let Some((first, end)) = parts.pop() {
        let Some(some) = arrivals.get(first..end).filter(|some| !some.is_empty()) else { continue };
        let Ok(mut unit) = runtime.store().write().await else { return BTreeSet::new() };
        if !matches!(unit.take_in(some.to_vec()).await, Err(StoreError::Damaged { .. })) {
            continue;
        }
        if some.len() == 1 {
            found.insert(first);
        } else {
            let middle = first + some.len() / 2;
            parts.extend([(first, middle), (middle, end)]);
        }
    }
    found
}

/// Passes on what is answered for all but those that are left out.
fn with_gaps(
    count: usize,
    left_out: BTreeSet<usize>,
    done: Done<Vec<Option<Intake>>>,
) -> Done<Vec<Option<Intake>>> {
    let (sender, answer) = oneshot::channel();
    tokio::spawn(async move {
        let answer = answer.await.unwrap_or(Err(WriterError::Ending)).map(|taken: Vec<Option<Intake>>| {
            let mut taken = taken.into_iter();
            let each = |index| if left_out.contains(&index) { None } else { taken.next().flatten() };
            (0..count).map(each).collect()
        });
        let _ = done.send(answer);
    });
    sender
}
