use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use super::DemoError;
use super::chance::secret;

/// A folder for as long as this lives, that nobody else can look into.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Result<Self, DemoError> {
        let path = std::env::temp_dir().join(format!("lotse-demo-{}", secret()?));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(DemoError::Folder)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "the folder of the demonstration is left behind");
        }
    }
}
