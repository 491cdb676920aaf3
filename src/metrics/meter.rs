use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The upper bounds of the buckets of every histogram, in microseconds: from half a millisecond to ten minutes, which
/// is how long a mail server may think.
pub(super) const BOUNDS_MICROS: [u64; 14] = [
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    5_000_000,
    15_000_000,
    60_000_000,
    600_000_000,
];
/// How many sets of labels a family has at the most. What comes beyond is counted with the last: all labels are from
/// short lists, and a mistake must not eat the memory.
const SETS_MAX: usize = 2_000;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// What it has come to.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often something took how long.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How many fell into each bucket, and beyond the last bound.
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

impl Histogram {
    /// Notes one length of time, in microseconds. A clock that was set back makes it none.
    pub fn observe_micros(&self, micros: i64) {
        let micros = u64::try_from(micros).unwrap_or(0);
        let bucket = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many are in each bucket or one before it; the last is how many there are.
    pub(super) fn cumulated(&self) -> Vec<u64> {
        let mut sum = 0;
        let add = |bucket: &AtomicU64| {
            sum += bucket.load(Ordering::Relaxed);
            sum
        };
        self.buckets.iter().map(add).collect()
    }

    pub(super) fn sum_micros(&self) -> u64 {
        self.sum_micros.load(Ordering::Relaxed)
    }
}

/// One of a kind for each set of labels.
#[derive(Debug)]
pub struct Family<T, const N: usize>(RwLock<Vec<([String; N], Arc<T>)>>);

impl<T, const N: usize> Default for Family<T, N> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Default, const N: usize> Family<T, N> {
    /// The one of these labels, which begins at zero.
    pub fn of(&self, labels: [&str; N]) -> Arc<T> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Ok(at) = place(&known, labels)
            && let Some((_, one)) = known.get(at)
        {
            return Arc::clone(one);
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match place(&known, labels) {
            Ok(at) => known.get(at).map(|(_, one)| Arc::clone(one)).unwrap_or_default(),
            Err(_) if known.len() >= SETS_MAX => {
                known.last().map(|(_, one)| Arc::clone(one)).unwrap_or_default()
            }
            Err(at) => {
                let one = Arc::new(T::default());
                known.insert(at, (labels.map(str::to_owned), Arc::clone(&one)));
                one
            }
        }
    }

    /// All of them, in the order of their labels.
    pub(super) fn all(&self) -> Vec<([String; N], Arc<T>)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn place<T, const N: usize>(known: &[([String; N], T)], labels: [&str; N]) -> Result<usize, usize> {
    known.binary_search_by(|(have, _)| have.iter().map(String::as_str).cmp(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fall_into_their_buckets() {
        let histogram = Histogram::default();
        for micros in [-5, 500, 501, 600_000_000, 600_000_001] {
            histogram.observe_micros(micros);
        }
        let cumulated = histogram.cumulated();
        assert_eq!(cumulated[..3], [2, 3, 3]);
        assert_eq!(cumulated[12..], [3, 4, 5]);
        assert_eq!(histogram.sum_micros(), 1_200_001_002);
    }

    #[test]
    fn a_family_has_one_for_each_set_of_labels_and_not_too_many() {
        let family: Family<Counter, 2> = Family::default();
        family.of(["b", "x"]).add(2);
        family.of(["a", "y"]).add(1);
        family.of(["b", "x"]).add(3);
        let all: Vec<_> =
            family.all().into_iter().map(|(labels, one)| (labels.concat(), one.get())).collect();
        assert_eq!(all, [("ay".to_owned(), 1), ("bx".to_owned(), 5)]);
        for number in 0..2 * SETS_MAX {
            family.of(["n", &number.to_string()]).add(1);
        }
        assert_eq!(family.all().len(), SETS_MAX);
    }
}
