//! A file beside the database that tells whether it came from a backup.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use aws_lc_rs::rand;
use tokio::task::JoinHandle;

use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};
use crate::time::Moment;

/// How often the file follows the database.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// Which database ran here last, and how many messages and calls had left the house from it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    name: String,
    sent: u64,
}

/// Follows the database as long as the program runs.
pub(super) struct Marker {
    path: PathBuf,
    store: Arc<SqliteStore>,
    following: JoinHandle<()>,
}

impl Marker {
    /// Compares the database with what ran here last, has it hold everything where it came from elsewhere, and begins
    /// to follow it. Says why it is held.
    ///
    /// # Errors
    /// When the database or the file cannot be written.
    pub(super) async fn begin(
        store: Arc<SqliteStore>,
        now: Moment,
    ) -> anyhow::Result<(Self, Option<String>)> {
        let mut path = store.path().as_os_str().to_owned();
        path.push(".instance");
        let path = PathBuf::from(path);
        let last = fs::read_to_string(&path).ok().and_then(|text| Seen::from_text(&text));
        let (name, sent) = store.instance(&new_name()?).await?;
        let present = Seen { name, sent };
        let why = present.differs_from(last.as_ref(), &path);
        match &why {
            // The file stays as it is until somebody has looked: the next backup might be put there.
            Some(why) => {
                let mut unit = store.write().await?;
                unit.hold(why, now).await?;
                unit.commit().await?;
            }
            None => {
                present.write(&path).with_context(|| format!("`{}` cannot be written", path.display()))?;
            }
        }
        let following = tokio::spawn(follow(Arc::clone(&store), path.clone()));
        Ok((Self { path, store, following }, why))
    }

    /// Writes what the database says last.
    pub(super) async fn end(self) {
        self.following.abort();
        if let Ok(Some(present)) = present(&self.store).await {
            let _ = present.write(&self.path);
        }
    }
}

/// What the file should say; nothing while everything is held.
async fn present(store: &SqliteStore) -> Result<Option<Seen>, StoreError> {
    if store.read().await?.held().await?.is_some() {
        return Ok(None);
    }
    Ok(store.sent().await?.map(|(name, sent)| Seen { name, sent }))
}

async fn follow(store: Arc<SqliteStore>, path: PathBuf) {
    let mut written = None;
    loop {
        tokio::time::sleep(FOLLOW_EVERY).await;
        // A database that does not answer is told of elsewhere.
        let Ok(Some(present)) = present(&store).await else { continue };
        if written.as_ref() != Some(&present) {
            match present.write(&path) {
                Ok(()) => written = Some(present),
                Err(error) => tracing::warn!(%error, "the file that tells a backup cannot be written"),
            }
        }
    }
}

impl Seen {
    fn from_text(text: &str) -> Option<Self> {
        let (name, sent) = text.trim().split_once(' ')?;
        Some(Self { name: name.to_owned(), sent: sent.parse().ok()? })
    }

    /// Written beside and put into its place, so that it is whole whenever somebody reads it.
    fn write(&self, path: &Path) -> std::io::Result<()> {
        let beside = path.with_extension("instance.new");
        let mut file = File::create(&beside)?;
        writeln!(file, "{} {}", self.name, self.sent)?;
        file.sync_data()?;
        fs::rename(&beside, path)
    }

    /// Why this is not the database that ran here last.
    fn differs_from(&self, last: Option<&Self>, path: &Path) -> Option<String> {
        match last {
            // Nothing can go out twice where nothing went out.
            None if self.sent == 0 => None,
            None => Some(format!(
                "`{}` is not there, which would say that this database ran here last: it may come from a backup",
                path.display()
            )),
            Some(last) if last.name != self.name => {
                Some("another database ran here last: this one may come from a backup".to_owned())
            }
            Some(last) if last.sent > self.sent => Some(format!(
                "the database came from a backup: {} messages and calls went out since that it does not know of",
                last.sent - self.sent
            )),
            Some(_) => None,
        }
    }
}

fn new_name() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 8];
    rand::fill(&mut bytes).ok().context("the system gives no random numbers")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_known_again_and_one_from_a_backup_is_told() {
        let seen = |name: &str, sent| Seen { name: name.to_owned(), sent };
        let why = |present: &Seen, last: Option<&Seen>| present.differs_from(last, Path::new("a.instance"));
        assert_eq!(why(&seen("a", 7), Some(&seen("a", 7))), None);
        // It may lag a second behind.
        assert_eq!(why(&seen("a", 9), Some(&seen("a", 7))), None);
        assert_eq!(why(&seen("a", 0), None), None);
        for (present, last, words) in [
            (seen("a", 5), Some(seen("a", 7)), "2 messages and calls went out"),
            (seen("b", 9), Some(seen("a", 7)), "another database"),
            (seen("a", 5), None, "`a.instance` is not there"),
        ] {
            assert!(why(&present, last.as_ref()).is_some_and(|why| why.contains(words)), "{words}");
        }
        assert_eq!(Seen::from_text("a 7\n"), Some(seen("a", 7)));
        assert_eq!(Seen::from_text("a"), None);
    }
}
