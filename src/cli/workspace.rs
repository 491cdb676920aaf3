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
        let errors: Vec<&Finding> = workspace.errors().collect();
        if !errors.is_empty() {
            workspace.show(&errors);
            let count = finding::words::counted(errors.len(), "error");
            bail!("the workspace has {count}: mend what is shown above, `lotse check` shows it again");
        }
        Ok(workspace)
    }

    /// What keeps anything from being gone by.
    pub(super) fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity() == Severity::Error)
    }

    /// What is wrong with lotse.yaml alone.
    pub(super) fn errors_of_settings(&self) -> impl Iterator<Item = &Finding> {
        self.errors().filter(|finding| Some(finding.span.source) == self.files.config)
    }

    /// The settings, where lotse.yaml is there and without errors. What is broken in it counts as left out, and a
    /// database that is left out is an empty file: whoever stops everything there has stopped nothing.
    pub(super) fn settings(&self) -> anyhow::Result<&Config> {
        if self.files.config.is_none() {
            bail!("`{}` has no `lotse.yaml`, which says where the database is", self.dir.display());
        }
        let errors: Vec<&Finding> = self.errors_of_settings().collect();
        if !errors.is_empty() {
            self.show(&errors);
            let count = finding::words::counted(errors.len(), "error");
            bail!("lotse.yaml has {count}, and says where the database is: mend what is shown above first");
        }
        Ok(&self.config)
    }

    fn show(&self, findings: &[&Finding]) {
        for finding in findings {
            anstream::eprintln!("{}\n", render_human(finding, &self.files.sources, output::human_style()));
        }
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
    pub(super) async fn open_database(&self) -> anyhow::Result<Database> {
        let database = Database::open(self).await?;
        let steps = database.migrate().await.with_context(|| database.name())?;
        if steps > 0 {
            anstream::eprintln!("{} made ready", database.name());
        }
        Ok(database)
    }

    /// What is in it.
    pub(super) async fn open_store(&self) -> anyhow::Result<Arc<dyn Store>> {
        Ok(self.open_database().await?.store())
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
