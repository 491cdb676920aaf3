use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use super::database::Database;
use super::output;
use crate::config::{self, Config, ProcessEnvironment};
use crate::finding::{self, Base, Finding, Severity, render_human};
use crate::language::check::{Checked, Deployment, check};
use crate::source::WorkspaceFiles;
use crate::store::Store;

/// A workspace, read and checked.
pub(super) struct Workspace {
    /// Where it is.
    pub(super) dir: PathBuf,
    /// Its files.
    pub(super) files: WorkspaceFiles,
    /// Its lotse.yaml.
    pub(super) config: Config,
    /// What checking gave.
    pub(super) checked: Checked,
    /// Everything that is wrong, in lotse.yaml too.
    pub(super) findings: Vec<Finding>,
}

impl Workspace {
    /// Reads and checks a workspace. What is wrong in it is in its findings.
    pub(super) fn load(dir: &Path) -> anyhow::Result<Self> {
        let files = WorkspaceFiles::read(dir)?;
        Ok(Self::of(dir, files))
    }

    fn of(dir: &Path, files: WorkspaceFiles) -> Self {
        let (config, mut findings) = config::read(&files);
        let deployment = files.config.and_then(|_| Deployment::of(&config));
        let checked = check(&files, deployment.as_ref());
        findings.extend(checked.findings.iter().cloned());
        finding::sort(&mut findings);
        Self { dir: dir.to_owned(), files, config, checked, findings }
    }

    /// The same, where errors keep a command from doing anything: they are shown then.
    pub(super) fn load_sound(dir: &Path) -> anyhow::Result<Self> {
        let workspace = Self::load(dir)?;
        let errors: Vec<&Finding> =
            workspace.findings.iter().filter(|finding| finding.severity() == Severity::Error).collect();
        for finding in &errors {
            anstream::eprintln!(
                "{}\n",
                render_human(finding, &workspace.files.sources, output::human_style())
            );
        }
        if !errors.is_empty() {
            let count = finding::words::counted(errors.len(), "error");
            bail!("the workspace has {count}: mend what is shown above, `lotse check` shows it again");
        }
        Ok(workspace)
    }

    /// Where it lies as seen from here; one that is not below stands for itself.
    pub(super) fn seen_from_here(&self) -> Base {
        let here = std::env::current_dir().and_then(|here| here.canonicalize());
        let (Ok(here), Ok(dir)) = (here, self.dir.canonicalize()) else { return Base::default() };
        let (root, below) = match dir.strip_prefix(&here) {
            Ok(below) => (&here, below),
            Err(_) => (&dir, Path::new("")),
        };
        let folders = below.components().map(|folder| format!("{}/", folder.as_os_str().to_string_lossy()));
        Base { folder: folders.collect(), root: url::Url::from_directory_path(root).ok().map(String::from) }
    }

    /// Where secrets come from.
    pub(super) fn environment(&self) -> ProcessEnvironment {
        ProcessEnvironment::new(&self.dir)
    }

    /// Opens the database of lotse.yaml, its tables up to date.
    pub(super) async fn open_store(&self) -> anyhow::Result<Arc<dyn Store>> {
        let database = Database::open(self).await?;
        let steps = database.migrate().await?;
        if steps > 0 {
            anstream::eprintln!("{} made ready", database.name());
        }
        Ok(database.store())
    }
}

/// Runs what waits for the database or the network.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the machine gives no threads")?
        .block_on(work)
}
